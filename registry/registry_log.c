
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "registry_daemon.h"
#include "registry_logconf.h"


typedef struct {
    pthread_mutex_t     lock;           /* of files and of the format's time */
    bool                ready;
    registry_log_e      threshold;      /* until it is ready */
    char                program[64];
    registry_logconf_t  conf;
    int                 fds[REGISTRY_LOG_SINKS];
    dev_t               devs[REGISTRY_LOG_SINKS];
    ino_t               inos[REGISTRY_LOG_SINKS];
    time_t              checked;
} registry_log_state_t;


static registry_rc_e registry_log_open(size_t i, registry_err_t *err);
static void registry_log_message(char *dst, size_t size,
    const char *component, const char *fmt, va_list args);
static void registry_log_emit(size_t i, registry_log_e level,
    const char *message, time_t now);
static void registry_log_follow(time_t now);
static void registry_log_write(int fd, const char *line, size_t len);
static const char *registry_log_level(registry_log_e level);


static registry_log_state_t  registry_log_state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .threshold = REGISTRY_LOG_WARNING
};

static __thread char  registry_log_id[REGISTRY_LOG_ID_MAX];


registry_rc_e
registry_log_init(const registry_config_t *cf, const char *program,
    registry_err_t *err)
{
    registry_rc_e          rc;
    registry_log_state_t  *state;

    registry_log_close();

    state = &registry_log_state;

    rc = registry_logconf_init(&state->conf, cf, err);
    if (rc != REGISTRY_OK) {
        registry_logconf_free(&state->conf);
        return rc;
    }

    (void) snprintf(state->program, sizeof(state->program), "%s", program);

    for (size_t i = 0; i < state->conf.n; i++) {
        state->fds[i] = -1;
    }

    for (size_t i = 0; i < state->conf.n; i++) {
        rc = registry_log_open(i, err);

        if (rc != REGISTRY_OK) {
            state->ready = true;
            registry_log_close();
            return rc;
        }
    }

    state->ready = true;

    if (state->conf.ignored[0] != '\0') {
        registry_log(REGISTRY_LOG_WARNING, "log", "of log_config ignored: %s",
                     state->conf.ignored);
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_log_check(const registry_config_t *cf, registry_err_t *err)
{
    registry_rc_e       rc;
    registry_logconf_t  conf;

    rc = registry_logconf_init(&conf, cf, err);

    registry_logconf_free(&conf);

    return rc;
}


void
registry_log_close(void)
{
    registry_log_state_t  *state;

    state = &registry_log_state;

    (void) pthread_mutex_lock(&state->lock);

    if (state->ready) {
        state->ready = false;

        for (size_t i = 0; i < state->conf.n; i++) {
            if (state->conf.sinks[i].kind == REGISTRY_SINK_FILE
                && state->fds[i] >= 0)
            {
                (void) close(state->fds[i]);
            }
        }

        registry_logconf_free(&state->conf);
    }

    (void) pthread_mutex_unlock(&state->lock);
}


void
registry_log_threshold(registry_log_e level)
{
    registry_log_state.threshold = level;
}


void
registry_log(registry_log_e level, const char *component, const char *fmt,
    ...)
{
    int                    saved;
    char                   message[REGISTRY_LOG_LINE];
    time_t                 now;
    va_list                args;
    registry_log_state_t  *state;

    saved = errno;
    state = &registry_log_state;

    if (!registry_log_enabled(level)) {
        return;
    }

    va_start(args, fmt);
    registry_log_message(message, sizeof(message), component, fmt, args);
    va_end(args);

    now = time(NULL);

    (void) pthread_mutex_lock(&state->lock);

    if (state->ready) {
        registry_log_follow(now);

        for (size_t i = 0; i < state->conf.n; i++) {
            if (level >= state->conf.sinks[i].level) {
                registry_log_emit(i, level, message, now);
            }
        }

    } else {
        (void) fprintf(stderr, "%s: %s\n", registry_log_level(level),
                       message);
    }

    (void) pthread_mutex_unlock(&state->lock);

    errno = saved;
}


bool
registry_log_enabled(registry_log_e level)
{
    if (!registry_log_state.ready) {
        return level >= registry_log_state.threshold;
    }

    return level >= registry_log_state.conf.level;
}


void
registry_log_request_id(const char *id)
{
    (void) snprintf(registry_log_id, sizeof(registry_log_id), "%s",
                    (id != NULL) ? id : "");
}


const char *
registry_log_get_request_id(void)
{
    return registry_log_id;
}


void
registry_log_give(const char *user)
{
    struct passwd         *pw;
    registry_log_state_t  *state;

    state = &registry_log_state;
    pw = (geteuid() == 0 && user[0] != '\0') ? getpwnam(user) : NULL;

    for (size_t i = 0; pw != NULL && state->ready && i < state->conf.n; i++) {
        if (state->conf.sinks[i].kind == REGISTRY_SINK_FILE
            && fchown(state->fds[i], pw->pw_uid, pw->pw_gid) != 0)
        {
            registry_log(REGISTRY_LOG_WARNING, "log",
                         "cannot give the log file to user \"%s\"", user);
        }
    }
}


void
registry_log_reopen(void)
{
    registry_err_t         err;
    registry_log_state_t  *state;

    state = &registry_log_state;

    (void) pthread_mutex_lock(&state->lock);

    for (size_t i = 0; state->ready && i < state->conf.n; i++) {
        if (state->conf.sinks[i].kind == REGISTRY_SINK_FILE) {
            (void) registry_log_open(i, &err);
        }
    }

    (void) pthread_mutex_unlock(&state->lock);
}


/* an open file stays in use when its successor cannot be opened */

static registry_rc_e
registry_log_open(size_t i, registry_err_t *err)
{
    int                    fd;
    char                   dir[4096];
    char                  *slash;
    struct stat            st;
    registry_sink_t       *sink;
    registry_log_state_t  *state;

    state = &registry_log_state;
    sink = &state->conf.sinks[i];

    switch (sink->kind) {

    case REGISTRY_SINK_STDOUT:
        state->fds[i] = STDOUT_FILENO;
        return REGISTRY_OK;

    case REGISTRY_SINK_STDERR:
        state->fds[i] = STDERR_FILENO;
        return REGISTRY_OK;

    case REGISTRY_SINK_SYSLOG:
        openlog(state->program, LOG_PID | LOG_NDELAY, sink->facility);
        return REGISTRY_OK;

    default: /* REGISTRY_SINK_FILE */
        break;
    }

    (void) snprintf(dir, sizeof(dir), "%s", sink->path);
    slash = strrchr(dir, '/');

    if (slash != NULL && slash != dir) {
        *slash = '\0';
        (void) registry_daemon_mkdir(dir, 0755, NULL);
    }

    fd = open(sink->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

    if (fd < 0 || fstat(fd, &st) != 0) {
        (void) registry_err_set(err, REGISTRY_ERROR,
                                "log file \"%.160s\": %s", sink->path,
                                strerror(errno));
        if (fd >= 0) {
            (void) close(fd);
        }

        return REGISTRY_ERROR;
    }

    if (state->fds[i] >= 0) {
        (void) close(state->fds[i]);
    }

    state->fds[i] = fd;
    state->devs[i] = st.st_dev;
    state->inos[i] = st.st_ino;

    return REGISTRY_OK;
}


/* "component: text", printable */

static void
registry_log_message(char *dst, size_t size, const char *component,
    const char *fmt, va_list args)
{
    char           text[REGISTRY_LOG_LINE];
    size_t         len;
    unsigned char  c;

    (void) vsnprintf(text, sizeof(text), fmt, args);

    dst[0] = '\0';

    if (component != NULL) {
        (void) snprintf(dst, size, "%.60s: ", component);
    }

    len = strlen(dst);

    for (const char *p = text; *p != '\0' && len + 5 < size; p++) {
        c = (unsigned char) *p;

        if (c >= 0x20 && c != 0x7f) {
            dst[len++] = (char) c;
            continue;
        }

        len += (size_t) snprintf(dst + len, size - len, "\\x%02x", c);
    }

    dst[len] = '\0';
}


static void
registry_log_emit(size_t i, registry_log_e level, const char *message,
    time_t now)
{
    char                     line[REGISTRY_LOG_LINE + 512];
    char                     text[REGISTRY_LOG_LINE + 128];
    size_t                   len;
    registry_sink_t         *sink;
    registry_logfmt_event_t  event;

    static const int  priorities[] = {
        LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR, LOG_CRIT
    };

    sink = &registry_log_state.conf.sinks[i];

    if (!sink->fmt.request_id && registry_log_id[0] != '\0') {
        (void) snprintf(text, sizeof(text), "[%s] %s", registry_log_id,
                        message);
        message = text;
    }

    event.time = now;
    event.level = registry_log_level(level);
    event.name = registry_log_state.program;
    event.message = message;
    event.request_id = registry_log_id;
    event.process = (long) getpid();

    len = registry_logfmt_render(&sink->fmt, &event, line, sizeof(line) - 1);

    if (sink->kind == REGISTRY_SINK_SYSLOG) {
        syslog(sink->facility | priorities[level], "%s", line);
        return;
    }

    line[len++] = '\n';
    registry_log_write(registry_log_state.fds[i], line, len);
}


/* a file that was moved away or removed is opened anew, as Glance does */

static void
registry_log_follow(time_t now)
{
    struct stat            st;
    registry_err_t         err;
    registry_log_state_t  *state;

    state = &registry_log_state;

    if (state->checked == now) {
        return;
    }

    state->checked = now;

    for (size_t i = 0; i < state->conf.n; i++) {
        if (state->conf.sinks[i].kind != REGISTRY_SINK_FILE) {
            continue;
        }

        if (stat(state->conf.sinks[i].path, &st) != 0
            || st.st_dev != state->devs[i] || st.st_ino != state->inos[i])
        {
            (void) registry_log_open(i, &err);
        }
    }
}


/* there is nowhere to report that a log cannot be written */

static void
registry_log_write(int fd, const char *line, size_t len)
{
    ssize_t  n;

    while (len > 0) {
        n = write(fd, line, len);

        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }

            return;
        }

        line += n;
        len -= (size_t) n;
    }
}


static const char *
registry_log_level(registry_log_e level)
{
    static const char *const  names[] = {
        "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"
    };

    return names[level];
}
