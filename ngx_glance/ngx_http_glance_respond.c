
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"


#define NGX_HTTP_GLANCE_FAULT_MAX   4096
#define NGX_HTTP_GLANCE_DETAIL_MAX  1024


static void ngx_http_glance_drop_body(ngx_http_request_t *r);


ngx_int_t
ngx_http_glance_add_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->value = *value;
    h->lowcase_key = (u_char *) key;
    ngx_http_glance_header_end(h);

    return NGX_OK;
}


/*
 * A strong one: the data of an image never change.  In v1 it has no quotes,
 * and so means nothing to nginx (specs/v1.md 2.2).
 */

ngx_int_t
ngx_http_glance_add_etag(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    u_char           *p;
    ngx_table_elt_t  *h;

    if (ctx->image.checksum.len == 0) {
        return NGX_OK;
    }

    if (!ctx->route->dialect->conditions) {
        return ngx_http_glance_add_header(r, "ETag", &ctx->image.checksum);
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, ctx->image.checksum.len + 2);
    if (p == NULL) {
        h->hash = 0;
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "ETag");
    h->value.data = p;
    h->value.len = ctx->image.checksum.len + 2;
    ngx_http_glance_header_end(h);

    *p++ = '"';
    p = ngx_cpymem(p, ctx->image.checksum.data, ctx->image.checksum.len);
    *p = '"';

    r->headers_out.etag = h;

    return NGX_OK;
}


/*
 * Sends the status line and the headers collected so far.  NGX_OK: the body
 * may follow; NGX_DONE: there is none to send; else the code to finalize with.
 */

ngx_int_t
ngx_http_glance_send_header(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status, const char *type, off_t length)
{
    ngx_int_t  rc;

    ngx_http_glance_drop_body(r);

    r->headers_out.status = status;
    r->headers_out.content_length_n = length;

    if (type) {
        r->headers_out.content_type.data = (u_char *) type;
        r->headers_out.content_type.len = ngx_strlen(type);
        r->headers_out.content_type_len = r->headers_out.content_type.len;
        r->headers_out.content_type_lowcase = NULL;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    return r->header_only ? NGX_DONE : NGX_OK;
}


/*
 * The body of a request that is answered without it must not be taken for
 * the next request.  A client that waits for "100 Continue" will not send it:
 * then only closing the connection keeps both sides in step.
 */

static void
ngx_http_glance_drop_body(ngx_http_request_t *r)
{
    if (r->request_body || r->discard_body) {
        return;
    }

#if (NGX_HTTP_V2)
    if (r->stream == NULL)
#endif
    {
        if (r->headers_in.expect && !r->expect_tested
            && ngx_http_glance_has_body(r))
        {
            r->keepalive = 0;
            return;
        }
    }

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }
}


void
ngx_http_glance_send(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status, const char *type, ngx_str_t *body)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    b = NULL;

    if (body->len) {

        /* all memory before the header, which cannot be taken back */

        b = ngx_calloc_buf(r->pool);
        if (b == NULL) {
            ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        b->pos = body->data;
        b->last = body->data + body->len;
        b->memory = 1;
        b->last_buf = 1;
        b->last_in_chain = 1;
    }

    rc = ngx_http_glance_send_header(r, ctx, status, type, body->len);

    if (rc == NGX_DONE) {
        rc = NGX_OK;

    } else if (rc == NGX_OK) {

        if (b) {
            out.buf = b;
            out.next = NULL;

            rc = ngx_http_output_filter(r, &out);

        } else {
            rc = ngx_http_send_special(r, NGX_HTTP_LAST);
        }
    }

    ngx_http_glance_finalize(r, ctx, rc);
}


/* json is stolen */

void
ngx_http_glance_send_json(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status, json_t *json)
{
    ngx_int_t  rc;
    ngx_str_t  body;

    rc = ngx_http_glance_json_dump(r, json, &body);

    json_decref(json);

    if (rc != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_send(r, ctx, status, "application/json", &body);
}


/*
 * An error for the client, in the form that it accepts (specs/v1.md 2.13).
 * The text names the field at fault; it may hold what the client sent, the
 * three forms escape it.
 */

void ngx_cdecl
ngx_http_glance_fault(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status, const char *fmt, ...)
{
    va_list        args;
    ngx_str_t      body, retry;
    ngx_uint_t     level;
    const char    *type;
    glance_str_t   detail;
    u_char         text[NGX_HTTP_GLANCE_DETAIL_MAX];

    if (r->header_sent) {
        ngx_http_glance_finalize(r, ctx, NGX_ERROR);
        return;
    }

    va_start(args, fmt);
    detail.data = text;
    detail.len = ngx_vslprintf(text, text + sizeof(text), fmt, args) - text;
    va_end(args);

    if (ngx_http_glance_fault_body(r, ctx, status, &detail, &body, &type)
        != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    level = (status >= 500) ? NGX_LOG_ERR : NGX_LOG_INFO;

    ngx_log_error(level, r->connection->log, 0,
                  "glance answers %ui: %*s", status, detail.len, detail.data);

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        ngx_str_set(&retry, "5");

        if (ngx_http_glance_add_header(r, "Retry-After", &retry) != NGX_OK) {
            ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }
    }

    ngx_http_glance_send(r, ctx, status, type, &body);
}


/* the text is NGX_HTTP_GLANCE_DETAIL_MAX bytes at most */

ngx_int_t
ngx_http_glance_fault_body(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status, glance_str_t *text, ngx_str_t *body,
    const char **type)
{
    size_t           size;
    u_char          *mem;
    ngx_str_t       *value;
    glance_buf_t     b;
    glance_str_t     accept;
    glance_fault_e   form;

    accept.len = 0;
    accept.data = NULL;

    value = ngx_http_glance_header_find(r, "accept");

    if (value) {
        accept.len = value->len;
        accept.data = value->data;
    }

    form = glance_fault_form(accept);

    size = NGX_HTTP_GLANCE_FAULT_MAX + 6 * NGX_HTTP_GLANCE_DETAIL_MAX;

    mem = ngx_pnalloc(r->pool, size);
    if (mem == NULL) {
        return NGX_ERROR;
    }

    glance_buf_init(&b, mem, size);

    if (ctx->v2) {
        glance_fault_render_v2(&b, form, (unsigned) status, *text);

    } else {
        glance_fault_render(&b, form, (unsigned) status, *text);
    }

    body->data = b.start;
    body->len = b.last - b.start;

    *type = glance_fault_content_type(form);

    return NGX_OK;
}


/*
 * Passes a refusal of the registry on: its text as ours, its status unless
 * that tells of a failure behind us.
 */

void
ngx_http_glance_fault_call(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t   text;
    ngx_uint_t  status;

    status = ctx->call.status;
    text = ctx->call.body;

    while (text.len && text.data[text.len - 1] <= ' ') {
        text.len--;
    }

    switch (status) {

    case NGX_HTTP_BAD_REQUEST:
    case NGX_HTTP_UNAUTHORIZED:
    case NGX_HTTP_FORBIDDEN:
    case NGX_HTTP_CONFLICT:
    case NGX_HTTP_GLANCE_GONE:
    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        break;

    case NGX_HTTP_NOT_FOUND:
        if (ctx->image_id.len && !ctx->v2) {
            ngx_http_glance_fault(r, ctx, status,
                                  "Image with identifier %V not found",
                                  &ctx->image_id);
            return;
        }

        break;

    default:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "registry answered %ui", status);

        ngx_http_glance_fault(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                              "The registry is not available");
        return;
    }

    ngx_http_glance_fault(r, ctx, status, "%V", &text);
}
