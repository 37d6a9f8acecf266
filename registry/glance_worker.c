
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "registry_agent.h"


static bool glance_worker_pass(registry_agent_t *agent);


static const registry_cli_opt_t  glance_worker_options[] = {
    { "once", 0, NULL, NULL, "one pass, then exit" },
    { "pid-file", 0, "PATH", NULL, "write the process id there" },
    { NULL, 0, NULL, NULL, NULL }
};


int
main(int argc, char **argv)
{
    int                 rc;
    registry_agent_t    agent;
    registry_config_t  *cf;

    registry_cli_t  cli = {
        .program = "glance-worker",
        .usage = "[options] [CONFPATH]",
        .summary = "Tidies the stores of this node: what uploads left "
                   "whose server died, and data\nof deleted images that "
                   "could not be removed at once. Copies the data\nof "
                   "images that are to come from other servers, and reads "
                   "those at\nlocations that were added. Reads "
                   "glance-api.conf.",
        .extra = glance_worker_options
    };

    rc = registry_cli_start(&cli, argc, argv, &cf);
    if (rc >= 0) {
        return rc;
    }

    memset(&agent, 0, sizeof(registry_agent_t));

    agent.component = "worker";
    agent.cf = cf;
    agent.once = (registry_cli_value(&cli, "once") != NULL);
    agent.interval = (int) registry_config_int(cf, "sweep_interval");
    agent.copies = true;
    agent.pass = glance_worker_pass;

    rc = registry_agent_run(&agent, &cli);

    registry_config_free(cf);

    return rc;
}


static bool
glance_worker_pass(registry_agent_t *agent)
{
    bool  done;

    done = registry_worker_pass(agent->worker, agent->once);

    if (agent->once) {
        done = registry_copy_pass(agent->copy[0]) && done;
    }

    return done;
}
