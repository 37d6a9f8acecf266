
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_RENDER_H_INCLUDED_
#define _REGISTRY_RENDER_H_INCLUDED_


#include <stdio.h>

#include "registry_config.h"


#define REGISTRY_RENDER_PATH  4096


/*
 * The nginx.conf of an API server.  Paths are absolute, without a trailing
 * slash, and borrowed.
 */

typedef struct {
    const char  *run_dir;
    const char  *pid;           /* its file */
    const char  *module;        /* "": compiled in */
    const char  *user;          /* "": no user directive */
    const char  *credentials;   /* the file of registry_render_keystone.h */
    const char  *accounts;      /* that of registry_render_swift.h */
    const char  *keys;          /* that of registry_render_s3.h */
    const char  *access_log;    /* for a log that is standard output */
    unsigned     version;       /* 1022001 for 1.22.1 */
    unsigned     connections;   /* of a worker */
} registry_render_t;


/*
 * Every value is checked and quoted: no option can bring a directive of its
 * own into the file.  The error text names the option.
 */
registry_rc_e registry_render(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);

/*
 * A path of an option, absolute by the current directory, without trailing
 * slashes; refuses what could not be quoted.
 */
registry_rc_e registry_render_path(const char *option, const char *value,
    char *path, size_t size, registry_err_t *err);

/*
 * The unix socket at which the API server takes the worker's errands; "": it
 * would be too long for one.
 */
registry_rc_e registry_render_socket(const registry_config_t *cf, char *path,
    size_t size, registry_err_t *err);

/* letters, digits and the others; not empty */
bool registry_render_word(const char *text, const char *others);

/* the directive with the roles of an option; nothing if there are none */
registry_rc_e registry_render_roles(const registry_config_t *cf,
    const char *option, const char *directive, FILE *out,
    registry_err_t *err);

/* the same for words of letters, digits and the others; what they are */
registry_rc_e registry_render_words(const registry_config_t *cf,
    const char *option, const char *directive, const char *others,
    const char *what, FILE *out, registry_err_t *err);

/* as one word of nginx.conf, whatever it is */
void registry_render_quoted(const char *text, FILE *out);


#endif /* _REGISTRY_RENDER_H_INCLUDED_ */
