
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_inspect_driver.h"


/*
 * VMware's format.  A sparse file holds a descriptor, a text that tells where
 * the data are; it may also come alone.  Only disks in one file are taken, and
 * nothing in the descriptor may name a path.
 *
 * QEMU looks for its keywords anywhere in the text, comments included, and so
 * does this: each createType has to be one that is allowed.
 */


#define GLANCE_VMDK_MAX      (1024 * 1024 - 1)  /* bytes of a descriptor */
#define GLANCE_VMDK_AT_END   UINT64_MAX         /* there is a footer */
#define GLANCE_VMDK_TYPE     "createtype"
#define GLANCE_VMDK_PARENT   "parentfilenamehint"

/* so much of a cut line stays, for a keyword across the cut */
#define GLANCE_VMDK_KEEP     (sizeof(GLANCE_VMDK_PARENT) - 2)


static bool glance_inspect_vmdk_match(const glance_inspect_t *in);
static uint64_t glance_inspect_vmdk_size(const glance_inspect_t *in);
static const char *glance_inspect_vmdk_check(const glance_inspect_t *in,
    const char **why);
static const char *glance_inspect_vmdk_header(const glance_inspect_t *in);
static const char *glance_inspect_vmdk_descriptor(const glance_inspect_t *in);
static const char *glance_inspect_vmdk_footer(const glance_inspect_t *in);
static bool glance_inspect_vmdk_marker(const unsigned char *p, unsigned type);
static bool glance_inspect_vmdk_start(glance_inspect_t *in);
static void glance_inspect_vmdk_feed(glance_inspect_t *in,
    const unsigned char *data, size_t len);
static void glance_inspect_vmdk_tail(glance_inspect_t *in,
    const unsigned char *data, size_t len);
static void glance_inspect_vmdk_text(glance_inspect_t *in,
    const unsigned char *data, size_t len);
static void glance_inspect_vmdk_end(glance_inspect_t *in);
static void glance_inspect_vmdk_cut(glance_inspect_vmdk_t *v);
static void glance_inspect_vmdk_line(glance_inspect_vmdk_t *v);
static void glance_inspect_vmdk_words(glance_inspect_vmdk_t *v);
static bool glance_inspect_vmdk_type(glance_str_t s);
static bool glance_inspect_vmdk_extent(glance_str_t s);
static bool glance_inspect_vmdk_assigned(glance_str_t s);
static void glance_inspect_vmdk_fault(glance_inspect_vmdk_t *v,
    const char *fault);
static bool glance_inspect_vmdk_starts(glance_str_t s, const char *word);
static bool glance_inspect_vmdk_blank(unsigned char c);


const glance_inspect_driver_t  glance_inspect_vmdk = {
    "vmdk",
    glance_inspect_vmdk_match,
    glance_inspect_vmdk_size,
    glance_inspect_vmdk_check,
    glance_inspect_vmdk_start,
    glance_inspect_vmdk_feed,
    glance_inspect_vmdk_end
};


/* a sparse header that is not sound is one all the same, and not safe */

static bool
glance_inspect_vmdk_match(const glance_inspect_t *in)
{
    if (in->live != &glance_inspect_vmdk) {
        return false;
    }

    return !in->u.vmdk.text || in->u.vmdk.typed;
}


static uint64_t
glance_inspect_vmdk_size(const glance_inspect_t *in)
{
    uint64_t  sectors;

    sectors = glance_inspect_le64(in->head + 12);

    return (sectors <= INT64_MAX / GLANCE_INSPECT_SECTOR)
           ? sectors * GLANCE_INSPECT_SECTOR : 0;
}


static const char *
glance_inspect_vmdk_check(const glance_inspect_t *in, const char **why)
{
    const glance_inspect_vmdk_t  *v;

    v = &in->u.vmdk;

    *why = v->text ? NULL : glance_inspect_vmdk_header(in);

    if (*why != NULL) {
        return "header";
    }

    *why = glance_inspect_vmdk_descriptor(in);

    if (*why != NULL) {
        return "descriptor";
    }

    *why = v->footer ? glance_inspect_vmdk_footer(in) : NULL;

    return (*why != NULL) ? "footer" : NULL;
}


static const char *
glance_inspect_vmdk_header(const glance_inspect_t *in)
{
    uint32_t  version;

    version = glance_inspect_le32(in->head + 4);

    if (version < 1 || version > 3) {
        return "only versions 1 to 3 are known";
    }

    if (glance_inspect_le64(in->head + 28) != 1) {
        return "the descriptor does not follow the header";
    }

    return NULL;
}


static const char *
glance_inspect_vmdk_descriptor(const glance_inspect_t *in)
{
    const glance_inspect_vmdk_t  *v;

    v = &in->u.vmdk;

    if (v->fault != NULL) {
        return v->fault;
    }

    if (v->text) {
        return "it is alone, its data are in other files";
    }

    if (in->total < v->end) {
        return "it is cut off";
    }

    if (!v->allowed) {
        return "it has no createType";
    }

    return v->extent ? NULL : "it has no extent";
}


/*
 * Programs take the header at the end for the true one then, so that it has to
 * say the same.
 */

static const char *
glance_inspect_vmdk_footer(const glance_inspect_t *in)
{
    size_t                n;
    const unsigned char  *p;
    unsigned char         tail[GLANCE_INSPECT_TAIL];

    if (in->total < 3 * GLANCE_INSPECT_SECTOR) {
        return "the footer is cut off";
    }

    n = (size_t) (in->total % GLANCE_INSPECT_TAIL);

    memcpy(tail, in->u.vmdk.tail + n, GLANCE_INSPECT_TAIL - n);
    memcpy(tail + GLANCE_INSPECT_TAIL - n, in->u.vmdk.tail, n);

    p = tail + GLANCE_INSPECT_SECTOR;

    if (!glance_inspect_vmdk_marker(tail, 3)
        || !glance_inspect_vmdk_marker(p + GLANCE_INSPECT_SECTOR, 0)
        || glance_inspect_le64(p + GLANCE_INSPECT_SECTOR) != 0)
    {
        return "the footer has no markers around it";
    }

    /* magic and version, capacity, place and size of the descriptor */

    if (memcmp(p, in->head, 8) != 0
        || memcmp(p + 12, in->head + 12, 8) != 0
        || memcmp(p + 28, in->head + 28, 16) != 0
        || glance_inspect_le64(p + 56) == GLANCE_VMDK_AT_END)
    {
        return "the footer differs from the header";
    }

    return NULL;
}


/* value (any), size 0, type, and nothing else */

static bool
glance_inspect_vmdk_marker(const unsigned char *p, unsigned type)
{
    size_t  i;

    if (glance_inspect_le32(p + 8) != 0
        || glance_inspect_le32(p + 12) != type)
    {
        return false;
    }

    for (i = 16; i < GLANCE_INSPECT_SECTOR; i++) {
        if (p[i] != 0) {
            return false;
        }
    }

    return true;
}


static bool
glance_inspect_vmdk_start(glance_inspect_t *in)
{
    uint64_t                sectors;
    glance_inspect_vmdk_t  *v;

    v = &in->u.vmdk;

    if (glance_inspect_magic(in, "KDMV", 4)) {
        sectors = glance_inspect_le64(in->head + 36);

        v->start = GLANCE_INSPECT_SECTOR;
        v->end = (sectors > GLANCE_VMDK_MAX / GLANCE_INSPECT_SECTOR)
                 ? v->start + GLANCE_VMDK_MAX
                 : v->start + sectors * GLANCE_INSPECT_SECTOR;
        v->footer = glance_inspect_le64(in->head + 56) == GLANCE_VMDK_AT_END;

        return true;
    }

    /*
     * Anything but NUL may be a comment, and then a program that looks for
     * the keywords of a descriptor finds them, too.
     */

    if (memchr(in->head, '\0', GLANCE_INSPECT_START) != NULL) {
        return false;
    }

    v->text = true;
    v->end = GLANCE_VMDK_MAX;

    return true;
}


static void
glance_inspect_vmdk_feed(glance_inspect_t *in, const unsigned char *data,
    size_t len)
{
    size_t                  skip;
    uint64_t                at;
    glance_inspect_vmdk_t  *v;

    v = &in->u.vmdk;
    at = in->total;

    if (v->footer) {
        glance_inspect_vmdk_tail(in, data, len);
    }

    if (v->closed || at + len <= v->start) {
        return;
    }

    if (at < v->start) {
        skip = (size_t) (v->start - at);
        at += skip;
        data += skip;
        len -= skip;
    }

    if (at >= v->end) {
        glance_inspect_vmdk_end(in);
        return;
    }

    if (len > v->end - at) {
        len = (size_t) (v->end - at);
    }

    glance_inspect_vmdk_text(in, data, len);
}


static void
glance_inspect_vmdk_tail(glance_inspect_t *in, const unsigned char *data,
    size_t len)
{
    size_t    n;
    uint64_t  at;

    at = in->total;

    if (len > GLANCE_INSPECT_TAIL) {
        at += len - GLANCE_INSPECT_TAIL;
        data += len - GLANCE_INSPECT_TAIL;
        len = GLANCE_INSPECT_TAIL;
    }

    n = GLANCE_INSPECT_TAIL - (size_t) (at % GLANCE_INSPECT_TAIL);

    if (n > len) {
        n = len;
    }

    memcpy(in->u.vmdk.tail + at % GLANCE_INSPECT_TAIL, data, n);
    memcpy(in->u.vmdk.tail, data + n, len - n);
}


static void
glance_inspect_vmdk_text(glance_inspect_t *in, const unsigned char *data,
    size_t len)
{
    size_t                  i;
    unsigned char           c;
    glance_inspect_vmdk_t  *v;

    v = &in->u.vmdk;

    for (i = 0; i < len; i++) {
        c = data[i];

        if (c == '\0') {
            glance_inspect_vmdk_end(in);
            return;
        }

        if (c == '\n') {
            glance_inspect_vmdk_line(v);
            continue;
        }

        if (c >= 0x7f || (c < 0x20 && !glance_inspect_vmdk_blank(c))) {
            glance_inspect_vmdk_fault(v, "it is not plain ASCII");
        }

        if (v->len == GLANCE_INSPECT_LINE) {
            glance_inspect_vmdk_cut(v);
        }

        v->line[v->len++] = (c >= 'A' && c <= 'Z')
                            ? (unsigned char) (c - 'A' + 'a') : c;
    }
}


static void
glance_inspect_vmdk_end(glance_inspect_t *in)
{
    glance_inspect_vmdk_t  *v;

    v = &in->u.vmdk;

    if (!v->closed) {
        v->closed = true;
        glance_inspect_vmdk_line(v);
    }
}


/* no descriptor has such lines; a text that is none may */

static void
glance_inspect_vmdk_cut(glance_inspect_vmdk_t *v)
{
    v->cut = true;

    glance_inspect_vmdk_words(v);

    memmove(v->line, v->line + v->len - GLANCE_VMDK_KEEP, GLANCE_VMDK_KEEP);
    v->len = GLANCE_VMDK_KEEP;
}


static void
glance_inspect_vmdk_line(glance_inspect_vmdk_t *v)
{
    glance_str_t  s;

    glance_inspect_vmdk_words(v);

    s.data = v->line;
    s.len = v->len;

    while (s.len > 0 && glance_inspect_vmdk_blank(s.data[0])) {
        s.data++;
        s.len--;
    }

    while (s.len > 0 && glance_inspect_vmdk_blank(s.data[s.len - 1])) {
        s.len--;
    }

    if (v->cut) {
        glance_inspect_vmdk_fault(v, "it has a line that is too long");

    } else if (glance_inspect_vmdk_extent(s)) {
        v->extent = true;

        if (memchr(s.data, '/', s.len) != NULL) {
            glance_inspect_vmdk_fault(v, "an extent is a path");
        }

    } else if (s.len > 0 && s.data[0] != '#'
               && !glance_inspect_vmdk_starts(s, "ddb")
               && !glance_inspect_vmdk_assigned(s))
    {
        glance_inspect_vmdk_fault(v, "it has a line of no known kind");
    }

    v->len = 0;
    v->cut = false;
}


/* keywords, wherever they stand in the line */

static void
glance_inspect_vmdk_words(glance_inspect_vmdk_t *v)
{
    size_t        i;
    glance_str_t  s;

    for (i = 0; i < v->len; i++) {
        s.data = v->line + i;
        s.len = v->len - i;

        if (glance_inspect_vmdk_starts(s, GLANCE_VMDK_PARENT)) {
            glance_inspect_vmdk_fault(v, "it needs another disk");
        }

        if (!glance_inspect_vmdk_starts(s, GLANCE_VMDK_TYPE)) {
            continue;
        }

        if (glance_inspect_vmdk_starts(s, GLANCE_VMDK_TYPE "=")) {
            v->typed = true;
        }

        if (glance_inspect_vmdk_type(s)) {
            v->allowed = true;

        } else {
            glance_inspect_vmdk_fault(v, "its createType is neither "
                                      "monolithicSparse nor streamOptimized");
        }
    }
}


static bool
glance_inspect_vmdk_type(glance_str_t s)
{
    return glance_inspect_vmdk_starts(s, GLANCE_VMDK_TYPE
                                      "=\"monolithicsparse\"")
           || glance_inspect_vmdk_starts(s, GLANCE_VMDK_TYPE
                                         "=\"streamoptimized\"");
}


static bool
glance_inspect_vmdk_extent(glance_str_t s)
{
    size_t  i, n;

    static const char *const  words[] = { "rw", "rdonly", "noaccess" };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        n = strlen(words[i]);

        if (glance_inspect_vmdk_starts(s, words[i])
            && s.len > n && glance_inspect_vmdk_blank(s.data[n]))
        {
            return true;
        }
    }

    return false;
}


static bool
glance_inspect_vmdk_assigned(glance_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len && !glance_inspect_vmdk_blank(s.data[i]); i++) {
        if (s.data[i] == '=') {
            return i > 0;
        }
    }

    return false;
}


static void
glance_inspect_vmdk_fault(glance_inspect_vmdk_t *v, const char *fault)
{
    if (v->fault == NULL) {
        v->fault = fault;
    }
}


static bool
glance_inspect_vmdk_starts(glance_str_t s, const char *word)
{
    size_t  n;

    n = strlen(word);

    return s.len >= n && memcmp(s.data, word, n) == 0;
}


static bool
glance_inspect_vmdk_blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n');
}
