
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_buf.h"
#include "glance_image.h"
#include "glance_uuid.h"

#include "fuzz.h"


static void
fuzz_words(glance_str_t s)
{
    glance_str_t     none = glance_null_string;
    glance_type_e    type;
    glance_status_e  status;

    status = glance_status_parse(s);

    if (status != GLANCE_STATUS_UNKNOWN) {
        fuzz_assert(glance_str_eq(glance_str(glance_status_name(status)), s));
    }

    type = glance_type_parse(s);

    if (type != GLANCE_TYPE_UNKNOWN) {
        fuzz_assert(glance_str_eq(glance_str(glance_type_name(type)), s));
        fuzz_assert(glance_disk_format_valid(
                        glance_str(glance_type_disk_format(type))));
        fuzz_assert(glance_container_format_valid(
                        glance_str(glance_type_container_format(type))));
        fuzz_assert(glance_type_of(s, none, none) == type);
    }

    fuzz_assert(glance_type_of(s, s, s) != GLANCE_TYPE_UNKNOWN);

    if (glance_disk_format_valid(s)
        || glance_container_format_valid(s)
        || glance_visibility_valid(s))
    {
        fuzz_assert(s.len >= 3 && s.len <= 10);
        fuzz_assert(!glance_str_true(s));
    }
}


static void
fuzz_id(glance_str_t s)
{
    char          mem[20];
    size_t        i;
    uint64_t      n;
    glance_buf_t  b;

    if (!glance_image_id_valid(s)) {
        fuzz_assert(!glance_uuid_valid(s));
        return;
    }

    /* one harmless file name */

    fuzz_assert(s.len > 0 && s.len <= GLANCE_IMAGE_ID_MAX);

    for (i = 0; i < s.len; i++) {
        fuzz_assert(s.data[i] != '\0'
                    && strchr("0123456789abcdefABCDEF-", s.data[i]) != NULL);
    }

    if (glance_uuid_valid(s)) {
        return;
    }

    /* a number has one spelling */

    fuzz_assert(glance_str_u64(s, GLANCE_IMAGE_SIZE_MAX, &n));

    glance_buf_init(&b, mem, sizeof(mem));
    glance_buf_u64(&b, n);

    fuzz_assert(!b.overflow && glance_str_eq(glance_buf_str(&b), s));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    uint64_t        max, n;
    glance_str_t    s;
    unsigned char  *text;

    s.len = size;
    s.data = data;

    fuzz_words(s);
    fuzz_id(s);

    if (size >= 16) {
        text = fuzz_alloc(GLANCE_UUID_LEN);
        glance_uuid_format(data, text);

        s.len = GLANCE_UUID_LEN;
        s.data = text;

        fuzz_assert(glance_uuid_valid(s));
        fuzz_assert(glance_image_id_valid(s));
        fuzz_assert(text[14] == '4');
        fuzz_assert(text[19] != '\0' && strchr("89ab", text[19]) != NULL);

        free(text);
    }

    /* a limit first, a number behind it */

    if (size > sizeof(max)) {
        memcpy(&max, data, sizeof(max));

        s.len = size - sizeof(max);
        s.data = data + sizeof(max);

        if (glance_str_u64(s, max, &n)) {
            fuzz_assert(n <= max);

            for (i = 0; i < s.len; i++) {
                fuzz_assert(s.data[i] >= '0' && s.data[i] <= '9');
            }

            fuzz_assert(n == 0 || !glance_str_u64(s, n - 1, &n));
        }
    }

    return 0;
}
