
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "registry_hosts.h"
#include "registry_render_keystone.h"
#include "registry_render_location.h"
#include "registry_render_log.h"


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
static registry_rc_e registry_render_worker(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);
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
