
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_WORKER_H_INCLUDED_
#define _REGISTRY_WORKER_H_INCLUDED_


#include <stdbool.h>

#include "registry_client.h"


/*
 * The file store of a node, seen by the one who tidies it.  An uploader
 * holds a lock on {datadir}/.upload/{image id}.{claim id} as long as it
 * lives; what is left there without a lock has nobody to finish it.
 */

typedef struct registry_worker_s  registry_worker_t;


/* new reference; client is borrowed */
registry_worker_t *registry_worker_new(const registry_config_t *cf,
    registry_client_t *client, registry_err_t *err);
void registry_worker_free(registry_worker_t *worker);

/*
 * One search for abandoned uploads, and the removals that are due.  With
 * "all", also files that changed a moment ago.  False: the registry did not
 * answer, or something could not be removed; nothing is lost by that.
 */
bool registry_worker_pass(registry_worker_t *worker, bool all);

/* of it only the removals */
bool registry_worker_remove(registry_worker_t *worker);

/* asked between two files; true ends the pass */
void registry_worker_on_stop(registry_worker_t *worker,
    bool (*stop)(void *arg), void *arg);


#endif /* _REGISTRY_WORKER_H_INCLUDED_ */
