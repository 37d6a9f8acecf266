
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>

#include "registry_v2_patch.h"

#include "tap.h"


#define UUID  "71c675ab-d94f-49cd-a114-e12490b328d9"


static const registry_v2_formats_t  test_formats = {
    "ami,raw,qcow2", "bare,ovf"
};


/* 'single quotes' are written as double ones */

static json_t *
test_json(const char *text)
{
    char    copy[2048], *p;
    json_t  *json;

    snprintf(copy, sizeof(copy), "%s", text);

    for (p = copy; *p != '\0'; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }

    json = json_loads(copy, JSON_DECODE_ANY, NULL);

    if (json == NULL) {
        ok(false, "test data: %s", copy);
    }

    return json;
}


typedef struct {
    const char     *type;
    const char     *document;
    registry_rc_e   rc;
    const char     *words;      /* in the message */
} test_parse_t;


static const test_parse_t  test_documents[] = {

    { "1", "[]", REGISTRY_OK, "" },
    { "0", "[]", REGISTRY_OK, "" },
    { "1", "{}", REGISTRY_INVALID, "must be a JSON array" },
    { "0", "'x'", REGISTRY_INVALID, "must be a JSON array" },
    { "1", "[1]", REGISTRY_INVALID, "Operations must be JSON objects" },
    { "1", "[[]]", REGISTRY_INVALID, "Operations must be JSON objects" },

    /* members */

    { "1", "[{}]", REGISTRY_INVALID, "Unable to find `op`" },
    { "1", "[{'add': '/x', 'value': 'y'}]", REGISTRY_INVALID,
      "Unable to find `op`" },
    { "1", "[{'op': 'test', 'path': '/x', 'value': 'y'}]", REGISTRY_INVALID,
      "Invalid operation: `test`" },
    { "1", "[{'op': 'ADD', 'path': '/x', 'value': 'y'}]", REGISTRY_INVALID,
      "Invalid operation: `ADD`" },
    { "1", "[{'op': 1, 'path': '/x', 'value': 'y'}]", REGISTRY_INVALID,
      "Invalid operation" },
    { "1", "[{'op': 'add', 'value': 'y'}]", REGISTRY_INVALID,
      "Unable to find 'path'" },
    { "1", "[{'op': 'add', 'path': '/x'}]", REGISTRY_INVALID,
      "\"add\" requires a member named \"value\"" },
    { "1", "[{'op': 'replace', 'path': '/x'}]", REGISTRY_INVALID,
      "\"replace\" requires a member named \"value\"" },
    { "1", "[{'op': 'remove', 'path': '/x'}]", REGISTRY_OK, "" },
    { "1", "[{'op': 'remove', 'path': '/x', 'value': 1, 'more': 2}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'add', 'path': 1, 'value': 'y'}]", REGISTRY_INVALID,
      "must be a string" },
    { "0", "[{'op': 'add', 'path': '/x', 'value': 'y'}]", REGISTRY_INVALID,
      "exactly one member" },
    { "0", "[{'add': '/x', 'replace': '/x', 'value': 'y'}]",
      REGISTRY_INVALID, "only one member" },
    { "0", "[{'add': '/x'}]", REGISTRY_INVALID, "requires a member" },
    { "0", "[{'add': null, 'value': 'y'}]", REGISTRY_INVALID,
      "must be a string" },
    { "0", "[{'add': '/x', 'value': 'y'}, {'replace': '/x', 'value': 'z'},"
      " {'remove': '/x'}]", REGISTRY_OK, "" },

    /* pointers */

    { "1", "[{'op': 'remove', 'path': ''}]", REGISTRY_INVALID,
      "does not start with" },
    { "1", "[{'op': 'remove', 'path': 'name'}]", REGISTRY_INVALID,
      "Pointer `name` does not start with \"/\"" },
    { "1", "[{'op': 'remove', 'path': '/name/'}]", REGISTRY_INVALID,
      "ends with" },
    { "1", "[{'op': 'remove', 'path': '/a//b'}]", REGISTRY_INVALID,
      "adjacent" },
    { "1", "[{'op': 'remove', 'path': '/a/ /b'}]", REGISTRY_INVALID,
      "adjacent" },
    { "1", "[{'op': 'remove', 'path': '///a'}]", REGISTRY_INVALID,
      "adjacent" },
    { "1", "[{'op': 'remove', 'path': '//a'}]", REGISTRY_OK, "" },
    { "1", "[{'op': 'remove', 'path': '/'}]", REGISTRY_OK, "" },
    { "1", "[{'op': 'remove', 'path': '/a~'}]", REGISTRY_INVALID,
      "escape sequence" },
    { "1", "[{'op': 'remove', 'path': '/a~2b'}]", REGISTRY_INVALID,
      "escape sequence" },
    { "1", "[{'op': 'remove', 'path': '/a~0~1b'}]", REGISTRY_OK, "" },
    { "1", "[{'op': 'remove', 'path': '/name/x'}]", REGISTRY_INVALID,
      "Invalid JSON pointer for this resource: '/name/x'" },
    { "1", "[{'op': 'add', 'path': '/tags/-', 'value': 'x'}]",
      REGISTRY_INVALID, "Invalid JSON pointer" },
    { "1", "[{'op': 'remove', 'path': '/tags/0'}]", REGISTRY_INVALID,
      "Invalid JSON pointer" },
    { "1", "[{'op': 'remove', 'path': '/a/b/c/d/e'}]", REGISTRY_INVALID,
      "Invalid JSON pointer" },
    { "1", "[{'op': 'remove', 'path': '/locations'}]", REGISTRY_INVALID,
      "Invalid JSON pointer" },
    { "1", "[{'op': 'remove', 'path': '/locations/0'}]", REGISTRY_OK, "" },
    { "1", "[{'op': 'remove', 'path': '/locations/0/url'}]",
      REGISTRY_INVALID, "Invalid JSON pointer" },
    { "1", "[{'op': 'replace', 'path': '/locations/0', 'value': []}]",
      REGISTRY_INVALID, "Invalid JSON pointer" },

    /* what nobody changes */

    { "1", "[{'op': 'replace', 'path': '/id', 'value': '" UUID "'}]",
      REGISTRY_FORBIDDEN, "Attribute 'id' is read-only." },
    { "1", "[{'op': 'remove', 'path': '/status'}]", REGISTRY_FORBIDDEN,
      "Attribute 'status' is read-only." },
    { "1", "[{'op': 'add', 'path': '/os_hash_value', 'value': 1}]",
      REGISTRY_FORBIDDEN, "Attribute 'os_hash_value' is read-only." },
    { "1", "[{'op': 'add', 'path': '/stores', 'value': 'x'}]",
      REGISTRY_FORBIDDEN, "Attribute 'stores' is read-only." },
    { "1", "[{'op': 'replace', 'path': '/stores', 'value': 'x'}]",
      REGISTRY_OK, "" },
    { "0", "[{'add': '/location', 'value': 'x'}]", REGISTRY_FORBIDDEN,
      "Attribute 'location' is reserved." },
    { "1", "[{'op': 'remove', 'path': '/deleted_at'}]", REGISTRY_FORBIDDEN,
      "Attribute 'deleted_at' is reserved." },
    { "1", "[{'op': 'remove', 'path': '/os_glance_import_task'}]",
      REGISTRY_FORBIDDEN, "is reserved." },
    { "1", "[{'op': 'add', 'path': '/OS_Glancefoo', 'value': 'x'}]",
      REGISTRY_FORBIDDEN, "is reserved." },

    /* values */

    { "1", "[{'op': 'replace', 'path': '/name', 'value': 1}]",
      REGISTRY_INVALID, "'image': name must be a string or null" },
    { "1", "[{'op': 'replace', 'path': '/name', 'value': null}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'replace', 'path': '/name',"
      " 'value': '\xf0\x9f\x98\x80'}]", REGISTRY_INVALID,
      "Name can't contain 4 byte unicode characters." },
    { "1", "[{'op': 'replace', 'path': '/visibility', 'value': 'Public'}]",
      REGISTRY_INVALID, "'Public' is not one of community" },
    { "1", "[{'op': 'replace', 'path': '/protected', 'value': 'true'}]",
      REGISTRY_INVALID, "protected must be true or false" },
    { "1", "[{'op': 'replace', 'path': '/os_hidden', 'value': true}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'replace', 'path': '/min_ram', 'value': '1'}]",
      REGISTRY_INVALID, "min_ram must be an integer" },
    { "1", "[{'op': 'replace', 'path': '/min_ram', 'value': 1.5}]",
      REGISTRY_INVALID, "min_ram must be an integer" },
    { "1", "[{'op': 'replace', 'path': '/min_ram', 'value': 1e300}]",
      REGISTRY_INVALID, "min_ram must be an integer" },
    { "1", "[{'op': 'replace', 'path': '/min_ram', 'value': 1.0}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'replace', 'path': '/min_disk', 'value': -1}]",
      REGISTRY_INVALID, "Invalid value '-1' for parameter 'min_disk'" },
    { "1", "[{'op': 'replace', 'path': '/min_disk', 'value': 2147483647}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'replace', 'path': '/min_disk', 'value': 2147483648}]",
      REGISTRY_INVALID, "must not exceed 2147483647" },
    { "1", "[{'op': 'replace', 'path': '/disk_format', 'value': 'vhd'}]",
      REGISTRY_INVALID, "'vhd' is not one of ami,raw,qcow2" },
    { "1", "[{'op': 'replace', 'path': '/disk_format', 'value': null}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'replace', 'path': '/container_format', 'value': 'ovf'}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'replace', 'path': '/tags', 'value': 'x'}]",
      REGISTRY_INVALID, "tags must be a list" },
    { "1", "[{'op': 'replace', 'path': '/tags', 'value': ['x', 1]}]",
      REGISTRY_INVALID, "each of tags must be a string" },
    { "1", "[{'op': 'replace', 'path': '/tags', 'value': []}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'add', 'path': '/x', 'value': 1}]", REGISTRY_INVALID,
      "x must be a string" },
    { "1", "[{'op': 'add', 'path': '/x', 'value': null}]", REGISTRY_INVALID,
      "x must be a string" },
    { "1", "[{'op': 'add', 'path': '/x', 'value': ''}]", REGISTRY_OK, "" },
    { "1", "[{'op': 'add', 'path': '/', 'value': ''}]", REGISTRY_INVALID,
      "must not be empty" },
    { "1", "[{'op': 'add', 'path': '/\xf0\x9f\x98\x80', 'value': ''}]",
      REGISTRY_INVALID, "can't contain 4 byte" },
    { "1", "[{'op': 'add', 'path': '/kernel_id', 'value': 'x'}]",
      REGISTRY_INVALID, "kernel_id must be a UUID" },
    { "1", "[{'op': 'add', 'path': '/kernel_id', 'value': null}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'add', 'path': '/ramdisk_id', 'value': '" UUID "'}]",
      REGISTRY_OK, "" },
    { "1", "[{'op': 'add',"
      " 'path': '/cinder_encryption_key_deletion_policy', 'value': 'x'}]",
      REGISTRY_INVALID, "not one of on_image_deletion" },
    { "1", "[{'op': 'add', 'path': '/locations/-', 'value': 'x'}]",
      REGISTRY_INVALID, "must be an object" },
    { "1", "[{'op': 'add', 'path': '/locations/-',"
      " 'value': {'url': 'http://x/'}}]", REGISTRY_INVALID, "metadata" },
    { "1", "[{'op': 'add', 'path': '/locations/-',"
      " 'value': {'url': 1, 'metadata': {}}}]", REGISTRY_INVALID, "url" },
    { "1", "[{'op': 'add', 'path': '/locations/-', 'value': {'url': 'x',"
      " 'metadata': {}, 'validation_data': {'os_hash_algo': 'md5'}}}]",
      REGISTRY_INVALID, "os_hash_value" },
    { "1", "[{'op': 'add', 'path': '/locations/-', 'value': {'url': 'x',"
      " 'metadata': {}, 'validation_data': {'os_hash_algo': 'md5',"
      " 'os_hash_value': 'x', 'more': 1}}}]",
      REGISTRY_INVALID, "nothing in validation_data but" },
    { "1", "[{'op': 'add', 'path': '/locations/-', 'value': {'url': 'x',"
      " 'metadata': {}, 'validation_data': {'os_hash_algo': 'md5',"
      " 'os_hash_value': 'x', 'checksum': 'x'}}}]",
      REGISTRY_INVALID, "right length" },
    { "1", "[{'op': 'add', 'path': '/locations/-', 'value': {'url': 'x',"
      " 'metadata': {}, 'validation_data': {'os_hash_algo': 'md5',"
      " 'os_hash_value': 'x'}}}]", REGISTRY_OK, "" }
};


static void
test_parse(registry_pool_t *pool)
{
    json_t               *json;
    registry_rc_e         rc;
    registry_err_t        err;
    registry_v2_op_t     *ops;
    registry_v2_patch_e   type;
    const test_parse_t   *t;

    for (size_t i = 0; i < tap_n(test_documents); i++) {
        t = &test_documents[i];
        err.text[0] = '\0';

        type = (t->type[0] == '1') ? REGISTRY_V2_PATCH_21
                                   : REGISTRY_V2_PATCH_20;
        json = test_json(t->document);
        rc = registry_v2_patch_parse(pool, json, type, &test_formats, &ops,
                                     &err);

        if (!ok(rc == t->rc && (rc == REGISTRY_OK
                                || strstr(err.text, t->words) != NULL),
                "2.%s %s", t->type, t->document))
        {
            printf("#      got: %d \"%s\"\n# expected: %d \"%s\"\n", rc,
                   err.text, t->rc, t->words);
        }

        json_decref(json);
    }
}


static void
test_names(registry_pool_t *pool)
{
    size_t             i;
    char               name[600], *value;
    json_t            *json;
    registry_rc_e      rc;
    registry_err_t     err;
    registry_v2_op_t  *ops;

    static const struct {
        const char  *path;
        const char  *name;
    } names[] = {
        { "/a", "a" }, { "//a", "a" }, { "/ a b\t", "a b" },
        { "/a~1b", "a/b" }, { "/a~0b", "a~b" }, { "/a~01b", "a~1b" },
        { "/hw:x.y", "hw:x.y" }, { "/\xc3\x96", "\xc3\x96" }
    };

    for (i = 0; i < tap_n(names); i++) {
        json = json_pack("[{s:s, s:s, s:s}]", "op", "add", "path",
                         names[i].path, "value", "");
        rc = registry_v2_patch_parse(pool, json, REGISTRY_V2_PATCH_21,
                                     &test_formats, &ops, &err);

        if (ok(rc == REGISTRY_OK && ops != NULL, "%s", names[i].path)) {
            is(ops->name, names[i].name, names[i].path);
        }

        json_decref(json);
    }

    /* 255 characters, not bytes */

    for (i = 255; i <= 256; i++) {
        memset(name, 0, sizeof(name));
        name[0] = '/';

        for (size_t n = 0; n < i; n++) {
            memcpy(name + 1 + n * 2, "\xc3\x96", 2);
        }

        json = json_pack("[{s:s, s:s, s:s}]", "op", "add", "path", name,
                         "value", "");
        rc = registry_v2_patch_parse(pool, json, REGISTRY_V2_PATCH_21,
                                     &test_formats, &ops, &err);
        ok(rc == ((i == 255) ? REGISTRY_OK : REGISTRY_INVALID),
           "a name of %zu characters", i);

        json_decref(json);
    }

    /* values: 65535 bytes */

    for (i = 65535; i <= 65536; i++) {
        value = malloc(i);

        if (!ok(value != NULL, "memory")) {
            return;
        }

        memset(value, 'v', i);
        json = json_pack("[{s:s, s:s, s:s%}]", "op", "add", "path", "/x",
                         "value", value, i);
        rc = registry_v2_patch_parse(pool, json, REGISTRY_V2_PATCH_21,
                                     &test_formats, &ops, &err);
        ok(rc == ((i == 65535) ? REGISTRY_OK : REGISTRY_INVALID),
           "a value of %zu bytes", i);

        json_decref(json);
        free(value);
    }
}


static void
test_types(void)
{
    static const struct {
        const char           *text;
        registry_v2_patch_e   type;
    } types[] = {
        { "", REGISTRY_V2_PATCH_NONE },
        { "application/json", REGISTRY_V2_PATCH_NONE },
        { "application/json-patch+json", REGISTRY_V2_PATCH_NONE },
        { "application/openstack-images-v2.1-json-patch",
          REGISTRY_V2_PATCH_21 },
        { "application/openstack-images-v2.0-json-patch",
          REGISTRY_V2_PATCH_20 },
        { "Application/OpenStack-images-v2.0-JSON-patch ; charset=utf-8",
          REGISTRY_V2_PATCH_20 },
        { "application/openstack-images-v2.2-json-patch",
          REGISTRY_V2_PATCH_NONE },
        { "application/openstack-images-v2.1-json-patchx",
          REGISTRY_V2_PATCH_NONE },
        { ";application/openstack-images-v2.1-json-patch",
          REGISTRY_V2_PATCH_NONE }
    };

    for (size_t i = 0; i < tap_n(types); i++) {
        ok(registry_v2_patch_type(glance_str(types[i].text))
           == types[i].type, "\"%s\"", types[i].text);
    }
}


int
main(void)
{
    registry_pool_t  *pool;

    pool = registry_pool_new();

    if (!ok(pool != NULL, "a pool")) {
        return tap_done();
    }

    test_types();
    test_parse(pool);
    test_names(pool);

    registry_pool_free(pool);

    return tap_done();
}
