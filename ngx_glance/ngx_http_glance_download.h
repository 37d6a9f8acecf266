
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_DOWNLOAD_H_INCLUDED_
#define _NGX_HTTP_GLANCE_DOWNLOAD_H_INCLUDED_


#include "ngx_http_glance_module.h"


void ngx_http_glance_download(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


#endif /* _NGX_HTTP_GLANCE_DOWNLOAD_H_INCLUDED_ */
