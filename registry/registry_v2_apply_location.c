
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>
#include <string.h>

#include "registry_json_parse.h"
#include "registry_v2_place.h"


#define REGISTRY_V2_METADATA_MAX  65535 /* bytes of a TEXT column */


static registry_rc_e registry_v2_place_replace(registry_v2_place_t *ctx,
    registry_err_t *err);
static registry_rc_e registry_v2_place_fill(registry_v2_place_t *ctx,
    registry_err_t *err);
static registry_rc_e registry_v2_place_match(registry_v2_place_t *ctx,
    registry_err_t *err);
static registry_rc_e registry_v2_place_remove(registry_v2_place_t *ctx,
    registry_err_t *err);
static registry_rc_e registry_v2_place_allowed(registry_v2_place_t *ctx,
    const char *rule, const char *verb, registry_err_t *err);
static registry_rc_e registry_v2_place_copy(registry_v2_place_t *ctx,
    registry_err_t *err);


registry_rc_e
registry_v2_apply_location(registry_pool_t *pool,
    const registry_image_t *image, const registry_v2_op_t *op,
    const registry_v2_rules_t *rules, registry_v2_edit_t *edit,
    registry_err_t *err)
{
    registry_rc_e        rc;
    registry_v2_place_t  ctx;

    ctx.pool = pool;
    ctx.image = image;
    ctx.op = op;
    ctx.rules = rules;
    ctx.edit = edit;
    ctx.status = glance_status_parse((edit->changes.set & REGISTRY_SET_STATUS)
                                     ? edit->changes.image.status
                                     : image->status);

    if ((edit->changes.set & REGISTRY_SET_LOCATIONS) == 0) {
        rc = registry_v2_place_copy(&ctx, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    switch (op->op) {

    case REGISTRY_V2_ADD:
        rc = registry_v2_place_allowed(&ctx, "set_image_location", "add",
                                       err);

        if (rc == REGISTRY_OK) {
            rc = registry_v2_place_add(&ctx, op->value, op->position, 0, err);
        }

        break;

    case REGISTRY_V2_REPLACE:
        rc = registry_v2_place_replace(&ctx, err);
        break;

    default:
        rc = registry_v2_place_remove(&ctx, err);
        break;
    }

    if (rc == REGISTRY_OK) {
        edit->changes.set |= REGISTRY_SET_LOCATIONS;
    }

    return rc;
}


static registry_rc_e
registry_v2_place_replace(registry_v2_place_t *ctx, registry_err_t *err)
{
    registry_rc_e  rc;

    if (json_array_size(ctx->op->value) == 0) {
        return registry_err_set(err, REGISTRY_FORBIDDEN,
                                "Cannot set locations to empty list.");
    }

    rc = registry_v2_place_allowed(ctx, "set_image_location", "update",
                                   err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (ctx->status != GLANCE_STATUS_QUEUED
        && ctx->status != GLANCE_STATUS_ACTIVE)
    {
        return registry_err_set(err, REGISTRY_CONFLICT, "It's not allowed to "
                                "replace locations if image status is %s.",
                                glance_status_name(ctx->status));
    }

    rc = registry_v2_place_agree(ctx->op->value, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    return (ctx->status == GLANCE_STATUS_QUEUED)
           ? registry_v2_place_fill(ctx, err)
           : registry_v2_place_match(ctx, err);
}


/*
 * An image without data gets all of them.  One whose import has failed may
 * have a location still, which says nothing.
 */

static registry_rc_e
registry_v2_place_fill(registry_v2_place_t *ctx, registry_err_t *err)
{
    size_t         i;
    json_t        *location;
    registry_rc_e  rc;

    ctx->edit->changes.image.locations = NULL;

    json_array_foreach(ctx->op->value, i, location) {
        rc = registry_v2_place_add(ctx, location, glance_str("-"), i, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


/* the URLs stay, in whatever order; their metadata are new */

static registry_rc_e
registry_v2_place_match(registry_v2_place_t *ctx, registry_err_t *err)
{
    size_t                i;
    json_t               *location;
    glance_str_t          url;
    registry_rc_e         rc;
    registry_location_t  *l, *list, **next, **tail;

    list = NULL;
    tail = &list;

    json_array_foreach(ctx->op->value, i, location) {
        url = registry_json_slice(json_object_get(location, "url"));

        next = &ctx->edit->changes.image.locations;

        while (*next != NULL && !glance_str_eq((*next)->url, url)) {
            next = &(*next)->next;
        }

        l = *next;

        if (l == NULL) {
            break;
        }

        rc = registry_v2_place_digests(ctx, location, err);

        if (rc == REGISTRY_OK) {
            rc = registry_v2_place_metadata(ctx, location, l, err);
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }

        *next = l->next;
        l->next = NULL;
        *tail = l;
        tail = &l->next;
    }

    if (i < json_array_size(ctx->op->value)
        || ctx->edit->changes.image.locations != NULL)
    {
        return registry_err_set(err, REGISTRY_INVALID, "Original locations "
                                "is not empty: the new ones must have the "
                                "same URLs");
    }

    ctx->edit->changes.image.locations = list;

    return REGISTRY_OK;
}


/* as Python writes it: ASCII, a space behind the colon */

registry_rc_e
registry_v2_place_metadata(registry_v2_place_t *ctx, json_t *location,
    registry_location_t *l, registry_err_t *err)
{
    char  *dump;
    bool   done;

    dump = json_dumps(json_object_get(location, "metadata"),
                      JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);

    if (dump == NULL || strlen(dump) > REGISTRY_V2_METADATA_MAX) {
        free(dump);
        return registry_err_set(err, REGISTRY_INVALID, "The metadata of a "
                                "location is too long.");
    }

    done = registry_pool_copy(ctx->pool, glance_str(dump), &l->metadata);

    free(dump);

    return done ? REGISTRY_OK
                : registry_json_memory(err);
}


static registry_rc_e
registry_v2_place_remove(registry_v2_place_t *ctx, registry_err_t *err)
{
    size_t                 n, at;
    registry_rc_e          rc;
    registry_location_t   *l, **next;

    rc = registry_v2_place_allowed(ctx, "delete_image_location", "remove",
                                   err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (ctx->status != GLANCE_STATUS_ACTIVE) {
        return registry_err_set(err, REGISTRY_CONFLICT, "It's not allowed to "
                                "remove locations if image status is %s.",
                                glance_status_name(ctx->status));
    }

    n = registry_v2_place_count(ctx->edit->changes.image.locations);

    if (n == 1) {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "Cannot remove last "
                                "location in the image.");
    }

    if (!registry_v2_place_position(ctx->op->position, n, &at)
        || n == 0
        || (at == n && !glance_str_eq(ctx->op->position, glance_str("-"))))
    {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid position for "
                                "removing a location.");
    }

    if (at == n) {
        at--;
    }

    next = &ctx->edit->changes.image.locations;

    while (at-- > 0) {
        next = &(*next)->next;
    }

    l = *next;
    *next = l->next;

    l->next = ctx->edit->dropped;
    ctx->edit->dropped = l;

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_place_allowed(registry_v2_place_t *ctx, const char *rule,
    const char *verb, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = ctx->rules->allow(ctx->rules->arg, rule, err);

    if (rc == REGISTRY_OK && !ctx->rules->locations) {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "It's not allowed "
                                "to %s locations if locations are "
                                "invisible.", verb);
    }

    return rc;
}


/* "-" and what is beyond the end are n */

bool
registry_v2_place_position(glance_str_t text, size_t n, size_t *position)
{
    size_t  at;

    *position = n;

    if (glance_str_eq(text, glance_str("-"))) {
        return true;
    }

    if (text.len == 0) {
        return false;
    }

    at = 0;

    for (size_t i = 0; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }

        if (at < n) {
            at = at * 10 + (size_t) (text.data[i] - '0');
        }
    }

    *position = (at < n) ? at : n;

    return true;
}


size_t
registry_v2_place_count(const registry_location_t *l)
{
    size_t  n;

    for (n = 0; l != NULL; l = l->next) {
        n++;
    }

    return n;
}


/*
 * Locations are ordered by the ids of their rows, and new ones come last:
 * what is in another place than before goes into the row that belongs there.
 */

void
registry_v2_apply_rows(registry_location_t *locations)
{
    int64_t  id;

    for (registry_location_t *l = locations; l != NULL; l = l->next) {

        for (registry_location_t *r = l->next; r != NULL; r = r->next) {

            if (r->id != 0 && (l->id == 0 || r->id < l->id)) {
                id = l->id;
                l->id = r->id;
                r->id = id;
            }
        }
    }
}


/* the image's own are left as they are */

static registry_rc_e
registry_v2_place_copy(registry_v2_place_t *ctx, registry_err_t *err)
{
    registry_location_t  *l, **tail;

    ctx->edit->changes.image.locations = NULL;
    tail = &ctx->edit->changes.image.locations;

    for (const registry_location_t *old = ctx->image->locations;
         old != NULL;
         old = old->next)
    {
        l = registry_pool_alloc(ctx->pool, sizeof(registry_location_t));

        if (l == NULL) {
            return registry_json_memory(err);
        }

        *l = *old;
        l->next = NULL;
        *tail = l;
        tail = &l->next;
    }

    return REGISTRY_OK;
}
