
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_IDENTITY_H_INCLUDED_
#define _REGISTRY_IDENTITY_H_INCLUDED_


#include "registry_request.h"


/*
 * Who calls, and what he may do: all rules of the Registry API are here
 * (specs/v1.md 2.11); those of API v2 are in registry_v2_policy.c.
 */

/* fills rq->identity; REGISTRY_UNAUTHORIZED: nobody we know */
registry_rc_e registry_identity_read(registry_request_t *rq);
bool registry_identity_owns(const registry_identity_t *who,
    const registry_image_t *image);

/*
 * To see an image, to change it, to change its members.  REGISTRY_NOT_FOUND
 * also hides what the caller may not know of.
 */
registry_rc_e registry_policy_see(registry_tx_t *tx,
    const registry_identity_t *who, const registry_image_t *image,
    registry_err_t *err);
registry_rc_e registry_policy_change(registry_tx_t *tx,
    const registry_identity_t *who, const registry_image_t *image,
    registry_err_t *err);
registry_rc_e registry_policy_share(registry_tx_t *tx,
    const registry_identity_t *who, const registry_image_t *image,
    registry_err_t *err);


#endif /* _REGISTRY_IDENTITY_H_INCLUDED_ */
