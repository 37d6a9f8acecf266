
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_LIST_H_INCLUDED_
#define _REGISTRY_DB_LIST_H_INCLUDED_


#include "registry_db.h"
#include "registry_pool.h"
#include "registry_record.h"


/* what a list is made of: disjoint parts, each a range of one index */

#define REGISTRY_PARTS_MAX  4

typedef enum {
    REGISTRY_PART_ALL = 0,
    REGISTRY_PART_LISTED,       /* all, but not others' community images */
    REGISTRY_PART_NOT_PUBLIC,
    REGISTRY_PART_PUBLIC,       /* these four whoever owns them */
    REGISTRY_PART_PRIVATE,
    REGISTRY_PART_SHARED,
    REGISTRY_PART_COMMUNITY,
    REGISTRY_PART_OWN,          /* of the tenant, and not public */
    REGISTRY_PART_OWN_CLOSED,   /* neither public nor community */
    REGISTRY_PART_OWN_PRIVATE,
    REGISTRY_PART_OWN_SHARED,
    REGISTRY_PART_OWN_COMMUNITY,
    REGISTRY_PART_WITH_ME       /* shared with the tenant by others */
} registry_part_e;

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
    registry_sort_e     key;
    bool                ascending;
} registry_order_t;


/* conditions on columns */

typedef enum {
    REGISTRY_WHERE_ID = 0,
    REGISTRY_WHERE_NAME,
    REGISTRY_WHERE_STATUS,
    REGISTRY_WHERE_DISK_FORMAT,
    REGISTRY_WHERE_CONTAINER_FORMAT,
    REGISTRY_WHERE_OWNER,
    REGISTRY_WHERE_CHECKSUM,
    REGISTRY_WHERE_OS_HASH_ALGO,
    REGISTRY_WHERE_OS_HASH_VALUE,
    REGISTRY_WHERE_SIZE,        /* the first with a number */
    REGISTRY_WHERE_VIRTUAL_SIZE,
    REGISTRY_WHERE_MIN_DISK,
    REGISTRY_WHERE_MIN_RAM,
    REGISTRY_WHERE_PROTECTED,
    REGISTRY_WHERE_CREATED_AT,  /* the first with a time */
    REGISTRY_WHERE_UPDATED_AT
} registry_where_e;

typedef enum {
    REGISTRY_EQ = 0,
    REGISTRY_NE,
    REGISTRY_LT,
    REGISTRY_LE,
    REGISTRY_GT,
    REGISTRY_GE,
    REGISTRY_IN                 /* one of n texts */
} registry_operator_e;

typedef struct registry_condition_s  registry_condition_t;

struct registry_condition_s {
    registry_condition_t  *next;
    registry_where_e       column;
    registry_operator_e    op;
    const glance_str_t    *texts;
    size_t                 n;
    int64_t                number;      /* or a time, in seconds */
};

typedef struct registry_filter_s  registry_filter_t;

struct registry_filter_s {              /* a property or a tag */
    registry_filter_t  *next;
    glance_str_t        name;
    glance_str_t        value;
};

typedef struct {
    registry_part_e        parts[REGISTRY_PARTS_MAX];
    size_t                 n_parts;     /* 0: an empty list */
    registry_order_t       order[REGISTRY_SORT_N];
    size_t                 n_order;     /* the last one is the id */
    bool                   dead_too;    /* live and dead */
    bool                   dead_only;
    bool                   live_only;   /* also with changes-since */
    bool                   hidden;      /* only these, else only others */
    glance_str_t           tenant;      /* data NULL: none */
    glance_str_t           member_status;   /* WITH_ME; data NULL: any */
    glance_str_t           marker;      /* data NULL: from the start */
    int64_t                limit;
    registry_condition_t  *conditions;
    registry_filter_t     *properties;
    registry_filter_t     *tags;
} registry_list_t;


/* adds a key to the order, if it changes it */
void registry_list_order(registry_list_t *list, registry_sort_e key,
    bool ascending);

/*
 * A condition to be filled: a new one, or the one with the same column and
 * operator.  NULL without memory.
 */
registry_condition_t *registry_list_where(registry_pool_t *pool,
    registry_list_t *list, registry_where_e column, registry_operator_e op);

/* false: no memory */
bool registry_list_filter(registry_pool_t *pool, registry_filter_t **filters,
    glance_str_t name, glance_str_t value);

/* the page as a list without children; REGISTRY_INVALID: unknown marker */
registry_rc_e registry_db_image_list(registry_tx_t *tx, registry_pool_t *pool,
    const registry_list_t *list, registry_image_t **images,
    registry_err_t *err);


#endif /* _REGISTRY_DB_LIST_H_INCLUDED_ */
