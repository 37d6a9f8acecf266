
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_route.h"


static void ngx_http_glance_members_replace_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_member_save_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_members_image(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_members_list(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_members_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *key);
static void ngx_http_glance_shared_list(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_members_changed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_members_refused(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/* specs/v1.md 2.12; who may do what is the registry's to decide */

void
ngx_http_glance_members_index(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                   ngx_http_glance_members_image);
}


/* the registry shows administrators what is deleted, its members too */

static void
ngx_http_glance_members_image(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ngx_http_glance_members_refused(r, ctx)) {
        return;
    }

    if (ngx_http_glance_record_parse(r, ctx) != NGX_OK) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_GATEWAY,
                              "The registry sent a malformed image");
        return;
    }

    if (ctx->image.deleted || ctx->image.status == GLANCE_STATUS_DELETED) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND,
                              "Image %V not found", &ctx->image_id);
        return;
    }

    ngx_http_glance_registry_path(r, ctx, "GET", NULL, NULL,
                                  ngx_http_glance_members_list,
                                  "/images/%V/members", &ctx->image_id);
}


void
ngx_http_glance_members_replace(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_read_json(r, ctx, ngx_http_glance_members_replace_body);
}


void
ngx_http_glance_member_save(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_read_json(r, ctx, ngx_http_glance_member_save_body);
}


void
ngx_http_glance_member_delete(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_path(r, ctx, "DELETE", NULL, NULL,
                                  ngx_http_glance_members_changed,
                                  "/images/%V/members/%V", &ctx->image_id,
                                  &ctx->member);
}


void
ngx_http_glance_shared_images(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_path(r, ctx, "GET", NULL, NULL,
                                  ngx_http_glance_shared_list,
                                  "/shared-images/%V", &ctx->member);
}


static void
ngx_http_glance_members_replace_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (!json_is_array(json_object_get(ctx->body, "memberships"))) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The body has no list \"memberships\"");
        return;
    }

    ngx_http_glance_registry_path(r, ctx, "PUT", NULL, json_incref(ctx->body),
                                  ngx_http_glance_members_changed,
                                  "/images/%V/members", &ctx->image_id);
}


static void
ngx_http_glance_member_save_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_path(r, ctx, "PUT", NULL,
                                  ctx->body ? json_incref(ctx->body) : NULL,
                                  ngx_http_glance_members_changed,
                                  "/images/%V/members/%V", &ctx->image_id,
                                  &ctx->member);
}


static void
ngx_http_glance_members_list(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_members_answer(r, ctx, "members");
}


static void
ngx_http_glance_shared_list(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_members_answer(r, ctx, "shared_images");
}


static void
ngx_http_glance_members_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *key)
{
    json_t  *json, *list;

    if (ngx_http_glance_members_refused(r, ctx)) {
        return;
    }

    json = ngx_http_glance_record_json(r, &ctx->call.body);
    list = json_object_get(json, key);

    if (!json_is_array(list)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_GATEWAY,
                              "The registry sent a malformed list");
        return;
    }

    ngx_http_glance_send_json(r, ctx, NGX_HTTP_OK,
                              json_pack("{s:O}", key, list));
}


static void
ngx_http_glance_members_changed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  empty;

    if (ngx_http_glance_members_refused(r, ctx)) {
        return;
    }

    ngx_str_null(&empty);

    ngx_http_glance_send(r, ctx, NGX_HTTP_NO_CONTENT, NULL, &empty);
}


/* who may see an image but not share it shall not learn of others' members */

static ngx_uint_t
ngx_http_glance_members_refused(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    switch (ctx->call.status) {

    case NGX_HTTP_OK:
    case NGX_HTTP_NO_CONTENT:
        return 0;

    case NGX_HTTP_FORBIDDEN:
        ctx->call.status = NGX_HTTP_NOT_FOUND;
        break;

    case NGX_HTTP_NOT_FOUND:
        if (ctx->member.len && ctx->image_id.len) {
            ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND,
                                  "Image %V not found, or %V is no member "
                                  "of it", &ctx->image_id, &ctx->member);
            return 1;
        }
    }

    ngx_http_glance_fault_call(r, ctx);

    return 1;
}
