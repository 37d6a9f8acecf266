
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"

#include "glance_forwarded.h"


static void ngx_http_glance_endpoint_own(ngx_http_request_t *r,
    glance_forwarded_t *f);
static void ngx_http_glance_endpoint_forwarded(ngx_http_request_t *r,
    glance_forwarded_t *f);


/* scheme, host and the prefix of the location, as the client knows them */

ngx_int_t
ngx_http_glance_base_uri(ngx_http_request_t *r, ngx_str_t *uri)
{
    size_t                       len;
    glance_buf_t                 b;
    glance_str_t                 prefix;
    glance_forwarded_t           f;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (glcf->public_endpoint.len) {
        *uri = glcf->public_endpoint;

        while (uri->len && uri->data[uri->len - 1] == '/') {
            uri->len--;
        }

        return NGX_OK;
    }

    ngx_memzero(&f, sizeof(glance_forwarded_t));

    ngx_http_glance_endpoint_own(r, &f);

    if (glcf->proxy_headers) {
        ngx_http_glance_endpoint_forwarded(r, &f);
    }

    if (glance_forwarded_has_port(f.host)
        || glance_forwarded_default_port(f.proto, f.port))
    {
        f.port.len = 0;
    }

    prefix.data = glcf->prefix.data;
    prefix.len = glcf->prefix.len;

    len = f.proto.len + sizeof("://:") + f.host.len + f.port.len
          + f.prefix.len + prefix.len;

    uri->data = ngx_pnalloc(r->pool, len);
    if (uri->data == NULL) {
        return NGX_ERROR;
    }

    glance_buf_init(&b, uri->data, len);

    glance_buf_put(&b, f.proto);
    glance_buf_text(&b, "://");
    glance_buf_put(&b, f.host);

    if (f.port.len) {
        glance_buf_text(&b, ":");
        glance_buf_put(&b, f.port);
    }

    glance_buf_put(&b, f.prefix);
    glance_buf_put(&b, prefix);

    uri->len = b.last - b.start;

    return NGX_OK;
}


static void
ngx_http_glance_endpoint_own(ngx_http_request_t *r, glance_forwarded_t *f)
{
    ngx_str_t                 *host;
    ngx_http_core_srv_conf_t  *cscf;

    f->proto = glance_str("http");

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        f->proto = glance_str("https");
    }
#endif

    if (r->headers_in.host) {
        host = &r->headers_in.host->value;

    } else {
        cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
        host = &cscf->server_name;
    }

    f->host.data = host->data;
    f->host.len = host->len;

    if (f->host.len == 0) {
        f->host = glance_str("localhost");
    }
}


/* RFC 7239 if the front end speaks it, else what was in use before */

static void
ngx_http_glance_endpoint_forwarded(ngx_http_request_t *r,
    glance_forwarded_t *f)
{
    ngx_str_t     *value;
    ngx_uint_t     i;
    glance_str_t   text;

    static const struct {
        const char  *header;
        const char  *name;
    }  names[] = {
        { "x-forwarded-proto", "proto" },
        { "x-forwarded-host", "host" },
        { "x-forwarded-port", "port" },
        { "x-forwarded-prefix", "prefix" }
    };

    value = ngx_http_glance_header_find(r, "forwarded");

    if (value) {
        text.data = value->data;
        text.len = value->len;

        glance_forwarded_parse(text, f);
        return;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        value = ngx_http_glance_header_find(r, names[i].header);

        if (value) {
            text.data = value->data;
            text.len = value->len;

            glance_forwarded_add(f, glance_str(names[i].name), text);
        }
    }
}
