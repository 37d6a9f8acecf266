
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_SCRUB_H_INCLUDED_
#define _REGISTRY_SCRUB_H_INCLUDED_


#include "registry_agent.h"


/*
 * Gives up all images in status pending_delete that were deleted scrub_time
 * ago, and removes the data that are this node's.  Each image is marked
 * first, by compare-and-set: nobody restores it then, and its data are on
 * the list of removals, wherever they are.  False: something is left to do.
 */
bool registry_scrub_pass(registry_agent_t *agent);


#endif /* _REGISTRY_SCRUB_H_INCLUDED_ */
