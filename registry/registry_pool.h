
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_POOL_H_INCLUDED_
#define _REGISTRY_POOL_H_INCLUDED_


#include "glance_str.h"


/*
 * Memory that lives as long as a request: allocated in pieces, released at
 * once.  Every call returns NULL without memory; NULL is accepted as pool
 * by registry_pool_free() only.
 */

typedef struct registry_pool_s  registry_pool_t;


/* new reference */
registry_pool_t *registry_pool_new(void);
void registry_pool_free(registry_pool_t *pool);

/* forgets all that was allocated, keeps one block */
void registry_pool_reset(registry_pool_t *pool);

/* bytes handed out since the beginning or the last reset */
size_t registry_pool_used(const registry_pool_t *pool);

/* aligned for any type */
void *registry_pool_alloc(registry_pool_t *pool, size_t size);
void *registry_pool_calloc(registry_pool_t *pool, size_t n, size_t size);

/* a copy that ends with NUL, which is not counted; true: *copy is set */
bool registry_pool_copy(registry_pool_t *pool, glance_str_t s,
    glance_str_t *copy);


#endif /* _REGISTRY_POOL_H_INCLUDED_ */
