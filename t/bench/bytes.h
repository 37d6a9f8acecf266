
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _BYTES_H_INCLUDED_
#define _BYTES_H_INCLUDED_


/*
 * The bytes of every image of the benchmark: one block that does not
 * compress, again and again.
 */


#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>


#define BYTES_BLOCK  (1024 * 1024)


static inline unsigned char *
bytes_block(void)
{
    size_t          i;
    uint64_t       *block, x;

    block = malloc(BYTES_BLOCK);

    if (block == NULL) {
        perror("malloc");
        exit(1);
    }

    x = 88172645463325252u;

    for (i = 0; i < BYTES_BLOCK / sizeof(uint64_t); i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        block[i] = x;
    }

    return (unsigned char *) block;
}


static inline double
bytes_clock(clockid_t id)
{
    struct timespec  ts;

    clock_gettime(id, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static inline uint64_t
bytes_number(const char *text)
{
    char               *end;
    unsigned long long  n;

    n = strtoull(text, &end, 10);

    if (end == text || *end != '\0') {
        fprintf(stderr, "not a number: \"%s\"\n", text);
        exit(2);
    }

    return n;
}


#endif /* _BYTES_H_INCLUDED_ */
