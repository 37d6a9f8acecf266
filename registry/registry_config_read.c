
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_config_value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "registry_config_known.h"


static registry_rc_e registry_config_entry(registry_config_t *cf,
    const registry_ini_entry_t *entry, bool *known, registry_err_t *err);
static bool registry_config_alias(const registry_opt_t *opt,
    const char *section, const char *key);
static bool registry_config_open(const registry_config_t *cf);
static bool registry_config_lax(const registry_ini_entry_t *entry);
static bool registry_config_ignored(registry_config_t *cf,
    const registry_ini_entry_t *entry);
static registry_rc_e registry_config_backend(registry_config_t *cf,
    const char *name, registry_err_t *err);
static registry_rc_e registry_config_warn(registry_config_t *cf,
    registry_err_t *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));


registry_rc_e
registry_config_read(registry_config_t *cf, registry_err_t *err)
{
    bool                         known;
    registry_rc_e                rc;
    registry_err_t               cause;
    const registry_ini_entry_t  *entry;

    for (size_t i = 0; i < cf->ini->n; i++) {
        entry = &cf->ini->entries[i];

        if (entry->key == NULL) {
            if (!registry_config_section(entry->section)) {
                continue;
            }

            return registry_err_set(err, REGISTRY_INVALID,
                                    "%.160s:%u: neither a section nor "
                                    "\"option = value\"",
                                    cf->path, entry->line);
        }

        rc = registry_config_entry(cf, entry, &known, &cause);

        if (rc != REGISTRY_OK) {
            return registry_err_set(err, rc, "%.120s:%u: %.120s", cf->path,
                                    entry->line, cause.text);
        }

        if (registry_config_lax(entry)
            && registry_config_warn(cf, err, "%s:%u: %s is not enforced: "
                                    "what it forbids is allowed here",
                                    cf->path, entry->line, entry->key)
               != REGISTRY_OK)
        {
            return REGISTRY_ERROR;
        }

        if (known || !registry_config_section(entry->section)
            || registry_config_ignored(cf, entry))
        {
            continue;
        }

        if (registry_config_warn(cf, err, "%s:%u: unknown option \"%s\" in "
                                 "section [%s]", cf->path, entry->line,
                                 entry->key, entry->section)
            != REGISTRY_OK)
        {
            return REGISTRY_ERROR;
        }
    }

    if (registry_config_open(cf)
        && registry_config_warn(cf, err, "%s: [keystone_authtoken] without "
                                "flavor = keystone in [paste_deploy]: no token "
                                "is asked for, everybody is administrator",
                                cf->path)
           != REGISTRY_OK)
    {
        return REGISTRY_ERROR;
    }

    if (cf->ignored[0] != '\0') {
        return registry_config_warn(cf, err, "%s: without effect here: %s",
                                    cf->path, cf->ignored);
    }

    return REGISTRY_OK;
}


/*
 * Files of distributions have the section filled in, and leave it to their
 * installer to choose the flavor.
 */

static bool
registry_config_open(const registry_config_t *cf)
{
    const registry_ini_entry_t  *entry;

    if ((cf->program->mask & REGISTRY_FOR_API) == 0
        || registry_config_str(cf, "flavor")[0] != '\0')
    {
        return false;
    }

    for (size_t i = 0; i < cf->ini->n; i++) {
        entry = &cf->ini->entries[i];

        if (entry->key != NULL
            && strcmp(entry->section, "keystone_authtoken") == 0)
        {
            return true;
        }
    }

    return false;
}


static registry_rc_e
registry_config_entry(registry_config_t *cf,
    const registry_ini_entry_t *entry, bool *known, registry_err_t *err)
{
    unsigned               rank;
    registry_rc_e          rc;
    const registry_opt_t  *opt;

    *known = false;

    for (size_t i = 0; i < cf->n_options; i++) {
        opt = &registry_options[i];

        rank = registry_config_rank(cf, opt, entry);
        if (rank == 0) {
            continue;
        }

        *known = true;

        if ((opt->programs & cf->program->mask) == 0
            || rank < cf->values[i].rank
            || (entry->value[0] == '\0' && opt->type != REGISTRY_OPT_STR))
        {
            continue;
        }

        rc = registry_config_assign(cf, i, entry->value, rank, entry->line,
                                    err);
        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


/* 0: the entry is not about this option */

unsigned
registry_config_rank(const registry_config_t *cf, const registry_opt_t *opt,
    const registry_ini_entry_t *entry)
{
    bool  app;

    app = (strcmp(entry->section, cf->program->app) == 0);

    if (strcmp(entry->key, opt->name) == 0
        && (opt->flags & REGISTRY_OPT_SECTION) != 0)
    {
        return (strcmp(entry->section, opt->section) == 0)
               ? REGISTRY_RANK_SECTION : 0;
    }

    if (strcmp(entry->key, opt->name) == 0) {
        if (app) {
            return REGISTRY_RANK_APP;
        }

        if (strcmp(entry->section, "DEFAULT") == 0) {
            return REGISTRY_RANK_DEFAULT;
        }

        if (strcmp(entry->section, opt->section) == 0) {
            return REGISTRY_RANK_SECTION;
        }
    }

    if (opt->aliases == NULL) {
        return 0;
    }

    if (app && registry_config_alias(opt, "DEFAULT", entry->key)) {
        return REGISTRY_RANK_APP;
    }

    if (!registry_config_alias(opt, entry->section, entry->key)) {
        return 0;
    }

    if (strcmp(entry->section, "DEFAULT") == 0) {
        return REGISTRY_RANK_ALIAS;
    }

    return (strcmp(entry->section, opt->section) == 0)
           ? REGISTRY_RANK_RENAMED : REGISTRY_RANK_SECTION;
}


/* key NULL: any alias in this section */

static bool
registry_config_alias(const registry_opt_t *opt, const char *section,
    const char *key)
{
    size_t       len, n;
    const char  *p, *name;

    len = strlen(section);

    for (p = opt->aliases; p != NULL && *p != '\0'; p += n) {
        p += strspn(p, " ");
        n = strcspn(p, " ");

        if (n <= len || strncmp(p, section, len) != 0 || p[len] != '/') {
            continue;
        }

        name = p + len + 1;

        if (key == NULL
            || (n - len - 1 == strlen(key)
                && strncmp(name, key, n - len - 1) == 0))
        {
            return true;
        }
    }

    return false;
}


/* a section of which all options are known */

bool
registry_config_section(const char *section)
{
    const registry_opt_t  *opt;

    for (opt = registry_options; opt->name != NULL; opt++) {
        if (strcmp(opt->section, section) == 0
            || registry_config_alias(opt, section, NULL))
        {
            return true;
        }
    }

    return false;
}


/* who sets one of these relies on rights that are not looked at */

static bool
registry_config_lax(const registry_ini_entry_t *entry)
{
    return entry->value[0] != '\0'
           && (strcmp(entry->key, "policy_file") == 0
               || strcmp(entry->key, "property_protection_file") == 0);
}


/* one notice instead of a warning each */

static bool
registry_config_ignored(registry_config_t *cf,
    const registry_ini_entry_t *entry)
{
    size_t       used;
    const char  *section;

    section = entry->section;

    if (strcmp(section, cf->program->app) == 0) {
        section = "DEFAULT";
    }

    if (registry_config_known(section, entry->key) == NULL) {
        return false;
    }

    used = strlen(cf->ignored);

    (void) snprintf(cf->ignored + used, sizeof(cf->ignored) - used, "%s%s",
                    (used > 0) ? ", " : "", entry->key);

    return true;
}


/* the section of the backend that is the default overlays the store options */

registry_rc_e
registry_config_backends(registry_config_t *cf, registry_err_t *err)
{
    char         name[128];
    size_t       i, j, len;
    const char  *list, *wanted, *type, *p;

    i = registry_config_index(cf, "enabled_backends");
    j = registry_config_index(cf, "default_backend");

    if (i == cf->n_options || cf->values[i].text[0] == '\0') {
        return REGISTRY_OK;
    }

    list = cf->values[i].text;
    wanted = cf->values[j].text;

    for (p = list; *p != '\0'; p += len) {
        p += strspn(p, ", \t");
        len = strcspn(p, ", \t");

        type = memchr(p, ':', len);

        if (len == 0) {
            break;
        }

        if (type == NULL || type == p || len >= sizeof(name)) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "enabled_backends: must be a list of "
                                    "NAME:TYPE");
        }

        (void) snprintf(name, sizeof(name), "%.*s", (int) (type - p), p);

        if (wanted[0] != '\0' && strcmp(wanted, name) != 0) {
            continue;
        }

        i = registry_config_index(cf, "default_store");

        if (i != cf->n_options) {
            char  word[16];

            (void) snprintf(word, sizeof(word), "%.*s",
                            (int) (len - (size_t) (type - p) - 1), type + 1);

            if (registry_config_assign(cf, i, word, REGISTRY_RANK_BACKEND, 0,
                                       err)
                != REGISTRY_OK)
            {
                return registry_err_set(err, REGISTRY_INVALID,
                                        "enabled_backends: there is no store "
                                        "of type \"%s\"", word);
            }
        }

        return registry_config_backend(cf, name, err);
    }

    return registry_err_set(err, REGISTRY_INVALID,
                            "default_backend: \"%.60s\" is not in "
                            "enabled_backends", wanted);
}


static registry_rc_e
registry_config_backend(registry_config_t *cf, const char *name,
    registry_err_t *err)
{
    registry_err_t               cause;
    registry_ini_entry_t         as;
    const registry_ini_entry_t  *entry;

    for (size_t e = 0; e < cf->ini->n; e++) {
        entry = &cf->ini->entries[e];

        if (entry->key == NULL || strcmp(entry->section, name) != 0) {
            continue;
        }

        as = *entry;
        as.section = (char *) "glance_store";

        for (size_t i = 0; i < cf->n_options; i++) {
            if (registry_config_rank(cf, &registry_options[i], &as)
                == REGISTRY_RANK_SECTION
                && registry_config_assign(cf, i, entry->value,
                                          REGISTRY_RANK_BACKEND, entry->line,
                                          &cause)
                   != REGISTRY_OK)
            {
                return registry_err_set(err, REGISTRY_INVALID,
                                        "%.120s:%u: %.120s", cf->path,
                                        entry->line, cause.text);
            }
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_config_warn(registry_config_t *cf, registry_err_t *err,
    const char *fmt, ...)
{
    int       n;
    char    **list;
    va_list   args;

    list = realloc(cf->warnings, (cf->n_warnings + 1) * sizeof(char *));
    if (list == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "no memory");
    }

    cf->warnings = list;

    va_start(args, fmt);
    n = vasprintf(&list[cf->n_warnings], fmt, args);
    va_end(args);

    if (n < 0) {
        return registry_err_set(err, REGISTRY_ERROR, "no memory");
    }

    cf->n_warnings++;

    return REGISTRY_OK;
}
