
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render_keystone.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "registry_render.h"


#define REGISTRY_KEYSTONE_URL  1024
#define REGISTRY_KEYSTONE_CAS  "/etc/ssl/certs/ca-certificates.crt"


/* http://HOST:PORT/PATH, the path without a trailing slash and version */

typedef struct {
    bool  tls;
    char  url[REGISTRY_KEYSTONE_URL];       /* all of it, as it was given */
    char  name[REGISTRY_KEYSTONE_URL];      /* HOST */
    char  host[REGISTRY_KEYSTONE_URL];      /* HOST or HOST:PORT */
    char  server[REGISTRY_KEYSTONE_URL];    /* HOST:PORT */
    char  path[REGISTRY_KEYSTONE_URL];
} registry_keystone_t;


static bool registry_keystone_wanted(const registry_config_t *cf);
static registry_rc_e registry_keystone_url(const registry_config_t *cf,
    registry_keystone_t *ks, registry_err_t *err);
static const char *registry_keystone_given(const registry_config_t *cf,
    char *text, size_t size, const char **option);
static registry_rc_e registry_keystone_split(registry_keystone_t *ks,
    const char *option, registry_err_t *err);
static registry_rc_e registry_keystone_tls(const registry_config_t *cf,
    const registry_keystone_t *ks, FILE *out, registry_err_t *err);
static registry_rc_e registry_keystone_file(const registry_config_t *cf,
    const char *option, const char *def, const char *directive, FILE *out,
    registry_err_t *err);
static json_t *registry_keystone_auth(const registry_config_t *cf,
    registry_err_t *err);
static json_t *registry_keystone_password(const registry_config_t *cf,
    registry_err_t *err);
static json_t *registry_keystone_named(const registry_config_t *cf,
    const char *what, registry_err_t *err);


registry_rc_e
registry_render_keystone(const registry_config_t *cf,
    const char *credentials, FILE *out, registry_err_t *err)
{
    int64_t              valid;
    const char          *uri;
    registry_rc_e        rc;
    registry_keystone_t  ks;

    rc = registry_keystone_url(cf, &ks, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    uri = registry_config_str(cf, "www_authenticate_uri");

    if (uri[0] == '\0') {
        uri = ks.url;
    }

    if (!registry_render_word(uri, "-_.:/[]~%")) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "www_authenticate_uri: must be an URL");
    }

    valid = registry_config_int(cf, "token_cache_time");

    (void) fprintf(out,
                   "            glance_keystone /_glance_keystone;\n"
                   "            glance_keystone_uri \"%s\";\n"
                   "            glance_keystone_credentials \"%s\";\n"
                   "            glance_keystone_cache "
                   "zone=glance_keystone:4m valid=%" PRId64 "s;\n",
                   uri, credentials, (valid < 0) ? 0 : valid);

    return registry_render_roles(cf, "service_token_roles",
                                 "glance_keystone_service_roles", out, err);
}


registry_rc_e
registry_render_keystone_upstream(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    registry_rc_e        rc;
    registry_keystone_t  ks;

    if (!registry_keystone_wanted(cf)) {
        return REGISTRY_OK;
    }

    rc = registry_keystone_url(cf, &ks, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out,
                   "    upstream glance_keystone {\n"
                   "        server %s;\n"
                   "        keepalive 16;\n"
                   "    }\n\n", ks.server);

    return REGISTRY_OK;
}


registry_rc_e
registry_render_keystone_internal(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    registry_rc_e        rc;
    registry_keystone_t  ks;

    if (!registry_keystone_wanted(cf)) {
        return REGISTRY_OK;
    }

    rc = registry_keystone_url(cf, &ks, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    (void) fprintf(out,
                   "\n"
                   "        location /_glance_keystone/ {\n"
                   "            internal;\n"
                   "            proxy_pass %s://glance_keystone%s/;\n"
                   "            proxy_http_version 1.1;\n"
                   "            proxy_set_header Connection \"\";\n"
                   "            proxy_set_header Host \"%s\";\n",
                   ks.tls ? "https" : "http", ks.path, ks.host);

    rc = registry_keystone_tls(cf, &ks, out, err);
    if (rc != REGISTRY_OK) {
        return rc;
    }

    /* a connection that Keystone has just closed is worth another try */

    (void) fprintf(out,
                   "            proxy_ignore_client_abort on;\n"
                   "            proxy_buffering off;\n"
                   "            proxy_buffer_size 16k;\n"
                   "            proxy_buffers 8 16k;\n"
                   "            proxy_connect_timeout 5s;\n"
                   "            proxy_send_timeout 5s;\n"
                   "            proxy_read_timeout 10s;\n"
                   "            proxy_next_upstream error timeout http_502 "
                   "http_503\n"
                   "                                non_idempotent;\n"
                   "            subrequest_output_buffer_size 256k;\n"
                   "            log_subrequest off;\n"
                   "        }\n");

    return REGISTRY_OK;
}


registry_rc_e
registry_render_keystone_credentials(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    int      rc;
    json_t  *json;

    if (!registry_keystone_wanted(cf)) {
        return REGISTRY_OK;
    }

    json = registry_keystone_auth(cf, err);
    if (json == NULL) {
        return REGISTRY_INVALID;
    }

    rc = json_dumpf(json, out, JSON_INDENT(4) | JSON_PRESERVE_ORDER);

    json_decref(json);

    if (rc != 0 || fputc('\n', out) == EOF || fflush(out) != 0) {
        return registry_err_set(err, REGISTRY_ERROR,
                                "cannot write Keystone's credentials");
    }

    return REGISTRY_OK;
}


static bool
registry_keystone_wanted(const registry_config_t *cf)
{
    return strcmp(registry_config_identity(cf), "keystone") == 0;
}


static registry_rc_e
registry_keystone_url(const registry_config_t *cf, registry_keystone_t *ks,
    registry_err_t *err)
{
    const char  *text, *option;

    memset(ks, 0, sizeof(registry_keystone_t));

    text = registry_keystone_given(cf, ks->url, sizeof(ks->url), &option);

    if (text == NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "auth_url: needed in "
                                "[keystone_authtoken] with flavor keystone");
    }

    return registry_keystone_split(ks, option, err);
}


/* under the names of fifteen years; NULL: under none */

static const char *
registry_keystone_given(const registry_config_t *cf, char *text,
    size_t size, const char **option)
{
    const char  *url;

    *option = "auth_url";
    url = registry_config_str(cf, "auth_url");

    if (url[0] == '\0' && registry_config_str(cf, "auth_host")[0] != '\0') {
        *option = "auth_host";

        (void) snprintf(text, size, "%s://%s:%s",
                        registry_config_str(cf, "auth_protocol"),
                        registry_config_str(cf, "auth_host"),
                        registry_config_str(cf, "auth_port"));
        return text;
    }

    if (url[0] == '\0') {
        *option = "www_authenticate_uri";
        url = registry_config_str(cf, "www_authenticate_uri");
    }

    (void) snprintf(text, size, "%s", url);

    return (url[0] != '\0') ? text : NULL;
}


static registry_rc_e
registry_keystone_split(registry_keystone_t *ks, const char *option,
    registry_err_t *err)
{
    bool         port;
    size_t       len, n;
    const char  *p;

    static const char *const  versions[] = { "/v3", "/v2.0" };

    p = ks->url;

    if (strncasecmp(p, "http://", 7) == 0) {
        p += 7;

    } else if (strncasecmp(p, "https://", 8) == 0) {
        p += 8;
        ks->tls = true;
    }

    n = strcspn(p, "/");

    if (p == ks->url || n == 0 || strlen(ks->url) == sizeof(ks->url) - 1
        || !registry_render_word(p, "-_.:/[]~%"))
    {
        return registry_err_set(err, REGISTRY_INVALID, "%s: must be an URL "
                                "such as http://HOST:PORT/v3", option);
    }

    (void) snprintf(ks->host, sizeof(ks->host), "%.*s", (int) n, p);
    (void) snprintf(ks->path, sizeof(ks->path), "%s", p + n);

    /* the port is behind the brackets of an IPv6 address */

    len = (ks->host[0] == '[') ? strcspn(ks->host, "]") : 0;
    len += strcspn(ks->host + len, ":");
    port = (ks->host[len] != '\0');

    (void) snprintf(ks->name, sizeof(ks->name), "%.*s", (int) len, ks->host);

    len = strlen(ks->host);

    memcpy(ks->server, ks->host, len + 1);

    if (!port) {
        (void) snprintf(ks->server + len, sizeof(ks->server) - len, ":%s",
                        ks->tls ? "443" : "80");
    }

    len = strlen(ks->path);

    while (len > 0 && ks->path[len - 1] == '/') {
        ks->path[--len] = '\0';
    }

    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        n = strlen(versions[i]);

        if (len >= n && strcmp(ks->path + len - n, versions[i]) == 0) {
            len -= n;
            ks->path[len] = '\0';
        }
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_keystone_tls(const registry_config_t *cf,
    const registry_keystone_t *ks, FILE *out, registry_err_t *err)
{
    bool           given;
    registry_rc_e  rc;

    given = (registry_config_str(cf, "certfile")[0] != '\0');

    if (given != (registry_config_str(cf, "keyfile")[0] != '\0')) {
        return registry_err_set(err, REGISTRY_INVALID, "certfile and "
                                "keyfile: one without the other");
    }

    if (!ks->tls) {
        return REGISTRY_OK;
    }

    (void) fprintf(out,
                   "            proxy_ssl_server_name on;\n"
                   "            proxy_ssl_name \"%s\";\n", ks->name);

    if (given) {
        rc = registry_keystone_file(cf, "certfile", "",
                                    "proxy_ssl_certificate", out, err);

        if (rc == REGISTRY_OK) {
            rc = registry_keystone_file(cf, "keyfile", "",
                                        "proxy_ssl_certificate_key", out,
                                        err);
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (registry_config_bool(cf, "insecure")) {
        return REGISTRY_OK;
    }

    (void) fprintf(out,
                   "            proxy_ssl_verify on;\n"
                   "            proxy_ssl_verify_depth 8;\n");

    return registry_keystone_file(cf, "cafile", REGISTRY_KEYSTONE_CAS,
                                  "proxy_ssl_trusted_certificate", out, err);
}


static registry_rc_e
registry_keystone_file(const registry_config_t *cf, const char *option,
    const char *def, const char *directive, FILE *out, registry_err_t *err)
{
    char           path[4096];
    const char    *text;
    registry_rc_e  rc;

    text = registry_config_str(cf, option);

    rc = registry_render_path(option, (text[0] != '\0') ? text : def, path,
                              sizeof(path), err);

    if (rc == REGISTRY_OK) {
        (void) fprintf(out, "            %s \"%s\";\n", directive, path);
    }

    return rc;
}


/* new reference; NULL: err says which option is missing */

static json_t *
registry_keystone_auth(const registry_config_t *cf, registry_err_t *err)
{
    json_t      *identity, *project, *auth;
    const char  *type;

    type = registry_config_str(cf, "auth_type");

    if (strcmp(type, "v3applicationcredential") == 0) {

        if (registry_config_str(cf, "application_credential_id")[0] == '\0') {
            (void) registry_err_set(err, REGISTRY_INVALID,
                                    "application_credential_id: needed with "
                                    "auth_type v3applicationcredential");
            return NULL;
        }

        auth = json_pack("{s:{s:{s:[s], s:{s:s, s:s}}}}", "auth", "identity",
                         "methods", "application_credential",
                         "application_credential", "id",
                         registry_config_str(cf, "application_credential_id"),
                         "secret",
                         registry_config_str(cf,
                                             "application_credential_secret"));

    } else if (type[0] == '\0' || strcmp(type, "password") == 0
               || strcmp(type, "v3password") == 0)
    {
        identity = registry_keystone_password(cf, err);
        if (identity == NULL) {
            return NULL;
        }

        project = registry_keystone_named(cf, "project", err);
        if (project == NULL) {
            json_decref(identity);
            return NULL;
        }

        auth = json_pack("{s:{s:o, s:{s:o}}}", "auth", "identity", identity,
                         "scope", "project", project);

    } else {
        (void) registry_err_set(err, REGISTRY_INVALID, "auth_type: must be "
                                "password or v3applicationcredential");
        return NULL;
    }

    if (auth == NULL) {
        (void) registry_err_set(err, REGISTRY_INVALID,
                                "keystone_authtoken: all must be UTF-8");
    }

    return auth;
}


static json_t *
registry_keystone_password(const registry_config_t *cf, registry_err_t *err)
{
    json_t  *user;

    user = registry_keystone_named(cf, "user", err);
    if (user == NULL) {
        return NULL;
    }

    (void) json_object_set_new(user, "password",
                               json_string(registry_config_str(cf,
                                                               "password")));

    return json_pack("{s:[s], s:{s:o}}", "methods", "password", "password",
                     "user", user);
}


/* a user or a project: by its id, or by its name and that of its domain */

static json_t *
registry_keystone_named(const registry_config_t *cf, const char *what,
    registry_err_t *err)
{
    char         option[64];
    json_t      *domain;
    const char  *name, *id;

    (void) snprintf(option, sizeof(option), "%s_id", what);

    id = registry_config_str(cf, option);
    if (id[0] != '\0') {
        return json_pack("{s:s}", "id", id);
    }

    (void) snprintf(option, sizeof(option), "%s",
                    (what[0] == 'u') ? "username" : "project_name");

    name = registry_config_str(cf, option);

    if (name[0] == '\0') {
        (void) registry_err_set(err, REGISTRY_INVALID, "%s: needed in "
                                "[keystone_authtoken] with flavor keystone",
                                option);
        return NULL;
    }

    (void) snprintf(option, sizeof(option), "%s_domain_name", what);
    domain = json_pack("{s:s}", "name", registry_config_str(cf, option));

    if (registry_config_str(cf, option)[0] == '\0') {
        json_decref(domain);

        (void) snprintf(option, sizeof(option), "%s_domain_id", what);
        id = registry_config_str(cf, option);

        domain = json_pack("{s:s}", "id", (id[0] != '\0') ? id : "default");
    }

    return json_pack("{s:s, s:o}", "name", name, "domain", domain);
}
