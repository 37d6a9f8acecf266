
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_manage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>


#define REGISTRY_MANAGE_EXPAND    "2024_1_expand01"
#define REGISTRY_MANAGE_CONTRACT  "2024_1_contract01"


static int registry_manage_info(registry_manage_t *m,
    registry_schema_info_t *info);
static bool registry_manage_missing(registry_manage_t *m);
static bool registry_manage_has(const registry_schema_info_t *info,
    const char *revision);
static bool registry_manage_target(const registry_manage_t *m,
    const registry_schema_info_t *info);
static int registry_manage_unserved(registry_manage_t *m,
    const registry_schema_info_t *info);


int
registry_manage_sync(registry_manage_t *m)
{
    int                      rc;
    registry_err_t           err;
    registry_schema_info_t   info, after;

    rc = registry_manage_info(m, &info);

    if (rc != REGISTRY_EXIT_OK) {
        return rc;
    }

    if (!registry_manage_target(m, &info)) {
        return registry_manage_error("%.60s: there is no such revision here, "
                                     "only " REGISTRY_MANAGE_CONTRACT,
                                     m->argument);
    }

    if (!info.served) {
        return registry_manage_unserved(m, &info);
    }

    if (registry_db_schema_sync(m->db, &err) != REGISTRY_OK) {
        return registry_manage_error("%s: %s", registry_db_name(m->db),
                                     err.text);
    }

    rc = registry_manage_info(m, &after);

    if (rc != REGISTRY_EXIT_OK) {
        return rc;
    }

    switch (info.state) {

    case REGISTRY_SCHEMA_EMPTY:
    case REGISTRY_SCHEMA_PARTIAL:
        (void) printf("%s: tables created, revision %s\n",
                      registry_db_name(m->db), after.version);
        break;

    case REGISTRY_SCHEMA_OWN:
        (void) printf("%s: %s, revision %s\n", registry_db_name(m->db),
                      info.latest ? "up to date" : "upgraded",
                      after.version);
        break;

    default:
        (void) printf("%s: tables of a Glance, left as they are, revision "
                      "%s\n", registry_db_name(m->db),
                      (after.version[0] != '\0') ? after.version : "unknown");

        if (!info.claims && after.claims) {
            (void) printf("created besides: ngx_glance_claims, "
                          "ngx_glance_removals, ngx_glance_once\n");
        }

        if (!info.jobs && after.jobs) {
            (void) printf("created besides: ngx_glance_jobs\n");
        }

        if (!after.claims) {
            (void) printf("WARNING: no right to create ngx_glance_claims, "
                          "ngx_glance_removals and ngx_glance_once: uploads "
                          "that are cut off stay in status saving, data that "
                          "cannot be removed at once stay in the store\n");
        }
    }

    (void) printf("Database is synced successfully.\n");

    return REGISTRY_EXIT_OK;
}


/* one revision a line: a rolling upgrade has two */

int
registry_manage_version(registry_manage_t *m)
{
    int                      rc;
    size_t                   len;
    const char              *p;
    registry_schema_info_t   info;

    if (registry_manage_missing(m)) {
        return registry_manage_error("%s: there is no such database",
                                     registry_db_name(m->db));
    }

    rc = registry_manage_info(m, &info);

    if (rc != REGISTRY_EXIT_OK) {
        return rc;
    }

    if (info.version[0] == '\0') {
        (void) printf("Database is not under migration control, please run "
                      "\"glance-manage db sync\".\n");
        return REGISTRY_EXIT_OK;
    }

    for (p = info.version; *p != '\0'; p += len) {
        p += strspn(p, ",");
        len = strcspn(p, ",");
        (void) printf("%.*s\n", (int) len, p);
    }

    return REGISTRY_EXIT_OK;
}


int
registry_manage_check(registry_manage_t *m)
{
    int                      rc;
    registry_schema_info_t   info;

    if (registry_manage_missing(m)) {
        (void) printf("There is no database yet. Your first step is to run "
                      "`glance-manage db sync`.\n");
        return REGISTRY_EXIT_EXPAND;
    }

    rc = registry_manage_info(m, &info);

    if (rc != REGISTRY_EXIT_OK) {
        return rc;
    }

    if (!info.served) {
        (void) printf("Revision %s is too old: %s. Your first step is to run "
                      "`glance-manage db sync` of the Glance that made the "
                      "database, in its release 2023.1 or later.\n",
                      (info.version[0] != '\0') ? info.version : "(none)",
                      info.reason.text);
        return REGISTRY_EXIT_EXPAND;
    }

    if (info.state == REGISTRY_SCHEMA_FOREIGN
        && registry_manage_has(&info, REGISTRY_MANAGE_EXPAND)
        && !registry_manage_has(&info, REGISTRY_MANAGE_CONTRACT))
    {
        (void) printf("Your database is not up to date. Your next step is to "
                      "run `glance-manage db contract` of the Glance that "
                      "expanded it.\n");
        return REGISTRY_EXIT_CONTRACT;
    }

    if (info.state == REGISTRY_SCHEMA_EMPTY
        || info.state == REGISTRY_SCHEMA_PARTIAL
        || (info.state == REGISTRY_SCHEMA_OWN && !info.latest)
        || !info.claims || !info.jobs)
    {
        (void) printf("Your database is not up to date. Your first step is "
                      "to run `glance-manage db sync`.\n");
        return REGISTRY_EXIT_EXPAND;
    }

    if (!registry_manage_has(&info, REGISTRY_MANAGE_CONTRACT)) {
        (void) printf("The revision is %s, which is served as it is.\n",
                      (info.version[0] != '\0') ? info.version : "unknown");
    }

    (void) printf("Database is up to date. No upgrades needed.\n");

    return REGISTRY_EXIT_OK;
}


/* what was a step of its own in 2011 is a part of "sync" */

int
registry_manage_control(registry_manage_t *m)
{
    int                      rc;
    registry_schema_info_t   info;

    rc = registry_manage_info(m, &info);

    if (rc != REGISTRY_EXIT_OK) {
        return rc;
    }

    switch (info.state) {

    case REGISTRY_SCHEMA_EMPTY:
    case REGISTRY_SCHEMA_PARTIAL:
        (void) printf("An empty database: `glance-manage db sync` creates "
                      "the tables and records their revision.\n");
        return REGISTRY_EXIT_OK;

    case REGISTRY_SCHEMA_UNKNOWN:
        return registry_manage_error("%s: has tables without a revision, "
                                     "which only the Glance that made them "
                                     "can record",
                                     registry_db_name(m->db));

    default:
        (void) printf("Database is under migration control already, revision "
                      "%s.\n", info.version);
        return REGISTRY_EXIT_OK;
    }
}


/* "migrate" and "contract": "sync" and "expand" leave nothing to them */

int
registry_manage_phase(registry_manage_t *m)
{
    int  rc;

    rc = registry_manage_check(m);

    if (rc == REGISTRY_EXIT_EXPAND || rc == REGISTRY_EXIT_CONTRACT) {
        return registry_manage_error("this step cannot be done by this "
                                     "program");
    }

    return rc;
}


int
registry_manage_refuse(registry_manage_t *m)
{
    (void) m;

    return registry_manage_error("this command is not supported");
}


int
registry_manage_error(const char *fmt, ...)
{
    va_list  args;

    (void) fflush(stdout);
    (void) fputs("ERROR: ", stderr);

    va_start(args, fmt);
    (void) vfprintf(stderr, fmt, args);
    va_end(args);

    (void) fputc('\n', stderr);

    return REGISTRY_EXIT_FAILURE;
}


static int
registry_manage_info(registry_manage_t *m, registry_schema_info_t *info)
{
    registry_err_t  err;

    if (registry_db_schema_info(m->db, info, &err) == REGISTRY_OK) {
        return REGISTRY_EXIT_OK;
    }

    return registry_manage_error("%s: %s", registry_db_name(m->db), err.text);
}


/* a look at it would create it */

static bool
registry_manage_missing(registry_manage_t *m)
{
    const char  *path;

    path = registry_db_file(m->db);

    return path != NULL && access(path, F_OK) != 0;
}


static bool
registry_manage_has(const registry_schema_info_t *info, const char *revision)
{
    return strstr(info->version, revision) != NULL;
}


/* what "db sync V" and "upgrade V" may ask for: what they bring anyway */

static bool
registry_manage_target(const registry_manage_t *m,
    const registry_schema_info_t *info)
{
    static const char *const  words[] = {
        "heads", "head", "latest", "2024_1", REGISTRY_MANAGE_CONTRACT
    };

    if (m->argument == NULL
        || (info->version[0] != '\0'
            && strcmp(m->argument, info->version) == 0))
    {
        return true;
    }

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(m->argument, words[i]) == 0) {
            return true;
        }
    }

    return false;
}


static int
registry_manage_unserved(registry_manage_t *m,
    const registry_schema_info_t *info)
{
    return registry_manage_error("%s: revision %s cannot be served: %s; "
                                 "upgrade it by `glance-manage db sync` of "
                                 "Glance 2023.1 or later",
                                 registry_db_name(m->db),
                                 (info->version[0] != '\0') ? info->version
                                                            : "(none)",
                                 info->reason.text);
}
