
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_FAULT_H_INCLUDED_
#define _GLANCE_FAULT_H_INCLUDED_


#include "glance_buf.h"


/*
 * Error bodies in the three forms of Glance's v1 (specs/v1.md 2.13) and v2
 * (specs/v2/01 1.4).
 */

typedef enum {
    GLANCE_FAULT_TEXT = 0,
    GLANCE_FAULT_HTML,
    GLANCE_FAULT_JSON
} glance_fault_e;


/* by the Accept header; an empty one means text */
glance_fault_e glance_fault_form(glance_str_t accept);
const char *glance_fault_content_type(glance_fault_e form);

/* "Not Found" for 404; "Error" for a status without a phrase */
const char *glance_fault_title(unsigned status);

/* the sentence that goes with the status; "" if there is none */
const char *glance_fault_explanation(unsigned status);
void glance_fault_render(glance_buf_t *b, glance_fault_e form,
    unsigned status, glance_str_t detail);

/* v2: the message stands in place of the sentence; empty: the sentence */
void glance_fault_render_v2(glance_buf_t *b, glance_fault_e form,
    unsigned status, glance_str_t message);


#endif /* _GLANCE_FAULT_H_INCLUDED_ */
