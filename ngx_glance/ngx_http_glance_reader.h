
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_READER_H_INCLUDED_
#define _NGX_HTTP_GLANCE_READER_H_INCLUDED_


#include "ngx_http_glance_remote.h"


/*
 * From a store to the client.  open() of a store makes a reader, whose
 * fetch() prepares a GET and sends it by reader_get(), which adds Range and
 * If-Match headers, with reader_answer() as next, or calls reader_answer()
 * when it got no further.  fetch() is called again for each further try.  A
 * store that can tell an answer it does not want, as a refused token, looks
 * at it first.  The range that the client wants is asked for at
 * once, the size is checked before a header is sent to it, and a store that
 * is not fast enough, or too fast, costs no more memory than
 * glance_upload_buffers.
 */

typedef void (*ngx_http_glance_fetch_pt)(ngx_http_glance_reader_t *rd);

struct ngx_http_glance_reader_s {
    ngx_http_glance_remote_t    *remote;
    ngx_http_glance_handle_t    *handle;
    ngx_http_glance_fetch_pt     fetch;
    ngx_str_t                    range;
    ngx_str_t                    match;
    ngx_uint_t                   resumes;   /* left */

    off_t                        size;
    off_t                        first;
    off_t                        length;    /* wanted, from first */
    off_t                        got;
    off_t                        from;      /* asked for by this try */
    off_t                        skip;      /* of an answer that has more */
    ngx_uint_t                   tries;
    ngx_event_t                  retry;

    ngx_buf_t                   *fill;
    ngx_chain_t                 *out;
    ngx_chain_t                 *busy;
    ngx_chain_t                 *free;
    ngx_uint_t                   nbufs;
    size_t                       turn;      /* sent since the last resume() */
    u_char                       text[sizeof("bytes=-")
                                      + 2 * NGX_OFF_T_LEN];
    unsigned                     opened:1;
    unsigned                     unsized:1;     /* the answer says no length */
    unsigned                     sending:1;
    unsigned                     last:1;
    unsigned                     failed:1;      /* nothing more can be sent */
};


/* NGX_AGAIN, or a status; resumes: tries within the body */
ngx_int_t ngx_http_glance_reader_open(ngx_http_glance_remote_t *m,
    ngx_http_glance_handle_t *h, off_t size, ngx_uint_t resumes,
    ngx_http_glance_fetch_pt fetch);
ngx_int_t ngx_http_glance_reader_get(ngx_http_glance_reader_t *rd,
    ngx_http_glance_remote_pt next);
void ngx_http_glance_reader_answer(ngx_http_glance_remote_t *m);

/* another handle takes the place of the one that had it */
void ngx_http_glance_reader_close(ngx_http_glance_reader_t *rd);

/* the send() of the vtable */
ngx_int_t ngx_http_glance_reader_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, off_t size);


/* between the asking and the sending, nobody else's */

/* the bytes that are wanted from now on, of which there are none yet */
void ngx_http_glance_reader_want(ngx_http_glance_reader_t *rd, off_t first,
    off_t last);

/* true: there will be another try */
ngx_uint_t ngx_http_glance_reader_again(ngx_http_glance_reader_t *rd);

/* what comes, within libcurl; and that something came, or the end */
ngx_int_t ngx_http_glance_reader_take(ngx_http_glance_remote_t *m,
    u_char *p, size_t len);
void ngx_http_glance_reader_more(ngx_http_glance_remote_t *m);

/* of the request, too */
void ngx_http_glance_reader_end(ngx_http_glance_reader_t *rd, ngx_int_t rc);


#endif /* _NGX_HTTP_GLANCE_READER_H_INCLUDED_ */
