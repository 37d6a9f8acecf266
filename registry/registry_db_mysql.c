
/*
 * Copyright (C) ngx_glance authors
 */


#include <mysql.h>
#include <stdlib.h>
#include <string.h>

#include "registry_dsn.h"
#include "registry_sql.h"


/*
 * Seconds to connect and for an answer: nginx waits 30 s for us and should
 * hear from us why there is nothing.
 */
#define REGISTRY_MYSQL_TIMEOUT  5
#define REGISTRY_MYSQL_IO       20

#define REGISTRY_MYSQL_COLUMN   256     /* bytes at first */

/* error numbers of the protocol; mysqld_error.h is not in every connector */

#define REGISTRY_ER_DUP_KEYNAME       1061
#define REGISTRY_ER_DUP_ENTRY         1062
#define REGISTRY_ER_CHECKREAD         1020
#define REGISTRY_ER_DISK_FULL         1021
#define REGISTRY_ER_RECORD_FILE_FULL  1114
#define REGISTRY_ER_LOCK_WAIT         1205
#define REGISTRY_ER_LOCK_DEADLOCK     1213
#define REGISTRY_ER_DBACCESS_DENIED   1044
#define REGISTRY_ER_ACCESS_DENIED     1045
#define REGISTRY_ER_BAD_DB            1049
#define REGISTRY_ER_TABLEACCESS       1142
#define REGISTRY_ER_SHUTDOWN          1053
#define REGISTRY_ER_WSREP_NOT_READY   1047
#define REGISTRY_ER_UNKNOWN_STMT      1243      /* prepared before a loss */
#define REGISTRY_ER_READ_ONLY         1290
#define REGISTRY_ER_INTERRUPTED       1317
#define REGISTRY_ER_CONN_KILLED       1927
#define REGISTRY_ER_IDLE_TIMEOUT      4031
#define REGISTRY_CR_MIN               2000
#define REGISTRY_CR_MAX               2999


/* Oracle's connector has bool where MariaDB's has my_bool */

#ifdef MARIADB_BASE_VERSION
typedef my_bool  registry_mysql_bool_t;
#else
typedef bool     registry_mysql_bool_t;
#endif


typedef struct {
    registry_sql_t          base;
    MYSQL                  *db;
} registry_mysql_t;

typedef struct {
    registry_stmt_t         base;
    MYSQL_STMT             *stmt;
    MYSQL_BIND              columns[REGISTRY_SQL_COLUMNS];
    unsigned long           lengths[REGISTRY_SQL_COLUMNS];
    registry_mysql_bool_t   nulls[REGISTRY_SQL_COLUMNS];
    registry_mysql_bool_t   errors[REGISTRY_SQL_COLUMNS];
    int64_t                 numbers[REGISTRY_SQL_COLUMNS];
} registry_mysql_stmt_t;


static registry_rc_e registry_mysql_open(registry_sql_t **sql,
    const registry_dsn_t *dsn, registry_fault_e *fault, registry_err_t *err);
static void registry_mysql_options(MYSQL *db, const registry_dsn_t *dsn);
static void registry_mysql_close(registry_sql_t *sql);
static registry_rc_e registry_mysql_begin(registry_sql_t *sql,
    registry_err_t *err);
static registry_rc_e registry_mysql_commit(registry_sql_t *sql,
    registry_err_t *err);
static void registry_mysql_rollback(registry_sql_t *sql);
static registry_rc_e registry_mysql_prepare(registry_sql_t *sql,
    const char *text, registry_stmt_t **stmt, registry_err_t *err);
static registry_rc_e registry_mysql_exec(registry_sql_t *sql,
    registry_stmt_t *stmt, const registry_value_t *args, size_t n,
    registry_err_t *err);
static registry_rc_e registry_mysql_run(registry_mysql_t *s,
    registry_mysql_stmt_t *st, const registry_value_t *args, size_t n,
    registry_err_t *err);
static registry_rc_e registry_mysql_query(registry_sql_t *sql,
    registry_stmt_t *stmt, const char *types, const registry_value_t *args,
    size_t n, registry_row_pt row, void *arg, registry_err_t *err);
static registry_rc_e registry_mysql_columns(registry_mysql_t *s,
    registry_mysql_stmt_t *st, const char *types, registry_err_t *err);
static registry_rc_e registry_mysql_value(registry_mysql_t *s,
    registry_mysql_stmt_t *st, unsigned i, char type, registry_value_t *value,
    registry_err_t *err);
static void registry_mysql_unprepare(registry_stmt_t *stmt);
static registry_rc_e registry_mysql_direct(registry_sql_t *sql,
    const char *text, registry_err_t *err);
static registry_fault_e registry_mysql_fault(unsigned code);
static registry_rc_e registry_mysql_failed(registry_mysql_t *s,
    MYSQL_STMT *stmt, registry_err_t *err);


static const registry_dialect_t  registry_mysql_dialect[] = {
    { "{lock}", " FOR UPDATE" },
    { "{exact}", "BINARY " },
    { "{force}", " FORCE INDEX (" },
    { "{/force}", ")" },
    { "{primary}", "PRIMARY" },
    { "{scan}", " FORCE INDEX (PRIMARY)" },
    { "{epoch}", "UNIX_TIMESTAMP()" },
    { "{insert ignore}", "INSERT IGNORE" },
    { "{property exists}", "ON DUPLICATE KEY UPDATE"
      " name = VALUES(name), value = VALUES(value), deleted = 0,"
      " deleted_at = NULL,"
      " updated_at = VALUES(updated_at)" },
    { "{tables}", "(SELECT table_name AS name FROM information_schema.tables"
      " WHERE table_schema = DATABASE()) t" },
    { NULL, NULL }
};


const registry_sql_driver_t  registry_sql_mysql = {
    .name = "mysql",
    .dialect = registry_mysql_dialect,
    .open = registry_mysql_open,
    .close = registry_mysql_close,
    .begin = registry_mysql_begin,
    .commit = registry_mysql_commit,
    .rollback = registry_mysql_rollback,
    .prepare = registry_mysql_prepare,
    .exec = registry_mysql_exec,
    .query = registry_mysql_query,
    .unprepare = registry_mysql_unprepare,
    .direct = registry_mysql_direct,
    .thread_end = mysql_thread_end
};


/*
 * What we rely on is set by us, whatever the server's defaults are.  A page of
 * images is a list of ids: to look up how many rows each has costs as much as
 * to read them; a few states or formats are worth it.
 */

static const char *const  registry_mysql_session[] = {
    "SET SESSION sql_mode = 'TRADITIONAL', time_zone = '+00:00',"
    " autocommit = 1, innodb_lock_wait_timeout = 5"
    " /*M!100300 , idle_transaction_timeout = 2 */"
    " /*M!100310 , eq_range_index_dive_limit = 10 */"
    " /*!50700 , eq_range_index_dive_limit = 10 */",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    NULL
};


static registry_rc_e
registry_mysql_open(registry_sql_t **sql, const registry_dsn_t *dsn,
    registry_fault_e *fault, registry_err_t *err)
{
    registry_rc_e      rc;
    registry_mysql_t  *s;

    *fault = REGISTRY_FAULT_OTHER;

    s = calloc(1, sizeof(registry_mysql_t));

    if (s == NULL || (s->db = mysql_init(NULL)) == NULL) {
        free(s);
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    s->base.driver = &registry_sql_mysql;

    registry_mysql_options(s->db, dsn);

    /* matched rows count, not changed ones: compare-and-set relies on it */

    if (mysql_real_connect(s->db, dsn->host, dsn->user, dsn->password,
                           dsn->database, dsn->port, dsn->unix_socket,
                           CLIENT_FOUND_ROWS)
        == NULL)
    {
        goto failed;
    }

    for (size_t i = 0; registry_mysql_session[i] != NULL; i++) {

        if (mysql_query(s->db, registry_mysql_session[i]) != 0) {
            goto failed;
        }
    }

    *sql = &s->base;
    *fault = REGISTRY_FAULT_NONE;

    return REGISTRY_OK;

failed:

    *fault = registry_mysql_fault(mysql_errno(s->db));
    rc = (*fault == REGISTRY_FAULT_OTHER) ? REGISTRY_ERROR : REGISTRY_BUSY;

    (void) registry_err_set(err, rc, "mysql error %u: %s",
                            mysql_errno(s->db), mysql_error(s->db));
    mysql_close(s->db);
    free(s);

    return rc;
}


static void
registry_mysql_options(MYSQL *db, const registry_dsn_t *dsn)
{
    unsigned               connect = REGISTRY_MYSQL_TIMEOUT;
    unsigned               io = REGISTRY_MYSQL_IO;
    unsigned               tcp = MYSQL_PROTOCOL_TCP;
    registry_mysql_bool_t  on = 1;

    (void) mysql_options(db, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
    (void) mysql_options(db, MYSQL_OPT_READ_TIMEOUT, &io);
    (void) mysql_options(db, MYSQL_OPT_WRITE_TIMEOUT, &io);
    (void) mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    (void) mysql_options(db, MYSQL_REPORT_DATA_TRUNCATION, &on);

    /* "localhost" means a socket to the library, a port means TCP to all */

    if (dsn->unix_socket == NULL && dsn->port != 0) {
        (void) mysql_options(db, MYSQL_OPT_PROTOCOL, &tcp);
    }

    if (dsn->defaults_file != NULL) {
        (void) mysql_options(db, MYSQL_READ_DEFAULT_FILE, dsn->defaults_file);
    }

    if (dsn->ssl_ca != NULL || dsn->ssl_cert != NULL) {
        (void) mysql_ssl_set(db, dsn->ssl_key, dsn->ssl_cert, dsn->ssl_ca,
                             NULL, NULL);

#ifdef MARIADB_BASE_VERSION
        if (dsn->verify) {
            (void) mysql_options(db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
        }
#endif
    }
}


static void
registry_mysql_close(registry_sql_t *sql)
{
    registry_mysql_t *s = (registry_mysql_t *) sql;

    registry_sql_forget(sql);
    mysql_close(s->db);
    free(s);
}


static registry_rc_e
registry_mysql_begin(registry_sql_t *sql, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_mysql_direct(sql, "START TRANSACTION", err);

    sql->in_transaction = (rc == REGISTRY_OK);

    return rc;
}


static registry_rc_e
registry_mysql_commit(registry_sql_t *sql, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_mysql_direct(sql, "COMMIT", err);

    if (rc == REGISTRY_OK) {
        sql->in_transaction = false;
    }

    return rc;
}


static void
registry_mysql_rollback(registry_sql_t *sql)
{
    registry_mysql_t *s = (registry_mysql_t *) sql;

    /* the fault that led here stays */

    (void) mysql_query(s->db, "ROLLBACK");

    sql->in_transaction = false;
}


static registry_rc_e
registry_mysql_prepare(registry_sql_t *sql, const char *text,
    registry_stmt_t **stmt, registry_err_t *err)
{
    registry_mysql_t *s = (registry_mysql_t *) sql;

    registry_rc_e           rc;
    registry_mysql_stmt_t  *st;

    st = calloc(1, sizeof(registry_mysql_stmt_t));

    if (st == NULL || (st->stmt = mysql_stmt_init(s->db)) == NULL) {
        free(st);
        sql->fault = REGISTRY_FAULT_OTHER;
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    if (mysql_stmt_prepare(st->stmt, text, strlen(text)) != 0) {
        rc = registry_mysql_failed(s, st->stmt, err);
        (void) mysql_stmt_close(st->stmt);
        free(st);
        return rc;
    }

    *stmt = &st->base;

    return REGISTRY_OK;
}


static registry_rc_e
registry_mysql_exec(registry_sql_t *sql, registry_stmt_t *stmt,
    const registry_value_t *args, size_t n, registry_err_t *err)
{
    registry_mysql_t       *s = (registry_mysql_t *) sql;
    registry_mysql_stmt_t  *st = (registry_mysql_stmt_t *) stmt;

    registry_rc_e  rc;

    rc = registry_mysql_run(s, st, args, n, err);

    if (rc == REGISTRY_OK) {
        sql->changed = (int64_t) mysql_stmt_affected_rows(st->stmt);
    }

    return rc;
}


static registry_rc_e
registry_mysql_run(registry_mysql_t *s, registry_mysql_stmt_t *st,
    const registry_value_t *args, size_t n, registry_err_t *err)
{
    size_t         i;
    MYSQL_BIND    *binds;
    registry_rc_e  rc;

    binds = NULL;

    if (n > 0) {
        binds = calloc(n, sizeof(MYSQL_BIND));

        if (binds == NULL) {
            s->base.fault = REGISTRY_FAULT_OTHER;
            return registry_err_set(err, REGISTRY_ERROR, "out of memory");
        }
    }

    for (i = 0; i < n; i++) {

        switch (args[i].type) {

        case REGISTRY_VALUE_INT:
            binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
            binds[i].buffer = (void *) (uintptr_t) &args[i].number;
            break;

        case REGISTRY_VALUE_TEXT:
            binds[i].buffer_type = MYSQL_TYPE_STRING;
            binds[i].buffer = (void *) (uintptr_t) args[i].text.data;
            binds[i].buffer_length = args[i].text.len;
            break;

        default:
            binds[i].buffer_type = MYSQL_TYPE_NULL;
        }
    }

    rc = REGISTRY_OK;

    if ((n > 0 && mysql_stmt_bind_param(st->stmt, binds) != 0)
        || mysql_stmt_execute(st->stmt) != 0)
    {
        rc = registry_mysql_failed(s, st->stmt, err);
    }

    free(binds);

    return rc;
}


/* the result is stored, so that a row's handler may use the connection */

static registry_rc_e
registry_mysql_query(registry_sql_t *sql, registry_stmt_t *stmt,
    const char *types, const registry_value_t *args, size_t n,
    registry_row_pt row, void *arg, registry_err_t *err)
{
    registry_mysql_t       *s = (registry_mysql_t *) sql;
    registry_mysql_stmt_t  *st = (registry_mysql_stmt_t *) stmt;

    int               fetched;
    registry_rc_e     rc;
    registry_value_t  values[REGISTRY_SQL_COLUMNS];

    rc = registry_mysql_run(s, st, args, n, err);

    if (rc == REGISTRY_OK) {
        rc = registry_mysql_columns(s, st, types, err);
    }

    while (rc == REGISTRY_OK) {

        fetched = mysql_stmt_fetch(st->stmt);

        if (fetched == MYSQL_NO_DATA) {
            break;
        }

        if (fetched != 0 && fetched != MYSQL_DATA_TRUNCATED) {
            rc = registry_mysql_failed(s, st->stmt, err);
            break;
        }

        for (unsigned i = 0; types[i] != '\0' && rc == REGISTRY_OK; i++) {
            rc = registry_mysql_value(s, st, i, types[i], &values[i], err);
        }

        if (rc == REGISTRY_OK) {
            rc = row(arg, values);
        }
    }

    (void) mysql_stmt_free_result(st->stmt);

    return rc;
}


static registry_rc_e
registry_mysql_columns(registry_mysql_t *s, registry_mysql_stmt_t *st,
    const char *types, registry_err_t *err)
{
    size_t       i;
    MYSQL_BIND  *column;

    for (i = 0; types[i] != '\0'; i++) {
        column = &st->columns[i];

        column->is_null = &st->nulls[i];
        column->length = &st->lengths[i];
        column->error = &st->errors[i];

        if (types[i] == 'i') {
            column->buffer_type = MYSQL_TYPE_LONGLONG;
            column->buffer = &st->numbers[i];
            continue;
        }

        column->buffer_type = MYSQL_TYPE_STRING;

        if (column->buffer == NULL) {
            column->buffer = malloc(REGISTRY_MYSQL_COLUMN);
            column->buffer_length = REGISTRY_MYSQL_COLUMN;

            if (column->buffer == NULL) {
                s->base.fault = REGISTRY_FAULT_OTHER;
                return registry_err_set(err, REGISTRY_ERROR,
                                        "out of memory");
            }
        }
    }

    if (mysql_stmt_bind_result(st->stmt, st->columns) != 0
        || mysql_stmt_store_result(st->stmt) != 0)
    {
        return registry_mysql_failed(s, st->stmt, err);
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_mysql_value(registry_mysql_t *s, registry_mysql_stmt_t *st,
    unsigned i, char type, registry_value_t *value, registry_err_t *err)
{
    void        *p;
    MYSQL_BIND  *column;

    column = &st->columns[i];

    memset(value, 0, sizeof(registry_value_t));

    if (st->nulls[i]) {
        return REGISTRY_OK;
    }

    if (type == 'i') {
        value->type = REGISTRY_VALUE_INT;
        value->number = st->numbers[i];
        return REGISTRY_OK;
    }

    if (st->lengths[i] > column->buffer_length) {

        p = realloc(column->buffer, st->lengths[i]);

        if (p == NULL) {
            s->base.fault = REGISTRY_FAULT_OTHER;
            return registry_err_set(err, REGISTRY_ERROR, "out of memory");
        }

        column->buffer = p;
        column->buffer_length = st->lengths[i];

        if (mysql_stmt_fetch_column(st->stmt, column, i, 0) != 0
            || mysql_stmt_bind_result(st->stmt, st->columns) != 0)
        {
            return registry_mysql_failed(s, st->stmt, err);
        }
    }

    value->type = REGISTRY_VALUE_TEXT;
    value->text.data = column->buffer;
    value->text.len = st->lengths[i];

    return REGISTRY_OK;
}


static void
registry_mysql_unprepare(registry_stmt_t *stmt)
{
    registry_mysql_stmt_t *st = (registry_mysql_stmt_t *) stmt;

    for (size_t i = 0; i < REGISTRY_SQL_COLUMNS; i++) {
        if (st->columns[i].buffer != &st->numbers[i]) {
            free(st->columns[i].buffer);
        }
    }

    (void) mysql_stmt_close(st->stmt);
    free(st);
}


static registry_rc_e
registry_mysql_direct(registry_sql_t *sql, const char *text,
    registry_err_t *err)
{
    registry_mysql_t *s = (registry_mysql_t *) sql;

    sql->fault = REGISTRY_FAULT_NONE;

    if (mysql_query(s->db, text) == 0) {
        return REGISTRY_OK;
    }

    /* an index that another registry has just made */

    if (mysql_errno(s->db) == REGISTRY_ER_DUP_KEYNAME) {
        return REGISTRY_OK;
    }

    return registry_mysql_failed(s, NULL, err);
}


static registry_fault_e
registry_mysql_fault(unsigned code)
{
    switch (code) {

    case REGISTRY_ER_DUP_ENTRY:
        return REGISTRY_FAULT_DUPLICATE;

    case REGISTRY_ER_CHECKREAD:
    case REGISTRY_ER_LOCK_WAIT:
    case REGISTRY_ER_LOCK_DEADLOCK:
    case REGISTRY_ER_INTERRUPTED:
        return REGISTRY_FAULT_RETRY;

    /* also what another server of a cluster may be able to do */

    case REGISTRY_ER_DISK_FULL:
    case REGISTRY_ER_RECORD_FILE_FULL:
    case REGISTRY_ER_READ_ONLY:
    case REGISTRY_ER_SHUTDOWN:
    case REGISTRY_ER_WSREP_NOT_READY:
    case REGISTRY_ER_UNKNOWN_STMT:
    case REGISTRY_ER_CONN_KILLED:
    case REGISTRY_ER_IDLE_TIMEOUT:
        return REGISTRY_FAULT_LOST;

    case REGISTRY_ER_DBACCESS_DENIED:
    case REGISTRY_ER_ACCESS_DENIED:
    case REGISTRY_ER_BAD_DB:
    case REGISTRY_ER_TABLEACCESS:
        return REGISTRY_FAULT_DENIED;

    default:
        return (code >= REGISTRY_CR_MIN && code <= REGISTRY_CR_MAX)
               ? REGISTRY_FAULT_LOST : REGISTRY_FAULT_OTHER;
    }
}


/* the statement's error, or without one the connection's */

static registry_rc_e
registry_mysql_failed(registry_mysql_t *s, MYSQL_STMT *stmt,
    registry_err_t *err)
{
    unsigned       code;
    const char    *text;
    registry_rc_e  rc;

    code = (stmt != NULL) ? mysql_stmt_errno(stmt) : mysql_errno(s->db);
    text = (stmt != NULL) ? mysql_stmt_error(stmt) : mysql_error(s->db);

    s->base.fault = registry_mysql_fault(code);

    switch (s->base.fault) {

    case REGISTRY_FAULT_DUPLICATE:
        rc = REGISTRY_CONFLICT;
        break;

    case REGISTRY_FAULT_RETRY:
    case REGISTRY_FAULT_LOST:
        rc = REGISTRY_BUSY;
        break;

    default:
        rc = REGISTRY_ERROR;
    }

    return registry_err_set(err, rc, "mysql error %u: %s", code, text);
}
