
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


/* /images/{id}/members/{member}, a member being 255 characters */
#define NGX_HTTP_GLANCE_PATH_MAX  1280


static ngx_int_t ngx_http_glance_registry_start(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_call_t *call,
    const char *method, ngx_str_t *path, ngx_str_t *args, json_t *body);
static ngx_int_t ngx_http_glance_registry_identity(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_registry_claim(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_wake(ngx_http_request_t *r);


/*
 * Asks the registry, and goes on with next(r, ctx) when ctx->call holds the
 * answer; also when there will be none.  body is stolen.
 */

void
ngx_http_glance_registry_call(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *path,
    ngx_str_t *args, json_t *body, ngx_http_glance_step_pt next)
{
    ngx_memzero(&ctx->call, sizeof(ngx_http_glance_call_t));

    ctx->call.next = next;
    r->write_event_handler = ngx_http_glance_wake;

    if (ngx_http_glance_registry_start(r, ctx, &ctx->call, method, path, args,
                                       body)
        != NGX_OK)
    {
        /* no memory; a subrequest may be posted that must never run */
        ngx_http_glance_finalize(r, ctx, NGX_ERROR);
    }
}


/*
 * What the registry needs to know before ctx->text, the body of the request,
 * is sent to it: the same call, which changes nothing.
 */

void
ngx_http_glance_registry_ask(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *type, ngx_http_glance_step_pt next)
{
    ngx_str_t                    word;
    ngx_http_request_t          *sr;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    ngx_memzero(&ctx->call, sizeof(ngx_http_glance_call_t));

    ctx->call.next = next;
    r->write_event_handler = ngx_http_glance_wake;

    sr = ngx_http_glance_call(r, ctx, &ctx->call, "PATCH", &glcf->registry,
                              &ctx->path, NULL);

    ngx_str_set(&word, "sizes");

    if (sr == NULL
        || ngx_http_glance_registry_headers(sr, ctx) != NGX_OK
        || ngx_http_glance_sources_headers(sr, ctx) != NGX_OK
        || ngx_http_glance_call_header(sr, "x-glance-ask", &word) != NGX_OK
        || ngx_http_glance_call_body(sr, &ctx->text, type) != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_ERROR);
    }
}


/* the same without waiting: nobody is called, call->done tells; body stolen */

ngx_int_t
ngx_http_glance_registry_background(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_call_t *call,
    const char *method, ngx_str_t *path, json_t *body)
{
    ngx_memzero(call, sizeof(ngx_http_glance_call_t));

    call->quiet = 1;

    return ngx_http_glance_registry_start(r, ctx, call, method, path, NULL,
                                          body);
}


/* a call on /images/{id}, or on /images when id is NULL */

void
ngx_http_glance_registry_image(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *id,
    json_t *body, ngx_http_glance_step_pt next)
{
    if (id == NULL) {
        ngx_http_glance_registry_path(r, ctx, method, NULL, body, next,
                                      "/images");
        return;
    }

    ngx_http_glance_registry_path(r, ctx, method, NULL, body, next,
                                  "/images/%V", id);
}


/* the same for any path; nginx escapes what needs it */

void ngx_cdecl
ngx_http_glance_registry_path(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *args,
    json_t *body, ngx_http_glance_step_pt next, const char *fmt, ...)
{
    u_char     *p;
    va_list     ap;
    ngx_str_t   path;

    p = ngx_pnalloc(r->pool, NGX_HTTP_GLANCE_PATH_MAX);
    if (p == NULL) {
        json_decref(body);
        ngx_http_glance_finalize(r, ctx, NGX_ERROR);
        return;
    }

    va_start(ap, fmt);

    path.data = p;
    path.len = ngx_vslprintf(p, p + NGX_HTTP_GLANCE_PATH_MAX, fmt, ap) - p;

    va_end(ap);

    ngx_http_glance_registry_call(r, ctx, method, &path, args, body, next);
}


static ngx_int_t
ngx_http_glance_registry_start(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_call_t *call,
    const char *method, ngx_str_t *path, ngx_str_t *args, json_t *body)
{
    ngx_int_t                    rc;
    ngx_str_t                    text;
    ngx_http_request_t          *sr;
    ngx_http_glance_loc_conf_t  *glcf;

    rc = NGX_ERROR;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    sr = ngx_http_glance_call(r, ctx, call, method, &glcf->registry, path,
                              args);

    if (sr && ngx_http_glance_registry_headers(sr, ctx) == NGX_OK) {

        if (body == NULL) {
            rc = NGX_OK;

        } else if (ngx_http_glance_json_dump(sr, body, &text) == NGX_OK) {
            rc = ngx_http_glance_call_json(sr, &text);
        }
    }

    json_decref(body);

    return rc;
}


/* who asks and for what: the headers that registries believe */

ngx_int_t
ngx_http_glance_registry_headers(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  word;

    if (ngx_http_glance_call_header(sr, "x-openstack-request-id",
                                    &ctx->request_id)
        != NGX_OK
        || ngx_http_glance_call_header(sr, "x-glance-fields", &ctx->fields)
           != NGX_OK
        || ngx_http_glance_registry_identity(sr, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->policy) {
        word.data = (u_char *) ctx->policy;
        word.len = ngx_strlen(ctx->policy);

        if (ngx_http_glance_call_header(sr, "x-glance-policy", &word)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ctx->purge) {
        ngx_str_set(&word, "true");

        if (ngx_http_glance_call_header(sr, "x-glance-registry-purge-props",
                                        &word)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ctx->claim ? ngx_http_glance_registry_claim(sr, ctx) : NGX_OK;
}


static ngx_int_t
ngx_http_glance_registry_identity(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  word;

    if (!ctx->identified) {

        /* everybody is administrator, of no project */

        ngx_str_set(&word, "admin");

        return ctx->v2 ? ngx_http_glance_call_header(sr, "x-roles", &word)
                       : NGX_OK;
    }

    if (ctx->nobody) {
        ngx_str_set(&word, "True");

        return ngx_http_glance_call_header(sr, "x-is-anonymous", &word);
    }

    ngx_str_set(&word, "Confirmed");

    if (ngx_http_glance_call_header(sr, "x-identity-status", &word) != NGX_OK
        || ngx_http_glance_call_header(sr, "x-user-id", &ctx->user) != NGX_OK
        || ngx_http_glance_call_header(sr, "x-tenant-id", &ctx->project)
           != NGX_OK
        || ngx_http_glance_call_header(sr, "x-project-id", &ctx->project)
           != NGX_OK
        || ngx_http_glance_call_header(sr, "x-roles", &ctx->roles) != NGX_OK
        || ngx_http_glance_call_header(sr, "x-service-roles",
                                       &ctx->service_roles)
           != NGX_OK
        || ngx_http_glance_call_header(sr, "x-system-scope", &ctx->scope)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * A claim says who works on an image and what becomes of it when he is not
 * heard of for a lease time.  Registries that know no claims ignore it.
 */

static ngx_int_t
ngx_http_glance_registry_claim(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx)
{
    u_char                      *p;
    ngx_str_t                    id, lease, word;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(ctx->request, ngx_http_glance_module);

    p = ngx_pnalloc(sr->pool, NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    lease.data = p;
    lease.len = ngx_sprintf(p, "%M", glcf->lease / 1000) - p;

    id.data = ctx->claim->id;
    id.len = GLANCE_UUID_LEN;

    word.data = (u_char *) ctx->claim->on_expire;
    word.len = ngx_strlen(ctx->claim->on_expire);

    if (ngx_http_glance_call_header(sr, "x-glance-claim", &id) != NGX_OK
        || ngx_http_glance_call_header(sr, "x-glance-claim-lease", &lease)
           != NGX_OK
        || ngx_http_glance_call_header(sr, "x-glance-claim-abort", &word)
           != NGX_OK
        || ngx_http_glance_call_header(sr, "x-glance-node", &glcf->node)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_glance_wake(ngx_http_request_t *r)
{
    ngx_http_glance_ctx_t    *ctx;
    ngx_http_glance_step_pt   next;

    ctx = ngx_http_glance_get_ctx(r);

    if (ctx == NULL || !ctx->call.done || ctx->call.next == NULL) {
        return;
    }

    next = ctx->call.next;
    ctx->call.next = NULL;

    next(r, ctx);
}
