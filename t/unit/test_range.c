
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_range.h"

#include "tap.h"


static void test_range_parse(void);
static void test_range_content(void);


int
main(void)
{
    test_range_parse();
    test_range_content();

    return tap_done();
}


static void
test_range_parse(void)
{
    size_t          i;
    glance_range_t  range;

    static const struct {
        const char  *text;
        uint64_t     size, first, last;
    }  good[] = {
        { "bytes=0-0", 10, 0, 0 },
        { "bytes=0-", 10, 0, 9 },
        { "bytes=3-5", 10, 3, 5 },
        { "bytes=3-99", 10, 3, 9 },
        { "Bytes= 3 - 5 ", 10, 3, 5 },
        { "bytes=-4", 10, 6, 9 },
        { "bytes=-40", 10, 0, 9 },
        { "bytes=0-18446744073709551615", 10, 0, 9 },
    };

    static const struct {
        const char  *text;
        uint64_t     size;
    }  bad[] = {
        { "", 10 }, { "bytes", 10 }, { "bytes=", 10 }, { "bytes=-", 10 },
        { "bytes=-0", 10 }, { "bytes=10-", 10 }, { "bytes=5-3", 10 },
        { "bytes=1-2,4-5", 10 }, { "bytes=a-b", 10 }, { "items=1-2", 10 },
        { "bytes=0-", 0 }, { "bytes=0-18446744073709551616", 10 },
        { "bytes=--1", 10 },
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ok(glance_range_parse(glance_str(good[i].text), good[i].size, &range),
           good[i].text);
        ok(range.first == good[i].first && range.last == good[i].last,
           "its bytes");
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(!glance_range_parse(glance_str(bad[i].text), bad[i].size, &range),
           bad[i].text);
    }
}


static void
test_range_content(void)
{
    size_t          i;
    glance_range_t  range;

    static const char *const  bad[] = {
        "", "bytes", "bytes 1-2", "bytes 2-1/9", "bytes 1-9/9", "bytes */9",
        "items 1-2/9", "bytes 1-2/x", "bytes a-2/9",
    };

    ok(glance_range_content(glance_str("bytes 2-5/9"), &range), "a range");
    ok(range.first == 2 && range.last == 5 && range.size == 9, "its numbers");
    ok(glance_range_content(glance_str("bytes 2-5/*"), &range), "any size");
    ok(range.size == GLANCE_RANGE_ANY, "is not known");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(!glance_range_content(glance_str(bad[i]), &range), bad[i]);
    }
}
