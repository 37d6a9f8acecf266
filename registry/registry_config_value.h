
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_CONFIG_VALUE_H_INCLUDED_
#define _REGISTRY_CONFIG_VALUE_H_INCLUDED_


#include "registry_config.h"
#include "registry_ini.h"


/* what the files registry_config*.c share, and no one else includes */

/* the more specific place wins, wherever it stands in the file */

#define REGISTRY_RANK_ALIAS    1        /* [DEFAULT], another spelling */
#define REGISTRY_RANK_DEFAULT  2
#define REGISTRY_RANK_RENAMED  3        /* its section, another spelling */
#define REGISTRY_RANK_SECTION  4        /* [database] and the like */
#define REGISTRY_RANK_APP      5        /* [app:PROGRAM] */
#define REGISTRY_RANK_BACKEND  6        /* a section of enabled_backends */
#define REGISTRY_RANK_COMMAND  7


typedef struct {
    char      *text;            /* NULL: the default counts */
    int64_t    number;
    bool       truth;
    unsigned   rank;            /* of the place that gave the text */
    unsigned   line;            /* of the file; 0: none */
} registry_config_value_t;

typedef struct {
    const char  *name;
    unsigned     mask;
    const char  *app;
    const char  *files[5];
    const char  *wants;         /* of the files that the search finds, the
                                   first that sets this; NULL: any */
} registry_config_program_t;

struct registry_config_s {
    const registry_config_program_t  *program;
    char                             *path;
    registry_ini_t                   *ini;
    registry_config_value_t          *values;
    size_t                            n_options;
    char                            **warnings;
    size_t                            n_warnings;
    char                              ignored[512];
    char                              node[256];
    const char                       *identity;
};


/*
 * Checks a text against type, bounds and words; value gets a new copy of it.
 * The error text names the option.
 */
registry_rc_e registry_config_parse(const registry_opt_t *opt,
    const char *text, registry_config_value_t *value, registry_err_t *err);

/* [app:...], [DEFAULT] and the other sections of cf->ini into the values */
registry_rc_e registry_config_read(registry_config_t *cf,
    registry_err_t *err);

/* the section of the backend that is the default overlays the store options */
registry_rc_e registry_config_backends(registry_config_t *cf,
    registry_err_t *err);

/* the row's value, from a place of this rank, and line if it is the file */
registry_rc_e registry_config_assign(registry_config_t *cf, size_t i,
    const char *text, unsigned rank, unsigned line, registry_err_t *err);

/* the row of an option of this program; cf->n_options: none */
size_t registry_config_index(const registry_config_t *cf,
    const char *option);

/* the rank of a place as seen by a program; 0: it is not about this option */
unsigned registry_config_rank(const registry_config_t *cf,
    const registry_opt_t *opt, const registry_ini_entry_t *entry);

/* a section that the table knows */
bool registry_config_section(const char *section);

/* a value to be shown, in dst or as it is */
const char *registry_config_masked(const registry_opt_t *opt,
    const char *text, char *dst, size_t size);

/* the row with this number, NULL if the program does not have it */
const registry_opt_t *registry_config_row(const registry_config_t *cf,
    size_t i, const registry_config_value_t **value);


#endif /* _REGISTRY_CONFIG_VALUE_H_INCLUDED_ */
