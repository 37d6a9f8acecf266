
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_range.h"


static bool glance_range_split(glance_str_t s, char c, glance_str_t *before,
    glance_str_t *after);


bool
glance_range_parse(glance_str_t text, uint64_t size, glance_range_t *range)
{
    uint64_t      number;
    glance_str_t  first, last, unit;

    if (!glance_range_split(text, '=', &unit, &text)
        || !glance_str_case_eq(glance_str_trim(unit), glance_str("bytes"))
        || !glance_range_split(text, '-', &first, &last)
        || size == 0)
    {
        return false;
    }

    first = glance_str_trim(first);
    last = glance_str_trim(last);

    range->size = size;
    range->last = size - 1;

    if (first.len == 0) {

        /* so many at the end */

        if (!glance_str_u64(last, UINT64_MAX, &number) || number == 0) {
            return false;
        }

        range->first = (number < size) ? size - number : 0;

        return true;
    }

    if (!glance_str_u64(first, UINT64_MAX, &range->first)
        || range->first >= size)
    {
        return false;
    }

    if (last.len == 0) {
        return true;
    }

    if (!glance_str_u64(last, UINT64_MAX, &number) || number < range->first) {
        return false;
    }

    if (number < range->last) {
        range->last = number;
    }

    return true;
}


glance_range_e
glance_range_check(glance_str_t text, uint64_t size, glance_range_t *range)
{
    glance_str_t  unit, rest;

    if (!glance_range_split(text, '=', &unit, &rest)
        || !glance_str_case_eq(glance_str_trim(unit), glance_str("bytes")))
    {
        return GLANCE_RANGE_INVALID;
    }

    if (glance_range_split(rest, ',', &unit, &rest)) {
        return GLANCE_RANGE_MULTIPLE;
    }

    /* of something without an end every range exists */

    if (!glance_range_parse(text, UINT64_MAX, range)) {
        return GLANCE_RANGE_INVALID;
    }

    return glance_range_parse(text, size, range) ? GLANCE_RANGE_OK
                                                 : GLANCE_RANGE_BEYOND;
}


glance_range_e
glance_range_check_content(glance_str_t text, uint64_t size,
    glance_range_t *range)
{
    if (!glance_range_content(text, range)) {
        return GLANCE_RANGE_INVALID;
    }

    return (range->last < size) ? GLANCE_RANGE_OK : GLANCE_RANGE_BEYOND;
}


bool
glance_range_content(glance_str_t text, glance_range_t *range)
{
    glance_str_t  first, last, unit;

    text = glance_str_trim(text);

    if (!glance_range_split(text, ' ', &unit, &text)
        || !glance_str_case_eq(unit, glance_str("bytes"))
        || !glance_range_split(text, '-', &first, &text)
        || !glance_range_split(text, '/', &last, &text)
        || !glance_str_u64(first, UINT64_MAX, &range->first)
        || !glance_str_u64(last, UINT64_MAX, &range->last)
        || range->last < range->first)
    {
        return false;
    }

    if (glance_str_eq(text, glance_str("*"))) {
        range->size = GLANCE_RANGE_ANY;
        return true;
    }

    return glance_str_u64(text, UINT64_MAX, &range->size)
           && range->last < range->size;
}


/* at the first c; false: there is none */

static bool
glance_range_split(glance_str_t s, char c, glance_str_t *before,
    glance_str_t *after)
{
    const unsigned char  *p;

    p = (s.len > 0) ? memchr(s.data, c, s.len) : NULL;

    if (p == NULL) {
        return false;
    }

    before->data = s.data;
    before->len = (size_t) (p - s.data);

    after->data = p + 1;
    after->len = s.len - before->len - 1;

    return true;
}
