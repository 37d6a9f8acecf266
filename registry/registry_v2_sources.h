
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_SOURCES_H_INCLUDED_
#define _REGISTRY_V2_SOURCES_H_INCLUDED_


#include "registry_out.h"
#include "registry_pool.h"
#include "registry_err.h"


#define REGISTRY_V2_SOURCES  32     /* new locations of one request */


/*
 * The sizes of what new locations lead to, which the API server knows and the
 * registry does not.  It asks first (X-Glance-Ask) which URLs a request would
 * add, if all that the registry checks is well, looks at them, and sends the
 * request with what it has found (X-Glance-Sizes: "OP.ITEM:SIZE ..."), or,
 * when it was refused, without looking at anything ("refused"), to hear why.
 */

typedef struct {
    size_t        op;               /* of the document */
    size_t        item;             /* of its list, 0 without one */
    int64_t       size;
    glance_str_t  url;              /* of an answer; the document's */
} registry_v2_source_t;

typedef struct {
    bool                   ask;     /* to be collected */
    bool                   refused;
    size_t                 n;
    registry_v2_source_t   list[REGISTRY_V2_SOURCES];
} registry_v2_sources_t;


/* what is no such text, or too much, is left out */
void registry_v2_sources_read(registry_v2_sources_t *sources,
    glance_str_t text);

/* INVALID: there are no data; *size is 1 while nobody has looked */
registry_rc_e registry_v2_sources_size(registry_v2_sources_t *sources,
    size_t op, size_t item, glance_str_t url, int64_t *size,
    registry_err_t *err);

/* {"sources": [{"at": "0.0", "url": "http://..."}]} */
void registry_v2_sources_json(const registry_v2_sources_t *sources,
    registry_out_t *out);


#endif /* _REGISTRY_V2_SOURCES_H_INCLUDED_ */
