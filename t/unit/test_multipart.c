
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>

#include "glance_multipart.h"

#include "tap.h"


#define TEST_TYPE  "multipart/form-data; boundary=b"
#define TEST_FILE  "Content-Disposition: form-data; name=\"f\"; "              \
                   "filename=\"x\"\r\n"
#define TEST_NAME  "Content-Disposition: form-data; name=\"n\"\r\n"


typedef struct {
    const char  *type;
    const char  *boundary;      /* NULL: refused */
} test_type_t;


typedef struct {
    const char  *what;
    const char  *body;
    size_t       len;
    const char  *content;       /* NULL: not complete */
    size_t       content_len;
} test_body_t;


#define test_bytes(text)   text, sizeof(text) - 1
#define test_bad           NULL, 0


#define TEST_70  "0123456789012345678901234567890123456789"                   \
                 "012345678901234567890123456789"


static const test_type_t  test_types[] = {
    { "multipart/form-data; boundary=b", "b" },
    { "Multipart/Form-Data;BOUNDARY=b", "b" },
    { " multipart/form-data ;\tboundary=b ", "b" },
    { "multipart/form-data; boundary=\"b\"", "b" },
    { "multipart/form-data; boundary=\"b c\"", "b c" },
    { "multipart/form-data; boundary=\"b;c\"", NULL },
    { "multipart/form-data; boundary=\"b\" ; charset=utf-8", "b" },
    { "multipart/form-data; charset=utf-8; boundary=b", "b" },
    { "multipart/form-data; x=\"a;boundary=c\"; boundary=b", "b" },
    { "multipart/form-data; x=\"a\\\";boundary=c\"; boundary=b", "b" },
    { "multipart/form-data; boundary=b;", "b" },
    { "multipart/form-data;; boundary=b;;", "b" },
    { "multipart/form-data; boundary=----WebKitFormBoundaryA0",
      "----WebKitFormBoundaryA0" },
    { "multipart/form-data; boundary='()+_,-./:=?", "'()+_,-./:=?" },
    { "multipart/form-data; boundary=" TEST_70, TEST_70 },
    { "multipart/form-data; boundary=\"" TEST_70 "\"", TEST_70 },
    { "multipart/form-data; boundary=" TEST_70 "0", NULL },
    { "multipart/form-data", NULL },
    { "multipart/form-data;", NULL },
    { "multipart/form-data; boundary", NULL },
    { "multipart/form-data; boundary=", NULL },
    { "multipart/form-data; boundary=\"\"", NULL },
    { "multipart/form-data; boundary=\"b", NULL },
    { "multipart/form-data; boundary=\"b\\\"", NULL },
    { "multipart/form-data; boundary=\"b\"c", NULL },
    { "multipart/form-data; boundary=\"b \"", NULL },
    { "multipart/form-data; boundary=b; boundary=b", NULL },
    { "multipart/form-data; boundary=b; boundary=c", NULL },
    { "multipart/form-data; boundary=b*", NULL },
    { "multipart/form-data; boundary=\"b\r\nc\"", NULL },
    { "multipart/form-data; boundary=\xc3\xb6", NULL },
    { "multipart/form-data; =b; boundary=b", NULL },
    { "multipart/form-data; x; boundary=b", NULL },
    { "multipart/form-data boundary=b", NULL },
    { "multipart/form-datax; boundary=b", NULL },
    { "multipart/mixed; boundary=b", NULL },
    { "application/octet-stream", NULL },
    { "", NULL }
};


static const test_body_t  test_bodies[] = {
    { "plain",
      test_bytes("--b\r\n" TEST_FILE "\r\nhello\r\n--b--\r\n"),
      test_bytes("hello") },
    { "without the last line end",
      test_bytes("--b\r\n" TEST_FILE "\r\nhello\r\n--b--"),
      test_bytes("hello") },
    { "empty content",
      test_bytes("--b\r\n" TEST_FILE "\r\n\r\n--b--"),
      test_bytes("") },
    { "empty content without its own line end",
      test_bytes("--b\r\n" TEST_FILE "\r\n--b--"),
      test_bytes("") },
    { "line ends around the content",
      test_bytes("--b\r\n" TEST_FILE "\r\n\r\n\n\r\r\n\r\n--b--"),
      test_bytes("\r\n\n\r\r\n") },
    { "NUL and other bytes",
      test_bytes("--b\r\n" TEST_FILE "\r\n\0\xff\0\r\n--b--"),
      test_bytes("\0\xff\0") },
    { "almost a boundary",
      test_bytes("--b\r\n" TEST_FILE "\r\n\r\n-\r\n--\r\n--c\n--b\r--b--b"
                 "\r\r\n--a\r\n--b--"),
      test_bytes("\r\n-\r\n--\r\n--c\n--b\r--b--b\r\r\n--a") },
    { "almost a boundary at the start",
      test_bytes("--b\r\n" TEST_FILE "\r\n--\r\n--b--"),
      test_bytes("--") },
    { "the boundary inside a line",
      test_bytes("--b\r\n" TEST_FILE "\r\nx--b--\r\n--b--"),
      test_bytes("x--b--") },
    { "CR before the delimiter",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\r\n--b--"),
      test_bytes("x\r") },
    { "preamble",
      test_bytes("hello\r\n-\r\n--a\r\n--b\r\n" TEST_FILE "\r\nx\r\n--b--"),
      test_bytes("x") },
    { "preamble that looks like a boundary",
      test_bytes("--a\r\n--\r\n\r\n--b\r\n" TEST_FILE "\r\nx\r\n--b--"),
      test_bytes("x") },
    { "preamble of one line end",
      test_bytes("\r\n--b\r\n" TEST_FILE "\r\nx\r\n--b--"),
      test_bytes("x") },
    { "epilogue",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--b--\r\nmore\r\n--b\r\n"
                 TEST_FILE "\r\ny\r\n--b--"),
      test_bytes("x") },
    { "padding",
      test_bytes("--b \t \r\n" TEST_FILE "\r\nx\r\n--b--  \r\n"),
      test_bytes("x") },
    { "field before the file",
      test_bytes("--b\r\n" TEST_NAME "\r\nv\r\n--b\r\n" TEST_FILE
                 "\r\nx\r\n--b--"),
      test_bytes("x") },
    { "field behind the file",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--b\r\n" TEST_NAME
                 "\r\nv\r\n--b--"),
      test_bytes("x") },
    { "fields around the file",
      test_bytes("--b\r\n" TEST_NAME "\r\nv\r\n--b\r\n" TEST_NAME
                 "\r\n\r\n--b\r\n" TEST_FILE "\r\nx\r\n--b\r\n" TEST_NAME
                 "\r\nv\r\n--b--"),
      test_bytes("x") },
    { "the only part has no name",
      test_bytes("--b\r\n" TEST_NAME "\r\nx\r\n--b--"),
      test_bytes("x") },
    { "the only part has no name and no content",
      test_bytes("--b\r\n" TEST_NAME "\r\n\r\n--b--"),
      test_bytes("") },
    { "the only part has no headers",
      test_bytes("--b\r\n\r\nx\r\n--b--"),
      test_bytes("x") },
    { "several headers",
      test_bytes("--b\r\nContent-Type: application/octet-stream\r\n"
                 "CONTENT-DISPOSITION:attachment;FileName=x\r\n"
                 "X-Other: filename=y\r\n\r\nx\r\n--b\r\n"
                 TEST_NAME "\r\n\r\n--b--"),
      test_bytes("x") },
    { "folded header",
      test_bytes("--b\r\nContent-Disposition: form-data;\r\n\tname=f;\r\n"
                 "  filename=x\r\n\r\nx\r\n--b\r\n\r\n\r\n--b--"),
      test_bytes("x") },
    { "extended file name",
      test_bytes("--b\r\nContent-Disposition: form-data; "
                 "filename*=UTF-8''x\r\n\r\nx\r\n--b\r\n\r\n\r\n--b--"),
      test_bytes("x") },
    { "file name inside a quoted value is none",
      test_bytes("--b\r\nContent-Disposition: form-data; "
                 "name=\"a;filename=x\"\r\n\r\nx\r\n--b\r\n\r\n\r\n--b--"),
      test_bad },
    { "two headers with a file name are one file",
      test_bytes("--b\r\n" TEST_FILE TEST_FILE "\r\nx\r\n--b--"),
      test_bytes("x") },

    { "nothing", test_bytes(""), test_bad },
    { "only a preamble", test_bytes("hello\r\n"), test_bad },
    { "only the end", test_bytes("--b--"), test_bad },
    { "cut before the part", test_bytes("--b\r\n"), test_bad },
    { "cut in the headers", test_bytes("--b\r\nContent-Dis"), test_bad },
    { "cut behind the headers",
      test_bytes("--b\r\n" TEST_FILE "\r\n"), test_bad },
    { "cut in the content",
      test_bytes("--b\r\n" TEST_FILE "\r\nx"), test_bad },
    { "cut in the delimiter",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--"), test_bad },
    { "cut behind the delimiter",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--b"), test_bad },
    { "cut in the closing boundary",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--b-"), test_bad },
    { "cut behind the second part",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--b\r\n" TEST_NAME
                 "\r\nv\r\n--b\r\n"), test_bad },
    { "two files",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--b\r\n" TEST_FILE
                 "\r\ny\r\n--b--"), test_bad },
    { "only fields",
      test_bytes("--b\r\n" TEST_NAME "\r\nx\r\n--b\r\n" TEST_NAME
                 "\r\ny\r\n--b--"), test_bad },
    { "a longer boundary",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--bb\r\n--b--"), test_bad },
    { "a dash behind the boundary",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--b-\r\n--b--"), test_bad },
    { "text behind padding",
      test_bytes("--b x\r\n" TEST_FILE "\r\nx\r\n--b--"), test_bad },
    { "end behind padding",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\r\n--b --"), test_bad },
    { "line feed alone behind the boundary",
      test_bytes("--b\n" TEST_FILE "\r\nx\r\n--b--"), test_bad },
    { "line feed alone in the headers",
      test_bytes("--b\r\nA: b\n\r\n\r\nx\r\n--b--"), test_bad },
    { "line feed alone as the blank line",
      test_bytes("--b\r\nA: b\r\n\nx\r\n--b--"), test_bad },
    { "CR alone in the headers",
      test_bytes("--b\r\nA: b\rc\r\n\r\nx\r\n--b--"), test_bad },
    { "CR alone as the blank line",
      test_bytes("--b\r\nA: b\r\n\rx\r\n--b--"), test_bad },
    { "line feeds instead of line ends before the boundary",
      test_bytes("--b\r\n" TEST_FILE "\r\nx\n--b--\n"), test_bad },
    { "open quote in Content-Disposition",
      test_bytes("--b\r\nContent-Disposition: form-data; filename=\"x\r\n"
                 "\r\nx\r\n--b--"), test_bad }
};


/*
 * Reads a body in pieces of the given length, each in its own memory, so that
 * neither the reader nor the slices that it returns can go past the end.
 * Returns the length of the content, or -1.
 */

static long
test_read(const char *body, size_t len, size_t piece, unsigned char *content,
    const char **error)
{
    size_t               n, out;
    glance_str_t         data, in;
    unsigned char       *copy;
    glance_multipart_t   m;
    glance_multipart_e   rc;

    *error = "bad type";

    if (!glance_multipart_init(&m, glance_str(TEST_TYPE))) {
        return -1;
    }

    out = 0;
    rc = GLANCE_MULTIPART_AGAIN;

    while (len > 0) {
        n = (len < piece) ? len : piece;
        copy = malloc(n);

        if (copy == NULL) {
            return -1;
        }

        memcpy(copy, body, n);

        in.len = n;
        in.data = copy;

        do {
            rc = glance_multipart_read(&m, &in, &data);

            if (rc == GLANCE_MULTIPART_DATA) {
                if (data.len == 0) {
                    rc = GLANCE_MULTIPART_ERROR;
                }

                memcpy(content + out, data.data, data.len);
                out += data.len;
            }

        } while (rc == GLANCE_MULTIPART_DATA);

        free(copy);

        if (rc == GLANCE_MULTIPART_ERROR || in.len > 0) {
            break;
        }

        body += n;
        len -= n;
    }

    *error = m.error;

    if (rc == GLANCE_MULTIPART_ERROR || !glance_multipart_complete(&m)) {
        return -1;
    }

    return (long) out;
}


static bool
test_split(const char *body, size_t len, const char *content,
    size_t content_len)
{
    long            n;
    bool            same;
    size_t          piece;
    const char     *error;
    unsigned char  *out;

    out = malloc(len + 1);

    if (out == NULL) {
        return false;
    }

    same = true;

    for (piece = 1; piece <= len + 1 && same; piece++) {

        /* of long bodies only some lengths, all of them near the ends */

        if (piece > 100 && piece < len && piece % 61 != 0) {
            continue;
        }

        n = test_read(body, len, piece, out, &error);

        if (content == NULL) {
            same = (n == -1 && error != NULL && error[0] != '\0');

        } else {
            same = (n == (long) content_len
                    && memcmp(out, content, content_len) == 0);
        }

        if (!same) {
            printf("# pieces of %u: %ld bytes, \"%s\"\n", (unsigned) piece, n,
                   error);
        }
    }

    free(out);

    return same;
}


static void
test_type(void)
{
    bool                valid;
    size_t              i;
    glance_str_t        s;
    glance_multipart_t  m;

    for (i = 0; i < tap_n(test_types); i++) {
        valid = glance_multipart_init(&m, glance_str(test_types[i].type));

        if (!valid || test_types[i].boundary == NULL) {
            ok(!valid && test_types[i].boundary == NULL, "type \"%s\"",
               test_types[i].type);
            continue;
        }

        s.len = m.delimiter_len - 4;
        s.data = m.delimiter + 4;

        ok(m.delimiter_len > 4
           && memcmp(m.delimiter, "\r\n--", 4) == 0
           && glance_str_eq(s, glance_str(test_types[i].boundary)),
           "type \"%s\"", test_types[i].type);
    }
}


/* head, so many letters, tail; returns the length of all */

static size_t
test_build(char *body, const char *head, size_t letters, const char *tail)
{
    size_t  n;

    n = strlen(head);
    memcpy(body, head, n);

    memset(body + n, 'x', letters);
    n += letters;

    memcpy(body + n, tail, strlen(tail));

    return n + strlen(tail);
}


static void
test_length(void)
{
    char    *body, *letters;
    size_t   i, len, n;

    static const char  only[] = "--b\r\n" TEST_NAME "\r\n";
    static const char  file[] = "--b\r\n" TEST_FILE "\r\n";
    static const char  last[] = "\r\n--b\r\n" TEST_FILE "\r\nfile\r\n--b--";

    static const size_t  lengths[] = {
        1, 100, 948, 949, 950, 951, 952, 1022, 1023, 1024, 1025, 1100, 5000
    };

    body = malloc(10000);
    letters = malloc(10000);

    if (body == NULL || letters == NULL) {
        ok(false, "no memory");
        return;
    }

    memset(letters, 'x', 10000);

    for (i = 0; i < tap_n(lengths); i++) {
        n = lengths[i];

        len = test_build(body, file, n, "\r\n--b--");
        ok(test_split(body, len, letters, n), "file of %u bytes",
           (unsigned) n);

        len = test_build(body, only, n, "\r\n--b--");
        ok(test_split(body, len, letters, n), "only part of %u bytes",
           (unsigned) n);

        /* most of a delimiter at the end of what is held back */

        len = test_build(body, only, n, "\r\n--\r\n--b--");
        memcpy(letters + n, "\r\n--", 4);
        ok(test_split(body, len, letters, n + 4),
           "only part of %u bytes and \"--\"", (unsigned) n);
        memset(letters + n, 'x', 4);

        len = test_build(body, only, n, last);
        ok(test_split(body, len, (n <= 950) ? "file" : NULL, 4),
           "field of %u bytes before the file", (unsigned) n);

        len = test_build(body, only, n, "\r\n--b\r\n\r\n\r\n--b--");
        ok(test_split(body, len, NULL, 0),
           "field of %u bytes and no file", (unsigned) n);

        len = test_build(body, only, n, "\r\n--b");
        ok(test_split(body, len, NULL, 0), "only part of %u bytes, cut",
           (unsigned) n);
    }

    free(body);
    free(letters);
}


static void
test_headers(void)
{
    char    *body;
    size_t   len;

    static const char  tail[] = "\r\n" TEST_FILE "\r\nfile\r\n--b--";
    static const char  name[] = "\"\r\n\r\nfile\r\n--b--";

    body = malloc(20000);

    if (body == NULL) {
        ok(false, "no memory");
        return;
    }

    len = test_build(body, "--b\r\nX: ", 8000, tail);
    ok(test_split(body, len, "file", 4), "header of 8000 bytes");

    /* "X: ", two line ends and the other header */

    len = test_build(body, "--b\r\nX: ", 8192 - 7 - sizeof(TEST_FILE) + 1,
                     tail);
    ok(test_split(body, len, "file", 4), "headers of 8192 bytes");

    len = test_build(body, "--b\r\nX: ", 8192 - 7 - sizeof(TEST_FILE) + 2,
                     tail);
    ok(test_split(body, len, NULL, 0), "headers of 8193 bytes");

    len = test_build(body, "--b\r\nX: y\r\n ", 16000, tail);
    ok(test_split(body, len, NULL, 0), "folded header of 16000 bytes");

    len = test_build(body, "--b\r\nContent-Disposition: form-data; "
                     "filename=\"", 900, name);
    ok(test_split(body, len, "file", 4), "file name of 900 bytes");

    len = test_build(body, "--b\r\nContent-Disposition: form-data; "
                     "filename=\"", 1024, name);
    ok(test_split(body, len, NULL, 0), "file name of 1024 bytes");

    memset(body, ' ', 20000);
    memcpy(body, "--b", 3);
    memcpy(body + 8000, tail, sizeof(tail) - 1);
    ok(test_split(body, 8000 + sizeof(tail) - 1, "file", 4),
       "8000 bytes of padding");

    memset(body, ' ', 20000);
    memcpy(body, "--b", 3);
    memcpy(body + 9000, tail, sizeof(tail) - 1);
    ok(test_split(body, 9000 + sizeof(tail) - 1, NULL, 0),
       "9000 bytes of padding");

    free(body);
}


/* what the caller may do besides */

static void
test_calls(void)
{
    glance_str_t        data, in;
    glance_multipart_t  m;

    (void) glance_multipart_init(&m, glance_str(TEST_TYPE));

    ok(!glance_multipart_complete(&m), "not complete at first");

    in = glance_str("");
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_AGAIN
       && data.len == 0, "no input");

    in.data = NULL;
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_AGAIN,
       "no input and no memory");

    in = glance_str("--b\r\n" TEST_NAME "\r\nx\r\n--b--");
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_DATA
       && in.len == 0, "the content at the end of the input");
    is(data, "x", "content");

    ok(glance_multipart_complete(&m), "complete");
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_DONE
       && data.len == 0, "done without more input");

    in = glance_str("epilogue");
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_DONE
       && data.len == 0 && in.len == 0, "done with more input");
    ok(glance_multipart_complete(&m), "still complete");

    /* content that was skipped must not be seen with what follows */

    (void) glance_multipart_init(&m, glance_str(TEST_TYPE));

    in = glance_str("preamble\r\n--b\r\n" TEST_FILE "\r\n\r\n--b\r\n\r\nskip"
                    "\r\n--b--");
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_DONE
       && data.len == 0, "done without a byte of content");

    /* a second file is refused before any of it is given out */

    (void) glance_multipart_init(&m, glance_str(TEST_TYPE));

    in = glance_str("--b\r\n" TEST_FILE "\r\n\r\n--b\r\n" TEST_FILE "\r\nx");
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_ERROR
       && data.len == 0, "error at the second file");
    is(glance_str(m.error), "several files in multipart body", "its text");

    (void) glance_multipart_init(&m, glance_str(TEST_TYPE));

    in = glance_str("--bad");
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_ERROR,
       "error");
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_ERROR
       && !glance_multipart_complete(&m), "error again");

    in.len = 0;
    ok(glance_multipart_read(&m, &in, &data) == GLANCE_MULTIPART_ERROR,
       "error without more input");
}


int
main(void)
{
    size_t              i;
    const test_body_t  *t;

    test_type();

    for (i = 0; i < tap_n(test_bodies); i++) {
        t = &test_bodies[i];

        ok(test_split(t->body, t->len, t->content, t->content_len),
           "body, in pieces of each length: %s", t->what);
    }

    test_length();
    test_headers();
    test_calls();

    return tap_done();
}
