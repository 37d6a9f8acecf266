
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_PLACE_H_INCLUDED_
#define _REGISTRY_V2_PLACE_H_INCLUDED_


#include "registry_v2_apply.h"


/* one operation on the locations of an image, as registry_v2_apply() goes */

typedef struct {
    registry_pool_t            *pool;
    const registry_image_t     *image;
    const registry_v2_op_t     *op;
    const registry_v2_rules_t  *rules;
    registry_v2_edit_t         *edit;
    glance_status_e             status;     /* by the operations so far */
} registry_v2_place_t;


/*
 * registry_v2_apply_add.c: a new location, the item-th one of the operation.
 * Files are nobody's to point at; whether a URL leads to data, the API server
 * has found out.
 */
registry_rc_e registry_v2_place_add(registry_v2_place_t *ctx,
    json_t *location, glance_str_t position, size_t item,
    registry_err_t *err);

/* the digests that the data are to have, of one location, and of all */
registry_rc_e registry_v2_place_digests(registry_v2_place_t *ctx,
    json_t *location, registry_err_t *err);
registry_rc_e registry_v2_place_agree(json_t *locations,
    registry_err_t *err);

/* registry_v2_apply_location.c */
registry_rc_e registry_v2_place_metadata(registry_v2_place_t *ctx,
    json_t *location, registry_location_t *l, registry_err_t *err);
bool registry_v2_place_position(glance_str_t text, size_t n,
    size_t *position);
size_t registry_v2_place_count(const registry_location_t *l);


#endif /* _REGISTRY_V2_PLACE_H_INCLUDED_ */
