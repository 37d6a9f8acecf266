
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glance_buf.h"


#define REGISTRY_OUT_SIZE    2048

/* a control character becomes an escape of six bytes */
#define REGISTRY_OUT_ESCAPE  6


static bool registry_out_room(registry_out_t *out, size_t len);
static bool registry_out_plain(glance_str_t s);


void
registry_out_init(registry_out_t *out, size_t max)
{
    memset(out, 0, sizeof(registry_out_t));

    out->max = max;
}


void
registry_out_free(registry_out_t *out)
{
    free(out->data);
    registry_out_init(out, out->max);
}


void
registry_out_reset(registry_out_t *out)
{
    out->len = 0;
    out->failed = false;
}


void
registry_out_cut(registry_out_t *out, size_t len)
{
    if (len < out->len) {
        out->len = len;
    }
}


void
registry_out_put(registry_out_t *out, glance_str_t s)
{
    if (s.len > 0 && registry_out_room(out, s.len)) {
        memcpy(out->data + out->len, s.data, s.len);
        out->len += s.len;
    }
}


void
registry_out_text(registry_out_t *out, const char *text)
{
    registry_out_put(out, glance_str(text));
}


void
registry_out_int(registry_out_t *out, int64_t number)
{
    char  text[24];

    (void) snprintf(text, sizeof(text), "%lld", (long long) number);

    registry_out_text(out, text);
}


void
registry_out_string(registry_out_t *out, glance_str_t s)
{
    glance_buf_t  b;

    if (s.data == NULL) {
        registry_out_text(out, "null");
        return;
    }

    registry_out_text(out, "\"");

    if (registry_out_plain(s)) {
        registry_out_put(out, s);

    } else if (registry_out_room(out, s.len * REGISTRY_OUT_ESCAPE)) {
        glance_buf_init(&b, out->data + out->len,
                        s.len * REGISTRY_OUT_ESCAPE);
        glance_buf_json(&b, s);
        out->len += glance_buf_str(&b).len;
    }

    registry_out_text(out, "\"");
}


void
registry_out_bool(registry_out_t *out, bool value)
{
    registry_out_text(out, value ? "true" : "false");
}


static bool
registry_out_room(registry_out_t *out, size_t len)
{
    char    *data;
    size_t   size;

    if (out->failed) {
        return false;
    }

    if (len <= out->size - out->len) {
        return true;
    }

    if (len > out->max - out->len) {
        out->failed = true;
        return false;
    }

    size = (out->size == 0) ? REGISTRY_OUT_SIZE : out->size;

    while (size - out->len < len) {
        size *= 2;
    }

    data = realloc(out->data, size);

    if (data == NULL) {
        out->failed = true;
        return false;
    }

    out->data = data;
    out->size = size;

    return true;
}


/* most strings need no escapes and are copied as they are */

static bool
registry_out_plain(glance_str_t s)
{
    unsigned char  c;

    for (size_t i = 0; i < s.len; i++) {
        c = s.data[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            return false;
        }
    }

    return true;
}
