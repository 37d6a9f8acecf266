
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_OUT_H_INCLUDED_
#define _REGISTRY_OUT_H_INCLUDED_


#include "glance_str.h"


/*
 * A growing text, the body of an answer.  Lack of memory and growth beyond
 * the maximum are remembered: check "failed" at the end.
 */

typedef struct {
    char    *data;              /* malloc()ed, NULL while empty */
    size_t   len;
    size_t   size;
    size_t   max;
    bool     failed;
} registry_out_t;


void registry_out_init(registry_out_t *out, size_t max);
void registry_out_free(registry_out_t *out);
void registry_out_reset(registry_out_t *out);

/* forgets what was written behind len */
void registry_out_cut(registry_out_t *out, size_t len);

void registry_out_put(registry_out_t *out, glance_str_t s);
void registry_out_text(registry_out_t *out, const char *text);
void registry_out_int(registry_out_t *out, int64_t number);

/* JSON: a string in quotes; null when data is NULL; true or false */
void registry_out_string(registry_out_t *out, glance_str_t s);
void registry_out_bool(registry_out_t *out, bool value);


#endif /* _REGISTRY_OUT_H_INCLUDED_ */
