
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_sources.h"

#include "glance_image.h"


static bool registry_v2_sources_one(glance_str_t text,
    registry_v2_source_t *source);
static bool registry_v2_sources_cut(glance_str_t *text, unsigned char end,
    uint64_t max, uint64_t *number);


void
registry_v2_sources_read(registry_v2_sources_t *sources, glance_str_t text)
{
    size_t        i;
    glance_str_t  word;

    sources->refused = glance_str_eq(text, glance_str("refused"));

    while (text.len > 0 && sources->n < REGISTRY_V2_SOURCES) {

        for (i = 0; i < text.len && text.data[i] != ' '; i++) {
            /* void */
        }

        word.data = text.data;
        word.len = i;

        if (registry_v2_sources_one(word, &sources->list[sources->n])) {
            sources->n++;
        }

        i += (i < text.len);

        text.data += i;
        text.len -= i;
    }
}


static bool
registry_v2_sources_one(glance_str_t text, registry_v2_source_t *source)
{
    uint64_t  op, item, size;

    if (!registry_v2_sources_cut(&text, '.', UINT32_MAX, &op)
        || !registry_v2_sources_cut(&text, ':', UINT32_MAX, &item)
        || !glance_str_u64(text, GLANCE_IMAGE_SIZE_MAX, &size))
    {
        return false;
    }

    source->op = (size_t) op;
    source->item = (size_t) item;
    source->size = (int64_t) size;

    return true;
}


static bool
registry_v2_sources_cut(glance_str_t *text, unsigned char end, uint64_t max,
    uint64_t *number)
{
    size_t        i;
    glance_str_t  word;

    for (i = 0; i < text->len && text->data[i] != end; i++) {
        /* void */
    }

    if (i == text->len) {
        return false;
    }

    word.data = text->data;
    word.len = i;

    text->data += i + 1;
    text->len -= i + 1;

    return glance_str_u64(word, max, number);
}


registry_rc_e
registry_v2_sources_size(registry_v2_sources_t *sources, size_t op,
    size_t item, glance_str_t url, int64_t *size, registry_err_t *err)
{
    registry_v2_source_t  *source;

    *size = 1;

    if (sources != NULL && sources->refused) {
        return REGISTRY_OK;
    }

    if (sources != NULL && sources->ask) {

        if (sources->n == REGISTRY_V2_SOURCES) {
            return registry_err_set(err, REGISTRY_LIMIT, "A request may not "
                                    "add more than %d locations.",
                                    REGISTRY_V2_SOURCES);
        }

        source = &sources->list[sources->n++];

        source->op = op;
        source->item = item;
        source->url = url;

        return REGISTRY_OK;
    }

    for (size_t i = 0; sources != NULL && i < sources->n; i++) {
        source = &sources->list[i];

        if (source->op == op && source->item == item && source->size > 0) {
            *size = source->size;
            return REGISTRY_OK;
        }
    }

    return registry_err_set(err, REGISTRY_INVALID, "Invalid location: no "
                            "store here finds data at its URL");
}


void
registry_v2_sources_json(const registry_v2_sources_t *sources,
    registry_out_t *out)
{
    registry_out_text(out, "{\"sources\": [");

    for (size_t i = 0; i < sources->n; i++) {
        registry_out_text(out, (i == 0) ? "{\"at\": \"" : ", {\"at\": \"");
        registry_out_int(out, (int64_t) sources->list[i].op);
        registry_out_text(out, ".");
        registry_out_int(out, (int64_t) sources->list[i].item);
        registry_out_text(out, "\", \"url\": ");
        registry_out_string(out, sources->list[i].url);
        registry_out_text(out, "}");
    }

    registry_out_text(out, "]}");
}
