
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_upload.h"

#include "glance_inspect.h"


/*
 * What the data of an image are, against its disk_format; and whether one who
 * opens them would be led to other files.  The looking is done beside the
 * digests, in a thread; the verdict falls when all bytes are there, before
 * anything of them can be seen.
 */

struct ngx_http_glance_inspect_s {
    glance_inspect_t          stream;
    glance_inspect_rules_t    rules;
};


/* only what is stored as it is: archives and the like are not looked into */

ngx_int_t
ngx_http_glance_inspect_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_inspect_t   *inspect;
    ngx_http_glance_loc_conf_t  *glcf;

    if (!ctx->v2
        || ctx->image.container_format.len != 4
        || ngx_strncmp(ctx->image.container_format.data, "bare", 4) != 0)
    {
        return NGX_OK;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    inspect = ngx_palloc(r->pool, sizeof(ngx_http_glance_inspect_t));
    if (inspect == NULL) {
        return NGX_ERROR;
    }

    glance_inspect_init(&inspect->stream);

    inspect->rules.lenient = !glcf->require_format_match;
    inspect->rules.mbr_nonfatal = (glcf->gpt_nonfatal
                                   & NGX_HTTP_GLANCE_GPT_MBR) != 0;

    ctx->upload->inspect = inspect;

    return NGX_OK;
}


void
ngx_http_glance_inspect_feed(ngx_http_glance_inspect_t *inspect, u_char *data,
    size_t len)
{
    glance_inspect_feed(&inspect->stream, data, len);
}


/* zero: the upload has failed */

ngx_uint_t
ngx_http_glance_inspect_accept(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    u_char                     text[GLANCE_INSPECT_TEXT];
    glance_buf_t               b;
    glance_str_t               declared;
    glance_inspect_result_t    result;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (u->inspect == NULL) {
        return 1;
    }

    declared.data = ctx->image.disk_format.data;
    declared.len = ctx->image.disk_format.len;

    glance_buf_init(&b, text, sizeof(text));

    glance_inspect_judge(&u->inspect->stream, &u->inspect->rules, declared,
                         &result, &b);

    switch (result.verdict) {

    case GLANCE_INSPECT_REFUSED:
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                    "%*s", (size_t) (b.last - b.start),
                                    b.start);
        return 0;

    case GLANCE_INSPECT_WARNED:
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "image \"%V\" is taken all the same: %*s",
                      &ctx->image.id, (size_t) (b.last - b.start), b.start);
        break;

    default: /* GLANCE_INSPECT_ACCEPTED */
        break;
    }

    u->virtual_size = (off_t) result.virtual_size;

    return 1;
}
