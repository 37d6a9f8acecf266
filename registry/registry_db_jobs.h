
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_JOBS_H_INCLUDED_
#define _REGISTRY_DB_JOBS_H_INCLUDED_


#include "registry_db.h"
#include "registry_pool.h"
#include "registry_record.h"


typedef struct registry_job_s  registry_job_t;

/* what the Locations API knows of the data: a row of ngx_glance_imports */

typedef struct {
    glance_str_t     task;              /* its id */
    glance_str_t     url;               /* of the job */
    glance_str_t     hash_algo;
    glance_str_t     hash_value;
    bool             checked;           /* by these two */
    bool             located;           /* the image has the location */
} registry_import_t;

/* a row of ngx_glance_jobs: data to be fetched from a URL */

struct registry_job_s {
    registry_job_t  *next;
    glance_str_t     image_id;
    glance_str_t     url;
    glance_str_t     holder;            /* of the last lease */
    glance_str_t     node;
    glance_str_t     last_error;
    int64_t          tries;
    int64_t          due;               /* seconds until the next try */
    int64_t          size;              /* what the record announces, or
                                           REGISTRY_NUMBER_NULL */
    bool             ended;             /* without success */
    bool             import;            /* nothing is copied: */
    registry_import_t  what;
};


/* in place of another one for the image; INVALID: there is no such table */
registry_rc_e registry_db_job_add(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t url, registry_err_t *err);

/*
 * The next job that nobody does, for the holder; the one that it has taken
 * already.  NOT_FOUND: none.  A worker may know copies only.
 */
typedef struct {
    glance_str_t     holder;
    glance_str_t     node;
    int64_t          lease;
    bool             imports;
} registry_job_taker_t;

registry_rc_e registry_db_job_take(registry_tx_t *tx, registry_pool_t *pool,
    const registry_job_taker_t *taker, registry_job_t *job,
    registry_err_t *err);

/* of the job that the holder has; NOT_FOUND: it has it no more */
registry_rc_e registry_db_job_renew(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, int64_t lease, registry_err_t *err);
registry_rc_e registry_db_job_done(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, registry_err_t *err);
registry_rc_e registry_db_job_again(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, glance_str_t text, registry_err_t *err);

/* for good, whatever becomes of the image */
registry_rc_e registry_db_job_ended(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, glance_str_t text, registry_err_t *err);

/* the image is killed; CONFLICT: an upload to it is still under way */
registry_rc_e registry_db_job_failed(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t holder, glance_str_t text,
    registry_err_t *err);

registry_rc_e registry_db_job_list(registry_tx_t *tx, registry_pool_t *pool,
    int64_t limit, registry_job_t **jobs, registry_err_t *err);


#endif /* _REGISTRY_DB_JOBS_H_INCLUDED_ */
