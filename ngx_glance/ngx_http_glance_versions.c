
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_route.h"


#define NGX_HTTP_GLANCE_MULTIPLE_CHOICES  300


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
