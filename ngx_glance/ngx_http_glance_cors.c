
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


static ngx_uint_t ngx_http_glance_cors_asked(ngx_http_request_t *r,
    ngx_http_glance_cors_conf_t *conf, ngx_str_t *method, ngx_str_t *headers);
static ngx_int_t ngx_http_glance_cors_allow(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_cors_all(ngx_str_t *words,
    ngx_array_t *allowed);
static ngx_uint_t ngx_http_glance_cors_one(glance_str_t word,
    ngx_str_t *allowed, ngx_uint_t n);
static ngx_int_t ngx_http_glance_cors_join(ngx_conf_t *cf,
    ngx_array_t *words, ngx_str_t *text);
static char *ngx_http_glance_cors_merge_words(ngx_conf_t *cf,
    ngx_array_t *prev, ngx_array_t **conf, ngx_str_t *words);


/* what a page may send and see without being told so (specs/v2/01 1.6) */

static ngx_str_t  ngx_http_glance_cors_simple[] = {
    ngx_string("Accept"),
    ngx_string("Accept-Language"),
    ngx_string("Content-Type"),
    ngx_string("Cache-Control"),
    ngx_string("Content-Language"),
    ngx_string("Expires"),
    ngx_string("Last-Modified"),
    ngx_string("Pragma"),
    ngx_null_string
};

static ngx_str_t  ngx_http_glance_cors_methods[] = {
    ngx_string("GET"),
    ngx_string("PUT"),
    ngx_string("POST"),
    ngx_string("DELETE"),
    ngx_string("PATCH"),
    ngx_null_string
};

static ngx_str_t  ngx_http_glance_cors_allowed[] = {
    ngx_string("Content-MD5"),
    ngx_string("X-Image-Meta-Checksum"),
    ngx_string("X-Storage-Token"),
    ngx_string("Accept-Encoding"),
    ngx_string("X-Auth-Token"),
    ngx_string("X-Identity-Status"),
    ngx_string("X-Roles"),
    ngx_string("X-Service-Catalog"),
    ngx_string("X-User-Id"),
    ngx_string("X-Tenant-Id"),
    ngx_string("X-OpenStack-Request-ID"),
    ngx_null_string
};

static ngx_str_t  ngx_http_glance_cors_exposed[] = {
    ngx_string("X-Image-Meta-Checksum"),
    ngx_string("X-Auth-Token"),
    ngx_string("X-Subject-Token"),
    ngx_string("X-Service-Token"),
    ngx_string("X-OpenStack-Request-ID"),
    ngx_null_string
};


/* ctx->origin: what may be answered to the page's origin, if anything */

void
ngx_http_glance_cors_find(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t                    *origin, *allowed;
    ngx_uint_t                    i;
    ngx_http_glance_loc_conf_t   *glcf;
    ngx_http_glance_cors_conf_t  *conf;

    if (ctx->cors) {
        return;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);
    conf = &glcf->cors;

    ctx->cors = conf;

    if (conf->origins == NULL) {
        return;
    }

    origin = ngx_http_glance_header_find(r, "origin");

    if (origin == NULL || origin->len == 0) {
        return;
    }

    allowed = conf->origins->elts;

    for (i = 0; i < conf->origins->nelts; i++) {

        if (allowed[i].len == origin->len
            && ngx_strncmp(allowed[i].data, origin->data, origin->len) == 0)
        {
            ctx->origin = *origin;
            return;
        }

        if (allowed[i].len == 1 && allowed[i].data[0] == '*') {
            ctx->origin = allowed[i];
        }
    }
}


/* headers of any answer but that to a preflight request */

ngx_int_t
ngx_http_glance_cors_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_cors_find(r, ctx);

    if (ctx->origin.len == 0 || ctx->cors_sent) {
        return NGX_OK;
    }

    ctx->cors_sent = 1;

    if (ngx_http_glance_cors_allow(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->cors->expose.len == 0) {
        return NGX_OK;
    }

    return ngx_http_glance_add_header(r, "Access-Control-Expose-Headers",
                                      &ctx->cors->expose);
}


static ngx_int_t
ngx_http_glance_cors_allow(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  word;

    ngx_str_set(&word, "Origin");

    if (ngx_http_glance_add_header(r, "Vary", &word) != NGX_OK
        || ngx_http_glance_add_header(r, "Access-Control-Allow-Origin",
                                      &ctx->origin)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ctx->cors->credentials) {
        return NGX_OK;
    }

    ngx_str_set(&word, "true");

    return ngx_http_glance_add_header(r, "Access-Control-Allow-Credentials",
                                      &word);
}


/* OPTIONS: 200 in any case, what is allowed is in the headers */

void
ngx_http_glance_cors_preflight(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   method, headers, age, empty;

    ngx_http_glance_cors_find(r, ctx);

    rc = NGX_OK;

    if (ctx->origin.len
        && ngx_http_glance_cors_asked(r, ctx->cors, &method, &headers))
    {
        p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);

        if (p == NULL
            || ngx_http_glance_cors_allow(r, ctx) != NGX_OK
            || ngx_http_glance_add_header(r, "Access-Control-Allow-Methods",
                                          &method)
               != NGX_OK)
        {
            rc = NGX_ERROR;

        } else {
            age.data = p;
            age.len = ngx_sprintf(p, "%T", ctx->cors->max_age) - p;

            rc = ngx_http_glance_add_header(r, "Access-Control-Max-Age",
                                            &age);
        }

        if (rc == NGX_OK && headers.len) {
            rc = ngx_http_glance_add_header(r,
                                            "Access-Control-Allow-Headers",
                                            &headers);
        }
    }

    if (rc != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->cors_sent = 1;

    ngx_str_null(&empty);

    ngx_http_glance_send(r, ctx, NGX_HTTP_OK, NULL, &empty);
}


static ngx_uint_t
ngx_http_glance_cors_asked(ngx_http_request_t *r,
    ngx_http_glance_cors_conf_t *conf, ngx_str_t *method, ngx_str_t *headers)
{
    ngx_str_t     *value;
    glance_str_t   word;

    value = ngx_http_glance_header_find(r, "access-control-request-method");

    if (value == NULL || value->len == 0) {
        return 0;
    }

    *method = *value;

    word.data = method->data;
    word.len = method->len;

    if (!ngx_http_glance_cors_one(word, conf->methods->elts,
                                  conf->methods->nelts))
    {
        return 0;
    }

    value = ngx_http_glance_header_find(r, "access-control-request-headers");

    if (value == NULL) {
        ngx_str_null(headers);
        return 1;
    }

    *headers = *value;

    return ngx_http_glance_cors_all(headers, conf->headers);
}


/* each of a list with commas between is one of these, or always allowed */

static ngx_uint_t
ngx_http_glance_cors_all(ngx_str_t *words, ngx_array_t *allowed)
{
    u_char        *p, *q, *last;
    ngx_uint_t     simple;
    glance_str_t   word;

    last = words->data + words->len;
    simple = sizeof(ngx_http_glance_cors_simple) / sizeof(ngx_str_t) - 1;

    for (p = words->data; p < last; p = q + 1) {

        q = ngx_strlchr(p, last, ',');
        if (q == NULL) {
            q = last;
        }

        word.data = p;
        word.len = q - p;
        word = glance_str_trim(word);

        if (word.len
            && !ngx_http_glance_cors_one(word, allowed->elts, allowed->nelts)
            && !ngx_http_glance_cors_one(word, ngx_http_glance_cors_simple,
                                         simple))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_cors_one(glance_str_t word, ngx_str_t *allowed, ngx_uint_t n)
{
    ngx_uint_t    i;
    glance_str_t  name;

    for (i = 0; i < n; i++) {
        name.data = allowed[i].data;
        name.len = allowed[i].len;

        if (glance_str_case_eq(word, name)) {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_glance_cors_create_conf(ngx_http_glance_cors_conf_t *conf)
{
    conf->origins = NGX_CONF_UNSET_PTR;
    conf->methods = NGX_CONF_UNSET_PTR;
    conf->headers = NGX_CONF_UNSET_PTR;
    conf->exposed = NGX_CONF_UNSET_PTR;
    conf->credentials = NGX_CONF_UNSET;
    conf->max_age = NGX_CONF_UNSET;
}


char *
ngx_http_glance_cors_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_cors_conf_t *prev, ngx_http_glance_cors_conf_t *conf)
{
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);
    ngx_conf_merge_value(conf->credentials, prev->credentials, 1);
    ngx_conf_merge_sec_value(conf->max_age, prev->max_age, 3600);

    if (ngx_http_glance_cors_merge_words(cf, prev->methods, &conf->methods,
                                         ngx_http_glance_cors_methods)
        != NGX_CONF_OK
        || ngx_http_glance_cors_merge_words(cf, prev->headers,
                                            &conf->headers,
                                            ngx_http_glance_cors_allowed)
           != NGX_CONF_OK
        || ngx_http_glance_cors_merge_words(cf, prev->exposed,
                                            &conf->exposed,
                                            ngx_http_glance_cors_exposed)
           != NGX_CONF_OK
        || ngx_http_glance_cors_join(cf, conf->exposed, &conf->expose)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_glance_cors_merge_words(ngx_conf_t *cf, ngx_array_t *prev,
    ngx_array_t **conf, ngx_str_t *words)
{
    ngx_uint_t    n;
    ngx_array_t  *array;

    ngx_conf_merge_ptr_value(*conf, prev, NULL);

    if (*conf) {
        return NGX_CONF_OK;
    }

    for (n = 0; words[n].len; n++) { /* void */ }

    array = ngx_pcalloc(cf->pool, sizeof(ngx_array_t));
    if (array == NULL) {
        return NGX_CONF_ERROR;
    }

    array->elts = words;
    array->nelts = n;
    array->size = sizeof(ngx_str_t);
    array->nalloc = n;
    array->pool = cf->pool;

    *conf = array;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_glance_cors_join(ngx_conf_t *cf, ngx_array_t *words,
    ngx_str_t *text)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *word;
    ngx_uint_t   i;

    len = 0;
    word = words->elts;

    for (i = 0; i < words->nelts; i++) {
        len += word[i].len + 1;
    }

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < words->nelts; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, word[i].data, word[i].len);
    }

    text->len = p - text->data;

    return NGX_OK;
}
