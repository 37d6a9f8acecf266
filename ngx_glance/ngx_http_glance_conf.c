
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_http.h"
#include "ngx_http_glance_store_s3.h"
#include "ngx_http_glance_store_swift.h"
#include "ngx_http_glance_task.h"


static char *ngx_http_glance_check_loc_conf(ngx_conf_t *cf,
    ngx_http_glance_loc_conf_t *conf);
static char *ngx_http_glance_check_server(ngx_conf_t *cf);
static char *ngx_http_glance_check_uploads(ngx_conf_t *cf,
    ngx_http_glance_loc_conf_t *conf);


static ngx_conf_num_bounds_t  ngx_http_glance_buffers_bounds = {
    ngx_conf_check_num_bounds, 2, 64
};


void *
ngx_http_glance_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_glance_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_glance_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->enable = 0;
     *     conf->prefix = { 0, NULL };
     *     conf->registry = { 0, NULL };
     *     conf->file_root = { 0, NULL };
     *     conf->upload_buffers.num = 0;
     *     conf->gpt_nonfatal = 0;
     *     conf->versions = 0;
     *     conf->node = { 0, NULL };
     *     conf->public_endpoint = { 0, NULL };
     *     conf->health_disable_file = { 0, NULL };
     */

    conf->registry_claims = NGX_CONF_UNSET;
    conf->file_direct = NGX_CONF_UNSET;
    conf->delayed_delete = NGX_CONF_UNSET;
    conf->proxy_headers = NGX_CONF_UNSET;
    conf->anonymous = NGX_CONF_UNSET;
    conf->identity = NGX_CONF_UNSET_UINT;
    conf->admin_roles = NGX_CONF_UNSET_PTR;
    conf->trusted_proxies = NGX_CONF_UNSET_PTR;
    ngx_http_glance_keystone_create_conf(&conf->keystone);
    ngx_http_glance_cors_create_conf(&conf->cors);
    ngx_http_glance_http_create_conf(&conf->http);
    conf->default_store = NGX_CONF_UNSET_PTR;
    conf->thread_pool = NGX_CONF_UNSET_PTR;
    conf->digest_pools = NGX_CONF_UNSET_PTR;
    conf->digest_nice = NGX_CONF_UNSET;
    ngx_http_glance_swift_create_conf(&conf->swift);
    ngx_http_glance_s3_create_conf(&conf->s3);
    conf->store_connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->store_timeout = NGX_CONF_UNSET_MSEC;
    conf->hash = NGX_CONF_UNSET_UINT;
    conf->image_size_cap = NGX_CONF_UNSET;
    conf->lease = NGX_CONF_UNSET_MSEC;
    conf->commit_timeout = NGX_CONF_UNSET_MSEC;
    conf->require_format_match = NGX_CONF_UNSET;
    conf->seed_post_status = NGX_CONF_UNSET_UINT;
    conf->seed_status_word = NGX_CONF_UNSET_UINT;

    return conf;
}


char *
ngx_http_glance_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_glance_loc_conf_t  *prev = parent;
    ngx_http_glance_loc_conf_t  *conf = child;

    ngx_conf_merge_str_value(conf->registry, prev->registry, "");
    ngx_conf_merge_value(conf->registry_claims, prev->registry_claims, 1);
    ngx_conf_merge_value(conf->delayed_delete, prev->delayed_delete, 0);
    ngx_conf_merge_value(conf->anonymous, prev->anonymous, 0);
    ngx_conf_merge_uint_value(conf->identity, prev->identity,
                              NGX_HTTP_GLANCE_IDENTITY_NONE);
    ngx_conf_merge_ptr_value(conf->trusted_proxies, prev->trusted_proxies,
                             NULL);

    if (ngx_http_glance_merge_roles(cf, prev->admin_roles,
                                    &conf->admin_roles, "admin")
        != NGX_CONF_OK
        || ngx_http_glance_keystone_merge_conf(cf, &prev->keystone,
                                               &conf->keystone)
           != NGX_CONF_OK
        || ngx_http_glance_http_merge_conf(cf, &prev->http, &conf->http)
           != NGX_CONF_OK
        || ngx_http_glance_cors_merge_conf(cf, &prev->cors, &conf->cors)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_ptr_value(conf->default_store, prev->default_store,
                             &ngx_http_glance_store_file);
    ngx_conf_merge_str_value(conf->file_root, prev->file_root, "");
    ngx_conf_merge_value(conf->file_direct, prev->file_direct, 0);
    ngx_conf_merge_ptr_value(conf->thread_pool, prev->thread_pool, NULL);
    ngx_conf_merge_ptr_value(conf->digest_pools, prev->digest_pools, NULL);
    ngx_conf_merge_value(conf->digest_nice, prev->digest_nice, 0);

    if (ngx_http_glance_swift_merge_conf(cf, &prev->swift, &conf->swift)
        != NGX_CONF_OK
        || ngx_http_glance_s3_merge_conf(cf, &prev->s3, &conf->s3)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_msec_value(conf->store_connect_timeout,
                              prev->store_connect_timeout, 5000);
    ngx_conf_merge_msec_value(conf->store_timeout, prev->store_timeout,
                              60000);
    ngx_conf_merge_bufs_value(conf->upload_buffers, prev->upload_buffers,
                              4, 256 * 1024);
    ngx_conf_merge_uint_value(conf->hash, prev->hash, 0);
    ngx_conf_merge_off_value(conf->image_size_cap, prev->image_size_cap,
                             (off_t) 1024 * 1024 * 1024 * 1024);
    ngx_conf_merge_msec_value(conf->lease, prev->lease, 20000);
    ngx_conf_merge_msec_value(conf->commit_timeout, prev->commit_timeout,
                              60000);
    ngx_conf_merge_str_value(conf->node, prev->node, "");
    ngx_conf_merge_str_value(conf->public_endpoint, prev->public_endpoint,
                             "");
    ngx_conf_merge_value(conf->proxy_headers, prev->proxy_headers, 0);
    ngx_conf_merge_str_value(conf->health_disable_file,
                             prev->health_disable_file, "");
    ngx_conf_merge_value(conf->require_format_match,
                         prev->require_format_match, 1);
    ngx_conf_merge_bitmask_value(conf->versions, prev->versions,
                                 (NGX_HTTP_GLANCE_V1|NGX_HTTP_GLANCE_V2));
    ngx_conf_merge_bitmask_value(conf->gpt_nonfatal, prev->gpt_nonfatal,
                                 NGX_CONF_BITMASK_SET);
    ngx_conf_merge_uint_value(conf->seed_post_status, prev->seed_post_status,
                              NGX_HTTP_CREATED);
    ngx_conf_merge_uint_value(conf->seed_status_word, prev->seed_status_word,
                              0);

    if (!conf->enable) {
        return NGX_CONF_OK;
    }

    return ngx_http_glance_check_loc_conf(cf, conf);
}


/* what would otherwise fail at the first request is refused by "nginx -t" */

static char *
ngx_http_glance_check_loc_conf(ngx_conf_t *cf,
    ngx_http_glance_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->registry.len < 2 || conf->registry.data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance\" in location \"%V\" requires "
                           "\"glance_registry\" with the name of an internal "
                           "location", &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->registry.data[conf->registry.len - 1] == '/') {
        conf->registry.len--;
    }

    if (ngx_http_glance_check_server(cf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (!conf->default_store->enabled(conf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_default_store %V\" is not configured in "
                           "location \"%V\": \"%s\" is missing",
                           &conf->default_store->name, &clcf->name,
                           conf->default_store->needed);
        return NGX_CONF_ERROR;
    }

    if (conf->identity == NGX_HTTP_GLANCE_IDENTITY_TRUSTED
        && conf->trusted_proxies == NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_identity trusted\" requires "
                           "\"glance_trusted_proxies\"");
        return NGX_CONF_ERROR;
    }

    if (conf->identity == NGX_HTTP_GLANCE_IDENTITY_KEYSTONE
        && ngx_http_glance_keystone_check_conf(cf, &conf->keystone)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_glance_check_uploads(cf, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->node.len == 0) {
        conf->node = cf->cycle->hostname;
    }

    conf->prefix = clcf->name;

    if (conf->prefix.len
        && conf->prefix.data[conf->prefix.len - 1] == '/')
    {
        conf->prefix.len--;
    }

    return NGX_CONF_OK;
}


/* what nginx does with requests before we see them */

static char *
ngx_http_glance_check_server(ngx_conf_t *cf)
{
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (!cscf->underscores_in_headers || cscf->ignore_invalid_headers) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance\" requires \"underscores_in_headers on\" "
                           "and \"ignore_invalid_headers off\" in its server, "
                           "or x-image-meta-* headers would be lost");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_glance_early_read(cscf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance\" cannot be used with "
                           "\"client_body_early_read\", which would put "
                           "images into temporary files");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_glance_check_uploads(ngx_conf_t *cf,
    ngx_http_glance_loc_conf_t *conf)
{
    ngx_str_t  name;

    if (conf->upload_buffers.num < ngx_http_glance_buffers_bounds.low
        || conf->upload_buffers.num > ngx_http_glance_buffers_bounds.high
        || conf->upload_buffers.size < 4096)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_upload_buffers\" must be %i to %i buffers "
                           "of at least 4k",
                           ngx_http_glance_buffers_bounds.low,
                           ngx_http_glance_buffers_bounds.high);
        return NGX_CONF_ERROR;
    }

    if (conf->lease < 3000 || conf->lease > 3600000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_lease\" must be between 3s and 1h");
        return NGX_CONF_ERROR;
    }

    if (conf->thread_pool == NULL) {
        ngx_str_set(&name, "default");

        conf->thread_pool = ngx_thread_pool_add(cf, &name);
        if (conf->thread_pool == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (conf->digest_pools == NULL) {
        conf->digest_pools = ngx_http_glance_digest_pools(cf,
                                                          conf->thread_pool);
        if (conf->digest_pools == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_glance_enable(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    if (glcf->enable) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

#if (NGX_PCRE)
    if (clcf->regex) {
        return "cannot be used in a location given by regular expression";
    }
#endif

    if (clcf->named || clcf->noname) {
        return "must be used in a location with a prefix";
    }

    clcf->handler = ngx_http_glance_handler;
    glcf->enable = 1;

    return NGX_CONF_OK;
}


/* as "glance", for the worker of the node */

char *
ngx_http_glance_removals(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                      *rv;
    ngx_http_core_loc_conf_t  *clcf;

    rv = ngx_http_glance_enable(cf, cmd, conf);

    if (rv == NGX_CONF_OK) {
        clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
        clcf->handler = ngx_http_glance_removal_handler;
    }

    return rv;
}


/* as "glance", for what the worker of the node has fetched */

char *
ngx_http_glance_copies(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    glcf->copies = 1;

    return ngx_http_glance_enable(cf, cmd, conf);
}


char *
ngx_http_glance_default_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_str_t                *value;
    ngx_http_glance_store_t  *store;

    if (glcf->default_store != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    store = ngx_http_glance_store_find(&value[1]);

    if (store == NULL || store->begin == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown or read-only store \"%V\" in "
                           "\"glance_default_store\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    glcf->default_store = store;

    return NGX_CONF_OK;
}


/* of a file or directory, without slashes at the end */

char *
ngx_http_glance_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char *p = conf;

    ngx_str_t  *path, *value;

    path = (ngx_str_t *) (p + cmd->offset);

    if (path->data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "must have a path";
    }

    *path = value[1];

    if (ngx_conf_full_name(cf->cycle, path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    while (path->len > 1 && path->data[path->len - 1] == '/') {
        path->len--;
    }

    return NGX_CONF_OK;
}



char *
ngx_http_glance_trusted_proxies(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    ngx_int_t    rc;
    ngx_str_t   *value;
    ngx_uint_t   i;
    ngx_cidr_t  *cidr;

    if (glcf->trusted_proxies == NGX_CONF_UNSET_PTR) {
        glcf->trusted_proxies = ngx_array_create(cf->pool, 4,
                                                 sizeof(ngx_cidr_t));
        if (glcf->trusted_proxies == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_array_push(glcf->trusted_proxies);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        if (ngx_strcmp(value[i].data, "unix:") == 0) {
            ngx_memzero(cidr, sizeof(ngx_cidr_t));
            cidr->family = AF_UNIX;
            continue;
        }

        rc = ngx_ptocidr(&value[i], cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid network \"%V\" in "
                               "\"glance_trusted_proxies\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "low address bits of %V are meaningless",
                               &value[i]);
        }
    }

    return NGX_CONF_OK;
}


/* all words of a line, where nginx's own function takes the first */

char *
ngx_http_glance_words(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t    *value, *word;
    ngx_uint_t    i;
    ngx_array_t **words;

    words = (ngx_array_t **) (p + cmd->offset);

    if (*words == NGX_CONF_UNSET_PTR) {
        *words = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
        if (*words == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        word = ngx_array_push(*words);
        if (word == NULL) {
            return NGX_CONF_ERROR;
        }

        *word = value[i];
    }

    return NGX_CONF_OK;
}
