
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_attr.h"

#include "glance_image.h"
#include "glance_uuid.h"
#include "registry_json_parse.h"


#define REGISTRY_V2_INT_MAX    2147483647
#define REGISTRY_V2_VALUE_MAX  65535    /* bytes of a TEXT column */
#define REGISTRY_V2_CLIP       64       /* bytes of a caller's text */

#define REGISTRY_V2_INVALID    "Provided object does not match schema "       \
                               "'image': "


static registry_rc_e registry_v2_attr_name(glance_str_t name,
    registry_err_t *err);
static registry_rc_e registry_v2_attr_type(glance_str_t name, unsigned type,
    json_t *value, registry_err_t *err);
static registry_rc_e registry_v2_attr_text(
    const registry_v2_formats_t *formats, glance_str_t name,
    const registry_v2_attr_t *attr, glance_str_t value, registry_err_t *err);
static registry_rc_e registry_v2_attr_number(glance_str_t name,
    json_t *value, registry_err_t *err);
static registry_rc_e registry_v2_attr_tags(json_t *value,
    registry_err_t *err);
static registry_rc_e registry_v2_attr_locations(json_t *value,
    registry_err_t *err);
static const char *registry_v2_attr_validation(json_t *value);
static bool registry_v2_four_byte(glance_str_t s);
static bool registry_v2_control(glance_str_t s);


registry_v2_access_e
registry_v2_access(glance_str_t name, registry_v2_operation_e operation)
{
    bool                       create;
    const registry_v2_attr_t  *attr;

    /* one that begins like the service's own, in whatever way it goes on */

    if (glance_str_case_starts(name, glance_str("os_glance"))
        || glance_str_eq(name, glance_str("location"))
        || glance_str_eq(name, glance_str("deleted"))
        || glance_str_eq(name, glance_str("deleted_at")))
    {
        return REGISTRY_V2_RESERVED;
    }

    attr = registry_v2_attr_find(name);

    if (attr == NULL || (attr->type & REGISTRY_V2_CUSTOM)) {
        return REGISTRY_V2_PROPERTY;
    }

    create = (operation == REGISTRY_V2_CREATE);

    if (glance_str_eq(name, glance_str("id"))) {
        return create ? REGISTRY_V2_SETTABLE : REGISTRY_V2_READ_ONLY;
    }

    if (create && glance_str_eq(name, glance_str("locations"))) {
        return REGISTRY_V2_RESERVED;
    }

    if (create && (glance_str_eq(name, glance_str("os_hash_algo"))
                   || glance_str_eq(name, glance_str("os_hash_value"))))
    {
        return REGISTRY_V2_IGNORED;
    }

    return (attr->type & REGISTRY_V2_RO) ? REGISTRY_V2_READ_ONLY
                                         : REGISTRY_V2_SETTABLE;
}


static registry_rc_e
registry_v2_attr_name(glance_str_t name, registry_err_t *err)
{
    if (name.len == 0) {
        return registry_err_set(err, REGISTRY_INVALID, "Property names must "
                                "not be empty.");
    }

    if (registry_v2_four_byte(name)) {
        return registry_err_set(err, REGISTRY_INVALID, "Property names can't "
                                "contain 4 byte unicode.");
    }

    if (glance_utf8_length(name) > GLANCE_IMAGE_NAME_MAX) {
        return registry_err_set(err, REGISTRY_INVALID, "Custom property "
                                "should not be greater than 255 characters.");
    }

    if (registry_v2_control(name)) {
        return registry_err_set(err, REGISTRY_INVALID, "Property names can't "
                                "contain control characters.");
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_v2_check(const registry_v2_formats_t *formats,
    glance_str_t name, json_t *value, registry_err_t *err)
{
    registry_rc_e              rc;
    glance_str_t               s;
    const registry_v2_attr_t  *attr;

    attr = registry_v2_attr_find(name);

    if (attr == NULL || (attr->type & REGISTRY_V2_CUSTOM)) {
        rc = registry_v2_attr_name(name, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    rc = registry_v2_attr_type(name, (attr == NULL) ? REGISTRY_V2_STRING
                                                    : attr->type, value, err);

    if (rc != REGISTRY_OK || json_is_null(value)) {
        return rc;
    }

    if (json_is_string(value)) {
        s = registry_json_slice(value);

        return registry_v2_attr_text(formats, name, attr, s, err);
    }

    if (json_is_number(value)) {
        return registry_v2_attr_number(name, value, err);
    }

    if (json_is_array(value)) {
        return glance_str_eq(name, glance_str("tags"))
               ? registry_v2_attr_tags(value, err)
               : registry_v2_attr_locations(value, err);
    }

    return REGISTRY_OK;
}


int
registry_v2_clip(glance_str_t text)
{
    if (text.len > REGISTRY_V2_CLIP) {
        text.len = REGISTRY_V2_CLIP;
        text = glance_utf8_cut(text);
    }

    return (int) text.len;
}


static registry_rc_e
registry_v2_attr_type(glance_str_t name, unsigned type, json_t *value,
    registry_err_t *err)
{
    double       d;
    const char  *what;

    if (((type & REGISTRY_V2_NULL) && json_is_null(value))
        || ((type & REGISTRY_V2_STRING) && json_is_string(value))
        || ((type & REGISTRY_V2_BOOLEAN) && json_is_boolean(value))
        || ((type & REGISTRY_V2_ARRAY) && json_is_array(value))
        || ((type & REGISTRY_V2_INTEGER) && json_is_integer(value)))
    {
        return REGISTRY_OK;
    }

    /* 1.0 is an integer to JSON */

    if ((type & REGISTRY_V2_INTEGER) && json_is_real(value)) {
        d = json_real_value(value);

        if (d >= -1e15 && d <= 1e15 && d == (double) (int64_t) d) {
            return REGISTRY_OK;
        }
    }

    what = (type & REGISTRY_V2_STRING) ? "a string"
           : (type & REGISTRY_V2_BOOLEAN) ? "true or false"
           : (type & REGISTRY_V2_ARRAY) ? "a list"
           : "an integer";

    return registry_err_set(err, REGISTRY_INVALID, REGISTRY_V2_INVALID
                            "%.*s must be %s%s", registry_v2_clip(name),
                            (const char *) name.data, what,
                            (type & REGISTRY_V2_NULL) ? " or null" : "");
}


static registry_rc_e
registry_v2_attr_text(const registry_v2_formats_t *formats,
    glance_str_t name, const registry_v2_attr_t *attr, glance_str_t value,
    registry_err_t *err)
{
    size_t        max;
    const char   *words;
    glance_str_t  word;

    if (registry_v2_four_byte(value)) {

        if (attr == NULL || (attr->type & REGISTRY_V2_CUSTOM)) {
            return registry_err_set(err, REGISTRY_INVALID, "Property names "
                                    "can't contain 4 byte unicode.");
        }

        return registry_err_set(err, REGISTRY_INVALID,
                                "%c%s can't contain 4 byte unicode "
                                "characters.", attr->name[0] - 'a' + 'A',
                                attr->name + 1);
    }

    if (attr == NULL || (attr->type & REGISTRY_V2_CUSTOM)) {

        if (value.len > REGISTRY_V2_VALUE_MAX) {
            return registry_err_set(err, REGISTRY_INVALID, "The value of the "
                                    "property %.*s is longer than %d bytes.",
                                    registry_v2_clip(name),
                                    (const char *) name.data,
                                    REGISTRY_V2_VALUE_MAX);
        }

    } else if (registry_v2_control(value)) {
        return registry_err_set(err, REGISTRY_INVALID, REGISTRY_V2_INVALID
                                "%s must not contain control characters",
                                attr->name);
    }

    if (attr == NULL) {
        return REGISTRY_OK;
    }

    max = attr->max;

    if (max > 0 && glance_utf8_length(value) > max) {
        return registry_err_set(err, REGISTRY_INVALID, REGISTRY_V2_INVALID
                                "%s is longer than %zu characters",
                                attr->name, max);
    }

    if ((attr->type & REGISTRY_V2_UUID) && !glance_uuid_valid(value)) {
        return registry_err_set(err, REGISTRY_INVALID, REGISTRY_V2_INVALID
                                "%s must be a UUID", attr->name);
    }

    words = registry_v2_attr_words(formats, attr);

    if (words == NULL) {
        return REGISTRY_OK;
    }

    while (registry_v2_word(&words, &word)) {

        if (glance_str_eq(word, value)) {
            return REGISTRY_OK;
        }
    }

    return registry_err_set(err, REGISTRY_INVALID, REGISTRY_V2_INVALID
                            "'%.*s' is not one of %s for %s",
                            registry_v2_clip(value),
                            (const char *) value.data,
                            registry_v2_attr_words(formats, attr),
                            attr->name);
}


static registry_rc_e
registry_v2_attr_number(glance_str_t name, json_t *value, registry_err_t *err)
{
    double  n;

    n = json_number_value(value);

    if (n < 0) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value '%.0f' "
                                "for parameter '%.*s': Cannot be a negative "
                                "value", n, (int) name.len,
                                (const char *) name.data);
    }

    if (n > REGISTRY_V2_INT_MAX) {
        return registry_err_set(err, REGISTRY_INVALID, "'%.*s' value out of "
                                "range, must not exceed %d.", (int) name.len,
                                (const char *) name.data,
                                REGISTRY_V2_INT_MAX);
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_attr_tags(json_t *value, registry_err_t *err)
{
    size_t         i;
    json_t        *tag;
    glance_str_t   s;
    registry_rc_e  rc;

    json_array_foreach(value, i, tag) {

        s = registry_json_slice(tag);

        if (s.data == NULL) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    REGISTRY_V2_INVALID "each of tags must "
                                    "be a string");
        }

        rc = registry_v2_tag_check(s, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_v2_tag_check(glance_str_t tag, registry_err_t *err)
{
    if (glance_utf8_check(tag) != GLANCE_UTF8_OK) {
        return registry_err_set(err, REGISTRY_INVALID, REGISTRY_V2_INVALID
                                "tags must not contain control characters, "
                                "or such of 4 bytes");
    }

    if (glance_utf8_length(tag) > GLANCE_IMAGE_NAME_MAX) {
        return registry_err_set(err, REGISTRY_INVALID, REGISTRY_V2_INVALID
                                "each of tags must have at most 255 "
                                "characters");
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_attr_locations(json_t *value, registry_err_t *err)
{
    size_t         i;
    json_t        *location, *url;
    const char    *bad;
    glance_str_t   s;

    json_array_foreach(value, i, location) {

        bad = NULL;
        url = json_object_get(location, "url");

        s = registry_json_slice(url);

        if (!json_is_object(location)) {
            bad = "must be an object";

        } else if (s.data == NULL) {
            bad = "must have a url, a string";

        } else if (glance_utf8_length(s) > GLANCE_IMAGE_NAME_MAX) {
            bad = "must have a url of at most 255 characters";

        } else if (registry_v2_four_byte(s) || registry_v2_control(s)) {
            bad = "must have a url without control characters and such of "
                  "4 bytes";

        } else if (!json_is_object(json_object_get(location, "metadata"))) {
            bad = "must have metadata, an object";

        } else {
            bad = registry_v2_attr_validation(
                      json_object_get(location, "validation_data"));
        }

        if (bad != NULL) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    REGISTRY_V2_INVALID "each of locations "
                                    "%s", bad);
        }
    }

    return REGISTRY_OK;
}


/* what is wrong with it, if anything */

static const char *
registry_v2_attr_validation(json_t *value)
{
    size_t       n;
    json_t      *member;
    const char  *key;

    static const struct {
        const char  *name;
        size_t       min;
        size_t       max;
    } members[] = {
        { "checksum", 32, 32 },
        { "os_hash_algo", 0, 64 },
        { "os_hash_value", 0, 128 }
    };

    if (value == NULL) {
        return NULL;
    }

    if (!json_is_object(value)
        || json_object_get(value, "os_hash_algo") == NULL
        || json_object_get(value, "os_hash_value") == NULL)
    {
        return "must have validation_data with os_hash_algo and "
               "os_hash_value";
    }

    json_object_foreach(value, key, member) {

        for (n = 0; n < 3; n++) {
            if (glance_str_eq(glance_str(key), glance_str(members[n].name))) {
                break;
            }
        }

        if (n == 3) {
            return "must have nothing in validation_data but checksum, "
                   "os_hash_algo and os_hash_value";
        }

        if (!json_is_string(member)
            || json_string_length(member) < members[n].min
            || json_string_length(member) > members[n].max)
        {
            return "must have strings of the right length in "
                   "validation_data";
        }
    }

    return NULL;
}


/* of a text that is UTF-8 already */

static bool
registry_v2_four_byte(glance_str_t s)
{
    for (size_t i = 0; i < s.len; i++) {

        if (s.data[i] >= 0xf0) {
            return true;
        }
    }

    return false;
}


static bool
registry_v2_control(glance_str_t s)
{
    return glance_utf8_check(s) == GLANCE_UTF8_CONTROL;
}
