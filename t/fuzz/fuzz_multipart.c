
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_multipart.h"

#include "fuzz.h"


/*
 * The input: four bytes that say how the body is split, a Content-Type up to
 * the first line feed, the body.
 */

typedef struct {
    size_t          len;
    unsigned char  *content;
    unsigned char  *end;
    const char     *error;
    bool            failed;
    bool            done;
    bool            complete;
} fuzz_result_t;


static const char  fuzz_default[] = "multipart/form-data; boundary=b";


static bool
fuzz_within(glance_str_t part, const void *start, size_t size)
{
    const unsigned char  *p;

    p = start;

    return part.data >= p && part.data + part.len <= p + size;
}


/* one input in memory of its own; false when the reader is through */

static bool
fuzz_piece(glance_multipart_t *m, const uint8_t *body, size_t size,
    fuzz_result_t *result)
{
    glance_str_t         data, in;
    unsigned char       *copy;
    glance_multipart_e   rc;

    copy = fuzz_alloc(size);
    memcpy(copy, body, size);

    in.len = size;
    in.data = copy;

    for ( ;; ) {
        rc = glance_multipart_read(m, &in, &data);

        fuzz_assert(in.len <= size);
        fuzz_assert(in.data == copy + (size - in.len));

        if (rc != GLANCE_MULTIPART_DATA) {
            break;
        }

        fuzz_assert(data.len > 0);
        fuzz_assert(fuzz_within(data, copy, size)
                    || fuzz_within(data, m, sizeof(glance_multipart_t)));
        fuzz_assert(data.len <= (size_t) (result->end - result->content)
                                - result->len);

        memcpy(result->content + result->len, data.data, data.len);
        result->len += data.len;
    }

    fuzz_assert(rc == GLANCE_MULTIPART_ERROR || in.len == 0);

    result->failed = (rc == GLANCE_MULTIPART_ERROR);
    result->done = (rc == GLANCE_MULTIPART_DONE);

    free(copy);

    return rc == GLANCE_MULTIPART_AGAIN;
}


/*
 * In pieces of 1 to "max" bytes, by a generator that starts with the seed; all
 * at once if the body is not longer than that.
 */

static void
fuzz_run(glance_str_t type, const uint8_t *body, size_t size, uint32_t seed,
    size_t max, fuzz_result_t *result)
{
    size_t              n;
    glance_multipart_t  m;

    memset(result, 0, sizeof(fuzz_result_t));

    fuzz_assert(glance_multipart_init(&m, type));
    fuzz_assert(!glance_multipart_complete(&m));

    result->content = fuzz_alloc(size);
    result->end = result->content + size;

    while (size > 0) {
        seed = (seed * 1664525u + 1013904223u) & 0xffffffff;
        n = 1 + (seed >> 8) % max;
        n = (max < size && n < size) ? n : size;

        if (!fuzz_piece(&m, body, n, result)) {
            break;
        }

        body += n;
        size -= n;
    }

    result->error = m.error;
    result->complete = glance_multipart_complete(&m);

    fuzz_assert(m.error != NULL);
    fuzz_assert(result->complete == result->done);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t               i;
    uint32_t             seed;
    glance_str_t         type;
    fuzz_result_t        other, whole;
    const uint8_t       *lf;
    glance_multipart_t   m;

    static const size_t  splits[] = { 1, 3, 17, 300 };

    if (size < sizeof(seed)) {
        return 0;
    }

    memcpy(&seed, data, sizeof(seed));
    data += sizeof(seed);
    size -= sizeof(seed);

    lf = (size > 0) ? memchr(data, '\n', size) : NULL;

    if (lf == NULL) {
        return 0;
    }

    type.len = (size_t) (lf - data);
    type.data = data;

    if (!glance_multipart_init(&m, type)) {
        fuzz_assert(m.error != NULL);
        type = glance_str(fuzz_default);
    }

    size -= (size_t) (lf + 1 - data);
    data = lf + 1;

    fuzz_run(type, data, size, seed, (size_t) -1, &whole);

    for (i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
        fuzz_run(type, data, size, seed, splits[i], &other);

        fuzz_assert(other.complete == whole.complete);
        fuzz_assert(other.failed == whole.failed);
        fuzz_assert(other.error == whole.error);
        fuzz_assert(other.len == whole.len);
        fuzz_assert(memcmp(other.content, whole.content, whole.len) == 0);

        free(other.content);
    }

    free(whole.content);

    return 0;
}
