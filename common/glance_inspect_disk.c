
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_inspect_driver.h"


/*
 * Formats that say what they are in one fixed place: partition tables of PCs,
 * CDs (ISO 9660, UDF), encrypted volumes (LUKS), VirtualBox's disks (VDI).
 */


#define GLANCE_MBR_TABLE       446
#define GLANCE_MBR_ENTRIES     4
#define GLANCE_MBR_ENTRY       16
#define GLANCE_MBR_PROTECTIVE  0xee

#define GLANCE_ISO_END         34816    /* of the first descriptor's sector */


static bool glance_inspect_gpt_match(const glance_inspect_t *in);
static uint64_t glance_inspect_gpt_size(const glance_inspect_t *in);
static const char *glance_inspect_gpt_check(const glance_inspect_t *in,
    const char **why);
static const char *glance_inspect_gpt_protective(const unsigned char *table,
    unsigned entry, unsigned used);
static bool glance_inspect_iso_match(const glance_inspect_t *in);
static uint64_t glance_inspect_iso_size(const glance_inspect_t *in);
static bool glance_inspect_luks_match(const glance_inspect_t *in);
static uint64_t glance_inspect_luks_size(const glance_inspect_t *in);
static const char *glance_inspect_luks_check(const glance_inspect_t *in,
    const char **why);
static bool glance_inspect_vdi_match(const glance_inspect_t *in);
static uint64_t glance_inspect_vdi_size(const glance_inspect_t *in);


const glance_inspect_driver_t  glance_inspect_gpt = {
    "gpt",
    glance_inspect_gpt_match,
    glance_inspect_gpt_size,
    glance_inspect_gpt_check,
    NULL,
    NULL,
    NULL
};


const glance_inspect_driver_t  glance_inspect_iso = {
    "iso",
    glance_inspect_iso_match,
    glance_inspect_iso_size,
    NULL,
    NULL,
    NULL,
    NULL
};


const glance_inspect_driver_t  glance_inspect_luks = {
    "luks",
    glance_inspect_luks_match,
    glance_inspect_luks_size,
    glance_inspect_luks_check,
    NULL,
    NULL,
    NULL
};


const glance_inspect_driver_t  glance_inspect_vdi = {
    "vdi",
    glance_inspect_vdi_match,
    glance_inspect_vdi_size,
    NULL,
    NULL,
    NULL,
    NULL
};


/* the boot sector of a FAT file system has the same mark, but no table */

static bool
glance_inspect_gpt_match(const glance_inspect_t *in)
{
    return in->total >= GLANCE_INSPECT_SECTOR
           && in->head[510] == 0x55 && in->head[511] == 0xaa
           && !(in->head[16] == 2 && in->head[21] == 0xf8);
}


static uint64_t
glance_inspect_gpt_size(const glance_inspect_t *in)
{
    return in->total;
}


static const char *
glance_inspect_gpt_check(const glance_inspect_t *in, const char **why)
{
    unsigned              i, used;
    const char           *fault;
    const unsigned char  *table;

    table = in->head + GLANCE_MBR_TABLE;
    fault = NULL;
    used = 0;

    for (i = 0; i < GLANCE_MBR_ENTRIES; i++) {
        if ((table[i * GLANCE_MBR_ENTRY] & 0x7f) != 0) {
            fault = "the partition table has a boot flag that is none";
        }

        if (table[i * GLANCE_MBR_ENTRY + 4] != 0) {
            used++;
        }
    }

    if (used == 0) {
        fault = "the partition table is empty";
    }

    for (i = 0; fault == NULL && i < GLANCE_MBR_ENTRIES; i++) {
        if (table[i * GLANCE_MBR_ENTRY + 4] == GLANCE_MBR_PROTECTIVE) {
            fault = glance_inspect_gpt_protective(table, i, used);
        }
    }

    *why = fault;

    return (fault != NULL) ? "mbr" : NULL;
}


static const char *
glance_inspect_gpt_protective(const unsigned char *table, unsigned entry,
    unsigned used)
{
    if (entry != 0 || used != 1) {
        return "a protective partition is not alone";
    }

    if (memcmp(table + 1, "\0\2\0", 3) != 0
        || glance_inspect_le32(table + 8) != 1)
    {
        return "a protective partition does not start at sector 1";
    }

    return NULL;
}


static bool
glance_inspect_iso_match(const glance_inspect_t *in)
{
    const unsigned char  *p;

    p = in->sector.data + 1;

    return in->total >= GLANCE_ISO_END
           && (memcmp(p, "CD001", 5) == 0
               || memcmp(p, "NSR02", 5) == 0
               || memcmp(p, "NSR03", 5) == 0);
}


static uint64_t
glance_inspect_iso_size(const glance_inspect_t *in)
{
    const unsigned char  *p;

    p = in->sector.data;

    if (p[0] != 1) {
        return 0;       /* not the primary descriptor */
    }

    return (uint64_t) glance_inspect_le32(p + 80)
           * glance_inspect_le16(p + 128);
}


static bool
glance_inspect_luks_match(const glance_inspect_t *in)
{
    return glance_inspect_magic(in, "LUKS\xba\xbe", 6);
}


/* what is left behind the header and the key slots */

static uint64_t
glance_inspect_luks_size(const glance_inspect_t *in)
{
    uint64_t  payload;

    payload = (uint64_t) glance_inspect_be32(in->head + 104)
              * GLANCE_INSPECT_SECTOR;

    return (in->total > payload) ? in->total - payload : 0;
}


static const char *
glance_inspect_luks_check(const glance_inspect_t *in, const char **why)
{
    if (in->total < GLANCE_INSPECT_HEAD) {
        *why = "the header is cut off";
        return "version";
    }

    if (glance_inspect_be16(in->head + 6) != 1) {
        *why = "only version 1 is known";
        return "version";
    }

    return NULL;
}


static bool
glance_inspect_vdi_match(const glance_inspect_t *in)
{
    return in->total >= GLANCE_INSPECT_SECTOR
           && glance_inspect_le32(in->head + 64) == 0xbeda107fu;
}


static uint64_t
glance_inspect_vdi_size(const glance_inspect_t *in)
{
    return glance_inspect_le64(in->head + 368);
}
