
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_ROUTE_H_INCLUDED_
#define _NGX_HTTP_GLANCE_ROUTE_H_INCLUDED_


#include "ngx_http_glance_module.h"


typedef struct ngx_http_glance_route_s    ngx_http_glance_route_t;
typedef struct ngx_http_glance_dialect_s  ngx_http_glance_dialect_t;

struct ngx_http_glance_route_s {
    ngx_uint_t                        method;   /* 0: any */
    ngx_str_t                         path;     /* "{..}" is one segment */
    ngx_http_glance_step_pt           handler;
    const ngx_http_glance_dialect_t  *dialect;  /* NULL: needs no identity */
    ngx_uint_t                        bodies;   /* v2: methods with a body */
};


/* versions */
void ngx_http_glance_versions(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_versions_choice(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
ngx_int_t ngx_http_glance_versions_path(ngx_http_request_t *r,
    ngx_str_t *path);
void ngx_http_glance_versions_slash(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

void ngx_http_glance_health(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* what the registry answers */
void ngx_http_glance_pass(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx);

/* the same where locations can be added to an image */
void ngx_http_glance_sources(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* the data of an image in API v2 */
void ngx_http_glance_v2_upload(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_v2_download(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_v2_delete(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* the seed dialect, specs/v1.md part 1 */
void ngx_http_glance_seed_index(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_seed_detail(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* the lists of v1, specs/v1.md 2.5 */
void ngx_http_glance_v1_index(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_v1_detail(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* one image in v1: the same as below, but for openstacksdk */
void ngx_http_glance_v1_get(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_v1_post(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_v1_put(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx);

/* members, specs/v1.md 2.12 */
void ngx_http_glance_members_index(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_members_replace(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_member_save(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_member_delete(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_shared_images(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* one image, in either header dialect */
void ngx_http_glance_head(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_get(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_post(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_put(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_delete(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


#endif /* _NGX_HTTP_GLANCE_ROUTE_H_INCLUDED_ */
