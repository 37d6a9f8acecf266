
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_sources.h"

#include "tap.h"


typedef struct {
    const char  *text;
    size_t       op;
    size_t       item;
    int64_t      size;          /* 0: none */
} test_sources_t;


static const test_sources_t  test_sources[] = {
    { "0.0:5", 0, 0, 5 },
    { "0.0:5 2.3:9223372036854775807", 2, 3, INT64_MAX },
    { "0.0:5 2.3:7", 2, 4, 0 },
    { "0.0:5 2.3:7", 1, 3, 0 },
    { "0.0:0", 0, 0, 0 },
    { "0.0:9223372036854775808", 0, 0, 0 },
    { "0.0:-5", 0, 0, 0 },
    { "0.0: 5", 0, 0, 0 },
    { "x 0.0 0:5 .0:5 0.:5 0.0: 1.1:6", 1, 1, 6 },
    { " 1.1:6", 1, 1, 6 },
    { "99999999999.1:6", 1, 1, 0 },
    { "", 0, 0, 0 },
    { "refused", 7, 7, 1 }
};


static void
test_read(void)
{
    int64_t                 size;
    registry_rc_e           rc;
    registry_err_t          err;
    registry_v2_sources_t   sources;
    const test_sources_t   *t;

    for (size_t i = 0; i < tap_n(test_sources); i++) {
        t = &test_sources[i];

        memset(&sources, 0, sizeof(sources));
        registry_v2_sources_read(&sources, glance_str(t->text));

        rc = registry_v2_sources_size(&sources, t->op, t->item,
                                      glance_str("http://h/"), &size, &err);

        ok((t->size == 0) ? rc == REGISTRY_INVALID
                          : rc == REGISTRY_OK && size == t->size,
           "\"%s\" at %zu.%zu: %d", t->text, t->op, t->item, rc);
    }
}


static void
test_ask(void)
{
    int64_t                size;
    registry_rc_e          rc;
    registry_err_t         err;
    registry_out_t         out;
    registry_v2_sources_t  sources;

    memset(&sources, 0, sizeof(sources));
    sources.ask = true;

    rc = registry_v2_sources_size(&sources, 1, 0, glance_str("http://h/\"x"),
                                  &size, &err);
    ok(rc == REGISTRY_OK && size == 1, "nobody has looked yet");

    rc = registry_v2_sources_size(&sources, 4, 2, glance_str("s3://h/b/k"),
                                  &size, &err);
    ok(rc == REGISTRY_OK, "another one");

    registry_out_init(&out, 1024);
    registry_v2_sources_json(&sources, &out);
    registry_out_put(&out, glance_str(""));

    ok(out.len > 0 && glance_str_eq(
           (glance_str_t) { out.len, (const unsigned char *) out.data },
           glance_str("{\"sources\": [{\"at\": \"1.0\", \"url\": "
                      "\"http://h/\\\"x\"}, {\"at\": \"4.2\", \"url\": "
                      "\"s3://h/b/k\"}]}")),
       "as JSON");

    registry_out_free(&out);

    for (size_t i = 2; i < REGISTRY_V2_SOURCES; i++) {
        (void) registry_v2_sources_size(&sources, i, 0, glance_str("x"),
                                        &size, &err);
    }

    rc = registry_v2_sources_size(&sources, 99, 0, glance_str("x"), &size,
                                  &err);
    ok(rc == REGISTRY_LIMIT, "one more than there may be");
}


int
main(void)
{
    test_read();
    test_ask();

    return tap_done();
}
