
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_CALL_H_INCLUDED_
#define _REGISTRY_CALL_H_INCLUDED_


#include <microhttpd.h>
#include <time.h>

#include "registry_request.h"


/* one HTTP request from its header to its answer, inside libmicrohttpd */

typedef struct {
    registry_request_t   rq;
    unsigned char       *body;
    size_t               size;          /* room in body */
    bool                 known;         /* the method */
    bool                 too_large;
    struct timespec      start;
} registry_call_t;


/* with the header; new reference, NULL without memory */
registry_call_t *registry_call_begin(const registry_app_t *app,
    struct MHD_Connection *connection, const char *url, const char *method);
void registry_call_free(registry_call_t *call);

/* a piece of the body; what is too large is answered so at the end */
void registry_call_body(registry_call_t *call, const char *data,
    size_t size);

/* works, and queues the answer; last: the connection is to be closed */
enum MHD_Result registry_call_answer(registry_call_t *call, bool last);


#endif /* _REGISTRY_CALL_H_INCLUDED_ */
