
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry_log.h"


#define REGISTRY_CLI_PATH  4096


static const registry_cli_opt_t *registry_cli_find(const registry_cli_t *cli,
    const char *name, size_t len, char letter);
static int registry_cli_long(registry_cli_t *cli, char **argv, int *i);
static int registry_cli_short(registry_cli_t *cli, char **argv, int *i);
static int registry_cli_add(registry_cli_t *cli,
    const registry_cli_opt_t *opt, const char *value);
static int registry_cli_usage_error(const registry_cli_t *cli,
    const char *what, const char *text, size_t len);
static void registry_cli_help_table(const registry_cli_opt_t *opt);
static bool registry_cli_set(const registry_cli_opt_t *opt,
    const char *value, registry_config_t *cf, registry_err_t *err);
static void registry_cli_log_line(void *arg, const char *text);
static const char *registry_cli_base(const char *path);


static const registry_cli_opt_t  registry_cli_common[] = {
    { "help", 'h', NULL, NULL, "show this text" },
    { "version", 0, NULL, NULL, "show the version" },
    { "verbose", 'v', NULL, "verbose", "log at level INFO" },
    { "debug", 'd', NULL, "debug", "log at level DEBUG" },
    { "config-file", 0, "PATH", NULL, "the configuration file" },
    { "run-dir", 0, "DIR", "run_dir",
      "the directory of pid files, /run/glance by default" },
    { "log-config", 0, "PATH", "log_config",
      "a Python logging configuration file" },
    { "log-format", 0, "FORMAT", "log_format", "the form of a log line" },
    { "log-date-format", 0, "FORMAT", "log_date_format",
      "the form of its time" },
    { "log-file", 0, "PATH", "log_file", "log to a file" },
    { "log-dir", 0, "DIR", "log_dir", "the directory of the log file" },
    { "use-syslog", 0, NULL, "use_syslog", "log to syslog" },
    { "set", 0, "OPTION=VALUE", NULL, "set an option of the configuration" },
    { NULL, 0, NULL, NULL, NULL }
};

/* of programs that have a configuration of their own */

static const registry_cli_opt_t  registry_cli_own[] = {
    { "check", 0, NULL, NULL, "check the configuration and exit" },
    { "print-config", 0, NULL, NULL,
      "print a commented configuration file and exit" },
    { NULL, 0, NULL, NULL, NULL }
};


int
registry_cli_parse(registry_cli_t *cli, int argc, char **argv)
{
    int   rc;
    bool  options;

    options = true;
    cli->n_args = 0;
    cli->n_values = 0;

    for (int i = 1; i < argc; i++) {

        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            continue;
        }

        if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            rc = (argv[i][1] == '-') ? registry_cli_long(cli, argv, &i)
                                     : registry_cli_short(cli, argv, &i);
            if (rc >= 0) {
                return rc;
            }

            continue;
        }

        if (cli->n_args == REGISTRY_CLI_ARGS) {
            return registry_cli_usage_error(cli, "too many arguments", "", 0);
        }

        cli->args[cli->n_args++] = argv[i];
        cli->args[cli->n_args] = NULL;
    }

    if (registry_cli_value(cli, "help") != NULL) {
        registry_cli_help(cli);
        return REGISTRY_EXIT_OK;
    }

    if (registry_cli_value(cli, "version") != NULL) {
        (void) printf("%s %s\n", cli->program, GLANCE_VERSION);
        return REGISTRY_EXIT_OK;
    }

    return -1;
}


const char *
registry_cli_value(const registry_cli_t *cli, const char *name)
{
    for (size_t i = cli->n_values; i > 0; i--) {
        if (strcmp(cli->values[i - 1].opt->name, name) == 0) {
            return cli->values[i - 1].value;
        }
    }

    return NULL;
}


void
registry_cli_help(const registry_cli_t *cli)
{
    (void) printf("Usage: %s %s\n\n%s\n\nOptions:\n", cli->program,
                  cli->usage, cli->summary);

    if (cli->extra != NULL) {
        registry_cli_help_table(cli->extra);
    }

    registry_cli_help_table(registry_cli_common);

    if (!cli->foreign) {
        registry_cli_help_table(registry_cli_own);
    }
}


int
registry_cli_load(const registry_cli_t *cli, const char *first,
    registry_config_t **cf)
{
    const char      *file;
    registry_err_t   err;

    file = registry_cli_value(cli, "config-file");

    if (file == NULL) {
        file = first;
    }

    *cf = registry_config_load(cli->program, file, &err);

    if (*cf == NULL && file == NULL && err.code == REGISTRY_NOT_FOUND
        && (cli->optional
            || registry_cli_value(cli, "print-config") != NULL))
    {
        *cf = registry_config_new(cli->program);
    }

    if (*cf == NULL) {
        (void) fprintf(stderr, "ERROR: %s\n", err.text);
        return REGISTRY_EXIT_FAILURE;
    }

    if (registry_cli_own_log(*cf, cli->program, &err) != REGISTRY_OK) {
        (void) fprintf(stderr, "ERROR: %s\n", err.text);
        registry_config_free(*cf);
        *cf = NULL;
        return REGISTRY_EXIT_FAILURE;
    }

    for (size_t i = 0; i < cli->n_values; i++) {
        if (!registry_cli_set(cli->values[i].opt, cli->values[i].value, *cf,
                              &err))
        {
            (void) fprintf(stderr, "ERROR: %s\n", err.text);
            registry_config_free(*cf);
            *cf = NULL;
            return REGISTRY_EXIT_USAGE;
        }
    }

    if (registry_cli_value(cli, "print-config") != NULL) {
        registry_config_print(*cf, stdout);
        registry_config_free(*cf);
        *cf = NULL;
        return REGISTRY_EXIT_OK;
    }

    return -1;
}


registry_rc_e
registry_cli_own_log(registry_config_t *cf, const char *program,
    registry_err_t *err)
{
    int          n;
    char         path[REGISTRY_CLI_PATH];
    const char  *log;

    log = registry_config_str(cf, "log_file");

    if (log[0] == '\0' || strcmp(program, "glance-api") == 0
        || strcmp(registry_cli_base(registry_config_path(cf)),
                  "glance-api.conf")
           != 0)
    {
        return REGISTRY_OK;
    }

    n = snprintf(path, sizeof(path), "%.*s%s.log",
                 (int) (registry_cli_base(log) - log), log,
                 program + sizeof("glance-") - 1);

    if (n < 0 || (size_t) n >= sizeof(path)) {
        return registry_err_set(err, REGISTRY_INVALID, "log_file: too long");
    }

    return registry_config_set(cf, "log_file", path, err);
}


int
registry_cli_start(registry_cli_t *cli, int argc, char **argv,
    registry_config_t **cf)
{
    int  rc;

    *cf = NULL;

    rc = registry_cli_parse(cli, argc, argv);
    if (rc >= 0) {
        return rc;
    }

    if (cli->n_args > 1) {
        return registry_cli_usage_error(cli, "unexpected argument",
                                        cli->args[1], strlen(cli->args[1]));
    }

    return registry_cli_load(cli, (cli->n_args > 0) ? cli->args[0] : NULL,
                             cf);
}


void
registry_cli_failed(const registry_config_t *cf, registry_err_t *err)
{
    registry_config_locate(cf, err);

    (void) fprintf(stderr, "ERROR: %s\n", err->text);
}


registry_rc_e
registry_cli_check(const registry_config_t *cf, registry_err_t *err)
{
    for (size_t i = 0; registry_config_warning(cf, i) != NULL; i++) {
        (void) fprintf(stderr, "WARNING: %s\n",
                       registry_config_warning(cf, i));
    }

    return registry_log_check(cf, err);
}


void
registry_cli_log_config(const registry_config_t *cf)
{
    const char  *text;

    for (size_t i = 0; /* void */ ; i++) {
        text = registry_config_warning(cf, i);

        if (text == NULL) {
            break;
        }

        registry_log(REGISTRY_LOG_WARNING, "config", "%s", text);
    }

    if (registry_log_enabled(REGISTRY_LOG_DEBUG)) {
        registry_config_dump(cf, registry_cli_log_line, NULL);
    }
}


/* by its name, or its letter */

static const registry_cli_opt_t *
registry_cli_find(const registry_cli_t *cli, const char *name, size_t len,
    char letter)
{
    const registry_cli_opt_t  *opt;
    const registry_cli_opt_t  *tables[] = {
        cli->extra, registry_cli_common, cli->foreign ? NULL : registry_cli_own
    };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (opt = tables[i]; opt != NULL && opt->name != NULL; opt++) {

            if ((letter != 0) ? opt->letter == letter
                              : (strlen(opt->name) == len
                                 && strncmp(opt->name, name, len) == 0))
            {
                return opt;
            }
        }
    }

    return NULL;
}


/* "--name", "--name=value" or "--name value", "_" in the name is "-" */

static int
registry_cli_long(registry_cli_t *cli, char **argv, int *i)
{
    char                       name[64];
    size_t                     len;
    const char                *text, *value;
    const registry_cli_opt_t  *opt;

    text = argv[*i] + 2;
    len = strcspn(text, "=");
    opt = NULL;

    if (len < sizeof(name)) {
        for (size_t n = 0; n < len; n++) {
            name[n] = (char) ((text[n] == '_') ? '-' : text[n]);
        }

        opt = registry_cli_find(cli, name, len, 0);
    }

    if (opt == NULL) {
        return registry_cli_usage_error(cli, "no such option", argv[*i],
                                        len + 2);
    }

    value = (text[len] == '=') ? text + len + 1 : NULL;

    if (opt->arg == NULL) {
        if (value != NULL) {
            return registry_cli_usage_error(cli, "option takes no value",
                                            argv[*i], len + 2);
        }

        return registry_cli_add(cli, opt, "");
    }

    if (value == NULL) {
        value = argv[*i + 1];

        if (value == NULL) {
            return registry_cli_usage_error(cli, "option needs a value",
                                            argv[*i], len + 2);
        }

        (*i)++;
    }

    return registry_cli_add(cli, opt, value);
}


/* "-vd", "-oVALUE" or "-o VALUE" */

static int
registry_cli_short(registry_cli_t *cli, char **argv, int *i)
{
    int                        rc;
    const char                *p;
    const registry_cli_opt_t  *opt;

    for (p = argv[*i] + 1; *p != '\0'; p++) {

        opt = registry_cli_find(cli, "", 0, *p);

        if (opt == NULL) {
            return registry_cli_usage_error(cli, "no such option", argv[*i],
                                            strlen(argv[*i]));
        }

        if (opt->arg == NULL) {
            rc = registry_cli_add(cli, opt, "");
            if (rc >= 0) {
                return rc;
            }

            continue;
        }

        if (p[1] != '\0') {
            return registry_cli_add(cli, opt, p + 1);
        }

        if (argv[*i + 1] == NULL) {
            return registry_cli_usage_error(cli, "option needs a value",
                                            argv[*i], strlen(argv[*i]));
        }

        (*i)++;

        return registry_cli_add(cli, opt, argv[*i]);
    }

    return -1;
}


static int
registry_cli_add(registry_cli_t *cli, const registry_cli_opt_t *opt,
    const char *value)
{
    if (cli->n_values == REGISTRY_CLI_VALUES) {
        return registry_cli_usage_error(cli, "too many options", "", 0);
    }

    cli->values[cli->n_values].opt = opt;
    cli->values[cli->n_values].value = value;
    cli->n_values++;

    return -1;
}


static int
registry_cli_usage_error(const registry_cli_t *cli, const char *what,
    const char *text, size_t len)
{
    (void) fprintf(stderr, "Usage: %s %s\n\n%s: error: %s%s%.*s\n",
                   cli->program, cli->usage, cli->program, what,
                   (len > 0) ? ": " : "", (int) len, text);

    return REGISTRY_EXIT_USAGE;
}


static void
registry_cli_help_table(const registry_cli_opt_t *opt)
{
    char  text[80];

    for ( /* void */ ; opt->name != NULL; opt++) {
        (void) snprintf(text, sizeof(text), "%c%c%s--%s%s%s",
                        (opt->letter != 0) ? '-' : ' ',
                        (opt->letter != 0) ? opt->letter : ' ',
                        (opt->letter != 0) ? ", " : "  ", opt->name,
                        (opt->arg != NULL) ? "=" : "",
                        (opt->arg != NULL) ? opt->arg : "");

        (void) printf("  %-28s %s\n", text, opt->help);
    }
}


static bool
registry_cli_set(const registry_cli_opt_t *opt, const char *value,
    registry_config_t *cf, registry_err_t *err)
{
    char         name[64];
    size_t       len;
    const char  *option;

    option = opt->option;

    if (strcmp(opt->name, "set") == 0) {
        len = strcspn(value, "=");

        if (value[len] != '=' || len >= sizeof(name)) {
            (void) registry_err_set(err, REGISTRY_INVALID,
                                    "--set: must be OPTION=VALUE");
            return false;
        }

        memcpy(name, value, len);
        name[len] = '\0';

        option = name;
        value += len + 1;
    }

    if (option == NULL) {
        return true;
    }

    if (opt->arg == NULL) {
        value = "True";
    }

    return registry_config_set(cf, option, value, err) == REGISTRY_OK;
}


static void
registry_cli_log_line(void *arg, const char *text)
{
    (void) arg;

    registry_log(REGISTRY_LOG_DEBUG, NULL, "%s", text);
}


/* the file name in the path */

static const char *
registry_cli_base(const char *path)
{
    const char  *slash;

    slash = strrchr(path, '/');

    return (slash != NULL) ? slash + 1 : path;
}
