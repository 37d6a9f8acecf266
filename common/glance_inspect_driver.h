
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _GLANCE_INSPECT_DRIVER_H_INCLUDED_
#define _GLANCE_INSPECT_DRIVER_H_INCLUDED_


/* between glance_inspect.c and the formats; nobody else needs it */


#include "glance_inspect.h"


#define GLANCE_INSPECT_START   64       /* bytes that decide who is "live" */
#define GLANCE_INSPECT_SECTOR  512


typedef struct glance_inspect_driver_s  glance_inspect_driver_t;

struct glance_inspect_driver_s {
    const char  *name;                  /* as in disk_format */

    /* after the last byte */
    bool       (*match)(const glance_inspect_t *in);

    /* 0: not known; NULL: always 0 */
    uint64_t   (*size)(const glance_inspect_t *in);

    /* the check that fails, and why; NULL: none.  NULL: there is none */
    const char *(*check)(const glance_inspect_t *in, const char **why);

    /*
     * Formats that need more than head[]: at most one of them is "live", by
     * the first GLANCE_INSPECT_START bytes, and sees all of the stream.
     */
    bool       (*start)(glance_inspect_t *in);
    void       (*feed)(glance_inspect_t *in, const unsigned char *data,
                   size_t len);
    void       (*end)(glance_inspect_t *in);    /* may be NULL */
};


extern const glance_inspect_driver_t  glance_inspect_qcow2;
extern const glance_inspect_driver_t  glance_inspect_qed;
extern const glance_inspect_driver_t  glance_inspect_vhd;
extern const glance_inspect_driver_t  glance_inspect_vhdx;
extern const glance_inspect_driver_t  glance_inspect_vmdk;
extern const glance_inspect_driver_t  glance_inspect_vdi;
extern const glance_inspect_driver_t  glance_inspect_iso;
extern const glance_inspect_driver_t  glance_inspect_gpt;
extern const glance_inspect_driver_t  glance_inspect_luks;


/* false: that has passed already */
bool glance_inspect_want(glance_inspect_piece_t *piece, uint64_t offset,
    size_t len);

/*
 * True when the piece is complete: then it is the driver's turn to say what it
 * wants next, and to call again.
 */
bool glance_inspect_take(const glance_inspect_t *in,
    glance_inspect_piece_t *piece, const unsigned char *data, size_t len);

/* starts the image with these bytes? */
bool glance_inspect_magic(const glance_inspect_t *in, const char *magic,
    size_t len);


static inline uint32_t
glance_inspect_be16(const unsigned char *p)
{
    return ((uint32_t) p[0] << 8) | p[1];
}


static inline uint32_t
glance_inspect_be32(const unsigned char *p)
{
    return (glance_inspect_be16(p) << 16) | glance_inspect_be16(p + 2);
}


static inline uint64_t
glance_inspect_be64(const unsigned char *p)
{
    return ((uint64_t) glance_inspect_be32(p) << 32)
           | glance_inspect_be32(p + 4);
}


static inline uint32_t
glance_inspect_le16(const unsigned char *p)
{
    return ((uint32_t) p[1] << 8) | p[0];
}


static inline uint32_t
glance_inspect_le32(const unsigned char *p)
{
    return (glance_inspect_le16(p + 2) << 16) | glance_inspect_le16(p);
}


static inline uint64_t
glance_inspect_le64(const unsigned char *p)
{
    return ((uint64_t) glance_inspect_le32(p + 4) << 32)
           | glance_inspect_le32(p);
}


#endif /* _GLANCE_INSPECT_DRIVER_H_INCLUDED_ */
