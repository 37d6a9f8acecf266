
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_ERR_H_INCLUDED_
#define _REGISTRY_ERR_H_INCLUDED_


/*
 * How a call ended.  The HTTP status is computed from it in one place, by
 * the server; the program's exit status by registry_cli_exit().
 */

typedef enum {
    REGISTRY_OK = 0,
    REGISTRY_NOT_FOUND,
    REGISTRY_CONFLICT,
    REGISTRY_INVALID,
    REGISTRY_FORBIDDEN,
    REGISTRY_UNAUTHORIZED,
    REGISTRY_LIMIT,
    REGISTRY_GONE,
    REGISTRY_MEDIA_TYPE,
    REGISTRY_BUSY,              /* database unreachable: 503, Retry-After */
    REGISTRY_ERROR
} registry_rc_e;


#define REGISTRY_ERR_TEXT  256

/* owned by the caller, who may print or send the text: no secrets in it */

typedef struct {
    int   code;                         /* registry_rc_e */
    char  text[REGISTRY_ERR_TEXT];
} registry_err_t;


/* fills err, which may be NULL, and returns rc */
registry_rc_e registry_err_set(registry_err_t *err, registry_rc_e rc,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));


#endif /* _REGISTRY_ERR_H_INCLUDED_ */
