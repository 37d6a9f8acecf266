
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_STORE_H_INCLUDED_
#define _NGX_HTTP_GLANCE_STORE_H_INCLUDED_


#include "ngx_http_glance_module.h"


/*
 * A handle on data in a store, of one request.  A call that takes time
 * returns NGX_AGAIN and ends by calling done(r, ctx, rc) later; otherwise it
 * returns its result at once and done() is not called.  At most one call is
 * pending per handle.  Results: NGX_OK, or a status for the client.
 */

typedef void (*ngx_http_glance_done_pt)(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);

struct ngx_http_glance_handle_s {
    ngx_http_glance_store_t    *store;
    ngx_http_glance_done_pt     done;
    ngx_str_t                   image_id;
    ngx_str_t                   location;   /* set by begin() or commit() */
    off_t                       size;       /* set by open(); for begin():
                                               expected, or -1 */
    off_t                       offset;     /* of the range, by open() */
    time_t                      mtime;      /* -1: not known */
    ngx_str_t                   checksum;   /* for commit(): MD5 */
    const char                 *error;      /* words for a failed call */
    void                       *data;       /* the store's own */
    struct ngx_http_glance_reader_s  *reader;   /* of a remote store */
    ngx_str_t                   trace;      /* location#claim, on record as
                                               long as the upload runs */
    ngx_str_t                   claim;      /* for remove(): only what the
                                               upload with it has left */
    unsigned                    recorded:1; /* and its location is the image's
                                               on record */
    unsigned                    traced:1;   /* begin() has set the location,
                                               which a sweep has to know */
    unsigned                    ranges:1;   /* the request's Range counts */
    unsigned                    named:1;    /* a client has just named it: its
                                               key counts, not ours */
};


/*
 * Reading: open, then send once; the handle is released with r->pool.  send()
 * returns what finalizes the request, or NGX_DONE: done() will be called with
 * that, when all is sent or it cannot be.
 */

typedef ngx_int_t (*ngx_http_glance_store_open_pt)(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri,
    off_t size);
typedef ngx_int_t (*ngx_http_glance_store_send_pt)(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, off_t size);

/*
 * Writing: begin, write any number of times, then commit or abort.  After
 * commit the data are durable and readable at h->location; forget() drops
 * the trace that lets a sweep undo a commit nobody knows of.  abort() is
 * right after commit too and removes what this handle has written, only.
 * A handle that was neither forgotten nor aborted when the pool dies cleans
 * up by itself, unless keep() was called: others decide then.
 */

typedef ngx_int_t (*ngx_http_glance_store_begin_pt)(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h,
    ngx_http_glance_claim_t *claim);
typedef ngx_int_t (*ngx_http_glance_store_write_pt)(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, u_char *data,
    size_t len);
typedef ngx_int_t (*ngx_http_glance_store_end_pt)(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
typedef void (*ngx_http_glance_store_keep_pt)(ngx_http_glance_handle_t *h);
typedef ngx_int_t (*ngx_http_glance_store_remove_pt)(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri);


/* data to be written lie in memory at multiples of this many bytes */
#define NGX_HTTP_GLANCE_ALIGNMENT  4096


struct ngx_http_glance_store_s {
    ngx_str_t                        name;      /* x-image-meta-store */
    glance_scheme_e                  scheme;    /* of its locations */
    const char                      *needed;    /* the directive for it */

    ngx_int_t                      (*enabled)(
                                         ngx_http_glance_loc_conf_t *glcf);

    ngx_http_glance_store_open_pt    open;      /* required */
    ngx_http_glance_store_send_pt    send;      /* required */
    ngx_http_glance_store_begin_pt   begin;     /* NULL: read-only store */
    ngx_http_glance_store_write_pt   write;
    ngx_http_glance_store_end_pt     commit;
    ngx_http_glance_store_end_pt     forget;
    ngx_http_glance_store_end_pt     abort;
    ngx_http_glance_store_keep_pt    keep;
    ngx_http_glance_store_remove_pt  remove;    /* NULL: cannot delete */

    /*
     * Looks at what a client has named, and sets h->size, -1: not known; or
     * h->error, words that follow the name of a header.  It also shows that
     * the client has the key, so nothing may be recorded without it.
     */
    ngx_http_glance_store_remove_pt  probe;     /* NULL: nobody may name it */
};


extern ngx_http_glance_store_t  ngx_http_glance_store_file;
extern ngx_http_glance_store_t  ngx_http_glance_store_swift;
extern ngx_http_glance_store_t  ngx_http_glance_store_s3;
extern ngx_http_glance_store_t  ngx_http_glance_store_http;

/* by the word of x-image-meta-store, whether enabled or not; NULL if none */
ngx_http_glance_store_t *ngx_http_glance_store_find(ngx_str_t *name);

/* by a location URI; NULL if no enabled store serves it */
ngx_http_glance_store_t *ngx_http_glance_store_locate(
    ngx_http_glance_loc_conf_t *glcf, ngx_str_t *uri);

/* the enabled stores whose data clients may name: "http"; or empty */
ngx_int_t ngx_http_glance_store_sources(ngx_http_request_t *r,
    ngx_str_t *names);

/* new handle, of the request's pool, and ctx->handle; NULL: no memory */
ngx_http_glance_handle_t *ngx_http_glance_store_handle(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_store_t *store,
    ngx_str_t *image_id, ngx_http_glance_done_pt done);

/* answers 200 with the data that h was opened for, and ends the request */
void ngx_http_glance_store_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);


#endif /* _NGX_HTTP_GLANCE_STORE_H_INCLUDED_ */
