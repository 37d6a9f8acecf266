
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_STORE_HTTP_H_INCLUDED_
#define _NGX_HTTP_GLANCE_STORE_HTTP_H_INCLUDED_


#include "ngx_http_glance_reader.h"


void ngx_http_glance_http_create_conf(ngx_http_glance_http_conf_t *conf);
char *ngx_http_glance_http_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_http_conf_t *prev, ngx_http_glance_http_conf_t *conf);

/* the directive glance_http_allow */
char *ngx_http_glance_http_allow(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_GLANCE_STORE_HTTP_H_INCLUDED_ */
