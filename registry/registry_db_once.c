
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_once.h"

#include "registry_tx.h"


#define REGISTRY_ONCE_TIME  "3600"      /* seconds */


registry_rc_e
registry_db_once(registry_tx_t *tx, glance_str_t id, bool *again,
    registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[1];

    *again = false;

    if (!tx->db->once || id.len == 0) {
        return REGISTRY_OK;
    }

    args[0] = registry_value_text(id);

    rc = registry_tx_exec(tx, "{insert ignore} INTO ngx_glance_once"
                          " (id, created_at) VALUES (?, {epoch})", args, 1,
                          err);

    *again = (rc == REGISTRY_OK && registry_tx_changed(tx) == 0);

    return rc;
}


registry_rc_e
registry_db_once_forget(registry_tx_t *tx, registry_err_t *err)
{
    if (!tx->db->once) {
        return REGISTRY_OK;
    }

    return registry_tx_exec(tx, "DELETE FROM ngx_glance_once"
                            " WHERE created_at < {epoch} - "
                            REGISTRY_ONCE_TIME, NULL, 0, err);
}
