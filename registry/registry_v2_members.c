
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "registry_db_members.h"
#include "registry_db_v2.h"
#include "registry_identity.h"
#include "registry_json_parse.h"
#include "registry_v2.h"
#include "registry_v2_fields.h"


typedef struct {
    registry_request_t     *rq;
    registry_image_t       *image;
    registry_v2_member_t   *members;
    glance_str_t            member;
    glance_str_t            status;
} registry_v2_members_t;


static registry_rc_e registry_v2_members_list_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_members_create_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_members_show_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_members_update_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_members_delete_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_members_run(registry_v2_members_t *ctx,
    const char *name, registry_db_mode_e mode, registry_db_pt fn);
static registry_rc_e registry_v2_members_image(registry_tx_t *tx,
    registry_v2_members_t *ctx, registry_err_t *err);
static registry_rc_e registry_v2_members_find(registry_tx_t *tx,
    registry_v2_members_t *ctx, registry_v2_rule_e rule, registry_err_t *err);
static registry_rc_e registry_v2_members_denied(
    const registry_v2_members_t *ctx, const char *verb, registry_rc_e rc,
    registry_err_t *err);
static registry_rc_e registry_v2_members_text(registry_request_t *rq,
    const char *key, const char *missing, json_t **json, glance_str_t *text);
static bool registry_v2_members_all(const registry_v2_members_t *ctx);
static void registry_v2_member_json(registry_out_t *out, glance_str_t id,
    const registry_v2_member_t *member);


registry_rc_e
registry_v2_members_list(registry_request_t *rq)
{
    registry_rc_e          rc;
    registry_v2_members_t  ctx;

    memset(&ctx, 0, sizeof(registry_v2_members_t));
    ctx.rq = rq;

    rc = registry_db_run(rq->app->db, "member list", REGISTRY_READ,
                         registry_v2_members_list_run, &ctx, &rq->err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_out_text(&rq->out, "{\"members\": [");

    for (const registry_v2_member_t *m = ctx.members; m != NULL; m = m->next)
    {
        registry_v2_member_json(&rq->out, ctx.image->id, m);
        registry_out_text(&rq->out, (m->next == NULL) ? "" : ", ");
    }

    registry_out_text(&rq->out, "], \"schema\": \"/v2/schemas/members\"}");

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_members_list_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_v2_members_t *ctx = arg;

    registry_rc_e  rc;

    rc = registry_v2_members_image(tx, ctx, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (!glance_str_eq(ctx->image->visibility, glance_str("shared"))) {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "Not allowed to "
                                "list members for image %.*s: Only shared "
                                "images have members.",
                                (int) ctx->image->id.len,
                                (const char *) ctx->image->id.data);
    }

    rc = registry_v2_allow(ctx->rq, REGISTRY_V2_GET_MEMBERS, ctx->image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    /* a member is not told who the others are */

    ctx->member = registry_v2_members_all(ctx)
                  ? (glance_str_t) glance_null_string
                  : ctx->rq->identity.owner;

    return registry_db_v2_members(tx, ctx->rq->pool, ctx->image->id,
                                  ctx->member, &ctx->members, err);
}


registry_rc_e
registry_v2_members_create(registry_request_t *rq)
{
    json_t                 *json;
    registry_rc_e           rc;
    registry_v2_members_t   ctx;

    memset(&ctx, 0, sizeof(registry_v2_members_t));
    ctx.rq = rq;

    rc = registry_v2_members_text(rq, "member", "Member to be added not "
                                  "specified", &json, &ctx.member);

    if (rc == REGISTRY_OK && ctx.member.len == 0) {
        rc = registry_err_set(&rq->err, REGISTRY_INVALID,
                              "Member can't be empty");
    }

    if (rc == REGISTRY_OK) {
        rc = registry_json_check("member", ctx.member, GLANCE_IMAGE_NAME_MAX,
                                 &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_members_run(&ctx, "member create", REGISTRY_WRITE,
                                     registry_v2_members_create_run);
    }

    json_decref(json);

    return rc;
}


static registry_rc_e
registry_v2_members_create_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_v2_members_t *ctx = arg;

    bool                 again, can_share;
    glance_str_t         id;
    registry_rc_e        rc;
    registry_member_t    member;
    registry_request_t  *rq = ctx->rq;

    rc = registry_v2_once(tx, rq, &again, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_lock(tx, rq->params[0], err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_members_image(tx, ctx, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    id = ctx->image->id;

    rc = glance_str_eq(ctx->image->visibility, glance_str("shared"))
         ? registry_v2_allow(rq, REGISTRY_V2_ADD_MEMBER, ctx->image, err)
         : REGISTRY_FORBIDDEN;

    if (rc != REGISTRY_OK) {
        return registry_v2_members_denied(ctx, "create", rc, err);
    }

    rc = registry_db_member_get(tx, id, ctx->member, &can_share, err);

    if (rc == REGISTRY_OK && !again && !registry_tx_repeated(tx)) {
        return registry_err_set(err, REGISTRY_CONFLICT, "Member %.*s is "
                                "duplicated for image %.*s",
                                registry_v2_clip(ctx->member),
                                (const char *) ctx->member.data,
                                (int) id.len, (const char *) id.data);
    }

    if (rc == REGISTRY_NOT_FOUND) {
        memset(&member, 0, sizeof(registry_member_t));

        member.image_id = id;
        member.member = ctx->member;

        rc = registry_db_member_save(tx, &member, rq->app->member_quota, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_v2_members(tx, rq->pool, id, ctx->member,
                                    &ctx->members, err);
    }

    if (rc == REGISTRY_OK && ctx->members == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "no new member");
    }

    return rc;
}


registry_rc_e
registry_v2_members_show(registry_request_t *rq)
{
    registry_v2_members_t  ctx;

    memset(&ctx, 0, sizeof(registry_v2_members_t));
    ctx.rq = rq;

    return registry_v2_members_run(&ctx, "member show", REGISTRY_READ,
                                   registry_v2_members_show_run);
}


static registry_rc_e
registry_v2_members_show_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_v2_members_t *ctx = arg;

    registry_rc_e  rc;

    rc = registry_v2_members_find(tx, ctx, REGISTRY_V2_GET_MEMBER, err);

    /* who may not see a member is not told that there is one */

    if (rc == REGISTRY_FORBIDDEN) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "%s",
                                "Only shared images have members.");
    }

    return rc;
}


registry_rc_e
registry_v2_members_update(registry_request_t *rq)
{
    json_t                 *json;
    registry_rc_e           rc;
    registry_v2_members_t   ctx;

    memset(&ctx, 0, sizeof(registry_v2_members_t));
    ctx.rq = rq;

    rc = registry_v2_members_text(rq, "status", "Status not specified",
                                  &json, &ctx.status);

    if (rc == REGISTRY_OK
        && !glance_str_eq(ctx.status, glance_str("pending"))
        && !glance_str_eq(ctx.status, glance_str("accepted"))
        && !glance_str_eq(ctx.status, glance_str("rejected")))
    {
        rc = registry_err_set(&rq->err, REGISTRY_INVALID, "Incorrect "
                              "request: Status must be \"pending\", "
                              "\"accepted\" or \"rejected\".");
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_members_run(&ctx, "member update", REGISTRY_WRITE,
                                     registry_v2_members_update_run);
    }

    json_decref(json);

    return rc;
}


static registry_rc_e
registry_v2_members_update_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_v2_members_t *ctx = arg;

    registry_rc_e        rc;
    registry_request_t  *rq = ctx->rq;

    rc = registry_db_image_lock(tx, rq->params[0], err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_members_find(tx, ctx, REGISTRY_V2_MODIFY_MEMBER,
                                      err);
        rc = registry_v2_members_denied(ctx, "update", rc, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_v2_member_status(tx, ctx->image->id,
                                          ctx->members->member, ctx->status,
                                          err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_v2_members(tx, rq->pool, ctx->image->id,
                                    ctx->members->member, &ctx->members, err);
    }

    return rc;
}


registry_rc_e
registry_v2_members_delete(registry_request_t *rq)
{
    registry_rc_e          rc;
    registry_v2_members_t  ctx;

    memset(&ctx, 0, sizeof(registry_v2_members_t));
    ctx.rq = rq;

    rc = registry_v2_members_run(&ctx, "member delete", REGISTRY_WRITE,
                                 registry_v2_members_delete_run);

    if (rc == REGISTRY_OK) {
        registry_out_reset(&rq->out);
        rq->status = 204;
    }

    return rc;
}


static registry_rc_e
registry_v2_members_delete_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_v2_members_t *ctx = arg;

    bool           again;
    registry_rc_e  rc;

    rc = registry_v2_once(tx, ctx->rq, &again, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_lock(tx, ctx->rq->params[0], err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_members_find(tx, ctx, REGISTRY_V2_DELETE_MEMBER,
                                      err);
        rc = registry_v2_members_denied(ctx, "delete", rc, err);
    }

    /* the answer was lost, but not the change */

    if (rc == REGISTRY_NOT_FOUND && (again || registry_tx_repeated(tx))) {
        return REGISTRY_OK;
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_member_delete(tx, ctx->image->id,
                                       ctx->members->member, err);
    }

    return rc;
}


/* what comes to the one member of the context */

static registry_rc_e
registry_v2_members_run(registry_v2_members_t *ctx, const char *name,
    registry_db_mode_e mode, registry_db_pt fn)
{
    registry_rc_e        rc;
    registry_request_t  *rq = ctx->rq;

    rc = registry_db_run(rq->app->db, name, mode, fn, ctx, &rq->err);

    if (rc == REGISTRY_OK && ctx->members != NULL) {
        registry_v2_member_json(&rq->out, ctx->image->id, ctx->members);
    }

    return rc;
}


static registry_rc_e
registry_v2_members_image(registry_tx_t *tx, registry_v2_members_t *ctx,
    registry_err_t *err)
{
    return registry_v2_load(tx, ctx->rq, ctx->rq->params[0], "Image ",
                            " not found.", &ctx->image, err);
}


/*
 * The one member that the path names, for those who may know of it.
 * REGISTRY_FORBIDDEN comes without a text.
 */

static registry_rc_e
registry_v2_members_find(registry_tx_t *tx, registry_v2_members_t *ctx,
    registry_v2_rule_e rule, registry_err_t *err)
{
    glance_str_t         name;
    registry_rc_e        rc;
    registry_request_t  *rq = ctx->rq;

    name = rq->params[1];

    rc = registry_v2_members_image(tx, ctx, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (!glance_str_eq(ctx->image->visibility, glance_str("shared"))) {
        return REGISTRY_FORBIDDEN;
    }

    if (registry_json_check("member", name, GLANCE_IMAGE_NAME_MAX, err)
        == REGISTRY_OK
        && (registry_v2_members_all(ctx)
            || glance_str_eq(name, rq->identity.owner)))
    {
        rc = registry_db_v2_members(tx, rq->pool, ctx->image->id, name,
                                    &ctx->members, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (ctx->members == NULL) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "%.*s not found in "
                                "the member list of the image %.*s.",
                                registry_v2_clip(name),
                                (const char *) name.data,
                                (int) ctx->image->id.len,
                                (const char *) ctx->image->id.data);
    }

    return registry_v2_allow(rq, rule, ctx->image, err);
}


static registry_rc_e
registry_v2_members_denied(const registry_v2_members_t *ctx,
    const char *verb, registry_rc_e rc, registry_err_t *err)
{
    if (rc != REGISTRY_FORBIDDEN) {
        return rc;
    }

    return registry_err_set(err, rc, "Not allowed to %s members for image "
                            "%.*s.", verb, (int) ctx->image->id.len,
                            (const char *) ctx->image->id.data);
}


/* a text of the body; *json is to be released in any case */

static registry_rc_e
registry_v2_members_text(registry_request_t *rq, const char *key,
    const char *missing, json_t **json, glance_str_t *text)
{
    json_t         *value;
    registry_rc_e   rc;

    rc = registry_v2_body(rq, json);

    if (rc != REGISTRY_OK) {
        *json = NULL;
        return rc;
    }

    if (!json_is_object(*json)) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Expected a %s "
                                "in the form: {\"%s\": \"...\"}", key, key);
    }

    value = json_object_get(*json, key);

    if (value == NULL) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "%s", missing);
    }

    if (!json_is_string(value) && !json_is_null(value)) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid value "
                                "for %s: must be a string", key);
    }

    *text = registry_json_slice(value);

    if (text->data == NULL) {
        *text = glance_str("");
    }

    return REGISTRY_OK;
}


/* whether the caller sees all members, not only himself */

static bool
registry_v2_members_all(const registry_v2_members_t *ctx)
{
    const registry_identity_t  *who = &ctx->rq->identity;

    return who->admin || registry_identity_owns(who, ctx->image);
}


static void
registry_v2_member_json(registry_out_t *out, glance_str_t id,
    const registry_v2_member_t *member)
{
    registry_out_text(out, "{\"member_id\": ");
    registry_out_string(out, member->member);

    registry_v2_json_text(out, "image_id", id);
    registry_v2_json_text(out, "status", member->status);
    registry_v2_json_time(out, "created_at", member->created_at);
    registry_v2_json_time(out, "updated_at", member->updated_at);

    registry_out_text(out, ", \"schema\": \"/v2/schemas/member\"}");
}
