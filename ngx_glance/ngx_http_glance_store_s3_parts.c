
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_s3.h"

#include "glance_xml.h"


#define NGX_HTTP_GLANCE_S3_ID  1024     /* bytes of an upload id */


static void ngx_http_glance_s3_initiate(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_initiated(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_start(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t *part);
static void ngx_http_glance_s3_pushed(ngx_http_glance_remote_t *m);
static void ngx_http_glance_s3_sent(ngx_http_glance_s3_part_t *part);
static void ngx_http_glance_s3_part_answered(ngx_http_glance_remote_t *m);
static void ngx_http_glance_s3_part_done(ngx_http_glance_s3_part_t *part);
static ngx_int_t ngx_http_glance_s3_etag(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t *part);
static void ngx_http_glance_s3_part_failed(ngx_http_glance_s3_part_t *part);


/*
 * Bytes come one after the other, so parts get them one after the other; but
 * the next one begins while the last ones wait for their answers, which take
 * a store longer than their bytes do.  NGX_OK: s3->part takes bytes.
 */

ngx_int_t
ngx_http_glance_s3_part(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  i;

    if (s3->part) {
        return NGX_OK;
    }

    if (s3->large && s3->upload.len == 0) {
        ngx_http_glance_s3_initiate(s3);
        return NGX_AGAIN;
    }

    if (s3->number == NGX_HTTP_GLANCE_S3_PARTS) {
        s3->handle->error = "The image data are too large for the store";
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    }

    for (i = 0; i < s3->nparts; i++) {
        if (!s3->parts[i].busy) {
            return ngx_http_glance_s3_start(s3, &s3->parts[i]);
        }
    }

    return NGX_AGAIN;
}


static void
ngx_http_glance_s3_initiate(ngx_http_glance_s3_t *s3)
{
    ngx_str_t  type;

    ngx_str_set(&type, "application/octet-stream");

    s3->sending = 1;
    s3->asked = 1;

    ngx_http_glance_s3_ask(s3, "POST", "uploads=");
    ngx_http_glance_s3_say(&s3->ask, "content-type", &type);
    ngx_http_glance_s3_say(&s3->ask, NGX_HTTP_GLANCE_S3_CLAIM, &s3->claim);
    s3->has_body = 1;
    ngx_str_null(&s3->body);

    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_initiated);
}


static void
ngx_http_glance_s3_initiated(ngx_http_glance_s3_t *s3)
{
    glance_str_t               inner, xml;
    ngx_http_glance_remote_t  *m;

    m = s3->remote;

    s3->sending = 0;

    if (m->status != NGX_HTTP_OK) {
        s3->rc = ngx_http_glance_s3_status(s3, m);
        ngx_http_glance_s3_go(s3);
        return;
    }

    xml.data = m->body.data;
    xml.len = m->body.len;

    if (!glance_xml_element(&xml, "UploadId", &inner)
        || inner.len == 0 || inner.len > NGX_HTTP_GLANCE_S3_ID)
    {
        m->status = 0;
        s3->rc = ngx_http_glance_s3_status(s3, m);
        ngx_http_glance_s3_go(s3);
        return;
    }

    s3->upload.data = ngx_pnalloc(s3->request->pool, inner.len);

    if (s3->upload.data == NULL
        || !glance_xml_unescape(inner, s3->upload.data, &s3->upload.len))
    {
        s3->upload.len = 0;
        m->status = 0;
        s3->rc = ngx_http_glance_s3_status(s3, m);
    }

    ngx_http_glance_s3_go(s3);
}


static ngx_int_t
ngx_http_glance_s3_start(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t *part)
{
    u_char                     before[sizeof("partNumber=&uploadId=")
                                      + NGX_INT_T_LEN];
    ngx_str_t                  type;
    ngx_http_glance_s3_ask_t   ask;

    ngx_memzero(&ask, sizeof(ngx_http_glance_s3_ask_t));

    ask.method = "PUT";
    ask.hidden = 1;

    part->left = s3->buffer ? (off_t) s3->fill
                            : s3->handle->size - s3->begun;

    if (s3->large) {
        part->left = ngx_min(part->left, s3->part_size);
        part->number = s3->number + 1;

        (void) ngx_sprintf(before, "partNumber=%ui&uploadId=%Z",
                           part->number);

        ask.query = ngx_http_glance_s3_query(s3, (const char *) before,
                                             &s3->upload, "");
        if (ask.query == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

    } else {
        ngx_str_set(&type, "application/octet-stream");

        ngx_http_glance_s3_say(&ask, "content-type", &type);
        ngx_http_glance_s3_say(&ask, NGX_HTTP_GLANCE_S3_CLAIM, &s3->claim);
    }

    if (ngx_http_glance_s3_prepare(s3, part->remote, &ask) != NGX_OK
        || ngx_http_glance_remote_upload(part->remote, part->left) != NGX_OK)
    {
        s3->handle->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    s3->begun += part->left;
    s3->number++;
    s3->part = part;

    return NGX_OK;
}


/* the bytes are borrowed until libcurl has all of them */

ngx_int_t
ngx_http_glance_s3_push(ngx_http_glance_s3_t *s3, u_char *p, size_t len)
{
    ngx_http_glance_s3_part_t  *part;

    part = s3->part;
    part->left -= len;

    if (ngx_http_glance_remote_write(part->remote, p, len,
                                     ngx_http_glance_s3_pushed)
        != NGX_OK)
    {
        /* an answer before the end is none that we want */

        ngx_http_glance_s3_part_failed(part);
        return s3->rc;
    }

    s3->sending = 1;

    return NGX_AGAIN;
}


static void
ngx_http_glance_s3_pushed(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_s3_t       *s3;
    ngx_http_glance_s3_part_t  *part;

    part = m->data;
    s3 = part->s3;

    s3->sending = 0;

    if (part->left == 0 && m->out_len == 0) {
        ngx_http_glance_s3_sent(part);

    } else if (m->transfer->done) {
        ngx_http_glance_s3_part_failed(part);
    }

    ngx_http_glance_s3_go(s3);
}


/* to be answered */

static void
ngx_http_glance_s3_sent(ngx_http_glance_s3_part_t *part)
{
    ngx_http_glance_s3_t  *s3;

    s3 = part->s3;

    s3->part = NULL;
    s3->busy++;
    part->busy = 1;

    if (ngx_http_glance_remote_eof(part->remote,
                                   ngx_http_glance_s3_part_answered)
        != NGX_OK)
    {
        ngx_http_glance_s3_part_done(part);
    }
}


static void
ngx_http_glance_s3_part_answered(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_s3_t       *s3;
    ngx_http_glance_s3_part_t  *part;

    part = m->data;
    s3 = part->s3;

    ngx_http_glance_s3_part_done(part);
    ngx_http_glance_s3_go(s3);
}


static void
ngx_http_glance_s3_part_done(ngx_http_glance_s3_part_t *part)
{
    ngx_http_glance_s3_t  *s3;

    s3 = part->s3;

    s3->busy--;
    part->busy = 0;

    if (part->remote->status != NGX_HTTP_OK
        || ngx_http_glance_s3_etag(s3, part) != NGX_OK)
    {
        ngx_http_glance_s3_part_failed(part);
        return;
    }

    ngx_http_glance_remote_stop(part->remote);
}


/* kept without quotes; an ETag of what S3 has encrypted may be anything */

static ngx_int_t
ngx_http_glance_s3_etag(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t *part)
{
    size_t                     i, room;
    ngx_str_t                 *etags, *header, value;
    ngx_http_glance_remote_t  *m;

    m = part->remote;

    header = ngx_http_glance_remote_answer(m, "etag");

    if (header == NULL) {
        m->status = 0;
        return NGX_ERROR;
    }

    value = *header;

    if (value.len >= 2 && value.data[0] == '"'
        && value.data[value.len - 1] == '"')
    {
        value.data++;
        value.len -= 2;
    }

    for (i = 0; i < value.len; i++) {
        if (value.data[i] <= 0x20 || value.data[i] >= 0x7f
            || ngx_strchr("\"&<>", value.data[i]))
        {
            break;
        }
    }

    if (value.len == 0 || value.len > 128 || i < value.len) {
        m->status = 0;
        return NGX_ERROR;
    }

    value.data = ngx_pstrdup(s3->request->pool, &value);
    if (value.data == NULL) {
        m->status = 0;
        return NGX_ERROR;
    }

    header = ngx_http_glance_remote_answer(m, "x-amz-server-side-encryption");

    if ((header && !(header->len == 6
                     && ngx_strncmp(header->data, "AES256", 6) == 0))
        || ngx_http_glance_remote_answer(m,
                     "x-amz-server-side-encryption-customer-algorithm"))
    {
        s3->opaque = 1;
    }

    if (part->number == 0) {
        s3->etag = value;
        return NGX_OK;
    }

    if (part->number > s3->netags) {
        room = ngx_max(64, ngx_max(2 * s3->netags, part->number));

        etags = ngx_pcalloc(s3->request->pool, room * sizeof(ngx_str_t));
        if (etags == NULL) {
            m->status = 0;
            return NGX_ERROR;
        }

        if (s3->netags) {
            ngx_memcpy(etags, s3->etags, s3->netags * sizeof(ngx_str_t));
            (void) ngx_pfree(s3->request->pool, s3->etags);
        }

        s3->etags = etags;
        s3->netags = room;
    }

    s3->etags[part->number - 1] = value;

    return NGX_OK;
}


/*
 * The upload as a whole: what another part is just being given is taken back,
 * as its memory is the caller's again when the call ends.
 */

static void
ngx_http_glance_s3_part_failed(ngx_http_glance_s3_part_t *part)
{
    ngx_http_glance_s3_t  *s3;

    s3 = part->s3;

    if (s3->rc == NGX_OK) {
        s3->rc = ngx_http_glance_s3_status(s3, part->remote);
    }

    if (part->remote->transfer) {
        ngx_http_glance_remote_stop(part->remote);
    }

    if (s3->part) {
        if (s3->part != part) {
            ngx_http_glance_remote_stop(s3->part->remote);
        }

        s3->part = NULL;
        s3->sending = 0;
    }
}
