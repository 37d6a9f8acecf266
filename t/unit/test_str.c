
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>

#include "tap.h"


typedef struct {
    const char  *text;
    uint64_t     max;
    bool         valid;
    uint64_t     value;
} test_number_t;


typedef struct {
    const char     *text;
    size_t          len;
    glance_utf8_e   rc;
    const char     *what;
} test_utf8_t;


typedef struct {
    const char  *text;
    const char  *decoded;       /* NULL: refused */
} test_percent_t;


static const test_number_t  test_numbers[] = {
    { "0",                    UINT64_MAX, true,  0 },
    { "00",                   UINT64_MAX, true,  0 },
    { "007",                  UINT64_MAX, true,  7 },
    { "4294967296",           UINT64_MAX, true,  4294967296u },
    { "9223372036854775807",  INT64_MAX,  true,  INT64_MAX },
    { "9223372036854775808",  INT64_MAX,  false, 0 },
    { "18446744073709551615", UINT64_MAX, true,  UINT64_MAX },
    { "18446744073709551616", UINT64_MAX, false, 0 },
    { "18446744073709551620", UINT64_MAX, false, 0 },
    { "99999999999999999999", UINT64_MAX, false, 0 },
    { "184467440737095516150", UINT64_MAX, false, 0 },
    { "000000000000000000000000000000001", UINT64_MAX, true, 1 },
    { "2147483647",           2147483647, true,  2147483647 },
    { "2147483648",           2147483647, false, 0 },
    { "0",                    0,          true,  0 },
    { "1",                    0,          false, 0 },
    { "9",                    9,          true,  9 },
    { "10",                   9,          false, 0 },
    { "",                     UINT64_MAX, false, 0 },
    { "-1",                   UINT64_MAX, false, 0 },
    { "-0",                   UINT64_MAX, false, 0 },
    { "+1",                   UINT64_MAX, false, 0 },
    { " 1",                   UINT64_MAX, false, 0 },
    { "1 ",                   UINT64_MAX, false, 0 },
    { "1\t",                  UINT64_MAX, false, 0 },
    { "1.0",                  UINT64_MAX, false, 0 },
    { "1e3",                  UINT64_MAX, false, 0 },
    { "0x10",                 UINT64_MAX, false, 0 },
    { "1/",                   UINT64_MAX, false, 0 },
    { "1:",                   UINT64_MAX, false, 0 },
    { "\xd9\xa1",             UINT64_MAX, false, 0 }
};


#define test_bytes(text)  text, sizeof(text) - 1


static const test_utf8_t  test_utf8s[] = {
    { test_bytes(""), GLANCE_UTF8_OK, "empty" },
    { test_bytes("plain ~"), GLANCE_UTF8_OK, "ASCII" },
    { test_bytes("\xc2\x80"), GLANCE_UTF8_OK, "U+0080" },
    { test_bytes("\xdf\xbf"), GLANCE_UTF8_OK, "U+07FF" },
    { test_bytes("\xe0\xa0\x80"), GLANCE_UTF8_OK, "U+0800" },
    { test_bytes("\xed\x9f\xbf"), GLANCE_UTF8_OK, "U+D7FF" },
    { test_bytes("\xee\x80\x80"), GLANCE_UTF8_OK, "U+E000" },
    { test_bytes("\xef\xbf\xbf"), GLANCE_UTF8_OK, "U+FFFF" },
    { test_bytes("\xf0\x90\x80\x80"), GLANCE_UTF8_FOUR_BYTE, "U+10000" },
    { test_bytes("\xf4\x8f\xbf\xbf"), GLANCE_UTF8_FOUR_BYTE, "U+10FFFF" },
    { test_bytes("\xf4\x90\x80\x80"), GLANCE_UTF8_INVALID, "U+110000" },
    { test_bytes("\xf5\x80\x80\x80"), GLANCE_UTF8_INVALID, "f5" },
    { test_bytes("\xff"), GLANCE_UTF8_INVALID, "ff" },
    { test_bytes("\xfe"), GLANCE_UTF8_INVALID, "fe" },
    { test_bytes("\x80"), GLANCE_UTF8_INVALID, "lone continuation" },
    { test_bytes("a\xbf"), GLANCE_UTF8_INVALID, "continuation at the end" },
    { test_bytes("\xc0\x80"), GLANCE_UTF8_INVALID, "overlong NUL" },
    { test_bytes("\xc1\xbf"), GLANCE_UTF8_INVALID, "overlong U+007F" },
    { test_bytes("\xe0\x9f\xbf"), GLANCE_UTF8_INVALID, "overlong U+07FF" },
    { test_bytes("\xf0\x8f\xbf\xbf"), GLANCE_UTF8_INVALID,
      "overlong U+FFFF" },
    { test_bytes("\xed\xa0\x80"), GLANCE_UTF8_INVALID, "surrogate D800" },
    { test_bytes("\xed\xbf\xbf"), GLANCE_UTF8_INVALID, "surrogate DFFF" },
    { test_bytes("\xc3"), GLANCE_UTF8_INVALID, "cut after 1 of 2" },
    { test_bytes("\xe2\x82"), GLANCE_UTF8_INVALID, "cut after 2 of 3" },
    { test_bytes("\xf0\x9f\x98"), GLANCE_UTF8_INVALID, "cut after 3 of 4" },
    { test_bytes("\xc3("), GLANCE_UTF8_INVALID, "bad second byte" },
    { test_bytes("\xe2\x82("), GLANCE_UTF8_INVALID, "bad third byte" },
    { test_bytes("\xf0\x9f\x98("), GLANCE_UTF8_INVALID, "bad fourth byte" },
    { test_bytes("\xc3\xc3\xa9"), GLANCE_UTF8_INVALID, "start after start" },
    { test_bytes("a\0b"), GLANCE_UTF8_CONTROL, "NUL" },
    { test_bytes("\t"), GLANCE_UTF8_CONTROL, "tab" },
    { test_bytes("a\n"), GLANCE_UTF8_CONTROL, "line feed" },
    { test_bytes("\x1f"), GLANCE_UTF8_CONTROL, "1f" },
    { test_bytes("\x7f"), GLANCE_UTF8_CONTROL, "7f" },
    { test_bytes("\n\xff"), GLANCE_UTF8_CONTROL, "control before invalid" },
    { test_bytes("\xff\n"), GLANCE_UTF8_INVALID, "invalid before control" },
    { test_bytes("\xf0\x9f\x98\x80\n"), GLANCE_UTF8_FOUR_BYTE,
      "four bytes before control" },
    { test_bytes("\xe3\x82\xab\xe3\x83\x8a"), GLANCE_UTF8_OK, "kana" }
};


static const test_percent_t  test_percents[] = {
    { "",              "" },
    { "plain",         "plain" },
    { "a%20b",         "a b" },
    { "%2f%2F",        "//" },
    { "%41%5a",        "AZ" },
    { "+",             "+" },
    { "%25",           "%" },
    { "%2525",         "%25" },
    { "%e3%82%ab",     "\xe3\x82\xab" },
    { "%ff",           "\xff" },
    { "%01",           "\x01" },
    { "%10",           "\x10" },
    { "%",             NULL },
    { "a%",            NULL },
    { "%4",            NULL },
    { "%4g",           NULL },
    { "%g4",           NULL },
    { "%%41",          NULL },
    { "% 1",           NULL },
    { "%-1",           NULL },
    { "%00",           NULL },
    { "a%00b",         NULL }
};


static void
test_compare(void)
{
    glance_str_t  null = glance_null_string;

    ok(glance_str_eq(glance_str("a"), glance_str("a")), "equal");
    ok(!glance_str_eq(glance_str("a"), glance_str("A")), "case differs");
    ok(!glance_str_eq(glance_str("a"), glance_str("ab")), "length differs");
    ok(glance_str_eq(null, glance_str("")), "both empty, one without memory");
    ok(glance_str_eq(null, null), "both without memory");
    ok(!glance_str_eq(null, glance_str("a")), "empty and not");

    ok(glance_str_case_eq(glance_str("aZ-_9"), glance_str("Az-_9")),
       "equal but for the case");
    ok(!glance_str_case_eq(glance_str("a"), glance_str("ab")),
       "case: length differs");
    ok(!glance_str_case_eq(glance_str("@"), glance_str("`")),
       "only letters have a case: @");
    ok(!glance_str_case_eq(glance_str("["), glance_str("{")),
       "only letters have a case: [");
    ok(!glance_str_case_eq(glance_str("\xc9"), glance_str("\xe9")),
       "only ASCII letters have a case");
    ok(glance_str_case_eq(null, glance_str("")), "case: both empty");

    ok(glance_str_case_starts(glance_str("X-Image"), glance_str("x-")),
       "starts");
    ok(glance_str_case_starts(glance_str("x-"), glance_str("X-")),
       "starts and ends");
    ok(!glance_str_case_starts(glance_str("x"), glance_str("x-")),
       "shorter than the prefix");
    ok(glance_str_case_starts(glance_str("x"), null), "the empty prefix");
    ok(glance_str_case_starts(null, null), "empty and the empty prefix");
}


static void
test_trim(void)
{
    glance_str_t  null = glance_null_string;

    is(glance_str_trim(glance_str(" \t a b\t ")), "a b", "trim");
    is(glance_str_trim(glance_str("a")), "a", "nothing to trim");
    is(glance_str_trim(glance_str(" \t ")), "", "only blanks");
    is(glance_str_trim(null), "", "trim of nothing");
    is(glance_str_trim(glance_str("\n a\r")), "\n a\r",
       "line ends are no blanks");
}


static void
test_number(void)
{
    bool      valid;
    size_t    i;
    uint64_t  value;

    for (i = 0; i < tap_n(test_numbers); i++) {
        value = 12345;
        valid = glance_str_u64(glance_str(test_numbers[i].text),
                               test_numbers[i].max, &value);

        ok(valid == test_numbers[i].valid
           && value == (valid ? test_numbers[i].value : 12345),
           "number \"%s\", at most %llu", test_numbers[i].text,
           (unsigned long long) test_numbers[i].max);
    }
}


static void
test_hex(void)
{
    glance_str_t         s;
    unsigned char        hex[9] = "........!";
    const unsigned char  bytes[] = { 0x00, 0x0f, 0xa0, 0xff };

    glance_hex(bytes, sizeof(bytes), hex);

    s.len = 9;
    s.data = hex;

    is(s, "000fa0ff!", "hexadecimal, and nothing behind it");
}


static void
test_percent(void)
{
    bool            valid;
    size_t          i, len;
    glance_str_t    got, s;
    unsigned char  *dst;

    for (i = 0; i < tap_n(test_percents); i++) {
        s = glance_str(test_percents[i].text);

        /* room for no more than is promised */

        dst = malloc(s.len + 1);

        if (dst == NULL) {
            ok(false, "no memory");
            return;
        }

        len = 0;
        dst[s.len] = '!';
        valid = glance_percent_decode(s, dst, &len);

        got.len = len;
        got.data = dst;

        ok(valid == (test_percents[i].decoded != NULL)
           && (!valid
               || glance_str_eq(got, glance_str(test_percents[i].decoded)))
           && dst[s.len] == '!',
           "percent \"%s\"", test_percents[i].text);

        free(dst);
    }
}


static void
test_utf8(void)
{
    size_t         i;
    glance_str_t   s;
    unsigned char  text[40];

    for (i = 0; i < tap_n(test_utf8s); i++) {
        s.len = test_utf8s[i].len;
        s.data = (const unsigned char *) test_utf8s[i].text;

        ok(glance_utf8_check(s) == test_utf8s[i].rc, "UTF-8: %s",
           test_utf8s[i].what);

        /* the same behind other text */

        memcpy(text, "b\xc3\xb6se ", 6);
        memcpy(text + 6, s.data, s.len);
        s.len += 6;
        s.data = text;

        ok(glance_utf8_check(s) == test_utf8s[i].rc, "UTF-8 behind text: %s",
           test_utf8s[i].what);
    }

    s.len = 0;
    s.data = NULL;

    ok(glance_utf8_check(s) == GLANCE_UTF8_OK, "UTF-8: nothing");
    ok(glance_utf8_length(s) == 0, "characters of nothing");
    ok(glance_utf8_length(glance_str("abc")) == 3, "characters of ASCII");
    ok(glance_utf8_length(glance_str("b\xc3\xb6se")) == 4,
       "two bytes are one character");
    ok(glance_utf8_length(glance_str("\xe3\x82\xab\xf0\x9f\x98\x80")) == 2,
       "three and four bytes are one character each");
}


static void
test_true(void)
{
    size_t              i;
    static const char  *yes[] = {
        "true", "True", "TRUE", "t", "T", "1", "on", "On", "yes", "YES", "y"
    };
    static const char  *no[] = {
        "", "false", "0", "off", "no", "n", "f", "2", "10", "01", " true",
        "true ", "truely", "tru", "None", "+1"
    };

    for (i = 0; i < tap_n(yes); i++) {
        ok(glance_str_true(glance_str(yes[i])), "true: \"%s\"", yes[i]);
    }

    for (i = 0; i < tap_n(no); i++) {
        ok(!glance_str_true(glance_str(no[i])), "false: \"%s\"", no[i]);
    }
}


static void
test_utf8_cut(void)
{
    size_t        i, n;
    glance_str_t  s;

    /* whole characters end behind these bytes */

    static const char    text[] = "a\xc3\xb6" "b\xe3\x82\xab\xf0\x9f\x98\x80";
    static const size_t  whole[] = { 0, 1, 3, 4, 7, 11 };

    n = 0;

    for (i = 0; i < sizeof(text); i++) {

        if (n + 1 < tap_n(whole) && whole[n + 1] <= i) {
            n++;
        }

        s.len = i;
        s.data = (const unsigned char *) text;

        ok(glance_utf8_cut(s).len == whole[n], "the first %u bytes are %u",
           (unsigned) i, (unsigned) whole[n]);
    }

    ok(glance_utf8_check_text(glance_str("a\n\t\x7f")) == GLANCE_UTF8_OK,
       "a text has control characters");
    ok(glance_utf8_check_text(glance_str("\n\xf0\x9f\x98\x80"))
       == GLANCE_UTF8_FOUR_BYTE, "but none of four bytes behind them");
    ok(glance_utf8_check_text(glance_str("\n\xff")) == GLANCE_UTF8_INVALID,
       "nor anything else");
}


int
main(void)
{
    test_compare();
    test_trim();
    test_number();
    test_hex();
    test_percent();
    test_utf8();
    test_utf8_cut();
    test_true();

    return tap_done();
}
