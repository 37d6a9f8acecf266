
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_download.h"
#include "ngx_http_glance_store.h"


static void ngx_http_glance_download_nothing(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_download_opened(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_download_sent(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);


/* sends the data of ctx->image, with the headers of the dialect */

void
ngx_http_glance_download(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_http_glance_store_t     *store;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (ctx->image.location.len == 0 && ctx->image.size == 0) {
        ngx_http_glance_download_nothing(r, ctx);
        return;
    }

    store = ngx_http_glance_store_locate(glcf, &ctx->image.location);

    if (store == NULL) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND,
                              "The data of image %V are in a store that this "
                              "server does not have", &ctx->image.id);
        return;
    }

    ctx->store = store;

    h = ngx_http_glance_store_handle(r, ctx, store, &ctx->image.id,
                                     ngx_http_glance_download_opened);
    if (h == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    h->ranges = ctx->route->dialect->conditions || ctx->ranged;

    r->connection->log->action = "sending image to client";

    rc = store->open(r, ctx, h, &ctx->image.location, ctx->image.size);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_download_opened(r, ctx, rc);
    }
}


/* an image that was created with size 0 has no data anywhere */

static void
ngx_http_glance_download_nothing(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  empty;

    if (ctx->route->dialect->headers(r, ctx) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_str_null(&empty);

    ngx_http_glance_send(r, ctx, NGX_HTTP_OK, "application/octet-stream",
                         &empty);
}


/*
 * A reader never gets wrong bytes with 200: what has not the recorded size is
 * not sent at all.
 */

static void
ngx_http_glance_download_opened(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_glance_handle_t  *h;

    h = ctx->handle;

    if (rc == NGX_HTTP_NOT_FOUND && ctx->v2) {

        /* as Glance has it; the reader sees that these are not the data */

        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "the data of image \"%V\" are lost", &ctx->image.id);

        ngx_http_glance_v2_nothing(r, ctx);
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_glance_fault(r, ctx, rc, "%s: image %V",
                              h->error ? h->error : "The store failed",
                              &ctx->image.id);
        return;
    }

    if (h->size != ctx->image.size) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "image \"%V\" has %O bytes in its store, but %O on "
                      "record", &ctx->image.id, h->size, ctx->image.size);

        ngx_http_glance_fault(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                              "The data of image %V are damaged",
                              &ctx->image.id);
        return;
    }

#if (NGX_HTTP_GZIP)

    /* whatever "gzip_types" says: the length is that of the image */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

#endif

    if (ctx->route->dialect->conditions) {
        r->headers_out.last_modified_time = h->mtime;

    } else {
        r->disable_not_modified = 1;
    }

    if (h->ranges) {
        r->headers_out.content_offset = h->offset;
        r->allow_ranges = 1;

        /* a stream has no two ranges; a file has */

        r->single_range = (h->reader != NULL);
    }

    if ((!ctx->v2 && ngx_http_glance_add_etag(r, ctx) != NGX_OK)
        || ctx->route->dialect->headers(r, ctx) != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    rc = ngx_http_glance_send_header(r, ctx, NGX_HTTP_OK,
                                     "application/octet-stream", h->size);

    if (rc == NGX_DONE) {
        rc = NGX_OK;

    } else if (rc == NGX_OK) {
        h->done = ngx_http_glance_download_sent;

        rc = ctx->store->send(r, ctx, h, h->size);

        if (rc == NGX_DONE) {
            return;
        }
    }

    ngx_http_glance_finalize(r, ctx, rc);
}


static void
ngx_http_glance_download_sent(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_glance_finalize(r, ctx, rc);
}
