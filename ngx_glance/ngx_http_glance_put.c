
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"


static void ngx_http_glance_put_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_put_kill(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_put_killed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_put_change(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_put_allowed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_put_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_put_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/* S-45: changes metadata, or brings the data of a reserved image */

void
ngx_http_glance_put(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    if (!ngx_http_glance_write_request(r, ctx, 0)) {
        return;
    }

    if (ngx_http_glance_write_typed(r, ctx)
        && !ngx_http_glance_data_length(r, ctx, ctx->meta.size))
    {
        return;
    }

    ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                   ngx_http_glance_put_record);
}


static void
ngx_http_glance_put_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (!ngx_http_glance_put_allowed(r, ctx)) {
        return;
    }

    if (!ngx_http_glance_write_typed(r, ctx)) {
        ngx_http_glance_put_kill(r, ctx);
        return;
    }

    ngx_http_glance_location(r, ctx, ngx_http_glance_put_change);
}


/* API v1: an upload that fails ends the image, whatever it fails of */

static void
ngx_http_glance_put_kill(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t  *body;

    body = json_pack("{s:{s:s}, s:s}", "image", "status", "killed",
                     "from_state", "queued");

    if (body == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_registry_image(r, ctx, "PUT", &ctx->image_id, body,
                                   ngx_http_glance_put_killed);
}


static void
ngx_http_glance_put_killed(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    if (ctx->call.status != NGX_HTTP_OK) {
        ngx_http_glance_fault_call(r, ctx);
        return;
    }

    ngx_http_glance_write_untyped(r, ctx);
}


static void
ngx_http_glance_put_change(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t                      *image, *body;
    ngx_http_glance_loc_conf_t  *glcf;

    image = ngx_http_glance_write_fields(r, ctx);

    if (image == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (!ngx_http_glance_has_source(r, ctx) && json_object_size(image) == 0
        && !ctx->route->dialect->purge)
    {
        json_decref(image);
        ngx_http_glance_put_answer(r, ctx);
        return;
    }

    if (!ngx_http_glance_has_body(r)) {
        body = ngx_http_glance_write_body(ctx, image);

        /* data from elsewhere are for an image that waits for some */

        if (body && ngx_http_glance_has_source(r, ctx)
            && (json_object_set_new(image, "status",
                                    json_string(ctx->meta.copy_from
                                                ? "queued" : "active"))
                != 0
                || json_object_set_new(body, "from_state",
                                       json_string("queued"))
                   != 0))
        {
            json_decref(body);
            body = NULL;
        }

        if (body == NULL) {
            ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        ngx_http_glance_registry_image(r, ctx, "PUT", &ctx->image_id, body,
                                       ngx_http_glance_put_done);
        return;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    /* what a worker could not bring to its end another one begins anew */

    ctx->claim = ngx_http_glance_create_claim(r, glcf->copies ? "queued"
                                              : ctx->route->dialect->failed);

    (void) json_object_set_new(image, "status", json_string("saving"));

    body = json_pack("{s:o, s:s}", "image", image, "from_state", "queued");

    if (ctx->claim == NULL || body == NULL) {
        json_decref(body);
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_claim_image(r, ctx, body, ngx_http_glance_put_done);
}


static ngx_uint_t
ngx_http_glance_put_allowed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    off_t             size;
    ngx_str_t        *id;
    glance_status_e   now;

    if (!ngx_http_glance_show_record(r, ctx, ctx->route->dialect->deleted)
        || !ctx->route->dialect->change(r, ctx))
    {
        return 0;
    }

    now = ctx->image.status;
    id = &ctx->meta.field[GLANCE_META_ID];

    if (id->len
        && (id->len != ctx->image.id.len
            || ngx_strncasecmp(id->data, ctx->image.id.data, id->len) != 0))
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                              "x-image-meta-id differs from the image's "
                              "identifier, which cannot be changed");
        return 0;
    }

    if (ngx_http_glance_has_source(r, ctx) && !ngx_http_glance_has_body(r)
        && now != GLANCE_STATUS_QUEUED)
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "%s cannot be given for an image that is %s",
                              ctx->meta.copy_from ? "x-glance-api-copy-from"
                                                  : "x-image-meta-location",
                              glance_status_name(now));
        return 0;
    }

    if (ngx_http_glance_has_body(r)) {

        if (now != GLANCE_STATUS_QUEUED) {
            ngx_http_glance_fault(r, ctx, NGX_HTTP_CONFLICT,
                                  "Cannot upload to an unqueued image");
            return 0;
        }

        size = (ctx->meta.size < 0 && ctx->image.size > 0) ? ctx->image.size
                                                           : ctx->meta.size;

        return !ngx_http_glance_write_typed(r, ctx)
               || ngx_http_glance_data_length(r, ctx, size);
    }

    return 1;
}


static void
ngx_http_glance_put_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ctx->call.status == NGX_HTTP_CONFLICT && ctx->claim) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_CONFLICT,
                              "Cannot upload to an unqueued image");
        return;
    }

    if (!ngx_http_glance_show_record(r, ctx, 0)) {
        return;
    }

    if (ctx->claim == NULL) {
        ngx_http_glance_put_answer(r, ctx);
        return;
    }

    ngx_http_glance_write_upload(r, ctx, ngx_http_glance_put_answer);
}


static void
ngx_http_glance_put_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ctx->route->dialect->put_headers
        && ctx->route->dialect->headers(r, ctx) != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_send_image(r, ctx, NGX_HTTP_OK);
}
