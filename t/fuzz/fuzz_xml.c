
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_xml.h"

#include "fuzz.h"


/* what is found lies in the text, and each step leaves less of it */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                i, left, len;
    glance_str_t          inner, root, text;
    unsigned char        *dst;
    const unsigned char  *end;

    static const char  *const names[] = { "a", "Error", "UploadId", "" };

    end = data + size;

    text.data = data;
    text.len = size;

    root = glance_xml_root(text);

    if (root.len > 0) {
        fuzz_assert(root.data > data && root.data + root.len < end);
        fuzz_assert(root.data[-1] == '<');
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        text.data = data;
        text.len = size;
        left = size;

        while (glance_xml_element(&text, names[i], &inner)) {
            fuzz_assert(text.len < left);
            fuzz_assert(text.data + text.len == end);
            fuzz_assert(inner.data > data);
            fuzz_assert(inner.data + inner.len <= text.data);

            left = text.len;

            dst = fuzz_alloc(inner.len);

            if (glance_xml_unescape(inner, dst, &len)) {
                fuzz_assert(len <= inner.len);
            }

            free(dst);
        }
    }

    return 0;
}
