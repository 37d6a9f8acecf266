
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_IMAGES_H_INCLUDED_
#define _REGISTRY_DB_IMAGES_H_INCLUDED_


#include "registry_db.h"
#include "registry_pool.h"
#include "registry_record.h"


/*
 * Rows that do not exist are
 * REGISTRY_NOT_FOUND; deleted ones are found.  Tags come with "whole".
 */

registry_rc_e registry_db_image_get(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t id, registry_image_t **image, registry_err_t *err);
registry_rc_e registry_db_image_whole(registry_tx_t *tx,
    registry_pool_t *pool, glance_str_t id, registry_image_t **image,
    registry_err_t *err);
registry_rc_e registry_db_image_create(registry_tx_t *tx,
    registry_changes_t *changes, int64_t quota, registry_err_t *err);
registry_rc_e registry_db_image_update(registry_tx_t *tx, glance_str_t id,
    registry_changes_t *changes, int64_t quota, registry_err_t *err);

/*
 * The row, its children and its claim; queues its data for removal, or
 * leaves them to a scrubber when the status is pending_delete.  status NULL:
 * it is what it is to be already.
 */
registry_rc_e registry_db_image_delete(registry_tx_t *tx, glance_str_t id,
    const char *status, registry_err_t *err);


/*
 * Properties (and locations, and tags) of the first n images of a list (at
 * most REGISTRY_CHILDREN_MAX).  REGISTRY_LIMIT: more than max bytes of them.
 */
#define REGISTRY_CHILDREN_MAX  128

typedef struct {
    size_t  n;
    size_t  max;
    bool    locations;
    bool    tags;
} registry_children_t;

registry_rc_e registry_db_image_children(registry_tx_t *tx,
    registry_pool_t *pool, registry_image_t *images,
    const registry_children_t *children, registry_err_t *err);


#endif /* _REGISTRY_DB_IMAGES_H_INCLUDED_ */
