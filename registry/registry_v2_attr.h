
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_V2_ATTR_H_INCLUDED_
#define _REGISTRY_V2_ATTR_H_INCLUDED_


#include "registry_v2_schema.h"


/* between registry_v2_schema.c, which has the table, and registry_v2_check.c */

#define REGISTRY_V2_STRING   0x001
#define REGISTRY_V2_INTEGER  0x002
#define REGISTRY_V2_BOOLEAN  0x004
#define REGISTRY_V2_ARRAY    0x008
#define REGISTRY_V2_NULL     0x010      /* besides the type */
#define REGISTRY_V2_RO       0x020
#define REGISTRY_V2_CUSTOM   0x040      /* a property that has a schema */
#define REGISTRY_V2_UUID     0x080
#define REGISTRY_V2_DISK     0x100      /* its words are configured */
#define REGISTRY_V2_CONTAINER  0x200
#define REGISTRY_V2_ABSENT   0x400      /* not in the documents */


typedef struct {
    const char  *name;
    unsigned     type;
    size_t       max;                   /* characters; 0: no limit */
    const char  *words;                 /* separated by commas */
    const char  *more;                  /* JSON */
    const char  *description;
} registry_v2_attr_t;


/* NULL: there is no such attribute */
const registry_v2_attr_t *registry_v2_attr_find(glance_str_t name);

/* the words that its value is one of, separated by commas; NULL: any */
const char *registry_v2_attr_words(const registry_v2_formats_t *formats,
    const registry_v2_attr_t *attr);

/* the next of them, and words moves on; false: there is none */
bool registry_v2_word(const char **words, glance_str_t *word);


#endif /* _REGISTRY_V2_ATTR_H_INCLUDED_ */
