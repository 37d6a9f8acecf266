
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _LATENCY_H_INCLUDED_
#define _LATENCY_H_INCLUDED_


/* how long each request took: all of them, sorted at the end */


#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>


typedef struct {
    float   *ms;
    size_t   n;
    size_t   size;
} latency_t;


static inline void
latency_add(latency_t *l, double ms)
{
    if (l->n == l->size) {
        l->size = l->size * 2 + 1024;
        l->ms = realloc(l->ms, l->size * sizeof(float));

        if (l->ms == NULL) {
            perror("realloc");
            exit(1);
        }
    }

    l->ms[l->n++] = (float) ms;
}


static inline int
latency_compare(const void *a, const void *b)
{
    float  x = *(const float *) a;
    float  y = *(const float *) b;

    return (x > y) - (x < y);
}


static inline void
latency_sort(latency_t *l)
{
    if (l->n) {
        qsort(l->ms, l->n, sizeof(float), latency_compare);
    }
}


/* 0.99: what 99 of 100 have not exceeded; 0 if there was no request */

static inline double
latency_part(latency_t *l, double part)
{
    size_t  i;

    if (l->n == 0) {
        return 0;
    }

    i = (size_t) ((double) l->n * part);

    return (double) l->ms[i < l->n ? i : l->n - 1];
}


#endif /* _LATENCY_H_INCLUDED_ */
