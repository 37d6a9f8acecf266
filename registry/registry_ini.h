
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_INI_H_INCLUDED_
#define _REGISTRY_INI_H_INCLUDED_


#include <stddef.h>

#include "registry_err.h"


#define REGISTRY_INI_SIZE_MAX  (1024 * 1024)    /* of a file */


/*
 * An INI file as Python's ConfigParser and oslo.config read it: "[section]",
 * "key = value" or "key: value", "#" and ";" start comment lines, indented
 * lines continue the value above (joined by one space), one pair of quotes
 * around a value is removed.  Keys are lower-cased.  Lines before the first
 * section belong to "DEFAULT".  A line that is none of these becomes an entry
 * without key, so that the reader of the section decides about it.
 */

typedef struct {
    char      *section;
    char      *key;             /* NULL: malformed line */
    char      *value;
    unsigned   line;
} registry_ini_entry_t;

typedef struct {
    char                  *path;
    registry_ini_entry_t  *entries;
    size_t                 n;
} registry_ini_t;


registry_ini_t *registry_ini_load(const char *path, registry_err_t *err);
registry_ini_t *registry_ini_parse(const char *path, const char *text,
    size_t len, registry_err_t *err);
void registry_ini_free(registry_ini_t *ini);

/*
 * The last value of the key, inherited from [DEFAULT] if the section has
 * none; borrowed, NULL when missing.
 */
const char *registry_ini_get(const registry_ini_t *ini, const char *section,
    const char *key);


#endif /* _REGISTRY_INI_H_INCLUDED_ */
