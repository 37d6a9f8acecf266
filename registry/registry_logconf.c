
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_logconf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "registry_ini.h"


#define REGISTRY_LOGCONF_NAME  64
#define REGISTRY_LOGCONF_PATH  4096

#define REGISTRY_LOGCONF_FORMAT  "%(message)s"
#define REGISTRY_LOGCONF_DATE    "%Y-%m-%d %H:%M:%S"


static registry_rc_e registry_logconf_handler(registry_logconf_t *lc,
    const registry_ini_t *ini, const char *name, registry_err_t *err);
static registry_rc_e registry_logconf_target(registry_logconf_t *lc,
    registry_sink_t *sink, const char *class, const char *args,
    registry_err_t *err);
static registry_rc_e registry_logconf_format(registry_sink_t *sink,
    const registry_ini_t *ini, const char *handler, registry_err_t *err);
static bool registry_logconf_level(const char *text, registry_log_e *level);
static bool registry_logconf_quoted(const char *args, char *dst, size_t size);
static bool registry_logconf_next(const char **list, char *name, size_t size);
static void registry_logconf_ignore(registry_logconf_t *lc, const char *what,
    const char *name);


registry_rc_e
registry_logconf_init(registry_logconf_t *lc, const registry_config_t *cf,
    registry_err_t *err)
{
    char              path[REGISTRY_LOGCONF_PATH];
    const char       *config;
    registry_sink_t  *sink;

    memset(lc, 0, sizeof(registry_logconf_t));

    config = registry_config_str(cf, "log_config");

    if (config[0] != '\0') {
        return registry_logconf_python(lc, config, err);
    }

    lc->level = REGISTRY_LOG_WARNING;

    if (registry_config_bool(cf, "verbose")) {
        lc->level = REGISTRY_LOG_INFO;
    }

    if (registry_config_bool(cf, "debug")) {
        lc->level = REGISTRY_LOG_DEBUG;
    }

    lc->n = 1;
    sink = &lc->sinks[0];
    sink->level = REGISTRY_LOG_DEBUG;

    if (registry_config_bool(cf, "use_syslog")) {
        sink->kind = REGISTRY_SINK_SYSLOG;
        sink->facility = registry_logconf_facility(
                             registry_config_str(cf, "syslog_log_facility"));

        if (sink->facility < 0) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "syslog_log_facility: unknown facility");
        }

        return registry_logfmt_parse(&sink->fmt,
                                     "%(levelname)s [%(name)s] %(message)s",
                                     REGISTRY_LOGCONF_DATE, err);
    }

    (void) registry_log_path(cf, path, sizeof(path));

    if (path[0] != '\0') {
        sink->kind = REGISTRY_SINK_FILE;

        sink->path = strdup(path);
        if (sink->path == NULL) {
            return registry_err_set(err, REGISTRY_ERROR, "no memory");
        }
    }

    return registry_logfmt_parse(&sink->fmt,
                                 registry_config_str(cf, "log_format"),
                                 registry_config_str(cf, "log_date_format"),
                                 err);
}


void
registry_logconf_free(registry_logconf_t *lc)
{
    for (size_t i = 0; i < lc->n; i++) {
        free(lc->sinks[i].path);
    }

    lc->n = 0;
}


const char *
registry_log_path(const registry_config_t *cf, char *path, size_t size)
{
    int          n;
    const char  *dir, *file;

    path[0] = '\0';

    file = registry_config_str(cf, "log_file");
    dir = registry_config_str(cf, "log_dir");

    if (file[0] == '\0' || registry_config_bool(cf, "use_syslog")
        || registry_config_str(cf, "log_config")[0] != '\0')
    {
        return path;
    }

    if (file[0] == '/' || dir[0] == '\0') {
        n = snprintf(path, size, "%s", file);

    } else {
        n = snprintf(path, size, "%s/%s", dir, file);
    }

    if (n < 0 || (size_t) n >= size) {
        path[0] = '\0';
    }

    return path;
}


registry_rc_e
registry_logconf_python(registry_logconf_t *lc, const char *path,
    registry_err_t *err)
{
    char             name[REGISTRY_LOGCONF_NAME];
    const char      *list, *text;
    registry_rc_e    rc;
    registry_ini_t  *ini;

    ini = registry_ini_load(path, err);
    if (ini == NULL) {
        return (err != NULL) ? (registry_rc_e) err->code : REGISTRY_ERROR;
    }

    rc = REGISTRY_INVALID;
    lc->level = REGISTRY_LOG_DEBUG;

    text = registry_ini_get(ini, "logger_root", "level");

    if (text != NULL && !registry_logconf_level(text, &lc->level)) {
        (void) registry_err_set(err, rc, "%.120s: [logger_root]: unknown "
                                "level \"%.40s\"", path, text);
        goto done;
    }

    list = registry_ini_get(ini, "loggers", "keys");

    while (list != NULL && registry_logconf_next(&list, name, sizeof(name))) {
        if (strcmp(name, "root") != 0) {
            registry_logconf_ignore(lc, "logger", name);
        }
    }

    list = registry_ini_get(ini, "logger_root", "handlers");

    if (list == NULL || list[0] == '\0') {
        (void) registry_err_set(err, rc, "%.160s: [logger_root] has no "
                                "handlers", path);
        goto done;
    }

    while (registry_logconf_next(&list, name, sizeof(name))) {
        rc = registry_logconf_handler(lc, ini, name, err);
        if (rc != REGISTRY_OK) {
            goto done;
        }
    }

    rc = REGISTRY_OK;

done:

    registry_ini_free(ini);

    return rc;
}


int
registry_logconf_facility(const char *name)
{
    static const struct {
        const char  *name;
        int          facility;
    } facilities[] = {
        { "user", LOG_USER }, { "daemon", LOG_DAEMON }, { "auth", LOG_AUTH },
        { "authpriv", LOG_AUTHPRIV }, { "cron", LOG_CRON }, { "ftp", LOG_FTP },
        { "kern", LOG_KERN }, { "lpr", LOG_LPR }, { "mail", LOG_MAIL },
        { "news", LOG_NEWS }, { "syslog", LOG_SYSLOG }, { "uucp", LOG_UUCP },
        { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
        { "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
        { "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
        { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 }
    };

    if (strncasecmp(name, "LOG_", 4) == 0) {
        name += 4;
    }

    for (size_t i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++) {
        if (strcasecmp(facilities[i].name, name) == 0) {
            return facilities[i].facility;
        }
    }

    return -1;
}


static registry_rc_e
registry_logconf_handler(registry_logconf_t *lc, const registry_ini_t *ini,
    const char *name, registry_err_t *err)
{
    char              section[REGISTRY_LOGCONF_NAME + 16];
    const char       *args, *class, *level;
    registry_rc_e     rc;
    registry_sink_t  *sink;

    (void) snprintf(section, sizeof(section), "handler_%s", name);

    class = registry_ini_get(ini, section, "class");
    args = registry_ini_get(ini, section, "args");
    level = registry_ini_get(ini, section, "level");

    if (class == NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "%.120s: [%s] has no "
                                "class", ini->path, section);
    }

    if (lc->n == REGISTRY_LOG_SINKS) {
        registry_logconf_ignore(lc, "handler", name);
        return REGISTRY_OK;
    }

    sink = &lc->sinks[lc->n];
    sink->level = REGISTRY_LOG_DEBUG;

    if (level != NULL && !registry_logconf_level(level, &sink->level)) {
        return registry_err_set(err, REGISTRY_INVALID, "%.120s: [%s]: "
                                "unknown level \"%.40s\"", ini->path,
                                section, level);
    }

    rc = registry_logconf_target(lc, sink, class, (args != NULL) ? args : "",
                                 err);

    if (rc == REGISTRY_NOT_FOUND) {
        registry_logconf_ignore(lc, "handler", name);
        return REGISTRY_OK;
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    lc->n++;

    return registry_logconf_format(sink, ini, section, err);
}


/* REGISTRY_NOT_FOUND: a handler that there is none of here */

static registry_rc_e
registry_logconf_target(registry_logconf_t *lc, registry_sink_t *sink,
    const char *class, const char *args, registry_err_t *err)
{
    char         path[REGISTRY_LOGCONF_PATH];
    const char  *p;

    p = strrchr(class, '.');
    class = (p != NULL) ? p + 1 : class;

    if (strcmp(class, "StreamHandler") == 0) {
        sink->kind = (strstr(args, "stdout") != NULL) ? REGISTRY_SINK_STDOUT
                                                      : REGISTRY_SINK_STDERR;
        return REGISTRY_OK;
    }

    if (strcmp(class, "FileHandler") == 0
        || strcmp(class, "WatchedFileHandler") == 0)
    {
        if (!registry_logconf_quoted(args, path, sizeof(path))) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "log_config: %s without a file name in "
                                    "args", class);
        }

        sink->kind = REGISTRY_SINK_FILE;
        sink->path = strdup(path);

        return (sink->path != NULL)
               ? REGISTRY_OK
               : registry_err_set(err, REGISTRY_ERROR, "no memory");
    }

    if (strcmp(class, "SysLogHandler") == 0) {
        sink->kind = REGISTRY_SINK_SYSLOG;
        sink->facility = LOG_USER;

        if (registry_logconf_quoted(args, path, sizeof(path))
            && path[0] != '/')
        {
            registry_logconf_ignore(lc, "syslog host", path);
        }

        p = strstr(args, "LOG_");

        if (p != NULL) {
            (void) snprintf(path, sizeof(path), "%.*s",
                            (int) strspn(p, "LOG_ABCDEFHIJKMNPQRSTUVWXYZ"
                                            "01234567"), p);

            if (registry_logconf_facility(path) >= 0) {
                sink->facility = registry_logconf_facility(path);
            }
        }

        return REGISTRY_OK;
    }

    return REGISTRY_NOT_FOUND;
}


static registry_rc_e
registry_logconf_format(registry_sink_t *sink, const registry_ini_t *ini,
    const char *handler, registry_err_t *err)
{
    char         section[REGISTRY_LOGCONF_NAME + 16];
    const char  *date, *format, *name;

    date = NULL;
    format = NULL;

    name = registry_ini_get(ini, handler, "formatter");

    if (name != NULL && name[0] != '\0') {
        (void) snprintf(section, sizeof(section), "formatter_%.60s", name);

        format = registry_ini_get(ini, section, "format");
        date = registry_ini_get(ini, section, "datefmt");
    }

    if (format == NULL || format[0] == '\0') {
        format = REGISTRY_LOGCONF_FORMAT;
    }

    if (date == NULL || date[0] == '\0') {
        date = REGISTRY_LOGCONF_DATE;
    }

    return registry_logfmt_parse(&sink->fmt, format, date, err);
}


static bool
registry_logconf_level(const char *text, registry_log_e *level)
{
    static const struct {
        const char      *name;
        registry_log_e   level;
    } levels[] = {
        { "NOTSET", REGISTRY_LOG_DEBUG }, { "DEBUG", REGISTRY_LOG_DEBUG },
        { "INFO", REGISTRY_LOG_INFO }, { "WARNING", REGISTRY_LOG_WARNING },
        { "WARN", REGISTRY_LOG_WARNING }, { "ERROR", REGISTRY_LOG_ERROR },
        { "CRITICAL", REGISTRY_LOG_CRITICAL },
        { "FATAL", REGISTRY_LOG_CRITICAL }
    };

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcasecmp(levels[i].name, text) == 0) {
            *level = levels[i].level;
            return true;
        }
    }

    return text[0] == '\0';
}


/* the first quoted string of a Python tuple */

static bool
registry_logconf_quoted(const char *args, char *dst, size_t size)
{
    size_t       len;
    const char  *end, *p;

    p = args + strcspn(args, "'\"");

    if (*p == '\0') {
        return false;
    }

    end = strchr(p + 1, *p);
    if (end == NULL) {
        return false;
    }

    len = (size_t) (end - p) - 1;

    if (len == 0 || len >= size) {
        return false;
    }

    memcpy(dst, p + 1, len);
    dst[len] = '\0';

    return true;
}


/* the next name of a comma list; names too long are cut */

static bool
registry_logconf_next(const char **list, char *name, size_t size)
{
    size_t       len;
    const char  *p;

    p = *list + strspn(*list, ", \t");
    len = strcspn(p, ", \t");

    *list = p + len;

    if (len == 0) {
        return false;
    }

    if (len >= size) {
        len = size - 1;
    }

    memcpy(name, p, len);
    name[len] = '\0';

    return true;
}


static void
registry_logconf_ignore(registry_logconf_t *lc, const char *what,
    const char *name)
{
    size_t  used;

    used = strlen(lc->ignored);

    (void) snprintf(lc->ignored + used, sizeof(lc->ignored) - used,
                    "%s%s %s", (used > 0) ? ", " : "", what, name);
}
