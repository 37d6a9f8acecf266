
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_schema.h"

#include "glance_image.h"
#include "glance_uuid.h"
#include "registry_json_parse.h"


#define REGISTRY_V2_STRING   0x001
#define REGISTRY_V2_INTEGER  0x002
#define REGISTRY_V2_BOOLEAN  0x004
#define REGISTRY_V2_ARRAY    0x008
#define REGISTRY_V2_NULL     0x010      /* besides the type */
#define REGISTRY_V2_RO       0x020
#define REGISTRY_V2_CUSTOM   0x040      /* a property that has a schema */
#define REGISTRY_V2_UUID     0x080
#define REGISTRY_V2_DISK     0x100      /* its words are configured */
#define REGISTRY_V2_CONTAINER  0x200
#define REGISTRY_V2_ABSENT   0x400      /* not in the documents */

#define REGISTRY_V2_PATTERN                                                   \
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}"                     \
    "-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"

#define REGISTRY_V2_INT_MAX    2147483647
#define REGISTRY_V2_VALUE_MAX  65535    /* bytes of a TEXT column */
#define REGISTRY_V2_CLIP       64       /* bytes of a caller's text */

#define REGISTRY_V2_INVALID    "Provided object does not match schema "       \
                               "'image': "


typedef struct {
    const char  *name;
    unsigned     type;
    size_t       max;                   /* characters; 0: no limit */
    const char  *words;                 /* separated by commas */
    const char  *more;                  /* JSON */
    const char  *description;
} registry_v2_attr_t;


static const registry_v2_attr_t *registry_v2_attr_find(glance_str_t name);
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
static const char *registry_v2_attr_words(
    const registry_v2_formats_t *formats, const registry_v2_attr_t *attr);
static bool registry_v2_word(const char **words, glance_str_t *word);
static bool registry_v2_four_byte(glance_str_t s);
static bool registry_v2_control(glance_str_t s);
static void registry_v2_schema_object(registry_out_t *out, const char *name,
    const registry_v2_attr_t *attrs, const char *rest,
    const registry_v2_formats_t *formats);
static void registry_v2_schema_attr(registry_out_t *out,
    const registry_v2_attr_t *attr, const registry_v2_formats_t *formats);
static void registry_v2_schema_key(registry_out_t *out, const char *key,
    const char *text);


static const registry_v2_attr_t  registry_v2_attrs[] = {

    { "id", REGISTRY_V2_STRING | REGISTRY_V2_UUID, 0, NULL, NULL,
      "The identifier of the image, a UUID" },
    { "name", REGISTRY_V2_STRING | REGISTRY_V2_NULL, 255, NULL, NULL,
      "What people call the image; need not be unique" },
    { "status", REGISTRY_V2_STRING | REGISTRY_V2_RO, 0,
      "queued,saving,active,killed,deleted,uploading,importing,"
      "pending_delete,deactivated", NULL,
      "What state the data of the image are in" },
    { "visibility", REGISTRY_V2_STRING, 0, "community,public,private,shared",
      NULL, "Who may see the image besides its owner" },
    { "protected", REGISTRY_V2_BOOLEAN, 0, NULL, NULL,
      "Whether the image is safe from being deleted" },
    { "os_hidden", REGISTRY_V2_BOOLEAN, 0, NULL, NULL,
      "Whether lists leave the image out unless they are asked for it" },
    { "checksum", REGISTRY_V2_STRING | REGISTRY_V2_NULL | REGISTRY_V2_RO, 32,
      NULL, NULL, "MD5 of the data, in hexadecimal digits" },
    { "os_hash_algo", REGISTRY_V2_STRING | REGISTRY_V2_NULL | REGISTRY_V2_RO,
      64, NULL, NULL, "The algorithm that os_hash_value was computed by" },
    { "os_hash_value", REGISTRY_V2_STRING | REGISTRY_V2_NULL | REGISTRY_V2_RO,
      128, NULL, NULL, "Digest of the data by os_hash_algo, in hexadecimal "
      "digits" },
    { "owner", REGISTRY_V2_STRING | REGISTRY_V2_NULL, 255, NULL, NULL,
      "The project that the image belongs to" },
    { "size", REGISTRY_V2_INTEGER | REGISTRY_V2_NULL | REGISTRY_V2_RO, 0,
      NULL, NULL, "Bytes of the data" },
    { "virtual_size", REGISTRY_V2_INTEGER | REGISTRY_V2_NULL | REGISTRY_V2_RO,
      0, NULL, NULL, "Bytes of the disk that a guest sees" },
    { "container_format",
      REGISTRY_V2_STRING | REGISTRY_V2_NULL | REGISTRY_V2_CONTAINER, 0, NULL,
      NULL, "What the disk is wrapped into" },
    { "disk_format", REGISTRY_V2_STRING | REGISTRY_V2_NULL | REGISTRY_V2_DISK,
      0, NULL, NULL, "How the data represent a disk" },
    { "created_at", REGISTRY_V2_STRING | REGISTRY_V2_RO, 0, NULL, NULL,
      "When the image was registered (UTC)" },
    { "updated_at", REGISTRY_V2_STRING | REGISTRY_V2_RO, 0, NULL, NULL,
      "When the image was last changed (UTC)" },
    { "tags", REGISTRY_V2_ARRAY, 0, NULL,
      "\"items\": {\"type\": \"string\", \"maxLength\": 255}",
      "Words by which the image can be found" },
    { "direct_url", REGISTRY_V2_STRING | REGISTRY_V2_RO, 0, NULL, NULL,
      "Where the store has the data" },
    { "min_ram", REGISTRY_V2_INTEGER, 0, NULL, NULL,
      "Megabytes of memory that a guest needs" },
    { "min_disk", REGISTRY_V2_INTEGER, 0, NULL, NULL,
      "Gigabytes of disk that a guest needs" },
    { "self", REGISTRY_V2_STRING | REGISTRY_V2_RO, 0, NULL, NULL,
      "The URI of the image" },
    { "file", REGISTRY_V2_STRING | REGISTRY_V2_RO, 0, NULL, NULL,
      "The URI of its data" },

    /*
     * There is one store, so no image has this; and glanceclient, which makes
     * options of what is in the schema, has a --stores already and gives up.
     */

    { "stores", REGISTRY_V2_STRING | REGISTRY_V2_RO | REGISTRY_V2_ABSENT, 0,
      NULL, NULL, NULL },

    { "schema", REGISTRY_V2_STRING | REGISTRY_V2_RO, 0, NULL, NULL,
      "The URI of this schema" },
    { "locations", REGISTRY_V2_ARRAY, 0, NULL,
      "\"items\": {\"type\": \"object\", \"properties\": {"
      "\"url\": {\"type\": \"string\", \"maxLength\": 255}, "
      "\"metadata\": {\"type\": \"object\"}, "
      "\"validation_data\": {\"description\": \"The digests that a queued "
      "image gets; another image must have the same already\", "
      "\"type\": \"object\", \"writeOnly\": true, "
      "\"additionalProperties\": false, \"properties\": {"
      "\"checksum\": {\"type\": \"string\", \"minLength\": 32, "
      "\"maxLength\": 32}, "
      "\"os_hash_algo\": {\"type\": \"string\", \"maxLength\": 64}, "
      "\"os_hash_value\": {\"type\": \"string\", \"maxLength\": 128}}, "
      "\"required\": [\"os_hash_algo\", \"os_hash_value\"]}}, "
      "\"required\": [\"url\", \"metadata\"]}",
      "The URLs of the data in the stores" },

    { "kernel_id", REGISTRY_V2_STRING | REGISTRY_V2_NULL | REGISTRY_V2_UUID
      | REGISTRY_V2_CUSTOM, 0, NULL, NULL,
      "The image that holds the kernel of an AMI image" },
    { "ramdisk_id", REGISTRY_V2_STRING | REGISTRY_V2_NULL | REGISTRY_V2_UUID
      | REGISTRY_V2_CUSTOM, 0, NULL, NULL,
      "The image that holds the ramdisk of an AMI image" },
    { "instance_uuid", REGISTRY_V2_STRING | REGISTRY_V2_CUSTOM, 0, NULL, NULL,
      "The server that the image was made of; for information only" },
    { "architecture", REGISTRY_V2_STRING | REGISTRY_V2_CUSTOM, 0, NULL, NULL,
      "The processor architecture that the operating system is for" },
    { "os_distro", REGISTRY_V2_STRING | REGISTRY_V2_CUSTOM, 0, NULL, NULL,
      "The usual name of the operating system's distribution" },
    { "os_version", REGISTRY_V2_STRING | REGISTRY_V2_CUSTOM, 0, NULL, NULL,
      "Its version, as the distributor writes it" },
    { "description", REGISTRY_V2_STRING | REGISTRY_V2_CUSTOM, 0, NULL, NULL,
      "What people should know of the image" },
    { "cinder_encryption_key_id", REGISTRY_V2_STRING | REGISTRY_V2_CUSTOM, 0,
      NULL, NULL, "The key manager's identifier of the key that a volume "
      "made of the image is encrypted with" },
    { "cinder_encryption_key_deletion_policy",
      REGISTRY_V2_STRING | REGISTRY_V2_CUSTOM, 0,
      "on_image_deletion,do_not_delete", NULL,
      "What becomes of that key when the image is deleted" },

    { NULL, 0, 0, NULL, NULL, NULL }
};


static const registry_v2_attr_t  registry_v2_member_attrs[] = {
    { "member_id", REGISTRY_V2_STRING, 0, NULL, NULL,
      "The project that the image is shared with" },
    { "image_id", REGISTRY_V2_STRING | REGISTRY_V2_UUID, 0, NULL, NULL,
      "The image that is shared" },
    { "created_at", REGISTRY_V2_STRING, 0, NULL, NULL,
      "When the project became a member (UTC)" },
    { "updated_at", REGISTRY_V2_STRING, 0, NULL, NULL,
      "When the membership was last changed (UTC)" },
    { "status", REGISTRY_V2_STRING, 0, "pending,accepted,rejected", NULL,
      "What the member says of it" },
    { "schema", REGISTRY_V2_STRING | REGISTRY_V2_RO, 0, NULL, NULL, NULL },
    { NULL, 0, 0, NULL, NULL, NULL }
};


static const char  registry_v2_image_rest[] =
    ", \"additionalProperties\": {\"type\": \"string\"}, \"links\": ["
    "{\"rel\": \"self\", \"href\": \"{self}\"}, "
    "{\"rel\": \"enclosure\", \"href\": \"{file}\"}, "
    "{\"rel\": \"describedby\", \"href\": \"{schema}\"}]";

static const char  registry_v2_images_rest[] =
    "}, \"first\": {\"type\": \"string\"}, \"next\": {\"type\": \"string\"}, "
    "\"schema\": {\"type\": \"string\"}}, \"links\": ["
    "{\"rel\": \"first\", \"href\": \"{first}\"}, "
    "{\"rel\": \"next\", \"href\": \"{next}\"}, "
    "{\"rel\": \"describedby\", \"href\": \"{schema}\"}]}";

static const char  registry_v2_members_rest[] =
    "}, \"schema\": {\"type\": \"string\"}}, \"links\": ["
    "{\"rel\": \"describedby\", \"href\": \"{schema}\"}]}";


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


static const registry_v2_attr_t *
registry_v2_attr_find(glance_str_t name)
{
    for (const registry_v2_attr_t *a = registry_v2_attrs;
         a->name != NULL;
         a++)
    {
        if (glance_str_eq(name, glance_str(a->name))) {
            return a;
        }
    }

    return NULL;
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


static const char *
registry_v2_attr_words(const registry_v2_formats_t *formats,
    const registry_v2_attr_t *attr)
{
    if (attr->type & REGISTRY_V2_DISK) {
        return formats->disk;
    }

    return (attr->type & REGISTRY_V2_CONTAINER) ? formats->container
                                                : attr->words;
}


static bool
registry_v2_word(const char **words, glance_str_t *word)
{
    size_t  len;

    while (**words == ',' || **words == ' ') {
        (*words)++;
    }

    if (**words == '\0') {
        return false;
    }

    for (len = 0; (*words)[len] != '\0' && (*words)[len] != ','; len++) {
        /* void */
    }

    word->data = (const unsigned char *) *words;
    word->len = len;
    *word = glance_str_trim(*word);
    *words += len;

    return true;
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


bool
registry_v2_schema(registry_out_t *out, glance_str_t name,
    const registry_v2_formats_t *formats)
{
    bool         many;
    const char  *one, *rest;

    many = (name.len > 0 && name.data[name.len - 1] == 's');

    if (glance_str_eq(name, glance_str("image"))
        || glance_str_eq(name, glance_str("images")))
    {
        one = "image";

    } else if (glance_str_eq(name, glance_str("member"))
               || glance_str_eq(name, glance_str("members")))
    {
        one = "member";

    } else {
        return false;
    }

    if (many) {
        registry_out_text(out, "{\"name\": \"");
        registry_out_put(out, name);
        registry_out_text(out, "\", \"properties\": {\"");
        registry_out_put(out, name);
        registry_out_text(out, "\": {\"type\": \"array\", \"items\": ");
    }

    if (one[0] == 'i') {
        rest = registry_v2_images_rest;
        registry_v2_schema_object(out, one, registry_v2_attrs,
                                  registry_v2_image_rest, formats);

    } else {
        rest = registry_v2_members_rest;
        registry_v2_schema_object(out, one, registry_v2_member_attrs, "",
                                  formats);
    }

    if (many) {
        registry_out_text(out, rest);
    }

    return true;
}


static void
registry_v2_schema_object(registry_out_t *out, const char *name,
    const registry_v2_attr_t *attrs, const char *rest,
    const registry_v2_formats_t *formats)
{
    registry_out_text(out, "{\"name\": \"");
    registry_out_text(out, name);
    registry_out_text(out, "\", \"properties\": {");

    for (const registry_v2_attr_t *a = attrs; a->name != NULL; a++) {

        if (a->type & REGISTRY_V2_ABSENT) {
            continue;
        }

        if (a != attrs) {
            registry_out_text(out, ", ");
        }

        registry_v2_schema_attr(out, a, formats);
    }

    registry_out_text(out, "}");
    registry_out_text(out, rest);
    registry_out_text(out, "}");
}


static void
registry_v2_schema_attr(registry_out_t *out, const registry_v2_attr_t *attr,
    const registry_v2_formats_t *formats)
{
    const char   *type, *words, *comma;
    glance_str_t  word;

    type = (attr->type & REGISTRY_V2_STRING) ? "\"string\""
           : (attr->type & REGISTRY_V2_INTEGER) ? "\"integer\""
           : (attr->type & REGISTRY_V2_BOOLEAN) ? "\"boolean\""
           : "\"array\"";

    registry_out_text(out, "\"");
    registry_out_text(out, attr->name);
    registry_out_text(out, "\": {\"type\": ");

    if (attr->type & REGISTRY_V2_NULL) {
        registry_out_text(out, "[\"null\", ");
        registry_out_text(out, type);
        registry_out_text(out, "]");

    } else {
        registry_out_text(out, type);
    }

    if (attr->type & REGISTRY_V2_RO) {
        registry_out_text(out, ", \"readOnly\": true");
    }

    registry_v2_schema_key(out, "description", attr->description);

    if (attr->type & REGISTRY_V2_UUID) {
        registry_v2_schema_key(out, "pattern", REGISTRY_V2_PATTERN);
    }

    if (attr->max > 0) {
        registry_out_text(out, ", \"maxLength\": ");
        registry_out_int(out, (int64_t) attr->max);
    }

    words = registry_v2_attr_words(formats, attr);

    if (words != NULL) {
        comma = "";
        registry_out_text(out, ", \"enum\": [");

        if (attr->type & REGISTRY_V2_NULL) {
            registry_out_text(out, "null");
            comma = ", ";
        }

        while (registry_v2_word(&words, &word)) {
            registry_out_text(out, comma);
            registry_out_string(out, word);
            comma = ", ";
        }

        registry_out_text(out, "]");
    }

    if (attr->more != NULL) {
        registry_out_text(out, ", ");
        registry_out_text(out, attr->more);
    }

    if (attr->type & REGISTRY_V2_CUSTOM) {
        registry_out_text(out, ", \"is_base\": false");
    }

    registry_out_text(out, "}");
}


static void
registry_v2_schema_key(registry_out_t *out, const char *key,
    const char *text)
{
    if (text != NULL) {
        registry_out_text(out, ", \"");
        registry_out_text(out, key);
        registry_out_text(out, "\": ");
        registry_out_string(out, glance_str(text));
    }
}
