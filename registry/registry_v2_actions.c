
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "registry_db_images.h"
#include "registry_db_v2.h"
#include "registry_v2.h"


typedef struct {
    registry_request_t   *rq;
    const char           *verb;
    registry_v2_rule_e    rule;
    glance_status_e       from;
    glance_status_e       to;
} registry_v2_action_t;


static registry_rc_e registry_v2_action(registry_v2_action_t *ctx);
static registry_rc_e registry_v2_action_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);


registry_rc_e
registry_v2_images_deactivate(registry_request_t *rq)
{
    registry_v2_action_t  ctx = { rq, "deactivate", REGISTRY_V2_DEACTIVATE,
                                  GLANCE_STATUS_ACTIVE,
                                  GLANCE_STATUS_DEACTIVATED };

    return registry_v2_action(&ctx);
}


registry_rc_e
registry_v2_images_reactivate(registry_request_t *rq)
{
    registry_v2_action_t  ctx = { rq, "reactivate", REGISTRY_V2_REACTIVATE,
                                  GLANCE_STATUS_DEACTIVATED,
                                  GLANCE_STATUS_ACTIVE };

    return registry_v2_action(&ctx);
}


static registry_rc_e
registry_v2_action(registry_v2_action_t *ctx)
{
    registry_rc_e  rc;

    rc = registry_db_run(ctx->rq->app->db, ctx->verb, REGISTRY_WRITE,
                         registry_v2_action_run, ctx, &ctx->rq->err);

    if (rc == REGISTRY_OK) {
        ctx->rq->status = 204;
    }

    return rc;
}


static registry_rc_e
registry_v2_action_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_v2_action_t *ctx = arg;

    registry_rc_e        rc;
    glance_status_e      status;
    registry_image_t    *image;
    registry_changes_t   changes;

    rc = registry_db_image_lock(tx, ctx->rq->params[0], err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_load_for(tx, ctx->rq, ctx->rq->params[0], ctx->rule,
                                  &image, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    status = glance_status_parse(image->status);

    if (status == ctx->to) {
        return REGISTRY_OK;
    }

    if (status != ctx->from) {
        return registry_err_set(err, REGISTRY_FORBIDDEN, "Not allowed to %s "
                                "image in status '%.*s'", ctx->verb,
                                (int) image->status.len,
                                (const char *) image->status.data);
    }

    memset(&changes, 0, sizeof(registry_changes_t));

    changes.set = REGISTRY_SET_STATUS;
    changes.image.status = glance_str(glance_status_name(ctx->to));
    changes.from_state = image->status;

    return registry_db_image_update(tx, image->id, &changes, -1, err);
}
