
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_meta.h"

#include "tap.h"


typedef struct {
    const char     *name;
    glance_meta_e   field;
    const char     *key;
} test_field_t;


static const test_field_t  test_fields[] = {
    { "",                              GLANCE_META_NONE,       "" },
    { "x-image-meta",                  GLANCE_META_NONE,       "" },
    { "x-image-metaname",              GLANCE_META_NONE,       "" },
    { "x_image_meta_name",             GLANCE_META_NONE,       "" },
    { "content-length",                GLANCE_META_NONE,       "" },
    { "x-glance-api-copy-from",        GLANCE_META_NONE,       "" },
    { " x-image-meta-name",            GLANCE_META_NONE,       "" },
    { "x-image-meta-",                 GLANCE_META_UNKNOWN,    "" },
    { "x-image-meta--",                GLANCE_META_UNKNOWN,    "_" },
    { "x-image-meta-foo",              GLANCE_META_UNKNOWN,    "foo" },
    { "X-Image-Meta-Foo-Bar.Baz",      GLANCE_META_UNKNOWN,    "foo_bar.baz" },
    { "x-image-meta-names",            GLANCE_META_UNKNOWN,    "names" },
    { "x-image-meta-nam",              GLANCE_META_UNKNOWN,    "nam" },
    { "x-image-meta-name-",            GLANCE_META_UNKNOWN,    "name_" },
    { "x-image-meta-property",         GLANCE_META_UNKNOWN,    "property" },
    { "x-image-meta-property-",        GLANCE_META_UNKNOWN,    "property_" },
    { "x-image-meta-propertyx-y",      GLANCE_META_UNKNOWN,    "propertyx_y" },
    { "x-image-meta-property-a",       GLANCE_META_PROPERTY,   "a" },
    { "X-IMAGE-META-PROPERTY-Kernel-Id", GLANCE_META_PROPERTY, "kernel_id" },
    { "x-image-meta-property-kernel_id", GLANCE_META_PROPERTY, "kernel_id" },
    { "x-image-meta-property_a",       GLANCE_META_PROPERTY,   "a" },
    { "x-image-meta-property--",       GLANCE_META_PROPERTY,   "_" },
    { "x-image-meta-property-a.b!",    GLANCE_META_PROPERTY,   "a.b!" },
    { "x-image-meta-property-name",    GLANCE_META_PROPERTY,   "name" },
    { "x-image-meta-property-\xc3\x96", GLANCE_META_PROPERTY,  "\xc3\x96" },
    { "x-image-meta-properties",       GLANCE_META_PROPERTIES, "" },
    { "x-image-meta-id",               GLANCE_META_ID,         "" },
    { "X-Image-Meta-Name",             GLANCE_META_NAME,       "" },
    { "X-Image-Meta-Is-Public",        GLANCE_META_IS_PUBLIC,  "" },
    { "x-image-meta-is_public",        GLANCE_META_IS_PUBLIC,  "" },
    { "X-Image-Meta-Is_Public",        GLANCE_META_IS_PUBLIC,  "" },
    { "x-image-meta-copy-from",        GLANCE_META_COPY_FROM,  "" },
    { "x-image-meta-deleted",          GLANCE_META_DELETED,    "" },
    { "x-image-meta-deleted-at",       GLANCE_META_DELETED_AT, "" },
    { "x-image-meta-virtual_size",     GLANCE_META_VIRTUAL_SIZE, "" }
};


static void
test_field(void)
{
    size_t         i, n;
    glance_str_t   key, name;
    glance_meta_e  field;
    unsigned char  dst[64];

    for (i = 0; i < tap_n(test_fields); i++) {
        name = glance_str(test_fields[i].name);

        memset(dst, '!', sizeof(dst));
        field = glance_meta_field(name, dst, &key);

        for (n = name.len; n < sizeof(dst) && dst[n] == '!'; n++) {
            /* void */
        }

        ok(field == test_fields[i].field
           && glance_str_eq(key, glance_str(test_fields[i].key))
           && n == sizeof(dst),
           "\"%s\"", test_fields[i].name);
    }
}


static void
test_names(void)
{
    char           name[64];
    unsigned       i;
    const char    *word;
    glance_str_t   key;
    unsigned char  dst[64];

    static const char  *words[] = {
        "id", "uri", "name", "type", "size", "store", "location",
        "copy_from", "status", "is_public", "protected", "owner", "checksum",
        "disk_format", "container_format", "min_disk", "min_ram",
        "virtual_size", "created_at", "updated_at", "deleted_at", "deleted",
        "properties"
    };

    ok(tap_n(words) == GLANCE_META_N - GLANCE_META_ID, "number of fields");

    for (i = 0; i < tap_n(words); i++) {
        word = glance_meta_name((glance_meta_e) (GLANCE_META_ID + i));

        if (!ok(word != NULL && strcmp(word, words[i]) == 0, "word \"%s\"",
                words[i]))
        {
            continue;
        }

        (void) snprintf(name, sizeof(name), "X-Image-Meta-%s", word);

        ok(glance_meta_field(glance_str(name), dst, &key)
           == (glance_meta_e) (GLANCE_META_ID + i),
           "and back");
    }

    ok(glance_meta_name(GLANCE_META_NONE) == NULL, "no word of none");
    ok(glance_meta_name(GLANCE_META_UNKNOWN) == NULL, "no word of unknown");
    ok(glance_meta_name(GLANCE_META_PROPERTY) == NULL, "no word of property");
    ok(glance_meta_name(GLANCE_META_N) == NULL, "no word out of range");
}


static void
test_safe(void)
{
    unsigned       c;
    glance_str_t   s;
    unsigned char  byte;

    static const char  tokens[] = "!#$%&'*+-.^_`|~0123456789"
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    s.len = 1;
    s.data = &byte;

    for (c = 0; c < 256; c++) {
        byte = (unsigned char) c;

        if (glance_meta_key_safe(s)
            != (c != 0 && strchr(tokens, (int) c) != NULL))
        {
            break;
        }
    }

    ok(c == 256, "token characters, stopped at %u", c);

    for (c = 0; c < 256; c++) {
        byte = (unsigned char) c;

        if (glance_meta_value_safe(s) != (c != 0 && c != 10 && c != 13)) {
            break;
        }
    }

    ok(c == 256, "value bytes, stopped at %u", c);

    ok(!glance_meta_key_safe(glance_str("")), "empty key");
    ok(!glance_meta_key_safe(glance_str("a b")), "key with a blank");
    ok(!glance_meta_key_safe(glance_str("a:")), "key with a colon");
    ok(!glance_meta_key_safe(glance_str("abc\r\nX: y")), "key with a header");
    ok(glance_meta_key_safe(glance_str("kernel_id")), "ordinary key");
    ok(glance_meta_value_safe(glance_str("")), "empty value");
    ok(glance_meta_value_safe(glance_str("b\xc3\xb6se \t:")), "ordinary value");
    ok(!glance_meta_value_safe(glance_str("a\r\nX: y")), "value with a header");
    ok(!glance_meta_value_safe(glance_str("a\n")), "value ends in line feed");
}


int
main(void)
{
    test_field();
    test_names();
    test_safe();

    return tap_done();
}
