
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_RENDER_LOCATION_H_INCLUDED_
#define _REGISTRY_RENDER_LOCATION_H_INCLUDED_


#include "registry_render.h"


/* the location of clients */
registry_rc_e registry_render_location(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);

/* what takes data: of clients, and of the worker; stores included */
registry_rc_e registry_render_uploads(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);

/* where data are, for all locations */
registry_rc_e registry_render_stores(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);


#endif /* _REGISTRY_RENDER_LOCATION_H_INCLUDED_ */
