
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_ONCE_H_INCLUDED_
#define _REGISTRY_DB_ONCE_H_INCLUDED_


#include "glance_str.h"
#include "registry_db.h"


/*
 * nginx asks a second registry when the first one did not answer, which may
 * have done its work all the same.  The transaction notes that the request
 * was done; *again: it was done before.
 */
registry_rc_e registry_db_once(registry_tx_t *tx, glance_str_t id,
    bool *again, registry_err_t *err);

/* forgets requests that nobody repeats any more */
registry_rc_e registry_db_once_forget(registry_tx_t *tx,
    registry_err_t *err);


#endif /* _REGISTRY_DB_ONCE_H_INCLUDED_ */
