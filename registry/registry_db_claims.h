
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_CLAIMS_H_INCLUDED_
#define _REGISTRY_DB_CLAIMS_H_INCLUDED_


#include "registry_db.h"
#include "registry_pool.h"
#include "registry_record.h"


/* whether ngx_glance_claims is there; without it claims are ignored */
bool registry_db_claims(registry_tx_t *tx);

/*
 * takes the image for the claim, whoever had it; CONFLICT: the claim's id is
 * in use for another image
 */
registry_rc_e registry_db_claim_take(registry_tx_t *tx, glance_str_t image_id,
    const registry_claim_t *claim, registry_err_t *err);

/* NOT_FOUND: the image has another claim or none */
registry_rc_e registry_db_claim_holds(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t id, registry_err_t *err);
registry_rc_e registry_db_claim_drop(registry_tx_t *tx, glance_str_t image_id,
    glance_str_t id, registry_err_t *err);
registry_rc_e registry_db_claim_drop_image(registry_tx_t *tx,
    glance_str_t image_id, registry_err_t *err);
registry_rc_e registry_db_claim_get(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t id, registry_claim_row_t *claim, registry_err_t *err);
registry_rc_e registry_db_claim_renew(registry_tx_t *tx, glance_str_t id,
    int64_t lease, registry_err_t *err);

/* all, or those past their time; n of them at most */
registry_rc_e registry_db_claim_list(registry_tx_t *tx, registry_pool_t *pool,
    bool expired, registry_claim_row_t *claims, size_t *n,
    registry_err_t *err);

/*
 * The claimed work is given up: the image gets the status that the claim
 * names.  expired: only if the time is over.  *status is what it became.
 */
registry_rc_e registry_db_claim_abandon(registry_tx_t *tx,
    registry_pool_t *pool, glance_str_t id, bool expired,
    registry_claim_row_t *claim, const char **status, registry_err_t *err);
const char *registry_abort_name(registry_abort_e on_expire);
bool registry_abort_parse(glance_str_t s, registry_abort_e *on_expire);

/* those that are due, by id, behind the row "after" */
registry_rc_e registry_db_removal_list(registry_tx_t *tx,
    registry_pool_t *pool, int64_t after, int64_t limit,
    registry_removal_t **removals, registry_err_t *err);

/* of the data at this URL; NULL: of all data of the image */
registry_rc_e registry_db_removal_add(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t url, registry_err_t *err);
registry_rc_e registry_db_removal_done(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t url, registry_err_t *err);
registry_rc_e registry_db_removal_failed(registry_tx_t *tx,
    glance_str_t image_id, glance_str_t url, glance_str_t text,
    registry_err_t *err);


#endif /* _REGISTRY_DB_CLAIMS_H_INCLUDED_ */
