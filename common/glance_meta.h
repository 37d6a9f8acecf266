
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_META_H_INCLUDED_
#define _GLANCE_META_H_INCLUDED_


#include "glance_image.h"


/*
 * The header dialect of the seed and of v1: x-image-meta-* <-> fields
 * (specs/v1.md 1.11 and 2.3).
 */

typedef enum {
    GLANCE_META_NONE = 0,       /* not one of our headers */
    GLANCE_META_UNKNOWN,        /* x-image-meta-SOMETHING that is no field */
    GLANCE_META_PROPERTY,

    GLANCE_META_ID,
    GLANCE_META_URI,
    GLANCE_META_NAME,
    GLANCE_META_TYPE,
    GLANCE_META_SIZE,
    GLANCE_META_STORE,
    GLANCE_META_LOCATION,
    GLANCE_META_COPY_FROM,
    GLANCE_META_STATUS,
    GLANCE_META_IS_PUBLIC,
    GLANCE_META_PROTECTED,
    GLANCE_META_OWNER,
    GLANCE_META_CHECKSUM,
    GLANCE_META_DISK_FORMAT,
    GLANCE_META_CONTAINER_FORMAT,
    GLANCE_META_MIN_DISK,
    GLANCE_META_MIN_RAM,
    GLANCE_META_VIRTUAL_SIZE,
    GLANCE_META_CREATED_AT,
    GLANCE_META_UPDATED_AT,
    GLANCE_META_DELETED_AT,
    GLANCE_META_DELETED,
    GLANCE_META_PROPERTIES,     /* stray header of the Bexar library */

    GLANCE_META_N
} glance_meta_e;


/*
 * Which field a header names.  For GLANCE_META_PROPERTY *key is written to
 * dst, which has room for name.len bytes: the part behind the prefix, lower
 * case, "-" turned into "_".  For GLANCE_META_UNKNOWN likewise the part
 * behind "x-image-meta-".  An empty property key is GLANCE_META_UNKNOWN.
 */
glance_meta_e glance_meta_field(glance_str_t name, unsigned char *dst,
    glance_str_t *key);

/* the field's word behind the prefix ("created_at"), NULL if it has none */
const char *glance_meta_name(glance_meta_e field);

/*
 * Whether a property key can be emitted as a header name: one or more token
 * characters of RFC 9110.  Values: no CR, LF, NUL.
 */
bool glance_meta_key_safe(glance_str_t key);
bool glance_meta_value_safe(glance_str_t value);


#endif /* _GLANCE_META_H_INCLUDED_ */
