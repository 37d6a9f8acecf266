
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_config.h"


#define A    REGISTRY_FOR_API
#define R    REGISTRY_FOR_REGISTRY
#define W    REGISTRY_FOR_WORKER
#define M    REGISTRY_FOR_MANAGE
#define S    REGISTRY_FOR_SCRUBBER

#define SHOWN  REGISTRY_FOR_SHOWN
#define RS     (R | SHOWN)
#define ALL  REGISTRY_FOR_ALL

#define UNUSED  REGISTRY_OPT_UNUSED
#define SECRET  REGISTRY_OPT_SENSITIVE

#define D  "DEFAULT"

#define STR(name, section, aliases, programs, def, flags, help)               \
    { name, section, aliases, programs, REGISTRY_OPT_STR, def, 0, 0, NULL,    \
      flags, help }

#define INT(name, section, aliases, programs, def, min, max, help)            \
    { name, section, aliases, programs, REGISTRY_OPT_INT, def, min, max,      \
      NULL, 0, help }

#define SIZE(name, section, aliases, programs, def, help)                     \
    { name, section, aliases, programs, REGISTRY_OPT_SIZE, def, 0, 0, NULL,   \
      0, help }

#define BOOL(name, section, aliases, programs, def, help)                     \
    { name, section, aliases, programs, REGISTRY_OPT_BOOL, def, 0, 0, NULL,   \
      0, help }

#define WORD(name, section, aliases, programs, def, words, help)              \
    { name, section, aliases, programs, REGISTRY_OPT_WORD, def, 0, 0, words,  \
      0, help }

/* [keystone_authtoken] has names that mean something else elsewhere */
#define KEYSTONE(name, aliases, def, flags, help)                             \
    { name, "keystone_authtoken", aliases, A, REGISTRY_OPT_STR, def, 0, 0,    \
      NULL, REGISTRY_OPT_SECTION | flags, help }

#define K  "keystone_authtoken/"

/* [cors] */
#define CORS(name, def, help)                                                 \
    { name, "cors", NULL, A, REGISTRY_OPT_STR, def, 0, 0, NULL,               \
      REGISTRY_OPT_SECTION, help }

#define DAY  86400


/*
 * The order is that of a sample file.  An option that differs between the
 * programs has a row for each.
 */

const registry_opt_t  registry_options[] = {

    /* log */

    BOOL("verbose", D, NULL, ALL, "True",
         "Log at level INFO; without it, at level WARNING."),
    BOOL("debug", D, NULL, ALL, "False",
         "Log at level DEBUG."),
    STR("log_file", D, "DEFAULT/logfile", ALL, "", 0,
        "The log file, for example /var/log/glance/api.log; empty: standard "
        "output."),
    STR("log_dir", D, "DEFAULT/logdir", ALL, "", 0,
        "The directory of log_file."),
    STR("log_format", D, "DEFAULT/log-format", ALL,
        "%(asctime)s %(levelname)8s [%(name)s] %(message)s", 0,
        "The form of a line. Also: %(process)d and %(request_id)s."),
    STR("log_date_format", D, "DEFAULT/log-date-format", ALL,
        "%Y-%m-%d %H:%M:%S", 0,
        "The form of %(asctime)s, as of strftime(3)."),
    STR("log_config", D, "DEFAULT/log-config DEFAULT/log_config_append",
        ALL, "", 0,
        "A Python logging configuration file, which replaces the other "
        "options."),
    BOOL("use_syslog", D, "DEFAULT/use-syslog", ALL, "False",
         "Log to syslog instead of a file."),
    STR("syslog_log_facility", D, "DEFAULT/syslog-log-facility", ALL,
        "LOG_USER", 0,
        "The facility: LOG_USER, LOG_DAEMON, LOG_LOCAL0 ..."),

    /* listener */

    STR("bind_host", D, NULL, A | R, "0.0.0.0", 0,
        "The address to listen on."),
    INT("bind_port", D, NULL, A, "9292", 1, 65535,
        "The port of the API server."),
    INT("bind_port", D, NULL, R, "9191", 1, 65535,
        "The port of the registry."),
    INT("backlog", D, NULL, A | R, "4096", 1, 65535,
        "The length of the queue of connections not yet accepted."),
    INT("workers", D, NULL, A | R, "0", 0, 1024,
        "nginx worker processes of the API server; 0: one for each CPU."),
    STR("cert_file", D, NULL, A, "", 0,
        "The certificate chain (PEM); with key_file: TLS and HTTP/2."),
    STR("key_file", D, NULL, A, "", 0,
        "The private key (PEM)."),
    STR("user", D, NULL, A, "", 0,
        "The user of the nginx worker processes when started by root; "
        "empty: root itself."),
    STR("user", D, NULL, R | W | S, "", 0,
        "The user to become when started by root; empty: root itself."),
    STR("public_endpoint", D, NULL, A, "", 0,
        "The base of the URIs that are handed out; empty: scheme and host "
        "of the request."),
    BOOL("enable_proxy_headers_parsing", "oslo_middleware", NULL, A, "False",
         "Whether Forwarded or X-Forwarded-Proto, -Host, -Port and -Prefix "
         "say what scheme and host are, instead of the request."),
    STR("disable_by_file_path", "healthcheck", NULL, A, "", 0,
        "While this file exists, GET /healthcheck is answered with 503."),
    STR("nginx_binary", D, NULL, A, "", 0,
        "The nginx to run; empty: the first in PATH or /usr/sbin."),
    STR("nginx_module", D, NULL, A, "", 0,
        "ngx_http_glance_module.so; empty: beside the program, else in "
        "nginx's directory of modules."),
    STR("run_dir", D, NULL, ALL, "/run/glance", 0,
        "The directory of pid files and of the rendered nginx.conf."),

    /* registry as seen by the API server and the worker */

    STR("registry_host", D, NULL, A | W | S, "0.0.0.0", 0,
        "The address of the registry; 0.0.0.0 is this machine."),
    INT("registry_port", D, "DEFAULT/resigtry_port", A | W | S, "9191", 1,
        65535, "The port of the registry."),
    STR("registry_hosts", D, NULL, A | W | S, "", 0,
        "Several registries: HOST:PORT or unix:/PATH, separated by commas; "
        "empty: registry_host and registry_port."),
    WORD("registry_client_protocol", D, NULL, A | W | S, "http", "http",
         "The protocol of the registry."),
    STR("registry_socket", D, NULL, ALL, "", 0,
        "The absolute path of a unix socket. The registry listens on it "
        "besides TCP, the API server connects to it instead."),
    STR("registry_secret", D, NULL, ALL, "", SECRET,
        "A secret shared by the API servers and the registries, which "
        "believe the caller's identity only with it."),
    STR("node_name", D, NULL, A | W, "", 0,
        "The name of this node in claims; empty: the host name."),
    INT("upload_lease", D, NULL, A | R | W, "20", 1, 3600,
        "Seconds after which the upload of a dead API server is given up."),
    INT("sweep_interval", D, NULL, R | W, "5", 1, 3600,
        "Seconds between two searches for such uploads."),
    STR("source_allowed_addresses", D, NULL, A | W, "", 0,
        "Addresses and networks (CIDR), separated by commas, that "
        "x-glance-api-copy-from and x-image-meta-location may read from "
        "although they are loopback, link-local or private; others of these "
        "are refused."),
    INT("copy_from_timeout", D, NULL, W, "30", 1, 50,
        "Seconds that the source of a copy may be silent."),
    BOOL("do_secure_hash", D, NULL, W, "True",
         "Data at a location that POST /v2/images/ID/locations adds are read "
         "for their digests, and verified by the one that was given."),
    INT("http_retries", D, NULL, W, "3", 0, 100,
        "How often such data are read again when reading them fails."),
    STR("https_ca_certificates_file", D,
        "glance_store/https_ca_certificates_file", A | W, "", 0,
        "Certificates (PEM) of the authorities that the servers of "
        "x-glance-api-copy-from and x-image-meta-location are checked "
        "against; empty: those of the system."),

    /* identity */

    STR("flavor", "paste_deploy", NULL, ALL, "", 0,
        "Who the callers are: empty: everyone is administrator; keystone; "
        "trusted: the headers of an authenticating proxy. caching may be "
        "added with a +."),
    STR("config_file", "paste_deploy", NULL, ALL, "", UNUSED,
        "Has no effect: there are no paste pipelines."),
    STR("trusted_proxies", D, NULL, A, "", 0,
        "With flavor trusted: ADDRESS or ADDRESS/BITS of the proxies, "
        "separated by commas."),
    STR("admin_role", D, NULL, A | R | W | S, "admin", 0,
        "The role that makes an administrator; several: separated by "
        "commas."),
    BOOL("owner_is_tenant", D, NULL, RS, "True",
         "The owner of an image is a tenant, not a user."),
    { "enforce_new_defaults", "oslo_policy", NULL, RS, REGISTRY_OPT_BOOL,
      "True", 0, 0, NULL, REGISTRY_OPT_SECTION,
      "The rights in API v2: True: those of today's Glance, where the role "
      "reader looks, member works and admin rules; False: those of 2022, "
      "where any role of the owning project does all." },
    STR("policy_file", D, "oslo_policy/policy_file", RS, "policy.json",
        UNUSED, "Has no effect: rights are fixed. What the rules of this "
        "file forbid beyond them is allowed here."),
    STR("policy_default_rule", D, "oslo_policy/policy_default_rule", RS,
        "default", UNUSED, "Has no effect: rights are fixed."),

    KEYSTONE("auth_url", K "identity_uri", "", 0,
        "With flavor keystone: where Keystone is asked, such as "
        "http://127.0.0.1:5000/v3; empty: www_authenticate_uri."),
    KEYSTONE("www_authenticate_uri", K "auth_uri", "", 0,
        "The Keystone that callers without a valid token are told of; "
        "empty: auth_url."),
    KEYSTONE("auth_host", NULL, "", 0,
        "The host of an auth_url, as it was written before 2015."),
    KEYSTONE("auth_port", NULL, "35357", 0,
        "The port of auth_host."),
    KEYSTONE("auth_protocol", NULL, "https", 0,
        "The protocol of auth_host."),
    KEYSTONE("auth_type", K "auth_plugin", "password", 0,
        "How the server proves itself to Keystone: password or "
        "v3applicationcredential."),
    KEYSTONE("username", K "user_name " K "user-name " K "admin_user", "", 0,
        "The user of the server, who may validate tokens: its role is admin "
        "or service."),
    KEYSTONE("user_id", K "user-id", "", 0,
        "The same by its id."),
    KEYSTONE("password", K "admin_password", "", SECRET,
        "The password of the user."),
    KEYSTONE("user_domain_name", K "user-domain-name", "", 0,
        "The domain of the user."),
    KEYSTONE("user_domain_id", K "user-domain-id", "", 0,
        "The same by its id; default without both."),
    KEYSTONE("project_name", K "project-name " K "tenant_name "
        K "admin_tenant_name", "", 0,
        "The project of the user, mostly called service."),
    KEYSTONE("project_id", K "project-id " K "tenant_id", "", 0,
        "The same by its id."),
    KEYSTONE("project_domain_name", K "project-domain-name", "", 0,
        "The domain of the project."),
    KEYSTONE("project_domain_id", K "project-domain-id", "", 0,
        "The same by its id; default without both."),
    KEYSTONE("application_credential_id", NULL, "", 0,
        "The application credential, with that auth_type."),
    KEYSTONE("application_credential_secret", NULL, "", SECRET,
        "Its secret."),
    KEYSTONE("cafile", NULL, "", 0,
        "The authorities (PEM) that may vouch for Keystone's certificate; "
        "empty: those of the system."),
    { "insecure", "keystone_authtoken", NULL, A, REGISTRY_OPT_BOOL, "False",
      0, 0, NULL, REGISTRY_OPT_SECTION,
      "Do not check the certificate of Keystone." },
    KEYSTONE("certfile", NULL, "", 0,
        "The certificate (PEM) to show to Keystone."),
    KEYSTONE("keyfile", NULL, "", 0,
        "Its private key (PEM)."),
    INT("token_cache_time", "keystone_authtoken", NULL, A, "300", -1,
        86400, "Seconds that Keystone's word about a token counts, if it is "
        "not over before."),
    KEYSTONE("service_token_roles", NULL, "service", 0,
        "Whose X-Service-Token makes an expired token of a caller count, "
        "separated by commas."),

    /* pages of other origins */

    CORS("allowed_origin", "",
         "The origins, such as https://horizon.example.com, whose pages may "
         "use the API, separated by commas; *: all; empty: none."),
    { "allow_credentials", "cors", NULL, A, REGISTRY_OPT_BOOL, "True", 0, 0,
      NULL, REGISTRY_OPT_SECTION,
      "Their requests may carry credentials of the browser." },
    CORS("expose_headers", "X-Image-Meta-Checksum,X-Auth-Token,"
         "X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID",
         "The headers of answers that they may read."),
    { "max_age", "cors", NULL, A, REGISTRY_OPT_INT, "3600", 0, INT32_MAX,
      NULL, REGISTRY_OPT_SECTION,
      "Seconds that a browser remembers what is allowed." },
    CORS("allow_methods", "GET,PUT,POST,DELETE,PATCH",
         "The methods that they may use."),
    CORS("allow_headers", "Content-MD5,X-Image-Meta-Checksum,"
         "X-Storage-Token,Accept-Encoding,X-Auth-Token,X-Identity-Status,"
         "X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,"
         "X-OpenStack-Request-ID",
         "The headers that their requests may have, beside harmless ones."),

    /* database */

    STR("sql_connection", D, "database/connection DEFAULT/connection "
        "database/sql_connection DATABASE/sql_connection sql/connection",
        RS | M, "sqlite:////var/lib/glance/glance.sqlite", SECRET,
        "sqlite:////ABSOLUTE/FILE, sqlite:///RELATIVE/FILE or "
        "mysql://USER:PASSWORD@HOST:PORT/DATABASE. Also as connection in "
        "the section [database]."),
    INT("sql_idle_timeout", D,
        "DEFAULT/sql_idel_timeout database/connection_recycle_time "
        "database/idle_timeout database/sql_idle_timeout", R | M, "3600", 1,
        INT32_MAX,
        "A connection that idled longer is established again."),
    INT("sql_max_retries", D, "database/max_retries "
        "database/sql_max_retries DATABASE/sql_max_retries", R | M, "10", -1,
        INT32_MAX,
        "How often the registry tries to reach the database at its start; "
        "-1: without end, as it does with a database server unless this is "
        "set."),
    INT("sql_retry_interval", D, "database/retry_interval "
        "database/reconnect_interval DATABASE/reconnect_interval", R | M,
        "1", 0, 3600,
        "Seconds between two tries."),

    /* limits */

    INT("registry_threads", D, NULL, R, "8", 1, 256,
        "Threads, each with a connection to the database."),
    INT("api_limit_max", D, NULL, RS, "1000", 1, 100000,
        "The longest page of a list."),
    INT("limit_param_default", D, NULL, RS, "25", 1, 100000,
        "The page when the caller gives no limit."),
    INT("max_request_body", D, NULL, R, "1048576", 1024, 1073741824,
        "Bytes of the metadata in one request to the registry."),
    INT("image_property_quota", D, NULL, RS, "128", -1, INT32_MAX,
        "Properties of an image; -1: any number."),
    INT("image_member_quota", D, NULL, RS, "128", -1, INT32_MAX,
        "Members of an image; -1: any number."),
    INT("image_tag_quota", D, NULL, RS, "128", -1, INT32_MAX,
        "Tags of an image; -1: any number."),
    INT("image_location_quota", D, NULL, RS, "10", -1, INT32_MAX,
        "Places of an image's data; -1: any number."),
    WORD("hashing_algorithm", D, NULL, A | W, "sha512",
         "sha512,sha384,sha256,sha224,sha1,md5,sha3_512,sha3_384,sha3_256,"
         "sha3_224,blake2b,blake2s",
         "What os_hash_value of new images is computed by, besides the MD5."),
    SIZE("user_storage_quota", D, NULL, RS, "0",
         "What the images of a project may take in the store; 0: anything."),
    INT("image_size_cap", D, NULL, A | R | W, "1099511627776", 1, INT64_MAX,
        "Bytes of the largest image."),

    /* what API v2 takes and shows */

    STR("disk_formats", "image_format", "DEFAULT/disk_formats", RS,
        "ami,ari,aki,vhd,vhdx,vmdk,raw,qcow2,vdi,iso,ploop", 0,
        "The disk formats of new images in API v2, separated by commas."),
    STR("container_formats", "image_format", "DEFAULT/container_formats", RS,
        "ami,ari,aki,bare,ovf,ova,docker,compressed", 0,
        "The container formats, likewise."),
    BOOL("require_image_format_match", "image_format",
         "DEFAULT/require_image_format_match", A, "True",
         "Refuse data of API v2 that are not of the disk format of their "
         "image; without it, log a warning. Unsafe images are refused always."
         ),
    STR("gpt_safety_checks_nonfatal", "image_format",
        "DEFAULT/gpt_safety_checks_nonfatal", A, "", 0,
        "Faults of a partition table that only log a warning: mbr."),
    BOOL("enable_v1_api", D, NULL, A, "True",
         "Serve API v1. That of 2011, without a version, is served always."),
    BOOL("enable_v2_api", D, NULL, A, "True", "Serve API v2."),
    BOOL("show_image_direct_url", D, NULL, RS, "False",
         "API v2 tells where the data of an image are (direct_url)."),
    BOOL("show_multiple_locations", D, NULL, RS, "False",
         "API v2 tells and changes all the places of an image's data "
         "(locations)."),

    /* stores */

    WORD("default_store", D, "glance_store/default_store", A, "file",
         "file,filesystem,swift,s3,http,https",
         "Where images go that name no store: file, swift or s3."),
    STR("filesystem_store_datadir", D,
        "glance_store/filesystem_store_datadir", A | W | S,
        "/var/lib/glance/images/", 0,
        "The directory of the file store; created when missing. Also in the "
        "section [glance_store]."),
    STR("enabled_backends", D, NULL, A | W | S, "", 0,
        "NAME:TYPE pairs separated by commas; the sections [NAME] hold the "
        "options of the stores."),
    STR("default_backend", "glance_store", NULL, A | W | S, "", 0,
        "The name in enabled_backends that is used by default."),
    STR("stores", "glance_store", NULL, A | W | S, "file,http", 0,
        "With http among them images may be at a URL of another server; all "
        "other stores are there."),
    STR("swift_store_auth_address", D,
        "glance_store/swift_store_auth_address", A, "127.0.0.1:8080/v1.0/",
        0, "The authentication service of Swift."),
    STR("swift_store_user", D, "glance_store/swift_store_user", A, "",
        SECRET, "The account, or ACCOUNT:USER."),
    STR("swift_store_key", D, "glance_store/swift_store_key", A, "", SECRET,
        "The account's key."),
    STR("swift_store_container", D, "glance_store/swift_store_container",
        A, "glance", 0, "The container of the images."),
    BOOL("swift_store_create_container_on_put", D,
         "glance_store/swift_store_create_container_on_put", A, "False",
         "Create the container when it is missing."),
    INT("swift_store_large_object_size", D,
        "glance_store/swift_store_large_object_size", A, "5120", 1, INT32_MAX,
        "Megabytes from which on an image is cut into several objects."),
    INT("swift_store_large_object_chunk_size", D,
        "glance_store/swift_store_large_object_chunk_size", A, "200", 1,
        INT32_MAX, "Megabytes of each of these objects."),
    BOOL("swift_enable_snet", D, "glance_store/swift_enable_snet", A,
         "False", "Use the service network of the cloud provider."),
    STR("swift_store_auth_version", D,
        "glance_store/swift_store_auth_version", A, "", 0,
        "The version of the authentication service: 1 or, for Keystone, 3; "
        "empty: what the address looks like."),
    BOOL("swift_store_auth_insecure", D,
         "glance_store/swift_store_auth_insecure", A, "False",
         "Do not check Swift's certificates."),
    STR("swift_store_cacert", D, "glance_store/swift_store_cacert", A, "", 0,
        "The file with the authorities of Swift's certificates, instead of "
        "the system's."),
    STR("swift_store_config_file", D, "glance_store/swift_store_config_file",
        A, "", 0,
        "The file with accounts, a section each: user, key, auth_address. "
        "Locations then name the section instead of holding the key."),
    STR("default_swift_reference", D, "glance_store/default_swift_reference",
        A, "ref1", 0, "The section for new images."),
    STR("swift_store_region", D, "glance_store/swift_store_region", A, "", 0,
        "The region in Keystone's catalog; empty: any."),
    STR("swift_store_service_type", D,
        "glance_store/swift_store_service_type", A, "object-store", 0,
        "The service in Keystone's catalog."),
    STR("swift_store_endpoint_type", D,
        "glance_store/swift_store_endpoint_type", A, "publicURL", 0,
        "The interface in Keystone's catalog."),
    STR("swift_store_endpoint", D, "glance_store/swift_store_endpoint", A,
        "", 0, "The URL of the store, instead of Keystone's."),
    INT("swift_store_retry_get_count", D,
        "glance_store/swift_store_retry_get_count", A, "0", 0, 1000,
        "How often a download that broke in the middle is resumed."),
    STR("s3_store_host", D, "glance_store/s3_store_host", A, "", 0,
        "The S3 service: [http[s]://]HOST[:PORT]; empty: Amazon's."),
    STR("s3_store_access_key", D, "glance_store/s3_store_access_key", A, "",
        SECRET, "The access key."),
    STR("s3_store_secret_key", D, "glance_store/s3_store_secret_key", A, "",
        SECRET, "The secret key."),
    STR("s3_store_bucket", D, "glance_store/s3_store_bucket", A, "glance",
        0, "The bucket of the images."),
    BOOL("s3_store_create_bucket_on_put", D,
         "glance_store/s3_store_create_bucket_on_put", A, "False",
         "Create the bucket when it is missing."),
    WORD("s3_store_bucket_url_format", D,
         "glance_store/s3_store_bucket_url_format", A, "auto",
         "auto,path,virtual",
         "Where the bucket is in a URL: in the path, or before the host."),
    STR("s3_store_region_name", D, "glance_store/s3_store_region_name", A,
        "", 0, "The region; empty: that of the host's name, or us-east-1."),
    INT("s3_store_large_object_size", D,
        "glance_store/s3_store_large_object_size", A, "100", 1, INT32_MAX,
        "Megabytes from which on an image is sent in parts."),
    INT("s3_store_large_object_chunk_size", D,
        "glance_store/s3_store_large_object_chunk_size", A, "10", 5, 5120,
        "Megabytes of each part."),
    INT("s3_store_thread_pools", D, "glance_store/s3_store_thread_pools", A,
        "10", 1, INT32_MAX,
        "How many parts of an image may be under way."),
    STR("s3_store_cacert", D, "glance_store/s3_store_cacert", A, "", 0,
        "The file with the authorities of the service's certificates, "
        "instead of the system's."),
    STR("s3_store_object_buffer_dir", D,
        "glance_store/s3_store_object_buffer_dir", A, "", UNUSED,
        "Has no effect: images are sent as they arrive."),

    /* delayed delete */

    BOOL("allow_anonymous_access", D, NULL, A, "False",
         "Whether callers without a valid token may look at what is public."),
    BOOL("delayed_delete", D, NULL, A | RS, "False",
         "Keep the data of a deleted image until glance-scrubber removes "
         "them."),
    INT("scrub_time", D, NULL, S | SHOWN, "0", 0, INT32_MAX,
        "Seconds that glance-scrubber leaves the data of deleted images "
        "alone."),
    INT("wakeup_time", D, NULL, S | SHOWN, "300", 1, 604800,
        "Seconds between two passes of glance-scrubber --daemon."),
    BOOL("daemon", D, NULL, S, "False",
         "Go on until the end, instead of one pass."),
    STR("scrubber_datadir", D, NULL, A | S, "/var/lib/glance/scrubber",
        UNUSED, "Has no effect: the database keeps the queue."),
    STR("metadata_encryption_key", D, NULL, A | R, "", SECRET | UNUSED,
        "Has no effect yet."),

    { NULL, NULL, NULL, 0, REGISTRY_OPT_STR, NULL, 0, 0, NULL, 0, NULL }
};
