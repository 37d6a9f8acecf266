
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_uuid.h"


static bool glance_uuid_dash(size_t i);


bool
glance_uuid_valid(glance_str_t s)
{
    size_t         i;
    unsigned char  c;

    if (s.len != GLANCE_UUID_LEN) {
        return false;
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if (glance_uuid_dash(i)) {
            if (c != '-') {
                return false;
            }

            continue;
        }

        if (!((c >= '0' && c <= '9')
              || (c >= 'a' && c <= 'f')
              || (c >= 'A' && c <= 'F')))
        {
            return false;
        }
    }

    return true;
}


void
glance_uuid_format(const unsigned char random[16], unsigned char *dst)
{
    size_t         i, n;
    unsigned char  bytes[16];

    memcpy(bytes, random, 16);

    /* RFC 9562: version 4 and variant 10 */

    bytes[6] = (unsigned char) ((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char) ((bytes[8] & 0x3f) | 0x80);

    i = 0;

    for (n = 0; n < 16; n++) {
        if (glance_uuid_dash(i)) {
            dst[i++] = '-';
        }

        glance_hex(&bytes[n], 1, &dst[i]);
        i += 2;
    }
}


static bool
glance_uuid_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}
