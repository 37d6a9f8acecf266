
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_route.h"


static void ngx_http_glance_health_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/*
 * For load balancers: a node is of use if it reaches a registry that reaches
 * its database.
 */

void
ngx_http_glance_health(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_path(r, ctx, "GET", NULL, NULL,
                                  ngx_http_glance_health_answer,
                                  "/healthcheck");
}


static void
ngx_http_glance_health_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  body;

    /* other registries may not know the question, but they answer */

    if (ctx->call.status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_http_glance_fault_call(r, ctx);
        return;
    }

    ngx_str_set(&body, "OK");

    ngx_http_glance_send(r, ctx, NGX_HTTP_OK, "text/plain; charset=UTF-8",
                         &body);
}
