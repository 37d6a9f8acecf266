
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_reader.h"

#include "glance_range.h"


static ngx_int_t ngx_http_glance_reader_pass(ngx_http_glance_reader_t *rd);
static ngx_int_t ngx_http_glance_reader_room(ngx_http_glance_reader_t *rd);
static ngx_int_t ngx_http_glance_reader_flush(ngx_http_glance_reader_t *rd);
static void ngx_http_glance_reader_write(ngx_http_request_t *r);
static ngx_int_t ngx_http_glance_reader_pump(ngx_http_glance_reader_t *rd);
static ngx_int_t ngx_http_glance_reader_output(ngx_http_glance_reader_t *rd);


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


ngx_int_t
ngx_http_glance_reader_take(ngx_http_glance_remote_t *m, u_char *p,
    size_t len)
{
    size_t                     n;
    ngx_int_t                  rc;
    ngx_http_core_loc_conf_t  *clcf;
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

    clcf = ngx_http_get_module_loc_conf(m->request, ngx_http_core_module);

    if (clcf->sendfile_max_chunk && rd->turn >= clcf->sendfile_max_chunk
        && rd->busy == NULL)
    {
        /* a client as fast as the store: the worker's others are next */

        return NGX_AGAIN;
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

    if (rd->fill->last == rd->fill->end && rd->got < rd->length && !rd->busy
        && rd->sending && m->answered)
    {
        return ngx_http_glance_reader_pass(rd);
    }

    return NGX_OK;
}


/*
 * To the client while the processor has it at hand: libcurl reads as long as
 * there is something to be read, and the client would have to wait until all
 * buffers are full.  Nothing of an answer that was not looked at: it may be of
 * another object.
 */

static ngx_int_t
ngx_http_glance_reader_pass(ngx_http_glance_reader_t *rd)
{
    ngx_http_request_t  *r;

    r = rd->remote->request;

    ngx_http_set_log_request(r->connection->log, r);

    if (ngx_http_glance_reader_output(rd) == NGX_ERROR) {
        rd->failed = 1;
        return NGX_ERROR;
    }

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


void
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

    if (rd->failed) {
        return NGX_ERROR;
    }

    for ( ;; ) {

        rc = ngx_http_glance_reader_output(rd);

        if (rc == NGX_ERROR || rd->last) {
            return rc;
        }

        /* libcurl has bytes at hand of which each resume() has to take some */

        rd->turn = 0;

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

    for (cl = rd->out; cl; cl = cl->next) {
        rd->turn += (size_t) ngx_buf_size(cl->buf);
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


void
ngx_http_glance_reader_end(ngx_http_glance_reader_t *rd, ngx_int_t rc)
{
    ngx_http_glance_remote_t  *m;

    m = rd->remote;

    ngx_http_glance_remote_stop(m);

    rd->handle->done(m->request, m->ctx, rc);
}
