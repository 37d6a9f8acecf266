
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_store.h"


static void ngx_http_glance_location_found(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);


/*
 * The data that x-image-meta-location names are looked at, before anything is
 * recorded of them: their size is that of the image (specs/v1.md 2.8).  Goes
 * on with next(r, ctx) when ctx->meta.size has it.
 */

void
ngx_http_glance_location(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_step_pt next)
{
    ngx_int_t                    rc;
    ngx_str_t                   *url;
    ngx_http_glance_store_t     *store;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    url = &ctx->meta.field[GLANCE_META_LOCATION];

    /* it was checked with the other fields that there is one */

    store = ngx_http_glance_store_locate(glcf, url);

    h = ngx_http_glance_store_handle(r, ctx, store, &ctx->image_id,
                                     ngx_http_glance_location_found);

    if (h == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->location_next = next;

    rc = store->probe(r, ctx, h, url);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_location_found(r, ctx, rc);
    }
}


static void
ngx_http_glance_location_found(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    off_t                        size, given;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    h = ctx->handle;
    ctx->handle = NULL;

    if (rc != NGX_OK) {
        ngx_http_glance_fault(r, ctx, rc, "x-image-meta-location %s",
                              h->error);
        return;
    }

    given = ctx->meta.size;

    /* what was announced when the image was reserved counts as well */

    if (given < 0 && ctx->image.size > 0) {
        given = ctx->image.size;
    }

    size = (h->size < 0) ? given : h->size;

    if (size < 0) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-size is needed: the server of "
                              "x-image-meta-location does not tell the size");
        return;
    }

    if (given >= 0 && given != size) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_CONFLICT,
                              "x-image-meta-size is %O, but the data of "
                              "x-image-meta-location have %O bytes", given,
                              size);
        return;
    }

    if (size > glcf->image_size_cap) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The data of x-image-meta-location exceed the "
                              "limit of %O bytes", glcf->image_size_cap);
        return;
    }

    ctx->meta.size = size;

    ctx->location_next(r, ctx);
}
