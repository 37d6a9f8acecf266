
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>

#include "glance_uri.h"

#include "tap.h"


typedef struct {
    const char       *text;
    glance_scheme_e   scheme;
    const char       *name;
    const char       *user;
    const char       *password;     /* NULL: none */
    const char       *host;
    const char       *path;
} test_uri_t;


typedef struct {
    const char  *text;
    const char  *expected;          /* of a file: NULL if refused */
} test_text_t;


static const test_uri_t  test_uris[] = {
    { "file:///var/lib/glance/images/1", GLANCE_SCHEME_FILE,
      "file", "", NULL, "", "/var/lib/glance/images/1" },
    { "filesystem:///a", GLANCE_SCHEME_FILE,
      "filesystem", "", NULL, "", "/a" },
    { "file://localhost/a", GLANCE_SCHEME_FILE,
      "file", "", NULL, "localhost", "/a" },
    { "FILE:///a", GLANCE_SCHEME_FILE, "FILE", "", NULL, "", "/a" },
    { "http://example.com", GLANCE_SCHEME_HTTP,
      "http", "", NULL, "example.com", "" },
    { "https://example.com:8443/a?b=c#d", GLANCE_SCHEME_HTTP,
      "https", "", NULL, "example.com:8443", "/a?b=c#d" },
    { "http://example.com?x=/@", GLANCE_SCHEME_HTTP,
      "http", "", NULL, "example.com", "?x=/@" },
    { "http://example.com#@", GLANCE_SCHEME_HTTP,
      "http", "", NULL, "example.com", "#@" },
    { "http://u:p@example.com/a@b", GLANCE_SCHEME_HTTP,
      "http", "u", "p", "example.com", "/a@b" },
    { "http://u@example.com/", GLANCE_SCHEME_HTTP,
      "http", "u", NULL, "example.com", "/" },
    { "http://u:@example.com/", GLANCE_SCHEME_HTTP,
      "http", "u", "", "example.com", "/" },
    { "http://:p@example.com/", GLANCE_SCHEME_HTTP,
      "http", "", "p", "example.com", "/" },
    { "http://u:p:q@example.com/", GLANCE_SCHEME_HTTP,
      "http", "u", "p:q", "example.com", "/" },
    { "http://u:p@q@example.com/", GLANCE_SCHEME_HTTP,
      "http", "u", "p@q", "example.com", "/" },
    { "http://[::1]:9292/a", GLANCE_SCHEME_HTTP,
      "http", "", NULL, "[::1]:9292", "/a" },
    { "http://u:p@[::1]/a", GLANCE_SCHEME_HTTP,
      "http", "u", "p", "[::1]", "/a" },
    { "http://example.com/a:b@c", GLANCE_SCHEME_HTTP,
      "http", "", NULL, "example.com", "/a:b@c" },
    { "swift://acct%3Auser:key@auth.example.com/v1.0/c/o",
      GLANCE_SCHEME_SWIFT, "swift", "acct%3Auser", "key",
      "auth.example.com", "/v1.0/c/o" },
    { "swift+http://auth/c/o", GLANCE_SCHEME_SWIFT,
      "swift+http", "", NULL, "auth", "/c/o" },
    { "swift+https://auth/c/o", GLANCE_SCHEME_SWIFT,
      "swift+https", "", NULL, "auth", "/c/o" },
    { "swift+config://ref1/c/o", GLANCE_SCHEME_SWIFT,
      "swift+config", "", NULL, "ref1", "/c/o" },
    { "s3://key:secret@s3.example.com/bucket/o", GLANCE_SCHEME_S3,
      "s3", "key", "secret", "s3.example.com", "/bucket/o" },
    { "s3+https://key:se/cr/et@s3.example.com/bucket/o", GLANCE_SCHEME_S3,
      "s3+https", "key", "se/cr/et", "s3.example.com", "/bucket/o" },
    { "s3://key:/secret@host/b?q", GLANCE_SCHEME_S3,
      "s3", "key", "/secret", "host", "/b?q" },
    { "s3+http://host:9000/bucket/a@b", GLANCE_SCHEME_S3,
      "s3+http", "", NULL, "host:9000", "/bucket/a@b" },
    { "s3://[::1]:9000/bucket/a@b", GLANCE_SCHEME_S3,
      "s3", "", NULL, "[::1]:9000", "/bucket/a@b" },
    { "s3://key:9x/y@host", GLANCE_SCHEME_S3,
      "s3", "key", "9x/y", "host", "" },
    { "rbd://fsid/pool/image/snap", GLANCE_SCHEME_UNKNOWN,
      "rbd", "", NULL, "fsid", "/pool/image/snap" },
    { "x://", GLANCE_SCHEME_UNKNOWN, "x", "", NULL, "", "" },
    { "a+b-c.1://h/", GLANCE_SCHEME_UNKNOWN,
      "a+b-c.1", "", NULL, "h", "/" },
    { "files:///a", GLANCE_SCHEME_UNKNOWN, "files", "", NULL, "", "/a" },
    { "fil:///a", GLANCE_SCHEME_UNKNOWN, "fil", "", NULL, "", "/a" }
};


static const char  *test_invalid[] = {
    "", ":", "://", "://host/", "/etc/passwd", "file", "file:", "file:/",
    "file:/etc/passwd", "http:host", "1http://host/", "+http://host/",
    "ht_tp://host/", "ht tp://host/", " http://host/", "http://host/ ",
    "http://host/a b", "http://ho\tst/", "http://host/\n", "http://host/\x7f",
    "http://host/\xc3\xb6", "http://host/<a>", "http://host/\"",
    "http://host/a\\b", "http://host/^", "http://host/`", "http://host/{a}",
    "http://host/a|b", "http/x://host/", "http?://host/", "@http://host/"
};


static const test_text_t  test_redacted[] = {
    { "", "***" },
    { "no URI at all", "***" },
    { "user:password@host", "***" },
    { "http://u:p ss@host/", "***" },
    { "file:///var/lib/glance/images/1", "file:///var/lib/glance/images/1" },
    { "http://example.com", "http://example.com" },
    { "http://example.com:80/a", "http://example.com:80/a" },
    { "http://[::1]:80/a", "http://[::1]:80/a" },
    { "http://example.com/a?token=secret", "http://example.com/a?***" },
    { "http://example.com/a#secret", "http://example.com/a#***" },
    { "http://example.com?secret", "http://example.com?***" },
    { "http://example.com/a?", "http://example.com/a?***" },
    { "http://example.com/a@b", "http://example.com/a@b" },
    { "http://example.com/a?b@c", "http://example.com/a?***" },
    { "http://user@example.com/a", "http://***@example.com/a" },
    { "http://u:p@example.com/a", "http://***@example.com/a" },
    { "http://u:p@example.com/a?m=b@c", "http://***@example.com/a?***" },
    { "http://:p@example.com/a", "http://***@example.com/a" },
    { "http://@example.com/a", "http://***@example.com/a" },
    { "http://u:p@q@example.com/a", "http://***@example.com/a" },
    { "swift://a%3Au:key@auth/v1/c/o", "swift://***@auth/v1/c/o" },
    { "swift://u:k/ey@auth/v1/c/o", "swift://***@auth/v1/c/o" },
    { "swift://u:k?ey@auth/v1/c/o", "swift://***@auth/v1/c/o" },
    { "swift://u:k#ey@auth/v1/c/o?x", "swift://***@auth/v1/c/o?***" },
    { "swift://u:k@e/y@auth/v1/c/o", "swift://***@auth/v1/c/o" },
    { "swift://[u:k/ey@auth/v1/c/o", "swift://***@auth/v1/c/o" },
    { "swift://u:/key@auth/v1/c/o", "swift://***@auth/v1/c/o" },
    { "s3://key:se/cr/et@host/b/o", "s3://***@host/b/o" },
    { "s3://host:99999/b@o", "s3://***@o" },
    { "rbd://a/b/c", "rbd://a/b/c" }
};


static const test_text_t  test_files[] = {
    { "file:///a", "/a" },
    { "file:///a/b.c/..d/...", "/a/b.c/..d/..." },
    { "filesystem:///a", "/a" },
    { "FILE://LocalHost/a", "/a" },
    { "file:///a%20b%25", "/a b%" },
    { "file:///a%2fb", "/a/b" },
    { "file:///%c3%b6", "/\xc3\xb6" },
    { "file:///", "/" },
    { "file:////a//b/", "//a//b/" },
    { "file:///a@b:c", "/a@b:c" },
    { "file://", NULL },
    { "file:///..", NULL },
    { "file:///.", NULL },
    { "file:///a/..", NULL },
    { "file:///a/../b", NULL },
    { "file:///a/./b", NULL },
    { "file:///a/%2e%2e/b", NULL },
    { "file:///a/.%2E/b", NULL },
    { "file:///a%2f..%2fb", NULL },
    { "file:///a%2f%2e%2e", NULL },
    { "file:///a/../", NULL },
    { "file:///a/%00", NULL },
    { "file:///a%", NULL },
    { "file:///a%zz", NULL },
    { "file:///a?b", NULL },
    { "file:///a#b", NULL },
    { "file:///a%3fb%23", "/a?b#" },
    { "file://localhost", NULL },
    { "file://localhost:80/a", NULL },
    { "file://host/a", NULL },
    { "file://../a", NULL },
    { "file://u@/a", NULL },
    { "file://u:p@localhost/a", NULL },
    { "file://@/a", NULL },
    { "file://:@/a", NULL },
    { "file:/a", NULL },
    { "/a", NULL },
    { "http:///a", NULL },
    { "files:///a", NULL },
    { "", NULL }
};


static void
test_parse(void)
{
    bool               parsed;
    size_t             i;
    glance_str_t       null = glance_null_string;
    glance_uri_t       uri;
    const test_uri_t  *t;

    for (i = 0; i < tap_n(test_uris); i++) {
        t = &test_uris[i];
        parsed = glance_uri_parse(glance_str(t->text), &uri);

        if (!ok(parsed && uri.scheme == t->scheme, "parsed: \"%s\"", t->text))
        {
            continue;
        }

        is(uri.name, t->name, "scheme");
        is(uri.user, t->user, "user");
        ok(uri.has_password == (t->password != NULL), "password or none");
        is(uri.password, (t->password != NULL) ? t->password : "",
           "password");
        is(uri.host, t->host, "host");
        is(uri.path, t->path, "path");
    }

    for (i = 0; i < tap_n(test_invalid); i++) {
        ok(!glance_uri_parse(glance_str(test_invalid[i]), &uri),
           "refused: \"%s\"", test_invalid[i]);
    }

    ok(!glance_uri_parse(null, &uri), "refused: nothing");

    is(glance_str(glance_scheme_store(GLANCE_SCHEME_FILE)), "file", "file");
    is(glance_str(glance_scheme_store(GLANCE_SCHEME_HTTP)), "http", "http");
    is(glance_str(glance_scheme_store(GLANCE_SCHEME_SWIFT)), "swift", "swift");
    is(glance_str(glance_scheme_store(GLANCE_SCHEME_S3)), "s3", "s3");
    ok(glance_scheme_store(GLANCE_SCHEME_UNKNOWN) == NULL, "unknown");
    ok(glance_scheme_store((glance_scheme_e) 99) == NULL, "out of range");
}


static void
test_redact(void)
{
    char          mem[128];
    size_t        i;
    glance_buf_t  b;

    for (i = 0; i < tap_n(test_redacted); i++) {
        glance_buf_init(&b, mem, sizeof(mem));
        glance_uri_redact(&b, glance_str(test_redacted[i].text));

        is(glance_buf_str(&b), test_redacted[i].expected,
           test_redacted[i].text);
    }

    glance_buf_init(&b, mem, 10);
    glance_uri_redact(&b, glance_str("http://u:secret@example.com/a"));

    ok(b.overflow && glance_buf_str(&b).len <= 10, "redacted into little room");
}


static void
test_file(void)
{
    bool            valid;
    size_t          i, len;
    glance_str_t    path, text;
    unsigned char  *dst;

    for (i = 0; i < tap_n(test_files); i++) {
        text = glance_str(test_files[i].text);
        dst = malloc(text.len + 1);

        if (dst == NULL) {
            ok(false, "no memory");
            return;
        }

        len = 999;
        dst[text.len] = '!';
        valid = glance_uri_file_path(text, dst, &len);

        path.len = len;
        path.data = dst;

        if (test_files[i].expected == NULL) {
            ok(!valid && len == 999, "no path: \"%s\"", test_files[i].text);

        } else {
            ok(valid && glance_str_eq(path,
                                      glance_str(test_files[i].expected)),
               "path of \"%s\"", test_files[i].text);
        }

        ok(dst[text.len] == '!', "nothing behind it");

        free(dst);
    }
}


int
main(void)
{
    test_parse();
    test_redact();
    test_file();

    return tap_done();
}
