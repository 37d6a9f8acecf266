
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_RANGE_H_INCLUDED_
#define _GLANCE_RANGE_H_INCLUDED_


#include "glance_str.h"


/* bytes first to last, both included */

typedef struct {
    uint64_t  first;
    uint64_t  last;
    uint64_t  size;             /* of the whole; GLANCE_RANGE_ANY: "*" */
} glance_range_t;

#define GLANCE_RANGE_ANY  UINT64_MAX


/*
 * The one range of a Range header that can be had of a text of that size.
 * False: malformed, several, or none of it exists.
 */
bool glance_range_parse(glance_str_t text, uint64_t size,
    glance_range_t *range);

/* "bytes FIRST-LAST/SIZE" of an answer; false also if it contradicts itself */
bool glance_range_content(glance_str_t text, glance_range_t *range);


#endif /* _GLANCE_RANGE_H_INCLUDED_ */
