
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_pool.h"

#include <stdlib.h>
#include <string.h>


#define REGISTRY_POOL_BLOCK  8192
#define REGISTRY_POOL_ALIGN  16


typedef struct registry_pool_block_s  registry_pool_block_t;

struct registry_pool_block_s {
    registry_pool_block_t  *next;
    size_t                  size;
    size_t                  used;
    unsigned char           data[] __attribute__((aligned(16)));
};

struct registry_pool_s {
    registry_pool_block_t  *blocks;     /* the one in use comes first */
    size_t                  used;
};


static registry_pool_block_t *registry_pool_block(size_t size);


registry_pool_t *
registry_pool_new(void)
{
    registry_pool_t  *pool;

    pool = malloc(sizeof(registry_pool_t));
    if (pool == NULL) {
        return NULL;
    }

    pool->used = 0;

    pool->blocks = registry_pool_block(REGISTRY_POOL_BLOCK);
    if (pool->blocks == NULL) {
        free(pool);
        return NULL;
    }

    return pool;
}


void
registry_pool_free(registry_pool_t *pool)
{
    registry_pool_block_t  *next;

    if (pool == NULL) {
        return;
    }

    for (registry_pool_block_t *b = pool->blocks; b != NULL; b = next) {
        next = b->next;
        free(b);
    }

    free(pool);
}


void
registry_pool_reset(registry_pool_t *pool)
{
    registry_pool_block_t  *b;

    while (pool->blocks->next != NULL) {
        b = pool->blocks->next;
        pool->blocks->next = b->next;
        free(b);
    }

    pool->blocks->used = 0;
    pool->used = 0;
}


size_t
registry_pool_used(const registry_pool_t *pool)
{
    return pool->used;
}


void *
registry_pool_alloc(registry_pool_t *pool, size_t size)
{
    size_t                  room;
    unsigned char          *p;
    registry_pool_block_t  *b, *first;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }

    size = (size + REGISTRY_POOL_ALIGN - 1) & ~(size_t) (REGISTRY_POOL_ALIGN
                                                         - 1);
    first = pool->blocks;
    room = first->size - first->used;

    if (size > room) {

        if (size > REGISTRY_POOL_BLOCK / 4) {

            /* a block of its own, behind the one in use */

            b = registry_pool_block(size);
            if (b == NULL) {
                return NULL;
            }

            b->used = size;
            b->next = first->next;
            first->next = b;
            pool->used += size;

            return b->data;
        }

        b = registry_pool_block(REGISTRY_POOL_BLOCK);
        if (b == NULL) {
            return NULL;
        }

        b->next = first;
        pool->blocks = b;
        first = b;
    }

    p = first->data + first->used;
    first->used += size;
    pool->used += size;

    return p;
}


void *
registry_pool_calloc(registry_pool_t *pool, size_t n, size_t size)
{
    void  *p;

    if (size != 0 && n > SIZE_MAX / 2 / size) {
        return NULL;
    }

    p = registry_pool_alloc(pool, n * size);

    if (p != NULL) {
        memset(p, 0, n * size);
    }

    return p;
}


bool
registry_pool_copy(registry_pool_t *pool, glance_str_t s, glance_str_t *copy)
{
    unsigned char  *p;

    p = registry_pool_alloc(pool, s.len + 1);
    if (p == NULL) {
        return false;
    }

    if (s.len > 0) {
        memcpy(p, s.data, s.len);
    }

    p[s.len] = '\0';

    copy->len = s.len;
    copy->data = p;

    return true;
}


static registry_pool_block_t *
registry_pool_block(size_t size)
{
    registry_pool_block_t  *b;

    b = malloc(sizeof(registry_pool_block_t) + size);
    if (b == NULL) {
        return NULL;
    }

    b->next = NULL;
    b->size = size;
    b->used = 0;

    return b;
}
