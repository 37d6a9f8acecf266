
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


static ngx_int_t ngx_http_glance_variable_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_glance_variable_image_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_glance_vars[] = {

    { ngx_string("glance_image_id"), NULL,
      ngx_http_glance_variable_image_id, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("glance_request_id"), NULL,
      ngx_http_glance_variable_request_id, 0, 0, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_glance_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_glance_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_variable_request_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_glance_create_ctx(r->main);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    v->len = ctx->request_id.len;
    v->data = ctx->request_id.data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_variable_image_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_glance_get_ctx(r->main);

    if (ctx == NULL || ctx->image_id.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = ctx->image_id.len;
    v->data = ctx->image_id.data;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}
