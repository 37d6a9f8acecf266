
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_download.h"
#include "ngx_http_glance_reader.h"


static void ngx_http_glance_download_nothing(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_download_try(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_download_place(ngx_http_glance_ctx_t *ctx,
    ngx_str_t *url);
static ngx_int_t ngx_http_glance_download_open(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *url);
static void ngx_http_glance_download_opened(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static ngx_uint_t ngx_http_glance_download_good(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_download_failed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_download_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/*
 * Sends the data of ctx->image, with the headers of the dialect: from the
 * first of its locations that has them.
 */

void
ngx_http_glance_download(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    if (ctx->image.location.len == 0 && ctx->image.size == 0) {
        ngx_http_glance_download_nothing(r, ctx);
        return;
    }

    r->connection->log->action = "sending image to client";

    ngx_http_glance_download_try(r, ctx);
}


static void
ngx_http_glance_download_try(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_str_t  *url;

    for ( ;; ) {
        url = ngx_palloc(r->pool, sizeof(ngx_str_t));
        if (url == NULL) {
            ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        if (ngx_http_glance_download_place(ctx, url) != NGX_OK) {
            ngx_http_glance_download_failed(r, ctx);
            return;
        }

        rc = ngx_http_glance_download_open(r, ctx, url);

        if (rc == NGX_AGAIN) {
            return;
        }

        if (ngx_http_glance_download_good(r, ctx, rc)) {
            ngx_http_glance_download_send(r, ctx);
            return;
        }
    }
}


/* the first is the one that every registry tells */

static ngx_int_t
ngx_http_glance_download_place(ngx_http_glance_ctx_t *ctx, ngx_str_t *url)
{
    json_t      *list, *place, *value;
    const char  *status;

    if (ctx->place == 0) {
        ctx->place = 1;
        *url = ctx->image.location;
        return NGX_OK;
    }

    list = json_object_get(ctx->image.root, "location_data");

    while (ctx->place <= json_array_size(list)) {

        place = json_array_get(list, ctx->place - 1);
        ctx->place++;

        value = json_object_get(place, "url");
        status = json_string_value(json_object_get(place, "status"));

        url->data = (u_char *) json_string_value(value);
        url->len = json_string_length(value);

        if (url->len == 0
            || (status && ngx_strcmp(status, "active") != 0)
            || (url->len == ctx->image.location.len
                && ngx_strncmp(url->data, ctx->image.location.data, url->len)
                   == 0))
        {
            continue;
        }

        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_glance_download_open(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *url)
{
    ngx_http_glance_store_t     *store;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (ctx->handle && ctx->handle->reader) {
        ngx_http_glance_reader_close(ctx->handle->reader);
    }

    ctx->handle = NULL;

    store = ngx_http_glance_store_locate(glcf, url);

    if (store == NULL) {
        return NGX_DECLINED;
    }

    ctx->store = store;

    h = ngx_http_glance_store_handle(r, ctx, store, &ctx->image.id,
                                     ngx_http_glance_download_opened);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    h->ranges = ctx->route->dialect->conditions || ctx->ranged;

    return store->open(r, ctx, h, url, ctx->image.size);
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


static void
ngx_http_glance_download_opened(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    if (ngx_http_glance_download_good(r, ctx, rc)) {
        ngx_http_glance_download_send(r, ctx);
        return;
    }

    ngx_http_glance_download_try(r, ctx);
}


/*
 * A reader never gets wrong bytes with 200: what has not the recorded size is
 * not sent at all.  Of several failures the one is told that may be over soon.
 */

static ngx_uint_t
ngx_http_glance_download_good(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    const char                *error;
    ngx_http_glance_handle_t  *h;

    h = ctx->handle;
    error = (h && h->error) ? h->error : "The store failed";

    if (rc == NGX_OK && h->size == ctx->image.size) {
        return 1;
    }

    if (rc == NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "image \"%V\" has %O bytes in its store, but %O on "
                      "record", &ctx->image.id, h->size, ctx->image.size);

        error = "The data are damaged";
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else if (rc == NGX_DECLINED) {
        error = "The data are in a store that this server does not have";
    }

    if (rc > ctx->place_rc || ctx->place_error == NULL) {
        ctx->place_rc = rc;
        ctx->place_error = error;
    }

    return 0;
}


static void
ngx_http_glance_download_failed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ctx->place_rc == NGX_HTTP_NOT_FOUND && ctx->v2) {

        /* as Glance has it; the reader sees that these are not the data */

        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "the data of image \"%V\" are lost", &ctx->image.id);

        ngx_http_glance_v2_nothing(r, ctx);
        return;
    }

    ngx_http_glance_fault(r, ctx, (ctx->place_rc == NGX_DECLINED)
                                  ? NGX_HTTP_NOT_FOUND : ctx->place_rc,
                          "%s: image %V", ctx->place_error, &ctx->image.id);
}


static void
ngx_http_glance_download_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_handle_t  *h;

    h = ctx->handle;

#if (NGX_HTTP_GZIP)

    /* whatever "gzip_types" says: the length is that of the image */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

#endif

    if (ctx->route->dialect->conditions) {
        r->headers_out.last_modified_time = h->mtime;
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

    ngx_http_glance_store_send(r, ctx, h);
}
