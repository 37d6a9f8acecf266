
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


static ngx_int_t ngx_http_glance_nobody(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_trusted(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_array_t *proxies);
static void ngx_http_glance_identity_header(ngx_http_glance_ctx_t *ctx,
    ngx_table_elt_t *h, ngx_uint_t *confirmed);
static ngx_int_t ngx_http_glance_identity_roles(ngx_http_request_t *r,
    ngx_str_t *roles);


/*
 * Who asks, before anything else is looked at: an access phase handler.
 *
 * Identity headers of clients are never passed on as they came: the registry
 * call makes its own out of what is found here.
 */

ngx_int_t
ngx_http_glance_access(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_glance_ctx_t       *ctx;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (!glcf->enable || glcf->identity == NGX_HTTP_GLANCE_IDENTITY_NONE) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_glance_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->identified) {
        return NGX_OK;
    }

    if (ngx_http_glance_route_open(r, ctx)) {
        return NGX_DECLINED;
    }

    if (glcf->identity == NGX_HTTP_GLANCE_IDENTITY_KEYSTONE) {
        rc = ngx_http_glance_keystone(r, ctx);

    } else {
        rc = ngx_http_glance_trusted(r, ctx, glcf->trusted_proxies);
    }

    if (rc == NGX_HTTP_UNAUTHORIZED && glcf->anonymous) {
        rc = ngx_http_glance_nobody(r, ctx);
    }

    if (rc == NGX_OK
        && (ngx_http_glance_identity_roles(r, &ctx->roles) != NGX_OK
            || ngx_http_glance_identity_roles(r, &ctx->service_roles)
               != NGX_OK))
    {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_OK) {
        ctx->identified = 1;
        ctx->admin = ngx_http_glance_has_role(&ctx->roles, glcf->admin_roles);
    }

    if (rc < NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_glance_refuse(r, ctx, rc);

    return NGX_DONE;
}


void
ngx_http_glance_refuse(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_int_t status)
{
    const char                  *text;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    switch (status) {

    case NGX_HTTP_FORBIDDEN:
        text = ctx->nobody ? "Read-only access"
                           : "The token is not one for a project.";
        break;

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        text = ctx->v2 ? "The Keystone service is temporarily unavailable."
                       : "The identity service is not available.";
        break;

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        text = "Out of memory";
        break;

    default:
        text = ctx->v2 ? "The request you have made requires authentication."
                       : "This server could not verify that you are "
                         "authorized to access the document you requested.";
        break;
    }

    if (status == NGX_HTTP_UNAUTHORIZED
        && glcf->identity == NGX_HTTP_GLANCE_IDENTITY_KEYSTONE
        && ngx_http_glance_add_header(r, "WWW-Authenticate",
                                      &glcf->keystone.challenge)
           != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_fault(r, ctx, status, "%s", text);
}


/* with glance_anonymous: who may look at what is for everybody */

static ngx_int_t
ngx_http_glance_nobody(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ctx->nobody = 1;

    /* whatever was claimed is not true */

    ngx_str_null(&ctx->user);
    ngx_str_null(&ctx->project);
    ngx_str_null(&ctx->roles);
    ngx_str_null(&ctx->service_roles);
    ngx_str_null(&ctx->scope);

    return (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) ? NGX_OK
                                                      : NGX_HTTP_FORBIDDEN;
}


/* the headers of an authenticating proxy, from listed addresses only */

static ngx_int_t
ngx_http_glance_trusted(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_array_t *proxies)
{
    ngx_uint_t        i, confirmed;
    ngx_table_elt_t  *h;
    ngx_list_part_t  *part;

    if (ngx_cidr_match(r->connection->sockaddr, proxies) != NGX_OK) {
        return NGX_HTTP_UNAUTHORIZED;
    }

    confirmed = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            ngx_http_glance_identity_header(ctx, &h[i], &confirmed);
        }
    }

    return confirmed ? NGX_OK : NGX_HTTP_UNAUTHORIZED;
}


static void
ngx_http_glance_identity_header(ngx_http_glance_ctx_t *ctx,
    ngx_table_elt_t *h, ngx_uint_t *confirmed)
{
    glance_str_t  key, value, word;

    key.data = h->key.data;
    key.len = h->key.len;

    if (!glance_str_case_starts(key, glance_str("x-"))) {
        return;
    }

    if (glance_str_case_eq(key, glance_str("x-identity-status"))) {
        value.data = h->value.data;
        value.len = h->value.len;
        word = glance_str("confirmed");

        *confirmed = glance_str_case_eq(value, word);
        return;
    }

    if (glance_str_case_eq(key, glance_str("x-user-id"))) {
        ctx->user = h->value;
        return;
    }

    if (glance_str_case_eq(key, glance_str("x-project-id"))) {
        ctx->project = h->value;
        return;
    }

    if (glance_str_case_eq(key, glance_str("x-tenant-id"))) {

        /* the old name counts if the new one is not there */

        if (ctx->project.len == 0) {
            ctx->project = h->value;
        }

        return;
    }

    if (glance_str_case_eq(key, glance_str("x-roles"))) {
        ctx->roles = h->value;
        return;
    }

    if (glance_str_case_eq(key, glance_str("x-service-roles"))) {
        ctx->service_roles = h->value;
        return;
    }

    if (glance_str_case_eq(key, glance_str("x-system-scope"))) {
        ctx->scope = h->value;
    }
}


/* whoever compares them finds small letters, and commas only between */

static ngx_int_t
ngx_http_glance_identity_roles(ngx_http_request_t *r, ngx_str_t *roles)
{
    size_t   i;
    u_char  *p, *start;

    if (roles->len == 0) {
        return NGX_OK;
    }

    start = ngx_pnalloc(r->pool, roles->len);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = start;

    for (i = 0; i < roles->len; i++) {

        if (roles->data[i] == ' ' || roles->data[i] == '\t') {

            /* a name may have blanks in it */

            if (p == start || p[-1] == ',') {
                continue;
            }

        } else if (roles->data[i] == ',') {

            while (p > start && (p[-1] == ' ' || p[-1] == '\t')) {
                p--;
            }
        }

        *p++ = ngx_tolower(roles->data[i]);
    }

    roles->data = start;
    roles->len = p - start;

    return NGX_OK;
}


/* one of these in a list of words with commas between, in any case */

ngx_uint_t
ngx_http_glance_has_role(ngx_str_t *roles, ngx_array_t *wanted)
{
    u_char        *p, *q, *last;
    ngx_str_t     *role;
    ngx_uint_t     i;
    glance_str_t   word, name;

    role = wanted->elts;
    last = roles->data + roles->len;

    for (p = roles->data; p < last; p = q + 1) {

        q = ngx_strlchr(p, last, ',');
        if (q == NULL) {
            q = last;
        }

        word.data = p;
        word.len = q - p;

        for (i = 0; i < wanted->nelts; i++) {
            name.data = role[i].data;
            name.len = role[i].len;

            if (glance_str_case_eq(glance_str_trim(word), name)) {
                return 1;
            }
        }
    }

    return 0;
}


/* a list of roles, this one by default */

char *
ngx_http_glance_merge_roles(ngx_conf_t *cf, ngx_array_t *prev,
    ngx_array_t **conf, const char *name)
{
    ngx_str_t  *role;

    ngx_conf_merge_ptr_value(*conf, prev, NULL);

    if (*conf) {
        return NGX_CONF_OK;
    }

    *conf = ngx_array_create(cf->pool, 1, sizeof(ngx_str_t));
    if (*conf == NULL) {
        return NGX_CONF_ERROR;
    }

    role = ngx_array_push(*conf);
    if (role == NULL) {
        return NGX_CONF_ERROR;
    }

    role->data = (u_char *) name;
    role->len = ngx_strlen(name);

    return NGX_CONF_OK;
}
