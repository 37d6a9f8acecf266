
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_IMPORTS_H_INCLUDED_
#define _REGISTRY_IMPORTS_H_INCLUDED_


#include "registry_db_imports.h"
#include "registry_request.h"


/*
 * Locations that POST /v2/images/ID/locations has added, as a worker finds
 * their data, and reads them for the digests (specs/v2/05 5.8).
 */

typedef struct {
    int64_t       size;
    glance_str_t  checksum;     /* MD5 */
    glance_str_t  hash_algo;
    glance_str_t  hash_value;
    bool          hash;         /* the data will be read */
} registry_found_t;


/*
 * The image, the request's, gets the location; it is active unless there is a
 * digest to verify.  When nothing is to be read, that was all of the job.
 */
registry_rc_e registry_import_located(registry_tx_t *tx,
    registry_request_t *rq, glance_str_t holder,
    const registry_found_t *data, registry_err_t *err);

/* the data were read: what becomes of the image; the job is still there */
registry_rc_e registry_import_done(registry_tx_t *tx, registry_request_t *rq,
    glance_str_t holder, const registry_found_t *data, registry_err_t *err);

/* they cannot be; NOT_FOUND: the job is a copy */
registry_rc_e registry_import_failed(registry_tx_t *tx,
    registry_request_t *rq, glance_str_t holder, glance_str_t text,
    registry_err_t *err);


#endif /* _REGISTRY_IMPORTS_H_INCLUDED_ */
