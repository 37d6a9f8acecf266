
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
    REGISTRY_V2_PROPERTY = 0,   /* a custom one, in the schema or not */
    REGISTRY_V2_BASE,
    REGISTRY_V2_READ_ONLY,
    REGISTRY_V2_RESERVED
} registry_v2_attr_e;

/* the formats on offer, separated by commas */

typedef struct {
    const char  *disk;
    const char  *container;
} registry_v2_formats_t;


registry_v2_attr_e registry_v2_attr(glance_str_t name);

/*
 * A name that a client gives to a property, and the value of an attribute or
 * a property.  REGISTRY_INVALID: err says what is wrong with it.
 */
registry_rc_e registry_v2_attr_name(glance_str_t name, registry_err_t *err);
registry_rc_e registry_v2_attr_check(const registry_v2_formats_t *formats,
    glance_str_t name, json_t *value, registry_err_t *err);

/* what of a text fits into a message: at most max bytes, whole characters */
int registry_v2_cut(glance_str_t text, size_t max);

/* "image", "images", "member", "members"; false: there is no such one */
bool registry_v2_schema(registry_out_t *out, glance_str_t name,
    const registry_v2_formats_t *formats);


#endif /* _REGISTRY_V2_SCHEMA_H_INCLUDED_ */
