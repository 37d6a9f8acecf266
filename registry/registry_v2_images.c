
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2.h"

#include "glance_uuid.h"
#include "registry_db_images.h"
#include "registry_db_once.h"
#include "registry_json.h"


/* of a transaction about one image */

typedef struct {
    registry_request_t  *rq;
    registry_image_t    *image;
} registry_v2_images_t;


static registry_rc_e registry_v2_show_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_v2_delete_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);


registry_rc_e
registry_v2_images_show(registry_request_t *rq)
{
    registry_rc_e         rc;
    registry_v2_images_t  ctx = { rq, NULL };

    rc = registry_db_run(rq->app->db, "image show", REGISTRY_READ,
                         registry_v2_show_run, &ctx, &rq->err);

    if (rc == REGISTRY_OK) {
        registry_v2_image_json(rq, &rq->out, ctx.image);
    }

    return rc;
}


static registry_rc_e
registry_v2_show_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_v2_images_t *ctx = arg;

    return registry_v2_load_for(tx, ctx->rq, ctx->rq->params[0],
                                REGISTRY_V2_GET_IMAGE, &ctx->image, err);
}


registry_rc_e
registry_v2_images_delete(registry_request_t *rq)
{
    registry_rc_e         rc;
    registry_v2_images_t  ctx = { rq, NULL };

    rc = registry_db_run(rq->app->db, "image delete", REGISTRY_WRITE,
                         registry_v2_delete_run, &ctx, &rq->err);

    if (rc == REGISTRY_OK) {
        rq->status = 204;
    }

    return rc;
}


static registry_rc_e
registry_v2_delete_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_v2_images_t *ctx = arg;

    registry_rc_e        rc;
    registry_image_t    *image;
    registry_request_t  *rq = ctx->rq;

    rc = registry_v2_load(tx, rq, rq->params[0], "Failed to find image ",
                          " to delete", &image, err);

    /* the answer to a commit was lost, and it was one */

    if (rc == REGISTRY_NOT_FOUND && registry_tx_repeated(tx)) {
        return REGISTRY_OK;
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_allow(rq, REGISTRY_V2_DELETE_IMAGE, image, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (image->protected) {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "Image %.*s is "
                                "protected and cannot be deleted.",
                                registry_v2_clip(image->id),
                                (const char *) image->id.data);
    }

    return registry_db_image_delete(tx, image->id,
                                    (rq->app->delayed_delete
                                     && image->locations != NULL)
                                    ? "pending_delete" : "deleted", err);
}


registry_rc_e
registry_v2_load(registry_tx_t *tx, registry_request_t *rq, glance_str_t id,
    const char *before, const char *after, registry_image_t **image,
    registry_err_t *err)
{
    registry_rc_e  rc;

    rc = REGISTRY_NOT_FOUND;

    /* whatever is in the table counts, also what no client could choose */

    if (id.len <= GLANCE_IMAGE_ID_MAX
        && registry_json_check("id", id, GLANCE_IMAGE_ID_MAX, err)
           == REGISTRY_OK)
    {
        rc = registry_db_image_whole(tx, rq->pool, id, image, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_see(tx, &rq->identity, *image, err);
    }

    if (rc == REGISTRY_NOT_FOUND) {
        return registry_err_set(err, rc, "%s%.*s%s", before,
                                registry_v2_clip(id),
                                (const char *) id.data, after);
    }

    return rc;
}


registry_rc_e
registry_v2_load_for(registry_tx_t *tx, registry_request_t *rq,
    glance_str_t id, registry_v2_rule_e rule, registry_image_t **image,
    registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_v2_load(tx, rq, id, "No image found with ID ", "", image,
                          err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_allow(rq, rule, *image, err);
    }

    if (rc == REGISTRY_OK
        && rule == REGISTRY_V2_DOWNLOAD_IMAGE
        && !rq->identity.admin
        && glance_status_parse((*image)->status)
           == GLANCE_STATUS_DEACTIVATED)
    {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "The requested image "
                                "has been deactivated. Image data download "
                                "is forbidden.");
    }

    return rc;
}


registry_rc_e
registry_v2_rule_of(registry_request_t *rq, bool *v2,
    registry_v2_rule_e *rule)
{
    glance_str_t  name;

    name = registry_request_header(rq, "X-Glance-Policy");
    *v2 = (name.len > 0);

    if (*v2 && !registry_v2_rule_parse(name, rule)) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid value "
                                "for X-Glance-Policy: no such rule");
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_v2_once(registry_tx_t *tx, registry_request_t *rq, bool *again,
    registry_err_t *err)
{
    glance_str_t  id;

    *again = false;

    id = registry_request_header(rq, "X-Glance-New-Id");

    if (!rq->identity.service || !glance_uuid_valid(id)) {
        return REGISTRY_OK;
    }

    return registry_db_once(tx, id, again, err);
}


/* whoever signed the data relies on nobody taking others */

registry_rc_e
registry_v2_unsigned(const registry_image_t *image, registry_err_t *err)
{
    size_t  n, found;

    static const char *const  names[] = {
        "img_signature", "img_signature_hash_method",
        "img_signature_key_type", "img_signature_certificate_uuid"
    };

    n = sizeof(names) / sizeof(names[0]);
    found = 0;

    for (const registry_property_t *p = image->properties;
         p != NULL;
         p = p->next)
    {
        for (size_t i = 0; i < n; i++) {
            found += glance_str_eq(p->name, glance_str(names[i]));
        }
    }

    if (found < n) {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_INVALID, "The data of image %.*s "
                            "would have to be verified by its img_signature, "
                            "which this server cannot do.",
                            registry_v2_clip(image->id),
                            (const char *) image->id.data);
}
