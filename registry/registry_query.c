
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_query.h"

#include <string.h>


#define REGISTRY_QUERY_TEXT  1024
#define REGISTRY_QUERY_ARGS  32


static void *registry_query_grow(registry_query_t *q, const void *old,
    size_t used, size_t size);


void
registry_query_init(registry_query_t *q, registry_pool_t *pool)
{
    memset(q, 0, sizeof(registry_query_t));

    q->pool = pool;
}


void
registry_query_add(registry_query_t *q, const char *text)
{
    char    *p;
    size_t   len, size;

    len = strlen(text);

    if (q->len + len + 1 > q->size) {

        size = (q->size == 0) ? REGISTRY_QUERY_TEXT : q->size;

        while (q->len + len + 1 > size) {
            size *= 2;
        }

        p = registry_query_grow(q, q->text, q->len, size);
        if (p == NULL) {
            return;
        }

        q->text = p;
        q->size = size;
    }

    memcpy(q->text + q->len, text, len + 1);
    q->len += len;
}


void
registry_query_int(registry_query_t *q, const char *text, int64_t number)
{
    registry_query_value(q, text, registry_value_int(number));
}


void
registry_query_text(registry_query_t *q, const char *text,
    glance_str_t value)
{
    registry_query_value(q, text, registry_value_text(value));
}


void
registry_query_value(registry_query_t *q, const char *text,
    registry_value_t value)
{
    size_t             max;
    registry_value_t  *args;

    if (q->n == q->max) {

        max = (q->max == 0) ? REGISTRY_QUERY_ARGS : q->max * 2;

        args = registry_query_grow(q, q->args,
                                   q->n * sizeof(registry_value_t),
                                   max * sizeof(registry_value_t));
        if (args == NULL) {
            return;
        }

        q->args = args;
        q->max = max;
    }

    q->args[q->n++] = value;

    registry_query_add(q, text);
}


void
registry_query_in(registry_query_t *q, const glance_str_t *values, size_t n)
{
    size_t  rounded;

    for (rounded = 1; rounded < n; rounded *= 2) { /* void */ }

    for (size_t i = 0; i < rounded; i++) {
        registry_query_text(q, (i == 0) ? "(?" : ", ?",
                            values[(i < n) ? i : n - 1]);
    }

    registry_query_add(q, ")");
}


registry_rc_e
registry_query_exec(registry_tx_t *tx, registry_query_t *q,
    registry_err_t *err)
{
    if (q->failed) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    return registry_tx_exec(tx, q->text, q->args, q->n, err);
}


registry_rc_e
registry_query_run(registry_tx_t *tx, registry_query_t *q, const char *types,
    registry_row_pt row, void *arg, registry_err_t *err)
{
    if (q->failed) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    return registry_tx_query(tx, q->text, types, q->args, q->n, row, arg,
                             err);
}


static void *
registry_query_grow(registry_query_t *q, const void *old, size_t used,
    size_t size)
{
    void  *p;

    p = registry_pool_alloc(q->pool, size);

    if (p == NULL) {
        q->failed = true;
        return NULL;
    }

    if (used > 0) {
        memcpy(p, old, used);
    }

    return p;
}
