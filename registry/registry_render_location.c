
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render_location.h"

#include <inttypes.h>
#include <string.h>

#include "registry_hosts.h"
#include "registry_render_front.h"
#include "registry_render_http.h"
#include "registry_render_keystone.h"
#include "registry_render_s3.h"
#include "registry_render_swift.h"


static registry_rc_e registry_render_formats(const registry_config_t *cf,
    FILE *out, registry_err_t *err);
static registry_rc_e registry_render_identity(const registry_config_t *cf,
    const registry_render_t *render, FILE *out, registry_err_t *err);
static registry_rc_e registry_render_believed(const registry_config_t *cf,
    registry_err_t *err);
static registry_rc_e registry_render_cors(const registry_config_t *cf,
    FILE *out, registry_err_t *err);


registry_rc_e
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


registry_rc_e
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


registry_rc_e
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
