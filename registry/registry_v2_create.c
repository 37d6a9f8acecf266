
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2.h"

#include "glance_uuid.h"
#include "registry_db_images.h"
#include "registry_identity.h"
#include "registry_v2_fields.h"


typedef struct {
    registry_request_t  *rq;
    registry_changes_t   changes;
    registry_image_t    *image;
    bool                 chosen;        /* the id, by the API server */
} registry_v2_create_t;


static registry_rc_e registry_v2_create_parse(registry_v2_create_t *ctx);
static registry_rc_e registry_v2_create_members(registry_v2_create_t *ctx,
    json_t *json);
static registry_rc_e registry_v2_create_allow(registry_v2_create_t *ctx);
static registry_rc_e registry_v2_create_id(registry_v2_create_t *ctx);
static registry_rc_e registry_v2_create_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_v2_create_headers(registry_v2_create_t *ctx);


/* specs/v2/03 3.1 */

registry_rc_e
registry_v2_images_create(registry_request_t *rq)
{
    registry_rc_e         rc;
    registry_image_t     *image;
    registry_v2_create_t  ctx = { .rq = rq };

    image = &ctx.changes.image;

    image->size = REGISTRY_NUMBER_NULL;
    image->virtual_size = REGISTRY_NUMBER_NULL;
    image->created_at = REGISTRY_TIME_NULL;
    image->updated_at = REGISTRY_TIME_NULL;
    image->owner = rq->identity.owner;
    image->visibility = glance_str("shared");
    image->status = glance_str("queued");

    ctx.changes.set = REGISTRY_SET_STATUS;

    rc = registry_v2_create_parse(&ctx);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_create_allow(&ctx);
    }

    if (rc == REGISTRY_OK && (ctx.changes.set & REGISTRY_SET_ID) == 0) {
        rc = registry_v2_create_id(&ctx);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "image create", REGISTRY_WRITE,
                             registry_v2_create_run, &ctx, &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_create_headers(&ctx);
    }

    if (rc == REGISTRY_OK) {
        rq->status = 201;
        registry_v2_image_json(rq, &rq->out, ctx.image);
    }

    return rc;
}


static registry_rc_e
registry_v2_create_parse(registry_v2_create_t *ctx)
{
    json_t               *json;
    registry_rc_e         rc;
    registry_request_t   *rq = ctx->rq;

    rc = registry_v2_body(rq, &json);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (json_is_object(json)) {
        rc = registry_v2_create_members(ctx, json);

    } else {
        rc = registry_err_set(&rq->err, REGISTRY_INVALID, "Unexpected body "
                              "type. Expected an object.");
    }

    json_decref(json);

    return rc;
}


/* what is malformed is told before what is forbidden */

static registry_rc_e
registry_v2_create_members(registry_v2_create_t *ctx, json_t *json)
{
    json_t                *value;
    const char            *key;
    glance_str_t           read_only = glance_null_string;
    glance_str_t           reserved = glance_null_string;
    registry_rc_e          rc;
    registry_request_t    *rq = ctx->rq;
    registry_v2_formats_t  formats;

    formats = registry_v2_formats(rq);

    json_object_foreach(json, key, value) {

        rc = registry_v2_check(&formats, glance_str(key), value, &rq->err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        switch (registry_v2_access(glance_str(key), REGISTRY_V2_CREATE)) {

        case REGISTRY_V2_READ_ONLY:
            read_only = glance_str(key);
            break;

        case REGISTRY_V2_RESERVED:
            reserved = glance_str(key);
            break;

        case REGISTRY_V2_IGNORED:
            break;

        default:
            rc = registry_v2_set(rq->pool, glance_str(key), value,
                                 &ctx->changes, &rq->err);
            break;
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (read_only.data != NULL) {
        return registry_v2_refuse(read_only, REGISTRY_V2_READ_ONLY,
                                  &rq->err);
    }

    if (reserved.data != NULL) {
        return registry_v2_refuse(reserved, REGISTRY_V2_RESERVED, &rq->err);
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_create_allow(registry_v2_create_t *ctx)
{
    registry_rc_e         rc;
    glance_str_t          owner;
    registry_image_t     *image = &ctx->changes.image;
    registry_request_t   *rq = ctx->rq;

    if (!rq->identity.admin
        && (ctx->changes.set & REGISTRY_SET_OWNER)
        && !registry_identity_owns(&rq->identity, image))
    {
        owner = (image->owner.data == NULL) ? glance_str("None")
                                            : image->owner;

        return registry_err_set(&rq->err, REGISTRY_FORBIDDEN, "You are not "
                                "permitted to create images owned by "
                                "'%.*s'.", registry_v2_clip(owner),
                                (const char *) owner.data);
    }

    rc = registry_v2_allow(rq, REGISTRY_V2_ADD_IMAGE, image, &rq->err);

    if (rc == REGISTRY_OK
        && glance_str_eq(image->visibility, glance_str("public")))
    {
        rc = registry_v2_allow(rq, REGISTRY_V2_PUBLICIZE_IMAGE, NULL,
                               &rq->err);
    }

    if (rc == REGISTRY_OK
        && glance_str_eq(image->visibility, glance_str("community"))
        && !registry_v2_permits(rq, REGISTRY_V2_COMMUNITIZE_IMAGE, image))
    {
        rc = registry_v2_allow(rq, REGISTRY_V2_COMMUNITIZE_IMAGE, NULL,
                               &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_quota("tags", ctx->changes.n_tags,
                               rq->app->tag_quota, &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_quota("properties",
                               registry_v2_properties_count(image->properties),
                               rq->app->property_quota, &rq->err);
    }

    return rc;
}


/*
 * nginx asks another registry when one dies before it has answered.  An id
 * that goes with the request keeps that from becoming two images.
 */

static registry_rc_e
registry_v2_create_id(registry_v2_create_t *ctx)
{
    glance_str_t         id;
    registry_request_t  *rq = ctx->rq;

    ctx->changes.set |= REGISTRY_SET_ID;

    id = registry_request_header(rq, "X-Glance-New-Id");

    if (rq->identity.service && glance_uuid_valid(id)) {
        ctx->changes.image.id = id;
        ctx->chosen = true;

        return REGISTRY_OK;
    }

    return registry_request_new_id(rq, &ctx->changes.image.id);
}


static registry_rc_e
registry_v2_create_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_v2_create_t *ctx = arg;

    registry_rc_e        rc;
    registry_image_t    *image = &ctx->changes.image;
    registry_request_t  *rq = ctx->rq;

    rc = registry_db_image_create(tx, &ctx->changes, rq->app->property_quota,
                                  err);

    if (rc == REGISTRY_CONFLICT && ctx->chosen) {
        return registry_db_image_whole(tx, rq->pool, image->id, &ctx->image,
                                       err);
    }

    if (rc == REGISTRY_CONFLICT) {
        return registry_err_set(err, rc, "Image ID %.*s already exists!",
                                registry_v2_clip(image->id),
                                (const char *) image->id.data);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_image_whole(tx, rq->pool, image->id, &ctx->image,
                                     err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    return registry_v2_properties_apart(ctx->image,
                                        registry_v2_properties_count(
                                            image->properties), err);
}


/* where the image is, as an API server's clients see it */

static registry_rc_e
registry_v2_create_headers(registry_v2_create_t *ctx)
{
    glance_str_t         base, host;
    registry_out_t       out;
    registry_rc_e        rc;
    registry_request_t  *rq = ctx->rq;

    base = registry_request_header(rq, "X-Glance-Endpoint");
    host = registry_request_header(rq, "Host");

    registry_out_init(&out, REGISTRY_ANSWER_MAX);

    if (base.len > 0) {
        registry_out_put(&out, base);

    } else if (host.len > 0) {
        registry_out_text(&out, "http://");
        registry_out_put(&out, host);
    }

    registry_out_text(&out, "/v2/images/");
    registry_out_put(&out, ctx->image->id);

    if (out.failed) {
        rc = registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");

    } else {
        host.data = (const unsigned char *) out.data;
        host.len = out.len;
        rc = registry_request_reply_header(rq, "Location", host);
    }

    registry_out_free(&out);

    return rc;
}
