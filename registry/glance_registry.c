
/*
 * Copyright (C) ngx_glance authors
 */


#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "registry_cli.h"
#include "registry_daemon.h"
#include "registry_http.h"
#include "registry_log.h"
#include "registry_sweep.h"


#define GLANCE_REGISTRY_PATH   4096
#define GLANCE_REGISTRY_DRAIN  10000    /* ms */
#define GLANCE_REGISTRY_PAUSE  100      /* ms, at least, between two tries */


typedef struct {
    registry_config_t  *cf;
    registry_db_t      *db;
    registry_http_t    *http;
    registry_sweep_t   *sweep;
    registry_app_t      app;
    char                pid[GLANCE_REGISTRY_PATH];
} glance_registry_t;


static void glance_registry_app(glance_registry_t *registry);
static registry_rc_e glance_registry_open(glance_registry_t *registry,
    registry_err_t *err);
static registry_rc_e glance_registry_run(glance_registry_t *registry,
    const registry_cli_t *cli, registry_err_t *err);
static registry_rc_e glance_registry_loop(glance_registry_t *registry,
    registry_err_t *err);
static registry_rc_e glance_registry_user(glance_registry_t *registry,
    const char *socket, registry_err_t *err);
static registry_rc_e glance_registry_await(glance_registry_t *registry,
    bool *ended, registry_err_t *err);
static bool glance_registry_signal(int signo);


static const registry_cli_opt_t  glance_registry_options[] = {
    { "pid-file", 0, "PATH", NULL,
      "RUN_DIR/glance-registry.pid by default" },
    { NULL, 0, NULL, NULL, NULL }
};


int
main(int argc, char **argv)
{
    int             rc;
    registry_rc_e   result;
    registry_err_t  err;

    static glance_registry_t  registry;

    registry_cli_t  cli = {
        .program = "glance-registry",
        .usage = "[options] [CONFPATH]",
        .summary = "Serves the Registry API in the foreground.",
        .extra = glance_registry_options
    };

    rc = registry_cli_start(&cli, argc, argv, &registry.cf);
    if (rc >= 0) {
        return rc;
    }

    result = registry_daemon_signals(&err);

    if (result == REGISTRY_OK) {
        registry.db = registry_db_new(registry.cf, &err);

        if (registry.db == NULL) {
            result = REGISTRY_INVALID;
        }
    }

    if (result == REGISTRY_OK) {
        result = registry_config_believed(registry.cf,
                     registry_config_str(registry.cf,
                                         "registry_socket")[0] != '\0',
                     &err);
    }

    if (result == REGISTRY_OK) {
        result = (registry_cli_value(&cli, "check") != NULL)
                 ? registry_cli_check(registry.cf, &err)
                 : glance_registry_run(&registry, &cli, &err);
    }

    if (result != REGISTRY_OK) {
        registry_cli_failed(registry.cf, &err);
    }

    registry_sweep_stop(registry.sweep);
    registry_http_stop(registry.http, GLANCE_REGISTRY_DRAIN);
    registry_db_free(registry.db);

    if (registry.pid[0] != '\0') {
        registry_daemon_pid_remove(registry.pid);
    }

    registry_log_close();
    registry_config_free(registry.cf);

    return (result == REGISTRY_OK) ? REGISTRY_EXIT_OK : REGISTRY_EXIT_FAILURE;
}


static registry_rc_e
glance_registry_run(glance_registry_t *registry, const registry_cli_t *cli,
    registry_err_t *err)
{
    const char     *run_dir, *pid;
    registry_rc_e   rc;

    rc = registry_log_init(registry->cf, "glance-registry", err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    run_dir = registry_cli_value(cli, "run-dir");
    pid = registry_cli_value(cli, "pid-file");

    if (run_dir != NULL || pid != NULL) {

        if (pid != NULL) {
            (void) snprintf(registry->pid, sizeof(registry->pid), "%s", pid);

        } else {
            (void) snprintf(registry->pid, sizeof(registry->pid),
                            "%s/glance-registry.pid", run_dir);
        }

        rc = registry_daemon_pid_write(registry->pid, err);

        if (rc != REGISTRY_OK) {
            registry->pid[0] = '\0';
            return rc;
        }
    }

    registry_cli_log_config(registry->cf);

    rc = glance_registry_open(registry, err);

    if (rc != REGISTRY_OK) {
        registry_log(REGISTRY_LOG_CRITICAL, "registry", "%s", err->text);
        return rc;
    }

    registry_log(REGISTRY_LOG_INFO, "registry", "serving host=%s port=%d "
                 "database=\"%s\"",
                 registry_config_str(registry->cf, "bind_host"),
                 (int) registry_config_int(registry->cf, "bind_port"),
                 registry_db_name(registry->db));

    rc = glance_registry_loop(registry, err);

    if (rc != REGISTRY_OK) {
        registry_log(REGISTRY_LOG_CRITICAL, "registry", "%s", err->text);
    }

    registry_log(REGISTRY_LOG_INFO, "registry", "stopping");

    return rc;
}


static registry_rc_e
glance_registry_open(glance_registry_t *registry, registry_err_t *err)
{
    registry_rc_e         rc;
    registry_http_conf_t  conf;

    glance_registry_app(registry);

    conf.host = registry_config_str(registry->cf, "bind_host");
    conf.port = (int) registry_config_int(registry->cf, "bind_port");
    conf.socket = registry_config_str(registry->cf, "registry_socket");
    conf.backlog = (int) registry_config_int(registry->cf, "backlog");
    conf.threads = (int) registry_config_int(registry->cf,
                                             "registry_threads");

    registry->http = registry_http_open(&conf, &registry->app, err);

    if (registry->http == NULL) {
        return REGISTRY_ERROR;
    }

    /* a database that is a file is to be his, if it is made now */

    rc = glance_registry_user(registry, conf.socket, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    /* for a database that is not there yet, see glance_registry_await() */

    rc = registry_db_ready(registry->db, err);

    if (rc == REGISTRY_BUSY) {
        registry_log(REGISTRY_LOG_ERROR, "registry",
                     "database is not reachable yet: %s", err->text);

    } else if (rc != REGISTRY_OK) {
        return rc;
    }

    rc = registry_http_start(registry->http, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry->sweep = registry_sweep_start(registry->db,
                          registry_config_int(registry->cf, "sweep_interval"),
                          registry_config_int(registry->cf, "upload_lease"),
                          err);

    return (registry->sweep != NULL) ? REGISTRY_OK : REGISTRY_ERROR;
}


/* who is to reach the socket, and to open the log anew */

static registry_rc_e
glance_registry_user(glance_registry_t *registry, const char *socket,
    registry_err_t *err)
{
    const char     *user;
    registry_rc_e   rc;

    rc = REGISTRY_OK;
    user = registry_config_str(registry->cf, "user");

    if (socket[0] != '\0') {
        rc = registry_daemon_give(user, socket, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_log_give(user);

    return registry_daemon_become(user, err);
}


static void
glance_registry_app(glance_registry_t *registry)
{
    registry_app_t           *app = &registry->app;
    const registry_config_t  *cf = registry->cf;

    app->db = registry->db;
    app->limit_max = registry_config_int(cf, "api_limit_max");
    app->limit_default = registry_config_int(cf, "limit_param_default");
    app->property_quota = registry_config_int(cf, "image_property_quota");
    app->member_quota = registry_config_int(cf, "image_member_quota");
    app->tag_quota = registry_config_int(cf, "image_tag_quota");
    app->location_quota = registry_config_int(cf, "image_location_quota");
    app->storage_quota = registry_config_int(cf, "user_storage_quota");
    app->lease = registry_config_int(cf, "upload_lease");
    app->max_body = (size_t) registry_config_int(cf, "max_request_body");
    app->secret = registry_config_str(cf, "registry_secret");
    app->admin_role = registry_config_str(cf, "admin_role");
    app->owner_is_tenant = registry_config_bool(cf, "owner_is_tenant");
    app->disk_formats = registry_config_str(cf, "disk_formats");
    app->container_formats = registry_config_str(cf, "container_formats");
    app->new_defaults = registry_config_bool(cf, "enforce_new_defaults");
    app->show_direct_url = registry_config_bool(cf, "show_image_direct_url");
    app->show_locations = registry_config_bool(cf, "show_multiple_locations");
    app->delayed_delete = registry_config_bool(cf, "delayed_delete");
    app->anonymous = (strcmp(registry_config_identity(cf), "none") == 0);
}


static registry_rc_e
glance_registry_loop(glance_registry_t *registry, registry_err_t *err)
{
    bool           ended;
    registry_rc_e  rc;

    rc = glance_registry_await(registry, &ended, err);

    while (rc == REGISTRY_OK && !ended) {
        ended = glance_registry_signal(registry_daemon_wait(-1));
    }

    return rc;
}


/*
 * Requests are answered with 503 until the database is there.  At the start
 * it is tried sql_max_retries times more, if that is set; a file that cannot
 * be opened will not come by itself, so without it, too.  Else, and later,
 * it is waited for without end.
 */

static registry_rc_e
glance_registry_await(glance_registry_t *registry, bool *ended,
    registry_err_t *err)
{
    int             pause;
    int64_t         retries;
    registry_rc_e   rc;
    registry_err_t  cause;

    retries = registry_config_int(registry->cf, "sql_max_retries");

    if (registry_db_file(registry->db) == NULL
        && !registry_config_is_set(registry->cf, "sql_max_retries"))
    {
        retries = -1;
    }

    pause = (int) registry_config_int(registry->cf, "sql_retry_interval")
            * 1000;

    if (pause == 0) {
        pause = GLANCE_REGISTRY_PAUSE;
    }

    *ended = false;

    for (int64_t n = 0; /* void */ ; n++) {

        rc = registry_db_ready(registry->db, err);

        if (rc == REGISTRY_OK) {
            return REGISTRY_OK;
        }

        if (rc != REGISTRY_BUSY) {
            return rc;
        }

        if (retries >= 0 && n >= retries) {
            cause = *err;

            return registry_err_set(err, REGISTRY_BUSY, "database \"%.100s\" "
                                    "is not reachable after %lld retries "
                                    "(sql_max_retries): %.80s",
                                    registry_db_name(registry->db),
                                    (long long) retries, cause.text);
        }

        if (glance_registry_signal(registry_daemon_wait(pause))) {
            *ended = true;
            return REGISTRY_OK;
        }
    }
}


/* true: it is time to end, after the requests that are under way */

static bool
glance_registry_signal(int signo)
{
    switch (signo) {

    case SIGUSR1:
        registry_log_reopen();
        return false;

    case SIGINT:
    case SIGTERM:
    case SIGQUIT:
    case SIGHUP:
        return true;

    default:
        return false;
    }
}
