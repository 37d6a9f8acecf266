
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


#define NGX_HTTP_GLANCE_JSON_MAX  (256 * 1024)


/*
 * Small bodies, mostly of JSON.  They are read unbuffered, like data, and
 * collected in memory: nginx's buffered reading would put longer ones into a
 * file, which the worker would have to write and read.
 */

typedef struct {
    ngx_http_glance_step_pt     next;
    size_t                      limit;
    u_char                     *start;
    u_char                     *last;
    u_char                     *end;
} ngx_http_glance_body_t;


static void ngx_http_glance_body_first(ngx_http_request_t *r);
static void ngx_http_glance_body_more(ngx_http_request_t *r);
static void ngx_http_glance_body_collect(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_body_take(ngx_http_request_t *r,
    ngx_http_glance_body_t *body);
static ngx_int_t ngx_http_glance_body_grow(ngx_http_request_t *r,
    ngx_http_glance_body_t *body, size_t size);
static void ngx_http_glance_body_large(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, size_t limit);
static void ngx_http_glance_body_broken(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_body_json(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


void
ngx_http_glance_read_json(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_step_pt next)
{
    ctx->body_next = next;

    ngx_http_glance_read_body(r, ctx, NGX_HTTP_GLANCE_JSON_MAX,
                              ngx_http_glance_body_json);
}


void
ngx_http_glance_read_body(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    size_t limit, ngx_http_glance_step_pt next)
{
    ngx_int_t                rc;
    ngx_http_glance_body_t  *body;

    if (r->headers_in.content_length_n > (off_t) limit) {
        ngx_http_glance_body_large(r, ctx, limit);
        return;
    }

    body = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_body_t));
    if (body == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    body->next = next;
    body->limit = limit;
    ctx->data = body;

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_glance_body_first);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_http_glance_body_broken(r, ctx, rc);
        return;
    }

    /* nginx has taken a reference for the reading, beside our own */

    ngx_http_finalize_request(r, NGX_DONE);
}


static void
ngx_http_glance_body_first(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_glance_body_more;

    ngx_http_glance_body_collect(r, ngx_http_glance_get_ctx(r));
}


static void
ngx_http_glance_body_more(ngx_http_request_t *r)
{
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_glance_get_ctx(r);

    if (r->connection->read->timedout) {
        r->connection->timedout = 1;
        ngx_http_glance_fault(r, ctx, NGX_HTTP_REQUEST_TIME_OUT,
                              "The client stopped sending");
        return;
    }

    ngx_http_glance_body_collect(r, ctx);
}


static void
ngx_http_glance_body_collect(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                rc;
    ngx_http_glance_body_t  *body;

    body = ctx->data;

    for ( ;; ) {
        rc = ngx_http_glance_body_take(r, body);

        if (rc != NGX_OK) {
            break;
        }

        if (!r->reading_body) {
            r->read_event_handler = ngx_http_block_reading;

            ctx->text.data = body->start;
            ctx->text.len = body->last - body->start;

            body->next(r, ctx);
            return;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }

        if (rc != NGX_OK && rc != NGX_AGAIN) {
            break;
        }
    }

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        ngx_http_glance_body_large(r, ctx, body->limit);
        return;
    }

    ngx_http_glance_body_broken(r, ctx, rc);
}


/* nginx has said why; a client that left gets nothing */

static void
ngx_http_glance_body_broken(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_int_t rc)
{
    if (rc == NGX_HTTP_BAD_REQUEST && !r->connection->error) {
        ngx_http_glance_fault(r, ctx, rc, "The body is malformed");
        return;
    }

    ngx_http_glance_finalize(r, ctx, rc);
}


static void
ngx_http_glance_body_large(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    size_t limit)
{
    ngx_http_glance_fault(r, ctx, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                          "The body is longer than %uz bytes", limit);
}


static ngx_int_t
ngx_http_glance_body_take(ngx_http_request_t *r, ngx_http_glance_body_t *body)
{
    size_t        size;
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    while (r->request_body->bufs) {
        cl = r->request_body->bufs;
        b = cl->buf;
        size = ngx_buf_size(b);

        if (size) {
            rc = ngx_http_glance_body_grow(r, body, size);

            if (rc != NGX_OK) {
                return rc;
            }

            body->last = ngx_cpymem(body->last, b->pos, size);
            b->pos = b->last;
        }

        r->request_body->bufs = cl->next;
        ngx_free_chain(r->pool, cl);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_body_grow(ngx_http_request_t *r, ngx_http_glance_body_t *body,
    size_t size)
{
    size_t   used, room;
    u_char  *p;

    used = body->last - body->start;

    if (used + size > body->limit) {
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    }

    if (size <= (size_t) (body->end - body->last)) {
        return NGX_OK;
    }

    /* nginx counts a chunked body in content_length_n as it comes in */

    room = (r->headers_in.content_length_n > 0 && !r->headers_in.chunked)
           ? (size_t) r->headers_in.content_length_n
           : ngx_min(2 * (used + size), body->limit);

    room = ngx_max(room, used + size);

    p = ngx_pnalloc(r->pool, room);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (used) {
        ngx_memcpy(p, body->start, used);
        (void) ngx_pfree(r->pool, body->start);
    }

    body->start = p;
    body->last = p + used;
    body->end = p + room;

    return NGX_OK;
}


static void
ngx_http_glance_body_json(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t        *json;
    json_error_t   error;

    if (ctx->text.len == 0) {
        ctx->body_next(r, ctx);
        return;
    }

    json = json_loadb((const char *) ctx->text.data, ctx->text.len,
                      JSON_REJECT_DUPLICATES, &error);

    if (json == NULL) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The body is no JSON: %s at byte %d",
                              error.text, error.position);
        return;
    }

    if (ngx_http_glance_json_keep(r, json) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (!json_is_object(json)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The body is no JSON object");
        return;
    }

    ctx->body = json;

    ctx->body_next(r, ctx);
}
