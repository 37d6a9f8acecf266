
/*
 * Copyright (C) ngx_glance authors
 */


#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry_control.h"


#define GLANCE_CONTROL_PATIENCE  60


typedef enum {
    GLANCE_CONTROL_START = 0,
    GLANCE_CONTROL_STOP,
    GLANCE_CONTROL_RESTART,
    GLANCE_CONTROL_RELOAD,
    GLANCE_CONTROL_STATUS,
    GLANCE_CONTROL_SHUTDOWN,
    GLANCE_CONTROL_FORCE_RELOAD,
    GLANCE_CONTROL_UNKNOWN
} glance_control_e;


static glance_control_e glance_control_command(const char *text);
static bool glance_control_combination(const registry_cli_t *cli,
    unsigned wanted, glance_control_e command);
static int glance_control_stay(const registry_cli_t *cli,
    registry_server_t *servers, bool done);
static bool glance_control_seconds(const registry_cli_t *cli,
    const char *name, long *seconds);
static unsigned glance_control_servers(const char *text);
static bool glance_control_init(registry_server_t *servers, unsigned wanted,
    const registry_cli_t *cli, bool defaults);
static bool glance_control_run(registry_server_t *servers, unsigned wanted,
    glance_control_e command);
static bool glance_control_each(registry_server_t *servers, unsigned wanted,
    bool (*action)(registry_server_t *server));
static bool glance_control_stop(registry_server_t *servers, unsigned wanted,
    bool graceful);


static const char *const  glance_control_commands[] = {
    "start", "stop", "restart", "reload", "status", "shutdown",
    "force-reload", NULL
};

static const registry_cli_opt_t  glance_control_options[] = {
    { "pid-file", 0, "PATH", NULL, "the pid file, of one server" },
    { "wait", 0, "SECONDS", NULL,
      "how long a server may take to answer, 60 by default" },
    { "respawn", 0, NULL, NULL,
      "stay, and start again what dies (start, restart)" },
    { "await-child", 0, "SECONDS", NULL,
      "stay so long, and exit as a server does that ends" },
    { "capture-output", 0, NULL, NULL,
      "what a server prints goes to syslog, by logger(1)" },
    { NULL, 0, NULL, NULL, NULL }
};


int
main(int argc, char **argv)
{
    int                rc;
    bool               done;
    unsigned           wanted;
    glance_control_e   command;

    static registry_server_t  servers[REGISTRY_SERVERS];

    registry_cli_t  cli = {
        .program = "glance-control",
        .usage = "[options] <SERVER> <COMMAND> [CONFPATH]",
        .summary = "SERVER:  all, api, registry, worker, scrubber\n"
                   "COMMAND: start, stop, restart, reload, status, shutdown, "
                   "force-reload\n\n"
                   "Starts and stops the servers, and waits until they "
                   "answer. The registry's\nfile is glance-registry.conf "
                   "beside the given glance-api.conf.",
        .extra = glance_control_options,
        .foreign = true
    };

    rc = registry_cli_parse(&cli, argc, argv);
    if (rc >= 0) {
        return rc;
    }

    if (cli.n_args < 2) {
        registry_cli_help(&cli);
        return REGISTRY_EXIT_FAILURE;
    }

    wanted = glance_control_servers(cli.args[0]);
    command = glance_control_command(cli.args[1]);

    if (wanted == 0) {
        (void) fprintf(stderr, "Invalid server \"%s\": must be one of all, "
                       "api, registry, worker, scrubber\n", cli.args[0]);
        return REGISTRY_EXIT_FAILURE;
    }

    if (command == GLANCE_CONTROL_UNKNOWN) {
        (void) fprintf(stderr, "Invalid command \"%s\": must be one of start, "
                       "stop, restart, reload, status, shutdown, "
                       "force-reload\n", cli.args[1]);
        return REGISTRY_EXIT_FAILURE;
    }

    if (!glance_control_combination(&cli, wanted, command)) {
        return REGISTRY_EXIT_FAILURE;
    }

    (void) curl_global_init(CURL_GLOBAL_DEFAULT);

    done = glance_control_init(servers, wanted, &cli,
                               command == GLANCE_CONTROL_STOP
                               || command == GLANCE_CONTROL_SHUTDOWN
                               || command == GLANCE_CONTROL_STATUS)
           && glance_control_run(servers, wanted, command);

    rc = glance_control_stay(&cli, servers, done);

    for (size_t i = 0; i < REGISTRY_SERVERS; i++) {
        registry_control_free(&servers[i]);
    }

    curl_global_cleanup();

    return rc;
}


static glance_control_e
glance_control_command(const char *text)
{
    size_t  i;

    for (i = 0; glance_control_commands[i] != NULL; i++) {
        if (strcmp(glance_control_commands[i], text) == 0) {
            break;
        }
    }

    return (glance_control_e) i;
}


/* options that contradict each other or the command */

static bool
glance_control_combination(const registry_cli_t *cli, unsigned wanted,
    glance_control_e command)
{
    const char  *name;

    static const char *const  starts[] = {
        "respawn", "await-child", "capture-output"
    };

    if (registry_cli_value(cli, "pid-file") != NULL
        && (wanted & (wanted - 1)) != 0)
    {
        (void) fprintf(stderr, "--pid-file goes with one server\n");
        return false;
    }

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        name = starts[i];

        if (registry_cli_value(cli, name) != NULL
            && command != GLANCE_CONTROL_START
            && command != GLANCE_CONTROL_RESTART)
        {
            (void) fprintf(stderr, "--%s goes with start and restart\n",
                           name);
            return false;
        }
    }

    if (registry_cli_value(cli, "respawn") != NULL
        && registry_cli_value(cli, "await-child") != NULL)
    {
        (void) fprintf(stderr, "--respawn and --await-child exclude each "
                       "other\n");
        return false;
    }

    return true;
}


/* the exit status, when everything was done that has an end */

static int
glance_control_stay(const registry_cli_t *cli, registry_server_t *servers,
    bool done)
{
    int   rc;
    long  seconds;

    rc = done ? REGISTRY_EXIT_OK : REGISTRY_EXIT_FAILURE;

    if (registry_cli_value(cli, "respawn") != NULL) {
        return (done && !registry_control_watch(servers))
               ? REGISTRY_EXIT_FAILURE : rc;
    }

    if (registry_cli_value(cli, "await-child") == NULL) {
        return rc;
    }

    if (done && glance_control_seconds(cli, "await-child", &seconds)) {
        return registry_control_linger(servers, seconds);
    }

    for (size_t i = 0; i < REGISTRY_SERVERS; i++) {
        if (servers[i].status != 0) {
            return servers[i].status;
        }
    }

    return rc;
}


/* true: *seconds is what the option says, or as it was without it */

static bool
glance_control_seconds(const registry_cli_t *cli, const char *name,
    long *seconds)
{
    char        *end;
    const char  *text;

    text = registry_cli_value(cli, name);

    if (text == NULL) {
        return true;
    }

    *seconds = strtol(text, &end, 10);

    if (*end == '\0' && *seconds >= 1 && *seconds <= 3600) {
        return true;
    }

    (void) fprintf(stderr, "--%s must be from 1 to 3600\n", name);

    return false;
}


/* a bit for each; "glance-api" is "api" */

static unsigned
glance_control_servers(const char *text)
{
    static const char *const  names[REGISTRY_SERVERS] = {
        "registry", "api", "worker", "scrubber"
    };

    if (strcmp(text, "all") == 0) {
        return (1U << REGISTRY_SERVERS) - 1;
    }

    if (strncmp(text, "glance-", 7) == 0) {
        text += 7;
    }

    for (size_t i = 0; i < REGISTRY_SERVERS; i++) {
        if (strcmp(names[i], text) == 0) {
            return 1U << i;
        }
    }

    return 0;
}


static bool
glance_control_init(registry_server_t *servers, unsigned wanted,
    const registry_cli_t *cli, bool defaults)
{
    long             awaited, patience;
    const char      *conf;
    registry_err_t   err;

    conf = registry_cli_value(cli, "config-file");

    if (conf == NULL && cli->n_args > 2) {
        conf = cli->args[2];
    }

    patience = GLANCE_CONTROL_PATIENCE;

    if (!glance_control_seconds(cli, "wait", &patience)
        || !glance_control_seconds(cli, "await-child", &awaited))
    {
        return false;
    }

    for (size_t i = 0; i < REGISTRY_SERVERS; i++) {
        if ((wanted & (1U << i)) == 0) {
            continue;
        }

        if (registry_control_init(&servers[i], (registry_server_e) i, cli,
                                  conf, defaults, &err)
            != REGISTRY_OK)
        {
            (void) fprintf(stderr, "ERROR: %s\n", err.text);
            return false;
        }

        servers[i].patience = patience;
        servers[i].capture = (registry_cli_value(cli, "capture-output")
                              != NULL);
    }

    return true;
}


static bool
glance_control_run(registry_server_t *servers, unsigned wanted,
    glance_control_e command)
{
    switch (command) {

    case GLANCE_CONTROL_START:
        return glance_control_each(servers, wanted, registry_control_start);

    case GLANCE_CONTROL_STOP:
        return glance_control_stop(servers, wanted, false);

    case GLANCE_CONTROL_SHUTDOWN:
        return glance_control_stop(servers, wanted, true);

    case GLANCE_CONTROL_RESTART:
        return glance_control_stop(servers, wanted, false)
               && glance_control_each(servers, wanted,
                                      registry_control_start);

    case GLANCE_CONTROL_RELOAD:
    case GLANCE_CONTROL_FORCE_RELOAD:
        return glance_control_each(servers, wanted, registry_control_reload);

    default: /* GLANCE_CONTROL_STATUS */
        break;
    }

    /* of all, whatever the first one says */

    bool  running = true;

    for (size_t i = 0; i < REGISTRY_SERVERS; i++) {
        if ((wanted & (1U << i)) != 0
            && !registry_control_status(&servers[i]))
        {
            running = false;
        }
    }

    return running;
}


/* in the order in which they need each other */

static bool
glance_control_each(registry_server_t *servers, unsigned wanted,
    bool (*action)(registry_server_t *server))
{
    for (size_t i = 0; i < REGISTRY_SERVERS; i++) {
        if ((wanted & (1U << i)) != 0 && !action(&servers[i])) {
            return false;
        }
    }

    return true;
}


static bool
glance_control_stop(registry_server_t *servers, unsigned wanted,
    bool graceful)
{
    bool  done;

    done = true;

    for (size_t i = REGISTRY_SERVERS; i > 0; i--) {
        if ((wanted & (1U << (i - 1))) != 0
            && !registry_control_stop(&servers[i - 1], graceful))
        {
            done = false;
        }
    }

    return done;
}
