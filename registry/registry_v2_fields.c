
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_fields.h"

#include <string.h>

#include "glance_uuid.h"
#include "registry_v2.h"


#define REGISTRY_V2_VALUE_MAX  65535    /* bytes of a TEXT column */
#define REGISTRY_V2_INT_MAX    2147483647
#define REGISTRY_V2_TAG_MAX    255

#define REGISTRY_V2_SCHEMA  "Provided object does not match schema 'image': "


typedef enum {
    REGISTRY_V2_TEXT = 0,       /* at most max characters, or null */
    REGISTRY_V2_STRING,         /* no null */
    REGISTRY_V2_ID,
    REGISTRY_V2_STATUS,
    REGISTRY_V2_VISIBILITY,
    REGISTRY_V2_FORMAT,
    REGISTRY_V2_SIZE,           /* integer or null */
    REGISTRY_V2_COUNT,          /* min_disk and min_ram */
    REGISTRY_V2_BOOL,
    REGISTRY_V2_TAGS,
    REGISTRY_V2_LIST,
    REGISTRY_V2_UUID_OR_NULL,   /* properties that the schema knows */
    REGISTRY_V2_DELETION
} registry_v2_type_e;

typedef struct {
    const char            *name;
    registry_v2_type_e     type;
    size_t                 max;
    uint32_t               set;         /* 0: never */
    size_t                 offset;      /* in registry_image_t */
    registry_v2_access_e   create;
    registry_v2_access_e   patch;
} registry_v2_field_t;


static const registry_v2_field_t *registry_v2_field(glance_str_t name);
static registry_rc_e registry_v2_check(registry_request_t *rq,
    const registry_v2_field_t *f, json_t *value);
static registry_rc_e registry_v2_check_text(registry_request_t *rq,
    const registry_v2_field_t *f, glance_str_t s);
static registry_rc_e registry_v2_check_count(registry_request_t *rq,
    const registry_v2_field_t *f, json_t *value);
static registry_rc_e registry_v2_check_tags(registry_request_t *rq,
    json_t *value);
static registry_rc_e registry_v2_store(registry_request_t *rq,
    const registry_v2_field_t *f, json_t *value, registry_changes_t *changes);
static registry_rc_e registry_v2_store_tags(registry_request_t *rq,
    json_t *value, registry_changes_t *changes);
static registry_rc_e registry_v2_property(registry_request_t *rq,
    glance_str_t name, json_t *value, registry_changes_t *changes);
static registry_rc_e registry_v2_property_name(registry_request_t *rq,
    glance_str_t name);
static registry_rc_e registry_v2_wrong(registry_request_t *rq,
    glance_str_t name, const char *must);
static glance_str_t registry_v2_slice(json_t *value);
static bool registry_v2_word(const char *words, glance_str_t s);
static bool registry_v2_integer(json_t *value, int64_t *number);


#define both(access)  REGISTRY_V2_ ## access, REGISTRY_V2_ ## access
#define field(name, type, max, set, create, patch)                            \
    { #name, REGISTRY_V2_ ## type, max, REGISTRY_SET_ ## set,                 \
      offsetof(registry_image_t, name), REGISTRY_V2_ ## create,               \
      REGISTRY_V2_ ## patch }
#define fixed(name, type, max)                                                \
    { #name, REGISTRY_V2_ ## type, max, 0, 0, both(READ_ONLY) }
#define property(name, type)                                                  \
    { #name, REGISTRY_V2_ ## type, 0, 0, 0, both(PROPERTY) }

static const registry_v2_field_t  registry_v2_fields[] = {
    field(id, ID, 0, ID, SETTABLE, READ_ONLY),
    field(name, TEXT, 255, NAME, SETTABLE, SETTABLE),
    field(visibility, VISIBILITY, 0, VISIBILITY, SETTABLE, SETTABLE),
    field(protected, BOOL, 0, PROTECTED, SETTABLE, SETTABLE),
    field(os_hidden, BOOL, 0, OS_HIDDEN, SETTABLE, SETTABLE),
    field(owner, TEXT, 255, OWNER, SETTABLE, SETTABLE),
    field(disk_format, FORMAT, 20, DISK_FORMAT, SETTABLE, SETTABLE),
    field(container_format, FORMAT, 20, CONTAINER_FORMAT, SETTABLE, SETTABLE),
    field(min_disk, COUNT, 0, MIN_DISK, SETTABLE, SETTABLE),
    field(min_ram, COUNT, 0, MIN_RAM, SETTABLE, SETTABLE),
    field(tags, TAGS, 0, TAGS, SETTABLE, SETTABLE),
    field(os_hash_algo, TEXT, 64, OS_HASH_ALGO, IGNORED, READ_ONLY),
    field(os_hash_value, TEXT, 128, OS_HASH_VALUE, IGNORED, READ_ONLY),

    fixed(status, STATUS, 0),
    fixed(checksum, TEXT, 32),
    fixed(size, SIZE, 0),
    fixed(virtual_size, SIZE, 0),
    fixed(created_at, STRING, 0),
    fixed(updated_at, STRING, 0),
    fixed(direct_url, STRING, 0),
    fixed(self, STRING, 0),
    fixed(file, STRING, 0),
    fixed(schema, STRING, 0),

    /* an image has it or not, as a property */

    { "stores", REGISTRY_V2_STRING, 0, 0, 0, REGISTRY_V2_READ_ONLY,
      REGISTRY_V2_PROPERTY },

    /* a list that PATCH knows how to change */

    { "locations", REGISTRY_V2_LIST, 0, 0, 0, REGISTRY_V2_RESERVED,
      REGISTRY_V2_SETTABLE },

    { "location", REGISTRY_V2_STRING, 0, 0, 0, both(RESERVED) },
    { "deleted", REGISTRY_V2_STRING, 0, 0, 0, both(RESERVED) },
    { "deleted_at", REGISTRY_V2_STRING, 0, 0, 0, both(RESERVED) },

    property(kernel_id, UUID_OR_NULL),
    property(ramdisk_id, UUID_OR_NULL),
    property(cinder_encryption_key_deletion_policy, DELETION),

    { NULL, REGISTRY_V2_TEXT, 0, 0, 0, both(PROPERTY) }
};

#undef both
#undef field
#undef fixed
#undef property


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


registry_v2_access_e
registry_v2_access(glance_str_t name, registry_v2_operation_e operation)
{
    const registry_v2_field_t  *f;

    if (glance_str_case_starts(name, glance_str("os_glance"))) {
        return REGISTRY_V2_RESERVED;
    }

    f = registry_v2_field(name);

    return (operation == REGISTRY_V2_CREATE) ? f->create : f->patch;
}


registry_rc_e
registry_v2_set(registry_request_t *rq, glance_str_t name, json_t *value,
    registry_v2_operation_e operation, registry_changes_t *changes)
{
    registry_rc_e               rc;
    registry_v2_access_e        access;
    const registry_v2_field_t  *f;

    f = registry_v2_field(name);
    access = registry_v2_access(name, operation);

    if (f->name == NULL || access == REGISTRY_V2_PROPERTY) {
        rc = registry_v2_property_name(rq, name);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    rc = registry_v2_check(rq, f, value);

    if (rc != REGISTRY_OK) {
        return (f->name == NULL) ? registry_v2_wrong(rq, name,
                                                     "must be a string")
                                 : rc;
    }

    switch (access) {

    case REGISTRY_V2_SETTABLE:
        return registry_v2_store(rq, f, value, changes);

    case REGISTRY_V2_PROPERTY:
        return registry_v2_property(rq, name, value, changes);

    default:
        return REGISTRY_OK;
    }
}


registry_rc_e
registry_v2_refuse(registry_request_t *rq, glance_str_t name,
    registry_v2_access_e access)
{
    if (access != REGISTRY_V2_READ_ONLY && access != REGISTRY_V2_RESERVED) {
        return REGISTRY_OK;
    }

    return registry_err_set(&rq->err, REGISTRY_FORBIDDEN,
                            "Attribute '%.*s' is %s.",
                            registry_v2_clip(name), (const char *) name.data,
                            (access == REGISTRY_V2_READ_ONLY) ? "read-only"
                                                              : "reserved");
}


registry_rc_e
registry_v2_tag_check(registry_request_t *rq, glance_str_t tag)
{
    if (glance_utf8_check(tag) != GLANCE_UTF8_OK) {
        return registry_v2_wrong(rq, glance_str("tags"), "must be text without "
                                 "control or 4 byte characters");
    }

    if (glance_utf8_length(tag) > REGISTRY_V2_TAG_MAX) {
        return registry_v2_wrong(rq, glance_str("tags"), "must not be longer "
                                 "than 255 characters");
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_v2_quota(registry_request_t *rq, const char *what, size_t n,
    int64_t quota)
{
    if (quota < 0 || (uint64_t) n <= (uint64_t) quota) {
        return REGISTRY_OK;
    }

    return registry_err_set(&rq->err, REGISTRY_LIMIT, "The limit has been "
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


/* the closing entry stands for properties */

static const registry_v2_field_t *
registry_v2_field(glance_str_t name)
{
    const registry_v2_field_t  *f;

    for (f = registry_v2_fields; f->name != NULL; f++) {
        if (glance_str_eq(name, glance_str(f->name))) {
            break;
        }
    }

    return f;
}


static registry_rc_e
registry_v2_check(registry_request_t *rq, const registry_v2_field_t *f,
    json_t *value)
{
    int64_t       n;
    glance_str_t  s, name;

    /* a property's name is the caller's to tell */

    name = glance_str((f->name == NULL) ? "" : f->name);
    s = registry_v2_slice(value);

    switch (f->type) {

    case REGISTRY_V2_COUNT:
        return registry_v2_check_count(rq, f, value);

    case REGISTRY_V2_SIZE:
        return (json_is_null(value) || registry_v2_integer(value, &n))
               ? REGISTRY_OK
               : registry_v2_wrong(rq, name, "must be an integer or null");

    case REGISTRY_V2_BOOL:
        return json_is_boolean(value)
               ? REGISTRY_OK
               : registry_v2_wrong(rq, name, "must be true or false");

    case REGISTRY_V2_TAGS:
        return registry_v2_check_tags(rq, value);

    case REGISTRY_V2_LIST:
        return json_is_array(value)
               ? REGISTRY_OK
               : registry_v2_wrong(rq, name, "must be a list");

    default:
        break;
    }

    if (json_is_null(value)
        && ((f->type == REGISTRY_V2_TEXT && f->name != NULL)
            || f->type == REGISTRY_V2_FORMAT
            || f->type == REGISTRY_V2_UUID_OR_NULL))
    {
        return REGISTRY_OK;
    }

    if (s.data == NULL) {
        return registry_v2_wrong(rq, name, "must be a string");
    }

    return registry_v2_check_text(rq, f, s);
}


static registry_rc_e
registry_v2_check_text(registry_request_t *rq, const registry_v2_field_t *f,
    glance_str_t s)
{
    const char    *words;
    glance_str_t   name;

    name = glance_str((f->name == NULL) ? "" : f->name);

    switch (f->type) {

    case REGISTRY_V2_ID:
    case REGISTRY_V2_UUID_OR_NULL:
        return glance_uuid_valid(s)
               ? REGISTRY_OK
               : registry_v2_wrong(rq, name, "must be a UUID");

    case REGISTRY_V2_STATUS:
        return (glance_status_parse(s) != GLANCE_STATUS_UNKNOWN)
               ? REGISTRY_OK
               : registry_v2_wrong(rq, name, "must be a status of images");

    case REGISTRY_V2_VISIBILITY:
        return glance_visibility_valid(s)
               ? REGISTRY_OK
               : registry_v2_wrong(rq, name, "must be one of community, "
                                   "public, private, shared");

    case REGISTRY_V2_DELETION:
        return registry_v2_word("on_image_deletion,do_not_delete", s)
               ? REGISTRY_OK
               : registry_v2_wrong(rq, name, "must be on_image_deletion or "
                                   "do_not_delete");

    case REGISTRY_V2_FORMAT:
        words = (f->set == REGISTRY_SET_DISK_FORMAT)
                ? rq->app->disk_formats : rq->app->container_formats;

        return (s.len <= f->max && registry_v2_word(words, s))
               ? REGISTRY_OK
               : registry_v2_wrong(rq, name, "must be null or a format that "
                                   "is configured");

    default:
        break;
    }

    if (f->max == 0) {
        return REGISTRY_OK;
    }

    switch (glance_utf8_check(s)) {

    case GLANCE_UTF8_OK:
        break;

    case GLANCE_UTF8_CONTROL:
        return registry_v2_wrong(rq, name, "must not have control "
                                 "characters");

    default:
        return registry_err_set(&rq->err, REGISTRY_INVALID, "%c%s can't "
                                "contain 4 byte unicode characters.",
                                f->name[0] - 'a' + 'A', f->name + 1);
    }

    return (glance_utf8_length(s) <= f->max)
           ? REGISTRY_OK : registry_v2_wrong(rq, name, "is too long");
}


static registry_rc_e
registry_v2_check_count(registry_request_t *rq, const registry_v2_field_t *f,
    json_t *value)
{
    int64_t  n;

    if (!registry_v2_integer(value, &n)) {
        return registry_v2_wrong(rq, glance_str(f->name),
                                 "must be an integer");
    }

    if (n < 0) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid value "
                                "'%lld' for parameter '%s': Cannot be a "
                                "negative value", (long long) n, f->name);
    }

    if (n > REGISTRY_V2_INT_MAX) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "'%s' value out "
                                "of range, must not exceed %d.", f->name,
                                REGISTRY_V2_INT_MAX);
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_check_tags(registry_request_t *rq, json_t *value)
{
    size_t         i;
    json_t        *item;
    glance_str_t   s;
    registry_rc_e  rc;

    if (!json_is_array(value)) {
        return registry_v2_wrong(rq, glance_str("tags"), "must be a list");
    }

    json_array_foreach(value, i, item) {

        s = registry_v2_slice(item);

        if (s.data == NULL) {
            return registry_v2_wrong(rq, glance_str("tags"),
                                     "must be a list of strings");
        }

        rc = registry_v2_tag_check(rq, s);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_store(registry_request_t *rq, const registry_v2_field_t *f,
    json_t *value, registry_changes_t *changes)
{
    void          *slot;
    glance_str_t   s, *text;

    if (f->set == 0) {
        return REGISTRY_OK;
    }

    slot = (char *) &changes->image + f->offset;
    changes->set |= f->set;

    switch (f->type) {

    case REGISTRY_V2_BOOL:
        *(bool *) slot = json_is_true(value);
        return REGISTRY_OK;

    case REGISTRY_V2_COUNT:
        (void) registry_v2_integer(value, slot);
        return REGISTRY_OK;

    case REGISTRY_V2_TAGS:
        return registry_v2_store_tags(rq, value, changes);

    default:
        break;
    }

    text = slot;
    s = registry_v2_slice(value);

    /* an owner without a name is none */

    if (s.data == NULL || (f->set == REGISTRY_SET_OWNER && s.len == 0)) {
        text->data = NULL;
        text->len = 0;
        return REGISTRY_OK;
    }

    return registry_pool_copy(rq->pool, s, text)
           ? REGISTRY_OK
           : registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
}


/* a set: what is there twice counts once */

static registry_rc_e
registry_v2_store_tags(registry_request_t *rq, json_t *value,
    registry_changes_t *changes)
{
    size_t            i, n;
    json_t           *item, *seen;
    registry_rc_e     rc;
    registry_tag_t   *tag, **tail;

    tail = &changes->image.tags;
    *tail = NULL;

    seen = json_object();
    if (seen == NULL) {
        return registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
    }

    rc = REGISTRY_OK;
    n = 0;

    json_array_foreach(value, i, item) {

        if (json_object_get(seen, json_string_value(item)) != NULL) {
            continue;
        }

        n++;

        /* beyond the quota they are only counted */

        if (rq->app->tag_quota < 0 || n <= (size_t) rq->app->tag_quota) {

            tag = registry_pool_calloc(rq->pool, 1, sizeof(registry_tag_t));

            if (tag == NULL
                || !registry_pool_copy(rq->pool, registry_v2_slice(item),
                                       &tag->value))
            {
                rc = registry_err_set(&rq->err, REGISTRY_ERROR,
                                      "out of memory");
                break;
            }

            *tail = tag;
            tail = &tag->next;
        }

        if (json_object_set(seen, json_string_value(item), item) != 0) {
            rc = registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
            break;
        }
    }

    json_decref(seen);

    changes->n_tags = n;

    return rc;
}


static registry_rc_e
registry_v2_property(registry_request_t *rq, glance_str_t name, json_t *value,
    registry_changes_t *changes)
{
    glance_str_t          s;
    registry_property_t  *p;

    s = registry_v2_slice(value);

    if (s.len > REGISTRY_V2_VALUE_MAX) {
        return registry_v2_wrong(rq, name, "must not be longer than 65535 "
                                 "bytes");
    }

    if (glance_utf8_check_text(s) != GLANCE_UTF8_OK) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Property names "
                                "can't contain 4 byte unicode. Nor can the "
                                "value of '%.*s'.", registry_v2_clip(name),
                                (const char *) name.data);
    }

    p = registry_pool_calloc(rq->pool, 1, sizeof(registry_property_t));

    if (p == NULL
        || !registry_pool_copy(rq->pool, name, &p->name)
        || (s.data != NULL && !registry_pool_copy(rq->pool, s, &p->value)))
    {
        return registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
    }

    p->next = changes->image.properties;
    changes->image.properties = p;
    changes->set |= REGISTRY_SET_PROPERTIES;

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_property_name(registry_request_t *rq, glance_str_t name)
{
    if (name.len == 0) {
        return registry_err_set(&rq->err, REGISTRY_INVALID,
                                "Custom property should have a name.");
    }

    switch (glance_utf8_check(name)) {

    case GLANCE_UTF8_OK:
        break;

    case GLANCE_UTF8_FOUR_BYTE:
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Property names "
                                "can't contain 4 byte unicode.");

    default:
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Property names "
                                "can't contain control characters.");
    }

    if (glance_utf8_length(name) > GLANCE_IMAGE_NAME_MAX) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Custom property "
                                "should not be greater than 255 characters.");
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_wrong(registry_request_t *rq, glance_str_t name, const char *must)
{
    return registry_err_set(&rq->err, REGISTRY_INVALID,
                            REGISTRY_V2_SCHEMA "'%.*s' %s",
                            registry_v2_clip(name), (const char *) name.data,
                            must);
}


/* data NULL: no string */

static glance_str_t
registry_v2_slice(json_t *value)
{
    glance_str_t  s;

    s.data = (const unsigned char *) json_string_value(value);
    s.len = json_string_length(value);

    return s;
}


/* one of the words of a list with commas between; blanks do not count */

static bool
registry_v2_word(const char *words, glance_str_t s)
{
    glance_str_t  word;

    if (s.len == 0) {
        return false;
    }

    for ( ;; ) {
        word.data = (const unsigned char *) words;
        word.len = strcspn(words, ",");
        words += word.len;

        if (glance_str_eq(glance_str_trim(word), s)) {
            return true;
        }

        if (*words++ == '\0') {
            return false;
        }
    }
}


/* 1.0 is an integer, as JSON schema has it */

static bool
registry_v2_integer(json_t *value, int64_t *number)
{
    double  real;

    if (json_is_integer(value)) {
        *number = json_integer_value(value);
        return true;
    }

    if (!json_is_real(value)) {
        return false;
    }

    real = json_real_value(value);

    if (real < -9e18 || real > 9e18 || (double) (int64_t) real != real) {
        return false;
    }

    *number = (int64_t) real;

    return true;
}
