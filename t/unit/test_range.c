
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_range.h"

#include "tap.h"


static void test_range_parse(void);
static void test_range_content(void);
static void test_range_check(void);


int
main(void)
{
    test_range_parse();
    test_range_content();
    test_range_check();

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


static void
test_range_check(void)
{
    size_t          i;
    glance_range_e  rc;
    glance_range_t  range;

    static const struct {
        const char      *text;
        uint64_t         size;
        glance_range_e   rc;
        uint64_t         first, last;
    }  tests[] = {
        { "bytes=0-3", 10, GLANCE_RANGE_OK, 0, 3 },
        { "bytes=2-", 10, GLANCE_RANGE_OK, 2, 9 },
        { "bytes=-3", 10, GLANCE_RANGE_OK, 7, 9 },
        { "bytes=-100", 10, GLANCE_RANGE_OK, 0, 9 },
        { "bytes=0-100", 10, GLANCE_RANGE_OK, 0, 9 },
        { "bytes=9-9", 10, GLANCE_RANGE_OK, 9, 9 },
        { "bytes=10-", 10, GLANCE_RANGE_BEYOND, 0, 0 },
        { "bytes=10-20", 10, GLANCE_RANGE_BEYOND, 0, 0 },
        { "bytes=0-", 0, GLANCE_RANGE_BEYOND, 0, 0 },
        { "bytes=-1", 0, GLANCE_RANGE_BEYOND, 0, 0 },
        { "bytes=0-1,3-4", 10, GLANCE_RANGE_MULTIPLE, 0, 0 },
        { "bytes=,", 10, GLANCE_RANGE_MULTIPLE, 0, 0 },
        { "bytes=5-2", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "bytes=-0", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "items=0-1", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "items=0-1,2-3", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "junk", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "bytes=", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "bytes=-", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "bytes=a-b", 10, GLANCE_RANGE_INVALID, 0, 0 },
        { "bytes=1-2-3", 10, GLANCE_RANGE_INVALID, 0, 0 },
    };

    static const struct {
        const char      *text;
        glance_range_e   rc;
    }  contents[] = {
        { "bytes 0-3/10", GLANCE_RANGE_OK },
        { "bytes 0-3/*", GLANCE_RANGE_OK },
        { "bytes 0-10/*", GLANCE_RANGE_BEYOND },
        { "bytes 10-11/*", GLANCE_RANGE_BEYOND },
        { "bytes */10", GLANCE_RANGE_INVALID },
        { "bytes=0-3", GLANCE_RANGE_INVALID },
    };

    for (i = 0; i < tap_n(tests); i++) {
        rc = glance_range_check(glance_str(tests[i].text), tests[i].size,
                                &range);

        ok(rc == tests[i].rc
           && (rc != GLANCE_RANGE_OK
               || (range.first == tests[i].first
                   && range.last == tests[i].last)),
           "v2: \"%s\"", tests[i].text);
    }

    for (i = 0; i < tap_n(contents); i++) {
        ok(glance_range_check_content(glance_str(contents[i].text), 10,
                                      &range)
           == contents[i].rc, "v2: \"%s\"", contents[i].text);
    }
}
