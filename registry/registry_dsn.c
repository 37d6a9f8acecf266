
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_dsn.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glance_str.h"


typedef struct {
    const char  *name;
    size_t       offset;        /* of a char pointer in registry_dsn_t */
} registry_dsn_param_t;


static registry_rc_e registry_dsn_mysql(registry_dsn_t *dsn, char *rest,
    registry_err_t *err);
static registry_rc_e registry_dsn_authority(registry_dsn_t *dsn, char *text,
    registry_err_t *err);
static registry_rc_e registry_dsn_params(registry_dsn_t *dsn, char *text,
    registry_err_t *err);
static bool registry_dsn_decode(char *text);


/* charset, use_unicode and the like are ours to decide */

static const registry_dsn_param_t  registry_dsn_names[] = {
    { "unix_socket", offsetof(registry_dsn_t, unix_socket) },
    { "ssl_ca", offsetof(registry_dsn_t, ssl_ca) },
    { "ssl_cert", offsetof(registry_dsn_t, ssl_cert) },
    { "ssl_key", offsetof(registry_dsn_t, ssl_key) },
    { "read_default_file", offsetof(registry_dsn_t, defaults_file) },
    { NULL, 0 }
};


registry_rc_e
registry_dsn_parse(registry_dsn_t *dsn, const char *url, registry_err_t *err)
{
    char           *scheme, *rest, *p;
    registry_rc_e   rc;

    memset(dsn, 0, sizeof(registry_dsn_t));

    dsn->memory = strdup(url);
    if (dsn->memory == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    scheme = dsn->memory;

    rest = strstr(scheme, "://");
    if (rest == NULL) {
        rc = registry_err_set(err, REGISTRY_INVALID, "sql_connection is no "
                              "URL: \"://\" is missing");
        goto failed;
    }

    *rest = '\0';
    rest += 3;

    p = strchr(scheme, '+');
    if (p != NULL) {
        *p = '\0';
    }

    if (strcmp(scheme, "mysql") == 0 || strcmp(scheme, "mariadb") == 0) {
        dsn->type = REGISTRY_DSN_MYSQL;
        rc = registry_dsn_mysql(dsn, rest, err);

    } else if (strcmp(scheme, "sqlite") == 0) {
        dsn->type = REGISTRY_DSN_SQLITE;

        p = strchr(rest, '?');
        if (p != NULL) {
            *p = '\0';
        }

        if (rest[0] != '/' || rest[1] == '\0'
            || strcmp(rest + 1, ":memory:") == 0)
        {
            rc = registry_err_set(err, REGISTRY_INVALID, "sql_connection "
                                  "must name a file: sqlite:////ABSOLUTE or "
                                  "sqlite:///RELATIVE");
            goto failed;
        }

        dsn->path = rest + 1;
        rc = REGISTRY_OK;

    } else {
        rc = registry_err_set(err, REGISTRY_INVALID, "sql_connection: the "
                              "database \"%.32s\" is not supported, only "
                              "sqlite and mysql", scheme);
    }

    if (rc == REGISTRY_OK) {
        return REGISTRY_OK;
    }

failed:

    registry_dsn_free(dsn);

    return rc;
}


void
registry_dsn_free(registry_dsn_t *dsn)
{
    free(dsn->memory);
    memset(dsn, 0, sizeof(registry_dsn_t));
}


void
registry_dsn_describe(const registry_dsn_t *dsn, char *text, size_t size)
{
    if (dsn->type == REGISTRY_DSN_SQLITE) {
        (void) snprintf(text, size, "sqlite %s", dsn->path);
        return;
    }

    if (dsn->unix_socket != NULL) {
        (void) snprintf(text, size, "mysql %s@%s/%s",
                        (dsn->user == NULL) ? "" : dsn->user,
                        dsn->unix_socket, dsn->database);
        return;
    }

    (void) snprintf(text, size, "mysql %s@%s:%u/%s",
                    (dsn->user == NULL) ? "" : dsn->user,
                    (dsn->host == NULL) ? "localhost" : dsn->host,
                    (dsn->port == 0) ? 3306 : dsn->port, dsn->database);
}


static registry_rc_e
registry_dsn_mysql(registry_dsn_t *dsn, char *rest, registry_err_t *err)
{
    char           *path, *query;
    registry_rc_e   rc;

    query = strchr(rest, '?');
    if (query != NULL) {
        *query++ = '\0';
    }

    path = strchr(rest, '/');

    if (path == NULL || path[1] == '\0') {
        return registry_err_set(err, REGISTRY_INVALID, "sql_connection "
                                "names no database: "
                                "mysql://USER:PASSWORD@HOST/DATABASE");
    }

    *path++ = '\0';
    dsn->database = path;

    if (!registry_dsn_decode(dsn->database)) {
        return registry_err_set(err, REGISTRY_INVALID, "sql_connection: "
                                "malformed percent-encoding");
    }

    rc = registry_dsn_authority(dsn, rest, err);

    if (rc != REGISTRY_OK || query == NULL) {
        return rc;
    }

    return registry_dsn_params(dsn, query, err);
}


static registry_rc_e
registry_dsn_authority(registry_dsn_t *dsn, char *text, registry_err_t *err)
{
    char      *at, *colon, *end;
    uint64_t   port;

    /* a password may hold an "@" that nobody encoded */

    at = strrchr(text, '@');

    if (at != NULL) {
        *at = '\0';
        dsn->user = text;
        text = at + 1;

        colon = strchr(dsn->user, ':');

        if (colon != NULL) {
            *colon = '\0';
            dsn->password = colon + 1;
        }

        if (!registry_dsn_decode(dsn->user)
            || (dsn->password != NULL && !registry_dsn_decode(dsn->password)))
        {
            return registry_err_set(err, REGISTRY_INVALID, "sql_connection: "
                                    "malformed percent-encoding");
        }
    }

    if (text[0] == '[') {
        end = strchr(text, ']');

        if (end == NULL) {
            return registry_err_set(err, REGISTRY_INVALID, "sql_connection: "
                                    "\"]\" is missing");
        }

        *end = '\0';
        dsn->host = text + 1;
        colon = (end[1] == ':') ? end + 1 : NULL;

    } else {
        dsn->host = text;
        colon = strchr(text, ':');
    }

    if (colon != NULL) {
        *colon++ = '\0';

        if (*colon != '\0') {
            if (!glance_str_u64(glance_str(colon), 65535, &port)
                || port == 0)
            {
                return registry_err_set(err, REGISTRY_INVALID,
                                        "sql_connection: bad port");
            }

            dsn->port = (unsigned) port;
        }
    }

    if (dsn->host[0] == '\0') {
        dsn->host = NULL;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_dsn_params(registry_dsn_t *dsn, char *text, registry_err_t *err)
{
    char  **field, *next, *value;

    for ( ; text != NULL && *text != '\0'; text = next) {

        next = strchr(text, '&');
        if (next != NULL) {
            *next++ = '\0';
        }

        value = strchr(text, '=');
        if (value == NULL) {
            continue;
        }

        *value++ = '\0';

        if (!registry_dsn_decode(value)) {
            return registry_err_set(err, REGISTRY_INVALID, "sql_connection: "
                                    "malformed percent-encoding of "
                                    "\"%.32s\"", text);
        }

        if (strcmp(text, "ssl_verify_cert") == 0
            || strcmp(text, "ssl_verify_identity") == 0)
        {
            dsn->verify = dsn->verify || glance_str_true(glance_str(value));
            continue;
        }

        for (const registry_dsn_param_t *p = registry_dsn_names;
             p->name != NULL;
             p++)
        {
            if (strcmp(text, p->name) == 0 && *value != '\0') {
                field = (char **) (void *) ((char *) dsn + p->offset);
                *field = value;
            }
        }
    }

    return REGISTRY_OK;
}


static bool
registry_dsn_decode(char *text)
{
    size_t  len;

    if (!glance_percent_decode(glance_str(text), (unsigned char *) text,
                               &len))
    {
        return false;
    }

    text[len] = '\0';

    return true;
}
