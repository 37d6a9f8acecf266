
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_FETCH_H_INCLUDED_
#define _REGISTRY_FETCH_H_INCLUDED_


#include <stdint.h>

#include "glance_addr.h"
#include "registry_client.h"


#define REGISTRY_FETCH_REASON  256


/*
 * The data at a URL, streamed into the API server of the node.  The URL is
 * a stranger's: certificates are verified, redirects are followed few times,
 * and every address is looked at before it is connected to.  What is in a
 * Swift or S3 the API server reads itself, by the same rules.
 */

typedef struct {
    glance_cidr_t  *allowed;    /* inner addresses that may be read from */
    size_t          n_allowed;
    int64_t         cap;        /* bytes */
    long            timeout;    /* seconds of silence */
    const char     *ca_file;    /* "": the system's */
    const char     *socket;     /* of the API server */
} registry_fetch_conf_t;

typedef enum {
    REGISTRY_FETCH_DONE = 0,
    REGISTRY_FETCH_FAILED,      /* the source, or its data were refused */
    REGISTRY_FETCH_AGAIN,       /* the API server could not take them now */
    REGISTRY_FETCH_CUT,         /* it has not given them to their end */
    REGISTRY_FETCH_STOPPED      /* by tick() */
} registry_fetch_e;

/* called several times a second; total -1: unknown; false: stop */
typedef bool (*registry_fetch_pt)(void *arg, int64_t received,
    int64_t total);


/*
 * Somebody else who takes the data.  begin() comes before them, with the size
 * or -1; either may say that there has been enough by false.
 */
typedef struct {
    bool  (*begin)(void *arg, int64_t total);
    bool  (*data)(void *arg, const void *data, size_t len);
    void   *arg;
} registry_fetch_sink_t;


/*
 * size -1: whatever it is.  reason gets a text unless it is done, without
 * anything of the URL that could be a secret.
 */
registry_fetch_e registry_fetch(const registry_fetch_conf_t *conf,
    registry_client_t *client, const char *url, const char *image_id,
    int64_t size, registry_fetch_pt tick, void *arg,
    char reason[REGISTRY_FETCH_REASON]);

/* the same into the sink; STOPPED also when it had enough */
registry_fetch_e registry_fetch_into(const registry_fetch_conf_t *conf,
    const char *url, int64_t size, const registry_fetch_sink_t *sink,
    registry_fetch_pt tick, void *arg, char reason[REGISTRY_FETCH_REASON]);


#endif /* _REGISTRY_FETCH_H_INCLUDED_ */
