
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_buf.h"
#include "glance_meta.h"

#include "fuzz.h"


/*
 * The input is a header name, and also a value.
 */

static void
fuzz_name(glance_str_t name)
{
    size_t          i;
    char           *header;
    const char     *word;
    glance_buf_t    b;
    glance_str_t    again, key;
    glance_meta_e   field;
    unsigned char  *dst, *other;

    dst = fuzz_alloc(name.len);
    field = glance_meta_field(name, dst, &key);
    word = glance_meta_name(field);

    fuzz_assert((unsigned) field < GLANCE_META_N);
    fuzz_assert(key.len <= name.len);

    if (field != GLANCE_META_PROPERTY && field != GLANCE_META_UNKNOWN) {
        fuzz_assert(key.len == 0);
    }

    fuzz_assert((word != NULL) == (field >= GLANCE_META_ID));

    for (i = 0; i < key.len; i++) {
        fuzz_assert(key.data[i] != '-');
        fuzz_assert(key.data[i] < 'A' || key.data[i] > 'Z');
    }

    /* a header made of the result means the same */

    if (field == GLANCE_META_NONE) {
        free(dst);
        return;
    }

    header = (char *) fuzz_alloc(name.len + 64);
    glance_buf_init(&b, header, name.len + 64);
    glance_buf_text(&b, "X-Image-Meta-");

    if (field == GLANCE_META_PROPERTY) {
        fuzz_assert(key.len > 0);
        glance_buf_text(&b, "Property-");
    }

    if (word != NULL) {
        glance_buf_text(&b, word);

    } else {
        glance_buf_put(&b, key);
    }

    fuzz_assert(!b.overflow);

    again = glance_buf_str(&b);
    other = fuzz_alloc(again.len);

    fuzz_assert(glance_meta_field(again, other, &again) == field);
    fuzz_assert(glance_str_eq(again, key));

    free(other);
    free(header);
    free(dst);
}


static void
fuzz_escape(glance_str_t s)
{
    size_t          i, len;
    glance_buf_t    b;
    glance_str_t    t;
    unsigned char  *dst, *mem;

    mem = fuzz_alloc(s.len * 6);
    dst = fuzz_alloc(s.len * 6);

    /* the inside of a JSON string: valid UTF-8 with nothing bare in it */

    glance_buf_init(&b, mem, s.len * 6);
    glance_buf_json(&b, s);
    t = glance_buf_str(&b);

    fuzz_assert(!b.overflow);

    for (i = 0; i < t.len; i++) {
        fuzz_assert(t.data[i] >= 0x20 && t.data[i] != '"');

        if (t.data[i] == '\\') {
            i++;
            fuzz_assert(i < t.len);
        }
    }

    if (glance_utf8_check(s) == GLANCE_UTF8_OK) {
        fuzz_assert(glance_utf8_check(t) == GLANCE_UTF8_OK);
        fuzz_assert(glance_utf8_length(s) <= s.len);
    }

    glance_buf_init(&b, mem, s.len * 6);
    glance_buf_html(&b, s);
    t = glance_buf_str(&b);

    fuzz_assert(!b.overflow);

    for (i = 0; i < t.len; i++) {
        fuzz_assert(strchr("<>\"'", t.data[i]) == NULL || t.data[i] == '\0');
    }

    /* what is percent-encoded decodes to the same, but for NUL */

    glance_buf_init(&b, mem, s.len * 6);
    glance_buf_percent(&b, s);
    t = glance_buf_str(&b);

    fuzz_assert(!b.overflow);

    if (s.len > 0 && memchr(s.data, 0, s.len) != NULL) {
        fuzz_assert(!glance_percent_decode(t, dst, &len));

    } else {
        fuzz_assert(glance_percent_decode(t, dst, &len));
        fuzz_assert(len == s.len);
        fuzz_assert(len == 0 || memcmp(dst, s.data, len) == 0);
    }

    free(dst);
    free(mem);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    glance_str_t  s, t;

    s.len = size;
    s.data = data;

    fuzz_name(s);
    fuzz_escape(s);

    t = glance_str_trim(s);

    fuzz_assert(t.len <= s.len);
    fuzz_assert(glance_str_eq(glance_str_trim(t), t));

    if (glance_meta_key_safe(s)) {
        fuzz_assert(glance_meta_value_safe(s));
        fuzz_assert(glance_utf8_check(s) == GLANCE_UTF8_OK);
        fuzz_assert(t.len == s.len);
    }

    return 0;
}
