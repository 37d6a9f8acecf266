
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_PATCH_H_INCLUDED_
#define _REGISTRY_V2_PATCH_H_INCLUDED_


#include <jansson.h>

#include "registry_pool.h"
#include "registry_v2_schema.h"


/*
 * The documents of PATCH /v2/images/ID (specs/v2/03-images-api.md 3.4): two
 * media types, one list of operations.
 */

#define REGISTRY_V2_ACCEPT_PATCH                                              \
    "application/openstack-images-v2.0-json-patch, "                          \
    "application/openstack-images-v2.1-json-patch"

typedef enum {
    REGISTRY_V2_PATCH_NONE = 0,         /* another media type */
    REGISTRY_V2_PATCH_20,
    REGISTRY_V2_PATCH_21
} registry_v2_patch_e;

typedef enum {
    REGISTRY_V2_ADD = 0,
    REGISTRY_V2_REPLACE,
    REGISTRY_V2_REMOVE
} registry_v2_op_e;

typedef struct registry_v2_op_s  registry_v2_op_t;

struct registry_v2_op_s {
    registry_v2_op_t    *next;
    size_t               index;         /* in the document */
    registry_v2_op_e     op;
    registry_v2_access_e access;        /* of the name */
    glance_str_t         name;          /* ends with NUL */
    glance_str_t         position;      /* of a location; data NULL: none */
    json_t              *value;         /* borrowed; NULL for remove */
};


registry_v2_patch_e registry_v2_patch_type(glance_str_t content_type);

/*
 * The operations in their order, each checked as far as it can be without
 * the image.  Borrows from the document.
 */
registry_rc_e registry_v2_patch_parse(registry_pool_t *pool,
    json_t *document, registry_v2_patch_e type,
    const registry_v2_formats_t *formats, registry_v2_op_t **ops,
    registry_err_t *err);


#endif /* _REGISTRY_V2_PATCH_H_INCLUDED_ */
