
/*
 * Copyright (C) ngx_glance authors
 */


/*
 * A client that costs next to nothing, so that the server is what is
 * measured: bodies come from one block of memory, and answers are discarded
 * by the kernel.  One thread, any number of connections to 127.0.0.1.
 *
 * Without --seconds each connection carries one request; with it, requests
 * follow one another on kept-alive connections until the time is over or
 * SIGTERM comes.  "{n}" in a path or a header is the number of the
 * connection, of four digits.
 *
 * Two of these work together: what one does while another sends its bodies.
 * The former says "ready" with --announce, forgets what it has measured at
 * SIGUSR1 and ends at SIGTERM; --signal PID makes the latter send these when
 * it begins and when all bodies are sent.
 */


#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "latency.h"


#define LOAD_HEAD     16384
#define LOAD_HEADERS  16
#define LOAD_DISCARD  (4 * 1024 * 1024)


typedef struct {
    int       fd;
    int       status;
    char      head[LOAD_HEAD];      /* of the request */
    size_t    head_len;
    size_t    head_sent;
    uint64_t  body_sent;
    char      in[LOAD_HEAD];        /* head of the answer */
    size_t    in_len;
    uint64_t  left;                 /* of the answer's body */
    char      tail[5];              /* of a chunked body */
    double    started;
    bool      sending;
    bool      in_body;
    bool      chunked;
    bool      close;
} load_stream_t;


static struct {
    uint16_t     port;
    const char  *method;
    const char  *path;
    const char  *headers[LOAD_HEADERS];
    unsigned     nheaders;
    unsigned     nstreams;
    uint64_t     size;              /* of a request's body */
    double       seconds;
    pid_t        signal;
    bool         announce;
} load_conf = { 0, "GET", "/", { NULL }, 0, 1, 0, 0, 0, false };


static struct {
    uint64_t   bad;
    uint64_t   bytes;
    double     started;
    double     sent;                /* when the last body was sent */
    unsigned   unsent;
    unsigned   open;
    int        status;              /* of the last bad answer, or the last */
    latency_t  latency;
} load_result;


static volatile sig_atomic_t   load_again;
static volatile sig_atomic_t   load_stop;

static int                     load_epoll;
static unsigned char          *load_block;


static void
load_die(const char *what)
{
    perror(what);
    exit(1);
}


static void
load_signal(int signo)
{
    if (signo == SIGUSR1) {
        load_again = 1;
        return;
    }

    load_stop = 1;
}


/* text with "{n}" replaced, at the end of the head */

static void
load_put(load_stream_t *s, unsigned n, const char *text)
{
    char  *p;

    p = s->head + s->head_len;

    while (*text != '\0' && s->head_len < LOAD_HEAD - 8) {

        if (strncmp(text, "{n}", 3) == 0) {
            s->head_len += (size_t) snprintf(p, 8, "%04u", n % 10000);
            text += 3;

        } else {
            s->head[s->head_len++] = *text++;
        }

        p = s->head + s->head_len;
    }
}


static void
load_make_head(load_stream_t *s, unsigned n)
{
    char      length[64];
    unsigned  i;

    load_put(s, n, load_conf.method);
    load_put(s, n, " ");
    load_put(s, n, load_conf.path);
    load_put(s, n, " HTTP/1.1\r\nHost: 127.0.0.1\r\n");

    for (i = 0; i < load_conf.nheaders; i++) {
        load_put(s, n, load_conf.headers[i]);
        load_put(s, n, "\r\n");
    }

    if (load_conf.size) {
        snprintf(length, sizeof(length), "Content-Length: %" PRIu64 "\r\n",
                 load_conf.size);
        load_put(s, n, length);
    }

    load_put(s, n, "\r\n");
}


static void
load_watch(load_stream_t *s, int op, bool sending)
{
    struct epoll_event  ee;

    s->sending = sending;

    ee.events = EPOLLIN | (sending ? EPOLLOUT : 0);
    ee.data.ptr = s;

    if (epoll_ctl(load_epoll, op, s->fd, &ee) == -1) {
        load_die("epoll_ctl");
    }
}


static void
load_connect(load_stream_t *s)
{
    int                 one;
    struct sockaddr_in  address;

    memset(&address, 0, sizeof(struct sockaddr_in));

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(load_conf.port);

    s->fd = socket(AF_INET, SOCK_STREAM, 0);

    if (s->fd == -1) {
        load_die("socket");
    }

    if (connect(s->fd, (struct sockaddr *) &address,
                sizeof(struct sockaddr_in)) == -1)
    {
        load_die("connect");
    }

    one = 1;
    (void) setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(int));

    if (fcntl(s->fd, F_SETFL, O_NONBLOCK) == -1) {
        load_die("fcntl");
    }
}


static void
load_begin(load_stream_t *s)
{
    s->head_sent = 0;
    s->body_sent = 0;
    s->in_len = 0;
    s->in_body = false;
    s->chunked = false;
    s->close = false;
    s->status = 0;
    s->started = bytes_clock(CLOCK_MONOTONIC);
}


static void
load_sent(load_stream_t *s)
{
    if (s->sending) {
        load_watch(s, EPOLL_CTL_MOD, false);
    }

    if (load_conf.size == 0 || load_result.unsent == 0) {
        return;
    }

    if (--load_result.unsent == 0) {
        load_result.sent = bytes_clock(CLOCK_MONOTONIC);

        if (load_conf.signal) {
            (void) kill(load_conf.signal, SIGTERM);
        }
    }
}


/* false: the peer takes nothing any more; its answer may say why */

static bool
load_send(load_stream_t *s)
{
    size_t   n, at;
    ssize_t  sent;

    for ( ;; ) {

        if (s->head_sent < s->head_len) {
            sent = send(s->fd, s->head + s->head_sent,
                        s->head_len - s->head_sent, MSG_NOSIGNAL);

        } else if (s->body_sent < load_conf.size) {
            at = (size_t) (s->body_sent % BYTES_BLOCK);
            n = BYTES_BLOCK - at;

            if (n > load_conf.size - s->body_sent) {
                n = (size_t) (load_conf.size - s->body_sent);
            }

            sent = send(s->fd, load_block + at, n, MSG_NOSIGNAL);

        } else {
            load_sent(s);
            return true;
        }

        if (sent == -1 && errno == EAGAIN) {
            if (!s->sending) {
                load_watch(s, EPOLL_CTL_MOD, true);
            }

            return true;
        }

        if (sent == -1) {
            return false;
        }

        if (s->head_sent < s->head_len) {
            s->head_sent += (size_t) sent;

        } else {
            s->body_sent += (uint64_t) sent;
        }
    }
}


static const char *
load_header(load_stream_t *s, const char *name)
{
    char    *p;
    size_t   len;

    len = strlen(name);

    for (p = strstr(s->in, "\r\n"); p; p = strstr(p, "\r\n")) {
        p += 2;

        if (strncasecmp(p, name, len) == 0 && p[len] == ':') {
            p += len + 1;
            return p + strspn(p, " ");
        }
    }

    return NULL;
}


/*
 * The last chunk is empty: "0" and two line ends.  The lists that come in
 * chunks are JSON, which has no such line ends inside.
 */

static void
load_chunked(load_stream_t *s, const char *data, size_t len)
{
    size_t  keep;

    load_result.bytes += len;

    if (len >= sizeof(s->tail)) {
        memcpy(s->tail, data + len - sizeof(s->tail), sizeof(s->tail));

    } else {
        keep = sizeof(s->tail) - len;
        memmove(s->tail, s->tail + len, keep);
        memcpy(s->tail + keep, data, len);
    }

    s->left = memcmp(s->tail, "0\r\n\r\n", sizeof(s->tail)) != 0;
}


/* takes what belongs to the head; the rest is of the body */

static void
load_parse(load_stream_t *s)
{
    char        *end;
    size_t       rest;
    const char  *value;

    s->in[s->in_len] = '\0';
    end = strstr(s->in, "\r\n\r\n");

    if (end == NULL) {
        if (s->in_len == LOAD_HEAD - 1) {
            fprintf(stderr, "the head of an answer is too long\n");
            exit(1);
        }

        return;
    }

    rest = s->in_len - (size_t) (end + 4 - s->in);
    end[2] = '\0';

    if (sscanf(s->in, "HTTP/1.1 %d", &s->status) != 1) {
        fprintf(stderr, "not an answer of HTTP/1.1: %.80s\n", s->in);
        exit(1);
    }

    value = load_header(s, "Connection");
    s->close = value && strncasecmp(value, "close", 5) == 0;

    s->in_body = true;
    s->left = 0;

    if (strcmp(load_conf.method, "HEAD") == 0 || s->status == 204) {
        return;
    }

    value = load_header(s, "Content-Length");

    if (value == NULL) {
        if (load_header(s, "Transfer-Encoding") == NULL) {
            fprintf(stderr, "an answer of unknown length: %s\n", s->in);
            exit(1);
        }

        s->chunked = true;
        memset(s->tail, 0, sizeof(s->tail));
        load_chunked(s, end + 4, rest);
        return;
    }

    s->left = strtoull(value, NULL, 10);

    if (rest > s->left) {
        fprintf(stderr, "more bytes than announced\n");
        exit(1);
    }

    s->left -= rest;
    load_result.bytes += rest;
}


/* 1: the answer is complete, 0: not yet, -1: it never will be */

static int
load_receive(load_stream_t *s)
{
    ssize_t  n;

    static char  chunk[65536];

    for ( ;; ) {

        if (!s->in_body) {
            n = recv(s->fd, s->in + s->in_len, LOAD_HEAD - 1 - s->in_len, 0);

        } else if (s->left == 0) {
            return 1;

        } else if (s->chunked) {
            n = recv(s->fd, chunk, sizeof(chunk), 0);

        } else {
            /* MSG_TRUNC: TCP drops the bytes instead of copying them */

            n = recv(s->fd, NULL, s->left < LOAD_DISCARD ? (size_t) s->left
                                                         : LOAD_DISCARD,
                     MSG_TRUNC);
        }

        if (n == -1 && errno == EAGAIN) {
            return 0;
        }

        if (n <= 0) {
            return -1;
        }

        if (s->in_body && s->chunked) {
            load_chunked(s, chunk, (size_t) n);

        } else if (s->in_body) {
            s->left -= (uint64_t) n;
            load_result.bytes += (uint64_t) n;

        } else {
            s->in_len += (size_t) n;
            load_parse(s);
        }
    }
}


static void
load_record(load_stream_t *s, bool complete)
{
    if (!complete || s->status / 100 != 2 || s->body_sent < load_conf.size) {
        load_result.bad++;
        load_result.status = s->status;

    } else if (load_result.bad == 0) {
        load_result.status = s->status;
    }

    latency_add(&load_result.latency,
                (bytes_clock(CLOCK_MONOTONIC) - s->started) * 1000);
}


static void
load_close(load_stream_t *s)
{
    (void) close(s->fd);
    s->fd = -1;
    load_result.open--;
}


static void
load_event(load_stream_t *s, uint32_t events)
{
    int   rc;
    bool  writable;

    writable = true;

    if (s->sending && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        writable = load_send(s);
    }

    rc = load_receive(s);

    if (rc == 0 && writable) {
        return;
    }

    if (rc == 0) {
        /* wait for the answer only */
        load_watch(s, EPOLL_CTL_MOD, false);
        return;
    }

    load_record(s, rc == 1);

    if (rc == -1 || load_conf.seconds <= 0 || load_stop) {
        load_close(s);
        return;
    }

    if (s->close) {
        (void) close(s->fd);
        load_connect(s);
        load_begin(s);
        load_watch(s, EPOLL_CTL_ADD, true);
        return;
    }

    load_begin(s);
    (void) load_send(s);
}


static void
load_start(void)
{
    load_result.started = bytes_clock(CLOCK_MONOTONIC);
    load_result.bytes = 0;
    load_result.latency.n = 0;
}


static void
load_run(void)
{
    int                 i, n;
    struct epoll_event  events[256];

    while (load_result.open) {

        n = epoll_wait(load_epoll, events, 256, 100);

        if (n == -1 && errno != EINTR) {
            load_die("epoll_wait");
        }

        if (load_again) {
            load_again = 0;
            load_start();
        }

        for (i = 0; i < n; i++) {
            load_event(events[i].data.ptr, events[i].events);
        }

        if (load_stop
            || (load_conf.seconds > 0
                && bytes_clock(CLOCK_MONOTONIC) - load_result.started
                   > load_conf.seconds))
        {
            /* what has not been answered by now does not count */
            return;
        }
    }
}


static void
load_report(void)
{
    double  now, started;

    now = bytes_clock(CLOCK_MONOTONIC);
    started = load_result.started;

    latency_sort(&load_result.latency);

    printf("{\"requests\": %zu, \"bad\": %" PRIu64 ", \"status\": %d, "
           "\"bytes\": %" PRIu64 ", \"seconds\": %.6f, \"sent\": %.6f, "
           "\"p50\": %.4f, \"p99\": %.4f}\n",
           load_result.latency.n, load_result.bad, load_result.status,
           load_result.bytes, now - started,
           load_result.sent > 0 ? load_result.sent - started : 0,
           latency_part(&load_result.latency, 0.50),
           latency_part(&load_result.latency, 0.99));
}


static void
load_options(int argc, char **argv)
{
    int  c;

    static const struct option  options[] = {
        { "port", required_argument, NULL, 'p' },
        { "method", required_argument, NULL, 'm' },
        { "path", required_argument, NULL, 'u' },
        { "header", required_argument, NULL, 'h' },
        { "streams", required_argument, NULL, 'n' },
        { "size", required_argument, NULL, 's' },
        { "seconds", required_argument, NULL, 't' },
        { "signal", required_argument, NULL, 'k' },
        { "announce", no_argument, NULL, 'a' },
        { NULL, 0, NULL, 0 }
    };

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {

        case 'p':
            load_conf.port = (uint16_t) bytes_number(optarg);
            break;

        case 'm':
            load_conf.method = optarg;
            break;

        case 'u':
            load_conf.path = optarg;
            break;

        case 'h':
            if (load_conf.nheaders == LOAD_HEADERS) {
                fprintf(stderr, "too many headers\n");
                exit(2);
            }

            load_conf.headers[load_conf.nheaders++] = optarg;
            break;

        case 'n':
            load_conf.nstreams = (unsigned) bytes_number(optarg);
            break;

        case 's':
            load_conf.size = bytes_number(optarg);
            break;

        case 't':
            load_conf.seconds = strtod(optarg, NULL);
            break;

        case 'k':
            load_conf.signal = (pid_t) bytes_number(optarg);
            break;

        case 'a':
            load_conf.announce = true;
            break;

        default:
            exit(2);
        }
    }
}


int
main(int argc, char **argv)
{
    unsigned        i;
    load_stream_t  *streams;

    load_options(argc, argv);

    (void) signal(SIGTERM, load_signal);
    (void) signal(SIGUSR1, load_signal);

    load_block = bytes_block();
    load_epoll = epoll_create1(0);
    streams = calloc(load_conf.nstreams, sizeof(load_stream_t));

    if (load_epoll == -1 || streams == NULL) {
        load_die("epoll_create1");
    }

    for (i = 0; i < load_conf.nstreams; i++) {
        load_make_head(&streams[i], i);
        load_connect(&streams[i]);
    }

    load_result.unsent = load_conf.nstreams;
    load_result.open = load_conf.nstreams;

    load_start();

    if (load_conf.signal) {
        (void) kill(load_conf.signal, SIGUSR1);
    }

    if (load_conf.announce) {
        printf("ready\n");
        (void) fflush(stdout);
    }

    for (i = 0; i < load_conf.nstreams; i++) {
        load_begin(&streams[i]);
        load_watch(&streams[i], EPOLL_CTL_ADD, true);
    }

    load_run();
    load_report();

    free(streams);
    free(load_block);
    free(load_result.latency.ms);

    return 0;
}
