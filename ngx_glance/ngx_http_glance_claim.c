
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


typedef struct {
    ngx_http_glance_step_pt     next;
    ngx_str_t                   text;       /* of the refusal */
} ngx_http_glance_claiming_t;


static void ngx_http_glance_claim_put(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_claim_asked(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


ngx_http_glance_claim_t *
ngx_http_glance_create_claim(ngx_http_request_t *r, const char *on_expire)
{
    ngx_http_glance_claim_t  *claim;

    claim = ngx_palloc(r->pool, sizeof(ngx_http_glance_claim_t));
    if (claim == NULL) {
        return NULL;
    }

    claim->on_expire = on_expire;

    if (ngx_http_glance_uuid(claim->id) != NGX_OK) {
        return NULL;
    }

    return claim;
}


/*
 * Takes ctx->image_id by ctx->claim, and goes on as a registry's call does.
 * A registry may die between its work and its answer, and nginx then asks
 * another one, which finds the image taken: by us, if the claim is there.
 */

void
ngx_http_glance_claim_image(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    json_t *body, ngx_http_glance_step_pt next)
{
    ngx_http_glance_claiming_t  *c;

    c = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_claiming_t));
    if (c == NULL) {
        json_decref(body);
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    c->next = next;
    ctx->data = c;

    ngx_http_glance_registry_image(r, ctx, "PUT", &ctx->image_id, body,
                                   ngx_http_glance_claim_put);
}


static void
ngx_http_glance_claim_put(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_claiming_t  *c;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    c = ctx->data;

    if (ctx->call.status != NGX_HTTP_CONFLICT || !glcf->registry_claims) {
        c->next(r, ctx);
        return;
    }

    c->text = ctx->call.body;

    ngx_http_glance_registry_path(r, ctx, "GET", NULL, NULL,
                                  ngx_http_glance_claim_asked,
                                  "/claims/%*s", (size_t) GLANCE_UUID_LEN,
                                  ctx->claim->id);
}


static void
ngx_http_glance_claim_asked(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_claiming_t  *c;

    c = ctx->data;

    if (ctx->call.status == NGX_HTTP_OK) {
        ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                       c->next);
        return;
    }

    ctx->call.status = NGX_HTTP_CONFLICT;
    ctx->call.body = c->text;

    c->next(r, ctx);
}
