
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdio.h>
#include <string.h>

#include "registry_log.h"
#include "registry_manage.h"


typedef struct {
    const char          *group;
    const char          *name;
    const char          *old;           /* older spellings, by spaces */
    size_t               max;           /* arguments behind it */
    registry_manage_pt   run;
} glance_manage_command_t;


static void glance_manage_revision(char **argv);
static const glance_manage_command_t *glance_manage_find(
    const registry_cli_t *cli, size_t *used);
static bool glance_manage_old(const char *list, const char *name);
static int glance_manage_usage(const registry_cli_t *cli);
static int glance_manage_db(registry_cli_t *cli,
    const glance_manage_command_t *command, const char *argument);


static const registry_cli_opt_t  glance_manage_options[] = {
    { "sql-connection", 0, "URL", "sql_connection",
      "the database, instead of the configuration's" },
    { "age-in-days", 0, "DAYS", NULL,
      "of purge: 30, purge_images_table: 180" },
    { "max-rows", 0, "ROWS", NULL,
      "of purge: of each table, 100; -1: all" },
    { NULL, 0, NULL, NULL, NULL }
};

static const glance_manage_command_t  glance_manage_commands[] = {
    { "db", "sync", "db_sync", 1, registry_manage_sync },
    { "db", "version", "db_version", 0, registry_manage_version },
    { "db", "check", "db_check", 0, registry_manage_check },
    { "db", "upgrade", "upgrade db_upgrade", 1, registry_manage_sync },
    { "db", "version_control", "version_control db_version_control", 1,
      registry_manage_control },
    { "db", "expand", "db_expand", 0, registry_manage_sync },
    { "db", "migrate", "db_migrate", 0, registry_manage_phase },
    { "db", "contract", "db_contract", 0, registry_manage_phase },
    { "db", "purge", "", 0, registry_manage_purge },
    { "db", "purge_images_table", "", 0, registry_manage_purge_images },
    { "db", "claims", "", 0, registry_manage_claims },
    { "db", "removals", "", 0, registry_manage_removals },
    { "db", "jobs", "", 0, registry_manage_jobs },
    { "db", "downgrade", "downgrade db_downgrade", 1,
      registry_manage_refuse },
    { "db", "load_metadefs", "db_load_metadefs", 4, registry_manage_refuse },
    { "db", "unload_metadefs", "db_unload_metadefs", 1,
      registry_manage_refuse },
    { "db", "export_metadefs", "db_export_metadefs", 1,
      registry_manage_refuse },
    { NULL, NULL, NULL, 0, NULL }
};


int
main(int argc, char **argv)
{
    int                             rc;
    size_t                          used;
    const glance_manage_command_t  *command;

    registry_cli_t  cli = {
        .program = "glance-manage",
        .usage = "[options] db COMMAND [ARGUMENT]\n"
                 "       glance-manage config check [DIR|FILE ...]",
        .summary =
            "Looks after the database and explains configuration files.\n\n"
            "Commands:\n"
            "  config check           what each option in files of Glance "
            "does here;\n"
            "                         DIR is /etc/glance; exit status 1: "
            "something is\n"
            "                         unknown or invalid\n"
            "  db sync                create or complete the tables\n"
            "  db version             print the revision\n"
            "  db check               exit status 0: up to date; 3: run "
            "sync;\n"
            "                         5: another Glance's contract is "
            "missing\n"
            "  db purge               delete the rows that were soft-deleted "
            "long ago,\n"
            "                         of all tables but images\n"
            "  db purge_images_table  the same, of the images themselves\n"
            "  db claims              uploads and deletes that are under "
            "way\n"
            "  db removals            data that wait to be removed\n"
            "  db jobs                data that are to be copied from other "
            "servers,\n"
            "                         and what failed in the last week\n"
            "  db upgrade, db version_control, db expand, db migrate, "
            "db contract:\n"
            "                         what sync leaves to do, which is "
            "nothing\n"
            "Older spellings: db_sync, db_version, db_check and so on, "
            "version_control,\nupgrade; --version REVISION behind the "
            "command.",
        .extra = glance_manage_options
    };

    if (argc > 2) {
        glance_manage_revision(argv + 2);
    }

    for (argc = 0; argv[argc] != NULL; argc++) { /* void */ }

    rc = registry_cli_parse(&cli, argc, argv);
    if (rc >= 0) {
        return rc;
    }

    if (registry_cli_value(&cli, "print-config") != NULL) {
        registry_config_t  *cf;

        return registry_cli_load(&cli, NULL, &cf);
    }

    if (cli.n_args > 1 && strcmp(cli.args[0], "config") == 0
        && strcmp(cli.args[1], "check") == 0)
    {
        return registry_manage_config_check(&cli, 2);
    }

    command = glance_manage_find(&cli, &used);

    if (command == NULL || cli.n_args - used > command->max) {
        return glance_manage_usage(&cli);
    }

    return glance_manage_db(&cli, command, cli.args[used]);
}


/*
 * Behind a command of Glance's, --version gives the revision, and is no
 * question for that of the program: what it names becomes the argument.
 */

static void
glance_manage_revision(char **argv)
{
    char  **p;

    for ( /* void */ ; *argv != NULL; argv++) {

        if (strncmp(*argv, "--version=", 10) == 0) {
            *argv += 10;
        }

        if (strcmp(*argv, "--version") != 0 || argv[1] == NULL) {
            continue;
        }

        for (p = argv; *p != NULL; p++) {
            p[0] = p[1];
        }
    }
}


/* *used: how many words were the command */

static const glance_manage_command_t *
glance_manage_find(const registry_cli_t *cli, size_t *used)
{
    const glance_manage_command_t  *command;

    for (command = glance_manage_commands; command->name != NULL; command++) {

        if (cli->n_args > 1 && strcmp(cli->args[0], command->group) == 0
            && strcmp(cli->args[1], command->name) == 0)
        {
            *used = 2;
            return command;
        }

        if (cli->n_args > 0 && glance_manage_old(command->old, cli->args[0]))
        {
            *used = 1;
            return command;
        }
    }

    return NULL;
}


static bool
glance_manage_old(const char *list, const char *name)
{
    size_t  len;

    for (const char *p = list; *p != '\0'; p += len) {
        p += strspn(p, " ");
        len = strcspn(p, " ");

        if (len == strlen(name) && strncmp(p, name, len) == 0) {
            return true;
        }
    }

    return false;
}


static int
glance_manage_usage(const registry_cli_t *cli)
{
    (void) fprintf(stderr, "Usage: glance-manage %s\n\nCommands of db:",
                   cli->usage);

    for (const glance_manage_command_t *command = glance_manage_commands;
         command->name != NULL;
         command++)
    {
        if (command->run != registry_manage_refuse) {
            (void) fprintf(stderr, " %s", command->name);
        }
    }

    (void) fprintf(stderr, "\n\nglance-manage: error: ");

    if (cli->n_args == 0) {
        (void) fprintf(stderr, "no command\n");

    } else {
        (void) fprintf(stderr, "no such command, or too many arguments:");

        for (size_t i = 0; i < cli->n_args; i++) {
            (void) fprintf(stderr, " %s", cli->args[i]);
        }

        (void) fputc('\n', stderr);
    }

    return REGISTRY_EXIT_USAGE;
}


static int
glance_manage_db(registry_cli_t *cli, const glance_manage_command_t *command,
    const char *argument)
{
    int                 rc;
    registry_err_t      err;
    registry_config_t  *cf;
    registry_manage_t   m;

    cli->optional = (registry_cli_value(cli, "sql-connection") != NULL);

    rc = registry_cli_load(cli, NULL, &cf);
    if (rc >= 0) {
        return rc;
    }

    /* standard error gets one line about a mistake, and more on request */

    registry_log_threshold(REGISTRY_LOG_CRITICAL);

    if (registry_cli_value(cli, "verbose") != NULL) {
        registry_log_threshold(REGISTRY_LOG_INFO);
    }

    if (registry_cli_value(cli, "debug") != NULL) {
        registry_log_threshold(REGISTRY_LOG_DEBUG);
        registry_cli_log_config(cf);
    }

    m.cli = cli;
    m.cf = cf;
    m.argument = argument;
    m.db = registry_db_new(cf, &err);

    if (m.db == NULL) {
        registry_config_free(cf);
        return registry_manage_error("%s", err.text);
    }

    rc = (registry_cli_value(cli, "check") == NULL) ? command->run(&m)
                                                    : REGISTRY_EXIT_OK;

    registry_db_free(m.db);
    registry_config_free(cf);

    return rc;
}
