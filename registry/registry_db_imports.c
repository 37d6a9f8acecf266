
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_imports.h"

#include <string.h>

#include "registry_tx.h"


#define REGISTRY_TASK_KEPT  (48 * 3600) /* seconds, after its end */


typedef struct {
    registry_pool_t    *pool;
    registry_import_t  *import;
    bool                found;
} registry_import_read_t;


static registry_rc_e registry_import_found(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_import_row(void *arg,
    const registry_value_t *row);
static registry_value_t registry_task_expires(registry_tx_t *tx);


registry_rc_e
registry_db_import_busy(registry_tx_t *tx, const registry_image_t *image,
    bool *busy, registry_err_t *err)
{
    registry_value_t  args[1];

    *busy = false;

    for (const registry_property_t *p = image->properties;
         p != NULL;
         p = p->next)
    {
        if (glance_str_eq(p->name, glance_str("os_glance_import_task"))) {
            *busy = true;
        }
    }

    if (!tx->db->jobs || *busy) {
        return REGISTRY_OK;
    }

    args[0] = registry_value_text(image->id);

    return registry_tx_query(tx, "SELECT id FROM ngx_glance_jobs"
                             " WHERE image_id = ? AND ended_at IS NULL", "i",
                             args, 1, registry_import_found, busy, err);
}


registry_rc_e
registry_db_import_add(registry_tx_t *tx, const registry_task_t *task,
    glance_str_t url, const registry_import_t *import, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[10];

    if (!tx->db->jobs) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid location: "
                                "this server adds none");
    }

    /* what Glance forgets when somebody looks at its tasks */

    args[0] = registry_value_text(tx->now);
    args[1] = args[0];
    args[2] = registry_value_text(task->image_id);
    args[3] = args[0];

    rc = registry_tx_exec(tx, "UPDATE tasks SET deleted = 1, deleted_at = ?,"
                          " updated_at = ? WHERE image_id = ?"
                          " AND +deleted = 0 AND expires_at <= ?", args, 4,
                          err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    args[0] = registry_value_text(task->id);
    args[1] = registry_value_text(task->type);
    args[2] = registry_value_text((task->owner.data == NULL)
                                  ? glance_str("") : task->owner);
    args[3] = registry_value_text(tx->now);
    args[4] = args[3];
    args[5] = registry_value_text(task->image_id);
    args[6] = registry_value_text(task->request_id);
    args[7] = registry_value_text(task->user_id);

    rc = registry_tx_exec(tx, "INSERT INTO tasks (id, type, status, owner,"
                          " created_at, updated_at, deleted, image_id,"
                          " request_id, user_id) VALUES (?, ?, 'pending', ?,"
                          " ?, ?, 0, ?, ?, ?)", args, 8, err);

    if (rc == REGISTRY_OK) {
        args[1] = registry_value_text(task->input);

        rc = registry_tx_exec(tx, "INSERT INTO task_info (task_id, input,"
                              " message) VALUES (?, ?, '')", args, 2, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_job_add(tx, task->image_id, url, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    args[0] = registry_value_text(task->image_id);
    args[1] = registry_value_text(task->id);
    args[2] = registry_value_str(NULL);
    args[3] = args[2];

    if (import->checked) {
        args[2] = registry_value_text(import->hash_algo);
        args[3] = registry_value_text(import->hash_value);
    }

    return registry_tx_exec(tx, "INSERT INTO ngx_glance_imports (image_id,"
                            " task_id, hash_algo, hash_value, located)"
                            " VALUES (?, ?, ?, ?, 0)", args, 4, err);
}


registry_rc_e
registry_db_import_get(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t image_id, glance_str_t holder, registry_import_t *import,
    registry_err_t *err)
{
    registry_rc_e           rc;
    registry_value_t        args[2];
    registry_import_read_t  read;

    memset(import, 0, sizeof(registry_import_t));

    read.pool = pool;
    read.import = import;
    read.found = false;

    rc = REGISTRY_OK;

    if (tx->db->jobs) {
        args[0] = registry_value_text(image_id);
        args[1] = registry_value_text(holder);

        rc = registry_tx_query(tx, "SELECT m.task_id, j.url, m.hash_algo,"
                               " m.hash_value, m.located"
                               " FROM ngx_glance_imports m"
                               " JOIN ngx_glance_jobs j"
                               " ON j.image_id = m.image_id"
                               " WHERE m.image_id = ? AND j.holder = ?"
                               " AND j.ended_at IS NULL", "tttti", args, 2,
                               registry_import_row, &read, err);
    }

    if (rc == REGISTRY_OK && !read.found) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Job not found");
    }

    return rc;
}


registry_rc_e
registry_db_import_located(registry_tx_t *tx, glance_str_t image_id,
    registry_err_t *err)
{
    registry_value_t  args[1];

    args[0] = registry_value_text(image_id);

    return registry_tx_exec(tx, "UPDATE ngx_glance_imports SET located = 1"
                            " WHERE image_id = ?", args, 1, err);
}


registry_rc_e
registry_db_import_forget(registry_tx_t *tx, glance_str_t image_id,
    registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[3];

    args[0] = registry_value_text(tx->now);
    args[1] = registry_task_expires(tx);
    args[2] = registry_value_text(image_id);

    rc = registry_tx_exec(tx, "UPDATE tasks SET status = 'failure',"
                          " updated_at = ?, expires_at = ?"
                          " WHERE status IN ('pending', 'processing')"
                          " AND id = (SELECT task_id"
                          " FROM ngx_glance_imports WHERE image_id = ?)",
                          args, 3, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    return registry_tx_exec(tx, "DELETE FROM ngx_glance_imports"
                            " WHERE image_id = ?", &args[2], 1, err);
}


registry_rc_e
registry_db_task_begin(registry_tx_t *tx, glance_str_t id,
    registry_err_t *err)
{
    registry_value_t  args[2];

    args[0] = registry_value_text(tx->now);
    args[1] = registry_value_text(id);

    return registry_tx_exec(tx, "UPDATE tasks SET status = 'processing',"
                            " updated_at = ? WHERE id = ?"
                            " AND status = 'pending'", args, 2, err);
}


registry_rc_e
registry_db_task_end(registry_tx_t *tx, glance_str_t id,
    glance_str_t image_id, bool success, const char *message,
    registry_err_t *err)
{
    char              result[64];
    registry_rc_e     rc;
    registry_value_t  args[4];

    args[0] = registry_value_str(success ? "success" : "failure");
    args[1] = registry_value_text(tx->now);
    args[2] = registry_task_expires(tx);
    args[3] = registry_value_text(id);

    rc = registry_tx_exec(tx, "UPDATE tasks SET status = ?, updated_at = ?,"
                          " expires_at = ? WHERE id = ?", args, 4, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) snprintf(result, sizeof(result), "{\"image_id\": \"%.*s\"}",
                    (int) image_id.len, (const char *) image_id.data);

    args[0] = registry_value_str(success ? result : NULL);
    args[1] = registry_value_str(message);
    args[2] = args[3];

    return registry_tx_exec(tx, "UPDATE task_info SET result = ?,"
                            " message = ? WHERE task_id = ?", args, 3, err);
}


static registry_rc_e
registry_import_found(void *arg, const registry_value_t *row)
{
    bool *found = arg;

    (void) row;

    *found = true;

    return REGISTRY_OK;
}


static registry_rc_e
registry_import_row(void *arg, const registry_value_t *row)
{
    registry_import_read_t *read = arg;

    registry_import_t  *import = read->import;

    if (!registry_pool_copy(read->pool, row[0].text, &import->task)
        || !registry_pool_copy(read->pool, row[1].text, &import->url)
        || !registry_pool_copy(read->pool, row[2].text, &import->hash_algo)
        || !registry_pool_copy(read->pool, row[3].text, &import->hash_value))
    {
        return REGISTRY_ERROR;
    }

    import->checked = (row[2].type == REGISTRY_VALUE_TEXT);
    import->located = (row[4].number != 0);

    read->found = true;

    return REGISTRY_OK;
}


static registry_value_t
registry_task_expires(registry_tx_t *tx)
{
    int64_t           epoch;
    glance_str_t      text;
    unsigned char    *p;
    registry_value_t  now;

    now = registry_value_text(tx->now);
    epoch = registry_tx_epoch(&now);

    p = registry_pool_alloc(tx->pool, REGISTRY_TX_TIME_LEN);

    if (p == NULL || epoch == REGISTRY_TIME_NULL) {
        return registry_value_str(NULL);
    }

    registry_tx_time(epoch + REGISTRY_TASK_KEPT, p);

    text.data = p;
    text.len = REGISTRY_TX_TIME_LEN;

    return registry_value_text(text);
}
