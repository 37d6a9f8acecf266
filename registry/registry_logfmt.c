
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_logfmt.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>


static registry_rc_e registry_logfmt_attribute(registry_logfmt_t *fmt,
    const char **format, registry_err_t *err);
static registry_logfmt_e registry_logfmt_kind(const char *name, size_t len);
static registry_logfmt_part_t *registry_logfmt_add(registry_logfmt_t *fmt,
    registry_logfmt_e kind);
static size_t registry_logfmt_part(const registry_logfmt_t *fmt,
    const registry_logfmt_part_t *part,
    const registry_logfmt_event_t *event, char *dst, size_t size);


registry_rc_e
registry_logfmt_parse(registry_logfmt_t *fmt, const char *format,
    const char *date, registry_err_t *err)
{
    const char              *p;
    registry_rc_e            rc;
    registry_logfmt_part_t  *part;

    memset(fmt, 0, sizeof(registry_logfmt_t));

    if (strlen(format) >= sizeof(fmt->text)
        || strlen(date) >= sizeof(fmt->date))
    {
        return registry_err_set(err, REGISTRY_INVALID,
                                "log_format or log_date_format: too long");
    }

    (void) snprintf(fmt->text, sizeof(fmt->text), "%s", format);
    (void) snprintf(fmt->date, sizeof(fmt->date), "%s", date);

    p = fmt->text;

    while (*p != '\0') {

        if (p[0] == '%' && p[1] == '(') {
            rc = registry_logfmt_attribute(fmt, &p, err);
            if (rc != REGISTRY_OK) {
                return rc;
            }

            continue;
        }

        part = registry_logfmt_add(fmt, REGISTRY_LOGFMT_LITERAL);
        if (part == NULL) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "log_format: too many parts");
        }

        part->text = p;

        if (p[0] == '%') {
            part->len = 1;              /* "%%", or a lone one */
            p += (p[1] == '%') ? 2 : 1;
            continue;
        }

        part->len = strcspn(p, "%");
        p += part->len;
    }

    return REGISTRY_OK;
}


size_t
registry_logfmt_render(const registry_logfmt_t *fmt,
    const registry_logfmt_event_t *event, char *dst, size_t size)
{
    size_t  len;

    len = 0;
    dst[0] = '\0';

    for (size_t i = 0; i < fmt->n && len < size - 1; i++) {
        len += registry_logfmt_part(fmt, &fmt->parts[i], event, dst + len,
                                    size - len);
    }

    return len;
}


/* "%(name)-8s": *format is moved behind the conversion letter */

static registry_rc_e
registry_logfmt_attribute(registry_logfmt_t *fmt, const char **format,
    registry_err_t *err)
{
    bool                     left;
    int                      width;
    const char              *name, *p;
    registry_logfmt_e        kind;
    registry_logfmt_part_t  *part;

    name = *format + 2;

    p = strchr(name, ')');
    if (p == NULL) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "log_format: missing \")\"");
    }

    kind = registry_logfmt_kind(name, (size_t) (p - name));
    p++;

    left = false;
    width = 0;

    for ( /* void */ ; strchr("-+ #0", *p) != NULL && *p != '\0'; p++) {
        left = left || (*p == '-');
    }

    for ( /* void */ ; isdigit((unsigned char) *p); p++) {
        width = width * 10 + (*p - '0');

        if (width > 200) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "log_format: width above 200");
        }
    }

    if (*p == '.') {
        for (p++; isdigit((unsigned char) *p); p++) { /* void */ }
    }

    if (!isalpha((unsigned char) *p)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "log_format: no conversion after \"%%(%.*s)\"",
                                (int) (strcspn(name, ")")), name);
    }

    part = registry_logfmt_add(fmt, kind);
    if (part == NULL) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "log_format: too many parts");
    }

    part->width = width;
    part->left = left;

    fmt->request_id = fmt->request_id || (kind == REGISTRY_LOGFMT_REQUEST_ID);

    *format = p + 1;

    return REGISTRY_OK;
}


static registry_logfmt_e
registry_logfmt_kind(const char *name, size_t len)
{
    static const struct {
        const char         *name;
        registry_logfmt_e   kind;
    } kinds[] = {
        { "asctime", REGISTRY_LOGFMT_ASCTIME },
        { "levelname", REGISTRY_LOGFMT_LEVELNAME },
        { "name", REGISTRY_LOGFMT_NAME },
        { "message", REGISTRY_LOGFMT_MESSAGE },
        { "process", REGISTRY_LOGFMT_PROCESS },
        { "request_id", REGISTRY_LOGFMT_REQUEST_ID }
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i].name) == len
            && strncmp(kinds[i].name, name, len) == 0)
        {
            return kinds[i].kind;
        }
    }

    return REGISTRY_LOGFMT_OTHER;
}


static registry_logfmt_part_t *
registry_logfmt_add(registry_logfmt_t *fmt, registry_logfmt_e kind)
{
    if (fmt->n == REGISTRY_LOGFMT_PARTS) {
        return NULL;
    }

    fmt->parts[fmt->n].kind = kind;

    return &fmt->parts[fmt->n++];
}


static size_t
registry_logfmt_part(const registry_logfmt_t *fmt,
    const registry_logfmt_part_t *part, const registry_logfmt_event_t *event,
    char *dst, size_t size)
{
    int          n;
    char         number[128];
    struct tm    tm;
    const char  *text;

    text = "";

    switch (part->kind) {

    case REGISTRY_LOGFMT_LITERAL:
        n = snprintf(dst, size, "%.*s", (int) part->len, part->text);
        return (n < 0) ? 0 : ((size_t) n < size) ? (size_t) n : size - 1;

    case REGISTRY_LOGFMT_ASCTIME:

        text = number;

        if (localtime_r(&event->time, &tm) == NULL
            || strftime(number, sizeof(number), fmt->date, &tm) == 0)
        {
            number[0] = '\0';
        }

        break;

    case REGISTRY_LOGFMT_LEVELNAME:
        text = event->level;
        break;

    case REGISTRY_LOGFMT_NAME:
        text = event->name;
        break;

    case REGISTRY_LOGFMT_MESSAGE:
        text = event->message;
        break;

    case REGISTRY_LOGFMT_PROCESS:
        (void) snprintf(number, sizeof(number), "%ld", event->process);
        text = number;
        break;

    case REGISTRY_LOGFMT_REQUEST_ID:
        text = (event->request_id[0] != '\0') ? event->request_id : "-";
        break;

    default: /* REGISTRY_LOGFMT_OTHER */
        break;
    }

    n = snprintf(dst, size, part->left ? "%-*s" : "%*s", part->width, text);

    return (n < 0) ? 0 : ((size_t) n < size) ? (size_t) n : size - 1;
}
