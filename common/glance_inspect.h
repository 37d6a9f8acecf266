
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _GLANCE_INSPECT_H_INCLUDED_
#define _GLANCE_INSPECT_H_INCLUDED_


#include "glance_buf.h"


/*
 * Recognises the format of a disk image while its bytes pass by, finds the
 * size that a guest sees, and what would make a program that opens the image
 * reach for other files (specs: content against disk_format).  Nothing is
 * interpreted beyond headers; what is kept has a fixed size, whatever the
 * image announces.
 */

typedef enum {
    GLANCE_INSPECT_RAW = 0,     /* whatever is nothing else */
    GLANCE_INSPECT_QCOW2,
    GLANCE_INSPECT_QED,
    GLANCE_INSPECT_VHD,
    GLANCE_INSPECT_VHDX,
    GLANCE_INSPECT_VMDK,
    GLANCE_INSPECT_VDI,
    GLANCE_INSPECT_ISO,
    GLANCE_INSPECT_GPT,         /* any partition table of a PC */
    GLANCE_INSPECT_LUKS,
    GLANCE_INSPECT_N
} glance_inspect_format_e;

typedef enum {
    GLANCE_INSPECT_ACCEPTED = 0,
    GLANCE_INSPECT_WARNED,      /* accepted, but somebody should know why */
    GLANCE_INSPECT_REFUSED
} glance_inspect_verdict_e;


#define GLANCE_INSPECT_HEAD   592       /* of the start; LUKS needs so much */
#define GLANCE_INSPECT_PIECE  136
#define GLANCE_INSPECT_LINE   2048
#define GLANCE_INSPECT_TAIL   1536
#define GLANCE_INSPECT_TEXT   320       /* enough for any verdict's text */


/* bytes of the stream that are waited for, and those that came so far */

typedef struct {
    uint64_t              offset;
    size_t                len;          /* 0: none */
    size_t                got;
    unsigned char         data[GLANCE_INSPECT_PIECE];
} glance_inspect_piece_t;

typedef struct {
    glance_inspect_piece_t  piece;
    uint64_t              end;          /* of the header extensions */
    unsigned              state;
    bool                  data_file;    /* an extension names one */
} glance_inspect_qcow2_t;

typedef struct {
    glance_inspect_piece_t  piece;
    uint64_t              region;       /* where the metadata are */
    uint64_t              size;
    unsigned              state;
    unsigned              left;         /* entries of the table in hand */
    bool                  complete;
    bool                  failed;
} glance_inspect_vhdx_t;

typedef struct {
    uint64_t              start;        /* of the descriptor, and its end */
    uint64_t              end;
    bool                  text;         /* there is nothing but it */
    bool                  closed;
    bool                  footer;       /* announced */
    bool                  typed;        /* has a createType */
    bool                  allowed;
    bool                  extent;
    bool                  cut;          /* a line that line[] cannot hold */
    const char           *fault;        /* the first one */
    size_t                len;
    unsigned char         line[GLANCE_INSPECT_LINE];
    unsigned char         tail[GLANCE_INSPECT_TAIL];    /* a ring */
} glance_inspect_vmdk_t;

typedef struct {
    uint64_t              total;        /* bytes that came */
    const struct glance_inspect_driver_s  *live;
    glance_inspect_piece_t  sector;     /* the first of a volume on a CD */
    unsigned char         head[GLANCE_INSPECT_HEAD];
    bool                  ended;

    union {
        glance_inspect_qcow2_t  qcow2;
        glance_inspect_vhdx_t   vhdx;
        glance_inspect_vmdk_t   vmdk;
    } u;
} glance_inspect_t;

typedef struct {
    bool                  lenient;      /* a wrong disk_format only warns */
    bool                  mbr_nonfatal; /* a malformed partition table, too */
} glance_inspect_rules_t;

typedef struct {
    glance_inspect_verdict_e  verdict;
    glance_inspect_format_e   format;
    uint64_t              virtual_size; /* 0: not known */
    const char           *check;        /* that failed, or NULL */
} glance_inspect_result_t;


void glance_inspect_init(glance_inspect_t *in);

/* the bytes behind those that were given before; nothing of them is kept */
void glance_inspect_feed(glance_inspect_t *in, const void *data, size_t len);

/*
 * After the last byte: may an image that was declared to be of this format be
 * taken?  The text says why not, or what the warning is; else it is empty.
 */
void glance_inspect_judge(glance_inspect_t *in,
    const glance_inspect_rules_t *rules, glance_str_t declared,
    glance_inspect_result_t *result, glance_buf_t *text);

const char *glance_inspect_name(glance_inspect_format_e format);


#endif /* _GLANCE_INSPECT_H_INCLUDED_ */
