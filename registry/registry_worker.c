
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_worker_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "glance_image.h"
#include "glance_uri.h"
#include "registry_log.h"
#include "registry_render.h"


static bool registry_worker_open(registry_worker_t *worker);
static void registry_worker_close(registry_worker_t *worker);


registry_worker_t *
registry_worker_new(const registry_config_t *cf, registry_client_t *client,
    registry_err_t *err)
{
    registry_worker_t  *worker;

    worker = calloc(1, sizeof(registry_worker_t));
    if (worker == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "no memory");
        return NULL;
    }

    worker->client = client;
    worker->root = -1;
    worker->upload = -1;

    if (registry_render_path("filesystem_store_datadir",
                             registry_config_str(cf,
                                                 "filesystem_store_datadir"),
                             worker->datadir, sizeof(worker->datadir), err)
        != REGISTRY_OK)
    {
        free(worker);
        return NULL;
    }

    if (registry_render_socket(cf, worker->socket, sizeof(worker->socket),
                               err)
        != REGISTRY_OK)
    {
        free(worker);
        return NULL;
    }

    return worker;
}


void
registry_worker_free(registry_worker_t *worker)
{
    free(worker);
}


void
registry_worker_on_stop(registry_worker_t *worker, bool (*stop)(void *arg),
    void *arg)
{
    worker->stop = stop;
    worker->arg = arg;
}


bool
registry_worker_pass(registry_worker_t *worker, bool all)
{
    bool  done;

    if (!registry_worker_open(worker)) {
        return false;
    }

    done = registry_worker_uploads(worker, all);

    if (!registry_worker_stopped(worker)) {
        done = registry_worker_removals(worker) && done;
    }

    registry_worker_close(worker);
    registry_log_request_id(NULL);

    return done;
}


bool
registry_worker_remove(registry_worker_t *worker)
{
    bool  done;

    if (!registry_worker_open(worker)) {
        return false;
    }

    done = registry_worker_removals(worker);

    registry_worker_close(worker);
    registry_log_request_id(NULL);

    return done;
}


/* opened for each pass, since a file system may be mounted meanwhile */

static bool
registry_worker_open(registry_worker_t *worker)
{
    worker->upload = -1;
    worker->root = open(worker->datadir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (worker->root < 0) {
        if (errno == ENOENT) {
            return true;
        }

        registry_log(REGISTRY_LOG_ERROR, "worker", "cannot open directory=%s: "
                     "%s", worker->datadir, strerror(errno));
        return false;
    }

    worker->away = false;

    worker->upload = openat(worker->root, ".upload",
                            O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (worker->upload < 0 && errno != ENOENT) {
        registry_log(REGISTRY_LOG_ERROR, "worker", "cannot open directory=%s/"
                     ".upload: %s", worker->datadir, strerror(errno));
        registry_worker_close(worker);
        return false;
    }

    return true;
}


static void
registry_worker_close(registry_worker_t *worker)
{
    if (worker->upload >= 0) {
        (void) close(worker->upload);
    }

    if (worker->root >= 0) {
        (void) close(worker->root);
    }

    worker->upload = -1;
    worker->root = -1;
}


bool
registry_worker_call(registry_worker_t *worker, const char *method,
    const char *path, const char *body, registry_answer_t *answer)
{
    registry_err_t  err;

    if (registry_client_call(worker->client, method, path, body, answer, &err)
        == REGISTRY_OK)
    {
        if (worker->silent) {
            registry_log(REGISTRY_LOG_INFO, "worker", "registry answers "
                         "again");
            worker->silent = false;
        }

        return true;
    }

    if (!worker->silent) {
        registry_log(REGISTRY_LOG_WARNING, "worker", "%s", err.text);
        worker->silent = true;
    }

    return false;
}


bool
registry_worker_inside(registry_worker_t *worker, const char *url, char *id)
{
    char    path[REGISTRY_WORKER_PATH], dir[REGISTRY_WORKER_PATH];
    char    real[REGISTRY_WORKER_PATH];
    char   *slash;
    size_t  len;

    if (strlen(url) >= sizeof(path)
        || !glance_uri_file_path(glance_str(url), (unsigned char *) path,
                                 &len))
    {
        return false;
    }

    path[len] = '\0';

    slash = strrchr(path, '/');

    if (slash == NULL
        || !glance_image_id_valid(glance_str(slash + 1)))
    {
        return false;
    }

    (void) snprintf(id, GLANCE_IMAGE_ID_MAX + 1, "%s", slash + 1);

    *slash = '\0';

    if (strcmp(path, worker->datadir) == 0) {
        return true;
    }

    /* another spelling of the same directory */

    return realpath(path, dir) != NULL
           && realpath(worker->datadir, real) != NULL
           && strcmp(dir, real) == 0;
}


bool
registry_worker_unlink(registry_worker_t *worker, int dir, const char *name)
{
    int  saved;

    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT) {
        return true;
    }

    saved = errno;

    registry_log(REGISTRY_LOG_ERROR, "worker", "cannot remove file=%s of "
                 "directory=%s: %s", name, worker->datadir, strerror(saved));

    errno = saved;

    return false;
}


bool
registry_worker_stopped(registry_worker_t *worker)
{
    return worker->stop != NULL && worker->stop(worker->arg);
}
