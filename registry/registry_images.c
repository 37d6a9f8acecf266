
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_uuid.h"
#include "registry_db_claims.h"
#include "registry_db_images.h"
#include "registry_db_jobs.h"
#include "registry_identity.h"
#include "registry_json.h"
#include "registry_quota.h"
#include "registry_router.h"
#include "registry_v2.h"
#include "registry_v2_fields.h"


#define REGISTRY_LEASE_MAX  3600


/* of a transaction about one image */

typedef struct {
    registry_request_t  *rq;
    registry_changes_t  *changes;
    registry_image_t    *image;
    bool                 v2;            /* by the rule, in v2's words */
    registry_v2_rule_e   rule;
    bool                 limited;       /* data may come, so many bytes: */
    int64_t              left;
} registry_images_t;


static registry_rc_e registry_images_show_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_images_create_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_images_update_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_images_delete_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_images_target(registry_tx_t *tx,
    registry_images_t *ctx, registry_image_t **image, registry_err_t *err);
static registry_rc_e registry_images_room(registry_tx_t *tx,
    registry_images_t *ctx, const registry_image_t *image,
    registry_err_t *err);
static registry_rc_e registry_images_outcome(registry_images_t *ctx,
    const registry_image_t *image, registry_rc_e rc, registry_err_t *err);
static registry_rc_e registry_images_id(registry_request_t *rq,
    glance_str_t *id);
static registry_rc_e registry_images_job(registry_tx_t *tx,
    registry_images_t *ctx, glance_str_t id, registry_err_t *err);
static registry_changes_t *registry_images_changes(registry_request_t *rq);
static registry_rc_e registry_images_claim(registry_request_t *rq,
    registry_claim_t *claim);
static void registry_images_visibility(registry_changes_t *changes,
    const registry_image_t *image);
static registry_rc_e registry_images_reply(registry_images_t *ctx,
    registry_rc_e rc);


registry_rc_e
registry_images_show(registry_request_t *rq)
{
    registry_rc_e      rc;
    registry_images_t  ctx = { .rq = rq };

    rc = registry_v2_rule_of(rq, &ctx.v2, &ctx.rule);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    rc = registry_db_run(rq->app->db, "image show", REGISTRY_READ,
                         registry_images_show_run, &ctx, &rq->err);

    return registry_images_reply(&ctx, rc);
}


static registry_rc_e
registry_images_show_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_images_t *ctx = arg;

    glance_str_t         id;
    registry_rc_e        rc;
    registry_request_t  *rq = ctx->rq;

    if (ctx->v2) {
        return registry_v2_load_for(tx, rq, rq->params[0], ctx->rule,
                                    &ctx->image, err);
    }

    rc = registry_images_id(rq, &id);

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_get(tx, rq->pool, id, &ctx->image, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_policy_see(tx, &rq->identity, ctx->image, err);
    }

    return rc;
}


registry_rc_e
registry_images_create(registry_request_t *rq)
{
    registry_rc_e      rc;
    registry_images_t  ctx = { .rq = rq };
    registry_image_t  *image;

    ctx.changes = registry_images_changes(rq);
    if (ctx.changes == NULL) {
        return (registry_rc_e) rq->err.code;
    }

    image = &ctx.changes->image;

    if ((ctx.changes->set & REGISTRY_SET_STATUS) == 0) {
        ctx.changes->set |= REGISTRY_SET_STATUS;
        image->status = glance_str("active");
    }

    if ((ctx.changes->set & REGISTRY_SET_ID) == 0) {
        ctx.changes->set |= REGISTRY_SET_ID;

        rc = registry_request_new_id(rq, &image->id);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (!rq->identity.admin
        || (ctx.changes->set & REGISTRY_SET_OWNER) == 0)
    {
        image->owner = rq->identity.owner;

    } else if (image->owner.len == 0) {

        /* given, and empty: the image is nobody's */

        image->owner.data = NULL;
    }

    registry_images_visibility(ctx.changes, NULL);

    rc = registry_db_run(rq->app->db, "image create", REGISTRY_WRITE,
                         registry_images_create_run, &ctx, &rq->err);

    return registry_images_reply(&ctx, rc);
}


static registry_rc_e
registry_images_create_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_images_t *ctx = arg;

    registry_rc_e        rc;
    registry_request_t  *rq = ctx->rq;

    rc = registry_images_room(tx, ctx, &ctx->changes->image, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_create(tx, ctx->changes,
                                      rq->app->property_quota, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_images_job(tx, ctx, ctx->changes->image.id, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_get(tx, rq->pool, ctx->changes->image.id,
                                   &ctx->image, err);
    }

    return rc;
}


registry_rc_e
registry_images_update(registry_request_t *rq)
{
    glance_str_t       purge;
    registry_rc_e      rc;
    registry_images_t  ctx = { .rq = rq };

    rc = registry_v2_rule_of(rq, &ctx.v2, &ctx.rule);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    ctx.changes = registry_images_changes(rq);
    if (ctx.changes == NULL) {
        return (registry_rc_e) rq->err.code;
    }

    if (!rq->identity.admin) {
        ctx.changes->set &= ~(uint32_t) REGISTRY_SET_OWNER;
    }

    if (ctx.changes->image.owner.len == 0) {
        ctx.changes->image.owner.data = NULL;
    }

    ctx.changes->set &= ~(uint32_t) REGISTRY_SET_ID;

    purge = registry_request_header(rq, "X-Glance-Registry-Purge-Props");
    ctx.changes->purge = glance_str_eq(purge, glance_str("true"));

    rc = registry_db_run(rq->app->db, "image update", REGISTRY_WRITE,
                         registry_images_update_run, &ctx, &rq->err);

    return registry_images_reply(&ctx, rc);
}


static registry_rc_e
registry_images_update_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_images_t *ctx = arg;

    glance_str_t         id;
    registry_rc_e        rc;
    registry_image_t    *image;
    registry_changes_t   changes = *ctx->changes;
    registry_request_t  *rq = ctx->rq;

    rc = registry_images_target(tx, ctx, &image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    id = rq->params[0];

    if (image->deleted) {

        /* only a scrubber changes what was deleted */

        changes.scrub = (changes.set == REGISTRY_SET_STATUS
                         && glance_status_parse(changes.image.status)
                            == GLANCE_STATUS_DELETED);

        if (!changes.scrub) {
            return registry_err_set(err, REGISTRY_NOT_FOUND,
                                    "Image not found");
        }
    }

    registry_images_visibility(&changes, image);

    rc = registry_images_room(tx, ctx, image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    changes.status_stays = glance_str_eq(changes.image.status, image->status);

    rc = registry_db_image_update(tx, id, &changes, rq->app->property_quota,
                                  err);
    rc = registry_images_outcome(ctx, image, rc, err);

    if (rc == REGISTRY_OK) {
        rc = registry_images_job(tx, ctx, id, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_get(tx, rq->pool, id, &ctx->image, err);
    }

    return rc;
}


registry_rc_e
registry_images_delete(registry_request_t *rq)
{
    registry_rc_e      rc;
    registry_images_t  ctx = { .rq = rq };

    rc = registry_db_run(rq->app->db, "image delete", REGISTRY_WRITE,
                         registry_images_delete_run, &ctx, &rq->err);

    return registry_images_reply(&ctx, rc);
}


static registry_rc_e
registry_images_delete_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_images_t *ctx = arg;

    glance_str_t         id;
    registry_rc_e        rc;
    registry_image_t    *image;
    registry_request_t  *rq = ctx->rq;

    rc = registry_images_id(rq, &id);

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_get(tx, rq->pool, id, &image, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_policy_change(tx, &rq->identity, image, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_delete(tx, id, NULL, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_get(tx, rq->pool, id, &ctx->image, err);
    }

    return rc;
}


/* the image of a PUT, if the caller may change it */

static registry_rc_e
registry_images_target(registry_tx_t *tx, registry_images_t *ctx,
    registry_image_t **image, registry_err_t *err)
{
    glance_str_t         id;
    registry_rc_e        rc;
    registry_request_t  *rq = ctx->rq;
    registry_changes_t  *changes = ctx->changes;

    if (!ctx->v2) {
        rc = registry_images_id(rq, &id);

        if (rc == REGISTRY_OK) {
            rc = registry_db_image_get(tx, rq->pool, id, image, err);
        }

        if (rc == REGISTRY_OK) {
            rc = registry_policy_change(tx, &rq->identity, *image, err);
        }

        return rc;
    }

    rc = registry_v2_load_for(tx, rq, rq->params[0], ctx->rule, image, err);

    if (rc == REGISTRY_NOT_FOUND
        && glance_status_parse(changes->from_state) == GLANCE_STATUS_SAVING)
    {
        /* there was one when the data began to arrive */

        return registry_err_set(err, REGISTRY_GONE, "Image %.*s could not be "
                                "found after upload. The image may have been "
                                "deleted during the upload.",
                                registry_v2_clip(rq->params[0]),
                                (const char *) rq->params[0].data);
    }

    if (rc == REGISTRY_OK
        && (changes->set & REGISTRY_SET_STATUS)
        && glance_status_parse((*image)->status) == GLANCE_STATUS_QUEUED
        && glance_status_parse(changes->image.status) == GLANCE_STATUS_SAVING)
    {
        rc = registry_v2_formats_set(*image, err);

        if (rc == REGISTRY_OK) {
            rc = registry_v2_unsigned(*image, err);
        }
    }

    return rc;
}


/* data come, or are there: as many as the project's quota leaves */

static registry_rc_e
registry_images_room(registry_tx_t *tx, registry_images_t *ctx,
    const registry_image_t *image, registry_err_t *err)
{
    int64_t                    size;
    registry_rc_e              rc;
    glance_status_e            status;
    const registry_changes_t  *changes = ctx->changes;

    if ((changes->set & REGISTRY_SET_STATUS) == 0) {
        return REGISTRY_OK;
    }

    status = glance_status_parse(changes->image.status);
    size = 0;

    if (status == GLANCE_STATUS_ACTIVE
        && glance_status_parse(image->status) == GLANCE_STATUS_SAVING)
    {
        size = (changes->image.size > 0) ? changes->image.size : 0;

    } else if (status != GLANCE_STATUS_SAVING) {
        return REGISTRY_OK;
    }

    rc = registry_quota_storage(tx, ctx->rq, image, size, &ctx->left, err);

    ctx->limited = (rc == REGISTRY_OK && ctx->left >= 0);

    return rc;
}


/* a status that is not the expected one, in v2's words */

static registry_rc_e
registry_images_outcome(registry_images_t *ctx, const registry_image_t *image,
    registry_rc_e rc, registry_err_t *err)
{
    registry_changes_t  *changes = ctx->changes;

    if (rc != REGISTRY_CONFLICT || !ctx->v2
        || (changes->set & REGISTRY_SET_STATUS) == 0)
    {
        return rc;
    }

    return registry_err_set(err, rc, "Image status transition from %.*s to "
                            "%.*s is not allowed", (int) image->status.len,
                            (const char *) image->status.data,
                            (int) changes->image.status.len,
                            (const char *) changes->image.status.data);
}


/* API servers only have looked at the URL */

static registry_rc_e
registry_images_job(registry_tx_t *tx, registry_images_t *ctx,
    glance_str_t id, registry_err_t *err)
{
    if (ctx->changes->copy_from.len == 0 || !ctx->rq->identity.service) {
        return REGISTRY_OK;
    }

    return registry_db_job_add(tx, id, ctx->changes->copy_from, err);
}


/* whatever is in the table counts, also what no client could choose now */

static registry_rc_e
registry_images_id(registry_request_t *rq, glance_str_t *id)
{
    *id = rq->params[0];

    if (id->len > GLANCE_IMAGE_ID_MAX
        || registry_json_check("id", *id, GLANCE_IMAGE_ID_MAX, &rq->err)
           != REGISTRY_OK)
    {
        return registry_err_set(&rq->err, REGISTRY_NOT_FOUND,
                                "Image not found");
    }

    return REGISTRY_OK;
}


/* NULL: rq->err says why */

static registry_changes_t *
registry_images_changes(registry_request_t *rq)
{
    registry_changes_t  *changes;

    changes = registry_pool_calloc(rq->pool, 1, sizeof(registry_changes_t));

    if (changes == NULL) {
        (void) registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
        return NULL;
    }

    changes->image.size = REGISTRY_NUMBER_NULL;
    changes->image.virtual_size = REGISTRY_NUMBER_NULL;
    changes->image.created_at = REGISTRY_TIME_NULL;
    changes->image.updated_at = REGISTRY_TIME_NULL;

    if (registry_json_changes(rq->pool, rq->body, changes, &rq->err)
        != REGISTRY_OK
        || registry_images_claim(rq, &changes->claim) != REGISTRY_OK)
    {
        return NULL;
    }

    return changes;
}


/* only API servers claim; from others the headers mean nothing */

static registry_rc_e
registry_images_claim(registry_request_t *rq, registry_claim_t *claim)
{
    uint64_t      lease;
    glance_str_t  s;

    s = registry_request_header(rq, "X-Glance-Claim");

    if (s.len == 0 || !rq->identity.service) {
        return REGISTRY_OK;
    }

    if (!glance_uuid_valid(s)) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid value "
                                "for X-Glance-Claim: must be a UUID");
    }

    claim->id = s;
    claim->lease = rq->app->lease;

    s = registry_request_header(rq, "X-Glance-Claim-Lease");

    if (s.len > 0) {

        if (!glance_str_u64(s, REGISTRY_LEASE_MAX, &lease) || lease == 0) {
            return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid "
                                    "value for X-Glance-Claim-Lease: must "
                                    "be an integer between 1 and %d",
                                    REGISTRY_LEASE_MAX);
        }

        claim->lease = (int64_t) lease;
    }

    s = registry_request_header(rq, "X-Glance-Claim-Abort");

    claim->on_expire = REGISTRY_ABORT_KILLED;

    if (s.len > 0 && !registry_abort_parse(s, &claim->on_expire)) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid value "
                                "for X-Glance-Claim-Abort: must be queued, "
                                "killed or delete");
    }

    claim->node = registry_request_header(rq, "X-Glance-Node");

    return registry_json_check("X-Glance-Node", claim->node,
                               GLANCE_IMAGE_NAME_MAX, &rq->err);
}


/*
 * is_public says less than visibility: false leaves an image private or
 * community that is so already (specs/db-schema.md 4.6).
 */

static void
registry_images_visibility(registry_changes_t *changes,
    const registry_image_t *image)
{
    bool  is_public;

    if (changes->set & REGISTRY_SET_VISIBILITY) {
        return;
    }

    if (image != NULL) {

        if ((changes->set & REGISTRY_SET_IS_PUBLIC) == 0) {
            return;
        }

        is_public = glance_str_eq(image->visibility, glance_str("public"));

        if (is_public == changes->is_public) {
            return;
        }
    }

    changes->set |= REGISTRY_SET_VISIBILITY;
    changes->image.visibility = glance_str(changes->is_public ? "public"
                                                              : "shared");
}


static registry_rc_e
registry_images_reply(registry_images_t *ctx, registry_rc_e rc)
{
    registry_out_t     *out = &ctx->rq->out;
    registry_fields_t   all;

    if (rc == REGISTRY_OK) {
        registry_out_text(out, "{\"image\": ");
        registry_json_fields(&all, true);
        registry_json_image(out, ctx->image, &all);

        if (ctx->limited) {
            registry_out_text(out, ", \"storage_left\": ");
            registry_out_int(out, ctx->left);
        }

        registry_out_text(out, "}");
    }

    return rc;
}
