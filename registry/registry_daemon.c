
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#define REGISTRY_DAEMON_PATH   4096
#define REGISTRY_DAEMON_FILES  32768    /* as Glance's own control program */
#define REGISTRY_DAEMON_FEW    4096


static registry_rc_e registry_daemon_user(const char *user,
    struct passwd **pw, registry_err_t *err);
static void registry_daemon_set(sigset_t *set);
static bool registry_daemon_ours(pid_t pid);
static pid_t registry_daemon_fork(char *const argv[], int in, int out,
    registry_err_t *err);
static void registry_daemon_child(char *const argv[], int in, int out,
    int report) __attribute__((noreturn));
static void registry_daemon_limits(void);
static int registry_daemon_open(const char *path, int flags);
static bool registry_daemon_executable(const char *dir, size_t len,
    const char *name, char *path, size_t size);


registry_rc_e
registry_daemon_signals(registry_err_t *err)
{
    sigset_t          set;
    struct sigaction  sa;

    memset(&sa, 0, sizeof(struct sigaction));
    sa.sa_handler = SIG_IGN;

    registry_daemon_set(&set);

    if (sigaction(SIGPIPE, &sa, NULL) != 0
        || pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
    {
        return registry_err_set(err, REGISTRY_ERROR, "signals: %s",
                                strerror(errno));
    }

    return REGISTRY_OK;
}


void
registry_daemon_unblock(void)
{
    sigset_t          set;
    struct sigaction  sa;

    memset(&sa, 0, sizeof(struct sigaction));
    sa.sa_handler = SIG_DFL;

    (void) sigaction(SIGPIPE, &sa, NULL);

    registry_daemon_set(&set);
    (void) pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}


int
registry_daemon_wait(int timeout_ms)
{
    int              signo;
    sigset_t         set;
    struct timespec  ts;

    registry_daemon_set(&set);

    ts.tv_sec = timeout_ms / 1000;
    ts.tv_nsec = (long) (timeout_ms % 1000) * 1000000;

    do {
        signo = (timeout_ms < 0) ? sigwaitinfo(&set, NULL)
                                 : sigtimedwait(&set, NULL, &ts);
    } while (signo < 0 && errno == EINTR);

    return (signo > 0) ? signo : 0;
}


pid_t
registry_daemon_pid(const char *path, bool *stale)
{
    FILE  *file;
    bool   dummy;
    long   pid;

    if (stale == NULL) {
        stale = &dummy;
    }

    *stale = false;

    file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }

    if (fscanf(file, "%ld", &pid) != 1) {
        pid = 0;
    }

    (void) fclose(file);

    if (pid > 0 && (kill((pid_t) pid, 0) == 0 || errno == EPERM)
        && registry_daemon_ours((pid_t) pid))
    {
        return (pid_t) pid;
    }

    *stale = true;

    return 0;
}


registry_rc_e
registry_daemon_pid_write(const char *path, registry_err_t *err)
{
    int    fd;
    bool   stale, written;
    char   dir[REGISTRY_DAEMON_PATH], text[32];
    char  *slash;
    pid_t  pid;

    (void) snprintf(dir, sizeof(dir), "%s", path);
    slash = strrchr(dir, '/');

    if (slash != NULL && slash != dir) {
        *slash = '\0';

        if (registry_daemon_mkdir(dir, 0755, err) != REGISTRY_OK) {
            return REGISTRY_ERROR;
        }
    }

    pid = registry_daemon_pid(path, &stale);

    if (pid > 0 && pid != getpid()) {
        return registry_err_set(err, REGISTRY_CONFLICT, "appears to already "
                                "be running with pid %ld: %.160s",
                                (long) pid, path);
    }

    if (stale || pid > 0) {
        (void) unlink(path);
    }

    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        return registry_err_set(err, (errno == EEXIST) ? REGISTRY_CONFLICT
                                                       : REGISTRY_ERROR,
                                "pid file %.160s: %s", path, strerror(errno));
    }

    (void) snprintf(text, sizeof(text), "%ld\n", (long) getpid());
    written = (write(fd, text, strlen(text)) == (ssize_t) strlen(text));

    if (close(fd) != 0 || !written) {
        (void) registry_err_set(err, REGISTRY_ERROR, "pid file %.160s: %s",
                                path, strerror(errno));
        (void) unlink(path);
        return REGISTRY_ERROR;
    }

    return REGISTRY_OK;
}


void
registry_daemon_pid_remove(const char *path)
{
    if (registry_daemon_pid(path, NULL) == getpid()) {
        (void) unlink(path);
    }
}


registry_rc_e
registry_daemon_become(const char *user, registry_err_t *err)
{
    registry_rc_e   rc;
    struct passwd  *pw;

    rc = registry_daemon_user(user, &pw, err);

    if (rc != REGISTRY_OK || pw == NULL) {
        return rc;
    }

    if (initgroups(pw->pw_name, pw->pw_gid) != 0
        || setgid(pw->pw_gid) != 0
        || setuid(pw->pw_uid) != 0)
    {
        return registry_err_set(err, REGISTRY_ERROR,
                                "user: cannot become \"%.60s\": %s", user,
                                strerror(errno));
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_daemon_give(const char *user, const char *path, registry_err_t *err)
{
    registry_rc_e   rc;
    struct passwd  *pw;

    rc = registry_daemon_user(user, &pw, err);

    if (rc == REGISTRY_OK && pw != NULL
        && lchown(path, pw->pw_uid, pw->pw_gid) != 0)
    {
        return registry_err_set(err, REGISTRY_ERROR,
                                "%.160s: cannot give it to user %.60s: %s",
                                path, user, strerror(errno));
    }

    return rc;
}


/* NULL: nobody else is to be become, or can be */

static registry_rc_e
registry_daemon_user(const char *user, struct passwd **pw,
    registry_err_t *err)
{
    *pw = NULL;

    if (geteuid() != 0 || user[0] == '\0') {
        return REGISTRY_OK;
    }

    *pw = getpwnam(user);

    if (*pw == NULL) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "user: there is no user \"%.60s\"", user);
    }

    if ((*pw)->pw_uid == 0) {
        *pw = NULL;
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_daemon_mkdir(const char *path, mode_t mode, registry_err_t *err)
{
    int          n;
    char         dir[REGISTRY_DAEMON_PATH];
    struct stat  st;

    n = snprintf(dir, sizeof(dir), "%s", path);

    if (n <= 0 || (size_t) n >= sizeof(dir)) {
        return registry_err_set(err, REGISTRY_ERROR, "directory name too "
                                "long or empty");
    }

    for (char *p = dir + 1; /* void */ ; p++) {
        if (*p != '/' && *p != '\0') {
            continue;
        }

        if (*p == '\0') {
            break;
        }

        *p = '\0';
        (void) mkdir(dir, 0755);
        *p = '/';
    }

    if (mkdir(dir, mode) != 0
        && (errno != EEXIST || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)))
    {
        return registry_err_set(err, REGISTRY_ERROR, "directory %.160s: %s",
                                dir, strerror(errno));
    }

    return REGISTRY_OK;
}


pid_t
registry_daemon_spawn(char *const argv[], const char *output,
    registry_err_t *err)
{
    int    in, out;
    pid_t  pid;

    in = registry_daemon_open("/dev/null", O_RDONLY);
    out = registry_daemon_open((output != NULL) ? output : "/dev/null",
                               O_WRONLY | O_APPEND | O_CREAT);

    pid = registry_daemon_fork(argv, in, out, err);

    (void) close(in);
    (void) close(out);

    return pid;
}


pid_t
registry_daemon_spawn_piped(char *const argv[], char *const reader[],
    registry_err_t *err)
{
    int    fds[2], null;
    pid_t  pid;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        (void) registry_err_set(err, REGISTRY_ERROR, "pipe: %s",
                                strerror(errno));
        return -1;
    }

    null = registry_daemon_open("/dev/null", O_RDWR);

    pid = registry_daemon_fork(reader, fds[0], null, err);

    (void) close(fds[0]);

    if (pid > 0) {
        pid = registry_daemon_fork(argv, null, fds[1], err);
    }

    (void) close(fds[1]);
    (void) close(null);

    return pid;
}


static pid_t
registry_daemon_fork(char *const argv[], int in, int out, registry_err_t *err)
{
    int      cause, fds[2];
    pid_t    pid;
    ssize_t  n;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        (void) registry_err_set(err, REGISTRY_ERROR, "pipe: %s",
                                strerror(errno));
        return -1;
    }

    pid = fork();

    if (pid == 0) {
        (void) close(fds[0]);
        registry_daemon_child(argv, in, out, fds[1]);
    }

    (void) close(fds[1]);

    if (pid < 0) {
        (void) registry_err_set(err, REGISTRY_ERROR, "fork: %s",
                                strerror(errno));
        (void) close(fds[0]);
        return -1;
    }

    /* end of file: exec closed it */

    do {
        n = read(fds[0], &cause, sizeof(int));
    } while (n < 0 && errno == EINTR);

    (void) close(fds[0]);

    if (n == (ssize_t) sizeof(int)) {
        (void) waitpid(pid, NULL, 0);
        (void) registry_err_set(err, REGISTRY_ERROR, "%.160s: %s", argv[0],
                                strerror(cause));
        return -1;
    }

    return pid;
}


int
registry_daemon_run(char *const argv[], char *text, size_t size,
    registry_err_t *err)
{
    int      fd, fds[2], status;
    char     rest[1024];
    pid_t    pid;
    size_t   len;
    ssize_t  n;

    len = 0;
    text[0] = '\0';

    if (pipe2(fds, O_CLOEXEC) != 0) {
        (void) registry_err_set(err, REGISTRY_ERROR, "pipe: %s",
                                strerror(errno));
        return -1;
    }

    pid = fork();

    if (pid == 0) {
        fd = open("/dev/null", O_RDONLY);

        (void) dup2(fd, STDIN_FILENO);
        (void) dup2(fds[1], STDOUT_FILENO);
        (void) dup2(fds[1], STDERR_FILENO);

        registry_daemon_unblock();
        (void) execv(argv[0], argv);
        _exit(127);
    }

    (void) close(fds[1]);

    if (pid < 0) {
        (void) registry_err_set(err, REGISTRY_ERROR, "fork: %s",
                                strerror(errno));
        (void) close(fds[0]);
        return -1;
    }

    for ( ;; ) {
        if (len < size - 1) {
            n = read(fds[0], text + len, size - 1 - len);

        } else {
            n = read(fds[0], rest, sizeof(rest));
        }

        if (n == 0 || (n < 0 && errno != EINTR)) {
            break;
        }

        if (n > 0 && len < size - 1) {
            len += (size_t) n;
            text[len] = '\0';
        }
    }

    (void) close(fds[0]);

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            (void) registry_err_set(err, REGISTRY_ERROR, "waitpid: %s",
                                    strerror(errno));
            return -1;
        }
    }

    return WIFEXITED(status) ? WEXITSTATUS(status)
                             : 128 + (WTERMSIG(status) & 127);
}


bool
registry_daemon_program(const char *name, char *path, size_t size)
{
    char         self[REGISTRY_DAEMON_PATH];
    char        *slash;
    size_t       len;
    ssize_t      n;
    const char  *p;

    n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n > 0) {
        self[n] = '\0';
        slash = strrchr(self, '/');

        if (slash != NULL
            && registry_daemon_executable(self, (size_t) (slash - self), name,
                                          path, size))
        {
            return true;
        }
    }

    for (p = getenv("PATH"); p != NULL && *p != '\0'; p += len) {
        p += strspn(p, ":");
        len = strcspn(p, ":");

        if (len > 0 && registry_daemon_executable(p, len, name, path, size)) {
            return true;
        }
    }

    return registry_daemon_executable("/usr/sbin", sizeof("/usr/sbin") - 1,
                                      name, path, size);
}


static void
registry_daemon_set(sigset_t *set)
{
    (void) sigemptyset(set);
    (void) sigaddset(set, SIGINT);
    (void) sigaddset(set, SIGTERM);
    (void) sigaddset(set, SIGQUIT);
    (void) sigaddset(set, SIGHUP);
    (void) sigaddset(set, SIGUSR1);
}


/*
 * Process ids are used again, after a restart of the machine above all: what
 * has nothing of ours in its command line is another program, or a zombie.
 */

static bool
registry_daemon_ours(pid_t pid)
{
    char    path[64], line[REGISTRY_DAEMON_PATH];
    FILE   *file;
    size_t  len;

    (void) snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long) pid);

    file = fopen(path, "re");
    if (file == NULL) {
        return access("/proc/self/cmdline", F_OK) != 0;
    }

    len = fread(line, 1, sizeof(line), file);
    (void) fclose(file);

    return memmem(line, len, "glance", 6) != NULL
           || memmem(line, len, "nginx", 5) != NULL;
}


static void
registry_daemon_child(char *const argv[], int in, int out, int report)
{
    int  cause;

    (void) setsid();
    registry_daemon_unblock();
    registry_daemon_limits();

    /* the others are closed by exec */

    if (in >= 0) {
        (void) dup2(in, STDIN_FILENO);
    }

    if (out >= 0) {
        (void) dup2(out, STDOUT_FILENO);
        (void) dup2(out, STDERR_FILENO);
    }

    (void) execv(argv[0], argv);

    cause = errno;

    if (write(report, &cause, sizeof(int)) < 0) {
        _exit(126);
    }

    _exit(127);
}


static void
registry_daemon_limits(void)
{
    struct rlimit  limit, more;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0
        && limit.rlim_cur < REGISTRY_DAEMON_FILES)
    {
        more.rlim_cur = REGISTRY_DAEMON_FILES;
        more.rlim_max = (limit.rlim_max < REGISTRY_DAEMON_FILES)
                        ? REGISTRY_DAEMON_FILES : limit.rlim_max;

        if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
            limit.rlim_cur = limit.rlim_max;

            if (setrlimit(RLIMIT_NOFILE, &limit) != 0
                || limit.rlim_cur < REGISTRY_DAEMON_FEW)
            {
                (void) fprintf(stderr, "Unable to increase file descriptor "
                               "limit. Running as non-root?\n");
            }
        }
    }
}


/* never one of the three that the child will have, if those are closed here */

static int
registry_daemon_open(const char *path, int flags)
{
    int  fd, high;

    fd = open(path, flags | O_CLOEXEC, 0640);

    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }

    high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void) close(fd);

    return high;
}


static bool
registry_daemon_executable(const char *dir, size_t len, const char *name,
    char *path, size_t size)
{
    int          n;
    struct stat  st;

    n = snprintf(path, size, "%.*s/%s", (int) len, dir, name);

    return n > 0 && (size_t) n < size && access(path, X_OK) == 0
           && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}
