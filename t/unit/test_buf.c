
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_buf.h"

#include "tap.h"


typedef void (*test_writer_pt)(glance_buf_t *b, glance_str_t s);

typedef struct {
    test_writer_pt  writer;
    const char     *text;
    const char     *expected;
} test_escape_t;


static const test_escape_t  test_escapes[] = {
    { glance_buf_json, "", "" },
    { glance_buf_json, "plain / <&>", "plain / <&>" },
    { glance_buf_json, "a\"b\\c", "a\\\"b\\\\c" },
    { glance_buf_json, "\n\r\t\b\x01\x1f\x7f",
      "\\u000a\\u000d\\u0009\\u0008\\u0001\\u001f\\u007f" },
    { glance_buf_json, "b\xc3\xb6se \xe3\x82\xab \xf0\x9f\x98\x80",
      "b\xc3\xb6se \xe3\x82\xab \xf0\x9f\x98\x80" },
    { glance_buf_json, "\xff", "\\ufffd" },
    { glance_buf_json, "a\xc3", "a\\ufffd" },
    { glance_buf_json, "\xc3(", "\\ufffd(" },
    { glance_buf_json, "\xc3\"", "\\ufffd\\\"" },
    { glance_buf_json, "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" },
    { glance_buf_json, "\xc0\xaf", "\\ufffd\\ufffd" },
    { glance_buf_json, "\xf0\x9f\x98", "\\ufffd\\ufffd\\ufffd" },
    { glance_buf_json, "\x80", "\\ufffd" },

    { glance_buf_html, "", "" },
    { glance_buf_html, "plain", "plain" },
    { glance_buf_html, "<a href=\"x\" b='y'>&amp;",
      "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;" },
    { glance_buf_html, "b\xc3\xb6se", "b\xc3\xb6se" },
    { glance_buf_html, "\xc3<", "\xc3&lt;" },
    { glance_buf_html, "\xf0<>&", "\xf0&lt;&gt;&amp;" },

    { glance_buf_percent, "", "" },
    { glance_buf_percent, "azAZ09-._~", "azAZ09-._~" },
    { glance_buf_percent, "a/b?c#d%e+f g",
      "a%2fb%3fc%23d%25e%2bf%20g" },
    { glance_buf_percent, "\x01\x7f\xc3\xb6\xff", "%01%7f%c3%b6%ff" },
    { glance_buf_percent, ":@!$&'()*,;=[]",
      "%3a%40%21%24%26%27%28%29%2a%2c%3b%3d%5b%5d" }
};


static void
test_plain(void)
{
    char          mem[8];
    glance_buf_t  b;
    glance_str_t  null = glance_null_string;

    glance_buf_init(&b, mem, sizeof(mem));

    ok(glance_buf_str(&b).len == 0 && !b.overflow, "empty at first");

    glance_buf_put(&b, null);
    glance_buf_text(&b, "");

    ok(glance_buf_str(&b).len == 0 && !b.overflow, "nothing adds nothing");

    glance_buf_char(&b, 'a');
    glance_buf_text(&b, "bcd");
    glance_buf_put(&b, glance_str("efgh"));

    is(glance_buf_str(&b), "abcdefgh", "filled to the last byte");
    ok(!b.overflow, "full is no overflow");

    glance_buf_put(&b, null);

    ok(!b.overflow, "nothing fits into a full buffer");

    glance_buf_char(&b, 'i');

    is(glance_buf_str(&b), "abcdefgh", "one more is dropped");
    ok(b.overflow, "and is an overflow");
}


static void
test_overflow(void)
{
    char          mem[8];
    glance_buf_t  b;

    glance_buf_init(&b, mem, sizeof(mem));

    glance_buf_text(&b, "abcde");
    glance_buf_text(&b, "1234");

    is(glance_buf_str(&b), "abcde", "what does not fit is dropped whole");
    ok(b.overflow, "overflow");

    glance_buf_text(&b, "xyz");

    is(glance_buf_str(&b), "abcdexyz", "what fits still goes in");
    ok(b.overflow, "overflow is sticky");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_buf_text(&b, "ab");
    glance_buf_html(&b, glance_str("xyz<"));

    is(glance_buf_str(&b), "ab", "escaped text is dropped whole");
    ok(b.overflow, "overflow by escaped text");

    glance_buf_html(&b, glance_str("x<"));

    is(glance_buf_str(&b), "abx&lt;", "shorter escaped text goes in");
    ok(b.overflow, "overflow is sticky over escaped text");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_buf_json(&b, glance_str("abcdefg\""));

    ok(glance_buf_str(&b).len == 0 && b.overflow,
       "an escape is not cut at the end");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_buf_percent(&b, glance_str("abcdef\xc3\xb6"));

    ok(glance_buf_str(&b).len == 0 && b.overflow,
       "a character of several escapes is not cut");

    glance_buf_init(&b, mem, 0);
    glance_buf_u64(&b, 0);

    ok(glance_buf_str(&b).len == 0 && b.overflow, "a buffer without room");

    glance_buf_init(&b, NULL, 0);

    ok(glance_buf_str(&b).len == 0, "a buffer without memory");
}


static void
test_number(void)
{
    size_t        i;
    unsigned char mem[32];
    glance_buf_t  b;

    static const struct {
        uint64_t     value;
        const char  *text;
    } cases[] = {
        { 0, "0" },
        { 9, "9" },
        { 10, "10" },
        { 1099511627776u, "1099511627776" },
        { INT64_MAX, "9223372036854775807" },
        { UINT64_MAX, "18446744073709551615" }
    };

    for (i = 0; i < tap_n(cases); i++) {
        glance_buf_init(&b, mem, sizeof(mem));
        glance_buf_u64(&b, cases[i].value);
        is(glance_buf_str(&b), cases[i].text, cases[i].text);
    }

    glance_buf_init(&b, mem, 19);
    glance_buf_u64(&b, UINT64_MAX);

    ok(glance_buf_str(&b).len == 0 && b.overflow, "a number is not cut");
}


static void
test_escape(void)
{
    char          mem[256];
    size_t        i;
    glance_buf_t  b;
    glance_str_t  s;

    for (i = 0; i < tap_n(test_escapes); i++) {
        glance_buf_init(&b, mem, sizeof(mem));
        test_escapes[i].writer(&b, glance_str(test_escapes[i].text));

        (void) ok(glance_str_eq(glance_buf_str(&b),
                                glance_str(test_escapes[i].expected))
                  && !b.overflow,
                  "escape %u: \"%s\" -> \"%s\"", (unsigned) i,
                  test_escapes[i].text, test_escapes[i].expected);
    }

    s.len = 3;
    s.data = (const unsigned char *) "a\0b";

    glance_buf_init(&b, mem, sizeof(mem));
    glance_buf_json(&b, s);
    is(glance_buf_str(&b), "a\\u0000b", "JSON with NUL");

    glance_buf_init(&b, mem, sizeof(mem));
    glance_buf_percent(&b, s);
    is(glance_buf_str(&b), "a%00b", "percent with NUL");
}


int
main(void)
{
    test_plain();
    test_overflow();
    test_number();
    test_escape();

    return tap_done();
}
