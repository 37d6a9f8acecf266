
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_SEED_H_INCLUDED_
#define _NGX_HTTP_GLANCE_SEED_H_INCLUDED_


#include "ngx_http_glance_module.h"


/* {"id", "uri", "name", "type", "size"}, and the rest with detail; new */
json_t *ngx_http_glance_seed_json(ngx_http_request_t *r,
    ngx_http_glance_image_t *image, ngx_str_t *base, ngx_uint_t detail);

/* adds the x-image-meta-* headers of ctx->image to the response */
ngx_int_t ngx_http_glance_seed_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* the record out of the registry's answer; zero: a fault was sent */
ngx_uint_t ngx_http_glance_seed_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* {base}/images/{id} */
ngx_int_t ngx_http_glance_seed_uri(ngx_http_request_t *r, ngx_str_t *base,
    ngx_str_t *id, ngx_str_t *uri);

/* sends the lists, page by page */
void ngx_http_glance_list(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t detail);


#endif /* _NGX_HTTP_GLANCE_SEED_H_INCLUDED_ */
