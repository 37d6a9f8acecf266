
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_keystone.h"


/* user and project of Keystone have 64 at most, those of others may differ */
#define NGX_HTTP_GLANCE_ID_MAX  255


static json_t *ngx_http_glance_keystone_json(ngx_http_request_t *r,
    ngx_str_t *body, json_t **token);
static ngx_int_t ngx_http_glance_keystone_read(ngx_http_request_t *r,
    json_t *json, ngx_http_glance_token_t *token);
static ngx_int_t ngx_http_glance_keystone_time(json_t *json,
    int64_t *expires);
static ngx_int_t ngx_http_glance_keystone_id(ngx_pool_t *pool, json_t *json,
    const char *key, ngx_str_t *id);
static ngx_int_t ngx_http_glance_keystone_roles(ngx_http_request_t *r,
    json_t *json, ngx_str_t *roles);
static ngx_uint_t ngx_http_glance_keystone_word(json_t *json,
    ngx_str_t *word);
static u_char *ngx_http_glance_keystone_pack_string(u_char *p,
    ngx_str_t *s);
static u_char *ngx_http_glance_keystone_unpack_string(u_char *p,
    u_char *last, ngx_str_t *s);


ngx_int_t
ngx_http_glance_keystone_parse(ngx_http_request_t *r, ngx_str_t *body,
    ngx_http_glance_token_t *token)
{
    json_t     *json, *t;
    ngx_int_t   rc;

    ngx_memzero(token, sizeof(ngx_http_glance_token_t));

    json = ngx_http_glance_keystone_json(r, body, &t);
    if (json == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_http_glance_keystone_read(r, t, token);

    json_decref(json);

    return rc;
}


/* the end of a token that was issued to us */

ngx_int_t
ngx_http_glance_keystone_expiry(ngx_http_request_t *r, ngx_str_t *body,
    int64_t *expires)
{
    json_t     *json, *t;
    ngx_int_t   rc;

    json = ngx_http_glance_keystone_json(r, body, &t);
    if (json == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_http_glance_keystone_time(t, expires);

    json_decref(json);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "Keystone sent a token without \"expires_at\"");
    }

    return rc;
}


/* new reference, the token in it is borrowed; what is sent is never logged */

static json_t *
ngx_http_glance_keystone_json(ngx_http_request_t *r, ngx_str_t *body,
    json_t **token)
{
    json_t        *json;
    json_error_t   error;

    json = json_loadb((const char *) body->data, body->len,
                      JSON_REJECT_DUPLICATES, &error);

    if (json == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "Keystone sent malformed JSON, %uz bytes, wrong at "
                      "byte %d", body->len, error.position);
        return NULL;
    }

    *token = json_object_get(json, "token");

    if (!json_is_object(*token)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "Keystone sent JSON without a token");
        json_decref(json);
        return NULL;
    }

    return json;
}


static ngx_int_t
ngx_http_glance_keystone_read(ngx_http_request_t *r, json_t *json,
    ngx_http_glance_token_t *token)
{
    json_t      *project;
    ngx_int_t    rc;
    const char  *missing;

    missing = NULL;
    rc = NGX_OK;

    project = json_object_get(json, "project");

    if (project) {
        token->verdict = NGX_HTTP_GLANCE_TOKEN_VALID;

    } else if (json_object_get(json, "system")) {
        token->verdict = NGX_HTTP_GLANCE_TOKEN_SYSTEM;

    } else if (json_object_get(json, "domain")) {
        token->verdict = NGX_HTTP_GLANCE_TOKEN_SCOPE;

    } else {
        token->verdict = NGX_HTTP_GLANCE_TOKEN_UNSCOPED;
    }

    if (ngx_http_glance_keystone_time(json, &token->expires) != NGX_OK) {
        missing = "expires_at";

    } else if (ngx_http_glance_keystone_id(r->pool,
                                           json_object_get(json, "user"),
                                           "id", &token->user)
               != NGX_OK)
    {
        missing = "user";

    } else if (project
               && ngx_http_glance_keystone_id(r->pool, project, "id",
                                              &token->project)
                  != NGX_OK)
    {
        missing = "project";

    } else if (token->verdict == NGX_HTTP_GLANCE_TOKEN_VALID
               || token->verdict == NGX_HTTP_GLANCE_TOKEN_SYSTEM)
    {
        rc = ngx_http_glance_keystone_roles(r, json_object_get(json, "roles"),
                                            &token->roles);
    }

    if (missing) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "Keystone sent a token whose \"%s\" is missing or "
                      "malformed", missing);
        return NGX_DECLINED;
    }

    return rc;
}


static ngx_int_t
ngx_http_glance_keystone_time(json_t *json, int64_t *expires)
{
    ngx_str_t     word;
    glance_str_t  text;

    if (!ngx_http_glance_keystone_word(json_object_get(json, "expires_at"),
                                       &word))
    {
        return NGX_DECLINED;
    }

    text.data = word.data;
    text.len = word.len;

    return glance_time_parse(text, expires) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_glance_keystone_id(ngx_pool_t *pool, json_t *json, const char *key,
    ngx_str_t *id)
{
    ngx_str_t  word;

    if (!ngx_http_glance_keystone_word(json_object_get(json, key), &word)
        || word.len > NGX_HTTP_GLANCE_ID_MAX)
    {
        return NGX_DECLINED;
    }

    id->data = ngx_pstrdup(pool, &word);
    id->len = word.len;

    return id->data ? NGX_OK : NGX_ERROR;
}


/*
 * The names with commas between.  One that holds a comma would look like two
 * to whoever reads that: it counts as no role.
 */

static ngx_int_t
ngx_http_glance_keystone_roles(ngx_http_request_t *r, json_t *json,
    ngx_str_t *roles)
{
    size_t      i;
    u_char     *p, *last;
    json_t     *role;
    ngx_str_t   name;

    if (!json_is_array(json)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "Keystone sent a token whose \"roles\" are no list");
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(r->pool, NGX_HTTP_GLANCE_ROLES_MAX);
    if (p == NULL) {
        return NGX_ERROR;
    }

    roles->data = p;
    last = p + NGX_HTTP_GLANCE_ROLES_MAX;

    json_array_foreach(json, i, role) {

        if (!ngx_http_glance_keystone_word(json_object_get(role, "name"),
                                           &name)
            || ngx_strlchr(name.data, name.data + name.len, ','))
        {
            ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                          "Keystone sent a role without a usable name, it "
                          "does not count");
            continue;
        }

        if ((size_t) (last - p) < name.len + 1) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "Keystone sent a token with more roles than %d "
                          "bytes can hold", NGX_HTTP_GLANCE_ROLES_MAX);
            return NGX_DECLINED;
        }

        if (p != roles->data) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, name.data, name.len);
    }

    roles->len = p - roles->data;

    return NGX_OK;
}


/* a string that is not empty and can be the value of a header; borrowed */

static ngx_uint_t
ngx_http_glance_keystone_word(json_t *json, ngx_str_t *word)
{
    glance_str_t  text;

    if (!json_is_string(json)) {
        return 0;
    }

    word->data = (u_char *) json_string_value(json);
    word->len = json_string_length(json);

    text.data = word->data;
    text.len = word->len;

    return word->len && glance_utf8_check(text) == GLANCE_UTF8_OK;
}


/* verdict, then the strings, each behind its length of two bytes */

ngx_int_t
ngx_http_glance_keystone_pack(ngx_pool_t *pool,
    ngx_http_glance_token_t *token, ngx_str_t *text)
{
    u_char  *p;

    text->len = 1 + 3 * 2 + token->user.len + token->project.len
                + token->roles.len;

    p = ngx_pnalloc(pool, text->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    *p++ = (u_char) token->verdict;
    p = ngx_http_glance_keystone_pack_string(p, &token->user);
    p = ngx_http_glance_keystone_pack_string(p, &token->project);
    (void) ngx_http_glance_keystone_pack_string(p, &token->roles);

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_keystone_unpack(ngx_str_t *text,
    ngx_http_glance_token_t *token)
{
    u_char  *p, *last;

    ngx_memzero(token, sizeof(ngx_http_glance_token_t));

    if (text->len == 0) {
        return NGX_ERROR;
    }

    p = text->data;
    last = p + text->len;

    token->verdict = *p++;

    p = ngx_http_glance_keystone_unpack_string(p, last, &token->user);
    p = ngx_http_glance_keystone_unpack_string(p, last, &token->project);
    p = ngx_http_glance_keystone_unpack_string(p, last, &token->roles);

    return (p == last) ? NGX_OK : NGX_ERROR;
}


static u_char *
ngx_http_glance_keystone_pack_string(u_char *p, ngx_str_t *s)
{
    *p++ = (u_char) (s->len >> 8);
    *p++ = (u_char) s->len;

    return ngx_cpymem(p, s->data, s->len);
}


static u_char *
ngx_http_glance_keystone_unpack_string(u_char *p, u_char *last, ngx_str_t *s)
{
    size_t  len;

    if (p == NULL || last - p < 2) {
        return NULL;
    }

    len = (size_t) p[0] << 8 | p[1];
    p += 2;

    if ((size_t) (last - p) < len) {
        return NULL;
    }

    s->data = p;
    s->len = len;

    return p + len;
}
