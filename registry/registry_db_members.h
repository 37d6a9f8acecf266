
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_MEMBERS_H_INCLUDED_
#define _REGISTRY_DB_MEMBERS_H_INCLUDED_


#include "registry_db.h"
#include "registry_pool.h"
#include "registry_record.h"


/* *can_share is the row's; REGISTRY_NOT_FOUND: no live row */
registry_rc_e registry_db_member_get(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t member, bool *can_share,
    registry_err_t *err);
registry_rc_e registry_db_member_list(registry_tx_t *tx,
    registry_pool_t *pool, glance_str_t image_id, registry_member_t **members,
    registry_err_t *err);

/* adds, changes, revives; REGISTRY_LIMIT: more than quota of them */
registry_rc_e registry_db_member_save(registry_tx_t *tx,
    const registry_member_t *member, int64_t quota, registry_err_t *err);

/* the list becomes the live members */
registry_rc_e registry_db_member_replace(registry_tx_t *tx,
    glance_str_t image_id, registry_member_t *members, int64_t quota,
    registry_err_t *err);
registry_rc_e registry_db_member_delete(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t member, registry_err_t *err);

/* images shared with a member; viewer: only those that he owns or gets */
registry_rc_e registry_db_member_images(registry_tx_t *tx,
    registry_pool_t *pool, glance_str_t member, glance_str_t viewer,
    registry_member_t **members, registry_err_t *err);


#endif /* _REGISTRY_DB_MEMBERS_H_INCLUDED_ */
