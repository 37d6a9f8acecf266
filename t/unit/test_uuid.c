
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_uuid.h"

#include "tap.h"


typedef struct {
    const char  *text;
    bool         valid;
} test_uuid_t;


static const test_uuid_t  test_uuids[] = {
    { "00000000-0000-0000-0000-000000000000", true },
    { "ffffffff-ffff-ffff-ffff-ffffffffffff", true },
    { "01234567-89ab-cdef-ABCD-EF0123456789", true },
    { "", false },
    { "01234567-89ab-cdef-abcd-ef012345678", false },
    { "01234567-89ab-cdef-abcd-ef01234567890", false },
    { "0123456789abcdefabcdef0123456789", false },
    { "0123456789abcdefabcdef0123456789abcd", false },
    { "012345678-9ab-cdef-abcd-ef0123456789", false },
    { "01234567-89ab-cdef-abcd_ef0123456789", false },
    { "01234567-89ab-cdef-abcd-ef012345678g", false },
    { "01234567-89ab-cdef-abcd-ef012345678-", false },
    { "-1234567-89ab-cdef-abcd-ef0123456789", false },
    { "{1234567-89ab-cdef-abcd-ef012345678}", false },
    { " 1234567-89ab-cdef-abcd-ef0123456789", false },
    { "../../../../../../../../etc/passwd..", false },
    { "01234567-89ab-cdef-abcd-ef01234567\xc3\xb6", false },
    { "------------------------------------", false }
};


int
main(void)
{
    size_t         i;
    glance_str_t   s;
    unsigned char  bytes[16], text[GLANCE_UUID_LEN + 1];

    for (i = 0; i < tap_n(test_uuids); i++) {
        ok(glance_uuid_valid(glance_str(test_uuids[i].text))
           == test_uuids[i].valid,
           "%s: \"%s\"", test_uuids[i].valid ? "valid" : "invalid",
           test_uuids[i].text);
    }

    s.len = 36;
    s.data = (const unsigned char *)
             "01234567-89ab-cdef-abcd-ef012345678\0";

    ok(!glance_uuid_valid(s), "NUL inside");

    s.len = 0;
    s.data = NULL;

    ok(!glance_uuid_valid(s), "nothing");

    s.len = sizeof(text);
    s.data = text;
    text[GLANCE_UUID_LEN] = '!';

    memset(bytes, 0, sizeof(bytes));
    glance_uuid_format(bytes, text);
    is(s, "00000000-0000-4000-8000-000000000000!", "of zeroes");

    memset(bytes, 0xff, sizeof(bytes));
    glance_uuid_format(bytes, text);
    is(s, "ffffffff-ffff-4fff-bfff-ffffffffffff!", "of ones");

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) (i * 17);
    }

    glance_uuid_format(bytes, text);
    is(s, "00112233-4455-4677-8899-aabbccddeeff!", "in order");

    s.len = GLANCE_UUID_LEN;
    ok(glance_uuid_valid(s), "what is formatted is valid");

    return tap_done();
}
