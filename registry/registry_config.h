
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_CONFIG_H_INCLUDED_
#define _REGISTRY_CONFIG_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "registry_err.h"


/* the programs an option belongs to */

#define REGISTRY_FOR_API       0x01
#define REGISTRY_FOR_REGISTRY  0x02
#define REGISTRY_FOR_WORKER    0x04
#define REGISTRY_FOR_MANAGE    0x08
#define REGISTRY_FOR_SCRUBBER  0x10
#define REGISTRY_FOR_ALL       0x1f

/* what others read who have no other file than glance-api.conf */
#define REGISTRY_FOR_SHOWN     0x20

#define REGISTRY_OPT_SENSITIVE  0x01    /* never printed */
#define REGISTRY_OPT_UNUSED     0x02    /* known to Glance, without effect */
#define REGISTRY_OPT_SECTION    0x04    /* only in its section */


typedef enum {
    REGISTRY_OPT_STR = 0,
    REGISTRY_OPT_INT,
    REGISTRY_OPT_SIZE,          /* bytes, with a unit */
    REGISTRY_OPT_BOOL,
    REGISTRY_OPT_WORD           /* one of a comma list of words */
} registry_opt_type_e;

typedef struct {
    const char           *name;
    const char           *section;      /* where a sample shows it */
    const char           *aliases;      /* "section/name ...", "/" alone is
                                           [DEFAULT]; NULL: none */
    unsigned              programs;
    registry_opt_type_e   type;
    const char           *def;
    int64_t               min;
    int64_t               max;
    const char           *words;
    unsigned              flags;
    const char           *help;
} registry_opt_t;

typedef struct registry_config_s  registry_config_t;


/* ends with a row whose name is NULL */
extern const registry_opt_t  registry_options[];


/*
 * The program is "glance-api", "glance-registry", "glance-worker",
 * "glance-scrubber" or "glance-manage"; it decides about file names,
 * defaults and [app:PROGRAM].  Path NULL searches as specs/operations.md
 * section 3 says.  New reference; NULL with err->code REGISTRY_NOT_FOUND
 * when there is no file, or REGISTRY_INVALID with "FILE:LINE: ..." in the
 * text.
 */
registry_config_t *registry_config_load(const char *program, const char *path,
    registry_err_t *err);

/* defaults only; new reference, NULL without memory */
registry_config_t *registry_config_new(const char *program);
void registry_config_free(registry_config_t *cf);

/*
 * The file that a program would read, into path; NULL first: the search.
 * REGISTRY_NOT_FOUND with Glance's message if there is none.
 */
registry_rc_e registry_config_find(const char *program, const char *first,
    char *path, size_t size, registry_err_t *err);

/* "" if no file was read */
const char *registry_config_path(const registry_config_t *cf);

/*
 * All values are borrowed until registry_config_free() or _set().  An option
 * that the table does not have for this program aborts: a programming error.
 */
const char *registry_config_str(const registry_config_t *cf,
    const char *option);
int64_t registry_config_int(const registry_config_t *cf, const char *option);
bool registry_config_bool(const registry_config_t *cf, const char *option);

/* the identity part of flavor: "none", "keystone" or "trusted" */
const char *registry_config_identity(const registry_config_t *cf);

/*
 * Whether the registry can believe nginx who asks; local: they meet at a
 * unix socket.  If not, it would refuse every request.
 */
registry_rc_e registry_config_believed(const registry_config_t *cf, bool local,
    registry_err_t *err);

/*
 * Puts "FILE:LINE: " before a text that begins with the name of an option,
 * if the file set that option.
 */
void registry_config_locate(const registry_config_t *cf, registry_err_t *err);

/* whether a file or the command line gave a value */
bool registry_config_is_set(const registry_config_t *cf, const char *option);

/*
 * Wins over the file; "-" in the name is "_"; err says what is wrong.
 * NOT_FOUND: it is an option of other programs.
 */
registry_rc_e registry_config_set(registry_config_t *cf, const char *option,
    const char *value, registry_err_t *err);

/* the value of a row of the table if it is another than in the other one */
const char *registry_config_changed(const registry_config_t *cf,
    const registry_config_t *other, size_t row);

/*
 * What the reader noticed and went on with: unknown options ("FILE:LINE:
 * ..."), ignored ones.  Borrowed; NULL behind the last.
 */
const char *registry_config_warning(const registry_config_t *cf, size_t i);

/* a complete commented file; values that are not the default uncommented */
void registry_config_print(const registry_config_t *cf, FILE *out);

/* "name  value" lines between two lines of 80 asterisks, secrets masked */
void registry_config_dump(const registry_config_t *cf, void (*line)(void *arg,
    const char *text), void *arg);


#endif /* _REGISTRY_CONFIG_H_INCLUDED_ */
