
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_STORE_S3_H_INCLUDED_
#define _NGX_HTTP_GLANCE_STORE_S3_H_INCLUDED_


#include "ngx_http_glance_reader.h"


/*
 * {bucket}/{image id} holds an image that was sent by one PUT.  What is sent
 * in parts, or may be, is {image id}-{claim}: a multipart upload has nothing
 * but its key to tell whose it is, and so that of a dead upload cannot be
 * mistaken for another's.  The same name is taken when {image id} is there
 * already.  An object says by x-amz-meta-glance-claim which upload made it.
 */

#define NGX_HTTP_GLANCE_S3_PARTS  10000     /* of an object */
#define NGX_HTTP_GLANCE_S3_CLAIM  "x-amz-meta-glance-claim"


/* where a bucket is, and as whom to ask: of the configuration or a location */

struct ngx_http_glance_s3_account_s {
    ngx_str_t                         access_key;
    ngx_str_t                         secret_key;
    ngx_str_t                         host;     /* no port if it is usual */
    ngx_str_t                         region;
    unsigned                          tls:1;
    unsigned                          stranger:1;   /* no host of ours */
};


typedef struct ngx_http_glance_s3_s  ngx_http_glance_s3_t;

typedef void (*ngx_http_glance_s3_pt)(ngx_http_glance_s3_t *s3);
typedef ngx_int_t (*ngx_http_glance_s3_step_pt)(ngx_http_glance_s3_t *s3);


/* a request that is sent as it is described, and described again to retry */

typedef struct {
    const char                       *method;
    const char                       *query;    /* sorted; NULL: none */
    const char                       *name[3];
    ngx_str_t                         value[3];
    ngx_uint_t                        nheaders;
    unsigned                          bucket:1; /* it, not the object */
    unsigned                          hidden:1; /* its body is not hashed */
} ngx_http_glance_s3_ask_t;


typedef struct {
    ngx_http_glance_s3_t             *s3;
    ngx_http_glance_remote_t         *remote;
    ngx_uint_t                        number;   /* 0: the object as a whole */
    off_t                             size;
    off_t                             left;     /* bytes to be sent */
    u_char                           *buffer;   /* of all of its bytes */
    u_char                           *piece;    /* that is still there */
    size_t                            len;
    ngx_uint_t                        tries;
    ngx_event_t                       retry;
    unsigned                          busy:1;   /* sent, not answered */
} ngx_http_glance_s3_part_t;


/* of a handle; belongs to r->pool */

struct ngx_http_glance_s3_s {
    ngx_http_request_t               *request;
    ngx_http_glance_ctx_t            *ctx;
    ngx_http_glance_handle_t         *handle;
    ngx_http_glance_remote_t         *remote;
    ngx_http_glance_s3_conf_t        *conf;
    ngx_http_glance_s3_account_t     *account;

    ngx_str_t                         bucket;
    ngx_str_t                         key;
    ngx_str_t                         claim;

    /* the call in hand */

    ngx_http_glance_s3_ask_t          ask;
    ngx_str_t                         body;
    ngx_http_glance_s3_pt             answer;   /* to it */
    ngx_uint_t                        tries;
    ngx_event_t                       retry;
    u_char                           *room;     /* of a query */
    unsigned                          has_body:1;

    /* the call of the vtable: a step is made whenever something is new */

    ngx_http_glance_s3_step_pt        step;
    ngx_int_t                         rc;       /* of a failed part */
    unsigned                          pending:1;

    /* writing */

    off_t                             begun;    /* bytes of parts begun */
    off_t                             part_size;
    ngx_uint_t                        number;   /* of parts begun */
    ngx_uint_t                        nparts;   /* at a time */
    ngx_uint_t                        busy;
    ngx_http_glance_s3_part_t        *parts;
    ngx_http_glance_s3_part_t        *part;     /* that gets bytes */
    ngx_str_t                        *etags;    /* by number - 1 */
    ngx_uint_t                        netags;   /* there is room for */
    ngx_str_t                         etag;     /* of the whole */
    ngx_str_t                         upload;   /* id, as it came */
    u_char                           *data;
    size_t                            len;
    size_t                            fill;     /* of part->buffer */
    u_char                            tail;     /* the last byte, see below */
    unsigned                          has_tail:1;
    unsigned                          buffered:1;  /* length unknown */
    unsigned                          large:1;  /* in parts */
    unsigned                          sending:1;
    unsigned                          asked:1;  /* for an upload id */
    unsigned                          made:1;   /* the object may exist */
    unsigned                          opaque:1; /* ETags are no MD5 */
    unsigned                          finished:1;
    unsigned                          aborting:1;

    ngx_uint_t                        passes;   /* of a removal */
};


/* conf */
void ngx_http_glance_s3_create_conf(ngx_http_glance_s3_conf_t *conf);
char *ngx_http_glance_s3_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_s3_conf_t *prev, ngx_http_glance_s3_conf_t *conf);
char *ngx_http_glance_s3_credentials(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_uint_t ngx_http_glance_s3_virtual(ngx_http_glance_s3_conf_t *conf,
    ngx_http_glance_s3_account_t *account, ngx_str_t *bucket);

/* locations: NGX_DECLINED: not one that we can follow */
ngx_int_t ngx_http_glance_s3_parse(ngx_http_glance_s3_t *s3, ngx_str_t *uri);
ngx_int_t ngx_http_glance_s3_location(ngx_http_glance_s3_t *s3,
    ngx_str_t *uri);

/* calls */
ngx_http_glance_s3_t *ngx_http_glance_s3_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
void ngx_http_glance_s3_broken(ngx_http_glance_s3_t *s3);

/* for key, or for the bucket; query: lives until the next */
void ngx_http_glance_s3_ask(ngx_http_glance_s3_t *s3, const char *method,
    const char *query);
void ngx_http_glance_s3_ask_bucket(ngx_http_glance_s3_t *s3,
    const char *method, const char *query);
void ngx_http_glance_s3_say(ngx_http_glance_s3_ask_t *ask, const char *name,
    ngx_str_t *value);
void ngx_http_glance_s3_call(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_pt next);

/* whether a failure may pass, and a try number "tries" is worth it then */
ngx_uint_t ngx_http_glance_s3_passing(ngx_http_glance_remote_t *m,
    ngx_uint_t tries);
void ngx_http_glance_s3_delay(ngx_http_glance_remote_t *m, ngx_event_t *ev,
    ngx_uint_t tries);

/* NAME=value of the next query, and what goes before; NULL: no memory */
const char *ngx_http_glance_s3_query(ngx_http_glance_s3_t *s3,
    const char *name, ngx_str_t *value, const char *behind);

/* the exchange of m, signed */
ngx_int_t ngx_http_glance_s3_prepare(ngx_http_glance_s3_t *s3,
    ngx_http_glance_remote_t *m, ngx_http_glance_s3_ask_t *ask);

/* the status for the client of an exchange that failed; it is logged */
ngx_int_t ngx_http_glance_s3_status(ngx_http_glance_s3_t *s3,
    ngx_http_glance_remote_t *m);

/* another step of the call of the vtable, and its end */
void ngx_http_glance_s3_go(ngx_http_glance_s3_t *s3);
ngx_int_t ngx_http_glance_s3_run(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_step_pt step);
ngx_int_t ngx_http_glance_s3_wait(ngx_http_glance_s3_t *s3);
void ngx_http_glance_s3_end(ngx_http_glance_s3_t *s3, ngx_int_t rc);
void ngx_http_glance_s3_failed(ngx_http_glance_s3_t *s3);

/* removes what the upload with s3->claim has left as s3->key */
void ngx_http_glance_s3_clean(ngx_http_glance_s3_t *s3);
ngx_uint_t ngx_http_glance_s3_claimed(ngx_http_glance_s3_t *s3);

/* NGX_OK: s3->part takes bytes, or has a buffer for them */
ngx_int_t ngx_http_glance_s3_part(ngx_http_glance_s3_t *s3);
ngx_int_t ngx_http_glance_s3_room(ngx_http_glance_s3_t *s3);

/* NGX_AGAIN: s3->part is given bytes; launch: NGX_OK: what its buffer has */
ngx_int_t ngx_http_glance_s3_push(ngx_http_glance_s3_t *s3, u_char *p,
    size_t len);
ngx_int_t ngx_http_glance_s3_launch(ngx_http_glance_s3_t *s3);

/* parts that wait to be sent once more do so no longer */
void ngx_http_glance_s3_halt(ngx_http_glance_s3_t *s3);
void ngx_http_glance_s3_part_init(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t *part);

/* the writing half of the store */
ngx_int_t ngx_http_glance_s3_begin(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h,
    ngx_http_glance_claim_t *claim);
ngx_int_t ngx_http_glance_s3_write(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, u_char *data,
    size_t len);
ngx_int_t ngx_http_glance_s3_commit(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
ngx_int_t ngx_http_glance_s3_forget(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
ngx_int_t ngx_http_glance_s3_abort(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h);
void ngx_http_glance_s3_keep(ngx_http_glance_handle_t *h);


#endif /* _NGX_HTTP_GLANCE_STORE_S3_H_INCLUDED_ */
