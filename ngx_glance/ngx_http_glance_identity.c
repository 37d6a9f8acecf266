
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


static ngx_uint_t ngx_http_glance_peer_trusted(ngx_http_request_t *r,
    ngx_array_t *proxies);
static ngx_uint_t ngx_http_glance_has_role(ngx_str_t *roles,
    const char *role);
static void ngx_http_glance_identity_header(ngx_http_glance_ctx_t *ctx,
    ngx_table_elt_t *h, ngx_uint_t *confirmed);


/*
 * Who asks.  With "trusted" the identity headers of an authenticating proxy
 * are believed, from listed addresses only; nobody else's are looked at, and
 * none is ever passed on as it came: the registry call makes its own.
 */

ngx_int_t
ngx_http_glance_identify(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_uint_t                   i, confirmed;
    ngx_table_elt_t             *h;
    ngx_list_part_t             *part;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (glcf->identity == NGX_HTTP_GLANCE_IDENTITY_NONE) {
        ctx->admin = 1;
        return NGX_OK;
    }

    if (!ngx_http_glance_peer_trusted(r, glcf->trusted_proxies)) {
        return NGX_HTTP_UNAUTHORIZED;
    }

    confirmed = 0;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        ngx_http_glance_identity_header(ctx, &h[i], &confirmed);
    }

    if (!confirmed) {
        return NGX_HTTP_UNAUTHORIZED;
    }

    ctx->identified = 1;
    ctx->admin = ngx_http_glance_has_role(&ctx->roles, "admin");

    return NGX_OK;
}


static ngx_uint_t
ngx_http_glance_peer_trusted(ngx_http_request_t *r, ngx_array_t *proxies)
{
    struct sockaddr  *sa;

    sa = r->connection->sockaddr;

    return ngx_cidr_match(sa, proxies) == NGX_OK;
}


/* in a list of words with commas between */

static ngx_uint_t
ngx_http_glance_has_role(ngx_str_t *roles, const char *role)
{
    u_char        *p, *q, *last;
    glance_str_t   word;

    last = roles->data + roles->len;

    for (p = roles->data; p < last; p = q + 1) {

        q = ngx_strlchr(p, last, ',');
        if (q == NULL) {
            q = last;
        }

        word.data = p;
        word.len = q - p;

        if (glance_str_case_eq(glance_str_trim(word), glance_str(role))) {
            return 1;
        }
    }

    return 0;
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
    }
}
