
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_imports.h"

#include <string.h>

#include "registry_db_images.h"
#include "registry_db_v2.h"
#include "registry_json.h"
#include "registry_quota.h"
#include "registry_v2_fields.h"


/* for everybody who sees the image: what an address is, is not told */

#define REGISTRY_IMPORT_NOTHING                                               \
    "Task failed: there are no data at the location, or they are refused"
#define REGISTRY_IMPORT_LOST                                                  \
    "Task failed: the data cannot be read"
#define REGISTRY_IMPORT_OTHER                                                 \
    "Task failed: the data do not have the digest that was given"
#define REGISTRY_IMPORT_UNREAD                                                \
    "The data cannot be read, and have no digests therefore"


static registry_rc_e registry_import_load(registry_tx_t *tx,
    registry_request_t *rq, glance_str_t holder, registry_import_t *import,
    registry_image_t **image, registry_err_t *err);
static registry_rc_e registry_import_back(registry_tx_t *tx,
    const registry_image_t *image, registry_err_t *err);
static registry_rc_e registry_import_save(registry_tx_t *tx,
    const registry_image_t *image, registry_changes_t *changes,
    registry_err_t *err);
static bool registry_import_foreign(glance_str_t url);


registry_rc_e
registry_import_located(registry_tx_t *tx, registry_request_t *rq,
    glance_str_t holder, const registry_found_t *data, registry_err_t *err)
{
    int64_t              left;
    registry_rc_e        rc;
    registry_image_t    *image;
    registry_import_t    import;
    registry_changes_t   changes;
    registry_location_t  location;

    rc = registry_import_load(tx, rq, holder, &import, &image, err);

    if (rc != REGISTRY_OK || import.located) {
        return rc;                      /* once more: it is done */
    }

    if (glance_status_parse(image->status) != GLANCE_STATUS_QUEUED) {
        return registry_err_set(err, REGISTRY_CONFLICT,
                                "The image has got other data");
    }

    rc = registry_v2_formats_set(image, err);

    if (rc == REGISTRY_OK) {
        rc = registry_quota_storage(tx, rq, image, data->size, &left, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    memset(&changes, 0, sizeof(changes));
    memset(&location, 0, sizeof(location));

    /* the one that an attempt before has left goes */

    location.url = import.url;
    location.metadata = glance_str("{}");
    location.status = glance_str("active");

    changes.set = REGISTRY_SET_LOCATIONS | REGISTRY_SET_SIZE
                  | REGISTRY_SET_STATUS;
    changes.image.locations = &location;
    changes.image.size = data->size;
    changes.image.status = glance_str((import.checked && data->hash)
                                      ? "importing" : "active");

    if (import.checked && !data->hash) {
        changes.set |= REGISTRY_SET_OS_HASH_ALGO | REGISTRY_SET_OS_HASH_VALUE;
        changes.image.os_hash_algo = import.hash_algo;
        changes.image.os_hash_value = import.hash_value;

    } else if (data->hash) {

        /* of what is under way, as Glance shows it */

        changes.set |= REGISTRY_SET_OS_HASH_ALGO;
        changes.image.os_hash_algo = data->hash_algo;
    }

    rc = registry_import_save(tx, image, &changes, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_import_located(tx, image->id, err);
    }

    if (rc == REGISTRY_OK && !data->hash) {
        rc = registry_db_task_end(tx, import.task, image->id, true, "", err);

        if (rc == REGISTRY_OK) {
            rc = registry_db_job_done(tx, image->id, holder, err);
        }
    }

    return rc;
}


registry_rc_e
registry_import_done(registry_tx_t *tx, registry_request_t *rq,
    glance_str_t holder, const registry_found_t *data, registry_err_t *err)
{
    bool                 good;
    registry_rc_e        rc;
    registry_image_t    *image;
    registry_import_t    import;
    registry_changes_t   changes;

    rc = registry_import_load(tx, rq, holder, &import, &image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    good = !import.checked
           || glance_str_case_eq(import.hash_value, data->hash_value);

    if (!good) {
        rc = registry_import_back(tx, image, err);

        return (rc == REGISTRY_OK)
               ? registry_db_task_end(tx, import.task, image->id, false,
                                      REGISTRY_IMPORT_OTHER, err)
               : rc;
    }

    memset(&changes, 0, sizeof(changes));

    changes.set = REGISTRY_SET_CHECKSUM | REGISTRY_SET_OS_HASH_ALGO
                  | REGISTRY_SET_OS_HASH_VALUE;
    changes.image.checksum = data->checksum;
    changes.image.os_hash_algo = data->hash_algo;
    changes.image.os_hash_value = data->hash_value;

    if (glance_status_parse(image->status) == GLANCE_STATUS_IMPORTING) {
        changes.set |= REGISTRY_SET_STATUS;
        changes.image.status = glance_str("active");
    }

    rc = registry_import_save(tx, image, &changes, err);

    return (rc == REGISTRY_OK)
           ? registry_db_task_end(tx, import.task, image->id, true, "", err)
           : rc;
}


registry_rc_e
registry_import_failed(registry_tx_t *tx, registry_request_t *rq,
    glance_str_t holder, glance_str_t text, registry_err_t *err)
{
    const char          *message;
    registry_rc_e        rc;
    registry_image_t    *image;
    registry_import_t    import;
    registry_changes_t   changes;

    rc = registry_import_load(tx, rq, holder, &import, &image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    message = REGISTRY_IMPORT_NOTHING;

    if (import.located && import.checked) {
        message = REGISTRY_IMPORT_LOST;
        rc = registry_import_back(tx, image, err);

    } else if (import.located) {
        message = REGISTRY_IMPORT_UNREAD;

        memset(&changes, 0, sizeof(changes));
        changes.set = REGISTRY_SET_OS_HASH_ALGO;

        rc = registry_import_save(tx, image, &changes, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_task_end(tx, import.task, image->id,
                                  import.located && !import.checked, message,
                                  err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_job_ended(tx, image->id, holder, text, err);
    }

    return (rc == REGISTRY_OK)
           ? registry_db_import_forget(tx, image->id, err) : rc;
}


/* first the image, then the job: the order in which others lock */

static registry_rc_e
registry_import_load(registry_tx_t *tx, registry_request_t *rq,
    glance_str_t holder, registry_import_t *import, registry_image_t **image,
    registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_db_image_lock(tx, rq->params[0], err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_import_get(tx, rq->pool, rq->params[0], holder,
                                    import, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_get(tx, rq->pool, rq->params[0], image, err);
    }

    if (rc == REGISTRY_OK && (*image)->deleted) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Image not found");
    }

    return rc;
}


/*
 * An image whose data are not those that were announced waits for others.  A
 * location of HTTP stays, as in Glance, whose tests look for it; it is not
 * read while the image is queued, and goes with the next one.
 */

static registry_rc_e
registry_import_back(registry_tx_t *tx, const registry_image_t *image,
    registry_err_t *err)
{
    registry_changes_t    changes;
    registry_location_t  *l, **next;

    if (glance_status_parse(image->status) != GLANCE_STATUS_IMPORTING) {
        return REGISTRY_OK;
    }

    memset(&changes, 0, sizeof(changes));

    changes.set = REGISTRY_SET_STATUS | REGISTRY_SET_SIZE
                  | REGISTRY_SET_CHECKSUM | REGISTRY_SET_OS_HASH_ALGO
                  | REGISTRY_SET_OS_HASH_VALUE | REGISTRY_SET_LOCATIONS;
    changes.image.status = glance_str("queued");
    changes.image.size = REGISTRY_NUMBER_NULL;
    changes.image.locations = image->locations;

    next = &changes.image.locations;

    while (*next != NULL) {
        l = *next;

        if (registry_import_foreign(l->url)) {
            next = &l->next;

        } else {
            *next = l->next;
        }
    }

    return registry_import_save(tx, image, &changes, err);
}


static registry_rc_e
registry_import_save(registry_tx_t *tx, const registry_image_t *image,
    registry_changes_t *changes, registry_err_t *err)
{
    changes->from_state = image->status;

    return registry_db_image_update(tx, image->id, changes, -1, err);
}


static bool
registry_import_foreign(glance_str_t url)
{
    return glance_str_case_starts(url, glance_str("http://"))
           || glance_str_case_starts(url, glance_str("https://"));
}
