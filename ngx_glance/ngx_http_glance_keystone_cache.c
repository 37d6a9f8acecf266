
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_keystone.h"


/* how long whoever looks for a value is believed to be at it */
#define NGX_HTTP_GLANCE_CACHE_CLAIM  20000

/* seconds until an old value that could not be renewed is tried again */
#define NGX_HTTP_GLANCE_CACHE_RETRY  5


typedef struct {
    ngx_rbtree_t                        rbtree;
    ngx_rbtree_node_t                   sentinel;
    ngx_queue_t                         queue;  /* the latest used first */
} ngx_http_glance_keystone_shared_t;


typedef struct {
    ngx_http_glance_keystone_shared_t  *shared;
    ngx_slab_pool_t                    *shpool;
} ngx_http_glance_keystone_zone_t;


typedef struct {
    ngx_rbtree_node_t                   node;
    ngx_queue_t                         queue;

    u_char                              key[NGX_HTTP_GLANCE_KEY_LEN];

    time_t                              expires;
    time_t                              refresh;
    ngx_msec_t                          claim;  /* until then */
    ngx_msec_t                          failed;

    size_t                              len;
    unsigned                            known:1;
    unsigned                            claimed:1;
    unsigned                            has_failed:1;
    u_char                              data[1];
} ngx_http_glance_keystone_node_t;


static ngx_int_t ngx_http_glance_keystone_cache_init(ngx_shm_zone_t *zone,
    void *data);
static void ngx_http_glance_keystone_cache_order(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_http_glance_keystone_node_t *ngx_http_glance_keystone_cache_find(
    ngx_http_glance_keystone_zone_t *z, u_char *key);
static ngx_http_glance_keystone_node_t *ngx_http_glance_keystone_cache_insert(
    ngx_http_glance_keystone_zone_t *z, u_char *key, size_t len);
static void ngx_http_glance_keystone_cache_evict(
    ngx_http_glance_keystone_zone_t *z, ngx_uint_t force);
static void ngx_http_glance_keystone_cache_delete(
    ngx_http_glance_keystone_zone_t *z,
    ngx_http_glance_keystone_node_t *node);
static ngx_rbtree_key_t ngx_http_glance_keystone_cache_hash(u_char *key);


ngx_int_t
ngx_http_glance_keystone_cache_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size, ngx_shm_zone_t **zone)
{
    *zone = ngx_shared_memory_add(cf, name, size, &ngx_http_glance_module);
    if (*zone == NULL) {
        return NGX_ERROR;
    }

    if ((*zone)->data) {
        return NGX_OK;
    }

    (*zone)->data = ngx_pcalloc(cf->pool,
                                sizeof(ngx_http_glance_keystone_zone_t));
    if ((*zone)->data == NULL) {
        return NGX_ERROR;
    }

    (*zone)->init = ngx_http_glance_keystone_cache_init;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_keystone_cache_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_glance_keystone_zone_t *old = data;

    ngx_http_glance_keystone_zone_t  *z;

    z = zone->data;
    z->shpool = (ngx_slab_pool_t *) zone->shm.addr;

    /* a full zone is no error here */
    z->shpool->log_nomem = 0;

    if (old) {
        z->shared = old->shared;
        return NGX_OK;
    }

    if (zone->shm.exists) {
        z->shared = z->shpool->data;
        return NGX_OK;
    }

    z->shared = ngx_slab_alloc(z->shpool,
                               sizeof(ngx_http_glance_keystone_shared_t));
    if (z->shared == NULL) {
        return NGX_ERROR;
    }

    z->shpool->data = z->shared;

    ngx_rbtree_init(&z->shared->rbtree, &z->shared->sentinel,
                    ngx_http_glance_keystone_cache_order);
    ngx_queue_init(&z->shared->queue);

    return NGX_OK;
}


ngx_int_t
ngx_http_glance_keystone_cache_get(ngx_shm_zone_t *zone, u_char *key,
    ngx_msec_t since, ngx_pool_t *pool, ngx_str_t *value)
{
    size_t                            len;
    time_t                            now;
    ngx_int_t                         rc;
    ngx_uint_t                        busy;
    ngx_http_glance_keystone_zone_t  *z;
    ngx_http_glance_keystone_node_t  *node;
    u_char                            copy[NGX_HTTP_GLANCE_VALUE_MAX];

    ngx_str_null(value);

    z = zone->data;
    now = ngx_time();
    len = 0;

    ngx_shmtx_lock(&z->shpool->mutex);

    node = ngx_http_glance_keystone_cache_find(z, key);

    if (node == NULL) {
        node = ngx_http_glance_keystone_cache_insert(z, key, 0);
        busy = 0;

    } else {
        ngx_queue_remove(&node->queue);
        ngx_queue_insert_head(&z->shared->queue, &node->queue);

        busy = node->claimed
               && (ngx_msec_int_t) (node->claim - ngx_current_msec) > 0;
    }

    rc = NGX_DECLINED;

    if (node && node->known && now < node->expires) {
        len = node->len;
        ngx_memcpy(copy, node->data, len);

        if (busy || now < node->refresh) {
            rc = NGX_OK;
        }

    } else if (busy) {
        rc = NGX_BUSY;

    } else if (node && node->has_failed && since
               && (ngx_msec_int_t) (node->failed - since) >= 0)
    {
        rc = NGX_ABORT;
    }

    if (node && rc == NGX_DECLINED) {
        node->claimed = 1;
        node->claim = ngx_current_msec + NGX_HTTP_GLANCE_CACHE_CLAIM;
    }

    ngx_shmtx_unlock(&z->shpool->mutex);

    if (len == 0) {
        return rc;
    }

    value->data = ngx_pnalloc(pool, len);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value->data, copy, len);
    value->len = len;

    return rc;
}


void
ngx_http_glance_keystone_cache_put(ngx_shm_zone_t *zone, u_char *key,
    ngx_str_t *value, time_t expires, time_t refresh)
{
    ngx_http_glance_keystone_zone_t  *z;
    ngx_http_glance_keystone_node_t  *node;

    z = zone->data;

    ngx_shmtx_lock(&z->shpool->mutex);

    node = ngx_http_glance_keystone_cache_find(z, key);

    if (node) {
        ngx_http_glance_keystone_cache_delete(z, node);
    }

    node = (value->len <= NGX_HTTP_GLANCE_VALUE_MAX)
           ? ngx_http_glance_keystone_cache_insert(z, key, value->len)
           : NULL;

    if (node) {
        ngx_memcpy(node->data, value->data, value->len);

        node->known = 1;
        node->expires = expires;
        node->refresh = refresh;
    }

    ngx_shmtx_unlock(&z->shpool->mutex);
}


void
ngx_http_glance_keystone_cache_release(ngx_shm_zone_t *zone, u_char *key,
    ngx_uint_t failed)
{
    ngx_http_glance_keystone_zone_t  *z;
    ngx_http_glance_keystone_node_t  *node;

    z = zone->data;

    ngx_shmtx_lock(&z->shpool->mutex);

    node = ngx_http_glance_keystone_cache_find(z, key);

    if (node) {
        node->claimed = 0;

        if (failed) {
            node->refresh = ngx_time() + NGX_HTTP_GLANCE_CACHE_RETRY;
            node->failed = ngx_current_msec;
            node->has_failed = 1;
        }
    }

    ngx_shmtx_unlock(&z->shpool->mutex);
}


void
ngx_http_glance_keystone_cache_drop(ngx_shm_zone_t *zone, u_char *key,
    ngx_str_t *value)
{
    ngx_http_glance_keystone_zone_t  *z;
    ngx_http_glance_keystone_node_t  *node;

    z = zone->data;

    ngx_shmtx_lock(&z->shpool->mutex);

    node = ngx_http_glance_keystone_cache_find(z, key);

    if (node && node->known && node->len == value->len
        && ngx_memcmp(node->data, value->data, value->len) == 0)
    {
        node->known = 0;
    }

    ngx_shmtx_unlock(&z->shpool->mutex);
}


static void
ngx_http_glance_keystone_cache_order(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t                **p;
    ngx_http_glance_keystone_node_t   *a, *b;

    for ( ;; ) {

        if (node->key != temp->key) {
            p = (node->key < temp->key) ? &temp->left : &temp->right;

        } else {
            a = (ngx_http_glance_keystone_node_t *) node;
            b = (ngx_http_glance_keystone_node_t *) temp;

            p = (ngx_memcmp(a->key, b->key, NGX_HTTP_GLANCE_KEY_LEN) < 0)
                ? &temp->left : &temp->right;
        }

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


static ngx_http_glance_keystone_node_t *
ngx_http_glance_keystone_cache_find(ngx_http_glance_keystone_zone_t *z,
    u_char *key)
{
    ngx_int_t                         rc;
    ngx_rbtree_key_t                  hash;
    ngx_rbtree_node_t                *node, *sentinel;
    ngx_http_glance_keystone_node_t  *found;

    hash = ngx_http_glance_keystone_cache_hash(key);

    node = z->shared->rbtree.root;
    sentinel = z->shared->rbtree.sentinel;

    while (node != sentinel) {

        if (hash != node->key) {
            node = (hash < node->key) ? node->left : node->right;
            continue;
        }

        found = (ngx_http_glance_keystone_node_t *) node;

        rc = ngx_memcmp(key, found->key, NGX_HTTP_GLANCE_KEY_LEN);

        if (rc == 0) {
            return found;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


/* room is made at the end of the queue; NULL: the zone is too small for it */

static ngx_http_glance_keystone_node_t *
ngx_http_glance_keystone_cache_insert(ngx_http_glance_keystone_zone_t *z,
    u_char *key, size_t len)
{
    size_t                            size;
    ngx_http_glance_keystone_node_t  *node;

    size = offsetof(ngx_http_glance_keystone_node_t, data) + len;

    ngx_http_glance_keystone_cache_evict(z, 0);

    for ( ;; ) {
        node = ngx_slab_calloc_locked(z->shpool, size);

        if (node || ngx_queue_empty(&z->shared->queue)) {
            break;
        }

        ngx_http_glance_keystone_cache_evict(z, 1);
    }

    if (node == NULL) {
        return NULL;
    }

    node->node.key = ngx_http_glance_keystone_cache_hash(key);
    ngx_memcpy(node->key, key, NGX_HTTP_GLANCE_KEY_LEN);
    node->len = len;

    ngx_rbtree_insert(&z->shared->rbtree, &node->node);
    ngx_queue_insert_head(&z->shared->queue, &node->queue);

    return node;
}


/* one or two that are over; by force, the least used */

static void
ngx_http_glance_keystone_cache_evict(ngx_http_glance_keystone_zone_t *z,
    ngx_uint_t force)
{
    ngx_uint_t                        i;
    ngx_queue_t                      *q;
    ngx_http_glance_keystone_node_t  *node;

    for (i = 0; i < 2 && !ngx_queue_empty(&z->shared->queue); i++) {

        q = ngx_queue_last(&z->shared->queue);
        node = ngx_queue_data(q, ngx_http_glance_keystone_node_t, queue);

        if (force && i == 0) {
            ngx_http_glance_keystone_cache_delete(z, node);
            continue;
        }

        if ((node->known && ngx_time() < node->expires)
            || (node->claimed
                && (ngx_msec_int_t) (node->claim - ngx_current_msec) > 0))
        {
            return;
        }

        ngx_http_glance_keystone_cache_delete(z, node);
    }
}


static void
ngx_http_glance_keystone_cache_delete(ngx_http_glance_keystone_zone_t *z,
    ngx_http_glance_keystone_node_t *node)
{
    ngx_queue_remove(&node->queue);
    ngx_rbtree_delete(&z->shared->rbtree, &node->node);

    /* it may have been the service's own token */
    ngx_explicit_memzero(node->data, node->len);

    ngx_slab_free_locked(z->shpool, node);
}


static ngx_rbtree_key_t
ngx_http_glance_keystone_cache_hash(u_char *key)
{
    ngx_rbtree_key_t  hash;

    ngx_memcpy(&hash, key, sizeof(ngx_rbtree_key_t));

    return hash;
}
