
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_FIELDS_H_INCLUDED_
#define _REGISTRY_V2_FIELDS_H_INCLUDED_


#include <jansson.h>

#include "registry_request.h"


/*
 * The attributes of an image in API v2 and their rules: the image schema
 * (specs/v2/02 2.2).
 */

typedef enum {
    REGISTRY_V2_SETTABLE = 0,
    REGISTRY_V2_READ_ONLY,
    REGISTRY_V2_RESERVED,
    REGISTRY_V2_IGNORED,        /* accepted, and dropped */
    REGISTRY_V2_PROPERTY        /* no attribute: a property of that name */
} registry_v2_access_e;

typedef enum {
    REGISTRY_V2_CREATE = 0,
    REGISTRY_V2_PATCH
} registry_v2_operation_e;


/*
 * A body: an object or a list, new reference.  REGISTRY_INVALID in v2's
 * words when it is none.
 */
registry_rc_e registry_v2_body(registry_request_t *rq, json_t **json);

/* what a client may do with the name; settable ones are in the schema */
registry_v2_access_e registry_v2_access(glance_str_t name,
    registry_v2_operation_e operation);

/*
 * Checks a value, also one that may not be set, and puts it into
 * changes->image if it may; properties go to the front of their list.  The
 * texts are copies in the request's memory.
 */
registry_rc_e registry_v2_set(registry_request_t *rq, glance_str_t name,
    json_t *value, registry_v2_operation_e operation,
    registry_changes_t *changes);

/* REGISTRY_FORBIDDEN: "Attribute 'x' is read-only." or reserved */
registry_rc_e registry_v2_refuse(registry_request_t *rq, glance_str_t name,
    registry_v2_access_e access);

/* one tag: UTF-8 that the database holds, 255 characters */
registry_rc_e registry_v2_tag_check(registry_request_t *rq, glance_str_t tag);

/* REGISTRY_LIMIT when there are more; what is "properties" or "tags" */
registry_rc_e registry_v2_quota(registry_request_t *rq, const char *what,
    size_t n, int64_t quota);

/* those that count: not the ones of a Python Glance */
size_t registry_v2_properties_count(const registry_property_t *properties);


#endif /* _REGISTRY_V2_FIELDS_H_INCLUDED_ */
