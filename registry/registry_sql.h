
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_SQL_H_INCLUDED_
#define _REGISTRY_SQL_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glance_str.h"
#include "registry_dsn.h"
#include "registry_err.h"


#define REGISTRY_SQL_LOG  "database"    /* the word before our messages */


/*
 * What a database driver does: connections, prepared statements, nothing
 * about images.  The statements are written once, in registry_db_*.c; the few
 * words in which the engines differ are {tokens}, replaced from the driver's
 * dialect when a statement is prepared.
 *
 * "+deleted = 0" beside the id of an image: SQLite is not to go through the
 * index of that column, which has nearly all rows, as it likes to do in a
 * database that nobody has analyzed.
 */

#define REGISTRY_SQL_COLUMNS     32
#define REGISTRY_SQL_STATEMENTS  96     /* prepared ones of a connection */


typedef enum {
    REGISTRY_VALUE_NULL = 0,
    REGISTRY_VALUE_INT,
    REGISTRY_VALUE_TEXT
} registry_value_e;

typedef struct {
    registry_value_e  type;
    int64_t           number;
    glance_str_t      text;
} registry_value_t;


/* why the last call of a connection failed */

typedef enum {
    REGISTRY_FAULT_NONE = 0,
    REGISTRY_FAULT_DUPLICATE,   /* a unique key */
    REGISTRY_FAULT_RETRY,       /* deadlock and the like: roll back, repeat */
    REGISTRY_FAULT_LOST,        /* the connection is gone: open another */
    REGISTRY_FAULT_DENIED,      /* log in, missing right or database: an
                                   operator has to act */
    REGISTRY_FAULT_OTHER
} registry_fault_e;


/*
 * "types" of a query has a letter for each column: "i" integer, "t" text.
 * The row is borrowed until the call returns.  Anything but REGISTRY_OK ends
 * the query with this code.
 */
typedef registry_rc_e (*registry_row_pt)(void *arg,
    const registry_value_t *row);

typedef struct {
    const char  *token;         /* with its braces */
    const char  *text;
} registry_dialect_t;

typedef struct registry_sql_s         registry_sql_t;
typedef struct registry_stmt_s        registry_stmt_t;
typedef struct registry_sql_driver_s  registry_sql_driver_t;


struct registry_sql_driver_s {
    const char                *name;    /* the directory below schema/ */
    const registry_dialect_t  *dialect; /* ends with token NULL */
    bool                       row_values;  /* (a, b) < (?, ?) uses an
                                               index; else it is spelled */

    /* new reference; REGISTRY_BUSY: not reachable; *fault says more */
    registry_rc_e  (*open)(registry_sql_t **sql, const registry_dsn_t *dsn,
                        registry_fault_e *fault, registry_err_t *err);
    void           (*close)(registry_sql_t *sql);

    /* for transactions that write */
    registry_rc_e  (*begin)(registry_sql_t *sql, registry_err_t *err);
    registry_rc_e  (*commit)(registry_sql_t *sql, registry_err_t *err);
    void           (*rollback)(registry_sql_t *sql);

    /*
     * The text is what is to be prepared, without tokens.  A duplicate key
     * is REGISTRY_CONFLICT; faults RETRY and LOST are REGISTRY_BUSY.
     */
    registry_rc_e  (*prepare)(registry_sql_t *sql, const char *text,
                        registry_stmt_t **stmt, registry_err_t *err);
    registry_rc_e  (*exec)(registry_sql_t *sql, registry_stmt_t *stmt,
                        const registry_value_t *args, size_t n,
                        registry_err_t *err);
    registry_rc_e  (*query)(registry_sql_t *sql, registry_stmt_t *stmt,
                        const char *types, const registry_value_t *args,
                        size_t n, registry_row_pt row, void *arg,
                        registry_err_t *err);
    void           (*unprepare)(registry_stmt_t *stmt);

    /* one statement of a schema, which is not kept */
    registry_rc_e  (*direct)(registry_sql_t *sql, const char *text,
                        registry_err_t *err);

    /* of a thread that used connections */
    void           (*thread_end)(void);
};


/* the first member of a driver's own structures */

struct registry_stmt_s {
    const registry_sql_driver_t  *driver;
    registry_stmt_t              *next;
    uint64_t                      hash;
    char                         *text;         /* with tokens: the key */
};

struct registry_sql_s {
    const registry_sql_driver_t  *driver;
    registry_stmt_t              *statements;   /* last used first */
    size_t                        n_statements;
    registry_fault_e              fault;
    int64_t                       changed;      /* rows matched by exec */
    bool                          in_transaction;
};


extern const registry_sql_driver_t  registry_sql_sqlite;
extern const registry_sql_driver_t  registry_sql_mysql;


registry_value_t registry_value_int(int64_t number);
registry_value_t registry_value_text(glance_str_t text);   /* data NULL: NULL */
registry_value_t registry_value_str(const char *text);      /* NULL: NULL */

/* prepares at the first use, then from the connection's store */
registry_rc_e registry_sql_exec(registry_sql_t *sql, const char *text,
    const registry_value_t *args, size_t n, registry_err_t *err);
registry_rc_e registry_sql_query(registry_sql_t *sql, const char *text,
    const char *types, const registry_value_t *args, size_t n,
    registry_row_pt row, void *arg, registry_err_t *err);

/* a driver's close() calls it first */
void registry_sql_forget(registry_sql_t *sql);


#endif /* _REGISTRY_SQL_H_INCLUDED_ */
