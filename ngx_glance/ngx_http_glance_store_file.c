
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_file.h"


static ngx_int_t ngx_http_glance_file_enabled(
    ngx_http_glance_loc_conf_t *glcf);
static ngx_int_t ngx_http_glance_file_open(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri,
    off_t size);
static ngx_int_t ngx_http_glance_file_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, off_t size);
static void ngx_http_glance_file_output(ngx_http_request_t *r);
static ngx_int_t ngx_http_glance_file_remove(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri);
static ngx_int_t ngx_http_glance_file_path(ngx_http_request_t *r,
    ngx_http_glance_file_t *f, ngx_str_t *uri);
static void ngx_http_glance_file_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_file_result(ngx_http_glance_file_t *f);
static void ngx_http_glance_file_cleanup(void *data);
static void ngx_http_glance_file_open_work(void *data);
static void ngx_http_glance_file_remove_work(void *data);
static ngx_uint_t ngx_http_glance_file_mounted(ngx_http_glance_file_t *f);


ngx_http_glance_store_t  ngx_http_glance_store_file = {
    ngx_string("file"),
    GLANCE_SCHEME_FILE,
    "glance_file_root",

    ngx_http_glance_file_enabled,

    ngx_http_glance_file_open,
    ngx_http_glance_file_send,
    ngx_http_glance_file_begin,
    ngx_http_glance_file_write,
    ngx_http_glance_file_commit,
    ngx_http_glance_file_forget,
    ngx_http_glance_file_abort,
    ngx_http_glance_file_keep,
    ngx_http_glance_file_remove,
    NULL
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


ngx_http_glance_file_t *
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


ngx_int_t
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


/* the request is over, and so are its tasks */

static void
ngx_http_glance_file_cleanup(void *data)
{
    ngx_http_glance_file_t *f = data;

    if (f->fd == NGX_INVALID_FILE) {
        return;
    }

    if (f->created && !f->kept && ngx_http_glance_file_drop(f) == NGX_OK) {
        f->fd = NGX_INVALID_FILE;
        return;
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
ngx_http_glance_file_remove_work(void *data)
{
    ngx_http_glance_file_t *f = data;

    if (unlink((const char *) f->path) == 0) {

        /* or a power cut brings back what the registry has forgotten */

        if (ngx_http_glance_file_sync_dir(f) != NGX_OK) {
            ngx_http_glance_file_error(f, "fsync() of the directory of");
        }

        return;
    }

    /* gone already, unless it is the place where the store is mounted */

    if (errno != ENOENT || !ngx_http_glance_file_mounted(f)) {
        ngx_http_glance_file_error(f, "unlink()");
    }
}


/* what was never written to is taken for a store that is not there */

static ngx_uint_t
ngx_http_glance_file_mounted(ngx_http_glance_file_t *f)
{
    int  fd, rc;

    fd = open((const char *) f->root, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    rc = -1;

    if (fd != -1) {
        rc = faccessat(fd, &NGX_HTTP_GLANCE_UPLOAD_DIR[1], F_OK, 0);
        (void) close(fd);
    }

    errno = ENOENT;

    return rc == 0;
}


void
ngx_http_glance_file_error(ngx_http_glance_file_t *f, const char *call)
{
    f->err = errno;
    f->call = call;
}
