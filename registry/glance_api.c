
/*
 * Copyright (C) ngx_glance authors
 */


#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry_cli.h"
#include "registry_daemon.h"
#include "registry_log.h"
#include "registry_render.h"
#include "registry_render_keystone.h"
#include "registry_render_s3.h"
#include "registry_render_swift.h"


#define GLANCE_API_PATH    4096
#define GLANCE_API_MODULE  "ngx_http_glance_module.so"
#define GLANCE_API_FILES   32768


typedef struct {
    registry_config_t  *cf;
    registry_render_t   render;
    char                run_dir[GLANCE_API_PATH];
    char                nginx[GLANCE_API_PATH];
    char                module[GLANCE_API_PATH];
    char                store[GLANCE_API_PATH];
    char                user[64];
    char                pid[GLANCE_API_PATH];
    char                credentials[GLANCE_API_PATH + 64];
    char                accounts[GLANCE_API_PATH + 64];
    char                keys[GLANCE_API_PATH + 64];
} glance_api_t;


typedef registry_rc_e (*glance_api_render_pt)(glance_api_t *api, FILE *out,
    registry_err_t *err);


static registry_rc_e glance_api_prepare(glance_api_t *api, const char *pid,
    registry_err_t *err);
static registry_rc_e glance_api_directories(glance_api_t *api,
    const char *pid, registry_err_t *err);
static registry_rc_e glance_api_private(glance_api_t *api,
    registry_err_t *err);
static registry_rc_e glance_api_user(glance_api_t *api, registry_err_t *err);
static registry_rc_e glance_api_nginx(glance_api_t *api, registry_err_t *err);
static registry_rc_e glance_api_version(glance_api_t *api,
    registry_err_t *err);
static registry_rc_e glance_api_module(glance_api_t *api,
    registry_err_t *err);
static void glance_api_limits(glance_api_t *api);
static registry_rc_e glance_api_write(glance_api_t *api, const char *suffix,
    const char *pid, registry_err_t *err);
static registry_rc_e glance_api_conf(glance_api_t *api, FILE *out,
    registry_err_t *err);
static registry_rc_e glance_api_credentials(glance_api_t *api, FILE *out,
    registry_err_t *err);
static registry_rc_e glance_api_accounts(glance_api_t *api, FILE *out,
    registry_err_t *err);
static registry_rc_e glance_api_keys(glance_api_t *api, FILE *out,
    registry_err_t *err);
static registry_rc_e glance_api_file(glance_api_t *api, const char *path,
    glance_api_render_pt render, registry_err_t *err);
static registry_rc_e glance_api_check(glance_api_t *api, bool keep,
    registry_err_t *err);
static registry_rc_e glance_api_run(glance_api_t *api, registry_err_t *err);


static const registry_cli_opt_t  glance_api_options[] = {
    { "render", 0, NULL, NULL,
      "check, write nginx.conf and exit, for a reload" },
    { "pid-file", 0, "PATH", NULL,
      "nginx's pid file, RUN_DIR/glance-api.pid by default" },
    { NULL, 0, NULL, NULL, NULL }
};


int
main(int argc, char **argv)
{
    int             rc;
    registry_rc_e   result;
    registry_err_t  err;

    static glance_api_t  api;

    registry_cli_t  cli = {
        .program = "glance-api",
        .usage = "[options] [CONFPATH]",
        .summary = "Renders nginx.conf from glance-api.conf and runs nginx "
                   "in the foreground.",
        .extra = glance_api_options
    };

    rc = registry_cli_start(&cli, argc, argv, &api.cf);
    if (rc >= 0) {
        return rc;
    }

    result = glance_api_prepare(&api, registry_cli_value(&cli, "pid-file"),
                                &err);

    if (result == REGISTRY_OK && registry_cli_value(&cli, "check") != NULL) {
        result = glance_api_check(&api, false, &err);

    } else if (result == REGISTRY_OK
               && registry_cli_value(&cli, "render") != NULL)
    {
        result = glance_api_check(&api, true, &err);

    } else if (result == REGISTRY_OK) {
        result = glance_api_run(&api, &err);
    }

    if (result != REGISTRY_OK) {
        registry_cli_failed(api.cf, &err);
    }

    registry_config_free(api.cf);

    return (result == REGISTRY_OK) ? REGISTRY_EXIT_OK : REGISTRY_EXIT_FAILURE;
}


static registry_rc_e
glance_api_prepare(glance_api_t *api, const char *pid, registry_err_t *err)
{
    registry_rc_e  rc;

    api->render.run_dir = api->run_dir;
    api->render.module = api->module;
    api->render.user = api->user;
    api->render.credentials = api->credentials;
    api->render.accounts = api->accounts;
    api->render.keys = api->keys;

    rc = glance_api_user(api, err);

    if (rc == REGISTRY_OK) {
        rc = glance_api_directories(api, pid, err);
    }

    if (rc == REGISTRY_OK) {
        rc = glance_api_nginx(api, err);
    }

    if (rc == REGISTRY_OK) {
        rc = glance_api_version(api, err);
    }

    if (rc == REGISTRY_OK) {
        rc = glance_api_module(api, err);
    }

    glance_api_limits(api);

    return rc;
}


static registry_rc_e
glance_api_directories(glance_api_t *api, const char *pid,
    registry_err_t *err)
{
    char            temp[GLANCE_API_PATH + 64];
    struct stat     st;
    registry_rc_e   rc;
    struct passwd  *pw;

    rc = registry_render_path("run_dir",
                              registry_config_str(api->cf, "run_dir"),
                              api->run_dir, sizeof(api->run_dir), err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) snprintf(temp, sizeof(temp), "%s/glance-api.pid", api->run_dir);

    rc = registry_render_path("pid-file", (pid != NULL) ? pid : temp,
                              api->pid, sizeof(api->pid), err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) snprintf(temp, sizeof(temp), "%s/temp", api->run_dir);

    rc = registry_daemon_mkdir(temp, 0755, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    rc = glance_api_private(api, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    rc = registry_render_path("filesystem_store_datadir",
                              registry_config_str(api->cf,
                                                  "filesystem_store_datadir"),
                              api->store, sizeof(api->store), err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (stat(api->store, &st) == 0) {
        return REGISTRY_OK;
    }

    rc = registry_daemon_mkdir(api->store, 0750, err);
    if (rc != REGISTRY_OK || geteuid() != 0) {
        return rc;
    }

    /* made by root for the worker processes */

    pw = getpwnam(api->user);

    if (pw == NULL || chown(api->store, pw->pw_uid, pw->pw_gid) != 0) {
        return registry_err_set(err, REGISTRY_ERROR, "%.160s: cannot give it "
                                "to user %s", api->store, api->user);
    }

    return REGISTRY_OK;
}


/* for the worker's socket: nginx lets everybody connect to one */

static registry_rc_e
glance_api_private(glance_api_t *api, registry_err_t *err)
{
    char            path[GLANCE_API_PATH + 64];
    registry_rc_e   rc;
    struct passwd  *pw;

    (void) snprintf(path, sizeof(path), "%s/worker", api->run_dir);

    rc = registry_daemon_mkdir(path, 0700, err);
    if (rc != REGISTRY_OK || geteuid() != 0) {
        return rc;
    }

    pw = getpwnam(api->user);

    if (pw == NULL || chown(path, pw->pw_uid, pw->pw_gid) != 0) {
        return registry_err_set(err, REGISTRY_ERROR, "%.160s: cannot give it "
                                "to user %s", path, api->user);
    }

    return REGISTRY_OK;
}


/* without the directive, root's nginx would take a user of its own */

static registry_rc_e
glance_api_user(glance_api_t *api, registry_err_t *err)
{
    const char     *user;
    struct passwd  *pw;

    if (geteuid() != 0) {
        return REGISTRY_OK;
    }

    user = registry_config_str(api->cf, "user");

    if (user[0] == '\0') {
        user = "root";
    }

    pw = getpwnam(user);

    if (pw == NULL || strlen(user) >= sizeof(api->user)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "user: there is no user \"%.60s\"", user);
    }

    (void) snprintf(api->user, sizeof(api->user), "%s", user);

    return REGISTRY_OK;
}


static registry_rc_e
glance_api_nginx(glance_api_t *api, registry_err_t *err)
{
    const char  *binary;

    binary = registry_config_str(api->cf, "nginx_binary");

    if (strchr(binary, '/') != NULL) {
        if (access(binary, X_OK) != 0) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "nginx_binary: %.160s: %s", binary,
                                    strerror(errno));
        }

        return registry_render_path("nginx_binary", binary, api->nginx,
                                    sizeof(api->nginx), err);
    }

    if (binary[0] == '\0') {
        binary = "nginx";
    }

    if (!registry_daemon_program(binary, api->nginx, sizeof(api->nginx))) {
        return registry_err_set(err, REGISTRY_NOT_FOUND,
                                "nginx not found: install it or set "
                                "nginx_binary");
    }

    return REGISTRY_OK;
}


static registry_rc_e
glance_api_version(glance_api_t *api, registry_err_t *err)
{
    char         text[1024];
    char        *argv[] = { api->nginx, (char *) "-v", NULL };
    unsigned     major, minor, patch;
    const char  *p;

    if (registry_daemon_run(argv, text, sizeof(text), err) < 0) {
        return REGISTRY_ERROR;
    }

    p = strchr(text, '/');

    if (p == NULL || sscanf(p, "/%3u.%3u.%3u", &major, &minor, &patch) != 3) {
        return registry_err_set(err, REGISTRY_ERROR, "%.160s: does not tell "
                                "its version", api->nginx);
    }

    api->render.version = (major * 1000 + minor) * 1000 + patch;

    return REGISTRY_OK;
}


/* none found: it may be compiled into nginx, who tells when it is not */

static registry_rc_e
glance_api_module(glance_api_t *api, registry_err_t *err)
{
    char         path[GLANCE_API_PATH];
    char        *slash;
    ssize_t      n;
    const char  *option;

    static const char *const  places[] = {
        "/" GLANCE_API_MODULE,
        "/../lib/nginx/modules/" GLANCE_API_MODULE
    };

    option = registry_config_str(api->cf, "nginx_module");

    if (option[0] != '\0') {
        return registry_render_path("nginx_module", option, api->module,
                                    sizeof(api->module), err);
    }

    n = readlink("/proc/self/exe", path, sizeof(path) - 64);
    path[(n > 0) ? n : 0] = '\0';

    slash = strrchr(path, '/');

    for (size_t i = 0; slash != NULL && i < 2; i++) {
        (void) snprintf(slash, 64, "%s", places[i]);

        if (access(path, R_OK) == 0) {
            return registry_render_path("nginx_module", path, api->module,
                                        sizeof(api->module), err);
        }
    }

    if (access("/usr/lib/nginx/modules/" GLANCE_API_MODULE, R_OK) == 0) {
        (void) snprintf(api->module, sizeof(api->module), "%s",
                        "/usr/lib/nginx/modules/" GLANCE_API_MODULE);
    }

    return REGISTRY_OK;
}


/* a connection of an upload or a download has a registry's and a file */

static void
glance_api_limits(glance_api_t *api)
{
    struct stat    st;
    struct rlimit  limit, more;

    api->render.connections = 512;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {

        more.rlim_cur = GLANCE_API_FILES;
        more.rlim_max = (limit.rlim_max < GLANCE_API_FILES)
                        ? GLANCE_API_FILES : limit.rlim_max;

        if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
            more.rlim_cur = limit.rlim_max;
            more.rlim_max = limit.rlim_max;

            if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
                more.rlim_cur = limit.rlim_cur;
            }
        }

        api->render.connections = (unsigned) (more.rlim_cur / 2);
    }

    /* a socket, as of a journal, cannot be opened by name */

    api->render.access_log = "";

    if (fstat(STDOUT_FILENO, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        api->render.access_log = "/dev/stdout";
    }
}


/* nginx.conf and what it refers to; the suffix is behind both names */

static registry_rc_e
glance_api_write(glance_api_t *api, const char *suffix, const char *pid,
    registry_err_t *err)
{
    char           conf[GLANCE_API_PATH + 64];
    registry_rc_e  rc;

    api->render.pid = pid;

    (void) snprintf(api->credentials, sizeof(api->credentials),
                    "%s/keystone.json%s", api->run_dir, suffix);
    (void) snprintf(api->accounts, sizeof(api->accounts), "%s/swift.json%s",
                    api->run_dir, suffix);
    (void) snprintf(api->keys, sizeof(api->keys), "%s/s3.json%s",
                    api->run_dir, suffix);
    (void) snprintf(conf, sizeof(conf), "%s/nginx.conf%s", api->run_dir,
                    suffix);

    if (registry_swift_wanted(api->cf)) {
        rc = glance_api_file(api, api->accounts, glance_api_accounts, err);
        if (rc != REGISTRY_OK) {
            return rc;
        }

    } else {
        (void) unlink(api->accounts);
    }

    if (registry_s3_wanted(api->cf)) {
        rc = glance_api_file(api, api->keys, glance_api_keys, err);
        if (rc != REGISTRY_OK) {
            return rc;
        }

    } else {
        (void) unlink(api->keys);
    }

    if (strcmp(registry_config_identity(api->cf), "keystone") == 0) {
        rc = glance_api_file(api, api->credentials, glance_api_credentials,
                             err);
        if (rc != REGISTRY_OK) {
            return rc;
        }

    } else {
        (void) unlink(api->credentials);
    }

    return glance_api_file(api, conf, glance_api_conf, err);
}


static registry_rc_e
glance_api_conf(glance_api_t *api, FILE *out, registry_err_t *err)
{
    return registry_render(api->cf, &api->render, out, err);
}


static registry_rc_e
glance_api_credentials(glance_api_t *api, FILE *out, registry_err_t *err)
{
    return registry_render_keystone_credentials(api->cf, out, err);
}


static registry_rc_e
glance_api_accounts(glance_api_t *api, FILE *out, registry_err_t *err)
{
    return registry_render_swift_accounts(api->cf, out, err);
}


static registry_rc_e
glance_api_keys(glance_api_t *api, FILE *out, registry_err_t *err)
{
    return registry_render_s3_keys(api->cf, out, err);
}


/* secrets are in it: nobody else may read it; never half a file */

static registry_rc_e
glance_api_file(glance_api_t *api, const char *path,
    glance_api_render_pt render, registry_err_t *err)
{
    int             fd;
    char            part[GLANCE_API_PATH + 80];
    FILE           *out;
    registry_rc_e   rc;

    (void) snprintf(part, sizeof(part), "%s.part", path);
    (void) unlink(part);

    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    out = (fd >= 0) ? fdopen(fd, "w") : NULL;

    if (out == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "%.160s: %s", part,
                                strerror(errno));
    }

    rc = render(api, out, err);

    if ((fclose(out) != 0 || (rc == REGISTRY_OK && rename(part, path) != 0))
        && rc == REGISTRY_OK)
    {
        rc = registry_err_set(err, REGISTRY_ERROR, "%.160s: %s", path,
                              strerror(errno));
    }

    if (rc != REGISTRY_OK) {
        (void) unlink(part);
    }

    return rc;
}


/* nginx -t would touch the pid file of a running server: it gets another */

static registry_rc_e
glance_api_check(glance_api_t *api, bool keep, registry_err_t *err)
{
    int            status;
    char           prefix[GLANCE_API_PATH + 64], text[8192];
    char           conf[GLANCE_API_PATH + 64], pid[GLANCE_API_PATH + 64];
    char          *argv[] = {
        api->nginx, (char *) "-t", (char *) "-q", (char *) "-p", prefix,
        (char *) "-c", conf, (char *) "-e", (char *) "stderr", NULL
    };
    registry_rc_e  rc;

    (void) snprintf(prefix, sizeof(prefix), "%s/", api->run_dir);
    (void) snprintf(conf, sizeof(conf), "%s/nginx.conf.check", api->run_dir);
    (void) snprintf(pid, sizeof(pid), "%s/check.pid", api->run_dir);

    rc = registry_cli_check(api->cf, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    rc = glance_api_write(api, ".check", pid, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    status = registry_daemon_run(argv, text, sizeof(text), err);

    (void) unlink(conf);
    (void) unlink(api->accounts);
    (void) unlink(api->keys);
    (void) unlink(api->credentials);
    (void) unlink(pid);

    (void) fputs(text, stderr);

    if (status != 0) {
        return (status < 0)
               ? REGISTRY_ERROR
               : registry_err_set(err, REGISTRY_INVALID, "nginx refuses the "
                                  "configuration rendered from %.160s",
                                  registry_config_path(api->cf));
    }

    if (!keep) {
        return REGISTRY_OK;
    }

    return glance_api_write(api, "", api->pid, err);
}


static registry_rc_e
glance_api_run(glance_api_t *api, registry_err_t *err)
{
    char           conf[GLANCE_API_PATH + 64], prefix[GLANCE_API_PATH + 8];
    char           socket[GLANCE_API_PATH];
    char          *argv[] = {
        api->nginx, (char *) "-p", prefix, (char *) "-c", conf,
        (char *) "-e", (char *) "stderr", NULL
    };
    pid_t          running;
    registry_rc_e  rc;

    (void) snprintf(prefix, sizeof(prefix), "%s/", api->run_dir);
    (void) snprintf(conf, sizeof(conf), "%s/nginx.conf", api->run_dir);

    running = registry_daemon_pid(api->pid, NULL);

    if (running != 0 && running != getpid()) {
        return registry_err_set(err, REGISTRY_CONFLICT, "glance-api appears "
                                "to already be running: %.160s",
                                api->pid);
    }

    rc = glance_api_write(api, "", api->pid, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    /* nginx cannot take the place of a socket that a killed one has left */

    rc = registry_render_socket(api->cf, socket, sizeof(socket), err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) unlink(socket);

    rc = registry_log_init(api->cf, "glance-api", err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_cli_log_config(api->cf);
    registry_log(REGISTRY_LOG_INFO, "api", "starting nginx=%s conf=%s",
                 api->nginx, conf);
    registry_log_close();

    /* nginx would take it for sockets inherited from another nginx */

    (void) unsetenv("NGINX");

    (void) execv(api->nginx, argv);

    return registry_err_set(err, REGISTRY_ERROR, "%.160s: %s", api->nginx,
                            strerror(errno));
}
