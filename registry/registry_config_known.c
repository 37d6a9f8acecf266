
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_config_known.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "registry_config.h"


#define REGISTRY_NEAREST_NAME  64       /* longer ones are not compared */

#define D  "DEFAULT"
#define G  "glance_store"


typedef struct {
    const char  *section;
    const char  *key;
    char        *text;
    size_t       size;
    size_t       best;          /* distance; lower is better */
} registry_nearest_t;

typedef struct {
    const char  *option;
    const char  *directive;
} registry_directive_t;


static bool registry_known_in(const char *names, const char *key);
static void registry_nearest_options(registry_nearest_t *near);
static void registry_nearest_known(registry_nearest_t *near);
static void registry_nearest_try(registry_nearest_t *near,
    const char *section, const char *name, size_t len);
static size_t registry_nearest_distance(const char *a, size_t n,
    const char *b, size_t m);


const registry_known_t  registry_known[] = {

    /* messages */

    { D, "transport_url rpc_* rabbit_* qpid_* kombu_* amqp_* control_exchange "
      "notifier_strategy notification_* default_notification_* "
      "default_publisher_id disabled_notifications "
      "executor_thread_pool_size conn_pool_*",
      "there is no message bus" },
    { "oslo_messaging_amqp", "*", "there is no message bus" },
    { "oslo_messaging_kafka", "*", "there is no message bus" },
    { "oslo_messaging_notifications", "*", "there is no message bus" },
    { "oslo_messaging_rabbit", "*", "there is no message bus" },
    { "oslo_messaging_zmq", "*", "there is no message bus" },
    { "rpc_notifier2", "*", "there is no message bus" },

    /* logs */

    { D, "default_log_levels logging_* instance_format instance_uuid_format "
      "publish_errors fatal_deprecations rate_limit_* syslog_format "
      "log_color log_options log_handler",
      "a detail of Python's logging" },
    { D, "log_rotat* log_rotation_type max_logfile_*",
      "log files are rotated from outside, and reopened when they were "
      "moved" },
    { D, "watch_log_file", "log files are always watched" },
    { D, "use_journal use_json use_eventlog use_stderr",
      "logs go to log_file, syslog or standard output" },

    /* how Python's server works */

    { D, "client_socket_timeout http_keepalive max_header_line tcp_keepidle "
      "secure_proxy_ssl_header",
      "nginx has directives of its own for it, and safe defaults" },
    { D, "eventlet_* backdoor_* run_external_periodic_tasks "
      "log_options graceful_shutdown_timeout wsgi_* api_paste_config "
      "pydev_* pipe_handle use_ssl ssl_*",
      "a detail of Python's server" },
    { D, "max_request_id_length",
      "request ids are made by the server, 36 characters long" },
    { D, "ca_file", "clients are not asked for certificates" },
    { D, "daemon", "servers stay in the foreground; glance-control starts "
      "them" },
    { D, "worker_self_reference_url",
      "no node has data that others do not have" },
    { D, "lock_path disable_process_locking",
      "locks are in the database" },
    { "oslo_concurrency", "*", "locks are in the database" },
    { "oslo_reports", "*", "there are no reports on request" },
    { "wsgi", "*", "a detail of Python's server" },
    { "profiler", "*", "there is no profiler" },
    { "healthcheck", "*",
      "GET /healthcheck asks the registry, and that its database" },
    { "oslo_middleware", "*", "a detail of Python's server" },
    { "uwsgi", "*", "nginx serves, not uWSGI" },

    /* identity and rights */

    { D, "auth_strategy auth_url auth_region auth_uri admin_user "
      "admin_password admin_tenant_name use_user_token "
      "send_identity_headers context_class",
      "flavor in [paste_deploy] decides who the callers are" },
    { D, "property_protection_file property_protection_rule_format",
      "properties are not protected: who may change an image may change all "
      "of them, also those that this file forbids" },
    { D, "enforce_secure_rbac",
      "rights are fixed: owner, members and admin_role" },
    { D, "use_keystone_limits",
      "there is no such limit yet" },
    { "oslo_policy", "*",
      "rights are fixed, apart from enforce_new_defaults" },
    { "keystone_authtoken", "memcache_* memcached_servers cache "
      "revocation_cache_time check_revocations_for_cached hash_algorithms "
      "signing_dir max_token_size",
      "what Keystone said is kept in nginx's shared memory" },
    { "keystone_authtoken", "delay_auth_decision enforce_token_bind "
      "include_service_catalog service_token_roles_required service_type",
      "callers without a valid token are refused" },
    { "keystone_authtoken", "region_name interface auth_version auth_section "
      "http_connect_timeout http_request_max_retries default_domain_* "
      "domain_* system_scope trust_id",
      "Keystone is asked at auth_url, version 3" },
    { "keystone_authtoken", "admin_token",
      "Keystone is asked by a user with a password" },
    { "keystone", "*", "Keystone is described in [keystone_authtoken]" },
    { "oslo_limit", "*", "there are no limits from Keystone" },
    { "barbican", "*", "image signatures are not verified" },
    { "barbican_service_user", "*", "image signatures are not verified" },
    { "key_manager", "*", "image signatures are not verified" },
    { "vault", "*", "image signatures are not verified" },
    { D, "digest_algorithm", "image signatures are not verified" },

    /* the API of images */

    { D, "enable_v1_registry enable_v2_registry data_api",
      "all APIs that there are, are enabled" },
    { D, "allow_additional_image_properties",
      "properties of any name are allowed" },
    { D, "location_strategy",
      "locations are used in their order" },
    { "image_format", "vmdk_allowed_types",
      "streamOptimized and monolithicSparse are allowed" },
    { "image_format", "*", "of formats, only their names can be chosen" },
    { D, "enabled_import_methods node_staging_uri task_time_to_live "
      "image_import_plugins", "there is no import yet" },
    { "task", "*", "there is no import yet" },
    { "taskflow_executor", "*", "there is no import yet" },
    { "image_import_opts", "*", "there is no import yet" },
    { "import_filtering_opts", "*", "there is no import yet" },
    { "inject_metadata_properties", "*", "there is no import yet" },
    { "image_conversion", "*", "there is no import yet" },
    { "glance_download_opts", "*", "there is no import yet" },
    { "os_glance_staging_store", "*", "there is no import yet" },
    { "os_glance_tasks_store", "*", "there is no import yet" },
    { D, "image_cache_* cache_prefetcher_interval",
      "there is no image cache" },

    /* delayed delete */

    { D, "cleanup_scrubber cleanup_scrubber_time",
      "every glance-scrubber finds all images that wait" },
    { D, "scrub_pool_size", "data are removed one after the other" },
    { D, "restore", "restoring is a matter of the database" },

    /* database */

    { "database", "backend connection_debug connection_parameters "
      "connection_trace max_overflow max_pool_size min_pool_size "
      "pool_timeout slave_connection sqlite_* mysql_* db_* use_db_reconnect "
      "use_tpool sqlalchemy_* synchronous_reader",
      "each of the registry_threads has a connection, which is established "
      "again when it was lost" },
    { D, "sqlalchemy_* db_* sql_connection_debug sql_connection_trace "
      "sql_max_overflow sqlite_*",
      "each of the registry_threads has a connection, which is established "
      "again when it was lost" },
    { "DATABASE", "sqlalchemy_max_overflow sqlalchemy_pool_timeout",
      "each of the registry_threads has a connection" },

    /* the registry as Python's API server saw it */

    { D, "registry_client_key_file registry_client_cert_file "
      "registry_client_ca_file registry_client_insecure "
      "registry_client_timeout",
      "the registry is reached by plain HTTP or a unix socket, with "
      "registry_secret" },

    /* stores */

    { D, "known_stores", "all stores that there are, are enabled" },
    { G, "filesystem_store_datadirs",
      "there is one directory: filesystem_store_datadir" },
    { D, "filesystem_store_datadirs filesystem_store_chunk_size "
      "filesystem_store_file_perm filesystem_store_metadata_file",
      "of the file store there is only filesystem_store_datadir" },
    { G, "filesystem_store_chunk_size filesystem_thin_provisioning",
      "the file store writes as fast as the disk takes it" },
    { G, "filesystem_store_file_perm filesystem_store_metadata_file",
      "files are readable for nginx's user and group" },
    { G, "swift_store_multi_tenant swift_store_admin_tenants "
      "swift_store_multiple_containers_seed swift_store_use_trusts",
      "all images are in one container of one account" },
    { G, "swift_buffer_on_upload swift_upload_buffer_dir",
      "images are sent as they arrive" },
    { G, "swift_store_expire_soon_interval swift_store_ssl_compression",
      "tokens are renewed when Swift refuses them, and TLS is not compressed" },
    { D, "swift_store_multi_tenant swift_store_admin_tenants "
      "swift_store_multiple_containers_seed swift_store_use_trusts",
      "all images are in one container of one account" },
    { D, "swift_buffer_on_upload swift_upload_buffer_dir",
      "images are sent as they arrive" },
    { D, "swift_store_expire_soon_interval swift_store_ssl_compression",
      "tokens are renewed when Swift refuses them, and TLS is not compressed" },
    { G, "http_* https_* rbd_* rados_* cinder_* vmware_* sheepdog_* "
      "mongodb_* gridfs_* store_type_*",
      "this version has only the stores file, swift, s3 and http" },
    { G, "weight store_description",
      "this version has only the stores file, swift, s3 and http" },
    { D, "http_* https_* rbd_* rados_* cinder_* vmware_* sheepdog_* "
      "mongodb_* gridfs_* os_region_name",
      "this version has only the stores file, swift, s3 and http" },
    { G, "rootwrap_config os_region_name",
      "this version has only the stores file, swift, s3 and http" },
    { "os_brick", "*",
      "this version has only the stores file, swift, s3 and http" },
    { "store_type_location_strategy", "*", "locations are tried in their "
      "order" },

    { NULL, NULL, NULL }
};


static const registry_directive_t  registry_directives[] = {
    { "admin_role", "glance_admin_role" },
    { "allow_anonymous_access", "glance_anonymous" },
    { "allow_credentials", "glance_cors_credentials" },
    { "allow_headers", "glance_cors_headers" },
    { "allow_methods", "glance_cors_methods" },
    { "allowed_origin", "glance_cors_origin" },
    { "auth_url", "proxy_pass" },
    { "backlog", "listen" },
    { "bind_host", "listen" },
    { "bind_port", "listen" },
    { "cert_file", "ssl_certificate" },
    { "default_store", "glance_default_store" },
    { "default_swift_reference", "glance_swift_accounts" },
    { "delayed_delete", "glance_delayed_delete" },
    { "disable_by_file_path", "glance_health_disable_file" },
    { "enable_proxy_headers_parsing", "glance_proxy_headers" },
    { "enable_v1_api", "glance_versions" },
    { "enable_v2_api", "glance_versions" },
    { "expose_headers", "glance_cors_expose" },
    { "filesystem_store_datadir", "glance_file_root" },
    { "flavor", "glance_identity" },
    { "gpt_safety_checks_nonfatal", "glance_gpt_safety_checks_nonfatal" },
    { "hashing_algorithm", "glance_hashing_algorithm" },
    { "https_ca_certificates_file", "glance_http_trusted_certificate" },
    { "image_size_cap", "glance_image_size_cap" },
    { "key_file", "ssl_certificate_key" },
    { "max_age", "glance_cors_max_age" },
    { "node_name", "glance_node" },
    { "nginx_module", "load_module" },
    { "public_endpoint", "glance_public_endpoint" },
    { "registry_host", "upstream" },
    { "registry_hosts", "upstream" },
    { "registry_port", "upstream" },
    { "registry_secret", "proxy_set_header" },
    { "registry_socket", "upstream" },
    { "require_image_format_match", "glance_require_image_format_match" },
    { "s3_store_access_key", "glance_s3_credentials" },
    { "s3_store_bucket", "glance_s3_bucket" },
    { "s3_store_bucket_url_format", "glance_s3_url_format" },
    { "s3_store_cacert", "glance_s3_trusted_certificate" },
    { "s3_store_create_bucket_on_put", "glance_s3_create_bucket" },
    { "s3_store_host", "glance_s3_host" },
    { "s3_store_large_object_chunk_size",
      "glance_s3_large_object_chunk_size" },
    { "s3_store_large_object_size", "glance_s3_large_object_size" },
    { "s3_store_region_name", "glance_s3_region" },
    { "s3_store_secret_key", "glance_s3_credentials" },
    { "s3_store_thread_pools", "glance_s3_parallel_parts" },
    { "service_token_roles", "glance_keystone_service_roles" },
    { "source_allowed_addresses", "glance_http_allow" },
    { "stores", "glance_http_store" },
    { "swift_enable_snet", "glance_swift_snet" },
    { "swift_store_auth_address", "glance_swift_accounts" },
    { "swift_store_auth_insecure", "glance_swift_tls_verify" },
    { "swift_store_auth_version", "glance_swift_accounts" },
    { "swift_store_cacert", "glance_swift_trusted_certificate" },
    { "swift_store_config_file", "glance_swift_accounts" },
    { "swift_store_container", "glance_swift_container" },
    { "swift_store_create_container_on_put",
      "glance_swift_create_container" },
    { "swift_store_endpoint", "glance_swift_accounts" },
    { "swift_store_endpoint_type", "glance_swift_accounts" },
    { "swift_store_key", "glance_swift_accounts" },
    { "swift_store_large_object_chunk_size",
      "glance_swift_large_object_chunk_size" },
    { "swift_store_large_object_size", "glance_swift_large_object_size" },
    { "swift_store_region", "glance_swift_accounts" },
    { "swift_store_retry_get_count", "glance_swift_retries" },
    { "swift_store_service_type", "glance_swift_accounts" },
    { "swift_store_user", "glance_swift_accounts" },
    { "token_cache_time", "glance_keystone_cache" },
    { "trusted_proxies", "glance_trusted_proxies" },
    { "upload_lease", "glance_lease" },
    { "user", "user" },
    { "workers", "worker_processes" },
    { "www_authenticate_uri", "glance_keystone_uri" },
    { NULL, NULL }
};


const registry_known_t *
registry_config_known(const char *section, const char *key)
{
    for (const registry_known_t *known = registry_known;
         known->section != NULL;
         known++)
    {
        if (strcmp(known->section, section) == 0
            && registry_known_in(known->names, key))
        {
            return known;
        }
    }

    return NULL;
}


const char *
registry_config_directive(const char *option)
{
    for (const registry_directive_t *d = registry_directives;
         d->option != NULL;
         d++)
    {
        if (strcmp(d->option, option) == 0) {
            return d->directive;
        }
    }

    return NULL;
}


const char *
registry_config_nearest(const char *section, const char *key, char *text,
    size_t size)
{
    registry_nearest_t  near;

    near.section = section;
    near.key = key;
    near.text = text;
    near.size = size;

    /* a third of the letters may be wrong; twice that, since see _try() */

    near.best = 2 * (strlen(key) / 3 + 1);

    text[0] = '\0';

    registry_nearest_options(&near);
    registry_nearest_known(&near);

    return (text[0] != '\0') ? text : NULL;
}


static bool
registry_known_in(const char *names, const char *key)
{
    size_t  len;

    for (const char *p = names; *p != '\0'; p += len) {
        p += strspn(p, " ");
        len = strcspn(p, " ");

        if (len > 0 && p[len - 1] == '*') {
            if (strncmp(p, key, len - 1) == 0) {
                return true;
            }

        } else if (len == strlen(key) && strncmp(p, key, len) == 0) {
            return true;
        }
    }

    return false;
}


static void
registry_nearest_options(registry_nearest_t *near)
{
    char         section[REGISTRY_NEAREST_NAME];
    size_t       len, slash;
    const char  *p;

    for (const registry_opt_t *opt = registry_options;
         opt->name != NULL;
         opt++)
    {
        registry_nearest_try(near, opt->section, opt->name,
                             strlen(opt->name));

        for (p = opt->aliases; p != NULL && *p != '\0'; p += len) {
            p += strspn(p, " ");
            len = strcspn(p, " ");
            slash = strcspn(p, "/");

            if (slash < len && slash < sizeof(section)) {
                memcpy(section, p, slash);
                section[slash] = '\0';

                registry_nearest_try(near, section, p + slash + 1,
                                     len - slash - 1);
            }
        }
    }
}


static void
registry_nearest_known(registry_nearest_t *near)
{
    size_t  len;

    for (const registry_known_t *known = registry_known;
         known->section != NULL;
         known++)
    {
        for (const char *p = known->names; *p != '\0'; p += len) {
            p += strspn(p, " ");
            len = strcspn(p, " ");

            if (len > 0 && p[len - 1] != '*') {
                registry_nearest_try(near, known->section, p, len);
            }
        }
    }
}


/* of names that are equally alike, one of the same section wins */

static void
registry_nearest_try(registry_nearest_t *near, const char *section,
    const char *name, size_t len)
{
    bool    same;
    size_t  n;

    if (len == 0 || len >= REGISTRY_NEAREST_NAME
        || strlen(near->key) >= REGISTRY_NEAREST_NAME)
    {
        return;
    }

    same = (strcmp(section, near->section) == 0);

    n = 2 * registry_nearest_distance(near->key, strlen(near->key), name,
                                      len)
        + (same ? 0 : 1);

    if (n >= near->best) {
        return;
    }

    near->best = n;

    if (same) {
        (void) snprintf(near->text, near->size, "%.*s", (int) len, name);

    } else {
        (void) snprintf(near->text, near->size, "[%s] %.*s", section,
                        (int) len, name);
    }
}


/* letters to insert, remove or change */

static size_t
registry_nearest_distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t  row[REGISTRY_NEAREST_NAME + 1], before, cost, least;

    for (size_t j = 0; j <= m; j++) {
        row[j] = j;
    }

    for (size_t i = 1; i <= n; i++) {
        before = row[0];
        row[0] = i;

        for (size_t j = 1; j <= m; j++) {
            cost = before + ((a[i - 1] == b[j - 1]) ? 0 : 1);
            before = row[j];

            least = (row[j - 1] < row[j]) ? row[j - 1] + 1 : row[j] + 1;
            row[j] = (cost < least) ? cost : least;
        }
    }

    return row[m];
}
