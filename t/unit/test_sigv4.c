
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_sigv4.h"

#include "tap.h"


#define SECRET  "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define S3KEY   "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define EMPTY   GLANCE_SIGV4_EMPTY


/* name and value by turns, NULL at the end */

typedef struct {
    const char  *what;
    const char  *service;
    const char  *access;
    const char  *secret;
    const char  *date;
    const char  *method;
    const char  *path;
    const char  *query;
    const char  *payload;
    const char  *headers[16];
    const char  *names;
    const char  *signature;
} test_sigv4_t;


/* of AWS's test suite of the signature, and of the manual of S3 */

static const test_sigv4_t  tests[] = {
    { "get-vanilla", "service", "AKIDEXAMPLE", SECRET,
      "20150830T123600Z", "GET", "/", "", EMPTY,
      { "x-amz-date", "20150830T123600Z", "host", "example.amazonaws.com",
        NULL },
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },

    { "get-vanilla-query-order-key-case", "service", "AKIDEXAMPLE", SECRET,
      "20150830T123600Z", "GET", "/", "Param2=value2&Param1=value1", EMPTY,
      { "host", "example.amazonaws.com", "x-amz-date", "20150830T123600Z",
        NULL },
      "host;x-amz-date",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },

    { "post-vanilla", "service", "AKIDEXAMPLE", SECRET,
      "20150830T123600Z", "POST", "/", "", EMPTY,
      { "host", "example.amazonaws.com", "x-amz-date", "20150830T123600Z",
        NULL },
      "host;x-amz-date",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },

    { "get-header-value-trim", "service", "AKIDEXAMPLE", SECRET,
      "20150830T123600Z", "GET", "/", "", EMPTY,
      { "host", "example.amazonaws.com", "my-header1", " value1",
        "my-header2", " \"a   b   c\"", "x-amz-date", "20150830T123600Z",
        NULL },
      "host;my-header1;my-header2;x-amz-date",
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },

    { "an object's range", "s3", "AKIAIOSFODNN7EXAMPLE", S3KEY,
      "20130524T000000Z", "GET", "/test.txt", "", EMPTY,
      { "host", "examplebucket.s3.amazonaws.com", "range", "bytes=0-9",
        "x-amz-content-sha256", EMPTY, "x-amz-date", "20130524T000000Z",
        NULL },
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },

    { "an object", "s3", "AKIAIOSFODNN7EXAMPLE", S3KEY,
      "20130524T000000Z", "PUT", "/test%24file.text", "",
      "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
      { "date", "Fri, 24 May 2013 00:00:00 GMT",
        "host", "examplebucket.s3.amazonaws.com",
        "x-amz-date", "20130524T000000Z",
        "x-amz-storage-class", "REDUCED_REDUNDANCY",
        "x-amz-content-sha256",
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        NULL },
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },

    { "a parameter without value", "s3", "AKIAIOSFODNN7EXAMPLE", S3KEY,
      "20130524T000000Z", "GET", "/", "lifecycle", EMPTY,
      { "host", "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256", EMPTY, "x-amz-date", "20130524T000000Z",
        NULL },
      "host;x-amz-content-sha256;x-amz-date",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },

    { "a listing", "s3", "AKIAIOSFODNN7EXAMPLE", S3KEY,
      "20130524T000000Z", "GET", "/", "prefix=J&max-keys=2", EMPTY,
      { "host", "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256", EMPTY, "x-amz-date", "20130524T000000Z",
        NULL },
      "host;x-amz-content-sha256;x-amz-date",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" }
};


static void
test_make(const test_sigv4_t *t, glance_sigv4_t *s)
{
    size_t  i;

    memset(s, 0, sizeof(glance_sigv4_t));

    s->access_key = glance_str(t->access);
    s->secret_key = glance_str(t->secret);
    s->region = glance_str("us-east-1");
    s->service = glance_str(t->service);
    s->method = glance_str(t->method);
    s->path = glance_str(t->path);
    s->query = glance_str(t->query);
    s->payload = glance_str(t->payload);
    s->date = glance_str(t->date);

    for (i = 0; t->headers[i] != NULL; i += 2) {
        s->headers[s->nheaders].name = glance_str(t->headers[i]);
        s->headers[s->nheaders].value = glance_str(t->headers[i + 1]);
        s->nheaders++;
    }
}


static void
test_limits(void)
{
    size_t          i;
    char            long_key[300], query[64];
    unsigned char   mem[1024];
    glance_buf_t    b;
    glance_sigv4_t  s;

    test_make(&tests[0], &s);
    glance_buf_init(&b, mem, 100);
    ok(!glance_sigv4_sign(&s, &b), "no room");

    memset(query, '\0', sizeof(query));

    for (i = 0; i <= GLANCE_SIGV4_PARAMS; i++) {
        test_make(&tests[0], &s);
        s.query = glance_str(query);
        glance_buf_init(&b, mem, sizeof(mem));

        ok(glance_sigv4_sign(&s, &b), "%u parameters", (unsigned) i);

        memcpy(query + 2 * i, "a&", 2);
    }

    test_make(&tests[0], &s);
    s.query = glance_str(query);
    glance_buf_init(&b, mem, sizeof(mem));
    ok(!glance_sigv4_sign(&s, &b), "too many parameters");

    memset(long_key, 'k', sizeof(long_key));
    test_make(&tests[0], &s);
    s.secret_key.data = (const unsigned char *) long_key;
    s.secret_key.len = sizeof(long_key);
    glance_buf_init(&b, mem, sizeof(mem));
    ok(!glance_sigv4_sign(&s, &b), "a key that is too long");

    test_make(&tests[0], &s);
    s.date = glance_str("20150830");
    glance_buf_init(&b, mem, sizeof(mem));
    ok(!glance_sigv4_sign(&s, &b), "not a date");
}


int
main(void)
{
    char            want[512];
    size_t          i;
    unsigned char   date[GLANCE_SIGV4_DATE_LEN], mem[1024];
    glance_buf_t    b;
    glance_str_t    got;
    glance_sigv4_t  s;

    for (i = 0; i < tap_n(tests); i++) {
        test_make(&tests[i], &s);
        glance_buf_init(&b, mem, sizeof(mem));

        ok(glance_sigv4_sign(&s, &b), "%s", tests[i].what);

        (void) snprintf(want, sizeof(want), "AWS4-HMAC-SHA256 Credential=%s/"
                        "%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, "
                        "Signature=%s", tests[i].access, tests[i].date,
                        tests[i].service, tests[i].names,
                        tests[i].signature);

        got = glance_buf_str(&b);

        ok(glance_str_eq(got, glance_str(want)), "%s: %.*s", tests[i].what,
           (int) got.len, (const char *) got.data);
    }

    test_limits();

    glance_buf_init(&b, mem, sizeof(mem));
    glance_sigv4_escape(&b, glance_str("aZ09-._~/+ %\xff"));
    ok(glance_str_eq(glance_buf_str(&b),
                     glance_str("aZ09-._~%2F%2B%20%25%FF")), "escaped");

    glance_sigv4_date(INT64_C(1440938160), date);
    ok(memcmp(date, "20150830T123600Z", sizeof(date)) == 0, "a date");

    return tap_done();
}
