
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_http.h"

#include "glance_addr.h"


#define NGX_HTTP_GLANCE_HTTP_REDIRECTS  5
#define NGX_HTTP_GLANCE_HTTP_RESUMES    3   /* of a download */


/* S-08: images whose data another server has, a stranger at every redirect */

typedef struct {
    ngx_http_glance_remote_t    *remote;
    ngx_http_glance_handle_t    *handle;
    ngx_str_t                    url;       /* of the image */
    ngx_str_t                    hop;       /* where redirects have led */
    ngx_uint_t                   hops;
    const char                  *method;    /* of a probe */
} ngx_http_glance_http_t;


static ngx_int_t ngx_http_glance_http_enabled(
    ngx_http_glance_loc_conf_t *glcf);
static ngx_http_glance_http_t *ngx_http_glance_http_create(
    ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri);
static ngx_int_t ngx_http_glance_http_open(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri,
    off_t size);
static void ngx_http_glance_http_fetch(ngx_http_glance_reader_t *rd);
static void ngx_http_glance_http_get(ngx_http_glance_http_t *http);
static void ngx_http_glance_http_answer(ngx_http_glance_remote_t *m);
static ngx_int_t ngx_http_glance_http_probe(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri);
static ngx_int_t ngx_http_glance_http_ask(ngx_http_glance_http_t *http);
static void ngx_http_glance_http_probed(ngx_http_glance_remote_t *m);
static void ngx_http_glance_http_end(ngx_http_glance_http_t *http,
    ngx_int_t rc);
static ngx_int_t ngx_http_glance_http_prepare(ngx_http_glance_http_t *http,
    const char *method);
static ngx_int_t ngx_http_glance_http_redirect(ngx_http_glance_http_t *http);
static ngx_int_t ngx_http_glance_http_pause(ngx_http_glance_remote_t *m,
    u_char *p, size_t len);
static void ngx_http_glance_http_more(ngx_http_glance_remote_t *m);


ngx_http_glance_store_t  ngx_http_glance_store_http = {
    ngx_string("http"),
    GLANCE_SCHEME_HTTP,
    "glance_http_store",

    ngx_http_glance_http_enabled,

    ngx_http_glance_http_open,
    ngx_http_glance_reader_send,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    ngx_http_glance_http_probe
};


static ngx_int_t
ngx_http_glance_http_enabled(ngx_http_glance_loc_conf_t *glcf)
{
    return glcf->http.enable;
}


static ngx_http_glance_http_t *
ngx_http_glance_http_create(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri)
{
    u_char                  *p;
    ngx_http_glance_http_t  *http;

    http = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_http_t));
    if (http == NULL) {
        return NULL;
    }

    http->remote = ngx_http_glance_remote_create(r, ctx, http);
    if (http->remote == NULL) {
        return NULL;
    }

    http->handle = h;
    http->url = *uri;
    http->hop = *uri;

    /* what is behind "#" is not for servers */

    p = ngx_strlchr(uri->data, uri->data + uri->len, '#');

    if (p) {
        http->url.len = p - uri->data;
    }

    h->data = http;
    h->mtime = -1;

    return http;
}


static ngx_int_t
ngx_http_glance_http_open(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri, off_t size)
{
    ngx_http_glance_http_t  *http;

    http = ngx_http_glance_http_create(r, ctx, h, uri);

    if (http == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_glance_reader_open(http->remote, h, size,
                                       NGX_HTTP_GLANCE_HTTP_RESUMES,
                                       ngx_http_glance_http_fetch);
}


/* from the beginning: where a redirect has led may be good for minutes only */

static void
ngx_http_glance_http_fetch(ngx_http_glance_reader_t *rd)
{
    ngx_http_glance_http_t  *http;

    http = rd->handle->data;

    http->hop = http->url;
    http->hops = 0;

    ngx_http_glance_http_get(http);
}


static void
ngx_http_glance_http_get(ngx_http_glance_http_t *http)
{
    if (ngx_http_glance_http_prepare(http, "GET") != NGX_OK
        || ngx_http_glance_reader_get(http->handle->reader,
                                      ngx_http_glance_http_answer)
           != NGX_OK)
    {
        ngx_http_glance_remote_stop(http->remote);
        ngx_http_glance_reader_answer(http->remote);
    }
}


static void
ngx_http_glance_http_answer(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_http_t *http = m->data;

    if (ngx_http_glance_http_redirect(http) == NGX_OK) {
        ngx_http_glance_http_get(http);
        return;
    }

    ngx_http_glance_reader_answer(m);
}


static ngx_int_t
ngx_http_glance_http_probe(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri)
{
    ngx_http_glance_http_t  *http;

    http = ngx_http_glance_http_create(r, ctx, h, uri);

    if (http) {
        http->hop = http->url;
        http->method = "HEAD";

        if (ngx_http_glance_http_ask(http) == NGX_OK) {
            return NGX_AGAIN;
        }
    }

    h->error = "cannot be read: out of memory";

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_glance_http_ask(ngx_http_glance_http_t *http)
{
    ngx_http_glance_remote_t  *m;

    m = http->remote;

    if (ngx_http_glance_http_prepare(http, http->method) != NGX_OK) {
        return NGX_ERROR;
    }

    /* of a GET nothing but the headers */

    m->getting = (http->method[0] == 'G');
    m->take = ngx_http_glance_http_pause;
    m->more = ngx_http_glance_http_more;

    return ngx_http_glance_remote_call(m, NULL, ngx_http_glance_http_probed);
}


static void
ngx_http_glance_http_probed(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_http_t *http = m->data;

    ngx_uint_t  status;

    status = m->status;

    if (ngx_http_glance_http_redirect(http) == NGX_OK) {
        /* void */

    } else if (http->method[0] == 'H' && status >= NGX_HTTP_BAD_REQUEST
               && status != NGX_HTTP_NOT_FOUND
               && status != NGX_HTTP_GLANCE_GONE)
    {
        /* servers that know no HEAD, and URLs that are signed for GET */

        http->method = "GET";
        http->hop = http->url;
        http->hops = 0;

    } else {
        ngx_http_glance_http_end(http,
                                 ngx_http_glance_remote_probed(m,
                                                             http->handle));
        return;
    }

    if (ngx_http_glance_http_ask(http) != NGX_OK) {
        http->handle->error = "cannot be read: out of memory";
        ngx_http_glance_http_end(http, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static void
ngx_http_glance_http_end(ngx_http_glance_http_t *http, ngx_int_t rc)
{
    ngx_http_glance_remote_t  *m;

    m = http->remote;

    ngx_http_glance_remote_stop(m);

    http->handle->done(m->request, m->ctx, rc);
}


static ngx_int_t
ngx_http_glance_http_prepare(ngx_http_glance_http_t *http, const char *method)
{
    size_t                     len;
    glance_buf_t               b;
    glance_str_t               text;
    ngx_http_glance_remote_t  *m;

    m = http->remote;

    if (ngx_http_glance_remote_prepare(m, method, &http->hop) != NGX_OK) {
        return NGX_ERROR;
    }

    /* for the log: secrets may be before the host, or in the query */

    len = http->hop.len + sizeof("***@?***");

    m->url.data = ngx_pnalloc(m->transfer->pool, len);
    if (m->url.data == NULL) {
        return NGX_ERROR;
    }

    text.data = http->hop.data;
    text.len = http->hop.len;

    glance_buf_init(&b, m->url.data, len);
    glance_uri_redact(&b, text);

    m->url.len = b.last - b.start;

    return ngx_http_glance_remote_stranger(m);
}


/* NGX_DECLINED: the answer is none, or not to be followed */

static ngx_int_t
ngx_http_glance_http_redirect(ngx_http_glance_http_t *http)
{
    ngx_str_t                 *location, url;
    ngx_http_glance_remote_t  *m;

    m = http->remote;

    switch (m->status) {

    case NGX_HTTP_MOVED_PERMANENTLY:
    case NGX_HTTP_MOVED_TEMPORARILY:
    case NGX_HTTP_SEE_OTHER:
    case NGX_HTTP_TEMPORARY_REDIRECT:
    case NGX_HTTP_PERMANENT_REDIRECT:
        break;

    default:
        return NGX_DECLINED;
    }

    location = ngx_http_glance_remote_answer(m, "location");

    if (location == NULL || http->hops == NGX_HTTP_GLANCE_HTTP_REDIRECTS
        || ngx_http_glance_curl_resolve(m->request->pool, &http->hop,
                                        location, &url)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    http->hop = url;
    http->hops++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_http_pause(ngx_http_glance_remote_t *m, u_char *p, size_t len)
{
    return NGX_AGAIN;
}


static void
ngx_http_glance_http_more(ngx_http_glance_remote_t *m)
{
    /* the transfer was stopped when its headers came */
}


void
ngx_http_glance_http_create_conf(ngx_http_glance_http_conf_t *conf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->trusted_certificate = { 0, NULL };
     *     conf->cafile = NULL;
     */

    conf->enable = NGX_CONF_UNSET;
    conf->allowed = NGX_CONF_UNSET_PTR;
}


char *
ngx_http_glance_http_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_http_conf_t *prev, ngx_http_glance_http_conf_t *conf)
{
    ngx_conf_merge_value(conf->enable, prev->enable, 0);
    ngx_conf_merge_ptr_value(conf->allowed, prev->allowed, NULL);
    ngx_conf_merge_str_value(conf->trusted_certificate,
                             prev->trusted_certificate, "");

    if (conf->trusted_certificate.len) {
        if (ngx_conf_full_name(cf->cycle, &conf->trusted_certificate, 1)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        conf->cafile = (const char *) conf->trusted_certificate.data;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_glance_http_allow(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_str_t      *value;
    ngx_uint_t      i;
    glance_str_t    text;
    glance_cidr_t  *cidr;

    if (glcf->http.allowed == NGX_CONF_UNSET_PTR) {
        glcf->http.allowed = ngx_array_create(cf->pool, 4,
                                              sizeof(glance_cidr_t));
        if (glcf->http.allowed == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_array_push(glcf->http.allowed);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        text.data = value[i].data;
        text.len = value[i].len;

        if (!glance_cidr_parse(text, cidr)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid network \"%V\" in "
                               "\"glance_http_allow\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
