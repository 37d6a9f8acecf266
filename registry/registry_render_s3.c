
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render_s3.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "registry_render.h"


#define REGISTRY_S3_PATH   4096
#define REGISTRY_S3_PUT    5120     /* megabytes */
#define REGISTRY_S3_PARTS  64       /* at a time */


static registry_rc_e registry_s3_needed(const registry_config_t *cf,
    const char *option, registry_err_t *err);
static registry_rc_e registry_s3_word(const registry_config_t *cf,
    const char *option, const char *others, const char *directive, FILE *out,
    registry_err_t *err);
static registry_rc_e registry_s3_file(const registry_config_t *cf, FILE *out,
    registry_err_t *err);


bool
registry_s3_wanted(const registry_config_t *cf)
{
    return strcmp(registry_config_str(cf, "default_store"), "s3") == 0
           || registry_config_str(cf, "s3_store_access_key")[0] != '\0';
}


registry_rc_e
registry_render_s3(const registry_config_t *cf, const char *keys, FILE *out,
    registry_err_t *err)
{
    int64_t        parts;
    registry_rc_e  rc;

    if (!registry_s3_wanted(cf)) {
        return REGISTRY_OK;
    }

    rc = registry_s3_needed(cf, "s3_store_access_key", err);

    if (rc == REGISTRY_OK) {
        rc = registry_s3_needed(cf, "s3_store_secret_key", err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (registry_config_int(cf, "s3_store_large_object_size")
        > REGISTRY_S3_PUT)
    {
        return registry_err_set(err, REGISTRY_INVALID,
                                "s3_store_large_object_size: S3 takes no "
                                "more than %d", REGISTRY_S3_PUT);
    }

    parts = registry_config_int(cf, "s3_store_thread_pools");

    (void) fprintf(out,
                   "            glance_s3_credentials \"%s\";\n"
                   "            glance_s3_create_bucket %s;\n"
                   "            glance_s3_url_format %s;\n"
                   "            glance_s3_large_object_size %" PRId64 "m;\n"
                   "            glance_s3_large_object_chunk_size %" PRId64
                   "m;\n"
                   "            glance_s3_parallel_parts %" PRId64 ";\n",
                   keys,
                   registry_config_bool(cf, "s3_store_create_bucket_on_put")
                   ? "on" : "off",
                   registry_config_str(cf, "s3_store_bucket_url_format"),
                   registry_config_int(cf, "s3_store_large_object_size"),
                   registry_config_int(cf,
                                       "s3_store_large_object_chunk_size"),
                   (parts > REGISTRY_S3_PARTS) ? REGISTRY_S3_PARTS : parts);

    rc = registry_s3_word(cf, "s3_store_host", "-_.:/[]", "glance_s3_host",
                          out, err);

    if (rc == REGISTRY_OK) {
        rc = registry_s3_word(cf, "s3_store_bucket", "-_.", "glance_s3_bucket",
                              out, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_s3_word(cf, "s3_store_region_name", "-_.",
                              "glance_s3_region", out, err);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_s3_file(cf, out, err);
    }

    return rc;
}


static registry_rc_e
registry_s3_needed(const registry_config_t *cf, const char *option,
    registry_err_t *err)
{
    if (registry_config_str(cf, option)[0] == '\0') {
        return registry_err_set(err, REGISTRY_INVALID,
                                "%s: needed with default_store = s3", option);
    }

    return REGISTRY_OK;
}


/* an empty one is the directive's default */

static registry_rc_e
registry_s3_word(const registry_config_t *cf, const char *option,
    const char *others, const char *directive, FILE *out,
    registry_err_t *err)
{
    const char  *word;

    word = registry_config_str(cf, option);

    if (word[0] == '\0') {
        return REGISTRY_OK;
    }

    if (!registry_render_word(word, others)) {
        return registry_err_set(err, REGISTRY_INVALID, "%s: must be letters, "
                                "digits and %s", option, others);
    }

    (void) fprintf(out, "            %s \"%s\";\n", directive, word);

    return REGISTRY_OK;
}


static registry_rc_e
registry_s3_file(const registry_config_t *cf, FILE *out, registry_err_t *err)
{
    char           path[REGISTRY_S3_PATH];
    const char    *file;
    registry_rc_e  rc;

    file = registry_config_str(cf, "s3_store_cacert");

    if (file[0] == '\0') {
        return REGISTRY_OK;
    }

    rc = registry_render_path("s3_store_cacert", file, path, sizeof(path),
                              err);

    if (rc == REGISTRY_OK) {
        (void) fprintf(out,
                       "            glance_s3_trusted_certificate \"%s\";\n",
                       path);
    }

    return rc;
}


registry_rc_e
registry_render_s3_keys(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    int      rc;
    json_t  *json;

    json = json_pack("{s:s, s:s}",
                     "access_key", registry_config_str(cf,
                                                       "s3_store_access_key"),
                     "secret_key", registry_config_str(cf,
                                                      "s3_store_secret_key"));

    rc = (json != NULL) ? json_dumpf(json, out, JSON_INDENT(4)) : -1;

    json_decref(json);

    if (rc != 0 || fputc('\n', out) == EOF || fflush(out) != 0) {
        return registry_err_set(err, REGISTRY_ERROR,
                                "s3_store_access_key or s3_store_secret_key: "
                                "cannot be written as JSON");
    }

    return REGISTRY_OK;
}
