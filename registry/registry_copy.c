
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_copy.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "glance_image.h"
#include "glance_uuid.h"
#include "registry_copy_job.h"
#include "registry_log.h"
#include "registry_render.h"


#define REGISTRY_COPY_TRIES   12
#define REGISTRY_COPY_CUTS    3
#define REGISTRY_COPY_TOLD    10000     /* ms between two lines of the log */
#define REGISTRY_COPY_REPORT  60000     /* ms to tell the registry the end */
#define REGISTRY_COPY_PAUSE   200       /* ms */
#define REGISTRY_COPY_IDLE    1000      /* ms between two looks for jobs */


static registry_rc_e registry_copy_networks(registry_copy_t *copy,
    const char *text, registry_err_t *err);
static void *registry_copy_thread(void *data);
static bool registry_copy_wait(registry_copy_t *copy, int64_t ms);
static int64_t registry_copy_clock(void);
static bool registry_copy_take(registry_copy_t *copy, bool *taken);
static bool registry_copy_read(registry_copy_t *copy, json_t *job);
static void registry_copy_run(registry_copy_t *copy);
static void registry_copy_renew(registry_copy_t *copy, int64_t now);


registry_copy_t *
registry_copy_new(const registry_config_t *cf, registry_err_t *err)
{
    registry_copy_t     *copy;
    pthread_condattr_t   attr;

    copy = calloc(1, sizeof(registry_copy_t));
    if (copy == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "no memory");
        return NULL;
    }

    (void) pthread_mutex_init(&copy->lock, NULL);
    (void) pthread_condattr_init(&attr);
    (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&copy->wake, &attr);
    (void) pthread_condattr_destroy(&attr);

    copy->hash = strdup(registry_config_str(cf, "hashing_algorithm"));
    copy->secure = registry_config_bool(cf, "do_secure_hash");
    copy->retries = registry_config_int(cf, "http_retries");
    copy->lease = registry_config_int(cf, "upload_lease");
    copy->node = strdup(registry_config_str(cf, "node_name"));
    copy->ca_file = strdup(registry_config_str(cf,
                                               "https_ca_certificates_file"));
    copy->conf.cap = registry_config_int(cf, "image_size_cap");
    copy->conf.timeout = (long) registry_config_int(cf, "copy_from_timeout");
    copy->conf.ca_file = copy->ca_file;
    copy->conf.socket = copy->socket;

    if (copy->node == NULL || copy->ca_file == NULL || copy->hash == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "no memory");
        goto failed;
    }

    if (registry_copy_networks(copy,
                               registry_config_str(cf,
                                             "source_allowed_addresses"),
                               err)
        != REGISTRY_OK
        || registry_render_socket(cf, copy->socket, sizeof(copy->socket), err)
           != REGISTRY_OK)
    {
        goto failed;
    }

    copy->client = registry_client_new(cf, err);

    if (copy->client != NULL) {
        return copy;
    }

failed:

    registry_copy_free(copy);

    return NULL;
}


registry_rc_e
registry_copy_start(registry_copy_t *copy, registry_err_t *err)
{
    if (pthread_create(&copy->thread, NULL, registry_copy_thread, copy) != 0)
    {
        return registry_err_set(err, REGISTRY_ERROR, "no thread to copy");
    }

    copy->running = true;

    return REGISTRY_OK;
}


void
registry_copy_free(registry_copy_t *copy)
{
    if (copy == NULL) {
        return;
    }

    if (copy->running) {
        (void) pthread_mutex_lock(&copy->lock);
        copy->stop = true;
        (void) pthread_cond_signal(&copy->wake);
        (void) pthread_mutex_unlock(&copy->lock);

        (void) pthread_join(copy->thread, NULL);
    }

    (void) pthread_cond_destroy(&copy->wake);
    (void) pthread_mutex_destroy(&copy->lock);

    registry_client_free(copy->client);
    free(copy->conf.allowed);
    free(copy->ca_file);
    free(copy->node);
    free(copy->hash);
    free(copy->url);
    free(copy);
}


bool
registry_copy_pass(registry_copy_t *copy)
{
    bool  taken;

    do {
        if (!registry_copy_take(copy, &taken)) {
            return false;
        }

        if (taken && copy->import) {
            registry_copy_import(copy);

        } else if (taken) {
            registry_copy_run(copy);
        }

    } while (taken && registry_copy_wait(copy, 0));

    registry_log_request_id(NULL);

    return true;
}


static registry_rc_e
registry_copy_networks(registry_copy_t *copy, const char *text,
    registry_err_t *err)
{
    size_t         len;
    glance_str_t   word;

    copy->conf.allowed = calloc(strlen(text) + 1, sizeof(glance_cidr_t));
    if (copy->conf.allowed == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "no memory");
    }

    for (text += strspn(text, ", \t"); *text != '\0';
         text += strspn(text, ", \t"))
    {
        len = strcspn(text, ", \t");

        word.data = (const unsigned char *) text;
        word.len = len;

        if (!glance_cidr_parse(word,
                               &copy->conf.allowed[copy->conf.n_allowed++]))
        {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "source_allowed_addresses: %.*s is "
                                    "no address", (int) len, text);
        }

        text += len;
    }

    return REGISTRY_OK;
}


static void *
registry_copy_thread(void *data)
{
    registry_copy_t *copy = data;

    do {
        (void) registry_copy_pass(copy);

    } while (registry_copy_wait(copy, REGISTRY_COPY_IDLE));

    return NULL;
}


/* false: the end has come */

static bool
registry_copy_wait(registry_copy_t *copy, int64_t ms)
{
    int              rc;
    bool             stop;
    struct timespec  until;

    (void) clock_gettime(CLOCK_MONOTONIC, &until);

    until.tv_sec += (time_t) (ms / 1000);
    until.tv_nsec += (long) (ms % 1000) * 1000000;

    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }

    (void) pthread_mutex_lock(&copy->lock);

    rc = 0;

    while (!copy->stop && rc == 0 && ms > 0) {
        rc = pthread_cond_timedwait(&copy->wake, &copy->lock, &until);
    }

    stop = copy->stop;

    (void) pthread_mutex_unlock(&copy->lock);

    return !stop;
}


static int64_t
registry_copy_clock(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


/* false: the registry did not answer */

static bool
registry_copy_take(registry_copy_t *copy, bool *taken)
{
    json_t             *root, *job;
    unsigned            status;
    unsigned char       random[16], uuid[GLANCE_UUID_LEN];
    registry_answer_t   answer;

    *taken = false;

    memset(random, 0, sizeof(random));
    (void) !getrandom(random, sizeof(random), 0);

    glance_uuid_format(random, uuid);
    (void) snprintf(copy->holder, sizeof(copy->holder), "%.*s",
                    GLANCE_UUID_LEN, (const char *) uuid);

    status = registry_copy_call(copy, "POST", "/jobs",
                                json_pack("{s:s, s:I, s:s, s:b}", "holder",
                                          copy->holder, "lease",
                                          (json_int_t) copy->lease, "node",
                                          copy->node, "imports", 1),
                                &answer);

    if (status == 404) {
        return true;                    /* a registry without jobs */
    }

    if (status == 0) {
        return false;
    }

    root = json_loadb(answer.text, answer.len, 0, NULL);
    job = json_object_get(root, "job");

    if (status != 200 || job == NULL) {
        registry_log(REGISTRY_LOG_ERROR, "copy", "registry does not tell "
                     "jobs status=%u", status);
        json_decref(root);
        return false;
    }

    *taken = json_is_object(job) && registry_copy_read(copy, job);

    json_decref(root);

    return true;
}


static bool
registry_copy_read(registry_copy_t *copy, json_t *job)
{
    json_t      *import;
    const char  *id, *url, *algo;

    id = json_string_value(json_object_get(job, "image_id"));
    url = json_string_value(json_object_get(job, "url"));

    if (id == NULL || url == NULL || !glance_image_id_valid(glance_str(id))) {
        return false;
    }

    free(copy->url);
    copy->url = strdup(url);

    if (copy->url == NULL) {
        return false;
    }

    (void) snprintf(copy->image, sizeof(copy->image), "%s", id);

    copy->tries = json_integer_value(json_object_get(job, "tries"));
    copy->size = json_integer_value(json_object_get(job, "size"));
    copy->lost = false;

    import = json_object_get(job, "import");
    algo = json_string_value(json_object_get(import, "hash_algo"));

    copy->import = (import != NULL);
    copy->located = json_is_true(json_object_get(import, "located"));

    (void) snprintf(copy->algo, sizeof(copy->algo), "%s",
                    (algo != NULL && algo[0] != '\0') ? algo : copy->hash);

    copy->asked = registry_copy_clock();
    copy->told = copy->asked;

    return true;
}


static void
registry_copy_run(registry_copy_t *copy)
{
    bool              failed;
    char              reason[REGISTRY_FETCH_REASON];
    registry_fetch_e  rc;

    registry_log(REGISTRY_LOG_INFO, "copy", "copy begins image=%s try=%"
                 PRId64, copy->image, copy->tries);

    rc = registry_fetch(&copy->conf, copy->client, copy->url, copy->image,
                        copy->size, registry_copy_tick, copy, reason);

    if (rc == REGISTRY_FETCH_STOPPED) {

        if (copy->lost) {
            registry_log(REGISTRY_LOG_WARNING, "copy", "copy given up, "
                         "another has the job image=%s", copy->image);
            return;
        }

        (void) snprintf(reason, sizeof(reason), "glance-worker was stopped");
    }

    if (rc == REGISTRY_FETCH_DONE) {
        registry_log(REGISTRY_LOG_INFO, "copy", "copy done image=%s",
                     copy->image);

        registry_copy_report(copy, "DELETE",
                             json_pack("{s:s}", "holder", copy->holder));
        return;
    }

    failed = (rc == REGISTRY_FETCH_FAILED
              || (rc == REGISTRY_FETCH_CUT
                  && copy->tries >= REGISTRY_COPY_CUTS)
              || (rc == REGISTRY_FETCH_AGAIN
                  && copy->tries >= REGISTRY_COPY_TRIES));

    registry_log(failed ? REGISTRY_LOG_ERROR : REGISTRY_LOG_WARNING, "copy",
                 "copy %s image=%s reason=\"%s\"",
                 failed ? "failed" : "is tried again", copy->image, reason);

    registry_copy_report(copy, "PUT",
                         json_pack("{s:s, s:s, s:b}", "holder", copy->holder,
                                   "error", reason, "failed", failed));
}


bool
registry_copy_tick(void *arg, int64_t received, int64_t total)
{
    registry_copy_t *copy = arg;

    int64_t  now;

    now = registry_copy_clock();

    if (now - copy->asked >= 1000 * copy->lease / 3) {
        registry_copy_renew(copy, now);
    }

    if (now - copy->told >= REGISTRY_COPY_TOLD) {
        copy->told = now;

        registry_log(REGISTRY_LOG_INFO, "copy", "copying image=%s bytes=%"
                     PRId64 " of=%" PRId64, copy->image, received, total);
    }

    return !copy->lost && registry_copy_wait(copy, 0);
}


/* a registry that is away for a moment takes nothing from anybody */

static void
registry_copy_renew(registry_copy_t *copy, int64_t now)
{
    char               path[96];
    unsigned           status;
    registry_answer_t  answer;

    (void) snprintf(path, sizeof(path), "/jobs/%s", copy->image);

    status = registry_copy_call(copy, "PUT", path,
                                json_pack("{s:s, s:I}", "holder",
                                          copy->holder, "lease",
                                          (json_int_t) copy->lease),
                                &answer);
    copy->asked = now;
    copy->lost = (status == 404);
}


/* told until the registry has heard it; after that the lease has to end */

void
registry_copy_report(registry_copy_t *copy, const char *method, json_t *json)
{
    char               path[96];
    int64_t            end;
    unsigned           status;
    registry_answer_t  answer;

    (void) snprintf(path, sizeof(path), "/jobs/%s", copy->image);

    end = registry_copy_clock() + REGISTRY_COPY_REPORT;

    do {
        status = registry_copy_call(copy, method, path, json_incref(json),
                                    &answer);

        /* 409: the API server has not yet undone the upload */

    } while ((status == 0 || status == 409 || status >= 500)
             && registry_copy_clock() < end
             && registry_copy_wait(copy, REGISTRY_COPY_PAUSE));

    json_decref(json);

    if (status != 204 && status != 404) {
        registry_log(REGISTRY_LOG_WARNING, "copy", "registry does not take "
                     "the end of a copy image=%s status=%u", copy->image,
                     status);
    }
}


/* 0: no answer; json is stolen */

unsigned
registry_copy_call(registry_copy_t *copy, const char *method,
    const char *path, json_t *json, registry_answer_t *answer)
{
    char            *body;
    registry_rc_e    rc;
    registry_err_t   err;

    body = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    if (body == NULL) {
        return 0;
    }

    rc = registry_client_call(copy->client, method, path, body, answer, &err);

    free(body);

    if (rc != REGISTRY_OK) {
        registry_log(REGISTRY_LOG_WARNING, "copy", "%s", err.text);
        return 0;
    }

    return answer->status;
}
