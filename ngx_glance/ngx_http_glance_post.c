
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"


static void ngx_http_glance_post_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static const char *ngx_http_glance_post_status(ngx_http_glance_ctx_t *ctx,
    ngx_uint_t body);
static void ngx_http_glance_post_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_post_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/* S-44: metadata and data by one call; without a body the id is reserved */

void
ngx_http_glance_post(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t  *id;

    if (!ngx_http_glance_write_request(r, ctx, 1)) {
        return;
    }

    if (!ngx_http_glance_data_length(r, ctx, ctx->meta.size)) {
        return;
    }

    id = &ctx->meta.field[GLANCE_META_ID];

    if (id->len == 0) {
        p = ngx_pnalloc(r->pool, GLANCE_UUID_LEN);

        if (p == NULL || ngx_http_glance_uuid(p) != NGX_OK) {
            ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        id->data = p;
        id->len = GLANCE_UUID_LEN;
    }

    ctx->image_id = *id;

    ngx_http_glance_location(r, ctx, ngx_http_glance_post_create);
}


static void
ngx_http_glance_post_create(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t      *image, *json;
    ngx_uint_t   body;

    body = ngx_http_glance_has_body(r);

    if (body) {
        ctx->claim = ngx_http_glance_create_claim(r,
                                                ctx->route->dialect->failed);

        if (ctx->claim == NULL) {
            ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }
    }

    image = ngx_http_glance_write_fields(r, ctx);

    if (image == NULL
        || json_object_set_new(image, "id",
                               ngx_http_glance_json_string(&ctx->image_id))
           != 0
        || json_object_set_new(image, "status",
                               json_string(ngx_http_glance_post_status(ctx,
                                                                       body)))
           != 0
        || (!ctx->meta.given[GLANCE_META_SIZE]
            && json_object_set_new(image, "size", json_integer(0)) != 0))
    {
        json_decref(image);
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    json = ngx_http_glance_write_body(ctx, image);

    if (json == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_registry_image(r, ctx, "POST", NULL, json,
                                   ngx_http_glance_post_record);
}


static const char *
ngx_http_glance_post_status(ngx_http_glance_ctx_t *ctx, ngx_uint_t body)
{
    if (body) {
        return "saving";
    }

    if (ctx->meta.field[GLANCE_META_LOCATION].len
        || (ctx->route->dialect->zero && ctx->meta.size == 0
            && !ctx->meta.copy_from))
    {
        return "active";
    }

    return "queued";
}


static void
ngx_http_glance_post_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ctx->call.status == NGX_HTTP_CONFLICT) {

        if (ctx->meta.given[GLANCE_META_ID]) {
            ngx_http_glance_fault(r, ctx, NGX_HTTP_CONFLICT,
                                  "An image with identifier %V already exists",
                                  &ctx->image_id);
            return;
        }

        /*
         * nobody else can have this id: a registry has died between its
         * work and its answer, and nginx has asked the next one
         */

        ctx->meta.given[GLANCE_META_ID] = 1;

        ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                       ngx_http_glance_post_record);
        return;
    }

    if (ctx->call.status != NGX_HTTP_OK
        && ctx->call.status != NGX_HTTP_CREATED)
    {
        ngx_http_glance_fault_call(r, ctx);
        return;
    }

    if (ngx_http_glance_record_parse(r, ctx) != NGX_OK) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_GATEWAY,
                              "The registry sent a malformed record");
        return;
    }

    if (ctx->claim == NULL) {
        ngx_http_glance_post_answer(r, ctx);
        return;
    }

    ngx_http_glance_write_upload(r, ctx, ngx_http_glance_post_answer);
}


static void
ngx_http_glance_post_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t                    base, uri;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (ngx_http_glance_base_uri(r, &base) != NGX_OK
        || ngx_http_glance_image_uri(r, ctx, &base, &uri) != NGX_OK
        || ngx_http_glance_add_header(r, "Location", &uri) != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_send_image(r, ctx, ctx->route->dialect->created(glcf));
}
