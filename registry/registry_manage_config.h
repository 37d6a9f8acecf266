
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_MANAGE_CONFIG_H_INCLUDED_
#define _REGISTRY_MANAGE_CONFIG_H_INCLUDED_


#include "registry_config_value.h"


/* what "glance-manage config check" says about a line of a file */

typedef enum {
    REGISTRY_VERDICT_USED = 0,
    REGISTRY_VERDICT_MAPPED,    /* used, under another name */
    REGISTRY_VERDICT_IGNORED,
    REGISTRY_VERDICT_UNKNOWN,
    REGISTRY_VERDICT_INVALID,
    REGISTRY_VERDICT_N
} registry_verdict_e;

#define REGISTRY_VERDICT_TEXT  1024

typedef struct {
    registry_verdict_e  verdict;
    char                text[REGISTRY_VERDICT_TEXT];    /* no secrets */
} registry_verdict_t;

/* an INI file, and who reads it */

typedef struct {
    const registry_ini_t  *ini;
    unsigned               readers;     /* REGISTRY_FOR_...; 0: nobody */
    const char            *why;         /* nobody does; or NULL */
    bool                   sections;    /* none of Glance's: of "why" only */
} registry_check_file_t;


/* false: no memory */
bool registry_check_init(void);
void registry_check_free(void);

/* the verdict about the entry with this number */
void registry_check_entry(const registry_check_file_t *file, size_t i,
    registry_verdict_t *v);


#endif /* _REGISTRY_MANAGE_CONFIG_H_INCLUDED_ */
