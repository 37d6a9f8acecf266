
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_sweep.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "registry_db_claims.h"
#include "registry_db_once.h"
#include "registry_log.h"


#define REGISTRY_SWEEP_BATCH   100
#define REGISTRY_SWEEP_FORGET  60       /* seconds */


struct registry_sweep_s {
    registry_db_t    *db;
    int64_t           interval;
    int64_t           grace;
    time_t            forgot;
    bool              stop;
    pthread_t         thread;
    pthread_mutex_t   lock;
    pthread_cond_t    wake;
};

typedef struct {
    registry_pool_t       *pool;
    registry_claim_row_t   claims[REGISTRY_SWEEP_BATCH];
    size_t                 n;
    registry_claim_row_t   claim;
    const char            *status;
    glance_str_t           id;
} registry_sweep_batch_t;


static void *registry_sweep_thread(void *data);
static bool registry_sweep_wait(registry_sweep_t *sweep, int64_t seconds);
static registry_rc_e registry_sweep_once(registry_sweep_t *sweep,
    bool *more);
static registry_rc_e registry_sweep_list(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_sweep_forget(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_sweep_claim(registry_tx_t *tx, void *arg,
    registry_err_t *err);


registry_sweep_t *
registry_sweep_start(registry_db_t *db, int64_t interval, int64_t grace,
    registry_err_t *err)
{
    registry_sweep_t    *sweep;
    pthread_condattr_t   attr;

    sweep = calloc(1, sizeof(registry_sweep_t));

    if (sweep == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "out of memory");
        return NULL;
    }

    sweep->db = db;
    sweep->interval = interval;
    sweep->grace = grace;

    (void) pthread_mutex_init(&sweep->lock, NULL);
    (void) pthread_condattr_init(&attr);
    (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&sweep->wake, &attr);
    (void) pthread_condattr_destroy(&attr);

    if (pthread_create(&sweep->thread, NULL, registry_sweep_thread, sweep)
        != 0)
    {
        (void) registry_err_set(err, REGISTRY_ERROR, "no thread to sweep");
        free(sweep);
        return NULL;
    }

    return sweep;
}


/* sweep may be NULL */

void
registry_sweep_stop(registry_sweep_t *sweep)
{
    if (sweep == NULL) {
        return;
    }

    (void) pthread_mutex_lock(&sweep->lock);
    sweep->stop = true;
    (void) pthread_cond_signal(&sweep->wake);
    (void) pthread_mutex_unlock(&sweep->lock);

    (void) pthread_join(sweep->thread, NULL);
    (void) pthread_cond_destroy(&sweep->wake);
    (void) pthread_mutex_destroy(&sweep->lock);

    free(sweep);
}


static void *
registry_sweep_thread(void *data)
{
    registry_sweep_t *sweep = data;

    bool            more;
    int64_t         seconds;
    registry_rc_e   rc;
    registry_err_t  err;

    seconds = sweep->grace;

    while (registry_sweep_wait(sweep, seconds)) {

        rc = registry_sweep_once(sweep, &more);
        seconds = more ? 0 : sweep->interval;

        if (rc == REGISTRY_BUSY) {

            /* nobody could renew without the database either */

            do {
                rc = registry_db_ping(sweep->db, &err);
            } while (rc == REGISTRY_BUSY && registry_sweep_wait(sweep, 1));

            seconds = sweep->grace;
        }
    }

    return NULL;
}


/* false: the end has come */

static bool
registry_sweep_wait(registry_sweep_t *sweep, int64_t seconds)
{
    int              rc;
    bool             stop;
    struct timespec  until;

    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t) seconds;

    (void) pthread_mutex_lock(&sweep->lock);

    rc = 0;

    while (!sweep->stop && rc == 0) {
        rc = pthread_cond_timedwait(&sweep->wake, &sweep->lock, &until);
    }

    stop = sweep->stop;

    (void) pthread_mutex_unlock(&sweep->lock);

    return !stop;
}


/* *more: it went well, and there may be others whose lease is over */

static registry_rc_e
registry_sweep_once(registry_sweep_t *sweep, bool *more)
{
    size_t                   i;
    registry_rc_e            rc;
    registry_err_t           err;
    registry_sweep_batch_t  *batch;

    *more = false;

    batch = calloc(1, sizeof(registry_sweep_batch_t));
    if (batch == NULL) {
        return REGISTRY_ERROR;
    }

    batch->pool = registry_pool_new();

    if (batch->pool == NULL) {
        free(batch);
        return REGISTRY_ERROR;
    }

    rc = registry_db_run(sweep->db, "sweep list", REGISTRY_READ,
                         registry_sweep_list, batch, &err);

    for (i = 0; rc == REGISTRY_OK && i < batch->n; i++) {
        batch->id = batch->claims[i].id;

        rc = registry_db_run(sweep->db, "sweep claim", REGISTRY_WRITE,
                             registry_sweep_claim, batch, &err);

        if (rc == REGISTRY_OK) {
            registry_log(REGISTRY_LOG_WARNING, "sweep",
                         "lease over, image given up image=%.*s status=%s",
                         (int) batch->claim.image_id.len,
                         (const char *) batch->claim.image_id.data,
                         batch->status);

        } else if (rc == REGISTRY_NOT_FOUND || rc == REGISTRY_CONFLICT) {

            /* another registry was faster, or the uploader is back */

            rc = REGISTRY_OK;
        }
    }

    if (rc == REGISTRY_OK
        && time(NULL) - sweep->forgot > REGISTRY_SWEEP_FORGET)
    {
        sweep->forgot = time(NULL);

        rc = registry_db_run(sweep->db, "sweep once", REGISTRY_WRITE,
                             registry_sweep_forget, NULL, &err);
    }

    if (rc != REGISTRY_OK) {
        registry_log(REGISTRY_LOG_WARNING, "sweep", "failed: %s", err.text);

    } else {
        *more = (batch->n == REGISTRY_SWEEP_BATCH);
    }

    registry_pool_free(batch->pool);
    free(batch);

    return rc;
}


static registry_rc_e
registry_sweep_list(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_sweep_batch_t *batch = arg;

    batch->n = REGISTRY_SWEEP_BATCH;

    return registry_db_claim_list(tx, batch->pool, true, batch->claims,
                                  &batch->n, err);
}


static registry_rc_e
registry_sweep_forget(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    (void) arg;

    return registry_db_once_forget(tx, err);
}


static registry_rc_e
registry_sweep_claim(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_sweep_batch_t *batch = arg;

    return registry_db_claim_abandon(tx, batch->pool, batch->id, true,
                                     &batch->claim, &batch->status, err);
}
