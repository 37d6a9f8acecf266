
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_curl_loop.h"


#define NGX_HTTP_GLANCE_CURL_POOL       1024
#define NGX_HTTP_GLANCE_CURL_RECEIVE    (128 * 1024L)
#define NGX_HTTP_GLANCE_CURL_SEND       (128 * 1024L)
#define NGX_HTTP_GLANCE_CURL_IDLE       30L     /* s, of a kept connection */
#define NGX_HTTP_GLANCE_CURL_EXPECT     1000L   /* ms, for "100 Continue" */


static void ngx_http_glance_curl_remove(ngx_http_glance_transfer_t *t);
static void ngx_http_glance_curl_idle(ngx_event_t *ev);


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


/* from within libcurl: not before it has returned */

void
ngx_http_glance_curl_destroy(ngx_http_glance_transfer_t *t)
{
    if (ngx_http_glance_curl_bury(t)) {
        return;
    }

    ngx_http_glance_curl_remove(t);

    if (t->queued) {
        ngx_queue_remove(&t->queue);
    }

    ngx_http_glance_curl_enter();
    curl_easy_cleanup(t->easy);
    ngx_http_glance_curl_leave();

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
    curl_easy_setopt(t->easy, CURLOPT_EXPECT_100_TIMEOUT_MS,
                     NGX_HTTP_GLANCE_CURL_EXPECT);

    t->upload = 1;

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
    CURLMcode           code;
    struct curl_slist  *list;

    /*
     * Bytes of an upload are there only once: a peer that refuses it should
     * say so before, by "100 Continue", for which libcurl asks with bodies of
     * more than 1 MiB.
     */

    if (!t->upload) {
        list = curl_slist_append(t->list, "Expect:");
        if (list == NULL) {
            return NGX_ERROR;
        }

        t->list = list;
    }

    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->list);

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

    ngx_http_glance_curl_enter();
    code = curl_multi_add_handle(ngx_http_glance_curl.multi, t->easy);
    ngx_http_glance_curl_leave();

    if (code != CURLM_OK) {
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

    ngx_http_glance_curl_enter();
    code = curl_easy_pause(t->easy, CURLPAUSE_CONT);
    ngx_http_glance_curl_leave();

    if (code != CURLE_OK) {
        ngx_http_glance_curl_end(t, code);
    }
}


void
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

        ngx_http_glance_curl_enter();
        (void) curl_multi_remove_handle(ngx_http_glance_curl.multi, t->easy);
        ngx_http_glance_curl_leave();
    }
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


void
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
