
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_v2.h"

#include "registry_db_claims.h"
#include "registry_query.h"


typedef struct {
    registry_pool_t        *pool;
    registry_v2_member_t  **tail;
} registry_v2_members_t;

typedef struct {
    registry_pool_t        *pool;
    registry_v2_task_t    **tail;
} registry_v2_tasks_t;


static registry_rc_e registry_v2_nothing(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_v2_member_row(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_v2_task_row(void *arg,
    const registry_value_t *row);
static bool registry_v2_column(registry_pool_t *pool,
    const registry_value_t *value, glance_str_t *text);


registry_rc_e
registry_db_image_lock(registry_tx_t *tx, glance_str_t id,
    registry_err_t *err)
{
    registry_value_t  args[1];

    /* what no id can be is not for the database */

    if (id.len > GLANCE_IMAGE_ID_MAX
        || glance_utf8_check(id) != GLANCE_UTF8_OK)
    {
        return REGISTRY_OK;
    }

    args[0] = registry_value_text(id);

    return registry_tx_query(tx, "SELECT deleted FROM images WHERE id = ?"
                             " {lock}", "i", args, 1, registry_v2_nothing,
                             NULL, err);
}


registry_rc_e
registry_db_image_touch(registry_tx_t *tx, glance_str_t id,
    registry_err_t *err)
{
    registry_value_t  args[2];

    args[0] = registry_value_text(tx->now);
    args[1] = registry_value_text(id);

    return registry_tx_exec(tx, "UPDATE images SET updated_at = ?"
                            " WHERE id = ? AND deleted = 0", args, 2, err);
}


registry_rc_e
registry_db_properties_remove(registry_tx_t *tx, glance_str_t id,
    const registry_property_t *removed, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[5];

    args[0] = registry_value_text(tx->now);
    args[1] = args[0];
    args[2] = registry_value_text(id);

    for (const registry_property_t *p = removed; p != NULL; p = p->next) {
        args[3] = registry_value_text(p->name);
        args[4] = args[3];

        rc = registry_tx_exec(tx, "UPDATE image_properties SET deleted = 1,"
                              " deleted_at = ?, updated_at = ?"
                              " WHERE image_id = ? AND +deleted = 0"
                              " AND name = ? AND {exact}name = {exact}?",
                              args, 5, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_db_location_drop(registry_tx_t *tx, glance_str_t id,
    const registry_location_t *location, registry_err_t *err)
{
    registry_value_t  args[2];

    if (!registry_db_claims(tx)) {
        return registry_err_set(err, REGISTRY_CONFLICT, "There is no table "
                                "ngx_glance_removals, and without it nobody "
                                "would remove the data");
    }

    args[0] = registry_value_int(location->id);
    args[1] = registry_value_text(id);

    return registry_tx_exec(tx, "INSERT INTO ngx_glance_removals"
                            " (image_id, url, tries, next_try, created_at)"
                            " SELECT l.image_id, l.value, 0, {epoch}, {epoch}"
                            " FROM image_locations l WHERE l.id = ?"
                            " AND l.image_id = ?"
                            " AND l.value NOT LIKE 'http://%'"
                            " AND l.value NOT LIKE 'https://%'", args, 2,
                            err);
}


registry_rc_e
registry_db_v2_members(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t image_id, glance_str_t member,
    registry_v2_member_t **members, registry_err_t *err)
{
    registry_query_t       q;
    registry_v2_members_t  read = { pool, members };

    *members = NULL;

    registry_query_init(&q, tx->pool);
    registry_query_text(&q, "SELECT member, status, created_at, updated_at"
                        " FROM image_members WHERE image_id = ?"
                        " AND +deleted = 0", image_id);

    if (member.data != NULL) {
        registry_query_text(&q, " AND member = ?", member);
        registry_query_text(&q, " AND {exact}member = {exact}?", member);
    }

    registry_query_add(&q, " ORDER BY id");

    return registry_query_run(tx, &q, "tttt", registry_v2_member_row, &read,
                              err);
}


registry_rc_e
registry_db_v2_member_status(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t member, glance_str_t status, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[5];

    args[0] = registry_value_text(status);
    args[1] = registry_value_text(tx->now);
    args[2] = registry_value_text(image_id);
    args[3] = registry_value_text(member);
    args[4] = args[3];

    rc = registry_tx_exec(tx, "UPDATE image_members SET status = ?,"
                          " updated_at = ? WHERE image_id = ?"
                          " AND member = ? AND {exact}member = {exact}?"
                          " AND deleted = 0", args, 5, err);

    if (rc == REGISTRY_OK && registry_tx_changed(tx) == 0) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Member not found");
    }

    return rc;
}


registry_rc_e
registry_db_v2_tasks(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t image_id, registry_v2_task_t **tasks, registry_err_t *err)
{
    registry_value_t     args[1];
    registry_v2_tasks_t  read = { pool, tasks };

    *tasks = NULL;
    args[0] = registry_value_text(image_id);

    return registry_tx_query(tx, "SELECT t.id, t.type, t.status, t.owner,"
                             " t.expires_at, t.created_at, t.updated_at,"
                             " t.request_id, t.user_id, i.input, i.result,"
                             " i.message FROM tasks t LEFT JOIN task_info i"
                             " ON i.task_id = t.id WHERE t.image_id = ?"
                             " AND +t.deleted = 0"
                             " ORDER BY t.created_at DESC, t.id DESC",
                             "tttttttttttt", args, 1, registry_v2_task_row,
                             &read, err);
}


static registry_rc_e
registry_v2_nothing(void *arg, const registry_value_t *row)
{
    (void) arg;
    (void) row;

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_member_row(void *arg, const registry_value_t *row)
{
    registry_v2_members_t *read = arg;

    registry_v2_member_t  *m;

    m = registry_pool_calloc(read->pool, 1, sizeof(registry_v2_member_t));

    if (m == NULL
        || !registry_v2_column(read->pool, &row[0], &m->member)
        || !registry_v2_column(read->pool, &row[1], &m->status))
    {
        return REGISTRY_ERROR;
    }

    m->created_at = registry_tx_epoch(&row[2]);
    m->updated_at = registry_tx_epoch(&row[3]);

    *read->tail = m;
    read->tail = &m->next;

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_task_row(void *arg, const registry_value_t *row)
{
    registry_v2_tasks_t *read = arg;

    registry_v2_task_t  *t;

    t = registry_pool_calloc(read->pool, 1, sizeof(registry_v2_task_t));
    if (t == NULL) {
        return REGISTRY_ERROR;
    }

    glance_str_t *const  texts[] = {
        &t->id, &t->type, &t->status, &t->owner, &t->expires_at,
        &t->created_at, &t->updated_at, &t->request_id, &t->user_id,
        &t->input, &t->result, &t->message
    };

    for (size_t i = 0; i < registry_nargs(texts); i++) {

        if (!registry_v2_column(read->pool, &row[i], texts[i])) {
            return REGISTRY_ERROR;
        }
    }

    *read->tail = t;
    read->tail = &t->next;

    return REGISTRY_OK;
}


static bool
registry_v2_column(registry_pool_t *pool, const registry_value_t *value,
    glance_str_t *text)
{
    return value->type != REGISTRY_VALUE_TEXT
           || registry_pool_copy(pool, value->text, text);
}
