
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _NGX_HTTP_GLANCE_MODULE_H_INCLUDED_
#define _NGX_HTTP_GLANCE_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>
#include <jansson.h>

#include "glance_buf.h"
#include "glance_digest.h"
#include "glance_fault.h"
#include "glance_image.h"
#include "glance_meta.h"
#include "glance_multipart.h"
#include "glance_time.h"
#include "glance_uri.h"
#include "glance_uuid.h"
#include "ngx_http_glance_compat.h"


typedef struct ngx_http_glance_ctx_s     ngx_http_glance_ctx_t;
typedef struct ngx_http_glance_upload_s  ngx_http_glance_upload_t;
typedef struct ngx_http_glance_store_s   ngx_http_glance_store_t;
typedef struct ngx_http_glance_handle_s  ngx_http_glance_handle_t;
typedef struct ngx_http_glance_task_s    ngx_http_glance_task_t;
typedef struct ngx_http_glance_keystone_s  ngx_http_glance_keystone_t;

/* the next piece of work of a request, when what it waited for has come */
typedef void (*ngx_http_glance_step_pt)(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


typedef enum {
    NGX_HTTP_GLANCE_IDENTITY_NONE = 0,  /* everybody is administrator */
    NGX_HTTP_GLANCE_IDENTITY_TRUSTED,   /* headers of listed peers */
    NGX_HTTP_GLANCE_IDENTITY_KEYSTONE   /* tokens */
} ngx_http_glance_identity_e;


/* nginx has no names for these */
#define NGX_HTTP_GLANCE_MULTIPLE_CHOICES  300
#define NGX_HTTP_GLANCE_GONE              410

#define NGX_HTTP_GLANCE_GPT_MBR  0x0002     /* beside NGX_CONF_BITMASK_SET */

#define NGX_HTTP_GLANCE_V1       0x0002
#define NGX_HTTP_GLANCE_V2       0x0004

#define NGX_HTTP_GLANCE_KEY_LEN  32     /* SHA-256 */

typedef struct {
    ngx_str_t                   location;       /* internal */
    ngx_str_t                   uri;            /* for clients */
    ngx_str_t                   challenge;      /* with it */
    ngx_str_t                   credentials;    /* JSON; never printed */
    ngx_array_t                *service_roles;  /* of ngx_str_t */
    ngx_shm_zone_t             *cache;
    time_t                      valid;
    time_t                      invalid;
    u_char                      fingerprint[NGX_HTTP_GLANCE_KEY_LEN];
} ngx_http_glance_keystone_conf_t;


typedef struct ngx_http_glance_swift_account_s
    ngx_http_glance_swift_account_t;

typedef struct {
    ngx_array_t                *accounts;       /* of pointers */
    ngx_http_glance_swift_account_t  *account;  /* for new images */
    ngx_str_t                   container;
    ngx_flag_t                  create_container;
    off_t                       large_object_size;
    off_t                       large_object_chunk_size;
    ngx_uint_t                  static_manifest;
    ngx_int_t                   retries;
    ngx_flag_t                  snet;
    ngx_flag_t                  tls_verify;
    ngx_str_t                   trusted_certificate;
    const char                 *cafile;         /* the same, or NULL */
    ngx_uint_t                  insecure;
} ngx_http_glance_swift_conf_t;


typedef struct ngx_http_glance_s3_account_s  ngx_http_glance_s3_account_t;

typedef enum {
    NGX_HTTP_GLANCE_S3_AUTO = 0,
    NGX_HTTP_GLANCE_S3_PATH,
    NGX_HTTP_GLANCE_S3_VIRTUAL
} ngx_http_glance_s3_format_e;

typedef struct {
    ngx_http_glance_s3_account_t  *keys;        /* nothing but keys */
    ngx_http_glance_s3_account_t  *account;     /* the same, for new images */
    ngx_str_t                   host;
    ngx_str_t                   bucket;
    ngx_flag_t                  create_bucket;
    ngx_uint_t                  url_format;
    ngx_str_t                   region;
    off_t                       large_object_size;
    off_t                       large_object_chunk_size;
    ngx_int_t                   parallel_parts;
    ngx_flag_t                  tls_verify;
    ngx_str_t                   trusted_certificate;
    const char                 *cafile;         /* the same, or NULL */
    ngx_uint_t                  insecure;
} ngx_http_glance_s3_conf_t;


typedef struct {
    ngx_flag_t                  enable;
    ngx_array_t                *allowed;        /* of glance_cidr_t */
    ngx_str_t                   trusted_certificate;
    const char                 *cafile;         /* the same, or NULL */
} ngx_http_glance_http_conf_t;


typedef struct {
    ngx_array_t                *origins;        /* of ngx_str_t, may be NULL */
    ngx_array_t                *methods;        /* of ngx_str_t */
    ngx_array_t                *headers;        /* of ngx_str_t */
    ngx_array_t                *exposed;        /* of ngx_str_t */
    ngx_str_t                   expose;         /* the same as a header */
    ngx_flag_t                  credentials;
    time_t                      max_age;
} ngx_http_glance_cors_conf_t;


typedef struct {
    ngx_flag_t                  enable;
    ngx_uint_t                  copies;         /* of the node's worker */
    ngx_str_t                   prefix;         /* of the location */
    ngx_uint_t                  versions;       /* bits: the APIs served */

    ngx_str_t                   registry;       /* internal location */
    ngx_flag_t                  registry_claims;
    ngx_flag_t                  delayed_delete;
    ngx_flag_t                  anonymous;

    ngx_uint_t                  identity;
    ngx_array_t                *admin_roles;        /* of ngx_str_t */
    ngx_array_t                *trusted_proxies;    /* of ngx_cidr_t */
    ngx_http_glance_keystone_conf_t  keystone;
    ngx_http_glance_cors_conf_t  cors;

    ngx_http_glance_store_t    *default_store;
    ngx_str_t                   file_root;
    ngx_flag_t                  file_direct;
    ngx_thread_pool_t          *thread_pool;
    ngx_array_t                *digest_pools;   /* of their own type */
    ngx_int_t                   digest_nice;    /* of its threads */

    ngx_http_glance_swift_conf_t  swift;
    ngx_http_glance_s3_conf_t   s3;
    ngx_http_glance_http_conf_t  http;
    ngx_msec_t                  store_connect_timeout;
    ngx_msec_t                  store_timeout;

    ngx_bufs_t                  upload_buffers;
    ngx_uint_t                  hash;       /* of ngx_http_glance_hashes */
    off_t                       image_size_cap;
    ngx_msec_t                  lease;
    ngx_msec_t                  commit_timeout;
    ngx_str_t                   node;
    ngx_str_t                   public_endpoint;
    ngx_flag_t                  proxy_headers;
    ngx_str_t                   health_disable_file;

    ngx_flag_t                  require_format_match;
    ngx_uint_t                  gpt_nonfatal;       /* bits */

    ngx_uint_t                  seed_post_status;
    ngx_uint_t                  seed_status_word;
} ngx_http_glance_loc_conf_t;


/* what the registry says of an image; strings belong to "root" */

typedef struct {
    json_t                     *root;           /* freed with r->pool */
    json_t                     *properties;     /* borrowed, may be NULL */

    ngx_str_t                   id;
    ngx_str_t                   name;
    ngx_str_t                   disk_format;
    ngx_str_t                   container_format;
    ngx_str_t                   checksum;
    ngx_str_t                   location;
    ngx_str_t                   type_property;

    off_t                       size;
    int64_t                     created_at;
    int64_t                     updated_at;
    int64_t                     deleted_at;

    glance_status_e             status;

    unsigned                    has_updated_at:1;
    unsigned                    has_deleted_at:1;
    unsigned                    is_public:1;
    unsigned                    is_protected:1;
    unsigned                    deleted:1;
} ngx_http_glance_image_t;


/* what a request says of an image, by x-image-meta-* headers */

typedef struct {
    ngx_str_t                   key;
    ngx_str_t                   value;
} ngx_http_glance_property_t;

typedef struct {
    ngx_str_t                   field[GLANCE_META_N];
    ngx_array_t                 properties;     /* ngx_http_glance_property_t */
    ngx_str_t                   unknown;        /* x-image-meta-SOMETHING */
    ngx_array_t                *more;           /* ngx_table_elt_t, or NULL:
                                                   as if they were headers */
    ngx_str_t                  *copy_from;      /* URL, or NULL */
    off_t                       size;           /* -1: not given */
    glance_type_e               type;
    unsigned                    given[GLANCE_META_N];
} ngx_http_glance_meta_t;


/*
 * A call of the registry or of Keystone: the answer is in status, headers
 * and body.  Status 502 also stands for every way in which no sound answer
 * came.
 */

typedef struct {
    ngx_uint_t                  status;
    ngx_str_t                   body;
    ngx_list_part_t            *headers;
    ngx_http_glance_step_pt     next;
    unsigned                    done:1;
    unsigned                    quiet:1;        /* does not wake the request */
} ngx_http_glance_call_t;


typedef struct {
    u_char                      id[GLANCE_UUID_LEN];
    const char                 *on_expire;      /* queued, killed, delete */
} ngx_http_glance_claim_t;


struct ngx_http_glance_ctx_s {
    ngx_http_request_t         *request;
    const struct ngx_http_glance_route_s  *route;

    ngx_str_t                   request_id;
    ngx_str_t                   image_id;       /* out of the path */
    ngx_str_t                   member;
    ngx_str_t                   path;           /* with the version's name */

    ngx_str_t                   user;
    ngx_str_t                   project;
    ngx_str_t                   roles;
    ngx_str_t                   service_roles;
    ngx_str_t                   scope;          /* of the system: "all" */
    ngx_http_glance_keystone_t *keystone;       /* asking for these */
    const char                 *policy;         /* rule of API v2, in calls */
    ngx_str_t                   fields;         /* asked for in calls, or all */
    ngx_http_glance_cors_conf_t  *cors;         /* origin was looked at */
    ngx_str_t                   origin;         /* allowed, or empty */

    ngx_http_glance_meta_t      meta;
    ngx_uint_t                  version;        /* of HTTP, when passed */
    ngx_str_t                   sizes;          /* of new locations */
    ngx_str_t                   text;           /* the body that was read */
    json_t                     *body;           /* kept; NULL: there is none */
    ngx_http_glance_step_pt     body_next;      /* when it is there */
    ngx_http_glance_image_t     image;
    ngx_http_glance_call_t      call;
    off_t                       storage_left;   /* of a quota; -1: no limit */
    ngx_http_glance_claim_t    *claim;          /* sent with calls when set */
    ngx_http_glance_upload_t   *upload;
    ngx_http_glance_store_t    *store;
    ngx_http_glance_handle_t   *handle;         /* the store's, in use */
    ngx_http_glance_step_pt     location_next;  /* when its size is known */
    ngx_uint_t                  place;          /* of location_data, the next */
    ngx_int_t                   place_rc;       /* of those that failed */
    const char                 *place_error;
    void                       *data;           /* of the operation */

    ngx_uint_t                  tasks;          /* in threads */
    unsigned                    identified:1;
    unsigned                    nobody:1;       /* who may look, no more */
    unsigned                    admin:1;
    unsigned                    purge:1;        /* other properties go */
    unsigned                    aborted:1;      /* nginx ended the request */
    unsigned                    finalized:1;
    unsigned                    id_sent:1;
    unsigned                    v2:1;           /* the path is one of v2 */
    unsigned                    detail:1;       /* the long form of a list */
    unsigned                    ranged:1;       /* a part is sent only */
    unsigned                    passed:1;       /* to the registry's location */
    unsigned                    fault_due:1;    /* in place of nginx's page */
    unsigned                    cors_sent:1;
};


/* module, variables */
extern ngx_module_t     ngx_http_glance_module;
extern ngx_conf_enum_t  ngx_http_glance_hashes[];

ngx_http_glance_ctx_t *ngx_http_glance_get_ctx(ngx_http_request_t *r);
ngx_int_t ngx_http_glance_add_variables(ngx_conf_t *cf);
ngx_int_t ngx_http_glance_uuid(u_char dst[GLANCE_UUID_LEN]);

/* a file with keys, into cf->temp_pool; directive is for messages */
ngx_int_t ngx_http_glance_read_secret(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_str_t *name, ngx_str_t *text);

/* takes no longer for those that have more in common */
ngx_uint_t ngx_http_glance_same_secret(ngx_str_t *one, ngx_str_t *other);

/* route */
ngx_int_t ngx_http_glance_handler(ngx_http_request_t *r);

/* removal */
ngx_int_t ngx_http_glance_removal_handler(ngx_http_request_t *r);
void ngx_http_glance_source_handler(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
ngx_uint_t ngx_http_glance_route_open(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* request: life cycle, waking, the one exit */
ngx_http_glance_ctx_t *ngx_http_glance_create_ctx(ngx_http_request_t *r);
ngx_uint_t ngx_http_glance_request_id(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_finalize(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t rc);
ngx_uint_t ngx_http_glance_has_body(ngx_http_request_t *r);

/* respond */
ngx_int_t ngx_http_glance_add_header(ngx_http_request_t *r,
    const char *key, ngx_str_t *value);
ngx_int_t ngx_http_glance_add_etag(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
ngx_int_t ngx_http_glance_send_header(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status, const char *type,
    off_t length);
void ngx_http_glance_send(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status, const char *type, ngx_str_t *body);
void ngx_http_glance_send_json(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status, json_t *json);
void ngx_cdecl ngx_http_glance_fault(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status, const char *fmt, ...);
void ngx_http_glance_fault_call(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* the body of a fault in the form that the client accepts, and its type */
ngx_int_t ngx_http_glance_fault_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t status, glance_str_t *text,
    ngx_str_t *body, const char **type);

/* endpoint: where clients find us, without a slash at the end */
ngx_int_t ngx_http_glance_base_uri(ngx_http_request_t *r, ngx_str_t *uri);

/* headers: the first of the request or of a list by its name, or NULL */
ngx_str_t *ngx_http_glance_header_find(ngx_http_request_t *r,
    const char *name);
ngx_str_t *ngx_http_glance_header_in(ngx_list_part_t *part,
    const char *name);

/*
 * body: reads a request's body into ctx->text, or one of JSON into ctx->body,
 * and goes on; one that is longer than the limit is refused
 */
void ngx_http_glance_read_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, size_t limit, ngx_http_glance_step_pt next);
void ngx_http_glance_read_json(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_step_pt next);

/* pass: requests that the registry answers by itself, by nginx's own proxy */
ngx_int_t ngx_http_glance_pass_init(ngx_conf_t *cf);
ngx_int_t ngx_http_glance_pass_filter(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* in two steps: the body into ctx->text, if there is one, and the rest */
void ngx_http_glance_pass_read(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_step_pt next);
void ngx_http_glance_pass_on(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* sources: what the registry has to know of locations that are added */
ngx_int_t ngx_http_glance_sources_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);

/* conf: directives of the module itself */
void *ngx_http_glance_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_glance_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
char *ngx_http_glance_enable(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_glance_removals(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_glance_copies(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_glance_default_store(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_glance_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_glance_trusted_proxies(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_glance_words(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* cors: pages of other origins */
void ngx_http_glance_cors_find(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
ngx_int_t ngx_http_glance_cors_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_cors_preflight(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_cors_create_conf(ngx_http_glance_cors_conf_t *conf);
char *ngx_http_glance_cors_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_cors_conf_t *prev, ngx_http_glance_cors_conf_t *conf);

/* identity */
ngx_int_t ngx_http_glance_access(ngx_http_request_t *r);
void ngx_http_glance_refuse(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_int_t status);
ngx_uint_t ngx_http_glance_has_role(ngx_str_t *roles, ngx_array_t *wanted);
char *ngx_http_glance_merge_roles(ngx_conf_t *cf, ngx_array_t *prev,
    ngx_array_t **conf, const char *name);

/* keystone: NGX_OK, NGX_AGAIN, or a status to refuse with */
ngx_int_t ngx_http_glance_keystone(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_keystone_create_conf(
    ngx_http_glance_keystone_conf_t *conf);
char *ngx_http_glance_keystone_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_keystone_conf_t *prev,
    ngx_http_glance_keystone_conf_t *conf);
char *ngx_http_glance_keystone_check_conf(ngx_conf_t *cf,
    ngx_http_glance_keystone_conf_t *conf);
char *ngx_http_glance_keystone_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_glance_keystone_credentials(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_glance_keystone_key(
    ngx_http_glance_keystone_conf_t *conf, const char *kind,
    ngx_str_t *text, u_char *key);

/* task */
char *ngx_http_glance_thread_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_glance_digest_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* call: subrequests into internal locations */
ngx_int_t ngx_http_glance_call_init(ngx_conf_t *cf);
ngx_http_request_t *ngx_http_glance_call(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_call_t *call,
    const char *method, ngx_str_t *location, ngx_str_t *path,
    ngx_str_t *args);
ngx_int_t ngx_http_glance_call_header(ngx_http_request_t *sr,
    const char *key, ngx_str_t *value);
ngx_int_t ngx_http_glance_call_json(ngx_http_request_t *sr, ngx_str_t *text);
ngx_int_t ngx_http_glance_call_body(ngx_http_request_t *sr, ngx_str_t *text,
    ngx_str_t *type);

/* registry */
ngx_int_t ngx_http_glance_registry_headers(ngx_http_request_t *sr,
    ngx_http_glance_ctx_t *ctx);
void ngx_http_glance_registry_call(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *path,
    ngx_str_t *args, json_t *body, ngx_http_glance_step_pt next);
void ngx_http_glance_registry_ask(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *type,
    ngx_http_glance_step_pt next);
ngx_int_t ngx_http_glance_registry_background(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_http_glance_call_t *call,
    const char *method, ngx_str_t *path, json_t *body);
void ngx_http_glance_registry_image(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *id,
    json_t *body, ngx_http_glance_step_pt next);
void ngx_http_glance_registry_path(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *method, ngx_str_t *args,
    json_t *body, ngx_http_glance_step_pt next, const char *fmt, ...);

/* claim; body is stolen */
ngx_http_glance_claim_t *ngx_http_glance_create_claim(ngx_http_request_t *r,
    const char *on_expire);
void ngx_http_glance_claim_image(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *body, ngx_http_glance_step_pt next);

/* record: the registry's answers */
ngx_int_t ngx_http_glance_record_parse(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
ngx_int_t ngx_http_glance_record_read(ngx_http_request_t *r, json_t *json,
    ngx_http_glance_image_t *image);
json_t *ngx_http_glance_record_json(ngx_http_request_t *r, ngx_str_t *body);

/* json; "keep" steals the reference until the request ends */
json_t *ngx_http_glance_json_string(ngx_str_t *s);
ngx_int_t ngx_http_glance_json_keep(ngx_http_request_t *r, json_t *json);
ngx_int_t ngx_http_glance_json_dump(ngx_http_request_t *r, json_t *json,
    ngx_str_t *text);

/* meta: request headers -> ctx->meta; false: a fault was sent */
ngx_uint_t ngx_http_glance_meta_read(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


#endif /* _NGX_HTTP_GLANCE_MODULE_H_INCLUDED_ */
