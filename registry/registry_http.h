
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_HTTP_H_INCLUDED_
#define _REGISTRY_HTTP_H_INCLUDED_


#include "registry_request.h"


/*
 * The server: a thread that accepts connections and hands each to the worker
 * thread with the fewest of them; the worker threads parse and answer.  All
 * of them block on the database only.
 */

typedef struct registry_http_s  registry_http_t;

typedef struct {
    const char  *host;          /* "": no TCP */
    int          port;
    const char  *socket;        /* "": no unix socket */
    int          backlog;
    int          threads;
} registry_http_conf_t;


/* opens the sockets, so that errors are found before a daemon says it runs */
registry_http_t *registry_http_open(const registry_http_conf_t *conf,
    const registry_app_t *app, registry_err_t *err);
registry_rc_e registry_http_start(registry_http_t *http, registry_err_t *err);

/*
 * Accepts no more connections, lets the requests in progress end within
 * timeout_ms, closes and releases everything.  http may be NULL.
 */
void registry_http_stop(registry_http_t *http, int timeout_ms);


#endif /* _REGISTRY_HTTP_H_INCLUDED_ */
