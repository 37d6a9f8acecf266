
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_worker_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "glance_image.h"
#include "glance_uuid.h"
#include "registry_log.h"


#define REGISTRY_WORKER_YOUNG  5    /* seconds */

/* {image id}.{claim id} */
#define REGISTRY_WORKER_NAME   (GLANCE_IMAGE_ID_MAX + 1 + GLANCE_UUID_LEN)


typedef struct {
    char  id[GLANCE_IMAGE_ID_MAX + 1];
    char  claim[GLANCE_UUID_LEN + 1];
    char  name[REGISTRY_WORKER_NAME + 1];
} registry_worker_temp_t;


static bool registry_worker_name(const char *name,
    registry_worker_temp_t *temp);
static bool registry_worker_upload(registry_worker_t *worker,
    const registry_worker_temp_t *temp, bool all);
static int registry_worker_lock(registry_worker_t *worker,
    const registry_worker_temp_t *temp, bool all, struct stat *st);
static bool registry_worker_tidy(registry_worker_t *worker,
    const registry_worker_temp_t *temp, const struct stat *st);
static bool registry_worker_keep(registry_worker_t *worker,
    const registry_worker_temp_t *temp, const registry_answer_t *answer,
    bool *keep);
static bool registry_worker_located(registry_worker_t *worker,
    const char *id, json_t *image);


bool
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
