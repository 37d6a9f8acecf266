
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_attr.h"


#define REGISTRY_V2_PATTERN                                                   \
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}"                     \
    "-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"


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


const registry_v2_attr_t *
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


const char *
registry_v2_attr_words(const registry_v2_formats_t *formats,
    const registry_v2_attr_t *attr)
{
    if (attr->type & REGISTRY_V2_DISK) {
        return formats->disk;
    }

    return (attr->type & REGISTRY_V2_CONTAINER) ? formats->container
                                                : attr->words;
}


bool
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
