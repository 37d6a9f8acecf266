
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_apply.h"

#include "tap.h"


typedef struct {
    char           flags;       /* 0: v2.0; a: admin; l: locations shown;
                                   q: more properties than the quota */
    const char    *status;
    const char    *document;
    registry_rc_e  rc;
    const char    *words;       /* of the message, or what is collected */
} test_apply_t;


static const registry_v2_formats_t  test_formats = { "raw,iso", "bare" };

/* the image: properties a=1, b=2, os_glance_x; two locations */

static registry_property_t  test_properties[] = {
    { &test_properties[1], glance_string("a"), glance_string("1") },
    { &test_properties[2], glance_string("b"), glance_string("2") },
    { NULL, glance_string("os_glance_x"), glance_string("") }
};

static registry_location_t  test_locations[] = {
    { &test_locations[1], 7, glance_string("file:///1"), glance_string("{}"),
      glance_string("active") },
    { NULL, 9, glance_string("file:///2"), glance_string("{}"),
      glance_string("active") }
};


#define L(url, meta)  "{'url': '" url "', 'metadata': {" meta "}}"

static const test_apply_t  test_ops[] = {

    /* properties */

    { '1', "active", "[]", REGISTRY_OK, "" },
    { '1', "active", "[{'op': 'add', 'path': '/c', 'value': '3'}]",
      REGISTRY_OK, "c=3;" },
    { '1', "active", "[{'op': 'add', 'path': '/a', 'value': '3'}]",
      REGISTRY_OK, "a=3;" },
    { '0', "active", "[{'add': '/a', 'value': '3'}]", REGISTRY_CONFLICT,
      "Property a already present." },
    { '0', "active", "[{'add': '/c', 'value': '3'}, {'add': '/c',"
      " 'value': '4'}]", REGISTRY_CONFLICT, "Property c already present." },
    { '1', "active", "[{'op': 'replace', 'path': '/a', 'value': '3'}]",
      REGISTRY_OK, "a=3;" },
    { '1', "active", "[{'op': 'replace', 'path': '/A', 'value': '3'}]",
      REGISTRY_CONFLICT, "Property A does not exist." },
    { '1', "active", "[{'op': 'remove', 'path': '/nope'}]",
      REGISTRY_CONFLICT, "Property nope does not exist." },
    { '1', "active", "[{'op': 'remove', 'path': '/a'}]", REGISTRY_OK,
      "-a;" },
    { '1', "active", "[{'op': 'remove', 'path': '/a'}, {'op': 'remove',"
      " 'path': '/a'}]", REGISTRY_CONFLICT, "does not exist" },
    { '1', "active", "[{'op': 'remove', 'path': '/a'}, {'op': 'add',"
      " 'path': '/a', 'value': '9'}]", REGISTRY_OK, "a=9;" },
    { '1', "active", "[{'op': 'add', 'path': '/c', 'value': '9'},"
      " {'op': 'remove', 'path': '/c'}]", REGISTRY_OK, "" },
    { '1', "active", "[{'op': 'remove', 'path': '/stores'}]",
      REGISTRY_CONFLICT, "Property stores does not exist." },

    /* the quota is 3 */

    { '1', "active", "[{'op': 'add', 'path': '/c', 'value': ''},"
      " {'op': 'add', 'path': '/d', 'value': ''}]", REGISTRY_LIMIT,
      "image properties. Attempted: 4, Maximum: 3" },
    { '1', "active", "[{'op': 'add', 'path': '/c', 'value': ''},"
      " {'op': 'add', 'path': '/d', 'value': ''},"
      " {'op': 'remove', 'path': '/a'}]", REGISTRY_OK, "-a;d=;c=;" },

    { 'q', "active", "[{'op': 'replace', 'path': '/a', 'value': '9'}]",
      REGISTRY_OK, "a=9;" },
    { 'q', "active", "[{'op': 'add', 'path': '/c', 'value': '9'}]",
      REGISTRY_LIMIT, "Attempted: 3, Maximum: 1" },

    /* base attributes */

    { '1', "active", "[{'op': 'replace', 'path': '/name', 'value': 'x'},"
      " {'op': 'add', 'path': '/min_ram', 'value': 5},"
      " {'op': 'replace', 'path': '/os_hidden', 'value': true}]",
      REGISTRY_OK, "name:x,hidden:1,ram:5,set:5001;" },
    { '1', "active", "[{'op': 'replace', 'path': '/name', 'value': null}]",
      REGISTRY_OK, "name:NULL,hidden:0,ram:0,set:1;" },
    { '1', "active", "[{'op': 'remove', 'path': '/name'}]",
      REGISTRY_FORBIDDEN, "Property name may not be removed." },
    { '0', "active", "[{'add': '/name', 'value': 'x'}]", REGISTRY_CONFLICT,
      "Property name already present." },
    { '0', "active", "[{'replace': '/name', 'value': 'x'}]", REGISTRY_OK,
      "name:x,hidden:0,ram:0,set:1;" },
    { '1', "active", "[{'op': 'add', 'path': '/owner', 'value': 'me'}]",
      REGISTRY_FORBIDDEN, "Owner can't be updated by non admin." },
    { '1', "active", "[{'op': 'remove', 'path': '/owner'}]",
      REGISTRY_FORBIDDEN, "Owner can't be updated by non admin." },
    { 'a', "active", "[{'op': 'replace', 'path': '/owner', 'value': ''}]",
      REGISTRY_OK, "name:NULL,hidden:0,ram:0,set:20;" },
    { '1', "active", "[{'op': 'replace', 'path': '/disk_format',"
      " 'value': 'raw'}]", REGISTRY_FORBIDDEN,
      "Attribute disk_format can be only replaced for a queued image." },
    { '1', "queued", "[{'op': 'replace', 'path': '/disk_format',"
      " 'value': 'raw'}]", REGISTRY_OK, "name:NULL,hidden:0,ram:0,set:4;" },
    { '1', "importing", "[{'op': 'add', 'path': '/container_format',"
      " 'value': 'bare'}]", REGISTRY_OK,
      "name:NULL,hidden:0,ram:0,set:8;" },
    { '1', "active", "[{'op': 'replace', 'path': '/visibility',"
      " 'value': 'public'}]", REGISTRY_FORBIDDEN, "publicize_image" },
    { '1', "active", "[{'op': 'replace', 'path': '/visibility',"
      " 'value': 'community'}]", REGISTRY_FORBIDDEN, "communitize_image" },
    { '1', "active", "[{'op': 'replace', 'path': '/visibility',"
      " 'value': 'private'}]", REGISTRY_OK,
      "name:NULL,hidden:0,ram:0,set:40;" },

    /* tags: the quota is 2, of different ones */

    { '1', "active", "[{'op': 'replace', 'path': '/tags',"
      " 'value': ['x', 'y', 'x']}]", REGISTRY_OK, "tags:2;" },
    { '1', "active", "[{'op': 'replace', 'path': '/tags',"
      " 'value': ['x', 'y', 'z']}]", REGISTRY_LIMIT,
      "image tags. Attempted: 3, Maximum: 2" },
    { '1', "active", "[{'op': 'remove', 'path': '/tags'}]",
      REGISTRY_FORBIDDEN, "Property tags may not be removed." },

    /* locations: the quota is 2 */

    { 'a', "active", "[{'op': 'remove', 'path': '/locations/0'}]",
      REGISTRY_FORBIDDEN, "not allowed to remove locations if locations are "
      "invisible" },
    { '1', "active", "[{'op': 'remove', 'path': '/locations/0'}]",
      REGISTRY_FORBIDDEN, "delete_image_location" },
    { 'l', "active", "[{'op': 'remove', 'path': '/locations/0'}]",
      REGISTRY_OK, "9=file:///2{};drop 7;" },
    { 'l', "active", "[{'op': 'remove', 'path': '/locations/-'}]",
      REGISTRY_OK, "7=file:///1{};drop 9;" },
    { 'l', "active", "[{'op': 'remove', 'path': '/locations/2'}]",
      REGISTRY_INVALID, "Invalid position for removing" },
    { 'l', "active", "[{'op': 'remove', 'path': '/locations/x'}]",
      REGISTRY_INVALID, "Invalid position for removing" },
    { 'l', "active", "[{'op': 'remove', 'path': '/locations/1'},"
      " {'op': 'remove', 'path': '/locations/0'}]", REGISTRY_FORBIDDEN,
      "Cannot remove last location" },
    { 'l', "queued", "[{'op': 'remove', 'path': '/locations/0'}]",
      REGISTRY_CONFLICT, "remove locations if image status is queued." },
    { 'l', "active", "[{'op': 'replace', 'path': '/locations',"
      " 'value': []}]", REGISTRY_FORBIDDEN, "to empty list" },
    { 'l', "active", "[{'op': 'replace', 'path': '/locations', 'value': ["
      L("file:///2", "'n': 1") ", " L("file:///1", "") "]}]", REGISTRY_OK,
      "7=file:///2{\"n\": 1};9=file:///1{};" },
    { 'l', "active", "[{'op': 'replace', 'path': '/locations', 'value': ["
      L("file:///2", "") "]}]", REGISTRY_INVALID,
      "Original locations is not empty" },
    { 'l', "active", "[{'op': 'replace', 'path': '/locations', 'value': ["
      L("file:///2", "") ", " L("file:///2", "") "]}]", REGISTRY_INVALID,
      "Original locations is not empty" },
    { 'l', "active", "[{'op': 'replace', 'path': '/locations', 'value': ["
      L("file:///2", "") ", " L("file:///3", "") "]}]", REGISTRY_INVALID,
      "Original locations is not empty" },
    { 'l', "saving", "[{'op': 'replace', 'path': '/locations', 'value': ["
      L("file:///2", "") "]}]", REGISTRY_CONFLICT,
      "replace locations if image status is saving." },
    { 'l', "queued", "[{'op': 'add', 'path': '/locations/-', 'value': "
      L("file:///2", "") "}]", REGISTRY_LIMIT,
      "image locations. Attempted: 3, Maximum: 2" },
    { 'l', "queued", "[{'op': 'replace', 'path': '/locations', 'value': ["
      L("http://h/2", "") "]}]", REGISTRY_INVALID,
      "no store here finds data" },
    { 'l', "active", "[{'op': 'add', 'path': '/locations/x', 'value': "
      L("http://x/", "") "}]", REGISTRY_INVALID,
      "Invalid position for adding" },
    { 'l', "deactivated", "[{'op': 'add', 'path': '/locations/-', 'value': "
      L("http://x/", "") "}]", REGISTRY_CONFLICT,
      "add locations if image status is deactivated." },
    { 'l', "active", "[{'op': 'add', 'path': '/locations/-', 'value': "
      L("http://x/", "") "}]", REGISTRY_LIMIT, "Attempted: 3, Maximum: 2" },
    { 'l', "active", "[{'op': 'remove', 'path': '/locations/0'},"
      " {'op': 'add', 'path': '/locations/-', 'value': "
      L("http://x/", "") "}]", REGISTRY_INVALID, "Invalid location" },
    { 'l', "active", "[{'op': 'remove', 'path': '/locations/0'},"
      " {'op': 'add', 'path': '/locations/17', 'value': "
      L("file:///2", "") "}]", REGISTRY_INVALID, "already exists" },
    { 'l', "active", "[{'op': 'add', 'path': '/locations/-', 'value':"
      " {'url': 'x', 'metadata': {}, 'validation_data': {'os_hash_algo':"
      " 'md5', 'os_hash_value': 'x'}}}]", REGISTRY_CONFLICT,
      "os_hash_algo is already set with a different value" },
    { 'l', "active", "[{'op': 'replace', 'path': '/locations', 'value': ["
      L("file:///1", "") ", {'url': 'file:///2', 'metadata': {},"
      " 'validation_data': {'os_hash_algo': 'sha512', 'os_hash_value':"
      " 'ff'}}]}]", REGISTRY_OK, "7=file:///1{};9=file:///2{};" },
    { 'l', "active", "[{'op': 'replace', 'path': '/locations', 'value': ["
      L("file:///1", "") ", {'url': 'file:///2', 'metadata': {},"
      " 'validation_data': {'os_hash_algo': 'sha512', 'os_hash_value':"
      " 'fe'}}]}]", REGISTRY_CONFLICT, "os_hash_value is already set" }
};


static registry_rc_e
test_allow(void *arg, const char *rule, registry_err_t *err)
{
    const registry_v2_rules_t *rules = arg;

    return rules->admin ? REGISTRY_OK
                        : registry_err_set(err, REGISTRY_FORBIDDEN, "%s",
                                           rule);
}


static void
test_summary(registry_v2_edit_t *edit, char *dst, size_t size)
{
    size_t                       len;
    const registry_image_t      *image;
    const registry_property_t   *p;
    const registry_location_t   *l;

    const uint32_t  apart = REGISTRY_SET_PROPERTIES | REGISTRY_SET_LOCATIONS
                            | REGISTRY_SET_TAGS;

    image = &edit->changes.image;
    len = 0;
    dst[0] = '\0';

#define add(...)  len += (size_t) snprintf(dst + len, size - len, __VA_ARGS__)

    if (edit->changes.set & ~apart) {
        add("name:%s,hidden:%d,ram:%d,set:%x;",
            (image->name.data == NULL) ? "NULL"
                                       : (const char *) image->name.data,
            image->os_hidden, (int) image->min_ram,
            (unsigned) (edit->changes.set & ~apart));
    }

    for (p = edit->removed; p != NULL; p = p->next) {
        add("-%s;", (const char *) p->name.data);
    }

    for (p = image->properties; p != NULL; p = p->next) {
        add("%s=%s;", (const char *) p->name.data,
            (const char *) p->value.data);
    }

    if (edit->changes.set & REGISTRY_SET_TAGS) {
        add("tags:%zu;", edit->changes.n_tags);
    }

    if (edit->changes.set & REGISTRY_SET_LOCATIONS) {
        for (l = image->locations; l != NULL; l = l->next) {
            add("%d=%s%s;", (int) l->id, (const char *) l->url.data,
                (const char *) l->metadata.data);
        }
    }

    for (l = edit->dropped; l != NULL; l = l->next) {
        add("drop %d;", (int) l->id);
    }

#undef add
}


static void
test_apply(registry_pool_t *pool, const test_apply_t *t)
{
    char                 text[1024], *p;
    json_t              *json;
    registry_rc_e        rc;
    registry_err_t       err;
    registry_image_t     image;
    registry_v2_op_t    *ops;
    registry_v2_edit_t   edit;
    registry_v2_rules_t  rules;

    memset(&image, 0, sizeof(image));
    memset(&rules, 0, sizeof(rules));

    image.status = glance_str(t->status);
    image.os_hash_algo = glance_str("sha512");
    image.os_hash_value = glance_str("ff");
    image.properties = test_properties;
    image.locations = test_locations;

    rules.type = (t->flags == '0') ? REGISTRY_V2_PATCH_20
                                   : REGISTRY_V2_PATCH_21;
    rules.admin = (t->flags == 'a' || t->flags == 'l');
    rules.locations = (t->flags == 'l');
    rules.property_quota = (t->flags == 'q') ? 1 : 3;
    rules.tag_quota = 2;
    rules.location_quota = 2;
    rules.hash = "sha512";
    rules.allow = test_allow;
    rules.arg = &rules;

    snprintf(text, sizeof(text), "%s", t->document);

    for (p = text; *p != '\0'; p++) {
        *p = (*p == '\'') ? '"' : *p;
    }

    json = json_loads(text, 0, NULL);
    rc = registry_v2_patch_parse(pool, json, rules.type, &test_formats, &ops,
                                 &err);

    if (!ok(rc == REGISTRY_OK, "parsed: %s", t->document)) {
        json_decref(json);
        return;
    }

    rc = registry_v2_apply(pool, &image, ops, &rules, &edit, &err);

    if (rc == REGISTRY_OK) {
        registry_v2_apply_rows(edit.changes.image.locations);
        test_summary(&edit, text, sizeof(text));
        ok(t->rc == rc && strcmp(text, t->words) == 0, "%c %s: %s",
           t->flags, t->document, text);

    } else {
        ok(t->rc == rc && strstr(err.text, t->words) != NULL, "%c %s: %d %s",
           t->flags, t->document, rc, err.text);
    }

    json_decref(json);
}


static void
test_access(void)
{
    static const struct {
        const char            *name;
        registry_v2_access_e   create;
        registry_v2_access_e   patch;
    } names[] = {
        { "id", REGISTRY_V2_SETTABLE, REGISTRY_V2_READ_ONLY },
        { "name", REGISTRY_V2_SETTABLE, REGISTRY_V2_SETTABLE },
        { "tags", REGISTRY_V2_SETTABLE, REGISTRY_V2_SETTABLE },
        { "locations", REGISTRY_V2_RESERVED, REGISTRY_V2_SETTABLE },
        { "stores", REGISTRY_V2_READ_ONLY, REGISTRY_V2_READ_ONLY },
        { "os_hash_algo", REGISTRY_V2_IGNORED, REGISTRY_V2_READ_ONLY },
        { "os_hash_value", REGISTRY_V2_IGNORED, REGISTRY_V2_READ_ONLY },
        { "checksum", REGISTRY_V2_READ_ONLY, REGISTRY_V2_READ_ONLY },
        { "self", REGISTRY_V2_READ_ONLY, REGISTRY_V2_READ_ONLY },
        { "location", REGISTRY_V2_RESERVED, REGISTRY_V2_RESERVED },
        { "deleted", REGISTRY_V2_RESERVED, REGISTRY_V2_RESERVED },
        { "os_glance", REGISTRY_V2_RESERVED, REGISTRY_V2_RESERVED },
        { "OS_GLANCEfoo", REGISTRY_V2_RESERVED, REGISTRY_V2_RESERVED },
        { "os_glanc", REGISTRY_V2_PROPERTY, REGISTRY_V2_PROPERTY },
        { "kernel_id", REGISTRY_V2_PROPERTY, REGISTRY_V2_PROPERTY },
        { "Name", REGISTRY_V2_PROPERTY, REGISTRY_V2_PROPERTY },
        { "is_public", REGISTRY_V2_PROPERTY, REGISTRY_V2_PROPERTY },
        { "", REGISTRY_V2_PROPERTY, REGISTRY_V2_PROPERTY }
    };

    for (size_t i = 0; i < tap_n(names); i++) {
        ok(registry_v2_access(glance_str(names[i].name), REGISTRY_V2_CREATE)
           == names[i].create
           && registry_v2_access(glance_str(names[i].name),
                                 REGISTRY_V2_PATCH) == names[i].patch,
           "access to \"%s\"", names[i].name);
    }
}


static void
test_schema(void)
{
    bool             done;
    json_t          *json;
    registry_out_t   out;

    static const char *const  names[] = {
        "image", "images", "member", "members"
    };

    for (size_t i = 0; i < tap_n(names); i++) {
        registry_out_init(&out, 65536);
        done = registry_v2_schema(&out, glance_str(names[i]), &test_formats);
        json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);

        ok(done && json_is_object(json)
           && strcmp(json_string_value(json_object_get(json, "name")),
                     names[i]) == 0, "the schema %s is JSON", names[i]);

        json_decref(json);
        registry_out_free(&out);
    }

    registry_out_init(&out, 65536);
    ok(!registry_v2_schema(&out, glance_str("imagess"), &test_formats)
       && !registry_v2_schema(&out, glance_str(""), &test_formats)
       && out.len == 0, "there are no others");
    registry_out_free(&out);
}


int
main(void)
{
    registry_pool_t  *pool;

    pool = registry_pool_new();

    if (!ok(pool != NULL, "a pool")) {
        return tap_done();
    }

    for (size_t i = 0; i < tap_n(test_ops); i++) {
        test_apply(pool, &test_ops[i]);
    }

    test_access();
    test_schema();

    registry_pool_free(pool);

    return tap_done();
}
