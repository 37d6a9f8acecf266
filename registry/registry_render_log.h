
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_RENDER_LOG_H_INCLUDED_
#define _REGISTRY_RENDER_LOG_H_INCLUDED_


#include "registry_logconf.h"
#include "registry_render.h"


/* error_log: one directive for each place that the options name */
registry_rc_e registry_render_error_log(const registry_logconf_t *lc,
    FILE *out, registry_err_t *err);

/* log_format and access_log: requests are lines of level INFO */
registry_rc_e registry_render_access_log(const registry_logconf_t *lc,
    const registry_render_t *render, FILE *out, registry_err_t *err);


#endif /* _REGISTRY_RENDER_LOG_H_INCLUDED_ */
