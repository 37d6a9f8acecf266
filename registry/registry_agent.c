
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_agent.h"

#include <signal.h>

#include "registry_daemon.h"
#include "registry_log.h"


static int registry_agent_loop(registry_agent_t *agent);
static bool registry_agent_signal(int signo);
static bool registry_agent_stop(void *arg);


static bool  registry_agent_ended;


int
registry_agent_run(registry_agent_t *agent, const registry_cli_t *cli)
{
    int              rc;
    const char      *pid, *user;
    registry_err_t   err;

    rc = REGISTRY_EXIT_FAILURE;
    pid = registry_cli_value(cli, "pid-file");

    registry_client_library();

    if (registry_daemon_signals(&err) != REGISTRY_OK) {
        goto failed;
    }

    agent->client = registry_client_new(agent->cf, &err);
    if (agent->client == NULL) {
        goto failed;
    }

    agent->worker = registry_worker_new(agent->cf, agent->client, &err);
    if (agent->worker == NULL) {
        goto failed;
    }

    for (size_t i = 0; agent->copies && i < REGISTRY_AGENT_COPIES; i++) {
        agent->copy[i] = registry_copy_new(agent->cf, &err);
        if (agent->copy[i] == NULL) {
            goto failed;
        }
    }

    if (registry_cli_value(cli, "check") != NULL) {
        if (registry_cli_check(agent->cf, &err) != REGISTRY_OK) {
            goto failed;
        }

        rc = REGISTRY_EXIT_OK;
        goto done;
    }

    if (registry_log_init(agent->cf, cli->program, &err) != REGISTRY_OK) {
        goto failed;
    }

    registry_cli_log_config(agent->cf);
    registry_worker_on_stop(agent->worker, registry_agent_stop, NULL);

    user = registry_config_str(agent->cf, "user");

    if (!agent->once && pid != NULL
        && registry_daemon_pid_write(pid, &err) != REGISTRY_OK)
    {
        goto failed;
    }

    registry_log_give(user);

    if (registry_daemon_become(user, &err) != REGISTRY_OK) {
        goto failed;
    }

    if (agent->once) {
        rc = agent->pass(agent) ? REGISTRY_EXIT_OK : REGISTRY_EXIT_FAILURE;
        goto done;
    }

    for (size_t i = 0; agent->copies && i < REGISTRY_AGENT_COPIES; i++) {

        if (registry_copy_start(agent->copy[i], &err) != REGISTRY_OK) {
            goto failed;
        }
    }

    rc = registry_agent_loop(agent);

    if (pid != NULL) {
        registry_daemon_pid_remove(pid);
    }

    goto done;

failed:

    registry_cli_failed(agent->cf, &err);

done:

    for (size_t i = 0; i < REGISTRY_AGENT_COPIES; i++) {
        registry_copy_free(agent->copy[i]);
    }

    registry_worker_free(agent->worker);
    registry_client_free(agent->client);
    registry_client_library_free();
    registry_log_close();

    return rc;
}


bool
registry_agent_stopped(registry_agent_t *agent)
{
    return registry_agent_stop(agent);
}


static int
registry_agent_loop(registry_agent_t *agent)
{
    registry_log(REGISTRY_LOG_INFO, agent->component, "started interval=%ds",
                 agent->interval);

    do {
        (void) agent->pass(agent);

    } while (!registry_agent_ended
             && !registry_agent_signal(
                     registry_daemon_wait(agent->interval * 1000)));

    registry_log(REGISTRY_LOG_INFO, agent->component, "stopped");

    return REGISTRY_EXIT_OK;
}


/* true: it is time to end */

static bool
registry_agent_signal(int signo)
{
    switch (signo) {

    case 0:
    case SIGHUP:                        /* a pass at once */
        return false;

    case SIGUSR1:
        registry_log_reopen();
        return false;

    default: /* SIGTERM, SIGINT, SIGQUIT */
        return true;
    }
}


static bool
registry_agent_stop(void *arg)
{
    (void) arg;

    if (!registry_agent_ended
        && registry_agent_signal(registry_daemon_wait(0)))
    {
        registry_agent_ended = true;
    }

    return registry_agent_ended;
}
