
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_URI_H_INCLUDED_
#define _GLANCE_URI_H_INCLUDED_


#include "glance_buf.h"


/*
 * A location URI as Glance writes it: file, http(s), swift(+http, +https,
 * +config), s3(+http, +https).  All parts are slices of the parsed text,
 * still percent-encoded.
 */

typedef enum {
    GLANCE_SCHEME_UNKNOWN = 0,
    GLANCE_SCHEME_FILE,         /* file, filesystem */
    GLANCE_SCHEME_HTTP,         /* http, https */
    GLANCE_SCHEME_SWIFT,        /* swift, swift+http, +https, +config */
    GLANCE_SCHEME_S3            /* s3, s3+http, s3+https */
} glance_scheme_e;

typedef struct {
    glance_scheme_e  scheme;
    glance_str_t     name;      /* the scheme as written */
    glance_str_t     user;      /* empty when there is none */
    glance_str_t     password;
    bool             has_password;
    glance_str_t     host;      /* with port; IPv6 with brackets */
    glance_str_t     path;      /* from the first "/", with query */
} glance_uri_t;


/* false when there is no scheme, or bytes that no URI may hold */
bool glance_uri_parse(glance_str_t text, glance_uri_t *uri);

/* "file", "http", "swift", "s3" for the dialects, NULL if unknown */
const char *glance_scheme_store(glance_scheme_e scheme);

/* for logs: user and password, and any query, are replaced by "***" */
void glance_uri_redact(glance_buf_t *b, glance_str_t text);

/*
 * The path of a file URI, decoded, into dst (room for text.len bytes).
 * False unless it is an absolute path without "." or ".." segments and
 * without a host other than "" or "localhost".
 */
bool glance_uri_file_path(glance_str_t text, unsigned char *dst, size_t *len);


#endif /* _GLANCE_URI_H_INCLUDED_ */
