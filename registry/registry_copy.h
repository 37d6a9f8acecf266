
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_COPY_H_INCLUDED_
#define _REGISTRY_COPY_H_INCLUDED_


#include <stdbool.h>

#include "registry_config.h"


/*
 * Images whose data come from another server, and locations that are to be
 * read: jobs of the registry, one at a time.  A job is held under a lease;
 * when its worker is not heard of for so long, the next one begins it anew.
 */

typedef struct registry_copy_s  registry_copy_t;


registry_copy_t *registry_copy_new(const registry_config_t *cf,
    registry_err_t *err);

/* a thread of its own, until registry_copy_free(), which accepts NULL */
registry_rc_e registry_copy_start(registry_copy_t *copy,
    registry_err_t *err);
void registry_copy_free(registry_copy_t *copy);

/* what there is to do now; false: the registry did not answer */
bool registry_copy_pass(registry_copy_t *copy);


#endif /* _REGISTRY_COPY_H_INCLUDED_ */
