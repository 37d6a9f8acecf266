
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "registry_scrub.h"


static const registry_cli_opt_t  glance_scrubber_options[] = {
    { "daemon", 'D', NULL, "daemon",
      "a pass every wakeup_time seconds, in the foreground" },
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
        .program = "glance-scrubber",
        .usage = "[options] [CONFPATH]",
        .summary = "Removes the data of images whose delete was delayed "
                   "(delayed_delete), when they\nare due (scrub_time). Reads "
                   "glance-scrubber.conf, or else glance-api.conf.",
        .extra = glance_scrubber_options
    };

    rc = registry_cli_start(&cli, argc, argv, &cf);
    if (rc >= 0) {
        return rc;
    }

    memset(&agent, 0, sizeof(registry_agent_t));

    agent.component = "scrubber";
    agent.cf = cf;
    agent.once = !registry_config_bool(cf, "daemon");
    agent.interval = (int) registry_config_int(cf, "wakeup_time");
    agent.pass = registry_scrub_pass;

    rc = registry_agent_run(&agent, &cli);

    registry_config_free(cf);

    return rc;
}
