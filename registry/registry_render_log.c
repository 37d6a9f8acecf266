
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render_log.h"

#include <ctype.h>
#include <string.h>
#include <syslog.h>


#define REGISTRY_RENDER_PATH  4096

/* what a line is about; eventlet's lines in Glance's own log say the same */
#define REGISTRY_RENDER_MESSAGE                                               \
    "$remote_addr \\\"$request\\\" $status $body_bytes_sent $request_time"


static const char *registry_render_level(const registry_logconf_t *lc,
    const registry_sink_t *sink);
static void registry_render_syslog(const registry_sink_t *sink, FILE *out);
static void registry_render_format(const registry_logfmt_t *fmt, FILE *out);
static void registry_render_time(const registry_logfmt_t *fmt, FILE *out);
static bool registry_render_date(const char *format, FILE *out);
static void registry_render_conversion(char c, FILE *out);
static void registry_render_literal(const char *text, size_t len, FILE *out);
static registry_rc_e registry_render_file(const registry_sink_t *sink,
    const char *suffix, FILE *out, registry_err_t *err);


registry_rc_e
registry_render_error_log(const registry_logconf_t *lc, FILE *out,
    registry_err_t *err)
{
    registry_rc_e           rc;
    const registry_sink_t  *sink;

    for (size_t i = 0; i < lc->n; i++) {
        sink = &lc->sinks[i];

        (void) fprintf(out, "error_log ");

        switch (sink->kind) {

        case REGISTRY_SINK_FILE:
            rc = registry_render_file(sink, NULL, out, err);
            if (rc != REGISTRY_OK) {
                return rc;
            }

            break;

        case REGISTRY_SINK_SYSLOG:
            registry_render_syslog(sink, out);
            break;

        default:
            (void) fprintf(out, "stderr");
            break;
        }

        (void) fprintf(out, " %s;\n", registry_render_level(lc, sink));
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_render_access_log(const registry_logconf_t *lc,
    const registry_render_t *render, FILE *out, registry_err_t *err)
{
    size_t                  n;
    registry_rc_e           rc;
    const registry_sink_t  *sink;

    n = 0;

    if (lc->n > 0) {
        registry_render_time(&lc->sinks[0].fmt, out);
        registry_render_format(&lc->sinks[0].fmt, out);
    }

    for (size_t i = 0; i < lc->n; i++) {
        sink = &lc->sinks[i];

        if (lc->level > REGISTRY_LOG_INFO || sink->level > REGISTRY_LOG_INFO
            || (sink->kind < REGISTRY_SINK_FILE
                && render->access_log[0] == '\0'))
        {
            continue;
        }

        (void) fprintf(out, "    access_log ");

        switch (sink->kind) {

        case REGISTRY_SINK_FILE:
            rc = registry_render_file(sink, "-access", out, err);
            if (rc != REGISTRY_OK) {
                return rc;
            }

            break;

        case REGISTRY_SINK_SYSLOG:
            registry_render_syslog(sink, out);
            break;

        default:
            (void) fprintf(out, "%s", render->access_log);
            break;
        }

        (void) fprintf(out, " glance;\n");
        n++;
    }

    if (n == 0) {
        (void) fprintf(out, "    access_log off;\n");
    }

    return REGISTRY_OK;
}


static const char *
registry_render_level(const registry_logconf_t *lc,
    const registry_sink_t *sink)
{
    static const char *const  names[] = {
        "debug", "info", "warn", "error", "crit"
    };

    return names[(sink->level > lc->level) ? sink->level : lc->level];
}


static void
registry_render_syslog(const registry_sink_t *sink, FILE *out)
{
    static const struct {
        int          facility;
        const char  *name;
    } facilities[] = {
        { LOG_USER, "user" }, { LOG_DAEMON, "daemon" }, { LOG_AUTH, "auth" },
        { LOG_AUTHPRIV, "authpriv" }, { LOG_CRON, "cron" },
        { LOG_FTP, "ftp" }, { LOG_KERN, "kern" }, { LOG_LPR, "lpr" },
        { LOG_MAIL, "mail" }, { LOG_NEWS, "news" }, { LOG_SYSLOG, "syslog" },
        { LOG_UUCP, "uucp" }, { LOG_LOCAL0, "local0" },
        { LOG_LOCAL1, "local1" }, { LOG_LOCAL2, "local2" },
        { LOG_LOCAL3, "local3" }, { LOG_LOCAL4, "local4" },
        { LOG_LOCAL5, "local5" }, { LOG_LOCAL6, "local6" },
        { LOG_LOCAL7, "local7" }
    };

    for (size_t i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++) {
        if (facilities[i].facility == sink->facility) {
            (void) fprintf(out, "syslog:server=unix:/dev/log,facility=%s,"
                           "tag=glance_api", facilities[i].name);
        }
    }
}


/* nginx cannot pad variables: widths count for what is constant */

static void
registry_render_format(const registry_logfmt_t *fmt, FILE *out)
{
    char                           text[256];
    const registry_logfmt_part_t  *part;

    (void) fprintf(out, "    log_format glance \"");

    for (size_t i = 0; i < fmt->n; i++) {
        part = &fmt->parts[i];

        switch (part->kind) {

        case REGISTRY_LOGFMT_LITERAL:
            registry_render_literal(part->text, part->len, out);
            break;

        case REGISTRY_LOGFMT_ASCTIME:
            (void) fprintf(out, "${glance_time}");
            break;

        case REGISTRY_LOGFMT_LEVELNAME:
        case REGISTRY_LOGFMT_NAME:
            (void) snprintf(text, sizeof(text), part->left ? "%-*s" : "%*s",
                            part->width,
                            (part->kind == REGISTRY_LOGFMT_NAME)
                            ? "glance-api" : "INFO");
            (void) fprintf(out, "%s", text);
            break;

        case REGISTRY_LOGFMT_MESSAGE:
            (void) fprintf(out, "%s" REGISTRY_RENDER_MESSAGE,
                           fmt->request_id ? "" : "[$glance_request_id] ");
            break;

        case REGISTRY_LOGFMT_PROCESS:
            (void) fprintf(out, "${pid}");
            break;

        case REGISTRY_LOGFMT_REQUEST_ID:
            (void) fprintf(out, "${glance_request_id}");
            break;

        default: /* REGISTRY_LOGFMT_OTHER */
            break;
        }
    }

    (void) fprintf(out, "\";\n");
}


/* $glance_time: asctime by log_date_format, cut out of $time_iso8601 */

static void
registry_render_time(const registry_logfmt_t *fmt, FILE *out)
{
    (void) fprintf(out,
                   "    map $time_iso8601 $glance_time {\n"
                   "        default $time_iso8601;\n");

    if (registry_render_date(fmt->date, NULL)) {
        (void) fprintf(out,
                       "        \"~^(?<glance_year>\\d+)-"
                       "(?<glance_month>\\d+)-(?<glance_day>\\d+)"
                       "T(?<glance_hour>\\d+):(?<glance_minute>\\d+)"
                       ":(?<glance_second>\\d+)(?<glance_zone>.*)$\"\n"
                       "            \"");
        (void) registry_render_date(fmt->date, out);
        (void) fprintf(out, "\";\n");
    }

    (void) fprintf(out, "    }\n\n");
}


/* false: a conversion that is not to be had from $time_iso8601 */

static bool
registry_render_date(const char *format, FILE *out)
{
    for (const char *p = format; *p != '\0'; p++) {

        if (*p != '%') {
            if (out != NULL) {
                registry_render_literal(p, 1, out);
            }

            continue;
        }

        p++;

        if (*p == '\0' || strchr("YmdHMSzFT%", *p) == NULL) {
            return false;
        }

        if (out == NULL) {
            continue;
        }

        registry_render_conversion(*p, out);
    }

    return true;
}


/* nginx's names of variables know no upper case */

static void
registry_render_conversion(char c, FILE *out)
{
    static const struct {
        char         conversion;
        const char  *text;
    } conversions[] = {
        { 'Y', "${glance_year}" }, { 'm', "${glance_month}" },
        { 'd', "${glance_day}" }, { 'H', "${glance_hour}" },
        { 'M', "${glance_minute}" }, { 'S', "${glance_second}" },
        { 'z', "${glance_zone}" }, { '%', "%" },
        { 'F', "${glance_year}-${glance_month}-${glance_day}" },
        { 'T', "${glance_hour}:${glance_minute}:${glance_second}" }
    };

    for (size_t i = 0; i < sizeof(conversions) / sizeof(conversions[0]); i++) {
        if (conversions[i].conversion == c) {
            (void) fprintf(out, "%s", conversions[i].text);
        }
    }
}


/* inside of double quotes; a "$" cannot be had there */

static void
registry_render_literal(const char *text, size_t len, FILE *out)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            (void) fputc('\\', out);
        }

        (void) fputc((text[i] == '$') ? '_' : text[i], out);
    }
}


/* suffix: "api.log" becomes "api-access.log" */

static registry_rc_e
registry_render_file(const registry_sink_t *sink, const char *suffix,
    FILE *out, registry_err_t *err)
{
    char           path[REGISTRY_RENDER_PATH];
    size_t         len;
    const char    *end;
    registry_rc_e  rc;

    rc = registry_render_path("log_file", sink->path, path, sizeof(path), err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    len = strlen(path);
    end = "";

    if (suffix == NULL) {
        suffix = "";

    } else if (len > 4 && strcmp(path + len - 4, ".log") == 0) {
        path[len - 4] = '\0';
        end = ".log";
    }

    (void) fprintf(out, "\"%s%s%s\"", path, suffix, end);

    return REGISTRY_OK;
}
