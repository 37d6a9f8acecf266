
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"

#include <openssl/evp.h>

#include "ngx_http_glance_keystone.h"




static char *ngx_http_glance_keystone_zone(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_glance_keystone_conf_t *conf);
static ngx_int_t ngx_http_glance_keystone_challenge(ngx_conf_t *cf,
    ngx_http_glance_keystone_conf_t *conf);


void
ngx_http_glance_keystone_create_conf(ngx_http_glance_keystone_conf_t *conf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->location = { 0, NULL };
     *     conf->uri = { 0, NULL };
     *     conf->challenge = { 0, NULL };
     *     conf->credentials = { 0, NULL };
     *     conf->valid = 0;
     *     conf->invalid = 0;
     */

    conf->service_roles = NGX_CONF_UNSET_PTR;
    conf->cache = NGX_CONF_UNSET_PTR;
}


char *
ngx_http_glance_keystone_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_keystone_conf_t *prev,
    ngx_http_glance_keystone_conf_t *conf)
{
    ngx_conf_merge_str_value(conf->location, prev->location, "");
    ngx_conf_merge_str_value(conf->uri, prev->uri, "");
    ngx_conf_merge_str_value(conf->credentials, prev->credentials, "");

    if (conf->cache == NGX_CONF_UNSET_PTR) {
        conf->cache = (prev->cache == NGX_CONF_UNSET_PTR) ? NULL
                                                          : prev->cache;
        conf->valid = prev->valid;
        conf->invalid = prev->invalid;
    }

    return ngx_http_glance_merge_roles(cf, prev->service_roles,
                                       &conf->service_roles, "service");
}


char *
ngx_http_glance_keystone_check_conf(ngx_conf_t *cf,
    ngx_http_glance_keystone_conf_t *conf)
{
    ngx_str_t    text;
    const char  *missing;

    missing = NULL;

    if (conf->location.len < 2 || conf->location.data[0] != '/') {
        missing = "glance_keystone\" with the name of an internal location";

    } else if (conf->uri.len == 0) {
        missing = "glance_keystone_uri\"";

    } else if (conf->credentials.len == 0) {
        missing = "glance_keystone_credentials\"";

    } else if (conf->cache == NULL) {
        missing = "glance_keystone_cache\"";
    }

    if (missing) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_identity keystone\" requires \"%s",
                           missing);
        return NGX_CONF_ERROR;
    }

    if (conf->location.data[conf->location.len - 1] == '/') {
        conf->location.len--;
    }

    if (ngx_http_glance_keystone_challenge(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    /*
     * Whatever another Keystone, or another account of it, said does not
     * count: neither in a zone that is used twice, nor after a reload.
     */

    text.len = conf->location.len + conf->uri.len + conf->credentials.len + 2;

    text.data = ngx_pnalloc(cf->temp_pool, text.len + 1);
    if (text.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(text.data, "%V %V %V%Z", &conf->location, &conf->uri,
                       &conf->credentials);

    ngx_memzero(conf->fingerprint, NGX_HTTP_GLANCE_KEY_LEN);

    if (ngx_http_glance_keystone_key(conf, "conf", &text, conf->fingerprint)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_explicit_memzero(text.data, text.len);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_glance_keystone_challenge(ngx_conf_t *cf,
    ngx_http_glance_keystone_conf_t *conf)
{
    u_char  *p;
    size_t   i;

    for (i = 0; i < conf->uri.len; i++) {

        if (conf->uri.data[i] <= ' ' || conf->uri.data[i] > '~'
            || conf->uri.data[i] == '"' || conf->uri.data[i] == '\\')
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"glance_keystone_uri %V\" is not an URI",
                               &conf->uri);
            return NGX_ERROR;
        }
    }

    conf->challenge.len = sizeof("Keystone uri=\"\"") - 1 + conf->uri.len;

    p = ngx_pnalloc(cf->pool, conf->challenge.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    conf->challenge.data = p;

    (void) ngx_sprintf(p, "Keystone uri=\"%V\"%Z", &conf->uri);

    return NGX_OK;
}


/* SHA-256 of what is asked, where it is asked, and of the text */

ngx_int_t
ngx_http_glance_keystone_key(ngx_http_glance_keystone_conf_t *conf,
    const char *kind, ngx_str_t *text, u_char *key)
{
    ngx_int_t    rc;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();

    rc = (md != NULL
          && EVP_DigestInit_ex(md, EVP_sha256(), NULL)
          && EVP_DigestUpdate(md, conf->fingerprint, NGX_HTTP_GLANCE_KEY_LEN)
          && EVP_DigestUpdate(md, kind, ngx_strlen(kind) + 1)
          && EVP_DigestUpdate(md, text->data, text->len)
          && EVP_DigestFinal_ex(md, key, NULL))
         ? NGX_OK : NGX_ERROR;

    EVP_MD_CTX_free(md);

    return rc;
}


char *
ngx_http_glance_keystone_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    char                             *rv;
    time_t                           *time;
    ngx_str_t                        *value, s;
    ngx_uint_t                        i;
    ngx_http_glance_keystone_conf_t  *kcf;

    kcf = &glcf->keystone;

    if (kcf->cache != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    kcf->valid = 300;
    kcf->invalid = 60;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "zone=", 5) == 0) {

            rv = ngx_http_glance_keystone_zone(cf, &value[i], kcf);
            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "valid=", 6) == 0) {
            time = &kcf->valid;
            s.data = value[i].data + 6;

        } else if (ngx_strncmp(value[i].data, "invalid=", 8) == 0) {
            time = &kcf->invalid;
            s.data = value[i].data + 8;

        } else {
            time = NULL;
            s.data = value[i].data;
        }

        s.len = value[i].data + value[i].len - s.data;

        if (time) {
            *time = ngx_parse_time(&s, 1);
        }

        if (time == NULL || *time == (time_t) NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in "
                               "\"glance_keystone_cache\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (kcf->cache == NGX_CONF_UNSET_PTR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_keystone_cache\" must have \"zone\" "
                           "parameter");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* "zone=name:size" */

static char *
ngx_http_glance_keystone_zone(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_glance_keystone_conf_t *conf)
{
    u_char     *p;
    ssize_t     size;
    ngx_str_t   name, s;

    if (conf->cache != NGX_CONF_UNSET_PTR) {
        return "has more than one \"zone\"";
    }

    name.data = value->data + 5;
    size = NGX_ERROR;

    p = (u_char *) ngx_strchr(name.data, ':');

    if (p) {
        s.data = p + 1;
        s.len = value->data + value->len - s.data;

        size = ngx_parse_size(&s);
    }

    if (size == NGX_ERROR || p == name.data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\" in \"glance_keystone_cache\"",
                           value);
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) (16 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" of \"glance_keystone_cache\" is too "
                           "small", value);
        return NGX_CONF_ERROR;
    }

    name.len = p - name.data;

    if (ngx_http_glance_keystone_cache_add(cf, &name, size, &conf->cache)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * What is posted to Keystone for a token of our own.  It is in a file, as
 * nginx.conf is printed, shown and copied more freely than passwords are.
 */

char *
ngx_http_glance_keystone_credentials(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    char          *text;
    json_t        *json, *auth;
    ngx_str_t      file, *value;
    json_error_t   error;

    if (glcf->keystone.credentials.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK
        || ngx_http_glance_read_secret(cf, &cmd->name, &value[1], &file)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    json = json_loadb((const char *) file.data, file.len,
                      JSON_REJECT_DUPLICATES, &error);

    ngx_explicit_memzero(file.data, file.len);

    auth = json_object_get(json, "auth");

    if (!json_is_object(json_object_get(auth, "identity"))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_keystone_credentials\": \"%V\" is not "
                           "JSON of the form {\"auth\": {\"identity\": ...}}",
                           &value[1]);
        json_decref(json);
        return NGX_CONF_ERROR;
    }

    text = json_dumps(json, JSON_COMPACT);

    json_decref(json);

    if (text == NULL) {
        return NGX_CONF_ERROR;
    }

    glcf->keystone.credentials.len = ngx_strlen(text);
    glcf->keystone.credentials.data = ngx_pnalloc(cf->pool,
                                         glcf->keystone.credentials.len + 1);

    if (glcf->keystone.credentials.data) {
        ngx_memcpy(glcf->keystone.credentials.data, text,
                   glcf->keystone.credentials.len + 1);
    }

    ngx_explicit_memzero(text, glcf->keystone.credentials.len);
    free(text);

    return glcf->keystone.credentials.data ? NGX_CONF_OK : NGX_CONF_ERROR;
}
