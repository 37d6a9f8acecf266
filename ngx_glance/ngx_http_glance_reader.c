
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_reader.h"

#include "glance_range.h"


#define NGX_HTTP_GLANCE_READER_TRIES  3     /* before the first byte */
#define NGX_HTTP_GLANCE_READER_DELAY  200   /* ms, then twice as much */


static void ngx_http_glance_reader_fail(ngx_http_glance_reader_t *rd,
    ngx_int_t rc);
static ngx_int_t ngx_http_glance_reader_check(ngx_http_glance_reader_t *rd);
static ngx_uint_t ngx_http_glance_reader_same(ngx_http_glance_reader_t *rd);
static void ngx_http_glance_reader_opened(ngx_http_glance_reader_t *rd,
    ngx_int_t rc);
static void ngx_http_glance_reader_retry(ngx_event_t *ev);
static void ngx_http_glance_reader_cleanup(void *data);


ngx_int_t
ngx_http_glance_reader_open(ngx_http_glance_remote_t *m,
    ngx_http_glance_handle_t *h, off_t size, ngx_uint_t resumes,
    ngx_http_glance_fetch_pt fetch)
{
    glance_str_t               text;
    glance_range_t             range;
    ngx_http_cleanup_t        *cln;
    ngx_http_request_t        *r;
    ngx_http_glance_reader_t  *rd;

    r = m->request;

    rd = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_reader_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (rd == NULL || cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_glance_reader_cleanup;
    cln->data = rd;

    rd->remote = m;
    rd->handle = h;
    rd->fetch = fetch;
    rd->size = size;
    rd->resumes = resumes;

    rd->retry.handler = ngx_http_glance_reader_retry;
    rd->retry.data = rd;
    rd->retry.log = r->connection->log;

    h->reader = rd;

    ngx_http_glance_reader_want(rd, 0, size - 1);

    if (h->ranges && r->headers_in.range) {
        text.data = r->headers_in.range->value.data;
        text.len = r->headers_in.range->value.len;

        if (glance_range_parse(text, (uint64_t) size, &range)) {
            h->offset = (off_t) range.first;

            /* whether If-Range holds, nginx says later */

            if (r->headers_in.if_range == NULL) {
                ngx_http_glance_reader_want(rd, (off_t) range.first,
                                            (off_t) range.last);
            }
        }
    }

    r->read_event_handler = ngx_http_test_reading;

    fetch(rd);

    return NGX_AGAIN;
}


void
ngx_http_glance_reader_want(ngx_http_glance_reader_t *rd, off_t first,
    off_t last)
{
    rd->first = first;
    rd->length = last - first + 1;
    rd->got = 0;
}


/* the range that is still to come, and then the GET of it */

ngx_int_t
ngx_http_glance_reader_get(ngx_http_glance_reader_t *rd,
    ngx_http_glance_remote_pt next)
{
    ngx_http_glance_remote_t  *m;

    m = rd->remote;

    m->getting = 1;
    m->take = ngx_http_glance_reader_take;
    m->more = ngx_http_glance_reader_more;

    rd->range.data = rd->text;
    rd->range.len = 0;
    rd->from = rd->first + rd->got;
    rd->skip = 0;
    rd->unsized = 0;

    if (rd->length > 0 && (rd->from > 0 || rd->length < rd->size)) {
        rd->range.len = ngx_sprintf(rd->text, "bytes=%O-%O", rd->from,
                                    rd->first + rd->length - 1)
                        - rd->text;

        if (ngx_http_glance_remote_header(m, "Range", &rd->range) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (rd->got
        && ngx_http_glance_remote_header(m, "If-Match", &rd->match) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_glance_remote_call(m, NULL, next);
}


static void
ngx_http_glance_reader_fail(ngx_http_glance_reader_t *rd, ngx_int_t rc)
{
    if (rd->opened) {
        ngx_http_glance_reader_end(rd, NGX_ERROR);
        return;
    }

    ngx_http_glance_reader_opened(rd, rc);
}


/* the headers of an answer are in, or there is none */

void
ngx_http_glance_reader_answer(ngx_http_glance_remote_t *m)
{
    ngx_int_t                  rc;
    ngx_str_t                 *value;
    ngx_http_glance_reader_t  *rd;

    rd = m->ctx->handle->reader;

    if (m->status != NGX_HTTP_OK && m->status != NGX_HTTP_PARTIAL_CONTENT
        && m->status != NGX_HTTP_RANGE_NOT_SATISFIABLE)
    {
        if (((m->status == 0
              && !(m->transfer
                   && m->transfer->failure == NGX_HTTP_GLANCE_TRANSFER_DENIED))
             || m->status >= NGX_HTTP_INTERNAL_SERVER_ERROR)
            && ngx_http_glance_reader_again(rd))
        {
            return;
        }

        rc = ngx_http_glance_remote_failed(m, rd->handle);
        ngx_http_glance_reader_fail(rd, rc);
        return;
    }

    rc = ngx_http_glance_reader_check(rd);

    if (rd->opened) {
        if (rc != NGX_OK || rd->handle->size != rd->size
            || !ngx_http_glance_reader_same(rd))
        {
            ngx_http_glance_reader_end(rd, NGX_ERROR);
            return;
        }

        ngx_http_glance_reader_more(m);
        return;
    }

    if (rc != NGX_OK) {
        rc = ngx_http_glance_remote_failed(m, rd->handle);
        ngx_http_glance_reader_opened(rd, rc);
        return;
    }

    value = ngx_http_glance_remote_answer(m, "last-modified");

    if (value) {
        rd->handle->mtime = ngx_http_parse_time(value->data, value->len);
    }

    if (value == NULL || rd->handle->mtime == (time_t) NGX_ERROR) {
        rd->handle->mtime = -1;
    }

    value = ngx_http_glance_remote_answer(m, "etag");

    if (value) {
        rd->match.data = ngx_pstrdup(m->request->pool, value);
        rd->match.len = rd->match.data ? value->len : 0;
    }

    ngx_http_glance_reader_opened(rd, NGX_OK);
}


/* handle->size, and whether these are the bytes that were asked for */

static ngx_int_t
ngx_http_glance_reader_check(ngx_http_glance_reader_t *rd)
{
    off_t                      length;
    ngx_str_t                 *content, *value;
    glance_str_t               text;
    glance_range_t             range;
    ngx_http_glance_handle_t  *h;
    ngx_http_glance_remote_t  *m;

    h = rd->handle;
    m = rd->remote;

    if (m->status == NGX_HTTP_RANGE_NOT_SATISFIABLE) {

        /* shorter than on record, which is for the caller to say */

        h->size = -1;
        return NGX_OK;
    }

    length = -1;
    value = ngx_http_glance_remote_answer(m, "content-length");

    if (value) {
        length = ngx_atoof(value->data, value->len);

    } else if (m->transfer->done
               && m->transfer->failure != NGX_HTTP_GLANCE_TRANSFER_WHOLE)
    {
        m->status = 0;
        return NGX_ERROR;

    } else if (m->status == NGX_HTTP_PARTIAL_CONTENT || rd->range.len == 0) {

        /* its end has to be seen */

        rd->unsized = 1;
    }

    if (m->status == NGX_HTTP_OK) {
        h->size = value ? length : rd->size;
        rd->skip = rd->from;

        return NGX_OK;
    }

    content = ngx_http_glance_remote_answer(m, "content-range");

    if (content) {
        text.data = content->data;
        text.len = content->len;
    }

    if (content == NULL
        || !glance_range_content(text, &range)
        || (off_t) range.first != rd->from)
    {
        m->status = 0;
        return NGX_ERROR;
    }

    h->size = (range.size == GLANCE_RANGE_ANY) ? rd->size
                                               : (off_t) range.size;

    /* another size is for the caller to say */

    if (h->size == rd->size && value
        && length != rd->first + rd->length - rd->from)
    {
        m->status = 0;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* not every store heeds If-Match, and not every way to it passes it on */

static ngx_uint_t
ngx_http_glance_reader_same(ngx_http_glance_reader_t *rd)
{
    ngx_str_t  *value;

    value = ngx_http_glance_remote_answer(rd->remote, "etag");

    if (rd->match.len == 0 || value == NULL
        || (value->len == rd->match.len
            && ngx_strncmp(value->data, rd->match.data, value->len) == 0))
    {
        return 1;
    }

    ngx_log_error(NGX_LOG_ERR, rd->remote->request->connection->log, 0,
                  "store: \"%V\" changed while it was sent",
                  &rd->remote->url);

    return 0;
}


static void
ngx_http_glance_reader_opened(ngx_http_glance_reader_t *rd, ngx_int_t rc)
{
    ngx_http_glance_remote_t  *m;

    m = rd->remote;
    rd->opened = 1;

    rd->handle->done(m->request, m->ctx, rc);
}


ngx_uint_t
ngx_http_glance_reader_again(ngx_http_glance_reader_t *rd)
{
    ngx_http_glance_remote_t  *m;

    m = rd->remote;

    if (rd->got == 0) {
        if (++rd->tries >= NGX_HTTP_GLANCE_READER_TRIES) {
            return 0;
        }

    } else {

        /* only what is certainly the same object is gone on with */

        if (rd->resumes == 0 || rd->match.len == 0) {
            return 0;
        }

        rd->resumes--;
        rd->tries = 1;
    }

    ngx_log_error(NGX_LOG_WARN, m->request->connection->log, 0,
                  "store: %s \"%V\" failed after %O bytes, trying again",
                  m->method, &m->url, rd->got);

    ngx_http_glance_remote_stop(m);

    ngx_add_timer(&rd->retry, NGX_HTTP_GLANCE_READER_DELAY << (rd->tries - 1));

    return 1;
}


static void
ngx_http_glance_reader_retry(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_glance_reader_t  *rd;

    rd = ev->data;
    r = rd->remote->request;
    c = r->connection;

    ev->timedout = 0;

    ngx_http_set_log_request(c->log, r);

    r->main->count++;

    rd->fetch(rd);

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_glance_reader_cleanup(void *data)
{
    ngx_http_glance_reader_t *rd = data;

    if (rd->retry.timer_set) {
        ngx_del_timer(&rd->retry);
    }
}


void
ngx_http_glance_reader_close(ngx_http_glance_reader_t *rd)
{
    ngx_http_glance_reader_cleanup(rd);
    ngx_http_glance_remote_stop(rd->remote);
}
