
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_uri.h"


#define GLANCE_URI_MASK  "***"


typedef struct {
    glance_str_t     name;
    glance_scheme_e  scheme;
} glance_uri_scheme_t;


static bool glance_uri_chars(glance_str_t text);
static glance_scheme_e glance_uri_scheme(glance_str_t name);
static const unsigned char *glance_uri_delimiter(glance_str_t s,
    const char *set);
static const unsigned char *glance_uri_last(glance_str_t s, unsigned char c);
static bool glance_uri_host_only(glance_str_t authority);
static glance_str_t glance_uri_slice(const unsigned char *start,
    const unsigned char *end);
static bool glance_uri_path_safe(glance_str_t path);


static const glance_uri_scheme_t  glance_uri_schemes[] = {
    { glance_string("file"),         GLANCE_SCHEME_FILE },
    { glance_string("filesystem"),   GLANCE_SCHEME_FILE },
    { glance_string("http"),         GLANCE_SCHEME_HTTP },
    { glance_string("https"),        GLANCE_SCHEME_HTTP },
    { glance_string("swift"),        GLANCE_SCHEME_SWIFT },
    { glance_string("swift+http"),   GLANCE_SCHEME_SWIFT },
    { glance_string("swift+https"),  GLANCE_SCHEME_SWIFT },
    { glance_string("swift+config"), GLANCE_SCHEME_SWIFT },
    { glance_string("s3"),           GLANCE_SCHEME_S3 },
    { glance_string("s3+http"),      GLANCE_SCHEME_S3 },
    { glance_string("s3+https"),     GLANCE_SCHEME_S3 },
    { glance_null_string,            GLANCE_SCHEME_UNKNOWN }
};


bool
glance_uri_parse(glance_str_t text, glance_uri_t *uri)
{
    glance_str_t          authority, rest, user;
    const unsigned char  *at, *colon, *end, *p;

    memset(uri, 0, sizeof(glance_uri_t));

    if (text.len == 0 || !glance_uri_chars(text)) {
        return false;
    }

    end = text.data + text.len;
    colon = memchr(text.data, ':', text.len);

    if (colon == NULL
        || end - colon < 3 || colon[1] != '/' || colon[2] != '/')
    {
        return false;
    }

    uri->name = glance_uri_slice(text.data, colon);

    for (p = text.data; p < colon; p++) {
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')) {
            continue;
        }

        if (p == text.data
            || !((*p >= '0' && *p <= '9')
                 || *p == '+' || *p == '-' || *p == '.'))
        {
            return false;
        }
    }

    if (uri->name.len == 0) {
        return false;
    }

    uri->scheme = glance_uri_scheme(uri->name);

    rest = glance_uri_slice(colon + 3, end);
    p = glance_uri_delimiter(rest, "/?#");
    authority = glance_uri_slice(rest.data, p);
    at = glance_uri_last(authority, '@');

    if (at == NULL
        && uri->scheme == GLANCE_SCHEME_S3
        && !glance_uri_host_only(authority))
    {
        /* secret keys of S3 may hold slashes, and were written as they are */

        at = glance_uri_last(glance_uri_slice(rest.data,
                                 glance_uri_delimiter(rest, "?#")), '@');

        if (at != NULL) {
            p = glance_uri_delimiter(glance_uri_slice(at, end), "/?#");
            authority = glance_uri_slice(rest.data, p);
        }
    }

    if (at != NULL) {
        user = glance_uri_slice(authority.data, at);
        colon = (user.len > 0) ? memchr(user.data, ':', user.len) : NULL;

        if (colon != NULL) {
            uri->user = glance_uri_slice(user.data, colon);
            uri->password = glance_uri_slice(colon + 1, at);
            uri->has_password = true;

        } else {
            uri->user = user;
        }

        authority = glance_uri_slice(at + 1, p);
    }

    uri->host = authority;
    uri->path = glance_uri_slice(p, end);

    return true;
}


const char *
glance_scheme_store(glance_scheme_e scheme)
{
    switch (scheme) {

    case GLANCE_SCHEME_FILE:
        return "file";

    case GLANCE_SCHEME_HTTP:
        return "http";

    case GLANCE_SCHEME_SWIFT:
        return "swift";

    case GLANCE_SCHEME_S3:
        return "s3";

    default:
        return NULL;
    }
}


/*
 * Whatever may be a credential is hidden, even where the text is malformed:
 * an unparsable text is not shown at all, and if the authority looks as if
 * an unescaped "/", "?" or "#" had cut a password, everything up to the last
 * "@" goes.
 */

void
glance_uri_redact(glance_buf_t *b, glance_str_t text)
{
    glance_uri_t          uri;
    glance_str_t          authority, rest;
    const unsigned char  *at, *end, *p;

    if (!glance_uri_parse(text, &uri)) {
        glance_buf_text(b, GLANCE_URI_MASK);
        return;
    }

    end = text.data + text.len;
    rest = glance_uri_slice(text.data + uri.name.len + 3, end);
    authority = glance_uri_slice(rest.data, glance_uri_delimiter(rest, "/?#"));

    at = NULL;

    if (glance_uri_last(authority, '@') != NULL) {
        at = glance_uri_last(glance_uri_slice(rest.data,
                                 glance_uri_delimiter(rest, "?#")), '@');

    } else if (!glance_uri_host_only(authority)) {
        at = glance_uri_last(rest, '@');
    }

    glance_buf_put(b, uri.name);
    glance_buf_text(b, "://");

    if (at != NULL) {
        glance_buf_text(b, GLANCE_URI_MASK "@");
        rest = glance_uri_slice(at + 1, end);
    }

    p = glance_uri_delimiter(rest, "?#");

    glance_buf_put(b, glance_uri_slice(rest.data, p));

    if (p < end) {
        glance_buf_char(b, (char) *p);
        glance_buf_text(b, GLANCE_URI_MASK);
    }
}


bool
glance_uri_file_path(glance_str_t text, unsigned char *dst, size_t *len)
{
    size_t         n;
    glance_str_t   path;
    glance_uri_t   uri;

    if (!glance_uri_parse(text, &uri) || uri.scheme != GLANCE_SCHEME_FILE) {
        return false;
    }

    if (uri.host.len > 0
        && !glance_str_case_eq(uri.host, glance_str("localhost")))
    {
        return false;
    }

    /* an "@" alone is a user, too */

    if (uri.host.data != text.data + uri.name.len + 3) {
        return false;
    }

    /* neither a query nor a fragment is a part of a file name */

    if (glance_uri_delimiter(uri.path, "?#") != uri.path.data + uri.path.len) {
        return false;
    }

    if (!glance_percent_decode(uri.path, dst, &n)) {
        return false;
    }

    path.len = n;
    path.data = dst;

    if (!glance_uri_path_safe(path)) {
        return false;
    }

    *len = n;

    return true;
}


/* RFC 3986: printable ASCII less the characters that have to be encoded */

static bool
glance_uri_chars(glance_str_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20
            || text.data[i] >= 0x7f
            || strchr("\"<>\\^`{|}", text.data[i]) != NULL)
        {
            return false;
        }
    }

    return true;
}


static glance_scheme_e
glance_uri_scheme(glance_str_t name)
{
    const glance_uri_scheme_t  *s;

    for (s = glance_uri_schemes; s->name.len > 0; s++) {
        if (glance_str_case_eq(name, s->name)) {
            return s->scheme;
        }
    }

    return GLANCE_SCHEME_UNKNOWN;
}


/* the first character of the set, or the end */

static const unsigned char *
glance_uri_delimiter(glance_str_t s, const char *set)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] != '\0' && strchr(set, s.data[i]) != NULL) {
            break;
        }
    }

    return (s.len > 0) ? s.data + i : s.data;
}


static const unsigned char *
glance_uri_last(glance_str_t s, unsigned char c)
{
    while (s.len-- > 0) {
        if (s.data[s.len] == c) {
            return s.data + s.len;
        }
    }

    return NULL;
}


/* "host", "host:80", "[::1]", "[::1]:80", in contrast to "user:password" */

static bool
glance_uri_host_only(glance_str_t authority)
{
    uint64_t              port;
    const unsigned char  *colon, *end, *start;

    if (authority.len == 0) {
        return true;
    }

    end = authority.data + authority.len;
    start = authority.data;

    if (*start == '[') {
        start = memchr(start, ']', authority.len);

        if (start == NULL) {
            return false;
        }
    }

    colon = memchr(start, ':', (size_t) (end - start));

    return colon == NULL
           || glance_str_u64(glance_uri_slice(colon + 1, end), 65535, &port);
}


static glance_str_t
glance_uri_slice(const unsigned char *start, const unsigned char *end)
{
    glance_str_t  s;

    s.len = (size_t) (end - start);
    s.data = start;

    return s;
}


static bool
glance_uri_path_safe(glance_str_t path)
{
    glance_str_t          segment;
    const unsigned char  *end, *p;

    if (path.len == 0 || path.data[0] != '/') {
        return false;
    }

    end = path.data + path.len;

    for (p = path.data; p < end; p = segment.data + segment.len) {
        segment = glance_uri_slice(p + 1, end);
        segment.len = (size_t) (glance_uri_delimiter(segment, "/")
                                - segment.data);

        if (glance_str_eq(segment, glance_str("."))
            || glance_str_eq(segment, glance_str("..")))
        {
            return false;
        }
    }

    return true;
}
