
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_inspect.h"

#include "fuzz.h"


/*
 * The input: four bytes that say how the stream is cut, one that chooses what
 * is declared, then pieces of an image that is zero elsewhere: the place
 * (three bytes, in units of 8), the length (two bytes), the bytes themselves.
 * Pieces that lie before the end of the one before are put behind it.
 */

#define FUZZ_FIRST  1024
#define FUZZ_EDGE   64          /* of a gap, that is cut like the rest */
#define FUZZ_GAP    65536


typedef struct {
    glance_inspect_result_t  r;
    size_t                   len;
    char                     text[GLANCE_INSPECT_TEXT];
    uint64_t                 total;
    unsigned char            first[FUZZ_FIRST];
} fuzz_result_t;

typedef struct {
    glance_inspect_t  in;
    uint64_t          at;
    uint32_t          seed;
    size_t            max;
    fuzz_result_t    *result;
} fuzz_stream_t;


static const char *const  fuzz_formats[] = {
    "raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "gpt", "luks", "qed",
    "ami", ""
};

static const unsigned char  fuzz_zeroes[FUZZ_GAP];


static uint64_t
fuzz_be(const uint8_t *p, size_t n)
{
    uint64_t  value;

    for (value = 0; n > 0; n--) {
        value = (value << 8) | *p++;
    }

    return value;
}


/* in memory of its own, gone when the next ones come */

static void
fuzz_feed(fuzz_stream_t *s, const uint8_t *data, size_t len)
{
    size_t          i, n;
    unsigned char  *copy;

    while (len > 0) {
        s->seed = (s->seed * 1664525u + 1013904223u) & 0xffffffff;
        n = 1 + (s->seed >> 8) % s->max;
        n = (n < len) ? n : len;

        copy = fuzz_alloc(n);
        memcpy(copy, data, n);

        glance_inspect_feed(&s->in, copy, n);

        free(copy);

        for (i = 0; i < n && s->at + i < FUZZ_FIRST; i++) {
            s->result->first[s->at + i] = data[i];
        }

        s->at += n;
        data += n;
        len -= n;
    }
}


static void
fuzz_gap(fuzz_stream_t *s, uint64_t end)
{
    size_t    n;
    uint64_t  left;

    while (s->at < end) {
        left = end - s->at;

        if (left <= FUZZ_EDGE) {
            fuzz_feed(s, fuzz_zeroes, (size_t) left);

        } else {
            left -= FUZZ_EDGE;
            n = (left < FUZZ_GAP) ? (size_t) left : FUZZ_GAP;

            glance_inspect_feed(&s->in, fuzz_zeroes, n);
            s->at += n;
        }
    }
}


static void
fuzz_run(const uint8_t *data, size_t size, uint32_t seed, size_t max,
    const char *declared, const glance_inspect_rules_t *rules,
    fuzz_result_t *result)
{
    size_t         len;
    uint64_t       at;
    glance_buf_t   text;
    fuzz_stream_t  s;

    memset(result, 0, sizeof(fuzz_result_t));

    glance_inspect_init(&s.in);

    s.at = 0;
    s.seed = seed;
    s.max = max;
    s.result = result;

    while (size >= 5) {
        at = 8 * (fuzz_be(data, 3) & 0x7ffff);      /* below 4 MiB */
        len = (size_t) fuzz_be(data + 3, 2);

        data += 5;
        size -= 5;
        len = (len < size) ? len : size;

        fuzz_gap(&s, at);
        fuzz_feed(&s, data, len);

        data += len;
        size -= len;
    }

    result->total = s.at;

    glance_buf_init(&text, result->text, sizeof(result->text));
    glance_inspect_judge(&s.in, rules, glance_str(declared), &result->r,
                         &text);

    result->len = (size_t) (text.last - text.start);

    fuzz_assert(s.in.total == s.at);
    fuzz_assert(!text.overflow);
    fuzz_assert((result->len == 0)
                == (result->r.verdict == GLANCE_INSPECT_ACCEPTED));
    fuzz_assert(result->r.format < GLANCE_INSPECT_N);
    fuzz_assert(result->r.virtual_size <= INT64_MAX);
}


/* what must never be taken, as whatever it was declared */

static bool
fuzz_dangerous(const fuzz_result_t *result)
{
    uint64_t        features;
    const uint8_t  *p;

    p = result->first;

    if (result->total >= 512 && memcmp(p, "QFI\xfb", 4) == 0) {
        features = (fuzz_be(p + 4, 4) == 3) ? fuzz_be(p + 72, 8) : 0;

        return fuzz_be(p + 8, 8) != 0
               || fuzz_be(p + 4, 4) < 2 || fuzz_be(p + 4, 4) > 3
               || (features & ~UINT64_C(0x0b)) != 0;
    }

    if (result->total >= 512 && memcmp(p, "QED\0", 4) == 0) {
        return true;
    }

    if (result->total >= 64 && memcmp(p, "KDMV", 4) == 0) {
        return memcmp(p + 5, "\0\0\0", 3) != 0 || p[4] < 1 || p[4] > 3
               || memcmp(p + 28, "\1\0\0\0\0\0\0\0", 8) != 0
               || result->total <= 512 || p[512] == '\0';
    }

    return memcmp(p, "LUKS\xba\xbe", 6) == 0
           && (p[6] != 0 || p[7] != 1 || result->total < 592);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                  i;
    uint32_t                seed;
    const char             *declared;
    fuzz_result_t           lenient, other, whole;
    glance_inspect_rules_t  rules = { false, false };

    static const size_t  splits[] = { 1, 3, 17, 600 };

    if (size < sizeof(seed) + 1) {
        return 0;
    }

    memcpy(&seed, data, sizeof(seed));
    declared = fuzz_formats[data[4] % (sizeof(fuzz_formats)
                                       / sizeof(fuzz_formats[0]))];
    rules.mbr_nonfatal = data[4] >= 0x80;

    data += sizeof(seed) + 1;
    size -= sizeof(seed) + 1;

    fuzz_run(data, size, seed, SIZE_MAX, declared, &rules, &whole);

    for (i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
        fuzz_run(data, size, seed, splits[i], declared, &rules, &other);

        fuzz_assert(other.total == whole.total);
        fuzz_assert(other.r.verdict == whole.r.verdict);
        fuzz_assert(other.r.format == whole.r.format);
        fuzz_assert(other.r.virtual_size == whole.r.virtual_size);
        fuzz_assert(other.r.check == whole.r.check);
        fuzz_assert(other.len == whole.len);
        fuzz_assert(memcmp(other.text, whole.text, whole.len) == 0);
    }

    rules.lenient = true;
    fuzz_run(data, size, seed, 4096, declared, &rules, &lenient);

    fuzz_assert(lenient.r.format == whole.r.format);
    fuzz_assert(lenient.r.verdict <= whole.r.verdict);

    if (fuzz_dangerous(&whole)) {
        fuzz_assert(whole.r.verdict == GLANCE_INSPECT_REFUSED);
        fuzz_assert(lenient.r.verdict == GLANCE_INSPECT_REFUSED);
    }

    return 0;
}
