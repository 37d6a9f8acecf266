
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_route.h"
#include "ngx_http_glance_store.h"


/*
 * Requests that the registry answers, but that may add locations to an image
 * (specs/v2/03 3.5, 05 5.8).  Only stores know whether there are data at a
 * URL, and how many bytes.  So the registry is asked first which URLs it
 * would take from this caller: nobody else makes us look at an address.
 */

typedef struct {
    json_t                     *list;       /* of the registry's answer */
    size_t                      next;
    u_char                     *last;       /* of ctx->sizes */
    u_char                     *end;
} ngx_http_glance_sources_t;


static void ngx_http_glance_sources_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_sources_named(ngx_str_t *text);
static void ngx_http_glance_sources_told(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_sources_next(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_sources_probe(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *source);
static void ngx_http_glance_sources_probed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_sources_size(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);


void
ngx_http_glance_sources(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_pass_read(r, ctx, ngx_http_glance_sources_body);
}


static void
ngx_http_glance_sources_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  *type, names;

    type = ngx_http_glance_header_find(r, "content-type");

    if (r->method != NGX_HTTP_PATCH || type == NULL || ctx->text.len == 0
        || !ngx_http_glance_sources_named(&ctx->text))
    {
        ngx_http_glance_pass_on(r, ctx);
        return;
    }

    if (ngx_http_glance_store_sources(r, &names) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (names.len == 0) {
        ngx_http_glance_pass_on(r, ctx);
        return;
    }

    ngx_http_glance_registry_ask(r, ctx, type, ngx_http_glance_sources_told);
}


/* most documents have neither the word nor what could stand for it */

static ngx_uint_t
ngx_http_glance_sources_named(ngx_str_t *text)
{
    return ngx_strlchr(text->data, text->data + text->len, '\\') != NULL
           || ngx_strlcasestrn(text->data, text->data + text->len,
                               (u_char *) "locations", 9 - 1)
              != NULL;
}


static void
ngx_http_glance_sources_told(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    size_t                      n;
    json_t                     *json;
    ngx_http_glance_sources_t  *s;

    if (ctx->call.status != NGX_HTTP_OK) {

        /* the registry will say why once more, to the client */

        ngx_str_set(&ctx->sizes, "refused");

        ngx_http_glance_pass_on(r, ctx);
        return;
    }

    json = ngx_http_glance_record_json(r, &ctx->call.body);
    json = json_object_get(json, "sources");
    n = json_array_size(json);

    if (n == 0) {
        ngx_http_glance_pass_on(r, ctx);
        return;
    }

    s = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_sources_t));
    if (s == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    s->list = json;

    n *= sizeof("9223372036854775807.9223372036854775807: ")
         + NGX_OFF_T_LEN;

    s->last = ngx_pnalloc(r->pool, n);
    if (s->last == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    s->end = s->last + n;

    ctx->sizes.data = s->last;
    ctx->data = s;

    ngx_http_glance_sources_next(r, ctx);
}


/* one after the other; those that take no time are not nested */

static void
ngx_http_glance_sources_next(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                   rc;
    ngx_http_glance_sources_t  *s;

    s = ctx->data;

    while (s->next < json_array_size(s->list)) {

        rc = ngx_http_glance_sources_probe(r, ctx,
                                           json_array_get(s->list, s->next));

        if (rc == NGX_AGAIN) {
            return;
        }

        ngx_http_glance_sources_size(r, ctx, rc);
    }

    ctx->sizes.len = s->last - ctx->sizes.data;

    ngx_http_glance_pass_on(r, ctx);
}


static ngx_int_t
ngx_http_glance_sources_probe(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *source)
{
    json_t                      *url;
    ngx_str_t                   *uri;
    ngx_http_glance_store_t     *store;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    ctx->handle = NULL;
    url = json_object_get(source, "url");

    uri = ngx_palloc(r->pool, sizeof(ngx_str_t));
    if (uri == NULL) {
        return NGX_ERROR;
    }

    uri->data = (u_char *) json_string_value(url);
    uri->len = json_string_length(url);

    if (ngx_http_glance_location_check(r, uri, 0)) {
        return NGX_DECLINED;
    }

    store = ngx_http_glance_store_locate(glcf, uri);

    h = ngx_http_glance_store_handle(r, ctx, store, &ctx->image_id,
                                     ngx_http_glance_sources_probed);

    if (h == NULL) {
        return NGX_ERROR;
    }

    h->named = 1;

    return store->probe(r, ctx, h, uri);
}


static void
ngx_http_glance_sources_probed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_glance_sources_size(r, ctx, rc);
    ngx_http_glance_sources_next(r, ctx);
}


/* what is not among the sizes has none: the registry says so */

static void
ngx_http_glance_sources_size(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    const char                  *at;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_sources_t   *s;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    s = ctx->data;
    h = ctx->handle;
    ctx->handle = NULL;

    at = json_string_value(json_object_get(json_array_get(s->list, s->next++),
                                           "at"));

    if (rc != NGX_OK || h == NULL) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "location of a client %s",
                      (h && h->error) ? h->error : "is in no store here");
        return;
    }

    if (h->size > 0 && h->size <= glcf->image_size_cap && at) {
        s->last = ngx_slprintf(s->last, s->end, "%s%s:%O",
                               (s->last == ctx->sizes.data) ? "" : " ", at,
                               h->size);
    }
}


ngx_int_t
ngx_http_glance_sources_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t                    names;
    ngx_http_glance_loc_conf_t  *glcf;

    if (ctx->route->handler != ngx_http_glance_sources) {
        return NGX_OK;
    }

    /* of the client's request: a subrequest is elsewhere */

    glcf = ngx_http_get_module_loc_conf(ctx->request, ngx_http_glance_module);

    if (ngx_http_glance_store_sources(ctx->request, &names) != NGX_OK) {
        return NGX_ERROR;
    }

    return (ngx_http_glance_call_header(r, "x-glance-sources", &names)
                == NGX_OK
            && ngx_http_glance_call_header(r, "x-glance-sizes", &ctx->sizes)
                == NGX_OK)
           ? ngx_http_glance_call_header(r, "x-glance-hash",
                                    &ngx_http_glance_hashes[glcf->hash].name)
           : NGX_ERROR;
}
