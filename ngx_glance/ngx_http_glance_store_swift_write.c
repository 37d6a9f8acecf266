
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_swift.h"


#define NGX_HTTP_GLANCE_SWIFT_FRESH  30     /* s, a token that was good */
#define NGX_HTTP_GLANCE_SWIFT_TRIES  3
#define NGX_HTTP_GLANCE_SWIFT_DELAY  200    /* ms, then twice as much */


static void ngx_http_glance_swift_container(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_created(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_look(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_looked(ngx_http_glance_swift_t *sw);
static ngx_int_t ngx_http_glance_swift_feed(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_fed(ngx_http_glance_remote_t *m);
static ngx_uint_t ngx_http_glance_swift_again(ngx_http_glance_swift_t *sw,
    size_t left);
static void ngx_http_glance_swift_retry(ngx_event_t *ev);
static void ngx_http_glance_swift_start(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_fresh(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_put(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_closed(ngx_http_glance_remote_t *m);
static ngx_int_t ngx_http_glance_swift_part(ngx_http_glance_swift_t *sw);
static void ngx_http_glance_swift_more(ngx_http_glance_swift_t *sw);


ngx_int_t
ngx_http_glance_swift_begin(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_http_glance_claim_t *claim)
{
    ngx_http_cleanup_t       *cln;
    ngx_http_glance_swift_t  *sw;

    cln = ngx_http_cleanup_add(r, 0);
    sw = ngx_http_glance_swift_create(r, ctx, h);

    if (cln == NULL || sw == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_glance_swift_halt;
    cln->data = sw;

    sw->retry.handler = ngx_http_glance_swift_retry;
    sw->retry.data = sw;
    sw->retry.log = r->connection->log;

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

ngx_int_t
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

        return ngx_http_glance_swift_again(sw, sw->pending)
               ? NGX_AGAIN
               : ngx_http_glance_remote_failed(sw->remote, sw->handle);
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

        if (!ngx_http_glance_swift_again(sw, m->out_len)) {
            ngx_http_glance_swift_failed(sw);
        }

        return;
    }

    sw->tries = 0;
    sw->data += sw->pending;
    sw->len -= sw->pending;
    sw->segment += sw->pending;
    sw->written += sw->pending;

    rc = ngx_http_glance_swift_feed(sw);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_swift_done(sw, rc);
    }
}


/*
 * True: the object in hand is begun anew, since nobody has read of its bytes;
 * left: of those that were there to be read.  What was read is not there any
 * more, an object may be larger than all memory.
 */

static ngx_uint_t
ngx_http_glance_swift_again(ngx_http_glance_swift_t *sw, size_t left)
{
    ngx_http_glance_remote_t  *m;

    m = sw->remote;

    if (sw->segment || left != sw->pending
        || sw->tries + 1 == NGX_HTTP_GLANCE_SWIFT_TRIES)
    {
        return 0;
    }

    if (m->status == NGX_HTTP_UNAUTHORIZED) {
        ngx_http_glance_swift_forget_token(sw);

    } else if (!ngx_http_glance_remote_passing(m)) {
        return 0;
    }

    ngx_log_error(NGX_LOG_WARN, sw->request->connection->log, 0,
                  "swift: %s \"%V\" failed with %ui, trying again",
                  m->method, &m->url, m->status);

    ngx_http_glance_remote_stop(m);

    sw->putting = 0;
    sw->again = 1;

    ngx_add_timer(&sw->retry, NGX_HTTP_GLANCE_SWIFT_DELAY << sw->tries++);

    return 1;
}


static void
ngx_http_glance_swift_retry(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_http_request_t       *r;
    ngx_http_glance_swift_t  *sw;

    sw = ev->data;
    r = sw->request;
    c = r->connection;

    ev->timedout = 0;

    ngx_http_set_log_request(c->log, r);

    r->main->count++;

    ngx_http_glance_swift_start(sw);

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_run_posted_requests(c);
}


void
ngx_http_glance_swift_halt(void *data)
{
    ngx_http_glance_swift_t *sw = data;

    if (sw->retry.timer_set) {
        ngx_del_timer(&sw->retry);
    }
}


/* a PUT is seldom sent again: a token that may be old is tried before */

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

        if (!sw->again) {
            sw->number++;
        }

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
    sw->again = 0;

    rc = ngx_http_glance_swift_feed(sw);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_swift_done(sw, rc);
    }
}


/* the object in hand is complete */

ngx_int_t
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
