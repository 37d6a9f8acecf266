
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_curl_loop.h"


static void ngx_http_glance_curl_watch(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t on);
static void ngx_http_glance_curl_unwatch(ngx_connection_t *c);
static void ngx_http_glance_curl_ready(ngx_event_t *ev);
static void ngx_http_glance_curl_rewatch(curl_socket_t s);


/*
 * The flags of epoll belong to the descriptor, not to a direction, and
 * libcurl reads only once per event: both directions are level-triggered.
 */

int
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

            if (t && !t->dead) {
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


static void
ngx_http_glance_curl_ready(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_http_glance_curl_action(c->fd, ev->write ? CURL_CSELECT_OUT
                                                 : CURL_CSELECT_IN);
}


/* every address of a name comes here: no second answer of DNS gets past */

curl_socket_t
ngx_http_glance_curl_on_open(void *data, curlsocktype purpose,
    struct curl_sockaddr *address)
{
    ngx_http_glance_transfer_t *t = data;

    curl_socket_t  s;

    if (t->dead) {
        return CURL_SOCKET_BAD;
    }

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

int
ngx_http_glance_curl_on_request(void *data, char *remote, char *local,
    int remote_port, int local_port)
{
    ngx_http_glance_transfer_t *t = data;

    struct sockaddr_in   sin;
    struct sockaddr_in6  sin6;

    if (t->dead) {
        return CURL_PREREQFUNC_ABORT;
    }

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
