
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_worker_store.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "glance_image.h"
#include "glance_uri.h"
#include "glance_uuid.h"
#include "registry_log.h"


#define REGISTRY_WORKER_BATCH  100


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


bool
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
