
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_LOGCONF_H_INCLUDED_
#define _REGISTRY_LOGCONF_H_INCLUDED_


#include "registry_log.h"
#include "registry_logfmt.h"


#define REGISTRY_LOG_SINKS  8


typedef enum {
    REGISTRY_SINK_STDOUT = 0,
    REGISTRY_SINK_STDERR,
    REGISTRY_SINK_FILE,
    REGISTRY_SINK_SYSLOG
} registry_sink_e;

typedef struct {
    registry_sink_e    kind;
    registry_log_e     level;
    int                facility;        /* of syslog */
    char              *path;            /* of a file */
    registry_logfmt_t  fmt;
} registry_sink_t;

typedef struct {
    registry_log_e   level;             /* lower ones go nowhere */
    size_t           n;
    registry_sink_t  sinks[REGISTRY_LOG_SINKS];
    char             ignored[256];      /* what a log_config has besides */
} registry_logconf_t;


/*
 * What the options say, without opening anything; also for the API server,
 * whose log is nginx's.  The struct must not be moved afterwards.
 */
registry_rc_e registry_logconf_init(registry_logconf_t *lc,
    const registry_config_t *cf, registry_err_t *err);
void registry_logconf_free(registry_logconf_t *lc);

/* of a Python logging configuration file; called by the above */
registry_rc_e registry_logconf_python(registry_logconf_t *lc,
    const char *path, registry_err_t *err);

/* "LOG_DAEMON" or "daemon"; -1: unknown */
int registry_logconf_facility(const char *name);


#endif /* _REGISTRY_LOGCONF_H_INCLUDED_ */
