
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_tags.h"

#include "registry_query.h"


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
    registry_rc_e     rc;
    registry_value_t  args[3];

    args[0] = registry_value_text(tx->now);
    args[1] = args[0];
    args[2] = registry_value_text(image_id);

    rc = registry_tx_exec(tx, "UPDATE image_tags SET deleted = 1,"
                          " deleted_at = ?, updated_at = ?"
                          " WHERE image_id = ? AND deleted = 0", args, 3,
                          err);

    return (rc == REGISTRY_OK) ? registry_db_tags_add(tx, image_id, tags, err)
                               : rc;
}
