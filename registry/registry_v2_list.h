
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_LIST_H_INCLUDED_
#define _REGISTRY_V2_LIST_H_INCLUDED_


#include "registry_db_list.h"
#include "registry_request.h"


/* GET /v2/images while its arguments are read (specs/v2/03 3.3) */

#define REGISTRY_V2_SORTS  16           /* keys or directions, also twice */

typedef enum {
    REGISTRY_V2_SCOPE_DEFAULT = 0,
    REGISTRY_V2_SCOPE_PUBLIC,
    REGISTRY_V2_SCOPE_PRIVATE,
    REGISTRY_V2_SCOPE_SHARED,
    REGISTRY_V2_SCOPE_COMMUNITY,
    REGISTRY_V2_SCOPE_ALL,
    REGISTRY_V2_SCOPE_EMPTY
} registry_v2_scope_e;

typedef struct {
    registry_request_t    *rq;
    registry_list_t        list;
    const registry_arg_t  *args;
    registry_v2_scope_e    scope;

    registry_sort_e        keys[REGISTRY_V2_SORTS];
    bool                   dirs[REGISTRY_V2_SORTS];     /* ascending */
    size_t                 n_keys;
    size_t                 n_dirs;
    bool                   sort;        /* "sort" was used, */
    bool                   sort_old;    /* sort_key or sort_dir were */
} registry_v2_list_t;


/* registry_v2_sort.c */
registry_rc_e registry_v2_sort_arg(registry_v2_list_t *ctx,
    const registry_arg_t *arg);
registry_rc_e registry_v2_sort_done(registry_v2_list_t *ctx);

/* registry_v2_filter.c: whatever is no parameter of the list itself */
registry_rc_e registry_v2_filter_arg(registry_v2_list_t *ctx,
    const registry_arg_t *arg);


#endif /* _REGISTRY_V2_LIST_H_INCLUDED_ */
