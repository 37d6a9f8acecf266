
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_REMOTE_H_INCLUDED_
#define _NGX_HTTP_GLANCE_REMOTE_H_INCLUDED_


#include "ngx_http_glance_curl.h"
#include "ngx_http_glance_store.h"


/*
 * What stores behind HTTP have in common.  A remote is one line of
 * conversation of a request with a store: one exchange at a time, each of
 * which begins with prepare(), gets its headers, and is sent by one of
 *
 *     call()      a small body or none; the answer is collected
 *     upload()    a body in pieces: write(), write(), ..., eof()
 *     reader_get()  an answer that goes on to the client (see the reader)
 *
 * Each of them, and write() and eof(), ends by next(m), later; m->status and
 * the answer are valid until the next prepare().  No next() comes when the
 * request has ended meanwhile: the transfer goes with it.
 *
 * A store that works with several connections for one request makes several
 * remotes.
 */

typedef struct ngx_http_glance_remote_s  ngx_http_glance_remote_t;
typedef struct ngx_http_glance_reader_s  ngx_http_glance_reader_t;

typedef void (*ngx_http_glance_remote_pt)(ngx_http_glance_remote_t *m);

typedef struct {
    ngx_str_t                    name;
    ngx_str_t                    value;
} ngx_http_glance_remote_header_t;

struct ngx_http_glance_remote_s {
    ngx_http_request_t          *request;
    ngx_http_glance_ctx_t       *ctx;
    void                        *data;      /* the store's */

    const char                  *method;    /* of the exchange */
    ngx_str_t                    url;
    ngx_http_glance_transfer_t  *transfer;  /* NULL: there was none */

    ngx_uint_t                   status;    /* 0: no whole answer came */
    ngx_str_t                    body;      /* of call(), and of refusals */

    /* for the reader: what comes of a 2xx answer, and that it came */

    ngx_int_t                  (*take)(ngx_http_glance_remote_t *m,
                                     u_char *p, size_t len);
    ngx_http_glance_remote_pt    more;

    ngx_http_glance_remote_pt    next;
    ngx_array_t                 *headers;
    size_t                       headers_size;
    size_t                       body_room;
    u_char                      *out;       /* of write() */
    size_t                       out_len;
    unsigned                     uploading:1;
    unsigned                     getting:1;
    unsigned                     answered:1;
    unsigned                     eof:1;
};


/* new, of the request's pool; NULL: no memory */
ngx_http_glance_remote_t *ngx_http_glance_remote_create(
    ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx, void *data);

/* ends what runs; url without credentials, since errors are logged with it */
ngx_int_t ngx_http_glance_remote_prepare(ngx_http_glance_remote_t *m,
    const char *method, ngx_str_t *url);
ngx_int_t ngx_http_glance_remote_header(ngx_http_glance_remote_t *m,
    const char *name, ngx_str_t *value);
void ngx_http_glance_remote_stop(ngx_http_glance_remote_t *m);

/* NGX_OK: next() will come; NGX_ERROR: no memory.  text: borrowed, or NULL */
ngx_int_t ngx_http_glance_remote_call(ngx_http_glance_remote_t *m,
    ngx_str_t *text, ngx_http_glance_remote_pt next);

/* length: -1: chunked */
ngx_int_t ngx_http_glance_remote_upload(ngx_http_glance_remote_t *m,
    off_t length);

/*
 * The data are borrowed until next().  NGX_DECLINED: the answer is there
 * already, next() will not come; in next() too, look at m->transfer->done.
 */
ngx_int_t ngx_http_glance_remote_write(ngx_http_glance_remote_t *m,
    u_char *data, size_t len, ngx_http_glance_remote_pt next);
ngx_int_t ngx_http_glance_remote_eof(ngx_http_glance_remote_t *m,
    ngx_http_glance_remote_pt next);

/* a header of the answer, whatever its case, or NULL */
ngx_str_t *ngx_http_glance_remote_answer(ngx_http_glance_remote_t *m,
    const char *name);

/* true: what failed may go well a moment later */
ngx_uint_t ngx_http_glance_remote_passing(ngx_http_glance_remote_t *m);

/*
 * An exchange that did not go as it should: logs it, sets words for the
 * client, and returns its status.
 */
ngx_int_t ngx_http_glance_remote_failed(ngx_http_glance_remote_t *m,
    ngx_http_glance_handle_t *h);


/*
 * For a server that a client has named, after prepare(): its address is
 * looked at, and its certificate is checked.
 */
ngx_int_t ngx_http_glance_remote_stranger(ngx_http_glance_remote_t *m);
ngx_uint_t ngx_http_glance_remote_denied(ngx_http_glance_remote_t *m);

/* the result of probe() after a HEAD; sets h->size, or h->error */
ngx_int_t ngx_http_glance_remote_probed(ngx_http_glance_remote_t *m,
    ngx_http_glance_handle_t *h);


#endif /* _NGX_HTTP_GLANCE_REMOTE_H_INCLUDED_ */
