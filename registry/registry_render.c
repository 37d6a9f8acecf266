
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "registry_hosts.h"
#include "registry_render_front.h"
#include "registry_render_http.h"
#include "registry_render_keystone.h"
#include "registry_render_log.h"
#include "registry_render_s3.h"
#include "registry_render_swift.h"


#define REGISTRY_RENDER_PATH    4096
#define REGISTRY_RENDER_UNIX    108     /* of a socket's name */
#define REGISTRY_RENDER_SOCKET  "/worker/api.sock"
#define REGISTRY_RENDER_HTTP2_ON  1025001   /* has the directive http2 */


static registry_rc_e registry_render_main(const registry_config_t *cf,
    const registry_render_t *render, const registry_logconf_t *lc, FILE *out,
    registry_err_t *err);
static registry_rc_e registry_render_block(const registry_config_t *cf,
    const registry_render_t *render, const registry_logconf_t *lc, FILE *out,
    registry_err_t *err);
static registry_rc_e registry_render_upstream(const registry_config_t *cf,
    FILE *out, registry_err_t *err);
static registry_rc_e registry_render_listen(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);
static registry_rc_e registry_render_location(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);
static registry_rc_e registry_render_uploads(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);
static registry_rc_e registry_render_stores(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);
static registry_rc_e registry_render_worker(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);
static registry_rc_e registry_render_identity(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);
static registry_rc_e registry_render_formats(const registry_config_t *cf,
    FILE *out, registry_err_t *err);
static registry_rc_e registry_render_cors(const registry_config_t *cf,
    FILE *out, registry_err_t *err);
static registry_rc_e registry_render_believed(const registry_config_t *cf,
    registry_err_t *err);
static void registry_render_internal(const registry_config_t *cf, FILE *out);


registry_rc_e
registry_render(const registry_config_t *cf, const registry_render_t *render,
    FILE *out, registry_err_t *err)
{
    registry_rc_e       rc;
    registry_logconf_t  lc;

    rc = registry_logconf_init(&lc, cf, err);

    if (rc == REGISTRY_OK) {
        rc = registry_render_main(cf, render, &lc, out, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_render_block(cf, render, &lc, out, err);
    }

    registry_logconf_free(&lc);

    if (rc == REGISTRY_OK && (fflush(out) != 0 || ferror(out))) {
        rc = registry_err_set(err, REGISTRY_ERROR,
                              "cannot write nginx.conf");
    }

    return rc;
}


registry_rc_e
registry_render_path(const char *option, const char *value, char *path,
    size_t size, registry_err_t *err)
{
    int     n;
    char    cwd[REGISTRY_RENDER_PATH];
    size_t  len;

    cwd[0] = '\0';

    if (value[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "%s: the current "
                                "directory is not known", option);
    }

    n = snprintf(path, size, "%s%s%s", cwd, (cwd[0] != '\0') ? "/" : "",
                 value);

    if (n < 0 || (size_t) n >= size || value[0] == '\0') {
        return registry_err_set(err, REGISTRY_INVALID,
                                "%s: path empty or too long", option);
    }

    len = (size_t) n;

    while (len > 1 && path[len - 1] == '/') {
        path[--len] = '\0';
    }

    for (const char *p = path; *p != '\0'; p++) {
        if (iscntrl((unsigned char) *p) || strchr("\"\\$;{}", *p) != NULL) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "%s: must not hold control characters "
                                    "or any of \" \\ $ ; { }", option);
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_render_main(const registry_config_t *cf,
    const registry_render_t *render, const registry_logconf_t *lc, FILE *out,
    registry_err_t *err)
{
    registry_rc_e  rc;

    (void) fprintf(out, "# written by glance-api at its start and reload: "
                   "changes get lost\n\n");

    if (render->module[0] != '\0') {
        (void) fprintf(out, "load_module \"%s\";\n\n", render->module);
    }

    if (render->user[0] != '\0') {
        if (!registry_render_word(render->user, "-_.")) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "user: must be a user name");
        }

        (void) fprintf(out, "user \"%s\";\n", render->user);
    }

    (void) fprintf(out, "daemon off;\n");

    if (registry_config_int(cf, "workers") == 0) {
        (void) fprintf(out, "worker_processes auto;\n");

    } else {
        (void) fprintf(out, "worker_processes %" PRId64 ";\n",
                       registry_config_int(cf, "workers"));
    }

    (void) fprintf(out, "pid \"%s\";\n", render->pid);

    rc = registry_render_error_log(lc, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out,
                   "thread_pool glance threads=16 max_queue=65536;\n"
                   "thread_pool digest_1 threads=2 max_queue=65536;\n"
                   "thread_pool digest_2 threads=2 max_queue=65536;\n"
                   "thread_pool digest_3 threads=2 max_queue=65536;\n"
                   "thread_pool digest_4 threads=2 max_queue=65536;\n"
                   "\n"
                   "events {\n"
                   "    worker_connections %u;\n"
                   "}\n\n", render->connections);

    return REGISTRY_OK;
}


static registry_rc_e
registry_render_block(const registry_config_t *cf,
    const registry_render_t *render, const registry_logconf_t *lc, FILE *out,
    registry_err_t *err)
{
    registry_rc_e  rc;

    static const char *const  temps[] = {
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"
    };

    (void) fprintf(out, "http {\n");

    rc = registry_render_access_log(lc, render, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out, "\n");

    for (size_t i = 0; i < sizeof(temps) / sizeof(temps[0]); i++) {
        (void) fprintf(out, "    %s_temp_path \"%s/temp/%s\";\n", temps[i],
                       render->run_dir, temps[i]);
    }

    (void) fprintf(out, "\n    server_tokens off;\n\n");

    rc = registry_render_upstream(cf, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out, "    server {\n");

    rc = registry_render_listen(cf, render, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out,
                   "        underscores_in_headers on;\n"
                   "        ignore_invalid_headers off;\n"
                   "        client_max_body_size 0;\n"
                   "        client_body_buffer_size 128k;\n"
                   "        large_client_header_buffers 4 16k;\n\n");

    rc = registry_render_location(cf, render, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_render_internal(cf, out);

    rc = registry_render_keystone_internal(cf, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out, "    }\n");

    rc = registry_render_worker(cf, render, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out, "}\n");

    return REGISTRY_OK;
}


/* a socket that only the user of the service can reach */

static registry_rc_e
registry_render_worker(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err)
{
    char           socket[REGISTRY_RENDER_PATH];
    registry_rc_e  rc;

    rc = registry_render_socket(cf, socket, sizeof(socket), err);

    if (rc != REGISTRY_OK || socket[0] == '\0') {
        return rc;
    }

    (void) fprintf(out,
                   "\n"
                   "    server {\n"
                   "        listen \"unix:%s\";\n"
                   "        access_log off;\n"
                   "        underscores_in_headers on;\n"
                   "        ignore_invalid_headers off;\n"
                   "\n"
                   "        location / {\n"
                   "            glance_removals;\n"
                   "            glance_registry /_glance_registry;\n", socket);

    rc = registry_render_stores(cf, render, out, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out,
                   "        }\n"
                   "\n"
                   "        location /copy {\n"
                   "            glance_copies;\n"
                   "            glance_registry /_glance_registry;\n"
                   "            glance_identity trusted;\n"
                   "            glance_trusted_proxies unix:;\n");

    rc = registry_render_uploads(cf, render, out, err);

    if (rc == REGISTRY_OK) {
        (void) fprintf(out, "        }\n\n");
        registry_render_internal(cf, out);
        (void) fprintf(out, "    }\n");
    }

    return rc;
}


registry_rc_e
registry_render_socket(const registry_config_t *cf, char *path, size_t size,
    registry_err_t *err)
{
    size_t         len;
    registry_rc_e  rc;

    rc = registry_render_path("run_dir", registry_config_str(cf, "run_dir"),
                              path, size, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    len = strlen(path);

    if (len + sizeof(REGISTRY_RENDER_SOCKET) > REGISTRY_RENDER_UNIX) {
        path[0] = '\0';
        return REGISTRY_OK;
    }

    (void) snprintf(path + len, size - len, "%s", REGISTRY_RENDER_SOCKET);

    return REGISTRY_OK;
}


static registry_rc_e
registry_render_upstream(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    const char        *secret;
    registry_rc_e      rc;
    registry_hosts_t   hosts;

    rc = registry_hosts_init(&hosts, cf, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out, "    upstream glance_registry {\n");

    for (size_t i = 0; i < hosts.n; i++) {
        (void) fprintf(out, "        server %s;\n", hosts.host[i]);
    }

    /* nginx asks none of them for a while when all have failed lately */

    for (size_t i = 0; hosts.n > 1 && i < hosts.n; i++) {
        (void) fprintf(out, "        server %s max_fails=0 backup;\n",
                       hosts.host[i]);
    }

    (void) fprintf(out, "        keepalive 64;\n"
                   "    }\n\n");

    secret = registry_config_str(cf, "registry_secret");

    if (secret[0] != '\0') {

        /* geo, since a "$" in its values is nothing but a dollar sign */

        (void) fprintf(out, "    geo $glance_registry_secret {\n"
                       "        default ");
        registry_render_quoted(secret, out);
        (void) fprintf(out, ";\n    }\n\n");
    }

    return registry_render_keystone_upstream(cf, out, err);
}


static registry_rc_e
registry_render_listen(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err)
{
    bool           tls;
    char           host[REGISTRY_HOST_LEN], path[REGISTRY_RENDER_PATH];
    const char    *cert, *key;
    registry_rc_e  rc;

    rc = registry_hosts_address("bind_host",
                                registry_config_str(cf, "bind_host"),
                                registry_config_int(cf, "bind_port"), host,
                                err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    cert = registry_config_str(cf, "cert_file");
    key = registry_config_str(cf, "key_file");
    tls = (cert[0] != '\0');

    if (tls != (key[0] != '\0')) {
        return registry_err_set(err, REGISTRY_INVALID, "cert_file and "
                                "key_file: one without the other");
    }

    (void) fprintf(out, "        listen %s%s%s backlog=%" PRId64 ";\n", host,
                   tls ? " ssl" : "",
                   (tls && render->version < REGISTRY_RENDER_HTTP2_ON)
                   ? " http2" : "", registry_config_int(cf, "backlog"));

    if (tls) {
        if (render->version >= REGISTRY_RENDER_HTTP2_ON) {
            (void) fprintf(out, "        http2 on;\n");
        }

        rc = registry_render_path("cert_file", cert, path, sizeof(path), err);
        if (rc != REGISTRY_OK) {
            return rc;
        }

        (void) fprintf(out, "        ssl_certificate \"%s\";\n", path);

        rc = registry_render_path("key_file", key, path, sizeof(path), err);
        if (rc != REGISTRY_OK) {
            return rc;
        }

        (void) fprintf(out, "        ssl_certificate_key \"%s\";\n"
                       "        ssl_protocols TLSv1.2 TLSv1.3;\n"
                       "        ssl_session_cache shared:glance:1m;\n", path);
    }

    (void) fprintf(out, "\n");

    return REGISTRY_OK;
}


/* what both locations have */

static registry_rc_e
registry_render_stores(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err)
{
    char           path[REGISTRY_RENDER_PATH];
    const char    *store;
    registry_rc_e  rc;

    rc = registry_render_path("filesystem_store_datadir",
                              registry_config_str(cf,
                                                  "filesystem_store_datadir"),
                              path, sizeof(path), err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    store = registry_config_str(cf, "default_store");

    if (strcmp(store, "filesystem") == 0) {
        store = "file";
    }

    if (strcmp(store, "file") != 0 && strcmp(store, "swift") != 0
        && strcmp(store, "s3") != 0)
    {
        return registry_err_set(err, REGISTRY_INVALID, "default_store: %s "
                                "cannot be written to", store);
    }

    (void) fprintf(out,
                   "            glance_default_store %s;\n"
                   "            glance_file_root \"%s\";\n"
                   "            glance_thread_pool glance;\n", store, path);

    rc = registry_render_swift(cf, render->accounts, out, err);

    if (rc == REGISTRY_OK) {
        rc = registry_render_s3(cf, render->keys, out, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_render_http(cf, out, err);
    }

    return rc;
}


static registry_rc_e
registry_render_location(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err)
{
    registry_rc_e  rc;

    (void) fprintf(out,
                   "        location / {\n"
                   "            glance;\n"
                   "            glance_registry /_glance_registry;\n");

    rc = registry_render_uploads(cf, render, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (registry_config_bool(cf, "allow_anonymous_access")) {
        (void) fprintf(out, "            glance_anonymous on;\n");
    }

    (void) fprintf(out, "            glance_delayed_delete %s;\n",
                   registry_config_bool(cf, "delayed_delete") ? "on" : "off");

    rc = registry_render_front(cf, out, err);

    if (rc == REGISTRY_OK) {
        rc = registry_render_identity(cf, render, out, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_render_believed(cf, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_render_cors(cf, out, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out,
                   "\n"
                   "            sendfile on;\n"
                   "            sendfile_max_chunk 2m;\n"
                   "            aio threads=glance;\n"
                   "            tcp_nopush on;\n"
                   "        }\n\n");

    return REGISTRY_OK;
}


/* what takes data: of clients, and of the worker */

static registry_rc_e
registry_render_uploads(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err)
{
    int64_t        lease;
    const char    *text;
    registry_rc_e  rc;

    rc = registry_render_stores(cf, render, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out,
                   "            glance_digest_pool digest_1 digest_2 digest_3"
                   " digest_4\n"
                   "                               nice=10;\n"
                   "            glance_upload_buffers 4 256k;\n"
                   "            glance_hashing_algorithm %s;\n"
                   "            glance_image_size_cap %" PRId64 ";\n",
                   registry_config_str(cf, "hashing_algorithm"),
                   registry_config_int(cf, "image_size_cap"));

    /* nginx does not take less, as it renews at a third of it */

    lease = registry_config_int(cf, "upload_lease");
    (void) fprintf(out, "            glance_lease %" PRId64 "s;\n",
                   (lease < 3) ? 3 : lease);

    rc = registry_render_formats(cf, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    text = registry_config_str(cf, "node_name");

    if (!registry_render_word(text, "-_.:")) {
        return registry_err_set(err, REGISTRY_INVALID, "node_name: must be "
                                "letters, digits and - _ . :");
    }

    (void) fprintf(out, "            glance_node \"%s\";\n", text);

    return REGISTRY_OK;
}


static registry_rc_e
registry_render_formats(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    bool         mbr, v1, v2;
    size_t       len;
    const char  *p;

    mbr = false;
    p = registry_config_str(cf, "gpt_safety_checks_nonfatal");

    for (p += strspn(p, ", \t"); *p != '\0'; p += strspn(p, ", \t")) {
        len = strcspn(p, ", \t");

        if (len != 3 || strncmp(p, "mbr", 3) != 0) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "gpt_safety_checks_nonfatal: there is "
                                    "only mbr");
        }

        mbr = true;
        p += len;
    }

    v1 = registry_config_bool(cf, "enable_v1_api");
    v2 = registry_config_bool(cf, "enable_v2_api");

    (void) fprintf(out, "            glance_versions%s%s%s;\n",
                   v1 ? " v1" : "", v2 ? " v2" : "",
                   (v1 || v2) ? "" : " none");
    (void) fprintf(out, "            glance_require_image_format_match %s;\n",
                   registry_config_bool(cf, "require_image_format_match")
                   ? "on" : "off");

    if (mbr) {
        (void) fprintf(out,
                       "            glance_gpt_safety_checks_nonfatal mbr;\n");
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_render_identity(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err)
{
    char           text[REGISTRY_RENDER_PATH];
    size_t         len;
    const char    *identity, *p;
    registry_rc_e  rc;

    identity = registry_config_identity(cf);

    rc = registry_render_roles(cf, "admin_role", "glance_admin_role", out,
                               err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out, "            glance_identity %s;\n", identity);

    if (strcmp(identity, "keystone") == 0) {
        return registry_render_keystone(cf, render->credentials, out, err);
    }

    if (strcmp(identity, "trusted") != 0) {
        return REGISTRY_OK;
    }

    p = registry_config_str(cf, "trusted_proxies");
    p += strspn(p, ", \t");

    if (*p == '\0') {
        return registry_err_set(err, REGISTRY_INVALID, "trusted_proxies: "
                                "needed with flavor trusted");
    }

    (void) fprintf(out, "            glance_trusted_proxies");

    while (*p != '\0') {
        len = strcspn(p, ", \t");

        (void) snprintf(text, sizeof(text), "%.*s", (int) len, p);

        if (!registry_render_word(text, ".:/[]")) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "trusted_proxies: must be a list of "
                                    "ADDRESS or ADDRESS/BITS");
        }

        (void) fprintf(out, " %s", text);

        p += len;
        p += strspn(p, ", \t");
    }

    (void) fprintf(out, ";\n");

    return REGISTRY_OK;
}


static registry_rc_e
registry_render_cors(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    registry_rc_e  rc;

    static const struct {
        const char  *option;
        const char  *directive;
    } lists[] = {
        { "allow_methods", "glance_cors_methods" },
        { "allow_headers", "glance_cors_headers" },
        { "expose_headers", "glance_cors_expose" }
    };

    if (registry_config_str(cf, "allowed_origin")[0] == '\0') {
        return REGISTRY_OK;
    }

    rc = registry_render_words(cf, "allowed_origin", "glance_cors_origin",
                               "-_.:/[]*", "origins", out, err);

    for (size_t i = 0;
         rc == REGISTRY_OK && i < sizeof(lists) / sizeof(lists[0]);
         i++)
    {
        rc = registry_render_words(cf, lists[i].option, lists[i].directive,
                                   "-_", "names", out, err);
    }

    (void) fprintf(out,
                   "            glance_cors_credentials %s;\n"
                   "            glance_cors_max_age %" PRId64 "s;\n",
                   registry_config_bool(cf, "allow_credentials") ? "on"
                                                                 : "off",
                   registry_config_int(cf, "max_age"));

    return rc;
}


/* the registry that nginx asks knows that it is nginx */

static registry_rc_e
registry_render_believed(const registry_config_t *cf, registry_err_t *err)
{
    bool               local;
    registry_rc_e      rc;
    registry_hosts_t   hosts;

    rc = registry_hosts_init(&hosts, cf, err);
    local = true;

    for (size_t i = 0; rc == REGISTRY_OK && i < hosts.n; i++) {
        local = local && strncmp(hosts.host[i], "unix:", 5) == 0;
    }

    return (rc == REGISTRY_OK) ? registry_config_believed(cf, local, err)
                               : rc;
}


static void
registry_render_internal(const registry_config_t *cf, FILE *out)
{
    (void) fprintf(out,
                   "        location /_glance_registry/ {\n"
                   "            internal;\n"
                   "            proxy_pass http://glance_registry/;\n"
                   "            proxy_http_version 1.1;\n"
                   "            proxy_set_header Connection \"\";\n"
                   "            proxy_set_header Host $host;\n"
                   "            proxy_redirect off;\n");

    if (registry_config_str(cf, "registry_secret")[0] != '\0') {
        (void) fprintf(out, "            proxy_set_header X-Glance-Secret "
                       "$glance_registry_secret;\n");
    }

    (void) fprintf(out,
                   "            proxy_ignore_client_abort on;\n"
                   "            proxy_buffering off;\n"
                   "            proxy_buffer_size 16k;\n"
                   "            proxy_buffers 8 16k;\n"
                   "            proxy_connect_timeout 2s;\n"
                   "            proxy_read_timeout 30s;\n"
                   "            proxy_next_upstream error timeout http_502 "
                   "http_503\n"
                   "                                non_idempotent;\n"
                   "            subrequest_output_buffer_size 32m;\n"
                   "            log_subrequest off;\n"
                   "        }\n");
}


registry_rc_e
registry_render_roles(const registry_config_t *cf, const char *option,
    const char *directive, FILE *out, registry_err_t *err)
{
    return registry_render_words(cf, option, directive, "-_.:@ ",
                                 "names of roles", out, err);
}


registry_rc_e
registry_render_words(const registry_config_t *cf, const char *option,
    const char *directive, const char *others, const char *what, FILE *out,
    registry_err_t *err)
{
    char         text[256];
    size_t       len;
    const char  *p;

    p = registry_config_str(cf, option);
    p += strspn(p, ", \t");

    if (*p == '\0') {
        return REGISTRY_OK;
    }

    (void) fprintf(out, "            %s", directive);

    while (*p != '\0') {
        len = strcspn(p, ",");

        (void) snprintf(text, sizeof(text), "%.*s", (int) len, p);

        for (size_t n = strlen(text);
             n > 0 && strchr(" \t", text[n - 1]) != NULL;
             n--)
        {
            text[n - 1] = '\0';
        }

        if (!registry_render_word(text, others)) {
            return registry_err_set(err, REGISTRY_INVALID, "%s: must be "
                                    "%s with commas between", option, what);
        }

        (void) fprintf(out, " \"%s\"", text);

        p += len;
        p += strspn(p, ", \t");
    }

    (void) fprintf(out, ";\n");

    return REGISTRY_OK;
}


bool
registry_render_word(const char *text, const char *others)
{
    if (text[0] == '\0') {
        return false;
    }

    for (const char *p = text; *p != '\0'; p++) {
        if (!isalnum((unsigned char) *p) && strchr(others, *p) == NULL) {
            return false;
        }
    }

    return true;
}


void
registry_render_quoted(const char *text, FILE *out)
{
    (void) fputc('"', out);

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            (void) fputc('\\', out);
        }

        (void) fputc(*p, out);
    }

    (void) fputc('"', out);
}
