
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_route.h"


#define NGX_HTTP_GLANCE_PASS_MAX  (1024 * 1024)


static ngx_int_t ngx_http_glance_pass_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_pass_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_pass_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_output_body_filter_pt  ngx_http_next_body_filter;


/*
 * What the registry answers by itself: the request goes on in the registry's
 * location, and nginx's own proxy brings the answer to the client as it is.
 * The body is read here, with a limit and into memory, so that it is neither
 * spooled to a file nor tied to a registry's connection while it comes in.
 */

void
ngx_http_glance_pass(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_pass_read(r, ctx, ngx_http_glance_pass_on);
}


void
ngx_http_glance_pass_read(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_step_pt next)
{
    if (ngx_http_glance_has_body(r)) {
        ngx_http_glance_read_body(r, ctx, NGX_HTTP_GLANCE_PASS_MAX, next);
        return;
    }

    next(r, ctx);
}


void
ngx_http_glance_pass_on(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    u_char                      *p;
    ngx_str_t                    uri;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    /* the configuration and the headers that it needs will not be there */

    ngx_http_glance_cors_find(r, ctx);

    uri.len = glcf->registry.len + ctx->path.len;

    uri.data = ngx_pnalloc(r->pool, uri.len);

    if (uri.data == NULL
        || ngx_http_glance_pass_body(r, ctx) != NGX_OK
        || ngx_http_glance_pass_headers(r, ctx) != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    p = ngx_cpymem(uri.data, glcf->registry.data, glcf->registry.len);
    ngx_memcpy(p, ctx->path.data, ctx->path.len);

    /* from here on the request is the proxy's, which will finalize it */

    ctx->passed = 1;
    ctx->finalized = 1;
    ctx->version = r->http_version;

    (void) ngx_http_internal_redirect(r, &uri, &r->args);

    ngx_http_finalize_request(r, NGX_DONE);
}


/* one that was sent where none is wanted goes no further */

static ngx_int_t
ngx_http_glance_pass_body(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (!ngx_http_glance_has_body(r)) {
        return NGX_OK;
    }

    r->headers_in.chunked = 0;
    r->headers_in.content_length_n = -1;
    r->request_body_no_buffering = 0;
    r->request_body->bufs = NULL;

    if (!(ctx->route->bodies & r->method)) {
        return NGX_OK;
    }

    r->headers_in.content_length_n = ctx->text.len;

    if (ctx->text.len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->text.data;
    b->last = ctx->text.data + ctx->text.len;
    b->start = b->pos;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    r->request_body->bufs = cl;

    return NGX_OK;
}


/*
 * Of the client's headers the registry gets those that say what the body is
 * and what is accepted.  The others name callers, claims and secrets when
 * they are ours, and would do so when they are a client's, too.
 */

static ngx_int_t
ngx_http_glance_pass_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    u_char      *p;
    ngx_str_t   *type, *accept, base, id;

    type = ngx_http_glance_header_find(r, "content-type");
    accept = ngx_http_glance_header_find(r, "accept");

    if (ngx_http_glance_base_uri(r, &base) != NGX_OK
        || ngx_list_init(&r->headers_in.headers, r->pool, 12,
                         sizeof(ngx_table_elt_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((type && ngx_http_glance_call_header(r, "content-type", type)
                 != NGX_OK)
        || (accept && ngx_http_glance_call_header(r, "accept", accept)
                      != NGX_OK)
        || ngx_http_glance_call_header(r, "x-glance-endpoint", &base)
           != NGX_OK
        || ngx_http_glance_sources_headers(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (r->method & (NGX_HTTP_POST|NGX_HTTP_PATCH|NGX_HTTP_DELETE)) {

        /*
         * what a second registry makes again is the same image, and what it
         * is to change again is changed already
         */

        p = ngx_pnalloc(r->pool, GLANCE_UUID_LEN);

        if (p == NULL || ngx_http_glance_uuid(p) != NGX_OK) {
            return NGX_ERROR;
        }

        id.data = p;
        id.len = GLANCE_UUID_LEN;

        if (ngx_http_glance_call_header(r, "x-glance-new-id", &id)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_glance_registry_headers(r, ctx);
}


/*
 * A header filter.  When no registry has answered, nginx has a page of its
 * own; the client gets a fault of ours instead.
 */

ngx_int_t
ngx_http_glance_pass_filter(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    const char    *type;
    ngx_str_t      retry;
    ngx_uint_t     status;
    glance_str_t   text;

    if (r->http_version != ctx->version) {

        /* no HTTP at all: nginx takes it for an answer of 1991 */

        r->http_version = ctx->version;
        r->err_status = NGX_HTTP_BAD_GATEWAY;
        r->keepalive = 0;
    }

    if (r->err_status == 0) {
        return NGX_OK;
    }

    status = r->err_status;

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "no answer of the registry: %ui", status);

        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        text = glance_str("The registry is not available");

        ngx_str_set(&retry, "5");

        if (ngx_http_glance_add_header(r, "Retry-After", &retry) != NGX_OK) {
            return NGX_ERROR;
        }

    } else {
        text = glance_str("");
    }

    if (ngx_http_glance_fault_body(r, ctx, status, &text, &ctx->text, &type)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->err_status = status;
    r->headers_out.status = status;
    r->headers_out.status_line.len = 0;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = ctx->text.len;

    ctx->fault_due = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_pass_init(ngx_conf_t *cf)
{
    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_glance_pass_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_pass_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t              *b;
    ngx_chain_t            *cl, out;
    ngx_http_glance_ctx_t  *ctx;

    if (in == NULL || r != r->main || r->err_status == 0) {
        return ngx_http_next_body_filter(r, in);
    }

    ctx = ngx_http_glance_get_ctx(r);

    if (ctx == NULL || !ctx->fault_due) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (ctx->text.len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->text.data;
    b->last = ctx->text.data + ctx->text.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    ngx_str_null(&ctx->text);

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}
