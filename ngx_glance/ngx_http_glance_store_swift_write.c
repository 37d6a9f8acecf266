
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_swift.h"


#define NGX_HTTP_GLANCE_SWIFT_FRESH  30     /* s, a token that was good */


static ngx_int_t ngx_http_glance_swift_name(ngx_http_glance_swift_t *sw,
    const char *fmt, ngx_uint_t number, ngx_str_t *name);
static void ngx_http_glance_swift_container(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_created(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_look(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_looked(ngx_http_glance_swift_t *sw);
static ngx_int_t ngx_http_glance_swift_feed(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_fed(ngx_http_glance_remote_t *m);
static void ngx_http_glance_swift_start(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_fresh(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_put(ngx_http_glance_swift_t *sw);
static ngx_int_t ngx_http_glance_swift_close(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt then);
static void ngx_http_glance_swift_closed(ngx_http_glance_remote_t *m);
static ngx_int_t ngx_http_glance_swift_part(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_more(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_whole(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_manifest(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_listed_parts(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_written(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_measured(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_wrong(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_undo(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_undone(ngx_http_glance_swift_t *sw);


ngx_int_t
ngx_http_glance_swift_begin(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_http_glance_claim_t *claim)
{
    ngx_http_glance_swift_t  *sw;

    sw = ngx_http_glance_swift_create(r, ctx, h);

    if (sw == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sw->container = sw->conf->container;
    sw->object = h->image_id;
    sw->claim.data = claim->id;
    sw->claim.len = GLANCE_UUID_LEN;

    /* what is of unknown length gets segments from the first byte on */

    sw->large = (h->size < 0 || h->size > sw->conf->large_object_size);

    ngx_http_glance_swift_ask(sw, "HEAD", &sw->container, NULL, NULL);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_container);

    return NGX_AGAIN;
}


/* {image id}-{claim}, and for segments a number behind it */

static ngx_int_t
ngx_http_glance_swift_name(ngx_http_glance_swift_t *sw, const char *fmt,
    ngx_uint_t number, ngx_str_t *name)
{
    ngx_str_t  *id;

    id = &sw->handle->image_id;

    name->data = ngx_pnalloc(sw->request->pool,
                             id->len + sw->claim.len + 2 + NGX_INT_T_LEN);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    name->len = ngx_sprintf(name->data, fmt, id, &sw->claim, number)
                - name->data;

    return NGX_OK;
}


static void
ngx_http_glance_swift_container(ngx_http_glance_swift_t *sw)
{
    ngx_http_glance_remote_t  *m;

    m = sw->remote;

    if (m->status / 100 == 2) {
        ngx_http_glance_swift_look(sw);
        return;
    }

    if (m->status != NGX_HTTP_NOT_FOUND || sw->account->token == NULL) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    if (sw->conf->create_container) {
        ngx_http_glance_swift_ask(sw, "PUT", &sw->container, NULL, NULL);
        sw->has_body = 1;
        ngx_http_glance_swift_call(sw, ngx_http_glance_swift_created);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, sw->request->connection->log, 0,
                  "swift: there is no container \"%V\", and "
                  "\"glance_swift_create_container\" is off",
                  &sw->container);

    sw->handle->error = "The container of the store does not exist";
    ngx_http_glance_swift_done(sw, NGX_HTTP_SERVICE_UNAVAILABLE);
}


static void
ngx_http_glance_swift_created(ngx_http_glance_swift_t *sw)
{
    if (sw->remote->status / 100 != 2) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    ngx_http_glance_swift_look(sw);
}


static void
ngx_http_glance_swift_look(ngx_http_glance_swift_t *sw)
{
    ngx_http_glance_swift_ask(sw, "HEAD", &sw->container, &sw->object, NULL);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_looked);
}


static void
ngx_http_glance_swift_looked(ngx_http_glance_swift_t *sw)
{
    if (sw->remote->status / 100 == 2) {

        /* of an upload that died, perhaps just now: none of our business */

        if (ngx_http_glance_swift_name(sw, "%V-%V", 0, &sw->object)
            != NGX_OK)
        {
            ngx_http_glance_swift_broken(sw);
            return;
        }

    } else if (sw->remote->status != NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    if (ngx_http_glance_swift_location(sw, &sw->handle->location) != NGX_OK) {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    sw->handle->traced = 1;

    ngx_http_glance_swift_done(sw, NGX_OK);
}


ngx_int_t
ngx_http_glance_swift_write(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, u_char *data, size_t len)
{
    ngx_http_glance_swift_t  *sw;

    sw = h->data;

    sw->data = data;
    sw->len = len;

    return ngx_http_glance_swift_feed(sw);
}


/* NGX_AGAIN: it goes on by itself */

static ngx_int_t
ngx_http_glance_swift_feed(ngx_http_glance_swift_t *sw)
{
    off_t  room;

    if (sw->len == 0) {
        return NGX_OK;
    }

    if (!sw->putting) {
        ngx_http_glance_swift_start(sw);
        return NGX_AGAIN;
    }

    room = sw->large ? sw->conf->large_object_chunk_size - sw->segment
                     : (off_t) sw->len;

    if (room == 0) {
        return ngx_http_glance_swift_close(sw, ngx_http_glance_swift_more);
    }

    sw->pending = (size_t) ngx_min((off_t) sw->len, room);

    if (ngx_http_glance_remote_write(sw->remote, sw->data, sw->pending,
                                     ngx_http_glance_swift_fed)
        != NGX_OK)
    {
        /* an answer before the end is none that we want */

        return ngx_http_glance_remote_failed(sw->remote, sw->handle);
    }

    return NGX_AGAIN;
}


static void
ngx_http_glance_swift_fed(ngx_http_glance_remote_t *m)
{
    ngx_int_t                 rc;
    ngx_http_glance_swift_t  *sw;

    sw = m->data;

    if (m->transfer->done) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    sw->data += sw->pending;
    sw->len -= sw->pending;
    sw->segment += sw->pending;
    sw->written += sw->pending;

    rc = ngx_http_glance_swift_feed(sw);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_swift_done(sw, rc);
    }
}


/* a PUT cannot be sent again: a token that may be old is tried before */

static void
ngx_http_glance_swift_start(ngx_http_glance_swift_t *sw)
{
    sw->segment = 0;

    if (ngx_time() - sw->account->checked > NGX_HTTP_GLANCE_SWIFT_FRESH) {
        ngx_http_glance_swift_ask(sw, "HEAD", &sw->container, NULL, NULL);
        ngx_http_glance_swift_call(sw, ngx_http_glance_swift_fresh);
        return;
    }

    ngx_http_glance_swift_auth(sw, ngx_http_glance_swift_put);
}


static void
ngx_http_glance_swift_fresh(ngx_http_glance_swift_t *sw)
{
    if (sw->remote->status / 100 != 2) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    ngx_http_glance_swift_put(sw);
}


/*
 * Chunked, since an object of known length would be there with its last
 * byte: here it is with commit(), when the claim was found to be still ours.
 */

static void
ngx_http_glance_swift_put(ngx_http_glance_swift_t *sw)
{
    ngx_int_t  rc;
    ngx_str_t  name, type;

    if (sw->account->token == NULL) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    name = sw->object;

    if (sw->large) {
        sw->number++;

        if (ngx_http_glance_swift_name(sw, "%V-%V-%05ui", sw->number, &name)
            != NGX_OK)
        {
            ngx_http_glance_swift_broken(sw);
            return;
        }
    }

    ngx_str_set(&type, "application/octet-stream");

    ngx_http_glance_swift_ask(sw, "PUT", &sw->container, &name, NULL);
    ngx_http_glance_swift_say(sw, "Content-Type", &type);
    ngx_http_glance_swift_say(sw, NGX_HTTP_GLANCE_SWIFT_CLAIM, &sw->claim);

    if (ngx_http_glance_swift_prepare(sw) != NGX_OK
        || ngx_http_glance_remote_upload(sw->remote, -1) != NGX_OK)
    {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    sw->putting = 1;

    rc = ngx_http_glance_swift_feed(sw);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_swift_done(sw, rc);
    }
}


/* the object in hand is complete */

static ngx_int_t
ngx_http_glance_swift_close(ngx_http_glance_swift_t *sw,
    ngx_http_glance_swift_pt then)
{
    sw->then = then;

    if (!sw->large) {
        sw->made = 1;
    }

    if (ngx_http_glance_remote_eof(sw->remote, ngx_http_glance_swift_closed)
        != NGX_OK)
    {
        return ngx_http_glance_remote_failed(sw->remote, sw->handle);
    }

    return NGX_AGAIN;
}


static void
ngx_http_glance_swift_closed(ngx_http_glance_remote_t *m)
{
    ngx_http_glance_swift_t  *sw;

    sw = m->data;
    sw->putting = 0;

    if (m->status != NGX_HTTP_CREATED) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    sw->account->checked = ngx_time();

    if (sw->large && ngx_http_glance_swift_part(sw) != NGX_OK) {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    sw->then(sw);
}


/* what a static manifest says of a segment */

static ngx_int_t
ngx_http_glance_swift_part(ngx_http_glance_swift_t *sw)
{
    char        *path;
    json_t      *part;
    ngx_str_t   *etag;

    if (!sw->conf->static_manifest) {
        return NGX_OK;
    }

    if (sw->parts == NULL) {
        sw->parts = json_array();
    }

    etag = ngx_http_glance_remote_answer(sw->remote, "Etag");

    path = (char *) ngx_pnalloc(sw->request->pool, sw->container.len
                                + sw->handle->image_id.len + sw->claim.len
                                + 5 + NGX_INT_T_LEN);
    if (path == NULL || etag == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf((u_char *) path, "/%V/%V-%V-%05ui%Z", &sw->container,
                       &sw->handle->image_id, &sw->claim, sw->number);

    part = json_pack("{s:s, s:s%, s:I}", "path", path,
                     "etag", etag->data, etag->len,
                     "size_bytes", (json_int_t) sw->segment);

    return (part && json_array_append_new(sw->parts, part) == 0)
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_glance_swift_more(ngx_http_glance_swift_t *sw)
{
    ngx_int_t  rc;

    rc = ngx_http_glance_swift_feed(sw);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_swift_done(sw, rc);
    }
}


ngx_int_t
ngx_http_glance_swift_commit(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h)
{
    ngx_str_t                 type;
    ngx_http_glance_swift_t  *sw;

    sw = h->data;

    if (sw->putting) {
        return ngx_http_glance_swift_close(sw,
                                sw->large ? ngx_http_glance_swift_manifest
                                          : ngx_http_glance_swift_whole);
    }

    /* not a single byte */

    sw->large = 0;
    sw->made = 1;

    ngx_str_set(&type, "application/octet-stream");

    ngx_http_glance_swift_ask(sw, "PUT", &sw->container, &sw->object, NULL);
    ngx_http_glance_swift_say(sw, "Content-Type", &type);
    ngx_http_glance_swift_say(sw, NGX_HTTP_GLANCE_SWIFT_CLAIM, &sw->claim);
    sw->has_body = 1;

    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_whole);

    return NGX_AGAIN;
}


/* what Swift has counted and hashed is what we have */

static void
ngx_http_glance_swift_whole(ngx_http_glance_swift_t *sw)
{
    ngx_str_t  *etag, *md5;

    if (sw->remote->status != NGX_HTTP_CREATED) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    etag = ngx_http_glance_remote_answer(sw->remote, "Etag");
    md5 = &sw->handle->checksum;

    if (etag && etag->len >= 2 && etag->data[0] == '"') {
        etag->data++;
        etag->len -= 2;
    }

    if (etag == NULL || etag->len != md5->len
        || ngx_strncasecmp(etag->data, md5->data, md5->len) != 0)
    {
        ngx_http_glance_swift_wrong(sw);
        return;
    }

    ngx_http_glance_swift_done(sw, NGX_OK);
}


static void
ngx_http_glance_swift_manifest(ngx_http_glance_swift_t *sw)
{
    u_char        *p;
    ngx_str_t      prefix, type, value;
    glance_buf_t   b;
    glance_str_t   text;

    if (sw->conf->static_manifest) {
        ngx_http_glance_swift_listed_parts(sw);
        return;
    }

    if (ngx_http_glance_swift_name(sw, "%V-%V-", 0, &prefix) != NGX_OK) {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    p = ngx_pnalloc(sw->request->pool,
                    3 * (sw->container.len + prefix.len) + 1);
    if (p == NULL) {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    glance_buf_init(&b, p, 3 * (sw->container.len + prefix.len) + 1);

    text.data = sw->container.data;
    text.len = sw->container.len;
    glance_buf_percent(&b, text);

    glance_buf_char(&b, '/');

    text.data = prefix.data;
    text.len = prefix.len;
    glance_buf_percent(&b, text);

    value.data = b.start;
    value.len = b.last - b.start;

    ngx_str_set(&type, "application/octet-stream");

    sw->made = 1;

    ngx_http_glance_swift_ask(sw, "PUT", &sw->container, &sw->object, NULL);
    ngx_http_glance_swift_say(sw, "Content-Type", &type);
    ngx_http_glance_swift_say(sw, NGX_HTTP_GLANCE_SWIFT_CLAIM, &sw->claim);
    ngx_http_glance_swift_say(sw, "X-Object-Manifest", &value);
    sw->has_body = 1;

    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_written);
}


static void
ngx_http_glance_swift_listed_parts(ngx_http_glance_swift_t *sw)
{
    ngx_str_t  type;

    if (ngx_http_glance_json_dump(sw->request, sw->parts, &sw->body)
        != NGX_OK)
    {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    ngx_str_set(&type, "application/octet-stream");

    sw->made = 1;

    ngx_http_glance_swift_ask(sw, "PUT", &sw->container, &sw->object,
                              "?multipart-manifest=put");
    ngx_http_glance_swift_say(sw, "Content-Type", &type);
    ngx_http_glance_swift_say(sw, NGX_HTTP_GLANCE_SWIFT_CLAIM, &sw->claim);
    sw->has_body = 1;

    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_written);
}


static void
ngx_http_glance_swift_written(ngx_http_glance_swift_t *sw)
{
    if (sw->remote->status != NGX_HTTP_CREATED) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    ngx_http_glance_swift_ask(sw, "HEAD", &sw->container, &sw->object, NULL);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_measured);
}


/* a dynamic manifest is a listing, and a listing can lag behind */

static void
ngx_http_glance_swift_measured(ngx_http_glance_swift_t *sw)
{
    ngx_str_t  *length;

    if (sw->remote->status / 100 != 2) {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    length = ngx_http_glance_remote_answer(sw->remote, "Content-Length");

    if (length == NULL
        || ngx_atoof(length->data, length->len) != sw->written)
    {
        ngx_http_glance_swift_wrong(sw);
        return;
    }

    ngx_http_glance_swift_done(sw, NGX_OK);
}


static void
ngx_http_glance_swift_wrong(ngx_http_glance_swift_t *sw)
{
    ngx_log_error(NGX_LOG_CRIT, sw->request->connection->log, 0,
                  "swift: what is stored as \"%V\" is not what was sent",
                  &sw->object);

    sw->handle->error = "The store has other image data than were sent";

    ngx_http_glance_swift_done(sw, NGX_HTTP_BAD_GATEWAY);
}


ngx_int_t
ngx_http_glance_swift_forget(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_handle_t *h)
{
    return NGX_OK;
}


/* an object of which the end was not sent does not come into being */

ngx_int_t
ngx_http_glance_swift_abort(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h)
{
    ngx_http_glance_swift_t  *sw;

    sw = h->data;

    if (sw == NULL) {
        return NGX_OK;
    }

    ngx_http_glance_remote_stop(sw->remote);
    sw->putting = 0;

    if (!sw->made && sw->number == 0) {
        return NGX_OK;
    }

    if (sw->made) {
        ngx_http_glance_swift_ask(sw, "DELETE", &sw->container, &sw->object,
                                  NULL);
        ngx_http_glance_swift_call(sw, ngx_http_glance_swift_undone);

    } else {
        ngx_http_glance_swift_undo(sw);
    }

    return NGX_AGAIN;
}


/* the last segment first */

static void
ngx_http_glance_swift_undo(ngx_http_glance_swift_t *sw)
{
    ngx_str_t  name;

    if (sw->number == 0) {
        ngx_http_glance_swift_done(sw, NGX_OK);
        return;
    }

    if (ngx_http_glance_swift_name(sw, "%V-%V-%05ui", sw->number, &name)
        != NGX_OK)
    {
        ngx_http_glance_swift_broken(sw);
        return;
    }

    sw->number--;

    ngx_http_glance_swift_ask(sw, "DELETE", &sw->container, &name, NULL);
    ngx_http_glance_swift_call(sw, ngx_http_glance_swift_undone);
}


/* what cannot be removed now has a trace, for a worker to follow */

static void
ngx_http_glance_swift_undone(ngx_http_glance_swift_t *sw)
{
    if (sw->remote->status != NGX_HTTP_NOT_FOUND
        && sw->remote->status / 100 != 2)
    {
        ngx_http_glance_swift_failed(sw);
        return;
    }

    ngx_http_glance_swift_undo(sw);
}


void
ngx_http_glance_swift_keep(ngx_http_glance_handle_t *h)
{
    /* nothing is removed but on demand */
}
