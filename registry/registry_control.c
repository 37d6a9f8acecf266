
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_control.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "registry_client.h"
#include "registry_daemon.h"


#define REGISTRY_CONTROL_STOP   15      /* seconds, as Glance waits */
#define REGISTRY_CONTROL_POLL   50      /* milliseconds */
#define REGISTRY_CONTROL_PROBE  2000L
#define REGISTRY_CONTROL_TAIL   20      /* lines */
#define REGISTRY_CONTROL_PIDS   16384   /* bytes, of 1024 workers and more */


typedef enum {
    REGISTRY_CONTROL_WAITING = 0,
    REGISTRY_CONTROL_READY,
    REGISTRY_CONTROL_DEAD
} registry_control_e;


static bool registry_control_begin(registry_server_t *server,
    const char *word);
static pid_t registry_control_spawn(registry_server_t *server,
    char *const argv[], registry_err_t *err);
static size_t registry_control_argv(registry_server_t *server, char **argv,
    char *text, size_t size);
static bool registry_control_await(registry_server_t *server, pid_t pid);
static registry_control_e registry_control_state(registry_server_t *server,
    pid_t pid);
static bool registry_control_ended(registry_server_t *server, pid_t pid);
static bool registry_control_answers(registry_server_t *server);
static off_t registry_control_size(const char *path);
static void registry_control_tail(const char *path, off_t from);
static bool registry_control_render(registry_server_t *server);
static void registry_control_children(pid_t pid, char *text, size_t size);
static bool registry_control_retired(const char *workers);


bool
registry_control_start(registry_server_t *server)
{
    return registry_control_begin(server, "Starting");
}


bool
registry_control_respawn(registry_server_t *server)
{
    return registry_control_begin(server, "Respawning");
}


static bool
registry_control_begin(registry_server_t *server, const char *word)
{
    bool            stale;
    char           *argv[REGISTRY_CONTROL_ARGV], dir[REGISTRY_CONTROL_PATH];
    char            text[REGISTRY_CONTROL_PATH * 4];
    off_t           log, output;
    pid_t           pid;
    registry_err_t  err;

    if (registry_daemon_pid(server->pid_file, &stale) != 0) {
        (void) printf("%s appears to already be running: %s\n", server->name,
                      server->pid_file);
        return true;
    }

    if (stale) {
        (void) printf("Removing stale pid file %s\n", server->pid_file);
        (void) unlink(server->pid_file);
    }

    (void) printf("%s %s with %s\n", word, server->name, server->conf);
    (void) fflush(stdout);

    (void) snprintf(dir, sizeof(dir), "%s", server->output);
    *strrchr(dir, '/') = '\0';

    if (registry_daemon_mkdir(dir, 0755, &err) != REGISTRY_OK) {
        (void) fprintf(stderr, "ERROR: %s\n", err.text);
        return false;
    }

    if (registry_control_port_used(server)) {
        (void) fprintf(stderr, "ERROR: %s: another program listens at %s\n",
                       server->name, server->host);
        return false;
    }

    log = registry_control_size(server->log);
    output = registry_control_size(server->output);

    if (registry_control_argv(server, argv, text, sizeof(text)) == 0) {
        (void) fprintf(stderr, "ERROR: %s: options too long\n", server->name);
        return false;
    }

    pid = registry_control_spawn(server, argv, &err);

    if (pid < 0) {
        (void) fprintf(stderr, "ERROR: %s\n", err.text);
        return false;
    }

    server->pid = pid;
    server->status = 0;
    server->started = registry_control_now();

    if (registry_control_await(server, pid)) {
        return true;
    }

    registry_control_tail(server->output, output);
    registry_control_tail(server->log, log);

    return false;
}


static pid_t
registry_control_spawn(registry_server_t *server, char *const argv[],
    registry_err_t *err)
{
    char   path[REGISTRY_CONTROL_PATH];
    char  *logger[] = { path, (char *) "-t", (char *) server->name, NULL };

    if (!server->capture) {
        return registry_daemon_spawn(argv, server->output, err);
    }

    if (!registry_daemon_program("logger", path, sizeof(path))) {
        (void) registry_err_set(err, REGISTRY_NOT_FOUND,
                                "logger: program not found");
        return -1;
    }

    return registry_daemon_spawn_piped(argv, logger, err);
}


bool
registry_control_stop(registry_server_t *server, bool graceful)
{
    int      signo;
    bool     stale;
    pid_t    pid;
    int64_t  start;

    pid = registry_daemon_pid(server->pid_file, &stale);

    if (pid == 0) {
        (void) printf("No %s running\n", server->name);

        if (stale) {
            (void) printf("Removing stale pid file %s\n", server->pid_file);
            (void) unlink(server->pid_file);
        }

        return true;
    }

    /* nginx finishes its requests at SIGQUIT, the others always do */

    signo = (graceful && server->kind == REGISTRY_SERVER_API) ? SIGQUIT
                                                              : SIGTERM;

    (void) printf("Stopping %s  pid: %ld  signal: %d\n", server->name,
                  (long) pid, signo);
    (void) fflush(stdout);

    if (kill(pid, signo) != 0 && errno != ESRCH) {
        (void) fprintf(stderr, "ERROR: %s: pid %ld: %s\n", server->name,
                       (long) pid, strerror(errno));
        return false;
    }

    start = registry_control_now();

    while (registry_daemon_pid(server->pid_file, NULL) == pid) {

        if (registry_control_now() - start > REGISTRY_CONTROL_STOP * 1000) {
            (void) fprintf(stderr, "Waited %d seconds for %s (pid %ld) to "
                           "die; giving up\n", REGISTRY_CONTROL_STOP,
                           server->name, (long) pid);
            return graceful;
        }

        registry_control_sleep(start);
    }

    (void) registry_daemon_pid(server->pid_file, &stale);

    if (stale) {
        (void) unlink(server->pid_file);
    }

    return true;
}


bool
registry_control_reload(registry_server_t *server)
{
    bool     retired;
    char     workers[REGISTRY_CONTROL_PIDS];
    pid_t    pid;
    int64_t  start;

    pid = registry_daemon_pid(server->pid_file, NULL);

    if (pid == 0 || server->kind != REGISTRY_SERVER_API) {
        return registry_control_stop(server, true)
               && registry_control_start(server);
    }

    /* nginx keeps serving with what it has if this fails */

    if (!registry_control_render(server)) {
        return false;
    }

    (void) printf("Reloading %s  pid: %ld  signal: %d\n", server->name,
                  (long) pid, SIGHUP);
    (void) fflush(stdout);

    registry_control_children(pid, workers, sizeof(workers));

    if (kill(pid, SIGHUP) != 0) {
        (void) fprintf(stderr, "ERROR: %s: pid %ld: %s\n", server->name,
                       (long) pid, strerror(errno));
        return false;
    }

    start = registry_control_now();

    /* until then some requests are served as before */

    for ( ;; ) {
        retired = registry_control_retired(workers);

        if (retired && registry_control_answers(server)) {
            break;
        }

        if (registry_control_now() - start > server->patience * 1000) {
            (void) fprintf(stderr, "ERROR: %s %s at %s\n", server->name,
                           retired ? "does not answer"
                                   : "still serves as before", server->host);
            return false;
        }

        registry_control_sleep(start);
    }

    return true;
}


/* by spaces; none if the system does not tell them */

static void
registry_control_children(pid_t pid, char *text, size_t size)
{
    char    path[64];
    FILE   *file;
    size_t  len;

    (void) snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children",
                    (long) pid, (long) pid);

    len = 0;
    file = fopen(path, "re");

    if (file != NULL) {
        len = fread(text, 1, size - 1, file);
        (void) fclose(file);
    }

    text[len] = '\0';
}


/* whether all of them have ended, or only finish what they have begun */

static bool
registry_control_retired(const char *workers)
{
    char    path[64], title[256];
    char   *end;
    long    pid;
    FILE   *file;
    size_t  len;

    for ( /* void */ ; /* void */ ; workers = end) {
        pid = strtol(workers, &end, 10);

        if (end == workers) {
            return true;
        }

        (void) snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);

        file = fopen(path, "re");
        if (file == NULL) {
            continue;
        }

        len = fread(title, 1, sizeof(title), file);
        (void) fclose(file);

        if (len > 0
            && memmem(title, len, "shutting down",
                      sizeof("shutting down") - 1)
               == NULL)
        {
            return false;
        }
    }
}


bool
registry_control_status(registry_server_t *server)
{
    bool   stale;
    pid_t  pid;

    pid = registry_daemon_pid(server->pid_file, &stale);

    if (pid == 0) {
        (void) printf("%s is stopped%s\n", server->name,
                      stale ? " (stale pid file)" : "");
        return false;
    }

    if (registry_control_listens(server) && !registry_control_answers(server))
    {
        (void) printf("%s (pid %ld) is running, but does not answer at %s\n",
                      server->name, (long) pid, server->host);
        return false;
    }

    (void) printf("%s (pid %ld) is running...\n", server->name, (long) pid);

    return true;
}


/* the answers of another program there would be taken for the server's */

bool
registry_control_port_used(registry_server_t *server)
{
    int               fd, on, rc;
    char              host[REGISTRY_HOST_LEN];
    char             *name, *port;
    struct addrinfo   hints, *list;

    if (!registry_control_listens(server)) {
        return false;
    }

    (void) snprintf(host, sizeof(host), "%s", server->host);

    port = strrchr(host, ':');
    *port++ = '\0';

    name = host;

    if (name[0] == '[') {
        name++;
        name[strlen(name) - 1] = '\0';
    }

    memset(&hints, 0, sizeof(struct addrinfo));
    hints.ai_socktype = SOCK_STREAM;

    if (getaddrinfo(name, port, &hints, &list) != 0) {
        return false;                   /* the server tells it better */
    }

    rc = 0;
    on = 1;
    fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0) {
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(int));

        rc = bind(fd, list->ai_addr, list->ai_addrlen);

        if (rc == 0) {
            rc = listen(fd, 1);
        }

        rc = (rc != 0) ? errno : 0;
        (void) close(fd);
    }

    freeaddrinfo(list);

    return rc == EADDRINUSE;
}


/* the program, its file and directory, and options that differ from it */

static size_t
registry_control_argv(registry_server_t *server, char **argv, char *text,
    size_t size)
{
    int                 len;
    size_t              n;
    const char         *value;
    registry_err_t      err;
    registry_config_t  *plain;

    n = 0;
    argv[n++] = server->program;
    argv[n++] = (char *) "--config-file";
    argv[n++] = server->conf;

    argv[n++] = (char *) "--pid-file";
    argv[n++] = server->pid_file;

    if (server->kind == REGISTRY_SERVER_SCRUBBER) {
        argv[n++] = (char *) "--daemon";
    }

    plain = registry_config_load(server->name, server->conf, &err);
    if (plain == NULL) {
        return 0;
    }

    for (size_t i = 0; registry_options[i].name != NULL; i++) {
        value = registry_config_changed(server->cf, plain, i);

        if (value == NULL || n + 3 > REGISTRY_CONTROL_ARGV) {
            continue;
        }

        len = snprintf(text, size, "%s=%s", registry_options[i].name, value);

        if (len < 0 || (size_t) len >= size) {
            n = 0;
            break;
        }

        argv[n++] = (char *) "--set";
        argv[n++] = text;

        text += len + 1;
        size -= (size_t) len + 1;
    }

    registry_config_free(plain);

    if (n > 0) {
        argv[n] = NULL;
    }

    return n;
}


static bool
registry_control_await(registry_server_t *server, pid_t pid)
{
    int64_t             start;
    registry_control_e  state;

    start = registry_control_now();

    for ( ;; ) {
        state = registry_control_state(server, pid);

        if (state == REGISTRY_CONTROL_READY) {
            return true;
        }

        if (state == REGISTRY_CONTROL_DEAD) {
            (void) fprintf(stderr, "ERROR: %s ended at its start\n",
                           server->name);
            (void) unlink(server->pid_file);
            return false;
        }

        if (registry_control_now() - start > server->patience * 1000) {
            (void) fprintf(stderr, "ERROR: %s (pid %ld) does not answer%s%s "
                           "after %ld s; it is left running\n", server->name,
                           (long) pid, (server->host[0] != '\0') ? " at " : "",
                           server->host, server->patience);
            return false;
        }

        registry_control_sleep(start);
    }
}


static registry_control_e
registry_control_state(registry_server_t *server, pid_t pid)
{
    if (registry_control_ended(server, pid)) {
        return REGISTRY_CONTROL_DEAD;
    }

    /* of its own writing: nginx does that after it has bound its port */

    if (registry_daemon_pid(server->pid_file, NULL) != pid) {
        return REGISTRY_CONTROL_WAITING;
    }

    if (registry_control_listens(server) && !registry_control_answers(server))
    {
        return REGISTRY_CONTROL_WAITING;
    }

    return registry_control_ended(server, pid) ? REGISTRY_CONTROL_DEAD
                                               : REGISTRY_CONTROL_READY;
}


static bool
registry_control_ended(registry_server_t *server, pid_t pid)
{
    int  status;

    if (waitpid(pid, &status, WNOHANG) != pid) {
        return false;
    }

    server->pid = 0;
    server->status = registry_control_code(status);

    return true;
}


static bool
registry_control_answers(registry_server_t *server)
{
    unsigned  status;

    if (server->kind == REGISTRY_SERVER_API) {
        status = registry_client_probe(server->host, server->tls, "/versions",
                                       NULL, REGISTRY_CONTROL_PROBE);
        return status == 200 || status == 300;
    }

    status = registry_client_probe(server->host, false, "/healthcheck",
                                   registry_config_str(server->cf,
                                                       "registry_secret"),
                                   REGISTRY_CONTROL_PROBE);
    return status == 200;
}


static off_t
registry_control_size(const char *path)
{
    struct stat  st;

    return (path[0] != '\0' && stat(path, &st) == 0) ? st.st_size : 0;
}


/* the last lines of what was written since */

static void
registry_control_tail(const char *path, off_t from)
{
    char    text[8192];
    FILE   *file;
    off_t   size;
    size_t  len, lines;

    if (path[0] == '\0') {
        return;
    }

    size = registry_control_size(path);

    if (size - from > (off_t) sizeof(text) - 1) {
        from = size - (off_t) sizeof(text) + 1;
    }

    file = fopen(path, "re");
    if (file == NULL) {
        return;
    }

    if (fseeko(file, from, SEEK_SET) != 0) {
        (void) fclose(file);
        return;
    }

    len = fread(text, 1, sizeof(text) - 1, file);
    (void) fclose(file);

    if (len == 0) {
        return;
    }

    if (text[len - 1] != '\n') {
        text[len++] = '\n';
    }

    for (lines = 0, size = (off_t) len - 1; size > 0; size--) {
        if (text[size - 1] == '\n' && ++lines == REGISTRY_CONTROL_TAIL) {
            break;
        }
    }

    (void) fprintf(stderr, "%s:\n", path);
    (void) fwrite(text + size, 1, len - (size_t) size, stderr);
}


static bool
registry_control_render(registry_server_t *server)
{
    int             status;
    char           *argv[REGISTRY_CONTROL_ARGV + 1];
    char            output[8192], text[REGISTRY_CONTROL_PATH * 4];
    size_t          n;
    registry_err_t  err;

    n = registry_control_argv(server, argv, text, sizeof(text));

    if (n == 0) {
        return false;
    }

    argv[n++] = (char *) "--render";
    argv[n] = NULL;

    status = registry_daemon_run(argv, output, sizeof(output), &err);

    (void) fputs((status < 0) ? err.text : output, stderr);

    return status == 0;
}


int64_t
registry_control_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


/* often at first, as most starts and stops are quick */

void
registry_control_sleep(int64_t since)
{
    struct timespec  ts;

    ts.tv_sec = 0;
    ts.tv_nsec = REGISTRY_CONTROL_POLL * 1000000L;

    if (registry_control_now() - since > 1000) {
        ts.tv_nsec *= 10;
    }

    (void) nanosleep(&ts, NULL);
}
