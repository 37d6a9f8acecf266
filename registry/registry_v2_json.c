
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2.h"

#include "glance_buf.h"
#include "glance_time.h"
#include "registry_json.h"


#define REGISTRY_V2_TIME_LEN  19        /* 2011-03-01T12:00:00 */


static void registry_v2_number(registry_out_t *out, const char *key,
    int64_t value);
static void registry_v2_flag(registry_out_t *out, const char *key,
    bool value);
static void registry_v2_link(registry_out_t *out, const char *key,
    glance_str_t id, const char *tail);
static void registry_v2_properties(registry_out_t *out,
    const registry_property_t *properties);
static void registry_v2_locations(const registry_request_t *rq,
    registry_out_t *out, const registry_image_t *image);
static void registry_v2_tags(registry_out_t *out, const registry_tag_t *tags);


/* also those of a Python Glance that are nobody's business */

static const char *const  registry_v2_names[] = {
    "name", "disk_format", "container_format", "visibility", "size",
    "virtual_size", "status", "checksum", "protected", "min_ram", "min_disk",
    "owner", "os_hidden", "os_hash_algo", "os_hash_value", "id",
    "created_at", "updated_at", "locations", "direct_url", "tags", "self",
    "file", "schema", "stores", "os_glance_stage_host",
    "os_glance_hash_op_host"
};


/* specs/v2/02 2.1 */

void
registry_v2_image_json(const registry_request_t *rq, registry_out_t *out,
    const registry_image_t *image)
{
    registry_out_text(out, "{");

    registry_v2_properties(out, image->properties);

    registry_out_text(out, "\"name\": ");
    registry_out_string(out, image->name);

    registry_v2_json_text(out, "disk_format", image->disk_format);
    registry_v2_json_text(out, "container_format", image->container_format);
    registry_v2_json_text(out, "visibility", image->visibility);
    registry_v2_number(out, "size", image->size);
    registry_v2_number(out, "virtual_size", image->virtual_size);
    registry_v2_json_text(out, "status", image->status);
    registry_v2_json_text(out, "checksum", image->checksum);
    registry_v2_flag(out, "protected", image->protected);
    registry_v2_number(out, "min_ram", image->min_ram);
    registry_v2_number(out, "min_disk", image->min_disk);
    registry_v2_json_text(out, "owner", image->owner);
    registry_v2_flag(out, "os_hidden", image->os_hidden);
    registry_v2_json_text(out, "os_hash_algo", image->os_hash_algo);
    registry_v2_json_text(out, "os_hash_value", image->os_hash_value);
    registry_v2_json_text(out, "id", image->id);
    registry_v2_json_time(out, "created_at", image->created_at);
    registry_v2_json_time(out, "updated_at", image->updated_at);

    registry_v2_locations(rq, out, image);
    registry_v2_tags(out, image->tags);

    registry_v2_link(out, "self", image->id, "");
    registry_v2_link(out, "file", image->id, "/file");
    registry_v2_json_text(out, "schema", glance_str("/v2/schemas/image"));

    registry_out_text(out, "}");
}


bool
registry_v2_reserved(glance_str_t name)
{
    for (size_t i = 0; i < sizeof(registry_v2_names)
                           / sizeof(registry_v2_names[0]); i++)
    {
        if (glance_str_eq(name, glance_str(registry_v2_names[i]))) {
            return true;
        }
    }

    return false;
}


void
registry_v2_json_text(registry_out_t *out, const char *key, glance_str_t value)
{
    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": ");
    registry_out_string(out, value);
}


static void
registry_v2_number(registry_out_t *out, const char *key, int64_t value)
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
registry_v2_flag(registry_out_t *out, const char *key, bool value)
{
    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": ");
    registry_out_bool(out, value);
}


/* whole seconds, and a Z behind them */

void
registry_v2_json_time(registry_out_t *out, const char *key, int64_t epoch)
{
    glance_str_t   s = glance_null_string;
    unsigned char  text[GLANCE_TIME_ISO_LEN];

    if (epoch != REGISTRY_TIME_NULL) {
        glance_time_iso(epoch, text);
        text[REGISTRY_V2_TIME_LEN] = 'Z';
        s.data = text;
        s.len = REGISTRY_V2_TIME_LEN + 1;
    }

    registry_v2_json_text(out, key, s);
}


/* ids are plain words, or were somebody else's: they are escaped twice */

static void
registry_v2_link(registry_out_t *out, const char *key, glance_str_t id,
    const char *tail)
{
    glance_buf_t   b;
    unsigned char  mem[GLANCE_IMAGE_ID_MAX * 12];

    glance_buf_init(&b, mem, sizeof(mem));
    glance_buf_percent(&b, id);

    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": \"/v2/images/");
    registry_out_put(out, glance_buf_str(&b));
    registry_out_text(out, tail);
    registry_out_text(out, "\"");
}


/* v1 knows properties whose names are attributes now */

static void
registry_v2_properties(registry_out_t *out,
    const registry_property_t *properties)
{
    for (const registry_property_t *p = properties; p != NULL; p = p->next) {

        if (registry_v2_reserved(p->name)) {
            continue;
        }

        registry_out_string(out, p->name);
        registry_out_text(out, ": ");
        registry_out_string(out, (p->value.data == NULL) ? glance_str("")
                                                         : p->value);
        registry_out_text(out, ", ");
    }
}


static void
registry_v2_locations(const registry_request_t *rq, registry_out_t *out,
    const registry_image_t *image)
{
    const registry_location_t  *first;

    if (!rq->app->show_locations && !rq->app->show_direct_url) {
        return;
    }

    /* where the data of a deactivated image are is not told */

    if (!rq->identity.admin
        && glance_status_parse(image->status) == GLANCE_STATUS_DEACTIVATED)
    {
        return;
    }

    first = registry_v2_permits(rq, REGISTRY_V2_GET_IMAGE_LOCATION, image)
            ? image->locations : NULL;

    if (rq->app->show_locations) {
        registry_out_text(out, ", \"locations\": ");
        registry_v2_json_locations(out, first);
    }

    while (first != NULL
           && !glance_str_eq(first->status, glance_str("active")))
    {
        first = first->next;
    }

    if (rq->app->show_direct_url && first != NULL) {
        registry_v2_json_text(out, "direct_url", first->url);
    }
}


void
registry_v2_json_locations(registry_out_t *out,
    const registry_location_t *locations)
{
    const char  *open;

    open = "{\"url\": ";
    registry_out_text(out, "[");

    for (const registry_location_t *l = locations; l != NULL; l = l->next) {

        if (!glance_str_eq(l->status, glance_str("active"))) {
            continue;
        }

        registry_out_text(out, open);
        registry_out_string(out, l->url);
        registry_out_text(out, ", \"metadata\": ");
        registry_json_metadata(out, l->metadata);
        registry_out_text(out, "}");

        open = ", {\"url\": ";
    }

    registry_out_text(out, "]");
}


static void
registry_v2_tags(registry_out_t *out, const registry_tag_t *tags)
{
    registry_out_text(out, ", \"tags\": [");

    for (const registry_tag_t *t = tags; t != NULL; t = t->next) {
        registry_out_string(out, t->value);
        registry_out_text(out, (t->next == NULL) ? "" : ", ");
    }

    registry_out_text(out, "]");
}
