
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_STORE_FILE_H_INCLUDED_
#define _NGX_HTTP_GLANCE_STORE_FILE_H_INCLUDED_


#include "ngx_http_glance_store.h"


/* of uploads; where it is missing, there is no store of ours, or not yet */
#define NGX_HTTP_GLANCE_UPLOAD_DIR  "/.upload"
#include "ngx_http_glance_task.h"


/*
 * {root}/{id} holds an image.  Data being received are in
 * {root}/.upload/{id}.{claim}, locked by flock() as long as their uploader
 * lives.  The name stays until the registry has recorded the image, so that a
 * crash at any point leaves a mark: glance-worker finds it unlocked, asks the
 * registry, and removes what has no record.
 *
 * What the threads need is in this structure alone.  It belongs to r->pool,
 * except for what ngx_http_glance_file_drop() copies.
 */

typedef struct {
    ngx_http_glance_handle_t  *handle;
    ngx_http_glance_task_t    *task;
    ngx_thread_pool_t         *pool;
    ngx_log_t                 *log;

    u_char                    *root;        /* all three with NUL */
    u_char                    *temp;
    u_char                    *path;

    ngx_fd_t                   fd;
    off_t                      offset;
    off_t                      flushed;     /* asked to be durable */
    ngx_http_glance_task_t    *flush;       /* NULL: nothing begun */
    ngx_err_t                  flush_err;   /* of its thread */
    ngx_http_glance_work_pt    later;       /* waits for it */
    u_char                    *data;        /* to be written */
    size_t                     len;

    ngx_err_t                  err;         /* of the thread */
    const char                *call;
    ngx_uint_t                 reading;     /* or writing */
    unsigned                   direct:1;    /* past the page cache */
    unsigned                   created:1;   /* temp exists */
    unsigned                   linked:1;    /* path is ours */
    unsigned                   kept:1;
} ngx_http_glance_file_t;


/* for every call: f of the handle, and its work given to a thread */
ngx_http_glance_file_t *ngx_http_glance_file_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
ngx_int_t ngx_http_glance_file_run(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_file_t *f,
    ngx_http_glance_work_pt work);

/* in a thread: errno of a call that failed */
void ngx_http_glance_file_error(ngx_http_glance_file_t *f, const char *call);

/* in a thread: names in the store's directory are durable; or errno */
ngx_int_t ngx_http_glance_file_sync_dir(ngx_http_glance_file_t *f);

/* the writing half of the store */
ngx_int_t ngx_http_glance_file_begin(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h,
    ngx_http_glance_claim_t *claim);
ngx_int_t ngx_http_glance_file_write(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, u_char *data,
    size_t len);
ngx_int_t ngx_http_glance_file_commit(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
ngx_int_t ngx_http_glance_file_forget(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
ngx_int_t ngx_http_glance_file_abort(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
void ngx_http_glance_file_keep(ngx_http_glance_handle_t *h);

/* removes what was written, later; NGX_ERROR: it stays, with its fd */
ngx_int_t ngx_http_glance_file_drop(ngx_http_glance_file_t *f);


#endif /* _NGX_HTTP_GLANCE_STORE_FILE_H_INCLUDED_ */
