
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_FIELDS_H_INCLUDED_
#define _REGISTRY_V2_FIELDS_H_INCLUDED_


#include "registry_request.h"
#include "registry_v2_schema.h"


/* what clients send, on its way into a record */

/*
 * A body: an object or a list, new reference.  REGISTRY_INVALID in v2's
 * words when it is none.
 */
registry_rc_e registry_v2_body(registry_request_t *rq, json_t **json);

/* the formats that are configured */
registry_v2_formats_t registry_v2_formats(const registry_request_t *rq);

/*
 * Puts a value that was checked into changes->image; properties go to the
 * front of their list.  The texts are the pool's.
 */
registry_rc_e registry_v2_set(registry_pool_t *pool, glance_str_t name,
    json_t *value, registry_changes_t *changes, registry_err_t *err);

/* REGISTRY_FORBIDDEN: "Attribute 'x' is read-only." or reserved */
registry_rc_e registry_v2_refuse(glance_str_t name,
    registry_v2_access_e access, registry_err_t *err);

/* REGISTRY_LIMIT when there are more; what is "properties" or "tags" */
registry_rc_e registry_v2_quota(const char *what, size_t n, int64_t quota,
    registry_err_t *err);

/* those that count: not the ones of a Python Glance */
size_t registry_v2_properties_count(const registry_property_t *properties);

/* REGISTRY_INVALID unless the image came to have n of them */
registry_rc_e registry_v2_properties_apart(const registry_image_t *image,
    size_t n, registry_err_t *err);

/* REGISTRY_INVALID: the formats that must be set before there are data */
registry_rc_e registry_v2_formats_set(const registry_image_t *image,
    registry_err_t *err);


bool registry_v2_hex(glance_str_t value);


#endif /* _REGISTRY_V2_FIELDS_H_INCLUDED_ */
