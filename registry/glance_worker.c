
/*
 * Copyright (C) ngx_glance authors
 */


#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "glance_image.h"
#include "glance_uri.h"
#include "glance_uuid.h"
#include "registry_cli.h"
#include "registry_client.h"
#include "registry_daemon.h"
#include "registry_log.h"


#define GLANCE_WORKER_PATH   4096
#define GLANCE_WORKER_YOUNG  5          /* s: its uploader may not have locked
                                           it yet */


/*
 * Tidies the file store of its node: data whose uploader is gone, and data of
 * deleted images that could not be removed at once.
 */

typedef struct {
    registry_config_t  *cf;
    registry_client_t  *client;
    bool                once;
    char                root[GLANCE_WORKER_PATH / 2];
    char                pid[GLANCE_WORKER_PATH];
} glance_worker_t;


static registry_rc_e glance_worker_start(glance_worker_t *worker,
    const registry_cli_t *cli, registry_err_t *err);
static bool glance_worker_pass(glance_worker_t *worker);
static bool glance_worker_uploads(glance_worker_t *worker);
static bool glance_worker_upload(glance_worker_t *worker, const char *name);
static bool glance_worker_abandon(glance_worker_t *worker, const char *id,
    const char *claim, const struct stat *st);
static int glance_worker_recorded(glance_worker_t *worker, const char *id,
    const char *path);
static bool glance_worker_removals(glance_worker_t *worker);
static bool glance_worker_removal(glance_worker_t *worker, const char *id,
    const char *url);
static bool glance_worker_own(glance_worker_t *worker, const char *url,
    char *path, size_t size);


static const registry_cli_opt_t  glance_worker_options[] = {
    { "once", 0, NULL, NULL, "one pass, then exit" },
    { "pid-file", 0, "PATH", NULL,
      "RUN_DIR/glance-worker.pid by default" },
    { NULL, 0, NULL, NULL, NULL }
};


int
main(int argc, char **argv)
{
    int             rc, sig, interval;
    bool            ok;
    registry_rc_e   result;
    registry_err_t  err;

    static glance_worker_t  worker;

    registry_cli_t  cli = {
        .program = "glance-worker",
        .usage = "[options] [CONFPATH]",
        .summary = "Tidies the file store of this node, in the foreground.",
        .extra = glance_worker_options
    };

    rc = registry_cli_start(&cli, argc, argv, &worker.cf);
    if (rc >= 0) {
        return rc;
    }

    worker.once = (registry_cli_value(&cli, "once") != NULL);
    ok = true;

    result = glance_worker_start(&worker, &cli, &err);

    if (result != REGISTRY_OK) {
        (void) fprintf(stderr, "ERROR: %s\n", err.text);

    } else if (registry_cli_value(&cli, "check") == NULL) {

        interval = (int) registry_config_int(worker.cf, "sweep_interval");

        do {
            ok = glance_worker_pass(&worker);
            sig = worker.once ? SIGTERM
                              : registry_daemon_wait(interval * 1000);

            if (sig == SIGUSR1) {
                registry_log_reopen();
            }

        } while (sig == 0 || sig == SIGUSR1 || sig == SIGHUP);
    }

    if (worker.pid[0] != '\0') {
        registry_daemon_pid_remove(worker.pid);
    }

    registry_client_free(worker.client);
    registry_log_close();
    registry_config_free(worker.cf);

    return (result == REGISTRY_OK && (ok || !worker.once))
           ? REGISTRY_EXIT_OK : REGISTRY_EXIT_FAILURE;
}


static registry_rc_e
glance_worker_start(glance_worker_t *worker, const registry_cli_t *cli,
    registry_err_t *err)
{
    size_t          len;
    const char     *root, *run_dir, *pid;
    registry_rc_e   rc;

    rc = registry_daemon_signals(err);

    if (rc == REGISTRY_OK) {
        rc = registry_log_init(worker->cf, "glance-worker", err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    root = registry_config_str(worker->cf, "filesystem_store_datadir");
    len = strlen(root);

    while (len > 1 && root[len - 1] == '/') {
        len--;
    }

    if (len == 0 || len >= sizeof(worker->root)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "filesystem_store_datadir is missing or too "
                                "long");
    }

    memcpy(worker->root, root, len);

    worker->client = registry_client_new(worker->cf, err);
    if (worker->client == NULL) {
        return REGISTRY_ERROR;
    }

    run_dir = registry_cli_value(cli, "run-dir");
    pid = registry_cli_value(cli, "pid-file");

    if ((run_dir != NULL || pid != NULL) && !worker->once) {

        if (pid != NULL) {
            (void) snprintf(worker->pid, sizeof(worker->pid), "%s", pid);

        } else {
            (void) snprintf(worker->pid, sizeof(worker->pid),
                            "%s/glance-worker.pid", run_dir);
        }

        rc = registry_daemon_pid_write(worker->pid, err);

        if (rc != REGISTRY_OK) {
            worker->pid[0] = '\0';
        }
    }

    return rc;
}


/* false: something is left for the next pass */

static bool
glance_worker_pass(glance_worker_t *worker)
{
    bool  uploads, removals;

    uploads = glance_worker_uploads(worker);
    removals = glance_worker_removals(worker);

    return uploads && removals;
}


static bool
glance_worker_uploads(glance_worker_t *worker)
{
    DIR            *dir;
    bool            ok;
    char            path[GLANCE_WORKER_PATH];
    struct dirent  *entry;

    (void) snprintf(path, sizeof(path), "%s/.upload", worker->root);

    dir = opendir(path);

    if (dir == NULL) {

        /* no upload has ever come */

        if (errno == ENOENT) {
            return true;
        }

        registry_log(REGISTRY_LOG_ERROR, "worker", "opendir() \"%s\" failed: "
                     "%s", path, strerror(errno));
        return false;
    }

    ok = true;

    while ((entry = readdir(dir)) != NULL) {
        if (!glance_worker_upload(worker, entry->d_name)) {
            ok = false;
        }
    }

    (void) closedir(dir);

    return ok;
}


/*
 * "{image}.{claim}": its uploader holds the lock as long as it lives.  Names
 * of another form are not ours.
 */

static bool
glance_worker_upload(glance_worker_t *worker, const char *name)
{
    int           fd;
    bool          ok;
    char          path[GLANCE_WORKER_PATH], id[GLANCE_IMAGE_ID_MAX + 1];
    const char   *dot;
    struct stat   st;
    glance_str_t  s;

    dot = strrchr(name, '.');

    if (dot == NULL || dot == name || dot - name > GLANCE_IMAGE_ID_MAX
        || !glance_uuid_valid(glance_str(dot + 1)))
    {
        return true;
    }

    (void) snprintf(id, sizeof(id), "%.*s", (int) (dot - name), name);

    s = glance_str(id);

    if (!glance_image_id_valid(s)) {
        return true;
    }

    (void) snprintf(path, sizeof(path), "%s/.upload/%s", worker->root, name);

    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) {
        return true;
    }

    ok = true;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
        && (worker->once || time(NULL) - st.st_ctime >= GLANCE_WORKER_YOUNG)
        && flock(fd, LOCK_EX | LOCK_NB) == 0)
    {
        ok = glance_worker_abandon(worker, id, dot + 1, &st);

        if (ok) {
            (void) unlink(path);
            registry_log(REGISTRY_LOG_INFO, "worker",
                         "upload without uploader tidied image=%s", id);
        }
    }

    (void) close(fd);

    return ok;
}


/*
 * False: not known what became of the image, so nothing is removed.  The
 * image's own name goes only if it is the same file and not on record.
 */

static bool
glance_worker_abandon(glance_worker_t *worker, const char *id,
    const char *claim, const struct stat *st)
{
    int                recorded;
    char               path[GLANCE_WORKER_PATH];
    struct stat        own;
    registry_err_t     err;
    registry_answer_t  answer;

    (void) snprintf(path, sizeof(path), "/claims/%s", claim);

    if (registry_client_call(worker->client, "DELETE", path, NULL, &answer,
                             &err)
        != REGISTRY_OK
        || (answer.status != 200 && answer.status != 404))
    {
        return false;
    }

    (void) snprintf(path, sizeof(path), "%s/%s", worker->root, id);

    if (lstat(path, &own) == -1
        || own.st_dev != st->st_dev || own.st_ino != st->st_ino)
    {
        return true;
    }

    recorded = glance_worker_recorded(worker, id, path);

    if (recorded == 0) {
        (void) unlink(path);
    }

    return recorded >= 0;
}


/* 1: the image has its data there; 0: it has not; -1: not known */

static int
glance_worker_recorded(glance_worker_t *worker, const char *id,
    const char *path)
{
    int                recorded;
    char               text[GLANCE_WORKER_PATH + 16];
    json_t            *json, *image;
    const char        *location;
    registry_err_t     err;
    registry_answer_t  answer;

    (void) snprintf(text, sizeof(text), "/images/%s", id);

    if (registry_client_call(worker->client, "GET", text, NULL, &answer, &err)
        != REGISTRY_OK)
    {
        return -1;
    }

    if (answer.status == 404) {
        return 0;
    }

    json = (answer.status == 200)
           ? json_loadb(answer.text, answer.len, 0, NULL) : NULL;

    if (json == NULL) {
        return -1;
    }

    image = json_object_get(json, "image");
    location = json_string_value(json_object_get(image, "location"));

    (void) snprintf(text, sizeof(text), "file://%s", path);

    recorded = (location != NULL && strcmp(location, text) == 0
                && !json_is_true(json_object_get(image, "deleted")));

    json_decref(json);

    return recorded;
}


static bool
glance_worker_removals(glance_worker_t *worker)
{
    bool               ok;
    size_t             i;
    json_t            *json, *list, *one;
    const char        *id, *url;
    registry_err_t     err;
    registry_answer_t  answer;

    if (registry_client_call(worker->client, "GET", "/removals?limit=1000",
                             NULL, &answer, &err)
        != REGISTRY_OK)
    {
        registry_log(REGISTRY_LOG_WARNING, "worker", "%s", err.text);
        return false;
    }

    /* other registries have no such list */

    if (answer.status == 404) {
        return true;
    }

    json = (answer.status == 200)
           ? json_loadb(answer.text, answer.len, 0, NULL) : NULL;

    if (json == NULL) {
        return false;
    }

    ok = true;
    list = json_object_get(json, "removals");

    json_array_foreach(list, i, one) {
        id = json_string_value(json_object_get(one, "image_id"));
        url = json_string_value(json_object_get(one, "url"));

        if (id != NULL && url != NULL
            && !glance_worker_removal(worker, id, url))
        {
            ok = false;
        }
    }

    json_decref(json);

    return ok;
}


static bool
glance_worker_removal(glance_worker_t *worker, const char *id,
    const char *url)
{
    char               path[GLANCE_WORKER_PATH], call[128], body[512];
    const char        *method;
    registry_err_t     err;
    registry_answer_t  answer;

    if (!glance_image_id_valid(glance_str(id))
        || !glance_worker_own(worker, url, path, sizeof(path)))
    {
        return true;
    }

    method = "DELETE";
    body[0] = '\0';

    if (unlink(path) == -1 && errno != ENOENT) {
        method = "PUT";
        (void) snprintf(body, sizeof(body), "{\"error\": \"unlink(): %s\"}",
                        strerror(errno));
        registry_log(REGISTRY_LOG_ERROR, "worker", "unlink() \"%s\" failed: "
                     "%s", path, strerror(errno));
    }

    (void) snprintf(call, sizeof(call), "/removals/%s", id);

    return registry_client_call(worker->client, method, call,
                                (body[0] != '\0') ? body : NULL, &answer,
                                &err)
           == REGISTRY_OK
           && answer.status < 300
           && body[0] == '\0';
}


/* the path of a location that lies in our directory */

static bool
glance_worker_own(glance_worker_t *worker, const char *url, char *path,
    size_t size)
{
    size_t  len, root;

    root = strlen(worker->root);

    if (strlen(url) >= size
        || !glance_uri_file_path(glance_str(url), (unsigned char *) path,
                                 &len))
    {
        return false;
    }

    path[len] = '\0';

    return len > root + 1 && strncmp(path, worker->root, root) == 0
           && path[root] == '/';
}
