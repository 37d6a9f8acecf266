
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_store.h"


static void ngx_http_glance_delete_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_delete_marked(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_delete_soft(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_delete_recorded(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_delete_removed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_delete_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/*
 * The mirror of an upload: first the record, by compare-and-set, then the
 * bytes.  Dying anywhere in between leaves a claim that a registry completes,
 * or a removal that a worker does.  With glance_delayed_delete the bytes are
 * left to glance-scrubber.
 */

void
ngx_http_glance_delete(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                   ngx_http_glance_delete_record);
}


static void
ngx_http_glance_delete_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    json_t                      *body;
    glance_status_e              status;
    ngx_http_glance_loc_conf_t  *glcf;

    /* what follows is not the caller's wish but its consequence */
    ctx->policy = NULL;

    if (ctx->call.status == NGX_HTTP_OK
        && ngx_http_glance_record_parse(r, ctx) == NGX_OK)
    {
        status = ctx->image.status;

        if (ctx->claim
            && (status == GLANCE_STATUS_DELETED
                || status == GLANCE_STATUS_PENDING_DELETE))
        {
            /* marked by an earlier try whose answer was lost */

            ngx_http_glance_delete_soft(r, ctx);
            return;
        }

        if (status == GLANCE_STATUS_PENDING_DELETE && !ctx->v2) {
            ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                                  "Image %V is deleted, its data are about "
                                  "to be removed", &ctx->image_id);
            return;
        }
    }

    if (ctx->v2 && ctx->call.status == NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_NOT_FOUND,
                              "Failed to find image %V to delete",
                              &ctx->image_id);
        return;
    }

    if (!ngx_http_glance_show_record(r, ctx, 0)) {
        return;
    }

    if (ctx->image.is_protected) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                              ctx->v2 ? "Image %V is protected and cannot be "
                                        "deleted."
                                      : "Image is protected",
                              &ctx->image_id);
        return;
    }

    ctx->claim = ngx_http_glance_create_claim(r, "delete");

    if (ctx->claim == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    status = (glcf->delayed_delete && ctx->image.location.len)
             ? GLANCE_STATUS_PENDING_DELETE : GLANCE_STATUS_DELETED;

    body = json_pack("{s:{s:s}, s:s}", "image", "status",
                     glance_status_name(status), "from_state",
                     glance_status_name(ctx->image.status));

    ctx->image.status = status;

    ngx_http_glance_registry_image(r, ctx, "PUT", &ctx->image_id, body,
                                   ngx_http_glance_delete_marked);
}


static void
ngx_http_glance_delete_marked(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ctx->call.status == NGX_HTTP_CONFLICT && ctx->data == NULL) {

        /* the status changed under our hands, or an answer was lost */

        ctx->data = ctx;

        ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                       ngx_http_glance_delete_record);
        return;
    }

    if (ctx->call.status != NGX_HTTP_OK) {
        ngx_http_glance_fault_call(r, ctx);
        return;
    }

    ngx_http_glance_delete_soft(r, ctx);
}


static void
ngx_http_glance_delete_soft(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_image(r, ctx, "DELETE", &ctx->image_id, NULL,
                                   ngx_http_glance_delete_recorded);
}


static void
ngx_http_glance_delete_recorded(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_http_glance_store_t     *store;
    ngx_http_glance_handle_t    *h;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    /* another front end, or the sweep, may have been faster: just as well */

    if (ctx->call.status != NGX_HTTP_OK
        && ctx->call.status != NGX_HTTP_NOT_FOUND)
    {
        ngx_http_glance_fault_call(r, ctx);
        return;
    }

    ctx->claim = NULL;

    store = NULL;

    if (ctx->image.location.len
        && ctx->image.status != GLANCE_STATUS_PENDING_DELETE)
    {
        store = ngx_http_glance_store_locate(glcf, &ctx->image.location);
    }

    if (store == NULL || store->remove == NULL) {
        ngx_http_glance_delete_answer(r, ctx);
        return;
    }

    h = ngx_http_glance_store_handle(r, ctx, store, &ctx->image.id,
                                     ngx_http_glance_delete_removed);
    if (h == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    rc = store->remove(r, ctx, h, &ctx->image.location);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_delete_removed(r, ctx, rc);
    }
}


/*
 * What could not be removed stays on the registry's list of removals.  For a
 * registry without one the answer does not matter.
 */

static void
ngx_http_glance_delete_removed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    json_t                      *body;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (rc != NGX_OK || !glcf->registry_claims) {
        ngx_http_glance_delete_answer(r, ctx);
        return;
    }

    /* not in the URI, which logs may have: there can be secrets in it */

    body = json_pack("{s:s%}", "url", ctx->image.location.data,
                     ctx->image.location.len);

    ngx_http_glance_registry_path(r, ctx, "DELETE", NULL, body,
                                  ngx_http_glance_delete_answer,
                                  "/removals/%V", &ctx->image_id);
}


static void
ngx_http_glance_delete_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  empty;

    if (ctx->v2) {
        ngx_http_glance_v2_nothing(r, ctx);
        return;
    }

    ngx_str_null(&empty);

    ngx_http_glance_send(r, ctx, NGX_HTTP_OK, "application/octet-stream",
                         &empty);
}
