
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_RENDER_S3_H_INCLUDED_
#define _REGISTRY_RENDER_S3_H_INCLUDED_


#include <stdio.h>

#include "registry_config.h"


/* whether the options name keys of S3, or images are to go there */
bool registry_s3_wanted(const registry_config_t *cf);

/* the directives for it, nothing if it is not wanted; keys: a path */
registry_rc_e registry_render_s3(const registry_config_t *cf,
    const char *keys, FILE *out, registry_err_t *err);

/* the content of that file */
registry_rc_e registry_render_s3_keys(const registry_config_t *cf, FILE *out,
    registry_err_t *err);


#endif /* _REGISTRY_RENDER_S3_H_INCLUDED_ */
