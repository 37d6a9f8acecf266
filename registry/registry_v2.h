
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_H_INCLUDED_
#define _REGISTRY_V2_H_INCLUDED_


#include "registry_v2_policy.h"
#include "registry_v2_schema.h"


/*
 * API v2: JSON that nginx passes on as it is.  The handlers are those of
 * registry_router.c's table.
 */

/* registry_v2_images.c, registry_v2_create.c, registry_v2_list.c */
registry_rc_e registry_v2_images_show(registry_request_t *rq);
registry_rc_e registry_v2_images_delete(registry_request_t *rq);
registry_rc_e registry_v2_images_create(registry_request_t *rq);
registry_rc_e registry_v2_images_list(registry_request_t *rq);

/* registry_v2_update.c, registry_v2_actions.c */
registry_rc_e registry_v2_images_update(registry_request_t *rq);
registry_rc_e registry_v2_images_deactivate(registry_request_t *rq);
registry_rc_e registry_v2_images_reactivate(registry_request_t *rq);

/* registry_v2_members.c, registry_v2_tags.c, registry_v2_locations.c */
registry_rc_e registry_v2_members_list(registry_request_t *rq);
registry_rc_e registry_v2_members_create(registry_request_t *rq);
registry_rc_e registry_v2_members_show(registry_request_t *rq);
registry_rc_e registry_v2_members_update(registry_request_t *rq);
registry_rc_e registry_v2_members_delete(registry_request_t *rq);
registry_rc_e registry_v2_tags_put(registry_request_t *rq);
registry_rc_e registry_v2_tags_delete(registry_request_t *rq);
registry_rc_e registry_v2_locations_list(registry_request_t *rq);
registry_rc_e registry_v2_locations_add(registry_request_t *rq);

/* registry_v2_info.c */
registry_rc_e registry_v2_schemas_show(registry_request_t *rq);
registry_rc_e registry_v2_schemas_metadefs(registry_request_t *rq);
registry_rc_e registry_v2_info_import(registry_request_t *rq);
registry_rc_e registry_v2_info_stores(registry_request_t *rq);
registry_rc_e registry_v2_info_stores_detail(registry_request_t *rq);
registry_rc_e registry_v2_info_usage(registry_request_t *rq);
registry_rc_e registry_v2_images_tasks(registry_request_t *rq);


/*
 * An image with its children, for a caller that exists for him:
 * REGISTRY_NOT_FOUND with "BEFORE id AFTER" as text otherwise.  It is the
 * request's.
 */
registry_rc_e registry_v2_load(registry_tx_t *tx, registry_request_t *rq,
    glance_str_t id, const char *before, const char *after,
    registry_image_t **image, registry_err_t *err);

/* the same with "No image found with ID X", and a rule */
registry_rc_e registry_v2_load_for(registry_tx_t *tx, registry_request_t *rq,
    glance_str_t id, registry_v2_rule_e rule, registry_image_t **image,
    registry_err_t *err);

/*
 * X-Glance-Policy, with which an API server asks the Registry API for v2's
 * rules.  *v2 false: it is not there.
 */
registry_rc_e registry_v2_rule_of(registry_request_t *rq, bool *v2,
    registry_v2_rule_e *rule);

/*
 * To begin a change with that would fail, or go further, when it is done
 * twice.  *again: it was done, only the answer was lost.
 */
registry_rc_e registry_v2_once(registry_tx_t *tx, registry_request_t *rq,
    bool *again, registry_err_t *err);

/* REGISTRY_INVALID: the image has a signature, by which data are checked */
registry_rc_e registry_v2_unsigned(const registry_image_t *image,
    registry_err_t *err);

/* registry_v2_json.c: the image, with its tags, as this caller may see it */
void registry_v2_image_json(const registry_request_t *rq, registry_out_t *out,
    const registry_image_t *image);

/* what follows another member of an object: , "KEY": VALUE */
void registry_v2_json_text(registry_out_t *out, const char *key,
    glance_str_t value);
void registry_v2_json_time(registry_out_t *out, const char *key,
    int64_t epoch);

/* those with data */
void registry_v2_json_locations(registry_out_t *out,
    const registry_location_t *locations);

/* whether the name is an attribute's, so that no property can have it */
bool registry_v2_reserved(glance_str_t name);


#endif /* _REGISTRY_V2_H_INCLUDED_ */
