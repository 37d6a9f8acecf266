
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store.h"


/* the one place where stores are registered */

static ngx_http_glance_store_t  *ngx_http_glance_stores[] = {
    &ngx_http_glance_store_file,
    &ngx_http_glance_store_swift,
    &ngx_http_glance_store_s3,
    &ngx_http_glance_store_http,
    NULL
};


ngx_http_glance_store_t *
ngx_http_glance_store_find(ngx_str_t *name)
{
    ngx_http_glance_store_t  **store;

    for (store = ngx_http_glance_stores; *store; store++) {
        if ((*store)->name.len == name->len
            && ngx_strncmp((*store)->name.data, name->data, name->len) == 0)
        {
            return *store;
        }
    }

    return NULL;
}


ngx_http_glance_store_t *
ngx_http_glance_store_locate(ngx_http_glance_loc_conf_t *glcf,
    ngx_str_t *uri)
{
    glance_str_t               text;
    glance_uri_t               parsed;
    ngx_http_glance_store_t  **store;

    text.data = uri->data;
    text.len = uri->len;

    if (!glance_uri_parse(text, &parsed)) {
        return NULL;
    }

    for (store = ngx_http_glance_stores; *store; store++) {
        if ((*store)->scheme == parsed.scheme && (*store)->enabled(glcf)) {
            return *store;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_glance_store_sources(ngx_http_request_t *r, ngx_str_t *names)
{
    u_char                       *p;
    ngx_http_glance_store_t     **store;
    ngx_http_glance_loc_conf_t   *glcf;
    u_char                        text[64];

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    p = text;

    for (store = ngx_http_glance_stores; *store; store++) {

        if ((*store)->probe && (*store)->enabled(glcf)) {
            p = ngx_slprintf(p, text + sizeof(text), "%s%V",
                             (p == text) ? "" : ",", &(*store)->name);
        }
    }

    names->len = p - text;
    names->data = ngx_pnalloc(r->pool, names->len + 1);

    if (names->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(names->data, text, names->len);

    return NGX_OK;
}


ngx_http_glance_handle_t *
ngx_http_glance_store_handle(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_store_t *store,
    ngx_str_t *image_id, ngx_http_glance_done_pt done)
{
    ngx_http_glance_handle_t  *h;

    h = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_handle_t));
    if (h == NULL) {
        return NULL;
    }

    h->store = store;
    h->image_id = *image_id;
    h->done = done;

    ctx->handle = h;

    return h;
}


void
ngx_http_glance_store_send(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    ngx_int_t  rc;

    rc = ngx_http_glance_send_header(r, ctx, NGX_HTTP_OK,
                                     "application/octet-stream", h->size);

    if (rc == NGX_DONE) {
        rc = NGX_OK;

    } else if (rc == NGX_OK) {
        h->done = ngx_http_glance_finalize;

        rc = h->store->send(r, ctx, h, h->size);

        if (rc == NGX_DONE) {
            return;
        }
    }

    ngx_http_glance_finalize(r, ctx, rc);
}
