
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>
#include <string.h>

#include "registry_json_parse.h"
#include "registry_v2_apply.h"
#include "registry_v2_fields.h"


#define REGISTRY_V2_METADATA_MAX  65535 /* bytes of a TEXT column */


typedef struct {
    registry_pool_t            *pool;
    const registry_image_t     *image;
    const registry_v2_op_t     *op;
    const registry_v2_rules_t  *rules;
    registry_v2_edit_t         *edit;
    glance_status_e             status;
} registry_v2_place_t;


static registry_rc_e registry_v2_place_add(registry_v2_place_t *ctx,
    json_t *location, glance_str_t position, registry_err_t *err);
static registry_rc_e registry_v2_place_replace(registry_v2_place_t *ctx,
    registry_err_t *err);
static bool registry_v2_place_same(const registry_location_t *locations,
    json_t *list);
static registry_rc_e registry_v2_place_metadata(registry_v2_place_t *ctx,
    json_t *location, registry_location_t *l, registry_err_t *err);
static registry_rc_e registry_v2_place_remove(registry_v2_place_t *ctx,
    registry_err_t *err);
static registry_rc_e registry_v2_place_allowed(registry_v2_place_t *ctx,
    const char *rule, const char *verb, registry_err_t *err);
static registry_rc_e registry_v2_place_digests(
    const registry_v2_place_t *ctx, json_t *given, registry_err_t *err);
static bool registry_v2_place_position(glance_str_t text, size_t n,
    size_t *position);
static size_t registry_v2_place_count(const registry_location_t *l);
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
    ctx.status = glance_status_parse(image->status);

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
            rc = registry_v2_place_add(&ctx, op->value, op->position, err);
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


/*
 * Files are nobody's to point at, and whether a URL leads to data is known to
 * the store that serves it; there is none here that takes URLs of others.
 */

static registry_rc_e
registry_v2_place_add(registry_v2_place_t *ctx, json_t *location,
    glance_str_t position, registry_err_t *err)
{
    size_t         n, at;
    glance_str_t   url;
    registry_rc_e  rc;

    if (ctx->status != GLANCE_STATUS_QUEUED
        && ctx->status != GLANCE_STATUS_ACTIVE)
    {
        return registry_err_set(err, REGISTRY_CONFLICT, "It's not allowed to "
                                "add locations if image status is %s.",
                                glance_status_name(ctx->status));
    }

    rc = registry_v2_place_digests(ctx, json_object_get(location,
                                                        "validation_data"),
                                   err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    n = registry_v2_place_count(ctx->edit->changes.image.locations);

    if (!registry_v2_place_position(position, n, &at)) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid position for "
                                "adding a location.");
    }

    rc = registry_v2_quota("locations", n + 1, ctx->rules->location_quota,
                           err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    url = registry_json_slice(json_object_get(location, "url"));

    for (registry_location_t *l = ctx->edit->changes.image.locations;
         l != NULL;
         l = l->next)
    {
        if (glance_str_eq(l->url, url)) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "The location already exists");
        }
    }

    return registry_err_set(err, REGISTRY_INVALID, "Invalid location: no "
                            "store here takes URLs of clients");
}


static registry_rc_e
registry_v2_place_replace(registry_v2_place_t *ctx, registry_err_t *err)
{
    size_t                 i;
    json_t                *location;
    glance_str_t           url;
    registry_rc_e          rc;
    registry_location_t   *l;

    if (json_array_size(ctx->op->value) == 0) {
        return registry_err_set(err, REGISTRY_FORBIDDEN,
                                "Cannot set locations to empty list.");
    }

    rc = registry_v2_place_allowed(ctx, "set_image_location", "update",
                                   err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (ctx->status == GLANCE_STATUS_QUEUED) {
        return registry_v2_place_add(ctx, json_array_get(ctx->op->value, 0),
                                     glance_str("-"), err);
    }

    if (ctx->status != GLANCE_STATUS_ACTIVE) {
        return registry_err_set(err, REGISTRY_CONFLICT, "It's not allowed to "
                                "replace locations if image status is %s.",
                                glance_status_name(ctx->status));
    }

    /* in whatever order: the rows get them in the new one */

    if (!registry_v2_place_same(ctx->edit->changes.image.locations,
                                ctx->op->value))
    {
        return registry_err_set(err, REGISTRY_INVALID, "Original locations "
                                "is not empty: the new ones must have the "
                                "same URLs");
    }

    l = ctx->edit->changes.image.locations;

    json_array_foreach(ctx->op->value, i, location) {

        rc = registry_v2_place_digests(
                 ctx, json_object_get(location, "validation_data"), err);

        if (rc == REGISTRY_OK) {
            rc = registry_v2_place_metadata(ctx, location, l, err);
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }

        url = registry_json_slice(json_object_get(location, "url"));

        if (!registry_pool_copy(ctx->pool, url, &l->url)) {
            return registry_json_memory(err);
        }

        l = l->next;
    }

    return REGISTRY_OK;
}


/* whether the list has the URLs of the locations, and no others */

static bool
registry_v2_place_same(const registry_location_t *locations, json_t *list)
{
    bool         same;
    size_t       i;
    json_t      *urls, *location, *seen;
    const char  *url;

    urls = json_object();

    for (const registry_location_t *l = locations; l != NULL; l = l->next) {
        (void) json_object_set_new(urls, (const char *) l->url.data,
                                   json_false());
    }

    same = (registry_v2_place_count(locations) == json_array_size(list));

    json_array_foreach(list, i, location) {
        url = json_string_value(json_object_get(location, "url"));

        if (json_object_get(urls, url) == NULL) {
            same = false;
            break;
        }

        (void) json_object_set_new(urls, url, json_true());
    }

    json_object_foreach(urls, url, seen) {
        same = same && json_is_true(seen);
    }

    json_decref(urls);

    return same;
}


/* as Python writes it: ASCII, a space behind the colon */

static registry_rc_e
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


/* an image that has its digests has them for all of its locations */

static registry_rc_e
registry_v2_place_digests(const registry_v2_place_t *ctx, json_t *given,
    registry_err_t *err)
{
    json_t  *value;

    const struct {
        const char    *name;
        glance_str_t   value;
    } digests[] = {
        { "checksum", ctx->image->checksum },
        { "os_hash_algo", ctx->image->os_hash_algo },
        { "os_hash_value", ctx->image->os_hash_value }
    };

    if (given == NULL || ctx->status == GLANCE_STATUS_QUEUED) {
        return REGISTRY_OK;
    }

    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        value = json_object_get(given, digests[i].name);

        if (value != NULL
            && (digests[i].value.data == NULL
                || !glance_str_eq(registry_json_slice(value),
                                  digests[i].value)))
        {
            return registry_err_set(err, REGISTRY_CONFLICT,
                                    "%s is already set with a different "
                                    "value", digests[i].name);
        }
    }

    return REGISTRY_OK;
}


/* "-" and what is beyond the end are n */

static bool
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


static size_t
registry_v2_place_count(const registry_location_t *l)
{
    size_t  n;

    for (n = 0; l != NULL; l = l->next) {
        n++;
    }

    return n;
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
