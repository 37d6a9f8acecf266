
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _GLANCE_FORWARDED_H_INCLUDED_
#define _GLANCE_FORWARDED_H_INCLUDED_


#include "glance_str.h"


/*
 * How a client has reached the front end that passed its request on
 * (specs/v2/01 1.7).  Empty: not told, or told in a way that must not become
 * a part of a URI.
 */

typedef struct {
    glance_str_t  proto;        /* "http" or "https", in any case */
    glance_str_t  host;         /* may have a port */
    glance_str_t  port;
    glance_str_t  prefix;       /* of paths, without a slash at its end */
} glance_forwarded_t;


/* the Forwarded header of RFC 7239: its first element, that of the client */
void glance_forwarded_parse(glance_str_t text, glance_forwarded_t *f);

/* one X-Forwarded-{name}, of several values the first; others are ignored */
void glance_forwarded_add(glance_forwarded_t *f, glance_str_t name,
    glance_str_t value);

/* whether a port has to follow host in a URI of that scheme */
bool glance_forwarded_has_port(glance_str_t host);
bool glance_forwarded_default_port(glance_str_t scheme, glance_str_t port);


#endif /* _GLANCE_FORWARDED_H_INCLUDED_ */
