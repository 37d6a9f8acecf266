
/*
 * Copyright (C) ngx_glance authors
 */


#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "registry_dsn.h"
#include "registry_sql.h"


#define REGISTRY_SQLITE_WAIT   5000     /* ms for another writer */
#define REGISTRY_SQLITE_PAUSE  10       /* ms between two attempts */


typedef struct {
    registry_sql_t   base;
    sqlite3         *db;
} registry_sqlite_t;

typedef struct {
    registry_stmt_t   base;
    sqlite3_stmt     *stmt;
} registry_sqlite_stmt_t;


static registry_rc_e registry_sqlite_open(registry_sql_t **sql,
    const registry_dsn_t *dsn, registry_fault_e *fault, registry_err_t *err);
static int registry_sqlite_pragma(sqlite3 *db, const char *sql);
static registry_rc_e registry_sqlite_file(const char *path,
    registry_err_t *err);
static void registry_sqlite_close(registry_sql_t *sql);
static registry_rc_e registry_sqlite_begin(registry_sql_t *sql,
    registry_err_t *err);
static registry_rc_e registry_sqlite_commit(registry_sql_t *sql,
    registry_err_t *err);
static void registry_sqlite_rollback(registry_sql_t *sql);
static registry_rc_e registry_sqlite_prepare(registry_sql_t *sql,
    const char *text, registry_stmt_t **stmt, registry_err_t *err);
static registry_rc_e registry_sqlite_exec(registry_sql_t *sql,
    registry_stmt_t *stmt, const registry_value_t *args, size_t n,
    registry_err_t *err);
static registry_rc_e registry_sqlite_query(registry_sql_t *sql,
    registry_stmt_t *stmt, const char *types, const registry_value_t *args,
    size_t n, registry_row_pt row, void *arg, registry_err_t *err);
static registry_rc_e registry_sqlite_bind(registry_sqlite_t *s,
    sqlite3_stmt *stmt, const registry_value_t *args, size_t n,
    registry_err_t *err);
static void registry_sqlite_column(sqlite3_stmt *stmt, int i, char type,
    registry_value_t *value);
static void registry_sqlite_unprepare(registry_stmt_t *stmt);
static registry_rc_e registry_sqlite_direct(registry_sql_t *sql,
    const char *text, registry_err_t *err);
static registry_fault_e registry_sqlite_fault(int rc);
static registry_rc_e registry_sqlite_failed(registry_sqlite_t *s, int rc,
    registry_err_t *err);
static void registry_sqlite_thread_end(void);


static const registry_dialect_t  registry_sqlite_dialect[] = {
    { "{lock}", "" },
    { "{exact}", "" },
    { "{force}", " INDEXED BY " },
    { "{/force}", "" },
    { "{primary}", "sqlite_autoindex_images_1" },
    { "{scan}", "" },
    { "{epoch}", "CAST(strftime('%s', 'now') AS INTEGER)" },
    { "{insert ignore}", "INSERT OR IGNORE" },
    { "{property exists}", "ON CONFLICT (image_id, name) DO UPDATE SET"
      " value = excluded.value, deleted = 0, deleted_at = NULL,"
      " updated_at = excluded.updated_at" },
    { "{tables}", "(SELECT name FROM sqlite_master WHERE type = 'table') t" },
    { NULL, NULL }
};


const registry_sql_driver_t  registry_sql_sqlite = {
    .name = "sqlite",
    .dialect = registry_sqlite_dialect,
    .row_values = true,
    .open = registry_sqlite_open,
    .close = registry_sqlite_close,
    .begin = registry_sqlite_begin,
    .commit = registry_sqlite_commit,
    .rollback = registry_sqlite_rollback,
    .prepare = registry_sqlite_prepare,
    .exec = registry_sqlite_exec,
    .query = registry_sqlite_query,
    .unprepare = registry_sqlite_unprepare,
    .direct = registry_sqlite_direct,
    .thread_end = registry_sqlite_thread_end
};


/*
 * A commit is on the disk before it is acknowledged.  The pages of the indices
 * that a list of a large cloud goes through stay in a connection's 8 MiB.
 */

static const char *const  registry_sqlite_pragmas[] = {
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -8192",
    NULL
};


static pthread_once_t  registry_sqlite_once = PTHREAD_ONCE_INIT;


/* nobody asks how much memory it has, and counting takes a global lock */

static void
registry_sqlite_configure(void)
{
    (void) sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}


static registry_rc_e
registry_sqlite_open(registry_sql_t **sql, const registry_dsn_t *dsn,
    registry_fault_e *fault, registry_err_t *err)
{
    int                 rc;
    registry_rc_e       result;
    registry_sqlite_t  *s;

    *fault = REGISTRY_FAULT_OTHER;

    (void) pthread_once(&registry_sqlite_once, registry_sqlite_configure);

    s = calloc(1, sizeof(registry_sqlite_t));
    if (s == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    s->base.driver = &registry_sql_sqlite;

    result = registry_sqlite_file(dsn->path, err);

    if (result != REGISTRY_OK) {
        free(s);
        return result;
    }

    rc = sqlite3_open_v2(dsn->path, &s->db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                         | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc != SQLITE_OK) {
        goto failed;
    }

    (void) sqlite3_extended_result_codes(s->db, 1);

    for (size_t i = 0; registry_sqlite_pragmas[i] != NULL; i++) {

        rc = registry_sqlite_pragma(s->db, registry_sqlite_pragmas[i]);

        if (rc != SQLITE_OK) {
            goto failed;
        }
    }

    (void) sqlite3_busy_timeout(s->db, REGISTRY_SQLITE_WAIT);

    *sql = &s->base;
    *fault = REGISTRY_FAULT_NONE;

    return REGISTRY_OK;

failed:

    *fault = registry_sqlite_fault(rc);

    (void) registry_err_set(err, REGISTRY_BUSY, "cannot open \"%s\": %s",
                            dsn->path,
                            (s->db == NULL) ? sqlite3_errstr(rc)
                                            : sqlite3_errmsg(s->db));
    (void) sqlite3_close(s->db);
    free(s);

    return REGISTRY_BUSY;
}


/*
 * Whatever its busy time is, SQLite does not wait for others when it changes
 * the journal mode: several programs may open a new database at once.
 */

static int
registry_sqlite_pragma(sqlite3 *db, const char *sql)
{
    int              rc;
    struct timespec  pause = { .tv_nsec = REGISTRY_SQLITE_PAUSE * 1000000 };

    for (int waited = 0; /* void */ ; waited += REGISTRY_SQLITE_PAUSE) {

        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

        if ((rc & 0xff) != SQLITE_BUSY || waited >= REGISTRY_SQLITE_WAIT) {
            return rc;
        }

        (void) nanosleep(&pause, NULL);
    }
}


/*
 * Locations may hold credentials: the file is not for everybody.  A file that
 * exists is not touched: closing it would drop the locks that SQLite holds on
 * it for the process, and another program would take the database for unused.
 */

static registry_rc_e
registry_sqlite_file(const char *path, registry_err_t *err)
{
    int  fd;

    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0640);

    if (fd == -1 && errno == EEXIST) {
        return REGISTRY_OK;
    }

    if (fd == -1) {
        return registry_err_set(err, REGISTRY_BUSY, "cannot open \"%s\": %s",
                                path, strerror(errno));
    }

    (void) close(fd);

    return REGISTRY_OK;
}


static void
registry_sqlite_close(registry_sql_t *sql)
{
    registry_sqlite_t *s = (registry_sqlite_t *) sql;

    registry_sql_forget(sql);
    (void) sqlite3_close(s->db);
    free(s);
}


/* the lock is taken at once: a later upgrade could only fail */

static registry_rc_e
registry_sqlite_begin(registry_sql_t *sql, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_sql_exec(sql, "BEGIN IMMEDIATE", NULL, 0, err);

    sql->in_transaction = (rc == REGISTRY_OK);

    return rc;
}


static registry_rc_e
registry_sqlite_commit(registry_sql_t *sql, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_sql_exec(sql, "COMMIT", NULL, 0, err);

    if (rc == REGISTRY_OK) {
        sql->in_transaction = false;
    }

    return rc;
}


static void
registry_sqlite_rollback(registry_sql_t *sql)
{
    registry_sqlite_t *s = (registry_sqlite_t *) sql;

    registry_fault_e  fault;

    /* some errors have rolled it back already */

    if (sqlite3_get_autocommit(s->db) == 0) {
        fault = sql->fault;
        (void) registry_sql_exec(sql, "ROLLBACK", NULL, 0, NULL);
        sql->fault = fault;
    }

    sql->in_transaction = false;
}


static registry_rc_e
registry_sqlite_prepare(registry_sql_t *sql, const char *text,
    registry_stmt_t **stmt, registry_err_t *err)
{
    registry_sqlite_t *s = (registry_sqlite_t *) sql;

    int                      rc;
    registry_sqlite_stmt_t  *st;

    st = calloc(1, sizeof(registry_sqlite_stmt_t));
    if (st == NULL) {
        sql->fault = REGISTRY_FAULT_OTHER;
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    rc = sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT,
                            &st->stmt, NULL);

    if (rc != SQLITE_OK) {
        free(st);
        return registry_sqlite_failed(s, rc, err);
    }

    *stmt = &st->base;

    return REGISTRY_OK;
}


static registry_rc_e
registry_sqlite_exec(registry_sql_t *sql, registry_stmt_t *stmt,
    const registry_value_t *args, size_t n, registry_err_t *err)
{
    registry_sqlite_t       *s = (registry_sqlite_t *) sql;
    registry_sqlite_stmt_t  *st = (registry_sqlite_stmt_t *) stmt;

    int            rc;
    registry_rc_e  result;

    result = registry_sqlite_bind(s, st->stmt, args, n, err);

    if (result != REGISTRY_OK) {
        return result;
    }

    do {
        rc = sqlite3_step(st->stmt);
    } while (rc == SQLITE_ROW);

    result = REGISTRY_OK;

    if (rc != SQLITE_DONE) {
        result = registry_sqlite_failed(s, rc, err);
    }

    (void) sqlite3_reset(st->stmt);

    sql->changed = sqlite3_changes64(s->db);

    return result;
}


static registry_rc_e
registry_sqlite_query(registry_sql_t *sql, registry_stmt_t *stmt,
    const char *types, const registry_value_t *args, size_t n,
    registry_row_pt row, void *arg, registry_err_t *err)
{
    registry_sqlite_t       *s = (registry_sqlite_t *) sql;
    registry_sqlite_stmt_t  *st = (registry_sqlite_stmt_t *) stmt;

    int               rc;
    registry_rc_e     result;
    registry_value_t  values[REGISTRY_SQL_COLUMNS];

    result = registry_sqlite_bind(s, st->stmt, args, n, err);

    while (result == REGISTRY_OK) {

        rc = sqlite3_step(st->stmt);

        if (rc == SQLITE_DONE) {
            break;
        }

        if (rc != SQLITE_ROW) {
            result = registry_sqlite_failed(s, rc, err);
            break;
        }

        for (int i = 0; types[i] != '\0'; i++) {
            registry_sqlite_column(st->stmt, i, types[i], &values[i]);
        }

        result = row(arg, values);
    }

    (void) sqlite3_reset(st->stmt);

    return result;
}


static registry_rc_e
registry_sqlite_bind(registry_sqlite_t *s, sqlite3_stmt *stmt,
    const registry_value_t *args, size_t n, registry_err_t *err)
{
    int  rc;

    for (size_t i = 0; i < n; i++) {

        switch (args[i].type) {

        case REGISTRY_VALUE_INT:
            rc = sqlite3_bind_int64(stmt, (int) i + 1, args[i].number);
            break;

        case REGISTRY_VALUE_TEXT:
            rc = sqlite3_bind_text64(stmt, (int) i + 1,
                                     (const char *) args[i].text.data,
                                     args[i].text.len, SQLITE_STATIC,
                                     SQLITE_UTF8);
            break;

        default:
            rc = sqlite3_bind_null(stmt, (int) i + 1);
        }

        if (rc != SQLITE_OK) {
            return registry_sqlite_failed(s, rc, err);
        }
    }

    return REGISTRY_OK;
}


static void
registry_sqlite_column(sqlite3_stmt *stmt, int i, char type,
    registry_value_t *value)
{
    memset(value, 0, sizeof(registry_value_t));

    if (sqlite3_column_type(stmt, i) == SQLITE_NULL) {
        return;
    }

    if (type == 'i') {
        value->type = REGISTRY_VALUE_INT;
        value->number = sqlite3_column_int64(stmt, i);
        return;
    }

    value->text.data = sqlite3_column_text(stmt, i);

    if (value->text.data != NULL) {
        value->type = REGISTRY_VALUE_TEXT;
        value->text.len = (size_t) sqlite3_column_bytes(stmt, i);
    }
}


static void
registry_sqlite_unprepare(registry_stmt_t *stmt)
{
    registry_sqlite_stmt_t *st = (registry_sqlite_stmt_t *) stmt;

    (void) sqlite3_finalize(st->stmt);
    free(st);
}


static registry_rc_e
registry_sqlite_direct(registry_sql_t *sql, const char *text,
    registry_err_t *err)
{
    registry_sqlite_t *s = (registry_sqlite_t *) sql;

    int  rc;

    sql->fault = REGISTRY_FAULT_NONE;

    rc = sqlite3_exec(s->db, text, NULL, NULL, NULL);

    return (rc == SQLITE_OK) ? REGISTRY_OK
                             : registry_sqlite_failed(s, rc, err);
}


static registry_fault_e
registry_sqlite_fault(int rc)
{
    switch (rc & 0xff) {

    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return REGISTRY_FAULT_RETRY;

    /* perhaps it is another file by now, or the disk has room again */

    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return REGISTRY_FAULT_LOST;

    case SQLITE_PERM:
    case SQLITE_AUTH:
        return REGISTRY_FAULT_DENIED;

    case SQLITE_CONSTRAINT:
        if (rc == SQLITE_CONSTRAINT_PRIMARYKEY
            || rc == SQLITE_CONSTRAINT_UNIQUE
            || rc == SQLITE_CONSTRAINT_ROWID)
        {
            return REGISTRY_FAULT_DUPLICATE;
        }

        return REGISTRY_FAULT_OTHER;

    default:
        return REGISTRY_FAULT_OTHER;
    }
}


static registry_rc_e
registry_sqlite_failed(registry_sqlite_t *s, int rc, registry_err_t *err)
{
    registry_rc_e  result;

    s->base.fault = registry_sqlite_fault(rc);

    switch (s->base.fault) {

    case REGISTRY_FAULT_DUPLICATE:
        result = REGISTRY_CONFLICT;
        break;

    case REGISTRY_FAULT_RETRY:
    case REGISTRY_FAULT_LOST:
        result = REGISTRY_BUSY;
        break;

    default:
        result = REGISTRY_ERROR;
    }

    return registry_err_set(err, result, "sqlite error %d: %s", rc,
                            sqlite3_errmsg(s->db));
}


static void
registry_sqlite_thread_end(void)
{
    /* void */
}
