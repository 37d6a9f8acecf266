
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_inspect_driver.h"


static void glance_inspect_begin(glance_inspect_t *in);
static size_t glance_inspect_head(glance_inspect_t *in, size_t limit,
    const unsigned char *data, size_t len);
static void glance_inspect_end(glance_inspect_t *in);
static unsigned glance_inspect_matches(const glance_inspect_t *in);
static glance_inspect_format_e glance_inspect_first(unsigned matches);
static glance_inspect_format_e glance_inspect_declared(glance_str_t name);
static bool glance_inspect_safe(const glance_inspect_t *in,
    const glance_inspect_rules_t *rules, unsigned matches,
    glance_inspect_result_t *result, glance_buf_t *text);
static void glance_inspect_mismatch(unsigned matches,
    glance_inspect_format_e format, glance_str_t declared,
    glance_buf_t *text);
static uint64_t glance_inspect_size(const glance_inspect_t *in,
    glance_inspect_format_e format);


#define glance_inspect_bit(format)  (1u << (format))


static const glance_inspect_driver_t  glance_inspect_raw = {
    "raw", NULL, NULL, NULL, NULL, NULL, NULL
};


static const glance_inspect_driver_t *const
    glance_inspect_drivers[GLANCE_INSPECT_N] =
{
    &glance_inspect_raw,
    &glance_inspect_qcow2,
    &glance_inspect_qed,
    &glance_inspect_vhd,
    &glance_inspect_vhdx,
    &glance_inspect_vmdk,
    &glance_inspect_vdi,
    &glance_inspect_iso,
    &glance_inspect_gpt,
    &glance_inspect_luks
};


void
glance_inspect_init(glance_inspect_t *in)
{
    memset(in, 0, sizeof(glance_inspect_t));

    /* ISO 9660 and UDF leave the first 16 sectors of 2048 bytes alone */

    (void) glance_inspect_want(&in->sector, 16 * 2048, GLANCE_INSPECT_PIECE);
}


void
glance_inspect_feed(glance_inspect_t *in, const void *data, size_t len)
{
    size_t                n;
    const unsigned char  *p;

    p = data;

    if (in->total < GLANCE_INSPECT_START) {
        n = glance_inspect_head(in, GLANCE_INSPECT_START, p, len);

        in->total += n;
        len -= n;

        if (in->total < GLANCE_INSPECT_START) {
            return;
        }

        p += n;
        glance_inspect_begin(in);
    }

    if (len == 0) {
        return;
    }

    (void) glance_inspect_head(in, GLANCE_INSPECT_HEAD, p, len);
    (void) glance_inspect_take(in, &in->sector, p, len);

    if (in->live != NULL) {
        in->live->feed(in, p, len);
    }

    in->total += len;
}


/* the first bytes are there: whoever wants to see all gets them, too */

static void
glance_inspect_begin(glance_inspect_t *in)
{
    unsigned  i;

    for (i = 0; i < GLANCE_INSPECT_N; i++) {

        if (glance_inspect_drivers[i]->start != NULL
            && glance_inspect_drivers[i]->start(in))
        {
            in->live = glance_inspect_drivers[i];
            break;
        }
    }

    if (in->live != NULL) {
        in->total = 0;
        in->live->feed(in, in->head, GLANCE_INSPECT_START);
        in->total = GLANCE_INSPECT_START;
    }
}


static size_t
glance_inspect_head(glance_inspect_t *in, size_t limit,
    const unsigned char *data, size_t len)
{
    size_t  n;

    if (in->total >= limit || len == 0) {
        return 0;
    }

    n = limit - (size_t) in->total;

    if (n > len) {
        n = len;
    }

    memcpy(in->head + in->total, data, n);

    return n;
}


static void
glance_inspect_end(glance_inspect_t *in)
{
    if (!in->ended && in->live != NULL && in->live->end != NULL) {
        in->live->end(in);
    }

    in->ended = true;
}


void
glance_inspect_judge(glance_inspect_t *in,
    const glance_inspect_rules_t *rules, glance_str_t declared,
    glance_inspect_result_t *result, glance_buf_t *text)
{
    bool                     fits;
    unsigned                 matches;
    glance_inspect_format_e  d, f;

    glance_inspect_end(in);

    matches = glance_inspect_matches(in);
    f = glance_inspect_first(matches);
    d = glance_inspect_declared(declared);

    result->verdict = GLANCE_INSPECT_ACCEPTED;
    result->format = f;
    result->virtual_size = 0;
    result->check = NULL;

    /*
     * A disk that is raw to us may be anything to its guest.  And formats
     * that only their names are known of, kernels and ramdisks among them,
     * are raw.
     */

    fits = (matches & (matches - 1)) == 0
           && (d == f || d == GLANCE_INSPECT_RAW
               || (d == GLANCE_INSPECT_N && f == GLANCE_INSPECT_RAW));

    if ((!fits && !rules->lenient)
        || !glance_inspect_safe(in, rules, matches, result, text))
    {
        result->verdict = GLANCE_INSPECT_REFUSED;
    }

    if (!fits && result->check == NULL) {
        result->verdict = rules->lenient ? GLANCE_INSPECT_WARNED
                                         : GLANCE_INSPECT_REFUSED;
        glance_inspect_mismatch(matches, f, declared, text);
    }

    if (fits && d != GLANCE_INSPECT_N
        && result->verdict != GLANCE_INSPECT_REFUSED)
    {
        result->virtual_size = glance_inspect_size(in, d);
    }
}


const char *
glance_inspect_name(glance_inspect_format_e format)
{
    return glance_inspect_drivers[format]->name;
}


static unsigned
glance_inspect_matches(const glance_inspect_t *in)
{
    unsigned  i, matches;

    matches = 0;

    for (i = 0; i < GLANCE_INSPECT_N; i++) {

        if (glance_inspect_drivers[i]->match != NULL
            && glance_inspect_drivers[i]->match(in))
        {
            matches |= glance_inspect_bit(i);
        }
    }

    /* a CD that boots from a stick as well */

    if (matches == (glance_inspect_bit(GLANCE_INSPECT_ISO)
                    | glance_inspect_bit(GLANCE_INSPECT_GPT)))
    {
        return glance_inspect_bit(GLANCE_INSPECT_ISO);
    }

    return matches;
}


static glance_inspect_format_e
glance_inspect_first(unsigned matches)
{
    unsigned  i;

    for (i = 0; i < GLANCE_INSPECT_N; i++) {
        if (matches & glance_inspect_bit(i)) {
            return (glance_inspect_format_e) i;
        }
    }

    return GLANCE_INSPECT_RAW;
}


/* GLANCE_INSPECT_N: none that can be inspected */

static glance_inspect_format_e
glance_inspect_declared(glance_str_t name)
{
    unsigned  i;

    for (i = 0; i < GLANCE_INSPECT_N; i++) {
        if (glance_str_eq(name, glance_str(glance_inspect_drivers[i]->name))) {
            break;
        }
    }

    return (glance_inspect_format_e) i;
}


/* of all that the image may be taken for; false: it is refused */

static bool
glance_inspect_safe(const glance_inspect_t *in,
    const glance_inspect_rules_t *rules, unsigned matches,
    glance_inspect_result_t *result, glance_buf_t *text)
{
    unsigned     i;
    const char  *check, *why;

    for (i = 0; i < GLANCE_INSPECT_N; i++) {

        if (!(matches & glance_inspect_bit(i))
            || glance_inspect_drivers[i]->check == NULL)
        {
            continue;
        }

        check = glance_inspect_drivers[i]->check(in, &why);

        if (check == NULL) {
            continue;
        }

        result->check = check;
        result->verdict = (i == GLANCE_INSPECT_GPT && rules->mbr_nonfatal)
                          ? GLANCE_INSPECT_WARNED : GLANCE_INSPECT_REFUSED;

        glance_buf_text(text, "Image failed safety checks: ");
        glance_buf_text(text, glance_inspect_drivers[i]->name);
        glance_buf_text(text, " ");
        glance_buf_text(text, check);
        glance_buf_text(text, ", ");
        glance_buf_text(text, why);

        if (result->verdict == GLANCE_INSPECT_REFUSED) {
            return false;
        }
    }

    return true;
}


static void
glance_inspect_mismatch(unsigned matches, glance_inspect_format_e format,
    glance_str_t declared, glance_buf_t *text)
{
    unsigned     i;
    const char  *comma;

    if ((matches & (matches - 1)) == 0) {
        glance_buf_text(text, "Image disk_format ");
        glance_buf_put(text, declared);
        glance_buf_text(text, " does not match stream data ");
        glance_buf_text(text, glance_inspect_name(format));
        return;
    }

    comma = "";

    glance_buf_text(text, "Multiple formats detected: ");

    for (i = 0; i < GLANCE_INSPECT_N; i++) {
        if (matches & glance_inspect_bit(i)) {
            glance_buf_text(text, comma);
            glance_buf_text(text, glance_inspect_drivers[i]->name);
            comma = ", ";
        }
    }
}


/* one that no database has room for is none */

static uint64_t
glance_inspect_size(const glance_inspect_t *in,
    glance_inspect_format_e format)
{
    uint64_t  size;

    if (format == GLANCE_INSPECT_RAW) {
        size = in->total;

    } else if (glance_inspect_drivers[format]->size != NULL) {
        size = glance_inspect_drivers[format]->size(in);

    } else {
        size = 0;
    }

    return (size <= INT64_MAX) ? size : 0;
}


bool
glance_inspect_want(glance_inspect_piece_t *piece, uint64_t offset,
    size_t len)
{
    bool  past;

    past = offset < piece->offset + piece->got;

    piece->offset = offset;
    piece->len = past ? 0 : len;
    piece->got = 0;

    return !past;
}


bool
glance_inspect_take(const glance_inspect_t *in,
    glance_inspect_piece_t *piece, const unsigned char *data, size_t len)
{
    size_t    n;
    uint64_t  at;

    at = piece->offset + piece->got;

    if (piece->got == piece->len || at < in->total || at - in->total >= len) {
        return false;
    }

    data += at - in->total;
    len -= (size_t) (at - in->total);

    n = piece->len - piece->got;

    if (n > len) {
        n = len;
    }

    memcpy(piece->data + piece->got, data, n);

    piece->got += n;

    return piece->got == piece->len;
}


bool
glance_inspect_magic(const glance_inspect_t *in, const char *magic,
    size_t len)
{
    return in->total >= len && memcmp(in->head, magic, len) == 0;
}
