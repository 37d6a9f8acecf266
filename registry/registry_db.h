
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_H_INCLUDED_
#define _REGISTRY_DB_H_INCLUDED_


#include <stdbool.h>

#include "registry_config.h"
#include "registry_err.h"


/* a database, shared by all threads; a thread's connection in a transaction */

typedef struct registry_db_s  registry_db_t;
typedef struct registry_tx_s  registry_tx_t;

typedef registry_rc_e (*registry_db_pt)(registry_tx_t *tx, void *arg,
    registry_err_t *err);

typedef enum {
    REGISTRY_READ = 0,          /* no transaction: each statement by itself */
    REGISTRY_WRITE
} registry_db_mode_e;


/*
 * New reference.  Does not connect: each thread does at its first use, and
 * again whenever its connection was lost or idled for too long.  Threads
 * other than the caller's have ended when it is freed.
 */
registry_db_t *registry_db_new(const registry_config_t *cf,
    registry_err_t *err);
void registry_db_free(registry_db_t *db);

/* "mysql user@host:3306/glance", for logs */
const char *registry_db_name(const registry_db_t *db);

/* the path if it is a file, else NULL */
const char *registry_db_file(const registry_db_t *db);

/*
 * Calls fn inside of a transaction, commits when it returns REGISTRY_OK and
 * rolls back otherwise.  After a deadlock or a lost connection fn is called
 * again, a bounded number of times: it starts anew each time.
 * REGISTRY_BUSY: the database cannot be reached.  err is filled.
 */
registry_rc_e registry_db_run(registry_db_t *db, const char *name,
    registry_db_mode_e mode, registry_db_pt fn, void *arg,
    registry_err_t *err);

/* the answer of a trivial statement */
registry_rc_e registry_db_ping(registry_db_t *db, registry_err_t *err);

/*
 * A commit of an earlier call of fn was sent and never answered: what fn
 * finds may be its own work.
 */
bool registry_tx_repeated(const registry_tx_t *tx);


typedef enum {
    REGISTRY_SCHEMA_EMPTY = 0,
    REGISTRY_SCHEMA_PARTIAL,    /* our own creation did not finish */
    REGISTRY_SCHEMA_OWN,
    REGISTRY_SCHEMA_FOREIGN,    /* made by a Python Glance */
    REGISTRY_SCHEMA_UNKNOWN     /* tables without a revision we know */
} registry_schema_e;

typedef struct {
    registry_schema_e  state;
    bool               latest;          /* OWN: nothing is missing */
    bool               claims;          /* our tables are there */
    bool               jobs;
    bool               served;          /* all columns are there */
    char               version[128];    /* rows of alembic_version */
    registry_err_t     reason;          /* if it is not served */
} registry_schema_info_t;

/* changes nothing */

registry_rc_e registry_db_schema_info(registry_db_t *db,
    registry_schema_info_t *info, registry_err_t *err);

/*
 * Creates what is missing: all tables in an empty database, in a foreign one
 * only our own.  Several programs may do it at once.
 */
registry_rc_e registry_db_schema_sync(registry_db_t *db, registry_err_t *err);

/*
 * The same once, before the first transaction; REGISTRY_BUSY while the
 * database is not reachable, anything else is for the operator to repair.
 */
registry_rc_e registry_db_ready(registry_db_t *db, registry_err_t *err);


#endif /* _REGISTRY_DB_H_INCLUDED_ */
