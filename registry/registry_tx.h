
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_TX_H_INCLUDED_
#define _REGISTRY_TX_H_INCLUDED_


#include <pthread.h>

#include "registry_db.h"
#include "registry_pool.h"
#include "registry_record.h"
#include "registry_sql.h"


/* what the files registry_db_*.c share; nobody else includes it */

#define REGISTRY_TX_TIME_LEN  26        /* 2011-03-01 12:00:00.000000 */

#define registry_nargs(a)  (sizeof(a) / sizeof((a)[0]))


struct registry_db_s {
    const registry_sql_driver_t  *driver;
    registry_dsn_t                dsn;
    pthread_key_t                 key;          /* registry_handle_t */
    pthread_mutex_t               lock;         /* of the making ready */
    int64_t                       idle_timeout; /* seconds */
    int64_t                       retries;
    int64_t                       interval;     /* ms */
    int                           ready;        /* atomic */
    int                           down;         /* atomic */
    int64_t                       next_try;     /* ms, under the lock */
    int64_t                       wait_until;   /* ms, atomic: no connect
                                                   before it */
    bool                          claims;       /* set when ready */
    bool                          jobs;         /* likewise */
    bool                          once;         /* likewise */
    bool                          own_indexes;  /* likewise */
    registry_err_t                last;         /* under the lock */
    char                          name[512];
};

struct registry_tx_s {
    registry_db_t    *db;
    registry_sql_t   *sql;
    registry_pool_t  *pool;     /* until the end of the transaction */
    bool              repeated;
    glance_str_t      now;      /* as SQL writes it, UTC */
    unsigned char     now_text[REGISTRY_TX_TIME_LEN];
};


registry_rc_e registry_tx_exec(registry_tx_t *tx, const char *text,
    const registry_value_t *args, size_t n, registry_err_t *err);
registry_rc_e registry_tx_query(registry_tx_t *tx, const char *text,
    const char *types, const registry_value_t *args, size_t n,
    registry_row_pt row, void *arg, registry_err_t *err);

/* rows that the last exec matched */
int64_t registry_tx_changed(const registry_tx_t *tx);

/* milliseconds of a clock that nobody sets */
int64_t registry_db_clock(void);

/* writes REGISTRY_TX_TIME_LEN bytes */
void registry_tx_time(int64_t epoch, unsigned char *dst);

/* a column of times; REGISTRY_TIME_NULL for NULL and what is no time */
int64_t registry_tx_epoch(const registry_value_t *value);

/*
 * The columns that registry_tx_image() reads, in its order, and their types.
 * The image's memory is the pool's; NULL without memory.
 */
#define REGISTRY_IMAGE_COLUMNS                                                \
    "id, name, status, disk_format, container_format, checksum, owner,"       \
    " visibility, os_hash_algo, os_hash_value, size, virtual_size, min_disk," \
    " min_ram, created_at, updated_at, deleted_at, protected, os_hidden,"     \
    " deleted"
#define REGISTRY_IMAGE_TYPES    "tttttttttt" "iiii" "ttt" "iii"
#define REGISTRY_IMAGE_NUMBERS  10      /* the first of the integers */

registry_image_t *registry_tx_image(registry_pool_t *pool,
    const registry_value_t *row);

/*
 * The same without registry_db_ready(), by the schema code; *tx is the
 * connection without a transaction.
 */
registry_rc_e registry_db_session(registry_db_t *db, registry_tx_t *tx,
    registry_err_t *err);

/* the connection is not to be used again */
void registry_db_drop(registry_db_t *db);


#endif /* _REGISTRY_TX_H_INCLUDED_ */
