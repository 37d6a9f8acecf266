
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_route.h"
#include "ngx_http_glance_store.h"


static void ngx_http_glance_removal_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_removal_url(ngx_http_glance_handle_t *h,
    ngx_str_t *url);
static void ngx_http_glance_removal_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);


static const ngx_http_glance_route_t  ngx_http_glance_removal_route = {
    NGX_HTTP_POST, ngx_string("/"), ngx_http_glance_removal_body, NULL, 0
};


/*
 * What glance-worker asks for: {"image_id": .., "url": ..} of the registry's
 * list of removals, so that keys and protocols of stores are known here only.
 * A URL that ends in "#CLAIM" stands for what that upload has left; it may
 * have come to its end all the same, if "recorded" says that the image's
 * record has the URL before the "#".
 */

ngx_int_t
ngx_http_glance_removal_handler(ngx_http_request_t *r)
{
    ngx_http_glance_ctx_t  *ctx;

    if (r->method != NGX_HTTP_POST) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    ctx = ngx_http_glance_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    if (r->uri.len == sizeof("/source") - 1
        && ngx_strncmp(r->uri.data, "/source", r->uri.len) == 0)
    {
        ngx_http_glance_source_handler(r, ctx);
        return NGX_DONE;
    }

    ctx->route = &ngx_http_glance_removal_route;

    ngx_http_glance_read_json(r, ctx, ngx_http_glance_removal_body);

    return NGX_DONE;
}


static void
ngx_http_glance_removal_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    json_t                      *json;
    ngx_int_t                    rc;
    ngx_str_t                    id, url;
    ngx_http_glance_store_t     *store;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    json = json_object_get(ctx->body, "image_id");
    id.data = (u_char *) json_string_value(json);
    id.len = json_string_length(json);

    json = json_object_get(ctx->body, "url");
    url.data = (u_char *) json_string_value(json);
    url.len = json_string_length(json);

    if (id.len == 0 || id.len > GLANCE_IMAGE_ID_MAX || url.len == 0) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "image_id or url is missing");
        return;
    }

    store = ngx_http_glance_store_locate(glcf, &url);

    if (store == NULL || store->remove == NULL) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND,
                              "The data are in a store that this server does "
                              "not have");
        return;
    }

    h = ngx_http_glance_store_handle(r, ctx, store, &id,
                                     ngx_http_glance_removal_done);
    if (h == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (ngx_http_glance_removal_url(h, &url) != NGX_OK) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "url ends in something that is no claim");
        return;
    }

    h->recorded = json_is_true(json_object_get(ctx->body, "recorded"));

    r->connection->log->action = "removing data from store";

    rc = store->remove(r, ctx, h, &url);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_removal_done(r, ctx, rc);
    }
}


static ngx_int_t
ngx_http_glance_removal_url(ngx_http_glance_handle_t *h, ngx_str_t *url)
{
    u_char        *hash, *last;
    glance_str_t   claim;

    last = url->data + url->len;
    hash = ngx_strlchr(url->data, last, '#');

    if (hash == NULL) {
        return NGX_OK;
    }

    claim.data = hash + 1;
    claim.len = last - hash - 1;

    if (!glance_uuid_valid(claim)) {
        return NGX_DECLINED;
    }

    h->claim.data = hash + 1;
    h->claim.len = claim.len;
    url->len = hash - url->data;

    return NGX_OK;
}


static void
ngx_http_glance_removal_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_str_t  empty;

    if (rc != NGX_OK) {
        ngx_http_glance_fault(r, ctx, rc, "%s",
                              ctx->handle->error ? ctx->handle->error
                                                 : "The store failed");
        return;
    }

    ngx_str_null(&empty);

    ngx_http_glance_send(r, ctx, NGX_HTTP_OK, "application/octet-stream",
                         &empty);
}
