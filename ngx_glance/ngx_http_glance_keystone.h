
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_KEYSTONE_H_INCLUDED_
#define _NGX_HTTP_GLANCE_KEYSTONE_H_INCLUDED_


#include "ngx_http_glance_module.h"


/* tokens longer than this, and identities with more roles, are refused */
#define NGX_HTTP_GLANCE_TOKEN_MAX  8192
#define NGX_HTTP_GLANCE_ROLES_MAX  4096

/* of the cache: a token of our own, or an identity */
#define NGX_HTTP_GLANCE_VALUE_MAX  NGX_HTTP_GLANCE_TOKEN_MAX


/* what Keystone says of a token; kept in the cache, so these are for good */

typedef enum {
    NGX_HTTP_GLANCE_TOKEN_VALID = 'v',
    NGX_HTTP_GLANCE_TOKEN_UNKNOWN = 'u',    /* or expired, or revoked */
    NGX_HTTP_GLANCE_TOKEN_UNSCOPED = 'n',
    NGX_HTTP_GLANCE_TOKEN_SYSTEM = 'y',     /* of the whole cloud */
    NGX_HTTP_GLANCE_TOKEN_SCOPE = 's'       /* of something else */
} ngx_http_glance_token_e;


typedef struct {
    ngx_str_t                user;
    ngx_str_t                project;
    ngx_str_t                roles;         /* with commas between */
    int64_t                  expires;       /* not in the cache's text */
    ngx_http_glance_token_e  verdict;
} ngx_http_glance_token_t;


/*
 * The shared memory: values by the SHA-256 of what they belong to.
 *
 * get() gives NGX_OK and a copy of the value; NGX_DECLINED: the caller is to
 * find it and then calls put() or release(), until when others get NGX_BUSY;
 * the value is set as well if there is an old one that still may be used;
 * NGX_ABORT: whoever was at it failed since that time (0: never mind).
 */

ngx_int_t ngx_http_glance_keystone_cache_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size, ngx_shm_zone_t **zone);
ngx_int_t ngx_http_glance_keystone_cache_get(ngx_shm_zone_t *zone,
    u_char *key, ngx_msec_t since, ngx_pool_t *pool, ngx_str_t *value);
void ngx_http_glance_keystone_cache_put(ngx_shm_zone_t *zone, u_char *key,
    ngx_str_t *value, time_t expires, time_t refresh);
void ngx_http_glance_keystone_cache_release(ngx_shm_zone_t *zone,
    u_char *key, ngx_uint_t failed);

/* forgets the value if it still is this one */
void ngx_http_glance_keystone_cache_drop(ngx_shm_zone_t *zone, u_char *key,
    ngx_str_t *value);

/*
 * Keystone's answers.  parse() copies into the pool; NGX_DECLINED: not what
 * Keystone says, which is logged.  The text of a cached token is borrowed by
 * what read() gives.
 */
ngx_int_t ngx_http_glance_keystone_parse(ngx_http_request_t *r,
    ngx_str_t *body, ngx_http_glance_token_t *token);
ngx_int_t ngx_http_glance_keystone_expiry(ngx_http_request_t *r,
    ngx_str_t *body, int64_t *expires);
ngx_int_t ngx_http_glance_keystone_pack(ngx_pool_t *pool,
    ngx_http_glance_token_t *token, ngx_str_t *text);
ngx_int_t ngx_http_glance_keystone_unpack(ngx_str_t *text,
    ngx_http_glance_token_t *token);


#endif /* _NGX_HTTP_GLANCE_KEYSTONE_H_INCLUDED_ */
