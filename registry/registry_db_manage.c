
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_manage.h"

#include <string.h>
#include <time.h>

#include "registry_tx.h"


#define REGISTRY_PURGE_BATCH     200    /* rows of a transaction */
#define REGISTRY_PURGE_CHILDREN  4
#define REGISTRY_PURGE_ID        256    /* bytes of an id, and more */


typedef struct {
    const char  *name;
    const char  *key;           /* type of the id: "i" or "t" */
    const char  *select;        /* ids: before, last id, limit */
    const char  *lock;          /* the row again: id, before; or NULL */
    const char  *children[REGISTRY_PURGE_CHILDREN + 1];     /* id */
    const char  *names[REGISTRY_PURGE_CHILDREN];
    const char  *remove;        /* id, before */
} registry_purge_table_t;

typedef struct {
    const registry_purge_t        *purge;
    const registry_purge_table_t  *table;
    registry_pool_t               *pool;        /* of the ids */
    registry_value_t               before;
    registry_value_t               last;
    registry_value_t               ids[REGISTRY_PURGE_BATCH];
    size_t                         n;
    int64_t                        limit;
    int64_t                        rows;        /* of this transaction */
    int64_t                        children[REGISTRY_PURGE_CHILDREN];
    unsigned char                  time[REGISTRY_TX_TIME_LEN];
    unsigned char                  last_text[REGISTRY_PURGE_ID];
} registry_purge_run_t;

typedef struct {
    registry_pool_t               *pool;
    registry_waiting_t            *rows;
    size_t                         n;
    size_t                         max;
    int64_t                        now;
    bool                           delayed;
} registry_waiting_read_t;


static registry_rc_e registry_purge_table(registry_db_t *db,
    registry_purge_run_t *run, registry_err_t *err);
static registry_rc_e registry_purge_ids(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_purge_id(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_purge_batch(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_purge_row(registry_tx_t *tx,
    registry_purge_run_t *run, const registry_value_t *id,
    registry_err_t *err);
static registry_rc_e registry_purge_waits(registry_tx_t *tx,
    const registry_value_t *id, bool *waits, registry_err_t *err);
static registry_rc_e registry_purge_found(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_waiting_row(void *arg,
    const registry_value_t *row);


/*
 * "deleted" counts, deleted_at alone does not: a row that was given back to
 * an image keeps its old time (specs/db-schema.md 4.2).
 */

#define registry_purge_simple(name, more)                                     \
    { #name, "i",                                                             \
      "SELECT id FROM " #name " WHERE deleted = 1 AND deleted_at < ?" more    \
      " AND id > ? ORDER BY id LIMIT ?",                                      \
      NULL, { NULL }, { NULL },                                               \
      "DELETE FROM " #name " WHERE id = ? AND deleted = 1"                    \
      " AND deleted_at < ?" more }

static const registry_purge_table_t  registry_purge_tables[] = {
    registry_purge_simple(image_properties, ""),
    registry_purge_simple(image_locations, " AND status <> 'pending_delete'"),
    registry_purge_simple(image_members, ""),
    registry_purge_simple(image_tags, ""),

    { "tasks", "t",
      "SELECT id FROM tasks WHERE deleted = 1 AND deleted_at < ? AND id > ?"
      " ORDER BY id LIMIT ?",
      "SELECT 1 FROM tasks WHERE id = ? AND deleted = 1 AND deleted_at < ?"
      " {lock}",
      { "DELETE FROM task_info WHERE task_id = ?", NULL },
      { "task_info" },
      "DELETE FROM tasks WHERE id = ? AND deleted = 1 AND deleted_at < ?" },

    { NULL, NULL, NULL, NULL, { NULL }, { NULL }, NULL }
};

static const registry_purge_table_t  registry_purge_images[] = {
    { "images", "t",
      "SELECT id FROM images WHERE deleted = 1 AND deleted_at < ?"
      " AND status <> 'pending_delete' AND id > ? ORDER BY id LIMIT ?",
      "SELECT 1 FROM images WHERE id = ? AND deleted = 1 AND deleted_at < ?"
      " AND status <> 'pending_delete' {lock}",
      { "DELETE FROM image_properties WHERE image_id = ?",
        "DELETE FROM image_locations WHERE image_id = ?",
        "DELETE FROM image_members WHERE image_id = ?",
        "DELETE FROM image_tags WHERE image_id = ?", NULL },
      { "image_properties", "image_locations", "image_members",
        "image_tags" },
      "DELETE FROM images WHERE id = ? AND deleted = 1 AND deleted_at < ?" },

    { NULL, NULL, NULL, NULL, { NULL }, { NULL }, NULL }
};

#undef registry_purge_simple


registry_rc_e
registry_db_purge(registry_db_t *db, const registry_purge_t *purge,
    registry_err_t *err)
{
    registry_rc_e                  rc;
    registry_purge_run_t           run;
    const registry_purge_table_t  *table;

    memset(&run, 0, sizeof(registry_purge_run_t));

    run.purge = purge;
    run.pool = registry_pool_new();

    if (run.pool == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    registry_tx_time(purge->before, run.time);
    run.before.type = REGISTRY_VALUE_TEXT;
    run.before.text.data = run.time;
    run.before.text.len = REGISTRY_TX_TIME_LEN;

    rc = REGISTRY_OK;

    for (table = purge->images ? registry_purge_images
                               : registry_purge_tables;
         table->name != NULL && rc == REGISTRY_OK;
         table++)
    {
        run.table = table;
        rc = registry_purge_table(db, &run, err);
    }

    registry_pool_free(run.pool);

    return rc;
}


/* many short transactions: nobody else waits for long */

static registry_rc_e
registry_purge_table(registry_db_t *db, registry_purge_run_t *run,
    registry_err_t *err)
{
    int64_t                        rows, left;
    int64_t                        children[REGISTRY_PURGE_CHILDREN];
    registry_rc_e                  rc;
    const registry_purge_table_t  *table = run->table;

    memset(children, 0, sizeof(children));
    rows = 0;

    run->last = (table->key[0] == 'i') ? registry_value_int(-1)
                                       : registry_value_str("");

    for ( ;; ) {
        left = (run->purge->max < 0) ? REGISTRY_PURGE_BATCH
                                     : run->purge->max - rows;
        run->limit = (left < REGISTRY_PURGE_BATCH) ? left
                                                   : REGISTRY_PURGE_BATCH;
        rc = REGISTRY_OK;

        if (run->limit <= 0) {
            break;
        }

        rc = registry_db_run(db, "purge list", REGISTRY_READ,
                             registry_purge_ids, run, err);

        if (rc != REGISTRY_OK || run->n == 0) {
            break;
        }

        rc = registry_db_run(db, "purge", REGISTRY_WRITE,
                             registry_purge_batch, run, err);

        if (rc != REGISTRY_OK) {
            break;
        }

        rows += run->rows;

        for (size_t i = 0; i < REGISTRY_PURGE_CHILDREN; i++) {
            children[i] += run->children[i];
        }
    }

    /* also before an error: so much is gone */

    for (size_t i = 0; table->children[i] != NULL; i++) {
        run->purge->told(run->purge->arg, table->names[i], children[i]);
    }

    run->purge->told(run->purge->arg, table->name, rows);

    return rc;
}


static registry_rc_e
registry_purge_ids(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_purge_run_t *run = arg;

    registry_rc_e     rc;
    registry_value_t  args[3];

    run->n = 0;
    registry_pool_reset(run->pool);

    args[0] = run->before;
    args[1] = run->last;
    args[2] = registry_value_int(run->limit);

    rc = registry_tx_query(tx, run->table->select, run->table->key, args, 3,
                           registry_purge_id, run, err);

    if (rc != REGISTRY_OK || run->n == 0) {
        return rc;
    }

    run->last = run->ids[run->n - 1];

    if (run->last.type == REGISTRY_VALUE_TEXT) {

        if (run->last.text.len > sizeof(run->last_text)) {
            return registry_err_set(err, REGISTRY_ERROR, "%s: id too long",
                                    run->table->name);
        }

        memcpy(run->last_text, run->last.text.data, run->last.text.len);
        run->last.text.data = run->last_text;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_purge_id(void *arg, const registry_value_t *row)
{
    registry_purge_run_t *run = arg;

    registry_value_t  *id;

    if (run->n == REGISTRY_PURGE_BATCH) {
        return REGISTRY_OK;
    }

    id = &run->ids[run->n];
    *id = row[0];

    if (id->type == REGISTRY_VALUE_TEXT
        && !registry_pool_copy(run->pool, row[0].text, &id->text))
    {
        return REGISTRY_ERROR;
    }

    run->n++;

    return REGISTRY_OK;
}


static registry_rc_e
registry_purge_batch(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_purge_run_t *run = arg;

    registry_rc_e  rc;

    run->rows = 0;
    memset(run->children, 0, sizeof(run->children));

    for (size_t i = 0; i < run->n; i++) {
        rc = registry_purge_row(tx, run, &run->ids[i], err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_purge_row(registry_tx_t *tx, registry_purge_run_t *run,
    const registry_value_t *id, registry_err_t *err)
{
    bool                           found;
    registry_rc_e                  rc;
    registry_value_t               args[2];
    const registry_purge_table_t  *table = run->table;

    args[0] = *id;
    args[1] = run->before;

    if (table->lock != NULL) {
        found = false;

        rc = registry_tx_query(tx, table->lock, "i", args, 2,
                               registry_purge_found, &found, err);

        if (rc != REGISTRY_OK || !found) {
            return rc;
        }
    }

    if (run->purge->images) {
        rc = registry_purge_waits(tx, id, &found, err);

        if (rc != REGISTRY_OK || found) {
            return rc;
        }
    }

    for (size_t i = 0; table->children[i] != NULL; i++) {
        rc = registry_tx_exec(tx, table->children[i], args, 1, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        run->children[i] += registry_tx_changed(tx);
    }

    rc = registry_tx_exec(tx, table->remove, args, 2, err);

    if (rc == REGISTRY_OK) {
        run->rows += registry_tx_changed(tx);
    }

    return rc;
}


/* *waits: there may be data of the image */

static registry_rc_e
registry_purge_waits(registry_tx_t *tx, const registry_value_t *id,
    bool *waits, registry_err_t *err)
{
    registry_rc_e  rc;

    *waits = false;

    rc = registry_tx_query(tx, "SELECT 1 FROM image_locations"
                           " WHERE image_id = ?"
                           " AND (status = 'pending_delete' OR deleted = 0)"
                           " LIMIT 1", "i", id, 1, registry_purge_found,
                           waits, err);

    if (rc == REGISTRY_OK && !*waits && tx->db->claims) {
        rc = registry_tx_query(tx, "SELECT 1 FROM ngx_glance_removals"
                               " WHERE image_id = ? LIMIT 1", "i", id, 1,
                               registry_purge_found, waits, err);
    }

    return rc;
}


static registry_rc_e
registry_purge_found(void *arg, const registry_value_t *row)
{
    bool *found = arg;

    (void) row;

    *found = true;

    return REGISTRY_OK;
}


registry_rc_e
registry_db_waiting(registry_tx_t *tx, registry_pool_t *pool,
    registry_waiting_t *rows, size_t max, size_t *n, registry_err_t *err)
{
    registry_rc_e            rc;
    registry_value_t         args[1];
    registry_waiting_read_t  read;

    read.pool = pool;
    read.rows = rows;
    read.n = 0;
    read.max = max;
    read.now = (int64_t) time(NULL);
    read.delayed = false;
    rc = REGISTRY_OK;

    if (tx->db->claims) {
        args[0] = registry_value_int((int64_t) max);

        rc = registry_tx_query(tx, "SELECT image_id, url, last_error, tries,"
                               " next_try - {epoch}, NULL"
                               " FROM ngx_glance_removals"
                               " ORDER BY next_try LIMIT ?", "tttiit", args,
                               1, registry_waiting_row, &read, err);
    }

    if (rc == REGISTRY_OK && read.n < max) {
        read.delayed = true;
        args[0] = registry_value_int((int64_t) (max - read.n));

        rc = registry_tx_query(tx, "SELECT image_id, value, NULL, 0, 0,"
                               " deleted_at FROM image_locations"
                               " WHERE deleted = 1"
                               " AND status = 'pending_delete'"
                               " ORDER BY id LIMIT ?", "tttiit", args, 1,
                               registry_waiting_row, &read, err);
    }

    *n = read.n;

    return rc;
}


static registry_rc_e
registry_waiting_row(void *arg, const registry_value_t *row)
{
    registry_waiting_read_t *read = arg;

    int64_t              deleted;
    registry_waiting_t  *w;

    if (read->n == read->max) {
        return REGISTRY_OK;
    }

    w = &read->rows[read->n++];

    if (!registry_pool_copy(read->pool, row[0].text, &w->image_id)
        || !registry_pool_copy(read->pool, row[1].text, &w->url)
        || !registry_pool_copy(read->pool, row[2].text, &w->last_error))
    {
        return REGISTRY_ERROR;
    }

    w->tries = row[3].number;
    w->due = row[4].number;

    if (read->delayed) {
        deleted = registry_tx_epoch(&row[5]);
        w->tries = REGISTRY_NUMBER_NULL;
        w->due = (deleted == REGISTRY_TIME_NULL) ? 0 : deleted - read->now;
    }

    return REGISTRY_OK;
}
