
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_v2.h"
#include "registry_v2.h"
#include "registry_v2_fields.h"


/*
 * The Locations API of 2.17: services are told where data are, and whoever
 * has data somewhere would tell us.
 */

typedef struct {
    registry_request_t  *rq;
    registry_image_t    *image;
} registry_v2_locations_t;


static registry_rc_e registry_v2_locations_list_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_locations_add_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_location_check(registry_request_t *rq,
    json_t *json);
static const char *registry_v2_location_digest(json_t *data);


registry_rc_e
registry_v2_locations_list(registry_request_t *rq)
{
    registry_rc_e            rc;
    registry_v2_locations_t  ctx = { rq, NULL };

    rc = registry_db_run(rq->app->db, "locations", REGISTRY_READ,
                         registry_v2_locations_list_run, &ctx, &rq->err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_v2_json_locations(&rq->out, ctx.image->locations);

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_locations_list_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_v2_locations_t *ctx = arg;

    return registry_v2_load_for(tx, ctx->rq, ctx->rq->params[0],
                                REGISTRY_V2_FETCH_IMAGE_LOCATION,
                                &ctx->image, err);
}


registry_rc_e
registry_v2_locations_add(registry_request_t *rq)
{
    json_t         *json;
    registry_rc_e   rc;

    rc = registry_v2_body(rq, &json);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    rc = registry_v2_location_check(rq, json);

    json_decref(json);

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "location add", REGISTRY_READ,
                             registry_v2_locations_add_run, rq, &rq->err);
    }

    return rc;
}


/*
 * Files are nobody's to point at, and no store here reads what is elsewhere:
 * the checks that come before that are those of a service that has one.
 */

static registry_rc_e
registry_v2_locations_add_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_request_t *rq = arg;

    registry_rc_e      rc;
    registry_image_t  *image;

    rc = registry_v2_load(tx, rq, rq->params[0], "No image found with ID ",
                          "", &image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (glance_status_parse(image->status) != GLANCE_STATUS_QUEUED) {
        return registry_err_set(err, REGISTRY_CONFLICT, "It's not allowed to "
                                "add locations if image status is %.*s.",
                                (int) image->status.len,
                                (const char *) image->status.data);
    }

    rc = registry_v2_allow(rq, REGISTRY_V2_ADD_IMAGE_LOCATION, image, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (!rq->identity.service_role && !rq->identity.service_token) {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "http store must be "
                                "enabled to use location API by normal "
                                "user.");
    }

    return registry_err_set(err, REGISTRY_INVALID, "Invalid location: no "
                            "store here takes URLs of clients");
}


static registry_rc_e
registry_v2_location_check(registry_request_t *rq, json_t *json)
{
    json_t      *data;
    const char  *wrong;

    data = json_object_get(json, "validation_data");

    if (!json_is_object(json)) {
        wrong = "must be an object";

    } else if (json_string_length(json_object_get(json, "url")) == 0) {
        wrong = "url must be a string";

    } else if (data != NULL) {
        wrong = registry_v2_location_digest(data);

    } else {
        wrong = NULL;
    }

    return (wrong == NULL)
           ? REGISTRY_OK
           : registry_err_set(&rq->err, REGISTRY_INVALID, "Provided object "
                              "does not match schema 'location': %s", wrong);
}


/* what is wrong with the digest that the data are to have */

static const char *
registry_v2_location_digest(json_t *data)
{
    size_t        i;
    json_t       *value;
    const char   *text, *key, *bad;
    glance_str_t  algo;

    static const char *const  algos[] = {
        "sha1", "sha256", "sha512", "md5", NULL
    };

    /* what clients send who know none */

    if (json_is_object(data) && json_object_size(data) == 0) {
        return NULL;
    }

    if (!json_is_object(data) || json_object_size(data) != 2) {
        return "validation_data must have os_hash_algo and os_hash_value, "
               "and nothing else";
    }

    json_object_foreach(data, key, value) {

        if (!json_is_string(value)) {
            return "validation_data must have strings";
        }
    }

    value = json_object_get(data, "os_hash_algo");
    text = json_string_value(json_object_get(data, "os_hash_value"));

    if (value == NULL || text == NULL) {
        return "validation_data must have os_hash_algo and os_hash_value, "
               "and nothing else";
    }

    algo = glance_str(json_string_value(value));

    for (i = 0; algos[i] != NULL; i++) {

        if (glance_str_eq(algo, glance_str(algos[i]))) {
            break;
        }
    }

    if (algos[i] == NULL) {
        return "os_hash_algo must be sha1, sha256, sha512 or md5";
    }

    bad = registry_v2_digest_bad(glance_str(text),
                                 registry_v2_digest_len(algo));

    return (bad == NULL) ? NULL
           : (bad[0] == 'i') ? "os_hash_value is not the correct size for "
                               "os_hash_algo"
                             : "os_hash_value must have hexadecimal digits";
}
