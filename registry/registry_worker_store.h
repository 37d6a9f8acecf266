
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _REGISTRY_WORKER_STORE_H_INCLUDED_
#define _REGISTRY_WORKER_STORE_H_INCLUDED_


/* between the files of registry_worker_*.c */

#include <stdbool.h>

#include "registry_client.h"
#include "registry_worker.h"


#define REGISTRY_WORKER_PATH  4096


struct registry_worker_s {
    registry_client_t  *client;
    int                 root;           /* -1: there is no such directory */
    int                 upload;
    bool                silent;         /* the registry did not answer */
    bool                away;           /* the store is not there */
    bool              (*stop)(void *arg);
    void               *arg;
    char                datadir[REGISTRY_WORKER_PATH];
    char                socket[REGISTRY_WORKER_PATH];   /* of glance-api */
};


/* one search each; results are those of registry_worker_pass() */
bool registry_worker_uploads(registry_worker_t *worker, bool all);
bool registry_worker_removals(registry_worker_t *worker);

/* false: no registry answered, which is told once */
bool registry_worker_call(registry_worker_t *worker,
    const char *method, const char *path, const char *body,
    registry_answer_t *answer);

/*
 * Whether url is file://{datadir}/{id}, in any spelling of the directory;
 * id has room for GLANCE_IMAGE_ID_MAX + 1 bytes.
 */
bool registry_worker_inside(registry_worker_t *worker,
    const char *url, char *id);

/* true also when there is no such file; errno tells why not */
bool registry_worker_unlink(registry_worker_t *worker, int dir,
    const char *name);
bool registry_worker_stopped(registry_worker_t *worker);


#endif /* _REGISTRY_WORKER_STORE_H_INCLUDED_ */
