
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"


static void ngx_http_glance_v1_list(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t detail);
static ngx_int_t ngx_http_glance_v1_args(ngx_http_request_t *r,
    ngx_str_t *args);
static ngx_uint_t ngx_http_glance_v1_known(u_char *name, size_t len);
static void ngx_http_glance_v1_page(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static json_t *ngx_http_glance_v1_elements(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *images, ngx_uint_t detail);


/*
 * What is passed on to the registry, which checks the values (specs/v1.md
 * 2.5).  "deleted" is not for clients.
 */

static const ngx_str_t  ngx_http_glance_v1_filters[] = {
    ngx_string("name"),
    ngx_string("status"),
    ngx_string("container_format"),
    ngx_string("disk_format"),
    ngx_string("min_ram"),
    ngx_string("min_disk"),
    ngx_string("size_min"),
    ngx_string("size_max"),
    ngx_string("changes-since"),
    ngx_string("protected"),
    ngx_string("is_public"),
    ngx_string("limit"),
    ngx_string("marker"),
    ngx_string("sort_key"),
    ngx_string("sort_dir")
};


void
ngx_http_glance_v1_index(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_v1_list(r, ctx, 0);
}


void
ngx_http_glance_v1_detail(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_v1_list(r, ctx, 1);
}


static void
ngx_http_glance_v1_list(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t detail)
{
    ngx_str_t  args;

    if (ngx_http_glance_v1_args(r, &args) != NGX_OK
        || ngx_http_glance_v1_shown_fields(r, detail, &ctx->fields) != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->detail = detail;

    ngx_http_glance_registry_path(r, ctx, "GET", &args, NULL,
                                  ngx_http_glance_v1_page,
                                  detail ? "/images/detail" : "/images");
}


/* the pairs as they came, without those that are nobody's */

static ngx_int_t
ngx_http_glance_v1_args(ngx_http_request_t *r, ngx_str_t *args)
{
    u_char  *p, *q, *last, *eq, *dst, *name, *src;

    args->len = 0;

    args->data = ngx_pnalloc(r->pool, r->args.len + 1);
    name = ngx_pnalloc(r->pool, r->args.len + 1);

    if (args->data == NULL || name == NULL) {
        return NGX_ERROR;
    }

    last = r->args.data + r->args.len;

    for (p = r->args.data; p < last; p = q + 1) {

        q = ngx_strlchr(p, last, '&');
        if (q == NULL) {
            q = last;
        }

        eq = ngx_strlchr(p, q, '=');
        if (eq == NULL) {
            eq = q;
        }

        src = p;
        dst = name;

        ngx_unescape_uri(&dst, &src, eq - p, 0);

        if (!ngx_http_glance_v1_known(name, dst - name)) {
            continue;
        }

        if (args->len) {
            args->data[args->len++] = '&';
        }

        ngx_memcpy(args->data + args->len, p, q - p);
        args->len += q - p;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_glance_v1_known(u_char *name, size_t len)
{
    ngx_uint_t        i, n;
    const ngx_str_t  *filter;

    if (len > sizeof("property-") - 1
        && ngx_strncmp(name, "property-", sizeof("property-") - 1) == 0)
    {
        return 1;
    }

    n = sizeof(ngx_http_glance_v1_filters) / sizeof(ngx_str_t);

    for (i = 0; i < n; i++) {
        filter = &ngx_http_glance_v1_filters[i];

        if (filter->len == len
            && ngx_strncmp(filter->data, name, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A registry that knows X-Glance-Fields has written what clients are to see,
 * so that a long list costs this worker nothing; others' lists are read and
 * written anew.
 */

static void
ngx_http_glance_v1_page(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t     *json, *elements;
    ngx_str_t  *fields;

    if (ctx->call.status != NGX_HTTP_OK) {
        ngx_http_glance_fault_call(r, ctx);
        return;
    }

    fields = ngx_http_glance_header_in(ctx->call.headers, "x-glance-fields");

    if (fields && fields->len == ctx->fields.len
        && ngx_strncmp(fields->data, ctx->fields.data, fields->len) == 0)
    {
        ngx_http_glance_send(r, ctx, NGX_HTTP_OK, "application/json",
                             &ctx->call.body);
        return;
    }

    json = ngx_http_glance_record_json(r, &ctx->call.body);

    elements = ngx_http_glance_v1_elements(r, ctx,
                                           json_object_get(json, "images"),
                                           ctx->detail);
    if (elements == NULL) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_GATEWAY,
                              "The registry sent a malformed list");
        return;
    }

    ngx_http_glance_send_json(r, ctx, NGX_HTTP_OK,
                              json_pack("{s:o}", "images", elements));
}


/* made anew field by field: locations, for one, are not for clients */

static json_t *
ngx_http_glance_v1_elements(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    json_t *images, ngx_uint_t detail)
{
    size_t                    i;
    json_t                   *elements, *record;
    ngx_http_glance_image_t   image;

    if (!json_is_array(images)) {
        return NULL;
    }

    elements = json_array();

    json_array_foreach(images, i, record) {

        ngx_memzero(&image, sizeof(ngx_http_glance_image_t));
        image.root = record;

        if (!json_is_object(record)
            || (detail
                && ngx_http_glance_record_read(r, record, &image) != NGX_OK)
            || json_array_append_new(elements,
                                     ctx->route->dialect->json(r, &image,
                                                               NULL, detail))
               != 0)
        {
            json_decref(elements);
            return NULL;
        }
    }

    return elements;
}
