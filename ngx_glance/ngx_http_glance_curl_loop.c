
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_curl_loop.h"

#include <openssl/err.h>


#define NGX_HTTP_GLANCE_CURL_KEPT  32L


static int ngx_http_glance_curl_timer(CURLM *multi, long ms, void *data);
static void ngx_http_glance_curl_tick(ngx_event_t *ev);
static void ngx_http_glance_curl_later(ngx_event_t *ev);
static void ngx_http_glance_curl_work(void);
static void ngx_http_glance_curl_reap(void);


ngx_http_glance_curl_t  ngx_http_glance_curl;


/*
 * A name that is being resolved keeps a thread of libcurl busy, not the
 * worker; without such a resolver there are no transfers.
 */

ngx_int_t
ngx_http_glance_curl_init(void)
{
    curl_version_info_data  *info;
    ngx_http_glance_curl_t  *g;

    g = &ngx_http_glance_curl;

    if (g->multi) {
        return NGX_OK;
    }

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NGX_ERROR;
    }

    info = curl_version_info(CURLVERSION_NOW);

    if (!(info->features & CURL_VERSION_ASYNCHDNS)) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "libcurl has no asynchronous resolver");
        return NGX_ERROR;
    }

    g->multi = curl_multi_init();
    if (g->multi == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&g->queue);
    ngx_queue_init(&g->dead);
    ngx_queue_init(&g->watched);

    g->dummy.fd = (ngx_socket_t) -1;

    g->timer.handler = ngx_http_glance_curl_tick;
    g->timer.data = &g->dummy;
    g->timer.log = ngx_cycle->log;
    g->timer.cancelable = 1;

    g->now.handler = ngx_http_glance_curl_tick;
    g->now.data = &g->dummy;
    g->now.log = ngx_cycle->log;

    g->work.handler = ngx_http_glance_curl_later;
    g->work.data = &g->dummy;
    g->work.log = ngx_cycle->log;

    curl_multi_setopt(g->multi, CURLMOPT_SOCKETFUNCTION,
                      ngx_http_glance_curl_socket);
    curl_multi_setopt(g->multi, CURLMOPT_TIMERFUNCTION,
                      ngx_http_glance_curl_timer);
    curl_multi_setopt(g->multi, CURLMOPT_MAXCONNECTS,
                      NGX_HTTP_GLANCE_CURL_KEPT);
    curl_multi_setopt(g->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);

    return NGX_OK;
}


void
ngx_http_glance_curl_exit(void)
{
    ngx_http_glance_curl_t  *g;

    g = &ngx_http_glance_curl;

    if (g->multi == NULL) {
        return;
    }

    ngx_http_glance_curl_reap();

    ngx_http_glance_curl_enter();
    (void) curl_multi_cleanup(g->multi);
    ngx_http_glance_curl_leave();

    g->multi = NULL;

    if (g->timer.timer_set) {
        ngx_del_timer(&g->timer);
    }

    curl_global_cleanup();
}


/*
 * Around each call of libcurl that may call us: what nginx does from within
 * such a callback may end requests, whose transfers cannot go at once.  OpenSSL
 * keeps errors per thread, and nginx would take libcurl's for its own.
 */

void
ngx_http_glance_curl_enter(void)
{
    ngx_http_glance_curl.inside++;
}


void
ngx_http_glance_curl_leave(void)
{
    ngx_http_glance_curl_t  *g;

    g = &ngx_http_glance_curl;

    ERR_clear_error();

    if (--g->inside == 0 && !ngx_queue_empty(&g->dead) && !g->working) {
        ngx_post_event(&g->work, &ngx_posted_events);
    }
}


/* true: it goes later, and calls nobody until then */

ngx_uint_t
ngx_http_glance_curl_bury(ngx_http_glance_transfer_t *t)
{
    if (ngx_http_glance_curl.inside == 0) {
        return 0;
    }

    t->dead = 1;
    t->log = ngx_cycle->log;
    t->idle.log = ngx_cycle->log;
    t->pool->log = ngx_cycle->log;

    if (t->idle.timer_set) {
        ngx_del_timer(&t->idle);
    }

    if (t->queued) {
        ngx_queue_remove(&t->queue);
        t->queued = 0;
    }

    ngx_queue_insert_tail(&ngx_http_glance_curl.dead, &t->queue);

    return 1;
}


static void
ngx_http_glance_curl_reap(void)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&ngx_http_glance_curl.dead)) {
        q = ngx_queue_head(&ngx_http_glance_curl.dead);
        ngx_queue_remove(q);

        ngx_http_glance_curl_destroy(ngx_queue_data(q,
                                                 ngx_http_glance_transfer_t,
                                                 queue));
    }
}


/* nginx keeps a timer whose new time is near its old one: delete it first */

static int
ngx_http_glance_curl_timer(CURLM *multi, long ms, void *data)
{
    ngx_http_glance_curl_t  *g;

    g = &ngx_http_glance_curl;

    if (g->timer.timer_set) {
        ngx_del_timer(&g->timer);
    }

    if (ms == 0) {
        ngx_post_event(&g->now, &ngx_posted_next_events);

    } else if (ms > 0) {
        ngx_add_timer(&g->timer, (ngx_msec_t) ms);
    }

    return 0;
}


static void
ngx_http_glance_curl_tick(ngx_event_t *ev)
{
    ev->timedout = 0;

    ngx_http_glance_curl_action(CURL_SOCKET_TIMEOUT, 0);
}


void
ngx_http_glance_curl_action(curl_socket_t s, int mask)
{
    int  running;

    if (ngx_http_glance_curl.multi == NULL) {
        return;
    }

    ngx_http_glance_curl_enter();

    (void) curl_multi_socket_action(ngx_http_glance_curl.multi, s, mask,
                                    &running);

    ngx_http_glance_curl_leave();

    ngx_http_glance_curl_work();
}


static void
ngx_http_glance_curl_later(ngx_event_t *ev)
{
    if (ngx_http_glance_curl.multi) {
        ngx_http_glance_curl_work();
    }
}


static void
ngx_http_glance_curl_work(void)
{
    int                          left;
    CURLMsg                     *msg;
    ngx_queue_t                 *q;
    ngx_http_glance_curl_t      *g;
    ngx_http_glance_transfer_t  *t;

    g = &ngx_http_glance_curl;

    g->working = 1;

    do {
        ngx_http_glance_curl_reap();

        for ( ;; ) {
            msg = curl_multi_info_read(g->multi, &left);

            if (msg == NULL) {
                break;
            }

            t = NULL;
            (void) curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
                                     (char **) &t);

            if (msg->msg == CURLMSG_DONE && t) {
                ngx_http_glance_curl_end(t, msg->data.result);
            }
        }

        if (ngx_queue_empty(&g->queue)) {
            break;
        }

        q = ngx_queue_head(&g->queue);
        t = ngx_queue_data(q, ngx_http_glance_transfer_t, queue);

        ngx_queue_remove(q);
        t->queued = 0;

        if (t->starved && !t->done) {
            ngx_log_error(NGX_LOG_ALERT, t->log, 0,
                          "worker_connections are not enough for a transfer");
            ngx_http_glance_curl_end(t, CURLE_OUT_OF_MEMORY);
            continue;
        }

        t->handler(t);

    } while (g->multi);

    g->working = 0;
}


void
ngx_http_glance_curl_queue(ngx_http_glance_transfer_t *t)
{
    ngx_http_glance_curl_t  *g;

    g = &ngx_http_glance_curl;

    if (!t->queued) {
        t->queued = 1;
        ngx_queue_insert_tail(&g->queue, &t->queue);
    }

    if (!g->working) {
        ngx_post_event(&g->work, &ngx_posted_events);
    }
}
