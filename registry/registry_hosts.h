
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_HOSTS_H_INCLUDED_
#define _REGISTRY_HOSTS_H_INCLUDED_


#include "registry_config.h"


#define REGISTRY_HOSTS_MAX  16
#define REGISTRY_HOST_LEN   256


/*
 * The registries as nginx writes them: "HOST:PORT", "[IPV6]:PORT" or
 * "unix:/PATH".
 */

typedef struct {
    size_t  n;
    char    host[REGISTRY_HOSTS_MAX][REGISTRY_HOST_LEN];
} registry_hosts_t;


/*
 * Of registry_hosts, else registry_socket, else registry_host and
 * registry_port.  The address of all interfaces becomes that of this machine.
 */
registry_rc_e registry_hosts_init(registry_hosts_t *hosts,
    const registry_config_t *cf, registry_err_t *err);

/* "HOST:PORT" of a name or address: letters that no syntax minds */
registry_rc_e registry_hosts_address(const char *option, const char *name,
    int64_t port, char *host, registry_err_t *err);

/* how a server that listens on this address is reached from its machine */
const char *registry_hosts_local(const char *name);


#endif /* _REGISTRY_HOSTS_H_INCLUDED_ */
