
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "registry_db_claims.h"
#include "registry_db_images.h"
#include "registry_db_locations.h"
#include "registry_db_properties.h"
#include "registry_db_tags.h"
#include "registry_query.h"


#define REGISTRY_REMOVAL_GRACE  10      /* s for the API server's own try */


typedef enum {
    REGISTRY_COLUMN_TEXT = 0,
    REGISTRY_COLUMN_NUMBER,
    REGISTRY_COLUMN_BOOL,
    REGISTRY_COLUMN_TIME
} registry_column_e;

typedef struct {
    const char         *name;
    registry_column_e   type;
    uint32_t            set;
    size_t              offset;         /* in registry_image_t */
} registry_column_t;

typedef struct {
    registry_pool_t    *pool;
    glance_str_t        status;
} registry_image_status_t;


static registry_rc_e registry_image_scrub(registry_tx_t *tx, glance_str_t id,
    registry_err_t *err);
static registry_rc_e registry_image_insert(registry_tx_t *tx,
    const registry_image_t *image, registry_err_t *err);
static registry_rc_e registry_image_change(registry_tx_t *tx,
    glance_str_t id, const registry_changes_t *changes, registry_err_t *err);
static registry_value_t registry_image_value(registry_tx_t *tx,
    const registry_column_t *c, const registry_image_t *image);
static registry_rc_e registry_image_conflict(registry_tx_t *tx,
    glance_str_t id, const registry_changes_t *changes, registry_err_t *err);
static registry_rc_e registry_image_done(registry_tx_t *tx, glance_str_t id,
    const registry_changes_t *changes, registry_err_t *err);
static registry_rc_e registry_image_claim(registry_tx_t *tx, glance_str_t id,
    const registry_changes_t *changes, registry_err_t *err);
static registry_rc_e registry_image_status(registry_tx_t *tx,
    glance_str_t id, glance_str_t *status, registry_err_t *err);
static registry_rc_e registry_image_status_row(void *arg,
    const registry_value_t *row);


#define column(name, type, set)                                               \
    { #name, REGISTRY_COLUMN_ ## type, set, offsetof(registry_image_t, name) }

static const registry_column_t  registry_columns[] = {
    column(id, TEXT, REGISTRY_SET_ID),
    column(name, TEXT, REGISTRY_SET_NAME),
    column(status, TEXT, REGISTRY_SET_STATUS),
    column(disk_format, TEXT, REGISTRY_SET_DISK_FORMAT),
    column(container_format, TEXT, REGISTRY_SET_CONTAINER_FORMAT),
    column(checksum, TEXT, REGISTRY_SET_CHECKSUM),
    column(owner, TEXT, REGISTRY_SET_OWNER),
    column(visibility, TEXT, REGISTRY_SET_VISIBILITY),
    column(os_hash_algo, TEXT, REGISTRY_SET_OS_HASH_ALGO),
    column(os_hash_value, TEXT, REGISTRY_SET_OS_HASH_VALUE),
    column(size, NUMBER, REGISTRY_SET_SIZE),
    column(virtual_size, NUMBER, REGISTRY_SET_VIRTUAL_SIZE),
    column(min_disk, NUMBER, REGISTRY_SET_MIN_DISK),
    column(min_ram, NUMBER, REGISTRY_SET_MIN_RAM),
    column(protected, BOOL, REGISTRY_SET_PROTECTED),
    column(os_hidden, BOOL, REGISTRY_SET_OS_HIDDEN),
    column(created_at, TIME, REGISTRY_SET_CREATED_AT),
    column(updated_at, TIME, REGISTRY_SET_UPDATED_AT)
};

#undef column


registry_rc_e
registry_db_image_create(registry_tx_t *tx, registry_changes_t *changes,
    int64_t quota, registry_err_t *err)
{
    glance_str_t    id = changes->image.id;
    registry_rc_e   rc;

    rc = registry_image_insert(tx, &changes->image, err);

    if (rc == REGISTRY_CONFLICT && tx->sql->fault == REGISTRY_FAULT_DUPLICATE)
    {
        return registry_image_conflict(tx, id, changes, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_properties_set(tx, id, changes, quota, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_locations_set(tx, id, changes->image.locations,
                                       true, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_tags_add(tx, id, changes->image.tags, err);
    }

    if (rc == REGISTRY_OK
        && changes->claim.id.len > 0
        && registry_db_claims(tx)
        && glance_status_parse(changes->image.status)
           == GLANCE_STATUS_SAVING)
    {
        rc = registry_db_claim_take(tx, id, &changes->claim, err);
    }

    return rc;
}


registry_rc_e
registry_db_image_update(registry_tx_t *tx, glance_str_t id,
    registry_changes_t *changes, int64_t quota, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_image_change(tx, id, changes, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (registry_tx_changed(tx) == 0) {
        return registry_image_conflict(tx, id, changes, err);
    }

    if (changes->scrub) {
        return registry_image_scrub(tx, id, err);
    }

    rc = registry_image_claim(tx, id, changes, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_properties_set(tx, id, changes, quota, err);
    }

    if (rc == REGISTRY_OK && (changes->set & REGISTRY_SET_LOCATIONS)) {
        rc = registry_db_locations_set(tx, id, changes->image.locations,
                                       false, err);
    }

    if (rc == REGISTRY_OK && (changes->set & REGISTRY_SET_TAGS)) {
        rc = registry_db_tags_replace(tx, id, changes->image.tags, err);
    }

    return rc;
}


registry_rc_e
registry_db_image_delete(registry_tx_t *tx, glance_str_t id,
    const char *status, registry_err_t *err)
{
    bool              pending;
    glance_str_t      now;
    registry_rc_e     rc;
    registry_value_t  args[4], removal[2];

    static const char *const  children[] = {
        "UPDATE image_properties SET deleted = 1, deleted_at = ?,"
        " updated_at = ? WHERE image_id = ? AND +deleted = 0",
        "UPDATE image_members SET deleted = 1, deleted_at = ?,"
        " updated_at = ? WHERE image_id = ? AND +deleted = 0",
        "UPDATE image_tags SET deleted = 1, deleted_at = ?,"
        " updated_at = ? WHERE image_id = ? AND +deleted = 0",
    };

    rc = registry_image_status(tx, id, &now, err);

    if (rc == REGISTRY_NOT_FOUND && tx->repeated) {
        return REGISTRY_OK;
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (status != NULL) {
        now = glance_str(status);
    }

    pending = (glance_status_parse(now) == GLANCE_STATUS_PENDING_DELETE);

    args[0] = registry_value_text(tx->now);
    args[1] = args[0];
    args[2] = registry_value_text(now);
    args[3] = registry_value_text(id);

    rc = registry_tx_exec(tx, "UPDATE images SET deleted = 1,"
                          " deleted_at = ?, updated_at = ?, status = ?"
                          " WHERE id = ? AND deleted = 0", args, 4, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    args[2] = args[3];

    for (size_t i = 0; i < registry_nargs(children); i++) {
        rc = registry_tx_exec(tx, children[i], args, 3, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (registry_db_claims(tx)) {
        rc = registry_db_claim_drop_image(tx, id, err);

        /* nobody else tries when it is we who were asked to delete */

        removal[0] = registry_value_int((status == NULL)
                                        ? REGISTRY_REMOVAL_GRACE : 0);
        removal[1] = registry_value_text(id);

        /* data of others is read only, and a scrubber comes for pending */

        if (rc == REGISTRY_OK && !pending) {
            rc = registry_tx_exec(tx, "INSERT INTO ngx_glance_removals"
                                  " (image_id, url, tries, next_try,"
                                  " created_at) SELECT image_id, value, 0,"
                                  " {epoch} + ?, {epoch}"
                                  " FROM image_locations"
                                  " WHERE image_id = ? AND +deleted = 0"
                                  " AND value NOT LIKE 'http://%'"
                                  " AND value NOT LIKE 'https://%'",
                                  removal, 2, err);
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    args[3] = args[2];
    args[2] = args[1];
    args[0] = registry_value_str(pending ? "pending_delete" : "deleted");

    return registry_tx_exec(tx, "UPDATE image_locations SET status = ?,"
                            " deleted = 1, deleted_at = ?, updated_at = ?"
                            " WHERE image_id = ? AND +deleted = 0", args, 4,
                            err);
}


/* a delayed delete has come to its end: the data are a worker's to remove */

static registry_rc_e
registry_image_scrub(registry_tx_t *tx, glance_str_t id, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[2];

    args[0] = registry_value_text(tx->now);
    args[1] = registry_value_text(id);

    if (!registry_db_claims(tx)) {
        return registry_err_set(err, REGISTRY_CONFLICT, "There is no table "
                                "ngx_glance_removals, and without it nobody "
                                "would remove the data");
    }

    rc = registry_tx_exec(tx, "INSERT INTO ngx_glance_removals"
                          " (image_id, url, tries, next_try, created_at)"
                          " SELECT image_id, value, 0, {epoch}, {epoch}"
                          " FROM image_locations WHERE image_id = ?"
                          " AND status = 'pending_delete'"
                          " AND value NOT LIKE 'http://%'"
                          " AND value NOT LIKE 'https://%'", &args[1], 1,
                          err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    return registry_tx_exec(tx, "UPDATE image_locations SET"
                            " status = 'deleted', updated_at = ?"
                            " WHERE image_id = ?"
                            " AND status = 'pending_delete'", args, 2, err);
}


static registry_rc_e
registry_image_insert(registry_tx_t *tx, const registry_image_t *image,
    registry_err_t *err)
{
    registry_query_t  q;

    registry_query_init(&q, tx->pool);
    registry_query_add(&q, "INSERT INTO images (deleted");

    for (size_t i = 0; i < registry_nargs(registry_columns); i++) {
        registry_query_add(&q, ", ");
        registry_query_add(&q, registry_columns[i].name);
    }

    registry_query_add(&q, ") VALUES (0");

    for (size_t i = 0; i < registry_nargs(registry_columns); i++) {
        registry_query_value(&q, ", ?",
                             registry_image_value(tx, &registry_columns[i],
                                                  image));
    }

    registry_query_add(&q, ")");

    return registry_query_exec(tx, &q, err);
}


/* the compare and set: one statement decides */

static registry_rc_e
registry_image_change(registry_tx_t *tx, glance_str_t id,
    const registry_changes_t *changes, registry_err_t *err)
{
    const uint32_t  never = REGISTRY_SET_ID | REGISTRY_SET_CREATED_AT
                            | REGISTRY_SET_UPDATED_AT;

    registry_query_t          q;
    const registry_column_t  *c;

    registry_query_init(&q, tx->pool);
    registry_query_text(&q, "UPDATE images SET updated_at = ?", tx->now);

    for (size_t i = 0; i < registry_nargs(registry_columns); i++) {
        c = &registry_columns[i];

        if ((changes->set & ~never & c->set) == 0) {
            continue;
        }

        registry_query_add(&q, ", ");
        registry_query_add(&q, c->name);
        registry_query_value(&q, " = ?",
                             registry_image_value(tx, c, &changes->image));
    }

    registry_query_text(&q, " WHERE id = ?", id);

    /* a scrubber marks what was deleted before */

    registry_query_add(&q, changes->scrub
                           ? " AND deleted = 1 AND status = 'pending_delete'"
                           : " AND deleted = 0");

    if (changes->from_state.len > 0) {
        registry_query_text(&q, " AND status = ?", changes->from_state);
    }

    return registry_query_exec(tx, &q, err);
}


static registry_value_t
registry_image_value(registry_tx_t *tx, const registry_column_t *c,
    const registry_image_t *image)
{
    int64_t         number;
    glance_str_t    text;
    const void     *field;
    unsigned char  *p;

    field = (const char *) image + c->offset;

    switch (c->type) {

    case REGISTRY_COLUMN_TEXT:
        return registry_value_text(*(const glance_str_t *) field);

    case REGISTRY_COLUMN_BOOL:
        return registry_value_int(*(const bool *) field ? 1 : 0);

    case REGISTRY_COLUMN_NUMBER:
        number = *(const int64_t *) field;

        return (number == REGISTRY_NUMBER_NULL) ? registry_value_str(NULL)
                                                : registry_value_int(number);

    default:
        number = *(const int64_t *) field;

        if (number == REGISTRY_TIME_NULL) {
            return registry_value_text(tx->now);
        }

        p = registry_pool_alloc(tx->pool, REGISTRY_TX_TIME_LEN);
        if (p == NULL) {
            return registry_value_text(tx->now);
        }

        registry_tx_time(number, p);

        text.data = p;
        text.len = REGISTRY_TX_TIME_LEN;

        return registry_value_text(text);
    }
}


/*
 * The row is not as wanted: because somebody else was faster, or because we
 * were ourselves and the answer was lost.
 */

static registry_rc_e
registry_image_conflict(registry_tx_t *tx, glance_str_t id,
    const registry_changes_t *changes, registry_err_t *err)
{
    bool           create;
    glance_str_t   status;
    registry_rc_e  rc;

    create = (changes->set & REGISTRY_SET_ID) != 0;

    rc = registry_image_status(tx, id, &status, err);

    if (rc == REGISTRY_NOT_FOUND && !create) {
        return rc;
    }

    if (rc == REGISTRY_OK
        && (changes->set & REGISTRY_SET_STATUS)
        && glance_str_eq(status, changes->image.status))
    {
        rc = registry_image_done(tx, id, changes, err);

        if (rc == REGISTRY_OK) {
            return REGISTRY_OK;
        }
    }

    if (rc == REGISTRY_BUSY || rc == REGISTRY_ERROR) {
        return rc;
    }

    if (create) {
        return registry_err_set(err, REGISTRY_CONFLICT, "An image with "
                                "identifier %.*s already exists",
                                (int) id.len, (const char *) id.data);
    }

    return registry_err_set(err, REGISTRY_CONFLICT,
                            "Image operation conflicts");
}


/* the status is the wanted one: did this very change bring it about? */

static registry_rc_e
registry_image_done(registry_tx_t *tx, glance_str_t id,
    const registry_changes_t *changes, registry_err_t *err)
{
    registry_rc_e      rc;
    registry_image_t  *image;

    if (tx->repeated) {
        return REGISTRY_OK;
    }

    if (changes->claim.id.len == 0 || !registry_db_claims(tx)) {
        return REGISTRY_CONFLICT;
    }

    switch (glance_status_parse(changes->image.status)) {

    case GLANCE_STATUS_SAVING:
    case GLANCE_STATUS_DELETED:
    case GLANCE_STATUS_PENDING_DELETE:
        return registry_db_claim_holds(tx, id, changes->claim.id, err);

    case GLANCE_STATUS_ACTIVE:

        /* the claim is gone, but the very data is there */

        rc = registry_db_image_get(tx, tx->pool, id, &image, err);

        if (rc == REGISTRY_OK
            && changes->image.checksum.len > 0
            && changes->image.locations != NULL
            && image->locations != NULL
            && image->size == changes->image.size
            && glance_str_eq(image->checksum, changes->image.checksum)
            && glance_str_eq(image->locations->url,
                             changes->image.locations->url))
        {
            return REGISTRY_OK;
        }

        return (rc == REGISTRY_OK) ? REGISTRY_CONFLICT : rc;

    default:
        return REGISTRY_CONFLICT;
    }
}


static registry_rc_e
registry_image_claim(registry_tx_t *tx, glance_str_t id,
    const registry_changes_t *changes, registry_err_t *err)
{
    registry_rc_e  rc;

    if ((changes->set & REGISTRY_SET_STATUS) == 0 || !registry_db_claims(tx)) {
        return REGISTRY_OK;
    }

    if (changes->claim.id.len == 0) {

        /*
         * What somebody without a claim brings about is no claim's any more;
         * one that stayed would end a later upload.  But a status that is
         * named and stays says nothing about an upload that is under way.
         */

        return changes->status_stays
               ? REGISTRY_OK : registry_db_claim_drop_image(tx, id, err);
    }

    switch (glance_status_parse(changes->image.status)) {

    case GLANCE_STATUS_SAVING:
    case GLANCE_STATUS_DELETED:
    case GLANCE_STATUS_PENDING_DELETE:
        return registry_db_claim_take(tx, id, &changes->claim, err);

    case GLANCE_STATUS_ACTIVE:
    case GLANCE_STATUS_KILLED:
    case GLANCE_STATUS_QUEUED:
        rc = registry_db_claim_drop(tx, id, changes->claim.id, err);

        if (rc == REGISTRY_NOT_FOUND) {
            return registry_err_set(err, REGISTRY_CONFLICT,
                                    "Image operation conflicts");
        }

        return rc;

    default:
        return REGISTRY_OK;
    }
}


/* of a live image, whose row is locked by it; the text is tx->pool's */

static registry_rc_e
registry_image_status(registry_tx_t *tx, glance_str_t id,
    glance_str_t *status, registry_err_t *err)
{
    registry_rc_e            rc;
    registry_value_t         args[1];
    registry_image_status_t  found;

    memset(&found, 0, sizeof(found));
    found.pool = tx->pool;

    args[0] = registry_value_text(id);

    rc = registry_tx_query(tx, "SELECT status FROM images WHERE id = ?"
                           " AND deleted = 0 {lock}", "t", args, 1,
                           registry_image_status_row, &found, err);

    if (rc == REGISTRY_OK && found.status.data == NULL) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Image not found");
    }

    *status = found.status;

    return rc;
}


static registry_rc_e
registry_image_status_row(void *arg, const registry_value_t *row)
{
    registry_image_status_t *found = arg;

    return registry_pool_copy(found->pool, row[0].text, &found->status)
           ? REGISTRY_OK : REGISTRY_ERROR;
}
