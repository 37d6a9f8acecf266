
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_TAGS_H_INCLUDED_
#define _REGISTRY_DB_TAGS_H_INCLUDED_


#include "registry_db.h"
#include "registry_record.h"


/* of an image that has none of them; no two of them are equal */
registry_rc_e registry_db_tags_add(registry_tx_t *tx, glance_str_t image_id,
    const registry_tag_t *tags, registry_err_t *err);

/* the image's tags become exactly these; its row is the caller's */
registry_rc_e registry_db_tags_replace(registry_tx_t *tx,
    glance_str_t image_id, const registry_tag_t *tags, registry_err_t *err);

/* one of them by its row */
registry_rc_e registry_db_tag_remove(registry_tx_t *tx, int64_t id,
    registry_err_t *err);


#endif /* _REGISTRY_DB_TAGS_H_INCLUDED_ */
