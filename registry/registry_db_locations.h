
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_LOCATIONS_H_INCLUDED_
#define _REGISTRY_DB_LOCATIONS_H_INCLUDED_


#include "registry_db.h"
#include "registry_record.h"


/*
 * The live rows of an image, whose own row is the caller's, become exactly
 * the given ones; fresh: it has none yet.
 */
registry_rc_e registry_db_locations_set(registry_tx_t *tx, glance_str_t id,
    registry_location_t *locations, bool fresh, registry_err_t *err);


#endif /* _REGISTRY_DB_LOCATIONS_H_INCLUDED_ */
