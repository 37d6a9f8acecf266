
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DB_IMPORTS_H_INCLUDED_
#define _REGISTRY_DB_IMPORTS_H_INCLUDED_


#include "registry_db_jobs.h"


/* a row of Glance's table of tasks */

typedef struct {
    glance_str_t  id;
    glance_str_t  type;
    glance_str_t  owner;
    glance_str_t  image_id;
    glance_str_t  request_id;
    glance_str_t  user_id;
    glance_str_t  input;        /* JSON */
} registry_task_t;


/* whether somebody works on the image's data: a job, or a Python Glance */
registry_rc_e registry_db_import_busy(registry_tx_t *tx,
    const registry_image_t *image, bool *busy, registry_err_t *err);

/* a job, with what it is to find, and its task */
registry_rc_e registry_db_import_add(registry_tx_t *tx,
    const registry_task_t *task, glance_str_t url,
    const registry_import_t *import, registry_err_t *err);

/* of the job that the holder has; NOT_FOUND: it has none, or another kind */
registry_rc_e registry_db_import_get(registry_tx_t *tx,
    registry_pool_t *pool, glance_str_t image_id, glance_str_t holder,
    registry_import_t *import, registry_err_t *err);

/* the location is the image's, and what is left is to read the data */
registry_rc_e registry_db_import_located(registry_tx_t *tx,
    glance_str_t image_id, registry_err_t *err);

/* the row goes; a task that has not ended has failed */
registry_rc_e registry_db_import_forget(registry_tx_t *tx,
    glance_str_t image_id, registry_err_t *err);

registry_rc_e registry_db_task_begin(registry_tx_t *tx, glance_str_t id,
    registry_err_t *err);
registry_rc_e registry_db_task_end(registry_tx_t *tx, glance_str_t id,
    glance_str_t image_id, bool success, const char *message,
    registry_err_t *err);


#endif /* _REGISTRY_DB_IMPORTS_H_INCLUDED_ */
