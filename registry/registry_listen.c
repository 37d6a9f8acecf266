
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>


static int registry_listen_address(const struct addrinfo *ai, int backlog);


int
registry_listen_tcp(const char *host, int port, int backlog,
    registry_err_t *err)
{
    int               fd, rc, saved;
    char              text[8];
    struct addrinfo   hints, *list;

    (void) snprintf(text, sizeof(text), "%d", port);

    memset(&hints, 0, sizeof(struct addrinfo));

    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;

    rc = getaddrinfo(host, text, &hints, &list);

    if (rc != 0) {
        (void) registry_err_set(err, REGISTRY_INVALID, "bind_host \"%s\": "
                                "%s", host, gai_strerror(rc));
        return -1;
    }

    fd = -1;
    saved = 0;

    for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        fd = registry_listen_address(ai, backlog);

        if (fd != -1) {
            break;
        }

        saved = errno;
    }

    freeaddrinfo(list);

    if (fd == -1) {
        (void) registry_err_set(err, REGISTRY_ERROR, "cannot listen on "
                                "%s:%d: %s", host, port, strerror(saved));
    }

    return fd;
}


int
registry_listen_unix(const char *path, int backlog, registry_err_t *err)
{
    int                 fd, used;
    struct sockaddr_un  sun;

    memset(&sun, 0, sizeof(struct sockaddr_un));

    sun.sun_family = AF_UNIX;

    if (path[0] != '/' || strlen(path) >= sizeof(sun.sun_path)) {
        (void) registry_err_set(err, REGISTRY_INVALID, "registry_socket must "
                                "be an absolute path of at most %d bytes",
                                (int) sizeof(sun.sun_path) - 1);
        return -1;
    }

    memcpy(sun.sun_path, path, strlen(path));

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        goto failed;
    }

    used = connect(fd, (struct sockaddr *) &sun, sizeof(sun));

    if (used == 0 || errno == EAGAIN) {
        errno = EADDRINUSE;
        goto failed;
    }

    if (errno == ECONNREFUSED && unlink(path) == -1 && errno != ENOENT) {
        goto failed;
    }

    (void) close(fd);

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        goto failed;
    }

    /* nobody connects before listen(), so the mode comes in time */

    if (bind(fd, (struct sockaddr *) &sun, sizeof(sun)) == -1
        || chmod(path, 0660) == -1
        || listen(fd, backlog) == -1)
    {
        goto failed;
    }

    return fd;

failed:

    (void) registry_err_set(err, REGISTRY_ERROR, "cannot listen on \"%s\": "
                            "%s", path, strerror(errno));
    if (fd != -1) {
        (void) close(fd);
    }

    return -1;
}


static int
registry_listen_address(const struct addrinfo *ai, int backlog)
{
    int  fd, on, saved;

    fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return -1;
    }

    on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1
        || bind(fd, ai->ai_addr, ai->ai_addrlen) == -1
        || listen(fd, backlog) == -1)
    {
        saved = errno;
        (void) close(fd);
        errno = saved;
        return -1;
    }

    return fd;
}
