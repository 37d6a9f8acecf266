
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_xml.h"


typedef struct {
    glance_str_t   name;
    unsigned char  c;
} glance_xml_entity_t;


static bool glance_xml_tag(glance_str_t *text, glance_str_t *tag);
static glance_str_t glance_xml_name(glance_str_t tag);
static bool glance_xml_entity(glance_str_t s, unsigned char *c, size_t *len);
static bool glance_xml_number(glance_str_t digits, unsigned char *c);


static const glance_xml_entity_t  glance_xml_entities[] = {
    { glance_string("amp"), '&' },
    { glance_string("lt"), '<' },
    { glance_string("gt"), '>' },
    { glance_string("quot"), '"' },
    { glance_string("apos"), '\'' },
    { glance_null_string, '\0' }
};


/* what is between "<" and ">"; text begins behind it then */

static bool
glance_xml_tag(glance_str_t *text, glance_str_t *tag)
{
    const unsigned char  *end, *p;

    p = (text->len > 0) ? memchr(text->data, '<', text->len) : NULL;

    if (p == NULL) {
        return false;
    }

    p++;
    end = text->data + text->len;

    tag->data = p;
    p = (p < end) ? memchr(p, '>', (size_t) (end - p)) : NULL;

    if (p == NULL) {
        return false;
    }

    tag->len = (size_t) (p - tag->data);

    text->data = p + 1;
    text->len = (size_t) (end - p - 1);

    return true;
}


static glance_str_t
glance_xml_name(glance_str_t tag)
{
    size_t  i;

    for (i = 0; i < tag.len; i++) {
        if (strchr(" \t\r\n/", tag.data[i]) != NULL) {
            break;
        }
    }

    tag.len = i;

    return tag;
}


glance_str_t
glance_xml_root(glance_str_t text)
{
    glance_str_t  tag;

    while (glance_xml_tag(&text, &tag)) {
        if (tag.len > 0 && tag.data[0] != '?' && tag.data[0] != '!') {
            return glance_xml_name(tag);
        }
    }

    return glance_str("");
}


bool
glance_xml_element(glance_str_t *text, const char *name, glance_str_t *inner)
{
    glance_str_t  rest, tag, wanted;

    rest = *text;
    wanted = glance_str(name);

    do {
        if (!glance_xml_tag(&rest, &tag)) {
            return false;
        }
    } while (!glance_str_eq(glance_xml_name(tag), wanted));

    inner->data = rest.data;
    inner->len = 0;

    if (tag.len > 0 && tag.data[tag.len - 1] == '/') {
        *text = rest;
        return true;
    }

    while (glance_xml_tag(&rest, &tag)) {

        if (tag.len == 0 || tag.data[0] != '/') {
            continue;
        }

        inner->len = (size_t) (tag.data - 1 - inner->data);

        tag.data++;
        tag.len--;

        if (glance_str_eq(glance_xml_name(tag), wanted)) {
            *text = rest;
            return true;
        }
    }

    return false;
}


bool
glance_xml_unescape(glance_str_t s, unsigned char *dst, size_t *len)
{
    size_t         i, n, taken;
    glance_str_t   rest;
    unsigned char  c;

    n = 0;

    for (i = 0; i < s.len; i++) {

        c = s.data[i];

        if (c == '<') {
            return false;
        }

        if (c == '&') {
            rest.data = s.data + i;
            rest.len = s.len - i;

            if (!glance_xml_entity(rest, &c, &taken)) {
                return false;
            }

            i += taken - 1;
        }

        dst[n++] = c;
    }

    *len = n;

    return true;
}


static bool
glance_xml_entity(glance_str_t s, unsigned char *c, size_t *len)
{
    glance_str_t                name;
    const unsigned char        *end;
    const glance_xml_entity_t  *e;

    end = memchr(s.data, ';', s.len);

    if (end == NULL) {
        return false;
    }

    name.data = s.data + 1;
    name.len = (size_t) (end - name.data);

    *len = name.len + 2;

    if (name.len > 1 && name.data[0] == '#') {
        name.data++;
        name.len--;

        return glance_xml_number(name, c);
    }

    for (e = glance_xml_entities; e->name.len > 0; e++) {
        if (glance_str_eq(name, e->name)) {
            *c = e->c;
            return true;
        }
    }

    return false;
}


static bool
glance_xml_number(glance_str_t digits, unsigned char *c)
{
    size_t          i;
    uint64_t        value;
    unsigned        digit;
    unsigned char   x;

    value = 0;

    if (digits.data[0] != 'x') {
        if (!glance_str_u64(digits, 126, &value)) {
            return false;
        }

    } else {
        for (i = 1; i < digits.len; i++) {
            x = digits.data[i];

            if (x >= '0' && x <= '9') {
                digit = (unsigned) (x - '0');

            } else if ((x | 0x20) >= 'a' && (x | 0x20) <= 'f') {
                digit = (unsigned) ((x | 0x20) - 'a') + 10;

            } else {
                return false;
            }

            value = value * 16 + digit;

            if (value > 126) {
                return false;
            }
        }
    }

    *c = (unsigned char) value;

    return value >= 0x20;
}
