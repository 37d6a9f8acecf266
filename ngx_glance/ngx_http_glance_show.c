
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_download.h"


static void ngx_http_glance_head_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_get_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


void
ngx_http_glance_head(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                   ngx_http_glance_head_record);
}


void
ngx_http_glance_get(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                   ngx_http_glance_get_record);
}


/* zero: the client has got its answer */

ngx_uint_t
ngx_http_glance_show_record(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t deleted)
{
    if (ctx->call.status != NGX_HTTP_OK) {
        ngx_http_glance_fault_call(r, ctx);
        return 0;
    }

    if (ngx_http_glance_record_parse(r, ctx) != NGX_OK) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_GATEWAY,
                              "The registry sent a malformed record");
        return 0;
    }

    /* to administrators registries show deleted images too */

    if ((ctx->image.deleted || ctx->image.status == GLANCE_STATUS_DELETED
         || (ctx->v2 && ctx->image.status == GLANCE_STATUS_PENDING_DELETE))
        && !(deleted && ctx->admin))
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND,
                              ctx->v2 ? "No image found with ID %V"
                                      : "Image with identifier %V not found",
                              &ctx->image_id);
        return 0;
    }

    return 1;
}


static void
ngx_http_glance_head_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    off_t      length;
    ngx_int_t  rc;

    if (!ngx_http_glance_show_record(r, ctx, ctx->route->dialect->deleted)) {
        return;
    }

    if (ctx->route->dialect->headers(r, ctx) != NGX_OK
        || ngx_http_glance_add_etag(r, ctx) != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    length = ctx->image.size;

    if (ctx->route->dialect->head_empty
        || ctx->image.status != GLANCE_STATUS_ACTIVE)
    {
        length = 0;
    }

    rc = ngx_http_glance_send_header(r, ctx, NGX_HTTP_OK,
                                     "application/octet-stream", length);

    ngx_http_glance_finalize(r, ctx, (rc == NGX_DONE) ? NGX_OK : rc);
}


static void
ngx_http_glance_get_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (!ngx_http_glance_show_record(r, ctx, ctx->route->dialect->deleted)) {
        return;
    }

    if (ctx->image.status == GLANCE_STATUS_DEACTIVATED) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                              "Image %V is deactivated", &ctx->image_id);
        return;
    }

    if (ctx->image.status != GLANCE_STATUS_ACTIVE) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND,
                              "Image %V is not active", &ctx->image_id);
        return;
    }

    ngx_http_glance_download(r, ctx);
}


/* where the client finds ctx->image in its dialect */

ngx_int_t
ngx_http_glance_image_uri(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_str_t *base, ngx_str_t *uri)
{
    const ngx_str_t  *path;

    path = &ctx->route->dialect->path;

    uri->len = base->len + path->len + 1 + ctx->image.id.len;

    uri->data = ngx_pnalloc(r->pool, uri->len);
    if (uri->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(uri->data, "%V%V/%V", base, path, &ctx->image.id);

    return NGX_OK;
}
