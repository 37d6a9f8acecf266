
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_JSON_PARSE_H_INCLUDED_
#define _REGISTRY_JSON_PARSE_H_INCLUDED_


#include <jansson.h>

#include "registry_json.h"


/* what the parsers of bodies share */

/* a JSON object; new reference */
registry_rc_e registry_json_load(glance_str_t body, json_t **json,
    registry_err_t *err);

/* data NULL: no string */
glance_str_t registry_json_slice(json_t *value);

/* true, a number that is not 0, "true", "yes", "1" ... */
bool registry_json_true(json_t *value);
registry_rc_e registry_json_memory(registry_err_t *err);


#endif /* _REGISTRY_JSON_PARSE_H_INCLUDED_ */
