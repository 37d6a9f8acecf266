
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "glance_time.h"


static void registry_json_key(registry_out_t *out, const char *key,
    glance_str_t value);
static void registry_json_number(registry_out_t *out, const char *key,
    int64_t value);
static void registry_json_flag(registry_out_t *out, const char *key,
    bool value);
static void registry_json_time(registry_out_t *out, const char *key,
    int64_t epoch);
static void registry_json_properties(registry_out_t *out,
    const registry_property_t *properties);
static void registry_json_locations(registry_out_t *out,
    const registry_location_t *locations);


void
registry_json_image(registry_out_t *out, const registry_image_t *image)
{
    glance_str_t                url = glance_null_string;
    const registry_location_t  *l;

    registry_out_text(out, "{\"id\": ");
    registry_out_string(out, image->id);

    registry_json_key(out, "name", image->name);
    registry_json_key(out, "status", image->status);
    registry_json_number(out, "size", image->size);
    registry_json_number(out, "virtual_size", image->virtual_size);
    registry_json_key(out, "disk_format", image->disk_format);
    registry_json_key(out, "container_format", image->container_format);
    registry_json_key(out, "checksum", image->checksum);
    registry_json_key(out, "os_hash_algo", image->os_hash_algo);
    registry_json_key(out, "os_hash_value", image->os_hash_value);
    registry_json_flag(out, "is_public",
                       glance_str_eq(image->visibility,
                                     glance_str("public")));
    registry_json_key(out, "visibility", image->visibility);
    registry_json_flag(out, "protected", image->protected);
    registry_json_flag(out, "os_hidden", image->os_hidden);
    registry_json_number(out, "min_disk", image->min_disk);
    registry_json_number(out, "min_ram", image->min_ram);
    registry_json_key(out, "owner", image->owner);
    registry_json_time(out, "created_at", image->created_at);
    registry_json_time(out, "updated_at", image->updated_at);
    registry_json_time(out, "deleted_at", image->deleted_at);
    registry_json_flag(out, "deleted", image->deleted);

    registry_json_properties(out, image->properties);

    for (l = image->locations; l != NULL; l = l->next) {

        if (glance_str_eq(l->status, glance_str("active"))) {
            url = l->url;
            break;
        }
    }

    registry_json_key(out, "location", url);
    registry_json_locations(out, image->locations);
    registry_out_text(out, "}");
}


void
registry_json_brief(registry_out_t *out, const registry_image_t *image)
{
    registry_out_text(out, "{\"id\": ");
    registry_out_string(out, image->id);

    registry_json_key(out, "name", image->name);
    registry_json_number(out, "size", image->size);
    registry_json_key(out, "disk_format", image->disk_format);
    registry_json_key(out, "container_format", image->container_format);
    registry_json_key(out, "checksum", image->checksum);
    registry_out_text(out, "}");
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
    glance_str_t   s = glance_null_string;
    unsigned char  text[GLANCE_TIME_ISO_LEN];

    if (epoch != REGISTRY_TIME_NULL) {
        glance_time_iso(epoch, text);
        s.data = text;
        s.len = GLANCE_TIME_ISO_LEN;
    }

    registry_json_key(out, key, s);
}


static void
registry_json_properties(registry_out_t *out,
    const registry_property_t *properties)
{
    registry_out_text(out, ", \"properties\": {");

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
    registry_out_text(out, ", \"location_data\": [");

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
