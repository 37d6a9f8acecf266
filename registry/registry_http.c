
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_http.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "registry_call.h"
#include "registry_listen.h"
#include "registry_log.h"


#define REGISTRY_HTTP_LOG          "http"
#define REGISTRY_HTTP_CONNECTIONS  4096         /* of a worker thread */
#define REGISTRY_HTTP_MEMORY       (64 * 1024)  /* header of a request */
#define REGISTRY_HTTP_LINGER       200          /* ms */

/* longer than nginx keeps idle connections, so that it is who closes them */
#define REGISTRY_HTTP_IDLE         120          /* s */


typedef struct {
    struct MHD_Daemon     *daemon;
    int                    connections; /* atomic */
} registry_worker_t;

struct registry_http_s {
    const registry_app_t  *app;
    registry_worker_t     *workers;
    size_t                 n;           /* 1 or more */
    int                    tcp;         /* -1: none */
    int                    local;       /* the unix socket */
    int                    wake;        /* eventfd: the acceptor ends */
    char                  *path;        /* of the unix socket */
    pthread_t              acceptor;
    bool                   accepting;
    int                    active;      /* requests, atomic */
    int                    draining;    /* atomic */
};


static void *registry_http_acceptor(void *data);
static bool registry_http_take(registry_http_t *http, int listener);
static registry_worker_t *registry_http_idlest(registry_http_t *http);
static void registry_http_connection(void *data,
    struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code);
static enum MHD_Result registry_http_request(void *data,
    struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *size, void **ctx);
static void registry_http_completed(void *data,
    struct MHD_Connection *connection, void **ctx,
    enum MHD_RequestTerminationCode code);
static size_t registry_http_unescape(void *data,
    struct MHD_Connection *connection, char *text);
static void registry_http_logger(void *data, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));


registry_http_t *
registry_http_open(const registry_http_conf_t *conf,
    const registry_app_t *app, registry_err_t *err)
{
    registry_http_t  *http;

    http = calloc(1, sizeof(registry_http_t));
    if (http == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "out of memory");
        return NULL;
    }

    http->app = app;
    http->n = (size_t) conf->threads;
    http->tcp = -1;
    http->local = -1;

    http->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    http->workers = calloc(http->n, sizeof(registry_worker_t));

    if (http->wake == -1 || http->workers == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "out of resources");
        goto failed;
    }

    if (conf->host[0] != '\0') {
        http->tcp = registry_listen_tcp(conf->host, conf->port,
                                        conf->backlog, err);
        if (http->tcp == -1) {
            goto failed;
        }
    }

    if (conf->socket[0] != '\0') {
        http->local = registry_listen_unix(conf->socket, conf->backlog, err);

        if (http->local == -1) {
            goto failed;
        }

        http->path = strdup(conf->socket);
    }

    return http;

failed:

    registry_http_stop(http, 0);

    return NULL;
}


registry_rc_e
registry_http_start(registry_http_t *http, registry_err_t *err)
{
    registry_worker_t  *w;

    for (size_t i = 0; i < http->n; i++) {
        w = &http->workers[i];

        w->daemon = MHD_start_daemon(
            MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET
            | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL,
            registry_http_request, http,
            MHD_OPTION_EXTERNAL_LOGGER, registry_http_logger, NULL,
            MHD_OPTION_CONNECTION_LIMIT, (unsigned) REGISTRY_HTTP_CONNECTIONS,
            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) REGISTRY_HTTP_IDLE,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t) REGISTRY_HTTP_MEMORY,
            MHD_OPTION_NOTIFY_CONNECTION, registry_http_connection, w,
            MHD_OPTION_NOTIFY_COMPLETED, registry_http_completed, http,
            MHD_OPTION_UNESCAPE_CALLBACK, registry_http_unescape, NULL,
            MHD_OPTION_END);

        if (w->daemon == NULL) {
            return registry_err_set(err, REGISTRY_ERROR,
                                    "cannot start a worker thread: %s",
                                    strerror(errno));
        }
    }

    if (pthread_create(&http->acceptor, NULL, registry_http_acceptor, http)
        != 0)
    {
        return registry_err_set(err, REGISTRY_ERROR,
                                "cannot start the accepting thread");
    }

    http->accepting = true;

    return REGISTRY_OK;
}


void
registry_http_stop(registry_http_t *http, int timeout_ms)
{
    uint64_t         one;
    struct timespec  pause;

    if (http == NULL) {
        return;
    }

    __atomic_store_n(&http->draining, 1, __ATOMIC_RELAXED);

    if (http->accepting) {
        one = 1;
        if (write(http->wake, &one, sizeof(one)) == -1) {
            /* it counts only up to here: it is awake anyway */
        }
        (void) pthread_join(http->acceptor, NULL);
    }

    if (http->tcp != -1) {
        (void) close(http->tcp);
    }

    if (http->local != -1) {
        (void) unlink(http->path);
        (void) close(http->local);
    }

    pause.tv_sec = 0;
    pause.tv_nsec = 10 * 1000000;

    /* a request may just be on its way over an idle connection */

    for (int ms = 0; http->accepting && ms < timeout_ms; ms += 10) {

        if (ms >= REGISTRY_HTTP_LINGER
            && __atomic_load_n(&http->active, __ATOMIC_RELAXED) == 0)
        {
            break;
        }

        (void) nanosleep(&pause, NULL);
    }

    for (size_t i = 0; http->workers != NULL && i < http->n; i++) {

        if (http->workers[i].daemon != NULL) {
            MHD_stop_daemon(http->workers[i].daemon);
        }
    }

    if (http->wake != -1) {
        (void) close(http->wake);
    }

    free(http->workers);
    free(http->path);
    free(http);
}


static void *
registry_http_acceptor(void *data)
{
    registry_http_t *http = data;

    int            n;
    struct pollfd  fds[3];

    fds[0].fd = http->wake;
    fds[1].fd = http->tcp;              /* -1 is ignored by poll() */
    fds[2].fd = http->local;

    fds[0].events = POLLIN;
    fds[1].events = POLLIN;
    fds[2].events = POLLIN;

    for ( ;; ) {

        n = poll(fds, 3, -1);

        if (n == -1) {
            if (errno == EINTR) {
                continue;
            }

            registry_log(REGISTRY_LOG_CRITICAL, REGISTRY_HTTP_LOG,
                         "poll() failed reason=\"%s\"", strerror(errno));
            break;
        }

        if (fds[0].revents != 0) {
            break;
        }

        for (int i = 1; i < 3; i++) {

            if (fds[i].revents == 0) {
                continue;
            }

            while (registry_http_take(http, fds[i].fd)) { /* void */ }
        }
    }

    return NULL;
}


/* false: no more connections at the moment */

static bool
registry_http_take(registry_http_t *http, int listener)
{
    int                       fd;
    socklen_t                 len;
    struct timespec           pause;
    registry_worker_t        *w;
    struct sockaddr_storage   address;

    memset(&address, 0, sizeof(address));
    len = sizeof(address);

    fd = accept4(listener, (struct sockaddr *) &address, &len,
                 SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd == -1) {

        if (errno == EINTR || errno == ECONNABORTED) {
            return true;
        }

        if (errno != EAGAIN && errno != EWOULDBLOCK) {

            /* out of descriptors: the connection waits, and so do we */

            registry_log(REGISTRY_LOG_ERROR, REGISTRY_HTTP_LOG,
                         "accept() failed reason=\"%s\"", strerror(errno));

            pause.tv_sec = 0;
            pause.tv_nsec = 100 * 1000000;
            (void) nanosleep(&pause, NULL);
        }

        return false;
    }

    if (listener == http->local) {
        address.ss_family = AF_UNIX;
        len = sizeof(sa_family_t);
    }

    w = registry_http_idlest(http);

    (void) __atomic_add_fetch(&w->connections, 1, __ATOMIC_RELAXED);

    if (MHD_add_connection(w->daemon, fd, (struct sockaddr *) &address, len)
        != MHD_YES)
    {
        /* the descriptor is closed by it */

        (void) __atomic_sub_fetch(&w->connections, 1, __ATOMIC_RELAXED);
        registry_log(REGISTRY_LOG_WARNING, REGISTRY_HTTP_LOG,
                     "connection refused: too many");
    }

    return true;
}


static registry_worker_t *
registry_http_idlest(registry_http_t *http)
{
    int                 n, least;
    registry_worker_t  *w;

    w = &http->workers[0];
    least = __atomic_load_n(&w->connections, __ATOMIC_RELAXED);

    for (size_t i = 1; i < http->n; i++) {
        n = __atomic_load_n(&http->workers[i].connections, __ATOMIC_RELAXED);

        if (n < least) {
            w = &http->workers[i];
            least = n;
        }
    }

    return w;
}


static void
registry_http_connection(void *data, struct MHD_Connection *connection,
    void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    registry_worker_t *w = data;

    (void) connection;
    (void) socket_context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        (void) __atomic_sub_fetch(&w->connections, 1, __ATOMIC_RELAXED);
    }
}


/* called with the header, for each piece of the body, and at its end */

static enum MHD_Result
registry_http_request(void *data, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *size, void **ctx)
{
    bool              last;
    registry_http_t  *http = data;
    registry_call_t  *call = *ctx;

    (void) version;

    last = (__atomic_load_n(&http->draining, __ATOMIC_RELAXED) != 0);

    if (call == NULL) {
        call = registry_call_begin(http->app, connection, url, method);
        if (call == NULL) {
            return MHD_NO;
        }

        (void) __atomic_add_fetch(&http->active, 1, __ATOMIC_RELAXED);
        *ctx = call;

        /* an answer before the body closes the connection */

        return call->too_large ? registry_call_answer(call, last) : MHD_YES;
    }

    if (*size > 0) {
        registry_call_body(call, upload, *size);
        *size = 0;

        return MHD_YES;
    }

    return registry_call_answer(call, last);
}


static void
registry_http_completed(void *data, struct MHD_Connection *connection,
    void **ctx, enum MHD_RequestTerminationCode code)
{
    registry_http_t  *http = data;
    registry_call_t  *call = *ctx;

    (void) connection;
    (void) code;

    if (call == NULL) {
        return;
    }

    *ctx = NULL;

    registry_call_free(call);

    (void) __atomic_sub_fetch(&http->active, 1, __ATOMIC_RELAXED);
}


/* we decode paths after they are split, and tell what is malformed */

static size_t
registry_http_unescape(void *data, struct MHD_Connection *connection,
    char *text)
{
    (void) data;
    (void) connection;

    return strlen(text);
}


static void
registry_http_logger(void *data, const char *fmt, va_list args)
{
    char  text[256];

    (void) data;

    if (!registry_log_enabled(REGISTRY_LOG_DEBUG)) {
        return;
    }

    (void) vsnprintf(text, sizeof(text), fmt, args);
    text[strcspn(text, "\n")] = '\0';

    registry_log(REGISTRY_LOG_DEBUG, REGISTRY_HTTP_LOG, "%s", text);
}
