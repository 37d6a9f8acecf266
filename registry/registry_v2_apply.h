
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_APPLY_H_INCLUDED_
#define _REGISTRY_V2_APPLY_H_INCLUDED_


#include "registry_record.h"
#include "registry_v2_patch.h"
#include "registry_v2_sources.h"


/*
 * What the operations of a PATCH make of an image.  Pure: the image is only
 * read, and what is to be written is collected.
 */

/* asked before what needs more than the right to modify the image */
typedef registry_rc_e (*registry_v2_allow_pt)(void *arg, const char *rule,
    registry_err_t *err);

typedef struct {
    registry_v2_patch_e     type;
    bool                    admin;
    bool                    locations;  /* option show_multiple_locations */
    int64_t                 property_quota;     /* negative: no limit */
    int64_t                 tag_quota;
    int64_t                 location_quota;
    const char             *hash;       /* of data: "sha512" */
    registry_v2_sources_t  *sources;    /* of new locations, or NULL */
    registry_v2_allow_pt    allow;
    void                   *arg;
} registry_v2_rules_t;

typedef struct {
    registry_changes_t      changes;    /* its properties: what to save; its
                                           locations: all, if they are set */
    registry_property_t    *removed;    /* by name */
    registry_location_t    *dropped;    /* with their data; id 0: it was
                                           not there before */
    size_t                  n_properties;       /* that there are to be */
} registry_v2_edit_t;


/* what is collected is the pool's */
registry_rc_e registry_v2_apply(registry_pool_t *pool,
    const registry_image_t *image, const registry_v2_op_t *ops,
    const registry_v2_rules_t *rules, registry_v2_edit_t *edit,
    registry_err_t *err);

/* registry_v2_apply_location.c: one operation on locations */
registry_rc_e registry_v2_apply_location(registry_pool_t *pool,
    const registry_image_t *image, const registry_v2_op_t *op,
    const registry_v2_rules_t *rules, registry_v2_edit_t *edit,
    registry_err_t *err);

/* the same file: all that are to be, into their rows, before they are saved */
void registry_v2_apply_rows(registry_location_t *locations);


#endif /* _REGISTRY_V2_APPLY_H_INCLUDED_ */
