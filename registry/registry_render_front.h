
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _REGISTRY_RENDER_FRONT_H_INCLUDED_
#define _REGISTRY_RENDER_FRONT_H_INCLUDED_


#include <stdio.h>

#include "registry_render.h"


/* what front ends and load balancers see of a node */
registry_rc_e registry_render_front(const registry_config_t *cf, FILE *out,
    registry_err_t *err);


#endif /* _REGISTRY_RENDER_FRONT_H_INCLUDED_ */
