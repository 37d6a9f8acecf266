
/*
 * Copyright (C) ngx_glance authors
 */


#include <inttypes.h>
#include <string.h>

#include "glance_uri.h"
#include "registry_config_value.h"


#define REGISTRY_PRINT_COLUMNS  76
#define REGISTRY_PRINT_LINE     1024


static void registry_config_print_section(const registry_config_t *cf,
    FILE *out, const char *section);
static void registry_config_print_help(FILE *out, const char *help);
static void registry_config_print_bounds(FILE *out,
    const registry_opt_t *opt);


void
registry_config_print(const registry_config_t *cf, FILE *out)
{
    const registry_opt_t           *opt;
    const registry_config_value_t  *value;

    static const char *const  sections[] = {
        "DEFAULT", "paste_deploy", "keystone_authtoken", "cors",
        "oslo_policy", "image_format", "glance_store"
    };

    for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
        for (size_t i = 0; registry_options[i].name != NULL; i++) {
            opt = registry_config_row(cf, i, &value);

            if (opt != NULL && (opt->flags & REGISTRY_OPT_UNUSED) == 0
                && strcmp(opt->section, sections[s]) == 0)
            {
                registry_config_print_section(cf, out, sections[s]);
                break;
            }
        }
    }
}


void
registry_config_dump(const registry_config_t *cf, void (*line)(void *arg,
    const char *text), void *arg)
{
    char                            text[REGISTRY_PRINT_LINE];
    char                            masked[REGISTRY_PRINT_LINE / 2];
    char                            stars[81];
    const registry_opt_t           *opt;
    const registry_config_value_t  *value;

    memset(stars, '*', 80);
    stars[80] = '\0';

    line(arg, stars);

    for (size_t i = 0; registry_options[i].name != NULL; i++) {
        opt = registry_config_row(cf, i, &value);

        if (opt == NULL) {
            continue;
        }

        (void) snprintf(text, sizeof(text), "%-30s %s", opt->name,
                        registry_config_masked(opt, value->text, masked,
                                               sizeof(masked)));
        line(arg, text);
    }

    line(arg, stars);
}


static void
registry_config_print_section(const registry_config_t *cf, FILE *out,
    const char *section)
{
    char                            masked[REGISTRY_PRINT_LINE];
    const registry_opt_t           *opt;
    const registry_config_value_t  *value;

    (void) fprintf(out, "%s[%s]\n",
                   (strcmp(section, "DEFAULT") == 0) ? "" : "\n", section);

    for (size_t i = 0; registry_options[i].name != NULL; i++) {
        opt = registry_config_row(cf, i, &value);

        if (opt == NULL || (opt->flags & REGISTRY_OPT_UNUSED) != 0
            || strcmp(opt->section, section) != 0)
        {
            continue;
        }

        (void) fprintf(out, "\n");
        registry_config_print_help(out, opt->help);
        registry_config_print_bounds(out, opt);

        (void) registry_config_masked(opt, value->text, masked,
                                      sizeof(masked));

        (void) fprintf(out, "%s%s =%s%s\n",
                       (strcmp(value->text, opt->def) == 0) ? "#" : "",
                       opt->name, (masked[0] != '\0') ? " " : "", masked);
    }
}


static void
registry_config_print_help(FILE *out, const char *help)
{
    size_t  column, len;

    column = 1;
    (void) fputc('#', out);

    while (*help != '\0') {
        len = strcspn(help, " ");

        if (column + 1 + len > REGISTRY_PRINT_COLUMNS) {
            (void) fputs("\n#", out);
            column = 1;
        }

        (void) fprintf(out, " %.*s", (int) len, help);
        column += 1 + len;

        help += len;
        help += strspn(help, " ");
    }

    (void) fputc('\n', out);
}


static void
registry_config_print_bounds(FILE *out, const registry_opt_t *opt)
{
    switch (opt->type) {

    case REGISTRY_OPT_INT:
        (void) fprintf(out, "# An integer from %" PRId64 " to %" PRId64
                       ".\n", opt->min, opt->max);
        break;

    case REGISTRY_OPT_SIZE:
        (void) fprintf(out, "# Bytes, or B, KB, MB, GB, TB.\n");
        break;

    case REGISTRY_OPT_BOOL:
        (void) fprintf(out, "# True or False.\n");
        break;

    case REGISTRY_OPT_WORD:
        (void) fprintf(out, "# One of: %s.\n", opt->words);
        break;

    default: /* REGISTRY_OPT_STR */
        break;
    }
}


const char *
registry_config_masked(const registry_opt_t *opt, const char *text,
    char *dst, size_t size)
{
    glance_buf_t  b;

    if ((opt->flags & REGISTRY_OPT_SENSITIVE) == 0
        || strcmp(text, opt->def) == 0)
    {
        (void) snprintf(dst, size, "%s", text);
        return dst;
    }

    (void) snprintf(dst, size, "***");

    if (strstr(text, "://") != NULL) {
        glance_buf_init(&b, dst, size - 1);
        glance_uri_redact(&b, glance_str(text));
        *b.last = '\0';
    }

    return dst;
}
