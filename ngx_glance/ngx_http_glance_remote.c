
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_remote.h"


#define NGX_HTTP_GLANCE_REMOTE_HEADERS  (32 * 1024)
#define NGX_HTTP_GLANCE_REMOTE_BODY     (4 * 1024 * 1024)


static void ngx_http_glance_remote_cleanup(void *data);
static ngx_int_t ngx_http_glance_remote_start(ngx_http_glance_remote_t *m);
static ngx_int_t ngx_http_glance_remote_on_header(
    ngx_http_glance_transfer_t *t, ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_glance_remote_on_take(
    ngx_http_glance_transfer_t *t, u_char *p, size_t len);
static ngx_int_t ngx_http_glance_remote_grow(ngx_http_glance_remote_t *m,
    size_t len);
static ssize_t ngx_http_glance_remote_on_give(ngx_http_glance_transfer_t *t,
    u_char *p, size_t size);
static void ngx_http_glance_remote_event(ngx_http_glance_transfer_t *t);
static void ngx_http_glance_remote_step(ngx_http_glance_remote_t *m);


ngx_http_glance_remote_t *
ngx_http_glance_remote_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, void *data)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_glance_remote_t  *m;

    m = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_remote_t));
    if (m == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_glance_remote_cleanup;
    cln->data = m;

    m->request = r;
    m->ctx = ctx;
    m->data = data;

    return m;
}


static void
ngx_http_glance_remote_cleanup(void *data)
{
    ngx_http_glance_remote_stop(data);
}


void
ngx_http_glance_remote_stop(ngx_http_glance_remote_t *m)
{
    if (m->transfer) {
        ngx_http_glance_curl_destroy(m->transfer);
        m->transfer = NULL;
    }

    m->next = NULL;
    m->status = 0;
    m->headers = NULL;
    m->headers_size = 0;
    m->body_room = 0;
    m->out = NULL;
    m->out_len = 0;
    m->uploading = 0;
    m->getting = 0;
    m->answered = 0;
    m->eof = 0;

    ngx_str_null(&m->body);
    ngx_str_null(&m->url);
}


ngx_int_t
ngx_http_glance_remote_prepare(ngx_http_glance_remote_t *m,
    const char *method, ngx_str_t *url)
{
    ngx_http_glance_transfer_t  *t;
    ngx_http_glance_loc_conf_t  *glcf;

    ngx_http_glance_remote_stop(m);

    t = ngx_http_glance_curl_create(m->request->connection->log);
    if (t == NULL) {
        return NGX_ERROR;
    }

    m->transfer = t;
    m->method = method;

    m->url.data = ngx_pstrdup(t->pool, url);
    m->headers = ngx_array_create(t->pool, 16,
                                  sizeof(ngx_http_glance_remote_header_t));

    if (m->url.data == NULL || m->headers == NULL) {
        return NGX_ERROR;
    }

    m->url.len = url->len;

    glcf = ngx_http_get_module_loc_conf(m->request, ngx_http_glance_module);

    t->data = m;
    t->handler = ngx_http_glance_remote_event;
    t->header = ngx_http_glance_remote_on_header;
    t->take = ngx_http_glance_remote_on_take;
    t->give = ngx_http_glance_remote_on_give;
    t->connect_timeout = glcf->store_connect_timeout;
    t->idle_timeout = glcf->store_timeout;

    return ngx_http_glance_curl_target(t, method, url);
}


ngx_int_t
ngx_http_glance_remote_header(ngx_http_glance_remote_t *m, const char *name,
    ngx_str_t *value)
{
    return ngx_http_glance_curl_header(m->transfer, name, value);
}


ngx_int_t
ngx_http_glance_remote_call(ngx_http_glance_remote_t *m, ngx_str_t *text,
    ngx_http_glance_remote_pt next)
{
    if (text && ngx_http_glance_curl_body(m->transfer, text) != NGX_OK) {
        return NGX_ERROR;
    }

    m->next = next;

    return ngx_http_glance_remote_start(m);
}


ngx_int_t
ngx_http_glance_remote_upload(ngx_http_glance_remote_t *m, off_t length)
{
    m->uploading = 1;

    if (ngx_http_glance_curl_upload(m->transfer, length) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_glance_remote_start(m);
}


ngx_int_t
ngx_http_glance_remote_write(ngx_http_glance_remote_t *m, u_char *data,
    size_t len, ngx_http_glance_remote_pt next)
{
    if (m->transfer->done) {
        m->next = NULL;
        return NGX_DECLINED;
    }

    m->out = data;
    m->out_len = len;
    m->next = next;

    ngx_http_glance_curl_resume(m->transfer);

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_remote_eof(ngx_http_glance_remote_t *m,
    ngx_http_glance_remote_pt next)
{
    if (m->transfer->done) {
        m->next = NULL;
        return NGX_DECLINED;
    }

    m->eof = 1;
    m->next = next;

    ngx_http_glance_curl_resume(m->transfer);

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_remote_start(ngx_http_glance_remote_t *m)
{
    return ngx_http_glance_curl_start(m->transfer);
}


ngx_str_t *
ngx_http_glance_remote_answer(ngx_http_glance_remote_t *m, const char *name)
{
    size_t                            len;
    ngx_uint_t                        i;
    ngx_http_glance_remote_header_t  *h;

    len = ngx_strlen(name);
    h = m->headers ? m->headers->elts : NULL;

    for (i = 0; h && i < m->headers->nelts; i++) {
        if (h[i].name.len == len
            && ngx_strncasecmp(h[i].name.data, (u_char *) name, len) == 0)
        {
            return &h[i].value;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_glance_remote_passing(ngx_http_glance_remote_t *m)
{
    switch (m->status) {

    case 0:
    case NGX_HTTP_TOO_MANY_REQUESTS:
    case NGX_HTTP_INTERNAL_SERVER_ERROR:
    case NGX_HTTP_BAD_GATEWAY:
    case NGX_HTTP_SERVICE_UNAVAILABLE:
    case NGX_HTTP_GATEWAY_TIME_OUT:
        return !ngx_http_glance_remote_denied(m);

    default:
        return 0;
    }
}


/* what a store says is for the log of its operator, not for clients */

ngx_int_t
ngx_http_glance_remote_failed(ngx_http_glance_remote_t *m,
    ngx_http_glance_handle_t *h)
{
    const char                  *error;
    ngx_http_glance_transfer_t  *t;

    t = m->transfer;

    if (t == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (m->status == 0) {
        error = t->error ? t->error : "the answer is not what was asked for";

        ngx_log_error(NGX_LOG_ERR, m->request->connection->log, 0,
                      "store: %s \"%V\" failed: %s", m->method, &m->url,
                      error);

        if (t->failure == NGX_HTTP_GLANCE_TRANSFER_DENIED) {
            h->error = "The image data are at an address that is not allowed";
            return NGX_HTTP_FORBIDDEN;
        }

        h->error = "The store is not available";
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    ngx_log_error(NGX_LOG_ERR, m->request->connection->log, 0,
                  "store: %s \"%V\" answered %ui", m->method, &m->url,
                  m->status);

    switch (m->status) {

    case NGX_HTTP_UNAUTHORIZED:
    case NGX_HTTP_FORBIDDEN:
        h->error = "The store refuses access";
        return NGX_HTTP_SERVICE_UNAVAILABLE;

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
    case NGX_HTTP_INSUFFICIENT_STORAGE:
        h->error = "The store is full, or the image data are too large for "
                   "it";
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;

    case NGX_HTTP_NOT_FOUND:
        if (m->getting) {
            h->error = "The image data are missing in the store";
            return NGX_HTTP_NOT_FOUND;
        }

        break;
    }

    h->error = "The store failed";

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


static ngx_int_t
ngx_http_glance_remote_on_header(ngx_http_glance_transfer_t *t,
    ngx_str_t *name, ngx_str_t *value)
{
    ngx_http_glance_remote_t *m = t->data;

    u_char                           *p;
    ngx_http_glance_remote_header_t  *h;

    m->headers_size += name->len + value->len;

    if (m->headers_size > NGX_HTTP_GLANCE_REMOTE_HEADERS) {
        return NGX_ERROR;
    }

    h = ngx_array_push(m->headers);
    p = ngx_pnalloc(t->pool, name->len + value->len);

    if (h == NULL || p == NULL) {
        return NGX_ERROR;
    }

    h->name.data = p;
    h->name.len = name->len;
    p = ngx_cpymem(p, name->data, name->len);

    h->value.data = p;
    h->value.len = value->len;
    ngx_memcpy(p, value->data, value->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_remote_on_take(ngx_http_glance_transfer_t *t, u_char *p,
    size_t len)
{
    ngx_http_glance_remote_t *m = t->data;

    if (m->getting && t->status / 100 == 2) {
        return m->take(m, p, len);
    }

    if (m->body.len + len > NGX_HTTP_GLANCE_REMOTE_BODY) {

        /* of a refusal the beginning does */

        return (t->status / 100 == 2) ? NGX_ERROR : NGX_OK;
    }

    if (ngx_http_glance_remote_grow(m, len) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(m->body.data + m->body.len, p, len);
    m->body.len += len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_remote_grow(ngx_http_glance_remote_t *m, size_t len)
{
    size_t   room;
    u_char  *p;

    if (len <= m->body_room - m->body.len) {
        return NGX_OK;
    }

    room = ngx_max(2 * m->body_room, ngx_max(m->body.len + len, 4096));

    p = ngx_palloc(m->transfer->pool, room);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (m->body.len) {
        ngx_memcpy(p, m->body.data, m->body.len);
        (void) ngx_pfree(m->transfer->pool, m->body.data);
    }

    m->body.data = p;
    m->body_room = room;

    return NGX_OK;
}


static ssize_t
ngx_http_glance_remote_on_give(ngx_http_glance_transfer_t *t, u_char *p,
    size_t size)
{
    ngx_http_glance_remote_t *m = t->data;

    size_t  n;

    n = ngx_min(size, m->out_len);

    if (n == 0) {
        return m->eof ? 0 : NGX_AGAIN;
    }

    ngx_memcpy(p, m->out, n);

    m->out += n;
    m->out_len -= n;

    return n;
}


/* the reference: next() may finalize, and we still need the request */

static void
ngx_http_glance_remote_event(ngx_http_glance_transfer_t *t)
{
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_glance_remote_t  *m;

    m = t->data;
    r = m->request;
    c = r->connection;

    if (m->ctx->aborted) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    r->main->count++;

    ngx_http_glance_remote_step(m);

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_glance_remote_step(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_remote_pt    next;
    ngx_http_glance_transfer_t  *t;

    t = m->transfer;

    if (t->done && t->failure == NGX_HTTP_GLANCE_TRANSFER_WHOLE) {
        m->status = t->status;
    }

    if (m->getting && t->headers && t->status / 100 == 2) {

        m->status = t->status;

        if (m->answered) {
            m->more(m);
            return;
        }

    } else if (t->done) {
        /* void */

    } else if (!m->uploading || m->out_len || m->eof) {
        return;
    }

    m->answered = 1;

    next = m->next;
    m->next = NULL;

    if (next) {
        next(m);
    }
}
