
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_s3.h"


static ngx_int_t ngx_http_glance_s3_finish(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_rest(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_empty(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_emptied(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_complete(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_list(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_completed(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_measured(ngx_http_glance_s3_t *s3);
static ngx_uint_t ngx_http_glance_s3_expected(ngx_http_glance_s3_t *s3,
    ngx_str_t *etag);
static ngx_int_t ngx_http_glance_s3_binary(ngx_str_t *hex, u_char dst[16]);
static ngx_int_t ngx_http_glance_s3_wrong(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_undo(ngx_http_glance_s3_t *s3);


ngx_int_t
ngx_http_glance_s3_commit(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    return ngx_http_glance_s3_run(h->data, ngx_http_glance_s3_finish);
}


static ngx_int_t
ngx_http_glance_s3_finish(ngx_http_glance_s3_t *s3)
{
    ngx_int_t   rc;
    ngx_str_t  *md5;

    if (s3->rc != NGX_OK) {
        return s3->rc;
    }

    if (s3->sending) {
        return NGX_AGAIN;
    }

    rc = ngx_http_glance_s3_rest(s3);

    if (rc != NGX_OK) {
        return rc;
    }

    if (s3->busy) {
        return NGX_AGAIN;
    }

    if (s3->finished) {
        return NGX_OK;
    }

    if (s3->large) {
        ngx_http_glance_s3_complete(s3);
        return NGX_AGAIN;
    }

    if (s3->etag.len == 0) {
        ngx_http_glance_s3_empty(s3);
        return NGX_AGAIN;
    }

    /* what S3 has hashed is what we have */

    md5 = &s3->handle->checksum;

    if (!s3->opaque
        && (s3->etag.len != md5->len
            || ngx_strncasecmp(s3->etag.data, md5->data, md5->len) != 0))
    {
        return ngx_http_glance_s3_wrong(s3);
    }

    return NGX_OK;
}


/* bytes that waited until now */

static ngx_int_t
ngx_http_glance_s3_rest(ngx_http_glance_s3_t *s3)
{
    if (s3->has_tail) {
        s3->has_tail = 0;
        s3->made = 1;

        return ngx_http_glance_s3_push(s3, &s3->tail, 1);
    }

    if (s3->fill == 0) {
        return NGX_OK;
    }

    s3->made = !s3->large;

    return ngx_http_glance_s3_launch(s3);
}


/* not a single byte */

static void
ngx_http_glance_s3_empty(ngx_http_glance_s3_t *s3)
{
    ngx_str_t  type;

    ngx_str_set(&type, "application/octet-stream");

    s3->sending = 1;
    s3->made = 1;

    ngx_http_glance_s3_ask(s3, "PUT", NULL);
    ngx_http_glance_s3_say(&s3->ask, "content-type", &type);
    ngx_http_glance_s3_say(&s3->ask, NGX_HTTP_GLANCE_S3_CLAIM, &s3->claim);
    s3->has_body = 1;
    ngx_str_null(&s3->body);

    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_emptied);
}


static void
ngx_http_glance_s3_emptied(ngx_http_glance_s3_t *s3)
{
    s3->sending = 0;
    s3->finished = 1;

    if (s3->remote->status != NGX_HTTP_OK) {
        s3->rc = ngx_http_glance_s3_status(s3, s3->remote);
    }

    ngx_http_glance_s3_go(s3);
}


static void
ngx_http_glance_s3_complete(ngx_http_glance_s3_t *s3)
{
    ngx_str_t    type;
    const char  *query;

    query = ngx_http_glance_s3_query(s3, "uploadId=", &s3->upload, "");

    if (query == NULL || ngx_http_glance_s3_list(s3) != NGX_OK) {
        ngx_http_glance_s3_broken(s3);
        return;
    }

    ngx_str_set(&type, "application/xml");

    s3->sending = 1;
    s3->made = 1;

    ngx_http_glance_s3_ask(s3, "POST", query);
    ngx_http_glance_s3_say(&s3->ask, "content-type", &type);
    s3->ask.hidden = 1;
    s3->has_body = 1;

    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_completed);
}


static ngx_int_t
ngx_http_glance_s3_list(ngx_http_glance_s3_t *s3)
{
    size_t       size;
    u_char      *p;
    ngx_uint_t   i;

    size = sizeof("<CompleteMultipartUpload></CompleteMultipartUpload>");

    for (i = 0; i < s3->number; i++) {
        size += sizeof("<Part><PartNumber></PartNumber><ETag>\"\"</ETag>"
                       "</Part>")
                + NGX_INT_T_LEN + s3->etags[i].len;
    }

    p = ngx_pnalloc(s3->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    s3->body.data = p;

    p = ngx_sprintf(p, "<CompleteMultipartUpload>");

    for (i = 0; i < s3->number; i++) {
        p = ngx_sprintf(p, "<Part><PartNumber>%ui</PartNumber>"
                           "<ETag>\"%V\"</ETag></Part>",
                        i + 1, &s3->etags[i]);
    }

    p = ngx_sprintf(p, "</CompleteMultipartUpload>");

    s3->body.len = p - s3->body.data;

    return NGX_OK;
}


/* no such upload: an earlier try, whose answer was lost, may have done it */

static void
ngx_http_glance_s3_completed(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status != NGX_HTTP_OK
        && !(status == NGX_HTTP_NOT_FOUND && s3->tries > 0))
    {
        s3->sending = 0;
        s3->rc = ngx_http_glance_s3_status(s3, s3->remote);
        ngx_http_glance_s3_go(s3);
        return;
    }

    ngx_http_glance_s3_ask(s3, "HEAD", NULL);
    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_measured);
}


static void
ngx_http_glance_s3_measured(ngx_http_glance_s3_t *s3)
{
    ngx_str_t  *etag, *length;

    s3->sending = 0;
    s3->finished = 1;

    if (s3->remote->status != NGX_HTTP_OK) {
        s3->rc = ngx_http_glance_s3_status(s3, s3->remote);
        ngx_http_glance_s3_go(s3);
        return;
    }

    etag = ngx_http_glance_remote_answer(s3->remote, "etag");
    length = ngx_http_glance_remote_answer(s3->remote, "content-length");

    if (length == NULL
        || ngx_atoof(length->data, length->len) != s3->begun
        || !ngx_http_glance_s3_claimed(s3)
        || etag == NULL
        || !ngx_http_glance_s3_expected(s3, etag))
    {
        s3->rc = ngx_http_glance_s3_wrong(s3);
    }

    ngx_http_glance_s3_go(s3);
}


/* the MD5 of the MD5s of all parts, with their number behind, if it is one */

static ngx_uint_t
ngx_http_glance_s3_expected(ngx_http_glance_s3_t *s3, ngx_str_t *etag)
{
    size_t            len;
    u_char            md5[16], *p;
    u_char            hex[GLANCE_DIGEST_HEX_MAX + 3 + NGX_INT_T_LEN];
    ngx_str_t         value;
    ngx_uint_t        good, i;
    glance_digest_t  *d;

    value = *etag;

    if (value.len >= 2 && value.data[0] == '"') {
        value.data++;
        value.len -= 2;
    }

    if (s3->opaque || value.len < 34
        || ngx_http_glance_s3_binary(&value, md5) != NGX_OK
        || value.data[32] != '-')
    {
        return 1;
    }

    d = glance_digest_new("md5");
    if (d == NULL) {
        return 1;
    }

    for (i = 0; i < s3->number; i++) {
        if (s3->etags[i].len != 32
            || ngx_http_glance_s3_binary(&s3->etags[i], md5) != NGX_OK)
        {
            glance_digest_free(d);
            return 1;
        }

        (void) glance_digest_update(d, md5, sizeof(md5));
    }

    good = glance_digest_hex(d, hex, &len);

    glance_digest_free(d);

    if (!good) {
        return 1;
    }

    p = ngx_sprintf(hex + len, "-%ui", s3->number);

    return value.len == (size_t) (p - hex)
           && ngx_strncasecmp(value.data, hex, value.len) == 0;
}


static ngx_int_t
ngx_http_glance_s3_binary(ngx_str_t *hex, u_char dst[16])
{
    ngx_int_t   n;
    ngx_uint_t  i;

    for (i = 0; i < 16; i++) {
        n = ngx_hextoi(hex->data + 2 * i, 2);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        dst[i] = (u_char) n;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_s3_wrong(ngx_http_glance_s3_t *s3)
{
    ngx_log_error(NGX_LOG_CRIT, s3->request->connection->log, 0,
                  "s3: what is stored as \"%V\" is not what was sent",
                  &s3->key);

    s3->handle->error = "The store has other image data than were sent";

    return NGX_HTTP_BAD_GATEWAY;
}


ngx_int_t
ngx_http_glance_s3_forget(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    return NGX_OK;
}


/*
 * An object of which the end was not sent does not come into being.  A part
 * that was sent to its end is waited for: the store might keep it after the
 * upload was stopped.
 */

ngx_int_t
ngx_http_glance_s3_abort(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    ngx_http_glance_s3_t  *s3;

    s3 = h->data;

    if (s3 == NULL) {
        return NGX_OK;
    }

    ngx_http_glance_s3_halt(s3);

    if (s3->part) {
        ngx_http_glance_remote_stop(s3->part->remote);
        s3->part = NULL;
    }

    s3->finished = 0;
    s3->aborting = 1;

    return ngx_http_glance_s3_run(s3, ngx_http_glance_s3_undo);
}


static ngx_int_t
ngx_http_glance_s3_undo(ngx_http_glance_s3_t *s3)
{
    if (s3->busy || s3->finished) {
        return NGX_AGAIN;
    }

    if (!s3->made && !s3->asked) {
        return NGX_OK;
    }

    /* what cannot be removed now has a trace, for a worker to follow */

    s3->finished = 1;

    ngx_http_glance_s3_clean(s3);

    return NGX_AGAIN;
}


void
ngx_http_glance_s3_keep(ngx_http_glance_handle_t *h)
{
    /* nothing is removed but on demand */
}
