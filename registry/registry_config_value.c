
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_config_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>


static bool registry_config_number(const char *text, int64_t *number);
static bool registry_config_size(const char *text, int64_t *size);
static bool registry_config_truth(const char *text, bool *truth);
static const char *registry_config_word(const char *words, const char *text,
    size_t *len);


registry_rc_e
registry_config_parse(const registry_opt_t *opt, const char *text,
    registry_config_value_t *value, registry_err_t *err)
{
    char        *copy;
    size_t       len;
    const char  *word;

    for (const char *p = text; *p != '\0'; p++) {
        if (iscntrl((unsigned char) *p) && *p != '\t') {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "%s: holds a control character",
                                    opt->name);
        }
    }

    word = text;
    len = strlen(text);

    switch (opt->type) {

    case REGISTRY_OPT_INT:

        if (!registry_config_number(text, &value->number)
            || value->number < opt->min || value->number > opt->max)
        {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "%s: must be an integer between %" PRId64
                                    " and %" PRId64, opt->name, opt->min,
                                    opt->max);
        }

        break;

    case REGISTRY_OPT_SIZE:

        if (!registry_config_size(text, &value->number)) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "%s: must be a number of bytes, or of B, "
                                    "KB, MB, GB, TB", opt->name);
        }

        break;

    case REGISTRY_OPT_BOOL:

        if (!registry_config_truth(text, &value->truth)) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "%s: must be True or False", opt->name);
        }

        break;

    case REGISTRY_OPT_WORD:

        word = registry_config_word(opt->words, text, &len);

        if (word == NULL) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "%s: must be one of %s", opt->name,
                                    opt->words);
        }

        break;

    default: /* REGISTRY_OPT_STR */
        break;
    }

    copy = strndup(word, len);
    if (copy == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "no memory");
    }

    free(value->text);
    value->text = copy;

    return REGISTRY_OK;
}


static bool
registry_config_number(const char *text, int64_t *number)
{
    char       *end;
    long long   n;

    if (!isdigit((unsigned char) text[0]) && text[0] != '-') {
        return false;
    }

    errno = 0;
    n = strtoll(text, &end, 10);

    if (errno != 0 || end == text || *end != '\0') {
        return false;
    }

    *number = n;

    return true;
}


/* 5, 5B, 5KB ... as in Glance, with any case and a blank before the unit */

static bool
registry_config_size(const char *text, int64_t *size)
{
    char       *end;
    long long   n;

    static const char *const  units[] = { "B", "KB", "MB", "GB", "TB" };

    if (!isdigit((unsigned char) text[0])) {
        return false;
    }

    errno = 0;
    n = strtoll(text, &end, 10);

    if (errno != 0) {
        return false;
    }

    end += strspn(end, " \t");

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {

        if (strcasecmp(end, (*end == '\0') ? "" : units[i]) == 0) {
            *size = n;
            return true;
        }

        if (n > INT64_MAX / 1024) {
            return false;
        }

        n *= 1024;
    }

    return false;
}


static bool
registry_config_truth(const char *text, bool *truth)
{
    static const char *const  yes[] = { "true", "yes", "on", "1", "t", "y" };
    static const char *const  no[] = { "false", "no", "off", "0", "f", "n" };

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcasecmp(text, yes[i]) == 0) {
            *truth = true;
            return true;
        }

        if (strcasecmp(text, no[i]) == 0) {
            *truth = false;
            return true;
        }
    }

    return false;
}


/* the word as the table spells it */

static const char *
registry_config_word(const char *words, const char *text, size_t *len)
{
    size_t  n;

    for (const char *word = words; *word != '\0'; word += n) {
        if (*word == ',') {
            n = 1;
            continue;
        }

        n = strcspn(word, ",");

        if (n == strlen(text) && strncasecmp(word, text, n) == 0) {
            *len = n;
            return word;
        }
    }

    return NULL;
}
