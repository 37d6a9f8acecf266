
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


typedef struct {
    ngx_http_request_t      *request;
    ngx_http_glance_ctx_t   *ctx;
    ngx_http_glance_call_t  *call;
    off_t                    received;
    unsigned                 overflow:1;
} ngx_http_glance_pending_t;


static void ngx_http_glance_call_method(ngx_http_request_t *sr,
    const char *method);
static ngx_int_t ngx_http_glance_call_done(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static ngx_int_t ngx_http_glance_call_intact(ngx_http_request_t *sr);
static ngx_int_t ngx_http_glance_call_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_output_body_filter_pt  ngx_http_next_body_filter;


/*
 * Asks another service: a background subrequest into an internal location,
 * where transport, keepalive and failover are nginx's own proxy.
 * "Background" keeps the client's connection in our hands meanwhile.
 *
 * The subrequest has neither headers nor body of the client's; the caller
 * adds what it wants to send.  When the answer is in "call", the request is
 * woken by its write_event_handler.
 *
 * NULL: no memory.  Then, and when the caller cannot add what it wants, the
 * whole request must be finalized with NGX_ERROR, so that a half-made
 * subrequest never runs.
 */

ngx_http_request_t *
ngx_http_glance_call(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_call_t *call, const char *method, ngx_str_t *location,
    ngx_str_t *path, ngx_str_t *args)
{
    u_char                      *p;
    ngx_str_t                    uri;
    ngx_http_request_t          *sr;
    ngx_http_glance_pending_t   *pending;
    ngx_http_post_subrequest_t  *ps;

    uri.len = location->len + path->len;

    uri.data = ngx_pnalloc(r->pool, uri.len);
    if (uri.data == NULL) {
        return NULL;
    }

    p = ngx_cpymem(uri.data, location->data, location->len);
    ngx_memcpy(p, path->data, path->len);

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        return NULL;
    }

    pending = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_pending_t));
    if (pending == NULL) {
        return NULL;
    }

    pending->request = r;
    pending->ctx = ctx;
    pending->call = call;

    ps->handler = ngx_http_glance_call_done;
    ps->data = pending;

    if (ngx_http_subrequest(r, &uri, args, &sr, ps,
                            NGX_HTTP_SUBREQUEST_IN_MEMORY
                            |NGX_HTTP_SUBREQUEST_BACKGROUND)
        != NGX_OK)
    {
        return NULL;
    }

    /* it was posted only, not started */

    ngx_memzero(&sr->headers_in, sizeof(ngx_http_headers_in_t));

    sr->headers_in.content_length_n = -1;
    sr->headers_in.keep_alive_n = -1;
    sr->headers_in.server = r->headers_in.server;
    sr->discard_body = 0;

    ngx_http_glance_call_method(sr, method);

    if (ngx_list_init(&sr->headers_in.headers, r->pool, 12,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NULL;
    }

    /* an empty one: the client's must not be taken for it */

    sr->request_body = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    if (sr->request_body == NULL) {
        return NULL;
    }

    return sr;
}


static void
ngx_http_glance_call_method(ngx_http_request_t *sr, const char *method)
{
    sr->method_name.data = (u_char *) method;
    sr->method_name.len = ngx_strlen(method);

    switch (method[0]) {

    case 'G':
        sr->method = NGX_HTTP_GET;
        return;

    case 'D':
        sr->method = NGX_HTTP_DELETE;
        return;

    default:
        sr->method = (method[1] == 'O') ? NGX_HTTP_POST
                     : (method[1] == 'A') ? NGX_HTTP_PATCH : NGX_HTTP_PUT;
        return;
    }
}


/* key: lower case, a constant; an empty value is not sent */

ngx_int_t
ngx_http_glance_call_header(ngx_http_request_t *sr, const char *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    if (value->len == 0) {
        return NGX_OK;
    }

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->lowcase_key = (u_char *) key;
    h->hash = ngx_hash_key(h->key.data, h->key.len);
    h->value = *value;
    ngx_http_glance_header_end(h);

    return NGX_OK;
}


/* the body of the call; the text is borrowed until the answer has come */

ngx_int_t
ngx_http_glance_call_json(ngx_http_request_t *sr, ngx_str_t *text)
{
    ngx_str_t  type;

    ngx_str_set(&type, "application/json");

    return ngx_http_glance_call_body(sr, text, &type);
}


ngx_int_t
ngx_http_glance_call_body(ngx_http_request_t *sr, ngx_str_t *text,
    ngx_str_t *type)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(sr->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = text->data;
    b->last = text->data + text->len;
    b->start = b->pos;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    cl = ngx_alloc_chain_link(sr->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    sr->request_body->bufs = cl;
    sr->headers_in.content_length_n = text->len;

    return ngx_http_glance_call_header(sr, "content-type", type);
}


/*
 * Stores only; the request is woken when nginx works off its posted ones.
 * NGX_OK keeps nginx from making an error page of a refusal.
 */

static ngx_int_t
ngx_http_glance_call_done(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    ngx_http_glance_pending_t *pending = data;

    ngx_buf_t               *b;
    ngx_http_glance_call_t  *call;

    call = pending->call;

    if (call->done || pending->ctx->aborted) {
        return rc;
    }

    call->done = 1;
    call->status = NGX_HTTP_BAD_GATEWAY;

    if (pending->overflow) {
        ngx_log_error(NGX_LOG_ERR, sr->connection->log, 0,
                      "answer to \"%V\" is larger than "
                      "\"subrequest_output_buffer_size\"", &sr->uri);

    } else if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        call->status = rc;

    } else if (rc == NGX_OK && ngx_http_glance_call_intact(sr) == NGX_OK) {
        call->status = sr->headers_out.status;

        if (sr->out && sr->out->buf) {
            b = sr->out->buf;
            call->body.data = b->pos;
            call->body.len = b->last - b->pos;
        }
    }

    call->headers = &sr->headers_out.headers.part;

    if (!call->quiet
        && ngx_http_post_request(pending->request, NULL) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rc == NGX_ERROR || sr->connection->error) {
        return rc;
    }

    return NGX_OK;
}


/* a reply cut short looks like success to nginx: rc 0 and status 200 */

static ngx_int_t
ngx_http_glance_call_intact(ngx_http_request_t *sr)
{
    off_t                 length;
    ngx_http_upstream_t  *u;

    u = sr->upstream;

    if (u == NULL) {
        return NGX_OK;
    }

    if (u->buffering) {
        if (u->pipe
            && (u->pipe->downstream_error || u->pipe->upstream_error
                || u->pipe->length > 0))
        {
            return NGX_ERROR;
        }

    } else if (u->length > 0) {
        return NGX_ERROR;
    }

    length = u->headers_in.content_length_n;

    if (length > 0
        && (sr->out == NULL || sr->out->buf == NULL
            || sr->out->buf->last - sr->out->buf->pos != length))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_call_init(ngx_conf_t *cf)
{
    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_glance_call_body_filter;

    return NGX_OK;
}


/*
 * nginx would close the client's connection when an answer is larger than
 * subrequest_output_buffer_size: what is too much does not get as far.
 */

static ngx_int_t
ngx_http_glance_call_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    off_t                       limit;
    ngx_chain_t                *cl;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_glance_pending_t  *pending;

    if (r == r->main || r->post_subrequest == NULL
        || r->post_subrequest->handler != ngx_http_glance_call_done)
    {
        return ngx_http_next_body_filter(r, in);
    }

    pending = r->post_subrequest->data;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    limit = clcf->subrequest_output_buffer_size;

    for (cl = in; cl; cl = cl->next) {
        pending->received += ngx_buf_size(cl->buf);
    }

    if (pending->received > limit || r->headers_out.content_length_n > limit) {
        pending->overflow = 1;
    }

    if (!pending->overflow) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    return NGX_OK;
}
