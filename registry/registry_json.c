
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "glance_time.h"


static size_t registry_json_shown(glance_str_t name);
static void registry_json_field_out(registry_out_t *out,
    const registry_image_t *image, size_t i, bool zero);
static void registry_json_key(registry_out_t *out, const char *key,
    glance_str_t value);
static void registry_json_number(registry_out_t *out, const char *key,
    int64_t value);
static void registry_json_flag(registry_out_t *out, const char *key,
    bool value);
static void registry_json_integer(registry_out_t *out, int64_t value);
static void registry_json_time(registry_out_t *out, const char *key,
    int64_t epoch);
static void registry_json_epoch(registry_out_t *out, int64_t epoch);
static void registry_json_properties(registry_out_t *out,
    const registry_property_t *properties);
static void registry_json_locations(registry_out_t *out,
    const registry_location_t *locations);


/*
 * All of an image, in the order in which it is written.  The answer to
 * X-Glance-Fields names some of them.
 */

typedef enum {
    REGISTRY_SHOW_TEXT = 0,
    REGISTRY_SHOW_NUMBER,               /* REGISTRY_NUMBER_NULL: null */
    REGISTRY_SHOW_FLAG,
    REGISTRY_SHOW_TIME,
    REGISTRY_SHOW_PUBLIC,
    REGISTRY_SHOW_PROPERTIES,
    REGISTRY_SHOW_LOCATION,
    REGISTRY_SHOW_LOCATIONS,
    REGISTRY_SHOW_LIST                  /* not of an image */
} registry_show_e;

#define show(name, type)                                                      \
    { #name, REGISTRY_SHOW_ ## type, false, offsetof(registry_image_t, name) }
#define show_brief(name, type)                                                \
    { #name, REGISTRY_SHOW_ ## type, true, offsetof(registry_image_t, name) }
#define show_other(name, type)                                                \
    { name, REGISTRY_SHOW_ ## type, false, 0 }

static const struct {
    const char       *name;
    registry_show_e   type;
    bool              brief;
    size_t            offset;           /* in registry_image_t */
} registry_shown[] = {
    show_brief(id, TEXT),
    show_brief(name, TEXT),
    show(status, TEXT),
    show_brief(size, NUMBER),
    show(virtual_size, NUMBER),
    show_brief(disk_format, TEXT),
    show_brief(container_format, TEXT),
    show_brief(checksum, TEXT),
    show(os_hash_algo, TEXT),
    show(os_hash_value, TEXT),
    show_other("is_public", PUBLIC),
    show(visibility, TEXT),
    show(protected, FLAG),
    show(os_hidden, FLAG),
    show(min_disk, NUMBER),
    show(min_ram, NUMBER),
    show(owner, TEXT),
    show(created_at, TIME),
    show(updated_at, TIME),
    show(deleted_at, TIME),
    show(deleted, FLAG),
    show_other("properties", PROPERTIES),
    show_other("location", LOCATION),
    show_other("location_data", LOCATIONS),
    show_other("truncated", LIST)
};

#undef show
#undef show_brief
#undef show_other

#define REGISTRY_SHOWN_N  (sizeof(registry_shown) / sizeof(registry_shown[0]))


void
registry_json_fields(registry_fields_t *fields, bool detail)
{
    fields->zero = 0;
    fields->shown = 0;

    for (size_t i = 0; i < REGISTRY_SHOWN_N; i++) {

        if (detail || registry_shown[i].brief
            || registry_shown[i].type == REGISTRY_SHOW_LIST)
        {
            fields->shown |= (uint32_t) 1 << i;
        }
    }
}


bool
registry_json_fields_parse(registry_fields_t *fields, glance_str_t text)
{
    bool                  zero;
    size_t                i;
    glance_str_t          word;
    const unsigned char  *p, *last;

    fields->zero = 0;
    fields->shown = 0;

    last = text.data + text.len;

    for (p = text.data; p <= last; p = word.data + word.len + 1) {
        word.data = p;

        while (p < last && *p != ',') {
            p++;
        }

        word.len = (size_t) (p - word.data);

        zero = (word.len > 2 && p[-2] == ':' && p[-1] == '0');

        if (zero) {
            word.len -= 2;
        }

        i = registry_json_shown(word);

        if (i == REGISTRY_SHOWN_N) {
            return false;
        }

        fields->shown |= (uint32_t) 1 << i;

        if (zero) {
            fields->zero |= (uint32_t) 1 << i;
            word.len += 2;
        }
    }

    return true;
}


bool
registry_json_fields_shows(const registry_fields_t *fields, const char *name)
{
    size_t  i;

    i = registry_json_shown(glance_str(name));

    return i < REGISTRY_SHOWN_N && (fields->shown & (uint32_t) 1 << i) != 0;
}


/* the field's place in the table, or REGISTRY_SHOWN_N */

static size_t
registry_json_shown(glance_str_t name)
{
    size_t  i;

    for (i = 0; i < REGISTRY_SHOWN_N; i++) {
        if (glance_str_eq(name, glance_str(registry_shown[i].name))) {
            break;
        }
    }

    return i;
}


void
registry_json_image(registry_out_t *out, const registry_image_t *image,
    const registry_fields_t *fields)
{
    size_t       i;
    const char  *before;

    before = "{\"";

    for (i = 0; i < REGISTRY_SHOWN_N; i++) {

        if ((fields->shown & (uint32_t) 1 << i) == 0
            || registry_shown[i].type == REGISTRY_SHOW_LIST)
        {
            continue;
        }

        registry_out_text(out, before);
        registry_out_text(out, registry_shown[i].name);
        registry_out_text(out, "\": ");

        registry_json_field_out(out, image, i,
                                (fields->zero & (uint32_t) 1 << i) != 0);

        before = ", \"";
    }

    registry_out_text(out, (before[0] == '{') ? "{}" : "}");
}


static void
registry_json_field_out(registry_out_t *out, const registry_image_t *image,
    size_t i, bool zero)
{
    int64_t                     number;
    glance_str_t                url = glance_null_string;
    const registry_location_t  *l;

    const void *p = (const char *) image + registry_shown[i].offset;

    switch (registry_shown[i].type) {

    case REGISTRY_SHOW_TEXT:
        registry_out_string(out, *(const glance_str_t *) p);
        return;

    case REGISTRY_SHOW_NUMBER:
        number = *(const int64_t *) p;

        registry_json_integer(out, (zero && number == REGISTRY_NUMBER_NULL)
                                   ? 0 : number);
        return;

    case REGISTRY_SHOW_FLAG:
        registry_out_bool(out, *(const bool *) p);
        return;

    case REGISTRY_SHOW_TIME:
        registry_json_epoch(out, *(const int64_t *) p);
        return;

    case REGISTRY_SHOW_PUBLIC:
        registry_out_bool(out, glance_str_eq(image->visibility,
                                             glance_str("public")));
        return;

    case REGISTRY_SHOW_PROPERTIES:
        registry_json_properties(out, image->properties);
        return;

    case REGISTRY_SHOW_LOCATION:

        for (l = image->locations; l != NULL; l = l->next) {

            if (glance_str_eq(l->status, glance_str("active"))) {
                url = l->url;
                break;
            }
        }

        registry_out_string(out, url);
        return;

    default: /* REGISTRY_SHOW_LOCATIONS */
        registry_json_locations(out, image->locations);
    }
}


void
registry_json_members(registry_out_t *out, const registry_member_t *members)
{
    registry_out_text(out, "{\"members\": [");

    for (const registry_member_t *m = members; m != NULL; m = m->next) {
        registry_out_text(out, "{\"member_id\": ");
        registry_out_string(out, m->member);
        registry_json_flag(out, "can_share", m->can_share == 1);
        registry_out_text(out, (m->next == NULL) ? "}" : "}, ");
    }

    registry_out_text(out, "]}");
}


void
registry_json_shared(registry_out_t *out, const registry_member_t *members)
{
    registry_out_text(out, "{\"shared_images\": [");

    for (const registry_member_t *m = members; m != NULL; m = m->next) {
        registry_out_text(out, "{\"image_id\": ");
        registry_out_string(out, m->image_id);
        registry_json_flag(out, "can_share", m->can_share == 1);
        registry_out_text(out, (m->next == NULL) ? "}" : "}, ");
    }

    registry_out_text(out, "]}");
}


/* status: what became of the image, NULL while the claim lives */

void
registry_json_claim(registry_out_t *out, const registry_claim_row_t *claim,
    const char *status)
{
    static const char *const  words[] = {
        [REGISTRY_ABORT_QUEUED] = "queued",
        [REGISTRY_ABORT_KILLED] = "killed",
        [REGISTRY_ABORT_DELETE] = "delete"
    };

    registry_out_text(out, "{\"id\": ");
    registry_out_string(out, claim->id);

    registry_json_key(out, "image_id", claim->image_id);
    registry_json_key(out, "node", claim->node);
    registry_json_key(out, "on_expire", glance_str(words[claim->on_expire]));

    if (status == NULL) {
        registry_out_text(out, ", \"expires_in\": ");
        registry_out_int(out, claim->expires_in);
        registry_json_time(out, "created_at", claim->created_at);

    } else {
        registry_json_key(out, "status", glance_str(status));
    }

    registry_out_text(out, "}");
}


void
registry_json_removals(registry_out_t *out,
    const registry_removal_t *removals)
{
    registry_out_text(out, "{\"removals\": [");

    for (const registry_removal_t *r = removals; r != NULL; r = r->next) {
        registry_out_text(out, "{\"id\": ");
        registry_out_int(out, r->id);
        registry_json_key(out, "image_id", r->image_id);
        registry_json_key(out, "url", r->url);
        registry_json_number(out, "tries", r->tries);
        registry_json_key(out, "last_error", r->last_error);
        registry_out_text(out, (r->next == NULL) ? "}" : "}, ");
    }

    registry_out_text(out, "]}");
}


static void
registry_json_key(registry_out_t *out, const char *key, glance_str_t value)
{
    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": ");
    registry_out_string(out, value);
}


static void
registry_json_number(registry_out_t *out, const char *key, int64_t value)
{
    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": ");
    registry_json_integer(out, value);
}


static void
registry_json_integer(registry_out_t *out, int64_t value)
{
    if (value == REGISTRY_NUMBER_NULL) {
        registry_out_text(out, "null");
        return;
    }

    registry_out_int(out, value);
}


static void
registry_json_flag(registry_out_t *out, const char *key, bool value)
{
    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": ");
    registry_out_bool(out, value);
}


static void
registry_json_time(registry_out_t *out, const char *key, int64_t epoch)
{
    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": ");
    registry_json_epoch(out, epoch);
}


static void
registry_json_epoch(registry_out_t *out, int64_t epoch)
{
    glance_str_t   s = glance_null_string;
    unsigned char  text[GLANCE_TIME_ISO_LEN];

    if (epoch != REGISTRY_TIME_NULL) {
        glance_time_iso(epoch, text);
        s.data = text;
        s.len = GLANCE_TIME_ISO_LEN;
    }

    registry_out_string(out, s);
}


static void
registry_json_properties(registry_out_t *out,
    const registry_property_t *properties)
{
    registry_out_text(out, "{");

    for (const registry_property_t *p = properties; p != NULL; p = p->next) {
        registry_out_string(out, p->name);
        registry_out_text(out, ": ");
        registry_out_string(out, p->value);
        registry_out_text(out, (p->next == NULL) ? "" : ", ");
    }

    registry_out_text(out, "}");
}


static void
registry_json_locations(registry_out_t *out,
    const registry_location_t *locations)
{
    registry_out_text(out, "[");

    for (const registry_location_t *l = locations; l != NULL; l = l->next) {
        registry_out_text(out, "{\"id\": ");
        registry_out_int(out, l->id);
        registry_json_key(out, "url", l->url);
        registry_out_text(out, ", \"metadata\": ");
        registry_json_metadata(out, l->metadata);
        registry_json_key(out, "status", l->status);
        registry_out_text(out, (l->next == NULL) ? "}" : "}, ");
    }

    registry_out_text(out, "]");
}


/* the text is somebody else's as well: nothing but an object gets through */

void
registry_json_metadata(registry_out_t *out, glance_str_t text)
{
    char    *dump;
    json_t  *json;

    if (text.len == 0 || glance_str_eq(text, glance_str("{}"))) {
        registry_out_text(out, "{}");
        return;
    }

    dump = NULL;
    json = json_loadb((const char *) text.data, text.len, 0, NULL);

    if (json_is_object(json)) {
        dump = json_dumps(json, JSON_PRESERVE_ORDER);
    }

    registry_out_text(out, (dump == NULL) ? "{}" : dump);

    free(dump);
    json_decref(json);
}
