
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_uuid.h"
#include "registry_db_claims.h"
#include "registry_json.h"
#include "registry_router.h"


#define REGISTRY_CLAIMS_MAX    1000     /* of a list */
#define REGISTRY_REMOVALS_DEF  100
#define REGISTRY_REMOVALS_MAX  1000


typedef struct {
    registry_request_t    *rq;
    registry_claim_row_t  *claims;
    size_t                 n;
    const char            *status;
    int64_t                number;      /* lease or limit */
    int64_t                after;
    glance_str_t           text;
    glance_str_t           url;         /* of a removal; NULL: any */
    registry_removal_t    *removals;
} registry_claims_t;


static registry_rc_e registry_claims_one(registry_request_t *rq,
    registry_db_mode_e mode, registry_db_pt fn, int64_t lease);
static registry_rc_e registry_claims_index_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_claims_show_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_claims_renew_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_claims_abandon_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_removals_number(registry_request_t *rq,
    const registry_arg_t *arg, uint64_t *number);
static registry_rc_e registry_removals_id(registry_request_t *rq);
static registry_rc_e registry_removals_index_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_removals_add_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_removals_failed_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_removals_done_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);


registry_rc_e
registry_claims_index(registry_request_t *rq)
{
    registry_rc_e      rc;
    registry_claims_t  ctx = { .rq = rq };

    ctx.claims = registry_pool_calloc(rq->pool, REGISTRY_CLAIMS_MAX,
                                      sizeof(registry_claim_row_t));
    if (ctx.claims == NULL) {
        return registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
    }

    rc = registry_db_run(rq->app->db, "claim list", REGISTRY_READ,
                         registry_claims_index_run, &ctx, &rq->err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_out_text(&rq->out, "{\"claims\": [");

    for (size_t i = 0; i < ctx.n; i++) {
        registry_out_text(&rq->out, (i == 0) ? "" : ", ");
        registry_json_claim(&rq->out, &ctx.claims[i], NULL);
    }

    registry_out_text(&rq->out, "]}");

    return REGISTRY_OK;
}


static registry_rc_e
registry_claims_index_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_claims_t *ctx = arg;

    ctx->n = REGISTRY_CLAIMS_MAX;

    return registry_db_claim_list(tx, ctx->rq->pool, false, ctx->claims,
                                  &ctx->n, err);
}


registry_rc_e
registry_claims_show(registry_request_t *rq)
{
    return registry_claims_one(rq, REGISTRY_READ, registry_claims_show_run,
                               0);
}


static registry_rc_e
registry_claims_show_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_claims_t *ctx = arg;

    return registry_db_claim_get(tx, ctx->rq->pool, ctx->rq->params[0],
                                 ctx->claims, err);
}


registry_rc_e
registry_claims_renew(registry_request_t *rq)
{
    int64_t        lease;
    registry_rc_e  rc;

    rc = registry_json_lease(rq->body, &lease, &rq->err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    return registry_claims_one(rq, REGISTRY_WRITE, registry_claims_renew_run,
                               lease);
}


static registry_rc_e
registry_claims_renew_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_claims_t *ctx = arg;

    registry_rc_e  rc;

    rc = registry_db_claim_renew(tx, ctx->rq->params[0], ctx->number, err);

    return (rc == REGISTRY_OK) ? registry_claims_show_run(tx, arg, err) : rc;
}


registry_rc_e
registry_claims_abandon(registry_request_t *rq)
{
    return registry_claims_one(rq, REGISTRY_WRITE,
                               registry_claims_abandon_run, 0);
}


static registry_rc_e
registry_claims_abandon_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_claims_t *ctx = arg;

    return registry_db_claim_abandon(tx, ctx->rq->pool, ctx->rq->params[0],
                                     false, ctx->claims, &ctx->status, err);
}


static registry_rc_e
registry_claims_one(registry_request_t *rq, registry_db_mode_e mode,
    registry_db_pt fn, int64_t lease)
{
    registry_rc_e         rc;
    registry_claims_t     ctx = { .rq = rq };
    registry_claim_row_t  claim;

    ctx.claims = &claim;
    ctx.number = lease;

    if (!glance_uuid_valid(rq->params[0])) {
        return registry_err_set(&rq->err, REGISTRY_NOT_FOUND,
                                "Claim not found");
    }

    rc = registry_db_run(rq->app->db, "claim", mode, fn, &ctx, &rq->err);

    if (rc == REGISTRY_OK) {
        registry_out_text(&rq->out, "{\"claim\": ");
        registry_json_claim(&rq->out, &claim, ctx.status);
        registry_out_text(&rq->out, "}");
    }

    return rc;
}


registry_rc_e
registry_removals_index(registry_request_t *rq)
{
    uint64_t            after, limit;
    registry_rc_e       rc;
    registry_arg_t     *args;
    registry_claims_t   ctx = { .rq = rq };

    rc = registry_request_args(rq, &args);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    after = 0;
    limit = REGISTRY_REMOVALS_DEF;

    for (registry_arg_t *a = args; a != NULL; a = a->next) {

        if (glance_str_eq(a->name, glance_str("limit"))) {
            rc = registry_removals_number(rq, a, &limit);

        } else if (glance_str_eq(a->name, glance_str("after"))) {
            rc = registry_removals_number(rq, a, &after);
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (limit > REGISTRY_REMOVALS_MAX) {
        limit = REGISTRY_REMOVALS_MAX;
    }

    ctx.number = (int64_t) limit;
    ctx.after = (int64_t) after;

    rc = registry_db_run(rq->app->db, "removal list", REGISTRY_READ,
                         registry_removals_index_run, &ctx, &rq->err);

    if (rc == REGISTRY_OK) {
        registry_json_removals(&rq->out, ctx.removals);
    }

    return rc;
}


static registry_rc_e
registry_removals_number(registry_request_t *rq, const registry_arg_t *arg,
    uint64_t *number)
{
    if (glance_str_u64(arg->value, INT64_MAX, number)) {
        return REGISTRY_OK;
    }

    return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid value for "
                            "%.*s: must be an integer", (int) arg->name.len,
                            (const char *) arg->name.data);
}


static registry_rc_e
registry_removals_index_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_claims_t *ctx = arg;

    return registry_db_removal_list(tx, ctx->rq->pool, ctx->after,
                                    ctx->number, &ctx->removals, err);
}


/* where an upload is about to write; found when its claim is gone */

registry_rc_e
registry_removals_add(registry_request_t *rq)
{
    registry_rc_e      rc;
    registry_claims_t  ctx = { .rq = rq };

    rc = registry_json_trace(rq->pool, rq->body, &ctx.text, &ctx.url,
                             &rq->err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "removal add", REGISTRY_WRITE,
                             registry_removals_add_run, &ctx, &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rq->status = 201;
        registry_out_text(&rq->out, "{}");
    }

    return rc;
}


static registry_rc_e
registry_removals_add_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_claims_t *ctx = arg;

    return registry_db_removal_add(tx, ctx->text, ctx->url, err);
}


registry_rc_e
registry_removals_failed(registry_request_t *rq)
{
    registry_rc_e      rc;
    registry_claims_t  ctx = { .rq = rq };

    rc = registry_json_removal(rq->pool, rq->body, &ctx.text, &ctx.url,
                               &rq->err);

    if (rc == REGISTRY_OK) {
        rc = registry_removals_id(rq);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "removal failed", REGISTRY_WRITE,
                             registry_removals_failed_run, &ctx, &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rq->status = 204;
    }

    return rc;
}


static registry_rc_e
registry_removals_failed_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_claims_t *ctx = arg;

    return registry_db_removal_failed(tx, ctx->rq->params[0], ctx->url,
                                      ctx->text, err);
}


registry_rc_e
registry_removals_done(registry_request_t *rq)
{
    registry_rc_e      rc;
    registry_claims_t  ctx = { .rq = rq };

    rc = registry_removals_id(rq);

    if (rc == REGISTRY_OK && rq->body.len > 0) {
        rc = registry_json_removal(rq->pool, rq->body, NULL, &ctx.url,
                                   &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "removal done", REGISTRY_WRITE,
                             registry_removals_done_run, &ctx, &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rq->status = 204;
    }

    return rc;
}


/* what cannot be an id is not for the database */

static registry_rc_e
registry_removals_id(registry_request_t *rq)
{
    if (registry_json_check("id", rq->params[0], GLANCE_IMAGE_ID_MAX,
                            &rq->err)
        == REGISTRY_OK)
    {
        return REGISTRY_OK;
    }

    return registry_err_set(&rq->err, REGISTRY_NOT_FOUND,
                            "Removal not found");
}


static registry_rc_e
registry_removals_done_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_claims_t *ctx = arg;

    return registry_db_removal_done(tx, ctx->rq->params[0], ctx->url, err);
}


registry_rc_e
registry_health(registry_request_t *rq)
{
    registry_rc_e  rc;

    rc = registry_db_ping(rq->app->db, &rq->err);

    if (rc == REGISTRY_OK) {
        rq->type = "text/plain; charset=UTF-8";
        registry_out_text(&rq->out, "OK");

    } else {
        rc = REGISTRY_BUSY;
    }

    return rc;
}
