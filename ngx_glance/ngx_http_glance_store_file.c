
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store.h"
#include "ngx_http_glance_task.h"

#include <sys/file.h>


#define NGX_HTTP_GLANCE_UPLOAD_DIR  "/.upload"
#define NGX_HTTP_GLANCE_SYNC_STEP   (16 * 1024 * 1024)


/*
 * {root}/{id} holds an image.  Data being received are in
 * {root}/.upload/{id}.{claim}, locked by flock() as long as their uploader
 * lives.  The name stays until the registry has recorded the image, so that a
 * crash at any point leaves a mark: glance-worker finds it unlocked, asks the
 * registry, and removes what has no record.
 *
 * What the threads need is in this structure alone.  It belongs to r->pool,
 * except in ngx_http_glance_file_drop_t, which outlives the request.
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
    off_t                      synced;      /* given to the disk */
    u_char                    *data;        /* to be written */
    size_t                     len;

    ngx_err_t                  err;         /* of the thread */
    const char                *call;
    ngx_uint_t                 reading;     /* or writing */
    unsigned                   created:1;   /* temp exists */
    unsigned                   linked:1;    /* path is ours */
    unsigned                   kept:1;
} ngx_http_glance_file_t;


typedef struct {
    ngx_fd_t                   fd;
    u_char                    *temp;
    u_char                    *path;        /* NULL: not linked */
} ngx_http_glance_file_drop_t;


static ngx_int_t ngx_http_glance_file_enabled(
    ngx_http_glance_loc_conf_t *glcf);
static ngx_int_t ngx_http_glance_file_open(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri,
    off_t size);
static ngx_int_t ngx_http_glance_file_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, off_t size);
static void ngx_http_glance_file_output(ngx_http_request_t *r);
static ngx_int_t ngx_http_glance_file_begin(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h,
    ngx_http_glance_claim_t *claim);
static ngx_int_t ngx_http_glance_file_write(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, u_char *data,
    size_t len);
static ngx_int_t ngx_http_glance_file_commit(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
static ngx_int_t ngx_http_glance_file_forget(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
static ngx_int_t ngx_http_glance_file_abort(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
static void ngx_http_glance_file_keep(ngx_http_glance_handle_t *h);
static ngx_int_t ngx_http_glance_file_remove(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri);

static ngx_http_glance_file_t *ngx_http_glance_file_create(
    ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h);
static ngx_int_t ngx_http_glance_file_path(ngx_http_request_t *r,
    ngx_http_glance_file_t *f, ngx_str_t *uri);
static ngx_int_t ngx_http_glance_file_run(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_file_t *f,
    ngx_http_glance_work_pt work);
static void ngx_http_glance_file_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_file_result(ngx_http_glance_file_t *f);
static void ngx_http_glance_file_cleanup(void *data);

static void ngx_http_glance_file_open_work(void *data);
static void ngx_http_glance_file_begin_work(void *data);
static void ngx_http_glance_file_write_work(void *data);
static void ngx_http_glance_file_commit_work(void *data);
static void ngx_http_glance_file_forget_work(void *data);
static void ngx_http_glance_file_abort_work(void *data);
static void ngx_http_glance_file_remove_work(void *data);
static void ngx_http_glance_file_error(ngx_http_glance_file_t *f,
    const char *call);
static ngx_int_t ngx_http_glance_file_sync_dir(ngx_http_glance_file_t *f);
static void ngx_http_glance_file_unlink_own(ngx_fd_t fd, u_char *path);
static void ngx_http_glance_file_drop_work(void *data, ngx_log_t *log);
static void ngx_http_glance_file_drop_done(ngx_event_t *ev);


ngx_http_glance_store_t  ngx_http_glance_store_file = {
    ngx_string("file"),
    GLANCE_SCHEME_FILE,

    ngx_http_glance_file_enabled,

    ngx_http_glance_file_open,
    ngx_http_glance_file_send,
    ngx_http_glance_file_begin,
    ngx_http_glance_file_write,
    ngx_http_glance_file_commit,
    ngx_http_glance_file_forget,
    ngx_http_glance_file_abort,
    ngx_http_glance_file_keep,
    ngx_http_glance_file_remove
};


static ngx_int_t
ngx_http_glance_file_enabled(ngx_http_glance_loc_conf_t *glcf)
{
    return glcf->file_root.len != 0;
}


/*
 * With "aio threads" also the opening is left to a thread: on a slow or
 * remote file system it is where a worker would stand still.
 */

static ngx_int_t
ngx_http_glance_file_open(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri, off_t size)
{
    ngx_http_glance_file_t    *f;
    ngx_http_core_loc_conf_t  *clcf;

    f = ngx_http_glance_file_create(r, ctx, h);
    if (f == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    f->reading = 1;

    if (ngx_http_glance_file_path(r, f, uri) != NGX_OK) {
        h->error = "The image data are not in a place that is served";
        return NGX_HTTP_NOT_FOUND;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->aio != NGX_HTTP_AIO_THREADS || clcf->thread_pool == NULL) {
        ngx_http_glance_file_open_work(f);
        return ngx_http_glance_file_result(f);
    }

    f->pool = clcf->thread_pool;

    return ngx_http_glance_file_run(r, ctx, f, ngx_http_glance_file_open_work);
}


/*
 * The file's buffer goes down nginx's own output chain: sendfile, ranges and
 * "aio threads" are its business.
 */

static ngx_int_t
ngx_http_glance_file_send(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, off_t size)
{
    ngx_buf_t               *b;
    ngx_chain_t              out;
    ngx_http_glance_file_t  *f;

    f = h->data;

    if (size == 0) {
        return ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    ngx_http_glance_file_output(r);

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));
    if (b->file == NULL) {
        return NGX_ERROR;
    }

    b->file_pos = 0;
    b->file_last = size;
    b->in_file = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    b->file->fd = f->fd;
    b->file->name.data = f->path;
    b->file->name.len = ngx_strlen(f->path);
    b->file->log = r->connection->log;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/*
 * nginx keeps "sendfile" and "tcp_nopush" in the connection, and the
 * subrequest to the registry has left there those of its own location.
 */

static void
ngx_http_glance_file_output(ngx_http_request_t *r)
{
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    c->sendfile = (ngx_io.flags & NGX_IO_SENDFILE) && clcf->sendfile;

    if (clcf->tcp_nopush && c->tcp_nopush == NGX_TCP_NOPUSH_DISABLED) {
        c->tcp_nopush = NGX_TCP_NOPUSH_UNSET;
    }
}


static ngx_int_t
ngx_http_glance_file_begin(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_http_glance_claim_t *claim)
{
    size_t                       len;
    ngx_http_glance_file_t      *f;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    f = ngx_http_glance_file_create(r, ctx, h);
    if (f == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    len = glcf->file_root.len + sizeof(NGX_HTTP_GLANCE_UPLOAD_DIR "/.")
          + h->image_id.len + GLANCE_UUID_LEN;

    f->temp = ngx_pnalloc(r->pool, len);
    f->path = ngx_pnalloc(r->pool, len);

    if (f->temp == NULL || f->path == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    (void) ngx_sprintf(f->temp, "%V%s/%V.%*s%Z", &glcf->file_root,
                       NGX_HTTP_GLANCE_UPLOAD_DIR, &h->image_id,
                       (size_t) GLANCE_UUID_LEN, claim->id);
    (void) ngx_sprintf(f->path, "%V/%V%Z", &glcf->file_root, &h->image_id);

    return ngx_http_glance_file_run(r, ctx, f,
                                    ngx_http_glance_file_begin_work);
}


static ngx_int_t
ngx_http_glance_file_write(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, u_char *data, size_t len)
{
    ngx_http_glance_file_t  *f;

    f = h->data;

    f->data = data;
    f->len = len;

    return ngx_http_glance_file_run(r, ctx, f,
                                    ngx_http_glance_file_write_work);
}


static ngx_int_t
ngx_http_glance_file_commit(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    size_t                   len;
    glance_buf_t             b;
    glance_str_t             path;
    ngx_http_glance_file_t  *f;

    f = h->data;

    path.data = f->path;
    path.len = ngx_strlen(f->path);

    len = sizeof("file://") - 1 + 3 * path.len;

    h->location.data = ngx_pnalloc(r->pool, len);
    if (h->location.data == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* as Glance writes it: the path as it is, nothing encoded */

    glance_buf_init(&b, h->location.data, len);
    glance_buf_text(&b, "file://");
    glance_buf_put(&b, path);

    h->location.len = b.last - b.start;

    return ngx_http_glance_file_run(r, ctx, f,
                                    ngx_http_glance_file_commit_work);
}


static ngx_int_t
ngx_http_glance_file_forget(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    return ngx_http_glance_file_run(r, ctx, h->data,
                                    ngx_http_glance_file_forget_work);
}


static ngx_int_t
ngx_http_glance_file_abort(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    if (h->data == NULL) {
        return NGX_OK;
    }

    return ngx_http_glance_file_run(r, ctx, h->data,
                                    ngx_http_glance_file_abort_work);
}


static void
ngx_http_glance_file_keep(ngx_http_glance_handle_t *h)
{
    ngx_http_glance_file_t  *f;

    f = h->data;
    f->kept = 1;
}


static ngx_int_t
ngx_http_glance_file_remove(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri)
{
    ngx_http_glance_file_t  *f;

    f = ngx_http_glance_file_create(r, ctx, h);
    if (f == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_glance_file_path(r, f, uri) != NGX_OK) {
        h->error = "The image data are not in a place that is served";
        return NGX_HTTP_NOT_FOUND;
    }

    return ngx_http_glance_file_run(r, ctx, f,
                                    ngx_http_glance_file_remove_work);
}


static ngx_http_glance_file_t *
ngx_http_glance_file_create(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_glance_file_t      *f;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    f = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_file_t));
    if (f == NULL) {
        return NULL;
    }

    f->root = ngx_pnalloc(r->pool, glcf->file_root.len + 1);
    if (f->root == NULL) {
        return NULL;
    }

    (void) ngx_sprintf(f->root, "%V%Z", &glcf->file_root);

    f->task = ngx_http_glance_task_create(r, ctx, NULL,
                                          ngx_http_glance_file_done, f);
    if (f->task == NULL) {
        return NULL;
    }

    f->handle = h;
    f->pool = glcf->thread_pool;
    f->log = r->connection->log;
    f->fd = NGX_INVALID_FILE;

    h->data = f;

    cln->handler = ngx_http_glance_file_cleanup;
    cln->data = f;

    return f;
}


/* only what lies below the store's own directory */

static ngx_int_t
ngx_http_glance_file_path(ngx_http_request_t *r, ngx_http_glance_file_t *f,
    ngx_str_t *uri)
{
    size_t                       len;
    glance_str_t                 text;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    text.data = uri->data;
    text.len = uri->len;

    f->path = ngx_pnalloc(r->pool, uri->len + 1);
    if (f->path == NULL) {
        return NGX_ERROR;
    }

    if (!glance_uri_file_path(text, f->path, &len)
        || len <= glcf->file_root.len + 1
        || ngx_strncmp(f->path, glcf->file_root.data, glcf->file_root.len)
           != 0
        || f->path[glcf->file_root.len] != '/')
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "image data are outside of \"%V\"", &glcf->file_root);
        return NGX_DECLINED;
    }

    f->path[len] = '\0';

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_file_run(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_file_t *f, ngx_http_glance_work_pt work)
{
    f->err = 0;
    f->task->work = work;

    if (ngx_http_glance_task_post(r, ctx, f->pool, f->task) != NGX_OK) {
        f->handle->error = "The server is overloaded";
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    return NGX_AGAIN;
}


static void
ngx_http_glance_file_done(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_file_t    *f;
    ngx_http_glance_handle_t  *h;

    h = ctx->handle;
    f = h->data;

    h->done(r, ctx, ngx_http_glance_file_result(f));
}


/* errno -> what the client is told, and how loud the log is */

static ngx_int_t
ngx_http_glance_file_result(ngx_http_glance_file_t *f)
{
    ngx_int_t    rc;
    ngx_uint_t   level;
    const char  *text;

    if (f->err == 0) {
        return NGX_OK;
    }

    level = NGX_LOG_CRIT;

    switch (f->err) {

    case NGX_ENOSPC:
    case EDQUOT:
    case EFBIG:
        rc = NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
        text = "The store is full";
        break;

    case NGX_ENOENT:
    case NGX_ENOTDIR:
        level = NGX_LOG_ERR;
        rc = f->reading ? NGX_HTTP_NOT_FOUND : NGX_HTTP_SERVICE_UNAVAILABLE;
        text = f->reading ? "The image data are missing in the store"
                          : "The store is not writable";
        break;

    case NGX_EACCES:
    case NGX_EPERM:
    case EROFS:
        rc = NGX_HTTP_SERVICE_UNAVAILABLE;
        text = f->reading ? "The store is not readable"
                          : "The store is not writable";
        break;

    case NGX_EMFILE:
    case NGX_ENFILE:
        rc = NGX_HTTP_SERVICE_UNAVAILABLE;
        text = "The server is overloaded";
        break;

    default:
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        text = "The store failed";
    }

    ngx_log_error(level, f->log, f->err, "%s \"%s\" failed", f->call,
                  f->created && !f->linked ? f->temp : f->path);

    f->handle->error = text;

    return rc;
}


/*
 * The request is over, and so are its tasks.  An upload that neither ended
 * nor is of unknown outcome leaves here; unlink() of a large file takes long,
 * so that is left to a thread that the request does not wait for.
 */

static void
ngx_http_glance_file_cleanup(void *data)
{
    ngx_http_glance_file_t *f = data;

    size_t                        len;
    ngx_thread_task_t            *task;
    ngx_http_glance_file_drop_t  *drop;

    if (f->fd == NGX_INVALID_FILE) {
        return;
    }

    if (f->created && !f->kept) {

        len = ngx_strlen(f->temp) + 1;

        task = ngx_calloc(sizeof(ngx_thread_task_t)
                          + sizeof(ngx_http_glance_file_drop_t) + 2 * len,
                          ngx_cycle->log);

        if (task) {
            drop = (ngx_http_glance_file_drop_t *) (task + 1);

            drop->fd = f->fd;
            drop->temp = (u_char *) (drop + 1);
            ngx_memcpy(drop->temp, f->temp, len);

            if (f->linked) {
                drop->path = drop->temp + len;
                (void) ngx_cpystrn(drop->path, f->path, len);
            }

            task->ctx = drop;
            task->handler = ngx_http_glance_file_drop_work;
            task->event.handler = ngx_http_glance_file_drop_done;
            task->event.data = task;
            task->event.log = ngx_cycle->log;

            if (ngx_thread_task_post(f->pool, task) == NGX_OK) {
                f->fd = NGX_INVALID_FILE;
                return;
            }

            ngx_free(task);
        }
    }

    if (ngx_close_file(f->fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      ngx_close_file_n " \"%s\" failed", f->path);
    }

    f->fd = NGX_INVALID_FILE;
}


static void
ngx_http_glance_file_open_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    struct stat  st;

    f->fd = open((const char *) f->path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (f->fd == NGX_INVALID_FILE) {
        ngx_http_glance_file_error(f, "open()");
        return;
    }

    if (fstat(f->fd, &st) == -1) {
        ngx_http_glance_file_error(f, "fstat()");
        return;
    }

    if (!S_ISREG(st.st_mode)) {
        f->call = "open() of something that is no file";
        f->err = NGX_ENOENT;
        return;
    }

    f->handle->size = st.st_size;
    f->handle->mtime = st.st_mtime;
}


static void
ngx_http_glance_file_begin_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    u_char  *p;

    f->fd = open((const char *) f->temp, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC,
                 0640);

    if (f->fd == NGX_INVALID_FILE && errno == ENOENT) {

        /* the first upload: the directories are made as they are needed */

        p = f->temp + ngx_strlen(f->root) + sizeof(NGX_HTTP_GLANCE_UPLOAD_DIR)
            - 1;
        *p = '\0';

        (void) mkdir((const char *) f->root, 0750);
        (void) mkdir((const char *) f->temp, 0750);

        *p = '/';

        f->fd = open((const char *) f->temp,
                     O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0640);
    }

    if (f->fd == NGX_INVALID_FILE) {
        ngx_http_glance_file_error(f, "open()");
        return;
    }

    f->created = 1;

    /* where locks are not supported the lease of the claim has to do */

    (void) flock(f->fd, LOCK_EX|LOCK_NB);
}


static void
ngx_http_glance_file_write_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    size_t   len;
    ssize_t  n;
    u_char  *p;

    p = f->data;
    len = f->len;

    while (len) {
        n = pwrite(f->fd, p, len, f->offset);

        if (n == -1) {
            if (errno == EINTR) {
                continue;
            }

            ngx_http_glance_file_error(f, "pwrite()");
            return;
        }

        p += n;
        len -= n;
        f->offset += n;
    }

#if (NGX_LINUX)

    /* the disk starts now: little is left for fdatasync() at the end */

    if (f->offset - f->synced >= NGX_HTTP_GLANCE_SYNC_STEP) {
        (void) sync_file_range(f->fd, f->synced, f->offset - f->synced,
                               SYNC_FILE_RANGE_WRITE);
        f->synced = f->offset;
    }

#endif
}


/*
 * Durable first, visible then, and the name durable before anybody is told.
 * A file that has the name already belongs to nobody: the claim is ours, and
 * the image has no data on record.
 */

static void
ngx_http_glance_file_commit_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    int  rc;

    if (fdatasync(f->fd) == -1) {
        ngx_http_glance_file_error(f, "fdatasync()");
        return;
    }

    rc = link((const char *) f->temp, (const char *) f->path);

    if (rc == -1 && errno == EEXIST) {
        (void) unlink((const char *) f->path);
        rc = link((const char *) f->temp, (const char *) f->path);
    }

    if (rc == -1
        && (errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK))
    {
        /* no hard links here: renaming has no trace to leave, but works */

        rc = rename((const char *) f->temp, (const char *) f->path);
    }

    if (rc == -1) {
        ngx_http_glance_file_error(f, "link()");
        return;
    }

    f->linked = 1;

    if (ngx_http_glance_file_sync_dir(f) != NGX_OK) {
        ngx_http_glance_file_error(f, "fsync() of the directory of");
    }
}


static ngx_int_t
ngx_http_glance_file_sync_dir(ngx_http_glance_file_t *f)
{
    int  fd, rc, err;

    fd = open((const char *) f->root, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (fd == -1) {
        return NGX_ERROR;
    }

    rc = fsync(fd);
    err = errno;

    (void) close(fd);

    errno = err;

    return (rc == 0) ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_glance_file_forget_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    (void) unlink((const char *) f->temp);
    (void) close(f->fd);

    f->created = 0;
    f->fd = NGX_INVALID_FILE;
}


static void
ngx_http_glance_file_abort_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    if (f->fd == NGX_INVALID_FILE) {
        return;
    }

    if (f->linked) {
        ngx_http_glance_file_unlink_own(f->fd, f->path);
        f->linked = 0;
    }

    if (f->created) {
        (void) unlink((const char *) f->temp);
        f->created = 0;
    }

    (void) close(f->fd);
    f->fd = NGX_INVALID_FILE;
}


/* the name may be somebody else's by now */

static void
ngx_http_glance_file_unlink_own(ngx_fd_t fd, u_char *path)
{
    struct stat  own, st;

    if (fstat(fd, &own) == 0
        && lstat((const char *) path, &st) == 0
        && own.st_dev == st.st_dev && own.st_ino == st.st_ino)
    {
        (void) unlink((const char *) path);
    }
}


static void
ngx_http_glance_file_remove_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    if (unlink((const char *) f->path) == -1 && errno != ENOENT) {
        ngx_http_glance_file_error(f, "unlink()");
    }
}


static void
ngx_http_glance_file_error(ngx_http_glance_file_t *f, const char *call)
{
    f->err = errno;
    f->call = call;
}


static void
ngx_http_glance_file_drop_work(void *data, ngx_log_t *log)
{
    ngx_http_glance_file_drop_t *drop = data;

    if (drop->path) {
        ngx_http_glance_file_unlink_own(drop->fd, drop->path);
    }

    (void) unlink((const char *) drop->temp);
    (void) close(drop->fd);
}


static void
ngx_http_glance_file_drop_done(ngx_event_t *ev)
{
    ngx_free(ev->data);
}
