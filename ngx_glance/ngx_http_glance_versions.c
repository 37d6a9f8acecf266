
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_route.h"


#define NGX_HTTP_GLANCE_MULTIPLE_CHOICES  300


static ngx_uint_t ngx_http_glance_versions_known(u_char *name, size_t len);
static void ngx_http_glance_versions_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status);


/*
 * The versioned APIs that are served, newest first.  The seed's own API has
 * no version and so no entry (specs/v1.md 2.1).
 */

static const struct {
    const char  *id;
    const char  *status;
    const char  *path;
} ngx_http_glance_version_table[] = {
    { "v1.1", "CURRENT", "/v1/" },
    { "v1.0", "SUPPORTED", "/v1/" },
    { NULL, NULL, NULL }
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
    json_t      *json, *list;
    ngx_str_t    base;
    ngx_uint_t   i;

    if (ngx_http_glance_base_uri(r, &base) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    list = json_array();

    for (i = 0; ngx_http_glance_version_table[i].id; i++) {
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


/* "/v1" has become a directory */

void
ngx_http_glance_versions_slash(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  base, uri, empty;

    if (ngx_http_glance_base_uri(r, &base) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    uri.len = base.len + sizeof("/v1/") - 1;

    uri.data = ngx_pnalloc(r->pool, uri.len);
    if (uri.data == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    (void) ngx_sprintf(uri.data, "%V/v1/", &base);

    if (ngx_http_glance_add_header(r, "Location", &uri) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_str_null(&empty);

    ngx_http_glance_send(r, ctx, NGX_HTTP_MOVED_TEMPORARILY, "text/html",
                         &empty);
}


/*
 * Which version a request means (specs/v1.md 2.1): the media type that it
 * accepts, or else the first segment of its path.  v1.0 and v1.1 are one API:
 * their paths become those of v1.  NGX_DECLINED: there is no such version.
 */

ngx_int_t
ngx_http_glance_versions_path(ngx_http_request_t *r, ngx_str_t *path)
{
    u_char     *p, *rest, *last;
    ngx_str_t  *accept, media, version;

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

    if (!ngx_http_glance_versions_known(version.data, version.len)) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(r->pool, sizeof("/v1") - 1 + (last - rest));
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->data = p;
    p = ngx_cpymem(p, "/v1", sizeof("/v1") - 1);
    p = ngx_cpymem(p, rest, last - rest);
    path->len = p - path->data;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_glance_versions_known(u_char *name, size_t len)
{
    ngx_uint_t   i;
    const char  *id;

    if (len == 2 && ngx_strncmp(name, "v1", 2) == 0) {
        return 1;
    }

    for (i = 0; ngx_http_glance_version_table[i].id; i++) {
        id = ngx_http_glance_version_table[i].id;

        if (ngx_strlen(id) == len && ngx_strncmp(name, id, len) == 0) {
            return 1;
        }
    }

    return 0;
}
