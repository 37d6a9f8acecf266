
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_curl_loop.h"


#define NGX_HTTP_GLANCE_CURL_INTERIMS  16   /* 1xx before the answer */


static ngx_int_t ngx_http_glance_curl_status(ngx_http_glance_transfer_t *t,
    u_char *p, u_char *last);


size_t
ngx_http_glance_curl_on_header(char *p, size_t size, size_t n, void *data)
{
    ngx_http_glance_transfer_t *t = data;

    u_char     *colon, *last;
    ngx_str_t   name, value;

    n *= size;
    last = (u_char *) p + n;

    if (t->dead) {
        return 0;
    }

    while (last > (u_char *) p && (last[-1] == LF || last[-1] == CR)) {
        last--;
    }

    if (n > 5 && !t->headers && ngx_strncmp(p, "HTTP/", 5) == 0) {
        return ngx_http_glance_curl_status(t, (u_char *) p, last) == NGX_OK
               ? n : 0;
    }

    /* neither what an interim answer has, nor trailers */

    if (t->interim || t->headers) {
        return n;
    }

    if (last == (u_char *) p) {
        t->headers = 1;
        ngx_http_glance_curl_moved(t);
        ngx_http_glance_curl_queue(t);

        return n;
    }

    colon = ngx_strlchr((u_char *) p, last, ':');

    if (colon == NULL || t->header == NULL) {
        return n;
    }

    name.data = (u_char *) p;
    name.len = colon - (u_char *) p;

    for (colon++; colon < last && (*colon == ' ' || *colon == '\t');
         colon++)
    {
        /* void */
    }

    while (last > colon && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }

    value.data = colon;
    value.len = last - colon;

    return t->header(t, &name, &value) == NGX_OK ? n : 0;
}


/* "HTTP/1.1 103 Early Hints" begins an answer that is not the one */

static ngx_int_t
ngx_http_glance_curl_status(ngx_http_glance_transfer_t *t, u_char *p,
    u_char *last)
{
    ngx_int_t  status;

    p = ngx_strlchr(p, last, ' ');

    status = (p && last - p > 3) ? ngx_atoi(p + 1, 3) : NGX_ERROR;

    if (status < 100) {
        return NGX_ERROR;
    }

    t->interim = (status < 200);

    if (t->interim) {
        return (t->interims++ < NGX_HTTP_GLANCE_CURL_INTERIMS) ? NGX_OK
                                                               : NGX_ERROR;
    }

    t->status = status;

    return NGX_OK;
}


size_t
ngx_http_glance_curl_on_take(char *p, size_t size, size_t n, void *data)
{
    ngx_http_glance_transfer_t *t = data;

    ngx_int_t  rc;

    n *= size;

    if (t->dead) {
        return 0;
    }

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


size_t
ngx_http_glance_curl_on_give(char *p, size_t size, size_t n, void *data)
{
    ngx_http_glance_transfer_t *t = data;

    ssize_t  given;

    if (t->dead) {
        return CURL_READFUNC_ABORT;
    }

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
