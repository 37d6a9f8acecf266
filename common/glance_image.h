
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_IMAGE_H_INCLUDED_
#define _GLANCE_IMAGE_H_INCLUDED_


#include "glance_str.h"


#define GLANCE_IMAGE_ID_MAX    36
#define GLANCE_IMAGE_NAME_MAX  255      /* characters, as all of the names */
#define GLANCE_IMAGE_SIZE_MAX  INT64_MAX


typedef enum {
    GLANCE_STATUS_UNKNOWN = 0,
    GLANCE_STATUS_QUEUED,
    GLANCE_STATUS_SAVING,
    GLANCE_STATUS_UPLOADING,
    GLANCE_STATUS_IMPORTING,
    GLANCE_STATUS_ACTIVE,
    GLANCE_STATUS_KILLED,
    GLANCE_STATUS_DEACTIVATED,
    GLANCE_STATUS_PENDING_DELETE,
    GLANCE_STATUS_DELETED
} glance_status_e;


/* the seed's x-image-meta-type (S-53); VHD since 17 February 2011 */

typedef enum {
    GLANCE_TYPE_UNKNOWN = 0,
    GLANCE_TYPE_KERNEL,
    GLANCE_TYPE_RAMDISK,
    GLANCE_TYPE_MACHINE,
    GLANCE_TYPE_RAW,
    GLANCE_TYPE_VHD
} glance_type_e;


glance_status_e glance_status_parse(glance_str_t s);
const char *glance_status_name(glance_status_e status);

/* exact, lower case; GLANCE_TYPE_UNKNOWN when it is none of the five */
glance_type_e glance_type_parse(glance_str_t s);
const char *glance_type_name(glance_type_e type);

/* the formats that go with a type (specs/v1.md 1.13) */
const char *glance_type_disk_format(glance_type_e type);
const char *glance_type_container_format(glance_type_e type);

/*
 * The type of an image: its property "type" if that holds one of the five
 * words, else from the formats, else raw.  Empty slices mean "not set".
 */
glance_type_e glance_type_of(glance_str_t property, glance_str_t disk_format,
    glance_str_t container_format);

bool glance_disk_format_valid(glance_str_t s);
bool glance_container_format_valid(glance_str_t s);

/* "public", "private", "shared", "community" */
bool glance_visibility_valid(glance_str_t s);

/*
 * An identifier a client may choose: a UUID, or a decimal number without
 * leading zero that fits into 63 bits (specs/v1.md 1.14).  Anything else
 * (slashes, dots, signs, blanks) is refused, so that an id is always one
 * harmless file name.
 */
bool glance_image_id_valid(glance_str_t s);


#endif /* _GLANCE_IMAGE_H_INCLUDED_ */
