
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_task.h"

#include <sys/resource.h>


#define NGX_HTTP_GLANCE_NICE_MAX  19


static void ngx_http_glance_task_thread(void *data, ngx_log_t *log);
static void ngx_http_glance_task_event(ngx_event_t *ev);
static ngx_int_t ngx_http_glance_digest_nice(ngx_conf_t *cf,
    ngx_http_glance_loc_conf_t *glcf, ngx_str_t *value);
static ngx_int_t ngx_http_glance_digest_pool_add(ngx_array_t *pools,
    ngx_thread_pool_t *pool);
static void ngx_http_glance_digest_pool_give(void *data);


ngx_http_glance_task_t *
ngx_http_glance_task_create(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_work_pt work, ngx_http_glance_step_pt done, void *data)
{
    ngx_thread_task_t       *thread;
    ngx_http_glance_task_t  *task;

    thread = ngx_thread_task_alloc(r->pool, sizeof(ngx_http_glance_task_t));
    if (thread == NULL) {
        return NULL;
    }

    task = thread->ctx;

    task->thread = thread;
    task->request = r;
    task->ctx = ctx;
    task->work = work;
    task->done = done;
    task->data = data;

    thread->handler = ngx_http_glance_task_thread;
    thread->event.handler = ngx_http_glance_task_event;
    thread->event.data = task;

    return task;
}


/*
 * The timer keeps a worker that is told to quit alive until the task is done
 * and reports a task that takes long; it never ends one.
 */

ngx_int_t
ngx_http_glance_task_post(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_thread_pool_t *pool, ngx_http_glance_task_t *task)
{
    task->thread->event.log = r->connection->log;

    if (ngx_thread_task_post(pool, task->thread) != NGX_OK) {
        return NGX_ERROR;
    }

    task->busy = 1;
    ctx->tasks++;
    r->main->blocked++;

    ngx_add_timer(&task->thread->event, NGX_HTTP_GLANCE_TASK_WATCH);

    return NGX_OK;
}


static void
ngx_http_glance_task_thread(void *data, ngx_log_t *log)
{
    ngx_http_glance_task_t *task = data;

    task->work(task->data);
}


static void
ngx_http_glance_task_event(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_glance_ctx_t   *ctx;
    ngx_http_glance_task_t  *task;

    task = ev->data;
    ctx = task->ctx;
    r = task->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (ev->timedout) {
        ev->timedout = 0;

        ngx_log_error(NGX_LOG_WARN, c->log, 0,
                      "a disk or digest operation is taking long");

        ngx_add_timer(ev, NGX_HTTP_GLANCE_TASK_WATCH);
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    task->busy = 0;
    ctx->tasks--;
    r->main->blocked--;

    if (ctx->aborted) {

        /*
         * nginx could not free the request while tasks were running: with
         * the last of them gone it can
         */

        if (ctx->tasks == 0) {
            ngx_http_finalize_request(r, NGX_ERROR);
            ngx_http_run_posted_requests(c);
        }

        return;
    }

    /* the reference: done() may finalize, and we still need the request */

    r->main->count++;

    task->done(r, ctx);

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_run_posted_requests(c);
}


void
ngx_http_glance_task_nice(ngx_int_t nice)
{
#if (NGX_LINUX)

    /* a thread has a priority of its own on Linux only */

    static __thread ngx_int_t  current;

    if (nice <= current) {
        return;
    }

    current = nice;

    if (nice > getpriority(PRIO_PROCESS, 0)) {
        (void) setpriority(PRIO_PROCESS, 0, (int) nice);
    }

#endif
}


char *
ngx_http_glance_thread_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_str_t  *value;

    if (glcf->thread_pool != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    glcf->thread_pool = ngx_thread_pool_add(cf, &value[1]);
    if (glcf->thread_pool == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_glance_digest_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_str_t          *value;
    ngx_uint_t          i, n;
    ngx_array_t        *pools;
    ngx_thread_pool_t  *pool;

    if (glcf->digest_pools != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    n = cf->args->nelts;

    glcf->digest_nice = 0;

    if (n > 2 && ngx_strlchr(value[n - 1].data,
                             value[n - 1].data + value[n - 1].len, '='))
    {
        if (ngx_http_glance_digest_nice(cf, glcf, &value[n - 1]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        n--;
    }

    pools = NULL;

    for (i = 1; i < n; i++) {
        pool = ngx_thread_pool_add(cf, &value[i]);
        if (pool == NULL) {
            return NGX_CONF_ERROR;
        }

        if (pools == NULL) {
            pools = ngx_http_glance_digest_pools(cf, pool);

        } else if (ngx_http_glance_digest_pool_add(pools, pool) != NGX_OK) {
            pools = NULL;
        }

        if (pools == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    glcf->digest_pools = pools;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_glance_digest_nice(ngx_conf_t *cf, ngx_http_glance_loc_conf_t *glcf,
    ngx_str_t *value)
{
    glcf->digest_nice = NGX_ERROR;

    if (ngx_strncmp(value->data, "nice=", 5) == 0) {
        glcf->digest_nice = ngx_atoi(value->data + 5, value->len - 5);
    }

    if (glcf->digest_nice == NGX_ERROR
        || glcf->digest_nice > NGX_HTTP_GLANCE_NICE_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it must be "
                           "\"nice=0\" to \"nice=%d\"", value,
                           NGX_HTTP_GLANCE_NICE_MAX);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_array_t *
ngx_http_glance_digest_pools(ngx_conf_t *cf, ngx_thread_pool_t *pool)
{
    ngx_array_t  *pools;

    pools = ngx_array_create(cf->pool, 1,
                             sizeof(ngx_http_glance_digest_pool_t));

    if (pools == NULL
        || ngx_http_glance_digest_pool_add(pools, pool) != NGX_OK)
    {
        return NULL;
    }

    return pools;
}


static ngx_int_t
ngx_http_glance_digest_pool_add(ngx_array_t *pools, ngx_thread_pool_t *pool)
{
    ngx_http_glance_digest_pool_t  *dp;

    dp = ngx_array_push(pools);
    if (dp == NULL) {
        return NGX_ERROR;
    }

    dp->pool = pool;
    dp->uploads = 0;

    return NGX_OK;
}


ngx_thread_pool_t *
ngx_http_glance_digest_pool_take(ngx_http_request_t *r, ngx_array_t *pools)
{
    ngx_uint_t                      i;
    ngx_pool_cleanup_t             *cln;
    ngx_http_glance_digest_pool_t  *dp, *least;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    dp = pools->elts;
    least = dp;

    for (i = 1; i < pools->nelts; i++) {
        if (dp[i].uploads < least->uploads) {
            least = &dp[i];
        }
    }

    least->uploads++;

    cln->handler = ngx_http_glance_digest_pool_give;
    cln->data = least;

    return least->pool;
}


static void
ngx_http_glance_digest_pool_give(void *data)
{
    ngx_http_glance_digest_pool_t *dp = data;

    dp->uploads--;
}
