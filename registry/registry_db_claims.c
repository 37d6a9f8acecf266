
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_claims.h"

#include <string.h>

#include "registry_db_images.h"
#include "registry_query.h"


#define REGISTRY_CLAIM_COLUMNS                                                \
    "SELECT id, image_id, node, on_expire, expires_at - {epoch}, created_at"  \
    " FROM ngx_glance_claims"
#define REGISTRY_CLAIM_TYPES  "ttttii"


typedef struct {
    registry_pool_t       *pool;
    registry_claim_row_t  *claims;
    size_t                 n;
    size_t                 max;
} registry_claim_read_t;

typedef struct {
    registry_pool_t       *pool;
    registry_removal_t   **tail;
} registry_removal_read_t;


static registry_rc_e registry_claim_row(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_claim_apply(registry_tx_t *tx,
    const registry_claim_row_t *claim, const char **status,
    registry_err_t *err);
static registry_rc_e registry_claim_status(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_removal_row(void *arg,
    const registry_value_t *row);


/* the words of the header and of the table */

static const char *const  registry_aborts[] = {
    [REGISTRY_ABORT_QUEUED] = "queued",
    [REGISTRY_ABORT_KILLED] = "killed",
    [REGISTRY_ABORT_DELETE] = "delete"
};


bool
registry_db_claims(registry_tx_t *tx)
{
    return tx->db->claims;
}


registry_rc_e
registry_db_claim_take(registry_tx_t *tx, glance_str_t image_id,
    const registry_claim_t *claim, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[5];

    rc = registry_db_claim_drop_image(tx, image_id, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    args[0] = registry_value_text(claim->id);
    args[1] = registry_value_text(image_id);
    args[2] = registry_value_text(claim->node);
    args[3] = registry_value_str(registry_abort_name(claim->on_expire));
    args[4] = registry_value_int(claim->lease);

    rc = registry_tx_exec(tx, "INSERT INTO ngx_glance_claims (id, image_id,"
                          " node, on_expire, expires_at, created_at)"
                          " VALUES (?, ?, ?, ?, {epoch} + ?, {epoch})",
                          args, 5, err);

    if (rc == REGISTRY_CONFLICT) {
        return registry_err_set(err, rc, "Image operation conflicts");
    }

    return rc;
}


registry_rc_e
registry_db_claim_holds(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t id, registry_err_t *err)
{
    registry_rc_e         rc;
    registry_claim_row_t  claim;

    memset(&claim, 0, sizeof(registry_claim_row_t));

    rc = registry_db_claim_get(tx, tx->pool, id, &claim, err);

    if (rc == REGISTRY_OK && !glance_str_eq(claim.image_id, image_id)) {
        return REGISTRY_NOT_FOUND;
    }

    return rc;
}


registry_rc_e
registry_db_claim_drop(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t id, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[2];

    args[0] = registry_value_text(id);
    args[1] = registry_value_text(image_id);

    rc = registry_tx_exec(tx, "DELETE FROM ngx_glance_claims WHERE id = ?"
                          " AND image_id = ?", args, 2, err);

    if (rc == REGISTRY_OK && registry_tx_changed(tx) == 0) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Claim not found");
    }

    return rc;
}


registry_rc_e
registry_db_claim_drop_image(registry_tx_t *tx, glance_str_t image_id,
    registry_err_t *err)
{
    registry_value_t  args[1];

    args[0] = registry_value_text(image_id);

    return registry_tx_exec(tx, "DELETE FROM ngx_glance_claims"
                            " WHERE image_id = ?", args, 1, err);
}


registry_rc_e
registry_db_claim_get(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t id, registry_claim_row_t *claim, registry_err_t *err)
{
    registry_rc_e          rc;
    registry_value_t       args[1];
    registry_claim_read_t  read = { pool, claim, 0, 1 };

    args[0] = registry_value_text(id);
    rc = REGISTRY_OK;

    if (tx->db->claims) {
        rc = registry_tx_query(tx, REGISTRY_CLAIM_COLUMNS " WHERE id = ?",
                               REGISTRY_CLAIM_TYPES, args, 1,
                               registry_claim_row, &read, err);
    }

    if (rc == REGISTRY_OK && read.n == 0) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Claim not found");
    }

    return rc;
}


registry_rc_e
registry_db_claim_renew(registry_tx_t *tx, glance_str_t id, int64_t lease,
    registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[2];

    if (!tx->db->claims) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Claim not found");
    }

    args[0] = registry_value_int(lease);
    args[1] = registry_value_text(id);

    rc = registry_tx_exec(tx, "UPDATE ngx_glance_claims SET"
                          " expires_at = {epoch} + ? WHERE id = ?", args, 2,
                          err);

    if (rc == REGISTRY_OK && registry_tx_changed(tx) == 0) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Claim not found");
    }

    return rc;
}


registry_rc_e
registry_db_claim_list(registry_tx_t *tx, registry_pool_t *pool, bool expired,
    registry_claim_row_t *claims, size_t *n, registry_err_t *err)
{
    registry_rc_e          rc;
    registry_value_t       args[1];
    registry_claim_read_t  read = { pool, claims, 0, *n };

    *n = 0;

    if (!tx->db->claims) {
        return REGISTRY_OK;
    }

    args[0] = registry_value_int((int64_t) read.max);

    rc = registry_tx_query(tx, expired ? REGISTRY_CLAIM_COLUMNS
                                         " WHERE expires_at < {epoch}"
                                         " ORDER BY expires_at LIMIT ?"
                                       : REGISTRY_CLAIM_COLUMNS
                                         " ORDER BY expires_at LIMIT ?",
                           REGISTRY_CLAIM_TYPES, args, 1, registry_claim_row,
                           &read, err);
    *n = read.n;

    return rc;
}


registry_rc_e
registry_db_claim_abandon(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t id, bool expired, registry_claim_row_t *claim,
    const char **status, registry_err_t *err)
{
    glance_str_t      now = glance_null_string;
    registry_rc_e     rc;
    registry_value_t  args[1];

    rc = registry_db_claim_get(tx, pool, id, claim, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    /* first the image, then the claim: the order in which others lock */

    args[0] = registry_value_text(claim->image_id);

    rc = registry_tx_query(tx, "SELECT status FROM images WHERE id = ?"
                           " {lock}", "t", args, 1, registry_claim_status,
                           &now, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    args[0] = registry_value_text(id);

    rc = registry_tx_exec(tx, expired ? "DELETE FROM ngx_glance_claims"
                                        " WHERE id = ?"
                                        " AND expires_at < {epoch}"
                                      : "DELETE FROM ngx_glance_claims"
                                        " WHERE id = ?",
                          args, 1, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (registry_tx_changed(tx) == 0) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Claim not found");
    }

    return registry_claim_apply(tx, claim, status, err);
}


const char *
registry_abort_name(registry_abort_e on_expire)
{
    return registry_aborts[on_expire];
}


bool
registry_abort_parse(glance_str_t s, registry_abort_e *on_expire)
{
    for (size_t i = 0; i < registry_nargs(registry_aborts); i++) {

        if (glance_str_eq(s, glance_str(registry_aborts[i]))) {
            *on_expire = (registry_abort_e) i;
            return true;
        }
    }

    return false;
}


registry_rc_e
registry_db_removal_list(registry_tx_t *tx, registry_pool_t *pool,
    int64_t after, int64_t limit, registry_removal_t **removals,
    registry_err_t *err)
{
    registry_value_t         args[2];
    registry_removal_read_t  read = { pool, removals };

    *removals = NULL;

    if (!tx->db->claims) {
        return REGISTRY_OK;
    }

    args[0] = registry_value_int(after);
    args[1] = registry_value_int(limit);

    return registry_tx_query(tx, "SELECT id, image_id, url, tries, last_error"
                             " FROM ngx_glance_removals"
                             " WHERE id > ? AND next_try <= {epoch}"
                             " ORDER BY id LIMIT ?", "ittit", args, 2,
                             registry_removal_row, &read, err);
}


registry_rc_e
registry_db_removal_add(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t url, registry_err_t *err)
{
    registry_value_t  args[2];

    if (!tx->db->claims) {
        return REGISTRY_OK;
    }

    args[0] = registry_value_text(image_id);
    args[1] = registry_value_text(url);

    return registry_tx_exec(tx, "INSERT INTO ngx_glance_removals"
                            " (image_id, url, tries, next_try, created_at)"
                            " VALUES (?, ?, 0, {epoch}, {epoch})", args, 2,
                            err);
}


registry_rc_e
registry_db_removal_done(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t url, registry_err_t *err)
{
    registry_value_t  args[3];

    if (!tx->db->claims) {
        return REGISTRY_OK;
    }

    args[0] = registry_value_text(image_id);
    args[1] = registry_value_text(url);
    args[2] = args[1];

    return registry_tx_exec(tx, "DELETE FROM ngx_glance_removals"
                            " WHERE image_id = ? AND (? IS NULL"
                            " OR {exact}url = {exact}?)", args, 3, err);
}


/* 10, 20, 40 ... seconds, an hour at most */

registry_rc_e
registry_db_removal_failed(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t url, glance_str_t text, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[4];

    args[0] = registry_value_text(text);
    args[1] = registry_value_text(image_id);
    args[2] = registry_value_text(url);
    args[3] = args[2];
    rc = REGISTRY_OK;

    /* one engine takes the new "tries" on the right, so it comes last */

    if (tx->db->claims) {
        rc = registry_tx_exec(tx, "UPDATE ngx_glance_removals SET"
                              " next_try = {epoch} + CASE WHEN tries > 8"
                              " THEN 3600 ELSE 10 * (1 << tries) END,"
                              " last_error = ?, tries = tries + 1"
                              " WHERE image_id = ? AND (? IS NULL"
                              " OR {exact}url = {exact}?)", args, 4, err);

        if (rc == REGISTRY_OK && registry_tx_changed(tx) > 0) {
            return REGISTRY_OK;
        }
    }

    if (rc == REGISTRY_OK) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Removal not found");
    }

    return rc;
}


static registry_rc_e
registry_claim_row(void *arg, const registry_value_t *row)
{
    registry_claim_read_t *read = arg;

    glance_str_t           word;
    registry_claim_row_t  *claim;

    if (read->n == read->max) {
        return REGISTRY_OK;
    }

    claim = &read->claims[read->n];
    memset(claim, 0, sizeof(registry_claim_row_t));

    word = row[3].text;

    if (!registry_pool_copy(read->pool, row[0].text, &claim->id)
        || !registry_pool_copy(read->pool, row[1].text, &claim->image_id)
        || (row[2].type != REGISTRY_VALUE_NULL
            && !registry_pool_copy(read->pool, row[2].text, &claim->node))
        || !registry_abort_parse(word, &claim->on_expire))
    {
        return REGISTRY_ERROR;
    }

    claim->expires_in = row[4].number;
    claim->created_at = row[5].number;

    read->n++;

    return REGISTRY_OK;
}


static registry_rc_e
registry_claim_apply(registry_tx_t *tx, const registry_claim_row_t *claim,
    const char **status, registry_err_t *err)
{
    glance_str_t      now;
    registry_rc_e     rc;
    registry_value_t  args[3];

    args[0] = registry_value_str(registry_abort_name(claim->on_expire));
    args[1] = registry_value_text(tx->now);
    args[2] = registry_value_text(claim->image_id);

    if (claim->on_expire != REGISTRY_ABORT_DELETE) {
        *status = registry_abort_name(claim->on_expire);

        return registry_tx_exec(tx, "UPDATE images SET status = ?,"
                                " updated_at = ? WHERE id = ?"
                                " AND status = 'saving' AND deleted = 0",
                                args, 3, err);
    }

    *status = "deleted";
    now.len = 0;
    now.data = NULL;

    rc = registry_tx_query(tx, "SELECT status FROM images WHERE id = ?"
                           " AND deleted = 0"
                           " AND status IN ('deleted', 'pending_delete')",
                           "t", &args[2], 1, registry_claim_status, &now,
                           err);

    if (rc != REGISTRY_OK || now.len == 0) {
        return rc;
    }

    return registry_db_image_delete(tx, claim->image_id, NULL, err);
}


/* only whether there is one */

static registry_rc_e
registry_claim_status(void *arg, const registry_value_t *row)
{
    glance_str_t *status = arg;

    status->len = row[0].text.len;

    return REGISTRY_OK;
}


static registry_rc_e
registry_removal_row(void *arg, const registry_value_t *row)
{
    registry_removal_read_t *read = arg;

    registry_removal_t  *r;

    r = registry_pool_calloc(read->pool, 1, sizeof(registry_removal_t));

    if (r == NULL
        || !registry_pool_copy(read->pool, row[1].text, &r->image_id)
        || !registry_pool_copy(read->pool, row[2].text, &r->url)
        || (row[4].type != REGISTRY_VALUE_NULL
            && !registry_pool_copy(read->pool, row[4].text, &r->last_error)))
    {
        return REGISTRY_ERROR;
    }

    r->id = row[0].number;
    r->tries = row[3].number;

    *read->tail = r;
    read->tail = &r->next;

    return REGISTRY_OK;
}
