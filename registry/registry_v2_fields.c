
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_fields.h"

#include <string.h>

#include "registry_json_parse.h"


typedef enum {
    REGISTRY_V2_FIELD_TEXT = 0,
    REGISTRY_V2_FIELD_NUMBER,
    REGISTRY_V2_FIELD_BOOL,
    REGISTRY_V2_FIELD_TAGS
} registry_v2_field_e;

typedef struct {
    const char           *name;
    registry_v2_field_e   type;
    uint32_t              set;
    size_t                offset;       /* in registry_image_t */
} registry_v2_field_t;


static registry_rc_e registry_v2_set_tags(registry_pool_t *pool,
    json_t *value, registry_changes_t *changes, registry_err_t *err);
static registry_rc_e registry_v2_set_property(registry_pool_t *pool,
    glance_str_t name, json_t *value, registry_changes_t *changes,
    registry_err_t *err);


#define field(name, type, set)                                                \
    { #name, REGISTRY_V2_FIELD_ ## type, REGISTRY_SET_ ## set,                \
      offsetof(registry_image_t, name) }

static const registry_v2_field_t  registry_v2_fields[] = {
    field(id, TEXT, ID),
    field(name, TEXT, NAME),
    field(visibility, TEXT, VISIBILITY),
    field(disk_format, TEXT, DISK_FORMAT),
    field(container_format, TEXT, CONTAINER_FORMAT),
    field(owner, TEXT, OWNER),
    field(protected, BOOL, PROTECTED),
    field(os_hidden, BOOL, OS_HIDDEN),
    field(min_disk, NUMBER, MIN_DISK),
    field(min_ram, NUMBER, MIN_RAM),
    field(tags, TAGS, TAGS),
    { NULL, REGISTRY_V2_FIELD_TEXT, 0, 0 }
};

#undef field


registry_rc_e
registry_v2_body(registry_request_t *rq, json_t **json)
{
    size_t  i;

    static const char  blanks[] = " \t\r\n";

    *json = NULL;

    for (i = 0; i < rq->body.len; i++) {
        if (memchr(blanks, rq->body.data[i], sizeof(blanks) - 1) == NULL) {
            break;
        }
    }

    if (i == rq->body.len) {
        return registry_err_set(&rq->err, REGISTRY_INVALID,
                                "Body expected in request.");
    }

    if (glance_utf8_check_text(rq->body) == GLANCE_UTF8_INVALID) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "The request body "
                                "could not be decoded: it is not UTF-8.");
    }

    /* of two members with one name the last one counts */

    *json = json_loadb((const char *) rq->body.data, rq->body.len,
                       JSON_DECODE_ANY, NULL);

    if (*json == NULL) {
        return registry_err_set(&rq->err, REGISTRY_INVALID,
                                "Malformed JSON in request body.");
    }

    if (json_is_object(*json) || json_is_array(*json)) {
        return REGISTRY_OK;
    }

    (void) registry_err_set(&rq->err, REGISTRY_INVALID,
                            json_is_null(*json)
                            ? "Body expected in request."
                            : "Unexpected body type. Expected list/dict.");

    json_decref(*json);
    *json = NULL;

    return REGISTRY_INVALID;
}


registry_v2_formats_t
registry_v2_formats(const registry_request_t *rq)
{
    registry_v2_formats_t  formats;

    formats.disk = rq->app->disk_formats;
    formats.container = rq->app->container_formats;

    return formats;
}


registry_rc_e
registry_v2_set(registry_pool_t *pool, glance_str_t name, json_t *value,
    registry_changes_t *changes, registry_err_t *err)
{
    void                       *slot;
    glance_str_t                s, *text;
    const registry_v2_field_t  *f;

    for (f = registry_v2_fields; f->name != NULL; f++) {
        if (glance_str_eq(name, glance_str(f->name))) {
            break;
        }
    }

    if (f->name == NULL) {
        return registry_v2_set_property(pool, name, value, changes, err);
    }

    slot = (char *) &changes->image + f->offset;
    changes->set |= f->set;

    switch (f->type) {

    case REGISTRY_V2_FIELD_BOOL:
        *(bool *) slot = json_is_true(value);
        return REGISTRY_OK;

    case REGISTRY_V2_FIELD_NUMBER:
        *(int64_t *) slot = (int64_t) json_number_value(value);
        return REGISTRY_OK;

    case REGISTRY_V2_FIELD_TAGS:
        return registry_v2_set_tags(pool, value, changes, err);

    default:
        break;
    }

    text = slot;
    s = registry_json_slice(value);

    /* an owner without a name is none */

    if (s.data == NULL || (f->set == REGISTRY_SET_OWNER && s.len == 0)) {
        text->data = NULL;
        text->len = 0;
        return REGISTRY_OK;
    }

    return registry_pool_copy(pool, s, text) ? REGISTRY_OK
                                             : registry_json_memory(err);
}


registry_rc_e
registry_v2_refuse(glance_str_t name, registry_v2_access_e access,
    registry_err_t *err)
{
    if (access != REGISTRY_V2_READ_ONLY && access != REGISTRY_V2_RESERVED) {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_FORBIDDEN,
                            "Attribute '%.*s' is %s.",
                            registry_v2_clip(name), (const char *) name.data,
                            (access == REGISTRY_V2_READ_ONLY) ? "read-only"
                                                              : "reserved");
}


registry_rc_e
registry_v2_quota(const char *what, size_t n, int64_t quota,
    registry_err_t *err)
{
    if (quota < 0 || (uint64_t) n <= (uint64_t) quota) {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_LIMIT, "The limit has been "
                            "exceeded on the number of allowed image %s. "
                            "Attempted: %zu, Maximum: %lld", what, n,
                            (long long) quota);
}


size_t
registry_v2_properties_count(const registry_property_t *properties)
{
    size_t  n;

    n = 0;

    for (const registry_property_t *p = properties; p != NULL; p = p->next) {
        n += !glance_str_case_starts(p->name, glance_str("os_glance"));
    }

    return n;
}


/* MySQL takes "Foo" for "foo": better no change than half of one */

registry_rc_e
registry_v2_properties_apart(const registry_image_t *image, size_t n,
    registry_err_t *err)
{
    if (registry_v2_properties_count(image->properties) == n) {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_INVALID, "The names of two "
                            "properties are the same to the database, which "
                            "does not tell upper from lower case.");
}


/* a set: what is there twice counts once */

static registry_rc_e
registry_v2_set_tags(registry_pool_t *pool, json_t *value,
    registry_changes_t *changes, registry_err_t *err)
{
    size_t            i;
    json_t           *item, *seen;
    registry_rc_e     rc;
    registry_tag_t   *tag, **tail;

    tail = &changes->image.tags;
    *tail = NULL;
    changes->n_tags = 0;

    seen = json_object();
    rc = (seen != NULL) ? REGISTRY_OK : registry_json_memory(err);

    json_array_foreach(value, i, item) {

        if (rc != REGISTRY_OK) {
            break;
        }

        if (json_object_get(seen, json_string_value(item)) != NULL) {
            continue;
        }

        tag = registry_pool_calloc(pool, 1, sizeof(registry_tag_t));

        if (tag == NULL
            || !registry_pool_copy(pool, registry_json_slice(item),
                                   &tag->value)
            || json_object_set(seen, json_string_value(item), item) != 0)
        {
            rc = registry_json_memory(err);
            continue;
        }

        *tail = tag;
        tail = &tag->next;
        changes->n_tags++;
    }

    json_decref(seen);

    return rc;
}


static registry_rc_e
registry_v2_set_property(registry_pool_t *pool, glance_str_t name,
    json_t *value, registry_changes_t *changes, registry_err_t *err)
{
    glance_str_t          s;
    registry_property_t  *p;

    s = registry_json_slice(value);
    p = registry_pool_calloc(pool, 1, sizeof(registry_property_t));

    if (p == NULL
        || !registry_pool_copy(pool, name, &p->name)
        || (s.data != NULL && !registry_pool_copy(pool, s, &p->value)))
    {
        return registry_json_memory(err);
    }

    p->next = changes->image.properties;
    changes->image.properties = p;
    changes->set |= REGISTRY_SET_PROPERTIES;

    return REGISTRY_OK;
}


registry_rc_e
registry_v2_formats_set(const registry_image_t *image, registry_err_t *err)
{
    bool  disk, container;

    disk = (image->disk_format.len == 0);
    container = (image->container_format.len == 0);

    if (!disk && !container) {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_INVALID, "%s %s%s%s must be set "
                            "prior to saving data.",
                            (disk && container) ? "Properties" : "Property",
                            disk ? "disk_format" : "",
                            (disk && container) ? ", " : "",
                            container ? "container_format" : "");
}


bool
registry_v2_hex(glance_str_t value)
{
    unsigned char  c;

    for (size_t i = 0; i < value.len; i++) {
        c = value.data[i];

        if (!((c >= '0' && c <= '9')
              || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')))
        {
            return false;
        }
    }

    return true;
}
