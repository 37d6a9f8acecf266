
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_REQUEST_H_INCLUDED_
#define _REGISTRY_REQUEST_H_INCLUDED_


#include "registry_config.h"
#include "registry_db.h"
#include "registry_out.h"
#include "registry_pool.h"
#include "registry_record.h"


#define REGISTRY_PARAMS         2       /* variable parts of a path */
#define REGISTRY_HEADERS        4       /* of an answer, beyond the usual */
#define REGISTRY_REQUEST_ID     64

/* an answer may be this long; a list of images ends earlier */
#define REGISTRY_ANSWER_MAX     (64 * 1024 * 1024)
#define REGISTRY_LIST_MAX       (8 * 1024 * 1024)


/* what does not change while the daemon runs */

typedef struct {
    registry_db_t   *db;
    int64_t          limit_max;
    int64_t          limit_default;
    int64_t          property_quota;
    int64_t          member_quota;
    int64_t          tag_quota;
    int64_t          location_quota;
    int64_t          storage_quota;     /* bytes; 0: any number */
    int64_t          lease;             /* seconds */
    size_t           max_body;
    const char      *secret;            /* "": none */
    const char      *admin_role;
    bool             anonymous;         /* flavor "": no identity needed */
    bool             owner_is_tenant;

    /* of API v2 */
    const char      *disk_formats;      /* words, commas between them */
    const char      *container_formats;
    bool             new_defaults;      /* rights as in Glance today */
    bool             show_direct_url;
    bool             show_locations;
    bool             delayed_delete;
} registry_app_t;

/* the caller; owner.data NULL: nobody in particular */

typedef struct {
    glance_str_t     owner;
    bool             admin;
    bool             service;           /* may use claims and removals */

    /* what API v2 asks for; with "admin" the roles do not matter */
    glance_str_t     user;
    glance_str_t     roles;             /* words, commas between them */
    glance_str_t     service_roles;     /* of the service token */
    bool             member;
    bool             reader;
    bool             service_role;      /* among the caller's own roles */
    bool             service_token;     /* "service" is among the others */
    bool             system_scope;
    bool             read_only;         /* nobody, who may look around */
} registry_identity_t;

typedef struct registry_arg_s  registry_arg_t;

struct registry_arg_s {                 /* of the query string, decoded */
    registry_arg_t  *next;
    glance_str_t     name;
    glance_str_t     value;
};

typedef enum {
    REGISTRY_GET = 0,
    REGISTRY_POST,
    REGISTRY_PUT,
    REGISTRY_PATCH,
    REGISTRY_DELETE,
    REGISTRY_METHODS
} registry_method_e;

typedef struct {
    const char             *name;
    const char             *value;
} registry_header_t;

typedef struct {
    const registry_app_t   *app;
    registry_pool_t        *pool;
    registry_method_e       method;
    const char             *method_name;
    glance_str_t            path;       /* without query, not decoded */
    glance_str_t            params[REGISTRY_PARAMS];
    glance_str_t            body;
    registry_identity_t     identity;
    bool                    local;      /* came by the unix socket */
    bool                    v2;         /* the path says so */
    void                   *connection; /* registry_http.c's */

    /* the answer; with REGISTRY_OK "out" is JSON */
    unsigned                status;
    const char             *type;
    registry_out_t          out;
    char                    allow[64];
    registry_header_t       headers[REGISTRY_HEADERS];
    size_t                  n_headers;
    registry_err_t          err;
    char                    id[REGISTRY_REQUEST_ID + 1];
} registry_request_t;


/* of registry_http.c; data NULL: not sent */
glance_str_t registry_request_header(const registry_request_t *rq,
    const char *name);

/* a header of the answer; the value is copied, the name is not */
registry_rc_e registry_request_reply_header(registry_request_t *rq,
    const char *name, glance_str_t value);

/* a random UUID, which is the request's */
registry_rc_e registry_request_new_id(registry_request_t *rq,
    glance_str_t *id);

/* an ISO 8601 time of the query string; false: it is none */
bool registry_request_time(registry_request_t *rq, glance_str_t value,
    int64_t *epoch);

/* all arguments in their order; REGISTRY_INVALID: not decodable */
registry_rc_e registry_request_args(registry_request_t *rq,
    registry_arg_t **args);


#endif /* _REGISTRY_REQUEST_H_INCLUDED_ */
