
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_BUF_H_INCLUDED_
#define _GLANCE_BUF_H_INCLUDED_


#include "glance_str.h"


/*
 * A bounded writer into the caller's memory.  What does not fit is dropped
 * whole and sets the sticky "overflow" flag: check it once, at the end.
 */

typedef struct {
    unsigned char  *start;
    unsigned char  *last;       /* end of what was written */
    unsigned char  *end;
    bool            overflow;
} glance_buf_t;


void glance_buf_init(glance_buf_t *b, void *mem, size_t size);
glance_str_t glance_buf_str(const glance_buf_t *b);
void glance_buf_char(glance_buf_t *b, char c);
void glance_buf_put(glance_buf_t *b, glance_str_t s);
void glance_buf_text(glance_buf_t *b, const char *text);
void glance_buf_u64(glance_buf_t *b, uint64_t value);

/* the inside of a JSON string, of HTML text, of a URI path segment */
void glance_buf_json(glance_buf_t *b, glance_str_t s);
void glance_buf_html(glance_buf_t *b, glance_str_t s);
void glance_buf_percent(glance_buf_t *b, glance_str_t s);


#endif /* _GLANCE_BUF_H_INCLUDED_ */
