
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_CURL_LOOP_H_INCLUDED_
#define _NGX_HTTP_GLANCE_CURL_LOOP_H_INCLUDED_


#include "ngx_http_glance_curl.h"

#include <curl/curl.h>


/* what the files of the adapter share: one of a worker */

typedef struct {
    CURLM              *multi;
    ngx_event_t         timer;
    ngx_event_t         now;        /* the timer, when it is zero */
    ngx_event_t         work;
    ngx_queue_t         queue;      /* transfers with something new */
    ngx_queue_t         dead;       /* destroyed from within libcurl */
    ngx_queue_t         watched;    /* connections */
    ngx_connection_t    dummy;
    ngx_uint_t          inside;     /* calls of libcurl */
    unsigned            working:1;
} ngx_http_glance_curl_t;

extern ngx_http_glance_curl_t  ngx_http_glance_curl;


/* loop: made with the first transfer */
ngx_int_t ngx_http_glance_curl_init(void);
void ngx_http_glance_curl_enter(void);
void ngx_http_glance_curl_leave(void);
void ngx_http_glance_curl_action(curl_socket_t s, int mask);
void ngx_http_glance_curl_queue(ngx_http_glance_transfer_t *t);
ngx_uint_t ngx_http_glance_curl_bury(ngx_http_glance_transfer_t *t);

/* transfers: one that has ended, and one in which something has moved */
void ngx_http_glance_curl_end(ngx_http_glance_transfer_t *t, CURLcode code);
void ngx_http_glance_curl_moved(ngx_http_glance_transfer_t *t);

/* callbacks: sockets and addresses */
int ngx_http_glance_curl_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *socket_data);
curl_socket_t ngx_http_glance_curl_on_open(void *data, curlsocktype purpose,
    struct curl_sockaddr *address);
int ngx_http_glance_curl_on_request(void *data, char *remote, char *local,
    int remote_port, int local_port);

/* callbacks: data */
size_t ngx_http_glance_curl_on_header(char *p, size_t size, size_t n,
    void *data);
size_t ngx_http_glance_curl_on_take(char *p, size_t size, size_t n,
    void *data);
size_t ngx_http_glance_curl_on_give(char *p, size_t size, size_t n,
    void *data);


#endif /* _NGX_HTTP_GLANCE_CURL_LOOP_H_INCLUDED_ */
