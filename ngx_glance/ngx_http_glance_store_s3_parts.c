
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_s3.h"

#include "glance_xml.h"


#define NGX_HTTP_GLANCE_S3_ID  1024     /* bytes of an upload id */


static ngx_int_t ngx_http_glance_s3_slot(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t **part);
static void ngx_http_glance_s3_initiate(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_initiated(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_start(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t *part, off_t size);
static ngx_int_t ngx_http_glance_s3_open(ngx_http_glance_s3_part_t *part);
static void ngx_http_glance_s3_pushed(ngx_http_glance_remote_t *m);
static void ngx_http_glance_s3_sent(ngx_http_glance_s3_part_t *part);
static void ngx_http_glance_s3_part_answered(ngx_http_glance_remote_t *m);
static void ngx_http_glance_s3_part_done(ngx_http_glance_s3_part_t *part);
static ngx_uint_t ngx_http_glance_s3_part_again(
    ngx_http_glance_s3_part_t *part);
static void ngx_http_glance_s3_part_retry(ngx_event_t *ev);
static ngx_int_t ngx_http_glance_s3_etag(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t *part);
static void ngx_http_glance_s3_part_failed(ngx_http_glance_s3_part_t *part);


void
ngx_http_glance_s3_part_init(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t *part)
{
    part->s3 = s3;

    part->retry.handler = ngx_http_glance_s3_part_retry;
    part->retry.data = part;
    part->retry.log = s3->request->connection->log;
}


/*
 * Bytes come one after the other, so parts get them one after the other; but
 * the next one begins while the last ones wait for their answers, which take
 * a store longer than their bytes do.
 *
 * A part whose failure may pass is sent once more while its bytes are there:
 * those of a buffer, until it is answered; those of the ring, as long as the
 * first piece is all that was sent of them.
 */

ngx_int_t
ngx_http_glance_s3_part(ngx_http_glance_s3_t *s3)
{
    off_t                       size;
    ngx_int_t                   rc;
    ngx_http_glance_s3_part_t  *part;

    if (s3->part) {
        return NGX_OK;
    }

    if (s3->large && s3->upload.len == 0) {
        ngx_http_glance_s3_initiate(s3);
        return NGX_AGAIN;
    }

    rc = ngx_http_glance_s3_slot(s3, &part);

    if (rc != NGX_OK) {
        return rc;
    }

    size = s3->handle->size - s3->begun;

    if (s3->large) {
        size = ngx_min(size, s3->part_size);
    }

    s3->part = part;

    return ngx_http_glance_s3_start(s3, part, size);
}


static ngx_int_t
ngx_http_glance_s3_slot(ngx_http_glance_s3_t *s3,
    ngx_http_glance_s3_part_t **part)
{
    ngx_uint_t  i;

    if (s3->number == NGX_HTTP_GLANCE_S3_PARTS) {
        s3->handle->error = "The image data are too large for the store";
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    }

    for (i = 0; i < s3->nparts; i++) {
        if (!s3->parts[i].busy) {
            *part = &s3->parts[i];
            return NGX_OK;
        }
    }

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_glance_s3_room(ngx_http_glance_s3_t *s3)
{
    ngx_int_t                   rc;
    ngx_http_glance_s3_part_t  *part;

    if (s3->part) {
        return NGX_OK;
    }

    rc = ngx_http_glance_s3_slot(s3, &part);

    if (rc != NGX_OK) {
        return rc;
    }

    /* pages are the system's until they are written to */

    if (part->buffer == NULL) {
        part->buffer = ngx_alloc(s3->part_size, s3->request->connection->log);

        if (part->buffer == NULL) {
            s3->handle->error = "Out of memory";
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    s3->part = part;
    s3->fill = 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_s3_launch(ngx_http_glance_s3_t *s3)
{
    ngx_int_t                   rc;
    ngx_http_glance_s3_part_t  *part;

    if (s3->large && s3->upload.len == 0) {
        ngx_http_glance_s3_initiate(s3);
        return NGX_AGAIN;
    }

    part = s3->part;

    rc = ngx_http_glance_s3_start(s3, part, s3->fill);

    if (rc != NGX_OK) {
        return rc;
    }

    part->busy = 1;
    part->piece = part->buffer;
    part->len = s3->fill;
    part->left = 0;

    s3->busy++;
    s3->part = NULL;
    s3->fill = 0;

    (void) ngx_http_glance_remote_write(part->remote, part->piece, part->len,
                                        ngx_http_glance_s3_pushed);

    return NGX_OK;
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
    ngx_http_glance_s3_part_t *part, off_t size)
{
    part->number = s3->large ? s3->number + 1 : 0;
    part->size = size;
    part->left = size;
    part->piece = NULL;
    part->tries = 0;

    s3->begun += size;
    s3->number++;

    return ngx_http_glance_s3_open(part);
}


static ngx_int_t
ngx_http_glance_s3_open(ngx_http_glance_s3_part_t *part)
{
    u_char                     before[sizeof("partNumber=&uploadId=")
                                      + NGX_INT_T_LEN];
    ngx_str_t                  type;
    ngx_http_glance_s3_t      *s3;
    ngx_http_glance_s3_ask_t   ask;

    s3 = part->s3;

    ngx_memzero(&ask, sizeof(ngx_http_glance_s3_ask_t));

    ask.method = "PUT";
    ask.hidden = 1;

    if (part->number) {
        (void) ngx_sprintf(before, "partNumber=%ui&uploadId=%Z",
                           part->number);

        ask.query = ngx_http_glance_s3_query(s3, (const char *) before,
                                             &s3->upload, "");

    } else {
        ngx_str_set(&type, "application/octet-stream");

        ngx_http_glance_s3_say(&ask, "content-type", &type);
        ngx_http_glance_s3_say(&ask, NGX_HTTP_GLANCE_S3_CLAIM, &s3->claim);
    }

    if ((part->number && ask.query == NULL)
        || ngx_http_glance_s3_prepare(s3, part->remote, &ask) != NGX_OK
        || ngx_http_glance_remote_upload(part->remote, part->size) != NGX_OK)
    {
        s3->handle->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


/* the bytes are borrowed until libcurl has all of them */

ngx_int_t
ngx_http_glance_s3_push(ngx_http_glance_s3_t *s3, u_char *p, size_t len)
{
    ngx_http_glance_s3_part_t  *part;

    part = s3->part;

    part->piece = p;
    part->len = len;
    part->left -= len;

    if (ngx_http_glance_remote_write(part->remote, p, len,
                                     ngx_http_glance_s3_pushed)
        != NGX_OK
        && !ngx_http_glance_s3_part_again(part))
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

    if (part->left == 0 && m->out_len == 0) {
        ngx_http_glance_s3_sent(part);

    } else if (m->transfer->done) {

        if (part->busy) {
            ngx_http_glance_s3_part_done(part);

        } else if (ngx_http_glance_s3_part_again(part)) {
            return;

        } else {
            ngx_http_glance_s3_part_failed(part);
        }

    } else {
        s3->sending = 0;
    }

    ngx_http_glance_s3_go(s3);
}


/* to be answered */

static void
ngx_http_glance_s3_sent(ngx_http_glance_s3_part_t *part)
{
    ngx_http_glance_s3_t  *s3;

    s3 = part->s3;

    if (!part->busy) {
        s3->part = NULL;
        s3->sending = 0;
        s3->busy++;

        part->busy = 1;
        part->piece = NULL;
    }

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
    ngx_uint_t             good;
    ngx_http_glance_s3_t  *s3;

    s3 = part->s3;

    good = (part->remote->status == NGX_HTTP_OK
            && ngx_http_glance_s3_etag(s3, part) == NGX_OK);

    if (!good && ngx_http_glance_s3_part_again(part)) {
        return;
    }

    s3->busy--;
    part->busy = 0;

    if (!good) {
        ngx_http_glance_s3_part_failed(part);
        return;
    }

    ngx_http_glance_remote_stop(part->remote);
}


/* true: it will be sent once more, from its beginning */

static ngx_uint_t
ngx_http_glance_s3_part_again(ngx_http_glance_s3_part_t *part)
{
    if (part->s3->rc != NGX_OK
        || part->s3->aborting
        || part->piece == NULL
        || part->size - part->left != (off_t) part->len
        || !ngx_http_glance_s3_passing(part->remote, part->tries + 1))
    {
        return 0;
    }

    ngx_http_glance_s3_delay(part->remote, &part->retry, ++part->tries);

    return 1;
}


static void
ngx_http_glance_s3_part_retry(ngx_event_t *ev)
{
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_glance_s3_t       *s3;
    ngx_http_glance_s3_part_t  *part;

    part = ev->data;
    s3 = part->s3;
    r = s3->request;
    c = r->connection;

    ev->timedout = 0;

    ngx_http_set_log_request(c->log, r);

    r->main->count++;

    if (ngx_http_glance_s3_open(part) != NGX_OK) {
        ngx_http_glance_s3_broken(s3);

    } else {
        (void) ngx_http_glance_remote_write(part->remote, part->piece,
                                            part->len,
                                            ngx_http_glance_s3_pushed);
    }

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_run_posted_requests(c);
}


void
ngx_http_glance_s3_halt(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t                  i;
    ngx_http_glance_s3_part_t  *part;

    for (i = 0; s3->parts && i < s3->nparts; i++) {
        part = &s3->parts[i];

        if (!part->retry.timer_set) {
            continue;
        }

        ngx_del_timer(&part->retry);

        if (part->busy) {
            part->busy = 0;
            s3->busy--;
        }
    }
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

    ngx_http_glance_s3_halt(s3);

    if (s3->part) {
        if (s3->part != part) {
            ngx_http_glance_remote_stop(s3->part->remote);
        }

        s3->part = NULL;
        s3->sending = 0;
    }
}
