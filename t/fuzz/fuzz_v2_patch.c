
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_apply.h"

#include "fuzz.h"


/*
 * The first byte is the media type and who calls, the rest a document.  What
 * is refused is refused in words that a client can be sent.
 */

static registry_property_t  fuzz_properties[] = {
    { &fuzz_properties[1], glance_string("a"), glance_string("1") },
    { NULL, glance_string("os_glance_x"), glance_string("") }
};

static registry_location_t  fuzz_locations[] = {
    { &fuzz_locations[1], 7, glance_string("file:///1"), glance_string("{}"),
      glance_string("active") },
    { NULL, 9, glance_string("file:///2"), glance_string("{}"),
      glance_string("active") }
};


static registry_rc_e
fuzz_allow(void *arg, const char *rule, registry_err_t *err)
{
    const bool *allowed = arg;

    return *allowed ? REGISTRY_OK
                    : registry_err_set(err, REGISTRY_FORBIDDEN, "%s", rule);
}


static void
fuzz_refused(registry_rc_e rc, const registry_err_t *err)
{
    fuzz_assert(rc == REGISTRY_INVALID || rc == REGISTRY_FORBIDDEN
                || rc == REGISTRY_CONFLICT || rc == REGISTRY_LIMIT);
    fuzz_assert(err->text[0] != '\0');
    fuzz_assert(glance_utf8_check(glance_str(err->text))
                != GLANCE_UTF8_INVALID);
}


static void
fuzz_edit(const registry_v2_edit_t *edit)
{
    size_t  n;

    const uint32_t  may = REGISTRY_SET_NAME | REGISTRY_SET_VISIBILITY
                          | REGISTRY_SET_DISK_FORMAT
                          | REGISTRY_SET_CONTAINER_FORMAT
                          | REGISTRY_SET_OWNER | REGISTRY_SET_PROTECTED
                          | REGISTRY_SET_OS_HIDDEN | REGISTRY_SET_MIN_DISK
                          | REGISTRY_SET_MIN_RAM | REGISTRY_SET_PROPERTIES
                          | REGISTRY_SET_LOCATIONS | REGISTRY_SET_TAGS;

    const uint32_t  filled = REGISTRY_SET_STATUS | REGISTRY_SET_SIZE
                             | REGISTRY_SET_CHECKSUM
                             | REGISTRY_SET_OS_HASH_ALGO
                             | REGISTRY_SET_OS_HASH_VALUE;

    fuzz_assert((edit->changes.set & ~may & ~filled) == 0);

    if (edit->changes.set & filled) {
        fuzz_assert((edit->changes.set & REGISTRY_SET_STATUS)
                    && (edit->changes.set & REGISTRY_SET_SIZE)
                    && edit->changes.image.size == 1
                    && edit->changes.image.checksum.len <= 32
                    && edit->changes.image.os_hash_value.len <= 64);
    }

    for (const registry_property_t *p = edit->changes.image.properties;
         p != NULL;
         p = p->next)
    {
        fuzz_assert(registry_v2_access(p->name, REGISTRY_V2_PATCH)
                    == REGISTRY_V2_PROPERTY);
        fuzz_assert(p->name.len > 0 && p->value.len <= 65535);
    }

    for (const registry_property_t *p = edit->removed; p != NULL; p = p->next)
    {
        fuzz_assert(glance_str_eq(p->name, glance_str("a")));
    }

    if (edit->changes.set & REGISTRY_SET_LOCATIONS) {
        n = 0;

        for (const registry_location_t *l = edit->changes.image.locations;
             l != NULL;
             l = l->next)
        {
            fuzz_assert(l->id == 0 || l->id == 7 || l->id == 9);
            fuzz_assert(l->id != 0
                        || (l->url.len > 0 && l->metadata.len > 1));
            n++;
        }

        fuzz_assert(n > 0 && n <= 4);
    }

    fuzz_assert(edit->changes.image.min_ram >= 0
                && edit->changes.image.min_disk >= 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool                 allowed;
    json_t              *json;
    registry_rc_e        rc;
    registry_err_t       err;
    registry_pool_t     *pool;
    registry_image_t     image;
    registry_v2_op_t    *ops;
    registry_v2_edit_t   edit;
    registry_v2_rules_t  rules;
    registry_v2_sources_t  sources;

    static const registry_v2_formats_t  formats = { "raw,iso", "bare" };

    if (size < 1) {
        return 0;
    }

    json = json_loadb((const char *) data + 1, size - 1, JSON_DECODE_ANY,
                      NULL);
    if (json == NULL) {
        return 0;
    }

    pool = registry_pool_new();
    fuzz_assert(pool != NULL);

    memset(&image, 0, sizeof(image));
    memset(&rules, 0, sizeof(rules));
    memset(&err, 0, sizeof(err));
    memset(&sources, 0, sizeof(sources));

    image.disk_format = glance_str("raw");
    image.container_format = glance_str("bare");
    image.status = glance_str((data[0] & 4) ? "queued" : "active");
    image.properties = fuzz_properties;
    image.locations = fuzz_locations;

    allowed = (data[0] & 2) != 0;
    rules.type = (data[0] & 1) ? REGISTRY_V2_PATCH_21 : REGISTRY_V2_PATCH_20;
    rules.admin = allowed;
    rules.locations = true;
    rules.property_quota = 4;
    rules.tag_quota = 4;
    rules.location_quota = 4;
    rules.hash = "sha256";
    rules.sources = &sources;
    sources.ask = (data[0] & 8) != 0;
    sources.refused = (data[0] & 16) != 0;
    rules.allow = fuzz_allow;
    rules.arg = &allowed;

    rc = registry_v2_patch_parse(pool, json, rules.type, &formats, &ops,
                                 &err);

    if (rc == REGISTRY_OK) {

        for (const registry_v2_op_t *op = ops; op != NULL; op = op->next) {
            fuzz_assert(op->name.data != NULL
                        && op->name.data[op->name.len] == '\0');
            fuzz_assert((op->value == NULL)
                        == (op->op == REGISTRY_V2_REMOVE));
        }

        rc = registry_v2_apply(pool, &image, ops, &rules, &edit, &err);
    }

    if (rc == REGISTRY_OK) {
        fuzz_edit(&edit);

    } else {
        fuzz_refused(rc, &err);
    }

    json_decref(json);
    registry_pool_free(pool);

    return 0;
}
