
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_curl.h"

#include <curl/curl.h>
#include <openssl/err.h>


#define NGX_HTTP_GLANCE_CURL_POOL       1024
#define NGX_HTTP_GLANCE_CURL_RECEIVE    (128 * 1024L)
#define NGX_HTTP_GLANCE_CURL_SEND       (128 * 1024L)
#define NGX_HTTP_GLANCE_CURL_IDLE       30L     /* s, of a kept connection */
#define NGX_HTTP_GLANCE_CURL_KEPT       32L


/* of a worker, made with its first transfer */

typedef struct {
    CURLM              *multi;
    ngx_event_t         timer;
    ngx_event_t         now;        /* the timer, when it is zero */
    ngx_event_t         work;
    ngx_queue_t         queue;      /* transfers with something new */
    ngx_queue_t         watched;    /* connections */
    ngx_connection_t    dummy;
    unsigned            working:1;
} ngx_http_glance_curl_t;


static ngx_int_t ngx_http_glance_curl_init(void);
static int ngx_http_glance_curl_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *socket_data);
static void ngx_http_glance_curl_watch(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t on);
static void ngx_http_glance_curl_unwatch(ngx_connection_t *c);
static int ngx_http_glance_curl_timer(CURLM *multi, long ms, void *data);
static void ngx_http_glance_curl_ready(ngx_event_t *ev);
static void ngx_http_glance_curl_tick(ngx_event_t *ev);
static void ngx_http_glance_curl_action(curl_socket_t s, int mask);
static void ngx_http_glance_curl_later(ngx_event_t *ev);
static void ngx_http_glance_curl_work(void);
static void ngx_http_glance_curl_queue(ngx_http_glance_transfer_t *t);
static void ngx_http_glance_curl_end(ngx_http_glance_transfer_t *t,
    CURLcode code);
static void ngx_http_glance_curl_remove(ngx_http_glance_transfer_t *t);
static void ngx_http_glance_curl_tidy(void);
static void ngx_http_glance_curl_idle(ngx_event_t *ev);
static void ngx_http_glance_curl_moved(ngx_http_glance_transfer_t *t);
static size_t ngx_http_glance_curl_on_header(char *p, size_t size, size_t n,
    void *data);
static size_t ngx_http_glance_curl_on_take(char *p, size_t size, size_t n,
    void *data);
static size_t ngx_http_glance_curl_on_give(char *p, size_t size, size_t n,
    void *data);
static curl_socket_t ngx_http_glance_curl_on_open(void *data,
    curlsocktype purpose, struct curl_sockaddr *address);
static void ngx_http_glance_curl_rewatch(curl_socket_t s);
static int ngx_http_glance_curl_on_request(void *data, char *remote,
    char *local, int remote_port, int local_port);


static ngx_http_glance_curl_t  ngx_http_glance_curl;


/*
 * A name that is being resolved keeps a thread of libcurl busy, not the
 * worker; without such a resolver there are no transfers.
 */

static ngx_int_t
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

    (void) curl_multi_cleanup(g->multi);
    g->multi = NULL;

    if (g->timer.timer_set) {
        ngx_del_timer(&g->timer);
    }

    curl_global_cleanup();
}


ngx_http_glance_transfer_t *
ngx_http_glance_curl_create(ngx_log_t *log)
{
    char                        *file;
    CURL                        *easy;
    ngx_pool_t                  *pool;
    ngx_http_glance_transfer_t  *t;

    if (ngx_http_glance_curl_init() != NGX_OK) {
        return NULL;
    }

    pool = ngx_create_pool(NGX_HTTP_GLANCE_CURL_POOL, log);
    if (pool == NULL) {
        return NULL;
    }

    t = ngx_pcalloc(pool, sizeof(ngx_http_glance_transfer_t));
    easy = curl_easy_init();

    if (t != NULL) {
        t->words = ngx_pcalloc(pool, CURL_ERROR_SIZE);
    }

    if (t == NULL || t->words == NULL || easy == NULL) {
        curl_easy_cleanup(easy);
        ngx_destroy_pool(pool);
        return NULL;
    }

    t->pool = pool;
    t->log = log;
    t->easy = easy;

    t->idle.handler = ngx_http_glance_curl_idle;
    t->idle.data = t;
    t->idle.log = log;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->words);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "ngx_glance");

    /*
     * What comes of a file of authorities alone is kept by libcurl, and not
     * read again for each connection; so no directory beside it.
     */

    file = NULL;
    (void) curl_easy_getinfo(easy, CURLINFO_CAINFO, &file);

    if (file) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }

    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, NGX_HTTP_GLANCE_CURL_IDLE);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, NGX_HTTP_GLANCE_CURL_RECEIVE);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION,
                     ngx_http_glance_curl_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION,
                     ngx_http_glance_curl_on_take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION,
                     ngx_http_glance_curl_on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);

    return t;
}


void
ngx_http_glance_curl_destroy(ngx_http_glance_transfer_t *t)
{
    ngx_http_glance_curl_remove(t);

    if (t->queued) {
        ngx_queue_remove(&t->queue);
    }

    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->list);
    ngx_destroy_pool(t->pool);
}


ngx_int_t
ngx_http_glance_curl_target(ngx_http_glance_transfer_t *t,
    const char *method, ngx_str_t *url)
{
    char  *p;

    p = ngx_pnalloc(t->pool, url->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn((u_char *) p, url->data, url->len + 1);

    if (curl_easy_setopt(t->easy, CURLOPT_URL, p) != CURLE_OK
        || curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method)
           != CURLE_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_curl_header(ngx_http_glance_transfer_t *t, const char *name,
    ngx_str_t *value)
{
    u_char             *line, *p;
    struct curl_slist  *list;

    /* a line of its own would be another header */

    for (p = value->data; p < value->data + value->len; p++) {
        if (*p == LF || *p == CR || *p == '\0') {
            return NGX_ERROR;
        }
    }

    line = ngx_pnalloc(t->pool, ngx_strlen(name) + value->len + 3);
    if (line == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(line, name, ngx_strlen(name));

    /* libcurl's notation: "Name:" takes one away, "Name;" has no value */

    p = value->len ? ngx_sprintf(p, ": %V", value) : ngx_cpymem(p, ";", 1);
    *p = '\0';

    list = curl_slist_append(t->list, (char *) line);
    if (list == NULL) {
        return NGX_ERROR;
    }

    t->list = list;

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_curl_body(ngx_http_glance_transfer_t *t, ngx_str_t *text)
{
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t) text->len);

    if (curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS,
                         text->len ? (char *) text->data : "")
        != CURLE_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_curl_upload(ngx_http_glance_transfer_t *t, off_t length)
{
    curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) length);
    curl_easy_setopt(t->easy, CURLOPT_READFUNCTION,
                     ngx_http_glance_curl_on_give);
    curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, 16384L);

    if (curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE,
                         NGX_HTTP_GLANCE_CURL_SEND)
        != CURLE_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_curl_tls(ngx_http_glance_transfer_t *t, const char *cafile,
    ngx_uint_t insecure)
{
    /* these authorities and no others: not those of the system, too */

    if (cafile
        && (curl_easy_setopt(t->easy, CURLOPT_CAINFO, cafile) != CURLE_OK
            || curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL) != CURLE_OK))
    {
        return NGX_ERROR;
    }

    if (insecure) {
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_curl_resolve(ngx_pool_t *pool, ngx_str_t *base,
    ngx_str_t *location, ngx_str_t *url)
{
    char       *text, *word;
    CURLU      *u;
    u_char     *p, *q;
    ngx_int_t   rc;

    p = ngx_pnalloc(pool, base->len + 1);
    q = ngx_pnalloc(pool, location->len + 1);

    if (p == NULL || q == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(p, base->data, base->len + 1);
    (void) ngx_cpystrn(q, location->data, location->len + 1);

    u = curl_url();
    text = NULL;
    word = NULL;
    rc = NGX_DECLINED;

    if (u
        && curl_url_set(u, CURLUPART_URL, (char *) p, 0) == CURLUE_OK
        && curl_url_set(u, CURLUPART_URL, (char *) q, CURLU_URLENCODE)
           == CURLUE_OK
        && curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK
        && curl_url_get(u, CURLUPART_SCHEME, &word, 0) == CURLUE_OK
        && (ngx_strcmp(word, "http") == 0 || ngx_strcmp(word, "https") == 0)
        && curl_url_set(u, CURLUPART_USER, NULL, 0) == CURLUE_OK
        && curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK
        && curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
    {
        url->len = ngx_strlen(text);
        url->data = ngx_pnalloc(pool, url->len);

        if (url->data) {
            ngx_memcpy(url->data, text, url->len);
            rc = NGX_OK;
        }
    }

    curl_free(text);
    curl_free(word);
    curl_url_cleanup(u);

    return rc;
}


ngx_int_t
ngx_http_glance_curl_start(ngx_http_glance_transfer_t *t)
{
    struct curl_slist  *list;

    /* no waiting for "100 Continue" */

    list = curl_slist_append(t->list, "Expect:");
    if (list == NULL) {
        return NGX_ERROR;
    }

    t->list = list;

    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, list);

    if (t->connect_timeout) {
        curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
                         (long) t->connect_timeout);
    }

    if (t->timeout) {
        curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long) t->timeout);
    }

    if (t->address) {
        curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION,
                         ngx_http_glance_curl_on_request);
        curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
    }

    if (curl_multi_add_handle(ngx_http_glance_curl.multi, t->easy)
        != CURLM_OK)
    {
        return NGX_ERROR;
    }

    t->added = 1;

    ngx_http_glance_curl_moved(t);

    return NGX_OK;
}


void
ngx_http_glance_curl_resume(ngx_http_glance_transfer_t *t)
{
    CURLcode  code;

    if (!t->added || t->done || !(t->in_paused || t->out_paused)) {
        return;
    }

    t->in_paused = 0;
    t->out_paused = 0;

    ngx_http_glance_curl_moved(t);

    /*
     * This may call take() at once, and what that refused is lost for
     * libcurl, which would go on behind it.
     */

    code = curl_easy_pause(t->easy, CURLPAUSE_CONT);

    ngx_http_glance_curl_tidy();

    if (code != CURLE_OK) {
        ngx_http_glance_curl_end(t, code);
    }
}


/*
 * The flags of epoll belong to the descriptor, not to a direction, and
 * libcurl reads only once per event: both directions are level-triggered.
 */

static int
ngx_http_glance_curl_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *socket_data)
{
    ngx_connection_t            *c;
    ngx_http_glance_transfer_t  *t;

    c = socket_data;

    if (what == CURL_POLL_REMOVE) {
        if (c) {
            ngx_http_glance_curl_unwatch(c);
        }

        return 0;
    }

    if (c == NULL) {
        c = ngx_get_connection(s, ngx_cycle->log);

        if (c == NULL) {

            /* not an error for libcurl: it would end all transfers */

            t = NULL;
            (void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &t);

            if (t) {
                t->starved = 1;
                ngx_http_glance_curl_queue(t);
            }

            return 0;
        }

        c->read->handler = ngx_http_glance_curl_ready;
        c->write->handler = ngx_http_glance_curl_ready;
        c->read->log = ngx_cycle->log;
        c->write->log = ngx_cycle->log;

        ngx_queue_insert_tail(&ngx_http_glance_curl.watched, &c->queue);

        (void) curl_multi_assign(ngx_http_glance_curl.multi, s, c);
    }

    ngx_http_glance_curl_watch(c->read, NGX_READ_EVENT, what & CURL_POLL_IN);
    ngx_http_glance_curl_watch(c->write, NGX_WRITE_EVENT,
                               what & CURL_POLL_OUT);

    return 0;
}


static void
ngx_http_glance_curl_watch(ngx_event_t *ev, ngx_int_t event, ngx_uint_t on)
{
    if (on && !ev->active) {
        (void) ngx_add_event(ev, event, NGX_LEVEL_EVENT);

    } else if (!on && ev->active) {
        (void) ngx_del_event(ev, event, 0);
    }
}


/*
 * The descriptor is libcurl's, which closes it or keeps it for later.  Some
 * releases close that of a connection which did not come about before they
 * say so: epoll has forgotten it then.
 */

static void
ngx_http_glance_curl_unwatch(ngx_connection_t *c)
{
    if (fcntl(c->fd, F_GETFD) == -1) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, NGX_CLOSE_EVENT);
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, NGX_CLOSE_EVENT);
    }

    ngx_http_glance_curl_watch(c->read, NGX_READ_EVENT, 0);
    ngx_http_glance_curl_watch(c->write, NGX_WRITE_EVENT, 0);

    ngx_queue_remove(&c->queue);

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    ngx_free_connection(c);

    c->fd = (ngx_socket_t) -1;
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
ngx_http_glance_curl_ready(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_http_glance_curl_action(c->fd, ev->write ? CURL_CSELECT_OUT
                                                 : CURL_CSELECT_IN);
}


static void
ngx_http_glance_curl_tick(ngx_event_t *ev)
{
    ev->timedout = 0;

    ngx_http_glance_curl_action(CURL_SOCKET_TIMEOUT, 0);
}


static void
ngx_http_glance_curl_action(curl_socket_t s, int mask)
{
    int  running;

    if (ngx_http_glance_curl.multi == NULL) {
        return;
    }

    (void) curl_multi_socket_action(ngx_http_glance_curl.multi, s, mask,
                                    &running);

    ngx_http_glance_curl_tidy();

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


static void
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


static void
ngx_http_glance_curl_end(ngx_http_glance_transfer_t *t, CURLcode code)
{
    ngx_http_glance_curl_remove(t);

    t->done = 1;

    switch (code) {

    case CURLE_OK:
        t->failure = NGX_HTTP_GLANCE_TRANSFER_WHOLE;
        break;

    case CURLE_OPERATION_TIMEDOUT:
        t->failure = NGX_HTTP_GLANCE_TRANSFER_TIMEOUT;
        break;

    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_OUT_OF_MEMORY:
        t->failure = NGX_HTTP_GLANCE_TRANSFER_CONNECT;
        break;

    default:
        t->failure = NGX_HTTP_GLANCE_TRANSFER_CUT;
        break;
    }

    if (t->denied && code != CURLE_OK) {
        t->failure = NGX_HTTP_GLANCE_TRANSFER_DENIED;
    }

    if (code != CURLE_OK) {
        t->error = t->words[0] ? t->words : curl_easy_strerror(code);
    }

    ngx_http_glance_curl_queue(t);
}


static void
ngx_http_glance_curl_remove(ngx_http_glance_transfer_t *t)
{
    if (t->idle.timer_set) {
        ngx_del_timer(&t->idle);
    }

    if (t->added) {
        t->added = 0;
        (void) curl_multi_remove_handle(ngx_http_glance_curl.multi, t->easy);

        ngx_http_glance_curl_tidy();
    }
}


/* OpenSSL keeps errors per thread, and nginx would take these for its own */

static void
ngx_http_glance_curl_tidy(void)
{
    ERR_clear_error();
}


/* not cancelable: a worker that is told to quit ends its transfers first */

static void
ngx_http_glance_curl_idle(ngx_event_t *ev)
{
    ngx_http_glance_transfer_t  *t;

    t = ev->data;
    ev->timedout = 0;

    if (t->done) {
        return;
    }

    (void) ngx_cpystrn((u_char *) t->words, (u_char *) "nothing moves",
                       CURL_ERROR_SIZE);

    ngx_http_glance_curl_end(t, CURLE_OPERATION_TIMEDOUT);
}


static void
ngx_http_glance_curl_moved(ngx_http_glance_transfer_t *t)
{
    if (!t->idle_timeout) {
        return;
    }

    if (t->in_paused || t->out_paused) {

        /* we are the slow side */

        if (t->idle.timer_set) {
            ngx_del_timer(&t->idle);
        }

        return;
    }

    ngx_add_timer(&t->idle, t->idle_timeout);
}


static size_t
ngx_http_glance_curl_on_header(char *p, size_t size, size_t n, void *data)
{
    ngx_http_glance_transfer_t *t = data;

    long        status;
    u_char     *colon, *last;
    ngx_str_t   name, value;

    n *= size;
    last = (u_char *) p + n;

    while (last > (u_char *) p && (last[-1] == LF || last[-1] == CR)) {
        last--;
    }

    if (last == (u_char *) p) {

        /* the end of the headers, maybe those of "100 Continue" */

        status = 0;
        (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);

        if (status >= 200) {
            t->status = (ngx_uint_t) status;
            t->headers = 1;
            ngx_http_glance_curl_moved(t);
            ngx_http_glance_curl_queue(t);
        }

        return n;
    }

    colon = ngx_strlchr((u_char *) p, last, ':');

    if (colon == NULL || t->header == NULL || t->headers) {
        return n;
    }

    name.data = (u_char *) p;
    name.len = colon - (u_char *) p;

    for (colon++; colon < last && (*colon == ' ' || *colon == '\t');
         colon++)
    {
        /* void */
    }

    value.data = colon;
    value.len = last - colon;

    return t->header(t, &name, &value) == NGX_OK ? n : 0;
}


static size_t
ngx_http_glance_curl_on_take(char *p, size_t size, size_t n, void *data)
{
    ngx_http_glance_transfer_t *t = data;

    ngx_int_t  rc;

    n *= size;

    rc = t->take ? t->take(t, (u_char *) p, n) : NGX_OK;

    ngx_http_glance_curl_queue(t);

    if (rc == NGX_AGAIN) {
        t->in_paused = 1;
        ngx_http_glance_curl_moved(t);

        return CURL_WRITEFUNC_PAUSE;
    }

    ngx_http_glance_curl_moved(t);

    return (rc == NGX_OK) ? n : 0;
}


static size_t
ngx_http_glance_curl_on_give(char *p, size_t size, size_t n, void *data)
{
    ngx_http_glance_transfer_t *t = data;

    ssize_t  given;

    given = t->give(t, (u_char *) p, size * n);

    ngx_http_glance_curl_queue(t);

    if (given == NGX_AGAIN) {
        t->out_paused = 1;
        ngx_http_glance_curl_moved(t);

        return CURL_READFUNC_PAUSE;
    }

    ngx_http_glance_curl_moved(t);

    return (given >= 0) ? (size_t) given : CURL_READFUNC_ABORT;
}


/* every address of a name comes here: no second answer of DNS gets past */

static curl_socket_t
ngx_http_glance_curl_on_open(void *data, curlsocktype purpose,
    struct curl_sockaddr *address)
{
    ngx_http_glance_transfer_t *t = data;

    curl_socket_t  s;

    if (t->address
        && t->address(t, &address->addr, address->addrlen) != NGX_OK)
    {
        t->denied = 1;
        return CURL_SOCKET_BAD;
    }

    s = socket(address->family, address->socktype | SOCK_CLOEXEC,
               address->protocol);

    ngx_http_glance_curl_rewatch(s);

    return s;
}


/*
 * The next address of a name gets the number of the last one, which was
 * closed without a word: libcurl believes that it is watched already.
 */

static void
ngx_http_glance_curl_rewatch(curl_socket_t s)
{
    ngx_uint_t         in, out;
    ngx_queue_t       *q;
    ngx_connection_t  *c;

    for (q = ngx_queue_head(&ngx_http_glance_curl.watched);
         q != ngx_queue_sentinel(&ngx_http_glance_curl.watched);
         q = ngx_queue_next(q))
    {
        c = ngx_queue_data(q, ngx_connection_t, queue);

        if (c->fd != s) {
            continue;
        }

        in = c->read->active;
        out = c->write->active;

        c->read->active = 0;
        c->write->active = 0;

        ngx_http_glance_curl_watch(c->read, NGX_READ_EVENT, in);
        ngx_http_glance_curl_watch(c->write, NGX_WRITE_EVENT, out);

        return;
    }
}


/* a connection that is used again was opened for other rules, perhaps */

static int
ngx_http_glance_curl_on_request(void *data, char *remote, char *local,
    int remote_port, int local_port)
{
    ngx_http_glance_transfer_t *t = data;

    struct sockaddr_in   sin;
    struct sockaddr_in6  sin6;

    ngx_memzero(&sin, sizeof(struct sockaddr_in));
    ngx_memzero(&sin6, sizeof(struct sockaddr_in6));

    if (inet_pton(AF_INET, remote, &sin.sin_addr) == 1) {
        sin.sin_family = AF_INET;
        sin.sin_port = htons((in_port_t) remote_port);

        if (t->address(t, (struct sockaddr *) &sin, sizeof(sin)) == NGX_OK) {
            return CURL_PREREQFUNC_OK;
        }

    } else if (inet_pton(AF_INET6, remote, &sin6.sin6_addr) == 1) {
        sin6.sin6_family = AF_INET6;
        sin6.sin6_port = htons((in_port_t) remote_port);

        if (t->address(t, (struct sockaddr *) &sin6, sizeof(sin6))
            == NGX_OK)
        {
            return CURL_PREREQFUNC_OK;
        }
    }

    t->denied = 1;

    return CURL_PREREQFUNC_ABORT;
}
