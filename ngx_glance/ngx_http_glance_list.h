
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_LIST_H_INCLUDED_
#define _NGX_HTTP_GLANCE_LIST_H_INCLUDED_


#include "ngx_http_glance_module.h"


/* sends all images that the caller may list, page by page */
void ngx_http_glance_list(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t detail);


#endif /* _NGX_HTTP_GLANCE_LIST_H_INCLUDED_ */
