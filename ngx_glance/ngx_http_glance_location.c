
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_store.h"


#define NGX_HTTP_GLANCE_URL_MAX  2048       /* bytes */


static ngx_http_glance_store_t *ngx_http_glance_location_store(
    ngx_http_request_t *r, ngx_str_t *url, ngx_uint_t copy);
static void ngx_http_glance_location_found(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_location_copied(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, off_t size);


/*
 * Only stores that let clients name their data, of ours nothing.  The data of
 * Swift and S3 need credentials: with those of the service everybody could
 * read what is everybody else's.
 */

const char *
ngx_http_glance_location_check(ngx_http_request_t *r, ngx_str_t *url,
    ngx_uint_t copy)
{
    glance_str_t              text;
    glance_uri_t              uri;
    ngx_http_glance_store_t  *store;

    if (url->len > NGX_HTTP_GLANCE_URL_MAX) {
        return "is too long";
    }

    text.data = url->data;
    text.len = url->len;

    store = ngx_http_glance_location_store(r, url, copy);

    if (store == NULL || store->probe == NULL
        || !glance_uri_parse(text, &uri) || uri.host.len == 0)
    {
        return "must be a URL of http, https, swift or s3, and this server "
               "must have such a store";
    }

    if (uri.scheme == GLANCE_SCHEME_HTTP) {

        if ((uri.user.len || uri.has_password) && !copy) {
            return "must be without user and password";
        }

        return NULL;
    }

    if (glance_str_case_eq(uri.name, glance_str("swift+config"))) {
        return "must not be of an account of this server";
    }

    if (uri.user.len == 0 || uri.password.len == 0) {
        return "must have the user and key of its store";
    }

    if (ngx_strlchr(url->data, url->data + url->len, '#')
        || ngx_strlchr(url->data, url->data + url->len, '?'))
    {
        return "must not have \"?\" or \"#\"";
    }

    return NULL;
}


/* copies of http need no store: glance-worker reads them by itself */

static ngx_http_glance_store_t *
ngx_http_glance_location_store(ngx_http_request_t *r, ngx_str_t *url,
    ngx_uint_t copy)
{
    glance_str_t                 text;
    glance_uri_t                 uri;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    text.data = url->data;
    text.len = url->len;

    if (copy && glance_uri_parse(text, &uri)
        && uri.scheme == GLANCE_SCHEME_HTTP)
    {
        return &ngx_http_glance_store_http;
    }

    return ngx_http_glance_store_locate(glcf, url);
}


/*
 * The data that x-image-meta-location or x-glance-api-copy-from names are
 * looked at, before anything is recorded of them: their size is that of the
 * image (specs/v1.md 2.8).  Goes on with next(r, ctx) when ctx->meta.size has
 * it; the size of a copy is asked for unless the client knows it.
 */

void
ngx_http_glance_location(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_step_pt next)
{
    ngx_int_t                  rc;
    ngx_str_t                 *url;
    ngx_http_glance_store_t   *store;
    ngx_http_glance_handle_t  *h;

    url = ctx->meta.copy_from;

    if (url == NULL) {
        url = &ctx->meta.field[GLANCE_META_LOCATION];
    }

    if (url->len == 0
        || (ctx->meta.copy_from
            && (ctx->meta.size >= 0 || ctx->image.size > 0)))
    {
        next(r, ctx);
        return;
    }

    /* it was checked with the other fields that there is one */

    store = ngx_http_glance_location_store(r, url, ctx->meta.copy_from != NULL);

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
    const char                  *name;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    h = ctx->handle;
    ctx->handle = NULL;

    name = ctx->meta.copy_from ? "x-glance-api-copy-from"
                               : "x-image-meta-location";

    if (rc != NGX_OK) {
        ngx_http_glance_fault(r, ctx, rc, "%s %s", name, h->error);
        return;
    }

    if (h->size > glcf->image_size_cap) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The data of %s exceed the limit of %O bytes",
                              name, glcf->image_size_cap);
        return;
    }

    if (ctx->meta.copy_from) {
        ngx_http_glance_location_copied(r, ctx, h->size);
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

    ctx->meta.size = size;

    ctx->location_next(r, ctx);
}


/* a size that nobody tells shows when the data come; so does that of none */

static void
ngx_http_glance_location_copied(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, off_t size)
{
    if (size > 0) {
        ctx->meta.size = size;
    }

    ctx->location_next(r, ctx);
}
