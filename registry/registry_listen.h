
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_LISTEN_H_INCLUDED_
#define _REGISTRY_LISTEN_H_INCLUDED_


#include "registry_err.h"


/*
 * Listening sockets; -1 with err set.  A unix socket that a dead process left
 * behind is replaced, one that somebody listens on is not.
 */
int registry_listen_tcp(const char *host, int port, int backlog,
    registry_err_t *err);
int registry_listen_unix(const char *path, int backlog, registry_err_t *err);


#endif /* _REGISTRY_LISTEN_H_INCLUDED_ */
