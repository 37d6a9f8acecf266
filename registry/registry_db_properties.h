
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_PROPERTIES_H_INCLUDED_
#define _REGISTRY_DB_PROPERTIES_H_INCLUDED_


#include "registry_db.h"
#include "registry_record.h"


/*
 * Those of an image, whose row is the caller's, as the changes say: added,
 * changed, and with "purge" all others removed.  REGISTRY_LIMIT: it has more
 * than quota then; -1: no limit.
 */
registry_rc_e registry_db_properties_set(registry_tx_t *tx, glance_str_t id,
    const registry_changes_t *changes, int64_t quota, registry_err_t *err);


#endif /* _REGISTRY_DB_PROPERTIES_H_INCLUDED_ */
