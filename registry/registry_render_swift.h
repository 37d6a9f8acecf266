
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_RENDER_SWIFT_H_INCLUDED_
#define _REGISTRY_RENDER_SWIFT_H_INCLUDED_


#include <stdio.h>

#include "registry_config.h"


/* whether the options name an account of Swift, or images are to go there */
bool registry_swift_wanted(const registry_config_t *cf);

/* the directives for it, nothing if it is not wanted; accounts: a path */
registry_rc_e registry_render_swift(const registry_config_t *cf,
    const char *accounts, FILE *out, registry_err_t *err);

/* the content of that file: keys are in it */
registry_rc_e registry_render_swift_accounts(const registry_config_t *cf,
    FILE *out, registry_err_t *err);


#endif /* _REGISTRY_RENDER_SWIFT_H_INCLUDED_ */
