
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_time.h"

#include "fuzz.h"


/* the order of time is the order of its texts, and both can be read again */

static void
fuzz_epoch(int64_t epoch)
{
    int64_t         again, back;
    glance_str_t    s;
    unsigned char  *iso, *next, *seed;

    seed = fuzz_alloc(GLANCE_TIME_SEED_LEN);
    next = fuzz_alloc(GLANCE_TIME_SEED_LEN);
    iso = fuzz_alloc(GLANCE_TIME_ISO_LEN);

    glance_time_seed(epoch, seed);
    glance_time_iso(epoch, iso);

    s.len = GLANCE_TIME_SEED_LEN;
    s.data = seed;
    fuzz_assert(glance_time_parse(s, &back));

    s.len = GLANCE_TIME_ISO_LEN;
    s.data = iso;
    fuzz_assert(glance_time_parse(s, &again));
    fuzz_assert(again == back);

    if (epoch >= INT64_C(-2208988800) && epoch <= INT64_C(253402300799)) {
        fuzz_assert(back == epoch);
    }

    if (back < INT64_C(253402300799)) {
        glance_time_seed(back + 1, next);
        fuzz_assert(memcmp(seed, next, GLANCE_TIME_SEED_LEN) < 0);
    }

    free(iso);
    free(next);
    free(seed);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t       epoch;
    glance_str_t  s;

    s.len = size;
    s.data = data;

    if (glance_time_parse(s, &epoch)) {
        fuzz_assert(epoch >= INT64_C(-2208988800));
        fuzz_assert(epoch <= INT64_C(253402300799));
        fuzz_assert(size >= sizeof("2011-03-01") - 1);
        fuzz_epoch(epoch);
    }

    if (size >= sizeof(epoch)) {
        memcpy(&epoch, data, sizeof(epoch));
        fuzz_epoch(epoch);
        fuzz_epoch(epoch % INT64_C(253402300800));
    }

    return 0;
}
