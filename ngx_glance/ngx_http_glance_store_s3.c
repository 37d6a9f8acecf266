
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_s3.h"

#include "glance_xml.h"


#define NGX_HTTP_GLANCE_S3_RESUMES  3       /* of a download */
#define NGX_HTTP_GLANCE_S3_PASSES   1000    /* of a removal */


static ngx_int_t ngx_http_glance_s3_enabled(
    ngx_http_glance_loc_conf_t *glcf);
static ngx_http_glance_s3_t *ngx_http_glance_s3_locate(
    ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri, ngx_int_t *rc);
static ngx_int_t ngx_http_glance_s3_open(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri,
    off_t size);
static void ngx_http_glance_s3_fetch(ngx_http_glance_reader_t *rd);
static ngx_int_t ngx_http_glance_s3_probe(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri);
static void ngx_http_glance_s3_probed(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_remove(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h, ngx_str_t *uri);
static void ngx_http_glance_s3_removed(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_found(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_deleted(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_uploads(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_listed(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_upload(ngx_http_glance_s3_t *s3,
    ngx_str_t *id);
static ngx_uint_t ngx_http_glance_s3_text(glance_str_t xml, const char *name,
    u_char *dst, ngx_str_t *text);
static void ngx_http_glance_s3_stop(ngx_http_glance_s3_t *s3, ngx_str_t *id);
static void ngx_http_glance_s3_stopped(ngx_http_glance_s3_t *s3);


ngx_http_glance_store_t  ngx_http_glance_store_s3 = {
    ngx_string("s3"),
    GLANCE_SCHEME_S3,
    "glance_s3_credentials",

    ngx_http_glance_s3_enabled,

    ngx_http_glance_s3_open,
    ngx_http_glance_reader_send,
    ngx_http_glance_s3_begin,
    ngx_http_glance_s3_write,
    ngx_http_glance_s3_commit,
    ngx_http_glance_s3_forget,
    ngx_http_glance_s3_abort,
    ngx_http_glance_s3_keep,
    ngx_http_glance_s3_remove,
    ngx_http_glance_s3_probe
};


static ngx_int_t
ngx_http_glance_s3_enabled(ngx_http_glance_loc_conf_t *glcf)
{
    return glcf->s3.account != NULL;
}


static ngx_http_glance_s3_t *
ngx_http_glance_s3_locate(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri, ngx_int_t *rc)
{
    ngx_http_glance_s3_t  *s3;

    s3 = ngx_http_glance_s3_create(r, ctx, h);

    *rc = (s3 == NULL) ? NGX_ERROR : ngx_http_glance_s3_parse(s3, uri);

    if (*rc == NGX_OK) {
        return s3;
    }

    if (*rc == NGX_DECLINED) {
        h->error = "The location of the image data is malformed";
        *rc = NGX_HTTP_NOT_FOUND;
        return NULL;
    }

    h->error = "Out of memory";
    *rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    return NULL;
}


static ngx_int_t
ngx_http_glance_s3_open(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri, off_t size)
{
    ngx_int_t              rc;
    ngx_http_glance_s3_t  *s3;

    s3 = ngx_http_glance_s3_locate(r, ctx, h, uri, &rc);

    if (s3 == NULL) {
        return rc;
    }

    return ngx_http_glance_reader_open(s3->remote, h, size,
                                       NGX_HTTP_GLANCE_S3_RESUMES,
                                       ngx_http_glance_s3_fetch);
}


/* signed anew for each try: a signature is good for minutes */

static void
ngx_http_glance_s3_fetch(ngx_http_glance_reader_t *rd)
{
    ngx_http_glance_s3_t  *s3;

    s3 = rd->handle->data;

    ngx_http_glance_s3_ask(s3, "GET", NULL);

    if (ngx_http_glance_s3_prepare(s3, s3->remote, &s3->ask) != NGX_OK
        || ngx_http_glance_reader_get(rd, ngx_http_glance_reader_answer)
           != NGX_OK)
    {
        ngx_http_glance_s3_broken(s3);
    }
}


static ngx_int_t
ngx_http_glance_s3_probe(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri)
{
    ngx_int_t              rc;
    ngx_http_glance_s3_t  *s3;

    h->named = 1;

    s3 = ngx_http_glance_s3_locate(r, ctx, h, uri, &rc);

    if (s3 == NULL) {

        if (rc == NGX_HTTP_NOT_FOUND) {
            h->error = "must be s3+https://ACCESS:SECRET@HOST/BUCKET/KEY";
            rc = NGX_HTTP_BAD_REQUEST;
        }

        return rc;
    }

    ngx_http_glance_s3_ask(s3, "HEAD", NULL);
    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_probed);

    return ngx_http_glance_s3_run(s3, ngx_http_glance_s3_wait);
}


static void
ngx_http_glance_s3_probed(ngx_http_glance_s3_t *s3)
{
    ngx_http_glance_s3_end(s3, ngx_http_glance_remote_probed(s3->remote,
                                                           s3->handle));
}


/* DELETE says nothing of whether there was something */

static ngx_int_t
ngx_http_glance_s3_remove(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_str_t *uri)
{
    ngx_int_t              rc;
    ngx_http_glance_s3_t  *s3;

    s3 = ngx_http_glance_s3_locate(r, ctx, h, uri, &rc);

    if (s3 == NULL) {
        return rc;
    }

    s3->claim = h->claim;

    if (s3->claim.len) {
        ngx_http_glance_s3_clean(s3);

    } else {
        ngx_http_glance_s3_ask(s3, "DELETE", NULL);
        ngx_http_glance_s3_call(s3, ngx_http_glance_s3_removed);
    }

    return ngx_http_glance_s3_run(s3, ngx_http_glance_s3_wait);
}


static void
ngx_http_glance_s3_removed(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status / 100 != 2 && status != NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_s3_failed(s3);
        return;
    }

    ngx_http_glance_s3_end(s3, NGX_OK);
}


/* an object that another upload has made is none of our business */

void
ngx_http_glance_s3_clean(ngx_http_glance_s3_t *s3)
{
    s3->passes = 0;

    ngx_http_glance_s3_ask(s3, "HEAD", NULL);
    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_found);
}


static void
ngx_http_glance_s3_found(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status / 100 != 2 && status != NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_s3_failed(s3);
        return;
    }

    if (status == NGX_HTTP_NOT_FOUND || !ngx_http_glance_s3_claimed(s3)) {
        ngx_http_glance_s3_uploads(s3);
        return;
    }

    if (s3->handle->recorded) {

        /* the upload came to its end: nothing is left over */

        ngx_http_glance_s3_end(s3, NGX_OK);
        return;
    }

    ngx_http_glance_s3_ask(s3, "DELETE", NULL);
    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_deleted);
}


ngx_uint_t
ngx_http_glance_s3_claimed(ngx_http_glance_s3_t *s3)
{
    ngx_str_t  *claim;

    claim = ngx_http_glance_remote_answer(s3->remote,
                                          NGX_HTTP_GLANCE_S3_CLAIM);

    return claim && claim->len == s3->claim.len
           && ngx_strncmp(claim->data, s3->claim.data, claim->len) == 0;
}


static void
ngx_http_glance_s3_deleted(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status / 100 != 2 && status != NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_s3_failed(s3);
        return;
    }

    ngx_http_glance_s3_uploads(s3);
}


/* parts without an object: until the listing shows none */

static void
ngx_http_glance_s3_uploads(ngx_http_glance_s3_t *s3)
{
    size_t       len;
    const char  *query;

    len = s3->claim.len;

    if (s3->key.len <= len
        || ngx_strncmp(s3->key.data + s3->key.len - len, s3->claim.data, len)
           != 0)
    {
        ngx_http_glance_s3_end(s3, NGX_OK);
        return;
    }

    query = ngx_http_glance_s3_query(s3, "prefix=", &s3->key, "&uploads=");

    if (query == NULL) {
        ngx_http_glance_s3_broken(s3);
        return;
    }

    ngx_http_glance_s3_ask_bucket(s3, "GET", query);
    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_listed);
}


static void
ngx_http_glance_s3_listed(ngx_http_glance_s3_t *s3)
{
    ngx_int_t   rc;
    ngx_str_t   id;
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status == NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_s3_end(s3, NGX_OK);
        return;
    }

    if (status / 100 != 2) {
        ngx_http_glance_s3_failed(s3);
        return;
    }

    rc = ngx_http_glance_s3_upload(s3, &id);

    if (rc == NGX_DECLINED) {
        ngx_http_glance_s3_end(s3, NGX_OK);
        return;
    }

    if (rc == NGX_ERROR || ++s3->passes == NGX_HTTP_GLANCE_S3_PASSES) {
        s3->remote->status = 0;
        ngx_http_glance_s3_failed(s3);
        return;
    }

    ngx_http_glance_s3_stop(s3, &id);
}


/* the first upload of our key; NGX_DECLINED: there is none */

static ngx_int_t
ngx_http_glance_s3_upload(ngx_http_glance_s3_t *s3, ngx_str_t *id)
{
    u_char                    *p;
    ngx_str_t                  key;
    glance_str_t               inner, xml;
    ngx_http_glance_remote_t  *m;

    m = s3->remote;

    xml.data = m->body.data;
    xml.len = m->body.len;

    if (!glance_str_eq(glance_xml_root(xml),
                       glance_str("ListMultipartUploadsResult")))
    {
        return NGX_ERROR;
    }

    while (glance_xml_element(&xml, "Upload", &inner)) {

        p = ngx_pnalloc(m->transfer->pool, 2 * inner.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (!ngx_http_glance_s3_text(inner, "Key", p, &key)
            || !ngx_http_glance_s3_text(inner, "UploadId", p + inner.len, id))
        {
            return NGX_ERROR;
        }

        if (id->len && key.len == s3->key.len
            && ngx_strncmp(key.data, s3->key.data, key.len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_http_glance_s3_text(glance_str_t xml, const char *name, u_char *dst,
    ngx_str_t *text)
{
    glance_str_t  inner;

    text->data = dst;

    return glance_xml_element(&xml, name, &inner)
           && glance_xml_unescape(inner, dst, &text->len);
}


static void
ngx_http_glance_s3_stop(ngx_http_glance_s3_t *s3, ngx_str_t *id)
{
    const char  *query;

    query = ngx_http_glance_s3_query(s3, "uploadId=", id, "");

    if (query == NULL) {
        ngx_http_glance_s3_broken(s3);
        return;
    }

    ngx_http_glance_s3_ask(s3, "DELETE", query);
    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_stopped);
}


static void
ngx_http_glance_s3_stopped(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status / 100 != 2 && status != NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_s3_failed(s3);
        return;
    }

    ngx_http_glance_s3_uploads(s3);
}
