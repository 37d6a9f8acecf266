
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_keystone.h"


/* milliseconds: for others to be done, and between two looks at it */
#define NGX_HTTP_GLANCE_KEYSTONE_WAIT   15000
#define NGX_HTTP_GLANCE_KEYSTONE_FIRST  4
#define NGX_HTTP_GLANCE_KEYSTONE_PAUSE  64

/* seconds: before the end of our own token, and after it was refused */
#define NGX_HTTP_GLANCE_KEYSTONE_EARLY  60
#define NGX_HTTP_GLANCE_KEYSTONE_GIVEUP 10


typedef ngx_int_t (*ngx_http_glance_keystone_step_pt)(
    ngx_http_glance_keystone_t *ks);


/*
 * Asking who the bearer of a token is.  A step gives NGX_OK: known now;
 * NGX_DECLINED: go on with the next one; NGX_AGAIN: something will wake the
 * request; or the status to refuse with.
 */

struct ngx_http_glance_keystone_s {
    ngx_http_request_t                *request;
    ngx_http_glance_ctx_t             *ctx;
    ngx_http_glance_keystone_conf_t   *conf;
    ngx_http_glance_keystone_step_pt   step;

    ngx_http_glance_call_t             call;
    ngx_event_t                        timer;
    ngx_msec_t                         since;   /* waits; 0: does not */
    ngx_msec_t                         pause;

    ngx_str_t                          user;
    ngx_str_t                          service;
    ngx_str_t                          own;
    ngx_str_t                         *subject; /* one of the first two */
    u_char                             key[NGX_HTTP_GLANCE_KEY_LEN];
    u_char                             own_key[NGX_HTTP_GLANCE_KEY_LEN];

    unsigned                           claimed:1;       /* key */
    unsigned                           own_claimed:1;   /* own_key */
    unsigned                           own_renewed:1;
    unsigned                           allow_expired:1;
};


static ngx_http_glance_keystone_t *ngx_http_glance_keystone_create(
    ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_keystone_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *token);
static ngx_uint_t ngx_http_glance_keystone_plausible(ngx_str_t *token);
static ngx_int_t ngx_http_glance_keystone_start(
    ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_subject(
    ngx_http_glance_keystone_t *ks, ngx_str_t *token);
static ngx_int_t ngx_http_glance_keystone_lookup(
    ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_own(ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_login(
    ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_logged_in(
    ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_accept(
    ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_ask(ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_answered(
    ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_keep(ngx_http_glance_keystone_t *ks,
    ngx_http_glance_token_t *token);
static ngx_int_t ngx_http_glance_keystone_decide(
    ngx_http_glance_keystone_t *ks, ngx_http_glance_token_t *token);
static ngx_int_t ngx_http_glance_keystone_wait(
    ngx_http_glance_keystone_t *ks);
static ngx_int_t ngx_http_glance_keystone_fail(
    ngx_http_glance_keystone_t *ks);
static void ngx_http_glance_keystone_release(ngx_http_glance_keystone_t *ks,
    ngx_uint_t failed);
static void ngx_http_glance_keystone_wake(ngx_event_t *ev);
static void ngx_http_glance_keystone_cleanup(void *data);


ngx_int_t
ngx_http_glance_keystone(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_http_glance_keystone_t  *ks;

    ks = ctx->keystone;

    if (ks == NULL) {
        ks = ngx_http_glance_keystone_create(r, ctx);
        if (ks == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (ks->timer.timer_set) {
        return NGX_AGAIN;
    }

    do {
        rc = ks->step(ks);
    } while (rc == NGX_DECLINED);

    return rc;
}


static ngx_http_glance_keystone_t *
ngx_http_glance_keystone_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_cleanup_t          *cln;
    ngx_http_glance_keystone_t  *ks;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    ks = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_keystone_t));
    if (ks == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_glance_keystone_cleanup;
    cln->data = ks;

    ks->request = r;
    ks->ctx = ctx;
    ks->conf = &glcf->keystone;
    ks->step = ngx_http_glance_keystone_start;

    ks->timer.handler = ngx_http_glance_keystone_wake;
    ks->timer.data = ks;
    ks->timer.log = r->connection->log;

    ngx_http_glance_keystone_header(r, "x-auth-token", &ks->user);
    ngx_http_glance_keystone_header(r, "x-service-token", &ks->service);

    if (ks->user.len == 0) {
        /* its name in 2011 */
        ngx_http_glance_keystone_header(r, "x-storage-token", &ks->user);
    }

    ctx->keystone = ks;

    return ks;
}


static void
ngx_http_glance_keystone_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *token)
{
    ngx_str_t  *value;

    value = ngx_http_glance_header_find(r, name);

    if (value) {
        *token = *value;
    }
}


/* what cannot be one is not worth asking, nor kept */

static ngx_uint_t
ngx_http_glance_keystone_plausible(ngx_str_t *token)
{
    size_t  i;

    for (i = 0; i < token->len; i++) {
        if (token->data[i] <= ' ' || token->data[i] > '~') {
            return 0;
        }
    }

    return token->len && token->len <= NGX_HTTP_GLANCE_TOKEN_MAX;
}


static ngx_int_t
ngx_http_glance_keystone_start(ngx_http_glance_keystone_t *ks)
{
    static ngx_str_t  nothing = ngx_null_string;

    if (!ngx_http_glance_keystone_plausible(&ks->user)
        || (ks->service.len
            && !ngx_http_glance_keystone_plausible(&ks->service)))
    {
        return NGX_HTTP_UNAUTHORIZED;
    }

    if (ngx_http_glance_keystone_key(ks->conf, "own", &nothing, ks->own_key)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_glance_keystone_subject(ks, ks->service.len
                                                ? &ks->service : &ks->user);
}


/* an expired token means something else for a service: another key */

static ngx_int_t
ngx_http_glance_keystone_subject(ngx_http_glance_keystone_t *ks,
    ngx_str_t *token)
{
    const char  *kind;

    kind = ks->allow_expired ? "expired" : "token";

    if (ngx_http_glance_keystone_key(ks->conf, kind, token, ks->key)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ks->subject = token;
    ks->since = 0;
    ks->step = ngx_http_glance_keystone_lookup;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_glance_keystone_lookup(ngx_http_glance_keystone_t *ks)
{
    ngx_int_t                rc;
    ngx_str_t                text;
    ngx_http_glance_token_t  token;

    rc = ngx_http_glance_keystone_cache_get(ks->conf->cache, ks->key,
                                            ks->since, ks->request->pool,
                                            &text);
    switch (rc) {

    case NGX_OK:
        if (ngx_http_glance_keystone_unpack(&text, &token) != NGX_OK) {
            ngx_log_error(NGX_LOG_ALERT, ks->request->connection->log, 0,
                          "the cache of Keystone's answers is damaged");
            return ngx_http_glance_keystone_fail(ks);
        }

        return ngx_http_glance_keystone_decide(ks, &token);

    case NGX_DECLINED:
        ks->claimed = 1;
        ks->since = 0;
        ks->step = ngx_http_glance_keystone_own;
        return NGX_DECLINED;

    case NGX_BUSY:
        return ngx_http_glance_keystone_wait(ks);

    case NGX_ABORT:
        return ngx_http_glance_keystone_fail(ks);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* the token by which Keystone knows us; an empty one: it does not */

static ngx_int_t
ngx_http_glance_keystone_own(ngx_http_glance_keystone_t *ks)
{
    ngx_int_t  rc;

    rc = ngx_http_glance_keystone_cache_get(ks->conf->cache, ks->own_key,
                                            ks->since, ks->request->pool,
                                            &ks->own);
    switch (rc) {

    case NGX_OK:
        if (ks->own.len == 0) {
            return ngx_http_glance_keystone_fail(ks);
        }

        return ngx_http_glance_keystone_ask(ks);

    case NGX_DECLINED:
        ks->own_claimed = 1;
        return ngx_http_glance_keystone_login(ks);

    case NGX_BUSY:
        return ngx_http_glance_keystone_wait(ks);

    case NGX_ABORT:
        return ngx_http_glance_keystone_fail(ks);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
ngx_http_glance_keystone_login(ngx_http_glance_keystone_t *ks)
{
    ngx_http_request_t  *sr;

    static ngx_str_t  path = ngx_string("/v3/auth/tokens");
    static ngx_str_t  args = ngx_string("nocatalog");

    ngx_memzero(&ks->call, sizeof(ngx_http_glance_call_t));

    sr = ngx_http_glance_call(ks->request, ks->ctx, &ks->call, "POST",
                              &ks->conf->location, &path, &args);

    if (sr == NULL
        || ngx_http_glance_call_json(sr, &ks->conf->credentials) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ks->step = ngx_http_glance_keystone_logged_in;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_glance_keystone_logged_in(ngx_http_glance_keystone_t *ks)
{
    ngx_str_t   nothing;
    ngx_uint_t  status;

    if (!ks->call.done) {
        return NGX_AGAIN;
    }

    status = ks->call.status;

    if (status == NGX_HTTP_CREATED || status == NGX_HTTP_OK) {

        if (ngx_http_glance_keystone_accept(ks) == NGX_OK) {
            return ngx_http_glance_keystone_ask(ks);
        }

    } else {
        ngx_log_error(NGX_LOG_ERR, ks->request->connection->log, 0,
                      "Keystone answered %ui to the credentials of \"%V\"",
                      status, &ks->conf->location);
    }

    if (status >= NGX_HTTP_BAD_REQUEST
        && status < NGX_HTTP_INTERNAL_SERVER_ERROR
        && status != NGX_HTTP_TOO_MANY_REQUESTS)
    {
        /* Keystone may lock an account that comes with a wrong password */

        ngx_str_null(&nothing);

        ngx_http_glance_keystone_cache_put(ks->conf->cache, ks->own_key,
                              &nothing,
                              ngx_time() + NGX_HTTP_GLANCE_KEYSTONE_GIVEUP,
                              ngx_time() + NGX_HTTP_GLANCE_KEYSTONE_GIVEUP);
        ks->own_claimed = 0;

        return ngx_http_glance_keystone_fail(ks);
    }

    if (ks->own.len) {

        /* the old one is good for some time yet */

        ngx_http_glance_keystone_cache_release(ks->conf->cache, ks->own_key,
                                               1);
        ks->own_claimed = 0;

        return ngx_http_glance_keystone_ask(ks);
    }

    return ngx_http_glance_keystone_fail(ks);
}


/* the token is in a header of the answer, how long it is good in the body */

static ngx_int_t
ngx_http_glance_keystone_accept(ngx_http_glance_keystone_t *ks)
{
    time_t               now, early;
    int64_t              expires;
    ngx_str_t           *token;
    ngx_http_request_t  *r;

    r = ks->request;
    now = ngx_time();

    token = ngx_http_glance_header_in(ks->call.headers, "x-subject-token");

    if (token == NULL || !ngx_http_glance_keystone_plausible(token)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "Keystone sent no usable \"X-Subject-Token\"");
        return NGX_DECLINED;
    }

    if (ngx_http_glance_keystone_expiry(r, &ks->call.body, &expires)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (expires <= now) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "Keystone sent a token that is over: do the clocks "
                      "differ?");
        return NGX_DECLINED;
    }

    early = (time_t) ngx_min((expires - now + 3) / 4,
                             NGX_HTTP_GLANCE_KEYSTONE_EARLY);

    ks->own = *token;

    ngx_http_glance_keystone_cache_put(ks->conf->cache, ks->own_key, token,
                                       (time_t) expires,
                                       (time_t) expires - early);
    ks->own_claimed = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_keystone_ask(ngx_http_glance_keystone_t *ks)
{
    ngx_str_t           *args;
    ngx_http_request_t  *sr;

    static ngx_str_t  path = ngx_string("/v3/auth/tokens");
    static ngx_str_t  plain = ngx_string("nocatalog");
    static ngx_str_t  expired = ngx_string("nocatalog&allow_expired=1");

    ngx_memzero(&ks->call, sizeof(ngx_http_glance_call_t));

    args = ks->allow_expired ? &expired : &plain;

    sr = ngx_http_glance_call(ks->request, ks->ctx, &ks->call, "GET",
                              &ks->conf->location, &path, args);

    if (sr == NULL
        || ngx_http_glance_call_header(sr, "x-auth-token", &ks->own) != NGX_OK
        || ngx_http_glance_call_header(sr, "x-subject-token", ks->subject)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ks->step = ngx_http_glance_keystone_answered;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_glance_keystone_answered(ngx_http_glance_keystone_t *ks)
{
    ngx_log_t                *log;
    ngx_http_glance_token_t   token;

    if (!ks->call.done) {
        return NGX_AGAIN;
    }

    log = ks->request->connection->log;

    switch (ks->call.status) {

    case NGX_HTTP_OK:
        if (ngx_http_glance_keystone_parse(ks->request, &ks->call.body,
                                           &token)
            != NGX_OK)
        {
            return ngx_http_glance_keystone_fail(ks);
        }

        break;

    case NGX_HTTP_BAD_REQUEST:
    case NGX_HTTP_NOT_FOUND:
        ngx_memzero(&token, sizeof(ngx_http_glance_token_t));
        token.verdict = NGX_HTTP_GLANCE_TOKEN_UNKNOWN;
        break;

    case NGX_HTTP_UNAUTHORIZED:

        /* about our own token: revoked, or its keys are gone */

        ngx_http_glance_keystone_cache_drop(ks->conf->cache, ks->own_key,
                                            &ks->own);

        if (!ks->own_renewed) {
            ks->own_renewed = 1;
            ks->step = ngx_http_glance_keystone_own;
            return NGX_DECLINED;
        }

        /* fall through */

    default:
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "Keystone answered %ui when asked about a token",
                      ks->call.status);
        return ngx_http_glance_keystone_fail(ks);
    }

    return ngx_http_glance_keystone_keep(ks, &token);
}


/* in the cache, but never beyond the end of the token */

static ngx_int_t
ngx_http_glance_keystone_keep(ngx_http_glance_keystone_t *ks,
    ngx_http_glance_token_t *token)
{
    time_t     now, until;
    ngx_str_t  text;

    now = ngx_time();

    if (token->expires <= now && !ks->allow_expired) {
        token->verdict = NGX_HTTP_GLANCE_TOKEN_UNKNOWN;
    }

    if (token->verdict != NGX_HTTP_GLANCE_TOKEN_UNKNOWN) {
        until = now + ks->conf->valid;

        if (token->expires > now) {
            until = (time_t) ngx_min(until, token->expires);
        }

    } else {
        until = now + ks->conf->invalid;
    }

    if (ngx_http_glance_keystone_pack(ks->request->pool, token, &text)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_glance_keystone_cache_put(ks->conf->cache, ks->key, &text, until,
                                       until);
    ks->claimed = 0;

    return ngx_http_glance_keystone_decide(ks, token);
}


static ngx_int_t
ngx_http_glance_keystone_decide(ngx_http_glance_keystone_t *ks,
    ngx_http_glance_token_t *token)
{
    ngx_uint_t              policy;
    ngx_http_glance_ctx_t  *ctx;

    ctx = ks->ctx;

    /* in API v2 rules decide what a caller without a project may */

    policy = ctx->v2 && ks->subject == &ks->user;

    switch (token->verdict) {

    case NGX_HTTP_GLANCE_TOKEN_VALID:
        break;

    case NGX_HTTP_GLANCE_TOKEN_SYSTEM:
    case NGX_HTTP_GLANCE_TOKEN_SCOPE:
        if (!policy) {
            return NGX_HTTP_FORBIDDEN;
        }

        break;

    case NGX_HTTP_GLANCE_TOKEN_UNSCOPED:
        if (!policy) {
            return NGX_HTTP_UNAUTHORIZED;
        }

        break;

    default:
        return NGX_HTTP_UNAUTHORIZED;
    }

    if (ks->subject == &ks->service) {
        ctx->service_roles = token->roles;
        ks->allow_expired = ngx_http_glance_has_role(&token->roles,
                                                  ks->conf->service_roles);

        return ngx_http_glance_keystone_subject(ks, &ks->user);
    }

    ctx->user = token->user;
    ctx->project = token->project;
    ctx->roles = token->roles;

    if (token->verdict == NGX_HTTP_GLANCE_TOKEN_SYSTEM) {
        ngx_str_set(&ctx->scope, "all");
    }

    return NGX_OK;
}


/* for another request, of any worker, that is at it */

static ngx_int_t
ngx_http_glance_keystone_wait(ngx_http_glance_keystone_t *ks)
{
    if (ks->since == 0) {
        ks->since = ngx_current_msec;
        ks->pause = NGX_HTTP_GLANCE_KEYSTONE_FIRST;

    } else if (ngx_current_msec - ks->since > NGX_HTTP_GLANCE_KEYSTONE_WAIT) {
        ngx_log_error(NGX_LOG_ERR, ks->request->connection->log, 0,
                      "waited too long for an answer of Keystone");
        return ngx_http_glance_keystone_fail(ks);

    } else {
        ks->pause = ngx_min(ks->pause * 2, NGX_HTTP_GLANCE_KEYSTONE_PAUSE);
    }

    ngx_add_timer(&ks->timer, ks->pause);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_glance_keystone_fail(ngx_http_glance_keystone_t *ks)
{
    ngx_http_glance_keystone_release(ks, 1);

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


static void
ngx_http_glance_keystone_release(ngx_http_glance_keystone_t *ks,
    ngx_uint_t failed)
{
    if (ks->claimed) {
        ngx_http_glance_keystone_cache_release(ks->conf->cache, ks->key,
                                               failed);
    }

    if (ks->own_claimed) {
        ngx_http_glance_keystone_cache_release(ks->conf->cache, ks->own_key,
                                               failed);
    }

    ks->claimed = 0;
    ks->own_claimed = 0;
}


static void
ngx_http_glance_keystone_wake(ngx_event_t *ev)
{
    ngx_connection_t            *c;
    ngx_http_request_t          *r;
    ngx_http_glance_keystone_t  *ks;

    ks = ev->data;
    r = ks->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ev->timedout = 0;

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


/* the request ends, also in the middle of it */

static void
ngx_http_glance_keystone_cleanup(void *data)
{
    ngx_http_glance_keystone_t *ks = data;

    if (ks->timer.timer_set) {
        ngx_del_timer(&ks->timer);
    }

    ngx_http_glance_keystone_release(ks, 0);
}
