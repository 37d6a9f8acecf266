
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_MANAGE_H_INCLUDED_
#define _REGISTRY_DB_MANAGE_H_INCLUDED_


#include "registry_db.h"
#include "registry_pool.h"
#include "registry_record.h"


/* what only an operator asks of a database */

typedef struct {
    bool      images;           /* images and all of theirs; else the other
                                   tables, and no image */
    int64_t   before;           /* epoch: of what was deleted earlier */
    int64_t   max;              /* rows of each table; -1: all */
    void    (*told)(void *arg, const char *table, int64_t rows);
    void     *arg;              /* "told" is called for each table */
} registry_purge_t;

/*
 * Removes rows that were soft-deleted, in many short transactions, children
 * before parents.  Rows stay whose data wait for a scrubber or a worker: they
 * are all that is known about the data, and keep the id from being taken
 * again.
 */
registry_rc_e registry_db_purge(registry_db_t *db,
    const registry_purge_t *purge, registry_err_t *err);


/* data that wait to be removed, due or not */

typedef struct {
    glance_str_t  image_id;
    glance_str_t  url;          /* with credentials */
    glance_str_t  last_error;   /* data NULL: none */
    int64_t       tries;        /* REGISTRY_NUMBER_NULL: a delayed delete */
    int64_t       due;          /* in seconds; of a delayed delete: how many
                                   seconds ago it was deleted, below zero */
} registry_waiting_t;

/* one page, at most "max" rows, in no order; memory is the pool's */
registry_rc_e registry_db_waiting(registry_tx_t *tx, registry_pool_t *pool,
    registry_waiting_t *rows, size_t max, size_t *n, registry_err_t *err);


#endif /* _REGISTRY_DB_MANAGE_H_INCLUDED_ */
