
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_inspect_driver.h"


/* QEMU's formats: qcow2, and QED, which is refused because it is dead */


#define GLANCE_QCOW2_FIXED          72  /* header of version 2 */
#define GLANCE_QCOW2_DATA_FILE      UINT64_C(0x04)
#define GLANCE_QCOW2_KNOWN          UINT64_C(0x0f)
#define GLANCE_QCOW2_EXT_DATA_FILE  0x44415441u


typedef enum {
    GLANCE_QCOW2_HEADER = 0,
    GLANCE_QCOW2_LENGTH,        /* of the header, version 3 */
    GLANCE_QCOW2_EXTENSION
} glance_inspect_qcow2_e;


static bool glance_inspect_qcow2_match(const glance_inspect_t *in);
static uint64_t glance_inspect_qcow2_size(const glance_inspect_t *in);
static const char *glance_inspect_qcow2_check(const glance_inspect_t *in,
    const char **why);
static bool glance_inspect_qcow2_start(glance_inspect_t *in);
static void glance_inspect_qcow2_feed(glance_inspect_t *in,
    const unsigned char *data, size_t len);
static bool glance_inspect_qcow2_next(glance_inspect_qcow2_t *q);
static bool glance_inspect_qed_match(const glance_inspect_t *in);
static const char *glance_inspect_qed_check(const glance_inspect_t *in,
    const char **why);


const glance_inspect_driver_t  glance_inspect_qcow2 = {
    "qcow2",
    glance_inspect_qcow2_match,
    glance_inspect_qcow2_size,
    glance_inspect_qcow2_check,
    glance_inspect_qcow2_start,
    glance_inspect_qcow2_feed,
    NULL
};


const glance_inspect_driver_t  glance_inspect_qed = {
    "qed",
    glance_inspect_qed_match,
    NULL,
    glance_inspect_qed_check,
    NULL,
    NULL,
    NULL
};


static bool
glance_inspect_qcow2_match(const glance_inspect_t *in)
{
    return in->total >= GLANCE_INSPECT_SECTOR
           && glance_inspect_magic(in, "QFI\xfb", 4);
}


static uint64_t
glance_inspect_qcow2_size(const glance_inspect_t *in)
{
    return glance_inspect_be64(in->head + 24);
}


static const char *
glance_inspect_qcow2_check(const glance_inspect_t *in, const char **why)
{
    uint32_t  version;
    uint64_t  features;

    version = glance_inspect_be32(in->head + 4);

    if (glance_inspect_be64(in->head + 8) != 0) {
        *why = "it needs another file";
        return "backing_file";
    }

    if (version != 2 && version != 3) {
        *why = "only versions 2 and 3 are known";
        return "unknown_features";
    }

    /* in version 2 extensions begin where version 3 has its features */

    features = (version == 3) ? glance_inspect_be64(in->head + 72) : 0;

    if ((features & GLANCE_QCOW2_DATA_FILE) != 0 || in->u.qcow2.data_file) {
        *why = "its data are in another file";
        return "data_file";
    }

    if ((features & ~GLANCE_QCOW2_KNOWN) != 0) {
        *why = "it uses features that are not known";
        return "unknown_features";
    }

    return NULL;
}


static bool
glance_inspect_qcow2_start(glance_inspect_t *in)
{
    return glance_inspect_magic(in, "QFI\xfb", 4)
           && glance_inspect_want(&in->u.qcow2.piece, 0, GLANCE_QCOW2_FIXED);
}


/* walks along the header extensions, as long as they are in one cluster */

static void
glance_inspect_qcow2_feed(glance_inspect_t *in, const unsigned char *data,
    size_t len)
{
    glance_inspect_qcow2_t  *q;

    q = &in->u.qcow2;

    while (glance_inspect_take(in, &q->piece, data, len)) {
        if (!glance_inspect_qcow2_next(q)) {
            q->piece.len = q->piece.got = 0;
            return;
        }
    }
}


static bool
glance_inspect_qcow2_next(glance_inspect_qcow2_t *q)
{
    uint32_t  bits, len, type;
    uint64_t  next;

    switch (q->state) {

    case GLANCE_QCOW2_HEADER:
        bits = glance_inspect_be32(q->piece.data + 20);

        if (bits < 9 || bits > 21) {
            return false;
        }

        q->end = UINT64_C(1) << bits;

        if (glance_inspect_be32(q->piece.data + 4) == 3) {
            q->state = GLANCE_QCOW2_LENGTH;
            return glance_inspect_want(&q->piece, 100, 4);
        }

        next = GLANCE_QCOW2_FIXED;
        break;

    case GLANCE_QCOW2_LENGTH:
        next = glance_inspect_be32(q->piece.data);
        break;

    default: /* GLANCE_QCOW2_EXTENSION */
        type = glance_inspect_be32(q->piece.data);
        len = glance_inspect_be32(q->piece.data + 4);

        if (type == GLANCE_QCOW2_EXT_DATA_FILE) {
            q->data_file = true;
        }

        if (type == 0) {
            return false;
        }

        next = q->piece.offset + 8 + (((uint64_t) len + 7) & ~UINT64_C(7));
        break;
    }

    q->state = GLANCE_QCOW2_EXTENSION;

    return next + 8 <= q->end && glance_inspect_want(&q->piece, next, 8);
}


static bool
glance_inspect_qed_match(const glance_inspect_t *in)
{
    return in->total >= GLANCE_INSPECT_SECTOR
           && glance_inspect_magic(in, "QED\0", 4);
}


static const char *
glance_inspect_qed_check(const glance_inspect_t *in, const char **why)
{
    (void) in;

    *why = "the format is not supported";

    return "banned";
}
