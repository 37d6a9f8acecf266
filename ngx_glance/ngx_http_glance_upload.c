
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_upload.h"


static ngx_int_t ngx_http_glance_upload_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_upload_multipart(ngx_http_request_t *r,
    ngx_http_glance_upload_t *u);
static void ngx_http_glance_upload_cleanup(void *data);
static void ngx_http_glance_upload_begun(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_upload_trace(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_traced(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_start(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_unread(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_upload_body(ngx_http_request_t *r);
static void ngx_http_glance_upload_read(ngx_http_request_t *r);
static void ngx_http_glance_upload_pump(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_upload_receive(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_pause(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_upload_drain(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_upload_content(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_buf_t *b);
static void ngx_http_glance_upload_eof(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_beat(ngx_event_t *ev);


void
ngx_http_glance_upload(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    off_t size, ngx_str_t *checksum, ngx_http_glance_step_pt next)
{
    ngx_int_t                    rc;
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    if (ngx_http_glance_upload_create(r, ctx) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->connection->log->action = "uploading image to store";

    u = ctx->upload;

    u->expected = size;
    u->checksum = *checksum;
    u->next = next;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    u->cap = glcf->image_size_cap;

    if (ctx->storage_left >= 0) {
        u->cap = ngx_min(u->cap, ctx->storage_left);
    }

    u->handle->size = size;

    if (size < 0 && u->multipart == NULL && !r->headers_in.chunked) {
        u->handle->size = r->headers_in.content_length_n;
    }

    u->started = ngx_current_msec;
    u->progress = ngx_current_msec;

    /* the store may be slow from its first call on: the lease runs already */

    ngx_add_timer(&u->beat, ngx_http_glance_upload_lease(r, ctx) / 3);

    u->store_busy = 1;

    rc = ctx->store->begin(r, ctx, u->handle, ctx->claim);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_upload_begun(r, ctx, rc);
    }
}


static ngx_int_t
ngx_http_glance_upload_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_glance_upload_t  *u;

    u = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_upload_t));
    if (u == NULL) {
        return NGX_ERROR;
    }

    u->beat_call.done = 1;

    u->handle = ngx_http_glance_store_handle(r, ctx, ctx->store,
                                             &ctx->image.id,
                                             ngx_http_glance_upload_begun);
    if (u->handle == NULL) {
        return NGX_ERROR;
    }

    u->beat.handler = ngx_http_glance_upload_beat;
    u->beat.data = ctx;
    u->beat.log = r->connection->log;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_glance_upload_cleanup;
    cln->data = u;

    ctx->upload = u;

    if (ngx_http_glance_ring_create(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_glance_upload_multipart(r, u);
}


/* the content type was checked before the image was claimed */

static ngx_int_t
ngx_http_glance_upload_multipart(ngx_http_request_t *r,
    ngx_http_glance_upload_t *u)
{
    glance_str_t         type;
    glance_multipart_t  *m;

    if (r->headers_in.content_type == NULL) {
        return NGX_OK;
    }

    type.data = r->headers_in.content_type->value.data;
    type.len = r->headers_in.content_type->value.len;

    if (!glance_str_case_starts(type, glance_str("multipart/"))) {
        return NGX_OK;
    }

    m = ngx_palloc(r->pool, sizeof(glance_multipart_t));
    if (m == NULL) {
        return NGX_ERROR;
    }

    if (!glance_multipart_init(m, type)) {
        return NGX_ERROR;
    }

    u->multipart = m;

    return NGX_OK;
}


static void
ngx_http_glance_upload_cleanup(void *data)
{
    ngx_http_glance_upload_stop(data);
}


void
ngx_http_glance_upload_stop(ngx_http_glance_upload_t *u)
{
    if (u->beat.timer_set) {
        ngx_del_timer(&u->beat);
    }

    if (u->retry.timer_set) {
        ngx_del_timer(&u->retry);
    }
}


static void
ngx_http_glance_upload_begun(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    u = ctx->upload;

    u->store_busy = 0;

    if (u->status) {
        /* the claim was lost meanwhile */
        ngx_http_glance_upload_undo(r, ctx);
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_glance_upload_fail(r, ctx, rc, "%s", u->handle->error);
        return;
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (u->handle->traced && glcf->registry_claims) {
        ngx_http_glance_upload_trace(r, ctx);
        return;
    }

    ngx_http_glance_upload_start(r, ctx);
}


/*
 * Before the first byte is in a store that no worker can look through: where
 * it will be, and by whose claim.  Whoever finds that claim gone removes it.
 */

static void
ngx_http_glance_upload_trace(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    json_t                    *body;
    ngx_http_glance_handle_t  *h;

    h = ctx->upload->handle;

    h->trace.len = h->location.len + 1 + GLANCE_UUID_LEN;
    h->trace.data = ngx_pnalloc(r->pool, h->trace.len);

    if (h->trace.data == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_ERROR);
        return;
    }

    (void) ngx_sprintf(h->trace.data, "%V#%*s", &h->location,
                       (size_t) GLANCE_UUID_LEN, ctx->claim->id);

    body = json_pack("{s:s%, s:s%}",
                     "image_id", h->image_id.data, h->image_id.len,
                     "url", h->trace.data, h->trace.len);

    /* one call of the request at a time: what undoes it waits for this one */

    ctx->upload->store_busy = 1;

    ngx_http_glance_registry_path(r, ctx, "POST", NULL, body,
                                  ngx_http_glance_upload_traced, "/removals");
}


static void
ngx_http_glance_upload_traced(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ctx->upload->store_busy = 0;

    if (ctx->upload->status) {
        ngx_http_glance_upload_undo(r, ctx);
        return;
    }

    if (ctx->call.status != NGX_HTTP_CREATED) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "registry answered %ui when the place of image \"%V\" "
                      "was to be noted", ctx->call.status, &ctx->image.id);

        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "The registry is not available");
        return;
    }

    ngx_http_glance_upload_start(r, ctx);
}


/* "100 Continue" goes out here, when nothing speaks against the body */

static void
ngx_http_glance_upload_start(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (u->handle->size > u->cap) {
        ngx_http_glance_upload_exceeds(r, ctx);
        return;
    }

    u->handle->done = ngx_http_glance_ring_written;
    u->progress = ngx_current_msec;

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_glance_upload_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_http_glance_upload_unread(r, ctx, rc);
        return;
    }

    /* the reference that reading the body took */

    ngx_http_finalize_request(r, NGX_DONE);
}


void
ngx_http_glance_upload_exceeds(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    u = ctx->upload;
    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                (u->cap == glcf->image_size_cap)
                                ? "The image data exceed the limit of %O "
                                  "bytes"
                                : "The image data exceed the %O bytes that "
                                  "the storage quota of the project leaves",
                                u->cap);
}


/* nginx has said why it cannot go on; a client that left gets nothing */

static void
ngx_http_glance_upload_unread(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    if (r->connection->error) {
        ctx->upload->gone = 1;
    }

    ngx_http_glance_upload_fail(r, ctx, rc,
                                "The image data ended early or are malformed: "
                                "%O bytes were received",
                                ctx->upload->received);
}


static void
ngx_http_glance_upload_body(ngx_http_request_t *r)
{
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_glance_get_ctx(r);

    r->read_event_handler = ngx_http_glance_upload_read;
    r->write_event_handler = ngx_http_request_empty_handler;

    ctx->upload->reading = 1;

    ngx_http_glance_upload_pump(r, ctx);
}


static void
ngx_http_glance_upload_read(ngx_http_request_t *r)
{
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_glance_get_ctx(r);

    if (!ctx->upload->ending && !ctx->upload->paused) {
        ngx_http_glance_upload_pump(r, ctx);
    }
}


/*
 * Moves the body from the connection into the ring until there is no more,
 * or no room: then nothing is read, and the client is held back by TCP or by
 * the HTTP/2 window.
 */

static void
ngx_http_glance_upload_pump(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    for ( ;; ) {

        rc = ngx_http_glance_upload_drain(r, ctx);

        ngx_http_glance_ring_work(r, ctx);

        if (rc == NGX_ERROR || u->ending) {
            return;
        }

        if (rc == NGX_AGAIN) {
            ngx_http_glance_upload_pause(r, ctx);
            return;
        }

        if (!r->reading_body) {
            ngx_http_glance_upload_eof(r, ctx);
            return;
        }

        rc = ngx_http_glance_upload_receive(r, ctx);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_glance_upload_unread(r, ctx, rc);
            return;
        }

        if (u->ending || u->paused
            || (rc == NGX_AGAIN && r->request_body->bufs == NULL))
        {
            return;
        }
    }
}


/*
 * A plain body of HTTP/1 is read to where it belongs: nginx is lent the room
 * of the ring as its buffer, which is empty between two calls.  Whatever has
 * other bytes in it, such as chunks or the filter of another module, goes
 * through nginx's own buffer.
 */

static ngx_int_t
ngx_http_glance_upload_receive(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_buf_t     *b, own;
    ngx_int_t      rc;
    glance_str_t   room;

    b = r->request_body->buf;

    if (r->http_version > NGX_HTTP_VERSION_11 || r->headers_in.chunked
        || ctx->upload->multipart || b == NULL || b->pos != b->last
        || ngx_http_top_request_body_filter
           != ngx_http_request_body_save_filter)
    {
        return ngx_http_read_unbuffered_request_body(r);
    }

    rc = ngx_http_glance_ring_room(r, ctx, &room);

    if (rc != NGX_OK) {
        if (rc == NGX_AGAIN) {
            ngx_http_glance_upload_pause(r, ctx);
        }

        return rc;
    }

    own = *b;

    b->start = (u_char *) room.data;
    b->pos = b->start;
    b->last = b->start;
    b->end = b->start + room.len;

    rc = ngx_http_read_unbuffered_request_body(r);

    *b = own;

    return rc;
}


/* we are the slow side: no timeout for the client */

static void
ngx_http_glance_upload_pause(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_event_t  *rev;

    rev = r->connection->read;

    ctx->upload->paused = 1;

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    "The image data cannot be read");
    }
}


/* NGX_OK: all that was read is in the ring; NGX_AGAIN: no room for it */

static ngx_int_t
ngx_http_glance_upload_drain(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_chain_t              *cl, *next;
    ngx_http_request_body_t  *rb;

    rb = r->request_body;

    for (cl = rb->bufs; cl; cl = next) {

        rc = ngx_http_glance_upload_content(r, ctx, cl->buf);

        if (rc != NGX_OK) {
            rb->bufs = cl;
            return rc;
        }

        next = cl->next;
        ngx_free_chain(r->pool, cl);
    }

    rb->bufs = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_upload_content(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_buf_t *b)
{
    ngx_int_t                  rc;
    glance_str_t               in;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (ngx_buf_special(b)) {
        return NGX_OK;
    }

    if (!ngx_buf_in_memory(b)) {
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    "The image data were buffered in a file");
        return NGX_ERROR;
    }

    for ( ;; ) {

        in.data = b->pos;
        in.len = b->last - b->pos;

        if (u->multipart == NULL) {
            rc = ngx_http_glance_ring_take(r, ctx, &in);
            b->pos = (u_char *) in.data;
            return rc;
        }

        /* what the multipart reader has yielded comes first */

        rc = ngx_http_glance_ring_take(r, ctx, &u->content);
        if (rc != NGX_OK) {
            return rc;
        }

        switch (glance_multipart_read(u->multipart, &in, &u->content)) {

        case GLANCE_MULTIPART_DATA:
            b->pos = (u_char *) in.data;
            break;

        case GLANCE_MULTIPART_ERROR:
            ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_BAD_REQUEST,
                                        "Malformed multipart/form-data body: "
                                        "%s", u->multipart->error);
            return NGX_ERROR;

        default: /* GLANCE_MULTIPART_AGAIN, GLANCE_MULTIPART_DONE */
            b->pos = b->last;
            return NGX_OK;
        }
    }
}


static void
ngx_http_glance_upload_eof(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    r->read_event_handler = ngx_http_block_reading;

    if (r->connection->read->timer_set) {
        ngx_del_timer(r->connection->read);
    }

    if (u->multipart && !glance_multipart_complete(u->multipart)) {
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_BAD_REQUEST,
                                    "The multipart/form-data body is not "
                                    "complete or holds no file");
        return;
    }

    if (u->expected >= 0 && u->received != u->expected) {
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_BAD_REQUEST,
                                    "%s is %O, but %O bytes of image data "
                                    "were sent", ctx->route->dialect->size,
                                    u->expected, u->received);
        return;
    }

    ngx_http_glance_ring_flush(u);

    u->eof = 1;

    ngx_http_glance_upload_go_on(r, ctx);
}


/* a reader has got further: refill, finish, or undo when all stand still */

void
ngx_http_glance_upload_go_on(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (u->status) {
        ngx_http_glance_upload_undo(r, ctx);
        return;
    }

    if (u->ending) {
        return;
    }

    ngx_http_glance_ring_work(r, ctx);

    if (u->ending) {
        return;
    }

    if (!u->eof) {
        if (u->paused) {
            u->paused = 0;
            ngx_http_glance_upload_pump(r, ctx);
        }

        return;
    }

    if (!ngx_http_glance_ring_drained(u)) {
        return;
    }

    ngx_http_glance_ring_free(r, u);

    u->ending = 1;

    ngx_http_glance_upload_commit(r, ctx);
}


/*
 * Renews the lease of the claim.  Proxying deletes the timer of the client's
 * connection, so this is also where a client that fell silent is noticed.
 */

static void
ngx_http_glance_upload_beat(ngx_event_t *ev)
{
    ngx_int_t                    rc;
    ngx_connection_t            *c;
    ngx_http_request_t          *r;
    ngx_http_glance_ctx_t       *ctx;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    ctx = ev->data;
    r = ctx->request;
    c = r->connection;
    u = ctx->upload;

    ngx_http_set_log_request(c->log, r);

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ev->timedout = 0;
    ngx_add_timer(ev, ngx_http_glance_upload_lease(r, ctx) / 3);

    if (!glcf->registry_claims) {
        return;
    }

    r->main->count++;

    if (u->reading && !u->ending && !u->paused && r->reading_body
        && ngx_current_msec - u->progress > clcf->client_body_timeout)
    {
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_REQUEST_TIME_OUT,
                                    "No image data came for %M seconds",
                                    clcf->client_body_timeout / 1000);

    } else if (!u->ending && u->beat_call.done
               && u->beat_call.status == NGX_HTTP_NOT_FOUND)
    {
        ngx_http_glance_upload_lost(r, ctx);

    } else if (u->beat_call.done) {
        rc = ngx_http_glance_registry_background(r, ctx, &u->beat_call, "PUT",
                                 ngx_http_glance_upload_claim_path(r, ctx),
                                 ngx_http_glance_upload_renewal(r, ctx));

        if (rc != NGX_OK) {
            ngx_http_glance_finalize(r, ctx, NGX_ERROR);
        }
    }

    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_run_posted_requests(c);
}
