
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "glance_image.h"
#include "glance_uri.h"
#include "glance_uuid.h"
#include "registry_log.h"
#include "registry_render.h"


#define REGISTRY_WORKER_PATH    4096
#define REGISTRY_WORKER_YOUNG   5       /* seconds */
#define REGISTRY_WORKER_BATCH   100     /* removals */

/* {image id}.{claim id} */
#define REGISTRY_WORKER_NAME    (GLANCE_IMAGE_ID_MAX + 1 + GLANCE_UUID_LEN)


struct registry_worker_s {
    registry_client_t  *client;
    int                 root;           /* -1: there is no such directory */
    int                 upload;
    bool                silent;         /* the registry did not answer */
    bool                away;           /* the store is not there */
    bool              (*stop)(void *arg);
    void               *arg;
    char                datadir[REGISTRY_WORKER_PATH];
    char                socket[REGISTRY_WORKER_PATH];   /* of glance-api */
};

typedef struct {
    char  id[GLANCE_IMAGE_ID_MAX + 1];
    char  claim[GLANCE_UUID_LEN + 1];
    char  name[REGISTRY_WORKER_NAME + 1];
} registry_worker_temp_t;


static bool registry_worker_open(registry_worker_t *worker);
static void registry_worker_close(registry_worker_t *worker);
static bool registry_worker_uploads(registry_worker_t *worker, bool all);
static bool registry_worker_name(const char *name,
    registry_worker_temp_t *temp);
static bool registry_worker_upload(registry_worker_t *worker,
    const registry_worker_temp_t *temp, bool all);
static int registry_worker_lock(registry_worker_t *worker,
    const registry_worker_temp_t *temp, bool all, struct stat *st);
static bool registry_worker_tidy(registry_worker_t *worker,
    const registry_worker_temp_t *temp, const struct stat *st);
static bool registry_worker_call(registry_worker_t *worker,
    const char *method, const char *path, const char *body,
    registry_answer_t *answer);
static bool registry_worker_keep(registry_worker_t *worker,
    const registry_worker_temp_t *temp, const registry_answer_t *answer,
    bool *keep);
static bool registry_worker_located(registry_worker_t *worker,
    const char *id, json_t *image);
static bool registry_worker_inside(registry_worker_t *worker,
    const char *url, char *id);
static bool registry_worker_removals(registry_worker_t *worker);
static bool registry_worker_removal(registry_worker_t *worker,
    json_t *row);
static const char *registry_worker_remove_file(registry_worker_t *worker,
    const char *id, char *text, size_t size);
static bool registry_worker_remote(registry_worker_t *worker,
    const char *id, const char *url);
static bool registry_worker_ended(registry_worker_t *worker,
    const char *claim, bool *ended);
static bool registry_worker_recorded(registry_worker_t *worker,
    const char *id, const char *url, size_t len, bool *recorded);
static bool registry_worker_post(registry_worker_t *worker, const char *id,
    const char *url, bool recorded, unsigned *status);
static bool registry_worker_unlink(registry_worker_t *worker, int dir,
    const char *name);
static bool registry_worker_stopped(registry_worker_t *worker);


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


static bool
registry_worker_uploads(registry_worker_t *worker, bool all)
{
    int                      fd;
    DIR                     *dir;
    bool                     done;
    struct dirent           *entry;
    registry_worker_temp_t   temp;

    if (worker->upload < 0) {
        return true;
    }

    fd = openat(worker->upload, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = (fd >= 0) ? fdopendir(fd) : NULL;

    if (dir == NULL) {
        registry_log(REGISTRY_LOG_ERROR, "worker", "cannot read directory=%s/"
                     ".upload: %s", worker->datadir, strerror(errno));

        if (fd >= 0) {
            (void) close(fd);
        }

        return false;
    }

    done = true;

    while (!registry_worker_stopped(worker)) {
        entry = readdir(dir);

        if (entry == NULL) {
            break;
        }

        if (registry_worker_name(entry->d_name, &temp)
            && !registry_worker_upload(worker, &temp, all))
        {
            done = false;

            if (worker->silent) {
                break;                  /* neither for the next file */
            }
        }
    }

    (void) closedir(dir);

    return done;
}


/* false: no file of an uploader, and left alone */

static bool
registry_worker_name(const char *name, registry_worker_temp_t *temp)
{
    size_t  len, id;

    len = strlen(name);

    if (len <= GLANCE_UUID_LEN + 1 || len > REGISTRY_WORKER_NAME) {
        return false;
    }

    id = len - GLANCE_UUID_LEN - 1;

    if (name[id] != '.') {
        return false;
    }

    memcpy(temp->name, name, len + 1);
    memcpy(temp->claim, name + id + 1, GLANCE_UUID_LEN + 1);
    memcpy(temp->id, name, id);
    temp->id[id] = '\0';

    return glance_image_id_valid(glance_str(temp->id))
           && glance_uuid_valid(glance_str(temp->claim));
}


static bool
registry_worker_upload(registry_worker_t *worker,
    const registry_worker_temp_t *temp, bool all)
{
    int          fd;
    bool         done;
    struct stat  st;

    fd = registry_worker_lock(worker, temp, all, &st);

    if (fd < 0) {
        return true;
    }

    /* locked until all is done: no other worker does the same */

    done = registry_worker_tidy(worker, temp, &st);

    (void) close(fd);

    return done;
}


/* -1: its uploader lives, or it is gone already */

static int
registry_worker_lock(registry_worker_t *worker,
    const registry_worker_temp_t *temp, bool all, struct stat *st)
{
    int          fd;
    time_t       age;
    struct stat  now;

    fd = openat(worker->upload, temp->name,
                O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        if (errno != ENOENT) {
            registry_log(REGISTRY_LOG_ERROR, "worker", "cannot open file=%s: "
                         "%s", temp->name, strerror(errno));
        }

        return -1;
    }

    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
        goto skip;
    }

    /* an uploader locks a file right after it made it */

    age = time(NULL) - st->st_ctime;

    if (!all && age < REGISTRY_WORKER_YOUNG && age > -3600) {
        goto skip;
    }

    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        goto skip;
    }

    /* it may have ended orderly between open and lock */

    if (fstatat(worker->upload, temp->name, &now, AT_SYMLINK_NOFOLLOW) != 0
        || now.st_ino != st->st_ino || now.st_dev != st->st_dev)
    {
        goto skip;
    }

    return fd;

skip:

    (void) close(fd);

    return -1;
}


static bool
registry_worker_tidy(registry_worker_t *worker,
    const registry_worker_temp_t *temp, const struct stat *st)
{
    bool               keep;
    char               path[128];
    struct stat        final;
    registry_answer_t  answer;

    (void) snprintf(path, sizeof(path), "/claims/%s", temp->claim);

    if (!registry_worker_call(worker, "DELETE", path, NULL, &answer)) {
        return false;
    }

    if (answer.status != 200 && answer.status != 204 && answer.status != 404) {
        registry_log(REGISTRY_LOG_ERROR, "worker", "registry refuses to end "
                     "claim=%s of image=%s status=%u", temp->claim, temp->id,
                     answer.status);
        return false;
    }

    (void) snprintf(path, sizeof(path), "/images/%s", temp->id);

    if (!registry_worker_call(worker, "GET", path, NULL, &answer)
        || !registry_worker_keep(worker, temp, &answer, &keep))
    {
        return false;
    }

    /* the image's own file is the same one if the upload came so far */

    if (!keep && fstatat(worker->root, temp->id, &final, AT_SYMLINK_NOFOLLOW)
                 == 0
        && final.st_ino == st->st_ino && final.st_dev == st->st_dev
        && !registry_worker_unlink(worker, worker->root, temp->id))
    {
        return false;
    }

    if (!registry_worker_unlink(worker, worker->upload, temp->name)) {
        return false;
    }

    registry_log(REGISTRY_LOG_INFO, "worker", "abandoned upload removed "
                 "image=%s claim=%s size=%lld kept=%s", temp->id, temp->claim,
                 (long long) st->st_size, keep ? "yes" : "no");

    return true;
}


/* false: no registry answered, which is told once */

static bool
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


/* *keep: the data may be an image's; false: cannot be told */

static bool
registry_worker_keep(registry_worker_t *worker,
    const registry_worker_temp_t *temp, const registry_answer_t *answer,
    bool *keep)
{
    json_t           *root, *image;
    glance_status_e   status;

    *keep = false;

    if (answer->status == 404) {
        return true;
    }

    root = NULL;

    if (answer->status == 200) {
        root = json_loadb(answer->text, answer->len, 0, NULL);
    }

    image = json_object_get(root, "image");

    if (!json_is_string(json_object_get(image, "status"))) {
        registry_log(REGISTRY_LOG_ERROR, "worker", "registry does not tell "
                     "image=%s status=%u", temp->id, answer->status);
        json_decref(root);
        return false;
    }

    status = glance_status_parse(glance_str(
                 json_string_value(json_object_get(image, "status"))));

    switch (status) {

    case GLANCE_STATUS_QUEUED:
    case GLANCE_STATUS_SAVING:
    case GLANCE_STATUS_KILLED:
    case GLANCE_STATUS_DELETED:
        break;

    default:
        *keep = registry_worker_located(worker, temp->id, image);
        break;
    }

    json_decref(root);

    return true;
}


/* whether the record says that its data are in our file */

static bool
registry_worker_located(registry_worker_t *worker, const char *id,
    json_t *image)
{
    char         name[GLANCE_IMAGE_ID_MAX + 1];
    json_t      *list, *row;
    size_t       i;
    const char  *url;

    url = json_string_value(json_object_get(image, "location"));

    if (url != NULL && registry_worker_inside(worker, url, name)
        && strcmp(name, id) == 0)
    {
        return true;
    }

    list = json_object_get(image, "location_data");

    json_array_foreach(list, i, row) {
        url = json_string_value(json_object_get(row, "url"));

        if (url != NULL && registry_worker_inside(worker, url, name)
            && strcmp(name, id) == 0)
        {
            return true;
        }
    }

    return false;
}


/* file://{datadir}/{id}: the id */

static bool
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


static bool
registry_worker_removals(registry_worker_t *worker)
{
    char               path[96];
    json_t            *list, *root, *row;
    size_t             i, n;
    json_int_t         after, id;
    registry_answer_t  answer;

    id = 0;

    do {
        after = id;
        n = 0;

        (void) snprintf(path, sizeof(path), "/removals?limit=%d&after=%"
                        JSON_INTEGER_FORMAT, REGISTRY_WORKER_BATCH, after);

        if (!registry_worker_call(worker, "GET", path, NULL, &answer)) {
            return false;
        }

        if (answer.status == 404) {
            return true;                /* a registry without removals */
        }

        root = json_loadb(answer.text, answer.len, 0, NULL);
        list = json_object_get(root, "removals");

        if (answer.status != 200 || !json_is_array(list)) {
            registry_log(REGISTRY_LOG_ERROR, "worker", "registry does not "
                         "tell removals status=%u", answer.status);
            json_decref(root);
            return false;
        }

        json_array_foreach(list, i, row) {
            if (registry_worker_stopped(worker)) {
                break;
            }

            if (!registry_worker_removal(worker, row)) {
                json_decref(root);
                return false;
            }

            id = json_integer_value(json_object_get(row, "id"));
            n++;
        }

        json_decref(root);

        /* behind the rows of other nodes and stores there may be ours */

    } while (n == REGISTRY_WORKER_BATCH && id > after
             && !registry_worker_stopped(worker));

    return true;
}


/* false: it is still to be done */

static bool
registry_worker_removal(registry_worker_t *worker, json_t *row)
{
    bool               called;
    char               name[GLANCE_IMAGE_ID_MAX + 1], path[128], text[256];
    char              *body;
    json_t            *json;
    const char        *id, *url, *error;
    glance_uri_t       uri;
    registry_answer_t  answer;

    id = json_string_value(json_object_get(row, "image_id"));
    url = json_string_value(json_object_get(row, "url"));

    if (id == NULL || url == NULL || !glance_image_id_valid(glance_str(id))) {
        return true;
    }

    if (!glance_uri_parse(glance_str(url), &uri)
        || uri.scheme != GLANCE_SCHEME_FILE)
    {
        return registry_worker_remote(worker, id, url);
    }

    if (!registry_worker_inside(worker, url, name) || strcmp(name, id) != 0) {
        return true;                    /* of another node */
    }

    if (worker->root < 0) {
        if (!worker->away) {
            registry_log(REGISTRY_LOG_ERROR, "worker", "there is no "
                         "directory=%s, data of deleted images wait for it",
                         worker->datadir);
            worker->away = true;
        }

        return false;
    }

    error = registry_worker_remove_file(worker, id, text, sizeof(text));

    json = (error == NULL) ? json_pack("{s:s}", "url", url)
                           : json_pack("{s:s, s:s}", "url", url, "error",
                                       error);
    body = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    if (body == NULL) {
        return false;
    }

    (void) snprintf(path, sizeof(path), "/removals/%s", id);

    called = registry_worker_call(worker, (error == NULL) ? "DELETE" : "PUT",
                                  path, body, &answer);

    if (called && error == NULL) {
        registry_log(REGISTRY_LOG_INFO, "worker", "data removed image=%s", id);
    }

    free(body);

    return called;
}


/* durable before it is forgotten; NULL, or why it failed */

static const char *
registry_worker_remove_file(registry_worker_t *worker, const char *id,
    char *text, size_t size)
{
    /* an empty place where a file system is to be mounted looks alike */

    if (worker->upload < 0
        && faccessat(worker->root, id, F_OK, AT_SYMLINK_NOFOLLOW) != 0
        && errno == ENOENT)
    {
        registry_log(REGISTRY_LOG_ERROR, "worker", "no file=%s in "
                     "directory=%s, which no upload has ever used: is its "
                     "file system mounted?", id, worker->datadir);
        return "no such file, in a directory that no upload has ever used";
    }

    if (registry_worker_unlink(worker, worker->root, id)
        && fsync(worker->root) == 0)
    {
        return NULL;
    }

    (void) snprintf(text, size, "unlink: %s", strerror(errno));

    return text;
}


/* of a store behind the node's API server, which has the keys to it */

static bool
registry_worker_remote(registry_worker_t *worker, const char *id,
    const char *url)
{
    bool               done, recorded;
    char               path[128], text[64];
    char              *body;
    json_t            *json;
    unsigned           status;
    const char        *claim;
    registry_answer_t  answer;

    recorded = false;
    claim = strchr(url, '#');

    if (claim != NULL) {
        claim++;

        if (!glance_uuid_valid(glance_str(claim))) {
            return true;
        }

        if (!registry_worker_ended(worker, claim, &done)
            || (done
                && !registry_worker_recorded(worker, id, url,
                                             (size_t) (claim - 1 - url),
                                             &recorded)))
        {
            return false;
        }

        if (!done) {
            return true;                /* its uploader lives */
        }
    }

    if (!registry_worker_post(worker, id, url, recorded, &status)) {
        return false;
    }

    if (status == 0 || status == 404) {
        return true;                    /* no server here, or without it */
    }

    (void) snprintf(path, sizeof(path), "/removals/%s", id);
    (void) snprintf(text, sizeof(text), "glance-api: %u", status);

    json = (status == 200) ? json_pack("{s:s}", "url", url)
                           : json_pack("{s:s, s:s}", "url", url, "error",
                                       text);
    body = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    if (body == NULL) {
        return false;
    }

    done = registry_worker_call(worker, (status == 200) ? "DELETE" : "PUT",
                                path, body, &answer);

    free(body);

    if (done && status == 200) {
        registry_log(REGISTRY_LOG_INFO, "worker", "%s removed image=%s",
                     (claim != NULL) ? "what an upload left" : "data", id);
    }

    return done;
}


static bool
registry_worker_ended(registry_worker_t *worker, const char *claim,
    bool *ended)
{
    char               path[128];
    registry_answer_t  answer;

    (void) snprintf(path, sizeof(path), "/claims/%s", claim);

    if (!registry_worker_call(worker, "GET", path, NULL, &answer)) {
        return false;
    }

    *ended = (answer.status == 404);

    return true;
}


/* whether the image's record names the place of that upload */

static bool
registry_worker_recorded(registry_worker_t *worker, const char *id,
    const char *url, size_t len, bool *recorded)
{
    char               path[128];
    json_t            *image, *list, *root, *row;
    size_t             i;
    const char        *place;
    registry_answer_t  answer;

    (void) snprintf(path, sizeof(path), "/images/%s", id);

    if (!registry_worker_call(worker, "GET", path, NULL, &answer)) {
        return false;
    }

    if (answer.status == 404) {
        return true;
    }

    root = json_loadb(answer.text, answer.len, 0, NULL);
    image = json_object_get(root, "image");

    if (answer.status != 200 || image == NULL) {
        registry_log(REGISTRY_LOG_ERROR, "worker", "registry does not tell "
                     "image=%s status=%u", id, answer.status);
        json_decref(root);
        return false;
    }

    place = json_string_value(json_object_get(image, "location"));
    *recorded = (place != NULL && strlen(place) == len
                 && strncmp(place, url, len) == 0);

    list = json_object_get(image, "location_data");

    json_array_foreach(list, i, row) {
        place = json_string_value(json_object_get(row, "url"));

        if (place != NULL && strlen(place) == len
            && strncmp(place, url, len) == 0)
        {
            *recorded = true;
        }
    }

    /* what is deleted is removed whole */

    if (json_is_true(json_object_get(image, "deleted"))) {
        *recorded = false;
    }

    json_decref(root);

    return true;
}


/* false: no memory; *status 0: nobody answered */

static bool
registry_worker_post(registry_worker_t *worker, const char *id,
    const char *url, bool recorded, unsigned *status)
{
    char    *body;
    json_t  *json;

    json = json_pack("{s:s, s:s, s:b}", "image_id", id, "url", url,
                     "recorded", recorded);
    body = json_dumps(json, JSON_COMPACT);

    json_decref(json);

    if (body == NULL) {
        return false;
    }

    *status = registry_client_post(worker->client, worker->socket, body);

    free(body);

    return true;
}


/* true also when there is no such file; errno tells why not */

static bool
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


static bool
registry_worker_stopped(registry_worker_t *worker)
{
    return worker->stop != NULL && worker->stop(worker->arg);
}
