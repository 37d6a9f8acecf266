
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_route.h"


static void ngx_http_glance_health_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status, char *text);
static void ngx_http_glance_health_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/*
 * For load balancers: a node is of use if it reaches a registry that reaches
 * its database, and unless its operator has taken it out.
 */

void
ngx_http_glance_health(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_file_info_t              fi;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (glcf->health_disable_file.len
        && ngx_file_info(glcf->health_disable_file.data, &fi)
           != NGX_FILE_ERROR)
    {
        ngx_http_glance_health_send(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "DISABLED BY FILE");
        return;
    }

    ngx_http_glance_registry_path(r, ctx, "GET", NULL, NULL,
                                  ngx_http_glance_health_answer,
                                  "/healthcheck");
}


static void
ngx_http_glance_health_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    /* other registries may not know the question, but they answer */

    if (ctx->call.status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_http_glance_fault_call(r, ctx);
        return;
    }

    ngx_http_glance_health_send(r, ctx, NGX_HTTP_OK, "OK");
}


static void
ngx_http_glance_health_send(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status, char *text)
{
    ngx_str_t  body;

    body.data = (u_char *) text;
    body.len = ngx_strlen(text);

    ngx_http_glance_send(r, ctx, status, "text/plain; charset=UTF-8", &body);
}
