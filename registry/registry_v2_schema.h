
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_SCHEMA_H_INCLUDED_
#define _REGISTRY_V2_SCHEMA_H_INCLUDED_


#include <jansson.h>

#include "registry_err.h"
#include "registry_out.h"


/*
 * The attributes of an image: one table gives the schema documents, and
 * checks what clients send (specs/v2/02-image-resource.md).
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

/* the formats on offer, separated by commas */

typedef struct {
    const char  *disk;
    const char  *container;
} registry_v2_formats_t;


/* what a client may do with the name */
registry_v2_access_e registry_v2_access(glance_str_t name,
    registry_v2_operation_e operation);

/*
 * The value of an attribute, also of one that may not be set, or the name
 * and the value of a property; one tag.  REGISTRY_INVALID: err says what is
 * wrong with it.
 */
registry_rc_e registry_v2_check(const registry_v2_formats_t *formats,
    glance_str_t name, json_t *value, registry_err_t *err);
registry_rc_e registry_v2_tag_check(glance_str_t tag, registry_err_t *err);

/* how much of a caller's text fits into a message: for "%.*s" */
int registry_v2_clip(glance_str_t text);

/* "image", "images", "member", "members"; false: there is no such one */
bool registry_v2_schema(registry_out_t *out, glance_str_t name,
    const registry_v2_formats_t *formats);


#endif /* _REGISTRY_V2_SCHEMA_H_INCLUDED_ */
