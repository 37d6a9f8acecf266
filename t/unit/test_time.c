
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_time.h"

#include "tap.h"


typedef struct {
    const char  *text;
    int64_t      epoch;
} test_time_t;


static const test_time_t  test_valid[] = {
    { "1970-01-01T00:00:00", 0 },
    { "1970-01-01 00:00:00", 0 },
    { "1970-01-01T00:00:00Z", 0 },
    { "1970-01-01T00:00:01.000000", 1 },
    { "1969-12-31T23:59:59", -1 },
    { "1969-12-31T23:59:59.999999999", -1 },
    { "2011-03-01T12:00:00", 1298980800 },
    { "2011-03-01T12:00:00.123456Z", 1298980800 },
    { "2011-03-01 12:00:00.9", 1298980800 },
    { "2011-03-01T12:00:00+00:00", 1298980800 },
    { "2011-03-01T12:00:00-00:00", 1298980800 },
    { "2011-03-01T21:00:00+09:00", 1298980800 },
    { "2011-03-01T21:00:00.000000+0900", 1298980800 },
    { "2011-03-01T04:30:00-07:30", 1298980800 },
    { "2011-03-02T11:59:00+23:59", 1298980800 },
    { "2000-02-29T00:00:00", 951782400 },
    { "2000-03-01T00:00:00", 951868800 },
    { "2012-02-29T23:59:59", 1330559999 },
    { "2012-12-31T23:59:59", 1356998399 },
    { "2038-01-19T03:14:07", 2147483647 },
    { "2038-01-19T03:14:08", 2147483648 },
    { "2106-02-07T06:28:16", 4294967296 },
    { "2100-02-28T00:00:00", 4107456000 },
    { "1900-01-01T00:00:00", -2208988800 },
    { "1900-03-01T00:00:00", -2203891200 },
    { "9999-12-31T23:59:59", 253402300799 },
    { "9999-12-31T23:59:59+00:01", 253402300739 }
};


static const char  *test_invalid[] = {
    "",
    "2011",
    "2011-03-01",
    "2011-03-01T",
    "2011-03-01T12",
    "2011-03-01T12:00",
    "2011-03-01T12:00:0",
    "2011-03-01T12:00:00.",
    "2011-03-01T12:00:00.Z",
    "2011-03-01T12:00:00.1234567890",
    "2011-03-01T12:00:00,5",
    "2011-03-01t12:00:00",
    "2011-03-01T12:00:00z",
    "2011-03-01  12:00:00",
    "2011-03-01_12:00:00",
    "2011-03-01T12:00:00 Z",
    "2011-03-01T12:00:00ZZ",
    "2011-03-01T12:00:00Z+00:00",
    "2011-03-01T12:00:00+",
    "2011-03-01T12:00:00+9",
    "2011-03-01T12:00:00+09",
    "2011-03-01T12:00:00+09:",
    "2011-03-01T12:00:00+09:0",
    "2011-03-01T12:00:00+09:60",
    "2011-03-01T12:00:00+24:00",
    "2011-03-01T12:00:00+09::00",
    "2011-03-01T12:00:00 09:00",
    "2011-03-01T12:00:00+09:00 ",
    "2011-03-01T12:00:00 UTC",
    " 2011-03-01T12:00:00",
    "+2011-03-01T12:00:00",
    "-2011-03-01T12:00:00",
    "02011-03-01T12:00:00",
    "2011/03/01T12:00:00",
    "20110301T120000",
    "2011-3-1T12:00:00",
    "2011-00-01T12:00:00",
    "2011-13-01T12:00:00",
    "2011-03-00T12:00:00",
    "2011-03-32T12:00:00",
    "2011-04-31T12:00:00",
    "2011-02-29T12:00:00",
    "1900-02-29T12:00:00",
    "2100-02-29T12:00:00",
    "2011-03-01T24:00:00",
    "2011-03-01T12:60:00",
    "2011-03-01T12:00:60",
    "2011-03-01T-2:00:00",
    "2011-03-01T12:00:+1",
    "1899-12-31T23:59:59",
    "0000-01-01T00:00:00",
    "0001-01-01T00:00:00",
    "1900-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "None",
    "now"
};


static void
test_parse(void)
{
    bool     valid;
    size_t   i;
    int64_t  epoch;

    for (i = 0; i < tap_n(test_valid); i++) {
        epoch = 42;
        valid = glance_time_parse(glance_str(test_valid[i].text), &epoch);

        ok(valid && epoch == test_valid[i].epoch, "\"%s\" is %lld",
           test_valid[i].text, (long long) test_valid[i].epoch);
    }

    for (i = 0; i < tap_n(test_invalid); i++) {
        epoch = 42;
        valid = glance_time_parse(glance_str(test_invalid[i]), &epoch);

        ok(!valid && epoch == 42, "\"%s\" is refused", test_invalid[i]);
    }
}


static void
test_format(void)
{
    size_t         i;
    glance_str_t   s;
    unsigned char  text[GLANCE_TIME_ISO_LEN + 1];

    static const struct {
        int64_t      epoch;
        const char  *seed;
        const char  *iso;
    } cases[] = {
        { 0, "1970-01-01 00:00:00", "1970-01-01T00:00:00.000000" },
        { -1, "1969-12-31 23:59:59", "1969-12-31T23:59:59.000000" },
        { 1298980800, "2011-03-01 12:00:00", "2011-03-01T12:00:00.000000" },
        { 951782400, "2000-02-29 00:00:00", "2000-02-29T00:00:00.000000" },
        { 1356998399, "2012-12-31 23:59:59", "2012-12-31T23:59:59.000000" },
        { 253402300799, "9999-12-31 23:59:59", "9999-12-31T23:59:59.000000" },
        { -2208988800, "1900-01-01 00:00:00", "1900-01-01T00:00:00.000000" },
        { INT64_MAX, "9999-12-31 23:59:59", "9999-12-31T23:59:59.000000" },
        { INT64_MIN, "1900-01-01 00:00:00", "1900-01-01T00:00:00.000000" }
    };

    for (i = 0; i < tap_n(cases); i++) {
        s.data = text;
        s.len = GLANCE_TIME_SEED_LEN;

        text[GLANCE_TIME_SEED_LEN] = '!';
        glance_time_seed(cases[i].epoch, text);

        is(s, cases[i].seed, cases[i].seed);
        ok(text[GLANCE_TIME_SEED_LEN] == '!', "nothing behind it");

        s.len = GLANCE_TIME_ISO_LEN;

        text[GLANCE_TIME_ISO_LEN] = '!';
        glance_time_iso(cases[i].epoch, text);

        is(s, cases[i].iso, cases[i].iso);
        ok(text[GLANCE_TIME_ISO_LEN] == '!', "nothing behind it");
    }
}


/* every day of the range, at a different second */

static void
test_round_trip(void)
{
    int64_t        back, epoch, n;
    glance_str_t   s;
    unsigned char  text[GLANCE_TIME_SEED_LEN], last[GLANCE_TIME_SEED_LEN];

    s.len = sizeof(text);
    s.data = text;

    n = 0;
    memset(last, 0, sizeof(last));

    for (epoch = -2208988800; epoch <= 253402300799; epoch += 86399) {
        glance_time_seed(epoch, text);

        if (!glance_time_parse(s, &back)
            || back != epoch
            || memcmp(last, text, sizeof(text)) >= 0)
        {
            break;
        }

        memcpy(last, text, sizeof(text));
        n++;
    }

    ok(epoch > 253402300799, "%lld times written and read again",
       (long long) n);
}


int
main(void)
{
    test_parse();
    test_format();
    test_round_trip();

    return tap_done();
}
