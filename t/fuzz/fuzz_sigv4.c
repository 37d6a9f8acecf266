
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_sigv4.h"

#include "fuzz.h"


/* the order of parameters does not matter, nor a "=" without a value */

static void
fuzz_sign(glance_str_t query, glance_buf_t *b, unsigned char *mem)
{
    glance_sigv4_t  s;

    memset(&s, 0, sizeof(s));

    s.access_key = glance_str("access");
    s.secret_key = glance_str("secret");
    s.region = glance_str("region");
    s.service = glance_str("s3");
    s.method = glance_str("GET");
    s.path = glance_str("/");
    s.query = query;
    s.payload = glance_str(GLANCE_SIGV4_EMPTY);
    s.date = glance_str("20150830T123600Z");
    s.headers[0].name = glance_str("host");
    s.headers[0].value = query;
    s.nheaders = 1;

    glance_buf_init(b, mem, 1024);

    if (!glance_sigv4_sign(&s, b)) {
        b->last = b->start;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    glance_buf_t    a, b;
    glance_str_t    query;
    unsigned char  *again, *swapped, mem[1024], other[1024];

    query.data = data;
    query.len = size;

    fuzz_sign(query, &a, mem);

    for (i = 0; i < size && data[i] != '&'; i++) { /* void */ }

    if (i == 0 || i >= size - 1 || memchr(data, ' ', size) != NULL
        || memchr(data, '\t', size) != NULL)
    {
        return 0;
    }

    /* "b&a" of "a&b"; the header is a text of the same length */

    swapped = fuzz_alloc(size);
    again = fuzz_alloc(size);

    memcpy(again, data, size);
    memcpy(swapped, data + i + 1, size - i - 1);
    swapped[size - i - 1] = '&';
    memcpy(swapped + size - i, data, i);

    query.data = again;
    fuzz_sign(query, &b, other);
    fuzz_assert(glance_str_eq(glance_buf_str(&a), glance_buf_str(&b)));

    query.data = swapped;
    fuzz_sign(query, &b, other);
    fuzz_assert((a.last == a.start) == (b.last == b.start));

    free(again);
    free(swapped);

    return 0;
}
