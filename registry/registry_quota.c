
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_quota.h"


static registry_rc_e registry_quota_used(void *arg,
    const registry_value_t *row);


registry_rc_e
registry_quota_storage(registry_tx_t *tx, const registry_request_t *rq,
    const registry_image_t *image, int64_t size, int64_t *left,
    registry_err_t *err)
{
    int64_t           used;
    registry_rc_e     rc;
    registry_value_t  args[3];

    *left = -1;

    /* nobody's images are an administrator's matter */

    if (rq->app->storage_quota == 0 || image->owner.data == NULL) {
        return REGISTRY_OK;
    }

    used = 0;
    args[0] = registry_value_text(image->owner);
    args[1] = args[0];
    args[2] = registry_value_text(image->id);

    rc = registry_tx_query(tx, "SELECT CAST(COALESCE(SUM(i.size), 0)"
                           " AS SIGNED) FROM images i"
                           " JOIN image_locations l ON l.image_id = i.id"
                           " WHERE i.owner = ? AND {exact}i.owner = {exact}?"
                           " AND i.deleted = 0 AND +l.deleted = 0"
                           " AND i.id <> ?", "i", args, 3,
                           registry_quota_used, &used, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (used > rq->app->storage_quota - size) {
        return registry_err_set(err, REGISTRY_LIMIT, "The storage quota of "
                                "the project is exceeded: %lld of %lld bytes "
                                "are used.", (long long) used,
                                (long long) rq->app->storage_quota);
    }

    *left = rq->app->storage_quota - used;

    return REGISTRY_OK;
}


static registry_rc_e
registry_quota_used(void *arg, const registry_value_t *row)
{
    int64_t *used = arg;

    *used = row[0].number;

    return REGISTRY_OK;
}
