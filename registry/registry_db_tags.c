
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_tags.h"

#include "registry_query.h"


typedef struct {
    registry_pool_t   *pool;
    registry_tag_t   **tail;
} registry_tags_read_t;


static bool registry_tags_have(const registry_tag_t *tags,
    glance_str_t value);
static registry_rc_e registry_tags_row(void *arg,
    const registry_value_t *row);


registry_rc_e
registry_db_tags_add(registry_tx_t *tx, glance_str_t image_id,
    const registry_tag_t *tags, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[4];

    args[0] = registry_value_text(image_id);
    args[2] = registry_value_text(tx->now);
    args[3] = args[2];

    for (const registry_tag_t *t = tags; t != NULL; t = t->next) {
        args[1] = registry_value_text(t->value);

        rc = registry_tx_exec(tx, "INSERT INTO image_tags (image_id, value,"
                              " created_at, updated_at, deleted)"
                              " VALUES (?, ?, ?, ?, 0)", args, 4, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_db_tags_replace(registry_tx_t *tx, glance_str_t image_id,
    const registry_tag_t *tags, registry_err_t *err)
{
    registry_rc_e           rc;
    registry_tag_t         *old, *new, **tail;
    registry_value_t        args[1];
    registry_tags_read_t    read = { tx->pool, &old };

    old = NULL;
    args[0] = registry_value_text(image_id);

    rc = registry_tx_query(tx, "SELECT id, value FROM image_tags"
                           " WHERE image_id = ? AND +deleted = 0 ORDER BY id",
                           "it", args, 1, registry_tags_row, &read, err);

    /*
     * Clients send all tags with every change of an image: those that stay
     * keep their rows, or each change would leave as many dead ones.
     */

    for (const registry_tag_t *t = old;
         t != NULL && rc == REGISTRY_OK;
         t = t->next)
    {
        if (!registry_tags_have(tags, t->value)) {
            rc = registry_db_tag_remove(tx, t->id, err);
        }
    }

    new = NULL;
    tail = &new;

    for (const registry_tag_t *t = tags;
         t != NULL && rc == REGISTRY_OK;
         t = t->next)
    {
        if (registry_tags_have(old, t->value)) {
            continue;
        }

        *tail = registry_pool_calloc(tx->pool, 1, sizeof(registry_tag_t));

        if (*tail == NULL) {
            return registry_err_set(err, REGISTRY_ERROR, "out of memory");
        }

        (*tail)->value = t->value;
        tail = &(*tail)->next;
    }

    return (rc == REGISTRY_OK) ? registry_db_tags_add(tx, image_id, new, err)
                               : rc;
}


registry_rc_e
registry_db_tag_remove(registry_tx_t *tx, int64_t id, registry_err_t *err)
{
    registry_value_t  args[3];

    args[0] = registry_value_text(tx->now);
    args[1] = args[0];
    args[2] = registry_value_int(id);

    return registry_tx_exec(tx, "UPDATE image_tags SET deleted = 1,"
                            " deleted_at = ?, updated_at = ? WHERE id = ?",
                            args, 3, err);
}


static bool
registry_tags_have(const registry_tag_t *tags, glance_str_t value)
{
    for (const registry_tag_t *t = tags; t != NULL; t = t->next) {

        if (glance_str_eq(t->value, value)) {
            return true;
        }
    }

    return false;
}


static registry_rc_e
registry_tags_row(void *arg, const registry_value_t *row)
{
    registry_tags_read_t *read = arg;

    registry_tag_t  *tag;

    tag = registry_pool_calloc(read->pool, 1, sizeof(registry_tag_t));

    if (tag == NULL
        || !registry_pool_copy(read->pool, row[1].text, &tag->value))
    {
        return REGISTRY_ERROR;
    }

    tag->id = row[0].number;

    *read->tail = tag;
    read->tail = &tag->next;

    return REGISTRY_OK;
}
