
/*
 * Copyright (C) ngx_glance authors
 */


/*
 * A disk that misbehaves on demand, for LD_PRELOAD: calls that concern
 * files below $SLOWDISK_DIR obey the file $SLOWDISK_RULES, which may be
 * written and removed at any time.  A line is "CALL ACTION"; CALL is one of
 * the names below or "*", ACTION is "block" (until the rule is gone), "kill"
 * (the process, as a power cut would), or the number of an error.  What a
 * rule was applied to is appended to $SLOWDISK_LOG.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>


static const char  *slowdisk_dir;
static const char  *slowdisk_rules;
static const char  *slowdisk_log;


/* a copy: nginx writes its titles over the environment */

static const char *
slowdisk_getenv(const char *name)
{
    const char  *value;

    value = getenv(name);

    return value != NULL ? strdup(value) : NULL;
}


__attribute__((constructor))
static void
slowdisk_init(void)
{
    slowdisk_dir = slowdisk_getenv("SLOWDISK_DIR");
    slowdisk_rules = slowdisk_getenv("SLOWDISK_RULES");
    slowdisk_log = slowdisk_getenv("SLOWDISK_LOG");
}


static int
slowdisk_path_concerned(const char *path)
{
    return slowdisk_dir != NULL && path != NULL
           && strncmp(path, slowdisk_dir, strlen(slowdisk_dir)) == 0;
}


static int
slowdisk_fd_concerned(int fd)
{
    char     link[64], path[4096];
    ssize_t  n;

    if (slowdisk_dir == NULL) {
        return 0;
    }

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);

    n = readlink(link, path, sizeof(path) - 1);
    if (n <= 0) {
        return 0;
    }

    path[n] = '\0';

    return slowdisk_path_concerned(path);
}


static int
slowdisk_at_concerned(int fd, const char *path)
{
    if (path != NULL && path[0] != '/' && fd != AT_FDCWD) {
        return slowdisk_fd_concerned(fd);
    }

    return slowdisk_path_concerned(path);
}


/* the action for a call: 1 and the word, or 0 */

static int
slowdisk_rule(const char *call, char *action, size_t size)
{
    int      fd;
    char     text[1024], *line, *next, *word;
    ssize_t  n;

    fd = (int) syscall(SYS_openat, AT_FDCWD, slowdisk_rules, O_RDONLY, 0);
    if (fd == -1) {
        return 0;
    }

    n = syscall(SYS_read, fd, text, sizeof(text) - 1);
    syscall(SYS_close, fd);

    if (n <= 0) {
        return 0;
    }

    text[n] = '\0';

    for (line = text; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');

        if (next != NULL) {
            *next++ = '\0';
        }

        word = strchr(line, ' ');

        if (word == NULL) {
            continue;
        }

        *word++ = '\0';

        if (strcmp(line, call) == 0 || strcmp(line, "*") == 0) {
            snprintf(action, size, "%s", word);
            return 1;
        }
    }

    return 0;
}


static void
slowdisk_note(const char *call, const char *action)
{
    int   fd;
    char  line[128];

    if (slowdisk_log == NULL) {
        return;
    }

    fd = (int) syscall(SYS_openat, AT_FDCWD, slowdisk_log,
                       O_WRONLY|O_CREAT|O_APPEND, 0644);
    if (fd == -1) {
        return;
    }

    snprintf(line, sizeof(line), "%s %s\n", call, action);
    (void) !syscall(SYS_write, fd, line, strlen(line));
    syscall(SYS_close, fd);
}


/* 0: go on, -1: fail with errno */

static int
slowdisk_obey(const char *call)
{
    int   noted, error;
    char  action[64];

    noted = 0;

    if (slowdisk_rules == NULL) {
        return 0;
    }

    while (slowdisk_rule(call, action, sizeof(action))) {

        if (!noted) {
            slowdisk_note(call, action);
            noted = 1;
        }

        if (strcmp(action, "kill") == 0) {
            kill(getpid(), SIGKILL);
        }

        if (strcmp(action, "block") != 0) {
            error = (int) strtol(action, NULL, 10);
            errno = error;
            return -1;
        }

        usleep(5000);
    }

    return 0;
}


#define slowdisk_real(name)                                                  \
    static __typeof__(name)  *real;                                          \
                                                                             \
    if (real == NULL) {                                                      \
        real = (__typeof__(name) *) dlsym(RTLD_NEXT, #name);                 \
    }

#define slowdisk_check(concerned, call)                                      \
    if ((concerned) && slowdisk_obey(call) == -1) {                          \
        return -1;                                                           \
    }


#define slowdisk_open(name)                                                  \
                                                                             \
int                                                                          \
name(const char *path, int flags, ...)                                       \
{                                                                            \
    va_list  args;                                                           \
    mode_t   mode;                                                           \
                                                                             \
    slowdisk_real(name)                                                      \
                                                                             \
    va_start(args, flags);                                                   \
    mode = (flags & (O_CREAT|O_TMPFILE)) ? va_arg(args, mode_t) : 0;         \
    va_end(args);                                                            \
                                                                             \
    slowdisk_check(slowdisk_path_concerned(path),                            \
                   (flags & O_CREAT) ? "create" : "open")                    \
                                                                             \
    return real(path, flags, mode);                                          \
}

#define slowdisk_openat(name)                                                \
                                                                             \
int                                                                          \
name(int fd, const char *path, int flags, ...)                               \
{                                                                            \
    va_list  args;                                                           \
    mode_t   mode;                                                           \
                                                                             \
    slowdisk_real(name)                                                      \
                                                                             \
    va_start(args, flags);                                                   \
    mode = (flags & (O_CREAT|O_TMPFILE)) ? va_arg(args, mode_t) : 0;         \
    va_end(args);                                                            \
                                                                             \
    slowdisk_check(slowdisk_at_concerned(fd, path),                          \
                   (flags & O_CREAT) ? "create" : "open")                    \
                                                                             \
    return real(fd, path, flags, mode);                                      \
}

slowdisk_open(open)
slowdisk_open(open64)
slowdisk_openat(openat)
slowdisk_openat(openat64)


ssize_t
write(int fd, const void *data, size_t size)
{
    slowdisk_real(write)
    slowdisk_check(slowdisk_fd_concerned(fd), "write")

    return real(fd, data, size);
}


ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    slowdisk_real(writev)
    slowdisk_check(slowdisk_fd_concerned(fd), "write")

    return real(fd, iov, n);
}


#define slowdisk_pwrite(name, type)                                          \
                                                                             \
ssize_t                                                                      \
name(int fd, const void *data, size_t size, type offset)                     \
{                                                                            \
    slowdisk_real(name)                                                      \
    slowdisk_check(slowdisk_fd_concerned(fd), "write")                       \
                                                                             \
    return real(fd, data, size, offset);                                     \
}

#define slowdisk_pwritev(name, type)                                         \
                                                                             \
ssize_t                                                                      \
name(int fd, const struct iovec *iov, int n, type offset)                    \
{                                                                            \
    slowdisk_real(name)                                                      \
    slowdisk_check(slowdisk_fd_concerned(fd), "write")                       \
                                                                             \
    return real(fd, iov, n, offset);                                         \
}

#define slowdisk_pread(name, type)                                           \
                                                                             \
ssize_t                                                                      \
name(int fd, void *data, size_t size, type offset)                           \
{                                                                            \
    slowdisk_real(name)                                                      \
    slowdisk_check(slowdisk_fd_concerned(fd), "read")                        \
                                                                             \
    return real(fd, data, size, offset);                                     \
}

#define slowdisk_sendfile(name, type)                                        \
                                                                             \
ssize_t                                                                      \
name(int out, int in, type *offset, size_t size)                             \
{                                                                            \
    slowdisk_real(name)                                                      \
    slowdisk_check(slowdisk_fd_concerned(in), "sendfile")                    \
    slowdisk_check(slowdisk_fd_concerned(in), "read")                        \
                                                                             \
    return real(out, in, offset, size);                                      \
}

slowdisk_pwrite(pwrite, off_t)
slowdisk_pwrite(pwrite64, off64_t)
slowdisk_pwritev(pwritev, off_t)
slowdisk_pwritev(pwritev64, off64_t)
slowdisk_pread(pread, off_t)
slowdisk_pread(pread64, off64_t)
slowdisk_sendfile(sendfile, off_t)
slowdisk_sendfile(sendfile64, off64_t)


int
fsync(int fd)
{
    slowdisk_real(fsync)
    slowdisk_check(slowdisk_fd_concerned(fd), "fsync")

    return real(fd);
}


int
fdatasync(int fd)
{
    slowdisk_real(fdatasync)
    slowdisk_check(slowdisk_fd_concerned(fd), "fdatasync")

    return real(fd);
}


int
link(const char *from, const char *to)
{
    slowdisk_real(link)
    slowdisk_check(slowdisk_path_concerned(to), "link")

    return real(from, to);
}


int
linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
    slowdisk_real(linkat)
    slowdisk_check(slowdisk_at_concerned(tofd, to), "link")

    return real(fromfd, from, tofd, to, flags);
}


int
rename(const char *from, const char *to)
{
    slowdisk_real(rename)
    slowdisk_check(slowdisk_path_concerned(to), "link")

    return real(from, to);
}


int
unlink(const char *path)
{
    slowdisk_real(unlink)
    slowdisk_check(slowdisk_path_concerned(path), "unlink")

    return real(path);
}


int
unlinkat(int fd, const char *path, int flags)
{
    slowdisk_real(unlinkat)
    slowdisk_check(slowdisk_at_concerned(fd, path), "unlink")

    return real(fd, path, flags);
}
