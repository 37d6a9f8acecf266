
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_uri.h"

#include "fuzz.h"


static bool
fuzz_contains(glance_str_t s, glance_str_t part)
{
    size_t  i;

    for (i = 0; i + part.len <= s.len; i++) {
        if (memcmp(s.data + i, part.data, part.len) == 0) {
            return true;
        }
    }

    return false;
}


/* the parts, put together again, are the text */

static void
fuzz_parts(glance_str_t text, const glance_uri_t *uri)
{
    size_t                len;
    const unsigned char  *p;

    len = uri->name.len + 3 + uri->host.len + uri->path.len;

    fuzz_assert(uri->name.data == text.data && uri->name.len > 0);
    fuzz_assert(uri->host.data + uri->host.len == uri->path.data);
    fuzz_assert(uri->path.data + uri->path.len == text.data + text.len);

    p = text.data + uri->name.len + 3;

    if (uri->host.data == p) {
        fuzz_assert(uri->user.len == 0 && !uri->has_password);

    } else {
        fuzz_assert(uri->host.data[-1] == '@');
        fuzz_assert(uri->user.data == p);

        len += uri->user.len + 1;

        if (uri->has_password) {
            fuzz_assert(uri->password.data == p + uri->user.len + 1);
            fuzz_assert(uri->password.data[-1] == ':');
            len += uri->password.len + 1;
        }
    }

    fuzz_assert(len == text.len);
    fuzz_assert(uri->path.len == 0
                || strchr("/?#", uri->path.data[0]) != NULL);
}


static void
fuzz_redact(glance_str_t text, bool parsed, const glance_uri_t *uri)
{
    glance_buf_t    b;
    glance_str_t    log, rest;
    unsigned char  *mem;

    mem = fuzz_alloc(text.len + 16);

    glance_buf_init(&b, mem, text.len + 16);
    glance_uri_redact(&b, text);

    fuzz_assert(!b.overflow);

    log = glance_buf_str(&b);

    if (!parsed) {
        fuzz_assert(glance_str_eq(log, glance_str("***")));
        free(mem);
        return;
    }

    /*
     * The password does not survive, unless it happens to be found in what
     * follows it or in the mask; nor does anything of a query.
     */

    rest.len = uri->host.len + uri->path.len;
    rest.data = uri->host.data;

    if (uri->password.len > 3
        && memchr(uri->password.data, '*', uri->password.len) == NULL
        && memchr(uri->password.data, '@', uri->password.len) == NULL
        && !fuzz_contains(rest, uri->password))
    {
        log.data += uri->name.len + 3;
        log.len -= uri->name.len + 3;
        fuzz_assert(!fuzz_contains(log, uri->password));
    }

    fuzz_assert(memchr(log.data, '?', log.len) == NULL
                || memcmp(log.data + log.len - 4, "?***", 4) == 0
                || memcmp(log.data + log.len - 4, "#***", 4) == 0);

    free(mem);
}


static void
fuzz_path(glance_str_t text, bool parsed, const glance_uri_t *uri)
{
    size_t          len;
    glance_buf_t    b;
    glance_str_t    path;
    unsigned char  *again, *dst, *mem;

    dst = fuzz_alloc(text.len);

    if (!glance_uri_file_path(text, dst, &len)) {
        free(dst);
        return;
    }

    fuzz_assert(parsed && uri->scheme == GLANCE_SCHEME_FILE);
    fuzz_assert(len > 0 && len <= uri->path.len && dst[0] == '/');
    fuzz_assert(memchr(dst, 0, len) == NULL);

    path.len = len;
    path.data = dst;

    fuzz_assert(!fuzz_contains(path, glance_str("/../")));
    fuzz_assert(!fuzz_contains(path, glance_str("/./")));
    fuzz_assert(len < 3 || memcmp(dst + len - 3, "/..", 3) != 0);
    fuzz_assert(len < 2 || memcmp(dst + len - 2, "/.", 2) != 0);

    /* written as a URI again, it is the same path */

    mem = fuzz_alloc(len * 3 + 8);
    again = fuzz_alloc(len * 3 + 8);

    glance_buf_init(&b, mem, len * 3 + 8);
    glance_buf_text(&b, "file:///");
    path.data++;
    path.len--;
    glance_buf_percent(&b, path);

    fuzz_assert(!b.overflow);
    fuzz_assert(glance_uri_file_path(glance_buf_str(&b), again, &len));
    fuzz_assert(len == path.len + 1 && memcmp(again, dst, len) == 0);

    free(again);
    free(mem);
    free(dst);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool          parsed;
    glance_str_t  text;
    glance_uri_t  uri;

    text.len = size;
    text.data = data;

    parsed = glance_uri_parse(text, &uri);

    if (parsed) {
        fuzz_parts(text, &uri);
        fuzz_assert((glance_scheme_store(uri.scheme) != NULL)
                    == (uri.scheme != GLANCE_SCHEME_UNKNOWN));
    }

    fuzz_redact(text, parsed, &uri);
    fuzz_path(text, parsed, &uri);

    return 0;
}
