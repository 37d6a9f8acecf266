
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_CLI_H_INCLUDED_
#define _REGISTRY_CLI_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>

#include "registry_config.h"


/* exit statuses */

#define REGISTRY_EXIT_OK       0
#define REGISTRY_EXIT_FAILURE  1
#define REGISTRY_EXIT_USAGE    2

#define REGISTRY_CLI_ARGS      16
#define REGISTRY_CLI_VALUES    64


/*
 * An option of the command line.  It sets a configuration option when
 * "option" names one (a flag sets it to True); otherwise main() asks with
 * registry_cli_value().
 */

typedef struct {
    const char  *name;          /* "log-file" */
    char         letter;        /* 0: none */
    const char  *arg;           /* "PATH"; NULL: a flag */
    const char  *option;
    const char  *help;
} registry_cli_opt_t;

typedef struct {
    const char                *program;   /* set by main() */
    const char                *usage;     /* "[options] [CONFPATH]" */
    const char                *summary;   /* one paragraph below it */
    const registry_cli_opt_t  *extra;     /* ends with name NULL; or NULL */
    bool                       optional;  /* a configuration file */
    bool                       foreign;   /* it has only those of others */

    size_t                     n_args;    /* not options, in order */
    const char                *args[REGISTRY_CLI_ARGS + 1];
    size_t                     n_values;
    struct {
        const registry_cli_opt_t  *opt;
        const char                *value;
    }                          values[REGISTRY_CLI_VALUES];
} registry_cli_t;


/*
 * Parses options, which may stand before and after the arguments, "--"
 * ends them.  -1: go on; else the exit status: --help and --version were
 * served, or the mistake was printed.
 *
 * Common options: -h --help --version -v --verbose -d --debug --config-file
 * --run-dir --log-config --log-format --log-date-format --log-file --log-dir
 * --use-syslog --set OPTION=VALUE --check --print-config.
 */
int registry_cli_parse(registry_cli_t *cli, int argc, char **argv);

/* the last value given, "" for a flag, NULL when the option was not given */
const char *registry_cli_value(const registry_cli_t *cli, const char *name);

/* to standard output */
void registry_cli_help(const registry_cli_t *cli);

/*
 * Loads the configuration (--config-file, else "first", else the search),
 * applies the command line to it and serves --print-config.  -1: go on with
 * the new *cf; else the exit status, and the mistake was printed.
 */
int registry_cli_load(const registry_cli_t *cli, const char *first,
    registry_config_t **cf);

/* parse and load with the first argument: all that a server needs */
int registry_cli_start(registry_cli_t *cli, int argc, char **argv,
    registry_config_t **cf);

/*
 * A program that reads glance-api.conf must not write into the API server's
 * log: "worker.log" beside it is its own.
 */
registry_rc_e registry_cli_own_log(registry_config_t *cf,
    const char *program, registry_err_t *err);

/* prints the configuration's warnings to the log, and with debug its dump */
void registry_cli_log_config(const registry_config_t *cf);

/* "ERROR: ..." on standard error, with file and line if they are known */
void registry_cli_failed(const registry_config_t *cf, registry_err_t *err);

/*
 * --check, as far as it is the same for all servers: options of the log, and
 * what the reader noticed, on standard error
 */
registry_rc_e registry_cli_check(const registry_config_t *cf,
    registry_err_t *err);


#endif /* _REGISTRY_CLI_H_INCLUDED_ */
