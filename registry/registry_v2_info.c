
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2.h"

#include <jansson.h>
#include <stdlib.h>

#include "registry_db_v2.h"
#include "registry_v2_fields.h"
#include "registry_v2_schema_docs.h"


/* what there is: schemas, ways to import, stores, tasks of an image */

typedef struct {
    registry_request_t  *rq;
    registry_v2_task_t  *tasks;
} registry_v2_info_t;


static registry_rc_e registry_v2_tasks_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static void registry_v2_task_json(registry_out_t *out,
    const registry_v2_task_t *task, glance_str_t image_id);
static void registry_v2_task_time(registry_out_t *out, const char *key,
    glance_str_t text);
static void registry_v2_task_object(registry_out_t *out, const char *key,
    glance_str_t text);


registry_rc_e
registry_v2_schemas_show(registry_request_t *rq)
{
    registry_v2_formats_t  formats;

    formats = registry_v2_formats(rq);

    if (registry_v2_schema(&rq->out, rq->params[0], &formats)
        || registry_v2_schema_doc(&rq->out, "", rq->params[0]))
    {
        return REGISTRY_OK;
    }

    return registry_err_set(&rq->err, REGISTRY_NOT_FOUND,
                            "The resource could not be found.");
}


registry_rc_e
registry_v2_schemas_metadefs(registry_request_t *rq)
{
    if (registry_v2_schema_doc(&rq->out, "metadefs/", rq->params[0])) {
        return REGISTRY_OK;
    }

    return registry_err_set(&rq->err, REGISTRY_NOT_FOUND,
                            "The resource could not be found.");
}


/* data come by PUT /v2/images/ID/file, and no other way so far */

registry_rc_e
registry_v2_info_import(registry_request_t *rq)
{
    registry_out_text(&rq->out, "{\"import-methods\": {\"description\": "
                      "\"The ways to import data\", \"type\": \"array\", "
                      "\"value\": []}}");

    return REGISTRY_OK;
}


/* an API server has one store to write to */

registry_rc_e
registry_v2_info_stores(registry_request_t *rq)
{
    return registry_err_set(&rq->err, REGISTRY_NOT_FOUND, "Multi backend is "
                            "not supported at this site.");
}


registry_rc_e
registry_v2_info_stores_detail(registry_request_t *rq)
{
    registry_rc_e  rc;

    rc = registry_v2_allow(rq, REGISTRY_V2_STORES_INFO_DETAIL, NULL,
                           &rq->err);

    return (rc == REGISTRY_OK) ? registry_v2_info_stores(rq) : rc;
}


/* Keystone's limits are not asked for */

registry_rc_e
registry_v2_info_usage(registry_request_t *rq)
{
    registry_out_text(&rq->out, "{\"usage\": {}}");

    return REGISTRY_OK;
}


registry_rc_e
registry_v2_images_tasks(registry_request_t *rq)
{
    registry_rc_e       rc;
    registry_v2_info_t  ctx = { rq, NULL };

    rc = registry_db_run(rq->app->db, "tasks", REGISTRY_READ,
                         registry_v2_tasks_run, &ctx, &rq->err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_out_text(&rq->out, "{\"tasks\": [");

    for (const registry_v2_task_t *t = ctx.tasks; t != NULL; t = t->next) {
        registry_v2_task_json(&rq->out, t, rq->params[0]);
        registry_out_text(&rq->out, (t->next == NULL) ? "" : ", ");
    }

    registry_out_text(&rq->out, "]}");

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_tasks_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_v2_info_t *ctx = arg;

    registry_rc_e      rc;
    registry_image_t  *image;

    rc = registry_v2_load_for(tx, ctx->rq, ctx->rq->params[0],
                              REGISTRY_V2_GET_IMAGE, &image, err);

    if (rc == REGISTRY_OK) {
        rc = registry_db_v2_tasks(tx, ctx->rq->pool, image->id, &ctx->tasks,
                                  err);
    }

    return rc;
}


/* rows as a Python Glance shows them, which imports into our database */

static void
registry_v2_task_json(registry_out_t *out, const registry_v2_task_t *task,
    glance_str_t image_id)
{
    registry_out_text(out, "{\"id\": ");
    registry_out_string(out, task->id);

    registry_v2_json_text(out, "type", task->type);
    registry_v2_json_text(out, "status", task->status);
    registry_v2_json_text(out, "owner", task->owner);
    registry_v2_task_time(out, "expires_at", task->expires_at);
    registry_v2_task_time(out, "created_at", task->created_at);
    registry_v2_task_time(out, "updated_at", task->updated_at);

    registry_out_text(out, ", \"deleted_at\": null, \"deleted\": false");

    registry_v2_json_text(out, "image_id", image_id);
    registry_v2_json_text(out, "request_id", task->request_id);
    registry_v2_json_text(out, "user_id", task->user_id);
    registry_v2_task_object(out, "input", task->input);
    registry_v2_task_object(out, "result", task->result);
    registry_v2_json_text(out, "message", task->message);

    registry_out_text(out, "}");
}


/* microseconds, also where the database has none, and no Z */

static void
registry_v2_task_time(registry_out_t *out, const char *key, glance_str_t text)
{
    char          time[32];
    size_t        len;
    glance_str_t  s = glance_null_string;

    static const char  zero[] = "0000-00-00T00:00:00.000000";

    if (text.data != NULL) {
        len = sizeof(zero) - 1;

        for (size_t i = 0; i < len; i++) {
            time[i] = (i < text.len && i != 10) ? (char) text.data[i]
                                                : zero[i];
        }

        s.data = (const unsigned char *) time;
        s.len = len;
    }

    registry_v2_json_text(out, key, s);
}


/* the text is somebody else's: what is no JSON does not get through */

static void
registry_v2_task_object(registry_out_t *out, const char *key,
    glance_str_t text)
{
    char    *dump;
    json_t  *json;

    dump = NULL;
    json = NULL;

    if (text.data != NULL) {
        json = json_loadb((const char *) text.data, text.len, 0, NULL);
        dump = (json != NULL) ? json_dumps(json, JSON_PRESERVE_ORDER) : NULL;
    }

    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": ");
    registry_out_text(out, (dump == NULL) ? "null" : dump);

    free(dump);
    json_decref(json);
}
