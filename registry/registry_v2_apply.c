
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_apply.h"

#include <string.h>


typedef enum {
    REGISTRY_V2_FIELD_TEXT = 0,
    REGISTRY_V2_FIELD_INT,
    REGISTRY_V2_FIELD_BOOL
} registry_v2_field_e;

typedef struct {
    const char           *name;
    registry_v2_field_e   type;
    uint32_t              set;
    size_t                offset;       /* in registry_image_t */
} registry_v2_field_t;

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
static registry_rc_e registry_v2_apply_tags(registry_v2_apply_t *ctx,
    json_t *tags, registry_err_t *err);
static registry_rc_e registry_v2_apply_end(registry_v2_apply_t *ctx,
    registry_err_t *err);
static bool registry_v2_internal(glance_str_t name);
static registry_rc_e registry_v2_apply_memory(registry_err_t *err);


#define field(name, type, set)                                                \
    { #name, REGISTRY_V2_FIELD_ ## type, REGISTRY_SET_ ## set,                \
      offsetof(registry_image_t, name) }

static const registry_v2_field_t  registry_v2_fields[] = {
    field(name, TEXT, NAME),
    field(visibility, TEXT, VISIBILITY),
    field(disk_format, TEXT, DISK_FORMAT),
    field(container_format, TEXT, CONTAINER_FORMAT),
    field(owner, TEXT, OWNER),
    field(protected, BOOL, PROTECTED),
    field(os_hidden, BOOL, OS_HIDDEN),
    field(min_disk, INT, MIN_DISK),
    field(min_ram, INT, MIN_RAM),
    { NULL, REGISTRY_V2_FIELD_TEXT, 0, 0 }
};

#undef field


registry_rc_e
registry_v2_apply(registry_pool_t *pool, const registry_image_t *image,
    const registry_v2_op_t *ops, const registry_v2_rules_t *rules,
    registry_v2_edit_t *edit, registry_err_t *err)
{
    registry_rc_e        rc;
    registry_v2_apply_t  ctx = { pool, image, rules, edit, NULL };

    memset(edit, 0, sizeof(registry_v2_edit_t));

    ctx.now = json_object();
    rc = (ctx.now != NULL) ? REGISTRY_OK : registry_v2_apply_memory(err);

    for (const registry_property_t *p = image->properties;
         p != NULL && rc == REGISTRY_OK;
         p = p->next)
    {
        /* what the pool copies ends with NUL */

        if (json_object_set_new(ctx.now, (const char *) p->name.data,
                                json_true())
            != 0)
        {
            rc = registry_v2_apply_memory(err);
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


void
registry_v2_attr_set(registry_changes_t *changes, glance_str_t name,
    json_t *value)
{
    void          *slot;
    glance_str_t   text;

    for (const registry_v2_field_t *f = registry_v2_fields;
         f->name != NULL;
         f++)
    {
        if (!glance_str_eq(name, glance_str(f->name))) {
            continue;
        }

        slot = (char *) &changes->image + f->offset;
        changes->set |= f->set;

        switch (f->type) {

        case REGISTRY_V2_FIELD_INT:
            *(int64_t *) slot = (int64_t) json_number_value(value);
            break;

        case REGISTRY_V2_FIELD_BOOL:
            *(bool *) slot = json_is_true(value);
            break;

        default:
            text.data = (const unsigned char *) json_string_value(value);
            text.len = json_string_length(value);

            /* an empty owner is none */

            if (text.len == 0 && f->set == REGISTRY_SET_OWNER) {
                text.data = NULL;
            }

            *(glance_str_t *) slot = text;
            break;
        }

        return;
    }
}


size_t
registry_v2_distinct(json_t *list)
{
    size_t   i, n;
    json_t  *set, *item;

    set = json_object();

    json_array_foreach(list, i, item) {
        (void) json_object_set_new(set, json_string_value(item), json_true());
    }

    n = json_object_size(set);

    json_decref(set);

    return n;
}


static registry_rc_e
registry_v2_apply_op(registry_v2_apply_t *ctx, const registry_v2_op_t *op,
    registry_err_t *err)
{
    if (op->attr != REGISTRY_V2_BASE) {
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
                                    registry_v2_cut(op->name, 128), name);
        }

    } else if (!exists || op->attr == REGISTRY_V2_READ_ONLY) {
        return registry_err_set(err, REGISTRY_CONFLICT,
                                "Property %.*s does not exist.",
                                registry_v2_cut(op->name, 128), name);
    }

    if (op->op == REGISTRY_V2_REMOVE) {
        (void) json_object_del(ctx->now, name);

        return REGISTRY_OK;
    }

    return (json_object_set(ctx->now, name, op->value) == 0)
           ? REGISTRY_OK : registry_v2_apply_memory(err);
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

    if (glance_str_eq(op->name, glance_str("tags"))) {
        return registry_v2_apply_tags(ctx, op->value, err);
    }

    registry_v2_attr_set(&ctx->edit->changes, op->name, op->value);

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_apply_tags(registry_v2_apply_t *ctx, json_t *tags,
    registry_err_t *err)
{
    size_t  n;

    n = registry_v2_distinct(tags);

    if (ctx->rules->tag_quota >= 0 && n > (size_t) ctx->rules->tag_quota) {
        return registry_err_set(err, REGISTRY_LIMIT, "The limit has been "
                                "exceeded on the number of allowed image "
                                "tags. Attempted: %zu, Maximum: %lld", n,
                                (long long) ctx->rules->tag_quota);
    }

    ctx->edit->tags = tags;

    return REGISTRY_OK;
}


/* what became of the properties, and whether there may be so many */

static registry_rc_e
registry_v2_apply_end(registry_v2_apply_t *ctx, registry_err_t *err)
{
    json_t               *value;
    int64_t               before, after, quota;
    const char           *name;
    registry_property_t  *p, **saved, **removed;

    before = 0;
    after = 0;
    quota = ctx->rules->property_quota;
    saved = &ctx->edit->changes.image.properties;
    removed = &ctx->edit->removed;

    for (const registry_property_t *old = ctx->image->properties;
         old != NULL;
         old = old->next)
    {
        before += registry_v2_internal(old->name) ? 0 : 1;

        if (json_object_get(ctx->now, (const char *) old->name.data) != NULL)
        {
            continue;
        }

        p = registry_pool_calloc(ctx->pool, 1, sizeof(registry_property_t));
        if (p == NULL) {
            return registry_v2_apply_memory(err);
        }

        p->name = old->name;
        *removed = p;
        removed = &p->next;
    }

    json_object_foreach(ctx->now, name, value) {

        after += registry_v2_internal(glance_str(name)) ? 0 : 1;

        if (json_is_true(value)) {
            continue;
        }

        p = registry_pool_calloc(ctx->pool, 1, sizeof(registry_property_t));

        if (p == NULL
            || !registry_pool_copy(ctx->pool, glance_str(name), &p->name))
        {
            return registry_v2_apply_memory(err);
        }

        p->value.data = (const unsigned char *) json_string_value(value);
        p->value.len = json_string_length(value);

        *saved = p;
        saved = &p->next;

        ctx->edit->changes.set |= REGISTRY_SET_PROPERTIES;
    }

    if (quota >= 0 && after > quota && after > before) {
        return registry_err_set(err, REGISTRY_LIMIT, "The limit has been "
                                "exceeded on the number of allowed image "
                                "properties. Attempted: %lld, Maximum: %lld",
                                (long long) after, (long long) quota);
    }

    return REGISTRY_OK;
}


/* the service's own properties do not count */

static bool
registry_v2_internal(glance_str_t name)
{
    return registry_v2_attr(name) == REGISTRY_V2_RESERVED;
}


static registry_rc_e
registry_v2_apply_memory(registry_err_t *err)
{
    return registry_err_set(err, REGISTRY_ERROR, "out of memory");
}
