
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_range.h"

#include "fuzz.h"


/* the first byte is the size of the image, whatever comes out is inside */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    glance_str_t    s;
    glance_range_t  range, again;
    char            text[64];

    if (size == 0) {
        return 0;
    }

    s.data = data + 1;
    s.len = size - 1;

    if (glance_range_check_content(s, data[0], &range) == GLANCE_RANGE_OK) {
        fuzz_assert(range.first <= range.last && range.last < data[0]);
    }

    if (glance_range_check(s, data[0], &range) != GLANCE_RANGE_OK) {
        return 0;
    }

    fuzz_assert(range.first <= range.last && range.last < data[0]);
    fuzz_assert(glance_range_parse(s, data[0], &again));
    fuzz_assert(again.first == range.first && again.last == range.last);

    s.data = (const unsigned char *) text;
    s.len = (size_t) snprintf(text, sizeof(text), "bytes=%u-%u",
                              (unsigned) range.first, (unsigned) range.last);

    fuzz_assert(glance_range_check(s, data[0], &again) == GLANCE_RANGE_OK);
    fuzz_assert(again.first == range.first && again.last == range.last);

    return 0;
}
