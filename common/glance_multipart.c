
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_multipart.h"


#define GLANCE_MULTIPART_HEADERS_MAX  8192

/*
 * So much of a part without a file name is held back in line[] until it is
 * known whether the part is the only one; the rest of line[] has room for a
 * partial delimiter that turned out to be content.
 */
#define GLANCE_MULTIPART_HOLD                                                 \
    (sizeof(((glance_multipart_t *) NULL)->line)                              \
     - sizeof(((glance_multipart_t *) NULL)->delimiter))


typedef enum {
    GLANCE_MULTIPART_PREAMBLE = 0,
    GLANCE_MULTIPART_BODY_START,    /* the CRLF before may open a delimiter */
    GLANCE_MULTIPART_BODY,
    GLANCE_MULTIPART_AFTER,         /* right behind "--boundary" */
    GLANCE_MULTIPART_DASH,          /* "--boundary-" */
    GLANCE_MULTIPART_PADDING,       /* blanks behind "--boundary" */
    GLANCE_MULTIPART_LF,            /* of the boundary's line */
    GLANCE_MULTIPART_NEXT,          /* the first byte of a header line */
    GLANCE_MULTIPART_HEADER,
    GLANCE_MULTIPART_HEADER_LF,
    GLANCE_MULTIPART_BLANK_LF,      /* of the line that ends the headers */
    GLANCE_MULTIPART_EPILOGUE,
    GLANCE_MULTIPART_FAILED
} glance_multipart_state_e;


static glance_multipart_e glance_multipart_content(glance_multipart_t *m,
    glance_str_t *in, glance_str_t *data);
static glance_multipart_e glance_multipart_held(glance_multipart_t *m,
    glance_str_t *in, glance_str_t *data);
static bool glance_multipart_scan(glance_multipart_t *m, glance_str_t *in,
    glance_str_t *data);
static bool glance_multipart_resume(glance_multipart_t *m, glance_str_t *in,
    glance_str_t *data);
static glance_multipart_e glance_multipart_delimiter(glance_multipart_t *m,
    glance_str_t *in, glance_str_t *data);
static glance_multipart_e glance_multipart_close(glance_multipart_t *m,
    glance_str_t *data);
static glance_multipart_e glance_multipart_part(glance_multipart_t *m);
static glance_multipart_e glance_multipart_headers(glance_multipart_t *m,
    glance_str_t *in);
static glance_multipart_e glance_multipart_header(glance_multipart_t *m);
static glance_multipart_e glance_multipart_fail(glance_multipart_t *m,
    const char *error);
static bool glance_multipart_param(glance_str_t *s, glance_str_t *name,
    glance_str_t *value);
static bool glance_multipart_quoted(glance_str_t *s, glance_str_t *value);
static bool glance_multipart_set_boundary(glance_multipart_t *m,
    glance_str_t value);
static glance_str_t glance_multipart_until(glance_str_t *s, const char *set);
static void glance_multipart_advance(glance_str_t *s, size_t n);


bool
glance_multipart_init(glance_multipart_t *m, glance_str_t content_type)
{
    glance_str_t  name, type, value;

    memset(m, 0, sizeof(glance_multipart_t));
    memcpy(m->delimiter, "\r\n--", 4);

    m->state = GLANCE_MULTIPART_PREAMBLE;
    m->error = "no closing boundary in multipart body";

    /* the first boundary needs no line before it */

    m->matched = 2;

    type = glance_str_trim(glance_multipart_until(&content_type, ";"));

    if (!glance_str_case_eq(type, glance_str("multipart/form-data"))) {
        return false;
    }

    while (content_type.len > 0) {
        if (!glance_multipart_param(&content_type, &name, &value)) {
            return false;
        }

        if (!glance_str_case_eq(name, glance_str("boundary"))) {
            continue;
        }

        if (m->delimiter_len != 0 || !glance_multipart_set_boundary(m, value))
        {
            return false;
        }
    }

    return m->delimiter_len != 0;
}


glance_multipart_e
glance_multipart_read(glance_multipart_t *m, glance_str_t *in,
    glance_str_t *data)
{
    glance_multipart_e  rc;

    data->len = 0;
    data->data = NULL;

    while (in->len > 0 || m->state >= GLANCE_MULTIPART_EPILOGUE) {

        switch (m->state) {

        case GLANCE_MULTIPART_PREAMBLE:
        case GLANCE_MULTIPART_BODY_START:
        case GLANCE_MULTIPART_BODY:
            rc = glance_multipart_content(m, in, data);
            break;

        case GLANCE_MULTIPART_AFTER:
        case GLANCE_MULTIPART_DASH:
        case GLANCE_MULTIPART_PADDING:
        case GLANCE_MULTIPART_LF:
            rc = glance_multipart_delimiter(m, in, data);
            break;

        case GLANCE_MULTIPART_EPILOGUE:
            glance_multipart_advance(in, in->len);
            return GLANCE_MULTIPART_DONE;

        case GLANCE_MULTIPART_FAILED:
            return GLANCE_MULTIPART_ERROR;

        default:
            rc = glance_multipart_headers(m, in);
            break;
        }

        if (rc != GLANCE_MULTIPART_AGAIN) {
            return rc;
        }
    }

    return GLANCE_MULTIPART_AGAIN;
}


bool
glance_multipart_complete(const glance_multipart_t *m)
{
    return m->state == GLANCE_MULTIPART_EPILOGUE && m->files == 1;
}


static glance_multipart_e
glance_multipart_content(glance_multipart_t *m, glance_str_t *in,
    glance_str_t *data)
{
    glance_str_t  chunk;

    if (m->parts == 1 && m->files == 0) {
        return glance_multipart_held(m, in, data);
    }

    if (!glance_multipart_scan(m, in, &chunk) || !m->in_file) {
        return GLANCE_MULTIPART_AGAIN;
    }

    *data = chunk;

    return GLANCE_MULTIPART_DATA;
}


/*
 * The first part has no file name, hence it is the file only if it stays the
 * only part.  A short one waits in line[] for what follows it.  One that does
 * not fit cannot be a form field of ours: it is given out, and then another
 * part is an error.
 */

static glance_multipart_e
glance_multipart_held(glance_multipart_t *m, glance_str_t *in,
    glance_str_t *data)
{
    size_t        used;
    glance_str_t  chunk, view;

    /* m->header <= GLANCE_MULTIPART_HOLD */

    view = *in;

    if (view.len > GLANCE_MULTIPART_HOLD + 1 - m->header) {
        view.len = GLANCE_MULTIPART_HOLD + 1 - m->header;
    }

    used = view.len;

    if (glance_multipart_scan(m, &view, &chunk)) {
        memcpy(m->line + m->header, chunk.data, chunk.len);
        m->header += chunk.len;
    }

    glance_multipart_advance(in, used - view.len);

    if (m->header <= GLANCE_MULTIPART_HOLD) {
        return GLANCE_MULTIPART_AGAIN;
    }

    m->files = 1;
    m->in_file = true;

    data->len = m->header;
    data->data = m->line;

    return GLANCE_MULTIPART_DATA;
}


/*
 * Moves over content up to and including a delimiter, or to the end of the
 * input.  True if *data was set to a piece of content, not empty.  A delimiter
 * has CR only as its first byte, so after a mismatch none of the bytes that
 * matched can start another one.
 */

static bool
glance_multipart_scan(glance_multipart_t *m, glance_str_t *in,
    glance_str_t *data)
{
    size_t                left, n;
    const unsigned char  *end, *p;

    if (m->matched > 0) {
        return glance_multipart_resume(m, in, data);
    }

    *data = *in;
    end = in->data + in->len;
    p = in->data;

    for ( ;; ) {
        p = memchr(p, '\r', (size_t) (end - p));

        if (p == NULL) {
            glance_multipart_advance(in, in->len);
            return data->len > 0;
        }

        left = (size_t) (end - p);
        n = (left < m->delimiter_len) ? left : m->delimiter_len;

        if (memcmp(p, m->delimiter, n) == 0) {
            break;
        }

        p++;
    }

    data->len = (size_t) (p - in->data);

    glance_multipart_advance(in, data->len + n);

    if (n == m->delimiter_len) {
        m->state = GLANCE_MULTIPART_AFTER;

    } else {
        m->matched = n;
    }

    return data->len > 0;
}


/* goes on with a delimiter whose start was in the input before */

static bool
glance_multipart_resume(glance_multipart_t *m, glance_str_t *in,
    glance_str_t *data)
{
    size_t  n, skip;

    n = m->delimiter_len - m->matched;
    n = (in->len < n) ? in->len : n;

    if (memcmp(in->data, m->delimiter + m->matched, n) == 0) {
        glance_multipart_advance(in, n);
        m->matched += n;

        if (m->matched == m->delimiter_len) {
            m->matched = 0;
            m->state = GLANCE_MULTIPART_AFTER;
        }

        return false;
    }

    /*
     * The bytes that match here, too, stay in the input: only those of the
     * inputs before have to be given out of the delimiter.  The CRLF that the
     * preamble and a body start with is no content.
     */

    skip = 0;

    if (m->state == GLANCE_MULTIPART_BODY_START) {
        m->state = GLANCE_MULTIPART_BODY;
        skip = 2;
    }

    data->len = m->matched - skip;
    data->data = m->delimiter + skip;

    m->matched = 0;

    return data->len > 0;
}


static glance_multipart_e
glance_multipart_delimiter(glance_multipart_t *m, glance_str_t *in,
    glance_str_t *data)
{
    unsigned char  c;

    c = in->data[0];

    glance_multipart_advance(in, 1);

    switch (m->state) {

    case GLANCE_MULTIPART_AFTER:
        m->headers = 0;

        if (c == '-') {
            m->state = GLANCE_MULTIPART_DASH;
            return GLANCE_MULTIPART_AGAIN;
        }

        m->state = GLANCE_MULTIPART_PADDING;

        /* fall through */

    case GLANCE_MULTIPART_PADDING:

        if (c == '\r') {
            m->state = GLANCE_MULTIPART_LF;
            return GLANCE_MULTIPART_AGAIN;
        }

        if ((c == ' ' || c == '\t')
            && m->headers++ < GLANCE_MULTIPART_HEADERS_MAX)
        {
            return GLANCE_MULTIPART_AGAIN;
        }

        break;

    case GLANCE_MULTIPART_DASH:

        if (c == '-') {
            return glance_multipart_close(m, data);
        }

        break;

    default: /* GLANCE_MULTIPART_LF */

        if (c == '\n') {
            return glance_multipart_part(m);
        }

        break;
    }

    return glance_multipart_fail(m, "malformed boundary in multipart body");
}


static glance_multipart_e
glance_multipart_close(glance_multipart_t *m, glance_str_t *data)
{
    m->state = GLANCE_MULTIPART_EPILOGUE;

    if (m->files == 1) {
        return GLANCE_MULTIPART_AGAIN;
    }

    if (m->parts != 1) {
        return glance_multipart_fail(m, "no file in multipart body");
    }

    /* the only part, held back until now */

    m->files = 1;

    data->len = m->header;
    data->data = m->line;

    return (data->len > 0) ? GLANCE_MULTIPART_DATA : GLANCE_MULTIPART_AGAIN;
}


static glance_multipart_e
glance_multipart_part(glance_multipart_t *m)
{
    if (m->parts == 1 && m->in_file && m->header > 0) {
        return glance_multipart_fail(m, "large multipart form field");
    }

    m->state = GLANCE_MULTIPART_NEXT;
    m->in_file = false;
    m->header = 0;
    m->headers = 0;

    if (m->parts < 2) {
        m->parts++;     /* none, one, several */
    }

    return GLANCE_MULTIPART_AGAIN;
}


static glance_multipart_e
glance_multipart_headers(glance_multipart_t *m, glance_str_t *in)
{
    unsigned char       c;
    glance_multipart_e  rc;

    c = in->data[0];

    if (m->state == GLANCE_MULTIPART_NEXT && c != ' ' && c != '\t') {

        /* not a continuation: the line before is complete */

        rc = glance_multipart_header(m);

        if (rc != GLANCE_MULTIPART_AGAIN) {
            return rc;
        }
    }

    glance_multipart_advance(in, 1);

    if (m->headers++ == GLANCE_MULTIPART_HEADERS_MAX) {
        return glance_multipart_fail(m, "too large headers in multipart body");
    }

    switch (m->state) {

    case GLANCE_MULTIPART_NEXT:
    case GLANCE_MULTIPART_HEADER:

        if (c == '\r') {
            m->state = (m->state == GLANCE_MULTIPART_NEXT)
                       ? GLANCE_MULTIPART_BLANK_LF
                       : GLANCE_MULTIPART_HEADER_LF;
            return GLANCE_MULTIPART_AGAIN;
        }

        if (c == '\n') {
            break;
        }

        m->state = GLANCE_MULTIPART_HEADER;

        /* what line[] has no room for is only counted */

        if (m->header < sizeof(m->line)) {
            m->line[m->header] = c;
        }

        m->header++;

        return GLANCE_MULTIPART_AGAIN;

    case GLANCE_MULTIPART_HEADER_LF:

        if (c == '\n') {
            m->state = GLANCE_MULTIPART_NEXT;
            return GLANCE_MULTIPART_AGAIN;
        }

        break;

    default: /* GLANCE_MULTIPART_BLANK_LF */

        if (c != '\n') {
            break;
        }

        if (m->in_file && m->files++ > 0) {
            return glance_multipart_fail(m, "several files in multipart body");
        }

        m->state = GLANCE_MULTIPART_BODY_START;
        m->matched = 2;

        return GLANCE_MULTIPART_AGAIN;
    }

    return glance_multipart_fail(m, "malformed headers in multipart body");
}


static glance_multipart_e
glance_multipart_header(glance_multipart_t *m)
{
    bool          too_long;
    glance_str_t  line, name, value;

    too_long = m->header > sizeof(m->line);

    line.len = too_long ? sizeof(m->line) : m->header;
    line.data = m->line;

    m->header = 0;

    name = glance_multipart_until(&line, ":");

    if (!glance_str_case_eq(glance_str_trim(name),
                            glance_str("content-disposition")))
    {
        return GLANCE_MULTIPART_AGAIN;
    }

    if (too_long) {
        return glance_multipart_fail(m, "too long Content-Disposition");
    }

    /* the first ";" ends the type itself, which does not matter */

    (void) glance_multipart_until(&line, ";");

    while (line.len > 0) {
        if (!glance_multipart_param(&line, &name, &value)) {
            return glance_multipart_fail(m, "malformed Content-Disposition");
        }

        if (glance_str_case_eq(name, glance_str("filename"))
            || glance_str_case_eq(name, glance_str("filename*")))
        {
            m->in_file = true;
        }
    }

    return GLANCE_MULTIPART_AGAIN;
}


static glance_multipart_e
glance_multipart_fail(glance_multipart_t *m, const char *error)
{
    m->state = GLANCE_MULTIPART_FAILED;
    m->error = error;

    return GLANCE_MULTIPART_ERROR;
}


/*
 * One "name=value" of a header and the ";" behind it.  The value is raw: a
 * quoted string comes without its quotes, but with its backslashes.  An empty
 * parameter has no name.
 */

static bool
glance_multipart_param(glance_str_t *s, glance_str_t *name,
    glance_str_t *value)
{
    size_t  n;

    *s = glance_str_trim(*s);

    for (n = 0; n < s->len; n++) {
        if (s->data[n] == '=' || s->data[n] == ';') {
            break;
        }
    }

    value->len = 0;
    value->data = NULL;

    name->len = n;
    name->data = s->data;
    *name = glance_str_trim(*name);

    if (n == s->len || s->data[n] == ';') {
        (void) glance_multipart_until(s, ";");
        return name->len == 0;
    }

    glance_multipart_advance(s, n + 1);

    if (s->len > 0 && s->data[0] == '"') {
        return glance_multipart_quoted(s, value);
    }

    *value = glance_str_trim(glance_multipart_until(s, ";"));

    return name->len > 0;
}


static bool
glance_multipart_quoted(glance_str_t *s, glance_str_t *value)
{
    size_t  n;

    for (n = 1; n < s->len && s->data[n] != '"'; n++) {
        if (s->data[n] == '\\') {
            n++;
        }
    }

    if (n >= s->len) {
        return false;
    }

    value->len = n - 1;
    value->data = s->data + 1;

    glance_multipart_advance(s, n + 1);

    return glance_str_trim(glance_multipart_until(s, ";")).len == 0;
}


/* the characters of RFC 2046, 5.1.1; a blank must not be the last one */

static bool
glance_multipart_set_boundary(glance_multipart_t *m, glance_str_t value)
{
    size_t         i;
    unsigned char  c;

    if (value.len == 0
        || value.len > GLANCE_MULTIPART_BOUNDARY_MAX
        || value.data[value.len - 1] == ' ')
    {
        return false;
    }

    for (i = 0; i < value.len; i++) {
        c = value.data[i];

        if (!((c >= '0' && c <= '9')
              || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z')
              || (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL)))
        {
            return false;
        }
    }

    memcpy(m->delimiter + 4, value.data, value.len);
    m->delimiter_len = 4 + value.len;

    return true;
}


/* cuts off what is before the first character of the set, and that one */

static glance_str_t
glance_multipart_until(glance_str_t *s, const char *set)
{
    size_t        n;
    glance_str_t  head;

    for (n = 0; n < s->len; n++) {
        if (s->data[n] != '\0' && strchr(set, s->data[n]) != NULL) {
            break;
        }
    }

    head.len = n;
    head.data = s->data;

    glance_multipart_advance(s, (n < s->len) ? n + 1 : n);

    return head;
}


static void
glance_multipart_advance(glance_str_t *s, size_t n)
{
    if (n > 0) {
        s->data += n;
        s->len -= n;
    }
}
