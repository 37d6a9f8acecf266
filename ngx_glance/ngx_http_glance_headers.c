
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"


/*
 * An x-image-meta-* header of the answer; word and value live as long as the
 * request.  A value that does not fit into a header is left out, as it could
 * only be shown wrong.
 */

ngx_int_t
ngx_http_glance_header_meta(ngx_http_request_t *r, const char *word,
    ngx_str_t *value)
{
    u_char        *p;
    glance_str_t   text;

    text.data = value->data;
    text.len = value->len;

    if (!glance_meta_value_safe(text)) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, sizeof("x-image-meta-") + ngx_strlen(word));
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(p, "x-image-meta-%s%Z", word);

    return ngx_http_glance_add_header(r, (const char *) p, value);
}


/*
 * What v2 clients and other services stored may have names that no header
 * can have: such properties are left out, too.
 */

ngx_int_t
ngx_http_glance_header_property(ngx_http_request_t *r, const char *key,
    ngx_str_t *value)
{
    u_char        *p;
    size_t         len;
    glance_str_t   text;

    text.data = (const u_char *) key;
    text.len = ngx_strlen(key);

    if (!glance_meta_key_safe(text)) {
        return NGX_OK;
    }

    len = sizeof("property-") + text.len;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(p, "property-%s%Z", key);
    ngx_strlow(p, p, len - 1);

    return ngx_http_glance_header_meta(r, (const char *) p, value);
}


ngx_str_t *
ngx_http_glance_header_find(ngx_http_request_t *r, const char *name)
{
    return ngx_http_glance_header_in(&r->headers_in.headers.part, name);
}


ngx_str_t *
ngx_http_glance_header_in(ngx_list_part_t *part, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    for ( /* void */ ; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == len
                && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
            {
                return &h[i].value;
            }
        }
    }

    return NULL;
}
