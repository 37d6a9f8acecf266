
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_CURL_H_INCLUDED_
#define _NGX_HTTP_GLANCE_CURL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * libcurl's multi interface on nginx's event loop.  It knows HTTP transfers,
 * nothing of requests of clients, images or stores.
 *
 * A transfer is created, described, started, and ends by itself or by being
 * destroyed.  The callbacks header(), take() and give() are called from
 * within libcurl: they copy bytes and return, and must call nothing of this
 * file.  handler() is called later, never from within another function of
 * this file: when there is something new, which is after any of the other
 * callbacks, and at last when "done" is set.  It may do anything, also
 * destroy the transfer.
 *
 * Back-pressure: take() and give() answer NGX_AGAIN when they have no room or
 * nothing to give; that direction stands still then, also on the wire, until
 * ngx_http_glance_curl_resume().  No timeout runs against the peer meanwhile.
 */

typedef struct ngx_http_glance_transfer_s  ngx_http_glance_transfer_t;

typedef enum {
    NGX_HTTP_GLANCE_TRANSFER_WHOLE = 0, /* an answer came, to its end */
    NGX_HTTP_GLANCE_TRANSFER_CONNECT,   /* nothing was sent: name, TCP, TLS */
    NGX_HTTP_GLANCE_TRANSFER_DENIED,    /* by address() */
    NGX_HTTP_GLANCE_TRANSFER_TIMEOUT,
    NGX_HTTP_GLANCE_TRANSFER_CUT        /* anything else: an early end */
} ngx_http_glance_failure_e;

struct ngx_http_glance_transfer_s {

    /* the caller's, set before start(); NULL or zero: none */

    void                   *data;
    void                  (*handler)(ngx_http_glance_transfer_t *t);
    ngx_int_t             (*header)(ngx_http_glance_transfer_t *t,
                                ngx_str_t *name, ngx_str_t *value);
    ngx_int_t             (*take)(ngx_http_glance_transfer_t *t, u_char *p,
                                size_t len);
    ssize_t               (*give)(ngx_http_glance_transfer_t *t, u_char *p,
                                size_t size);
    ngx_int_t             (*address)(ngx_http_glance_transfer_t *t,
                                struct sockaddr *sa, socklen_t len);
    ngx_msec_t              connect_timeout;
    ngx_msec_t              idle_timeout;   /* nothing moves */
    ngx_msec_t              timeout;        /* of the whole */

    /* to be read */

    ngx_pool_t             *pool;       /* ends with the transfer */
    ngx_log_t              *log;
    ngx_uint_t              status;     /* of HTTP; 0: none yet */
    ngx_http_glance_failure_e  failure; /* when "done" */
    const char             *error;      /* words for a log */
    unsigned                headers:1;  /* all of the answer's are in */
    unsigned                done:1;

    /* the adapter's own */

    void                   *easy;
    void                   *list;
    char                   *words;
    ngx_event_t             idle;
    ngx_queue_t             queue;
    ngx_uint_t              interims;
    unsigned                queued:1;
    unsigned                added:1;
    unsigned                denied:1;
    unsigned                starved:1;  /* no connection of nginx left */
    unsigned                upload:1;
    unsigned                dead:1;     /* destroyed from within libcurl */
    unsigned                interim:1;  /* headers of "100 Continue" */
    unsigned                in_paused:1;
    unsigned                out_paused:1;
};


/*
 * header(): NGX_OK or NGX_ERROR, which ends the transfer; names as they come.
 * take(): NGX_OK: all of it; NGX_AGAIN: nothing, the same bytes come again.
 * give(): a number of bytes, 0 at the end, NGX_AGAIN or NGX_ERROR.
 * address(): NGX_OK or not, for each address before it is connected to, and
 * for that of a connection which is used again.
 */

/* new; lives until destroyed, by the caller */
ngx_http_glance_transfer_t *ngx_http_glance_curl_create(ngx_log_t *log);
void ngx_http_glance_curl_destroy(ngx_http_glance_transfer_t *t);

/* method: a constant.  url: http or https; copied */
ngx_int_t ngx_http_glance_curl_target(ngx_http_glance_transfer_t *t,
    const char *method, ngx_str_t *url);
ngx_int_t ngx_http_glance_curl_header(ngx_http_glance_transfer_t *t,
    const char *name, ngx_str_t *value);

/* what is sent: the borrowed text, or length bytes by give(); -1: chunked */
ngx_int_t ngx_http_glance_curl_body(ngx_http_glance_transfer_t *t,
    ngx_str_t *text);
ngx_int_t ngx_http_glance_curl_upload(ngx_http_glance_transfer_t *t,
    off_t length);

/* certificates: file of authorities, or NULL; insecure: not looked at */
ngx_int_t ngx_http_glance_curl_tls(ngx_http_glance_transfer_t *t,
    const char *cafile, ngx_uint_t insecure);

/* where a redirect leads: http or https, in pool; NGX_DECLINED: nowhere */
ngx_int_t ngx_http_glance_curl_resolve(ngx_pool_t *pool, ngx_str_t *base,
    ngx_str_t *location, ngx_str_t *url);

ngx_int_t ngx_http_glance_curl_start(ngx_http_glance_transfer_t *t);
void ngx_http_glance_curl_resume(ngx_http_glance_transfer_t *t);

/* when a worker ends */
void ngx_http_glance_curl_exit(void);


#endif /* _NGX_HTTP_GLANCE_CURL_H_INCLUDED_ */
