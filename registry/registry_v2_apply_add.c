
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_digest.h"
#include "glance_uri.h"
#include "registry_json_parse.h"
#include "registry_v2_fields.h"
#include "registry_v2_place.h"


typedef struct {
    const char    *name;
    uint32_t       set;
    glance_str_t   value;       /* of the image, with what is to be written */
    glance_str_t  *edit;
} registry_v2_digest_t;


static registry_rc_e registry_v2_place_url(glance_str_t url,
    registry_err_t *err);
static bool registry_v2_place_known(const registry_v2_place_t *ctx,
    json_t *location);
static registry_rc_e registry_v2_place_size(registry_v2_place_t *ctx,
    int64_t size, registry_err_t *err);
static registry_rc_e registry_v2_place_activate(registry_v2_place_t *ctx,
    int64_t size, registry_err_t *err);
static registry_rc_e registry_v2_place_hex(const char *name, const char *algo,
    glance_str_t value, registry_err_t *err);
static void registry_v2_place_effective(registry_v2_place_t *ctx,
    registry_v2_digest_t digests[3]);


registry_rc_e
registry_v2_place_add(registry_v2_place_t *ctx, json_t *location,
    glance_str_t position, size_t item, registry_err_t *err)
{
    size_t                 n, at;
    int64_t                size;
    glance_str_t           url;
    registry_rc_e          rc;
    registry_location_t   *l, **next;

    if (ctx->status != GLANCE_STATUS_QUEUED
        && ctx->status != GLANCE_STATUS_ACTIVE)
    {
        return registry_err_set(err, REGISTRY_CONFLICT, "It's not allowed to "
                                "add locations if image status is %s.",
                                glance_status_name(ctx->status));
    }

    rc = registry_v2_place_digests(ctx, location, err);

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

    if (registry_v2_place_known(ctx, location)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "The location already exists");
    }

    url = registry_json_slice(json_object_get(location, "url"));

    rc = registry_v2_place_url(url, err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_sources_size(ctx->rules->sources, ctx->op->index,
                                      item, url, &size, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_place_size(ctx, size, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    l = registry_pool_calloc(ctx->pool, 1, sizeof(registry_location_t));

    if (l == NULL || !registry_pool_copy(ctx->pool, url, &l->url)) {
        return registry_json_memory(err);
    }

    l->status = glance_str("active");

    next = &ctx->edit->changes.image.locations;

    while (at-- > 0) {
        next = &(*next)->next;
    }

    l->next = *next;
    *next = l;

    return registry_v2_place_metadata(ctx, location, l, err);
}


/*
 * The text is not told: there may be a key in it.  Those of HTTP would go to
 * whoever the name leads to.
 */

static registry_rc_e
registry_v2_place_url(glance_str_t url, registry_err_t *err)
{
    glance_uri_t  uri;

    if (!glance_uri_parse(url, &uri)
        || uri.scheme == GLANCE_SCHEME_UNKNOWN
        || uri.scheme == GLANCE_SCHEME_FILE
        || glance_str_eq(uri.name, glance_str("swift+config"))
        || (uri.scheme == GLANCE_SCHEME_HTTP
            && (uri.user.len > 0 || uri.has_password)))
    {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid location: no "
                                "store here takes such a URL of clients");
    }

    return REGISTRY_OK;
}


/* the same URL may be there twice, with other metadata */

static bool
registry_v2_place_known(const registry_v2_place_t *ctx, json_t *location)
{
    bool           same;
    json_t        *metadata;
    glance_str_t   url;

    url = registry_json_slice(json_object_get(location, "url"));

    for (const registry_location_t *l = ctx->edit->changes.image.locations;
         l != NULL;
         l = l->next)
    {
        if (!glance_str_eq(l->url, url)) {
            continue;
        }

        metadata = (l->metadata.data == NULL) ? NULL
                   : json_loadb((const char *) l->metadata.data,
                                l->metadata.len, 0, NULL);

        if (metadata == NULL) {
            metadata = json_object();
        }

        same = (json_equal(metadata, json_object_get(location, "metadata"))
                != 0);

        json_decref(metadata);

        if (same) {
            return true;
        }
    }

    return false;
}


static registry_rc_e
registry_v2_place_size(registry_v2_place_t *ctx, int64_t size,
    registry_err_t *err)
{
    int64_t  have;

    if (ctx->status == GLANCE_STATUS_QUEUED) {
        return registry_v2_place_activate(ctx, size, err);
    }

    have = (ctx->edit->changes.set & REGISTRY_SET_SIZE)
           ? ctx->edit->changes.image.size : ctx->image->size;

    /* other data than those that the image has, certainly */

    if (have != REGISTRY_NUMBER_NULL && have != size
        && !(ctx->rules->sources != NULL
             && (ctx->rules->sources->ask || ctx->rules->sources->refused)))
    {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid location: it "
                                "has %lld bytes, and the image %lld",
                                (long long) size, (long long) have);
    }

    return REGISTRY_OK;
}


/* the first location of an image is its data */

static registry_rc_e
registry_v2_place_activate(registry_v2_place_t *ctx, int64_t size,
    registry_err_t *err)
{
    registry_rc_e        rc;
    registry_image_t     formats;
    registry_changes_t  *changes = &ctx->edit->changes;

    formats = *ctx->image;

    if (changes->set & REGISTRY_SET_DISK_FORMAT) {
        formats.disk_format = changes->image.disk_format;
    }

    if (changes->set & REGISTRY_SET_CONTAINER_FORMAT) {
        formats.container_format = changes->image.container_format;
    }

    rc = registry_v2_formats_set(&formats, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    changes->image.size = size;
    changes->image.status = glance_str("active");
    changes->set |= REGISTRY_SET_SIZE | REGISTRY_SET_STATUS;

    ctx->status = GLANCE_STATUS_ACTIVE;

    return REGISTRY_OK;
}


registry_rc_e
registry_v2_place_digests(registry_v2_place_t *ctx, json_t *location,
    registry_err_t *err)
{
    size_t                 fresh;
    json_t                *given;
    glance_str_t           value;
    registry_rc_e          rc;
    registry_v2_digest_t   digests[3];

    fresh = 3;
    given = json_object_get(location, "validation_data");

    if (given == NULL) {
        return REGISTRY_OK;
    }

    registry_v2_place_effective(ctx, digests);

    for (size_t i = 0; i < 3; i++) {
        value = registry_json_slice(json_object_get(given, digests[i].name));

        if (value.data == NULL || glance_str_eq(value, digests[i].value)) {
            continue;
        }

        if (digests[i].value.len > 0) {
            return registry_err_set(err, REGISTRY_CONFLICT,
                                    "%s is already set with a different "
                                    "value", digests[i].name);
        }

        fresh = (fresh == 3) ? i : fresh;
    }

    if (fresh == 3) {
        return REGISTRY_OK;
    }

    if (ctx->status != GLANCE_STATUS_QUEUED) {
        return registry_err_set(err, REGISTRY_CONFLICT, "New value(s) for %s "
                                "may only be provided when image status is "
                                "'queued'", digests[fresh].name);
    }

    value = registry_json_slice(json_object_get(given, "os_hash_algo"));

    if (!glance_str_eq(value, glance_str(ctx->rules->hash))) {
        return registry_err_set(err, REGISTRY_CONFLICT, "os_hash_algo must "
                                "be %s, not %.*s", ctx->rules->hash,
                                registry_v2_clip(value),
                                (const char *) value.data);
    }

    for (size_t i = 0; i < 3; i++) {
        value = registry_json_slice(json_object_get(given, digests[i].name));

        if (value.data == NULL) {
            continue;
        }

        rc = registry_v2_place_hex(digests[i].name, ctx->rules->hash, value,
                                   err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        if (!registry_pool_copy(ctx->pool, value, digests[i].edit)) {
            return registry_json_memory(err);
        }

        ctx->edit->changes.set |= digests[i].set;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_place_hex(const char *name, const char *algo, glance_str_t value,
    registry_err_t *err)
{
    if (glance_str_eq(glance_str(name), glance_str("os_hash_algo"))) {
        return REGISTRY_OK;
    }

    if (glance_str_eq(glance_str(name), glance_str("checksum"))) {
        algo = "md5";
    }

    if (value.len != glance_digest_hex_len(glance_str(algo))) {
        return registry_err_set(err, REGISTRY_CONFLICT, "%s is not the "
                                "correct size for %s", name, algo);
    }

    return registry_v2_hex(value)
           ? REGISTRY_OK
           : registry_err_set(err, REGISTRY_CONFLICT, "%s must have "
                              "hexadecimal digits for %s", name, algo);
}


static void
registry_v2_place_effective(registry_v2_place_t *ctx,
    registry_v2_digest_t digests[3])
{
    registry_changes_t  *changes = &ctx->edit->changes;

    digests[0] = (registry_v2_digest_t) {
        "checksum", REGISTRY_SET_CHECKSUM, ctx->image->checksum,
        &changes->image.checksum
    };

    digests[1] = (registry_v2_digest_t) {
        "os_hash_algo", REGISTRY_SET_OS_HASH_ALGO, ctx->image->os_hash_algo,
        &changes->image.os_hash_algo
    };

    digests[2] = (registry_v2_digest_t) {
        "os_hash_value", REGISTRY_SET_OS_HASH_VALUE,
        ctx->image->os_hash_value, &changes->image.os_hash_value
    };

    for (size_t i = 0; i < 3; i++) {

        if (changes->set & digests[i].set) {
            digests[i].value = *digests[i].edit;
        }
    }
}


registry_rc_e
registry_v2_place_agree(json_t *locations, registry_err_t *err)
{
    size_t         i;
    json_t        *all, *location, *given, *value;
    const char    *key;
    registry_rc_e  rc;

    rc = REGISTRY_OK;
    all = json_object();

    json_array_foreach(locations, i, location) {
        given = json_object_get(location, "validation_data");

        json_object_foreach(given, key, value) {

            if (json_object_get(all, key) == NULL) {
                (void) json_object_set(all, key, value);

            } else if (!json_equal(json_object_get(all, key), value)) {
                rc = registry_err_set(err, REGISTRY_CONFLICT,
                                      "Conflicting values for %s", key);
                break;
            }
        }

        if (rc != REGISTRY_OK) {
            break;
        }
    }

    json_decref(all);

    return rc;
}
