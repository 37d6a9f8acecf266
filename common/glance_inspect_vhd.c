
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_inspect_driver.h"


/* Microsoft's formats: VHD, of which only dynamic disks show it, and VHDX */


#define GLANCE_VHDX_REGIONS  (192 * 1024)       /* the first of two tables */
#define GLANCE_VHDX_ENTRIES  2047
#define GLANCE_VHDX_ENTRY    32


typedef enum {
    GLANCE_VHDX_TABLE = 0,
    GLANCE_VHDX_REGION,
    GLANCE_VHDX_METADATA,
    GLANCE_VHDX_ITEM,
    GLANCE_VHDX_SIZE
} glance_inspect_vhdx_e;


static bool glance_inspect_vhd_match(const glance_inspect_t *in);
static uint64_t glance_inspect_vhd_size(const glance_inspect_t *in);
static const char *glance_inspect_vhd_check(const glance_inspect_t *in,
    const char **why);
static bool glance_inspect_vhdx_match(const glance_inspect_t *in);
static uint64_t glance_inspect_vhdx_size(const glance_inspect_t *in);
static const char *glance_inspect_vhdx_check(const glance_inspect_t *in,
    const char **why);
static bool glance_inspect_vhdx_start(glance_inspect_t *in);
static void glance_inspect_vhdx_feed(glance_inspect_t *in,
    const unsigned char *data, size_t len);
static bool glance_inspect_vhdx_next(glance_inspect_vhdx_t *v);
static bool glance_inspect_vhdx_table(glance_inspect_vhdx_t *v);
static bool glance_inspect_vhdx_entry(glance_inspect_vhdx_t *v);


/* 8B7CA206-4790-4B9A-B8FE-575F050F886E, as it is written on disk */

static const unsigned char  glance_inspect_vhdx_metadata[16] = {
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
    0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e
};


/* 2FA54224-CD1B-4876-B211-5DBED83BF4B8 */

static const unsigned char  glance_inspect_vhdx_disk_size[16] = {
    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48,
    0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8
};


const glance_inspect_driver_t  glance_inspect_vhd = {
    "vhd",
    glance_inspect_vhd_match,
    glance_inspect_vhd_size,
    glance_inspect_vhd_check,
    NULL,
    NULL,
    NULL
};


const glance_inspect_driver_t  glance_inspect_vhdx = {
    "vhdx",
    glance_inspect_vhdx_match,
    glance_inspect_vhdx_size,
    glance_inspect_vhdx_check,
    glance_inspect_vhdx_start,
    glance_inspect_vhdx_feed,
    NULL
};


static bool
glance_inspect_vhd_match(const glance_inspect_t *in)
{
    return glance_inspect_magic(in, "conectix", 8);
}


static uint64_t
glance_inspect_vhd_size(const glance_inspect_t *in)
{
    return glance_inspect_be64(in->head + 40);
}


static const char *
glance_inspect_vhd_check(const glance_inspect_t *in, const char **why)
{
    if (in->total < GLANCE_INSPECT_SECTOR) {
        *why = "it is cut off";
        return "header";
    }

    return NULL;
}


static bool
glance_inspect_vhdx_match(const glance_inspect_t *in)
{
    return glance_inspect_magic(in, "vhdxfile", 8) && !in->u.vhdx.failed;
}


static uint64_t
glance_inspect_vhdx_size(const glance_inspect_t *in)
{
    return in->u.vhdx.size;
}


static const char *
glance_inspect_vhdx_check(const glance_inspect_t *in, const char **why)
{
    if (!in->u.vhdx.complete) {
        *why = "they are cut off";
        return "metadata";
    }

    return NULL;
}


static bool
glance_inspect_vhdx_start(glance_inspect_t *in)
{
    return glance_inspect_magic(in, "vhdxfile", 8)
           && glance_inspect_want(&in->u.vhdx.piece, GLANCE_VHDX_REGIONS, 16);
}


static void
glance_inspect_vhdx_feed(glance_inspect_t *in, const unsigned char *data,
    size_t len)
{
    glance_inspect_vhdx_t  *v;

    v = &in->u.vhdx;

    while (glance_inspect_take(in, &v->piece, data, len)) {

        if (v->state == GLANCE_VHDX_SIZE) {
            v->size = glance_inspect_le64(v->piece.data);
            v->complete = true;
            v->piece.len = v->piece.got = 0;
            return;
        }

        if (!glance_inspect_vhdx_next(v)) {
            v->failed = true;
            v->piece.len = v->piece.got = 0;
            return;
        }
    }
}


static bool
glance_inspect_vhdx_next(glance_inspect_vhdx_t *v)
{
    if (v->state == GLANCE_VHDX_TABLE || v->state == GLANCE_VHDX_METADATA) {
        return glance_inspect_vhdx_table(v);
    }

    return glance_inspect_vhdx_entry(v);
}


static bool
glance_inspect_vhdx_table(glance_inspect_vhdx_t *v)
{
    uint64_t              next;
    const unsigned char  *p;

    p = v->piece.data;

    if (v->state == GLANCE_VHDX_TABLE) {
        if (memcmp(p, "regi", 4) != 0) {
            return false;
        }

        v->left = glance_inspect_le32(p + 8);
        next = v->piece.offset + 16;

    } else {
        if (memcmp(p, "metadata", 8) != 0) {
            return false;
        }

        v->left = glance_inspect_le16(p + 10);
        next = v->piece.offset + 32;
    }

    v->state++;

    return v->left > 0 && v->left <= GLANCE_VHDX_ENTRIES
           && glance_inspect_want(&v->piece, next, GLANCE_VHDX_ENTRY);
}


/* a table without the entry that is looked for is none of a disk */

static bool
glance_inspect_vhdx_entry(glance_inspect_vhdx_t *v)
{
    uint64_t              next;
    const unsigned char  *guid, *p;

    p = v->piece.data;

    guid = (v->state == GLANCE_VHDX_REGION) ? glance_inspect_vhdx_metadata
                                            : glance_inspect_vhdx_disk_size;

    if (memcmp(p, guid, 16) != 0) {
        v->left--;

        return v->left > 0
               && glance_inspect_want(&v->piece,
                                      v->piece.offset + GLANCE_VHDX_ENTRY,
                                      GLANCE_VHDX_ENTRY);
    }

    if (v->state == GLANCE_VHDX_REGION) {
        next = v->region = glance_inspect_le64(p + 16);

        if (next > INT64_MAX) {
            return false;
        }

        v->state++;

        return glance_inspect_want(&v->piece, next, 32);
    }

    next = v->region + glance_inspect_le32(p + 16);
    v->state++;

    return glance_inspect_want(&v->piece, next, 8);
}
