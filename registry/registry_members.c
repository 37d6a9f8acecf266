
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "registry_db_images.h"
#include "registry_db_members.h"
#include "registry_identity.h"
#include "registry_json.h"
#include "registry_router.h"


typedef enum {
    REGISTRY_MEMBERS_LIST = 0,
    REGISTRY_MEMBERS_REPLACE,
    REGISTRY_MEMBERS_SAVE,
    REGISTRY_MEMBERS_DELETE,
    REGISTRY_MEMBERS_IMAGES
} registry_members_e;

typedef struct {
    registry_request_t   *rq;
    registry_members_e    what;
    registry_member_t    *members;      /* given, or found */
    registry_member_t     one;
} registry_members_t;


static registry_rc_e registry_members_write(registry_members_t *ctx);
static registry_rc_e registry_members_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_members_list_run(registry_tx_t *tx,
    registry_members_t *ctx, const registry_image_t *image,
    registry_err_t *err);
static registry_rc_e registry_members_images_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);


registry_rc_e
registry_members_index(registry_request_t *rq)
{
    registry_rc_e       rc;
    registry_members_t  ctx;

    memset(&ctx, 0, sizeof(registry_members_t));

    ctx.rq = rq;
    ctx.what = REGISTRY_MEMBERS_LIST;

    rc = registry_db_run(rq->app->db, "member list", REGISTRY_READ,
                         registry_members_run, &ctx, &rq->err);

    if (rc == REGISTRY_OK) {
        registry_json_members(&rq->out, ctx.members);
    }

    return rc;
}


registry_rc_e
registry_members_replace(registry_request_t *rq)
{
    registry_rc_e       rc;
    registry_members_t  ctx;

    memset(&ctx, 0, sizeof(registry_members_t));

    ctx.rq = rq;
    ctx.what = REGISTRY_MEMBERS_REPLACE;

    rc = registry_json_memberships(rq->pool, rq->body, &ctx.members,
                                   &rq->err);

    return (rc == REGISTRY_OK) ? registry_members_write(&ctx) : rc;
}


registry_rc_e
registry_members_save(registry_request_t *rq)
{
    registry_rc_e       rc;
    registry_members_t  ctx;

    memset(&ctx, 0, sizeof(registry_members_t));

    ctx.rq = rq;
    ctx.what = REGISTRY_MEMBERS_SAVE;

    rc = registry_json_member(rq->body, &ctx.one.can_share, &rq->err);

    return (rc == REGISTRY_OK) ? registry_members_write(&ctx) : rc;
}


registry_rc_e
registry_members_delete(registry_request_t *rq)
{
    registry_members_t  ctx;

    memset(&ctx, 0, sizeof(registry_members_t));

    ctx.rq = rq;
    ctx.what = REGISTRY_MEMBERS_DELETE;

    return registry_members_write(&ctx);
}


registry_rc_e
registry_members_images(registry_request_t *rq)
{
    registry_rc_e       rc;
    registry_members_t  ctx;

    memset(&ctx, 0, sizeof(registry_members_t));

    ctx.rq = rq;

    rc = registry_json_check("member", rq->params[0], GLANCE_IMAGE_NAME_MAX,
                             &rq->err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "shared images", REGISTRY_READ,
                             registry_members_images_run, &ctx, &rq->err);
    }

    if (rc == REGISTRY_OK) {
        registry_json_shared(&rq->out, ctx.members);
    }

    return rc;
}


static registry_rc_e
registry_members_write(registry_members_t *ctx)
{
    registry_rc_e        rc;
    registry_request_t  *rq = ctx->rq;

    if (ctx->what != REGISTRY_MEMBERS_REPLACE) {
        rc = registry_json_check("member", rq->params[1],
                                 GLANCE_IMAGE_NAME_MAX, &rq->err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        ctx->one.member = rq->params[1];
    }

    rc = registry_db_run(rq->app->db, "member change", REGISTRY_WRITE,
                         registry_members_run, ctx, &rq->err);

    if (rc == REGISTRY_OK) {
        rq->status = 204;
    }

    return rc;
}


static registry_rc_e
registry_members_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_members_t *ctx = arg;

    int64_t              quota;
    registry_rc_e        rc;
    registry_image_t    *image;
    registry_request_t  *rq = ctx->rq;

    if (rq->params[0].len > GLANCE_IMAGE_ID_MAX
        || registry_json_check("id", rq->params[0], GLANCE_IMAGE_ID_MAX, err)
           != REGISTRY_OK)
    {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Image not found");
    }

    rc = registry_db_image_get(tx, rq->pool, rq->params[0], &image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (ctx->what == REGISTRY_MEMBERS_LIST) {
        return registry_members_list_run(tx, ctx, image, err);
    }

    rc = registry_policy_share(tx, &rq->identity, image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    quota = rq->app->member_quota;

    switch (ctx->what) {

    case REGISTRY_MEMBERS_REPLACE:
        return registry_db_member_replace(tx, image->id, ctx->members, quota,
                                          err);

    case REGISTRY_MEMBERS_SAVE:
        ctx->one.image_id = image->id;
        return registry_db_member_save(tx, &ctx->one, quota, err);

    default:
        return registry_db_member_delete(tx, image->id, ctx->one.member, err);
    }
}


/* who is neither owner nor administrator finds only himself */

static registry_rc_e
registry_members_list_run(registry_tx_t *tx, registry_members_t *ctx,
    const registry_image_t *image, registry_err_t *err)
{
    registry_rc_e               rc;
    registry_member_t         **next, *m;
    const registry_identity_t  *who = &ctx->rq->identity;

    rc = registry_policy_see(tx, who, image, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_member_list(tx, ctx->rq->pool, image->id,
                                     &ctx->members, err);
    }

    if (rc != REGISTRY_OK || who->admin
        || (who->owner.data != NULL
            && image->owner.data != NULL
            && glance_str_eq(who->owner, image->owner)))
    {
        return rc;
    }

    next = &ctx->members;

    while (*next != NULL) {
        m = *next;

        if (who->owner.data != NULL && glance_str_eq(m->member, who->owner)) {
            next = &m->next;
            continue;
        }

        *next = m->next;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_members_images_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_members_t *ctx = arg;

    glance_str_t         viewer = glance_null_string;
    registry_request_t  *rq = ctx->rq;

    if (!rq->identity.admin) {
        viewer = rq->identity.owner;

        if (viewer.data == NULL) {
            return registry_err_set(err, REGISTRY_UNAUTHORIZED,
                                    "No authenticated user");
        }
    }

    return registry_db_member_images(tx, rq->pool, rq->params[0], viewer,
                                     &ctx->members, err);
}
