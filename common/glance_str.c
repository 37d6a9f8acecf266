
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_str.h"


static unsigned char glance_lower(unsigned char c);
static int glance_unhex(unsigned char c);
static glance_utf8_e glance_utf8_scan(glance_str_t s, bool control);
static size_t glance_utf8_char(glance_str_t s);


static const glance_str_t  glance_true_words[] = {
    glance_string("true"),
    glance_string("t"),
    glance_string("1"),
    glance_string("on"),
    glance_string("yes"),
    glance_string("y"),
    glance_null_string
};


glance_str_t
glance_str(const char *text)
{
    glance_str_t  s;

    s.len = strlen(text);
    s.data = (const unsigned char *) text;

    return s;
}


bool
glance_str_eq(glance_str_t a, glance_str_t b)
{
    if (a.len != b.len) {
        return false;
    }

    /* the data of an empty slice may be NULL */

    return a.len == 0 || memcmp(a.data, b.data, a.len) == 0;
}


bool
glance_str_case_eq(glance_str_t a, glance_str_t b)
{
    return a.len == b.len && glance_str_case_starts(a, b);
}


bool
glance_str_case_starts(glance_str_t s, glance_str_t prefix)
{
    size_t  i;

    if (s.len < prefix.len) {
        return false;
    }

    for (i = 0; i < prefix.len; i++) {
        if (glance_lower(s.data[i]) != glance_lower(prefix.data[i])) {
            return false;
        }
    }

    return true;
}


glance_str_t
glance_str_trim(glance_str_t s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }

    while (s.len > 0
           && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
    {
        s.len--;
    }

    return s;
}


bool
glance_str_u64(glance_str_t s, uint64_t max, uint64_t *value)
{
    size_t    i;
    uint64_t  digit, n;

    if (s.len == 0) {
        return false;
    }

    n = 0;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }

        digit = (uint64_t) (s.data[i] - '0');

        if (n > max / 10 || digit > max - n * 10) {
            return false;
        }

        n = n * 10 + digit;
    }

    *value = n;

    return true;
}


void
glance_hex(const unsigned char *src, size_t len, unsigned char *dst)
{
    size_t             i;
    static const char  digits[] = "0123456789abcdef";

    for (i = 0; i < len; i++) {
        *dst++ = (unsigned char) digits[src[i] >> 4];
        *dst++ = (unsigned char) digits[src[i] & 0x0f];
    }
}


bool
glance_percent_decode(glance_str_t s, unsigned char *dst, size_t *len)
{
    int     high, low;
    size_t  i, n;

    n = 0;

    for (i = 0; i < s.len; i++) {

        if (s.data[i] != '%') {
            dst[n++] = s.data[i];
            continue;
        }

        if (s.len - i < 3) {
            return false;
        }

        high = glance_unhex(s.data[i + 1]);
        low = glance_unhex(s.data[i + 2]);

        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            return false;
        }

        dst[n++] = (unsigned char) (high * 16 + low);
        i += 2;
    }

    *len = n;

    return true;
}


glance_utf8_e
glance_utf8_check(glance_str_t s)
{
    return glance_utf8_scan(s, false);
}


glance_utf8_e
glance_utf8_check_text(glance_str_t s)
{
    return glance_utf8_scan(s, true);
}


glance_str_t
glance_utf8_cut(glance_str_t s)
{
    size_t         n;
    glance_str_t   last;

    for (n = 1; n <= 3 && n <= s.len; n++) {

        last.data = s.data + s.len - n;
        last.len = n;

        if ((last.data[0] & 0xc0) == 0x80) {
            continue;
        }

        if (last.data[0] >= 0xc0 && glance_utf8_char(last) == 0) {
            s.len -= n;
        }

        break;
    }

    return s;
}


static glance_utf8_e
glance_utf8_scan(glance_str_t s, bool control)
{
    size_t  n;

    while (s.len > 0) {

        if (!control && (s.data[0] < 0x20 || s.data[0] == 0x7f)) {
            return GLANCE_UTF8_CONTROL;
        }

        n = glance_utf8_char(s);

        if (n == 0) {
            return GLANCE_UTF8_INVALID;
        }

        if (n == 4) {
            return GLANCE_UTF8_FOUR_BYTE;
        }

        s.data += n;
        s.len -= n;
    }

    return GLANCE_UTF8_OK;
}


size_t
glance_utf8_length(glance_str_t s)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < s.len; i++) {
        if ((s.data[i] & 0xc0) != 0x80) {
            n++;
        }
    }

    return n;
}


bool
glance_str_true(glance_str_t s)
{
    const glance_str_t  *word;

    for (word = glance_true_words; word->len > 0; word++) {
        if (glance_str_case_eq(s, *word)) {
            return true;
        }
    }

    return false;
}


static unsigned char
glance_lower(unsigned char c)
{
    return (unsigned char) ((c >= 'A' && c <= 'Z') ? (c | 0x20) : c);
}


static int
glance_unhex(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c = glance_lower(c);

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return -1;
}


/* the bytes of the first character, 0 if it is malformed */

static size_t
glance_utf8_char(glance_str_t s)
{
    size_t         i, n;
    unsigned char  c, max, min;

    c = s.data[0];

    if (c < 0x80) {
        return 1;
    }

    /* 80..c1 and f5..ff start nothing; the others bound the second byte */

    min = 0x80;
    max = 0xbf;

    if (c >= 0xc2 && c <= 0xdf) {
        n = 2;

    } else if (c >= 0xe0 && c <= 0xef) {
        n = 3;
        min = (c == 0xe0) ? 0xa0 : min;     /* overlong */
        max = (c == 0xed) ? 0x9f : max;     /* surrogates */

    } else if (c >= 0xf0 && c <= 0xf4) {
        n = 4;
        min = (c == 0xf0) ? 0x90 : min;     /* overlong */
        max = (c == 0xf4) ? 0x8f : max;     /* above U+10FFFF */

    } else {
        return 0;
    }

    if (s.len < n || s.data[1] < min || s.data[1] > max) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if ((s.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}
