
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glance_time.h"
#include "registry_json_parse.h"


#define REGISTRY_JSON_VALUE_MAX  65535  /* bytes of a TEXT column */
#define REGISTRY_JSON_INT_MAX    2147483647


typedef enum {
    REGISTRY_FIELD_TEXT = 0,    /* at most max characters, or null */
    REGISTRY_FIELD_STATUS,
    REGISTRY_FIELD_VISIBILITY,
    REGISTRY_FIELD_SIZE,        /* null stays null */
    REGISTRY_FIELD_INT,         /* null is 0 */
    REGISTRY_FIELD_BOOL,
    REGISTRY_FIELD_TIME,
    REGISTRY_FIELD_IS_PUBLIC
} registry_field_e;

typedef struct {
    const char        *name;
    registry_field_e   type;
    size_t             max;
    uint32_t           set;
    size_t             offset;          /* in registry_image_t */
} registry_field_t;


static registry_rc_e registry_json_field(registry_pool_t *pool,
    const registry_field_t *field, json_t *value, registry_changes_t *changes,
    registry_err_t *err);
static registry_rc_e registry_json_text(registry_pool_t *pool,
    const registry_field_t *field, json_t *value, glance_str_t *text,
    registry_err_t *err);
static registry_rc_e registry_json_integer(const registry_field_t *field,
    json_t *value, int64_t max, int64_t *number, registry_err_t *err);
static registry_rc_e registry_json_id(registry_pool_t *pool, json_t *value,
    registry_changes_t *changes, registry_err_t *err);
static registry_rc_e registry_json_properties_in(registry_pool_t *pool,
    json_t *value, registry_changes_t *changes, registry_err_t *err);
static registry_rc_e registry_json_property(registry_pool_t *pool,
    json_t *value, registry_property_t *p, registry_err_t *err);
static registry_rc_e registry_json_locations_in(registry_pool_t *pool,
    json_t *image, registry_changes_t *changes, registry_err_t *err);
static registry_rc_e registry_json_location(registry_pool_t *pool,
    json_t *url, json_t *data, registry_location_t **list,
    registry_err_t *err);
static registry_rc_e registry_json_location_data(registry_pool_t *pool,
    json_t *data, registry_location_t *location, registry_err_t *err);


#define field(name, type, max, set)                                           \
    { #name, REGISTRY_FIELD_ ## type, max, set,                               \
      offsetof(registry_image_t, name) }

static const registry_field_t  registry_fields[] = {
    field(name, TEXT, 255, REGISTRY_SET_NAME),
    field(status, STATUS, 0, REGISTRY_SET_STATUS),
    field(disk_format, TEXT, 20, REGISTRY_SET_DISK_FORMAT),
    field(container_format, TEXT, 20, REGISTRY_SET_CONTAINER_FORMAT),
    field(checksum, TEXT, 32, REGISTRY_SET_CHECKSUM),
    field(owner, TEXT, 255, REGISTRY_SET_OWNER),
    field(visibility, VISIBILITY, 0, REGISTRY_SET_VISIBILITY),
    field(os_hash_algo, TEXT, 64, REGISTRY_SET_OS_HASH_ALGO),
    field(os_hash_value, TEXT, 128, REGISTRY_SET_OS_HASH_VALUE),
    field(size, SIZE, 0, REGISTRY_SET_SIZE),
    field(virtual_size, SIZE, 0, REGISTRY_SET_VIRTUAL_SIZE),
    field(min_disk, INT, 0, REGISTRY_SET_MIN_DISK),
    field(min_ram, INT, 0, REGISTRY_SET_MIN_RAM),
    field(protected, BOOL, 0, REGISTRY_SET_PROTECTED),
    field(os_hidden, BOOL, 0, REGISTRY_SET_OS_HIDDEN),
    field(created_at, TIME, 0, REGISTRY_SET_CREATED_AT),
    field(updated_at, TIME, 0, REGISTRY_SET_UPDATED_AT),
    { "is_public", REGISTRY_FIELD_IS_PUBLIC, 0, REGISTRY_SET_IS_PUBLIC, 0 },
    { NULL, REGISTRY_FIELD_TEXT, 0, 0, 0 }
};

#undef field


registry_rc_e
registry_json_changes(registry_pool_t *pool, glance_str_t body,
    registry_changes_t *changes, registry_err_t *err)
{
    json_t         *json, *image, *value;
    registry_rc_e   rc;

    rc = registry_json_load(body, &json, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    image = json_object_get(json, "image");

    if (!json_is_object(image)) {
        rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                              "image: must be an object");
        goto done;
    }

    value = json_object_get(json, "from_state");

    if (value != NULL && !json_is_null(value)) {

        if (glance_status_parse(registry_json_slice(value))
            == GLANCE_STATUS_UNKNOWN)
        {
            rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                  "from_state: must be a status");
            goto done;
        }

        if (!registry_pool_copy(pool, registry_json_slice(value),
                                &changes->from_state))
        {
            rc = registry_json_memory(err);
            goto done;
        }
    }

    value = json_object_get(json, "copy_from");

    if (value != NULL
        && !registry_pool_copy(pool, registry_json_slice(value),
                               &changes->copy_from))
    {
        rc = registry_json_memory(err);
        goto done;
    }

    for (const registry_field_t *f = registry_fields; f->name != NULL; f++) {

        value = json_object_get(image, f->name);

        if (value == NULL) {
            continue;
        }

        rc = registry_json_field(pool, f, value, changes, err);

        if (rc != REGISTRY_OK) {
            goto done;
        }
    }

    rc = registry_json_id(pool, json_object_get(image, "id"), changes, err);

    if (rc == REGISTRY_OK) {
        rc = registry_json_properties_in(pool,
                                         json_object_get(image, "properties"),
                                         changes, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_json_locations_in(pool, image, changes, err);
    }

done:

    json_decref(json);

    return rc;
}


static registry_rc_e
registry_json_field(registry_pool_t *pool, const registry_field_t *field,
    json_t *value, registry_changes_t *changes, registry_err_t *err)
{
    void           *slot;
    int64_t         max;
    registry_rc_e   rc;

    slot = (char *) &changes->image + field->offset;
    rc = REGISTRY_OK;

    switch (field->type) {

    case REGISTRY_FIELD_TEXT:
    case REGISTRY_FIELD_STATUS:
    case REGISTRY_FIELD_VISIBILITY:
        rc = registry_json_text(pool, field, value, slot, err);
        break;

    case REGISTRY_FIELD_SIZE:
    case REGISTRY_FIELD_INT:
        max = (field->type == REGISTRY_FIELD_INT) ? REGISTRY_JSON_INT_MAX
                                                  : GLANCE_IMAGE_SIZE_MAX;
        rc = registry_json_integer(field, value, max, slot, err);
        break;

    case REGISTRY_FIELD_BOOL:
        *(bool *) slot = registry_json_true(value);
        break;

    case REGISTRY_FIELD_IS_PUBLIC:
        changes->is_public = registry_json_true(value);
        break;

    case REGISTRY_FIELD_TIME:
        if (json_is_null(value)) {
            return REGISTRY_OK;
        }

        if (!glance_time_parse(registry_json_slice(value), slot)) {
            return registry_err_set(err, REGISTRY_INVALID, "Invalid value "
                                    "for %s: must be an ISO 8601 time",
                                    field->name);
        }

        break;
    }

    if (rc == REGISTRY_OK) {
        changes->set |= field->set;
    }

    return rc;
}


static registry_rc_e
registry_json_text(registry_pool_t *pool, const registry_field_t *field,
    json_t *value, glance_str_t *text, registry_err_t *err)
{
    glance_str_t   s;
    registry_rc_e  rc;

    s = registry_json_slice(value);

    if (field->type == REGISTRY_FIELD_STATUS
        && glance_status_parse(s) == GLANCE_STATUS_UNKNOWN)
    {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid image status "
                                "for image: %.*s",
                                (int) ((s.len < 64) ? s.len : 64),
                                (s.data == NULL) ? ""
                                                 : (const char *) s.data);
    }

    if (field->type == REGISTRY_FIELD_VISIBILITY
        && !glance_visibility_valid(s))
    {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "visibility: must be public, private, shared "
                                "or community");
    }

    if (json_is_null(value)) {
        text->data = NULL;
        text->len = 0;
        return REGISTRY_OK;
    }

    if (s.data == NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "%s: must be a string", field->name);
    }

    if (field->max > 0) {
        rc = registry_json_check(field->name, s, field->max, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return registry_pool_copy(pool, s, text) ? REGISTRY_OK
                                             : registry_json_memory(err);
}


/* decimal text is taken as well, as int() of older registries did */

static registry_rc_e
registry_json_integer(const registry_field_t *field, json_t *value,
    int64_t max, int64_t *number, registry_err_t *err)
{
    uint64_t    n;
    json_int_t  i;

    if (json_is_null(value)) {
        *number = (field->type == REGISTRY_FIELD_INT) ? 0
                                                      : REGISTRY_NUMBER_NULL;
        return REGISTRY_OK;
    }

    if (json_is_integer(value)) {
        i = json_integer_value(value);

        if (i >= 0 && i <= max) {
            *number = i;
            return REGISTRY_OK;
        }

    } else if (json_is_string(value)
               && glance_str_u64(registry_json_slice(value), (uint64_t) max,
                                 &n))
    {
        *number = (int64_t) n;
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_INVALID, "Invalid value for %s: "
                            "must be an integer between 0 and %lld",
                            field->name, (long long) max);
}


static registry_rc_e
registry_json_id(registry_pool_t *pool, json_t *value,
    registry_changes_t *changes, registry_err_t *err)
{
    char          text[24];
    glance_str_t  s;

    if (value == NULL || json_is_null(value)) {
        return REGISTRY_OK;
    }

    s = registry_json_slice(value);

    if (json_is_integer(value)) {
        (void) snprintf(text, sizeof(text), "%lld",
                        (long long) json_integer_value(value));
        s = glance_str(text);
    }

    if (!glance_image_id_valid(s)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "Invalid image id format");
    }

    changes->set |= REGISTRY_SET_ID;

    return registry_pool_copy(pool, s, &changes->image.id)
           ? REGISTRY_OK : registry_json_memory(err);
}


static registry_rc_e
registry_json_properties_in(registry_pool_t *pool, json_t *value,
    registry_changes_t *changes, registry_err_t *err)
{
    json_t               *item;
    const char           *key;
    glance_str_t          name;
    registry_rc_e         rc;
    registry_property_t  *p, **tail;

    if (value == NULL) {
        return REGISTRY_OK;
    }

    if (!json_is_object(value)) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "properties: must be an object");
    }

    changes->set |= REGISTRY_SET_PROPERTIES;
    tail = &changes->image.properties;

    json_object_foreach(value, key, item) {

        name = glance_str(key);

        if (name.len == 0) {
            return registry_err_set(err, REGISTRY_INVALID, "Invalid value "
                                    "for properties: empty name");
        }

        rc = registry_json_check("the name of a property", name,
                                 GLANCE_IMAGE_NAME_MAX, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        p = registry_pool_calloc(pool, 1, sizeof(registry_property_t));

        if (p == NULL || !registry_pool_copy(pool, name, &p->name)) {
            return registry_json_memory(err);
        }

        rc = registry_json_property(pool, item, p, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        *tail = p;
        tail = &p->next;
    }

    return REGISTRY_OK;
}


/* numbers and booleans become text, as the database would make of them */

static registry_rc_e
registry_json_property(registry_pool_t *pool, json_t *value,
    registry_property_t *p, registry_err_t *err)
{
    char            text[64];
    glance_str_t    s;
    glance_utf8_e   utf8;

    if (json_is_null(value)) {
        return REGISTRY_OK;
    }

    s = registry_json_slice(value);

    if (json_is_integer(value)) {
        (void) snprintf(text, sizeof(text), "%lld",
                        (long long) json_integer_value(value));
        s = glance_str(text);

    } else if (json_is_real(value)) {
        (void) snprintf(text, sizeof(text), "%.17g", json_real_value(value));
        s = glance_str(text);

    } else if (json_is_boolean(value)) {
        s = glance_str(json_is_true(value) ? "True" : "False");
    }

    if (s.data == NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "property %.64s: must be a string or null",
                                (const char *) p->name.data);
    }

    utf8 = glance_utf8_check_text(s);

    if (utf8 == GLANCE_UTF8_INVALID || utf8 == GLANCE_UTF8_FOUR_BYTE) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "property %.64s: characters of four bytes in "
                                "UTF-8 are not supported",
                                (const char *) p->name.data);
    }

    if (s.len > REGISTRY_JSON_VALUE_MAX) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "property %.64s: longer than %d bytes",
                                (const char *) p->name.data,
                                REGISTRY_JSON_VALUE_MAX);
    }

    return registry_pool_copy(pool, s, &p->value)
           ? REGISTRY_OK : registry_json_memory(err);
}


/* "location" is the first of them; the same URL again is not a second one */

static registry_rc_e
registry_json_locations_in(registry_pool_t *pool, json_t *image,
    registry_changes_t *changes, registry_err_t *err)
{
    size_t          i;
    json_t         *url, *list, *entry;
    registry_rc_e   rc;

    url = json_object_get(image, "location");
    list = json_object_get(image, "location_data");

    if (url == NULL && list == NULL) {
        return REGISTRY_OK;
    }

    changes->set |= REGISTRY_SET_LOCATIONS;

    if (url != NULL && !json_is_null(url)) {
        rc = registry_json_location(pool, url, NULL,
                                    &changes->image.locations, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (list == NULL || json_is_null(list)) {
        return REGISTRY_OK;
    }

    if (!json_is_array(list)) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "location_data: must be a list");
    }

    json_array_foreach(list, i, entry) {

        rc = registry_json_location(pool, json_object_get(entry, "url"),
                                    entry, &changes->image.locations, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_json_location(registry_pool_t *pool, json_t *url, json_t *data,
    registry_location_t **list, registry_err_t *err)
{
    glance_str_t          s;
    registry_location_t  *l, **tail;

    s = registry_json_slice(url);

    if (s.len == 0 || s.len > REGISTRY_JSON_VALUE_MAX
        || glance_utf8_check(s) != GLANCE_UTF8_OK)
    {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "%s: must be a URL",
                                (data == NULL) ? "location"
                                               : "location_data");
    }

    for (tail = list; *tail != NULL; tail = &(*tail)->next) {

        /* the data belongs to "location", which came first */

        if (glance_str_eq((*tail)->url, s)) {
            return registry_json_location_data(pool, data, *tail, err);
        }
    }

    l = registry_pool_calloc(pool, 1, sizeof(registry_location_t));

    if (l == NULL || !registry_pool_copy(pool, s, &l->url)) {
        return registry_json_memory(err);
    }

    l->status = glance_str("active");
    l->metadata = glance_str("{}");

    *tail = l;

    return registry_json_location_data(pool, data, l, err);
}


static registry_rc_e
registry_json_location_data(registry_pool_t *pool, json_t *data,
    registry_location_t *location, registry_err_t *err)
{
    char          *dump;
    bool           done;
    json_t        *value;
    glance_str_t   s;

    value = json_object_get(data, "metadata");

    if (value != NULL && !json_is_null(value)) {

        if (!json_is_object(value)) {
            return registry_err_set(err, REGISTRY_INVALID, "Invalid value "
                                    "for location_data: metadata must be an "
                                    "object");
        }

        /* as Python writes it: ASCII, a space behind the colon */

        dump = json_dumps(value, JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);

        if (dump == NULL || strlen(dump) > REGISTRY_JSON_VALUE_MAX) {
            free(dump);
            return registry_err_set(err, REGISTRY_INVALID, "Invalid value "
                                    "for location_data: metadata too long");
        }

        done = registry_pool_copy(pool, glance_str(dump),
                                  &location->metadata);
        free(dump);

        if (!done) {
            return registry_json_memory(err);
        }
    }

    s = registry_json_slice(json_object_get(data, "status"));

    if (s.data != NULL) {

        if (!glance_str_eq(s, glance_str("active"))
            && !glance_str_eq(s, glance_str("pending_delete"))
            && !glance_str_eq(s, glance_str("deleted")))
        {
            return registry_err_set(err, REGISTRY_INVALID, "Invalid value "
                                    "for location_data: unknown status");
        }

        if (!registry_pool_copy(pool, s, &location->status)) {
            return registry_json_memory(err);
        }
    }

    value = json_object_get(data, "id");

    if (json_is_integer(value)) {
        location->id = json_integer_value(value);
    }

    return REGISTRY_OK;
}
