
/*
 * Copyright (C) ngx_glance authors
 */


#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>

#include "registry_cli.h"
#include "registry_daemon.h"
#include "registry_log.h"
#include "registry_worker.h"


static int glance_worker_run(const registry_cli_t *cli,
    const registry_config_t *cf);
static int glance_worker_loop(registry_worker_t *worker, int interval);
static bool glance_worker_signal(int signo);
static bool glance_worker_stop(void *arg);


static bool  glance_worker_ended;


static const registry_cli_opt_t  glance_worker_options[] = {
    { "once", 0, NULL, NULL, "one pass, then exit" },
    { "pid-file", 0, "PATH", NULL, "write the process id there" },
    { NULL, 0, NULL, NULL, NULL }
};


int
main(int argc, char **argv)
{
    int                 rc;
    registry_config_t  *cf;

    registry_cli_t  cli = {
        .program = "glance-worker",
        .usage = "[options] [CONFPATH]",
        .summary = "Tidies the file store of this node: what uploads left "
                   "whose server died, and data\nof deleted images that "
                   "could not be removed at once. Reads glance-api.conf.",
        .extra = glance_worker_options
    };

    rc = registry_cli_start(&cli, argc, argv, &cf);
    if (rc >= 0) {
        return rc;
    }

    (void) curl_global_init(CURL_GLOBAL_DEFAULT);

    rc = glance_worker_run(&cli, cf);

    curl_global_cleanup();
    registry_log_close();
    registry_config_free(cf);

    return rc;
}


static int
glance_worker_run(const registry_cli_t *cli, const registry_config_t *cf)
{
    int                 rc;
    const char         *pid;
    registry_err_t      err;
    registry_client_t  *client;
    registry_worker_t  *worker;

    rc = REGISTRY_EXIT_FAILURE;
    client = NULL;
    worker = NULL;
    pid = registry_cli_value(cli, "pid-file");

    if (registry_daemon_signals(&err) != REGISTRY_OK) {
        goto failed;
    }

    client = registry_client_new(cf, &err);
    if (client == NULL) {
        goto failed;
    }

    worker = registry_worker_new(cf, client, &err);
    if (worker == NULL) {
        goto failed;
    }

    if (registry_cli_value(cli, "check") != NULL) {
        if (registry_cli_check(cf, &err) != REGISTRY_OK) {
            goto failed;
        }

        rc = REGISTRY_EXIT_OK;
        goto done;
    }

    if (registry_log_init(cf, cli->program, &err) != REGISTRY_OK) {
        goto failed;
    }

    registry_cli_log_config(cf);
    registry_worker_on_stop(worker, glance_worker_stop, NULL);

    if (registry_cli_value(cli, "once") != NULL) {
        rc = registry_worker_pass(worker, true) ? REGISTRY_EXIT_OK
                                                : REGISTRY_EXIT_FAILURE;
        goto done;
    }

    if (pid != NULL && registry_daemon_pid_write(pid, &err) != REGISTRY_OK) {
        goto failed;
    }

    rc = glance_worker_loop(worker, (int) registry_config_int(cf,
                                                        "sweep_interval"));

    if (pid != NULL) {
        registry_daemon_pid_remove(pid);
    }

    goto done;

failed:

    registry_cli_failed(cf, &err);

done:

    registry_worker_free(worker);
    registry_client_free(client);

    return rc;
}


static int
glance_worker_loop(registry_worker_t *worker, int interval)
{
    registry_log(REGISTRY_LOG_INFO, "worker", "started interval=%ds",
                 interval);

    do {
        (void) registry_worker_pass(worker, false);

    } while (!glance_worker_ended
             && !glance_worker_signal(registry_daemon_wait(interval * 1000)));

    registry_log(REGISTRY_LOG_INFO, "worker", "stopped");

    return REGISTRY_EXIT_OK;
}


/* true: it is time to end */

static bool
glance_worker_signal(int signo)
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
glance_worker_stop(void *arg)
{
    (void) arg;

    if (!glance_worker_ended
        && glance_worker_signal(registry_daemon_wait(0)))
    {
        glance_worker_ended = true;
    }

    return glance_worker_ended;
}
