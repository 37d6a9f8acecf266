
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_forwarded.h"

#include "tap.h"


static void test_forwarded_parse(void);
static void test_forwarded_add(void);
static void test_forwarded_port(void);
static bool is_str(glance_str_t s, const char *text);


int
main(void)
{
    test_forwarded_parse();
    test_forwarded_add();
    test_forwarded_port();

    return tap_done();
}


static void
test_forwarded_parse(void)
{
    glance_forwarded_t  f;

    static const struct {
        const char  *text, *proto, *host, *prefix;
    }  cases[] = {
        { "", "", "", "" },
        { "proto=https", "https", "", "" },
        { "for=192.0.2.43;proto=https;host=i.test", "https", "i.test", "" },
        { " For = \"[2001:db8::1]:47011\" ; Proto = HTTP ;Host=\"i.test:81\"",
          "HTTP", "i.test:81", "" },
        { "host=\"[2001:db8::1]:443\";prefix=/image/", "",
          "[2001:db8::1]:443", "/image" },
        { "host=a;proto=http, host=b;proto=https", "http", "a", "" },
        { "for=\"a,b;c\";host=d", "", "d", "" },
        { "for=\"a\\\";host=evil\";host=d", "", "d", "" },
        { ";;host=a;;", "", "a", "" },
        { "host=\"a", "", "", "" },
        { "host=\"a\\", "", "", "" },
        { "host=a/b", "", "", "" },
        { "host=a@b", "", "", "" },
        { "host=\"a b\"", "", "", "" },
        { "proto=ftp;host=\"\"", "", "", "" },
        { "host", "", "", "" },
        { "=a;host=b", "", "b", "" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&f, 0, sizeof(f));
        glance_forwarded_parse(glance_str(cases[i].text), &f);

        ok(is_str(f.proto, cases[i].proto), "proto of '%s'", cases[i].text);
        ok(is_str(f.host, cases[i].host), "host of '%s'", cases[i].text);
        ok(is_str(f.prefix, cases[i].prefix), "prefix of '%s'",
           cases[i].text);
    }
}


static void
test_forwarded_add(void)
{
    char                long_name[300];
    glance_forwarded_t  f;

    memset(&f, 0, sizeof(f));

    glance_forwarded_add(&f, glance_str("Proto"), glance_str("https , http"));
    glance_forwarded_add(&f, glance_str("Host"), glance_str(" i.test, x"));
    glance_forwarded_add(&f, glance_str("Port"), glance_str("8443"));
    glance_forwarded_add(&f, glance_str("Prefix"), glance_str("/a/b//"));

    ok(is_str(f.proto, "https"), "the first proto");
    ok(is_str(f.host, "i.test"), "the first host");
    ok(is_str(f.port, "8443"), "a port");
    ok(is_str(f.prefix, "/a/b"), "a prefix");

    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';

    glance_forwarded_add(&f, glance_str("proto"), glance_str("gopher"));
    glance_forwarded_add(&f, glance_str("host"), glance_str(long_name));
    glance_forwarded_add(&f, glance_str("host"), glance_str("a\r\nb"));
    glance_forwarded_add(&f, glance_str("port"), glance_str("65536"));
    glance_forwarded_add(&f, glance_str("port"), glance_str("0"));
    glance_forwarded_add(&f, glance_str("prefix"), glance_str("a"));
    glance_forwarded_add(&f, glance_str("prefix"), glance_str("//evil"));
    glance_forwarded_add(&f, glance_str("prefix"), glance_str("/a?b"));
    glance_forwarded_add(&f, glance_str("for"), glance_str("b"));

    ok(is_str(f.proto, "https") && is_str(f.host, "i.test")
       && is_str(f.port, "8443") && is_str(f.prefix, "/a/b"),
       "what makes no URI is ignored");

    glance_forwarded_add(&f, glance_str("prefix"), glance_str("/"));
    ok(is_str(f.prefix, ""), "the prefix of all");
}


static void
test_forwarded_port(void)
{
    ok(glance_forwarded_has_port(glance_str("a:1")), "a host with a port");
    ok(!glance_forwarded_has_port(glance_str("a")), "one without");
    ok(!glance_forwarded_has_port(glance_str("[::1]")), "an address");
    ok(glance_forwarded_has_port(glance_str("[::1]:1")), "one with a port");
    ok(!glance_forwarded_has_port(glance_str("")), "none");

    ok(glance_forwarded_default_port(glance_str("HTTPS"), glance_str("443"))
       && glance_forwarded_default_port(glance_str("http"), glance_str("80"))
       && !glance_forwarded_default_port(glance_str("http"),
                                         glance_str("443")),
       "ports that go without saying");
}


static bool
is_str(glance_str_t s, const char *text)
{
    return glance_str_eq(s, glance_str(text));
}
