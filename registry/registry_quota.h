
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_QUOTA_H_INCLUDED_
#define _REGISTRY_QUOTA_H_INCLUDED_


#include "registry_request.h"
#include "registry_tx.h"


/*
 * user_storage_quota: what the images of a project may take in stores, each
 * of their places counted.  The bytes that are left for this image, without
 * what it has now; -1: any number.  REGISTRY_LIMIT: fewer than size.
 */
registry_rc_e registry_quota_storage(registry_tx_t *tx,
    const registry_request_t *rq, const registry_image_t *image,
    int64_t size, int64_t *left, registry_err_t *err);


#endif /* _REGISTRY_QUOTA_H_INCLUDED_ */
