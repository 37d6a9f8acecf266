
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_buf.h"


typedef void (*glance_buf_unit_pt)(glance_buf_t *b, glance_str_t unit);


static void glance_buf_units(glance_buf_t *b, glance_str_t s,
    glance_buf_unit_pt unit);
static size_t glance_buf_unit_len(glance_str_t s);
static void glance_buf_json_unit(glance_buf_t *b, glance_str_t unit);
static void glance_buf_html_unit(glance_buf_t *b, glance_str_t unit);
static void glance_buf_percent_unit(glance_buf_t *b, glance_str_t unit);


void
glance_buf_init(glance_buf_t *b, void *mem, size_t size)
{
    b->start = mem;
    b->last = mem;
    b->end = (size > 0) ? b->start + size : b->start;
    b->overflow = false;
}


glance_str_t
glance_buf_str(const glance_buf_t *b)
{
    glance_str_t  s;

    s.len = (size_t) (b->last - b->start);
    s.data = b->start;

    return s;
}


void
glance_buf_char(glance_buf_t *b, char c)
{
    if (b->last == b->end) {
        b->overflow = true;
        return;
    }

    *b->last++ = (unsigned char) c;
}


void
glance_buf_put(glance_buf_t *b, glance_str_t s)
{
    if (s.len == 0) {
        return;
    }

    if (s.len > (size_t) (b->end - b->last)) {
        b->overflow = true;
        return;
    }

    memcpy(b->last, s.data, s.len);
    b->last += s.len;
}


void
glance_buf_text(glance_buf_t *b, const char *text)
{
    glance_buf_put(b, glance_str(text));
}


void
glance_buf_u64(glance_buf_t *b, uint64_t value)
{
    glance_str_t    s;
    unsigned char  *p, digits[20];

    p = digits + sizeof(digits);

    do {
        *--p = (unsigned char) ('0' + value % 10);
        value /= 10;
    } while (value != 0);

    s.len = (size_t) (digits + sizeof(digits) - p);
    s.data = p;

    glance_buf_put(b, s);
}


void
glance_buf_json(glance_buf_t *b, glance_str_t s)
{
    glance_buf_units(b, s, glance_buf_json_unit);
}


void
glance_buf_html(glance_buf_t *b, glance_str_t s)
{
    glance_buf_units(b, s, glance_buf_html_unit);
}


void
glance_buf_percent(glance_buf_t *b, glance_str_t s)
{
    glance_buf_units(b, s, glance_buf_percent_unit);
}


/*
 * Writes a text character by character; when one of them does not fit, those
 * before it are taken back.
 */

static void
glance_buf_units(glance_buf_t *b, glance_str_t s, glance_buf_unit_pt unit)
{
    bool            overflow;
    glance_str_t    c;
    unsigned char  *last;

    last = b->last;
    overflow = b->overflow;
    b->overflow = false;

    while (s.len > 0 && !b->overflow) {
        c.len = glance_buf_unit_len(s);
        c.data = s.data;

        unit(b, c);

        s.data += c.len;
        s.len -= c.len;
    }

    if (b->overflow) {
        b->last = last;
    }

    b->overflow = b->overflow || overflow;
}


/* the bytes of the first character; a byte that starts none stands alone */

static size_t
glance_buf_unit_len(glance_str_t s)
{
    size_t         n;
    glance_str_t   c;
    glance_utf8_e  rc;

    n = (s.data[0] < 0xc0) ? 1
        : (s.data[0] < 0xe0) ? 2
        : (s.data[0] < 0xf0) ? 3
        : 4;

    if (n > s.len) {
        return 1;
    }

    c.len = n;
    c.data = s.data;

    rc = glance_utf8_check(c);

    return (rc == GLANCE_UTF8_INVALID) ? 1 : n;
}


static void
glance_buf_json_unit(glance_buf_t *b, glance_str_t unit)
{
    unsigned char  c, escape[6];

    c = unit.data[0];

    if (unit.len == 1 && c >= 0x80) {

        /* not UTF-8, and JSON can hold nothing else */

        glance_buf_text(b, "\\ufffd");
        return;
    }

    if (c == '"' || c == '\\') {
        escape[0] = '\\';
        escape[1] = c;
        unit.len = 2;
        unit.data = escape;

    } else if (c < 0x20 || c == 0x7f) {
        memcpy(escape, "\\u00", 4);
        glance_hex(&c, 1, escape + 4);
        unit.len = 6;
        unit.data = escape;
    }

    glance_buf_put(b, unit);
}


static void
glance_buf_html_unit(glance_buf_t *b, glance_str_t unit)
{
    switch (unit.data[0]) {

    case '&':
        glance_buf_text(b, "&amp;");
        break;

    case '<':
        glance_buf_text(b, "&lt;");
        break;

    case '>':
        glance_buf_text(b, "&gt;");
        break;

    case '"':
        glance_buf_text(b, "&quot;");
        break;

    case '\'':
        glance_buf_text(b, "&#39;");
        break;

    default:
        glance_buf_put(b, unit);
        break;
    }
}


/* only the "unreserved" characters of RFC 3986 stay as they are */

static void
glance_buf_percent_unit(glance_buf_t *b, glance_str_t unit)
{
    size_t         i;
    glance_str_t   s;
    unsigned char  c, escape[3];

    for (i = 0; i < unit.len; i++) {
        c = unit.data[i];
        s.len = 1;
        s.data = &c;

        if (!((c >= '0' && c <= '9')
              || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z')
              || c == '-' || c == '.' || c == '_' || c == '~'))
        {
            escape[0] = '%';
            glance_hex(&c, 1, escape + 1);
            s.len = 3;
            s.data = escape;
        }

        glance_buf_put(b, s);
    }
}
