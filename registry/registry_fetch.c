
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "glance_uri.h"


#define REGISTRY_FETCH_BUFFER     (512 * 1024)
#define REGISTRY_FETCH_PIECE      (64 * 1024)
#define REGISTRY_FETCH_CONNECT    10000L    /* ms */
#define REGISTRY_FETCH_REDIRECTS  5L
#define REGISTRY_FETCH_POLL       300       /* ms */


typedef struct {
    const registry_fetch_conf_t  *conf;
    const registry_fetch_sink_t  *sink;         /* NULL: the API server */
    CURLM                        *multi;
    CURL                         *source;
    CURL                         *target;
    struct curl_slist            *headers;
    struct curl_slist            *asked;        /* of a store */
    int64_t                       expected;     /* -1: anything */
    int64_t                       total;        /* -1: not known */
    int64_t                       received;
    size_t                        pos;
    size_t                        len;
    size_t                        answer_len;
    CURLcode                      target_rc;
    curl_socket_t                 target_fd;
    char                         *body;         /* for the API server */
    registry_fetch_e              outcome;      /* when it failed */
    bool                          local;        /* it has the source */
    bool                          ready;        /* the data begin */
    bool                          started;      /* the upload has */
    bool                          source_done;
    bool                          target_done;
    bool                          source_paused;
    bool                          target_paused;
    bool                          failed;       /* reason says why */
    bool                          answer_line;  /* of it has ended */
    char                         *reason;
    char                          address[INET6_ADDRSTRLEN]; /* refused */
    char                          answer[REGISTRY_FETCH_REASON];
    unsigned char                 buf[REGISTRY_FETCH_BUFFER];
} registry_fetch_t;


static registry_fetch_t *registry_fetch_new(
    const registry_fetch_conf_t *conf, int64_t size, char *reason);
static void registry_fetch_free(registry_fetch_t *f);
static registry_fetch_e registry_fetch_run(registry_fetch_t *f,
    registry_fetch_pt tick, void *arg);
static bool registry_fetch_started(registry_fetch_t *f);
static registry_fetch_e registry_fetch_sink(registry_fetch_t *f);
static bool registry_fetch_source(registry_fetch_t *f, const char *url);
static bool registry_fetch_http(registry_fetch_t *f, const char *url);
static bool registry_fetch_store(registry_fetch_t *f, const char *url);
static bool registry_fetch_target(registry_fetch_t *f,
    registry_client_t *client, const char *image_id);
static void registry_fetch_messages(registry_fetch_t *f);
static void registry_fetch_end(registry_fetch_t *f, CURLcode code);
static bool registry_fetch_gone(registry_fetch_t *f);
static curl_socket_t registry_fetch_target_open(void *arg,
    curlsocktype purpose, struct curl_sockaddr *address);
static int registry_fetch_target_close(void *arg, curl_socket_t fd);
static bool registry_fetch_wake(registry_fetch_t *f);
static registry_fetch_e registry_fetch_outcome(registry_fetch_t *f);
static bool registry_fetch_begin(registry_fetch_t *f);
static size_t registry_fetch_write(char *data, size_t size, size_t n,
    void *arg);
static size_t registry_fetch_read(char *data, size_t size, size_t n,
    void *arg);
static size_t registry_fetch_answer(char *data, size_t size, size_t n,
    void *arg);
static curl_socket_t registry_fetch_open(void *arg, curlsocktype purpose,
    struct curl_sockaddr *address);
static void registry_fetch_fail(registry_fetch_t *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


registry_fetch_e
registry_fetch(const registry_fetch_conf_t *conf, registry_client_t *client,
    const char *url, const char *image_id, int64_t size,
    registry_fetch_pt tick, void *arg, char reason[REGISTRY_FETCH_REASON])
{
    registry_fetch_e   rc;
    registry_fetch_t  *f;

    rc = REGISTRY_FETCH_AGAIN;
    f = registry_fetch_new(conf, size, reason);

    if (f == NULL) {
        return rc;
    }

    f->target = curl_easy_init();

    if (f->target != NULL
        && registry_fetch_source(f, url)
        && registry_fetch_target(f, client, image_id)
        && curl_multi_add_handle(f->multi, f->source) == CURLM_OK)
    {
        rc = registry_fetch_run(f, tick, arg);
    }

    registry_fetch_free(f);

    return rc;
}


registry_fetch_e
registry_fetch_into(const registry_fetch_conf_t *conf, const char *url,
    int64_t size, const registry_fetch_sink_t *sink, registry_fetch_pt tick,
    void *arg, char reason[REGISTRY_FETCH_REASON])
{
    registry_fetch_e   rc;
    registry_fetch_t  *f;

    rc = REGISTRY_FETCH_AGAIN;
    f = registry_fetch_new(conf, size, reason);

    if (f == NULL) {
        return rc;
    }

    f->sink = sink;

    if (registry_fetch_source(f, url)
        && curl_multi_add_handle(f->multi, f->source) == CURLM_OK)
    {
        rc = registry_fetch_run(f, tick, arg);
    }

    registry_fetch_free(f);

    return rc;
}


static registry_fetch_t *
registry_fetch_new(const registry_fetch_conf_t *conf, int64_t size,
    char *reason)
{
    registry_fetch_t  *f;

    (void) snprintf(reason, REGISTRY_FETCH_REASON, "no memory");

    f = calloc(1, sizeof(registry_fetch_t));
    if (f == NULL) {
        return NULL;
    }

    f->conf = conf;
    f->reason = reason;
    f->expected = size;
    f->total = -1;
    f->target_fd = CURL_SOCKET_BAD;
    f->outcome = REGISTRY_FETCH_FAILED;

    f->multi = curl_multi_init();
    f->source = curl_easy_init();

    if (f->multi == NULL || f->source == NULL) {
        registry_fetch_free(f);
        return NULL;
    }

    return f;
}


static void
registry_fetch_free(registry_fetch_t *f)
{
    if (f->multi != NULL) {
        (void) curl_multi_remove_handle(f->multi, f->source);

        if (f->target != NULL) {
            (void) curl_multi_remove_handle(f->multi, f->target);
        }
    }

    curl_easy_cleanup(f->source);
    curl_easy_cleanup(f->target);
    (void) curl_multi_cleanup(f->multi);
    curl_slist_free_all(f->headers);
    curl_slist_free_all(f->asked);
    free(f->body);
    free(f);
}


static registry_fetch_e
registry_fetch_run(registry_fetch_t *f, registry_fetch_pt tick, void *arg)
{
    int               running;
    registry_fetch_e  rc;

    for ( ;; ) {
        if (curl_multi_perform(f->multi, &running) != CURLM_OK) {
            (void) snprintf(f->reason, REGISTRY_FETCH_REASON, "libcurl");
            return REGISTRY_FETCH_AGAIN;
        }

        registry_fetch_messages(f);

        /* also of data that have broken off already */

        if (!registry_fetch_started(f)) {
            return REGISTRY_FETCH_STOPPED;
        }

        /* an upload that breaks off is undone by the API server */

        if (f->failed) {
            return f->outcome;
        }

        if (f->target_done || registry_fetch_gone(f)) {
            return registry_fetch_outcome(f);
        }

        if (f->sink != NULL) {
            rc = registry_fetch_sink(f);

            if (rc != REGISTRY_FETCH_AGAIN) {
                return rc;
            }

        } else if (f->ready && !f->started) {
            f->started = true;

            /* its end is announced only when the source has come to its */

            (void) curl_easy_setopt(f->target, CURLOPT_INFILESIZE_LARGE,
                                    (curl_off_t) f->total);

            if (curl_multi_add_handle(f->multi, f->target) != CURLM_OK) {
                (void) snprintf(f->reason, REGISTRY_FETCH_REASON, "libcurl");
                return REGISTRY_FETCH_AGAIN;
            }

            continue;
        }

        if (!tick(arg, f->received, f->total)) {
            return REGISTRY_FETCH_STOPPED;
        }

        if (!registry_fetch_wake(f)) {
            (void) curl_multi_poll(f->multi, NULL, 0, REGISTRY_FETCH_POLL,
                                   NULL);
        }
    }
}


static bool
registry_fetch_started(registry_fetch_t *f)
{
    if (f->sink == NULL || !f->ready || f->started) {
        return true;
    }

    f->started = true;

    return f->sink->begin(f->sink->arg, f->total);
}


/* what has come goes on; AGAIN: there may be more */

static registry_fetch_e
registry_fetch_sink(registry_fetch_t *f)
{
    size_t                        len;
    const registry_fetch_sink_t  *sink = f->sink;

    if (!f->ready) {
        return REGISTRY_FETCH_AGAIN;
    }

    len = f->len;
    f->len = 0;

    if (len > 0 && !sink->data(sink->arg, f->buf + f->pos, len)) {
        return REGISTRY_FETCH_STOPPED;
    }

    f->pos = 0;

    return f->source_done ? REGISTRY_FETCH_DONE : REGISTRY_FETCH_AGAIN;
}


static bool
registry_fetch_source(registry_fetch_t *f, const char *url)
{
    CURL          *curl;
    glance_uri_t   uri;

    curl = f->source;

    f->local = glance_uri_parse(glance_str(url), &uri)
               && uri.scheme != GLANCE_SCHEME_HTTP;

    return curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                               f->conf->timeout)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_BUFFERSIZE,
                               (long) REGISTRY_FETCH_PIECE)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION,
                               registry_fetch_write)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_WRITEDATA, f) == CURLE_OK
           && (f->local ? registry_fetch_store(f, url)
                        : registry_fetch_http(f, url));
}


static bool
registry_fetch_http(registry_fetch_t *f, const char *url)
{
    CURL        *curl;
    const char  *ca;

    curl = f->source;
    ca = f->conf->ca_file;

    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https")
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR,
                               "http,https")
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_MAXREDIRS,
                               REGISTRY_FETCH_REDIRECTS)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION,
                               registry_fetch_open)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, f) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                               REGISTRY_FETCH_CONNECT)
              == CURLE_OK
           && (ca[0] == '\0'
               || curl_easy_setopt(curl, CURLOPT_CAINFO, ca) == CURLE_OK);
}


/* the key of the URL is in the body, which nobody logs */

static bool
registry_fetch_store(registry_fetch_t *f, const char *url)
{
    CURL               *curl;
    json_t             *json;
    struct curl_slist  *more;

    curl = f->source;

    json = json_pack("{s:s}", "url", url);
    f->body = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    f->asked = curl_slist_append(NULL, "Content-Type: application/json");

    if (f->body == NULL || f->asked == NULL) {
        return false;
    }

    more = curl_slist_append(f->asked, "Accept: text/plain");

    return more != NULL
           && curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/source")
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
                               f->conf->socket)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, f->asked)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_POSTFIELDS, f->body)
              == CURLE_OK;
}


static bool
registry_fetch_target(registry_fetch_t *f, registry_client_t *client,
    const char *image_id)
{
    char                url[128];
    CURL               *curl;
    struct curl_slist  *more;

    curl = f->target;

    f->headers = registry_client_headers(client, "application/octet-stream");
    if (f->headers == NULL) {
        return false;
    }

    more = curl_slist_append(f->headers, "Accept: text/plain");
    if (more == NULL) {
        return false;
    }

    more = curl_slist_append(f->headers, "Expect:");
    if (more == NULL) {
        return false;
    }

    (void) snprintf(url, sizeof(url), "http://localhost/copy/v1/images/%s",
                    image_id);

    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
                               f->conf->socket)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, f->headers)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION,
                               registry_fetch_target_open)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, f) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION,
                               registry_fetch_target_close)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, f) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_READFUNCTION,
                               registry_fetch_read)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_READDATA, f) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION,
                               registry_fetch_answer)
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_WRITEDATA, f) == CURLE_OK;
}


static void
registry_fetch_messages(registry_fetch_t *f)
{
    int       left;
    CURLMsg  *msg;

    while ((msg = curl_multi_info_read(f->multi, &left)) != NULL) {

        if (msg->msg != CURLMSG_DONE) {
            continue;
        }

        if (msg->easy_handle == f->source) {
            f->source_done = true;
            registry_fetch_end(f, msg->data.result);

        } else {
            f->target_done = true;
            f->target_rc = msg->data.result;
        }
    }
}


/* the source has come to its end, in whatever way */

static void
registry_fetch_end(registry_fetch_t *f, CURLcode code)
{
    if (f->failed) {
        return;
    }

    if (code == CURLE_OK) {

        if (!f->ready && !registry_fetch_begin(f)) {
            return;
        }

        if (f->received == 0) {
            registry_fetch_fail(f, "the source is empty");

        } else if (f->expected >= 0 && f->received != f->expected) {
            registry_fetch_fail(f, "the source has %" PRId64 " bytes, "
                                "the image's size is %" PRId64, f->received,
                                f->expected);
        }

        return;
    }

    if (f->address[0] != '\0'
        && (code == CURLE_COULDNT_CONNECT || f->received == 0))
    {
        registry_fetch_fail(f, "the source's address %s is not allowed",
                            f->address);
        return;
    }

    /* an API server that ends in the middle is none of the source's faults */

    if (f->local) {
        f->outcome = (code == CURLE_COULDNT_CONNECT) ? REGISTRY_FETCH_AGAIN
                                                     : REGISTRY_FETCH_CUT;
    }

    registry_fetch_fail(f, "the source: %.180s", curl_easy_strerror(code));
}


/*
 * libcurl does not tell of a connection that was closed while it waits for
 * something to send, which a source that stands still may never give.
 */

static bool
registry_fetch_gone(registry_fetch_t *f)
{
    char  c;

    if (!f->target_paused || f->target_fd == CURL_SOCKET_BAD
        || recv(f->target_fd, &c, 1, MSG_PEEK|MSG_DONTWAIT) != 0)
    {
        return false;
    }

    f->target_rc = CURLE_SEND_ERROR;

    return true;
}


static curl_socket_t
registry_fetch_target_open(void *arg, curlsocktype purpose,
    struct curl_sockaddr *address)
{
    registry_fetch_t *f = arg;

    (void) purpose;

    f->target_fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                          address->protocol);

    return f->target_fd;
}


static int
registry_fetch_target_close(void *arg, curl_socket_t fd)
{
    registry_fetch_t *f = arg;

    if (fd == f->target_fd) {
        f->target_fd = CURL_SOCKET_BAD;
    }

    return close(fd);
}


/* whether one of the two has been woken */

static bool
registry_fetch_wake(registry_fetch_t *f)
{
    bool  woken;

    woken = false;

    if (f->target_paused && (f->len > 0 || f->source_done)) {
        f->target_paused = false;
        woken = true;
        (void) curl_easy_pause(f->target, CURLPAUSE_CONT);
    }

    if (f->source_paused
        && REGISTRY_FETCH_BUFFER - f->len >= 2 * REGISTRY_FETCH_PIECE)
    {
        f->source_paused = false;
        woken = true;
        (void) curl_easy_pause(f->source, CURLPAUSE_CONT);
    }

    return woken;
}


static registry_fetch_e
registry_fetch_outcome(registry_fetch_t *f)
{
    long  status;

    if (f->target_rc != CURLE_OK) {
        (void) snprintf(f->reason, REGISTRY_FETCH_REASON, "glance-api: %.180s",
                        curl_easy_strerror(f->target_rc));
        return REGISTRY_FETCH_AGAIN;
    }

    status = 0;
    (void) curl_easy_getinfo(f->target, CURLINFO_RESPONSE_CODE, &status);

    if (status == 200) {
        return REGISTRY_FETCH_DONE;
    }

    f->answer[f->answer_len] = '\0';

    (void) snprintf(f->reason, REGISTRY_FETCH_REASON,
                    "glance-api answers %ld: %.200s", status, f->answer);

    switch (status) {

    /* 404 and the like: an image that is there no more has no job, either */

    case 400:
    case 403:
    case 413:
    case 415:
        return REGISTRY_FETCH_FAILED;

    default:
        return REGISTRY_FETCH_AGAIN;
    }
}


/* the answer's header is there; false: it failed */

static bool
registry_fetch_begin(registry_fetch_t *f)
{
    long        status;
    curl_off_t  length;

    status = 0;
    length = -1;

    (void) curl_easy_getinfo(f->source, CURLINFO_RESPONSE_CODE, &status);
    (void) curl_easy_getinfo(f->source, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                             &length);

    if (status != 200) {
        f->answer[f->answer_len] = '\0';
        registry_fetch_fail(f, "the source answers %ld%s%.180s", status,
                            (f->answer_len > 0) ? ": " : "", f->answer);
        return false;
    }

    f->total = (int64_t) length;

    if (f->expected >= 0 && f->total >= 0 && f->total != f->expected) {
        registry_fetch_fail(f, "the source has %" PRId64 " bytes, "
                            "the image's size is %" PRId64, f->total,
                            f->expected);
        return false;
    }

    if (f->total > f->conf->cap) {
        registry_fetch_fail(f, "the source has more than %" PRId64 " bytes",
                            f->conf->cap);
        return false;
    }

    f->ready = true;

    return true;
}


static size_t
registry_fetch_write(char *data, size_t size, size_t n, void *arg)
{
    registry_fetch_t *f = arg;

    long    status;
    size_t  len;

    len = size * n;

    if (f->local && !f->ready) {
        status = 0;
        (void) curl_easy_getinfo(f->source, CURLINFO_RESPONSE_CODE, &status);

        if (status != 200) {
            return registry_fetch_answer(data, size, n, f);
        }
    }

    if (f->failed || (!f->ready && !registry_fetch_begin(f))) {
        return 0;
    }

    if (len > (size_t) REGISTRY_FETCH_BUFFER - f->len) {
        f->source_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }

    if ((int64_t) len > f->conf->cap - f->received) {
        registry_fetch_fail(f, "the source has more than %" PRId64 " bytes",
                            f->conf->cap);
        return 0;
    }

    if (f->pos + f->len + len > REGISTRY_FETCH_BUFFER) {
        memmove(f->buf, f->buf + f->pos, f->len);
        f->pos = 0;
    }

    memcpy(f->buf + f->pos + f->len, data, len);

    f->len += len;
    f->received += (int64_t) len;

    return len;
}


static size_t
registry_fetch_read(char *data, size_t size, size_t n, void *arg)
{
    registry_fetch_t *f = arg;

    size_t  len;

    if (f->failed) {
        return CURL_READFUNC_ABORT;
    }

    if (f->len == 0) {

        if (f->source_done) {
            return 0;
        }

        f->target_paused = true;
        return CURL_READFUNC_PAUSE;
    }

    len = size * n;

    if (len > f->len) {
        len = f->len;
    }

    memcpy(data, f->buf + f->pos, len);

    f->pos += len;
    f->len -= len;

    if (f->len == 0) {
        f->pos = 0;
    }

    return len;
}


/* the last line of a text: what goes before says the status once more */

static size_t
registry_fetch_answer(char *data, size_t size, size_t n, void *arg)
{
    registry_fetch_t *f = arg;

    for (size_t i = 0; i < size * n; i++) {

        if (data[i] == '\n' || data[i] == '\r') {
            f->answer_line = true;
            continue;
        }

        if (f->answer_line) {
            f->answer_line = false;
            f->answer_len = 0;
        }

        if (f->answer_len == 0 && data[i] == ' ') {
            continue;
        }

        if (f->answer_len < sizeof(f->answer) - 1) {
            f->answer[f->answer_len++] = (data[i] >= ' ' && data[i] < 0x7f)
                                         ? data[i] : ' ';
        }
    }

    return size * n;
}


/* names may change between two looks: the address is what counts */

static curl_socket_t
registry_fetch_open(void *arg, curlsocktype purpose,
    struct curl_sockaddr *address)
{
    registry_fetch_t *f = arg;

    size_t         i;
    unsigned char  addr[GLANCE_ADDR_LEN];

    if (purpose != CURLSOCKTYPE_IPCXN
        || !glance_addr_read(&address->addr, addr))
    {
        return CURL_SOCKET_BAD;
    }

    for (i = 0; i < f->conf->n_allowed; i++) {
        if (glance_cidr_match(&f->conf->allowed[i], addr)) {
            break;
        }
    }

    if (i == f->conf->n_allowed && !glance_addr_public(addr)) {
        (void) inet_ntop(AF_INET6, addr, f->address, sizeof(f->address));
        return CURL_SOCKET_BAD;
    }

    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}


/* the first reason counts */

static void
registry_fetch_fail(registry_fetch_t *f, const char *fmt, ...)
{
    va_list  args;

    if (f->failed) {
        return;
    }

    f->failed = true;

    va_start(args, fmt);
    (void) vsnprintf(f->reason, REGISTRY_FETCH_REASON, fmt, args);
    va_end(args);
}
