
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_CLIENT_H_INCLUDED_
#define _REGISTRY_CLIENT_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>

#include "registry_config.h"


#define REGISTRY_CLIENT_ANSWER_MAX  (16 * 1024 * 1024)


/*
 * The registries as seen by the worker: one connection, kept open, moved on
 * to the next registry when one does not answer.  Not for several threads.
 */

typedef struct registry_client_s  registry_client_t;

struct curl_slist;

typedef struct {
    unsigned     status;        /* of HTTP */
    size_t       len;
    const char  *text;          /* NUL-terminated; borrowed until the next
                                   call of the client */
} registry_answer_t;


/* once in a program, before and after all others */
void registry_client_library(void);
void registry_client_library_free(void);

/* new reference; calls are made as an administrator, with the secret */
registry_client_t *registry_client_new(const registry_config_t *cf,
    registry_err_t *err);
void registry_client_free(registry_client_t *client);

/*
 * Path from "/", body NULL or JSON.  Any answer but 502 and 503 is
 * REGISTRY_OK; REGISTRY_BUSY: no registry gave one.  Only for calls that may
 * arrive twice.
 */
registry_rc_e registry_client_call(registry_client_t *client,
    const char *method, const char *path, const char *body,
    registry_answer_t *answer, registry_err_t *err);

/* who the worker is, for libcurl; NULL without memory; type NULL: no body */
struct curl_slist *registry_client_headers(registry_client_t *client,
    const char *type);

/*
 * The status that the server at a unix socket gives for a POST of JSON, the
 * whole of which may take long; 0: nobody answers.
 */
unsigned registry_client_post(registry_client_t *client, const char *socket,
    const char *body);

/*
 * The status that a server ("HOST:PORT", "unix:/PATH") gives for a GET of
 * the path, within timeout_ms; 0: none.  Certificates are not looked at.
 */
unsigned registry_client_probe(const char *host, bool tls, const char *path,
    const char *secret, long timeout_ms);


#endif /* _REGISTRY_CLIENT_H_INCLUDED_ */
