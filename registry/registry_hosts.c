
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_hosts.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>


static registry_rc_e registry_hosts_add(registry_hosts_t *hosts,
    const char *text, size_t len, registry_err_t *err);
static registry_rc_e registry_hosts_unix(const char *option,
    const char *path, char *host, registry_err_t *err);
static bool registry_hosts_name(const char *name);


registry_rc_e
registry_hosts_init(registry_hosts_t *hosts, const registry_config_t *cf,
    registry_err_t *err)
{
    size_t          len;
    const char     *list, *path;
    registry_rc_e   rc;

    hosts->n = 0;
    list = registry_config_str(cf, "registry_hosts");

    for (list += strspn(list, ", \t"); *list != '\0'; /* void */ ) {
        len = strcspn(list, ", \t");

        rc = registry_hosts_add(hosts, list, len, err);
        if (rc != REGISTRY_OK) {
            return rc;
        }

        list += len;
        list += strspn(list, ", \t");
    }

    if (hosts->n > 0) {
        return REGISTRY_OK;
    }

    hosts->n = 1;
    path = registry_config_str(cf, "registry_socket");

    if (path[0] != '\0') {
        return registry_hosts_unix("registry_socket", path, hosts->host[0],
                                   err);
    }

    return registry_hosts_address("registry_host",
               registry_hosts_local(registry_config_str(cf, "registry_host")),
               registry_config_int(cf, "registry_port"), hosts->host[0], err);
}


registry_rc_e
registry_hosts_address(const char *option, const char *name, int64_t port,
    char *host, registry_err_t *err)
{
    int   n;
    bool  bare;

    bare = (strchr(name, ':') != NULL && name[0] != '[');

    n = snprintf(host, REGISTRY_HOST_LEN, "%s%s%s:%" PRId64, bare ? "[" : "",
                 name, bare ? "]" : "", port);

    if (n < 0 || n >= REGISTRY_HOST_LEN || !registry_hosts_name(name)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "%s: must be a host name or an address",
                                option);
    }

    return REGISTRY_OK;
}


/* HOST:PORT, [IPV6]:PORT, unix:/PATH or unix:///PATH */

static registry_rc_e
registry_hosts_add(registry_hosts_t *hosts, const char *text, size_t len,
    registry_err_t *err)
{
    char  *colon, *end;
    char   name[REGISTRY_HOST_LEN];
    long   port;

    if (hosts->n == REGISTRY_HOSTS_MAX) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "registry_hosts: more than %d registries",
                                REGISTRY_HOSTS_MAX);
    }

    if (len >= sizeof(name)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "registry_hosts: address too long");
    }

    memcpy(name, text, len);
    name[len] = '\0';

    if (strncmp(name, "unix:", 5) == 0) {
        text = name + 5;

        if (strncmp(text, "//", 2) == 0) {
            text += 2;
        }

        return registry_hosts_unix("registry_hosts", text,
                                   hosts->host[hosts->n++], err);
    }

    if (strncmp(name, "http://", 7) == 0) {
        memmove(name, name + 7, len - 6);
    }

    colon = strrchr(name, ':');
    port = 9191;

    if (colon != NULL && strchr(colon, ']') == NULL) {
        port = strtol(colon + 1, &end, 10);

        if (!isdigit((unsigned char) colon[1]) || *end != '\0' || port < 1
            || port > 65535)
        {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "registry_hosts: port of \"%s\" is not "
                                    "a number from 1 to 65535", name);
        }

        *colon = '\0';
    }

    return registry_hosts_address("registry_hosts",
                                  registry_hosts_local(name), port,
                                  hosts->host[hosts->n++], err);
}


static registry_rc_e
registry_hosts_unix(const char *option, const char *path, char *host,
    registry_err_t *err)
{
    int          n;
    const char  *p;

    for (p = path; *p != '\0'; p++) {
        if (!isalnum((unsigned char) *p) && strchr("/._-+@%~,", *p) == NULL) {
            break;
        }
    }

    n = snprintf(host, REGISTRY_HOST_LEN, "unix:%s", path);

    /* 107 bytes is what sockaddr_un holds */

    if (path[0] != '/' || *p != '\0' || n < 0 || n - 5 > 107) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "%s: must be an absolute path of at most 107 "
                                "letters, digits and ./_-", option);
    }

    return REGISTRY_OK;
}


static bool
registry_hosts_name(const char *name)
{
    bool  bracket;

    bracket = (name[0] == '[');

    if (name[0] == '\0' || (bracket && name[strlen(name) - 1] != ']')) {
        return false;
    }

    for (const char *p = name + bracket; *p != '\0'; p++) {
        if (!isalnum((unsigned char) *p) && strchr(".-_:%", *p) == NULL
            && !(bracket && *p == ']' && p[1] == '\0'))
        {
            return false;
        }
    }

    return true;
}


/* where a server on all interfaces is reached from its own machine */

const char *
registry_hosts_local(const char *name)
{
    if (name[0] == '\0' || strcmp(name, "0.0.0.0") == 0
        || strcmp(name, "*") == 0)
    {
        return "127.0.0.1";
    }

    if (strcmp(name, "::") == 0 || strcmp(name, "[::]") == 0) {
        return "[::1]";
    }

    return name;
}
