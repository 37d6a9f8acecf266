
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"

#include <openssl/crypto.h>


#define NGX_HTTP_GLANCE_SECRET_MAX  (64 * 1024)


ngx_int_t
ngx_http_glance_read_secret(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_str_t *name, ngx_str_t *text)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    text->data = ngx_pnalloc(cf->temp_pool, NGX_HTTP_GLANCE_SECRET_MAX);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%V\": " ngx_open_file_n " \"%V\" failed",
                           directive, name);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;
    n = -1;

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR && !(fi.st_mode & 077)) {
        n = ngx_read_fd(fd, text->data, NGX_HTTP_GLANCE_SECRET_MAX);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": \"%V\" must be a file that only its owner "
                           "can read", directive, name);
        goto done;
    }

    if (n < 1 || n == NGX_HTTP_GLANCE_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, (n == -1) ? ngx_errno : 0,
                           "\"%V\": \"%V\" is empty, too long or cannot be "
                           "read", directive, name);
        goto done;
    }

    text->len = n;
    rc = NGX_OK;

done:

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


ngx_uint_t
ngx_http_glance_same_secret(ngx_str_t *one, ngx_str_t *other)
{
    return one->len == other->len
           && CRYPTO_memcmp(one->data, other->data, one->len) == 0;
}
