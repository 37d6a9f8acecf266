
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_SIGV4_H_INCLUDED_
#define _GLANCE_SIGV4_H_INCLUDED_


#include "glance_buf.h"


#define GLANCE_SIGV4_DATE_LEN  16       /* 20110301T120000Z */
#define GLANCE_SIGV4_HEX_LEN   64
#define GLANCE_SIGV4_PARAMS    16       /* of a query */
#define GLANCE_SIGV4_HEADERS   16

/* the payload of a body that is not hashed */
#define GLANCE_SIGV4_UNSIGNED  "UNSIGNED-PAYLOAD"

/* and of one that is empty */
#define GLANCE_SIGV4_EMPTY                                                    \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


/*
 * AWS Signature Version 4 in the Authorization header.  Path and query are
 * what is sent: percent-encoded, the path from "/" on, the query without "?".
 * Headers are those to be signed, with names in lower case, in any order;
 * "host" is one of them.
 */

typedef struct {
    glance_str_t  name;
    glance_str_t  value;
} glance_sigv4_header_t;

typedef struct {
    glance_str_t           access_key;
    glance_str_t           secret_key;
    glance_str_t           region;
    glance_str_t           service;
    glance_str_t           method;
    glance_str_t           path;
    glance_str_t           query;
    glance_str_t           payload;     /* hexadecimal SHA-256, or a word */
    glance_str_t           date;        /* as glance_sigv4_date() writes it */
    glance_sigv4_header_t  headers[GLANCE_SIGV4_HEADERS];   /* get sorted */
    size_t                 nheaders;
} glance_sigv4_t;


/* year 0 to 9999; no NUL */
void glance_sigv4_date(int64_t epoch,
    unsigned char dst[GLANCE_SIGV4_DATE_LEN]);

/*
 * The value of the Authorization header.  False: no room, no memory, or more
 * parameters or headers than above.
 */
bool glance_sigv4_sign(glance_sigv4_t *s, glance_buf_t *b);

/* percent-encoded as the signature has it: upper case, "/" too */
void glance_sigv4_escape(glance_buf_t *b, glance_str_t s);


#endif /* _GLANCE_SIGV4_H_INCLUDED_ */
