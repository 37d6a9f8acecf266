
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "registry_daemon.h"


#define REGISTRY_CONTROL_BOUNCE  1000   /* milliseconds, as Glance has it */
#define REGISTRY_CONTROL_ORPHAN  15000


static registry_server_t *registry_control_child(registry_server_t *servers,
    pid_t pid);
static bool registry_control_revive(registry_server_t *server, int status);
static bool registry_control_stopped(registry_server_t *server, int status);
static void registry_control_orphans(registry_server_t *server, pid_t pid);


bool
registry_control_watch(registry_server_t *servers)
{
    int                 status;
    bool                done;
    pid_t               pid;
    registry_server_t  *server;

    done = true;

    if (registry_control_child(servers, 0) != NULL) {
        (void) printf("Watching until all are stopped; an interrupt ends "
                      "this only\n");
        (void) fflush(stdout);
    }

    while (registry_control_child(servers, 0) != NULL) {

        pid = waitpid(-1, &status, 0);

        if (pid < 0 && errno != EINTR) {
            return false;
        }

        /* else one that reads the output of another */

        server = (pid > 0) ? registry_control_child(servers, pid) : NULL;

        if (server != NULL && !registry_control_revive(server, status)) {
            done = false;
        }
    }

    return done;
}


int
registry_control_linger(registry_server_t *servers, long seconds)
{
    int                 status;
    pid_t               pid;
    int64_t             start;
    registry_server_t  *server;

    start = registry_control_now();

    (void) printf("Watching for %ld s\n", seconds);
    (void) fflush(stdout);

    while (registry_control_child(servers, 0) != NULL
           && registry_control_now() - start < seconds * 1000)
    {
        pid = waitpid(-1, &status, WNOHANG);

        if (pid < 0 && errno != EINTR) {
            break;
        }

        if (pid == 0) {
            registry_control_sleep(start);
            continue;
        }

        server = (pid > 0) ? registry_control_child(servers, pid) : NULL;

        if (server == NULL) {
            continue;
        }

        server->pid = 0;
        server->status = registry_control_code(status);

        (void) printf("%s ended with status %d\n", server->name,
                      server->status);

        return server->status;
    }

    return 0;
}


int
registry_control_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status)
                             : 128 + (WTERMSIG(status) & 127);
}


/* the server with this process, of 0 the first that has one */

static registry_server_t *
registry_control_child(registry_server_t *servers, pid_t pid)
{
    for (size_t i = 0; i < REGISTRY_SERVERS; i++) {
        if (servers[i].pid > 0 && (pid == 0 || servers[i].pid == pid)) {
            return &servers[i];
        }
    }

    return NULL;
}


static bool
registry_control_revive(registry_server_t *server, int status)
{
    pid_t    pid;
    int64_t  lived;

    pid = server->pid;
    lived = registry_control_now() - server->started;

    server->pid = 0;
    server->status = registry_control_code(status);

    if (registry_control_stopped(server, status)) {
        (void) printf("Suppressed respawn as %s was deliberately stopped.\n",
                      server->name);
        (void) fflush(stdout);
        return true;
    }

    if (lived >= REGISTRY_CONTROL_BOUNCE) {
        registry_control_orphans(server, pid);

        /* one that does not answer yet is watched all the same */

        if (registry_control_respawn(server) || server->pid > 0) {
            return true;
        }
    }

    (void) printf("Suppressed respawn as %s was bouncing.\n", server->name);
    (void) fflush(stdout);

    return false;
}


/*
 * Servers end with status 0 only when they are told to.  Who did so may have
 * started another one by now.
 */

static bool
registry_control_stopped(registry_server_t *server, int status)
{
    return registry_control_code(status) == 0
           || registry_daemon_pid(server->pid_file, NULL) > 0;
}


/*
 * Workers of nginx outlive a master that was killed, and keep its port.  They
 * are a session of their own, whose number nobody gets while one is left.
 */

static void
registry_control_orphans(registry_server_t *server, pid_t pid)
{
    int64_t  start;

    if (kill(-pid, SIGQUIT) != 0) {
        return;
    }

    start = registry_control_now();

    while (registry_control_port_used(server)
           && registry_control_now() - start < REGISTRY_CONTROL_ORPHAN)
    {
        registry_control_sleep(start);
    }
}
