
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_UPLOAD_H_INCLUDED_
#define _NGX_HTTP_GLANCE_UPLOAD_H_INCLUDED_


#include "ngx_http_glance_store.h"
#include "ngx_http_glance_task.h"


#define NGX_HTTP_GLANCE_LONG_UPLOAD  (3600 * 1000)      /* ms */
#define NGX_HTTP_GLANCE_LEASE_MAX    (3600 * 1000)

#define NGX_HTTP_GLANCE_MD5      0
#define NGX_HTTP_GLANCE_HASH     1
#define NGX_HTTP_GLANCE_DIGESTS  2


typedef struct ngx_http_glance_inspect_s  ngx_http_glance_inspect_t;


/*
 * The body goes through a ring of buffers.  "filled" counts the buffers
 * filled so far, each reader's "done" those it has worked off; buffer n lies
 * in slot n % nbufs and is free again when all readers are past it.
 *
 * Threads read and write these counts while the event loop does: each has one
 * writer, and what it tells of is in memory before it is.
 */

typedef struct {
    ngx_http_glance_upload_t   *upload;
    ngx_http_glance_task_t     *task;
    glance_digest_t            *digest;
    ngx_atomic_t                done;
    unsigned                    failed:1;
} ngx_http_glance_lane_t;


struct ngx_http_glance_upload_s {
    ngx_http_glance_handle_t   *handle;
    ngx_http_glance_step_pt     next;

    u_char                    **bufs;
    size_t                     *lens;
    ngx_uint_t                  nbufs;
    size_t                      size;
    size_t                      fill;       /* bytes in the buffer in hand */
    ngx_atomic_t                filled;
    ngx_atomic_t                written;    /* the store's "done" */
    ngx_atomic_t                waiting;    /* the event loop, for room */
    ngx_http_glance_lane_t      lanes[NGX_HTTP_GLANCE_DIGESTS];
    ngx_thread_pool_t          *digest_pool;
    ngx_int_t                   digest_nice;

    off_t                       received;   /* bytes of the image */
    off_t                       expected;   /* -1: unknown */
    off_t                       cap;        /* more are too many */
    ngx_str_t                   checksum;   /* expected, may be empty */
    ngx_str_t                   digest[NGX_HTTP_GLANCE_DIGESTS];
    ngx_http_glance_inspect_t  *inspect;    /* NULL: of no interest */
    off_t                       virtual_size;   /* 0: not known */

    glance_multipart_t         *multipart;
    glance_str_t                content;    /* of a part, to be taken */

    ngx_event_t                 beat;       /* renews the lease */
    ngx_http_glance_call_t      beat_call;
    ngx_event_t                 retry;
    ngx_http_glance_step_pt     retry_step;
    ngx_str_t                   claim_path;
    u_char                      claim_name[sizeof("/claims/")
                                           + GLANCE_UUID_LEN];
    ngx_msec_t                  started;
    ngx_msec_t                  progress;   /* when bytes came last */
    ngx_msec_t                  deadline;   /* of the commit */

    ngx_uint_t                  status;     /* of a failure */
    ngx_str_t                   error;

    unsigned                    store_busy:1;
    unsigned                    reading:1;
    unsigned                    paused:1;
    unsigned                    eof:1;
    unsigned                    ending:1;   /* left the pump, either way */
    unsigned                    gone:1;     /* the client */
    unsigned                    undoing:1;
};


/*
 * Receives the data of ctx->image, which this request has claimed, into
 * ctx->store, and calls next() when they are committed: ctx->image is the
 * active record then.  On failure the image gets the status that its claim
 * names, what was stored is removed, and the client has got the answer.
 * size: expected, or -1; checksum: expected MD5, or empty.
 */
void ngx_http_glance_upload(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, off_t size, ngx_str_t *checksum,
    ngx_http_glance_step_pt next);

/* between upload.c and ring.c: memory and digests of ctx->upload */
void ngx_http_glance_upload_exceeds(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
ngx_int_t ngx_http_glance_ring_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/*
 * Copies as much of s as there is room for, unless it lies there already, and
 * moves s forward.  NGX_AGAIN: the ring is full; NGX_ERROR: the upload has
 * failed, or ended.
 */
ngx_int_t ngx_http_glance_ring_take(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, glance_str_t *s);

/* where the next bytes belong; the results are those of ring_take() */
ngx_int_t ngx_http_glance_ring_room(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, glance_str_t *room);
void ngx_http_glance_ring_flush(ngx_http_glance_upload_t *u);
void ngx_http_glance_ring_work(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_ring_written(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);

/* true while a thread computes a digest */
ngx_uint_t ngx_http_glance_ring_busy(ngx_http_glance_upload_t *u);

/* true when every reader is through */
ngx_uint_t ngx_http_glance_ring_drained(ngx_http_glance_upload_t *u);
void ngx_http_glance_ring_free(ngx_http_request_t *r,
    ngx_http_glance_upload_t *u);
void ngx_http_glance_upload_go_on(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* inspect: the second is called by a thread */
ngx_int_t ngx_http_glance_inspect_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_inspect_feed(ngx_http_glance_inspect_t *inspect,
    u_char *data, size_t len);
ngx_uint_t ngx_http_glance_inspect_accept(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* between upload.c and commit.c */
void ngx_http_glance_upload_commit(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_cdecl ngx_http_glance_upload_fail(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status, const char *fmt, ...);
void ngx_http_glance_upload_lost(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
ngx_str_t *ngx_http_glance_upload_claim_path(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
ngx_msec_t ngx_http_glance_upload_lease(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
json_t *ngx_http_glance_upload_renewal(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_upload_stop(ngx_http_glance_upload_t *u);
void ngx_http_glance_upload_undo(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


#endif /* _NGX_HTTP_GLANCE_UPLOAD_H_INCLUDED_ */
