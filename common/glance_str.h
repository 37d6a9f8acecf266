
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_STR_H_INCLUDED_
#define _GLANCE_STR_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


/*
 * A slice of bytes: never NUL-terminated by contract, never owned.
 */

typedef struct {
    size_t                len;
    const unsigned char  *data;
} glance_str_t;


#define glance_string(text)                                                   \
    { sizeof(text) - 1, (const unsigned char *) text }
#define glance_null_string  { 0, NULL }


typedef enum {
    GLANCE_UTF8_OK = 0,
    GLANCE_UTF8_INVALID,        /* not UTF-8 */
    GLANCE_UTF8_FOUR_BYTE,      /* valid, but outside of the database's set */
    GLANCE_UTF8_CONTROL         /* valid, but holds a control character */
} glance_utf8_e;


glance_str_t glance_str(const char *text);
bool glance_str_eq(glance_str_t a, glance_str_t b);
bool glance_str_case_eq(glance_str_t a, glance_str_t b);

/* ASCII case-insensitive; true also when both are equal */
bool glance_str_case_starts(glance_str_t s, glance_str_t prefix);

/* without leading and trailing spaces and tabs */
glance_str_t glance_str_trim(glance_str_t s);

/*
 * A non-negative decimal number, nothing else around it, at most max.
 * False: malformed, empty, or above max; *value is left alone then.
 */
bool glance_str_u64(glance_str_t s, uint64_t max, uint64_t *value);

/* lower case hexadecimal, writes 2 * len bytes, no NUL */
void glance_hex(const unsigned char *src, size_t len, unsigned char *dst);

/*
 * Percent-decodes s into dst, which has room for s.len bytes.  False on a
 * malformed escape or an encoded NUL.  "+" stays "+".
 */
bool glance_percent_decode(glance_str_t s, unsigned char *dst, size_t *len);

/* checks the whole slice; the first fault found decides */
glance_utf8_e glance_utf8_check(glance_str_t s);

/* the same for texts that may hold control characters */
glance_utf8_e glance_utf8_check_text(glance_str_t s);

/* s without a character at its end that is cut off */
glance_str_t glance_utf8_cut(glance_str_t s);

/* characters (code points) of valid UTF-8 */
size_t glance_utf8_length(glance_str_t s);

/*
 * "true", "t", "1", "on", "yes", "y" in any case (specs/v1.md 2.3, S-55);
 * everything else is false.
 */
bool glance_str_true(glance_str_t s);


#endif /* _GLANCE_STR_H_INCLUDED_ */
