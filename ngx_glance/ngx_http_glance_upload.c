
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_upload.h"


static ngx_int_t ngx_http_glance_upload_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_upload_digests(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_upload_multipart(ngx_http_request_t *r,
    ngx_http_glance_upload_t *u);
static void ngx_http_glance_upload_digest_free(void *data);
static void ngx_http_glance_upload_cleanup(void *data);
static void ngx_http_glance_upload_begun(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_upload_unread(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_upload_body(ngx_http_request_t *r);
static void ngx_http_glance_upload_read(ngx_http_request_t *r);
static void ngx_http_glance_upload_pump(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_upload_drain(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_upload_content(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_buf_t *b);
static ngx_int_t ngx_http_glance_upload_take(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, glance_str_t *s);
static u_char *ngx_http_glance_upload_slot(ngx_http_request_t *r,
    ngx_http_glance_upload_t *u);
static void ngx_http_glance_upload_eof(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_work(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_hash(void *data);
static void ngx_http_glance_upload_hashed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_written(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_upload_go_on(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_upload_beat(ngx_event_t *ev);


static const char  *ngx_http_glance_digest_names[] = { "md5", "sha512" };


void
ngx_http_glance_upload(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    off_t size, ngx_str_t *checksum, ngx_http_glance_step_pt next)
{
    ngx_int_t                  rc;
    ngx_http_glance_upload_t  *u;

    if (ngx_http_glance_upload_create(r, ctx) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->connection->log->action = "uploading image to store";

    u = ctx->upload;

    u->expected = size;
    u->checksum = *checksum;
    u->next = next;

    u->started = ngx_current_msec;
    u->progress = ngx_current_msec;

    /* the store may be slow from its first call on: the lease runs already */

    ngx_add_timer(&u->beat, ngx_http_glance_upload_lease(r, ctx) / 3);

    rc = ctx->store->begin(r, ctx, u->handle, ctx->claim);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_upload_begun(r, ctx, rc);
    }
}


static ngx_int_t
ngx_http_glance_upload_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_cleanup_t          *cln;
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    u = ngx_pcalloc(r->pool, sizeof(ngx_http_glance_upload_t));
    if (u == NULL) {
        return NGX_ERROR;
    }

    u->nbufs = glcf->upload_buffers.num;
    u->size = glcf->upload_buffers.size;
    u->beat_call.done = 1;

    u->bufs = ngx_pcalloc(r->pool, u->nbufs * sizeof(u_char *));
    u->lens = ngx_pcalloc(r->pool, u->nbufs * sizeof(size_t));

    if (u->bufs == NULL || u->lens == NULL) {
        return NGX_ERROR;
    }

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

    if (ngx_http_glance_upload_digests(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_glance_upload_multipart(r, u);
}


static ngx_int_t
ngx_http_glance_upload_digests(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_uint_t               i;
    ngx_pool_cleanup_t      *cln;
    ngx_http_glance_lane_t  *lane;

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS; i++) {
        lane = &ctx->upload->lanes[i];

        cln = ngx_pool_cleanup_add(r->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        lane->upload = ctx->upload;

        lane->digest = glance_digest_new(ngx_http_glance_digest_names[i]);
        if (lane->digest == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_glance_upload_digest_free;
        cln->data = lane;

        lane->task = ngx_http_glance_task_create(r, ctx,
                                                 ngx_http_glance_upload_hash,
                                                 ngx_http_glance_upload_hashed,
                                                 lane);
        if (lane->task == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
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
ngx_http_glance_upload_digest_free(void *data)
{
    ngx_http_glance_lane_t *lane = data;

    glance_digest_free(lane->digest);
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


/* "100 Continue" goes out here, when nothing speaks against the body */

static void
ngx_http_glance_upload_begun(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (u->status) {
        /* the claim was lost meanwhile */
        ngx_http_glance_upload_undo(r, ctx);
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_glance_upload_fail(r, ctx, rc, "%s", u->handle->error);
        return;
    }

    u->handle->done = ngx_http_glance_upload_written;
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
    ngx_event_t               *rev;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;
    rev = r->connection->read;

    for ( ;; ) {

        rc = ngx_http_glance_upload_drain(r, ctx);

        ngx_http_glance_upload_work(r, ctx);

        if (rc == NGX_ERROR || u->ending) {
            return;
        }

        if (rc == NGX_AGAIN) {
            u->paused = 1;

            /* we are the slow side: no timeout for the client */

            if (rev->timer_set) {
                ngx_del_timer(rev);
            }

            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_http_glance_upload_fail(r, ctx,
                                            NGX_HTTP_INTERNAL_SERVER_ERROR,
                                            "The image data cannot be read");
            }

            return;
        }

        if (!r->reading_body) {
            ngx_http_glance_upload_eof(r, ctx);
            return;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_glance_upload_unread(r, ctx, rc);
            return;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }
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
            rc = ngx_http_glance_upload_take(r, ctx, &in);
            b->pos = (u_char *) in.data;
            return rc;
        }

        /* what the multipart reader has yielded comes first */

        rc = ngx_http_glance_upload_take(r, ctx, &u->content);
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


/* copies as much of s as there is room for, and moves s forward */

static ngx_int_t
ngx_http_glance_upload_take(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    glance_str_t *s)
{
    size_t                       n;
    u_char                      *slot;
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    u = ctx->upload;
    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (s->len) {
        u->progress = ngx_current_msec;
    }

    while (s->len) {

        if (u->filled - u->written >= u->nbufs
            || u->filled - u->lanes[NGX_HTTP_GLANCE_MD5].done >= u->nbufs
            || u->filled - u->lanes[NGX_HTTP_GLANCE_SHA512].done >= u->nbufs)
        {
            return NGX_AGAIN;
        }

        slot = ngx_http_glance_upload_slot(r, u);
        if (slot == NULL) {
            ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "Out of memory");
            return NGX_ERROR;
        }

        n = ngx_min(s->len, u->size - u->fill);

        if (u->expected >= 0 && (off_t) n > u->expected - u->received) {
            ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_BAD_REQUEST,
                                        "x-image-meta-size is %O, but more "
                                        "bytes of image data were sent",
                                        u->expected);
            return NGX_ERROR;
        }

        if ((off_t) n > glcf->image_size_cap - u->received) {
            ngx_http_glance_upload_fail(r, ctx,
                                        NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        "The image data exceed the limit of "
                                        "%O bytes", glcf->image_size_cap);
            return NGX_ERROR;
        }

        ngx_memcpy(slot + u->fill, s->data, n);

        s->data += n;
        s->len -= n;
        u->fill += n;
        u->received += n;

        if (u->fill == u->size) {
            u->lens[u->filled % u->nbufs] = u->fill;
            u->filled++;
            u->fill = 0;

            ngx_http_glance_upload_work(r, ctx);

            if (u->ending) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* memory comes with the need for it: a slow client costs one buffer */

static u_char *
ngx_http_glance_upload_slot(ngx_http_request_t *r,
    ngx_http_glance_upload_t *u)
{
    ngx_uint_t  i;

    i = u->filled % u->nbufs;

    if (u->bufs[i] == NULL) {
        u->bufs[i] = ngx_palloc(r->pool, u->size);
    }

    return u->bufs[i];
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
                                    "x-image-meta-size is %O, but %O bytes of "
                                    "image data were sent",
                                    u->expected, u->received);
        return;
    }

    if (u->fill) {
        u->lens[u->filled % u->nbufs] = u->fill;
        u->filled++;
        u->fill = 0;
    }

    u->eof = 1;

    ngx_http_glance_upload_go_on(r, ctx);
}


/* gives what is in the ring to every reader that has nothing to do */

static void
ngx_http_glance_upload_work(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_glance_lane_t      *lane;
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    u = ctx->upload;
    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS && !u->ending; i++) {
        lane = &u->lanes[i];

        if (lane->task->busy || lane->done == u->filled) {
            continue;
        }

        lane->upto = u->filled;

        if (ngx_http_glance_task_post(r, ctx, glcf->thread_pool, lane->task)
            != NGX_OK)
        {
            ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                        "The server is overloaded");
            return;
        }
    }

    while (!u->store_busy && !u->ending && u->written < u->filled) {

        i = u->written % u->nbufs;

        rc = ctx->store->write(r, ctx, u->handle, u->bufs[i], u->lens[i]);

        if (rc == NGX_AGAIN) {
            u->store_busy = 1;
            return;
        }

        if (rc != NGX_OK) {
            ngx_http_glance_upload_fail(r, ctx, rc, "%s", u->handle->error);
            return;
        }

        u->written++;
    }
}


static void
ngx_http_glance_upload_hash(void *data)
{
    ngx_http_glance_lane_t *lane = data;

    uint64_t                   n;
    ngx_http_glance_upload_t  *u;

    u = lane->upload;

    for (n = lane->done; n < lane->upto; n++) {
        if (!glance_digest_update(lane->digest, u->bufs[n % u->nbufs],
                                  u->lens[n % u->nbufs]))
        {
            lane->failed = 1;
            return;
        }
    }
}


static void
ngx_http_glance_upload_hashed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_uint_t               i;
    ngx_http_glance_lane_t  *lane;

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS; i++) {
        lane = &ctx->upload->lanes[i];

        if (lane->task->busy) {
            continue;
        }

        lane->done = lane->upto;

        if (lane->failed) {
            ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "The checksum cannot be computed");
        }
    }

    ngx_http_glance_upload_go_on(r, ctx);
}


static void
ngx_http_glance_upload_written(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    u->store_busy = 0;

    if (rc == NGX_OK) {
        u->written++;

    } else {
        ngx_http_glance_upload_fail(r, ctx, rc, "%s", u->handle->error);
    }

    ngx_http_glance_upload_go_on(r, ctx);
}


/* a reader has got further: refill, finish, or undo when all stand still */

static void
ngx_http_glance_upload_go_on(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_uint_t                 i;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (u->status) {
        ngx_http_glance_upload_undo(r, ctx);
        return;
    }

    if (u->ending) {
        return;
    }

    ngx_http_glance_upload_work(r, ctx);

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

    if (u->store_busy || u->written < u->filled) {
        return;
    }

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS; i++) {
        if (u->lanes[i].task->busy || u->lanes[i].done < u->filled) {
            return;
        }
    }

    /* every reader is through: the ring is not needed any more */

    for (i = 0; i < u->nbufs; i++) {
        if (u->bufs[i]) {
            (void) ngx_pfree(r->pool, u->bufs[i]);
            u->bufs[i] = NULL;
        }
    }

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
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_CONFLICT,
                                    "The image was deleted or given up during "
                                    "the upload");

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
