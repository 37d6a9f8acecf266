
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_STORE_SWIFT_H_INCLUDED_
#define _NGX_HTTP_GLANCE_STORE_SWIFT_H_INCLUDED_


#include "ngx_http_glance_reader.h"


/*
 * {container}/{image id} holds an image, or is a manifest of its segments,
 * {container}/{image id}-{claim}-{number}: each upload has names of its own,
 * so that what a dead one has left neither gets into a later one nor is
 * mistaken for it.  If the object of a dead upload is there already, the new
 * one is called {image id}-{claim}.  An object says by X-Object-Meta-
 * Glance-Claim which upload made it.
 */

/* of glance_swift_accounts, or of a location; the token is a worker's */

struct ngx_http_glance_swift_account_s {
    ngx_str_t                   name;           /* of swift+config */
    ngx_str_t                   auth;           /* URL without last slash */
    ngx_str_t                   user;           /* or TENANT:USER */
    ngx_str_t                   key;
    ngx_uint_t                  version;        /* 1 or 3 */
    json_t                     *user_domain;    /* 3: {"id": ..} */
    json_t                     *project_domain;
    ngx_str_t                   region;
    ngx_str_t                   interface;
    ngx_str_t                   service_type;
    ngx_str_t                   endpoint;       /* instead of the catalog's */
    unsigned                    open:1;         /* locations show the key */
    unsigned                    stranger:1;     /* of no server of ours */

    u_char                     *token;          /* NULL: none; allocated */
    size_t                      token_len;
    ngx_str_t                   storage;        /* behind the token */
    time_t                      checked;        /* when it was good */
    ngx_uint_t                  tokens;         /* so many there were */
};


typedef struct ngx_http_glance_swift_s  ngx_http_glance_swift_t;

typedef void (*ngx_http_glance_swift_pt)(ngx_http_glance_swift_t *sw);

/* of a handle; belongs to r->pool */

struct ngx_http_glance_swift_s {
    ngx_http_request_t               *request;
    ngx_http_glance_ctx_t            *ctx;
    ngx_http_glance_handle_t         *handle;
    ngx_http_glance_remote_t         *remote;
    ngx_http_glance_swift_conf_t     *conf;
    ngx_http_glance_swift_account_t  *account;
    ngx_http_glance_reader_t         *reader;

    ngx_str_t                         container;
    ngx_str_t                         object;
    ngx_str_t                         claim;

    /* the call in hand, kept for a second try with a new token */

    const char                       *method;
    ngx_str_t                         path;     /* behind the storage URL */
    const char                       *name[3];
    ngx_str_t                         value[3];
    ngx_uint_t                        nheaders;
    ngx_str_t                         body;
    ngx_http_glance_swift_pt          answer;   /* to it */
    ngx_http_glance_swift_pt          next;     /* after a token */
    ngx_http_glance_swift_pt          then;     /* after several calls */
    u_char                           *room;     /* of path */
    ngx_uint_t                        token;    /* number of the one sent */
    unsigned                          has_body:1;
    unsigned                          renewed:1;

    /* writing */

    off_t                             written;
    off_t                             segment;  /* bytes in the one in hand */
    ngx_uint_t                        number;   /* of segments begun */
    json_t                           *parts;    /* of a static manifest */
    u_char                           *data;
    size_t                            len;
    size_t                            pending;
    ngx_uint_t                        tries;    /* to begin an object */
    ngx_event_t                       retry;
    unsigned                          large:1;
    unsigned                          again:1;  /* the same object */
    unsigned                          putting:1;
    unsigned                          made:1;   /* the object may exist */

    /* removing */

    json_t                           *list;
    size_t                            at;
    ngx_uint_t                        passes;
    ngx_str_t                         list_container;
    ngx_str_t                         list_prefix;
};


/* whether the object that was asked for is one of this upload */
ngx_uint_t ngx_http_glance_swift_claimed(ngx_http_glance_swift_t *sw);

/* conf */
void ngx_http_glance_swift_create_conf(ngx_http_glance_swift_conf_t *conf);
char *ngx_http_glance_swift_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_swift_conf_t *prev, ngx_http_glance_swift_conf_t *conf);
char *ngx_http_glance_swift_accounts(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* locations: NGX_DECLINED: not one that we can follow */
ngx_int_t ngx_http_glance_swift_parse(ngx_http_glance_swift_t *sw,
    ngx_str_t *uri);
ngx_int_t ngx_http_glance_swift_location(ngx_http_glance_swift_t *sw,
    ngx_str_t *uri);

/* calls with a token, which is got before and renewed on 401 */
ngx_http_glance_swift_t *ngx_http_glance_swift_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
void ngx_http_glance_swift_auth(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt next);
void ngx_http_glance_swift_forget_token(ngx_http_glance_swift_t *sw);
void ngx_http_glance_swift_broken(ngx_http_glance_swift_t *sw);

/* object NULL: the container; args: with "?", or NULL */
void ngx_http_glance_swift_ask(ngx_http_glance_swift_t *sw,
    const char *method, ngx_str_t *container, ngx_str_t *object,
    const char *args);
void ngx_http_glance_swift_say(ngx_http_glance_swift_t *sw,
    const char *name, ngx_str_t *value);
void ngx_http_glance_swift_call(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt next);
ngx_int_t ngx_http_glance_swift_prepare(ngx_http_glance_swift_t *sw);

/* the end of a call of the vtable */
void ngx_http_glance_swift_done(ngx_http_glance_swift_t *sw, ngx_int_t rc);
void ngx_http_glance_swift_failed(ngx_http_glance_swift_t *sw);

/* removes all objects with list_prefix of list_container, then goes on */
void ngx_http_glance_swift_clear(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt then);

/* FORMAT of image id, claim and number; in the request's pool */
ngx_int_t ngx_http_glance_swift_name(ngx_http_glance_swift_t *sw,
    const char *fmt, ngx_uint_t number, ngx_str_t *name);

/* the object in hand is complete: then() has the answer */
ngx_int_t ngx_http_glance_swift_close(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt then);

/* an object that waits to be begun anew does so no longer */
void ngx_http_glance_swift_halt(void *data);

/* the writing half of the store */
ngx_int_t ngx_http_glance_swift_begin(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h,
    ngx_http_glance_claim_t *claim);
ngx_int_t ngx_http_glance_swift_write(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, u_char *data,
    size_t len);
ngx_int_t ngx_http_glance_swift_commit(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
ngx_int_t ngx_http_glance_swift_forget(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
ngx_int_t ngx_http_glance_swift_abort(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
void ngx_http_glance_swift_keep(ngx_http_glance_handle_t *h);

#define NGX_HTTP_GLANCE_SWIFT_CLAIM  "X-Object-Meta-Glance-Claim"


#endif /* _NGX_HTTP_GLANCE_STORE_SWIFT_H_INCLUDED_ */
