
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_RENDER_HTTP_H_INCLUDED_
#define _REGISTRY_RENDER_HTTP_H_INCLUDED_


#include <stdio.h>

#include "registry_config.h"


/* images at a URL of another server: nothing if "stores" has no http */
registry_rc_e registry_render_http(const registry_config_t *cf, FILE *out,
    registry_err_t *err);


#endif /* _REGISTRY_RENDER_HTTP_H_INCLUDED_ */
