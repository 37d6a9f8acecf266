
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_manage_config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "registry_config_known.h"
#include "registry_dsn.h"


#define REGISTRY_CHECK_PROGRAMS  5
#define REGISTRY_CHECK_STORE     "glance_store"


typedef struct {
    const char         *name;
    unsigned            mask;
    registry_config_t  *cf;     /* defaults: who ranks a place */
} registry_check_program_t;

typedef struct {
    const registry_opt_t  *opt; /* NULL: none of ours */
    unsigned               rank;
} registry_check_found_t;


static void registry_check_ours(const registry_check_file_t *file, size_t i,
    const registry_check_found_t *found, registry_verdict_t *v);
static bool registry_check_value(const registry_opt_t *opt,
    const char *value, registry_err_t *err);
static void registry_check_used(const registry_opt_t *opt,
    const registry_ini_entry_t *entry, registry_verdict_t *v);
static registry_check_found_t registry_check_find(unsigned readers,
    const registry_ini_entry_t *entry);
static unsigned registry_check_winner(const registry_check_file_t *file,
    const registry_opt_t *opt);
static bool registry_check_backend(const registry_check_file_t *file,
    const registry_ini_entry_t *entry, registry_verdict_t *v);
static bool registry_check_enabled(const registry_check_file_t *file,
    const char *section, bool *wanted);
static bool registry_check_store_section(const char *section);
static const char *registry_check_foreign(const char *section);
static void registry_check_readers(unsigned programs, char *text,
    size_t size);
static void registry_check_say(registry_verdict_t *v,
    registry_verdict_e verdict, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));


static registry_check_program_t
    registry_check_programs[REGISTRY_CHECK_PROGRAMS] = {
    { "glance-api", REGISTRY_FOR_API, NULL },
    { "glance-registry", REGISTRY_FOR_REGISTRY, NULL },
    { "glance-worker", REGISTRY_FOR_WORKER, NULL },
    { "glance-scrubber", REGISTRY_FOR_SCRUBBER, NULL },
    { "glance-manage", REGISTRY_FOR_MANAGE, NULL }
};


bool
registry_check_init(void)
{
    registry_check_program_t  *p;

    for (size_t i = 0; i < REGISTRY_CHECK_PROGRAMS; i++) {
        p = &registry_check_programs[i];
        p->cf = registry_config_new(p->name);

        if (p->cf == NULL) {
            return false;
        }
    }

    return true;
}


void
registry_check_free(void)
{
    for (size_t i = 0; i < REGISTRY_CHECK_PROGRAMS; i++) {
        registry_config_free(registry_check_programs[i].cf);
        registry_check_programs[i].cf = NULL;
    }
}


void
registry_check_entry(const registry_check_file_t *file, size_t i,
    registry_verdict_t *v)
{
    char                          text[256];
    const char                   *section, *why;
    registry_check_found_t        found;
    const registry_known_t       *known;
    const registry_ini_entry_t   *entry = &file->ini->entries[i];

    section = entry->section;

    if (file->sections) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "%s", file->why);
        return;
    }

    if (entry->key == NULL) {
        registry_check_say(v, registry_config_section(section)
                              ? REGISTRY_VERDICT_INVALID
                              : REGISTRY_VERDICT_IGNORED,
                           "neither a section nor \"option = value\"");
        return;
    }

    found = registry_check_find(file->readers, entry);

    if (found.opt != NULL) {
        registry_check_ours(file, i, &found, v);
        return;
    }

    if (registry_check_backend(file, entry, v)) {
        return;
    }

    if (strncmp(section, "app:glance-", sizeof("app:glance-") - 1) == 0) {
        section = "DEFAULT";
    }

    known = registry_config_known(section, entry->key);

    if (known != NULL) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "%s", known->why);
        return;
    }

    found = registry_check_find(REGISTRY_FOR_ALL, entry);

    if (found.opt != NULL) {
        if (file->why != NULL) {
            registry_check_say(v, REGISTRY_VERDICT_IGNORED, "%s", file->why);
            return;
        }

        registry_check_readers(found.opt->programs, text, sizeof(text));
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "an option of %s, "
                           "which does not read this file", text);
        return;
    }

    why = registry_check_foreign(entry->section);

    if (why != NULL) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "%s", why);
        return;
    }

    if (registry_config_nearest(section, entry->key, text, sizeof(text))
        != NULL)
    {
        registry_check_say(v, REGISTRY_VERDICT_UNKNOWN, "did you mean %s?",
                           text);
        return;
    }

    registry_check_say(v, REGISTRY_VERDICT_UNKNOWN, "neither an option of "
                       "Glance nor of this server");
}


static void
registry_check_ours(const registry_check_file_t *file, size_t i,
    const registry_check_found_t *found, registry_verdict_t *v)
{
    unsigned                      line;
    registry_err_t                err;
    const registry_opt_t         *opt = found->opt;
    const registry_known_t       *known;
    const registry_ini_entry_t   *entry = &file->ini->entries[i];

    if (opt->flags & REGISTRY_OPT_UNUSED) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "%s", opt->help);
        return;
    }

    /* of stores that are not there yet, as the other table says */

    known = registry_config_known(REGISTRY_CHECK_STORE, opt->name);

    if (known != NULL) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "%s", known->why);
        return;
    }

    if (entry->value[0] == '\0' && opt->type != REGISTRY_OPT_STR) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "empty: the default "
                           "counts, %s", opt->def);
        return;
    }

    if (!registry_check_value(opt, entry->value, &err)) {
        registry_check_say(v, REGISTRY_VERDICT_INVALID, "%s", err.text);
        return;
    }

    line = registry_check_winner(file, opt);

    if (line != entry->line) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "set again in line "
                           "%u, which counts", line);
        return;
    }

    registry_check_used(opt, entry, v);
}


static bool
registry_check_value(const registry_opt_t *opt, const char *value,
    registry_err_t *err)
{
    bool                     valid;
    registry_dsn_t           dsn;
    registry_config_value_t  parsed;

    memset(&parsed, 0, sizeof(registry_config_value_t));

    valid = (registry_config_parse(opt, value, &parsed, err) == REGISTRY_OK);
    free(parsed.text);

    if (valid && strcmp(opt->name, "sql_connection") == 0) {
        valid = (registry_dsn_parse(&dsn, value, err) == REGISTRY_OK);

        if (valid) {
            registry_dsn_free(&dsn);
        }
    }

    return valid;
}


static void
registry_check_used(const registry_opt_t *opt,
    const registry_ini_entry_t *entry, registry_verdict_t *v)
{
    bool         mapped, def;
    char         value[512], to[128];
    const char  *directive;

    mapped = (strcmp(entry->key, opt->name) != 0
              || strcmp(entry->section, opt->section) != 0);
    def = (strcmp(opt->section, "DEFAULT") == 0);
    directive = registry_config_directive(opt->name);

    to[0] = '\0';

    if (mapped) {
        (void) snprintf(to, sizeof(to), " -> %s%s%s%s", def ? "" : "[",
                        def ? "" : opt->section, def ? "" : "] ", opt->name);
    }

    registry_check_say(v, mapped ? REGISTRY_VERDICT_MAPPED
                                 : REGISTRY_VERDICT_USED,
                       "= %s%s%s%s%s",
                       registry_config_masked(opt, entry->value, value,
                                              sizeof(value)),
                       to, (directive != NULL) ? " (nginx: " : "",
                       (directive != NULL) ? directive : "",
                       (directive != NULL) ? ")" : "");
}


/* the row that this place is about, as one of the programs sees it */

static registry_check_found_t
registry_check_find(unsigned readers, const registry_ini_entry_t *entry)
{
    unsigned                         rank;
    registry_check_found_t           found = { NULL, 0 };
    const registry_check_program_t  *p;

    for (size_t i = 0; i < REGISTRY_CHECK_PROGRAMS; i++) {
        p = &registry_check_programs[i];

        if ((p->mask & readers) == 0) {
            continue;
        }

        for (const registry_opt_t *opt = registry_options;
             opt->name != NULL;
             opt++)
        {
            if ((opt->programs & p->mask) == 0) {
                continue;
            }

            rank = registry_config_rank(p->cf, opt, entry);

            if (rank > found.rank) {
                found.opt = opt;
                found.rank = rank;
            }
        }
    }

    return found;
}


/* the line of the place that gives the value */

static unsigned
registry_check_winner(const registry_check_file_t *file,
    const registry_opt_t *opt)
{
    unsigned                 best, line;
    registry_check_found_t   found;
    registry_ini_entry_t    *entry;

    best = 0;
    line = 0;

    for (size_t i = 0; i < file->ini->n; i++) {
        entry = &file->ini->entries[i];

        if (entry->key == NULL) {
            continue;
        }

        found = registry_check_find(file->readers, entry);

        if (found.opt == opt && found.rank >= best
            && (entry->value[0] != '\0' || opt->type == REGISTRY_OPT_STR))
        {
            best = found.rank;
            line = entry->line;
        }
    }

    return line;
}


/* sections of stores: those that enabled_backends names, and samples */

static bool
registry_check_backend(const registry_check_file_t *file,
    const registry_ini_entry_t *entry, registry_verdict_t *v)
{
    bool                     enabled, wanted;
    registry_ini_entry_t     as;
    registry_check_found_t   found;
    const registry_known_t  *known;

    enabled = registry_check_enabled(file, entry->section, &wanted);

    if (!enabled && !registry_check_store_section(entry->section)) {
        return false;
    }

    as = *entry;
    as.section = (char *) REGISTRY_CHECK_STORE;

    known = registry_config_known(REGISTRY_CHECK_STORE, entry->key);
    found = registry_check_find(REGISTRY_FOR_ALL, &as);

    if (known != NULL) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "%s", known->why);
        return true;
    }

    if (found.opt == NULL) {
        return false;
    }

    if (!enabled) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "enabled_backends "
                           "does not name this section");

    } else if (!wanted) {
        registry_check_say(v, REGISTRY_VERDICT_IGNORED, "only the default "
                           "backend is used");

    } else {
        registry_check_used(found.opt, entry, v);
    }

    return true;
}


/* *wanted: it is the default one */

static bool
registry_check_enabled(const registry_check_file_t *file,
    const char *section, bool *wanted)
{
    size_t       len, name;
    const char  *list, *chosen, *p;

    list = registry_ini_get(file->ini, "DEFAULT", "enabled_backends");
    chosen = registry_ini_get(file->ini, REGISTRY_CHECK_STORE,
                              "default_backend");

    for (p = list; p != NULL && *p != '\0'; p += len) {
        p += strspn(p, ", \t");
        len = strcspn(p, ", \t");
        name = strcspn(p, ":, \t");

        if (len > 0 && name == strlen(section)
            && strncmp(p, section, name) == 0)
        {
            *wanted = (chosen != NULL && chosen[0] != '\0')
                      ? (strcmp(chosen, section) == 0)
                      : (p == list + strspn(list, ", \t"));
            return true;
        }
    }

    *wanted = false;

    return false;
}


/* where the sample files of Glance show what a backend's section may hold */

static bool
registry_check_store_section(const char *section)
{
    static const char *const  names[] = {
        "file", "http", "rbd", "cinder", "swift", "s3", "vmware"
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(section, names[i]) == 0) {
            return true;
        }
    }

    return strncmp(section, "glance.store.", sizeof("glance.store.") - 1)
           == 0;
}


/* sections whose options nobody could know */

static const char *
registry_check_foreign(const char *section)
{
    static const struct {
        const char  *prefix;
        const char  *why;
    } sections[] = {
        { "app:", "there are no paste pipelines" },
        { "composite:", "there are no paste pipelines" },
        { "filter:", "there are no paste pipelines" },
        { "filter-app:", "there are no paste pipelines" },
        { "pipeline:", "there are no paste pipelines" },
        { "server:", "there are no paste pipelines" },
        { "loggers", "of Python's logging, which log_config may name" },
        { "logger_", "of Python's logging, which log_config may name" },
        { "handlers", "of Python's logging, which log_config may name" },
        { "handler_", "of Python's logging, which log_config may name" },
        { "formatters", "of Python's logging, which log_config may name" },
        { "formatter_", "of Python's logging, which log_config may name" }
    };

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (strncmp(section, sections[i].prefix,
                    strlen(sections[i].prefix))
            == 0)
        {
            return sections[i].why;
        }
    }

    return NULL;
}


static void
registry_check_readers(unsigned programs, char *text, size_t size)
{
    size_t  used;

    text[0] = '\0';

    for (size_t i = 0; i < REGISTRY_CHECK_PROGRAMS; i++) {
        if (registry_check_programs[i].mask & programs) {
            used = strlen(text);
            (void) snprintf(text + used, size - used, "%s%s",
                            (used > 0) ? ", " : "",
                            registry_check_programs[i].name);
        }
    }
}


static void
registry_check_say(registry_verdict_t *v, registry_verdict_e verdict,
    const char *fmt, ...)
{
    va_list  args;

    v->verdict = verdict;

    va_start(args, fmt);
    (void) vsnprintf(v->text, sizeof(v->text), fmt, args);
    va_end(args);
}
