
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_SCHEMA_DOCS_H_INCLUDED_
#define _REGISTRY_V2_SCHEMA_DOCS_H_INCLUDED_


#include "registry_out.h"


/*
 * Schemas of tasks (group "") and of metadata definitions ("metadefs/");
 * false: there is none of that name.
 */
bool registry_v2_schema_doc(registry_out_t *out, const char *group,
    glance_str_t name);


#endif /* _REGISTRY_V2_SCHEMA_DOCS_H_INCLUDED_ */
