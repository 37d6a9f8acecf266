
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_DIALECT_H_INCLUDED_
#define _NGX_HTTP_GLANCE_DIALECT_H_INCLUDED_


#include "ngx_http_glance_route.h"


/*
 * What the header dialects have in common is in show.c, post.c, put.c,
 * delete.c and list.c; what they differ in is here.  Functions that return a
 * number have sent a fault when it is zero.
 */

struct ngx_http_glance_dialect_s {
    ngx_str_t                   path;       /* of the collection */

    /* the request's headers, for POST (create) and PUT */
    ngx_uint_t                (*check)(ngx_http_request_t *r,
                                    ngx_http_glance_ctx_t *ctx,
                                    ngx_uint_t create);

    /* more fields for the record than the headers name */
    ngx_int_t                 (*fields)(ngx_http_request_t *r,
                                    ngx_http_glance_ctx_t *ctx,
                                    json_t *image);

    /* PUT: may ctx->image be changed so? */
    ngx_uint_t                (*change)(ngx_http_request_t *r,
                                    ngx_http_glance_ctx_t *ctx);

    /* the status of a successful POST */
    ngx_uint_t                (*created)(ngx_http_glance_loc_conf_t *glcf);

    /* an image for the client; new reference */
    json_t                   *(*json)(ngx_http_request_t *r,
                                    ngx_http_glance_image_t *image,
                                    ngx_str_t *base, ngx_uint_t detail);

    /* adds the x-image-meta-* headers of ctx->image */
    ngx_int_t                 (*headers)(ngx_http_request_t *r,
                                    ngx_http_glance_ctx_t *ctx);

    unsigned                    multipart:1;    /* is a body too */
    unsigned                    put_headers:1;  /* PUT answers with them */
    unsigned                    head_empty:1;   /* HEAD has length 0 */
    unsigned                    purge:1;        /* PUT replaces properties */
    unsigned                    conditions:1;   /* and ranges, ETag quoted */
    unsigned                    deleted:1;      /* shown to administrators */
    unsigned                    nulls:1;        /* empty: the field is unset */
    unsigned                    zero:1;         /* size 0 needs no data */
    unsigned                    copies:1;       /* of data elsewhere */
    unsigned                    v2:1;           /* faults, roles, 204 */
    unsigned                    kills:1;        /* data of a wrong type do */

    const char                 *failed;         /* status after an upload */
    const char                 *size;           /* header that announces it */
    ngx_uint_t                  gone;           /* deleted meanwhile: status */
    ngx_uint_t                  large;          /* data, by their length */
    ngx_uint_t                  closed;         /* a store takes no data */
};


extern const ngx_http_glance_dialect_t  ngx_http_glance_dialect_seed;
extern const ngx_http_glance_dialect_t  ngx_http_glance_dialect_v1;
extern const ngx_http_glance_dialect_t  ngx_http_glance_dialect_v2;


/*
 * The record out of the registry's answer; zero: a fault was sent.  Deleted
 * images are not found, unless "deleted" is set and the caller may see them.
 */
ngx_uint_t ngx_http_glance_show_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t deleted);

/*
 * The body is application/octet-stream by its type; its length, if known, is
 * the expected one (-1: any) and within the limit, or a fault was sent.
 */
ngx_uint_t ngx_http_glance_data_type(ngx_http_request_t *r);
ngx_uint_t ngx_http_glance_data_length(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, off_t expected);

/*
 * x-image-meta-location, and x-glance-api-copy-from.  check(): words that
 * follow the name of the header, or NULL.
 */
const char *ngx_http_glance_location_check(ngx_http_request_t *r,
    ngx_str_t *url, ngx_uint_t copy);
void ngx_http_glance_location(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_step_pt next);

/*
 * What POST and PUT share.  request(): the headers, into ctx->meta, and all
 * that can be checked without a record; zero: a fault was sent.  typed(): no
 * data, or such that are called data; untyped() says that they are not.
 * fields(): those of the record that the request names; a new reference, or
 * NULL.  body(): of the change that is sent to the registry; image is stolen.
 * upload(): of the data, into an image that is claimed.
 */
ngx_uint_t ngx_http_glance_write_request(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t create);
ngx_uint_t ngx_http_glance_write_typed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_write_untyped(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
json_t *ngx_http_glance_write_fields(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
json_t *ngx_http_glance_write_body(ngx_http_glance_ctx_t *ctx,
    json_t *image);
void ngx_http_glance_write_upload(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_step_pt next);

/* answers with ctx->image as JSON of the dialect */
void ngx_http_glance_send_image(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status);

/* whether the request says where the image's data come from */
ngx_uint_t ngx_http_glance_has_source(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* what v1 shows of an image, as the registry is asked for it */
ngx_int_t ngx_http_glance_v1_shown_fields(ngx_http_request_t *r,
    ngx_uint_t detail, ngx_str_t *fields);

void ngx_http_glance_v2_nothing(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* headers */
ngx_int_t ngx_http_glance_header_meta(ngx_http_request_t *r,
    const char *word, ngx_str_t *value);
ngx_int_t ngx_http_glance_header_property(ngx_http_request_t *r,
    const char *key, ngx_str_t *value);

ngx_int_t ngx_http_glance_image_uri(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *base, ngx_str_t *uri);


#endif /* _NGX_HTTP_GLANCE_DIALECT_H_INCLUDED_ */
