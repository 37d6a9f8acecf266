
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_apply.h"

#include <string.h>

#include "registry_json_parse.h"
#include "registry_v2_fields.h"


/* while the operations are applied */

typedef struct {
    registry_pool_t            *pool;
    const registry_image_t     *image;
    const registry_v2_rules_t  *rules;
    registry_v2_edit_t         *edit;
    json_t                     *now;    /* properties; true: as it was */
} registry_v2_apply_t;


static registry_rc_e registry_v2_apply_op(registry_v2_apply_t *ctx,
    const registry_v2_op_t *op, registry_err_t *err);
static registry_rc_e registry_v2_apply_property(registry_v2_apply_t *ctx,
    const registry_v2_op_t *op, registry_err_t *err);
static registry_rc_e registry_v2_apply_base(registry_v2_apply_t *ctx,
    const registry_v2_op_t *op, registry_err_t *err);
static registry_rc_e registry_v2_apply_end(registry_v2_apply_t *ctx,
    registry_err_t *err);


registry_rc_e
registry_v2_apply(registry_pool_t *pool, const registry_image_t *image,
    const registry_v2_op_t *ops, const registry_v2_rules_t *rules,
    registry_v2_edit_t *edit, registry_err_t *err)
{
    registry_rc_e        rc;
    registry_v2_apply_t  ctx;

    memset(edit, 0, sizeof(registry_v2_edit_t));

    ctx.pool = pool;
    ctx.image = image;
    ctx.rules = rules;
    ctx.edit = edit;
    ctx.now = json_object();
    rc = (ctx.now != NULL) ? REGISTRY_OK : registry_json_memory(err);

    for (const registry_property_t *p = image->properties;
         p != NULL && rc == REGISTRY_OK;
         p = p->next)
    {
        /* what the pool copies ends with NUL */

        if (json_object_set_new(ctx.now, (const char *) p->name.data,
                                json_true())
            != 0)
        {
            rc = registry_json_memory(err);
        }
    }

    for (const registry_v2_op_t *op = ops;
         op != NULL && rc == REGISTRY_OK;
         op = op->next)
    {
        rc = registry_v2_apply_op(&ctx, op, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_apply_end(&ctx, err);
    }

    json_decref(ctx.now);

    return rc;
}


static registry_rc_e
registry_v2_apply_op(registry_v2_apply_t *ctx, const registry_v2_op_t *op,
    registry_err_t *err)
{
    if (op->access != REGISTRY_V2_SETTABLE) {
        return registry_v2_apply_property(ctx, op, err);
    }

    if (glance_str_eq(op->name, glance_str("locations"))) {
        return registry_v2_apply_location(ctx->pool, ctx->image, op,
                                          ctx->rules, ctx->edit, err);
    }

    return registry_v2_apply_base(ctx, op, err);
}


static registry_rc_e
registry_v2_apply_property(registry_v2_apply_t *ctx,
    const registry_v2_op_t *op, registry_err_t *err)
{
    bool         exists;
    const char  *name;

    name = (const char *) op->name.data;
    exists = (json_object_get(ctx->now, name) != NULL);

    if (op->op == REGISTRY_V2_ADD) {

        if (exists && ctx->rules->type == REGISTRY_V2_PATCH_20) {
            return registry_err_set(err, REGISTRY_CONFLICT,
                                    "Property %.*s already present.",
                                    registry_v2_clip(op->name), name);
        }

    } else if (!exists || op->access == REGISTRY_V2_READ_ONLY) {
        return registry_err_set(err, REGISTRY_CONFLICT,
                                "Property %.*s does not exist.",
                                registry_v2_clip(op->name), name);
    }

    if (op->op == REGISTRY_V2_REMOVE) {
        (void) json_object_del(ctx->now, name);

        return REGISTRY_OK;
    }

    return (json_object_set(ctx->now, name, op->value) == 0)
           ? REGISTRY_OK : registry_json_memory(err);
}


static registry_rc_e
registry_v2_apply_base(registry_v2_apply_t *ctx, const registry_v2_op_t *op,
    registry_err_t *err)
{
    registry_rc_e     rc;
    const char       *name, *rule;
    glance_str_t      text;
    glance_status_e   status;

    name = (const char *) op->name.data;

    /* whatever the operation: whose image it is decides what else is told */

    if (glance_str_eq(op->name, glance_str("owner")) && !ctx->rules->admin) {
        return registry_err_set(err, REGISTRY_FORBIDDEN,
                                "Owner can't be updated by non admin.");
    }

    if (op->op == REGISTRY_V2_REMOVE) {
        return registry_err_set(err, REGISTRY_FORBIDDEN,
                                "Property %s may not be removed.", name);
    }

    if (glance_str_eq(op->name, glance_str("visibility"))) {
        text = glance_str(json_string_value(op->value));

        rule = glance_str_eq(text, glance_str("public")) ? "publicize_image"
               : glance_str_eq(text, glance_str("community"))
               ? "communitize_image" : NULL;

        if (rule != NULL) {
            rc = ctx->rules->allow(ctx->rules->arg, rule, err);

            if (rc != REGISTRY_OK) {
                return rc;
            }
        }
    }

    if (op->op == REGISTRY_V2_ADD
        && ctx->rules->type == REGISTRY_V2_PATCH_20)
    {
        return registry_err_set(err, REGISTRY_CONFLICT,
                                "Property %s already present.", name);
    }

    status = glance_status_parse(ctx->image->status);

    if ((glance_str_eq(op->name, glance_str("disk_format"))
         || glance_str_eq(op->name, glance_str("container_format")))
        && status != GLANCE_STATUS_QUEUED
        && status != GLANCE_STATUS_IMPORTING)
    {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "Attribute %s can "
                                "be only replaced for a queued image.", name);
    }

    rc = registry_v2_set(ctx->pool, op->name, op->value, &ctx->edit->changes,
                         err);

    if (rc == REGISTRY_OK && glance_str_eq(op->name, glance_str("tags"))) {
        rc = registry_v2_quota("tags", ctx->edit->changes.n_tags,
                               ctx->rules->tag_quota, err);
    }

    return rc;
}


/* what became of the properties, and whether there may be so many */

static registry_rc_e
registry_v2_apply_end(registry_v2_apply_t *ctx, registry_err_t *err)
{
    size_t                before;
    json_t               *value;
    const char           *name;
    registry_rc_e         rc;
    registry_v2_edit_t   *edit = ctx->edit;
    registry_property_t  *p, **removed;

    removed = &edit->removed;

    for (const registry_property_t *old = ctx->image->properties;
         old != NULL;
         old = old->next)
    {
        if (json_object_get(ctx->now, (const char *) old->name.data) != NULL)
        {
            continue;
        }

        p = registry_pool_calloc(ctx->pool, 1, sizeof(registry_property_t));
        if (p == NULL) {
            return registry_json_memory(err);
        }

        p->name = old->name;
        *removed = p;
        removed = &p->next;
    }

    json_object_foreach(ctx->now, name, value) {

        /* the service's own do not count */

        edit->n_properties += (registry_v2_access(glance_str(name),
                                                  REGISTRY_V2_PATCH)
                               != REGISTRY_V2_RESERVED);

        if (json_is_true(value)) {
            continue;
        }

        rc = registry_v2_set(ctx->pool, glance_str(name), value,
                             &edit->changes, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    before = registry_v2_properties_count(ctx->image->properties);

    return (edit->n_properties > before)
           ? registry_v2_quota("properties", edit->n_properties,
                               ctx->rules->property_quota, err)
           : REGISTRY_OK;
}
