
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_forwarded.h"

#include "fuzz.h"


static void check(glance_str_t s, const char *forbidden);


/* nothing that ends a part of a URI, or a header, comes out */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    glance_str_t        s;
    glance_forwarded_t  f;

    memset(&f, 0, sizeof(f));

    s.data = data;
    s.len = size;

    glance_forwarded_parse(s, &f);
    check(f.proto, "/?#@:");
    check(f.host, "/?#@");
    check(f.port, "/?#@:");
    check(f.prefix, "?#");
    (void) glance_forwarded_has_port(f.host);

    glance_forwarded_add(&f, glance_str("host"), s);
    check(f.host, "/?#@");

    glance_forwarded_add(&f, glance_str("prefix"), s);
    check(f.prefix, "?#");
    fuzz_assert(f.prefix.len == 0
                || (f.prefix.data[0] == '/'
                    && (f.prefix.len == 1 || f.prefix.data[1] != '/')));

    return 0;
}


static void
check(glance_str_t s, const char *forbidden)
{
    for (size_t i = 0; i < s.len; i++) {
        fuzz_assert(s.data[i] > 0x20 && s.data[i] < 0x7f);
        fuzz_assert(strchr(forbidden, s.data[i]) == NULL);
    }
}
