
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_swift.h"


static void ngx_http_glance_swift_whole(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_manifest(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_listed_parts(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_written(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_measured(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_wrong(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_undo_object(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_undo(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_undone(ngx_http_glance_swift_t *sw);


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

    ngx_http_glance_swift_halt(sw);
    ngx_http_glance_remote_stop(sw->remote);
    sw->putting = 0;

    if (!sw->made && sw->number == 0) {
        return NGX_OK;
    }

    if (sw->made) {
        ngx_http_glance_swift_ask(sw, "HEAD", &sw->container, &sw->object,
                                  NULL);
        ngx_http_glance_swift_call(sw, ngx_http_glance_swift_undo_object);

    } else {
        ngx_http_glance_swift_undo(sw);
    }

    return NGX_AGAIN;
}


/* another upload may have put its own in the place of ours */

static void
ngx_http_glance_swift_undo_object(ngx_http_glance_swift_t *sw)
{
    ngx_uint_t  status;

    status = sw->remote->status;

    if (status / 100 == 2 && ngx_http_glance_swift_claimed(sw)) {
        ngx_http_glance_swift_ask(sw, "DELETE", &sw->container, &sw->object,
                                  NULL);
        ngx_http_glance_swift_call(sw, ngx_http_glance_swift_undone);
        return;
    }

    ngx_http_glance_swift_undone(sw);
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
