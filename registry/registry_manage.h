
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_MANAGE_H_INCLUDED_
#define _REGISTRY_MANAGE_H_INCLUDED_


#include "registry_cli.h"
#include "registry_db.h"


/* exit statuses of "db check", as Glance has them */

#define REGISTRY_EXIT_EXPAND    3
#define REGISTRY_EXIT_MIGRATE   4       /* no release that is served needs it */
#define REGISTRY_EXIT_CONTRACT  5

typedef struct {
    const registry_cli_t     *cli;
    const registry_config_t  *cf;
    registry_db_t            *db;
    const char               *argument;     /* behind the command, or NULL */
} registry_manage_t;

/* a command; the exit status, and errors were printed */
typedef int (*registry_manage_pt)(registry_manage_t *m);


int registry_manage_sync(registry_manage_t *m);
int registry_manage_version(registry_manage_t *m);
int registry_manage_check(registry_manage_t *m);
int registry_manage_control(registry_manage_t *m);
int registry_manage_phase(registry_manage_t *m);
int registry_manage_refuse(registry_manage_t *m);
int registry_manage_purge(registry_manage_t *m);
int registry_manage_purge_images(registry_manage_t *m);
int registry_manage_claims(registry_manage_t *m);
int registry_manage_removals(registry_manage_t *m);
int registry_manage_jobs(registry_manage_t *m);

/* "config check" of the paths in cli->args from "first" on */
int registry_manage_config_check(const registry_cli_t *cli, size_t first);

/* prints "ERROR: ..." and returns REGISTRY_EXIT_FAILURE */
int registry_manage_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));


#endif /* _REGISTRY_MANAGE_H_INCLUDED_ */
