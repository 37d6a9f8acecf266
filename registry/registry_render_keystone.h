
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _REGISTRY_RENDER_KEYSTONE_H_INCLUDED_
#define _REGISTRY_RENDER_KEYSTONE_H_INCLUDED_


#include <stdio.h>

#include "registry_config.h"


/*
 * [keystone_authtoken] in nginx.conf; the last three write nothing unless the
 * flavor is keystone.
 */

/* the directives of the location; credentials: path of the file below */
registry_rc_e registry_render_keystone(const registry_config_t *cf,
    const char *credentials, FILE *out, registry_err_t *err);
registry_rc_e registry_render_keystone_upstream(const registry_config_t *cf,
    FILE *out, registry_err_t *err);
registry_rc_e registry_render_keystone_internal(const registry_config_t *cf,
    FILE *out, registry_err_t *err);

/* what the server proves itself with, as Keystone wants it: JSON */
registry_rc_e registry_render_keystone_credentials(
    const registry_config_t *cf, FILE *out, registry_err_t *err);


#endif /* _REGISTRY_RENDER_KEYSTONE_H_INCLUDED_ */
