
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_render_http.h"

#include <string.h>

#include "registry_render.h"


#define REGISTRY_HTTP_PATH  4096


registry_rc_e
registry_render_http(const registry_config_t *cf, FILE *out,
    registry_err_t *err)
{
    char           path[REGISTRY_HTTP_PATH];
    size_t         len;
    const char    *p;
    registry_rc_e  rc;

    p = registry_config_str(cf, "stores");

    for (p += strspn(p, ", \t"); *p != '\0'; p += strspn(p, ", \t")) {
        len = strcspn(p, ", \t");

        if ((len == 4 && strncmp(p, "http", 4) == 0)
            || (len == 5 && strncmp(p, "https", 5) == 0))
        {
            (void) fprintf(out, "            glance_http_store on;\n");
            break;
        }

        p += len;
    }

    /* what clients name, of other stores and to be copied, is read likewise */

    p = registry_config_str(cf, "https_ca_certificates_file");

    if (p[0] != '\0') {
        rc = registry_render_path("https_ca_certificates_file", p, path,
                                  sizeof(path), err);
        if (rc != REGISTRY_OK) {
            return rc;
        }

        (void) fprintf(out, "            glance_http_trusted_certificate "
                       "\"%s\";\n", path);
    }

    return registry_render_words(cf, "source_allowed_addresses",
                                 "glance_http_allow", ".:/", "addresses and "
                                 "networks", out, err);
}
