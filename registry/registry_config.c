
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry_config_value.h"


#define REGISTRY_CONFIG_PATH  4096


static const registry_config_program_t *registry_config_program(
    const char *name);
static registry_config_t *registry_config_load_file(const char *program,
    const char *path, registry_err_t *err);
static bool registry_config_search(const char *file, char *path, size_t size);
static bool registry_config_directory(unsigned i, char *dir, size_t size);
static registry_rc_e registry_config_finish(registry_config_t *cf,
    registry_err_t *err);
static registry_rc_e registry_config_flavor(registry_config_t *cf,
    registry_err_t *err);
static bool registry_config_exists(const char *option);
static size_t registry_config_must(const registry_config_t *cf,
    const char *option);


static const registry_config_program_t  registry_config_programs[] = {
    { "glance-api", REGISTRY_FOR_API | REGISTRY_FOR_SHOWN, "app:glance-api",
      { "glance-api.conf", "glance.conf" }, NULL },
    { "glance-registry", REGISTRY_FOR_REGISTRY, "app:glance-registry",
      { "glance-registry.conf", "glance.conf" }, NULL },
    { "glance-worker", REGISTRY_FOR_WORKER, "app:glance-worker",
      { "glance-worker.conf", "glance-api.conf", "glance.conf" }, NULL },
    { "glance-scrubber", REGISTRY_FOR_SCRUBBER, "app:glance-scrubber",
      { "glance-scrubber.conf", "glance-api.conf", "glance.conf" }, NULL },
    { "glance-manage", REGISTRY_FOR_MANAGE, "app:glance-registry",
      { "glance-manage.conf", "glance-registry.conf", "glance-api.conf",
        "glance.conf" }, "sql_connection" },
    { NULL, 0, NULL, { NULL }, NULL }
};


registry_config_t *
registry_config_new(const char *program)
{
    size_t              n;
    registry_err_t      err;
    registry_config_t  *cf;

    cf = calloc(1, sizeof(registry_config_t));
    if (cf == NULL) {
        return NULL;
    }

    cf->program = registry_config_program(program);
    cf->identity = "none";

    for (n = 0; registry_options[n].name != NULL; n++) { /* void */ }

    cf->n_options = n;

    cf->values = calloc(n, sizeof(registry_config_value_t));
    if (cf->values == NULL) {
        registry_config_free(cf);
        return NULL;
    }

    for (size_t i = 0; i < n; i++) {
        if (registry_config_assign(cf, i, registry_options[i].def, 0, 0, &err)
            != REGISTRY_OK)
        {
            registry_config_free(cf);
            return NULL;
        }
    }

    (void) registry_config_finish(cf, &err);

    return cf;
}


registry_config_t *
registry_config_load(const char *program, const char *path,
    registry_err_t *err)
{
    char                              found[REGISTRY_CONFIG_PATH];
    registry_config_t                *cf, *first;
    const registry_config_program_t  *prog;

    if (registry_config_find(program, path, found, sizeof(found), err)
        != REGISTRY_OK)
    {
        return NULL;
    }

    first = registry_config_load_file(program, found, err);
    prog = registry_config_program(program);

    if (path != NULL || first == NULL || prog->wants == NULL
        || registry_config_is_set(first, prog->wants))
    {
        return first;
    }

    for (size_t f = 0; prog->files[f] != NULL; f++) {

        if (!registry_config_search(prog->files[f], found, sizeof(found))
            || strcmp(found, first->path) == 0)
        {
            continue;
        }

        cf = registry_config_load_file(program, found, err);

        if (cf == NULL || registry_config_is_set(cf, prog->wants)) {
            registry_config_free(first);
            return cf;
        }

        registry_config_free(cf);
    }

    return first;
}


static registry_config_t *
registry_config_load_file(const char *program, const char *path,
    registry_err_t *err)
{
    registry_config_t  *cf;

    cf = registry_config_new(program);
    if (cf == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "no memory");
        return NULL;
    }

    cf->path = strdup(path);
    if (cf->path == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "no memory");
        registry_config_free(cf);
        return NULL;
    }

    cf->ini = registry_ini_load(path, err);

    if (cf->ini == NULL
        || registry_config_read(cf, err) != REGISTRY_OK
        || registry_config_backends(cf, err) != REGISTRY_OK
        || registry_config_finish(cf, err) != REGISTRY_OK)
    {
        registry_config_locate(cf, err);
        registry_config_free(cf);
        return NULL;
    }

    return cf;
}


void
registry_config_free(registry_config_t *cf)
{
    if (cf == NULL) {
        return;
    }

    for (size_t i = 0; cf->values != NULL && i < cf->n_options; i++) {
        free(cf->values[i].text);
    }

    for (size_t i = 0; i < cf->n_warnings; i++) {
        free(cf->warnings[i]);
    }

    free(cf->warnings);
    free(cf->values);
    free(cf->path);
    registry_ini_free(cf->ini);
    free(cf);
}


registry_rc_e
registry_config_find(const char *program, const char *first, char *path,
    size_t size, registry_err_t *err)
{
    int                               n;
    struct stat                       st;
    const registry_config_program_t  *prog;

    prog = registry_config_program(program);

    if (first != NULL) {
        n = snprintf(path, size, "%s", first);

        if (n < 0 || (size_t) n >= size || stat(path, &st) != 0
            || S_ISDIR(st.st_mode))
        {
            return registry_err_set(err, REGISTRY_NOT_FOUND,
                                    "Unable to read the configuration file "
                                    "%.120s. Cannot load application %s",
                                    first, program);
        }

        return REGISTRY_OK;
    }

    for (size_t f = 0; prog->files[f] != NULL; f++) {
        if (registry_config_search(prog->files[f], path, size)) {
            return REGISTRY_OK;
        }
    }

    return registry_err_set(err, REGISTRY_NOT_FOUND,
                            "Unable to locate any configuration file. "
                            "Cannot load application %s", program);
}


const char *
registry_config_path(const registry_config_t *cf)
{
    return (cf->path != NULL) ? cf->path : "";
}


const char *
registry_config_str(const registry_config_t *cf, const char *option)
{
    const char  *text;

    text = cf->values[registry_config_must(cf, option)].text;

    if (text[0] == '\0' && strcmp(option, "node_name") == 0) {
        return cf->node;
    }

    return text;
}


int64_t
registry_config_int(const registry_config_t *cf, const char *option)
{
    return cf->values[registry_config_must(cf, option)].number;
}


bool
registry_config_bool(const registry_config_t *cf, const char *option)
{
    return cf->values[registry_config_must(cf, option)].truth;
}


const char *
registry_config_identity(const registry_config_t *cf)
{
    return cf->identity;
}


/* what is wrong with an option begins with its name */

void
registry_config_locate(const registry_config_t *cf, registry_err_t *err)
{
    char      name[64], text[REGISTRY_ERR_TEXT];
    size_t    i, len;
    unsigned  line;

    if (cf == NULL || cf->path == NULL) {
        return;
    }

    len = strspn(err->text, "abcdefghijklmnopqrstuvwxyz0123456789_");

    if (len >= sizeof(name)
        || (err->text[len] != ':' && err->text[len] != ' '))
    {
        return;
    }

    (void) snprintf(name, sizeof(name), "%.*s", (int) len, err->text);
    i = registry_config_index(cf, name);

    line = (i < cf->n_options) ? cf->values[i].line : 0;

    if (line == 0) {
        return;
    }

    (void) snprintf(text, sizeof(text), "%s", err->text);
    (void) registry_err_set(err, (registry_rc_e) err->code, "%.120s:%u: %s",
                            cf->path, line, text);
}


registry_rc_e
registry_config_believed(const registry_config_t *cf, bool local,
    registry_err_t *err)
{
    const char  *identity;

    identity = registry_config_identity(cf);

    if (local || strcmp(identity, "none") == 0
        || registry_config_str(cf, "registry_secret")[0] != '\0')
    {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_INVALID, "registry_secret: needed "
                            "with flavor %s, the same for glance-api and "
                            "glance-registry, unless they meet at a unix "
                            "socket (registry_socket)", identity);
}


bool
registry_config_is_set(const registry_config_t *cf, const char *option)
{
    return cf->values[registry_config_must(cf, option)].rank > 0;
}


registry_rc_e
registry_config_set(registry_config_t *cf, const char *option,
    const char *value, registry_err_t *err)
{
    char    name[64];
    size_t  i, n;

    n = strlen(option);

    if (n >= sizeof(name)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "%.80s: unknown option", option);
    }

    for (i = 0; i <= n; i++) {
        name[i] = (char) ((option[i] == '-') ? '_' : option[i]);
    }

    i = registry_config_index(cf, name);

    if (i == cf->n_options) {
        return registry_err_set(err, registry_config_exists(name)
                                     ? REGISTRY_NOT_FOUND : REGISTRY_INVALID,
                                "%s: unknown option", name);
    }

    if (registry_config_assign(cf, i, value, REGISTRY_RANK_COMMAND, 0, err)
        != REGISTRY_OK)
    {
        return REGISTRY_INVALID;
    }

    return registry_config_finish(cf, err);
}


const char *
registry_config_changed(const registry_config_t *cf,
    const registry_config_t *other, size_t row)
{
    const registry_opt_t           *opt;
    const registry_config_value_t  *before, *value;

    opt = registry_config_row(cf, row, &value);

    if (opt == NULL || registry_config_row(other, row, &before) == NULL
        || strcmp(value->text, before->text) == 0)
    {
        return NULL;
    }

    return value->text;
}


const char *
registry_config_warning(const registry_config_t *cf, size_t i)
{
    return (i < cf->n_warnings) ? cf->warnings[i] : NULL;
}


const registry_opt_t *
registry_config_row(const registry_config_t *cf, size_t i,
    const registry_config_value_t **value)
{
    *value = &cf->values[i];

    if ((registry_options[i].programs & cf->program->mask) == 0) {
        return NULL;
    }

    return &registry_options[i];
}


static const registry_config_program_t *
registry_config_program(const char *name)
{
    const registry_config_program_t  *program;

    for (program = registry_config_programs; program->name; program++) {
        if (strcmp(program->name, name) == 0) {
            return program;
        }
    }

    (void) fprintf(stderr, "no such program: \"%s\"\n", name);
    abort();
}


/* the first of this name in the directories of the search */

static bool
registry_config_search(const char *file, char *path, size_t size)
{
    int          n;
    char         dir[REGISTRY_CONFIG_PATH];
    struct stat  st;

    for (unsigned d = 0; d < 5; d++) {
        if (!registry_config_directory(d, dir, sizeof(dir))) {
            continue;
        }

        n = snprintf(path, size, "%s%s", dir, file);

        if (n > 0 && (size_t) n < size && stat(path, &st) == 0
            && !S_ISDIR(st.st_mode))
        {
            return true;
        }
    }

    return false;
}


/* ends with a slash, or is empty for the current directory */

static bool
registry_config_directory(unsigned i, char *dir, size_t size)
{
    int             n;
    const char     *home;
    struct passwd  *pw;

    static const char *const  fixed[] = {
        "", "/.glance/", "/", "/etc/glance/", "/etc/"
    };

    home = "";

    if (i == 1 || i == 2) {
        home = getenv("HOME");

        if (home == NULL) {
            pw = getpwuid(getuid());
            home = (pw != NULL) ? pw->pw_dir : NULL;
        }

        if (home == NULL || home[0] != '/') {
            return false;
        }
    }

    n = snprintf(dir, size, "%s%s", home, fixed[i]);

    return n >= 0 && (size_t) n < size;
}


registry_rc_e
registry_config_assign(registry_config_t *cf, size_t i, const char *text,
    unsigned rank, unsigned line, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_config_parse(&registry_options[i], text, &cf->values[i],
                               err);

    if (rc == REGISTRY_OK) {
        cf->values[i].rank = rank;
        cf->values[i].line = line;
    }

    return rc;
}


static registry_rc_e
registry_config_finish(registry_config_t *cf, registry_err_t *err)
{
    size_t       i;
    const char  *path;

    if (gethostname(cf->node, sizeof(cf->node)) != 0) {
        (void) snprintf(cf->node, sizeof(cf->node), "localhost");
    }

    cf->node[sizeof(cf->node) - 1] = '\0';

    i = registry_config_index(cf, "registry_socket");
    path = cf->values[i].text;

    if (path[0] != '\0' && path[0] != '/') {
        return registry_err_set(err, REGISTRY_INVALID,
                                "registry_socket: must be an absolute path");
    }

    return registry_config_flavor(cf, err);
}


static registry_rc_e
registry_config_flavor(registry_config_t *cf, registry_err_t *err)
{
    size_t       len;
    const char  *text, *p;

    text = cf->values[registry_config_index(cf, "flavor")].text;
    cf->identity = "none";

    for (p = text; *p != '\0'; p += len) {
        p += strspn(p, "+ ");
        len = strcspn(p, "+ ");

        if (len == 8 && strncmp(p, "keystone", 8) == 0) {
            cf->identity = "keystone";

        } else if (len == 7 && strncmp(p, "trusted", 7) == 0) {
            cf->identity = "trusted";

        } else if (len != 0
                   && !(len == 7 && strncmp(p, "caching", 7) == 0)
                   && !(len == 15 && strncmp(p, "cachemanagement", 15) == 0))
        {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "flavor: unknown word \"%.*s\"",
                                    (int) len, p);
        }
    }

    return REGISTRY_OK;
}


size_t
registry_config_index(const registry_config_t *cf, const char *option)
{
    size_t  i;

    for (i = 0; i < cf->n_options; i++) {
        if ((registry_options[i].programs & cf->program->mask) != 0
            && strcmp(registry_options[i].name, option) == 0)
        {
            break;
        }
    }

    return i;
}


/* with whichever program */

static bool
registry_config_exists(const char *option)
{
    const registry_opt_t  *opt;

    for (opt = registry_options; opt->name != NULL; opt++) {
        if (strcmp(opt->name, option) == 0) {
            return true;
        }
    }

    return false;
}


static size_t
registry_config_must(const registry_config_t *cf, const char *option)
{
    size_t  i;

    i = registry_config_index(cf, option);

    if (i == cf->n_options) {
        (void) fprintf(stderr, "%s has no option \"%s\"\n",
                       cf->program->name, option);
        abort();
    }

    return i;
}
