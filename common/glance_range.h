
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

typedef enum {
    GLANCE_RANGE_OK = 0,
    GLANCE_RANGE_INVALID,
    GLANCE_RANGE_BEYOND,        /* none of it exists */
    GLANCE_RANGE_MULTIPLE
} glance_range_e;


/*
 * The one range of a Range header that can be had of a text of that size.
 * False: malformed, several, or none of it exists.
 */
bool glance_range_parse(glance_str_t text, uint64_t size,
    glance_range_t *range);

/*
 * The same by the rules of API v2 (specs/v2/04 4.2), which refuses what HTTP
 * ignores, each for its own reason; of a Range header, or of a Content-Range
 * that old clients send instead of one.
 */
glance_range_e glance_range_check(glance_str_t text, uint64_t size,
    glance_range_t *range);
glance_range_e glance_range_check_content(glance_str_t text, uint64_t size,
    glance_range_t *range);

/* "bytes FIRST-LAST/SIZE" of an answer; false also if it contradicts itself */
bool glance_range_content(glance_str_t text, glance_range_t *range);


#endif /* _GLANCE_RANGE_H_INCLUDED_ */
