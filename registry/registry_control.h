
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_CONTROL_H_INCLUDED_
#define _REGISTRY_CONTROL_H_INCLUDED_


#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "registry_cli.h"
#include "registry_hosts.h"


#define REGISTRY_CONTROL_PATH  4096
#define REGISTRY_CONTROL_ARGV  160


typedef enum {
    REGISTRY_SERVER_REGISTRY = 0,
    REGISTRY_SERVER_API,
    REGISTRY_SERVER_WORKER,
    REGISTRY_SERVER_SCRUBBER
} registry_server_e;

#define REGISTRY_SERVERS  4


/* a server and what starting and stopping it needs to know */

typedef struct {
    registry_server_e         kind;
    const char               *name;     /* "glance-api" */
    const registry_cli_t     *cli;      /* options that are passed on */
    registry_config_t        *cf;
    long                      patience; /* seconds a start may take */
    bool                      capture;  /* its output goes to syslog */

    pid_t                     pid;      /* our child, or 0 */
    int64_t                   started;  /* by a clock of its own, ms */
    int                       status;   /* exit status, when it has ended */

    bool                      tls;
    char                      host[REGISTRY_HOST_LEN];  /* to ask it */
    char                      program[REGISTRY_CONTROL_PATH];
    char                      conf[REGISTRY_CONTROL_PATH];
    char                      pid_file[REGISTRY_CONTROL_PATH];
    char                      output[REGISTRY_CONTROL_PATH];
    char                      log[REGISTRY_CONTROL_PATH];
} registry_server_t;


/*
 * Finds configuration and program.  conf is the operator's argument or NULL:
 * the registry's file is looked for beside an API server's, and the other way
 * round.  REGISTRY_NOT_FOUND when there is none, unless defaults will do: a
 * server can be stopped without its file.
 */
registry_rc_e registry_control_init(registry_server_t *server,
    registry_server_e kind, const registry_cli_t *cli, const char *conf,
    bool defaults, registry_err_t *err);
void registry_control_free(registry_server_t *server);

/* false: it has no port, it only runs */
bool registry_control_listens(const registry_server_t *server);

/*
 * All print what they do, and what went wrong to standard error.  True:
 * done, or there was nothing to do.
 */
bool registry_control_start(registry_server_t *server);
bool registry_control_stop(registry_server_t *server, bool graceful);
bool registry_control_reload(registry_server_t *server);

/* the same as start, of a server that has died */
bool registry_control_respawn(registry_server_t *server);

/* prints it; true: it runs and answers */
bool registry_control_status(registry_server_t *server);

/*
 * Starts the servers that we have started again when they die, until all of
 * them were stopped on purpose; false: one was given up.
 */
bool registry_control_watch(registry_server_t *servers);

/* waits so long for one of them to end: its exit status, or 0 */
int registry_control_linger(registry_server_t *servers, long seconds);

/* another program, or what is left of the server, has its port */
bool registry_control_port_used(registry_server_t *server);

/* its exit status as a shell tells it, out of that of waitpid() */
int registry_control_code(int status);

int64_t registry_control_now(void);
void registry_control_sleep(int64_t since);


#endif /* _REGISTRY_CONTROL_H_INCLUDED_ */
