
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_RECORD_H_INCLUDED_
#define _REGISTRY_RECORD_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glance_image.h"


#define REGISTRY_TIME_NULL     INT64_MIN
#define REGISTRY_NUMBER_NULL   (-1)


/*
 * Records.  A slice whose data is NULL is SQL's NULL; memory is the pool's
 * that was given to the call.
 */

typedef struct registry_property_s  registry_property_t;
typedef struct registry_location_s  registry_location_t;
typedef struct registry_tag_s       registry_tag_t;
typedef struct registry_image_s     registry_image_t;

struct registry_property_s {
    registry_property_t  *next;
    glance_str_t          name;
    glance_str_t          value;
};

struct registry_location_s {
    registry_location_t  *next;
    int64_t               id;           /* 0: a new row */
    glance_str_t          url;
    glance_str_t          metadata;     /* text of a JSON object, or NULL */
    glance_str_t          status;
};

struct registry_tag_s {
    registry_tag_t       *next;
    int64_t               id;
    glance_str_t          value;
};

struct registry_image_s {
    registry_image_t     *next;
    glance_str_t          id;
    glance_str_t          name;
    glance_str_t          status;
    glance_str_t          disk_format;
    glance_str_t          container_format;
    glance_str_t          checksum;
    glance_str_t          owner;
    glance_str_t          visibility;
    glance_str_t          os_hash_algo;
    glance_str_t          os_hash_value;
    int64_t               size;         /* REGISTRY_NUMBER_NULL */
    int64_t               virtual_size;
    int64_t               min_disk;
    int64_t               min_ram;
    int64_t               created_at;   /* REGISTRY_TIME_NULL */
    int64_t               updated_at;
    int64_t               deleted_at;
    bool                  protected;
    bool                  os_hidden;
    bool                  deleted;
    registry_property_t  *properties;   /* live ones */
    registry_location_t  *locations;    /* live ones, by id */
    registry_tag_t       *tags;         /* likewise, if they were read */
};


/* which fields of a registry_image_t were given */

#define REGISTRY_SET_NAME              0x00001
#define REGISTRY_SET_STATUS            0x00002
#define REGISTRY_SET_DISK_FORMAT       0x00004
#define REGISTRY_SET_CONTAINER_FORMAT  0x00008
#define REGISTRY_SET_CHECKSUM          0x00010
#define REGISTRY_SET_OWNER             0x00020
#define REGISTRY_SET_VISIBILITY        0x00040
#define REGISTRY_SET_OS_HASH_ALGO      0x00080
#define REGISTRY_SET_OS_HASH_VALUE     0x00100
#define REGISTRY_SET_SIZE              0x00200
#define REGISTRY_SET_VIRTUAL_SIZE      0x00400
#define REGISTRY_SET_MIN_DISK          0x00800
#define REGISTRY_SET_MIN_RAM           0x01000
#define REGISTRY_SET_PROTECTED         0x02000
#define REGISTRY_SET_OS_HIDDEN         0x04000
#define REGISTRY_SET_CREATED_AT        0x08000
#define REGISTRY_SET_UPDATED_AT        0x10000
#define REGISTRY_SET_ID                0x20000
#define REGISTRY_SET_PROPERTIES        0x40000
#define REGISTRY_SET_LOCATIONS         0x80000
#define REGISTRY_SET_IS_PUBLIC         0x100000     /* changes.is_public */
#define REGISTRY_SET_TAGS              0x200000


typedef enum {
    REGISTRY_ABORT_QUEUED = 0,
    REGISTRY_ABORT_KILLED,
    REGISTRY_ABORT_DELETE
} registry_abort_e;

/* what the headers X-Glance-Claim... say */

typedef struct {
    glance_str_t      id;               /* empty: no claim */
    glance_str_t      node;
    int64_t           lease;            /* seconds */
    registry_abort_e  on_expire;
} registry_claim_t;

/* a row of ngx_glance_claims */

typedef struct {
    glance_str_t      id;
    glance_str_t      image_id;
    glance_str_t      node;
    registry_abort_e  on_expire;
    int64_t           expires_in;
    int64_t           created_at;       /* epoch */
} registry_claim_row_t;

typedef struct {
    uint32_t          set;              /* REGISTRY_SET_... */
    registry_image_t  image;
    bool              is_public;
    bool              purge;            /* properties that are not given */
    bool              scrub;            /* a deleted row becomes "deleted" */
    bool              status_stays;     /* the one that is set was there */
    size_t            n_tags;           /* also those beyond the quota */
    glance_str_t      from_state;       /* empty: any */
    registry_claim_t  claim;
    glance_str_t      copy_from;        /* URL of the data, or empty */
} registry_changes_t;

typedef struct registry_member_s  registry_member_t;

struct registry_member_s {
    registry_member_t  *next;
    glance_str_t        image_id;
    glance_str_t        member;
    int                 can_share;      /* -1: not given */
};

typedef struct registry_removal_s  registry_removal_t;

struct registry_removal_s {
    registry_removal_t  *next;
    int64_t              id;
    int64_t              tries;
    glance_str_t         image_id;
    glance_str_t         url;
    glance_str_t         last_error;
};


#endif /* _REGISTRY_RECORD_H_INCLUDED_ */
