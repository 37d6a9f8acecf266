
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_LOG_H_INCLUDED_
#define _REGISTRY_LOG_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>

#include "registry_config.h"


typedef enum {
    REGISTRY_LOG_DEBUG = 0,
    REGISTRY_LOG_INFO,
    REGISTRY_LOG_WARNING,
    REGISTRY_LOG_ERROR,
    REGISTRY_LOG_CRITICAL
} registry_log_e;


#define REGISTRY_LOG_LINE    4096       /* longer lines are cut */
#define REGISTRY_LOG_ID_MAX  64


/*
 * Opens what log_config, use_syslog, log_file and log_dir say, in this order
 * of precedence, else standard output (specs/operations.md section 6).  The
 * program name is copied.  Before this call, lines go to standard error.
 */
registry_rc_e registry_log_init(const registry_config_t *cf,
    const char *program, registry_err_t *err);

/* whether these options can be followed; opens nothing */
registry_rc_e registry_log_check(const registry_config_t *cf,
    registry_err_t *err);
void registry_log_close(void);

/* without it: lines below the level are dropped, WARNING if not set */
void registry_log_threshold(registry_log_e level);

/*
 * One line per event: "message key=value", lower case, no full stop, no
 * secret.  Control characters are escaped.  Thread safe; errno is kept.
 */
void registry_log(registry_log_e level, const char *component,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool registry_log_enabled(registry_log_e level);

/* of the calling thread, copied; NULL or "": none */
void registry_log_request_id(const char *id);
const char *registry_log_get_request_id(void);

/* gives its files to a user, who is to open them anew later */
void registry_log_give(const char *user);

/* after log rotation; called from the main loop, not from a handler */
void registry_log_reopen(void);

/* log_file joined to log_dir; "" when the log is no file */
const char *registry_log_path(const registry_config_t *cf, char *path,
    size_t size);


#endif /* _REGISTRY_LOG_H_INCLUDED_ */
