
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_V2_H_INCLUDED_
#define _REGISTRY_DB_V2_H_INCLUDED_


#include "registry_db.h"
#include "registry_pool.h"
#include "registry_record.h"


/* what only API v2 asks for */

typedef struct registry_v2_member_s  registry_v2_member_t;
typedef struct registry_v2_task_s    registry_v2_task_t;

struct registry_v2_member_s {
    registry_v2_member_t  *next;
    glance_str_t           member;
    glance_str_t           status;
    int64_t                created_at;
    int64_t                updated_at;
};

struct registry_v2_task_s {             /* times as the database has them */
    registry_v2_task_t    *next;
    glance_str_t           id;
    glance_str_t           type;
    glance_str_t           status;
    glance_str_t           owner;
    glance_str_t           expires_at;
    glance_str_t           created_at;
    glance_str_t           updated_at;
    glance_str_t           request_id;
    glance_str_t           user_id;
    glance_str_t           input;       /* JSON */
    glance_str_t           result;
    glance_str_t           message;
};


/*
 * Whoever changes an image by what he read of it holds its row before he
 * reads.  An image that does not exist is no error here.
 */
registry_rc_e registry_db_image_lock(registry_tx_t *tx, glance_str_t id,
    registry_err_t *err);

/* the image was changed now; its row is the caller's */
registry_rc_e registry_db_image_touch(registry_tx_t *tx, glance_str_t id,
    registry_err_t *err);

/* some live properties die */
registry_rc_e registry_db_properties_remove(registry_tx_t *tx,
    glance_str_t id, const registry_property_t *removed,
    registry_err_t *err);

/* the data of a location are to be removed, unless they are foreign */
registry_rc_e registry_db_location_drop(registry_tx_t *tx, glance_str_t id,
    const registry_location_t *location, registry_err_t *err);

/* live members by age; member data NULL: all of them */
registry_rc_e registry_db_v2_members(registry_tx_t *tx,
    registry_pool_t *pool, glance_str_t image_id, glance_str_t member,
    registry_v2_member_t **members, registry_err_t *err);

/* REGISTRY_NOT_FOUND: no live row */
registry_rc_e registry_db_v2_member_status(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t member, glance_str_t status,
    registry_err_t *err);

/* the newest first */
registry_rc_e registry_db_v2_tasks(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t image_id, registry_v2_task_t **tasks, registry_err_t *err);


#endif /* _REGISTRY_DB_V2_H_INCLUDED_ */
