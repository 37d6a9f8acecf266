
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_sql.h"

#include <stdlib.h>
#include <string.h>

#include "registry_log.h"


static registry_rc_e registry_sql_statement(registry_sql_t *sql,
    const char *text, registry_stmt_t **stmt, registry_err_t *err);
static char *registry_sql_expand(const registry_sql_driver_t *driver,
    const char *text);
static size_t registry_sql_token(const registry_sql_driver_t *driver,
    const char *p, const char **value);
static void registry_sql_free(registry_stmt_t *stmt);


registry_value_t
registry_value_int(int64_t number)
{
    registry_value_t  v;

    memset(&v, 0, sizeof(registry_value_t));

    v.type = REGISTRY_VALUE_INT;
    v.number = number;

    return v;
}


registry_value_t
registry_value_text(glance_str_t text)
{
    registry_value_t  v;

    memset(&v, 0, sizeof(registry_value_t));

    if (text.data != NULL) {
        v.type = REGISTRY_VALUE_TEXT;
        v.text = text;
    }

    return v;
}


registry_value_t
registry_value_str(const char *text)
{
    glance_str_t  s = glance_null_string;

    return registry_value_text((text == NULL) ? s : glance_str(text));
}


registry_rc_e
registry_sql_exec(registry_sql_t *sql, const char *text,
    const registry_value_t *args, size_t n, registry_err_t *err)
{
    registry_rc_e     rc;
    registry_stmt_t  *stmt;

    rc = registry_sql_statement(sql, text, &stmt, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    return sql->driver->exec(sql, stmt, args, n, err);
}


registry_rc_e
registry_sql_query(registry_sql_t *sql, const char *text, const char *types,
    const registry_value_t *args, size_t n, registry_row_pt row, void *arg,
    registry_err_t *err)
{
    registry_rc_e     rc;
    registry_stmt_t  *stmt;

    rc = registry_sql_statement(sql, text, &stmt, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    return sql->driver->query(sql, stmt, types, args, n, row, arg, err);
}


void
registry_sql_forget(registry_sql_t *sql)
{
    registry_stmt_t  *stmt;

    while (sql->statements != NULL) {
        stmt = sql->statements;
        sql->statements = stmt->next;
        registry_sql_free(stmt);
    }

    sql->n_statements = 0;
}


/*
 * The store is a list in order of last use: the handful of statements that
 * make up nearly all requests stay in front, and the texts of rare list
 * filters fall off the end.
 */

static registry_rc_e
registry_sql_statement(registry_sql_t *sql, const char *text,
    registry_stmt_t **stmt, registry_err_t *err)
{
    char              *expanded;
    uint64_t           hash;
    registry_rc_e      rc;
    registry_stmt_t   *s, **p, **last;

    sql->fault = REGISTRY_FAULT_NONE;

    hash = 14695981039346656037u;               /* FNV-1a */

    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char) *c) * 1099511628211u;
    }

    last = NULL;

    for (p = &sql->statements; *p != NULL; p = &(*p)->next) {
        s = *p;

        if (s->hash == hash && strcmp(s->text, text) == 0) {
            *p = s->next;
            s->next = sql->statements;
            sql->statements = s;
            *stmt = s;
            return REGISTRY_OK;
        }

        last = p;
    }

    if (sql->n_statements >= REGISTRY_SQL_STATEMENTS && last != NULL) {
        s = *last;
        *last = NULL;
        sql->n_statements--;
        registry_sql_free(s);
    }

    expanded = registry_sql_expand(sql->driver, text);
    if (expanded == NULL) {
        sql->fault = REGISTRY_FAULT_OTHER;
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    registry_log(REGISTRY_LOG_DEBUG, REGISTRY_SQL_LOG, "prepare sql=\"%s\"",
                 expanded);

    rc = sql->driver->prepare(sql, expanded, &s, err);

    free(expanded);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    s->driver = sql->driver;
    s->hash = hash;

    s->text = strdup(text);
    if (s->text == NULL) {
        registry_sql_free(s);
        sql->fault = REGISTRY_FAULT_OTHER;
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    s->next = sql->statements;
    sql->statements = s;
    sql->n_statements++;

    *stmt = s;

    return REGISTRY_OK;
}


static char *
registry_sql_expand(const registry_sql_driver_t *driver, const char *text)
{
    char        *out, *q;
    size_t       len, skip;
    const char  *p, *value;

    len = 1;

    for (p = text; *p != '\0'; p += skip) {
        skip = registry_sql_token(driver, p, &value);
        len += (value == NULL) ? 1 : strlen(value);
    }

    out = malloc(len);
    if (out == NULL) {
        return NULL;
    }

    q = out;

    for (p = text; *p != '\0'; p += skip) {
        skip = registry_sql_token(driver, p, &value);

        if (value == NULL) {
            *q++ = *p;
            continue;
        }

        len = strlen(value);
        memcpy(q, value, len);
        q += len;
    }

    *q = '\0';

    return out;
}


/* how many bytes of the text are taken; *value NULL: they stand as they are */

static size_t
registry_sql_token(const registry_sql_driver_t *driver, const char *p,
    const char **value)
{
    size_t  len;

    *value = NULL;

    if (*p != '{') {
        return 1;
    }

    for (const registry_dialect_t *d = driver->dialect; d->token != NULL; d++)
    {
        len = strlen(d->token);

        if (strncmp(p, d->token, len) == 0) {
            *value = d->text;
            return len;
        }
    }

    return 1;
}


static void
registry_sql_free(registry_stmt_t *stmt)
{
    free(stmt->text);
    stmt->text = NULL;
    stmt->driver->unprepare(stmt);
}
