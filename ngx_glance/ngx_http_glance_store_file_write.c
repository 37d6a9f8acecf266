
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_file.h"

#include <sys/file.h>


#define NGX_HTTP_GLANCE_FLUSH_STEP  (32 * 1024 * 1024)
#define NGX_HTTP_GLANCE_FLUSHES     4       /* at a time */


typedef struct {
    ngx_fd_t                   fd;
    u_char                    *temp;
    u_char                    *path;        /* NULL: not linked */
} ngx_http_glance_file_drop_t;


static void ngx_http_glance_file_begin_work(void *data);
static ngx_fd_t ngx_http_glance_file_open_temp(ngx_http_glance_file_t *f);
static void ngx_http_glance_file_flush(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_file_t *f);
static void ngx_http_glance_file_flush_work(void *data);
static void ngx_http_glance_file_flush_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_file_flush_failed(
    ngx_http_glance_file_t *f);
static ngx_int_t ngx_http_glance_file_run_last(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_file_t *f,
    ngx_http_glance_work_pt work);
static void ngx_http_glance_file_write_work(void *data);
static void ngx_http_glance_file_buffered(ngx_http_glance_file_t *f);
static void ngx_http_glance_file_commit_work(void *data);
static void ngx_http_glance_file_forget_work(void *data);
static void ngx_http_glance_file_abort_work(void *data);
static void ngx_http_glance_file_unlink_own(ngx_fd_t fd, u_char *path);
static void ngx_http_glance_file_drop_work(void *data, ngx_log_t *log);
static void ngx_http_glance_file_drop_done(ngx_event_t *ev);


static ngx_atomic_t  ngx_http_glance_file_flushes;


ngx_int_t
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

    f->direct = glcf->file_direct;

    f->flush = ngx_http_glance_task_create(r, ctx,
                                           ngx_http_glance_file_flush_work,
                                           ngx_http_glance_file_flush_done,
                                           f);
    if (f->flush == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_glance_file_run(r, ctx, f,
                                    ngx_http_glance_file_begin_work);
}


ngx_int_t
ngx_http_glance_file_write(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, u_char *data, size_t len)
{
    ngx_http_glance_file_t  *f;

    f = h->data;

    ngx_http_glance_file_flush(r, ctx, f);

    f->data = data;
    f->len = len;

    return ngx_http_glance_file_run(r, ctx, f,
                                    ngx_http_glance_file_write_work);
}


/*
 * What a disk has taken is not durable before its own cache is emptied, which
 * takes as long as the writing did: a second thread has that done while data
 * come in.  What is durable leaves the page cache, which belongs to the images
 * that are read, and its pages take the next data.
 *
 * Past the page cache there is no gain: a disk that empties its cache writes
 * nothing meanwhile.  Nor is there with many at a time, which would only take
 * the threads from those who write.
 */

static void
ngx_http_glance_file_flush(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_file_t *f)
{
    if (f->direct || f->flush->busy
        || f->offset - f->flushed < NGX_HTTP_GLANCE_FLUSH_STEP
        || ngx_http_glance_file_flushes >= NGX_HTTP_GLANCE_FLUSHES)
    {
        return;
    }

    f->flushed = f->offset;

    (void) ngx_atomic_fetch_add(&ngx_http_glance_file_flushes, 1);

    if (ngx_http_glance_task_post(r, ctx, f->pool, f->flush) != NGX_OK) {
        (void) ngx_atomic_fetch_add(&ngx_http_glance_file_flushes, -1);
    }
}


static void
ngx_http_glance_file_flush_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    if (fdatasync(f->fd) == -1) {
        f->flush_err = errno;

    } else {
        (void) posix_fadvise(f->fd, 0, f->flushed, POSIX_FADV_DONTNEED);
    }

    (void) ngx_atomic_fetch_add(&ngx_http_glance_file_flushes, -1);
}


static void
ngx_http_glance_file_flush_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_glance_file_t    *f;
    ngx_http_glance_handle_t  *h;

    h = ctx->handle;
    f = h->data;

    if (f->later == NULL) {
        return;
    }

    /* what was asked for meanwhile */

    rc = ngx_http_glance_file_run(r, ctx, f, f->later);

    if (rc != NGX_AGAIN) {
        h->done(r, ctx, rc);
    }
}


/* the kernel tells of an error once: who heard of it has to remember it */

static ngx_uint_t
ngx_http_glance_file_flush_failed(ngx_http_glance_file_t *f)
{
    if (f->flush_err == 0) {
        return 0;
    }

    f->err = f->flush_err;
    f->call = "fdatasync()";

    return 1;
}


/* work that needs the file for itself */

static ngx_int_t
ngx_http_glance_file_run_last(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_file_t *f,
    ngx_http_glance_work_pt work)
{
    if (f->flush && f->flush->busy) {
        f->later = work;
        return NGX_AGAIN;
    }

    return ngx_http_glance_file_run(r, ctx, f, work);
}


ngx_int_t
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

    return ngx_http_glance_file_run_last(r, ctx, f,
                                         ngx_http_glance_file_commit_work);
}


ngx_int_t
ngx_http_glance_file_forget(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    return ngx_http_glance_file_run(r, ctx, h->data,
                                    ngx_http_glance_file_forget_work);
}


ngx_int_t
ngx_http_glance_file_abort(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    if (h->data == NULL) {
        return NGX_OK;
    }

    return ngx_http_glance_file_run_last(r, ctx, h->data,
                                         ngx_http_glance_file_abort_work);
}


void
ngx_http_glance_file_keep(ngx_http_glance_handle_t *h)
{
    ngx_http_glance_file_t  *f;

    f = h->data;
    f->kept = 1;
}


/*
 * An upload that neither ended nor is of unknown outcome leaves here; unlink()
 * of a large file takes long, so that is left to a thread that the request
 * does not wait for.
 */

ngx_int_t
ngx_http_glance_file_drop(ngx_http_glance_file_t *f)
{
    size_t                        len;
    ngx_thread_task_t            *task;
    ngx_http_glance_file_drop_t  *drop;

    len = ngx_strlen(f->temp) + 1;

    task = ngx_calloc(sizeof(ngx_thread_task_t)
                      + sizeof(ngx_http_glance_file_drop_t) + 2 * len,
                      ngx_cycle->log);
    if (task == NULL) {
        return NGX_ERROR;
    }

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

    if (ngx_thread_task_post(f->pool, task) != NGX_OK) {
        ngx_free(task);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_glance_file_begin_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    u_char  *p;

    f->fd = ngx_http_glance_file_open_temp(f);

    if (f->fd == NGX_INVALID_FILE && errno == ENOENT) {

        /* the first upload: the directories are made as they are needed */

        p = f->temp + ngx_strlen(f->root) + sizeof(NGX_HTTP_GLANCE_UPLOAD_DIR)
            - 1;
        *p = '\0';

        (void) mkdir((const char *) f->root, 0750);
        (void) mkdir((const char *) f->temp, 0750);

        *p = '/';

        f->fd = ngx_http_glance_file_open_temp(f);
    }

    if (f->fd == NGX_INVALID_FILE) {
        ngx_http_glance_file_error(f, "open()");
        return;
    }

    f->created = 1;

    /* where locks are not supported the lease of the claim has to do */

    (void) flock(f->fd, LOCK_EX|LOCK_NB);
}


static ngx_fd_t
ngx_http_glance_file_open_temp(ngx_http_glance_file_t *f)
{
    ngx_fd_t  fd;

    if (f->direct) {
        fd = open((const char *) f->temp,
                  O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_DIRECT, 0640);

        if (fd != NGX_INVALID_FILE || errno != EINVAL) {
            return fd;
        }

        /* the file system cannot: some have made the file all the same */

        (void) unlink((const char *) f->temp);
        f->direct = 0;
    }

    return open((const char *) f->temp, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC,
                0640);
}


static void
ngx_http_glance_file_write_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    size_t   len;
    ssize_t  n;
    u_char  *p;

    if (ngx_http_glance_file_flush_failed(f)) {
        return;
    }

    p = f->data;
    len = f->len;

    while (len) {

        /* the last buffer is rarely full */

        if (f->direct
            && ((len | (size_t) f->offset) & (NGX_HTTP_GLANCE_ALIGNMENT - 1)))
        {
            ngx_http_glance_file_buffered(f);
        }

        n = pwrite(f->fd, p, len, f->offset);

        if (n == -1) {
            if (errno == EINTR) {
                continue;
            }

            if (errno == EINVAL && f->direct) {
                ngx_http_glance_file_buffered(f);
                continue;
            }

            ngx_http_glance_file_error(f, "pwrite()");
            return;
        }

        p += n;
        len -= n;
        f->offset += n;
    }
}


static void
ngx_http_glance_file_buffered(ngx_http_glance_file_t *f)
{
    int  flags;

    flags = fcntl(f->fd, F_GETFL);

    if (flags != -1) {
        (void) fcntl(f->fd, F_SETFL, flags & ~O_DIRECT);
    }

    f->direct = 0;
    f->flushed = f->offset;
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

    if (ngx_http_glance_file_flush_failed(f)) {
        return;
    }

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


ngx_int_t
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
