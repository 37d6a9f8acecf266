
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"


/* whoever uses another one in v1 hears that nobody does */
#define NGX_HTTP_GLANCE_METHODS                                               \
    (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_DELETE    \
     |NGX_HTTP_PATCH)


static void ngx_http_glance_dispatch(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_preflight(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_route_allows(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_route_path(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *path);
static ngx_uint_t ngx_http_glance_route_match(const ngx_str_t *pattern,
    ngx_str_t *path, ngx_str_t *id, ngx_str_t *member);
static ngx_int_t ngx_http_glance_route_id(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_not_allowed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *path);


/* every path and method that is answered, in one table */

static const ngx_http_glance_route_t  ngx_http_glance_routes[] = {

    { 0, ngx_string("/"), ngx_http_glance_versions_choice, NULL, 0 },
    { 0, ngx_string("/versions"), ngx_http_glance_versions, NULL, 0 },
    { 0, ngx_string("/versions/"), ngx_http_glance_versions, NULL, 0 },

    { NGX_HTTP_GET|NGX_HTTP_HEAD, ngx_string("/healthcheck"),
      ngx_http_glance_health, NULL, 0 },

    { NGX_HTTP_GET, ngx_string("/images"),
      ngx_http_glance_seed_index, &ngx_http_glance_dialect_seed, 0 },
    { NGX_HTTP_POST, ngx_string("/images"),
      ngx_http_glance_post, &ngx_http_glance_dialect_seed, 0 },

    { NGX_HTTP_GET, ngx_string("/images/"),
      ngx_http_glance_seed_index, &ngx_http_glance_dialect_seed, 0 },
    { NGX_HTTP_POST, ngx_string("/images/"),
      ngx_http_glance_post, &ngx_http_glance_dialect_seed, 0 },

    { NGX_HTTP_GET, ngx_string("/images/detail"),
      ngx_http_glance_seed_detail, &ngx_http_glance_dialect_seed, 0 },

    { NGX_HTTP_GET, ngx_string("/images/{id}"),
      ngx_http_glance_get, &ngx_http_glance_dialect_seed, 0 },
    { NGX_HTTP_HEAD, ngx_string("/images/{id}"),
      ngx_http_glance_head, &ngx_http_glance_dialect_seed, 0 },
    { NGX_HTTP_PUT, ngx_string("/images/{id}"),
      ngx_http_glance_put, &ngx_http_glance_dialect_seed, 0 },
    { NGX_HTTP_DELETE, ngx_string("/images/{id}"),
      ngx_http_glance_delete, &ngx_http_glance_dialect_seed, 0 },

    { 0, ngx_string("/v1"), ngx_http_glance_versions_slash, NULL, 0 },

    { NGX_HTTP_GET, ngx_string("/v1/"),
      ngx_http_glance_v1_index, &ngx_http_glance_dialect_v1, 0 },

    { NGX_HTTP_GET, ngx_string("/v1/images"),
      ngx_http_glance_v1_index, &ngx_http_glance_dialect_v1, 0 },
    { NGX_HTTP_POST, ngx_string("/v1/images"),
      ngx_http_glance_v1_post, &ngx_http_glance_dialect_v1, 0 },

    { NGX_HTTP_GET, ngx_string("/v1/images/detail"),
      ngx_http_glance_v1_detail, &ngx_http_glance_dialect_v1, 0 },

    { NGX_HTTP_GET, ngx_string("/v1/images/{id}"),
      ngx_http_glance_v1_get, &ngx_http_glance_dialect_v1, 0 },
    { NGX_HTTP_HEAD, ngx_string("/v1/images/{id}"),
      ngx_http_glance_head, &ngx_http_glance_dialect_v1, 0 },
    { NGX_HTTP_PUT, ngx_string("/v1/images/{id}"),
      ngx_http_glance_v1_put, &ngx_http_glance_dialect_v1, 0 },
    { NGX_HTTP_DELETE, ngx_string("/v1/images/{id}"),
      ngx_http_glance_delete, &ngx_http_glance_dialect_v1, 0 },

    /* where openstack's client and SDK look for the data of an image */
    { NGX_HTTP_GET, ngx_string("/v1/images/{id}/file"),
      ngx_http_glance_get, &ngx_http_glance_dialect_v1, 0 },

    { NGX_HTTP_GET, ngx_string("/v1/images/{id}/members"),
      ngx_http_glance_members_index, &ngx_http_glance_dialect_v1, 0 },
    { NGX_HTTP_PUT, ngx_string("/v1/images/{id}/members"),
      ngx_http_glance_members_replace, &ngx_http_glance_dialect_v1, 0 },

    { NGX_HTTP_PUT, ngx_string("/v1/images/{id}/members/{member}"),
      ngx_http_glance_member_save, &ngx_http_glance_dialect_v1, 0 },
    { NGX_HTTP_DELETE, ngx_string("/v1/images/{id}/members/{member}"),
      ngx_http_glance_member_delete, &ngx_http_glance_dialect_v1, 0 },

    { NGX_HTTP_GET, ngx_string("/v1/shared-images/{member}"),
      ngx_http_glance_shared_images, &ngx_http_glance_dialect_v1, 0 },

    { 0, ngx_string("/v2"),
      ngx_http_glance_versions_slash, &ngx_http_glance_dialect_v2, 0 },

    { NGX_HTTP_GET|NGX_HTTP_POST, ngx_string("/v2/images"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2,
      NGX_HTTP_GET|NGX_HTTP_POST },

    { NGX_HTTP_GET, ngx_string("/v2/images/{id}"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },
    { NGX_HTTP_PATCH, ngx_string("/v2/images/{id}"),
      ngx_http_glance_sources, &ngx_http_glance_dialect_v2, NGX_HTTP_PATCH },
    { NGX_HTTP_DELETE, ngx_string("/v2/images/{id}"),
      ngx_http_glance_v2_delete, &ngx_http_glance_dialect_v2, 0 },

    { NGX_HTTP_GET, ngx_string("/v2/images/{id}/file"),
      ngx_http_glance_v2_download, &ngx_http_glance_dialect_v2, 0 },
    { NGX_HTTP_PUT, ngx_string("/v2/images/{id}/file"),
      ngx_http_glance_v2_upload, &ngx_http_glance_dialect_v2, NGX_HTTP_PUT },

    { NGX_HTTP_POST, ngx_string("/v2/images/{id}/actions/deactivate"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },
    { NGX_HTTP_POST, ngx_string("/v2/images/{id}/actions/reactivate"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },

    { NGX_HTTP_GET, ngx_string("/v2/images/{id}/locations"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },
    { NGX_HTTP_POST, ngx_string("/v2/images/{id}/locations"),
      ngx_http_glance_sources, &ngx_http_glance_dialect_v2, NGX_HTTP_POST },

    { NGX_HTTP_PUT|NGX_HTTP_DELETE, ngx_string("/v2/images/{id}/tags/{tag}"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },

    { NGX_HTTP_GET|NGX_HTTP_POST, ngx_string("/v2/images/{id}/members"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, NGX_HTTP_POST },
    { NGX_HTTP_GET|NGX_HTTP_PUT|NGX_HTTP_DELETE,
      ngx_string("/v2/images/{id}/members/{member}"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, NGX_HTTP_PUT },

    { NGX_HTTP_GET, ngx_string("/v2/schemas/{name}"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },
    { NGX_HTTP_GET, ngx_string("/v2/schemas/metadefs/{name}"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },

    { NGX_HTTP_GET, ngx_string("/v2/info/import"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },
    { NGX_HTTP_GET, ngx_string("/v2/info/stores"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },
    { NGX_HTTP_GET, ngx_string("/v2/info/stores/detail"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },

    /* the registry knows no other methods of these, not even as 405 */

    { 0, ngx_string("/v2/info/usage"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },
    { 0, ngx_string("/v2/images/{id}/tasks"),
      ngx_http_glance_pass, &ngx_http_glance_dialect_v2, 0 },

    { 0, ngx_null_string, NULL, NULL, 0 }
};


static const struct {
    ngx_uint_t  method;
    ngx_str_t   name;
} ngx_http_glance_methods[] = {
    { NGX_HTTP_GET, ngx_string("GET") },
    { NGX_HTTP_HEAD, ngx_string("HEAD") },
    { NGX_HTTP_POST, ngx_string("POST") },
    { NGX_HTTP_PUT, ngx_string("PUT") },
    { NGX_HTTP_PATCH, ngx_string("PATCH") },
    { NGX_HTTP_DELETE, ngx_string("DELETE") },
    { 0, ngx_null_string }
};


/*
 * The content handler.  What it starts ends in ngx_http_glance_finalize(),
 * now or later; the reference taken here is what that pays back.
 */

ngx_int_t
ngx_http_glance_handler(ngx_http_request_t *r)
{
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_glance_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    ngx_http_glance_dispatch(r, ctx);

    return NGX_DONE;
}


static void
ngx_http_glance_dispatch(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                       rc;
    ngx_str_t                       path, id, member;
    ngx_uint_t                      known;
    const ngx_http_glance_route_t  *route;

    rc = ngx_http_glance_route_path(r, ctx, &path);

    if (rc == NGX_DECLINED) {
        ngx_http_glance_versions_choice(r, ctx);
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->path = path;

    if (r->method == NGX_HTTP_OPTIONS && ngx_http_glance_preflight(r, ctx)) {
        return;
    }

    if (ctx->v2 && !ngx_http_glance_request_id(r, ctx)) {
        return;
    }

    known = 0;

    for (route = ngx_http_glance_routes; route->path.len; route++) {

        if (!ngx_http_glance_route_match(&route->path, &path, &id, &member)) {
            continue;
        }

        /* "/images/detail" is no image */

        if (known && id.len && ctx->image_id.len == 0) {
            break;
        }

        known = 1;
        ctx->image_id = id;
        ctx->member = member;

        if (route->method && !(route->method & r->method)) {
            continue;
        }

        ctx->route = route;

        /* nginx would evaluate them for every answer with status 200 */

        r->disable_not_modified = (route->dialect
                                   && !route->dialect->conditions);

        if (ngx_http_glance_route_allows(r, ctx)) {
            route->handler(r, ctx);
        }

        return;
    }

    if (known && ngx_strncmp(path.data, "/v1/", 4) == 0
        && !(r->method & NGX_HTTP_GLANCE_METHODS))
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_IMPLEMENTED,
                              "The method %V is not implemented.",
                              &r->method_name);
        return;
    }

    if (known) {
        ngx_http_glance_not_allowed(r, ctx, &path);
        return;
    }

    ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND, "%s",
                          ctx->v2 ? "The resource could not be found."
                                  : "The path is not part of this API");
}


/* API v2 always answers it, the others when there are pages to answer */

static ngx_uint_t
ngx_http_glance_preflight(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (!ctx->v2 && glcf->cors.origins == NULL) {
        return 0;
    }

    ngx_http_glance_cors_preflight(r, ctx);

    return 1;
}


/* zero: the client has got its answer */

static ngx_uint_t
ngx_http_glance_route_allows(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    const ngx_http_glance_route_t  *route;
    ngx_http_glance_loc_conf_t     *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    route = ctx->route;

    if (glcf->identity == NGX_HTTP_GLANCE_IDENTITY_NONE) {
        ctx->admin = 1;

    } else if (route->dialect && !ctx->identified) {

        /* "satisfy any" let the access phase go on without us */
        ngx_http_glance_refuse(r, ctx, NGX_HTTP_UNAUTHORIZED);
        return 0;
    }

    if (ctx->v2 && !(route->bodies & r->method)
        && ngx_http_glance_has_body(r))
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "A body is not expected with this request.");
        return 0;
    }

    /* the registry says what it thinks of an id that is none */

    return ctx->image_id.len == 0
           || route->handler == ngx_http_glance_pass
           || route->handler == ngx_http_glance_sources
           || ngx_http_glance_route_id(r, ctx) == NGX_OK;
}


/* what needs no identity: versions, and asking what there is to ask */

ngx_uint_t
ngx_http_glance_route_open(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t                       path, id, member;
    const ngx_http_glance_route_t  *route;

    if (r->method == NGX_HTTP_OPTIONS
        || ngx_http_glance_route_path(r, ctx, &path) != NGX_OK)
    {
        return 1;
    }

    for (route = ngx_http_glance_routes; route->path.len; route++) {

        if (route->dialect == NULL
            && ngx_http_glance_route_match(&route->path, &path, &id, &member))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Behind the prefix of the location, and that of a version as the table has
 * it; NGX_DECLINED: a version that there is not.
 */

static ngx_int_t
ngx_http_glance_route_path(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_str_t *path)
{
    ngx_int_t                    rc;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    path->data = r->uri.data + glcf->prefix.len;
    path->len = r->uri.len - glcf->prefix.len;

    if (path->len == 0) {
        ngx_str_set(path, "/");
    }

    rc = ngx_http_glance_versions_path(r, path);

    ctx->v2 = (rc == NGX_OK && path->len >= 3
               && ngx_strncmp(path->data, "/v2", 3) == 0
               && (path->len == 3 || path->data[3] == '/'));

    return rc;
}


static ngx_uint_t
ngx_http_glance_route_match(const ngx_str_t *pattern, ngx_str_t *path,
    ngx_str_t *id, ngx_str_t *member)
{
    u_char     *p, *q, *end, *last;
    ngx_str_t  *param;

    ngx_str_null(id);
    ngx_str_null(member);

    p = pattern->data;
    end = p + pattern->len;
    q = path->data;
    last = q + path->len;

    while (p < end) {

        if (*p == '{') {
            param = (p[1] == 'i') ? id : member;
            param->data = q;

            while (q < last && *q != '/') {
                q++;
            }

            param->len = q - param->data;

            if (param->len == 0) {
                return 0;
            }

            p = (u_char *) ngx_strchr(p, '}') + 1;
            continue;
        }

        if (q == last || *p != *q) {
            return 0;
        }

        p++;
        q++;
    }

    return q == last;
}


/*
 * Ids are compared byte by byte and name files: nothing that is not an id
 * goes any further, and there is one spelling, except in API v2, which keeps
 * the one that an image was created with.
 */

static ngx_int_t
ngx_http_glance_route_id(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    u_char        *p;
    ngx_str_t      id;
    glance_str_t   text;

    id = ctx->image_id;

    text.data = id.data;
    text.len = id.len;

    if (!glance_image_id_valid(text)) {
        id.len = ngx_min(id.len, 64);
        ngx_str_null(&ctx->image_id);

        ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND,
                              ctx->v2 ? "No image found with ID %V"
                                      : "Image with identifier %V not found",
                              &id);
        return NGX_ERROR;
    }

    if (ctx->v2) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, id.len);
    if (p == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return NGX_ERROR;
    }

    ngx_strlow(p, id.data, id.len);
    ctx->image_id.data = p;

    return NGX_OK;
}


static void
ngx_http_glance_not_allowed(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_str_t *path)
{
    u_char                         *p;
    ngx_str_t                       allow, id, member;
    ngx_uint_t                      i;
    const ngx_http_glance_route_t  *route;
    u_char                          buf[64];

    p = buf;

    for (route = ngx_http_glance_routes; route->path.len; route++) {

        if (!ngx_http_glance_route_match(&route->path, path, &id, &member)
            || (id.len != 0) != (ctx->image_id.len != 0))
        {
            continue;
        }

        for (i = 0; ngx_http_glance_methods[i].method; i++) {

            if (route->method & ngx_http_glance_methods[i].method) {
                p = ngx_slprintf(p, buf + sizeof(buf), "%s%V",
                                 (p == buf) ? "" : ", ",
                                 &ngx_http_glance_methods[i].name);
            }
        }
    }

    allow.len = p - buf;

    allow.data = ngx_pnalloc(r->pool, allow.len);
    if (allow.data == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_memcpy(allow.data, buf, allow.len);

    if (ngx_http_glance_add_header(r, "Allow", &allow) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_ALLOWED,
                          "The method %V is not allowed for this resource.",
                          &r->method_name);
}
