
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_curl.h"
#include "ngx_http_glance_store_http.h"
#include "ngx_http_glance_store_s3.h"
#include "ngx_http_glance_store_swift.h"


static void *ngx_http_glance_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_glance_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_glance_check_loc_conf(ngx_conf_t *cf,
    ngx_http_glance_loc_conf_t *conf);
static ngx_int_t ngx_http_glance_init(ngx_conf_t *cf);
static void ngx_http_glance_exit_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_glance_header_filter(ngx_http_request_t *r);
static char *ngx_http_glance_enable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_glance_removals(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_glance_copies(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_glance_default_store(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_glance_file_root(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_glance_trusted_proxies(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_glance_words(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* digests by their names in Python, with which clients verify */

ngx_conf_enum_t  ngx_http_glance_hashes[] = {
    { ngx_string("sha512"), 0 },
    { ngx_string("sha384"), 1 },
    { ngx_string("sha256"), 2 },
    { ngx_string("sha224"), 3 },
    { ngx_string("sha1"), 4 },
    { ngx_string("md5"), 5 },
    { ngx_string("sha3_512"), 6 },
    { ngx_string("sha3_384"), 7 },
    { ngx_string("sha3_256"), 8 },
    { ngx_string("sha3_224"), 9 },
    { ngx_string("blake2b"), 10 },
    { ngx_string("blake2s"), 11 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_glance_identities[] = {
    { ngx_string("none"), NGX_HTTP_GLANCE_IDENTITY_NONE },
    { ngx_string("trusted"), NGX_HTTP_GLANCE_IDENTITY_TRUSTED },
    { ngx_string("keystone"), NGX_HTTP_GLANCE_IDENTITY_KEYSTONE },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_glance_post_statuses[] = {
    { ngx_string("200"), NGX_HTTP_OK },
    { ngx_string("201"), NGX_HTTP_CREATED },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_glance_status_words[] = {
    { ngx_string("active"), 0 },
    { ngx_string("available"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_bitmask_t  ngx_http_glance_api_versions[] = {
    { ngx_string("none"), NGX_CONF_BITMASK_SET },
    { ngx_string("v1"), NGX_HTTP_GLANCE_V1 },
    { ngx_string("v2"), NGX_HTTP_GLANCE_V2 },
    { ngx_null_string, 0 }
};


static ngx_conf_bitmask_t  ngx_http_glance_gpt_checks[] = {
    { ngx_string("mbr"), NGX_HTTP_GLANCE_GPT_MBR },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_glance_manifests[] = {
    { ngx_string("dynamic"), 0 },
    { ngx_string("static"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_glance_s3_formats[] = {
    { ngx_string("auto"), NGX_HTTP_GLANCE_S3_AUTO },
    { ngx_string("path"), NGX_HTTP_GLANCE_S3_PATH },
    { ngx_string("virtual"), NGX_HTTP_GLANCE_S3_VIRTUAL },
    { ngx_null_string, 0 }
};


static ngx_conf_num_bounds_t  ngx_http_glance_s3_parts_bounds = {
    ngx_conf_check_num_bounds, 1, 64
};


static ngx_conf_num_bounds_t  ngx_http_glance_buffers_bounds = {
    ngx_conf_check_num_bounds, 2, 64
};


static ngx_command_t  ngx_http_glance_commands[] = {

    { ngx_string("glance"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_glance_enable,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("glance_admin_role"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_words,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, admin_roles),
      NULL },

    { ngx_string("glance_anonymous"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, anonymous),
      NULL },

    { ngx_string("glance_commit_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, commit_timeout),
      NULL },

    { ngx_string("glance_cors_credentials"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, cors.credentials),
      NULL },

    { ngx_string("glance_cors_expose"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_words,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, cors.exposed),
      NULL },

    { ngx_string("glance_cors_headers"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_words,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, cors.headers),
      NULL },

    { ngx_string("glance_cors_max_age"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, cors.max_age),
      NULL },

    { ngx_string("glance_cors_methods"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_words,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, cors.methods),
      NULL },

    { ngx_string("glance_cors_origin"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_words,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, cors.origins),
      NULL },

    { ngx_string("glance_default_store"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_glance_default_store,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, default_store),
      NULL },

    { ngx_string("glance_delayed_delete"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, delayed_delete),
      NULL },

    { ngx_string("glance_digest_pool"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_glance_digest_pool,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, digest_pool),
      NULL },

    { ngx_string("glance_file_direct"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, file_direct),
      NULL },

    { ngx_string("glance_file_root"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_glance_file_root,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, file_root),
      NULL },

    { ngx_string("glance_gpt_safety_checks_nonfatal"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, gpt_nonfatal),
      &ngx_http_glance_gpt_checks },

    { ngx_string("glance_http_allow"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_http_allow,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, http.allowed),
      NULL },

    { ngx_string("glance_http_store"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, http.enable),
      NULL },

    { ngx_string("glance_http_trusted_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, http.trusted_certificate),
      NULL },

    { ngx_string("glance_identity"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, identity),
      &ngx_http_glance_identities },

    { ngx_string("glance_hashing_algorithm"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, hash),
      &ngx_http_glance_hashes },

    { ngx_string("glance_image_size_cap"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, image_size_cap),
      NULL },

    { ngx_string("glance_keystone"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, keystone.location),
      NULL },

    { ngx_string("glance_keystone_cache"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_glance_keystone_cache,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("glance_keystone_credentials"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_glance_keystone_credentials,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("glance_keystone_service_roles"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_words,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, keystone.service_roles),
      NULL },

    { ngx_string("glance_keystone_uri"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, keystone.uri),
      NULL },

    { ngx_string("glance_lease"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, lease),
      NULL },

    { ngx_string("glance_node"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, node),
      NULL },

    { ngx_string("glance_public_endpoint"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, public_endpoint),
      NULL },

    { ngx_string("glance_registry"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, registry),
      NULL },

    { ngx_string("glance_registry_claims"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, registry_claims),
      NULL },

    { ngx_string("glance_require_image_format_match"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, require_format_match),
      NULL },

    { ngx_string("glance_copies"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_glance_copies,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("glance_removals"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_glance_removals,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("glance_s3_bucket"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.bucket),
      NULL },

    { ngx_string("glance_s3_create_bucket"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.create_bucket),
      NULL },

    { ngx_string("glance_s3_credentials"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_glance_s3_credentials,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("glance_s3_host"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.host),
      NULL },

    { ngx_string("glance_s3_large_object_chunk_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.large_object_chunk_size),
      NULL },

    { ngx_string("glance_s3_large_object_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.large_object_size),
      NULL },

    { ngx_string("glance_s3_parallel_parts"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.parallel_parts),
      &ngx_http_glance_s3_parts_bounds },

    { ngx_string("glance_s3_region"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.region),
      NULL },

    { ngx_string("glance_s3_tls_verify"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.tls_verify),
      NULL },

    { ngx_string("glance_s3_trusted_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.trusted_certificate),
      NULL },

    { ngx_string("glance_s3_url_format"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, s3.url_format),
      &ngx_http_glance_s3_formats },

    { ngx_string("glance_seed_post_status"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, seed_post_status),
      &ngx_http_glance_post_statuses },

    { ngx_string("glance_seed_status_word"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, seed_status_word),
      &ngx_http_glance_status_words },

    { ngx_string("glance_store_connect_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, store_connect_timeout),
      NULL },

    { ngx_string("glance_store_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, store_timeout),
      NULL },

    { ngx_string("glance_swift_accounts"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_glance_swift_accounts,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("glance_swift_container"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.container),
      NULL },

    { ngx_string("glance_swift_create_container"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.create_container),
      NULL },

    { ngx_string("glance_swift_large_object_chunk_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.large_object_chunk_size),
      NULL },

    { ngx_string("glance_swift_large_object_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.large_object_size),
      NULL },

    { ngx_string("glance_swift_manifest"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.static_manifest),
      &ngx_http_glance_manifests },

    { ngx_string("glance_swift_retries"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.retries),
      NULL },

    { ngx_string("glance_swift_snet"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.snet),
      NULL },

    { ngx_string("glance_swift_tls_verify"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.tls_verify),
      NULL },

    { ngx_string("glance_swift_trusted_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, swift.trusted_certificate),
      NULL },

    { ngx_string("glance_thread_pool"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_glance_thread_pool,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, thread_pool),
      NULL },

    { ngx_string("glance_trusted_proxies"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_trusted_proxies,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, trusted_proxies),
      NULL },

    { ngx_string("glance_upload_buffers"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_conf_set_bufs_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, upload_buffers),
      NULL },

      { ngx_string("glance_versions"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, versions),
      &ngx_http_glance_api_versions },

    ngx_null_command
};


static ngx_http_module_t  ngx_http_glance_module_ctx = {
    ngx_http_glance_add_variables,         /* preconfiguration */
    ngx_http_glance_init,                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_glance_create_loc_conf,       /* create location configuration */
    ngx_http_glance_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_glance_module = {
    NGX_MODULE_V1,
    &ngx_http_glance_module_ctx,           /* module context */
    ngx_http_glance_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_glance_exit_process,          /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static void *
ngx_http_glance_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_glance_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_glance_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->enable = 0;
     *     conf->prefix = { 0, NULL };
     *     conf->registry = { 0, NULL };
     *     conf->file_root = { 0, NULL };
     *     conf->upload_buffers.num = 0;
     *     conf->gpt_nonfatal = 0;
     *     conf->versions = 0;
     *     conf->node = { 0, NULL };
     *     conf->public_endpoint = { 0, NULL };
     */

    conf->registry_claims = NGX_CONF_UNSET;
    conf->file_direct = NGX_CONF_UNSET;
    conf->delayed_delete = NGX_CONF_UNSET;
    conf->anonymous = NGX_CONF_UNSET;
    conf->identity = NGX_CONF_UNSET_UINT;
    conf->admin_roles = NGX_CONF_UNSET_PTR;
    conf->trusted_proxies = NGX_CONF_UNSET_PTR;
    ngx_http_glance_keystone_create_conf(&conf->keystone);
    ngx_http_glance_cors_create_conf(&conf->cors);
    ngx_http_glance_http_create_conf(&conf->http);
    conf->default_store = NGX_CONF_UNSET_PTR;
    conf->thread_pool = NGX_CONF_UNSET_PTR;
    conf->digest_pool = NGX_CONF_UNSET_PTR;
    conf->digest_nice = NGX_CONF_UNSET;
    ngx_http_glance_swift_create_conf(&conf->swift);
    ngx_http_glance_s3_create_conf(&conf->s3);
    conf->store_connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->store_timeout = NGX_CONF_UNSET_MSEC;
    conf->hash = NGX_CONF_UNSET_UINT;
    conf->image_size_cap = NGX_CONF_UNSET;
    conf->lease = NGX_CONF_UNSET_MSEC;
    conf->commit_timeout = NGX_CONF_UNSET_MSEC;
    conf->require_format_match = NGX_CONF_UNSET;
    conf->seed_post_status = NGX_CONF_UNSET_UINT;
    conf->seed_status_word = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
ngx_http_glance_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_glance_loc_conf_t  *prev = parent;
    ngx_http_glance_loc_conf_t  *conf = child;

    ngx_conf_merge_str_value(conf->registry, prev->registry, "");
    ngx_conf_merge_value(conf->registry_claims, prev->registry_claims, 1);
    ngx_conf_merge_value(conf->delayed_delete, prev->delayed_delete, 0);
    ngx_conf_merge_value(conf->anonymous, prev->anonymous, 0);
    ngx_conf_merge_uint_value(conf->identity, prev->identity,
                              NGX_HTTP_GLANCE_IDENTITY_NONE);
    ngx_conf_merge_ptr_value(conf->trusted_proxies, prev->trusted_proxies,
                             NULL);

    if (ngx_http_glance_merge_roles(cf, prev->admin_roles,
                                    &conf->admin_roles, "admin")
        != NGX_CONF_OK
        || ngx_http_glance_keystone_merge_conf(cf, &prev->keystone,
                                               &conf->keystone)
           != NGX_CONF_OK
        || ngx_http_glance_http_merge_conf(cf, &prev->http, &conf->http)
           != NGX_CONF_OK
        || ngx_http_glance_cors_merge_conf(cf, &prev->cors, &conf->cors)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_ptr_value(conf->default_store, prev->default_store,
                             &ngx_http_glance_store_file);
    ngx_conf_merge_str_value(conf->file_root, prev->file_root, "");
    ngx_conf_merge_value(conf->file_direct, prev->file_direct, 1);
    ngx_conf_merge_ptr_value(conf->thread_pool, prev->thread_pool, NULL);
    ngx_conf_merge_ptr_value(conf->digest_pool, prev->digest_pool, NULL);
    ngx_conf_merge_value(conf->digest_nice, prev->digest_nice, 0);

    if (ngx_http_glance_swift_merge_conf(cf, &prev->swift, &conf->swift)
        != NGX_CONF_OK
        || ngx_http_glance_s3_merge_conf(cf, &prev->s3, &conf->s3)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_msec_value(conf->store_connect_timeout,
                              prev->store_connect_timeout, 5000);
    ngx_conf_merge_msec_value(conf->store_timeout, prev->store_timeout,
                              60000);
    ngx_conf_merge_bufs_value(conf->upload_buffers, prev->upload_buffers,
                              4, 256 * 1024);
    ngx_conf_merge_uint_value(conf->hash, prev->hash, 0);
    ngx_conf_merge_off_value(conf->image_size_cap, prev->image_size_cap,
                             (off_t) 1024 * 1024 * 1024 * 1024);
    ngx_conf_merge_msec_value(conf->lease, prev->lease, 20000);
    ngx_conf_merge_msec_value(conf->commit_timeout, prev->commit_timeout,
                              60000);
    ngx_conf_merge_str_value(conf->node, prev->node, "");
    ngx_conf_merge_str_value(conf->public_endpoint, prev->public_endpoint,
                             "");
    ngx_conf_merge_value(conf->require_format_match,
                         prev->require_format_match, 1);
    ngx_conf_merge_bitmask_value(conf->versions, prev->versions,
                                 (NGX_HTTP_GLANCE_V1|NGX_HTTP_GLANCE_V2));
    ngx_conf_merge_bitmask_value(conf->gpt_nonfatal, prev->gpt_nonfatal,
                                 NGX_CONF_BITMASK_SET);
    ngx_conf_merge_uint_value(conf->seed_post_status, prev->seed_post_status,
                              NGX_HTTP_CREATED);
    ngx_conf_merge_uint_value(conf->seed_status_word, prev->seed_status_word,
                              0);

    if (!conf->enable) {
        return NGX_CONF_OK;
    }

    return ngx_http_glance_check_loc_conf(cf, conf);
}


/* what would otherwise fail at the first request is refused by "nginx -t" */

static char *
ngx_http_glance_check_loc_conf(ngx_conf_t *cf,
    ngx_http_glance_loc_conf_t *conf)
{
    ngx_str_t                  name;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (conf->registry.len < 2 || conf->registry.data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance\" in location \"%V\" requires "
                           "\"glance_registry\" with the name of an internal "
                           "location", &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->registry.data[conf->registry.len - 1] == '/') {
        conf->registry.len--;
    }

    if (!cscf->underscores_in_headers || cscf->ignore_invalid_headers) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance\" requires \"underscores_in_headers on\" "
                           "and \"ignore_invalid_headers off\" in its server, "
                           "or x-image-meta-* headers would be lost");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_glance_early_read(cscf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance\" cannot be used with "
                           "\"client_body_early_read\", which would put "
                           "images into temporary files");
        return NGX_CONF_ERROR;
    }

    if (!conf->default_store->enabled(conf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_default_store %V\" is not configured in "
                           "location \"%V\": \"%s\" is missing",
                           &conf->default_store->name, &clcf->name,
                           conf->default_store->needed);
        return NGX_CONF_ERROR;
    }

    if (conf->identity == NGX_HTTP_GLANCE_IDENTITY_TRUSTED
        && conf->trusted_proxies == NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_identity trusted\" requires "
                           "\"glance_trusted_proxies\"");
        return NGX_CONF_ERROR;
    }

    if (conf->identity == NGX_HTTP_GLANCE_IDENTITY_KEYSTONE
        && ngx_http_glance_keystone_check_conf(cf, &conf->keystone)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->upload_buffers.num < ngx_http_glance_buffers_bounds.low
        || conf->upload_buffers.num > ngx_http_glance_buffers_bounds.high
        || conf->upload_buffers.size < 4096)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_upload_buffers\" must be %i to %i buffers "
                           "of at least 4k",
                           ngx_http_glance_buffers_bounds.low,
                           ngx_http_glance_buffers_bounds.high);
        return NGX_CONF_ERROR;
    }

    if (conf->lease < 3000 || conf->lease > 3600000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_lease\" must be between 3s and 1h");
        return NGX_CONF_ERROR;
    }

    if (conf->thread_pool == NULL) {
        ngx_str_set(&name, "default");

        conf->thread_pool = ngx_thread_pool_add(cf, &name);
        if (conf->thread_pool == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (conf->digest_pool == NULL) {
        conf->digest_pool = conf->thread_pool;
    }

    if (conf->node.len == 0) {
        conf->node = cf->cycle->hostname;
    }

    conf->prefix = clcf->name;

    if (conf->prefix.len
        && conf->prefix.data[conf->prefix.len - 1] == '/')
    {
        conf->prefix.len--;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_glance_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_glance_access;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_glance_header_filter;

    if (ngx_http_glance_call_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_glance_pass_init(cf);
}


static void
ngx_http_glance_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_glance_curl_exit();
}


/*
 * Every answer under "glance" carries the request id, also the ones that
 * nginx makes itself, and those that the registry gives in its location.
 */

static ngx_int_t
ngx_http_glance_header_filter(ngx_http_request_t *r)
{
    ngx_http_glance_ctx_t       *ctx;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    if (glcf->enable) {
        ctx = ngx_http_glance_create_ctx(r);
        if (ctx == NULL) {
            return NGX_ERROR;
        }

    } else {
        ctx = ngx_http_glance_get_ctx(r);

        if (ctx == NULL || !ctx->passed) {
            return ngx_http_next_header_filter(r);
        }

        if (ngx_http_glance_pass_filter(r, ctx) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (!ctx->id_sent
        && ngx_http_glance_header_in(&r->headers_out.headers.part,
                                     "x-openstack-request-id")
           == NULL)
    {
        ctx->id_sent = 1;

        if (ngx_http_glance_add_header(r, "x-openstack-request-id",
                                       &ctx->request_id)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_glance_cors_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static char *
ngx_http_glance_enable(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    if (glcf->enable) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

#if (NGX_PCRE)
    if (clcf->regex) {
        return "cannot be used in a location given by regular expression";
    }
#endif

    if (clcf->named || clcf->noname) {
        return "must be used in a location with a prefix";
    }

    clcf->handler = ngx_http_glance_handler;
    glcf->enable = 1;

    return NGX_CONF_OK;
}


/* as "glance", for the worker of the node */

static char *
ngx_http_glance_removals(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                      *rv;
    ngx_http_core_loc_conf_t  *clcf;

    rv = ngx_http_glance_enable(cf, cmd, conf);

    if (rv == NGX_CONF_OK) {
        clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
        clcf->handler = ngx_http_glance_removal_handler;
    }

    return rv;
}


/* as "glance", for what the worker of the node has fetched */

static char *
ngx_http_glance_copies(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    glcf->copies = 1;

    return ngx_http_glance_enable(cf, cmd, conf);
}


static char *
ngx_http_glance_default_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_str_t                *value;
    ngx_http_glance_store_t  *store;

    if (glcf->default_store != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    store = ngx_http_glance_store_find(&value[1]);

    if (store == NULL || store->begin == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown or read-only store \"%V\" in "
                           "\"glance_default_store\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    glcf->default_store = store;

    return NGX_CONF_OK;
}


static char *
ngx_http_glance_file_root(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_str_t  *value;

    if (glcf->file_root.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    glcf->file_root = value[1];

    if (ngx_conf_full_name(cf->cycle, &glcf->file_root, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    while (glcf->file_root.len > 1
           && glcf->file_root.data[glcf->file_root.len - 1] == '/')
    {
        glcf->file_root.len--;
    }

    return NGX_CONF_OK;
}



static char *
ngx_http_glance_trusted_proxies(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_int_t    rc;
    ngx_str_t   *value;
    ngx_uint_t   i;
    ngx_cidr_t  *cidr;

    if (glcf->trusted_proxies == NGX_CONF_UNSET_PTR) {
        glcf->trusted_proxies = ngx_array_create(cf->pool, 4,
                                                 sizeof(ngx_cidr_t));
        if (glcf->trusted_proxies == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_array_push(glcf->trusted_proxies);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        if (ngx_strcmp(value[i].data, "unix:") == 0) {
            ngx_memzero(cidr, sizeof(ngx_cidr_t));
            cidr->family = AF_UNIX;
            continue;
        }

        rc = ngx_ptocidr(&value[i], cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid network \"%V\" in "
                               "\"glance_trusted_proxies\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "low address bits of %V are meaningless",
                               &value[i]);
        }
    }

    return NGX_CONF_OK;
}


/* all words of a line, where nginx's own function takes the first */

static char *
ngx_http_glance_words(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t    *value, *word;
    ngx_uint_t    i;
    ngx_array_t **words;

    words = (ngx_array_t **) (p + cmd->offset);

    if (*words == NGX_CONF_UNSET_PTR) {
        *words = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
        if (*words == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        word = ngx_array_push(*words);
        if (word == NULL) {
            return NGX_CONF_ERROR;
        }

        *word = value[i];
    }

    return NGX_CONF_OK;
}
