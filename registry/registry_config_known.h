
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_CONFIG_KNOWN_H_INCLUDED_
#define _REGISTRY_CONFIG_KNOWN_H_INCLUDED_


#include <stddef.h>


/*
 * Options of Glance and of its libraries that nothing here reads.  Together
 * with registry_options[] it is all that is known about configuration files:
 * programs take their notices from it, "glance-manage config check" its
 * verdicts.
 */

typedef struct {
    const char  *section;
    const char  *names;         /* by spaces; a "*" at the end of one stands
                                   for any rest; "*" alone: all of it */
    const char  *why;           /* it has no effect: "..." */
} registry_known_t;

/* ends with section NULL */
extern const registry_known_t  registry_known[];


/* NULL: neither Glance nor a library of it has such an option */
const registry_known_t *registry_config_known(const char *section,
    const char *key);

/* the directive that glance-api renders of an option of ours; or NULL */
const char *registry_config_directive(const char *option);

/*
 * The known name that is most alike in the section, or else in any: "name" or
 * "[section] name" in text, which is returned; NULL when none is alike.
 */
const char *registry_config_nearest(const char *section, const char *key,
    char *text, size_t size);


#endif /* _REGISTRY_CONFIG_KNOWN_H_INCLUDED_ */
