
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_MULTIPART_H_INCLUDED_
#define _GLANCE_MULTIPART_H_INCLUDED_


#include "glance_str.h"


#define GLANCE_MULTIPART_BOUNDARY_MAX  70       /* RFC 2046, 5.1.1 */


/*
 * A streaming reader of multipart/form-data that yields the content of the
 * one file part: the literal sense of the slides' "MIME-encoded" body (S-44).
 * A part is the file if its Content-Disposition has a filename, or if it is
 * the only part.  Other parts are skipped; a second file part, a header block
 * of more than 8 KiB or a missing closing boundary is an error.
 */

typedef enum {
    GLANCE_MULTIPART_AGAIN = 0, /* all input was used */
    GLANCE_MULTIPART_DATA,      /* *data holds content; call again */
    GLANCE_MULTIPART_DONE,      /* the closing boundary was seen */
    GLANCE_MULTIPART_ERROR      /* m->error says what, in English */
} glance_multipart_e;

typedef struct {
    unsigned       state;
    unsigned       parts;
    unsigned       files;
    bool           in_file;
    size_t         matched;     /* bytes of the delimiter seen so far */
    size_t         header;      /* bytes in line[] */
    size_t         headers;     /* bytes of the part's header block */
    size_t         delimiter_len;
    const char    *error;
    unsigned char  delimiter[4 + GLANCE_MULTIPART_BOUNDARY_MAX];
    unsigned char  line[1024];
} glance_multipart_t;


/*
 * The boundary out of a Content-Type value.  False when the type is not
 * multipart/form-data or the boundary is missing or malformed.
 */
bool glance_multipart_init(glance_multipart_t *m, glance_str_t content_type);

/*
 * Works on *in and moves it forward.  With GLANCE_MULTIPART_DATA *data is
 * valid until the next call: a slice of the input, or of the delimiter when a
 * partial match across two inputs turned out to be content.
 */
glance_multipart_e glance_multipart_read(glance_multipart_t *m,
    glance_str_t *in, glance_str_t *data);

/* after the last input: true if the body was complete and held one file */
bool glance_multipart_complete(const glance_multipart_t *m);


#endif /* _GLANCE_MULTIPART_H_INCLUDED_ */
