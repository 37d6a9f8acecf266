
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_SCHEMA_H_INCLUDED_
#define _REGISTRY_SCHEMA_H_INCLUDED_


/* the files of schema/, embedded by schema.mk, in order of their names */

typedef struct {
    const char  *driver;        /* "mysql", "sqlite"; NULL ends the table */
    const char  *name;          /* "001_glance_2024_1" */
    const char  *text;          /* without comments; each statement ends with
                                   a semicolon at the end of a line */
} registry_schema_file_t;

extern const registry_schema_file_t  registry_schema_files[];


#endif /* _REGISTRY_SCHEMA_H_INCLUDED_ */
