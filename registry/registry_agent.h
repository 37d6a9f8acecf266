
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_AGENT_H_INCLUDED_
#define _REGISTRY_AGENT_H_INCLUDED_


#include "registry_cli.h"
#include "registry_copy.h"
#include "registry_worker.h"


/* jobs at once: a source that is slow, or would be, keeps no other waiting */
#define REGISTRY_AGENT_COPIES  4


/* what the programs that tidy a node have in common: passes, until the end */

typedef struct registry_agent_s  registry_agent_t;

struct registry_agent_s {
    const char               *component;    /* in the log */
    const registry_config_t  *cf;
    registry_client_t        *client;       /* set by registry_agent_run() */
    registry_worker_t        *worker;       /* likewise */
    registry_copy_t          *copy[REGISTRY_AGENT_COPIES]; /* likewise, if it
                                               copies */
    bool                      copies;
    bool                      once;
    int                       interval;     /* seconds between two passes */
    bool                    (*pass)(registry_agent_t *agent);
};


/*
 * The exit status.  SIGHUP is a pass at once, SIGUSR1 reopens the log, other
 * signals end it, also within a pass.
 */
int registry_agent_run(registry_agent_t *agent, const registry_cli_t *cli);

/* a pass asks between two steps; true: it is to end */
bool registry_agent_stopped(registry_agent_t *agent);


#endif /* _REGISTRY_AGENT_H_INCLUDED_ */
