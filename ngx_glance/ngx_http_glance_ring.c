
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_upload.h"


#define NGX_HTTP_GLANCE_RING_ROUNDS  4


static ngx_int_t ngx_http_glance_ring_digests(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_ring_digest_free(void *data);
static ngx_uint_t ngx_http_glance_ring_free_bufs(ngx_http_glance_upload_t *u);
static void ngx_http_glance_ring_hash(void *data);
static void ngx_http_glance_ring_hashed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


ngx_int_t
ngx_http_glance_ring_create(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    u = ctx->upload;

    u->digest_pool = ngx_http_glance_digest_pool_take(r, glcf->digest_pools);
    u->digest_nice = glcf->digest_nice;
    u->nbufs = glcf->upload_buffers.num;
    u->size = glcf->upload_buffers.size;

    u->bufs = ngx_pcalloc(r->pool, u->nbufs * sizeof(u_char *));
    u->lens = ngx_pcalloc(r->pool, u->nbufs * sizeof(size_t));

    if (u->digest_pool == NULL || u->bufs == NULL || u->lens == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_glance_inspect_create(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_glance_ring_digests(r, ctx);
}


static ngx_int_t
ngx_http_glance_ring_digests(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    const char                  *name;
    ngx_uint_t                   i;
    ngx_pool_cleanup_t          *cln;
    ngx_http_glance_lane_t      *lane;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS; i++) {
        lane = &ctx->upload->lanes[i];

        cln = ngx_pool_cleanup_add(r->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        lane->upload = ctx->upload;

        name = (i == NGX_HTTP_GLANCE_MD5)
               ? "md5"
               : (const char *) ngx_http_glance_hashes[glcf->hash].name.data;

        lane->digest = glance_digest_new(name);
        if (lane->digest == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_glance_ring_digest_free;
        cln->data = lane;

        lane->task = ngx_http_glance_task_create(r, ctx,
                                                 ngx_http_glance_ring_hash,
                                                 ngx_http_glance_ring_hashed,
                                                 lane);
        if (lane->task == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_glance_ring_digest_free(void *data)
{
    ngx_http_glance_lane_t *lane = data;

    glance_digest_free(lane->digest);
}


ngx_int_t
ngx_http_glance_ring_take(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    glance_str_t *s)
{
    size_t                     n;
    ngx_int_t                  rc;
    glance_str_t               room;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (s->len) {
        u->progress = ngx_current_msec;
    }

    while (s->len) {

        rc = ngx_http_glance_ring_room(r, ctx, &room);
        if (rc != NGX_OK) {
            return rc;
        }

        n = ngx_min(s->len, room.len);

        if (u->expected >= 0 && (off_t) n > u->expected - u->received) {
            ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_BAD_REQUEST,
                                        "%s is %O, but more bytes of image "
                                        "data were sent",
                                        ctx->route->dialect->size,
                                        u->expected);
            return NGX_ERROR;
        }

        if ((off_t) n > u->cap - u->received) {
            ngx_http_glance_upload_exceeds(r, ctx);
            return NGX_ERROR;
        }

        if (s->data != room.data) {
            ngx_memcpy((u_char *) room.data, s->data, n);
        }

        s->data += n;
        s->len -= n;
        u->fill += n;
        u->received += n;

        if (u->fill == u->size) {
            ngx_http_glance_ring_flush(u);
            ngx_http_glance_ring_work(r, ctx);

            if (u->ending) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* memory comes with the need for it: a slow client costs one buffer */

ngx_int_t
ngx_http_glance_ring_room(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    glance_str_t *room)
{
    u_char                    **slot;
    ngx_http_glance_upload_t   *u;

    u = ctx->upload;

    if (ngx_http_glance_ring_free_bufs(u) == 0) {

        /* a thread that gets further now either sees this or is seen */

        u->waiting = 1;
        ngx_memory_barrier();

        if (ngx_http_glance_ring_free_bufs(u) == 0) {
            return NGX_AGAIN;
        }
    }

    u->waiting = 0;

    slot = &u->bufs[u->filled % u->nbufs];

    if (*slot == NULL) {
        *slot = ngx_pmemalign(r->pool, u->size, NGX_HTTP_GLANCE_ALIGNMENT);
    }

    if (*slot == NULL) {
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    "Out of memory");
        return NGX_ERROR;
    }

    room->data = *slot + u->fill;
    room->len = u->size - u->fill;

    return NGX_OK;
}


/*
 * Others count on meanwhile, so that each count is read once: a reader's
 * before "filled", which never is behind it.
 */

static ngx_uint_t
ngx_http_glance_ring_free_bufs(ngx_http_glance_upload_t *u)
{
    ngx_uint_t  i, n, used;

    n = u->written;
    used = u->filled - n;

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS; i++) {
        n = u->lanes[i].done;
        n = u->filled - n;
        used = ngx_max(used, n);
    }

    return u->nbufs - used;
}


/* what is in the buffer in hand is given to the readers */

void
ngx_http_glance_ring_flush(ngx_http_glance_upload_t *u)
{
    if (u->fill) {
        u->lens[u->filled % u->nbufs] = u->fill;
        ngx_memory_barrier();
        u->filled++;
        u->fill = 0;
    }
}


/* gives what is in the ring to every reader that has nothing to do */

void
ngx_http_glance_ring_work(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_http_glance_lane_t    *lane;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS && !u->ending; i++) {
        lane = &u->lanes[i];

        if (lane->task->busy || lane->done == u->filled) {
            continue;
        }

        if (ngx_http_glance_task_post(r, ctx, u->digest_pool, lane->task)
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


/*
 * In a thread.  It goes on with what comes in meanwhile; the event loop is
 * waked up when there is nothing left, or when it waits and half of the ring
 * is free: to do so for each buffer would cost more than it brings.  After
 * some rounds it is the turn of other uploads, which may wait for the thread.
 */

static void
ngx_http_glance_ring_hash(void *data)
{
    ngx_http_glance_lane_t *lane = data;

    ngx_uint_t                 n, last;
    ngx_http_glance_upload_t  *u;

    u = lane->upload;

    ngx_http_glance_task_nice(u->digest_nice);

    last = lane->done + NGX_HTTP_GLANCE_RING_ROUNDS * u->nbufs;

    for (n = lane->done; n != u->filled && n != last; n++) {
        ngx_memory_barrier();

        if (!glance_digest_update(lane->digest, u->bufs[n % u->nbufs],
                                  u->lens[n % u->nbufs]))
        {
            lane->failed = 1;
            return;
        }

        if (u->inspect && lane == &u->lanes[NGX_HTTP_GLANCE_MD5]) {
            ngx_http_glance_inspect_feed(u->inspect, u->bufs[n % u->nbufs],
                                         u->lens[n % u->nbufs]);
        }

        ngx_memory_barrier();
        lane->done = n + 1;
        ngx_memory_barrier();

        if (u->waiting
            && ngx_http_glance_ring_free_bufs(u) >= (u->nbufs + 1) / 2)
        {
            return;
        }
    }
}


static void
ngx_http_glance_ring_hashed(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_uint_t               i;
    ngx_http_glance_lane_t  *lane;

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS; i++) {
        lane = &ctx->upload->lanes[i];

        if (lane->task->busy) {
            continue;
        }

        if (lane->failed) {
            ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "The checksum cannot be computed");
        }
    }

    ngx_http_glance_upload_go_on(r, ctx);
}


void
ngx_http_glance_ring_written(ngx_http_request_t *r,
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


ngx_uint_t
ngx_http_glance_ring_busy(ngx_http_glance_upload_t *u)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS; i++) {
        if (u->lanes[i].task->busy) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_glance_ring_drained(ngx_http_glance_upload_t *u)
{
    return !u->store_busy && !ngx_http_glance_ring_busy(u)
           && ngx_http_glance_ring_free_bufs(u) == u->nbufs;
}


void
ngx_http_glance_ring_free(ngx_http_request_t *r, ngx_http_glance_upload_t *u)
{
    ngx_uint_t  i;

    for (i = 0; i < u->nbufs; i++) {
        if (u->bufs[i]) {
            (void) ngx_pfree(r->pool, u->bufs[i]);
            u->bufs[i] = NULL;
        }
    }
}
