
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_POLICY_H_INCLUDED_
#define _REGISTRY_V2_POLICY_H_INCLUDED_


#include "registry_request.h"


/*
 * Who may do what through API v2 (specs/v2/07): the rules of today's Glance,
 * or with enforce_new_defaults off those of 2022.
 */

typedef enum {
    REGISTRY_V2_ADD_IMAGE = 0,
    REGISTRY_V2_GET_IMAGES,
    REGISTRY_V2_GET_IMAGE,
    REGISTRY_V2_MODIFY_IMAGE,
    REGISTRY_V2_DELETE_IMAGE,
    REGISTRY_V2_UPLOAD_IMAGE,
    REGISTRY_V2_DOWNLOAD_IMAGE,
    REGISTRY_V2_PUBLICIZE_IMAGE,
    REGISTRY_V2_COMMUNITIZE_IMAGE,
    REGISTRY_V2_DEACTIVATE,
    REGISTRY_V2_REACTIVATE,
    REGISTRY_V2_GET_IMAGE_LOCATION,
    REGISTRY_V2_SET_IMAGE_LOCATION,
    REGISTRY_V2_DELETE_IMAGE_LOCATION,
    REGISTRY_V2_ADD_IMAGE_LOCATION,
    REGISTRY_V2_FETCH_IMAGE_LOCATION,
    REGISTRY_V2_GET_MEMBERS,
    REGISTRY_V2_GET_MEMBER,
    REGISTRY_V2_ADD_MEMBER,
    REGISTRY_V2_MODIFY_MEMBER,
    REGISTRY_V2_DELETE_MEMBER,
    REGISTRY_V2_STORES_INFO_DETAIL,
    REGISTRY_V2_TASKS_API_ACCESS,
    REGISTRY_V2_RULES
} registry_v2_rule_e;


/* "get_image" */
bool registry_v2_rule_parse(glance_str_t name, registry_v2_rule_e *rule);

/*
 * Whether the caller may; the image is one that registry_v2_see() let
 * through, or one to be made (its owner and visibility count), or NULL where
 * the rule is not about an image.
 */
bool registry_v2_permits(const registry_request_t *rq,
    registry_v2_rule_e rule, const registry_image_t *image);

/*
 * The same as an error: REGISTRY_FORBIDDEN, or REGISTRY_NOT_FOUND when the
 * caller may not even look at the image.
 */
registry_rc_e registry_v2_allow(const registry_request_t *rq,
    registry_v2_rule_e rule, const registry_image_t *image,
    registry_err_t *err);

/*
 * What comes before any rule: whether the image exists for the caller.
 * REGISTRY_NOT_FOUND without a text; deleted ones exist for nobody.
 */
registry_rc_e registry_v2_see(registry_tx_t *tx,
    const registry_identity_t *who, const registry_image_t *image,
    registry_err_t *err);


#endif /* _REGISTRY_V2_POLICY_H_INCLUDED_ */
