
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_properties.h"

#include "registry_query.h"


static registry_rc_e registry_property_purge(registry_tx_t *tx,
    glance_str_t id, const registry_property_t *keep, registry_err_t *err);
static bool registry_property_internal(const registry_property_t *p);
static registry_rc_e registry_property_quota(registry_tx_t *tx,
    glance_str_t id, int64_t quota, registry_err_t *err);
static registry_rc_e registry_property_count(void *arg,
    const registry_value_t *row);


/* the database compares names, as its collation says: so it does for us */

registry_rc_e
registry_db_properties_set(registry_tx_t *tx, glance_str_t id,
    const registry_changes_t *changes, int64_t quota, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[5];

    if ((changes->set & REGISTRY_SET_PROPERTIES) == 0) {
        return REGISTRY_OK;
    }

    for (const registry_property_t *p = changes->image.properties;
         p != NULL;
         p = p->next)
    {
        if (registry_property_internal(p)) {
            continue;
        }

        args[0] = registry_value_text(id);
        args[1] = registry_value_text(p->name);
        args[2] = registry_value_text(p->value);
        args[3] = registry_value_text(tx->now);
        args[4] = args[3];

        rc = registry_tx_exec(tx, "INSERT INTO image_properties (image_id,"
                              " name, value, created_at, updated_at, deleted)"
                              " VALUES (?, ?, ?, ?, ?, 0) {property exists}",
                              args, 5, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (changes->purge) {
        rc = registry_property_purge(tx, id, changes->image.properties, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (changes->image.properties == NULL || quota < 0) {
        return REGISTRY_OK;
    }

    return registry_property_quota(tx, id, quota, err);
}


static registry_rc_e
registry_property_purge(registry_tx_t *tx, glance_str_t id,
    const registry_property_t *keep, registry_err_t *err)
{
    size_t             n;
    glance_str_t      *names;
    registry_query_t   q;

    n = 0;

    for (const registry_property_t *p = keep; p != NULL; p = p->next) {
        n++;
    }

    registry_query_init(&q, tx->pool);
    registry_query_text(&q, "UPDATE image_properties SET deleted = 1,"
                        " deleted_at = ?", tx->now);
    registry_query_text(&q, ", updated_at = ?", tx->now);
    registry_query_text(&q, " WHERE image_id = ? AND +deleted = 0"
                        " AND name NOT LIKE 'os!_glance%' ESCAPE '!'", id);

    if (n > 0) {
        names = registry_pool_calloc(tx->pool, n, sizeof(glance_str_t));
        if (names == NULL) {
            return registry_err_set(err, REGISTRY_ERROR, "out of memory");
        }

        n = 0;

        for (const registry_property_t *p = keep; p != NULL; p = p->next) {
            names[n++] = p->name;
        }

        registry_query_add(&q, " AND name NOT IN ");
        registry_query_in(&q, names, n);
    }

    return registry_query_exec(tx, &q, err);
}


/* these belong to a Python Glance beside us and are left alone */

static bool
registry_property_internal(const registry_property_t *p)
{
    return glance_str_case_starts(p->name, glance_str("os_glance"));
}


static registry_rc_e
registry_property_quota(registry_tx_t *tx, glance_str_t id, int64_t quota,
    registry_err_t *err)
{
    int64_t           n;
    registry_rc_e     rc;
    registry_value_t  args[1];

    n = 0;
    args[0] = registry_value_text(id);

    rc = registry_tx_query(tx, "SELECT COUNT(*) FROM image_properties"
                           " WHERE image_id = ? AND +deleted = 0"
                           " AND name NOT LIKE 'os!_glance%' ESCAPE '!'",
                           "i", args, 1, registry_property_count, &n, err);

    if (rc == REGISTRY_OK && n > quota) {
        return registry_err_set(err, REGISTRY_LIMIT, "The limit has been "
                                "exceeded on the number of allowed image "
                                "properties. Attempted: %lld, Maximum: %lld",
                                (long long) n, (long long) quota);
    }

    return rc;
}


static registry_rc_e
registry_property_count(void *arg, const registry_value_t *row)
{
    int64_t *n = arg;

    *n = row[0].number;

    return REGISTRY_OK;
}
