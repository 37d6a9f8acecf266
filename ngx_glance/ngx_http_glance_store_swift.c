
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_swift.h"


#define NGX_HTTP_GLANCE_SWIFT_LIST    1000
#define NGX_HTTP_GLANCE_SWIFT_PASSES  100


static ngx_int_t ngx_http_glance_swift_enabled(
    ngx_http_glance_loc_conf_t *glcf);
static ngx_http_glance_swift_t *ngx_http_glance_swift_locate(
    ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri, ngx_int_t *rc);
static ngx_int_t ngx_http_glance_swift_open(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri,
    off_t size);
static void ngx_http_glance_swift_fetch(ngx_http_glance_reader_t *rd);
static void ngx_http_glance_swift_get(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_got(ngx_http_glance_remote_t *m);
static ngx_int_t ngx_http_glance_swift_probe(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri);
static void ngx_http_glance_swift_probed(ngx_http_glance_swift_t *sw);
static ngx_int_t ngx_http_glance_swift_remove(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri);
static void ngx_http_glance_swift_found(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_dynamic(ngx_http_glance_swift_t *sw,
    ngx_str_t *manifest);
static void ngx_http_glance_swift_static(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_deleted(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_object(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_gone(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_left(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_list(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_listed(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_each(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_next(ngx_http_glance_swift_t *sw);


ngx_http_glance_store_t  ngx_http_glance_store_swift = {
    ngx_string("swift"),
    GLANCE_SCHEME_SWIFT,
    "glance_swift_accounts",

    ngx_http_glance_swift_enabled,

    ngx_http_glance_swift_open,
    ngx_http_glance_reader_send,
    ngx_http_glance_swift_begin,
    ngx_http_glance_swift_write,
    ngx_http_glance_swift_commit,
    ngx_http_glance_swift_forget,
    ngx_http_glance_swift_abort,
    ngx_http_glance_swift_keep,
    ngx_http_glance_swift_remove,
    ngx_http_glance_swift_probe
};


static ngx_int_t
ngx_http_glance_swift_enabled(ngx_http_glance_loc_conf_t *glcf)
{
    return glcf->swift.account != NULL;
}


static ngx_http_glance_swift_t *
ngx_http_glance_swift_locate(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri,
    ngx_int_t *rc)
{
    ngx_http_glance_swift_t  *sw;

    sw = ngx_http_glance_swift_create(r, ctx, h);

    if (sw == NULL) {
        h->error = "Out of memory";
        *rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NULL;
    }

    *rc = ngx_http_glance_swift_parse(sw, uri);

    if (*rc == NGX_DECLINED) {
        h->error = "The image data are in an account that is not known";
        *rc = NGX_HTTP_NOT_FOUND;
        return NULL;
    }

    if (*rc != NGX_OK) {
        h->error = "Out of memory";
        *rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NULL;
    }

    return sw;
}


static ngx_int_t
ngx_http_glance_swift_open(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri, off_t size)
{
    ngx_int_t                 rc;
    ngx_http_glance_swift_t  *sw;

    sw = ngx_http_glance_swift_locate(r, ctx, h, uri, &rc);

    if (sw == NULL) {
        return rc;
    }

    return ngx_http_glance_reader_open(sw->remote, h, size,
                                       sw->conf->retries,
                                       ngx_http_glance_swift_fetch);
}


static void
ngx_http_glance_swift_fetch(ngx_http_glance_reader_t *rd)
{
    ngx_http_glance_swift_t  *sw;

    sw = rd->handle->data;
    sw->reader = rd;
    sw->renewed = 0;

    ngx_http_glance_swift_ask(sw, "GET", &sw->container, &sw->object, NULL);
    ngx_http_glance_swift_auth(sw, ngx_http_glance_swift_get);
}


static void
ngx_http_glance_swift_get(ngx_http_glance_swift_t *sw)
{
    if (sw->account->token == NULL) {
        ngx_http_glance_reader_answer(sw->remote);
        return;
    }

    if (ngx_http_glance_swift_prepare(sw) != NGX_OK
        || ngx_http_glance_reader_get(sw->reader, ngx_http_glance_swift_got)
           != NGX_OK)
    {
        ngx_http_glance_swift_broken(sw);
    }
}


static void
ngx_http_glance_swift_got(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_swift_t  *sw;

    sw = m->data;

    if (m->status == NGX_HTTP_UNAUTHORIZED && !sw->renewed) {
        sw->renewed = 1;

        ngx_http_glance_swift_forget_token(sw);
        ngx_http_glance_swift_auth(sw, ngx_http_glance_swift_get);
        return;
    }

    ngx_http_glance_reader_answer(m);
}


static ngx_int_t
ngx_http_glance_swift_probe(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri)
{
    ngx_int_t                 rc;
    ngx_http_glance_swift_t  *sw;

    h->named = 1;

    sw = ngx_http_glance_swift_locate(r, ctx, h, uri, &rc);

    if (sw == NULL) {

        if (rc == NGX_HTTP_NOT_FOUND) {
            h->error = "must be swift+https://USER:KEY@HOST/PATH/CONTAINER/"
                       "OBJECT, for Keystone with PROJECT%3AUSER as user";
            rc = NGX_HTTP_BAD_REQUEST;
        }

        return rc;
    }

    ngx_http_glance_swift_ask(sw, "HEAD", &sw->container, &sw->object, NULL);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_probed);

    return NGX_AGAIN;
}


static void
ngx_http_glance_swift_probed(ngx_http_glance_swift_t *sw)
{
    ngx_http_glance_swift_done(sw, ngx_http_glance_remote_probed(sw->remote,
                                                               sw->handle));
}


/*
 * An image's object, what its manifest names, and what a dead upload left: of
 * the last only what that one has made.
 */

static ngx_int_t
ngx_http_glance_swift_remove(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri)
{
    ngx_int_t                 rc;
    ngx_http_glance_swift_t  *sw;

    sw = ngx_http_glance_swift_locate(r, ctx, h, uri, &rc);

    if (sw == NULL) {
        return rc;
    }

    sw->claim = h->claim;

    ngx_http_glance_swift_ask(sw, "HEAD", &sw->container, &sw->object, NULL);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_found);

    return NGX_AGAIN;
}


static void
ngx_http_glance_swift_found(ngx_http_glance_swift_t *sw)
{
    ngx_str_t                 *value;
    ngx_http_glance_remote_t  *m;

    m = sw->remote;

    if (m->status != NGX_HTTP_NOT_FOUND && m->status / 100 != 2) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    if (sw->claim.len) {

        if (m->status == NGX_HTTP_NOT_FOUND
            || !ngx_http_glance_swift_claimed(sw))
        {
            ngx_http_glance_swift_left(sw);
            return;
        }

        if (sw->handle->recorded) {

            /* the upload came to its end: nothing is left over */

            ngx_http_glance_swift_done(sw, NGX_OK);
            return;
        }
    }

    if (m->status == NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_swift_done(sw, NGX_OK);
        return;
    }

    value = ngx_http_glance_remote_answer(m, "X-Object-Manifest");

    if (value) {
        ngx_http_glance_swift_dynamic(sw, value);
        return;
    }

    if (ngx_http_glance_remote_answer(m, "X-Static-Large-Object")) {
        ngx_http_glance_swift_static(sw);
        return;
    }

    ngx_http_glance_swift_object(sw);
}


ngx_uint_t
ngx_http_glance_swift_claimed(ngx_http_glance_swift_t *sw)
{
    ngx_str_t  *claim;

    claim = ngx_http_glance_remote_answer(sw->remote,
                                          NGX_HTTP_GLANCE_SWIFT_CLAIM);

    return claim && claim->len == sw->claim.len
           && ngx_strncmp(claim->data, sw->claim.data, claim->len) == 0;
}


/* "container/prefix", escaped */

static void
ngx_http_glance_swift_dynamic(ngx_http_glance_swift_t *sw,
    ngx_str_t *manifest)
{
    size_t         len;
    u_char        *p, *slash;
    glance_str_t   text;

    text.data = manifest->data;
    text.len = manifest->len;

    p = ngx_pnalloc(sw->request->pool, manifest->len);

    if (p == NULL) {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    slash = NULL;

    if (glance_percent_decode(text, p, &len)) {
        slash = ngx_strlchr(p, p + len, '/');
    }

    /* an empty prefix would be the whole container */

    if (slash == NULL || slash == p || slash == p + len - 1) {
        ngx_log_error(NGX_LOG_ERR, sw->request->connection->log, 0,
                      "swift: manifest \"%V\" of \"%V\" is malformed",
                      manifest, &sw->object);

        sw->handle->error = "The store failed";
        ngx_http_glance_swift_done(sw, NGX_HTTP_SERVICE_UNAVAILABLE);
        return;
    }

    sw->list_container.data = p;
    sw->list_container.len = slash - p;
    sw->list_prefix.data = slash + 1;
    sw->list_prefix.len = p + len - slash - 1;

    ngx_http_glance_swift_clear(sw, ngx_http_glance_swift_object);
}


static void
ngx_http_glance_swift_static(ngx_http_glance_swift_t *sw)
{
    ngx_str_t  json;

    ngx_str_set(&json, "application/json");

    ngx_http_glance_swift_ask(sw, "DELETE", &sw->container, &sw->object,
                              "?multipart-manifest=delete");
    ngx_http_glance_swift_say(sw, "Accept", &json);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_deleted);
}


/* always 200: what happened is in the body */

static void
ngx_http_glance_swift_deleted(ngx_http_glance_swift_t *sw)
{
    json_t      *json, *errors;
    ngx_uint_t   good;
    const char  *status;

    if (sw->remote->status != NGX_HTTP_OK) {
        ngx_http_glance_swift_gone(sw);
        return;
    }

    json = json_loadb((const char *) sw->remote->body.data,
                      sw->remote->body.len, 0, NULL);

    errors = json_object_get(json, "Errors");
    status = json_string_value(json_object_get(json, "Response Status"));

    good = status && json_array_size(errors) == 0
           && (status[0] == '2' || ngx_strncmp(status, "404", 3) == 0);

    if (!good) {
        ngx_log_error(NGX_LOG_ERR, sw->request->connection->log, 0,
                      "swift: segments of \"%V\" were not removed: %s, "
                      "%uz errors", &sw->object, status ? status : "no status",
                      json_array_size(errors));
    }

    json_decref(json);

    if (!good) {
        sw->handle->error = "The store failed";
        ngx_http_glance_swift_done(sw, NGX_HTTP_SERVICE_UNAVAILABLE);
        return;
    }

    ngx_http_glance_swift_left(sw);
}


static void
ngx_http_glance_swift_object(ngx_http_glance_swift_t *sw)
{
    ngx_http_glance_swift_ask(sw, "DELETE", &sw->container, &sw->object,
                              NULL);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_gone);
}


static void
ngx_http_glance_swift_gone(ngx_http_glance_swift_t *sw)
{
    if (sw->remote->status != NGX_HTTP_NOT_FOUND
        && sw->remote->status / 100 != 2)
    {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    ngx_http_glance_swift_left(sw);
}


/* segments without a manifest */

static void
ngx_http_glance_swift_left(ngx_http_glance_swift_t *sw)
{
    ngx_str_t  *id;

    if (sw->claim.len == 0) {
        ngx_http_glance_swift_done(sw, NGX_OK);
        return;
    }

    id = &sw->handle->image_id;

    sw->list_container = sw->container;
    sw->list_prefix.data = ngx_pnalloc(sw->request->pool,
                                       id->len + sw->claim.len + 2);
    if (sw->list_prefix.data == NULL) {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    sw->list_prefix.len = ngx_sprintf(sw->list_prefix.data, "%V-%V-", id,
                                      &sw->claim)
                          - sw->list_prefix.data;

    sw->claim.len = 0;

    ngx_http_glance_swift_clear(sw, ngx_http_glance_swift_left);
}


void
ngx_http_glance_swift_clear(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt then)
{
    sw->then = then;
    sw->passes = 0;

    ngx_http_glance_swift_list(sw);
}


/* NGX_HTTP_GLANCE_SWIFT_LIST from the beginning, until there are none */

static void
ngx_http_glance_swift_list(ngx_http_glance_swift_t *sw)
{
    u_char        *args;
    glance_buf_t   b;
    glance_str_t   prefix;

    args = ngx_pnalloc(sw->request->pool, 64 + 3 * sw->list_prefix.len);

    if (args == NULL) {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    prefix.data = sw->list_prefix.data;
    prefix.len = sw->list_prefix.len;

    glance_buf_init(&b, args, 63 + 3 * sw->list_prefix.len);
    glance_buf_text(&b, "?format=json&limit=1000&prefix=");
    glance_buf_percent(&b, prefix);
    *b.last = '\0';

    ngx_http_glance_swift_ask(sw, "GET", &sw->list_container, NULL,
                              (const char *) args);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_listed);
}


static void
ngx_http_glance_swift_listed(ngx_http_glance_swift_t *sw)
{
    ngx_http_glance_remote_t  *m;

    m = sw->remote;

    if (m->status == NGX_HTTP_NOT_FOUND) {
        sw->then(sw);
        return;
    }

    if (m->status / 100 != 2) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    json_decref(sw->list);

    sw->list = json_loadb((const char *) m->body.data, m->body.len, 0, NULL);
    sw->at = 0;

    if (!json_is_array(sw->list)) {
        m->status = 0;
        ngx_http_glance_swift_failed(sw);
        return;
    }

    if (json_array_size(sw->list) == 0) {
        sw->then(sw);
        return;
    }

    ngx_http_glance_swift_each(sw);
}


static void
ngx_http_glance_swift_each(ngx_http_glance_swift_t *sw)
{
    json_t     *name;
    ngx_str_t   object;

    name = json_object_get(json_array_get(sw->list, sw->at++), "name");

    object.data = (u_char *) json_string_value(name);
    object.len = json_string_length(name);

    if (object.len < sw->list_prefix.len
        || ngx_strncmp(object.data, sw->list_prefix.data, sw->list_prefix.len)
           != 0)
    {
        sw->remote->status = 0;
        ngx_http_glance_swift_failed(sw);
        return;
    }

    ngx_http_glance_swift_ask(sw, "DELETE", &sw->list_container, &object,
                              NULL);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_next);
}


static void
ngx_http_glance_swift_next(ngx_http_glance_swift_t *sw)
{
    if (sw->remote->status != NGX_HTTP_NOT_FOUND
        && sw->remote->status / 100 != 2)
    {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    if (sw->at < json_array_size(sw->list)) {
        ngx_http_glance_swift_each(sw);
        return;
    }

    if (sw->at < NGX_HTTP_GLANCE_SWIFT_LIST) {
        sw->then(sw);
        return;
    }

    /* listings lag behind, but not for ever */

    if (++sw->passes == NGX_HTTP_GLANCE_SWIFT_PASSES) {
        sw->remote->status = 0;
        ngx_http_glance_swift_failed(sw);
        return;
    }

    ngx_http_glance_swift_list(sw);
}
