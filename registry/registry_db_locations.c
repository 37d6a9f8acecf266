
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_locations.h"

#include "registry_query.h"


static registry_rc_e registry_location_insert(registry_tx_t *tx,
    glance_str_t id, registry_location_t *location, registry_err_t *err);
static registry_rc_e registry_location_retire(registry_tx_t *tx,
    glance_str_t id, registry_location_t *keep, registry_err_t *err);


registry_rc_e
registry_db_locations_set(registry_tx_t *tx, glance_str_t id,
    registry_location_t *locations, bool fresh, registry_err_t *err)
{
    registry_rc_e         rc;
    registry_value_t      args[6];
    registry_location_t  *l;

    if (!fresh) {
        rc = registry_location_retire(tx, id, locations, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    for (l = locations; l != NULL; l = l->next) {

        if (fresh || l->id == 0) {
            rc = registry_location_insert(tx, id, l, err);

            if (rc != REGISTRY_OK) {
                return rc;
            }

            continue;
        }

        args[0] = registry_value_text(l->url);
        args[1] = registry_value_text(l->metadata);
        args[2] = registry_value_text(l->status);
        args[3] = registry_value_text(tx->now);
        args[4] = registry_value_int(l->id);
        args[5] = registry_value_text(id);

        rc = registry_tx_exec(tx, "UPDATE image_locations SET value = ?,"
                              " meta_data = ?, status = ?, updated_at = ?"
                              " WHERE id = ? AND image_id = ?"
                              " AND deleted = 0", args, 6, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        if (registry_tx_changed(tx) == 0) {
            return registry_err_set(err, REGISTRY_INVALID, "Invalid value "
                                    "for location_data: the image has no "
                                    "location with id %lld",
                                    (long long) l->id);
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_location_insert(registry_tx_t *tx, glance_str_t id,
    registry_location_t *location, registry_err_t *err)
{
    bool              live;
    registry_value_t  args[8];

    live = glance_str_eq(location->status, glance_str("active"));

    args[0] = registry_value_text(id);
    args[1] = registry_value_text(location->url);
    args[2] = registry_value_text(location->metadata);
    args[3] = registry_value_text(location->status);
    args[4] = registry_value_text(tx->now);
    args[5] = args[4];
    args[6] = registry_value_int(live ? 0 : 1);
    args[7] = live ? registry_value_str(NULL) : args[4];

    return registry_tx_exec(tx, "INSERT INTO image_locations (image_id,"
                            " value, meta_data, status, created_at,"
                            " updated_at, deleted, deleted_at)"
                            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)", args, 8, err);
}


static registry_rc_e
registry_location_retire(registry_tx_t *tx, glance_str_t id,
    registry_location_t *keep, registry_err_t *err)
{
    registry_query_t  q;

    registry_query_init(&q, tx->pool);
    registry_query_text(&q, "UPDATE image_locations SET status = 'deleted',"
                        " deleted = 1, deleted_at = ?", tx->now);
    registry_query_text(&q, ", updated_at = ?", tx->now);
    registry_query_text(&q, " WHERE image_id = ? AND +deleted = 0", id);

    for (registry_location_t *l = keep; l != NULL; l = l->next) {

        if (l->id != 0) {
            registry_query_int(&q, " AND id <> ?", l->id);
        }
    }

    return registry_query_exec(tx, &q, err);
}
