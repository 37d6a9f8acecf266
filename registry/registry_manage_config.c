
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_manage_config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry_manage.h"
#include "registry_render.h"


#define REGISTRY_CHECK_PATH  4096
#define REGISTRY_CHECK_LINE  4096


typedef enum {
    REGISTRY_KIND_CONF = 0,
    REGISTRY_KIND_OTHER,        /* an INI file of something else */
    REGISTRY_KIND_POLICY,
    REGISTRY_KIND_SKIP
} registry_kind_e;

typedef struct {
    const char       *pattern;
    registry_kind_e   kind;
    unsigned          readers;
    const char       *program;  /* who is asked about all of it, or NULL */
    const char       *why;
} registry_kind_t;

typedef struct {
    size_t  files;
    size_t  counts[REGISTRY_VERDICT_N];
    bool    failed;
} registry_check_t;


static void registry_check_path(registry_check_t *check, const char *path,
    const char *name, bool given);
static void registry_check_directory(registry_check_t *check,
    const char *path, bool policies);
static const registry_kind_t *registry_check_kind(const char *name);
static unsigned registry_check_beside(const char *path, unsigned readers);
static void registry_check_conf(registry_check_t *check, const char *path,
    const registry_kind_t *kind);
static void registry_check_whole(registry_check_t *check, const char *path,
    const char *program);
static registry_rc_e registry_check_render(const registry_config_t *cf,
    registry_err_t *err);
static void registry_check_policy(registry_check_t *check, const char *path,
    const char *why);
static bool registry_check_rule(const char *line, char *rule, size_t size);
static void registry_check_print(registry_check_t *check, const char *path,
    unsigned line, const registry_ini_entry_t *entry,
    const registry_verdict_t *v);


#define A  REGISTRY_FOR_API
#define R  REGISTRY_FOR_REGISTRY
#define W  REGISTRY_FOR_WORKER
#define S  REGISTRY_FOR_SCRUBBER
#define M  REGISTRY_FOR_MANAGE

/* the first match counts; the last row is what was named explicitly */

static const registry_kind_t  registry_kinds[] = {
    { "glance-api.conf", REGISTRY_KIND_CONF, A | R | W | S | M, "glance-api",
      NULL },
    { "glance-registry.conf", REGISTRY_KIND_CONF, R | M, "glance-registry",
      NULL },
    { "glance-worker.conf", REGISTRY_KIND_CONF, W, "glance-worker", NULL },
    { "glance-scrubber.conf", REGISTRY_KIND_CONF, S, "glance-scrubber",
      NULL },
    { "glance-manage.conf", REGISTRY_KIND_CONF, M, "glance-manage", NULL },
    { "glance-cache.conf", REGISTRY_KIND_CONF, 0, NULL,
      "there is no image cache" },
    { "glance-image-import.conf", REGISTRY_KIND_CONF, 0, NULL,
      "there is no import yet" },
    { "glance-swift.conf", REGISTRY_KIND_OTHER, 0, NULL,
      "it counts when swift_store_config_file names it" },
    { "property-protections*.conf", REGISTRY_KIND_OTHER, 0, NULL,
      "rights are fixed: owner, members and admin_role" },
    { "*paste*.ini", REGISTRY_KIND_OTHER, 0, NULL,
      "there are no paste pipelines; flavor in [paste_deploy] says who the "
      "callers are" },
    { "*uwsgi*.ini", REGISTRY_KIND_OTHER, 0, NULL,
      "nginx serves, not uWSGI" },
    { "logging*.conf", REGISTRY_KIND_OTHER, 0, NULL,
      "of Python's logging, which log_config may name" },
    { "rootwrap.conf", REGISTRY_KIND_OTHER, 0, NULL,
      "no program runs others as root" },
    { "*policy*.json", REGISTRY_KIND_POLICY, 0, NULL,
      "rights are fixed: owner, members and admin_role" },
    { "*policy*.y*ml", REGISTRY_KIND_POLICY, 0, NULL,
      "rights are fixed: owner, members and admin_role" },
    { "schema-image.json", REGISTRY_KIND_SKIP, 0, NULL,
      "properties of any name are allowed" },
    { "ovf-metadata.json", REGISTRY_KIND_SKIP, 0, NULL,
      "there is no import yet" },
    { "glance.conf", REGISTRY_KIND_CONF, A | R | W | S | M, "glance-api",
      NULL },
    { NULL, REGISTRY_KIND_CONF, A | R | W | S | M, NULL, NULL }
};

static const char *const  registry_verdicts[REGISTRY_VERDICT_N] = {
    "used", "mapped", "ignored", "unknown", "invalid"
};


int
registry_manage_config_check(const registry_cli_t *cli, size_t first)
{
    registry_check_t   check;

    memset(&check, 0, sizeof(registry_check_t));

    if (!registry_check_init()) {
        registry_check_free();
        return registry_manage_error("out of memory");
    }

    if (cli->n_args == first) {
        registry_check_path(&check, "/etc/glance", NULL, true);
    }

    for (size_t i = first; i < cli->n_args; i++) {
        registry_check_path(&check, cli->args[i], NULL, true);
    }

    registry_check_free();

    if (check.files == 0 && !check.failed) {
        return registry_manage_error("there is no configuration file of "
                                     "Glance");
    }

    for (size_t i = 0; i < REGISTRY_VERDICT_N; i++) {
        (void) printf("%s%zu %s", (i == 0) ? "" : ", ", check.counts[i],
                      registry_verdicts[i]);
    }

    (void) printf("\n");

    return (check.failed || check.counts[REGISTRY_VERDICT_UNKNOWN] > 0
            || check.counts[REGISTRY_VERDICT_INVALID] > 0)
           ? REGISTRY_EXIT_FAILURE : REGISTRY_EXIT_OK;
}


/* given: by the operator, so that it is one, whatever its name */

static void
registry_check_path(registry_check_t *check, const char *path,
    const char *name, bool given)
{
    struct stat             st;
    const registry_kind_t  *kind;

    if (stat(path, &st) != 0) {
        check->failed = true;
        (void) registry_manage_error("%s: %s", path, strerror(errno));
        return;
    }

    if (name == NULL) {
        name = strrchr(path, '/');
        name = (name != NULL) ? name + 1 : path;
    }

    if (S_ISDIR(st.st_mode)) {
        if (given || fnmatch("*policy.d", name, 0) == 0) {
            registry_check_directory(check, path,
                                     fnmatch("*policy.d", name, 0) == 0);

        } else if (fnmatch("*.conf.d", name, 0) == 0) {
            (void) printf("%s: ignored: directories of configuration files "
                          "are not read\n", path);
            check->counts[REGISTRY_VERDICT_IGNORED]++;
        }

        return;
    }

    kind = registry_check_kind(name);

    if (kind->pattern == NULL && !given) {
        return;
    }

    check->files++;

    switch (kind->kind) {

    case REGISTRY_KIND_POLICY:
        registry_check_policy(check, path, kind->why);
        break;

    case REGISTRY_KIND_SKIP:
        (void) printf("%s: ignored: %s\n", path, kind->why);
        check->counts[REGISTRY_VERDICT_IGNORED]++;
        break;

    default:
        registry_check_conf(check, path, kind);
    }
}


static void
registry_check_directory(registry_check_t *check, const char *path,
    bool policies)
{
    int              n, len;
    char             file[REGISTRY_CHECK_PATH];
    struct dirent  **names;

    n = scandir(path, &names, NULL, alphasort);

    if (n < 0) {
        check->failed = true;
        (void) registry_manage_error("%s: %s", path, strerror(errno));
        return;
    }

    for (int i = 0; i < n; i++) {
        len = snprintf(file, sizeof(file), "%s%s%s", path,
                       (path[strlen(path) - 1] == '/') ? "" : "/",
                       names[i]->d_name);

        if (names[i]->d_name[0] != '.' && len > 0
            && (size_t) len < sizeof(file))
        {
            registry_check_path(check, file, policies ? "policy.yaml"
                                                      : names[i]->d_name,
                                false);
        }

        free(names[i]);
    }

    free(names);
}


static const registry_kind_t *
registry_check_kind(const char *name)
{
    const registry_kind_t  *kind;

    for (kind = registry_kinds; kind->pattern != NULL; kind++) {
        if (fnmatch(kind->pattern, name, 0) == 0) {
            break;
        }
    }

    return kind;
}


/* who has a file of its own does not read another's */

static unsigned
registry_check_beside(const char *path, unsigned readers)
{
    int          len;
    char         file[REGISTRY_CHECK_PATH];
    const char  *slash;

    static const struct {
        const char  *name;
        unsigned     readers;
    } own[] = {
        { "glance-registry.conf", R | M },
        { "glance-worker.conf", W },
        { "glance-scrubber.conf", S }
    };

    slash = strrchr(path, '/');
    len = (slash != NULL) ? (int) (slash + 1 - path) : 0;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        (void) snprintf(file, sizeof(file), "%.*s%s", len, path,
                        own[i].name);

        if (access(file, F_OK) == 0) {
            readers &= ~own[i].readers;
        }
    }

    return readers;
}


static void
registry_check_conf(registry_check_t *check, const char *path,
    const registry_kind_t *kind)
{
    size_t                  invalid;
    registry_err_t          err;
    registry_ini_t         *ini;
    registry_verdict_t      v;
    registry_check_file_t   file;

    ini = registry_ini_load(path, &err);

    if (ini == NULL) {
        check->failed = true;
        (void) registry_manage_error("%s", err.text);
        return;
    }

    file.ini = ini;
    file.why = kind->why;
    file.sections = (kind->kind == REGISTRY_KIND_OTHER);
    file.readers = kind->readers;

    if (kind->program != NULL && strcmp(kind->program, "glance-api") == 0) {
        file.readers = registry_check_beside(path, kind->readers);
    }

    invalid = check->counts[REGISTRY_VERDICT_INVALID];

    for (size_t i = 0; i < ini->n; i++) {
        registry_check_entry(&file, i, &v);
        registry_check_print(check, path, ini->entries[i].line,
                             &ini->entries[i], &v);
    }

    if (kind->program != NULL
        && check->counts[REGISTRY_VERDICT_INVALID] == invalid)
    {
        registry_check_whole(check, path, kind->program);
    }

    registry_ini_free(ini);
}


/* what no line says by itself */

static void
registry_check_whole(registry_check_t *check, const char *path,
    const char *program)
{
    size_t              line;
    const char         *text;
    registry_rc_e       rc;
    registry_err_t      err;
    registry_config_t  *cf;

    cf = registry_config_load(program, path, &err);
    rc = (cf != NULL) ? REGISTRY_OK : REGISTRY_INVALID;

    if (cf != NULL && strcmp(program, "glance-api") == 0) {
        rc = registry_check_render(cf, &err);

    } else if (cf != NULL && strcmp(program, "glance-registry") == 0) {
        rc = registry_config_believed(cf,
                 registry_config_str(cf, "registry_socket")[0] != '\0',
                 &err);
    }

    if (rc != REGISTRY_OK) {
        registry_config_locate(cf, &err);
    }

    registry_config_free(cf);

    if (rc == REGISTRY_OK) {
        return;
    }

    check->counts[REGISTRY_VERDICT_INVALID]++;

    /* "FILE: text" or "FILE:LINE: text" or nothing but the text */

    text = err.text;
    line = 0;

    if (strncmp(text, path, strlen(path)) == 0 && text[strlen(path)] == ':') {
        text += strlen(path) + 1;
        line = strspn(text, "0123456789");
        text += line + strspn(text + line, ": ");
    }

    (void) printf("%s%s%.*s: invalid: %s\n", path, (line > 0) ? ":" : "",
                  (int) line, (line > 0) ? err.text + strlen(path) + 1 : "",
                  text);
}


static registry_rc_e
registry_check_render(const registry_config_t *cf, registry_err_t *err)
{
    FILE               *out;
    registry_rc_e       rc;
    registry_render_t   render = {
        .run_dir = "/run/glance",
        .pid = "/run/glance/glance-api.pid",
        .module = "",
        .user = "",
        .accounts = "/run/glance/swift.json",
        .keys = "/run/glance/s3.json",
        .access_log = "",
        .version = 1022001,
        .connections = 512
    };

    out = fopen("/dev/null", "we");

    if (out == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "/dev/null: %s",
                                strerror(errno));
    }

    rc = registry_render(cf, &render, out, err);

    (void) fclose(out);

    return rc;
}


/* JSON or YAML: a rule a line, which is how everybody writes them */

static void
registry_check_policy(registry_check_t *check, const char *path,
    const char *why)
{
    char                  line[REGISTRY_CHECK_LINE], rule[128];
    FILE                 *in;
    unsigned              number;
    registry_verdict_t    v;
    registry_ini_entry_t  entry;

    in = fopen(path, "re");

    if (in == NULL) {
        check->failed = true;
        (void) registry_manage_error("%s: %s", path, strerror(errno));
        return;
    }

    v.verdict = REGISTRY_VERDICT_IGNORED;
    (void) snprintf(v.text, sizeof(v.text), "%s", why);

    memset(&entry, 0, sizeof(registry_ini_entry_t));
    entry.section = (char *) "DEFAULT";
    entry.key = rule;

    for (number = 1; fgets(line, sizeof(line), in) != NULL; number++) {
        if (registry_check_rule(line, rule, sizeof(rule))) {
            registry_check_print(check, path, number, &entry, &v);
        }
    }

    (void) fclose(in);
}


/* "rule": ... or rule: ... */

static bool
registry_check_rule(const char *line, char *rule, size_t size)
{
    char         quote;
    size_t       len;
    const char  *p;

    p = line + strspn(line, " \t{,");
    quote = '\0';

    if (*p == '"' || *p == '\'') {
        quote = *p++;
    }

    for (len = 0; isalnum((unsigned char) p[len])
                  || p[len] == '_' || p[len] == '-'
                  || (p[len] == ':' && quote != '\0'); len++)
    {
        /* void */
    }

    if (len == 0 || len >= size || (quote != '\0' && p[len] != quote)) {
        return false;
    }

    (void) snprintf(rule, size, "%.*s", (int) len, p);

    p += len + ((quote != '\0') ? 1 : 0);
    p += strspn(p, " \t");

    return *p == ':';
}


static void
registry_check_print(registry_check_t *check, const char *path,
    unsigned line, const registry_ini_entry_t *entry,
    const registry_verdict_t *v)
{
    bool  plain;

    plain = (strcmp(entry->section, "DEFAULT") == 0);
    check->counts[v->verdict]++;

    (void) printf("%s:%u: %s %s%s%s%s%s%s\n", path, line,
                  registry_verdicts[v->verdict], plain ? "" : "[",
                  plain ? "" : entry->section, plain ? "" : "] ",
                  (entry->key != NULL) ? entry->key : "(line)",
                  (v->text[0] == '=') ? " " : ": ", v->text);
}
