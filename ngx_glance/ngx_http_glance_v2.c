
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_download.h"
#include "ngx_http_glance_upload.h"

#include "glance_range.h"


static ngx_int_t ngx_http_glance_v2_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v2_size(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_v2_claimed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_v2_download_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v2_readable(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v2_range(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v2_ranged(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, glance_range_t *range);


/*
 * API v2 (specs/v2): its JSON is the registry's, here are the bytes.  Whether
 * the caller may send, get or remove them, and whether the image is in a state
 * for that, the registry tells: the rule goes with the first call.
 */

const ngx_http_glance_dialect_t  ngx_http_glance_dialect_v2 = {
    ngx_string("/v2/images"),
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    ngx_http_glance_v2_headers,
    0,                                     /* multipart */
    0,                                     /* put_headers */
    0,                                     /* head_empty */
    0,                                     /* purge */
    0,                                     /* conditions */
    0,                                     /* deleted */
    0,                                     /* nulls */
    0,                                     /* zero */
    0,                                     /* copies */
    1,                                     /* v2 */
    0,                                     /* kills */
    "queued",
    "x-openstack-image-size",
    NGX_HTTP_GLANCE_GONE,
    NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
    NGX_HTTP_BAD_REQUEST
};


/* of a download; the sum is written as it is recorded (specs/v2/04 4.2) */

static ngx_int_t
ngx_http_glance_v2_headers(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    if (ctx->image.checksum.len == 0) {
        return NGX_OK;
    }

    return ngx_http_glance_add_header(r, "Content-MD5", &ctx->image.checksum);
}


/* PUT /v2/images/{id}/file */

void
ngx_http_glance_v2_upload(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t                      *body;
    ngx_str_t                   *type, none;
    ngx_http_glance_loc_conf_t  *glcf;

    if (!ngx_http_glance_data_type(r)) {
        ngx_str_set(&none, "none");

        type = r->headers_in.content_type ? &r->headers_in.content_type->value
                                          : &none;

        ngx_http_glance_fault(r, ctx, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                              "The request media type %V is not supported by "
                              "this server, application/octet-stream is",
                              type);
        return;
    }

    if (!ngx_http_glance_v2_size(r, ctx)
        || !ngx_http_glance_data_length(r, ctx, ctx->meta.size))
    {
        return;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    /* with one store x-image-meta-store does not count */

    ctx->store = glcf->default_store;
    ctx->policy = "upload_image";
    ctx->claim = ngx_http_glance_create_claim(r, ctx->route->dialect->failed);

    body = json_pack("{s:{s:s}, s:s}", "image", "status", "saving",
                     "from_state", "queued");

    if (ctx->claim == NULL || body == NULL) {
        json_decref(body);
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_claim_image(r, ctx, body, ngx_http_glance_v2_claimed);
}


static ngx_uint_t
ngx_http_glance_v2_size(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    uint64_t       size;
    ngx_str_t     *value;
    glance_str_t   text;

    ctx->meta.size = -1;

    value = ngx_http_glance_header_find(r, "x-openstack-image-size");

    if (value == NULL) {
        return 1;
    }

    text.data = value->data;
    text.len = value->len;

    if (!glance_str_u64(text, GLANCE_IMAGE_SIZE_MAX, &size)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "Invalid or missing image size in request "
                              "headers: x-openstack-image-size must be a "
                              "whole number of bytes");
        return 0;
    }

    ctx->meta.size = size;

    return 1;
}


static void
ngx_http_glance_v2_claimed(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t                    none;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    ctx->store = glcf->default_store;

    /* the upload's own calls are not the caller's */
    ctx->policy = NULL;

    if (!ngx_http_glance_show_record(r, ctx, 0)) {
        return;
    }

    ngx_str_null(&none);

    ngx_http_glance_upload(r, ctx, ctx->meta.size, &none,
                           ngx_http_glance_v2_nothing);
}


/* 204: done, or there are no data */

void
ngx_http_glance_v2_nothing(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  empty;

    ngx_str_null(&empty);

    ngx_http_glance_send(r, ctx, NGX_HTTP_NO_CONTENT, NULL, &empty);
}


/* DELETE /v2/images/{id} */

void
ngx_http_glance_v2_delete(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ctx->policy = "delete_image";

    ngx_http_glance_delete(r, ctx);
}


/* GET /v2/images/{id}/file */

void
ngx_http_glance_v2_download(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  store;

    if (ngx_http_arg(r, (u_char *) "prefer", 6, &store) == NGX_OK) {
        store.len = ngx_min(store.len, 255);

        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "Store '%V' is not configured.", &store);
        return;
    }

    ctx->policy = "download_image";

    ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                   ngx_http_glance_v2_download_record);
}


static void
ngx_http_glance_v2_download_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ngx_http_glance_show_record(r, ctx, 0)
        && ngx_http_glance_v2_readable(r, ctx)
        && ngx_http_glance_v2_range(r, ctx))
    {
        ngx_http_glance_download(r, ctx);
    }
}


static ngx_uint_t
ngx_http_glance_v2_readable(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    glance_status_e  status;

    status = ctx->image.status;

    if (status == GLANCE_STATUS_DEACTIVATED && !ctx->admin) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                              "The requested image has been deactivated. "
                              "Image data download is forbidden.");
        return 0;
    }

    if ((status != GLANCE_STATUS_ACTIVE
         && status != GLANCE_STATUS_DEACTIVATED)
        || ctx->image.location.len == 0)
    {
        ngx_http_glance_v2_nothing(r, ctx);
        return 0;
    }

    return 1;
}


/*
 * nginx cuts out the part, when it finds one that is within the image; what
 * it would not refuse, or ignore, is refused here.
 */

static ngx_uint_t
ngx_http_glance_v2_range(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    off_t            size;
    ngx_str_t       *value;
    glance_str_t     text;
    glance_range_e   rc;
    glance_range_t   range;

    size = ctx->image.size;

    value = ngx_http_glance_header_find(r, "range");

    if (value) {
        text.data = value->data;
        text.len = value->len;

        rc = glance_range_check(text, size, &range);

    } else {

        /* where old clients say which part they want */

        value = ngx_http_glance_header_find(r, "content-range");

        if (value == NULL) {
            return 1;
        }

        text.data = value->data;
        text.len = value->len;

        rc = glance_range_check_content(text, size, &range);
    }

    switch (rc) {

    case GLANCE_RANGE_OK:
        return ngx_http_glance_v2_ranged(r, ctx, &range);

    case GLANCE_RANGE_MULTIPLE:
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "Requests with multiple ranges are not "
                              "supported in Glance. Ask for one range at a "
                              "time.");
        return 0;

    case GLANCE_RANGE_BEYOND:
        ngx_http_glance_fault(r, ctx, NGX_HTTP_RANGE_NOT_SATISFIABLE,
                              "Invalid start position in Range header. Start "
                              "position MUST be in the inclusive range "
                              "[0, %O].", size - 1);
        return 0;

    default: /* GLANCE_RANGE_INVALID */
        ngx_http_glance_fault(r, ctx, NGX_HTTP_RANGE_NOT_SATISFIABLE,
                              "Invalid Range header.");
        return 0;
    }
}


static ngx_uint_t
ngx_http_glance_v2_ranged(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    glance_range_t *range)
{
    u_char           *p;
    ngx_table_elt_t  *h;

    h = ngx_pcalloc(r->pool, sizeof(ngx_table_elt_t));
    p = ngx_pnalloc(r->pool, sizeof("bytes=-") + 2 * NGX_INT64_LEN);

    if (h == NULL || p == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return 0;
    }

    h->value.data = p;
    /* nginx reads it to its zero */

    h->value.len = ngx_sprintf(p, "bytes=%uL-%uL%Z", range->first,
                               range->last)
                   - p - 1;

    r->headers_in.range = h;
    r->headers_in.if_range = NULL;

    ctx->ranged = 1;

    return 1;
}
