
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_reader.h"

#include <openssl/rand.h>


#define NGX_HTTP_GLANCE_REQUEST_ID_MAX  64


static void ngx_http_glance_abort(void *data);
static void ngx_http_glance_ctx_mark(void *data);


/*
 * Internal redirects clear r->ctx: the pool's cleanup list, which they leave
 * alone, then leads back to the context.
 */

ngx_http_glance_ctx_t *
ngx_http_glance_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_glance_module);

    if (ctx == NULL && (r->internal || r->filter_finalize)) {

        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_glance_ctx_mark) {
                ctx = cln->data;
                break;
            }
        }
    }

    return ctx;
}


ngx_http_glance_ctx_t *
ngx_http_glance_create_ctx(ngx_http_request_t *r)
{
    u_char                 *p;
    ngx_http_cleanup_t     *hcln;
    ngx_pool_cleanup_t     *cln;
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_glance_get_ctx(r);
    if (ctx) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    p = ngx_pnalloc(r->pool, sizeof("req-") - 1 + GLANCE_UUID_LEN);
    if (p == NULL) {
        return NULL;
    }

    ctx->request = r;
    ctx->request_id.data = p;
    ctx->request_id.len = sizeof("req-") - 1 + GLANCE_UUID_LEN;

    p = ngx_cpymem(p, "req-", sizeof("req-") - 1);

    if (ngx_http_glance_uuid(p) != NGX_OK) {
        return NULL;
    }

    hcln = ngx_http_cleanup_add(r, 0);
    if (hcln == NULL) {
        return NULL;
    }

    hcln->handler = ngx_http_glance_abort;
    hcln->data = ctx;

    cln->handler = ngx_http_glance_ctx_mark;
    cln->data = ctx;

    ngx_http_set_ctx(r, ctx, ngx_http_glance_module);

    return ctx;
}


static void
ngx_http_glance_abort(void *data)
{
    ngx_http_glance_ctx_t *ctx = data;

    ctx->aborted = 1;
    ctx->call.next = NULL;
}


static void
ngx_http_glance_ctx_mark(void *data)
{
    /* void */
}


ngx_int_t
ngx_http_glance_uuid(u_char dst[GLANCE_UUID_LEN])
{
    u_char  random[16];

    if (RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }

    glance_uuid_format(random, dst);

    return NGX_OK;
}


/*
 * API v2 takes over the id that a caller has given its request (specs/v2/01
 * 1.5), as one that fits into any log.  Zero: a fault was sent.
 */

ngx_uint_t
ngx_http_glance_request_id(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    size_t      i;
    u_char     *p;
    ngx_str_t  *id;

    id = ngx_http_glance_header_find(r, "x-openstack-request-id");

    if (id == NULL || id->len == 0) {
        return 1;
    }

    for (i = 0; i < id->len; i++) {
        if (id->data[i] <= ' ' || id->data[i] > '~' || id->data[i] == '"'
            || id->data[i] == '\\')
        {
            break;
        }
    }

    if (id->len > NGX_HTTP_GLANCE_REQUEST_ID_MAX || i < id->len) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "X-Openstack-Request-ID must be up to %d "
                              "printable characters",
                              NGX_HTTP_GLANCE_REQUEST_ID_MAX);
        return 0;
    }

    if (id->len > 4 && ngx_strncmp(id->data, "req-", 4) == 0) {
        ctx->request_id = *id;
        return 1;
    }

    p = ngx_pnalloc(r->pool, sizeof("req-") - 1 + id->len);
    if (p == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return 0;
    }

    ctx->request_id.data = p;
    ctx->request_id.len = sizeof("req-") - 1 + id->len;

    p = ngx_cpymem(p, "req-", sizeof("req-") - 1);
    ngx_memcpy(p, id->data, id->len);

    return 1;
}


/*
 * The one exit.  An error that comes after the header was sent cannot become
 * a status line any more: it cuts the connection.  nginx may keep the request
 * for the rest of its body: what a store has yet to send is not waited for.
 */

void
ngx_http_glance_finalize(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_int_t rc)
{
    if (ctx->finalized) {
        return;
    }

    ctx->finalized = 1;
    ctx->call.next = NULL;

    if (ctx->handle && ctx->handle->reader) {
        ngx_http_glance_remote_stop(ctx->handle->reader->remote);
    }

    if (r->header_sent && rc > NGX_OK) {
        rc = NGX_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/* specs/v1.md 2.4: "Content-Length: 0" is no data, an empty chunked body is */

ngx_uint_t
ngx_http_glance_has_body(ngx_http_request_t *r)
{
    return r->headers_in.content_length_n > 0 || r->headers_in.chunked;
}
