
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_digest.h"
#include "registry_db_images.h"
#include "registry_db_v2.h"
#include "registry_quota.h"
#include "registry_v2.h"
#include "registry_v2_apply.h"
#include "registry_v2_fields.h"


/* PATCH of an image: one transaction that holds its row */

typedef struct {
    registry_request_t   *rq;
    registry_v2_patch_e   type;
    registry_v2_op_t     *ops;
    registry_image_t     *image;
    registry_v2_sources_t  sources;
} registry_v2_update_t;

/* whom the rules are asked about */

typedef struct {
    registry_request_t   *rq;
    registry_image_t     *image;
} registry_v2_asked_t;


static registry_rc_e registry_v2_update_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static void registry_v2_update_sources(registry_request_t *rq,
    registry_v2_sources_t *sources);
static registry_rc_e registry_v2_update_apply(registry_tx_t *tx,
    registry_v2_update_t *ctx, registry_v2_edit_t *edit, registry_err_t *err);
static const char *registry_v2_update_hash(const registry_request_t *rq);
static registry_rc_e registry_v2_update_storage(registry_tx_t *tx,
    registry_v2_update_t *ctx, const registry_v2_edit_t *edit,
    registry_err_t *err);
static registry_rc_e registry_v2_update_asked(void *arg, const char *rule,
    registry_err_t *err);
static registry_rc_e registry_v2_update_save(registry_tx_t *tx,
    registry_v2_update_t *ctx, registry_v2_edit_t *edit, registry_err_t *err);
static bool registry_v2_update_has(const registry_location_t *list,
    const registry_location_t *location);


registry_rc_e
registry_v2_images_update(registry_request_t *rq)
{
    json_t                 *json;
    glance_str_t            type;
    registry_rc_e           rc;
    registry_v2_update_t    ctx;
    registry_v2_formats_t   formats;

    memset(&ctx, 0, sizeof(ctx));
    ctx.rq = rq;

    type = registry_request_header(rq, "Content-Type");
    ctx.type = registry_v2_patch_type(type);

    if (ctx.type == REGISTRY_V2_PATCH_NONE) {
        (void) registry_request_reply_header(rq, "Accept-Patch",
                                    glance_str(REGISTRY_V2_ACCEPT_PATCH));

        return registry_err_set(&rq->err, REGISTRY_MEDIA_TYPE, "The request "
                                "media type %.*s is not supported by this "
                                "server.", registry_v2_clip(type),
                                (const char *) type.data);
    }

    rc = registry_v2_body(rq, &json);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_v2_update_sources(rq, &ctx.sources);

    formats = registry_v2_formats(rq);

    rc = registry_v2_patch_parse(rq->pool, json, ctx.type, &formats, &ctx.ops,
                                 &rq->err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "image patch",
                             (ctx.ops == NULL || ctx.sources.ask)
                             ? REGISTRY_READ : REGISTRY_WRITE,
                             registry_v2_update_run, &ctx, &rq->err);
    }

    if (rc == REGISTRY_OK) {

        if (ctx.sources.ask) {
            registry_v2_sources_json(&ctx.sources, &rq->out);

        } else {
            registry_v2_image_json(rq, &rq->out, ctx.image);
        }
    }

    json_decref(json);

    return rc;
}


/* only API servers are asked, and believed */

static void
registry_v2_update_sources(registry_request_t *rq,
    registry_v2_sources_t *sources)
{
    glance_str_t  text;

    if (!rq->identity.service) {
        return;
    }

    text = registry_request_header(rq, "X-Glance-Ask");
    sources->ask = glance_str_eq(text, glance_str("sizes"));

    text = registry_request_header(rq, "X-Glance-Sizes");

    if (!sources->ask && text.data != NULL) {
        registry_v2_sources_read(sources, text);
    }
}


static registry_rc_e
registry_v2_update_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_v2_update_t *ctx = arg;

    bool                  again;
    glance_str_t          id;
    registry_rc_e         rc;
    registry_request_t   *rq = ctx->rq;
    registry_v2_edit_t    edit;

    id = rq->params[0];

    if (ctx->ops == NULL) {
        return registry_v2_load_for(tx, rq, id, REGISTRY_V2_GET_IMAGE,
                                    &ctx->image, err);
    }

    if (ctx->sources.ask) {
        rc = registry_v2_load_for(tx, rq, id, REGISTRY_V2_MODIFY_IMAGE,
                                  &ctx->image, err);

        return (rc == REGISTRY_OK)
               ? registry_v2_update_apply(tx, ctx, &edit, err) : rc;
    }

    rc = registry_v2_once(tx, rq, &again, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_lock(tx, id, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_load_for(tx, rq, id, REGISTRY_V2_MODIFY_IMAGE,
                                  &ctx->image, err);
    }

    if (rc != REGISTRY_OK || again) {
        return rc;
    }

    rc = registry_v2_update_apply(tx, ctx, &edit, err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_update_save(tx, ctx, &edit, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_whole(tx, rq->pool, ctx->image->id,
                                     &ctx->image, err);
    }

    if (rc == REGISTRY_OK && (edit.changes.set & REGISTRY_SET_PROPERTIES)) {
        rc = registry_v2_properties_apart(ctx->image, edit.n_properties, err);
    }

    return rc;
}


static registry_rc_e
registry_v2_update_apply(registry_tx_t *tx, registry_v2_update_t *ctx,
    registry_v2_edit_t *edit, registry_err_t *err)
{
    registry_rc_e         rc;
    registry_request_t   *rq = ctx->rq;
    registry_v2_asked_t   asked;
    registry_v2_rules_t   rules;

    asked.rq = rq;
    asked.image = ctx->image;

    rules.type = ctx->type;
    rules.admin = rq->identity.admin;
    rules.locations = rq->app->show_locations;
    rules.property_quota = rq->app->property_quota;
    rules.tag_quota = rq->app->tag_quota;
    rules.location_quota = rq->app->location_quota;
    rules.hash = registry_v2_update_hash(rq);
    rules.sources = &ctx->sources;
    rules.allow = registry_v2_update_asked;
    rules.arg = &asked;

    /* when it is done again, it begins anew */

    if (ctx->sources.ask) {
        ctx->sources.n = 0;
    }

    rc = registry_v2_apply(rq->pool, ctx->image, ctx->ops, &rules, edit, err);

    if (rc == REGISTRY_OK && ctx->sources.refused) {
        return registry_err_set(err, REGISTRY_CONFLICT, "The image was "
                                "changed by another request.");
    }

    if (rc == REGISTRY_OK
        && !ctx->sources.ask
        && (edit->changes.set & REGISTRY_SET_LOCATIONS))
    {
        rc = registry_v2_update_storage(tx, ctx, edit, err);
    }

    return rc;
}


/* the algorithm of the data's digests is the API server's option */

static const char *
registry_v2_update_hash(const registry_request_t *rq)
{
    glance_str_t  text;

    text = registry_request_header(rq, "X-Glance-Hash");

    return (rq->identity.service && text.data != NULL
            && glance_digest_hex_len(text) > 0)
           ? (const char *) text.data : "sha512";
}


/* every location of an image counts as so many bytes of its project */

static registry_rc_e
registry_v2_update_storage(registry_tx_t *tx, registry_v2_update_t *ctx,
    const registry_v2_edit_t *edit, registry_err_t *err)
{
    bool     more;
    int64_t  size, total, left;

    more = false;
    total = 0;
    size = (edit->changes.set & REGISTRY_SET_SIZE) ? edit->changes.image.size
                                                   : ctx->image->size;

    for (const registry_location_t *l = edit->changes.image.locations;
         l != NULL;
         l = l->next)
    {
        more = more || l->id == 0;
        total = (size > 0 && total > INT64_MAX - size) ? INT64_MAX
                : (size > 0) ? total + size : total;
    }

    return more ? registry_quota_storage(tx, ctx->rq, ctx->image, total,
                                         &left, err)
                : REGISTRY_OK;
}


static registry_rc_e
registry_v2_update_asked(void *arg, const char *rule, registry_err_t *err)
{
    registry_v2_asked_t *asked = arg;

    registry_v2_rule_e  parsed;

    if (!registry_v2_rule_parse(glance_str(rule), &parsed)) {
        return registry_err_set(err, REGISTRY_ERROR, "no rule \"%s\"", rule);
    }

    return registry_v2_allow(asked->rq, parsed, asked->image, err);
}


/*
 * Properties that go make room first: the new ones may have their names in
 * another spelling.  The quota was checked by what is more than before.
 */

static registry_rc_e
registry_v2_update_save(registry_tx_t *tx, registry_v2_update_t *ctx,
    registry_v2_edit_t *edit, registry_err_t *err)
{
    glance_str_t    id = ctx->image->id;
    registry_rc_e   rc;

    edit->changes.from_state = ctx->image->status;

    rc = REGISTRY_OK;

    for (const registry_location_t *l = edit->dropped;
         l != NULL && rc == REGISTRY_OK;
         l = l->next)
    {
        if (l->id != 0
            && !registry_v2_update_has(edit->changes.image.locations, l)
            && !registry_v2_update_has(l->next, l))
        {
            rc = registry_db_location_drop(tx, id, l, err);
        }
    }

    registry_v2_apply_rows(edit->changes.image.locations);

    if (rc == REGISTRY_OK) {
        rc = registry_db_properties_remove(tx, id, edit->removed, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_update(tx, id, &edit->changes, -1, err);
    }

    return rc;
}


static bool
registry_v2_update_has(const registry_location_t *list,
    const registry_location_t *location)
{
    for ( /* void */ ; list != NULL; list = list->next) {

        if (list->id != 0 && glance_str_eq(list->url, location->url)) {
            return true;
        }
    }

    return false;
}
