
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_remote.h"

#include "glance_range.h"


#define NGX_HTTP_GLANCE_READER_TRIES  3     /* before the first byte */
#define NGX_HTTP_GLANCE_READER_DELAY  200   /* ms, then twice as much */


static void ngx_http_glance_reader_want(ngx_http_glance_reader_t *rd,
    off_t first, off_t last);
static void ngx_http_glance_reader_fail(ngx_http_glance_reader_t *rd,
    ngx_int_t rc);
static ngx_int_t ngx_http_glance_reader_check(ngx_http_glance_reader_t *rd);
static ngx_uint_t ngx_http_glance_reader_same(ngx_http_glance_reader_t *rd);
static void ngx_http_glance_reader_opened(ngx_http_glance_reader_t *rd,
    ngx_int_t rc);
static ngx_uint_t ngx_http_glance_reader_again(ngx_http_glance_reader_t *rd);
static void ngx_http_glance_reader_retry(ngx_event_t *ev);
static void ngx_http_glance_reader_cleanup(void *data);
static ngx_int_t ngx_http_glance_reader_take(ngx_http_glance_remote_t *m,
    u_char *p, size_t len);
static ngx_int_t ngx_http_glance_reader_room(ngx_http_glance_reader_t *rd);
static ngx_int_t ngx_http_glance_reader_flush(ngx_http_glance_reader_t *rd);
static void ngx_http_glance_reader_more(ngx_http_glance_remote_t *m);
static void ngx_http_glance_reader_write(ngx_http_request_t *r);
static ngx_int_t ngx_http_glance_reader_pump(ngx_http_glance_reader_t *rd);
static ngx_int_t ngx_http_glance_reader_output(ngx_http_glance_reader_t *rd);
static void ngx_http_glance_reader_end(ngx_http_glance_reader_t *rd,
    ngx_int_t rc);


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


static void
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


/* true: there will be another try */

static ngx_uint_t
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


ngx_int_t
ngx_http_glance_reader_send(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, off_t size)
{
    off_t                      first, last;
    ngx_str_t                 *value;
    glance_str_t               text;
    glance_range_t             range;
    ngx_http_glance_reader_t  *rd;

    rd = h->reader;

    first = 0;
    last = size - 1;

    if (r->headers_out.status == NGX_HTTP_PARTIAL_CONTENT) {
        value = &r->headers_out.content_range->value;

        text.data = value->data;
        text.len = value->len;

        if (!glance_range_content(text, &range)) {
            return NGX_ERROR;
        }

        first = (off_t) range.first;
        last = (off_t) range.last;

        /* where the filter of ranges begins to count */

        if (first != h->offset) {
            return NGX_ERROR;
        }
    }

    rd->sending = 1;
    r->write_event_handler = ngx_http_glance_reader_write;

    if (first != rd->first || last - first + 1 != rd->length) {

        /* other bytes than those that were asked for at first */

        rd->fill = NULL;
        rd->out = NULL;
        rd->nbufs = 0;

        ngx_http_glance_reader_want(rd, first, last);
        ngx_http_glance_remote_stop(rd->remote);

        rd->fetch(rd);

        return NGX_DONE;
    }

    return ngx_http_glance_reader_pump(rd);
}


/* within libcurl */

static ngx_int_t
ngx_http_glance_reader_take(ngx_http_glance_remote_t *m, u_char *p,
    size_t len)
{
    size_t                     n;
    ngx_int_t                  rc;
    ngx_http_glance_reader_t  *rd;

    rd = m->ctx->handle->reader;

    if (m->transfer->status == NGX_HTTP_OK && rd->range.len && !m->answered) {

        /* what has to be skipped is not known yet */

        return NGX_AGAIN;
    }

    n = (size_t) ngx_min((off_t) len, rd->skip);

    if (n == len) {
        rd->skip -= n;
        return NGX_OK;
    }

    if ((off_t) (len - n) > rd->length - rd->got) {

        /* a store that knows no ranges sends what is behind this one, too */

        if (m->transfer->status != NGX_HTTP_OK || rd->range.len == 0) {
            return NGX_ERROR;
        }

        len = n + (size_t) (rd->length - rd->got);

        if (len == n) {
            rd->skip = 0;
            return NGX_OK;
        }
    }

    /* all or nothing: a piece has 16k at most, a buffer has more */

    rc = ngx_http_glance_reader_room(rd);

    if (rc != NGX_OK) {
        return rc;
    }

    if ((size_t) (rd->fill->end - rd->fill->last) < len) {
        if (ngx_http_glance_reader_flush(rd) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_http_glance_reader_room(rd);

        if (rc != NGX_OK) {
            return rc;
        }

        if ((size_t) (rd->fill->end - rd->fill->last) < len) {
            return NGX_ERROR;
        }
    }

    p += n;
    len -= n;
    rd->skip = 0;

    rd->fill->last = ngx_cpymem(rd->fill->last, p, len);
    rd->got += len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_reader_room(ngx_http_glance_reader_t *rd)
{
    size_t                       size;
    ngx_pool_t                  *pool;
    ngx_chain_t                 *cl;
    ngx_http_glance_loc_conf_t  *glcf;

    if (rd->fill) {
        return NGX_OK;
    }

    pool = rd->remote->request->pool;

    if (rd->free) {
        cl = rd->free;
        rd->free = cl->next;
        rd->fill = cl->buf;
        ngx_free_chain(pool, cl);

    } else {
        glcf = ngx_http_get_module_loc_conf(rd->remote->request,
                                            ngx_http_glance_module);

        if (rd->nbufs == (ngx_uint_t) glcf->upload_buffers.num) {
            return NGX_AGAIN;
        }

        size = ngx_max(glcf->upload_buffers.size, 32 * 1024);

        rd->fill = ngx_create_temp_buf(pool, size);
        if (rd->fill == NULL) {
            return NGX_ERROR;
        }

        rd->nbufs++;
    }

    rd->fill->pos = rd->fill->start;
    rd->fill->last = rd->fill->start;
    rd->fill->last_buf = 0;
    rd->fill->last_in_chain = 0;
    rd->fill->flush = 1;
    rd->fill->tag = (ngx_buf_tag_t) &ngx_http_glance_module;

    return NGX_OK;
}


/* the buffer in hand is one to be sent */

static ngx_int_t
ngx_http_glance_reader_flush(ngx_http_glance_reader_t *rd)
{
    ngx_chain_t  *cl, **ll;

    if (rd->fill == NULL || rd->fill->last == rd->fill->pos) {
        return NGX_OK;
    }

    cl = ngx_alloc_chain_link(rd->remote->request->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = rd->fill;
    cl->next = NULL;

    for (ll = &rd->out; *ll; ll = &(*ll)->next) { /* void */ }

    *ll = cl;
    rd->fill = NULL;

    return NGX_OK;
}


static void
ngx_http_glance_reader_more(ngx_http_glance_remote_t *m)
{
    ngx_int_t                  rc;
    ngx_http_glance_reader_t  *rd;

    rd = m->ctx->handle->reader;

    if (!rd->sending) {
        return;
    }

    rc = ngx_http_glance_reader_pump(rd);

    if (rc != NGX_DONE) {
        ngx_http_glance_reader_end(rd, rc);
    }
}


static void
ngx_http_glance_reader_write(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_event_t               *wev;
    ngx_http_glance_ctx_t     *ctx;
    ngx_http_glance_reader_t  *rd;

    wev = r->connection->write;
    ctx = ngx_http_glance_get_ctx(r);
    rd = ctx->handle->reader;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;
        ngx_http_glance_reader_end(rd, NGX_ERROR);
        return;
    }

    rc = ngx_http_glance_reader_pump(rd);

    if (rc != NGX_DONE) {
        ngx_http_glance_reader_end(rd, rc);
    }
}


/* NGX_DONE: there is more to come; otherwise the end of the request */

static ngx_int_t
ngx_http_glance_reader_pump(ngx_http_glance_reader_t *rd)
{
    ngx_int_t                    rc;
    ngx_http_glance_remote_t    *m;
    ngx_http_glance_transfer_t  *t;

    m = rd->remote;

    for ( ;; ) {

        rc = ngx_http_glance_reader_output(rd);

        if (rc == NGX_ERROR || rd->last) {
            return rc;
        }

        t = m->transfer;

        if (t == NULL || !m->answered) {
            return NGX_DONE;
        }

        if (t->done) {
            break;
        }

        if (!t->in_paused || (rd->free == NULL && rd->busy)) {
            return NGX_DONE;
        }

        ngx_http_glance_curl_resume(t);

        if (t->in_paused && rd->busy) {
            return NGX_DONE;
        }
    }

    /* less than was promised to the client */

    if (rd->got < rd->length && ngx_http_glance_reader_again(rd)) {
        return NGX_DONE;
    }

    ngx_log_error(NGX_LOG_ERR, m->request->connection->log, 0,
                  "store: %s \"%V\" ended after %O of %O bytes: %s",
                  m->method, &m->url, rd->got, rd->length,
                  t->error ? t->error : "the data are too short");

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_glance_reader_output(ngx_http_glance_reader_t *rd)
{
    ngx_buf_t                   *b;
    ngx_int_t                    rc;
    ngx_uint_t                   whole;
    ngx_chain_t                 *cl, **ll;
    ngx_event_t                 *wev;
    ngx_http_request_t          *r;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_glance_transfer_t  *t;

    r = rd->remote->request;
    wev = r->connection->write;

    whole = (rd->got == rd->length);

    if (whole && rd->unsized) {

        /* there may be more: the last bytes wait for the end of the answer */

        t = rd->remote->transfer;

        whole = (t && t->done
                 && t->failure == NGX_HTTP_GLANCE_TRANSFER_WHOLE);
    }

    if ((whole || rd->got < rd->length)
        && ngx_http_glance_reader_flush(rd) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (whole && !rd->last) {
        rd->last = 1;

        for (ll = &rd->out; *ll && (*ll)->next; ll = &(*ll)->next) {
            /* void */
        }

        if (*ll == NULL) {
            b = ngx_calloc_buf(r->pool);
            cl = ngx_alloc_chain_link(r->pool);

            if (b == NULL || cl == NULL) {
                return NGX_ERROR;
            }

            cl->buf = b;
            cl->next = NULL;
            *ll = cl;
        }

        (*ll)->buf->last_buf = 1;
        (*ll)->buf->last_in_chain = 1;
    }

    if (rd->out == NULL && rd->busy == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_output_filter(r, rd->out);

    ngx_chain_update_chains(r->pool, &rd->free, &rd->busy, &rd->out,
                            (ngx_buf_tag_t) &ngx_http_glance_module);

    if (rc == NGX_ERROR || rd->last) {
        return rc;
    }

    if (rd->busy) {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (!wev->delayed) {
            ngx_add_timer(wev, clcf->send_timeout);
        }

        if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    return NGX_OK;
}


static void
ngx_http_glance_reader_end(ngx_http_glance_reader_t *rd, ngx_int_t rc)
{
    ngx_http_glance_remote_t  *m;

    m = rd->remote;

    ngx_http_glance_remote_stop(m);

    rd->handle->done(m->request, m->ctx, rc);
}
