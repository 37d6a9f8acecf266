
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_scrub.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "glance_image.h"
#include "glance_time.h"
#include "registry_log.h"


#define REGISTRY_SCRUB_PAGE  100


typedef struct {
    registry_agent_t  *agent;
    int64_t            before;      /* deleted not later: due */
    char               marker[GLANCE_IMAGE_ID_MAX + 1];
    size_t             scrubbed;
    bool               done;
} registry_scrub_t;


static json_t *registry_scrub_list(registry_scrub_t *scrub);
static bool registry_scrub_due(const registry_scrub_t *scrub, json_t *image);
static void registry_scrub_image(registry_scrub_t *scrub, const char *id);


bool
registry_scrub_pass(registry_agent_t *agent)
{
    json_t            *root, *image;
    size_t             i, n;
    const char        *id;
    registry_scrub_t   scrub;

    memset(&scrub, 0, sizeof(registry_scrub_t));

    scrub.agent = agent;
    scrub.done = true;
    scrub.before = (int64_t) time(NULL)
                   - registry_config_int(agent->cf, "scrub_time");

    do {
        root = registry_scrub_list(&scrub);
        n = json_array_size(json_object_get(root, "images"));

        json_array_foreach(json_object_get(root, "images"), i, image) {

            if (registry_agent_stopped(agent)) {
                n = 0;
                break;
            }

            id = json_string_value(json_object_get(image, "id"));

            if (id == NULL || !glance_image_id_valid(glance_str(id))) {
                continue;
            }

            /* images that were given up are found as a marker, too */

            (void) snprintf(scrub.marker, sizeof(scrub.marker), "%s", id);

            if (registry_scrub_due(&scrub, image)) {
                registry_scrub_image(&scrub, id);
            }
        }

        json_decref(root);

    } while (n == REGISTRY_SCRUB_PAGE);

    if (scrub.scrubbed > 0) {
        registry_log(REGISTRY_LOG_INFO, "scrubber", "images given up "
                     "number=%zu", scrub.scrubbed);
    }

    return registry_worker_remove(agent->worker) && scrub.done;
}


/* new reference, NULL when the registry does not tell */

static json_t *
registry_scrub_list(registry_scrub_t *scrub)
{
    char                path[256];
    json_t             *root;
    registry_err_t      err;
    registry_answer_t   answer;

    (void) snprintf(path, sizeof(path), "/images/detail?deleted=True"
                    "&is_public=none&status=pending_delete&sort_key=id"
                    "&sort_dir=asc&limit=%d%s%s", REGISTRY_SCRUB_PAGE,
                    (scrub->marker[0] != '\0') ? "&marker=" : "",
                    scrub->marker);

    if (registry_client_call(scrub->agent->client, "GET", path, NULL,
                             &answer, &err)
        != REGISTRY_OK)
    {
        registry_log(REGISTRY_LOG_ERROR, "scrubber", "%s", err.text);
        scrub->done = false;
        return NULL;
    }

    root = NULL;

    if (answer.status == 200) {
        root = json_loadb(answer.text, answer.len, 0, NULL);
    }

    if (!json_is_array(json_object_get(root, "images"))) {
        registry_log(REGISTRY_LOG_ERROR, "scrubber", "registry does not tell "
                     "images status=%u", answer.status);
        scrub->done = false;
        json_decref(root);
        return NULL;
    }

    return root;
}


/* of another registry's answer, too: nothing is believed without looking */

static bool
registry_scrub_due(const registry_scrub_t *scrub, json_t *image)
{
    int64_t      epoch;
    const char  *status, *text;

    status = json_string_value(json_object_get(image, "status"));
    text = json_string_value(json_object_get(image, "deleted_at"));

    return status != NULL && strcmp(status, "pending_delete") == 0
           && text != NULL && glance_time_parse(glance_str(text), &epoch)
           && epoch <= scrub->before;
}


static void
registry_scrub_image(registry_scrub_t *scrub, const char *id)
{
    char               path[64];
    registry_err_t     err;
    registry_answer_t  answer;

    (void) snprintf(path, sizeof(path), "/images/%s", id);

    if (registry_client_call(scrub->agent->client, "PUT", path,
                             "{\"image\": {\"status\": \"deleted\"}}",
                             &answer, &err)
        != REGISTRY_OK)
    {
        registry_log(REGISTRY_LOG_ERROR, "scrubber", "%s", err.text);
        scrub->done = false;
        return;
    }

    switch (answer.status) {

    case 200:
        registry_log(REGISTRY_LOG_INFO, "scrubber", "image given up "
                     "image=%s", id);
        scrub->scrubbed++;
        return;

    case 404:                           /* another one was faster */
        return;

    default:
        registry_log(REGISTRY_LOG_ERROR, "scrubber", "registry refuses to "
                     "give up image=%s status=%u", id, answer.status);
        scrub->done = false;
    }
}
