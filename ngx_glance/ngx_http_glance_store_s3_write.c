
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_s3.h"


static ngx_int_t ngx_http_glance_s3_setup(ngx_http_glance_s3_t *s3,
    off_t size);
static void ngx_http_glance_s3_free(void *data);
static void ngx_http_glance_s3_bucket(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_create_bucket(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_created(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_look(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_looked(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_name(ngx_http_glance_s3_t *s3);
static void ngx_http_glance_s3_ready(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_feed(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_direct(ngx_http_glance_s3_t *s3);
static ngx_int_t ngx_http_glance_s3_gather(ngx_http_glance_s3_t *s3);


ngx_int_t
ngx_http_glance_s3_begin(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, ngx_http_glance_claim_t *claim)
{
    ngx_http_glance_s3_t  *s3;

    s3 = ngx_http_glance_s3_create(r, ctx, h);

    if (s3 == NULL) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    s3->bucket = s3->conf->bucket;
    s3->key = h->image_id;
    s3->claim.data = claim->id;
    s3->claim.len = GLANCE_UUID_LEN;

    if (ngx_http_glance_s3_setup(s3, h->size) != NGX_OK) {
        h->error = "Out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_glance_s3_ask_bucket(s3, "HEAD", NULL);
    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_bucket);

    return ngx_http_glance_s3_run(s3, ngx_http_glance_s3_wait);
}


/*
 * Memory of all parts; of what is sent in them that of the ring, or, of
 * unknown length, a buffer each: so two at a time, as more would cost more.
 */

static ngx_int_t
ngx_http_glance_s3_setup(ngx_http_glance_s3_t *s3, off_t size)
{
    ngx_uint_t           i;
    ngx_pool_t          *pool;
    ngx_pool_cleanup_t  *cln;

    pool = s3->request->pool;

    s3->part_size = s3->conf->large_object_chunk_size;

    if (size > s3->part_size * NGX_HTTP_GLANCE_S3_PARTS) {
        s3->part_size = size / NGX_HTTP_GLANCE_S3_PARTS + 1;
    }

    s3->buffered = (size < 0);
    s3->large = (size > s3->conf->large_object_size);
    s3->nparts = (s3->buffered || s3->large) ? s3->conf->parallel_parts : 1;

    if (s3->buffered) {
        s3->nparts = ngx_min(s3->nparts, 2);
    }

    s3->parts = ngx_pcalloc(pool,
                          s3->nparts * sizeof(ngx_http_glance_s3_part_t));
    if (s3->parts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < s3->nparts; i++) {
        ngx_http_glance_s3_part_init(s3, &s3->parts[i]);

        s3->parts[i].remote = ngx_http_glance_remote_create(s3->request,
                                                  s3->ctx, &s3->parts[i]);
        if (s3->parts[i].remote == NULL) {
            return NGX_ERROR;
        }
    }

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_glance_s3_free;
    cln->data = s3;

    return NGX_OK;
}


static void
ngx_http_glance_s3_free(void *data)
{
    ngx_http_glance_s3_t *s3 = data;

    ngx_uint_t  i;

    for (i = 0; i < s3->nparts; i++) {
        if (s3->parts[i].buffer) {
            ngx_free(s3->parts[i].buffer);
        }
    }
}


static void
ngx_http_glance_s3_bucket(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status / 100 == 2) {
        ngx_http_glance_s3_look(s3);
        return;
    }

    if (status != NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_s3_failed(s3);
        return;
    }

    if (s3->conf->create_bucket) {
        ngx_http_glance_s3_create_bucket(s3);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, s3->request->connection->log, 0,
                  "s3: there is no bucket \"%V\", and "
                  "\"glance_s3_create_bucket\" is off", &s3->bucket);

    s3->handle->error = "The bucket of the store does not exist";
    ngx_http_glance_s3_end(s3, NGX_HTTP_SERVICE_UNAVAILABLE);
}


/* the oldest region is the one that is not named */

static void
ngx_http_glance_s3_create_bucket(ngx_http_glance_s3_t *s3)
{
    u_char     *p;
    ngx_str_t  *region, type;

    region = &s3->account->region;

    ngx_str_set(&type, "application/xml");

    ngx_http_glance_s3_ask_bucket(s3, "PUT", NULL);
    ngx_http_glance_s3_say(&s3->ask, "content-type", &type);

    s3->has_body = 1;
    ngx_str_null(&s3->body);

    if (region->len != sizeof("us-east-1") - 1
        || ngx_strncmp(region->data, "us-east-1", region->len) != 0)
    {
        p = ngx_pnalloc(s3->request->pool, 256 + region->len);
        if (p == NULL) {
            ngx_http_glance_s3_broken(s3);
            return;
        }

        s3->body.data = p;
        s3->body.len = ngx_sprintf(p,
                           "<CreateBucketConfiguration xmlns=\""
                           "http://s3.amazonaws.com/doc/2006-03-01/\">"
                           "<LocationConstraint>%V</LocationConstraint>"
                           "</CreateBucketConfiguration>", region)
                       - p;
        s3->ask.hidden = 1;
    }

    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_created);
}


/* 409: another upload was faster */

static void
ngx_http_glance_s3_created(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status / 100 != 2 && status != NGX_HTTP_CONFLICT) {
        ngx_http_glance_s3_failed(s3);
        return;
    }

    ngx_http_glance_s3_look(s3);
}


static void
ngx_http_glance_s3_look(ngx_http_glance_s3_t *s3)
{
    if (s3->buffered || s3->large) {

        /* this key is ours alone */

        if (ngx_http_glance_s3_name(s3) != NGX_OK) {
            ngx_http_glance_s3_broken(s3);
            return;
        }

        ngx_http_glance_s3_ready(s3);
        return;
    }

    ngx_http_glance_s3_ask(s3, "HEAD", NULL);
    ngx_http_glance_s3_call(s3, ngx_http_glance_s3_looked);
}


static void
ngx_http_glance_s3_looked(ngx_http_glance_s3_t *s3)
{
    ngx_uint_t  status;

    status = s3->remote->status;

    if (status / 100 == 2) {

        /* of an upload that died, perhaps just now: none of our business */

        if (ngx_http_glance_s3_name(s3) != NGX_OK) {
            ngx_http_glance_s3_broken(s3);
            return;
        }

    } else if (status != NGX_HTTP_NOT_FOUND) {
        ngx_http_glance_s3_failed(s3);
        return;
    }

    ngx_http_glance_s3_ready(s3);
}


static ngx_int_t
ngx_http_glance_s3_name(ngx_http_glance_s3_t *s3)
{
    ngx_str_t  *id;

    id = &s3->handle->image_id;

    s3->key.data = ngx_pnalloc(s3->request->pool, id->len + s3->claim.len + 1);
    if (s3->key.data == NULL) {
        return NGX_ERROR;
    }

    s3->key.len = ngx_sprintf(s3->key.data, "%V-%V", id, &s3->claim)
                  - s3->key.data;

    return NGX_OK;
}


static void
ngx_http_glance_s3_ready(ngx_http_glance_s3_t *s3)
{
    if (ngx_http_glance_s3_location(s3, &s3->handle->location) != NGX_OK) {
        ngx_http_glance_s3_broken(s3);
        return;
    }

    s3->handle->traced = 1;

    ngx_http_glance_s3_end(s3, NGX_OK);
}


ngx_int_t
ngx_http_glance_s3_write(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_handle_t *h, u_char *data, size_t len)
{
    ngx_http_glance_s3_t  *s3;

    s3 = h->data;

    s3->data = data;
    s3->len = len;

    return ngx_http_glance_s3_run(s3, ngx_http_glance_s3_feed);
}


static ngx_int_t
ngx_http_glance_s3_feed(ngx_http_glance_s3_t *s3)
{
    if (s3->rc != NGX_OK) {
        return s3->rc;
    }

    if (s3->sending) {
        return NGX_AGAIN;
    }

    if (s3->len == 0) {
        return NGX_OK;
    }

    return s3->buffered ? ngx_http_glance_s3_gather(s3)
                        : ngx_http_glance_s3_direct(s3);
}


/*
 * An object is there with its last byte, as S3 wants to know its length
 * before: this byte waits for commit(), when the claim was found to be still
 * ours.
 */

static ngx_int_t
ngx_http_glance_s3_direct(ngx_http_glance_s3_t *s3)
{
    size_t      n;
    u_char     *p;
    ngx_int_t   rc;

    rc = ngx_http_glance_s3_part(s3);

    if (rc != NGX_OK) {
        return rc;
    }

    p = s3->data;
    n = (size_t) ngx_min((off_t) s3->len, s3->part->left);

    s3->data += n;
    s3->len -= n;

    if (!s3->large && (off_t) n == s3->part->left) {
        n--;
        s3->tail = p[n];
        s3->has_tail = 1;
    }

    return n ? ngx_http_glance_s3_push(s3, p, n) : NGX_OK;
}


/* a part has to be complete before its length is known */

static ngx_int_t
ngx_http_glance_s3_gather(ngx_http_glance_s3_t *s3)
{
    size_t     n;
    ngx_int_t  rc;

    for ( ;; ) {

        rc = ngx_http_glance_s3_room(s3);

        if (rc != NGX_OK) {
            return rc;
        }

        n = (size_t) ngx_min((off_t) s3->len,
                             s3->part_size - (off_t) s3->fill);

        ngx_memcpy(s3->part->buffer + s3->fill, s3->data, n);

        s3->fill += n;
        s3->data += n;
        s3->len -= n;

        if (s3->len == 0) {
            return NGX_OK;
        }

        s3->large = 1;

        rc = ngx_http_glance_s3_launch(s3);

        if (rc != NGX_OK) {
            return rc;
        }
    }
}
