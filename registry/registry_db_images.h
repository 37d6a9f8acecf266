
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


typedef struct registry_filter_s  registry_filter_t;

struct registry_filter_s {              /* properties */
    registry_filter_t  *next;
    glance_str_t        name;
    glance_str_t        value;
};

typedef enum {
    REGISTRY_LIST_VISIBLE = 0,  /* public, own and shared */
    REGISTRY_LIST_NOT_PUBLIC,   /* of everybody */
    REGISTRY_LIST_ALL
} registry_list_e;

typedef enum {
    REGISTRY_SORT_CREATED_AT = 0,
    REGISTRY_SORT_UPDATED_AT,
    REGISTRY_SORT_NAME,
    REGISTRY_SORT_STATUS,
    REGISTRY_SORT_CONTAINER_FORMAT,
    REGISTRY_SORT_DISK_FORMAT,
    REGISTRY_SORT_SIZE,
    REGISTRY_SORT_ID,
    REGISTRY_SORT_N
} registry_sort_e;

typedef struct {
    registry_list_e     scope;
    registry_sort_e     sort;
    bool                ascending;
    bool                dead_too;       /* live and dead; with changes_since */
    bool                dead_only;
    bool                live_only;      /* also with changes_since */
    glance_str_t        tenant;         /* data NULL: none */
    glance_str_t        marker;         /* data NULL: from the start */
    int64_t             limit;

    /* filters: data NULL, -1, REGISTRY_TIME_NULL: none */
    glance_str_t        name;
    glance_str_t        status;
    glance_str_t        disk_format;
    glance_str_t        container_format;
    int64_t             min_ram;
    int64_t             min_disk;
    int64_t             size_min;
    int64_t             size_max;
    int64_t             changes_since;
    int64_t             protected;
    registry_filter_t  *properties;
} registry_list_t;


/* the page as a list without children; REGISTRY_INVALID: unknown marker */
registry_rc_e registry_db_image_list(registry_tx_t *tx, registry_pool_t *pool,
    const registry_list_t *list, registry_image_t **images,
    registry_err_t *err);

/*
 * Properties and locations (and tags) of the first n images of a list (at
 * most REGISTRY_CHILDREN_MAX).  REGISTRY_LIMIT: more than max bytes of them.
 */
#define REGISTRY_CHILDREN_MAX  128

typedef struct {
    size_t  n;
    size_t  max;
    bool    tags;
} registry_children_t;

registry_rc_e registry_db_image_children(registry_tx_t *tx,
    registry_pool_t *pool, registry_image_t *images,
    const registry_children_t *children, registry_err_t *err);


#endif /* _REGISTRY_DB_IMAGES_H_INCLUDED_ */
