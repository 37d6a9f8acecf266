
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_curl.h"
#include "ngx_http_glance_store_http.h"
#include "ngx_http_glance_store_s3.h"
#include "ngx_http_glance_store_swift.h"


static ngx_int_t ngx_http_glance_init(ngx_conf_t *cf);
static void ngx_http_glance_exit_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_glance_header_filter(ngx_http_request_t *r);


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
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_glance_digest_pool,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, digest_pools),
      NULL },

    { ngx_string("glance_file_direct"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, file_direct),
      NULL },

    { ngx_string("glance_file_root"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_glance_path,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, file_root),
      NULL },

    { ngx_string("glance_gpt_safety_checks_nonfatal"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, gpt_nonfatal),
      &ngx_http_glance_gpt_checks },

    { ngx_string("glance_health_disable_file"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_glance_path,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, health_disable_file),
      NULL },

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

    { ngx_string("glance_proxy_headers"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_glance_loc_conf_t, proxy_headers),
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
