
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>

#include "glance_digest.h"
#include "glance_uri.h"
#include "registry_db_imports.h"
#include "registry_db_v2.h"
#include "registry_json_parse.h"
#include "registry_v2.h"
#include "registry_v2_fields.h"


/*
 * The Locations API of 2.17: services are told where data are, and whoever
 * has data somewhere would tell us.
 */

#define REGISTRY_V2_URL_MAX  255


typedef struct {
    registry_request_t  *rq;
    registry_image_t    *image;
} registry_v2_locations_t;

typedef struct {
    registry_request_t  *rq;
    glance_str_t         url;
    glance_str_t         task;          /* new id */
    registry_import_t    import;
} registry_v2_adding_t;


static registry_rc_e registry_v2_locations_list_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_locations_read(registry_v2_adding_t *ctx,
    json_t *json);
static registry_rc_e registry_v2_locations_add_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_locations_store(
    const registry_v2_adding_t *ctx, registry_err_t *err);
static bool registry_v2_locations_has(const registry_request_t *rq,
    glance_str_t store);
static registry_rc_e registry_v2_locations_task(registry_tx_t *tx,
    registry_v2_adding_t *ctx, const registry_image_t *image,
    registry_err_t *err);
static char *registry_v2_locations_input(const registry_v2_adding_t *ctx,
    const registry_image_t *image);
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


/*
 * Data are looked for when the answer is long gone: a worker does it, by the
 * rules of copies, and the image's task tells how it went.
 */

registry_rc_e
registry_v2_locations_add(registry_request_t *rq)
{
    json_t                *json;
    registry_rc_e          rc;
    registry_v2_adding_t   ctx = { .rq = rq };

    rc = registry_v2_body(rq, &json);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    rc = registry_v2_location_check(rq, json);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_locations_read(&ctx, json);
    }

    json_decref(json);

    if (rc == REGISTRY_OK) {
        rc = registry_request_new_id(rq, &ctx.task);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "location add", REGISTRY_WRITE,
                             registry_v2_locations_add_run, &ctx, &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rq->status = 202;
    }

    return rc;
}


static registry_rc_e
registry_v2_locations_read(registry_v2_adding_t *ctx, json_t *json)
{
    json_t              *data;
    registry_request_t  *rq = ctx->rq;

    data = json_object_get(json, "validation_data");

    ctx->import.checked = (json_object_size(data) > 0);

    return (registry_pool_copy(rq->pool,
                registry_json_slice(json_object_get(json, "url")), &ctx->url)
            && registry_pool_copy(rq->pool,
                registry_json_slice(json_object_get(data, "os_hash_algo")),
                &ctx->import.hash_algo)
            && registry_pool_copy(rq->pool,
                registry_json_slice(json_object_get(data, "os_hash_value")),
                &ctx->import.hash_value))
           ? REGISTRY_OK
           : registry_json_memory(&rq->err);
}


static registry_rc_e
registry_v2_locations_add_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_v2_adding_t *ctx = arg;

    bool                 busy, again;
    registry_rc_e        rc;
    registry_image_t    *image;
    registry_request_t  *rq = ctx->rq;

    rc = registry_v2_once(tx, rq, &again, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_lock(tx, rq->params[0], err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_load(tx, rq, rq->params[0],
                              "No image found with ID ", "", &image, err);
    }

    if (rc != REGISTRY_OK || again) {
        return rc;
    }

    if (glance_status_parse(image->status) != GLANCE_STATUS_QUEUED) {
        return registry_err_set(err, REGISTRY_CONFLICT, "It's not allowed to "
                                "add locations if image status is %.*s.",
                                (int) image->status.len,
                                (const char *) image->status.data);
    }

    rc = registry_v2_allow(rq, REGISTRY_V2_ADD_IMAGE_LOCATION, image, err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_locations_store(ctx, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_import_busy(tx, image, &busy, err);
    }

    if (rc == REGISTRY_OK && busy) {
        return registry_err_set(err, REGISTRY_CONFLICT, "Image %.*s has an "
                                "active task",
                                (int) image->id.len,
                                (const char *) image->id.data);
    }

    return (rc == REGISTRY_OK)
           ? registry_v2_locations_task(tx, ctx, image, err) : rc;
}


/*
 * What may be named: by people what everybody could read, by services what
 * the stores have that the API server tells of.  Files are nobody's.
 */

static registry_rc_e
registry_v2_locations_store(const registry_v2_adding_t *ctx,
    registry_err_t *err)
{
    bool                 service, valid;
    glance_uri_t         uri;
    registry_request_t  *rq = ctx->rq;

    service = rq->identity.service_role || rq->identity.service_token;
    valid = glance_uri_parse(ctx->url, &uri);

    if (!service
        && (!valid || uri.scheme != GLANCE_SCHEME_HTTP
            || !registry_v2_locations_has(rq, glance_str("http"))))
    {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "http store must be "
                                "enabled to use location API by normal "
                                "user.");
    }

    if (!valid
        || uri.scheme == GLANCE_SCHEME_UNKNOWN
        || uri.scheme == GLANCE_SCHEME_FILE
        || glance_str_eq(uri.name, glance_str("swift+config"))
        || (uri.scheme == GLANCE_SCHEME_HTTP
            && (uri.user.len > 0 || uri.has_password))
        || !registry_v2_locations_has(rq,
                               glance_str(glance_scheme_store(uri.scheme))))
    {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid location: no "
                                "store here takes such a URL of clients");
    }

    return REGISTRY_OK;
}


/* the API server's, by the names of API v1 */

static bool
registry_v2_locations_has(const registry_request_t *rq, glance_str_t store)
{
    size_t        i;
    glance_str_t  names, word;

    names = registry_request_header(rq, "X-Glance-Sources");

    if (!rq->identity.service || names.data == NULL) {
        return false;
    }

    while (names.len > 0) {

        for (i = 0; i < names.len && names.data[i] != ','; i++) {
            /* void */
        }

        word.data = names.data;
        word.len = i;

        if (glance_str_eq(word, store)) {
            return true;
        }

        i += (i < names.len);

        names.data += i;
        names.len -= i;
    }

    return false;
}


static registry_rc_e
registry_v2_locations_task(registry_tx_t *tx, registry_v2_adding_t *ctx,
    const registry_image_t *image, registry_err_t *err)
{
    char                *input;
    registry_rc_e        rc;
    registry_task_t      task;
    registry_request_t  *rq = ctx->rq;

    input = registry_v2_locations_input(ctx, image);
    if (input == NULL) {
        return registry_json_memory(err);
    }

    task.id = ctx->task;
    task.type = glance_str("location_import");
    task.owner = (rq->identity.owner.data == NULL) ? image->owner
                                                   : rq->identity.owner;
    task.image_id = image->id;
    task.request_id = glance_str(rq->id);
    task.user_id = rq->identity.user;
    task.input = glance_str(input);

    rc = registry_db_import_add(tx, &task, ctx->url, &ctx->import, err);

    free(input);

    return rc;
}


/* the URL is for everybody who sees the image: its keys are not */

static char *
registry_v2_locations_input(const registry_v2_adding_t *ctx,
    const registry_image_t *image)
{
    char           *text;
    json_t         *input, *data;
    glance_buf_t    b;
    unsigned char   url[4 * REGISTRY_V2_URL_MAX + 64];

    glance_buf_init(&b, url, sizeof(url));
    glance_uri_redact(&b, ctx->url);

    data = ctx->import.checked
           ? json_pack("{s:s%, s:s%}", "os_hash_algo",
                       ctx->import.hash_algo.data, ctx->import.hash_algo.len,
                       "os_hash_value", ctx->import.hash_value.data,
                       ctx->import.hash_value.len)
           : json_object();

    input = json_pack("{s:s%, s:s%, s:o}", "image_id", image->id.data,
                      image->id.len, "loc_url", b.start,
                      (size_t) (b.last - b.start), "validation_data", data);

    text = json_dumps(input, JSON_PRESERVE_ORDER);

    json_decref(input);

    return text;
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

    } else if (json_string_length(json_object_get(json, "url"))
               > REGISTRY_V2_URL_MAX)
    {
        wrong = "url must have at most 255 characters";

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
    const char   *text, *key;
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

    if (glance_str(text).len != glance_digest_hex_len(algo)) {
        return "os_hash_value is not the correct size for os_hash_algo";
    }

    return registry_v2_hex(glance_str(text))
           ? NULL : "os_hash_value must have hexadecimal digits";
}
