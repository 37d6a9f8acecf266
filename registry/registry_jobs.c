
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_uuid.h"
#include "registry_imports.h"
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
    bool                 none;          /* nothing is to be done */
    bool                 imports;       /* are known to the worker */
    registry_found_t     data;          /* what it has found; size 0: none */
} registry_jobs_t;


static registry_rc_e registry_jobs_body(registry_request_t *rq,
    registry_jobs_t *ctx);
static registry_rc_e registry_jobs_words(registry_request_t *rq,
    registry_jobs_t *ctx, json_t *json);
static registry_rc_e registry_jobs_one(registry_request_t *rq,
    registry_jobs_t *ctx, registry_db_pt fn);
static registry_rc_e registry_jobs_found(registry_request_t *rq,
    registry_jobs_t *ctx, json_t *json);
static void registry_jobs_import(registry_out_t *out,
    const registry_job_t *job);
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

    if (rc == REGISTRY_OK && ctx.none) {
        registry_out_text(&rq->out, "{\"job\": null}");

    } else if (rc == REGISTRY_OK) {
        registry_out_text(&rq->out, "{\"job\": {\"image_id\": ");
        registry_out_string(&rq->out, ctx.job.image_id);
        registry_out_text(&rq->out, ", \"url\": ");
        registry_out_string(&rq->out, ctx.job.url);
        registry_out_text(&rq->out, ", \"tries\": ");
        registry_out_int(&rq->out, ctx.job.tries);
        registry_out_text(&rq->out, ", \"size\": ");
        registry_out_int(&rq->out, ctx.job.size);
        registry_jobs_import(&rq->out, &ctx.job);
        registry_out_text(&rq->out, "}}");
    }

    return rc;
}


static void
registry_jobs_import(registry_out_t *out, const registry_job_t *job)
{
    if (!job->import) {
        return;
    }

    registry_out_text(out, ", \"import\": {\"located\": ");
    registry_out_bool(out, job->what.located);
    registry_out_text(out, ", \"hash_algo\": ");
    registry_out_string(out, job->what.checked ? job->what.hash_algo
                                               : glance_str(""));
    registry_out_text(out, "}");
}


/*
 * {"holder": UUID} with "lease", or with "error" and "failed"; of an import,
 * with "lease", "size", "hash_algo" and "hash", that its data were found and
 * whether they will be read
 */

registry_rc_e
registry_jobs_report(registry_request_t *rq)
{
    registry_jobs_t  ctx = { .rq = rq };

    return registry_jobs_one(rq, &ctx, registry_jobs_report_run);
}


/* of an import: with "checksum", "hash_algo" and "hash_value" of the data */

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

    rc = registry_jobs_found(rq, ctx, json);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    ctx->failed = json_is_true(json_object_get(json, "failed"));
    ctx->imports = json_is_true(json_object_get(json, "imports"));
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
registry_jobs_found(registry_request_t *rq, registry_jobs_t *ctx,
    json_t *json)
{
    json_t         *value;
    registry_rc_e   rc;

    const struct {
        const char    *name;
        size_t         max;
        glance_str_t  *slot;
    } texts[] = {
        { "checksum", 32, &ctx->data.checksum },
        { "hash_algo", 64, &ctx->data.hash_algo },
        { "hash_value", 128, &ctx->data.hash_value }
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        value = json_object_get(json, texts[i].name);

        rc = registry_json_check(texts[i].name, registry_json_slice(value),
                                 texts[i].max, &rq->err);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        if (!registry_pool_copy(rq->pool, registry_json_slice(value),
                                texts[i].slot))
        {
            return registry_json_memory(&rq->err);
        }
    }

    value = json_object_get(json, "size");

    ctx->data.size = json_integer_value(value);
    ctx->data.hash = json_is_true(json_object_get(json, "hash"));

    if (ctx->data.size < 0 || ctx->data.size > GLANCE_IMAGE_SIZE_MAX) {
        return registry_err_set(&rq->err, REGISTRY_INVALID,
                                "Invalid value for size");
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_jobs_take_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_jobs_t *ctx = arg;

    registry_rc_e         rc;
    registry_job_taker_t  taker = {
        ctx->holder, ctx->node, ctx->lease, ctx->imports
    };

    rc = registry_db_job_take(tx, ctx->rq->pool, &taker, &ctx->job, err);

    /* no reason to keep those that nobody needs any more */

    ctx->none = (rc == REGISTRY_NOT_FOUND);

    return ctx->none ? REGISTRY_OK : rc;
}


static registry_rc_e
registry_jobs_report_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_jobs_t *ctx = arg;

    glance_str_t   id;
    registry_rc_e  rc;

    id = ctx->rq->params[0];

    if (ctx->text.data == NULL) {

        if (ctx->data.size > 0) {
            rc = registry_import_located(tx, ctx->rq, ctx->holder,
                                         &ctx->data, err);

            /* without anything to read there is no job any more */

            if (rc != REGISTRY_OK || !ctx->data.hash) {
                return rc;
            }
        }

        return registry_db_job_renew(tx, id, ctx->holder, ctx->lease, err);
    }

    if (ctx->failed) {
        rc = registry_import_failed(tx, ctx->rq, ctx->holder, ctx->text, err);

        /* NOT_FOUND: it is a copy */

        if (rc != REGISTRY_NOT_FOUND) {
            return rc;
        }
    }

    return ctx->failed
           ? registry_db_job_failed(tx, id, ctx->holder, ctx->text, err)
           : registry_db_job_again(tx, id, ctx->holder, ctx->text, err);
}


static registry_rc_e
registry_jobs_done_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_jobs_t *ctx = arg;

    registry_rc_e  rc;

    if (ctx->data.checksum.len > 0) {
        rc = registry_import_done(tx, ctx->rq, ctx->holder, &ctx->data, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return registry_db_job_done(tx, ctx->rq->params[0], ctx->holder, err);
}
