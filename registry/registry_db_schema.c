
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry_log.h"
#include "registry_schema.h"
#include "registry_tx.h"


#define REGISTRY_SCHEMA_TRIES     10

/* tables of our own, also in a database of others */
#define REGISTRY_SCHEMA_CLAIMS    "002_ngx_glance_claims"
#define REGISTRY_SCHEMA_JOBS      "007_ngx_glance_jobs"
#define REGISTRY_SCHEMA_ONCE      "008_ngx_glance_once"
#define REGISTRY_SCHEMA_IMPORTS   "009_ngx_glance_imports"
#define REGISTRY_SCHEMA_LAST      REGISTRY_SCHEMA_IMPORTS
#define REGISTRY_SCHEMA_CREATING  "creating"


typedef struct {
    bool  images;
    bool  alembic;
    bool  marker;
    bool  claims;
    bool  removals;
    bool  jobs;
    bool  imports;
    bool  once;
    char  created[64];          /* value in the marker */
    char  version[128];
} registry_schema_found_t;


static registry_rc_e registry_schema_look(registry_tx_t *tx,
    registry_schema_found_t *found, registry_err_t *err);
static registry_rc_e registry_schema_table(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_schema_created(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_schema_version(void *arg,
    const registry_value_t *row);
static registry_schema_e registry_schema_state(
    const registry_schema_found_t *found);
static registry_rc_e registry_schema_once(registry_db_t *db,
    registry_err_t *err);
static registry_rc_e registry_schema_create(registry_tx_t *tx,
    const char *after, registry_err_t *err);
static registry_rc_e registry_schema_adopt(registry_tx_t *tx,
    const registry_schema_found_t *found, registry_err_t *err);
static registry_rc_e registry_schema_columns(registry_tx_t *tx,
    registry_err_t *err);
static registry_rc_e registry_schema_nothing(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_schema_file(registry_tx_t *tx,
    const registry_schema_file_t *file, registry_err_t *err);
static registry_rc_e registry_schema_mark(registry_tx_t *tx,
    const char *value, registry_err_t *err);
static bool registry_schema_known(const char *version);


/* the heads of Glance 26 to 33; others may work, which is found out */

static const char *const  registry_schema_heads[] = {
    "2024_1_contract01",
    "2023_1_contract01",
    "wallaby_contract01",
    "zed_contract01",
    NULL
};

/* everything that our statements name */

static const char *const  registry_schema_needed[] = {
    "SELECT id, name, size, status, created_at, updated_at, deleted_at,"
    " deleted, disk_format, container_format, checksum, owner, min_disk,"
    " min_ram, protected, virtual_size, visibility, os_hidden, os_hash_algo,"
    " os_hash_value FROM images WHERE id = ''",
    "SELECT id, image_id, name, value, created_at, updated_at, deleted_at,"
    " deleted FROM image_properties WHERE id = 0",
    "SELECT id, image_id, value, created_at, updated_at, deleted_at, deleted,"
    " meta_data, status FROM image_locations WHERE id = 0",
    "SELECT id, image_id, member, can_share, created_at, updated_at,"
    " deleted_at, deleted, status FROM image_members WHERE id = 0",
    "SELECT id, image_id, value, created_at, updated_at, deleted_at, deleted"
    " FROM image_tags WHERE id = 0",
    NULL
};


registry_rc_e
registry_db_schema_info(registry_db_t *db, registry_schema_info_t *info,
    registry_err_t *err)
{
    registry_tx_t            tx;
    registry_rc_e            rc;
    registry_schema_found_t  found;

    memset(info, 0, sizeof(registry_schema_info_t));

    rc = registry_db_session(db, &tx, err);

    if (rc == REGISTRY_OK) {
        rc = registry_schema_look(&tx, &found, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    info->state = registry_schema_state(&found);
    info->claims = found.claims && found.removals && found.once;
    info->jobs = found.jobs && found.imports;
    info->latest = (strcmp(found.created, REGISTRY_SCHEMA_LAST) >= 0);
    info->served = true;

    (void) snprintf(info->version, sizeof(info->version), "%s",
                    found.version);

    if (info->state == REGISTRY_SCHEMA_FOREIGN
        || info->state == REGISTRY_SCHEMA_UNKNOWN)
    {
        rc = registry_schema_columns(&tx, &info->reason);
        info->served = (rc == REGISTRY_OK);

        if (rc == REGISTRY_BUSY) {
            *err = info->reason;
            return rc;
        }
    }

    return REGISTRY_OK;
}


/* two programs that create the same tables may get in each other's way */

registry_rc_e
registry_db_schema_sync(registry_db_t *db, registry_err_t *err)
{
    registry_rc_e  rc;

    for (int i = 1; /* void */ ; i++) {

        rc = registry_schema_once(db, err);

        if (rc != REGISTRY_BUSY || i >= REGISTRY_SCHEMA_TRIES) {
            return rc;
        }

        registry_db_drop(db);

        if (__atomic_load_n(&db->down, __ATOMIC_RELAXED)) {
            return rc;
        }

        registry_log(REGISTRY_LOG_DEBUG, REGISTRY_SQL_LOG,
                     "schema tried again reason=\"%s\"", err->text);
    }
}


registry_rc_e
registry_db_ready(registry_db_t *db, registry_err_t *err)
{
    registry_rc_e  rc;

    if (__atomic_load_n(&db->ready, __ATOMIC_ACQUIRE)) {
        return REGISTRY_OK;
    }

    (void) pthread_mutex_lock(&db->lock);

    if (db->ready) {
        rc = REGISTRY_OK;
        goto done;
    }

    if (registry_db_clock() < db->next_try) {
        rc = registry_err_set(err, (registry_rc_e) db->last.code, "%s",
                              db->last.text);
        goto done;
    }

    rc = registry_db_schema_sync(db, err);

    if (rc == REGISTRY_OK) {
        registry_log(REGISTRY_LOG_INFO, REGISTRY_SQL_LOG,
                     "ready database=\"%s\" claims=%s indexes=%s", db->name,
                     db->claims ? "yes" : "no",
                     db->own_indexes ? "own" : "glance");
        __atomic_store_n(&db->ready, 1, __ATOMIC_RELEASE);
        goto done;
    }

    err->code = (int) rc;
    db->last = *err;
    db->next_try = registry_db_clock() + db->interval;

done:

    (void) pthread_mutex_unlock(&db->lock);

    return rc;
}


static registry_rc_e
registry_schema_once(registry_db_t *db, registry_err_t *err)
{
    registry_tx_t            tx;
    registry_rc_e            rc;
    registry_schema_e        state;
    registry_schema_found_t  found;

    rc = registry_db_session(db, &tx, err);

    if (rc == REGISTRY_OK) {
        rc = registry_schema_look(&tx, &found, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    state = registry_schema_state(&found);

    switch (state) {

    case REGISTRY_SCHEMA_EMPTY:
    case REGISTRY_SCHEMA_PARTIAL:
        registry_log(REGISTRY_LOG_INFO, REGISTRY_SQL_LOG,
                     "creating tables database=\"%s\"", db->name);

        rc = registry_schema_create(&tx, "", err);
        break;

    case REGISTRY_SCHEMA_OWN:
        if (strcmp(found.created, REGISTRY_SCHEMA_LAST) < 0) {
            registry_log(REGISTRY_LOG_INFO, REGISTRY_SQL_LOG,
                         "upgrading tables database=\"%s\" from=\"%s\"",
                         db->name, found.created);

            rc = registry_schema_create(&tx, found.created, err);
        }

        break;

    default:
        rc = registry_schema_adopt(&tx, &found, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_schema_look(&tx, &found, err);
    }

    if (rc == REGISTRY_OK) {
        db->own_indexes = (registry_schema_state(&found)
                           == REGISTRY_SCHEMA_OWN);
        db->claims = found.claims && found.removals;
        db->jobs = db->claims && found.jobs && found.imports;
        db->once = found.once;
    }

    return rc;
}


static registry_rc_e
registry_schema_look(registry_tx_t *tx, registry_schema_found_t *found,
    registry_err_t *err)
{
    registry_rc_e  rc;

    memset(found, 0, sizeof(registry_schema_found_t));

    rc = registry_tx_query(tx, "SELECT name FROM {tables}", "t", NULL, 0,
                           registry_schema_table, found, err);

    if (rc == REGISTRY_OK && found->marker) {
        rc = registry_tx_query(tx, "SELECT value FROM ngx_glance_schema"
                               " WHERE name = 'created'", "t", NULL, 0,
                               registry_schema_created, found, err);
    }

    if (rc == REGISTRY_OK && found->alembic) {
        rc = registry_tx_query(tx, "SELECT version_num FROM alembic_version"
                               " ORDER BY version_num", "t", NULL, 0,
                               registry_schema_version, found, err);
    }

    return rc;
}


static registry_rc_e
registry_schema_table(void *arg, const registry_value_t *row)
{
    registry_schema_found_t *found = arg;

    const struct {
        const char  *name;
        bool        *flag;
    } tables[] = {
        { "images", &found->images },
        { "alembic_version", &found->alembic },
        { "ngx_glance_schema", &found->marker },
        { "ngx_glance_claims", &found->claims },
        { "ngx_glance_removals", &found->removals },
        { "ngx_glance_jobs", &found->jobs },
        { "ngx_glance_imports", &found->imports },
        { "ngx_glance_once", &found->once }
    };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {

        if (glance_str_eq(row[0].text, glance_str(tables[i].name))) {
            *tables[i].flag = true;
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_schema_created(void *arg, const registry_value_t *row)
{
    registry_schema_found_t *found = arg;

    (void) snprintf(found->created, sizeof(found->created), "%.*s",
                    (int) row[0].text.len, (const char *) row[0].text.data);

    return REGISTRY_OK;
}


static registry_rc_e
registry_schema_version(void *arg, const registry_value_t *row)
{
    registry_schema_found_t *found = arg;

    size_t  len;

    len = strlen(found->version);

    (void) snprintf(found->version + len, sizeof(found->version) - len,
                    "%s%.*s", (len == 0) ? "" : ",", (int) row[0].text.len,
                    (const char *) row[0].text.data);

    return REGISTRY_OK;
}


static registry_schema_e
registry_schema_state(const registry_schema_found_t *found)
{
    if (found->created[0] != '\0') {
        return (strcmp(found->created, REGISTRY_SCHEMA_CREATING) == 0)
               ? REGISTRY_SCHEMA_PARTIAL
               : REGISTRY_SCHEMA_OWN;
    }

    if (!found->images) {
        return REGISTRY_SCHEMA_EMPTY;
    }

    return (found->version[0] == '\0') ? REGISTRY_SCHEMA_UNKNOWN
                                       : REGISTRY_SCHEMA_FOREIGN;
}


/*
 * Every statement may be repeated and be run by several programs at once, so
 * that no lock is needed, which would not work on a cluster anyway.  SQLite
 * does it in one transaction, MySQL commits each table.
 */

static registry_rc_e
registry_schema_create(registry_tx_t *tx, const char *after,
    registry_err_t *err)
{
    registry_rc_e                 rc;
    const registry_sql_driver_t  *driver = tx->db->driver;

    rc = driver->begin(tx->sql, err);

    for (const registry_schema_file_t *file = registry_schema_files;
         file->name != NULL && rc == REGISTRY_OK;
         file++)
    {
        if (strcmp(file->driver, driver->name) != 0
            || strcmp(file->name, after) <= 0)
        {
            continue;
        }

        rc = registry_schema_file(tx, file, err);

        if (rc == REGISTRY_OK && strncmp(file->name, "000", 3) == 0) {
            rc = registry_schema_mark(tx, REGISTRY_SCHEMA_CREATING, err);
        }
    }

    if (rc == REGISTRY_OK && after[0] == '\0') {
        rc = registry_tx_exec(tx, "{insert ignore} INTO alembic_version"
                              " (version_num) VALUES ('2024_1_contract01')",
                              NULL, 0, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_schema_mark(tx, REGISTRY_SCHEMA_LAST, err);
    }

    if (rc == REGISTRY_OK) {
        rc = driver->commit(tx->sql, err);
    }

    if (rc != REGISTRY_OK) {
        driver->rollback(tx->sql);
    }

    return rc;
}


/* a database of a Python Glance, which goes on using it */

static registry_rc_e
registry_schema_adopt(registry_tx_t *tx,
    const registry_schema_found_t *found, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_schema_columns(tx, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (!registry_schema_known(found->version)) {
        registry_log(REGISTRY_LOG_WARNING, REGISTRY_SQL_LOG,
                     "unknown revision, but all columns are there "
                     "alembic_version=\"%s\"", found->version);
    }

    if (found->claims && found->removals && found->jobs && found->imports
        && found->once)
    {
        return REGISTRY_OK;
    }

    for (const registry_schema_file_t *file = registry_schema_files;
         file->name != NULL;
         file++)
    {
        if (strcmp(file->driver, tx->db->driver->name) != 0
            || (strcmp(file->name, REGISTRY_SCHEMA_CLAIMS) != 0
                && strcmp(file->name, REGISTRY_SCHEMA_JOBS) != 0
                && strcmp(file->name, REGISTRY_SCHEMA_IMPORTS) != 0
                && strcmp(file->name, REGISTRY_SCHEMA_ONCE) != 0))
        {
            continue;
        }

        rc = registry_schema_file(tx, file, err);

        if (rc != REGISTRY_OK && rc != REGISTRY_BUSY) {
            registry_log(REGISTRY_LOG_WARNING, REGISTRY_SQL_LOG,
                         "no tables of %s: %s reason=\"%s\"", file->name,
                         (strcmp(file->name, REGISTRY_SCHEMA_JOBS) == 0
                          || strcmp(file->name, REGISTRY_SCHEMA_IMPORTS) == 0)
                         ? "nothing is copied from other servers"
                         : (strcmp(file->name, REGISTRY_SCHEMA_ONCE) == 0)
                         ? "what a dying registry did may be done twice"
                         : "uploads that are cut off stay in status saving, "
                           "data that cannot be removed at once stay in the "
                           "store",
                         err->text);
            rc = REGISTRY_OK;
        }
    }

    return rc;
}


static registry_rc_e
registry_schema_columns(registry_tx_t *tx, registry_err_t *err)
{
    registry_rc_e    rc;
    registry_err_t   reason;

    for (size_t i = 0; registry_schema_needed[i] != NULL; i++) {

        rc = registry_tx_query(tx, registry_schema_needed[i], "", NULL, 0,
                               registry_schema_nothing, NULL, err);

        if (rc == REGISTRY_OK || rc == REGISTRY_BUSY) {
            continue;
        }

        reason = *err;

        return registry_err_set(err, REGISTRY_INVALID, "the database is not "
                                "that of Glance 26 or later: %.180s",
                                reason.text);
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_schema_nothing(void *arg, const registry_value_t *row)
{
    (void) arg;
    (void) row;

    return REGISTRY_OK;
}


static registry_rc_e
registry_schema_file(registry_tx_t *tx, const registry_schema_file_t *file,
    registry_err_t *err)
{
    char           *text, *p, *end;
    registry_rc_e   rc;

    text = strdup(file->text);
    if (text == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    rc = REGISTRY_OK;

    for (p = text; rc == REGISTRY_OK && p != NULL && *p != '\0'; p = end) {

        end = strstr(p, ";\n");

        if (end != NULL) {
            *end = '\0';
            end += 2;
        }

        rc = tx->db->driver->direct(tx->sql, p, err);
    }

    free(text);

    return rc;
}


static registry_rc_e
registry_schema_mark(registry_tx_t *tx, const char *value,
    registry_err_t *err)
{
    registry_rc_e     rc;
    registry_value_t  args[1];

    args[0] = registry_value_str(value);

    rc = registry_tx_exec(tx, "{insert ignore} INTO ngx_glance_schema"
                          " (name, value) VALUES ('created', ?)", args, 1,
                          err);

    if (rc == REGISTRY_OK && strcmp(value, REGISTRY_SCHEMA_CREATING) != 0) {
        rc = registry_tx_exec(tx, "UPDATE ngx_glance_schema SET value = ?"
                              " WHERE name = 'created'", args, 1, err);
    }

    return rc;
}


/* one row must be a head; a rolling upgrade has an expand row besides it */

static bool
registry_schema_known(const char *version)
{
    for (size_t i = 0; registry_schema_heads[i] != NULL; i++) {

        if (strstr(version, registry_schema_heads[i]) != NULL) {
            return true;
        }
    }

    return false;
}
