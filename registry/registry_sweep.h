
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _REGISTRY_SWEEP_H_INCLUDED_
#define _REGISTRY_SWEEP_H_INCLUDED_


#include "registry_db.h"


/*
 * A thread that ends claims whose lease is over, every "interval" seconds;
 * for the first time after "grace" seconds, so that uploads that live renew
 * theirs after an outage of the registry.
 */

typedef struct registry_sweep_s  registry_sweep_t;

registry_sweep_t *registry_sweep_start(registry_db_t *db, int64_t interval,
    int64_t grace, registry_err_t *err);
void registry_sweep_stop(registry_sweep_t *sweep);


#endif /* _REGISTRY_SWEEP_H_INCLUDED_ */
