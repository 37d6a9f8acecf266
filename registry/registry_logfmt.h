
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_LOGFMT_H_INCLUDED_
#define _REGISTRY_LOGFMT_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "registry_err.h"


#define REGISTRY_LOGFMT_PARTS  32
#define REGISTRY_LOGFMT_TEXT   512


/*
 * A log format of Python's logging module: "%(levelname)8s" and the like.
 * Attributes that have no meaning here are rendered empty.
 */

typedef enum {
    REGISTRY_LOGFMT_LITERAL = 0,
    REGISTRY_LOGFMT_ASCTIME,
    REGISTRY_LOGFMT_LEVELNAME,
    REGISTRY_LOGFMT_NAME,
    REGISTRY_LOGFMT_MESSAGE,
    REGISTRY_LOGFMT_PROCESS,
    REGISTRY_LOGFMT_REQUEST_ID,
    REGISTRY_LOGFMT_OTHER
} registry_logfmt_e;

typedef struct {
    registry_logfmt_e  kind;
    int                width;
    bool               left;
    const char        *text;            /* of a literal, in the format's copy */
    size_t             len;
} registry_logfmt_part_t;

typedef struct {
    size_t                  n;
    registry_logfmt_part_t  parts[REGISTRY_LOGFMT_PARTS];
    bool                    request_id; /* the format shows it */
    char                    text[REGISTRY_LOGFMT_TEXT];
    char                    date[REGISTRY_LOGFMT_TEXT / 4];
} registry_logfmt_t;

typedef struct {
    time_t       time;
    const char  *level;
    const char  *name;
    const char  *message;
    const char  *request_id;
    long         process;
} registry_logfmt_event_t;


/* the struct must not be moved afterwards: literals point into it */
registry_rc_e registry_logfmt_parse(registry_logfmt_t *fmt,
    const char *format, const char *date, registry_err_t *err);

/* without end of line; cut at size - 1 bytes; its length */
size_t registry_logfmt_render(const registry_logfmt_t *fmt,
    const registry_logfmt_event_t *event, char *dst, size_t size);


#endif /* _REGISTRY_LOGFMT_H_INCLUDED_ */
