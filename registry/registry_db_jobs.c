
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_jobs.h"

#include <string.h>

#include "registry_db_imports.h"
#include "registry_query.h"


#define REGISTRY_JOB_KEPT  "604800"     /* seconds, after a failure */

#define REGISTRY_JOB_COLUMNS                                                  \
    "SELECT j.image_id, j.url, j.holder, j.node, j.last_error, i.status,"     \
    " j.tries, j.next_try - {epoch}, i.size, i.deleted, j.ended_at,"          \
    " m.located, m.task_id, m.hash_algo, m.hash_value"                        \
    " FROM ngx_glance_jobs j LEFT JOIN images i ON i.id = j.image_id"         \
    " LEFT JOIN ngx_glance_imports m ON m.image_id = j.image_id"
#define REGISTRY_JOB_TYPES  "tttttt" "iiiii" "ittt"


typedef struct {
    registry_pool_t   *pool;
    registry_job_t    *job;             /* the one to fill in, or NULL */
    registry_job_t   **tail;
    bool               found;
    bool               wanted;          /* its image waits for it */
} registry_job_read_t;


static registry_rc_e registry_job_one(registry_tx_t *tx,
    registry_job_read_t *read, const registry_job_taker_t *taker,
    registry_err_t *err);
static registry_rc_e registry_job_drop(registry_tx_t *tx,
    glance_str_t image_id, registry_err_t *err);
static registry_rc_e registry_job_held(registry_tx_t *tx, const char *text,
    const registry_value_t *args, size_t n, registry_err_t *err);
static registry_rc_e registry_job_row(void *arg, const registry_value_t *row);
static bool registry_job_wanted(const registry_job_t *job,
    glance_status_e status);
static registry_rc_e registry_job_status(void *arg,
    const registry_value_t *row);


registry_rc_e
registry_db_job_add(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t url, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[2];

    if (!tx->db->jobs) {
        return registry_err_set(err, REGISTRY_INVALID, "x-glance-api-copy-"
                                "from is not supported by this server");
    }

    rc = registry_job_drop(tx, image_id, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    args[0] = registry_value_text(image_id);
    args[1] = registry_value_text(url);

    return registry_tx_exec(tx, "INSERT INTO ngx_glance_jobs (image_id, url,"
                            " tries, next_try, created_at)"
                            " VALUES (?, ?, 0, {epoch}, {epoch})", args, 2,
                            err);
}


registry_rc_e
registry_db_job_take(registry_tx_t *tx, registry_pool_t *pool,
    const registry_job_taker_t *taker, registry_job_t *job,
    registry_err_t *err)
{
    registry_rc_e        rc;
    registry_value_t     args[5];
    registry_job_read_t  read = { .pool = pool, .job = job };

    for ( ;; ) {
        rc = registry_job_one(tx, &read, taker, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        if (read.wanted) {
            break;
        }

        /* deleted, or it has got data in another way */

        rc = registry_job_drop(tx, job->image_id, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    args[0] = registry_value_text(taker->holder);
    args[1] = registry_value_text(taker->node);
    args[2] = registry_value_int(taker->lease);
    args[3] = registry_value_text(job->image_id);
    args[4] = args[0];

    rc = registry_job_held(tx, "UPDATE ngx_glance_jobs SET holder = ?,"
                           " node = ?, next_try = {epoch} + ?,"
                           " tries = tries + 1 WHERE image_id = ?"
                           " AND ended_at IS NULL"
                           " AND (next_try <= {epoch} OR holder = ?)", args,
                           5, err);

    if (rc == REGISTRY_OK && job->import) {
        rc = registry_db_task_begin(tx, job->what.task, err);
    }

    if (rc == REGISTRY_OK) {
        job->tries++;

        rc = registry_tx_exec(tx, "DELETE FROM ngx_glance_jobs"
                              " WHERE ended_at < {epoch} - "
                              REGISTRY_JOB_KEPT, NULL, 0, err);
    }

    return rc;
}


/* whoever works for a deleted image hears that he has the job no more */

registry_rc_e
registry_db_job_renew(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, int64_t lease, registry_err_t *err)
{
    registry_value_t  args[3];

    args[0] = registry_value_int(lease);
    args[1] = registry_value_text(image_id);
    args[2] = registry_value_text(holder);

    return registry_job_held(tx, "UPDATE ngx_glance_jobs SET"
                             " next_try = {epoch} + ? WHERE image_id = ?"
                             " AND holder = ? AND ended_at IS NULL"
                             " AND EXISTS (SELECT 1 FROM images i"
                             " WHERE i.id = ngx_glance_jobs.image_id"
                             " AND i.deleted = 0)", args, 3, err);
}


registry_rc_e
registry_db_job_done(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[2];

    args[0] = registry_value_text(image_id);
    args[1] = registry_value_text(holder);

    rc = registry_job_held(tx, "DELETE FROM ngx_glance_jobs"
                           " WHERE image_id = ? AND holder = ?", args, 2,
                           err);

    return (rc == REGISTRY_OK) ? registry_db_import_forget(tx, image_id, err)
                               : rc;
}


/* after 2, 4, 8 ... seconds, ten minutes at most */

registry_rc_e
registry_db_job_again(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, glance_str_t text, registry_err_t *err)
{
    registry_value_t  args[3];

    args[0] = registry_value_text(text);
    args[1] = registry_value_text(image_id);
    args[2] = registry_value_text(holder);

    return registry_job_held(tx, "UPDATE ngx_glance_jobs SET"
                             " next_try = {epoch} + CASE WHEN tries > 9"
                             " THEN 600 ELSE (1 << tries) END,"
                             " holder = NULL, last_error = ?"
                             " WHERE image_id = ? AND holder = ?"
                             " AND ended_at IS NULL", args, 3, err);
}


registry_rc_e
registry_db_job_ended(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, glance_str_t text, registry_err_t *err)
{
    registry_value_t  args[3];

    args[0] = registry_value_text(text);
    args[1] = registry_value_text(image_id);
    args[2] = registry_value_text(holder);

    return registry_job_held(tx, "UPDATE ngx_glance_jobs SET"
                             " ended_at = {epoch}, last_error = ?"
                             " WHERE image_id = ? AND holder = ?"
                             " AND ended_at IS NULL", args, 3, err);
}


registry_rc_e
registry_db_job_failed(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t holder, glance_str_t text, registry_err_t *err)
{
    glance_status_e   status;
    registry_rc_e     rc;
    registry_value_t  args[3];

    if (!tx->db->jobs) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Job not found");
    }

    /* first the image, then the job: the order in which others lock */

    status = GLANCE_STATUS_UNKNOWN;
    args[0] = registry_value_text(image_id);

    rc = registry_tx_query(tx, "SELECT status FROM images WHERE id = ?"
                           " {lock}", "t", args, 1, registry_job_status,
                           &status, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (status == GLANCE_STATUS_SAVING) {
        return registry_err_set(err, REGISTRY_CONFLICT,
                                "The image is still being uploaded");
    }

    rc = registry_db_job_ended(tx, image_id, holder, text, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    args[0] = registry_value_text(tx->now);
    args[1] = registry_value_text(image_id);

    return registry_tx_exec(tx, "UPDATE images SET status = 'killed',"
                            " updated_at = ? WHERE id = ?"
                            " AND status = 'queued' AND deleted = 0", args,
                            2, err);
}


registry_rc_e
registry_db_job_list(registry_tx_t *tx, registry_pool_t *pool, int64_t limit,
    registry_job_t **jobs, registry_err_t *err)
{
    registry_value_t     args[1];
    registry_job_read_t  read = { .pool = pool, .tail = jobs };

    *jobs = NULL;

    if (!tx->db->jobs) {
        return REGISTRY_OK;
    }

    args[0] = registry_value_int(limit);

    return registry_tx_query(tx, REGISTRY_JOB_COLUMNS " ORDER BY j.id"
                             " LIMIT ?", REGISTRY_JOB_TYPES, args, 1,
                             registry_job_row, &read, err);
}


static registry_rc_e
registry_job_one(registry_tx_t *tx, registry_job_read_t *read,
    const registry_job_taker_t *taker, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[2];

    read->found = false;
    rc = REGISTRY_OK;

    if (tx->db->jobs) {
        args[0] = registry_value_text(taker->holder);
        args[1] = registry_value_int(taker->imports);

        rc = registry_tx_query(tx, REGISTRY_JOB_COLUMNS
                               " WHERE j.ended_at IS NULL"
                               " AND (j.next_try <= {epoch}"
                               " OR j.holder = ?) AND (i.status IS NULL"
                               " OR i.status <> 'saving')"
                               " AND (1 = ? OR m.image_id IS NULL)"
                               " ORDER BY j.id LIMIT 1", REGISTRY_JOB_TYPES,
                               args, 2, registry_job_row, read, err);
    }

    if (rc == REGISTRY_OK && !read->found) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Job not found");
    }

    return rc;
}


static registry_rc_e
registry_job_drop(registry_tx_t *tx, glance_str_t image_id,
    registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[1];

    args[0] = registry_value_text(image_id);

    rc = registry_tx_exec(tx, "DELETE FROM ngx_glance_jobs"
                          " WHERE image_id = ?", args, 1, err);

    return (rc == REGISTRY_OK) ? registry_db_import_forget(tx, image_id, err)
                               : rc;
}


static registry_rc_e
registry_job_held(registry_tx_t *tx, const char *text,
    const registry_value_t *args, size_t n, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = REGISTRY_OK;

    if (tx->db->jobs) {
        rc = registry_tx_exec(tx, text, args, n, err);
    }

    if (rc == REGISTRY_OK
        && (!tx->db->jobs || registry_tx_changed(tx) == 0))
    {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Job not found");
    }

    return rc;
}


static registry_rc_e
registry_job_row(void *arg, const registry_value_t *row)
{
    registry_job_read_t *read = arg;

    registry_job_t  *job;

    job = read->job;

    if (job == NULL) {
        job = registry_pool_calloc(read->pool, 1, sizeof(registry_job_t));

        if (job == NULL) {
            return REGISTRY_ERROR;
        }

        *read->tail = job;
        read->tail = &job->next;
    }

    memset(job, 0, sizeof(registry_job_t));

    if (!registry_pool_copy(read->pool, row[0].text, &job->image_id)
        || !registry_pool_copy(read->pool, row[1].text, &job->url)
        || !registry_pool_copy(read->pool, row[2].text, &job->holder)
        || !registry_pool_copy(read->pool, row[3].text, &job->node)
        || !registry_pool_copy(read->pool, row[4].text, &job->last_error))
    {
        return REGISTRY_ERROR;
    }

    job->tries = row[6].number;
    job->due = row[7].number;
    job->size = (row[8].type == REGISTRY_VALUE_NULL || row[8].number == 0)
                ? REGISTRY_NUMBER_NULL : row[8].number;
    job->ended = (row[10].type != REGISTRY_VALUE_NULL);

    job->import = (row[11].type != REGISTRY_VALUE_NULL);
    job->what.located = (row[11].number != 0);
    job->what.checked = (row[13].type != REGISTRY_VALUE_NULL);

    if (!registry_pool_copy(read->pool, row[12].text, &job->what.task)
        || !registry_pool_copy(read->pool, row[13].text,
                               &job->what.hash_algo)
        || !registry_pool_copy(read->pool, row[14].text,
                               &job->what.hash_value))
    {
        return REGISTRY_ERROR;
    }

    read->found = true;
    read->wanted = (row[5].type != REGISTRY_VALUE_NULL
                    && row[9].number == 0
                    && registry_job_wanted(job,
                                           glance_status_parse(row[5].text)));

    return REGISTRY_OK;
}


static bool
registry_job_wanted(const registry_job_t *job, glance_status_e status)
{
    if (!job->import || !job->what.located) {
        return status == GLANCE_STATUS_QUEUED;
    }

    return status == GLANCE_STATUS_ACTIVE
           || status == GLANCE_STATUS_IMPORTING
           || status == GLANCE_STATUS_DEACTIVATED;
}


static registry_rc_e
registry_job_status(void *arg, const registry_value_t *row)
{
    glance_status_e *status = arg;

    *status = glance_status_parse(row[0].text);

    return REGISTRY_OK;
}
