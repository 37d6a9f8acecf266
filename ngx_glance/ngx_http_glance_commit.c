
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_upload.h"


#define NGX_HTTP_GLANCE_RETRY  1000     /* ms */


static ngx_int_t ngx_http_glance_commit_digests(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_fence(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_fenced(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_store(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_stored(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_commit_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_recorded(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_ask(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_unknown(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_forgotten(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_commit_untraced(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_commit_retry(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_step_pt step);
static void ngx_http_glance_commit_timer(ngx_event_t *ev);
static ngx_uint_t ngx_http_glance_call_failed(ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_undo_aborted(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_glance_undo_marked(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/*
 * All bytes are in the store's hands and hashed: the second half of the
 * promise.  Claim still ours?  Data durable and visible.  One compare-and-set
 * in the registry.  Only then the answer; undone in reverse on any failure.
 */

void
ngx_http_glance_upload_commit(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t                   *md5;
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    r->connection->log->action = "committing image";

    u = ctx->upload;
    u->deadline = ngx_current_msec + glcf->commit_timeout;

    if (ngx_http_glance_commit_digests(r, ctx) != NGX_OK) {
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    "The checksum cannot be computed");
        return;
    }

    md5 = &u->digest[NGX_HTTP_GLANCE_MD5];

    if (u->checksum.len
        && (u->checksum.len != md5->len
            || ngx_strncasecmp(u->checksum.data, md5->data, md5->len) != 0))
    {
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_BAD_REQUEST,
                                    "x-image-meta-checksum is %V, but the MD5 "
                                    "of the image data is %V",
                                    &u->checksum, md5);
        return;
    }

    if (!ngx_http_glance_inspect_accept(r, ctx)) {
        return;
    }

    if (glcf->registry_claims) {
        ngx_http_glance_commit_fence(r, ctx);
        return;
    }

    ngx_http_glance_commit_store(r, ctx);
}


static ngx_int_t
ngx_http_glance_commit_digests(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    size_t                     len;
    u_char                    *p;
    ngx_uint_t                 i;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    for (i = 0; i < NGX_HTTP_GLANCE_DIGESTS; i++) {

        p = ngx_pnalloc(r->pool, GLANCE_DIGEST_HEX_MAX);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (!glance_digest_hex(u->lanes[i].digest, p, &len)) {
            return NGX_ERROR;
        }

        u->digest[i].data = p;
        u->digest[i].len = len;
    }

    return NGX_OK;
}


ngx_str_t *
ngx_http_glance_upload_claim_path(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    u->claim_path.data = u->claim_name;
    u->claim_path.len = ngx_sprintf(u->claim_name, "/claims/%*s",
                                    (size_t) GLANCE_UUID_LEN, ctx->claim->id)
                        - u->claim_name;

    return &u->claim_path;
}


/*
 * The lease to ask for, ms.  Every renewal costs the request some memory, so
 * very long uploads renew less often: memory grows with the logarithm of time.
 */

ngx_msec_t
ngx_http_glance_upload_lease(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_msec_t                   lease, elapsed;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    lease = glcf->lease;
    elapsed = ngx_current_msec - ctx->upload->started;

    if (elapsed > NGX_HTTP_GLANCE_LONG_UPLOAD) {
        elapsed -= NGX_HTTP_GLANCE_LONG_UPLOAD;
        lease = ngx_max(lease, ngx_min(elapsed / 20,
                                       NGX_HTTP_GLANCE_LEASE_MAX));
    }

    return lease;
}


/* new reference */

json_t *
ngx_http_glance_upload_renewal(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_msec_t  lease;

    lease = ngx_http_glance_upload_lease(r, ctx);

    return json_pack("{s:I}", "lease", (json_int_t) (lease / 1000));
}


/*
 * A lease that is fresh now keeps others away while the data get their final
 * name; an uploader that was cut off for long stops here.
 */

static void
ngx_http_glance_commit_fence(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_call(r, ctx, "PUT",
                                  ngx_http_glance_upload_claim_path(r, ctx),
                                  NULL, ngx_http_glance_upload_renewal(r, ctx),
                                  ngx_http_glance_commit_fenced);
}


static void
ngx_http_glance_commit_fenced(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ctx->call.status == NGX_HTTP_OK) {
        ngx_http_glance_commit_store(r, ctx);
        return;
    }

    if (ngx_http_glance_call_failed(ctx)) {

        if ((ngx_msec_int_t) (ctx->upload->deadline - ngx_current_msec) > 0) {
            ngx_http_glance_commit_retry(r, ctx, ngx_http_glance_commit_fence);
            return;
        }

        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "The registry is not available");
        return;
    }

    ngx_http_glance_upload_lost(r, ctx);
}


/* nobody holds the image for us any more */

void
ngx_http_glance_upload_lost(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_upload_fail(r, ctx, ctx->route->dialect->gone,
                                "Image %V could not be found after upload. It "
                                "was deleted or given up during the upload.",
                                &ctx->image.id);
}


static void
ngx_http_glance_commit_store(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    u->handle->checksum = u->digest[NGX_HTTP_GLANCE_MD5];
    u->handle->done = ngx_http_glance_commit_stored;

    rc = ctx->store->commit(r, ctx, u->handle);

    if (rc == NGX_AGAIN) {
        u->store_busy = 1;
        return;
    }

    ngx_http_glance_commit_stored(r, ctx, rc);
}


static void
ngx_http_glance_commit_stored(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    u->store_busy = 0;

    if (rc != NGX_OK) {
        ngx_http_glance_upload_fail(r, ctx, rc, "%s", u->handle->error);
        return;
    }

    ngx_http_glance_commit_record(r, ctx);
}


/* from now on the image may be on record, whatever becomes of this request */

static void
ngx_http_glance_commit_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    json_t                      *body, *location;
    ngx_str_t                   *md5, *hash, *url;
    ngx_http_glance_upload_t    *u;
    ngx_http_glance_loc_conf_t  *glcf;

    u = ctx->upload;
    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    md5 = &u->digest[NGX_HTTP_GLANCE_MD5];
    hash = &u->digest[NGX_HTTP_GLANCE_HASH];
    url = &u->handle->location;

    location = json_pack("[{s:s%, s:{}, s:s}]",
                         "url", url->data, url->len,
                         "metadata", "status", "active");

    body = json_pack("{s:{s:s, s:I, s:s%, s:s, s:s%, s:s%, s:o}, s:s}",
                     "image",
                     "status", "active",
                     "size", (json_int_t) u->received,
                     "checksum", md5->data, md5->len,
                     "os_hash_algo", ngx_http_glance_hashes[glcf->hash]
                                     .name.data,
                     "os_hash_value", hash->data, hash->len,
                     "location", url->data, url->len,
                     "location_data", location,
                     "from_state", "saving");

    if (body == NULL
        || (u->virtual_size > 0
            && json_object_set_new(json_object_get(body, "image"),
                                   "virtual_size",
                                   json_integer(u->virtual_size)) != 0))
    {
        json_decref(body);
        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                    "Out of memory");
        return;
    }

    ctx->store->keep(u->handle);

    ngx_http_glance_registry_image(r, ctx, "PUT", &ctx->image.id, body,
                                   ngx_http_glance_commit_recorded);
}


static void
ngx_http_glance_commit_recorded(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    if (ctx->call.status == NGX_HTTP_OK) {

        if (ngx_http_glance_record_parse(r, ctx) == NGX_OK) {
            ngx_http_glance_commit_done(r, ctx);
            return;
        }

        ctx->call.status = NGX_HTTP_BAD_GATEWAY;
    }

    if (ngx_http_glance_call_failed(ctx)) {

        /* it may have been done all the same; doing it twice is harmless */

        if ((ngx_msec_int_t) (ctx->upload->deadline - ngx_current_msec) > 0) {
            ngx_http_glance_commit_retry(r, ctx,
                                         ngx_http_glance_commit_record);
            return;
        }

        ngx_http_glance_commit_unknown(r, ctx);
        return;
    }

    if (ctx->call.status == NGX_HTTP_CONFLICT
        || ctx->call.status == NGX_HTTP_NOT_FOUND)
    {
        ngx_http_glance_commit_ask(r, ctx);
        return;
    }

    ngx_http_glance_upload_fail(r, ctx, ctx->call.status, "%V",
                                &ctx->call.body);
}


/* refused: because an earlier try was done, or because we lost the image? */

static void
ngx_http_glance_commit_ask(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image.id, NULL,
                                   ngx_http_glance_commit_answer);
}


static void
ngx_http_glance_commit_answer(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t                  *md5;
    ngx_uint_t                  told;
    ngx_http_glance_image_t     image;
    ngx_http_glance_upload_t   *u;

    u = ctx->upload;
    md5 = &u->digest[NGX_HTTP_GLANCE_MD5];
    image = ctx->image;

    told = (ctx->call.status == NGX_HTTP_OK
            && ngx_http_glance_record_parse(r, ctx) == NGX_OK);

    /* only a 404 says that the image is gone, no record that is garbled */

    if (ngx_http_glance_call_failed(ctx)
        || (ctx->call.status == NGX_HTTP_OK && !told))
    {
        ctx->image = image;

        if ((ngx_msec_int_t) (u->deadline - ngx_current_msec) > 0) {
            ngx_http_glance_commit_retry(r, ctx, ngx_http_glance_commit_ask);
            return;
        }

        ngx_http_glance_commit_unknown(r, ctx);
        return;
    }

    if (told) {
        if (ctx->image.status == GLANCE_STATUS_ACTIVE
            && ctx->image.size == u->received
            && ctx->image.checksum.len == md5->len
            && ngx_strncmp(ctx->image.checksum.data, md5->data, md5->len) == 0
            && ctx->image.location.len == u->handle->location.len
            && ngx_strncmp(ctx->image.location.data,
                           u->handle->location.data,
                           u->handle->location.len) == 0)
        {
            ngx_http_glance_commit_done(r, ctx);
            return;
        }

        ctx->image = image;

        ngx_http_glance_upload_fail(r, ctx, NGX_HTTP_CONFLICT,
                                    "Another request changed the image "
                                    "during the upload");
        return;
    }

    ngx_http_glance_upload_fail(r, ctx, ctx->route->dialect->gone,
                                "Image %V could not be found after upload. "
                                "The image was deleted during the upload",
                                &ctx->image.id);
}


/* neither kept nor given up: the lease is not renewed, so a sweep decides */

static void
ngx_http_glance_commit_unknown(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "the outcome of committing image \"%V\" is unknown, "
                  "its data stay until a sweep decides",
                  &ctx->image.id);

    ngx_http_glance_upload_stop(ctx->upload);

    ngx_http_glance_fault(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                          "The registry is not available");
}


static void
ngx_http_glance_commit_done(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    ctx->claim = NULL;

    ngx_http_glance_upload_stop(u);

    u->handle->done = ngx_http_glance_commit_forgotten;

    rc = ctx->store->forget(r, ctx, u->handle);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_commit_forgotten(r, ctx, rc);
    }
}


/* a trace that stayed is found by the next sweep */

static void
ngx_http_glance_commit_forgotten(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    json_t                    *body;
    ngx_http_glance_handle_t  *h;

    h = ctx->upload->handle;

    if (h->trace.len == 0) {
        ctx->upload->next(r, ctx);
        return;
    }

    body = json_pack("{s:s%}", "url", h->trace.data, h->trace.len);

    ngx_http_glance_registry_path(r, ctx, "DELETE", NULL, body,
                                  ngx_http_glance_commit_untraced,
                                  "/removals/%V", &h->image_id);
}


static void
ngx_http_glance_commit_untraced(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ctx->upload->next(r, ctx);
}


static void
ngx_http_glance_commit_retry(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_step_pt step)
{
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    u->retry.handler = ngx_http_glance_commit_timer;
    u->retry.data = ctx;
    u->retry.log = r->connection->log;
    u->retry_step = step;

    ngx_add_timer(&u->retry, NGX_HTTP_GLANCE_RETRY);
}


static void
ngx_http_glance_commit_timer(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_glance_ctx_t  *ctx;

    ctx = ev->data;
    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ev->timedout = 0;

    ctx->upload->retry_step(r, ctx);

    ngx_http_run_posted_requests(c);
}


/* no answer, or one that says nothing about the image */

static ngx_uint_t
ngx_http_glance_call_failed(ngx_http_glance_ctx_t *ctx)
{
    return ctx->call.status >= NGX_HTTP_INTERNAL_SERVER_ERROR
           || ctx->call.status == NGX_HTTP_UNAUTHORIZED
           || ctx->call.status == NGX_HTTP_REQUEST_TIME_OUT
           || ctx->call.status == NGX_HTTP_CLIENT_CLOSED_REQUEST;
}


/*
 * The first failure counts.  What was begun is undone when no thread and no
 * store call works for this upload any more.
 */

void ngx_cdecl
ngx_http_glance_upload_fail(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status, const char *fmt, ...)
{
    u_char                    *p;
    va_list                    args;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (u->status) {
        return;
    }

    u->status = status;
    u->ending = 1;

    p = ngx_pnalloc(r->pool, 512);

    if (p) {
        va_start(args, fmt);
        u->error.data = p;
        u->error.len = ngx_vslprintf(p, p + 512, fmt, args) - p;
        va_end(args);
    }

    /* nothing more is read of this body */

    r->read_event_handler = ngx_http_block_reading;

    if (r->connection->read->timer_set) {
        ngx_del_timer(r->connection->read);
    }

    /*
     * nginx ends a request at once whose connection has failed; the registry
     * has to be told before that
     */

    r->connection->error = 0;

    ngx_http_glance_upload_undo(r, ctx);
}


void
ngx_http_glance_upload_undo(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (u->undoing || u->store_busy || ngx_http_glance_ring_busy(u)) {
        return;
    }

    u->undoing = 1;

    u->handle->done = ngx_http_glance_undo_aborted;

    rc = ctx->store->abort(r, ctx, u->handle);

    if (rc != NGX_AGAIN) {
        ngx_http_glance_undo_aborted(r, ctx, rc);
    }
}


static void
ngx_http_glance_undo_aborted(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc)
{
    json_t  *body;

    body = json_pack("{s:{s:s}, s:s}", "image", "status",
                     ctx->claim->on_expire, "from_state", "saving");

    ngx_http_glance_registry_image(r, ctx, "PUT", &ctx->image.id, body,
                                   ngx_http_glance_undo_marked);
}


static void
ngx_http_glance_undo_marked(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_upload_t  *u;

    u = ctx->upload;

    if (ctx->call.status != NGX_HTTP_OK) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "registry answered %ui when image \"%V\" was to become "
                      "%s; its lease will end it",
                      ctx->call.status, &ctx->image.id,
                      ctx->claim->on_expire);
    }

    ctx->claim = NULL;

    ngx_http_glance_upload_stop(u);

    if (u->gone) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client closed the connection, %V", &u->error);

        r->connection->error = 1;
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_CLIENT_CLOSED_REQUEST);
        return;
    }

    if (r->reading_body) {
        r->keepalive = 0;
    }

    ngx_http_glance_fault(r, ctx, u->status, "%V", &u->error);
}
