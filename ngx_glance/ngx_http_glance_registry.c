
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


/* /images/{id}/members/{member}, a member being 255 characters */
#define NGX_HTTP_GLANCE_PATH_MAX  1280


typedef struct {
    ngx_http_request_t      *request;
    ngx_http_glance_ctx_t   *ctx;
    ngx_http_glance_call_t  *call;
} ngx_http_glance_pending_t;


static ngx_int_t ngx_http_glance_registry_start(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_call_t *call,
    const char *method, ngx_str_t *path, ngx_str_t *args, json_t *body);
static ngx_int_t ngx_http_glance_registry_method(ngx_http_request_t *sr,
    const char *method);
static ngx_int_t ngx_http_glance_registry_body(ngx_http_request_t *sr,
    json_t *json);
static ngx_int_t ngx_http_glance_registry_headers(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_registry_claim(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_registry_header(ngx_http_request_t *sr,
    const char *key, ngx_str_t *value);
static ngx_int_t ngx_http_glance_registry_done(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static ngx_int_t ngx_http_glance_registry_intact(ngx_http_request_t *sr);
static void ngx_http_glance_wake(ngx_http_request_t *r);


/*
 * Asks the registry, and goes on with next(r, ctx) when ctx->call holds the
 * answer; also when there will be none.  body is stolen.
 *
 * The call is a background subrequest into the location "glance_registry":
 * transport, keepalive and failover are nginx's own proxy.  "Background"
 * keeps the client's connection in our hands meanwhile.
 */

void
ngx_http_glance_registry_call(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *path,
    ngx_str_t *args, json_t *body, ngx_http_glance_step_pt next)
{
    ngx_memzero(&ctx->call, sizeof(ngx_http_glance_call_t));

    ctx->call.next = next;
    r->write_event_handler = ngx_http_glance_wake;

    if (ngx_http_glance_registry_start(r, ctx, &ctx->call, method, path, args,
                                       body)
        != NGX_OK)
    {
        /* no memory; a subrequest may be posted that must never run */
        ngx_http_glance_finalize(r, ctx, NGX_ERROR);
    }
}


/* the same without waiting: nobody is called, call->done tells; body stolen */

ngx_int_t
ngx_http_glance_registry_background(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_call_t *call,
    const char *method, ngx_str_t *path, json_t *body)
{
    ngx_memzero(call, sizeof(ngx_http_glance_call_t));

    call->quiet = 1;

    return ngx_http_glance_registry_start(r, ctx, call, method, path, NULL,
                                          body);
}


/* a call on /images/{id}, or on /images when id is NULL */

void
ngx_http_glance_registry_image(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *id,
    json_t *body, ngx_http_glance_step_pt next)
{
    if (id == NULL) {
        ngx_http_glance_registry_path(r, ctx, method, NULL, body, next,
                                      "/images");
        return;
    }

    ngx_http_glance_registry_path(r, ctx, method, NULL, body, next,
                                  "/images/%V", id);
}


/* the same for any path; nginx escapes what needs it */

void ngx_cdecl
ngx_http_glance_registry_path(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *args,
    json_t *body, ngx_http_glance_step_pt next, const char *fmt, ...)
{
    u_char     *p;
    va_list     ap;
    ngx_str_t   path;

    p = ngx_pnalloc(r->pool, NGX_HTTP_GLANCE_PATH_MAX);
    if (p == NULL) {
        json_decref(body);
        ngx_http_glance_finalize(r, ctx, NGX_ERROR);
        return;
    }

    va_start(ap, fmt);

    path.data = p;
    path.len = ngx_vslprintf(p, p + NGX_HTTP_GLANCE_PATH_MAX, fmt, ap) - p;

    va_end(ap);

    ngx_http_glance_registry_call(r, ctx, method, &path, args, body, next);
}


ngx_http_glance_claim_t *
ngx_http_glance_create_claim(ngx_http_request_t *r, const char *on_expire)
{
    ngx_http_glance_claim_t  *claim;

    claim = ngx_palloc(r->pool, sizeof(ngx_http_glance_claim_t));
    if (claim == NULL) {
        return NULL;
    }

    claim->on_expire = on_expire;

    if (ngx_http_glance_uuid(claim->id) != NGX_OK) {
        return NULL;
    }

    return claim;
}


static ngx_int_t
ngx_http_glance_registry_start(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_call_t *call,
    const char *method, ngx_str_t *path, ngx_str_t *args, json_t *body)
{
    u_char                      *p;
    ngx_int_t                    rc;
    ngx_str_t                    uri;
    ngx_http_request_t          *sr;
    ngx_http_glance_pending_t   *pending;
    ngx_http_post_subrequest_t  *ps;
    ngx_http_glance_loc_conf_t  *glcf;

    rc = NGX_ERROR;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    uri.len = glcf->registry.len + path->len;

    uri.data = ngx_pnalloc(r->pool, uri.len);
    if (uri.data == NULL) {
        goto done;
    }

    p = ngx_cpymem(uri.data, glcf->registry.data, glcf->registry.len);
    ngx_memcpy(p, path->data, path->len);

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        goto done;
    }

    pending = ngx_palloc(r->pool, sizeof(ngx_http_glance_pending_t));
    if (pending == NULL) {
        goto done;
    }

    pending->request = r;
    pending->ctx = ctx;
    pending->call = call;

    ps->handler = ngx_http_glance_registry_done;
    ps->data = pending;

    if (ngx_http_subrequest(r, &uri, args, &sr, ps,
                            NGX_HTTP_SUBREQUEST_IN_MEMORY
                            |NGX_HTTP_SUBREQUEST_BACKGROUND)
        != NGX_OK)
    {
        goto done;
    }

    /*
     * It was posted only, not started.  From here on a failure finalizes the
     * whole request, so that a half-made subrequest never runs.
     */

    ngx_memzero(&sr->headers_in, sizeof(ngx_http_headers_in_t));

    sr->headers_in.content_length_n = -1;
    sr->headers_in.keep_alive_n = -1;
    sr->headers_in.server = r->headers_in.server;
    sr->discard_body = 0;

    if (ngx_list_init(&sr->headers_in.headers, r->pool, 12,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        goto done;
    }

    if (ngx_http_glance_registry_method(sr, method) != NGX_OK
        || ngx_http_glance_registry_headers(sr, ctx) != NGX_OK
        || ngx_http_glance_registry_body(sr, body) != NGX_OK)
    {
        goto done;
    }

    rc = NGX_OK;

done:

    json_decref(body);

    return rc;
}


static ngx_int_t
ngx_http_glance_registry_method(ngx_http_request_t *sr, const char *method)
{
    sr->method_name.data = (u_char *) method;
    sr->method_name.len = ngx_strlen(method);

    switch (method[0]) {

    case 'G':
        sr->method = NGX_HTTP_GET;
        return NGX_OK;

    case 'D':
        sr->method = NGX_HTTP_DELETE;
        return NGX_OK;

    default:
        sr->method = (method[1] == 'O') ? NGX_HTTP_POST : NGX_HTTP_PUT;
        return NGX_OK;
    }
}


/* also an empty one: the client's body must not be taken for it */

static ngx_int_t
ngx_http_glance_registry_body(ngx_http_request_t *sr, json_t *json)
{
    ngx_buf_t                *b;
    ngx_str_t                 text, type;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    sr->request_body = rb;

    if (json == NULL) {
        return NGX_OK;
    }

    if (ngx_http_glance_json_dump(sr, json, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    b = ngx_calloc_buf(sr->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = text.data;
    b->last = text.data + text.len;
    b->start = b->pos;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    rb->bufs = ngx_alloc_chain_link(sr->pool);
    if (rb->bufs == NULL) {
        return NGX_ERROR;
    }

    rb->bufs->buf = b;
    rb->bufs->next = NULL;

    sr->headers_in.content_length_n = text.len;

    ngx_str_set(&type, "application/json");

    return ngx_http_glance_registry_header(sr, "content-type", &type);
}


static ngx_int_t
ngx_http_glance_registry_headers(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  word;

    if (ngx_http_glance_registry_header(sr, "x-openstack-request-id",
                                        &ctx->request_id)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->identified) {
        ngx_str_set(&word, "Confirmed");

        if (ngx_http_glance_registry_header(sr, "x-identity-status",
                                            &word) != NGX_OK
            || ngx_http_glance_registry_header(sr, "x-user-id", &ctx->user)
               != NGX_OK
            || ngx_http_glance_registry_header(sr, "x-tenant-id",
                                               &ctx->project) != NGX_OK
            || ngx_http_glance_registry_header(sr, "x-roles", &ctx->roles)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ctx->purge) {
        ngx_str_set(&word, "true");

        if (ngx_http_glance_registry_header(sr,
                                            "x-glance-registry-purge-props",
                                            &word) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ctx->claim ? ngx_http_glance_registry_claim(sr, ctx) : NGX_OK;
}


/*
 * A claim says who works on an image and what becomes of it when he is not
 * heard of for a lease time.  Registries that know no claims ignore it.
 */

static ngx_int_t
ngx_http_glance_registry_claim(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx)
{
    u_char                      *p;
    ngx_str_t                    id, lease, word;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(ctx->request, ngx_http_glance_module);

    p = ngx_pnalloc(sr->pool, NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    lease.data = p;
    lease.len = ngx_sprintf(p, "%M", glcf->lease / 1000) - p;

    id.data = ctx->claim->id;
    id.len = GLANCE_UUID_LEN;

    word.data = (u_char *) ctx->claim->on_expire;
    word.len = ngx_strlen(ctx->claim->on_expire);

    if (ngx_http_glance_registry_header(sr, "x-glance-claim", &id) != NGX_OK
        || ngx_http_glance_registry_header(sr, "x-glance-claim-lease", &lease)
           != NGX_OK
        || ngx_http_glance_registry_header(sr, "x-glance-claim-abort", &word)
           != NGX_OK
        || ngx_http_glance_registry_header(sr, "x-glance-node", &glcf->node)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* key: lower case, a constant */

static ngx_int_t
ngx_http_glance_registry_header(ngx_http_request_t *sr, const char *key,
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


/*
 * Stores only; the request is woken when nginx works off its posted ones.
 * NGX_OK keeps nginx from making an error page of a refusal.
 */

static ngx_int_t
ngx_http_glance_registry_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
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

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        call->status = rc;

    } else if (rc == NGX_OK && ngx_http_glance_registry_intact(sr) == NGX_OK) {
        call->status = sr->headers_out.status;

        if (sr->out && sr->out->buf) {
            b = sr->out->buf;
            call->body.data = b->pos;
            call->body.len = b->last - b->pos;
        }
    }

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
ngx_http_glance_registry_intact(ngx_http_request_t *sr)
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


static void
ngx_http_glance_wake(ngx_http_request_t *r)
{
    ngx_http_glance_ctx_t    *ctx;
    ngx_http_glance_step_pt   next;

    ctx = ngx_http_glance_get_ctx(r);

    if (ctx == NULL || !ctx->call.done || ctx->call.next == NULL) {
        return;
    }

    next = ctx->call.next;
    ctx->call.next = NULL;

    next(r, ctx);
}
