
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_tags.h"
#include "registry_db_v2.h"
#include "registry_v2.h"
#include "registry_v2_fields.h"


static registry_rc_e registry_v2_tags_put_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_v2_tags_delete_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_v2_tags_image(registry_tx_t *tx,
    registry_request_t *rq, registry_image_t **image, registry_tag_t **tag,
    registry_err_t *err);


registry_rc_e
registry_v2_tags_put(registry_request_t *rq)
{
    registry_rc_e  rc;

    rc = registry_v2_tag_check(rq->params[1], &rq->err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "tag put", REGISTRY_WRITE,
                             registry_v2_tags_put_run, rq, &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rq->status = 204;
    }

    return rc;
}


static registry_rc_e
registry_v2_tags_put_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_request_t *rq = arg;

    size_t             n;
    glance_str_t       id;
    registry_rc_e      rc;
    registry_tag_t    *found, tag = { NULL, 0, rq->params[1] };
    registry_image_t  *image;

    rc = registry_v2_tags_image(tx, rq, &image, &found, err);

    if (rc != REGISTRY_OK || found != NULL) {
        return rc;
    }

    n = 1;

    for (const registry_tag_t *t = image->tags; t != NULL; t = t->next) {
        n++;
    }

    id = image->id;

    if (rq->app->tag_quota >= 0 && n > (size_t) rq->app->tag_quota) {
        return registry_err_set(err, REGISTRY_LIMIT, "Image tag limit "
                                "exceeded for image %.*s: Attempted: %zu, "
                                "Maximum: %lld", (int) id.len,
                                (const char *) id.data, n,
                                (long long) rq->app->tag_quota);
    }

    rc = registry_db_tags_add(tx, id, &tag, err);

    return (rc == REGISTRY_OK) ? registry_db_image_touch(tx, id, err) : rc;
}


registry_rc_e
registry_v2_tags_delete(registry_request_t *rq)
{
    registry_rc_e  rc;

    rc = registry_db_run(rq->app->db, "tag delete", REGISTRY_WRITE,
                         registry_v2_tags_delete_run, rq, &rq->err);

    if (rc == REGISTRY_OK) {
        rq->status = 204;
    }

    return rc;
}


static registry_rc_e
registry_v2_tags_delete_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_request_t *rq = arg;

    bool               again;
    registry_rc_e      rc;
    registry_tag_t    *tag;
    registry_image_t  *image;

    rc = registry_v2_once(tx, rq, &again, err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_tags_image(tx, rq, &image, &tag, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (tag == NULL) {

        /* the answer was lost, but not the change */

        return (again || registry_tx_repeated(tx))
               ? REGISTRY_OK
               : registry_err_set(err, REGISTRY_NOT_FOUND,
                                  "The resource could not be found.");
    }

    /* Python leaves more than one row of a tag behind now and then */

    for ( /* void */ ; tag != NULL; tag = tag->next) {

        if (!glance_str_eq(tag->value, rq->params[1])) {
            continue;
        }

        rc = registry_db_tag_remove(tx, tag->id, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return registry_db_image_touch(tx, image->id, err);
}


/* *tag is the first one of that name, or NULL */

static registry_rc_e
registry_v2_tags_image(registry_tx_t *tx, registry_request_t *rq,
    registry_image_t **image, registry_tag_t **tag, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_db_image_lock(tx, rq->params[0], err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_load(tx, rq, rq->params[0], "Image ", " not found.",
                              image, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_allow(rq, REGISTRY_V2_MODIFY_IMAGE, *image, err);
    }

    if (rc == REGISTRY_FORBIDDEN) {
        return registry_err_set(err, rc, "Not allowed to %s tags for image "
                                "%.*s.", (rq->method == REGISTRY_PUT)
                                         ? "update" : "delete",
                                (int) (*image)->id.len,
                                (const char *) (*image)->id.data);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    for (*tag = (*image)->tags; *tag != NULL; *tag = (*tag)->next) {

        if (glance_str_eq((*tag)->value, rq->params[1])) {
            break;
        }
    }

    return REGISTRY_OK;
}
