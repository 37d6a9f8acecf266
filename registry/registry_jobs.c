
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_uuid.h"
#include "registry_db_jobs.h"
#include "registry_json.h"
#include "registry_json_parse.h"
#include "registry_router.h"


#define REGISTRY_JOB_LEASE_MAX  3600
#define REGISTRY_JOB_ERROR_MAX  255     /* characters of the column */


typedef struct {
    registry_request_t  *rq;
    registry_job_t       job;
    glance_str_t         holder;
    glance_str_t         node;
    glance_str_t         text;          /* of an error */
    int64_t              lease;
    bool                 failed;        /* for good */
} registry_jobs_t;


static registry_rc_e registry_jobs_body(registry_request_t *rq,
    registry_jobs_t *ctx);
static registry_rc_e registry_jobs_words(registry_request_t *rq,
    registry_jobs_t *ctx, json_t *json);
static registry_rc_e registry_jobs_one(registry_request_t *rq,
    registry_jobs_t *ctx, registry_db_pt fn);
static registry_rc_e registry_jobs_take_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_jobs_report_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_jobs_done_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);


/* {"holder": UUID, "lease": 20, "node": ""}: the next one, or null */

registry_rc_e
registry_jobs_take(registry_request_t *rq)
{
    registry_rc_e    rc;
    registry_jobs_t  ctx = { .rq = rq };

    rc = registry_jobs_body(rq, &ctx);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    rc = registry_db_run(rq->app->db, "job take", REGISTRY_WRITE,
                         registry_jobs_take_run, &ctx, &rq->err);

    if (rc == REGISTRY_NOT_FOUND) {
        registry_out_text(&rq->out, "{\"job\": null}");
        return REGISTRY_OK;
    }

    if (rc == REGISTRY_OK) {
        registry_out_text(&rq->out, "{\"job\": {\"image_id\": ");
        registry_out_string(&rq->out, ctx.job.image_id);
        registry_out_text(&rq->out, ", \"url\": ");
        registry_out_string(&rq->out, ctx.job.url);
        registry_out_text(&rq->out, ", \"tries\": ");
        registry_out_int(&rq->out, ctx.job.tries);
        registry_out_text(&rq->out, ", \"size\": ");
        registry_out_int(&rq->out, ctx.job.size);
        registry_out_text(&rq->out, "}}");
    }

    return rc;
}


/* {"holder": UUID} with "lease", or with "error" and "failed" */

registry_rc_e
registry_jobs_report(registry_request_t *rq)
{
    registry_jobs_t  ctx = { .rq = rq };

    return registry_jobs_one(rq, &ctx, registry_jobs_report_run);
}


registry_rc_e
registry_jobs_done(registry_request_t *rq)
{
    registry_jobs_t  ctx = { .rq = rq };

    return registry_jobs_one(rq, &ctx, registry_jobs_done_run);
}


static registry_rc_e
registry_jobs_one(registry_request_t *rq, registry_jobs_t *ctx,
    registry_db_pt fn)
{
    registry_rc_e  rc;

    rc = registry_jobs_body(rq, ctx);

    if (rc == REGISTRY_OK
        && registry_json_check("id", rq->params[0], GLANCE_IMAGE_ID_MAX,
                               &rq->err)
           != REGISTRY_OK)
    {
        rc = registry_err_set(&rq->err, REGISTRY_NOT_FOUND, "Job not found");
    }

    if (rc == REGISTRY_OK) {
        rc = registry_db_run(rq->app->db, "job", REGISTRY_WRITE, fn, ctx,
                             &rq->err);
    }

    if (rc == REGISTRY_OK) {
        rq->status = 204;
    }

    return rc;
}


static registry_rc_e
registry_jobs_body(registry_request_t *rq, registry_jobs_t *ctx)
{
    json_t         *json;
    registry_rc_e   rc;

    rc = registry_json_load(rq->body, &json, &rq->err);

    if (rc == REGISTRY_OK) {
        rc = registry_jobs_words(rq, ctx, json);
        json_decref(json);
    }

    return rc;
}


static registry_rc_e
registry_jobs_words(registry_request_t *rq, registry_jobs_t *ctx,
    json_t *json)
{
    glance_str_t   holder, node, text;
    registry_rc_e  rc;

    holder = registry_json_slice(json_object_get(json, "holder"));
    node = registry_json_slice(json_object_get(json, "node"));
    text = registry_json_slice(json_object_get(json, "error"));

    if (!glance_uuid_valid(holder)) {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid value "
                                "for holder: must be a UUID");
    }

    rc = registry_json_check("node", node, GLANCE_IMAGE_NAME_MAX, &rq->err);

    if (rc == REGISTRY_OK) {
        rc = registry_json_check("error", text, REGISTRY_JOB_ERROR_MAX,
                                 &rq->err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    ctx->failed = json_is_true(json_object_get(json, "failed"));
    ctx->lease = json_integer_value(json_object_get(json, "lease"));

    if (text.data == NULL && rq->method != REGISTRY_DELETE
        && (ctx->lease < 1 || ctx->lease > REGISTRY_JOB_LEASE_MAX))
    {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "Invalid value "
                                "for lease: must be an integer between 1 and "
                                "%d", REGISTRY_JOB_LEASE_MAX);
    }

    if (!registry_pool_copy(rq->pool, holder, &ctx->holder)
        || !registry_pool_copy(rq->pool, node, &ctx->node)
        || !registry_pool_copy(rq->pool, text, &ctx->text))
    {
        return registry_json_memory(&rq->err);
    }

    if (text.data == NULL) {
        ctx->text.data = NULL;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_jobs_take_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_jobs_t *ctx = arg;

    return registry_db_job_take(tx, ctx->rq->pool, ctx->holder, ctx->node,
                                ctx->lease, &ctx->job, err);
}


static registry_rc_e
registry_jobs_report_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_jobs_t *ctx = arg;

    glance_str_t  id;

    id = ctx->rq->params[0];

    if (ctx->text.data == NULL) {
        return registry_db_job_renew(tx, id, ctx->holder, ctx->lease, err);
    }

    return ctx->failed
           ? registry_db_job_failed(tx, id, ctx->holder, ctx->text, err)
           : registry_db_job_again(tx, id, ctx->holder, ctx->text, err);
}


static registry_rc_e
registry_jobs_done_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_jobs_t *ctx = arg;

    return registry_db_job_done(tx, ctx->rq->params[0], ctx->holder, err);
}
