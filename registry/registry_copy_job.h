
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_COPY_JOB_H_INCLUDED_
#define _REGISTRY_COPY_JOB_H_INCLUDED_


#include <jansson.h>
#include <pthread.h>

#include "glance_image.h"
#include "glance_uuid.h"
#include "registry_copy.h"
#include "registry_fetch.h"


/* what the files registry_copy*.c share; nobody else includes it */

#define REGISTRY_COPY_PATH  4096


struct registry_copy_s {
    registry_client_t      *client;
    registry_fetch_conf_t   conf;
    char                   *node;
    char                   *ca_file;
    char                   *hash;       /* of data of which none is given */
    char                    socket[REGISTRY_COPY_PATH];
    int64_t                 lease;      /* seconds */
    int64_t                 retries;    /* of data that were there */
    bool                    secure;     /* data at locations are read */

    bool                    running;    /* the thread */
    bool                    stop;       /* under the lock */
    pthread_t               thread;
    pthread_mutex_t         lock;
    pthread_cond_t          wake;

    /* of the job in hand */
    char                    image[GLANCE_IMAGE_ID_MAX + 1];
    char                    holder[GLANCE_UUID_LEN + 1];
    char                    algo[64];
    int64_t                 tries;
    int64_t                 size;
    char                   *url;
    int64_t                 asked;      /* ms, for a renewal */
    int64_t                 told;       /* ms */
    bool                    lost;
    bool                    import;     /* nothing is copied */
    bool                    located;    /* the image has the location */
};


/* a location of the Locations API: its data are found, and read */
void registry_copy_import(registry_copy_t *copy);

/* registry_copy.c: for registry_fetch() */
bool registry_copy_tick(void *arg, int64_t received, int64_t total);

/* told until the registry has heard it; json is stolen */
void registry_copy_report(registry_copy_t *copy, const char *method,
    json_t *json);

/* 0: no answer; json is stolen */
unsigned registry_copy_call(registry_copy_t *copy, const char *method,
    const char *path, json_t *json, registry_answer_t *answer);


#endif /* _REGISTRY_COPY_JOB_H_INCLUDED_ */
