
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_s3.h"

#include "glance_sigv4.h"
#include "glance_xml.h"


#define NGX_HTTP_GLANCE_S3_TRIES  3
#define NGX_HTTP_GLANCE_S3_DELAY  200       /* ms, then twice as much */


static void ngx_http_glance_s3_cleanup(void *data);
static void ngx_http_glance_s3_describe(ngx_http_glance_s3_t *s3,
    const char *method, const char *query, ngx_uint_t bucket);
static void ngx_http_glance_s3_send(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_answered(ngx_http_glance_remote_t *m);
static void ngx_http_glance_s3_again(ngx_event_t *ev);
static ngx_int_t ngx_http_glance_s3_code(ngx_http_glance_remote_t *m,
    ngx_str_t *code);
static ngx_int_t ngx_http_glance_s3_exchange(ngx_http_glance_s3_t *s3,
    ngx_http_glance_remote_t *m, ngx_http_glance_s3_ask_t *ask,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_glance_s3_sign(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_ask_t *ask, ngx_pool_t *pool, ngx_str_t *host,
    ngx_str_t *path, glance_sigv4_t *s, ngx_str_t *sign);
static glance_str_t ngx_http_glance_s3_slice(ngx_str_t *s);
static ngx_int_t ngx_http_glance_s3_names(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_ask_t *ask, ngx_pool_t *pool, ngx_str_t *host,
    ngx_str_t *path);
static void ngx_http_glance_s3_header(glance_sigv4_t *s, const char *name,
    ngx_str_t *value);


ngx_http_glance_s3_t *
ngx_http_glance_s3_create(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    ngx_http_cleanup_t          *cln;
    ngx_http_glance_s3_t        *s3;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    s3 = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_s3_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (s3 == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_glance_s3_cleanup;
    cln->data = s3;

    s3->remote = ngx_http_glance_remote_create(r, ctx, s3);

    if (s3->remote == NULL) {
        return NULL;
    }

    s3->request = r;
    s3->ctx = ctx;
    s3->handle = h;
    s3->conf = &glcf->s3;
    s3->account = glcf->s3.account;

    s3->retry.handler = ngx_http_glance_s3_again;
    s3->retry.data = s3;
    s3->retry.log = r->connection->log;

    h->data = s3;

    return s3;
}


static void
ngx_http_glance_s3_cleanup(void *data)
{
    ngx_http_glance_s3_t *s3 = data;

    if (s3->retry.timer_set) {
        ngx_del_timer(&s3->retry);
    }

    ngx_http_glance_s3_halt(s3);
}


/* no memory: the request ends, and the lease of its claim does the rest */

void
ngx_http_glance_s3_broken(ngx_http_glance_s3_t *s3)
{
    ngx_http_glance_finalize(s3->request, s3->ctx, NGX_ERROR);
}


void
ngx_http_glance_s3_ask(ngx_http_glance_s3_t *s3, const char *method,
    const char *query)
{
    ngx_http_glance_s3_describe(s3, method, query, 0);
}


void
ngx_http_glance_s3_ask_bucket(ngx_http_glance_s3_t *s3, const char *method,
    const char *query)
{
    ngx_http_glance_s3_describe(s3, method, query, 1);
}


static void
ngx_http_glance_s3_describe(ngx_http_glance_s3_t *s3, const char *method,
    const char *query, ngx_uint_t bucket)
{
    ngx_memzero(&s3->ask, sizeof(ngx_http_glance_s3_ask_t));

    s3->ask.method = method;
    s3->ask.query = query;
    s3->ask.bucket = bucket;
    s3->has_body = 0;
    s3->tries = 0;
}


void
ngx_http_glance_s3_say(ngx_http_glance_s3_ask_t *ask, const char *name,
    ngx_str_t *value)
{
    ask->name[ask->nheaders] = name;
    ask->value[ask->nheaders] = *value;
    ask->nheaders++;
}


const char *
ngx_http_glance_s3_query(ngx_http_glance_s3_t *s3, const char *name,
    ngx_str_t *value, const char *behind)
{
    size_t         len;
    glance_buf_t   b;
    glance_str_t   text;

    len = ngx_strlen(name) + 3 * value->len + ngx_strlen(behind) + 1;

    if (s3->room) {
        (void) ngx_pfree(s3->request->pool, s3->room);
    }

    /* large enough to be freed again: there may be thousands of them */

    s3->room = ngx_palloc(s3->request->pool, ngx_max(len, 8192));

    if (s3->room == NULL) {
        return NULL;
    }

    text.data = value->data;
    text.len = value->len;

    glance_buf_init(&b, s3->room, len);
    glance_buf_text(&b, name);
    glance_sigv4_escape(&b, text);
    glance_buf_text(&b, behind);
    glance_buf_char(&b, '\0');

    return b.overflow ? NULL : (const char *) s3->room;
}


void
ngx_http_glance_s3_call(ngx_http_glance_s3_t *s3, ngx_http_glance_s3_pt next)
{
    s3->answer = next;

    ngx_http_glance_s3_send(s3);
}


static void
ngx_http_glance_s3_send(ngx_http_glance_s3_t *s3)
{
    if (ngx_http_glance_s3_prepare(s3, s3->remote, &s3->ask) != NGX_OK
        || ngx_http_glance_remote_call(s3->remote,
                                       s3->has_body ? &s3->body : NULL,
                                       ngx_http_glance_s3_answered)
           != NGX_OK)
    {
        ngx_http_glance_s3_broken(s3);
    }
}


/* all calls can be made twice: what they say is where it ends, not a step */

static void
ngx_http_glance_s3_answered(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_s3_t  *s3;

    s3 = m->data;

    if (ngx_http_glance_s3_passing(m, s3->tries + 1)) {
        ngx_http_glance_s3_delay(m, &s3->retry, ++s3->tries);
        return;
    }

    s3->answer(s3);
}


/* an error in the body of a 200 counts too: the server began to answer */

ngx_uint_t
ngx_http_glance_s3_passing(ngx_http_glance_remote_t *m, ngx_uint_t tries)
{
    ngx_str_t  code;

    if (m->status == NGX_HTTP_OK
        && ngx_http_glance_s3_code(m, &code) == NGX_OK)
    {
        m->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return tries < NGX_HTTP_GLANCE_S3_TRIES
           && ngx_http_glance_remote_passing(m);
}


void
ngx_http_glance_s3_delay(ngx_http_glance_remote_t *m, ngx_event_t *ev,
    ngx_uint_t tries)
{
    ngx_log_error(NGX_LOG_WARN, m->request->connection->log, 0,
                  "s3: %s \"%V\" failed with %ui, trying again",
                  m->method, &m->url, m->status);

    ngx_http_glance_remote_stop(m);

    ngx_add_timer(ev, NGX_HTTP_GLANCE_S3_DELAY << (tries - 1));
}


static void
ngx_http_glance_s3_again(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_http_request_t    *r;
    ngx_http_glance_s3_t  *s3;

    s3 = ev->data;
    r = s3->request;
    c = r->connection;

    ev->timedout = 0;

    ngx_http_set_log_request(c->log, r);

    r->main->count++;

    ngx_http_glance_s3_send(s3);

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_run_posted_requests(c);
}


/* the word of an error; NGX_DECLINED: the body is none */

static ngx_int_t
ngx_http_glance_s3_code(ngx_http_glance_remote_t *m, ngx_str_t *code)
{
    size_t        i;
    u_char        c;
    glance_str_t  inner, xml;

    xml.data = m->body.data;
    xml.len = m->body.len;

    if (!glance_str_eq(glance_xml_root(xml), glance_str("Error"))) {
        return NGX_DECLINED;
    }

    ngx_str_set(code, "unknown");

    if (glance_xml_element(&xml, "Code", &inner)
        && inner.len > 0 && inner.len <= 64)
    {
        for (i = 0; i < inner.len; i++) {
            c = inner.data[i] | 0x20;

            if (c < 'a' || c > 'z') {
                return NGX_OK;
            }
        }

        code->data = (u_char *) inner.data;
        code->len = inner.len;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_s3_status(ngx_http_glance_s3_t *s3,
    ngx_http_glance_remote_t *m)
{
    ngx_str_t  code;

    if (ngx_http_glance_s3_code(m, &code) == NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, s3->request->connection->log, 0,
                      "s3: the error is \"%V\"", &code);

        if (code.len == sizeof("EntityTooLarge") - 1
            && ngx_strncmp(code.data, "EntityTooLarge", code.len) == 0)
        {
            m->status = NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
        }
    }

    return ngx_http_glance_remote_failed(m, s3->handle);
}


void
ngx_http_glance_s3_failed(ngx_http_glance_s3_t *s3)
{
    ngx_http_glance_s3_end(s3, ngx_http_glance_s3_status(s3, s3->remote));
}


ngx_int_t
ngx_http_glance_s3_run(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_step_pt step)
{
    ngx_int_t  rc;

    s3->step = step;

    rc = step(s3);

    s3->pending = (rc == NGX_AGAIN);

    return rc;
}


void
ngx_http_glance_s3_go(ngx_http_glance_s3_t *s3)
{
    ngx_int_t  rc;

    if (!s3->pending) {
        return;
    }

    rc = s3->step(s3);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_s3_end(s3, rc);
    }
}


/* the step of calls which one answer after the other brings to their end */

ngx_int_t
ngx_http_glance_s3_wait(ngx_http_glance_s3_t *s3)
{
    return NGX_AGAIN;
}


void
ngx_http_glance_s3_end(ngx_http_glance_s3_t *s3, ngx_int_t rc)
{
    s3->pending = 0;

    s3->handle->done(s3->request, s3->ctx, rc);
}


ngx_int_t
ngx_http_glance_s3_prepare(ngx_http_glance_s3_t *s3,
    ngx_http_glance_remote_t *m, ngx_http_glance_s3_ask_t *ask)
{
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    /* a pool of its own, since a request may make thousands of calls */

    pool = ngx_create_pool(2048, s3->request->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_glance_s3_exchange(s3, m, ask, pool);

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_http_glance_s3_exchange(ngx_http_glance_s3_t *s3,
    ngx_http_glance_remote_t *m, ngx_http_glance_s3_ask_t *ask,
    ngx_pool_t *pool)
{
    ngx_int_t        rc;
    ngx_str_t        host, path, sign, url, value;
    ngx_uint_t       i;
    glance_sigv4_t   s;

    if (ngx_http_glance_s3_names(s3, ask, pool, &host, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    url.len = sizeof("https://?") + host.len + path.len
              + (ask->query ? ngx_strlen(ask->query) : 0);
    url.data = ngx_pnalloc(pool, url.len);

    if (url.data == NULL
        || ngx_http_glance_s3_sign(s3, ask, pool, &host, &path, &s, &sign)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    url.len = ngx_sprintf(url.data, "%s://%V%V%s%s",
                          s3->account->tls ? "https" : "http", &host, &path,
                          ask->query ? "?" : "", ask->query ? ask->query : "")
              - url.data;

    if (ngx_http_glance_remote_prepare(m, ask->method, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = s3->account->stranger
         ? ngx_http_glance_remote_stranger(m)
         : ngx_http_glance_curl_tls(m->transfer, s3->conf->cafile,
                                    s3->conf->insecure);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_glance_remote_header(m, "authorization", &sign);

    for (i = 0; rc == NGX_OK && i < s.nheaders; i++) {
        value.data = (u_char *) s.headers[i].value.data;
        value.len = s.headers[i].value.len;

        rc = ngx_http_glance_remote_header(m,
                                   (const char *) s.headers[i].name.data,
                                   &value);
    }

    return rc;
}


/* the headers that are signed, and the one with the signature */

static ngx_int_t
ngx_http_glance_s3_sign(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_ask_t *ask, ngx_pool_t *pool, ngx_str_t *host,
    ngx_str_t *path, glance_sigv4_t *s, ngx_str_t *sign)
{
    size_t                         room;
    ngx_str_t                      sum, time;
    ngx_uint_t                     i;
    glance_buf_t                   b;
    ngx_http_glance_s3_account_t  *account;

    account = s3->account;

    room = 512 + account->access_key.len + account->region.len;

    sign->data = ngx_pnalloc(pool, room);
    time.data = ngx_pnalloc(pool, GLANCE_SIGV4_DATE_LEN);

    if (sign->data == NULL || time.data == NULL) {
        return NGX_ERROR;
    }

    time.len = GLANCE_SIGV4_DATE_LEN;
    glance_sigv4_date((int64_t) ngx_time(), time.data);

    if (ask->hidden) {
        ngx_str_set(&sum, GLANCE_SIGV4_UNSIGNED);

    } else {
        ngx_str_set(&sum, GLANCE_SIGV4_EMPTY);
    }

    ngx_memzero(s, sizeof(glance_sigv4_t));

    s->access_key = ngx_http_glance_s3_slice(&account->access_key);
    s->secret_key = ngx_http_glance_s3_slice(&account->secret_key);
    s->region = ngx_http_glance_s3_slice(&account->region);
    s->service = glance_str("s3");
    s->method = glance_str(ask->method);
    s->path = ngx_http_glance_s3_slice(path);
    s->query = glance_str(ask->query ? ask->query : "");
    s->payload = ngx_http_glance_s3_slice(&sum);
    s->date = ngx_http_glance_s3_slice(&time);

    ngx_http_glance_s3_header(s, "host", host);
    ngx_http_glance_s3_header(s, "x-amz-content-sha256", &sum);
    ngx_http_glance_s3_header(s, "x-amz-date", &time);

    for (i = 0; i < ask->nheaders; i++) {
        ngx_http_glance_s3_header(s, ask->name[i], &ask->value[i]);
    }

    glance_buf_init(&b, sign->data, room);

    if (!glance_sigv4_sign(s, &b)) {
        return NGX_ERROR;
    }

    sign->len = b.last - b.start;

    return NGX_OK;
}


static glance_str_t
ngx_http_glance_s3_slice(ngx_str_t *s)
{
    glance_str_t  text;

    text.data = s->data;
    text.len = s->len;

    return text;
}


static ngx_int_t
ngx_http_glance_s3_names(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_ask_t *ask, ngx_pool_t *pool, ngx_str_t *host,
    ngx_str_t *path)
{
    size_t         len;
    ngx_uint_t     before;
    glance_buf_t   b;
    glance_str_t   bucket, key;

    before = ngx_http_glance_s3_virtual(s3->conf, s3->account, &s3->bucket);

    host->data = ngx_pnalloc(pool, s3->bucket.len + 1
                                   + s3->account->host.len);
    len = 3 + 3 * (s3->bucket.len + s3->key.len);
    path->data = ngx_pnalloc(pool, len);

    if (host->data == NULL || path->data == NULL) {
        return NGX_ERROR;
    }

    bucket.data = s3->bucket.data;
    bucket.len = s3->bucket.len;
    key.data = s3->key.data;
    key.len = s3->key.len;

    glance_buf_init(&b, path->data, len);
    glance_buf_char(&b, '/');

    if (before) {
        host->len = ngx_sprintf(host->data, "%V.%V", &s3->bucket,
                                &s3->account->host)
                    - host->data;

    } else {
        host->len = ngx_sprintf(host->data, "%V", &s3->account->host)
                    - host->data;

        glance_sigv4_escape(&b, bucket);

        if (!ask->bucket) {
            glance_buf_char(&b, '/');
        }
    }

    if (!ask->bucket) {
        glance_sigv4_escape(&b, key);
    }

    path->len = b.last - b.start;

    return NGX_OK;
}


static void
ngx_http_glance_s3_header(glance_sigv4_t *s, const char *name,
    ngx_str_t *value)
{
    s->headers[s->nheaders].name = glance_str(name);
    s->headers[s->nheaders].value.data = value->data;
    s->headers[s->nheaders].value.len = value->len;
    s->nheaders++;
}
