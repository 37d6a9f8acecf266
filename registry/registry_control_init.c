
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_control.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry_daemon.h"
#include "registry_log.h"
#include "registry_render.h"


typedef struct {
    const char  *name;
    const char  *files[3];      /* beside a configuration file */
} registry_control_server_t;


static registry_rc_e registry_control_conf(registry_server_t *server,
    const char *conf, registry_err_t *err);
static registry_rc_e registry_control_search(registry_server_t *server,
    registry_err_t *err);
static bool registry_control_beside(const char *conf, const char *file,
    char *path);
static registry_rc_e registry_control_options(registry_server_t *server,
    registry_err_t *err);
static registry_rc_e registry_control_foreign(registry_server_t *server,
    registry_err_t *err);
static registry_rc_e registry_control_paths(registry_server_t *server,
    registry_err_t *err);
static registry_rc_e registry_control_host(registry_server_t *server,
    registry_err_t *err);
static const char *registry_control_base(const char *path);


static const registry_control_server_t
    registry_control_servers[REGISTRY_SERVERS] =
{
    { "glance-registry", { "glance-registry.conf", NULL } },
    { "glance-api", { "glance-api.conf", NULL } },
    { "glance-worker", { "glance-worker.conf", "glance-api.conf", NULL } },
    { "glance-scrubber", { "glance-scrubber.conf", "glance-api.conf", NULL } }
};


registry_rc_e
registry_control_init(registry_server_t *server, registry_server_e kind,
    const registry_cli_t *cli, const char *conf, bool defaults,
    registry_err_t *err)
{
    registry_rc_e  rc;

    memset(server, 0, sizeof(registry_server_t));

    server->kind = kind;
    server->name = registry_control_servers[kind].name;
    server->cli = cli;

    rc = (conf != NULL) ? registry_control_conf(server, conf, err)
                        : registry_control_search(server, err);
    if (rc == REGISTRY_NOT_FOUND && conf == NULL && defaults) {
        server->cf = registry_config_new(server->name);

    } else if (rc == REGISTRY_OK) {
        server->cf = registry_config_load(server->name, server->conf, err);

    } else {
        return rc;
    }

    if (server->cf == NULL) {
        return REGISTRY_INVALID;
    }

    if (!registry_daemon_program(server->name, server->program,
                                 sizeof(server->program)))
    {
        return registry_err_set(err, REGISTRY_NOT_FOUND,
                                "%s: program not found", server->name);
    }

    rc = registry_control_foreign(server, err);

    if (rc == REGISTRY_OK) {
        rc = registry_control_options(server, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_control_paths(server, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_control_host(server, err);
    }

    return rc;
}


void
registry_control_free(registry_server_t *server)
{
    registry_config_free(server->cf);
    server->cf = NULL;
}


bool
registry_control_listens(const registry_server_t *server)
{
    return server->kind == REGISTRY_SERVER_REGISTRY
           || server->kind == REGISTRY_SERVER_API;
}


/* the file of this server beside the given one, else the given one */

static registry_rc_e
registry_control_conf(registry_server_t *server, const char *conf,
    registry_err_t *err)
{
    registry_rc_e       rc;
    const char *const  *file;

    rc = registry_config_find(server->name, conf, server->conf,
                              sizeof(server->conf), err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (strcmp(registry_control_base(conf), "glance.conf") == 0) {
        return REGISTRY_OK;
    }

    for (file = registry_control_servers[server->kind].files; *file; file++) {
        if (registry_control_beside(conf, *file, server->conf)) {
            return REGISTRY_OK;
        }
    }

    /* nothing of its name: the given file has to do */

    return registry_config_find(server->name, conf, server->conf,
                                sizeof(server->conf), err);
}


static registry_rc_e
registry_control_search(registry_server_t *server, registry_err_t *err)
{
    char           conf[REGISTRY_CONTROL_PATH];
    registry_rc_e  rc;

    rc = registry_config_find(server->name, NULL, server->conf,
                              sizeof(server->conf), err);

    /* a machine that has the file of the API server only */

    if (rc == REGISTRY_NOT_FOUND && server->kind == REGISTRY_SERVER_REGISTRY
        && registry_config_find("glance-api", NULL, conf, sizeof(conf), NULL)
           == REGISTRY_OK)
    {
        return registry_control_conf(server, conf, err);
    }

    return rc;
}


static bool
registry_control_beside(const char *conf, const char *file, char *path)
{
    int  n;

    n = snprintf(path, REGISTRY_CONTROL_PATH, "%.*s%s",
                 (int) (registry_control_base(conf) - conf), conf, file);

    return n > 0 && n < REGISTRY_CONTROL_PATH && access(path, R_OK) == 0;
}


/*
 * A server that reads another's file must not take its port and log: the
 * registry is where the API server looks for it, and logs are named apart.
 */

static registry_rc_e
registry_control_foreign(registry_server_t *server, registry_err_t *err)
{
    char                port[32];
    registry_rc_e       rc;
    registry_config_t  *api;

    if (strcmp(registry_control_base(server->conf), "glance-api.conf") != 0
        || server->kind == REGISTRY_SERVER_API)
    {
        return REGISTRY_OK;
    }

    rc = registry_cli_own_log(server->cf, server->name, err);

    if (rc != REGISTRY_OK || server->kind != REGISTRY_SERVER_REGISTRY) {
        return rc;
    }

    api = registry_config_load("glance-api", server->conf, err);
    if (api == NULL) {
        return REGISTRY_INVALID;
    }

    (void) snprintf(port, sizeof(port), "%" PRId64,
                    registry_config_int(api, "registry_port"));

    rc = registry_config_set(server->cf, "bind_port", port, err);

    if (rc == REGISTRY_OK) {
        rc = registry_config_set(server->cf, "bind_host",
                                 registry_config_str(api, "registry_host"),
                                 err);
    }

    registry_config_free(api);

    return rc;
}


/* of the command line, as far as this server knows them */

static registry_rc_e
registry_control_options(registry_server_t *server, registry_err_t *err)
{
    char                       name[64];
    const char                *equal, *text;
    registry_rc_e              rc;
    const registry_cli_opt_t  *opt;

    for (size_t i = 0; i < server->cli->n_values; i++) {
        opt = server->cli->values[i].opt;
        text = server->cli->values[i].value;

        if (strcmp(opt->name, "set") == 0) {
            equal = strchr(text, '=');

            if (equal == NULL || equal - text >= (ptrdiff_t) sizeof(name)) {
                return registry_err_set(err, REGISTRY_INVALID,
                                        "--set: must be OPTION=VALUE");
            }

            (void) snprintf(name, sizeof(name), "%.*s", (int) (equal - text),
                            text);

            rc = registry_config_set(server->cf, name, equal + 1, err);
            if (rc != REGISTRY_OK && rc != REGISTRY_NOT_FOUND) {
                return rc;
            }

            continue;
        }

        if (opt->option != NULL
            && registry_config_set(server->cf, opt->option,
                                   (opt->arg != NULL) ? text : "True", err)
               != REGISTRY_OK)
        {
            return REGISTRY_INVALID;
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_control_paths(registry_server_t *server, registry_err_t *err)
{
    int            n;
    char           dir[REGISTRY_CONTROL_PATH];
    char           log[REGISTRY_CONTROL_PATH];
    const char    *given;
    registry_rc_e  rc;

    rc = registry_render_path("run_dir",
                              registry_config_str(server->cf, "run_dir"),
                              dir, sizeof(dir), err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    given = registry_cli_value(server->cli, "pid-file");

    n = (given != NULL)
        ? snprintf(server->pid_file, sizeof(server->pid_file), "%s", given)
        : snprintf(server->pid_file, sizeof(server->pid_file), "%s/%s.pid",
                   dir, server->name);

    if (n < 0 || (size_t) n >= sizeof(server->pid_file)) {
        return registry_err_set(err, REGISTRY_INVALID, "pid file: name too "
                                "long");
    }

    n = snprintf(server->output, sizeof(server->output), "%s/%s.out", dir,
                 server->name);

    if (n < 0 || (size_t) n >= sizeof(server->output)) {
        return registry_err_set(err, REGISTRY_INVALID, "run_dir: too long");
    }

    (void) registry_log_path(server->cf, log, sizeof(log));

    if (log[0] == '\0') {
        return REGISTRY_OK;
    }

    return registry_render_path("log_file", log, server->log,
                                sizeof(server->log), err);
}


/* where it answers, if it does */

static registry_rc_e
registry_control_host(registry_server_t *server, registry_err_t *err)
{
    const char  *host;

    if (!registry_control_listens(server)) {
        return REGISTRY_OK;
    }

    server->tls = (server->kind == REGISTRY_SERVER_API
                   && registry_config_str(server->cf, "cert_file")[0] != '\0');

    host = registry_config_str(server->cf, "bind_host");

    return registry_hosts_address("bind_host", registry_hosts_local(host),
                                  registry_config_int(server->cf,
                                                      "bind_port"),
                                  server->host, err);
}


/* the file name in the path */

static const char *
registry_control_base(const char *path)
{
    const char  *slash;

    slash = strrchr(path, '/');

    return (slash != NULL) ? slash + 1 : path;
}
