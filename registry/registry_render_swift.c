
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render_swift.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "registry_ini.h"
#include "registry_render.h"


#define REGISTRY_SWIFT_PATH  4096


/* where an account's words come from: options, or a section of the file */

typedef struct {
    const registry_config_t  *cf;
    const registry_ini_t     *ini;          /* NULL: options */
    const char               *section;
    const char               *option;       /* for messages */
} registry_swift_t;


static json_t *registry_swift_accounts(const registry_config_t *cf,
    registry_err_t *err);
static json_t *registry_swift_references(const registry_config_t *cf,
    const char *file, registry_err_t *err);
static json_t *registry_swift_account(const registry_swift_t *from,
    registry_err_t *err);
static json_t *registry_swift_domain(const registry_swift_t *from,
    const char *what);
static const char *registry_swift_value(const registry_swift_t *from,
    const char *key, const char *option);
static registry_rc_e registry_swift_missing(const registry_swift_t *from,
    const char *key, const char *option, registry_err_t *err);
static registry_rc_e registry_swift_file(const registry_config_t *cf,
    FILE *out, registry_err_t *err);


bool
registry_swift_wanted(const registry_config_t *cf)
{
    return strcmp(registry_config_str(cf, "default_store"), "swift") == 0
           || registry_config_str(cf, "swift_store_config_file")[0] != '\0'
           || registry_config_str(cf, "swift_store_user")[0] != '\0';
}


registry_rc_e
registry_render_swift(const registry_config_t *cf, const char *accounts,
    FILE *out, registry_err_t *err)
{
    json_t        *json;
    const char    *container;

    if (!registry_swift_wanted(cf)) {
        return REGISTRY_OK;
    }

    /* what would be wrong in the file is found here */

    json = registry_swift_accounts(cf, err);
    if (json == NULL) {
        return REGISTRY_INVALID;
    }

    json_decref(json);

    container = registry_config_str(cf, "swift_store_container");

    if (!registry_render_word(container, "-_.~ ")) {
        return registry_err_set(err, REGISTRY_INVALID, "swift_store_container"
                                ": must be letters, digits and - _ . ~");
    }

    (void) fprintf(out,
                   "            glance_swift_accounts \"%s\";\n"
                   "            glance_swift_container \"%s\";\n"
                   "            glance_swift_create_container %s;\n"
                   "            glance_swift_large_object_size %" PRId64 "m;\n"
                   "            glance_swift_large_object_chunk_size %" PRId64
                   "m;\n"
                   "            glance_swift_retries %" PRId64 ";\n"
                   "            glance_swift_snet %s;\n"
                   "            glance_swift_tls_verify %s;\n",
                   accounts, container,
                   registry_config_bool(cf,
                                        "swift_store_create_container_on_put")
                   ? "on" : "off",
                   registry_config_int(cf, "swift_store_large_object_size"),
                   registry_config_int(cf,
                                       "swift_store_large_object_chunk_size"),
                   registry_config_int(cf, "swift_store_retry_get_count"),
                   registry_config_bool(cf, "swift_enable_snet") ? "on"
                                                                 : "off",
                   registry_config_bool(cf, "swift_store_auth_insecure")
                   ? "off" : "on");

    return registry_swift_file(cf, out, err);
}


static registry_rc_e
registry_swift_file(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    char           path[REGISTRY_SWIFT_PATH];
    const char    *file;
    registry_rc_e  rc;

    file = registry_config_str(cf, "swift_store_cacert");

    if (file[0] == '\0') {
        return REGISTRY_OK;
    }

    rc = registry_render_path("swift_store_cacert", file, path, sizeof(path),
                              err);

    if (rc == REGISTRY_OK) {
        (void) fprintf(out,
                       "            glance_swift_trusted_certificate \"%s\";\n",
                       path);
    }

    return rc;
}


registry_rc_e
registry_render_swift_accounts(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    int      rc;
    json_t  *json;

    json = registry_swift_accounts(cf, err);
    if (json == NULL) {
        return REGISTRY_INVALID;
    }

    rc = json_dumpf(json, out, JSON_INDENT(4) | JSON_PRESERVE_ORDER);

    json_decref(json);

    if (rc != 0 || fputc('\n', out) == EOF || fflush(out) != 0) {
        return registry_err_set(err, REGISTRY_ERROR,
                                "cannot write Swift's accounts");
    }

    return REGISTRY_OK;
}


/* new reference; NULL: an option is missing or wrong, which err tells */

static json_t *
registry_swift_accounts(const registry_config_t *cf, registry_err_t *err)
{
    json_t            *account;
    const char        *file;
    registry_swift_t   from = { cf, NULL, NULL, "swift_store_auth_address" };

    file = registry_config_str(cf, "swift_store_config_file");

    if (file[0] != '\0') {
        return registry_swift_references(cf, file, err);
    }

    account = registry_swift_account(&from, err);

    if (account == NULL) {
        return NULL;
    }

    /* one account and no name for it: as ever, locations hold its key */

    (void) json_object_set_new(account, "open_locations", json_true());

    return json_pack("{s:s, s:{s:o}}", "default", "options", "accounts",
                     "options", account);
}


static json_t *
registry_swift_references(const registry_config_t *cf, const char *file,
    registry_err_t *err)
{
    json_t            *accounts, *account;
    const char        *def, *section;
    registry_ini_t    *ini;
    registry_err_t     why;
    registry_swift_t   from = { cf, NULL, NULL, "swift_store_config_file" };

    ini = registry_ini_load(file, &why);

    if (ini == NULL) {
        (void) registry_err_set(err, REGISTRY_INVALID,
                                "swift_store_config_file: %.200s", why.text);
        return NULL;
    }

    def = registry_config_str(cf, "default_swift_reference");
    accounts = json_object();
    from.ini = ini;

    for (size_t i = 0; i < ini->n; i++) {
        section = ini->entries[i].section;

        if (strcmp(section, "DEFAULT") == 0
            || json_object_get(accounts, section) != NULL)
        {
            continue;
        }

        from.section = section;
        account = registry_swift_account(&from, err);

        if (account == NULL
            || json_object_set_new(accounts, section, account) != 0)
        {
            json_decref(accounts);
            accounts = NULL;
            goto done;
        }
    }

    if (json_object_get(accounts, def) == NULL) {
        (void) registry_err_set(err, REGISTRY_INVALID,
                                "default_swift_reference: there is no "
                                "section [%.60s] in %.160s", def, file);
        json_decref(accounts);
        accounts = NULL;
        goto done;
    }

    accounts = json_pack("{s:s, s:o}", "default", def, "accounts", accounts);

done:

    registry_ini_free(ini);

    return accounts;
}


static json_t *
registry_swift_account(const registry_swift_t *from, registry_err_t *err)
{
    char         interface[64];
    char        *url;
    json_t      *json;
    size_t       len;
    const char  *auth, *key, *user, *version;

    auth = registry_swift_value(from, "auth_address",
                                "swift_store_auth_address");
    user = registry_swift_value(from, "user", "swift_store_user");
    key = registry_swift_value(from, "key", "swift_store_key");
    version = registry_swift_value(from, "auth_version",
                                   "swift_store_auth_version");

    if (auth[0] == '\0') {
        (void) registry_swift_missing(from, "auth_address",
                                      "swift_store_auth_address", err);
        return NULL;
    }

    if (user[0] == '\0') {
        (void) registry_swift_missing(from, "user", "swift_store_user", err);
        return NULL;
    }

    if (key[0] == '\0') {
        (void) registry_swift_missing(from, "key", "swift_store_key", err);
        return NULL;
    }

    if (version[0] != '\0' && strcmp(version, "1") != 0
        && strcmp(version, "3") != 0)
    {
        (void) registry_err_set(err, REGISTRY_INVALID, "%s: must be 1 or 3, "
                                "or empty: what the address looks like",
                                from->ini == NULL ? "swift_store_auth_version"
                                                  : from->option);
        return NULL;
    }

    if (version[0] == '3' && strchr(user, ':') == NULL) {
        (void) registry_err_set(err, REGISTRY_INVALID, "%s: the user must be "
                                "PROJECT:USER for Keystone",
                                from->ini == NULL ? "swift_store_user"
                                                  : from->option);
        return NULL;
    }

    /* "publicURL" of Keystone's version 2 is "public" of version 3 */

    (void) snprintf(interface, sizeof(interface), "%s",
                    registry_config_str(from->cf,
                                        "swift_store_endpoint_type"));
    len = strlen(interface);

    if (len > 3 && strcmp(interface + len - 3, "URL") == 0) {
        interface[len - 3] = '\0';
    }

    if (asprintf(&url, "%s%s", strncmp(auth, "http", 4) == 0 ? "" : "https://",
                 auth) < 0)
    {
        (void) registry_err_set(err, REGISTRY_ERROR, "no memory");
        return NULL;
    }

    json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}",
                     "auth_address", url,
                     "user", user,
                     "key", key,
                     "auth_version", version,
                     "region", registry_config_str(from->cf,
                                                   "swift_store_region"),
                     "interface", interface,
                     "service_type",
                     registry_config_str(from->cf,
                                         "swift_store_service_type"),
                     "endpoint",
                     registry_config_str(from->cf, "swift_store_endpoint"),
                     "user_domain", registry_swift_domain(from, "user"),
                     "project_domain",
                     registry_swift_domain(from, "project"));

    free(url);

    if (json == NULL) {
        (void) registry_err_set(err, REGISTRY_INVALID, "%s: user or key is "
                                "not UTF-8", from->option);
    }

    return json;
}


/* new reference */

static json_t *
registry_swift_domain(const registry_swift_t *from, const char *what)
{
    char         key[64];
    const char  *value;

    (void) snprintf(key, sizeof(key), "%s_domain_name", what);
    value = registry_swift_value(from, key, NULL);

    if (value[0] != '\0') {
        return json_pack("{s:s}", "name", value);
    }

    (void) snprintf(key, sizeof(key), "%s_domain_id", what);
    value = registry_swift_value(from, key, NULL);

    return json_pack("{s:s}", "id", (value[0] != '\0') ? value : "default");
}


/* "" if there is none */

static const char *
registry_swift_value(const registry_swift_t *from, const char *key,
    const char *option)
{
    const char  *value;

    if (from->ini == NULL) {
        return (option != NULL) ? registry_config_str(from->cf, option) : "";
    }

    value = registry_ini_get(from->ini, from->section, key);

    return (value != NULL) ? value : "";
}


static registry_rc_e
registry_swift_missing(const registry_swift_t *from, const char *key,
    const char *option, registry_err_t *err)
{
    if (from->ini == NULL) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "%s: needed with default_store = swift",
                                option);
    }

    return registry_err_set(err, REGISTRY_INVALID, "%s: section [%.60s] has "
                            "no %s", from->option, from->section, key);
}
