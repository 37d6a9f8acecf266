
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* as assert(), but not switched off by NDEBUG */

#define fuzz_assert(condition)                                                \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/*
 * Memory of exactly this size, for a sanitizer to see what goes past it.
 * Never NULL; released by free().
 */

static inline unsigned char *
fuzz_alloc(size_t size)
{
    unsigned char  *p;

    p = malloc((size > 0) ? size : 1);

    fuzz_assert(p != NULL);

    return p;
}


#endif /* _FUZZ_H_INCLUDED_ */
