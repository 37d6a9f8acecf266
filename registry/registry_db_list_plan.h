
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_LIST_PLAN_H_INCLUDED_
#define _REGISTRY_DB_LIST_PLAN_H_INCLUDED_


#include "registry_db_list.h"
#include "registry_tx.h"


/*
 * How a list is read, so that a page costs what a page costs: which parts,
 * by which of our indexes.  Of registry_db_list.c only.
 */

typedef enum {
    REGISTRY_INDEX_NONE = 0,
    REGISTRY_INDEX_TIME,
    REGISTRY_INDEX_NAME
} registry_index_e;

typedef struct {
    registry_index_e          family;
    bool                      owner;    /* a condition names him */
    bool                      scan;     /* all rows have to be looked at */
    registry_part_e           parts[REGISTRY_PARTS_MAX];
    size_t                    n_parts;
    const registry_filter_t  *rare;     /* a tag or property of few images */
    const char               *lead;     /* the index of a condition that few
                                           images meet, or NULL */
} registry_plan_t;


registry_rc_e registry_list_plan(registry_tx_t *tx,
    const registry_list_t *list, registry_plan_t *plan, registry_err_t *err);

/* what follows the name of the table; "": the database chooses */
const char *registry_list_index(const registry_plan_t *plan,
    registry_part_e part);

/* created_at and id are what is left of the order, in one direction */
bool registry_list_default(const registry_list_t *list, size_t from);


#endif /* _REGISTRY_DB_LIST_PLAN_H_INCLUDED_ */
