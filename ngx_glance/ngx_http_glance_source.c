
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_route.h"
#include "ngx_http_glance_store.h"


static void ngx_http_glance_source_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_http_glance_handle_t *ngx_http_glance_source_handle(
    ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_store_t *store, ngx_http_glance_done_pt done);
static ngx_str_t ngx_http_glance_source_url(ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_source_found(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_source_opened(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);


static const ngx_http_glance_route_t  ngx_http_glance_source_route = {
    NGX_HTTP_POST, ngx_string("/source"), ngx_http_glance_source_body, NULL, 0
};


/*
 * What glance-worker is to copy out of Swift or S3, {"url": ..} of a client,
 * for the same reason as removals: protocols of stores are known here only.
 */

void
ngx_http_glance_source_handler(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ctx->route = &ngx_http_glance_source_route;

    ngx_http_glance_read_json(r, ctx, ngx_http_glance_source_body);
}


static void
ngx_http_glance_source_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_str_t                    url;
    const char                  *text;
    ngx_http_glance_store_t     *store;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    url = ngx_http_glance_source_url(ctx);
    text = ngx_http_glance_location_check(r, &url, 0);

    if (text) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST, "the source %s",
                              text);
        return;
    }

    store = ngx_http_glance_store_locate(glcf, &url);

    h = ngx_http_glance_source_handle(r, ctx, store,
                                      ngx_http_glance_source_found);
    if (h == NULL) {
        return;
    }

    r->connection->log->action = "looking at the source of a copy";

    rc = store->probe(r, ctx, h, &url);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_source_found(r, ctx, rc);
    }
}


static ngx_http_glance_handle_t *
ngx_http_glance_source_handle(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_store_t *store,
    ngx_http_glance_done_pt done)
{
    ngx_str_t                  id;
    ngx_http_glance_handle_t  *h;

    ngx_str_set(&id, "source");

    h = ngx_http_glance_store_handle(r, ctx, store, &id, done);

    if (h == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return NULL;
    }

    h->named = 1;

    return h;
}


static ngx_str_t
ngx_http_glance_source_url(ngx_http_glance_ctx_t *ctx)
{
    json_t     *json;
    ngx_str_t   url;

    json = json_object_get(ctx->body, "url");

    url.data = (u_char *) json_string_value(json);
    url.len = json_string_length(json);

    return url;
}


static void
ngx_http_glance_source_found(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    off_t                      size;
    ngx_str_t                  empty, url;
    ngx_http_glance_handle_t  *h;

    h = ctx->handle;
    size = h->size;

    if (rc == NGX_OK && size < 0) {
        h->error = "tells no size";
        rc = NGX_HTTP_BAD_REQUEST;
    }

    if (rc != NGX_OK) {
        ngx_http_glance_fault(r, ctx, rc, "the source %s", h->error);
        return;
    }

    if (size == 0) {
        ngx_str_null(&empty);
        ngx_http_glance_send(r, ctx, NGX_HTTP_OK, "application/octet-stream",
                             &empty);
        return;
    }

    url = ngx_http_glance_source_url(ctx);
    h = ngx_http_glance_source_handle(r, ctx, h->store,
                                      ngx_http_glance_source_opened);
    if (h == NULL) {
        return;
    }

    r->connection->log->action = "sending the source of a copy";

    rc = h->store->open(r, ctx, h, &url, size);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_source_opened(r, ctx, rc);
    }
}


static void
ngx_http_glance_source_opened(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_glance_handle_t  *h;

    h = ctx->handle;

    if (rc != NGX_OK) {
        ngx_http_glance_fault(r, ctx, rc, "%s", h->error ? h->error
                                                : "The store failed");
        return;
    }

    ngx_http_glance_store_send(r, ctx, h);
}
