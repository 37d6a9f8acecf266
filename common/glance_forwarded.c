
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_forwarded.h"


#define GLANCE_FORWARDED_MAX  255


static glance_str_t glance_forwarded_pair(glance_str_t *text, bool *last);
static bool glance_forwarded_chars(glance_str_t s, const char *others);


void
glance_forwarded_parse(glance_str_t text, glance_forwarded_t *f)
{
    bool                  last;
    glance_str_t          name, pair;
    const unsigned char  *eq;

    do {
        pair = glance_forwarded_pair(&text, &last);

        eq = (pair.len == 0) ? NULL : memchr(pair.data, '=', pair.len);

        if (eq == NULL) {
            continue;
        }

        name.data = pair.data;
        name.len = (size_t) (eq - pair.data);

        pair.data = eq + 1;
        pair.len -= name.len + 1;

        pair = glance_str_trim(pair);

        if (pair.len >= 2 && pair.data[0] == '"'
            && pair.data[pair.len - 1] == '"')
        {
            pair.data++;
            pair.len -= 2;
        }

        glance_forwarded_add(f, glance_str_trim(name), pair);

    } while (!last);
}


/*
 * Cuts "name=value" off, up to a semicolon, or to the comma or end that ends
 * the element.  Escapes in a quoted value only keep a quote from ending it:
 * what has them is no name of a host.
 */

static glance_str_t
glance_forwarded_pair(glance_str_t *text, bool *last)
{
    bool          quoted;
    size_t        i;
    unsigned char c;
    glance_str_t  pair;

    quoted = false;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (quoted && c == '\\') {
            i++;

        } else if (c == '"') {
            quoted = !quoted;

        } else if (!quoted && (c == ';' || c == ',')) {
            break;
        }
    }

    if (i > text->len) {
        i = text->len;
    }

    *last = (i == text->len || text->data[i] == ',');

    pair.data = text->data;
    pair.len = i;

    if (!*last) {
        i++;
    }

    text->data += i;
    text->len -= i;

    return pair;
}


void
glance_forwarded_add(glance_forwarded_t *f, glance_str_t name,
    glance_str_t value)
{
    uint64_t              number;
    const unsigned char  *comma;

    comma = (value.len == 0) ? NULL : memchr(value.data, ',', value.len);

    if (comma != NULL) {
        value.len = (size_t) (comma - value.data);
    }

    value = glance_str_trim(value);

    if (value.len == 0 || value.len > GLANCE_FORWARDED_MAX) {
        return;
    }

    if (glance_str_case_eq(name, glance_str("proto"))) {

        if (glance_str_case_eq(value, glance_str("http"))
            || glance_str_case_eq(value, glance_str("https")))
        {
            f->proto = value;
        }

    } else if (glance_str_case_eq(name, glance_str("host"))) {

        if (glance_forwarded_chars(value, "-._:[]")) {
            f->host = value;
        }

    } else if (glance_str_case_eq(name, glance_str("port"))) {

        if (glance_str_u64(value, 65535, &number) && number != 0) {
            f->port = value;
        }

    } else if (glance_str_case_eq(name, glance_str("prefix"))) {

        if (value.data[0] == '/' && !(value.len > 1 && value.data[1] == '/')
            && glance_forwarded_chars(value, "-._~/%"))
        {
            while (value.len != 0 && value.data[value.len - 1] == '/') {
                value.len--;
            }

            f->prefix = value;
        }
    }
}


static bool
glance_forwarded_chars(glance_str_t s, const char *others)
{
    unsigned char  c;

    for (size_t i = 0; i < s.len; i++) {
        c = s.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9'))
            && (c == '\0' || strchr(others, c) == NULL))
        {
            return false;
        }
    }

    return true;
}


/* the colons of an IPv6 address are in brackets */

bool
glance_forwarded_has_port(glance_str_t host)
{
    for (size_t i = host.len; i != 0 && host.data[i - 1] != ']'; i--) {

        if (host.data[i - 1] == ':') {
            return true;
        }
    }

    return false;
}


bool
glance_forwarded_default_port(glance_str_t scheme, glance_str_t port)
{
    return glance_str_eq(port,
                         glance_str(glance_str_case_eq(scheme,
                                                       glance_str("https"))
                                    ? "443" : "80"));
}
