
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_digest.h"
#include "glance_sigv4.h"
#include "glance_time.h"


#define GLANCE_SIGV4_KEY        256     /* bytes of a secret key */
#define GLANCE_SIGV4_ALGORITHM  "AWS4-HMAC-SHA256"


typedef struct {
    glance_str_t  name;
    glance_str_t  value;
} glance_sigv4_param_t;


static int glance_sigv4_compare(glance_str_t a, glance_str_t b);
static bool glance_sigv4_request(glance_sigv4_t *s,
    unsigned char hex[GLANCE_DIGEST_HEX_MAX]);
static void glance_sigv4_sort(glance_sigv4_t *s);
static bool glance_sigv4_params(glance_str_t query,
    glance_sigv4_param_t *params, size_t *n);
static bool glance_sigv4_query(glance_digest_t *d, glance_str_t query);
static bool glance_sigv4_value(glance_digest_t *d, glance_str_t value);
static void glance_sigv4_names(const glance_sigv4_t *s, glance_buf_t *b);
static void glance_sigv4_scope(const glance_sigv4_t *s, glance_buf_t *b);
static bool glance_sigv4_signature(const glance_sigv4_t *s,
    glance_str_t text, unsigned char hex[GLANCE_SIGV4_HEX_LEN]);
static bool glance_sigv4_hash(glance_digest_t *d, glance_str_t s);


void
glance_sigv4_date(int64_t epoch, unsigned char dst[GLANCE_SIGV4_DATE_LEN])
{
    unsigned char  iso[GLANCE_TIME_ISO_LEN];

    /* 2011-03-01T12:00:00.000000 */

    glance_time_iso(epoch, iso);

    memcpy(dst, iso, 4);
    memcpy(dst + 4, iso + 5, 2);
    memcpy(dst + 6, iso + 8, 3);
    memcpy(dst + 9, iso + 11, 2);
    memcpy(dst + 11, iso + 14, 2);
    memcpy(dst + 13, iso + 17, 2);

    dst[15] = 'Z';
}


bool
glance_sigv4_sign(glance_sigv4_t *s, glance_buf_t *b)
{
    glance_str_t   hex;
    glance_buf_t   text;
    unsigned char  mem[512], request[GLANCE_DIGEST_HEX_MAX];
    unsigned char  signature[GLANCE_SIGV4_HEX_LEN];

    if (s->nheaders > GLANCE_SIGV4_HEADERS
        || s->date.len != GLANCE_SIGV4_DATE_LEN
        || !glance_sigv4_request(s, request))
    {
        return false;
    }

    hex.data = request;
    hex.len = GLANCE_SIGV4_HEX_LEN;

    glance_buf_init(&text, mem, sizeof(mem));
    glance_buf_text(&text, GLANCE_SIGV4_ALGORITHM "\n");
    glance_buf_put(&text, s->date);
    glance_buf_char(&text, '\n');
    glance_sigv4_scope(s, &text);
    glance_buf_char(&text, '\n');
    glance_buf_put(&text, hex);

    if (text.overflow
        || !glance_sigv4_signature(s, glance_buf_str(&text), signature))
    {
        return false;
    }

    hex.data = signature;

    glance_buf_text(b, GLANCE_SIGV4_ALGORITHM " Credential=");
    glance_buf_put(b, s->access_key);
    glance_buf_char(b, '/');
    glance_sigv4_scope(s, b);
    glance_buf_text(b, ", SignedHeaders=");
    glance_sigv4_names(s, b);
    glance_buf_text(b, ", Signature=");
    glance_buf_put(b, hex);

    return !b->overflow;
}


static int
glance_sigv4_compare(glance_str_t a, glance_str_t b)
{
    int     rc;
    size_t  n;

    n = (a.len < b.len) ? a.len : b.len;
    rc = (n > 0) ? memcmp(a.data, b.data, n) : 0;

    if (rc != 0) {
        return rc;
    }

    return (a.len > b.len) - (a.len < b.len);
}


/* the digest of the canonical request, which is never there as a whole */

static bool
glance_sigv4_request(glance_sigv4_t *s,
    unsigned char hex[GLANCE_DIGEST_HEX_MAX])
{
    bool              done;
    size_t            i, len;
    glance_buf_t      names;
    unsigned char     mem[512];
    glance_digest_t  *d;

    glance_sigv4_sort(s);

    glance_buf_init(&names, mem, sizeof(mem));
    glance_sigv4_names(s, &names);

    d = glance_digest_new("sha256");

    if (d == NULL || names.overflow) {
        glance_digest_free(d);
        return false;
    }

    done = glance_sigv4_hash(d, s->method)
           && glance_sigv4_hash(d, glance_str("\n"))
           && glance_sigv4_hash(d, s->path)
           && glance_sigv4_hash(d, glance_str("\n"))
           && glance_sigv4_query(d, s->query)
           && glance_sigv4_hash(d, glance_str("\n"));

    for (i = 0; done && i < s->nheaders; i++) {
        done = glance_sigv4_hash(d, s->headers[i].name)
               && glance_sigv4_hash(d, glance_str(":"))
               && glance_sigv4_value(d, s->headers[i].value)
               && glance_sigv4_hash(d, glance_str("\n"));
    }

    done = done
           && glance_sigv4_hash(d, glance_str("\n"))
           && glance_sigv4_hash(d, glance_buf_str(&names))
           && glance_sigv4_hash(d, glance_str("\n"))
           && glance_sigv4_hash(d, s->payload)
           && glance_digest_hex(d, hex, &len);

    glance_digest_free(d);

    return done;
}


static void
glance_sigv4_sort(glance_sigv4_t *s)
{
    size_t                 i, j;
    glance_sigv4_header_t  h;

    for (i = 1; i < s->nheaders; i++) {
        h = s->headers[i];

        for (j = i;
             j > 0 && glance_sigv4_compare(s->headers[j - 1].name, h.name) > 0;
             j--)
        {
            s->headers[j] = s->headers[j - 1];
        }

        s->headers[j] = h;
    }
}


/* sorted by name, then by value; one without "=" has an empty value */

static bool
glance_sigv4_params(glance_str_t query, glance_sigv4_param_t *params,
    size_t *n)
{
    int                    rc;
    size_t                 i, j, k;
    glance_sigv4_param_t   p;
    const unsigned char   *eq;

    *n = 0;

    for (i = 0; i < query.len; i = j + 1) {

        for (j = i; j < query.len && query.data[j] != '&'; j++) {
            /* void */
        }

        if (j == i) {
            continue;
        }

        if (*n == GLANCE_SIGV4_PARAMS) {
            return false;
        }

        p.name.data = query.data + i;
        p.name.len = j - i;
        p.value.data = query.data + j;
        p.value.len = 0;

        eq = memchr(p.name.data, '=', p.name.len);

        if (eq != NULL) {
            p.name.len = (size_t) (eq - p.name.data);
            p.value.data = eq + 1;
            p.value.len = (size_t) (query.data + j - eq - 1);
        }

        for (k = (*n)++; k > 0; k--) {
            rc = glance_sigv4_compare(params[k - 1].name, p.name);

            if (rc == 0) {
                rc = glance_sigv4_compare(params[k - 1].value, p.value);
            }

            if (rc <= 0) {
                break;
            }

            params[k] = params[k - 1];
        }

        params[k] = p;
    }

    return true;
}


static bool
glance_sigv4_query(glance_digest_t *d, glance_str_t query)
{
    size_t                i, n;
    glance_sigv4_param_t  params[GLANCE_SIGV4_PARAMS];

    if (!glance_sigv4_params(query, params, &n)) {
        return false;
    }

    for (i = 0; i < n; i++) {
        if ((i > 0 && !glance_sigv4_hash(d, glance_str("&")))
            || !glance_sigv4_hash(d, params[i].name)
            || !glance_sigv4_hash(d, glance_str("="))
            || !glance_sigv4_hash(d, params[i].value))
        {
            return false;
        }
    }

    return true;
}


/* trimmed, and several blanks inside are one */

static bool
glance_sigv4_value(glance_digest_t *d, glance_str_t value)
{
    size_t        i;
    glance_str_t  piece;

    value = glance_str_trim(value);

    while (value.len > 0) {

        for (i = 0; i < value.len && value.data[i] != ' '; i++) {
            /* void */
        }

        piece.data = value.data;
        piece.len = (i < value.len) ? i + 1 : i;

        if (!glance_sigv4_hash(d, piece)) {
            return false;
        }

        while (i < value.len && value.data[i] == ' ') {
            i++;
        }

        value.data += i;
        value.len -= i;
    }

    return true;
}


static void
glance_sigv4_names(const glance_sigv4_t *s, glance_buf_t *b)
{
    size_t  i;

    for (i = 0; i < s->nheaders; i++) {
        if (i > 0) {
            glance_buf_char(b, ';');
        }

        glance_buf_put(b, s->headers[i].name);
    }
}


static void
glance_sigv4_scope(const glance_sigv4_t *s, glance_buf_t *b)
{
    glance_str_t  day;

    day.data = s->date.data;
    day.len = 8;

    glance_buf_put(b, day);
    glance_buf_char(b, '/');
    glance_buf_put(b, s->region);
    glance_buf_char(b, '/');
    glance_buf_put(b, s->service);
    glance_buf_text(b, "/aws4_request");
}


static bool
glance_sigv4_signature(const glance_sigv4_t *s, glance_str_t text,
    unsigned char hex[GLANCE_SIGV4_HEX_LEN])
{
    bool           done;
    glance_str_t   day, secret;
    unsigned char  key[GLANCE_HMAC_LEN], mem[4 + GLANCE_SIGV4_KEY];

    secret.len = 4 + s->secret_key.len;
    secret.data = mem;

    if (secret.len > sizeof(mem)) {
        return false;
    }

    memcpy(mem, "AWS4", 4);

    if (s->secret_key.len > 0) {
        memcpy(mem + 4, s->secret_key.data, s->secret_key.len);
    }

    day.data = s->date.data;
    day.len = 8;

    done = glance_hmac(secret, day, key);

    secret.len = GLANCE_HMAC_LEN;
    secret.data = key;

    done = done
           && glance_hmac(secret, s->region, key)
           && glance_hmac(secret, s->service, key)
           && glance_hmac(secret, glance_str("aws4_request"), key)
           && glance_hmac(secret, text, key);

    if (done) {
        glance_hex(key, GLANCE_HMAC_LEN, hex);
    }

    glance_wipe(mem, sizeof(mem));
    glance_wipe(key, sizeof(key));

    return done;
}


static bool
glance_sigv4_hash(glance_digest_t *d, glance_str_t s)
{
    return glance_digest_update(d, s.data, s.len);
}


void
glance_sigv4_escape(glance_buf_t *b, glance_str_t s)
{
    size_t         i;
    unsigned char  c;

    static const char  hex[] = "0123456789ABCDEF";

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
            || (c >= '0' && c <= '9')
            || c == '-' || c == '.' || c == '_' || c == '~')
        {
            glance_buf_char(b, (char) c);
            continue;
        }

        glance_buf_char(b, '%');
        glance_buf_char(b, hex[c >> 4]);
        glance_buf_char(b, hex[c & 0xf]);
    }
}
