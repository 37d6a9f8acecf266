
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_members.h"

#include <string.h>

#include "registry_query.h"


/*
 * The collation of MySQL takes "Bob" for "bob"; a tenant must not be taken
 * for another one, so {exact} compares the bytes as well.
 */
#define REGISTRY_MEMBER_IS                                                    \
    " image_id = ? AND member = ? AND {exact}member = {exact}?"


typedef struct {
    bool                  found;
    bool                  deleted;
    int64_t               id;
    int64_t               can_share;
} registry_member_row_t;

typedef struct {
    registry_pool_t      *pool;
    registry_member_t   **tail;
} registry_member_read_t;


static registry_rc_e registry_member_lock(registry_tx_t *tx,
    glance_str_t image_id, registry_err_t *err);
static registry_rc_e registry_member_find(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t member, registry_member_row_t *found,
    registry_err_t *err);
static registry_rc_e registry_member_found(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_member_put(registry_tx_t *tx,
    const registry_member_t *member, registry_err_t *err);
static registry_rc_e registry_member_alike(registry_tx_t *tx,
    const registry_member_t *member, registry_member_row_t *row,
    registry_err_t *err);
static registry_rc_e registry_member_retire(registry_tx_t *tx,
    glance_str_t image_id, registry_member_t *keep, registry_err_t *err);
static registry_rc_e registry_member_quota(registry_tx_t *tx,
    glance_str_t image_id, int64_t quota, registry_err_t *err);
static registry_rc_e registry_member_row(void *arg,
    const registry_value_t *row);


registry_rc_e
registry_db_member_get(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t member, bool *can_share, registry_err_t *err)
{
    registry_rc_e          rc;
    registry_member_row_t  found;

    rc = registry_member_find(tx, image_id, member, &found, err);

    if (rc == REGISTRY_OK && (!found.found || found.deleted)) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Member not found");
    }

    *can_share = (found.can_share != 0);

    return rc;
}


registry_rc_e
registry_db_member_list(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t image_id, registry_member_t **members, registry_err_t *err)
{
    registry_value_t        args[1];
    registry_member_read_t  read = { pool, members };

    *members = NULL;
    args[0] = registry_value_text(image_id);

    return registry_tx_query(tx, "SELECT image_id, member, can_share"
                             " FROM image_members WHERE image_id = ?"
                             " AND +deleted = 0 ORDER BY id", "tti", args, 1,
                             registry_member_row, &read, err);
}


registry_rc_e
registry_db_member_save(registry_tx_t *tx, const registry_member_t *member,
    int64_t quota, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_member_lock(tx, member->image_id, err);

    if (rc == REGISTRY_OK) {
        rc = registry_member_put(tx, member, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_member_quota(tx, member->image_id, quota, err);
    }

    return rc;
}


registry_rc_e
registry_db_member_replace(registry_tx_t *tx, glance_str_t image_id,
    registry_member_t *members, int64_t quota, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_member_lock(tx, image_id, err);

    if (rc == REGISTRY_OK) {
        rc = registry_member_retire(tx, image_id, members, err);
    }

    for (registry_member_t *m = members;
         m != NULL && rc == REGISTRY_OK;
         m = m->next)
    {
        m->image_id = image_id;
        rc = registry_member_put(tx, m, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_member_quota(tx, image_id, quota, err);
    }

    return rc;
}


registry_rc_e
registry_db_member_delete(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t member, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[5];

    rc = registry_member_lock(tx, image_id, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    args[0] = registry_value_text(tx->now);
    args[1] = args[0];
    args[2] = registry_value_text(image_id);
    args[3] = registry_value_text(member);
    args[4] = args[3];

    rc = registry_tx_exec(tx, "UPDATE image_members SET deleted = 1,"
                          " deleted_at = ?, updated_at = ?"
                          " WHERE +deleted = 0 AND" REGISTRY_MEMBER_IS, args,
                          5, err);

    if (rc == REGISTRY_OK && registry_tx_changed(tx) == 0 && !tx->repeated) {
        return registry_err_set(err, REGISTRY_NOT_FOUND,
                                "Membership could not be found");
    }

    return rc;
}


registry_rc_e
registry_db_member_images(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t member, glance_str_t viewer, registry_member_t **members,
    registry_err_t *err)
{
    registry_query_t        q;
    registry_member_read_t  read = { pool, members };

    *members = NULL;

    registry_query_init(&q, tx->pool);
    registry_query_text(&q, "SELECT m.image_id, m.member, m.can_share"
                        " FROM image_members m JOIN images i"
                        " ON i.id = m.image_id"
                        " WHERE +m.deleted = 0 AND i.deleted = 0"
                        " AND m.member = ?", member);
    registry_query_text(&q, " AND {exact}m.member = {exact}?", member);

    if (viewer.data != NULL) {
        registry_query_text(&q, " AND ({exact}i.owner = {exact}?", viewer);
        registry_query_text(&q, " OR {exact}m.member = {exact}?)", viewer);
    }

    registry_query_add(&q, " ORDER BY m.id");

    return registry_query_run(tx, &q, "tti", registry_member_row, &read, err);
}


/*
 * The unique key does not stop two live rows of one member, so whoever
 * changes members holds the image's row.
 */

static registry_rc_e
registry_member_lock(registry_tx_t *tx, glance_str_t image_id,
    registry_err_t *err)
{
    registry_rc_e          rc;
    registry_value_t       args[1];
    registry_member_row_t  found;

    memset(&found, 0, sizeof(registry_member_row_t));
    args[0] = registry_value_text(image_id);

    rc = registry_tx_query(tx, "SELECT 0, deleted, 0 FROM images"
                           " WHERE id = ? AND deleted = 0 {lock}", "iii",
                           args, 1, registry_member_found, &found, err);

    if (rc == REGISTRY_OK && !found.found) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Image not found");
    }

    return rc;
}


/* a live row if there is one, else a dead one */

static registry_rc_e
registry_member_find(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t member, registry_member_row_t *found, registry_err_t *err)
{
    registry_value_t  args[3];

    memset(found, 0, sizeof(registry_member_row_t));

    args[0] = registry_value_text(image_id);
    args[1] = registry_value_text(member);
    args[2] = args[1];

    return registry_tx_query(tx, "SELECT id, deleted, can_share"
                             " FROM image_members WHERE" REGISTRY_MEMBER_IS
                             " ORDER BY deleted, id LIMIT 1", "iii", args, 3,
                             registry_member_found, found, err);
}


static registry_rc_e
registry_member_found(void *arg, const registry_value_t *row)
{
    registry_member_row_t *found = arg;

    found->found = true;
    found->id = row[0].number;
    found->deleted = (row[1].number != 0);
    found->can_share = row[2].number;

    return REGISTRY_OK;
}


static registry_rc_e
registry_member_put(registry_tx_t *tx, const registry_member_t *member,
    registry_err_t *err)
{
    int64_t                can_share;
    registry_rc_e          rc;
    registry_value_t       args[5];
    registry_member_row_t  row;

    rc = registry_member_find(tx, member->image_id, member->member, &row,
                              err);

    if (rc == REGISTRY_OK && (!row.found || row.deleted)) {
        rc = registry_member_alike(tx, member, &row, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    can_share = member->can_share;

    if (can_share == -1) {
        can_share = (row.found && !row.deleted) ? row.can_share : 0;
    }

    args[0] = registry_value_int(can_share);
    args[1] = registry_value_text(tx->now);

    if (!row.found) {
        args[2] = args[1];
        args[3] = registry_value_text(member->image_id);
        args[4] = registry_value_text(member->member);

        return registry_tx_exec(tx, "INSERT INTO image_members (can_share,"
                                " created_at, updated_at, image_id, member,"
                                " deleted, status)"
                                " VALUES (?, ?, ?, ?, ?, 0, 'pending')",
                                args, 5, err);
    }

    if (row.deleted) {
        args[2] = registry_value_text(member->member);
        args[3] = registry_value_int(row.id);

        return registry_tx_exec(tx, "UPDATE image_members SET can_share = ?,"
                                " updated_at = ?, member = ?, deleted = 0,"
                                " deleted_at = NULL, status = 'pending'"
                                " WHERE id = ?", args, 4, err);
    }

    args[2] = registry_value_int(row.id);

    return registry_tx_exec(tx, "UPDATE image_members SET can_share = ?,"
                            " updated_at = ? WHERE id = ?", args, 3, err);
}


/*
 * "Bob" beside "bob" are two tenants, but one to the unique key of MySQL:
 * with a row each, neither they nor their image could be deleted in one
 * second.  There is one row for both, which a dead "bob" leaves to "Bob".
 */

static registry_rc_e
registry_member_alike(registry_tx_t *tx, const registry_member_t *member,
    registry_member_row_t *row, registry_err_t *err)
{
    registry_rc_e          rc;
    registry_value_t       args[2];
    registry_member_row_t  other;

    memset(&other, 0, sizeof(registry_member_row_t));

    args[0] = registry_value_text(member->image_id);
    args[1] = registry_value_text(member->member);

    rc = registry_tx_query(tx, "SELECT id, deleted, can_share"
                           " FROM image_members WHERE image_id = ?"
                           " AND member = ? ORDER BY deleted, id LIMIT 1",
                           "iii", args, 2, registry_member_found, &other,
                           err);

    if (rc != REGISTRY_OK || !other.found) {
        return rc;
    }

    if (!other.deleted) {
        return registry_err_set(err, REGISTRY_CONFLICT, "The image has a "
                                "member whose name the database takes for "
                                "the same");
    }

    if (!row->found) {
        *row = other;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_member_retire(registry_tx_t *tx, glance_str_t image_id,
    registry_member_t *keep, registry_err_t *err)
{
    size_t             n;
    glance_str_t      *names;
    registry_query_t   q;

    n = 0;

    for (registry_member_t *m = keep; m != NULL; m = m->next) {
        n++;
    }

    registry_query_init(&q, tx->pool);
    registry_query_text(&q, "UPDATE image_members SET deleted = 1,"
                        " deleted_at = ?", tx->now);
    registry_query_text(&q, ", updated_at = ?", tx->now);
    registry_query_text(&q, " WHERE image_id = ? AND +deleted = 0", image_id);

    if (n > 0) {
        names = registry_pool_calloc(tx->pool, n, sizeof(glance_str_t));

        if (names == NULL) {
            return registry_err_set(err, REGISTRY_ERROR, "out of memory");
        }

        n = 0;

        for (registry_member_t *m = keep; m != NULL; m = m->next) {
            names[n++] = m->member;
        }

        registry_query_add(&q, " AND {exact}member NOT IN ");
        registry_query_in(&q, names, n);
    }

    return registry_query_exec(tx, &q, err);
}


static registry_rc_e
registry_member_quota(registry_tx_t *tx, glance_str_t image_id,
    int64_t quota, registry_err_t *err)
{
    registry_rc_e          rc;
    registry_value_t       args[1];
    registry_member_row_t  row;

    if (quota < 0) {
        return REGISTRY_OK;
    }

    memset(&row, 0, sizeof(registry_member_row_t));
    args[0] = registry_value_text(image_id);

    rc = registry_tx_query(tx, "SELECT COUNT(*), 0, 0 FROM image_members"
                           " WHERE image_id = ? AND +deleted = 0", "iii",
                           args, 1, registry_member_found, &row, err);

    if (rc == REGISTRY_OK && row.id > quota) {
        return registry_err_set(err, REGISTRY_LIMIT, "The limit has been "
                                "exceeded on the number of allowed image "
                                "members for this image. Attempted: %lld, "
                                "Maximum: %lld", (long long) row.id,
                                (long long) quota);
    }

    return rc;
}


static registry_rc_e
registry_member_row(void *arg, const registry_value_t *row)
{
    registry_member_read_t *read = arg;

    registry_member_t  *m;

    m = registry_pool_calloc(read->pool, 1, sizeof(registry_member_t));

    if (m == NULL
        || !registry_pool_copy(read->pool, row[0].text, &m->image_id)
        || !registry_pool_copy(read->pool, row[1].text, &m->member))
    {
        return REGISTRY_ERROR;
    }

    m->can_share = (row[2].number != 0);

    *read->tail = m;
    read->tail = &m->next;

    return REGISTRY_OK;
}
