
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_QUERY_H_INCLUDED_
#define _REGISTRY_QUERY_H_INCLUDED_


#include "registry_tx.h"


/*
 * A statement put together at run time.  The text comes from constants of
 * the program only; whatever a caller sent becomes an argument.  Lack of
 * memory is remembered and reported by the call that runs it.
 */

typedef struct {
    registry_pool_t   *pool;
    char              *text;
    size_t             len;
    size_t             size;
    registry_value_t  *args;
    size_t             n;
    size_t             max;
    bool               failed;
} registry_query_t;


void registry_query_init(registry_query_t *q, registry_pool_t *pool);
void registry_query_add(registry_query_t *q, const char *text);

/* adds the text, which has one question mark, and its argument */
void registry_query_int(registry_query_t *q, const char *text,
    int64_t number);
void registry_query_text(registry_query_t *q, const char *text,
    glance_str_t value);
void registry_query_value(registry_query_t *q, const char *text,
    registry_value_t value);

/*
 * "(?, ?, ...)" of n texts; the last one is repeated until the number is a
 * power of two, so that few different statements arise.  n is not 0.
 */
void registry_query_in(registry_query_t *q, const glance_str_t *values,
    size_t n);

registry_rc_e registry_query_exec(registry_tx_t *tx, registry_query_t *q,
    registry_err_t *err);
registry_rc_e registry_query_run(registry_tx_t *tx, registry_query_t *q,
    const char *types, registry_row_pt row, void *arg, registry_err_t *err);


#endif /* _REGISTRY_QUERY_H_INCLUDED_ */
