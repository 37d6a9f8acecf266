
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "glance_time.h"
#include "registry_log.h"
#include "registry_tx.h"


#define REGISTRY_DB_DEADLINE  15000     /* ms for all tries of a transaction */
#define REGISTRY_DB_RETRIES   20
#define REGISTRY_DB_SLOW      1000      /* ms: do not line up for this */


typedef struct {
    registry_db_t    *db;
    registry_sql_t   *sql;              /* NULL: not connected */
    registry_pool_t  *pool;
    int64_t           used;             /* ms, when it was last */
    bool              fresh;            /* no statement has succeeded yet */
} registry_handle_t;


static registry_handle_t *registry_db_handle(registry_db_t *db);
static void registry_db_handle_free(void *data);
static registry_rc_e registry_db_connect(registry_handle_t *h,
    registry_err_t *err);
static void registry_db_disconnect(registry_handle_t *h);
static registry_rc_e registry_db_once(registry_handle_t *h, registry_tx_t *tx,
    registry_db_mode_e mode, registry_db_pt fn, void *arg,
    registry_err_t *err);
static void registry_db_backoff(int64_t attempt);
static void registry_db_begin(registry_handle_t *h, registry_tx_t *tx);
static registry_rc_e registry_db_ping_row(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_db_ping_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);


registry_db_t *
registry_db_new(const registry_config_t *cf, registry_err_t *err)
{
    registry_db_t  *db;

    db = calloc(1, sizeof(registry_db_t));
    if (db == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "out of memory");
        return NULL;
    }

    if (registry_dsn_parse(&db->dsn,
                           registry_config_str(cf, "sql_connection"), err)
        != REGISTRY_OK)
    {
        free(db);
        return NULL;
    }

    db->driver = (db->dsn.type == REGISTRY_DSN_MYSQL) ? &registry_sql_mysql
                                                      : &registry_sql_sqlite;
    db->idle_timeout = registry_config_int(cf, "sql_idle_timeout");
    db->retries = REGISTRY_DB_RETRIES;
    db->interval = registry_config_int(cf, "sql_retry_interval") * 1000;

    registry_dsn_describe(&db->dsn, db->name, sizeof(db->name));

    if (pthread_mutex_init(&db->lock, NULL) != 0) {
        goto failed;
    }

    if (pthread_key_create(&db->key, registry_db_handle_free) != 0) {
        (void) pthread_mutex_destroy(&db->lock);
        goto failed;
    }

    return db;

failed:

    (void) registry_err_set(err, REGISTRY_ERROR, "out of resources");
    registry_dsn_free(&db->dsn);
    free(db);

    return NULL;
}


void
registry_db_free(registry_db_t *db)
{
    void  *handle;

    if (db == NULL) {
        return;
    }

    handle = pthread_getspecific(db->key);

    if (handle != NULL) {
        (void) pthread_setspecific(db->key, NULL);
        registry_db_handle_free(handle);
    }

    (void) pthread_key_delete(db->key);
    (void) pthread_mutex_destroy(&db->lock);
    registry_dsn_free(&db->dsn);
    free(db);
}


const char *
registry_db_name(const registry_db_t *db)
{
    return db->name;
}


const char *
registry_db_file(const registry_db_t *db)
{
    return (db->dsn.type == REGISTRY_DSN_SQLITE) ? db->dsn.path : NULL;
}


registry_rc_e
registry_db_run(registry_db_t *db, const char *name, registry_db_mode_e mode,
    registry_db_pt fn, void *arg, registry_err_t *err)
{
    int64_t             attempt, start;
    registry_tx_t       tx;
    registry_rc_e       rc;
    registry_fault_e    fault;
    registry_handle_t  *h;

    err->text[0] = '\0';

    if (registry_db_ready(db, err) != REGISTRY_OK) {
        return REGISTRY_BUSY;
    }

    h = registry_db_handle(db);
    if (h == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    tx.repeated = false;
    start = registry_db_clock();

    for (attempt = 1; /* void */ ; attempt++) {

        if (registry_db_connect(h, err) != REGISTRY_OK) {
            return REGISTRY_BUSY;
        }

        rc = registry_db_once(h, &tx, mode, fn, arg, err);

        h->used = registry_db_clock();
        fault = h->sql->fault;

        if (rc != REGISTRY_BUSY) {
            h->fresh = false;
            return rc;
        }

        if (fault == REGISTRY_FAULT_LOST) {

            registry_log(REGISTRY_LOG_WARNING, REGISTRY_SQL_LOG,
                         "connection lost transaction=\"%s\" attempt=%d "
                         "reason=\"%s\"", name, (int) attempt, err->text);

            registry_db_disconnect(h);

            /* a connection that was new has told the truth */

            if (h->fresh) {
                return rc;
            }

            continue;
        }

        if (attempt >= db->retries
            || registry_db_clock() - start >= REGISTRY_DB_DEADLINE)
        {
            registry_log(REGISTRY_LOG_ERROR, REGISTRY_SQL_LOG,
                         "transaction given up name=\"%s\" attempts=%d "
                         "reason=\"%s\"", name, (int) attempt, err->text);
            return rc;
        }

        registry_log(REGISTRY_LOG_DEBUG, REGISTRY_SQL_LOG,
                     "transaction repeated name=\"%s\" attempt=%d "
                     "reason=\"%s\"", name, (int) attempt, err->text);

        registry_db_backoff(attempt);
    }
}


registry_rc_e
registry_db_ping(registry_db_t *db, registry_err_t *err)
{
    return registry_db_run(db, "ping", REGISTRY_READ, registry_db_ping_run,
                           NULL, err);
}


bool
registry_tx_repeated(const registry_tx_t *tx)
{
    return tx->repeated;
}


registry_rc_e
registry_tx_exec(registry_tx_t *tx, const char *text,
    const registry_value_t *args, size_t n, registry_err_t *err)
{
    return registry_sql_exec(tx->sql, text, args, n, err);
}


registry_rc_e
registry_tx_query(registry_tx_t *tx, const char *text, const char *types,
    const registry_value_t *args, size_t n, registry_row_pt row, void *arg,
    registry_err_t *err)
{
    return registry_sql_query(tx->sql, text, types, args, n, row, arg, err);
}


int64_t
registry_tx_changed(const registry_tx_t *tx)
{
    return tx->sql->changed;
}


void
registry_tx_time(int64_t epoch, unsigned char *dst)
{
    glance_time_seed(epoch, dst);
    memcpy(dst + GLANCE_TIME_SEED_LEN, ".000000",
           REGISTRY_TX_TIME_LEN - GLANCE_TIME_SEED_LEN);
}


int64_t
registry_tx_epoch(const registry_value_t *value)
{
    int64_t  epoch;

    if (value->type != REGISTRY_VALUE_TEXT
        || !glance_time_parse(value->text, &epoch))
    {
        return REGISTRY_TIME_NULL;
    }

    return epoch;
}


registry_rc_e
registry_db_session(registry_db_t *db, registry_tx_t *tx, registry_err_t *err)
{
    registry_rc_e       rc;
    registry_handle_t  *h;

    h = registry_db_handle(db);
    if (h == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    rc = registry_db_connect(h, err);

    if (rc == REGISTRY_OK) {
        tx->repeated = false;
        registry_db_begin(h, tx);
        h->used = registry_db_clock();
    }

    return rc;
}


void
registry_db_drop(registry_db_t *db)
{
    registry_handle_t  *h;

    h = pthread_getspecific(db->key);

    if (h != NULL) {
        registry_db_disconnect(h);
    }
}


static registry_handle_t *
registry_db_handle(registry_db_t *db)
{
    registry_handle_t  *h;

    h = pthread_getspecific(db->key);

    if (h != NULL) {
        return h;
    }

    h = calloc(1, sizeof(registry_handle_t));
    if (h == NULL) {
        return NULL;
    }

    h->db = db;
    h->pool = registry_pool_new();

    if (h->pool == NULL || pthread_setspecific(db->key, h) != 0) {
        registry_pool_free(h->pool);
        free(h);
        return NULL;
    }

    return h;
}


/* also when a thread ends */

static void
registry_db_handle_free(void *data)
{
    registry_handle_t *h = data;

    const registry_sql_driver_t  *driver;

    driver = h->db->driver;

    registry_db_disconnect(h);
    registry_pool_free(h->pool);
    free(h);
    driver->thread_end();
}


static registry_rc_e
registry_db_connect(registry_handle_t *h, registry_err_t *err)
{
    int64_t            start, now;
    registry_db_t     *db = h->db;
    registry_rc_e      rc;
    registry_fault_e   fault;

    start = registry_db_clock();

    if (h->sql != NULL) {

        if (start - h->used < db->idle_timeout * 1000) {
            return REGISTRY_OK;
        }

        registry_log(REGISTRY_LOG_DEBUG, REGISTRY_SQL_LOG,
                     "connection renewed idle=%d", (int) db->idle_timeout);

        registry_db_disconnect(h);
    }

    if (start < __atomic_load_n(&db->wait_until, __ATOMIC_RELAXED)) {
        return registry_err_set(err, REGISTRY_BUSY,
                                "database is not reachable");
    }

    rc = db->driver->open(&h->sql, &db->dsn, &fault, err);

    now = registry_db_clock();

    if (rc != REGISTRY_OK) {
        h->sql = NULL;

        if (now - start >= REGISTRY_DB_SLOW) {
            __atomic_store_n(&db->wait_until, now + db->interval,
                             __ATOMIC_RELAXED);
        }

        if (__atomic_exchange_n(&db->down, 1, __ATOMIC_RELAXED) == 0) {
            registry_log(REGISTRY_LOG_ERROR, REGISTRY_SQL_LOG,
                         "not reachable database=\"%s\" reason=\"%s\"",
                         db->name, err->text);
        }

        return (fault == REGISTRY_FAULT_DENIED) ? REGISTRY_FORBIDDEN
                                                : REGISTRY_BUSY;
    }

    h->used = now;
    h->fresh = true;

    if (__atomic_exchange_n(&db->down, 0, __ATOMIC_RELAXED) == 1) {
        registry_log(REGISTRY_LOG_WARNING, REGISTRY_SQL_LOG,
                     "reached again database=\"%s\"", db->name);
    }

    return REGISTRY_OK;
}


static void
registry_db_disconnect(registry_handle_t *h)
{
    if (h->sql != NULL) {
        h->db->driver->close(h->sql);
        h->sql = NULL;
    }
}


static registry_rc_e
registry_db_once(registry_handle_t *h, registry_tx_t *tx,
    registry_db_mode_e mode, registry_db_pt fn, void *arg,
    registry_err_t *err)
{
    registry_rc_e                 rc;
    const registry_sql_driver_t  *driver;

    driver = h->db->driver;
    h->sql->fault = REGISTRY_FAULT_NONE;

    registry_db_begin(h, tx);

    if (mode == REGISTRY_READ) {
        return fn(tx, arg, err);
    }

    rc = driver->begin(h->sql, err);

    if (rc == REGISTRY_OK) {
        rc = fn(tx, arg, err);

        if (rc == REGISTRY_OK) {
            rc = driver->commit(h->sql, err);

            if (rc == REGISTRY_OK) {
                return REGISTRY_OK;
            }

            if (h->sql->fault == REGISTRY_FAULT_LOST) {
                tx->repeated = true;
            }
        }
    }

    if (h->sql->fault != REGISTRY_FAULT_LOST) {
        driver->rollback(h->sql);
    }

    return rc;
}


/* a random part of 10, 20, 40 ... 320 ms */

static void
registry_db_backoff(int64_t attempt)
{
    int64_t          ms;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    ms = 10 << ((attempt < 6) ? attempt - 1 : 5);
    ms = 1 + ts.tv_nsec / 1000 % ms;

    ts.tv_sec = 0;
    ts.tv_nsec = ms * 1000000;

    (void) nanosleep(&ts, NULL);
}


static void
registry_db_begin(registry_handle_t *h, registry_tx_t *tx)
{
    tx->db = h->db;
    tx->sql = h->sql;
    tx->pool = h->pool;

    registry_pool_reset(h->pool);
    registry_tx_time((int64_t) time(NULL), tx->now_text);

    tx->now.data = tx->now_text;
    tx->now.len = REGISTRY_TX_TIME_LEN;
}


static registry_rc_e
registry_db_ping_row(void *arg, const registry_value_t *row)
{
    (void) arg;
    (void) row;

    return REGISTRY_OK;
}


static registry_rc_e
registry_db_ping_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    (void) arg;

    return registry_tx_query(tx, "SELECT 1", "i", NULL, 0,
                             registry_db_ping_row, NULL, err);
}


int64_t
registry_db_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
