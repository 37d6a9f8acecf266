
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_TASK_H_INCLUDED_
#define _NGX_HTTP_GLANCE_TASK_H_INCLUDED_


#include "ngx_http_glance_module.h"


#define NGX_HTTP_GLANCE_TASK_WATCH  60000   /* ms */


/* runs in a thread and touches nothing but its data: no request, no pool */
typedef void (*ngx_http_glance_work_pt)(void *data);

struct ngx_http_glance_task_s {
    ngx_thread_task_t          *thread;
    ngx_http_request_t         *request;
    ngx_http_glance_ctx_t      *ctx;
    ngx_http_glance_work_pt     work;
    ngx_http_glance_step_pt     done;   /* not called for an ended request */
    void                       *data;
    unsigned                    busy:1;
};


/*
 * A task lives in r->pool, which outlasts it: nginx frees no request while
 * tasks are running.  It can be posted again after done() was called.
 */
ngx_http_glance_task_t *ngx_http_glance_task_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_work_pt work,
    ngx_http_glance_step_pt done, void *data);

/* NGX_ERROR: the pool's queue is full, nothing was started */
ngx_int_t ngx_http_glance_task_post(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_thread_pool_t *pool,
    ngx_http_glance_task_t *task);

/*
 * Called in a thread: from now on it gives way to threads with less "nice".
 * Nobody without privileges can take that back, hence pools of their own for
 * such threads.
 */
void ngx_http_glance_task_nice(ngx_int_t nice);

/*
 * A pool that computes digests, and how many uploads of this worker have it.
 * An upload stays with one, which should have as many threads as there are
 * digests: threads that take turns are found on the same processor often
 * enough, while another has nothing to do.
 */
typedef struct {
    ngx_thread_pool_t          *pool;
    ngx_uint_t                  uploads;
} ngx_http_glance_digest_pool_t;

/* the only one of a new list; NULL: no memory */
ngx_array_t *ngx_http_glance_digest_pools(ngx_conf_t *cf,
    ngx_thread_pool_t *pool);

/* the one with the fewest uploads, as long as r lives; NULL: no memory */
ngx_thread_pool_t *ngx_http_glance_digest_pool_take(ngx_http_request_t *r,
    ngx_array_t *pools);


#endif /* _NGX_HTTP_GLANCE_TASK_H_INCLUDED_ */
