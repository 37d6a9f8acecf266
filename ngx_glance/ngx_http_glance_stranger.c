
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_remote.h"

#include "glance_addr.h"


/*
 * Servers that are not ours: clients have named them, so nothing of ours goes
 * there, and the address connected to must be one that everybody could read
 * from, or be allowed.
 */

static ngx_int_t ngx_http_glance_stranger_address(
    ngx_http_glance_transfer_t *t, struct sockaddr *sa, socklen_t len);


ngx_int_t
ngx_http_glance_remote_stranger(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(m->request, ngx_http_glance_module);

    m->transfer->address = ngx_http_glance_stranger_address;

    return ngx_http_glance_curl_tls(m->transfer, glcf->http.cafile, 0);
}


/* whatever DNS says, and however often: this is what is connected to */

static ngx_int_t
ngx_http_glance_stranger_address(ngx_http_glance_transfer_t *t,
    struct sockaddr *sa, socklen_t len)
{
    ngx_http_glance_remote_t *m = t->data;

    ngx_uint_t                   i;
    glance_cidr_t               *allowed;
    unsigned char                addr[GLANCE_ADDR_LEN];
    ngx_http_glance_loc_conf_t  *glcf;

    if (!glance_addr_read(sa, addr)) {
        return NGX_DECLINED;
    }

    if (glance_addr_public(addr)) {
        return NGX_OK;
    }

    glcf = ngx_http_get_module_loc_conf(m->request, ngx_http_glance_module);

    if (glcf->http.allowed) {
        allowed = glcf->http.allowed->elts;

        for (i = 0; i < glcf->http.allowed->nelts; i++) {
            if (glance_cidr_match(&allowed[i], addr)) {
                return NGX_OK;
            }
        }
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_glance_remote_denied(ngx_http_glance_remote_t *m)
{
    return m->transfer && m->transfer->done
           && m->transfer->failure == NGX_HTTP_GLANCE_TRANSFER_DENIED;
}


ngx_int_t
ngx_http_glance_remote_probed(ngx_http_glance_remote_t *m,
    ngx_http_glance_handle_t *h)
{
    ngx_str_t   *value;
    ngx_uint_t   denied, status;

    status = m->status;

    if (status == NGX_HTTP_OK) {
        value = ngx_http_glance_remote_answer(m, "content-length");
        h->size = value ? ngx_atoof(value->data, value->len) : -1;

        return NGX_OK;
    }

    denied = ngx_http_glance_remote_denied(m);

    (void) ngx_http_glance_remote_failed(m, h);

    if (denied) {
        h->error = "leads to an address that is not allowed";
        return NGX_HTTP_BAD_REQUEST;
    }

    switch (status) {

    case NGX_HTTP_NOT_FOUND:
    case NGX_HTTP_GLANCE_GONE:
        h->error = "leads to nothing";
        return NGX_HTTP_NOT_FOUND;

    case NGX_HTTP_UNAUTHORIZED:
    case NGX_HTTP_FORBIDDEN:
        h->error = "is refused by its server";
        return NGX_HTTP_BAD_REQUEST;
    }

    h->error = (status / 100 == 3)
               ? "leads to a redirect that cannot be followed"
               : "cannot be read";

    return NGX_HTTP_BAD_REQUEST;
}
