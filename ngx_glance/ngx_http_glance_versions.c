
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_route.h"


static const char *ngx_http_glance_versions_find(ngx_str_t *version,
    ngx_uint_t served);
static void ngx_http_glance_versions_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status);


/*
 * The versioned APIs that are served, newest first.  The seed's own API has
 * no version and so no entry (specs/v1.md 2.1).  Of v2 those minors are here
 * that a server with one store and without a cache has (specs/v2/01 1.1).
 */

static const struct {
    const char  *id;
    const char  *status;
    const char  *path;
    ngx_uint_t   api;
} ngx_http_glance_version_table[] = {
    { "v2.17", "CURRENT", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.15", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.9", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.7", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.6", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.5", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.4", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.3", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.2", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.1", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v2.0", "SUPPORTED", "/v2/", NGX_HTTP_GLANCE_V2 },
    { "v1.1", "SUPPORTED", "/v1/", NGX_HTTP_GLANCE_V1 },
    { "v1.0", "SUPPORTED", "/v1/", NGX_HTTP_GLANCE_V1 },
    { NULL, NULL, NULL, 0 }
};


/* "/versions": 200 */

void
ngx_http_glance_versions(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_versions_send(r, ctx, NGX_HTTP_OK);
}


/* "/": the same with 300 */

void
ngx_http_glance_versions_choice(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_versions_send(r, ctx, NGX_HTTP_GLANCE_MULTIPLE_CHOICES);
}


static void
ngx_http_glance_versions_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status)
{
    json_t                      *json, *list;
    ngx_str_t                    base;
    ngx_uint_t                   i;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (ngx_http_glance_base_uri(r, &base) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    list = json_array();

    for (i = 0; ngx_http_glance_version_table[i].id; i++) {

        if (!(ngx_http_glance_version_table[i].api & glcf->versions)) {
            continue;
        }

        (void) json_array_append_new(list,
                   json_pack("{s:s, s:s, s:[{s:s, s:s%+}]}",
                             "id", ngx_http_glance_version_table[i].id,
                             "status", ngx_http_glance_version_table[i].status,
                             "links", "rel", "self",
                             "href", base.data, base.len,
                             ngx_http_glance_version_table[i].path));
    }

    if (status == NGX_HTTP_GLANCE_MULTIPLE_CHOICES) {
        /* the one status that nginx has no line for */
        ngx_str_set(&r->headers_out.status_line, "300 Multiple Choices");
    }

    json = json_pack("{s:o}", "versions", list);

    ngx_http_glance_send_json(r, ctx, status, json);
}


/* "/v1" and "/v2" are directories */

void
ngx_http_glance_versions_slash(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  base, uri, empty;

    if (ngx_http_glance_base_uri(r, &base) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    uri.len = base.len + ctx->path.len + 1;

    uri.data = ngx_pnalloc(r->pool, uri.len);
    if (uri.data == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    (void) ngx_sprintf(uri.data, "%V%V/", &base, &ctx->path);

    if (ngx_http_glance_add_header(r, "Location", &uri) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_str_null(&empty);

    ngx_http_glance_send(r, ctx, NGX_HTTP_MOVED_TEMPORARILY, "text/html",
                         &empty);
}


/*
 * Which version a request means (specs/v1.md 2.1, specs/v2/01 1.1): the media
 * type that it accepts, or else the first segment of its path.  The minors of
 * a version are one API: their paths become those of "v1" and "v2".
 * NGX_DECLINED: there is no such version.
 */

ngx_int_t
ngx_http_glance_versions_path(ngx_http_request_t *r, ngx_str_t *path)
{
    u_char                      *p, *rest, *last;
    ngx_str_t                   *accept, media, version;
    const char                  *name;
    ngx_http_glance_loc_conf_t  *glcf;

    static u_char  prefix[] = "application/vnd.openstack.images-";

    media.data = prefix;
    media.len = sizeof(prefix) - 1;

    rest = path->data;
    last = path->data + path->len;

    accept = ngx_http_glance_header_find(r, "accept");

    if (accept && accept->len >= media.len
        && ngx_strncmp(accept->data, media.data, media.len) == 0)
    {
        version.data = accept->data + media.len;
        version.len = accept->len - media.len;

    } else {
        p = ngx_strlchr(path->data + 1, last, '/');

        version.data = path->data + 1;
        version.len = (p ? p : last) - version.data;

        if (version.len < 2 || version.data[0] != 'v'
            || version.data[1] < '0' || version.data[1] > '9')
        {
            return NGX_OK;
        }

        rest = version.data + version.len;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    name = ngx_http_glance_versions_find(&version, glcf->versions);

    if (name == NULL) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(r->pool, sizeof("/v1") - 1 + (last - rest));
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->data = p;
    p = ngx_cpymem(p, name, sizeof("/v1") - 1);
    p = ngx_cpymem(p, rest, last - rest);
    path->len = p - path->data;

    return NGX_OK;
}


/* "/v1" or "/v2", NULL if the version is none that is served */

static const char *
ngx_http_glance_versions_find(ngx_str_t *version, ngx_uint_t served)
{
    size_t       len;
    ngx_uint_t   i;
    const char  *id;

    for (i = 0; ngx_http_glance_version_table[i].id; i++) {
        id = ngx_http_glance_version_table[i].id;
        len = ngx_strlen(id);

        /* the whole of it, or without a minor */

        if ((ngx_http_glance_version_table[i].api & served)
            && (version->len == len || version->len == sizeof("v1") - 1)
            && ngx_strncmp(version->data, id, version->len) == 0)
        {
            return ngx_http_glance_version_table[i].path;
        }
    }

    return NULL;
}
