
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_manage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "glance_uri.h"
#include "registry_db_claims.h"
#include "registry_db_jobs.h"
#include "registry_db_manage.h"


#define REGISTRY_MANAGE_ROWS       1000 /* of a view */
#define REGISTRY_MANAGE_URL        1024
#define REGISTRY_MANAGE_DAY        86400

#define REGISTRY_MANAGE_AGE        "30" /* days, as Glance has it */
#define REGISTRY_MANAGE_AGE_IMAGE  "180"
#define REGISTRY_MANAGE_MAX        "100"


typedef struct {
    registry_pool_t       *pool;
    registry_claim_row_t  *claims;
    registry_waiting_t    *rows;
    registry_job_t        *jobs;
    size_t                 n;
} registry_manage_view_t;


static int registry_manage_purge_run(registry_manage_t *m, bool images);
static bool registry_manage_number(registry_manage_t *m, const char *option,
    const char *def, int64_t *number);
static void registry_manage_purged(void *arg, const char *table,
    int64_t rows);
static int registry_manage_view(registry_manage_t *m, registry_db_pt fn,
    registry_manage_view_t *view);
static int registry_manage_exists(registry_manage_t *m);
static registry_rc_e registry_manage_claims_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_manage_removals_run(registry_tx_t *tx,
    void *arg, registry_err_t *err);
static registry_rc_e registry_manage_jobs_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);


int
registry_manage_purge(registry_manage_t *m)
{
    return registry_manage_purge_run(m, false);
}


int
registry_manage_purge_images(registry_manage_t *m)
{
    return registry_manage_purge_run(m, true);
}


int
registry_manage_claims(registry_manage_t *m)
{
    int                      rc;
    registry_claim_row_t    *c;
    registry_manage_view_t   view = { .n = 0 };

    rc = registry_manage_view(m, registry_manage_claims_run, &view);

    if (rc == REGISTRY_EXIT_OK) {
        (void) printf("%-36s %-36s %-7s %8s %s\n", "image", "claim", "then",
                      "expires", "node");
    }

    for (size_t i = 0; rc == REGISTRY_EXIT_OK && i < view.n; i++) {
        c = &view.claims[i];

        (void) printf("%-36.*s %-36.*s %-7s %7" PRId64 "s %.*s\n",
                      (int) c->image_id.len,
                      (const char *) c->image_id.data, (int) c->id.len,
                      (const char *) c->id.data,
                      registry_abort_name(c->on_expire), c->expires_in,
                      (int) c->node.len, (const char *) c->node.data);
    }

    registry_pool_free(view.pool);
    free(view.claims);

    return rc;
}


int
registry_manage_removals(registry_manage_t *m)
{
    int                      rc;
    char                     url[REGISTRY_MANAGE_URL];
    glance_buf_t             b;
    registry_waiting_t      *w;
    registry_manage_view_t   view = { .n = 0 };

    rc = registry_manage_view(m, registry_manage_removals_run, &view);

    if (rc == REGISTRY_EXIT_OK) {
        (void) printf("%-36s %-8s %9s %5s %s\n", "image", "waits for", "due",
                      "tries", "location");
    }

    for (size_t i = 0; rc == REGISTRY_EXIT_OK && i < view.n; i++) {
        w = &view.rows[i];

        glance_buf_init(&b, url, sizeof(url) - 1);
        glance_uri_redact(&b, w->url);
        *b.last = '\0';

        (void) printf("%-36.*s %-8s %9" PRId64 "s %5" PRId64 " %s%s%.*s\n",
                      (int) w->image_id.len,
                      (const char *) w->image_id.data,
                      (w->tries < 0) ? "scrubber" : "worker", w->due,
                      (w->tries < 0) ? 0 : w->tries, url,
                      (w->last_error.len > 0) ? "  " : "",
                      (int) w->last_error.len,
                      (const char *) w->last_error.data);
    }

    registry_pool_free(view.pool);
    free(view.rows);

    return rc;
}


int
registry_manage_jobs(registry_manage_t *m)
{
    int                      rc;
    char                     url[REGISTRY_MANAGE_URL];
    glance_buf_t             b;
    registry_manage_view_t   view = { .n = 0 };

    rc = registry_manage_view(m, registry_manage_jobs_run, &view);

    if (rc == REGISTRY_EXIT_OK) {
        (void) printf("%-36s %-7s %9s %5s %s\n", "image", "state", "due",
                      "tries", "source");
    }

    for (registry_job_t *j = view.jobs; rc == REGISTRY_EXIT_OK && j != NULL;
         j = j->next)
    {
        glance_buf_init(&b, url, sizeof(url) - 1);
        glance_uri_redact(&b, j->url);
        *b.last = '\0';

        (void) printf("%-36.*s %-7s %8" PRId64 "s %5" PRId64 " %s%s%.*s\n",
                      (int) j->image_id.len,
                      (const char *) j->image_id.data,
                      j->ended ? "failed"
                               : (j->holder.len > 0) ? "running" : "waits",
                      j->ended ? 0 : j->due, j->tries, url,
                      (j->last_error.len > 0) ? "  " : "",
                      (int) j->last_error.len,
                      (const char *) j->last_error.data);
    }

    registry_pool_free(view.pool);
    free(view.claims);
    free(view.rows);

    return rc;
}


static int
registry_manage_purge_run(registry_manage_t *m, bool images)
{
    int               rc;
    int64_t           age;
    registry_err_t    err;
    registry_purge_t  purge = { .images = images,
                                .told = registry_manage_purged };

    if (!registry_manage_number(m, "age-in-days",
                                images ? REGISTRY_MANAGE_AGE_IMAGE
                                       : REGISTRY_MANAGE_AGE, &age)
        || !registry_manage_number(m, "max-rows", REGISTRY_MANAGE_MAX,
                                   &purge.max))
    {
        return REGISTRY_EXIT_USAGE;
    }

    if (age < 0 || age > time(NULL) / REGISTRY_MANAGE_DAY) {
        return registry_manage_error("--age-in-days must be from 0 to the "
                                     "days since 1970");
    }

    if (purge.max < -1) {
        return registry_manage_error("--max-rows must be -1 or more");
    }

    rc = registry_manage_exists(m);

    if (rc != REGISTRY_EXIT_OK) {
        return rc;
    }

    /* with age 0 also what was deleted in this second */

    purge.before = (int64_t) time(NULL) - age * REGISTRY_MANAGE_DAY
                   + ((age == 0) ? 1 : 0);

    if (registry_db_purge(m->db, &purge, &err) != REGISTRY_OK) {
        return registry_manage_error("%s: %s", registry_db_name(m->db),
                                     err.text);
    }

    return REGISTRY_EXIT_OK;
}


static bool
registry_manage_number(registry_manage_t *m, const char *option,
    const char *def, int64_t *number)
{
    char        *end;
    long long    n;
    const char  *text;

    text = registry_cli_value(m->cli, option);

    if (text == NULL) {
        text = def;
    }

    n = strtoll(text, &end, 10);

    if (end == text || *end != '\0' || n > INT32_MAX || n < INT32_MIN) {
        (void) fprintf(stderr, "glance-manage: error: --%s must be an "
                       "integer\n", option);
        return false;
    }

    *number = n;

    return true;
}


static void
registry_manage_purged(void *arg, const char *table, int64_t rows)
{
    (void) arg;
    (void) printf("%-20s %" PRId64 " rows deleted\n", table, rows);
}


static int
registry_manage_view(registry_manage_t *m, registry_db_pt fn,
    registry_manage_view_t *view)
{
    int             rc;
    registry_err_t  err;

    rc = registry_manage_exists(m);

    if (rc != REGISTRY_EXIT_OK) {
        return rc;
    }

    view->pool = registry_pool_new();
    view->claims = calloc(REGISTRY_MANAGE_ROWS, sizeof(registry_claim_row_t));
    view->rows = calloc(REGISTRY_MANAGE_ROWS, sizeof(registry_waiting_t));

    if (view->pool == NULL || view->claims == NULL || view->rows == NULL) {
        return registry_manage_error("out of memory");
    }

    if (registry_db_run(m->db, "view", REGISTRY_READ, fn, view, &err)
        != REGISTRY_OK)
    {
        return registry_manage_error("%s: %s", registry_db_name(m->db),
                                     err.text);
    }

    return REGISTRY_EXIT_OK;
}


/* these commands are not to create tables */

static int
registry_manage_exists(registry_manage_t *m)
{
    const char              *path;
    registry_err_t           err;
    registry_schema_info_t   info;

    path = registry_db_file(m->db);
    info.state = REGISTRY_SCHEMA_EMPTY;

    if ((path == NULL || access(path, F_OK) == 0)
        && registry_db_schema_info(m->db, &info, &err) != REGISTRY_OK)
    {
        return registry_manage_error("%s: %s", registry_db_name(m->db),
                                     err.text);
    }

    if (info.state == REGISTRY_SCHEMA_EMPTY) {
        return registry_manage_error("%s: has no tables yet, run "
                                     "`glance-manage db sync`",
                                     registry_db_name(m->db));
    }

    return REGISTRY_EXIT_OK;
}


static registry_rc_e
registry_manage_claims_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_manage_view_t *view = arg;

    view->n = REGISTRY_MANAGE_ROWS;

    return registry_db_claim_list(tx, view->pool, false, view->claims,
                                  &view->n, err);
}


static registry_rc_e
registry_manage_removals_run(registry_tx_t *tx, void *arg,
    registry_err_t *err)
{
    registry_manage_view_t *view = arg;

    return registry_db_waiting(tx, view->pool, view->rows,
                               REGISTRY_MANAGE_ROWS, &view->n, err);
}


static registry_rc_e
registry_manage_jobs_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_manage_view_t *view = arg;

    return registry_db_job_list(tx, view->pool, REGISTRY_MANAGE_ROWS,
                                &view->jobs, err);
}
