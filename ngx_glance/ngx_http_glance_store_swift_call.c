
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_swift.h"


static void ngx_http_glance_swift_cleanup(void *data);
static void ngx_http_glance_swift_send(ngx_http_glance_swift_t *sw);
static ngx_int_t ngx_http_glance_swift_server(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_answered(ngx_http_glance_remote_t *m);
static void ngx_http_glance_swift_drop_token(
    ngx_http_glance_swift_account_t *account);
static ngx_int_t ngx_http_glance_swift_auth_v1(ngx_http_glance_swift_t *sw);
static ngx_int_t ngx_http_glance_swift_auth_v3(ngx_http_glance_swift_t *sw);
static json_t *ngx_http_glance_swift_auth_json(
    ngx_http_glance_swift_account_t *account);
static void ngx_http_glance_swift_authed(ngx_http_glance_remote_t *m);
static ngx_uint_t ngx_http_glance_swift_service(ngx_str_t *url);
static ngx_int_t ngx_http_glance_swift_catalog(ngx_http_glance_swift_t *sw,
    ngx_str_t *url);
static ngx_int_t ngx_http_glance_swift_token(ngx_http_glance_swift_t *sw,
    ngx_str_t *token, ngx_str_t *url);


ngx_http_glance_swift_t *
ngx_http_glance_swift_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_glance_swift_t     *sw;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    cln = ngx_pool_cleanup_add(r->pool, 0);
    sw = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_swift_t));

    if (cln == NULL || sw == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_glance_swift_cleanup;
    cln->data = sw;

    sw->remote = ngx_http_glance_remote_create(r, ctx, sw);

    if (sw->remote == NULL) {
        return NULL;
    }

    sw->request = r;
    sw->ctx = ctx;
    sw->handle = h;
    sw->conf = &glcf->swift;
    sw->account = glcf->swift.account;

    h->data = sw;

    return sw;
}


static void
ngx_http_glance_swift_cleanup(void *data)
{
    ngx_http_glance_swift_t *sw = data;

    json_decref(sw->list);
    json_decref(sw->parts);
}


void
ngx_http_glance_swift_done(ngx_http_glance_swift_t *sw, ngx_int_t rc)
{
    sw->handle->done(sw->request, sw->ctx, rc);
}


void
ngx_http_glance_swift_failed(ngx_http_glance_swift_t *sw)
{
    ngx_http_glance_swift_done(sw, ngx_http_glance_remote_failed(sw->remote,
                                                               sw->handle));
}


/* no memory: the request ends, and the lease of its claim does the rest */

void
ngx_http_glance_swift_broken(ngx_http_glance_swift_t *sw)
{
    ngx_http_glance_finalize(sw->request, sw->ctx, NGX_ERROR);
}


/* a path that could not be made shows when it is sent */

void
ngx_http_glance_swift_ask(ngx_http_glance_swift_t *sw, const char *method,
    ngx_str_t *container, ngx_str_t *object, const char *args)
{
    size_t         len;
    glance_buf_t   b;
    glance_str_t   text;

    sw->method = method;
    sw->nheaders = 0;
    sw->has_body = 0;
    sw->renewed = 0;

    if (sw->room) {
        (void) ngx_pfree(sw->request->pool, sw->room);
    }

    len = 2 + 3 * (container->len + (object ? object->len : 0))
          + (args ? ngx_strlen(args) : 0);

    /* large enough to be freed again: there may be a thousand calls */

    sw->room = ngx_palloc(sw->request->pool, ngx_max(len, 8192));

    if (sw->room == NULL) {
        ngx_str_null(&sw->path);
        return;
    }

    glance_buf_init(&b, sw->room, len);

    glance_buf_char(&b, '/');

    text.data = container->data;
    text.len = container->len;
    glance_buf_percent(&b, text);

    if (object) {
        glance_buf_char(&b, '/');

        text.data = object->data;
        text.len = object->len;
        glance_buf_percent(&b, text);
    }

    if (args) {
        glance_buf_text(&b, args);
    }

    sw->path.data = b.start;
    sw->path.len = b.last - b.start;
}


void
ngx_http_glance_swift_say(ngx_http_glance_swift_t *sw, const char *name,
    ngx_str_t *value)
{
    sw->name[sw->nheaders] = name;
    sw->value[sw->nheaders] = *value;
    sw->nheaders++;
}


void
ngx_http_glance_swift_call(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt next)
{
    sw->answer = next;

    ngx_http_glance_swift_auth(sw, ngx_http_glance_swift_send);
}


static void
ngx_http_glance_swift_send(ngx_http_glance_swift_t *sw)
{
    ngx_str_t  *body;

    if (sw->account->token == NULL) {
        sw->answer(sw);
        return;
    }

    body = NULL;

    if (sw->has_body) {
        body = &sw->body;
    }

    if (ngx_http_glance_swift_prepare(sw) != NGX_OK
        || ngx_http_glance_remote_call(sw->remote, body,
                                       ngx_http_glance_swift_answered)
           != NGX_OK)
    {
        ngx_http_glance_swift_broken(sw);
    }
}


/* the exchange that ask() and say() have described, with the token */

ngx_int_t
ngx_http_glance_swift_prepare(ngx_http_glance_swift_t *sw)
{
    ngx_int_t                         rc;
    ngx_str_t                         token, url;
    ngx_uint_t                        i;
    ngx_http_glance_swift_account_t  *account;

    account = sw->account;

    if (sw->path.data == NULL) {
        return NGX_ERROR;
    }

    url.len = account->storage.len + sw->path.len;
    url.data = ngx_alloc(url.len, sw->request->connection->log);

    if (url.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(url.data, "%V%V", &account->storage, &sw->path);

    token.data = account->token;
    token.len = account->token_len;
    sw->token = account->tokens;

    rc = ngx_http_glance_remote_prepare(sw->remote, sw->method, &url);

    ngx_free(url.data);

    if (rc != NGX_OK || ngx_http_glance_swift_server(sw) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_glance_remote_header(sw->remote, "X-Auth-Token", &token);

    for (i = 0; rc == NGX_OK && i < sw->nheaders; i++) {
        rc = ngx_http_glance_remote_header(sw->remote, sw->name[i],
                                           &sw->value[i]);
    }

    return rc;
}


/* certificates, and addresses, of the exchange that has been prepared */

static ngx_int_t
ngx_http_glance_swift_server(ngx_http_glance_swift_t *sw)
{
    if (sw->account->stranger) {
        return ngx_http_glance_remote_stranger(sw->remote);
    }

    return ngx_http_glance_curl_tls(sw->remote->transfer, sw->conf->cafile,
                                    sw->conf->insecure);
}


static void
ngx_http_glance_swift_answered(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_swift_t  *sw;

    sw = m->data;

    if (m->status == NGX_HTTP_UNAUTHORIZED && !sw->renewed) {
        sw->renewed = 1;

        ngx_http_glance_swift_forget_token(sw);
        ngx_http_glance_swift_auth(sw, ngx_http_glance_swift_send);
        return;
    }

    if (m->status) {
        sw->account->checked = ngx_time();
    }

    sw->answer(sw);
}


/*
 * next() finds a token, or none: then the remote knows what went wrong.  A
 * token serves all requests of a worker until it is refused.
 */

void
ngx_http_glance_swift_auth(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt next)
{
    ngx_int_t  rc;

    if (sw->account->token) {
        next(sw);
        return;
    }

    sw->next = next;

    rc = (sw->account->version == 1) ? ngx_http_glance_swift_auth_v1(sw)
                                     : ngx_http_glance_swift_auth_v3(sw);

    if (rc != NGX_OK) {
        ngx_http_glance_swift_broken(sw);
    }
}


/* the one that was refused: another request may have got a new one since */

void
ngx_http_glance_swift_forget_token(ngx_http_glance_swift_t *sw)
{
    if (sw->token == sw->account->tokens) {
        ngx_http_glance_swift_drop_token(sw->account);
    }
}


static void
ngx_http_glance_swift_drop_token(ngx_http_glance_swift_account_t *account)
{
    if (account->token) {
        ngx_explicit_memzero(account->token, account->token_len);
        ngx_free(account->token);
        account->token = NULL;
    }
}


static ngx_int_t
ngx_http_glance_swift_auth_v1(ngx_http_glance_swift_t *sw)
{
    ngx_http_glance_remote_t  *m;

    m = sw->remote;

    if (ngx_http_glance_remote_prepare(m, "GET", &sw->account->auth)
        != NGX_OK
        || ngx_http_glance_swift_server(sw) != NGX_OK
        || ngx_http_glance_remote_header(m, "X-Auth-User", &sw->account->user)
           != NGX_OK
        || ngx_http_glance_remote_header(m, "X-Auth-Key", &sw->account->key)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_glance_remote_call(m, NULL, ngx_http_glance_swift_authed);
}


static ngx_int_t
ngx_http_glance_swift_auth_v3(ngx_http_glance_swift_t *sw)
{
    char                      *text;
    u_char                    *p;
    json_t                    *json;
    ngx_str_t                  body, type, url;
    ngx_http_glance_remote_t  *m;

    m = sw->remote;

    url.len = sw->account->auth.len + sizeof("/auth/tokens") - 1;
    url.data = ngx_pnalloc(sw->request->pool, url.len);

    if (url.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(url.data, "%V/auth/tokens", &sw->account->auth);

    if (ngx_http_glance_remote_prepare(m, "POST", &url) != NGX_OK
        || ngx_http_glance_swift_server(sw) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&type, "application/json");

    if (ngx_http_glance_remote_header(m, "Content-Type", &type) != NGX_OK) {
        return NGX_ERROR;
    }

    json = ngx_http_glance_swift_auth_json(sw->account);
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    if (text == NULL) {
        return NGX_ERROR;
    }

    /* it lives as long as the transfer, and no longer */

    body.len = ngx_strlen(text);
    p = ngx_pnalloc(m->transfer->pool, body.len);

    if (p) {
        ngx_memcpy(p, text, body.len);
    }

    body.data = p;

    ngx_explicit_memzero(text, body.len);
    free(text);

    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_glance_remote_call(m, &body,
                                       ngx_http_glance_swift_authed);
}


/* new reference; the user is PROJECT:USER, which was checked */

static json_t *
ngx_http_glance_swift_auth_json(ngx_http_glance_swift_account_t *account)
{
    u_char  *colon, *last;

    last = account->user.data + account->user.len;
    colon = ngx_strlchr(account->user.data, last, ':');

    return json_pack("{s:{s:{s:[s], s:{s:{s:s%, s:s%, s:O}}},"
                     " s:{s:{s:s%, s:O}}}}",
                     "auth", "identity", "methods", "password",
                     "password", "user",
                     "name", colon + 1, (size_t) (last - colon - 1),
                     "password", account->key.data, account->key.len,
                     "domain", account->user_domain,
                     "scope", "project",
                     "name", account->user.data,
                     (size_t) (colon - account->user.data),
                     "domain", account->project_domain);
}


static void
ngx_http_glance_swift_authed(ngx_http_glance_remote_t *m)
{
    ngx_int_t                         rc;
    ngx_str_t                        *token, *storage, url;
    ngx_http_glance_swift_t          *sw;
    ngx_http_glance_swift_account_t  *account;

    sw = m->data;
    account = sw->account;

    if (m->status / 100 != 2) {
        sw->next(sw);
        return;
    }

    rc = NGX_OK;
    ngx_str_null(&url);

    if (account->version == 1) {
        token = ngx_http_glance_remote_answer(m, "X-Auth-Token");
        storage = ngx_http_glance_remote_answer(m, "X-Storage-Url");

        if (storage) {
            url = *storage;
        }

    } else {
        token = ngx_http_glance_remote_answer(m, "X-Subject-Token");

        if (account->endpoint.len == 0) {
            rc = ngx_http_glance_swift_catalog(sw, &url);
        }
    }

    if (account->endpoint.len) {
        url = account->endpoint;
    }

    if (rc != NGX_OK || token == NULL || token->len == 0
        || !ngx_http_glance_swift_service(&url))
    {
        ngx_log_error(NGX_LOG_ERR, sw->request->connection->log, 0,
                      "swift: \"%V\" gave no token or named no store",
                      &account->auth);
        m->status = 0;

    } else if (ngx_http_glance_swift_token(sw, token, &url) != NGX_OK) {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    sw->next(sw);
}


/* it is logged, and may be what a stranger says */

static ngx_uint_t
ngx_http_glance_swift_service(ngx_str_t *url)
{
    glance_str_t  text;
    glance_uri_t  uri;

    text.data = url->data;
    text.len = url->len;

    return glance_uri_parse(text, &uri) && uri.scheme == GLANCE_SCHEME_HTTP
           && uri.user.len == 0 && !uri.has_password && uri.host.len;
}


/* the URL of the store, as Keystone has it; copied into the transfer */

static ngx_int_t
ngx_http_glance_swift_catalog(ngx_http_glance_swift_t *sw, ngx_str_t *url)
{
    size_t                            i, j;
    json_t                           *json, *service, *ep, *list;
    const char                       *s;
    ngx_http_glance_remote_t         *m;
    ngx_http_glance_swift_account_t  *account;

    m = sw->remote;
    account = sw->account;

    json = json_loadb((const char *) m->body.data, m->body.len, 0, NULL);
    list = json_object_get(json_object_get(json, "token"), "catalog");

    json_array_foreach(list, i, service) {

        s = json_string_value(json_object_get(service, "type"));

        if (s == NULL || ngx_strcmp(s, account->service_type.data) != 0) {
            continue;
        }

        json_array_foreach(json_object_get(service, "endpoints"), j, ep) {

            s = json_string_value(json_object_get(ep, "interface"));

            if (s == NULL || ngx_strcmp(s, account->interface.data) != 0) {
                continue;
            }

            s = json_string_value(json_object_get(ep, "region"));

            if (account->region.len
                && (s == NULL || ngx_strcmp(s, account->region.data) != 0))
            {
                continue;
            }

            s = json_string_value(json_object_get(ep, "url"));

            if (s) {
                url->len = ngx_strlen(s);
                url->data = ngx_pnalloc(m->transfer->pool, url->len);

                if (url->data) {
                    ngx_memcpy(url->data, s, url->len);
                    json_decref(json);
                    return NGX_OK;
                }
            }
        }
    }

    json_decref(json);

    return NGX_DECLINED;
}


/* one allocation: the token, and the URL of the store behind it */

static ngx_int_t
ngx_http_glance_swift_token(ngx_http_glance_swift_t *sw, ngx_str_t *token,
    ngx_str_t *url)
{
    u_char                           *p, *host;
    ngx_http_glance_swift_account_t  *account;

    account = sw->account;

    ngx_http_glance_swift_drop_token(account);

    p = ngx_alloc(token->len + url->len + sizeof("snet-"),
                  sw->request->connection->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    account->token = p;
    account->token_len = token->len;
    account->tokens++;
    account->checked = ngx_time();

    p = ngx_cpymem(p, token->data, token->len);

    account->storage.data = p;

    while (url->len && url->data[url->len - 1] == '/') {
        url->len--;
    }

    host = ngx_strnstr(url->data, "://", url->len)
           ? (u_char *) ngx_strnstr(url->data, "://", url->len) + 3
           : url->data;

    p = ngx_cpymem(p, url->data, host - url->data);

    if (sw->conf->snet && !account->stranger) {
        p = ngx_cpymem(p, "snet-", sizeof("snet-") - 1);
    }

    p = ngx_cpymem(p, host, url->data + url->len - host);

    account->storage.len = p - account->storage.data;

    return NGX_OK;
}
