
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render_front.h"


#define REGISTRY_FRONT_PATH  4096


registry_rc_e
registry_render_front(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    char           path[REGISTRY_FRONT_PATH];
    const char    *text;
    registry_rc_e  rc;

    text = registry_config_str(cf, "public_endpoint");

    if (text[0] != '\0') {
        if (!registry_render_word(text, "-_.:/[]~%")) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "public_endpoint: must be an URL");
        }

        (void) fprintf(out, "            glance_public_endpoint \"%s\";\n",
                       text);
    }

    if (registry_config_bool(cf, "enable_proxy_headers_parsing")) {
        (void) fprintf(out, "            glance_proxy_headers on;\n");
    }

    text = registry_config_str(cf, "disable_by_file_path");

    if (text[0] == '\0') {
        return REGISTRY_OK;
    }

    rc = registry_render_path("disable_by_file_path", text, path,
                              sizeof(path), err);

    if (rc == REGISTRY_OK) {
        (void) fprintf(out, "            glance_health_disable_file "
                       "\"%s\";\n", path);
    }

    return rc;
}
