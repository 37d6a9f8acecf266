
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DSN_H_INCLUDED_
#define _REGISTRY_DSN_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>

#include "registry_err.h"


/*
 * An SQLAlchemy URL: sqlite:///RELATIVE, sqlite:////ABSOLUTE,
 * mysql[+DRIVER]://USER:PASSWORD@HOST:PORT/DATABASE?unix_socket=PATH&...
 */

typedef enum {
    REGISTRY_DSN_SQLITE = 0,
    REGISTRY_DSN_MYSQL
} registry_dsn_e;

typedef struct registry_dsn_s  registry_dsn_t;

struct registry_dsn_s {
    registry_dsn_e   type;
    unsigned         port;          /* 0: not given */
    bool             verify;        /* the server's certificate */

    /* decoded; NULL when missing */
    char            *path;          /* of the SQLite file */
    char            *user;
    char            *password;
    char            *host;
    char            *database;
    char            *unix_socket;
    char            *ssl_ca;
    char            *ssl_cert;
    char            *ssl_key;
    char            *defaults_file;

    char            *memory;        /* all of the above lie in it */
};


/* errors never hold the password; release with registry_dsn_free() */
registry_rc_e registry_dsn_parse(registry_dsn_t *dsn, const char *url,
    registry_err_t *err);
void registry_dsn_free(registry_dsn_t *dsn);

/* for logs: "sqlite /a/b", "mysql user@host:3306/glance" */
void registry_dsn_describe(const registry_dsn_t *dsn, char *text,
    size_t size);


#endif /* _REGISTRY_DSN_H_INCLUDED_ */
