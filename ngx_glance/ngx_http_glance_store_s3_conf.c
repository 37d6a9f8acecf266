
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_s3.h"


#define NGX_HTTP_GLANCE_S3_MIN_PART  (5 * 1024 * 1024)
#define NGX_HTTP_GLANCE_S3_MAX_PUT   ((off_t) 5 * 1024 * 1024 * 1024)


static char *ngx_http_glance_s3_check(ngx_conf_t *cf,
    ngx_http_glance_s3_conf_t *conf);
static ngx_int_t ngx_http_glance_s3_key(ngx_pool_t *pool, json_t *json,
    const char *name, ngx_str_t *value);
static ngx_int_t ngx_http_glance_s3_service(
    ngx_http_glance_s3_account_t *account, ngx_str_t *url);
static ngx_uint_t ngx_http_glance_s3_prefix(ngx_str_t *s, const char *prefix);
static void ngx_http_glance_s3_host(ngx_http_glance_s3_account_t *account,
    ngx_str_t *host);
static void ngx_http_glance_s3_region(ngx_http_glance_s3_account_t *account,
    ngx_str_t *region);
static ngx_uint_t ngx_http_glance_s3_amazon(ngx_str_t *host);
static ngx_uint_t ngx_http_glance_s3_dns(ngx_str_t *bucket, ngx_uint_t dots);
static ngx_int_t ngx_http_glance_s3_decode(ngx_pool_t *pool,
    glance_str_t text, ngx_str_t *value);
static void ngx_http_glance_s3_raw(glance_buf_t *b, ngx_str_t *s,
    const char *others);


void
ngx_http_glance_s3_create_conf(ngx_http_glance_s3_conf_t *conf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->account = NULL;
     *     conf->host = { 0, NULL };
     *     conf->bucket = { 0, NULL };
     *     conf->region = { 0, NULL };
     *     conf->trusted_certificate = { 0, NULL };
     */

    conf->keys = NGX_CONF_UNSET_PTR;
    conf->create_bucket = NGX_CONF_UNSET;
    conf->url_format = NGX_CONF_UNSET_UINT;
    conf->large_object_size = NGX_CONF_UNSET;
    conf->large_object_chunk_size = NGX_CONF_UNSET;
    conf->parallel_parts = NGX_CONF_UNSET;
    conf->tls_verify = NGX_CONF_UNSET;
}


char *
ngx_http_glance_s3_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_s3_conf_t *prev, ngx_http_glance_s3_conf_t *conf)
{
    ngx_http_glance_s3_account_t  *account;

    ngx_conf_merge_ptr_value(conf->keys, prev->keys, NULL);
    ngx_conf_merge_str_value(conf->host, prev->host,
                             "https://s3.amazonaws.com");
    ngx_conf_merge_str_value(conf->bucket, prev->bucket, "glance");
    ngx_conf_merge_value(conf->create_bucket, prev->create_bucket, 0);
    ngx_conf_merge_uint_value(conf->url_format, prev->url_format,
                              NGX_HTTP_GLANCE_S3_AUTO);
    ngx_conf_merge_str_value(conf->region, prev->region, "");
    ngx_conf_merge_off_value(conf->large_object_size,
                             prev->large_object_size,
                             (off_t) 100 * 1024 * 1024);
    ngx_conf_merge_off_value(conf->large_object_chunk_size,
                             prev->large_object_chunk_size,
                             (off_t) 10 * 1024 * 1024);
    ngx_conf_merge_value(conf->parallel_parts, prev->parallel_parts, 4);
    ngx_conf_merge_value(conf->tls_verify, prev->tls_verify, 1);
    ngx_conf_merge_str_value(conf->trusted_certificate,
                             prev->trusted_certificate, "");

    conf->insecure = !conf->tls_verify;

    if (conf->trusted_certificate.len) {
        if (ngx_conf_full_name(cf->cycle, &conf->trusted_certificate, 1)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        conf->cafile = (const char *) conf->trusted_certificate.data;
    }

    if (conf->keys) {
        account = ngx_palloc(cf->pool, sizeof(ngx_http_glance_s3_account_t));
        if (account == NULL) {
            return NGX_CONF_ERROR;
        }

        *account = *conf->keys;
        conf->account = account;

        if (ngx_http_glance_s3_service(account, &conf->host) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"glance_s3_host\" must be [http[s]://]"
                               "HOST[:PORT], not \"%V\"", &conf->host);
            return NGX_CONF_ERROR;
        }

        ngx_http_glance_s3_region(account, &conf->region);
    }

    return ngx_http_glance_s3_check(cf, conf);
}


static char *
ngx_http_glance_s3_check(ngx_conf_t *cf, ngx_http_glance_s3_conf_t *conf)
{
    if (conf->large_object_chunk_size < NGX_HTTP_GLANCE_S3_MIN_PART
        || conf->large_object_chunk_size > NGX_HTTP_GLANCE_S3_MAX_PUT)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_s3_large_object_chunk_size\" must be "
                           "between 5m and 5g");
        return NGX_CONF_ERROR;
    }

    if (conf->large_object_size < 0
        || conf->large_object_size > NGX_HTTP_GLANCE_S3_MAX_PUT)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_s3_large_object_size\" must be 5g at "
                           "most");
        return NGX_CONF_ERROR;
    }

    if (conf->bucket.len == 0
        || ngx_strlchr(conf->bucket.data,
                       conf->bucket.data + conf->bucket.len, '/'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_s3_bucket\" must be a name without "
                           "\"/\"");
        return NGX_CONF_ERROR;
    }

    if (conf->url_format == NGX_HTTP_GLANCE_S3_VIRTUAL
        && !ngx_http_glance_s3_dns(&conf->bucket, 1))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "with \"glance_s3_url_format virtual\" the bucket "
                           "\"%V\" must be a name of DNS", &conf->bucket);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * {"access_key": .., "secret_key": ..}: in a file, as nginx.conf is shown
 * more freely than keys are.
 */

char *
ngx_http_glance_s3_credentials(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    char                          *rv;
    json_t                        *json;
    ngx_str_t                      file, *value;
    ngx_http_glance_s3_account_t  *account;

    if (glcf->s3.keys != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK
        || ngx_http_glance_read_secret(cf, &cmd->name, &value[1], &file)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    account = ngx_pcalloc(cf->pool, sizeof(ngx_http_glance_s3_account_t));
    if (account == NULL) {
        return NGX_CONF_ERROR;
    }

    json = json_loadb((const char *) file.data, file.len,
                      JSON_REJECT_DUPLICATES, NULL);

    ngx_explicit_memzero(file.data, file.len);

    rv = NGX_CONF_OK;

    if (ngx_http_glance_s3_key(cf->pool, json, "access_key",
                               &account->access_key)
        != NGX_OK
        || ngx_http_glance_s3_key(cf->pool, json, "secret_key",
                                  &account->secret_key)
           != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_s3_credentials\": \"%V\" is not JSON "
                           "with an \"access_key\" and a \"secret_key\" of "
                           "at most 250 characters", &value[1]);
        rv = NGX_CONF_ERROR;
    }

    json_decref(json);

    glcf->s3.keys = account;

    return rv;
}


static ngx_int_t
ngx_http_glance_s3_key(ngx_pool_t *pool, json_t *json, const char *name,
    ngx_str_t *value)
{
    const char  *p, *s;

    s = json_string_value(json_object_get(json, name));

    if (s == NULL) {
        return NGX_ERROR;
    }

    for (p = s; *p; p++) {
        if (*p <= 0x20 || *p >= 0x7f) {
            return NGX_ERROR;
        }
    }

    value->len = p - s;

    if (value->len == 0 || value->len > 250) {
        return NGX_ERROR;
    }

    value->data = ngx_pnalloc(pool, value->len);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value->data, s, value->len);

    return NGX_OK;
}


/* without a scheme it is http, as for Glance */

static ngx_int_t
ngx_http_glance_s3_service(ngx_http_glance_s3_account_t *account,
    ngx_str_t *url)
{
    size_t     i;
    u_char     c;
    ngx_str_t  host;

    host = *url;
    account->tls = 0;

    if (ngx_http_glance_s3_prefix(&host, "https://")) {
        account->tls = 1;

    } else {
        (void) ngx_http_glance_s3_prefix(&host, "http://");
    }

    while (host.len && host.data[host.len - 1] == '/') {
        host.len--;
    }

    if (host.len == 0) {
        return NGX_ERROR;
    }

    for (i = 0; i < host.len; i++) {
        c = host.data[i];

        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
            continue;
        }

        if (!(c >= '0' && c <= '9') && ngx_strchr("-_.:[]", c) == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_http_glance_s3_host(account, &host);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_glance_s3_prefix(ngx_str_t *s, const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    if (s->len < len || ngx_strncmp(s->data, prefix, len) != 0) {
        return 0;
    }

    s->data += len;
    s->len -= len;

    return 1;
}


/* the usual port is not a part of the Host header, and so of the signature */

static void
ngx_http_glance_s3_host(ngx_http_glance_s3_account_t *account,
    ngx_str_t *host)
{
    size_t       len;
    const char  *port;

    account->host = *host;

    port = account->tls ? ":443" : ":80";
    len = ngx_strlen(port);

    if (host->len > len
        && ngx_strncmp(host->data + host->len - len, port, len) == 0)
    {
        account->host.len -= len;
    }
}


/* the configured one, or what a host of Amazon says: s3.REGION.amazonaws.com */

static void
ngx_http_glance_s3_region(ngx_http_glance_s3_account_t *account,
    ngx_str_t *region)
{
    u_char  *end, *label;

    if (region->len) {
        account->region = *region;
        return;
    }

    ngx_str_set(&account->region, "us-east-1");

    if (!ngx_http_glance_s3_amazon(&account->host)) {
        return;
    }

    end = ngx_strlcasestrn(account->host.data,
                           account->host.data + account->host.len,
                           (u_char *) ".amazonaws.com",
                           sizeof(".amazonaws.com") - 2);

    for (label = end; label > account->host.data && label[-1] != '.'; label--)
    {
        /* void */
    }

    if (end - label > 3 && ngx_strncmp(label, "s3-", 3) == 0) {
        label += 3;
    }

    if (end - label == 2 && ngx_strncmp(label, "s3", 2) == 0) {
        return;
    }

    account->region.data = label;
    account->region.len = end - label;
}


static ngx_uint_t
ngx_http_glance_s3_amazon(ngx_str_t *host)
{
    return ngx_strlcasestrn(host->data, host->data + host->len,
                            (u_char *) ".amazonaws.com",
                            sizeof(".amazonaws.com") - 2)
           != NULL;
}


/* whether the bucket is a part of the host's name */

ngx_uint_t
ngx_http_glance_s3_virtual(ngx_http_glance_s3_conf_t *conf,
    ngx_http_glance_s3_account_t *account, ngx_str_t *bucket)
{
    switch (conf->url_format) {

    case NGX_HTTP_GLANCE_S3_VIRTUAL:
        return ngx_http_glance_s3_dns(bucket, 1);

    case NGX_HTTP_GLANCE_S3_AUTO:
        return ngx_http_glance_s3_amazon(&account->host)
               && ngx_http_glance_s3_dns(bucket, 0);

    default: /* NGX_HTTP_GLANCE_S3_PATH */
        return 0;
    }
}


static ngx_uint_t
ngx_http_glance_s3_dns(ngx_str_t *bucket, ngx_uint_t dots)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < bucket->len; i++) {
        c = bucket->data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-'
            && !(c == '.' && dots))
        {
            return 0;
        }
    }

    return bucket->len >= 3 && bucket->len <= 63 && bucket->data[0] != '-'
           && bucket->data[bucket->len - 1] != '-';
}


/*
 * s3://ACCESS:SECRET@HOST/BUCKET/KEY, s3+https:// with TLS.  If access key
 * and host are the configured ones, the configured secret counts, which may
 * be a newer one, unless a client says that it has it.
 */

ngx_int_t
ngx_http_glance_s3_parse(ngx_http_glance_s3_t *s3, ngx_str_t *uri)
{
    size_t                         i, n;
    ngx_str_t                      host;
    ngx_pool_t                    *pool;
    glance_str_t                   part[2], path, text;
    glance_uri_t                   parsed;
    ngx_http_glance_s3_account_t  *account;

    text.data = uri->data;
    text.len = uri->len;

    if (!glance_uri_parse(text, &parsed)
        || parsed.scheme != GLANCE_SCHEME_S3
        || !parsed.has_password || parsed.host.len == 0)
    {
        return NGX_DECLINED;
    }

    path = parsed.path;

    for (i = 0; i < 2; i++) {

        for (n = path.len; n && path.data[n - 1] != '/'; n--) { /* void */ }

        if (n == 0 || n == path.len) {
            return NGX_DECLINED;
        }

        part[i].data = path.data + n;
        part[i].len = path.len - n;
        path.len = n - 1;
    }

    if (path.len) {
        return NGX_DECLINED;
    }

    s3->key.data = (u_char *) part[0].data;
    s3->key.len = part[0].len;
    s3->bucket.data = (u_char *) part[1].data;
    s3->bucket.len = part[1].len;

    pool = s3->request->pool;

    account = ngx_pcalloc(pool, sizeof(ngx_http_glance_s3_account_t));

    if (account == NULL
        || ngx_http_glance_s3_decode(pool, parsed.user, &account->access_key)
           != NGX_OK
        || ngx_http_glance_s3_decode(pool, parsed.password,
                                     &account->secret_key)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    host.data = (u_char *) parsed.host.data;
    host.len = parsed.host.len;

    account->tls = glance_str_case_eq(parsed.name, glance_str("s3+https"));
    ngx_http_glance_s3_host(account, &host);

    account->stranger = (account->host.len != s3->account->host.len
                         || ngx_strncasecmp(account->host.data,
                                            s3->account->host.data,
                                            account->host.len)
                            != 0);

    if (!account->stranger
        && ngx_http_glance_same_secret(&account->access_key,
                                   &s3->account->access_key)
        && (!s3->handle->named
            || ngx_http_glance_same_secret(&account->secret_key,
                                       &s3->account->secret_key)))
    {
        return NGX_OK;
    }

    ngx_http_glance_s3_region(account, &s3->conf->region);
    s3->account = account;

    return NGX_OK;
}


/* Glance writes keys as they are: what is not encoded soundly is no encoding */

static ngx_int_t
ngx_http_glance_s3_decode(ngx_pool_t *pool, glance_str_t text,
    ngx_str_t *value)
{
    size_t  len;

    value->data = ngx_pnalloc(pool, text.len + 1);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    if (glance_percent_decode(text, value->data, &len)) {
        value->len = len;
        return NGX_OK;
    }

    ngx_memcpy(value->data, text.data, text.len);
    value->len = text.len;

    return NGX_OK;
}


/* as Glance writes it, for keys as Amazon has them */

ngx_int_t
ngx_http_glance_s3_location(ngx_http_glance_s3_t *s3, ngx_str_t *uri)
{
    size_t                         len;
    glance_buf_t                   b;
    glance_str_t                   text;
    ngx_http_glance_s3_account_t  *account;

    account = s3->account;

    len = sizeof("s3+https://:@//")
          + 3 * (account->access_key.len + account->secret_key.len)
          + account->host.len + s3->bucket.len + s3->key.len;

    uri->data = ngx_pnalloc(s3->request->pool, len);
    if (uri->data == NULL) {
        return NGX_ERROR;
    }

    glance_buf_init(&b, uri->data, len);
    glance_buf_text(&b, account->tls ? "s3+https://" : "s3://");
    ngx_http_glance_s3_raw(&b, &account->access_key, "");
    glance_buf_char(&b, ':');
    ngx_http_glance_s3_raw(&b, &account->secret_key, "/+=");
    glance_buf_char(&b, '@');

    text.data = account->host.data;
    text.len = account->host.len;
    glance_buf_put(&b, text);
    glance_buf_char(&b, '/');

    text.data = s3->bucket.data;
    text.len = s3->bucket.len;
    glance_buf_put(&b, text);
    glance_buf_char(&b, '/');

    text.data = s3->key.data;
    text.len = s3->key.len;
    glance_buf_put(&b, text);

    if (b.overflow) {
        return NGX_ERROR;
    }

    uri->len = b.last - b.start;

    return NGX_OK;
}


static void
ngx_http_glance_s3_raw(glance_buf_t *b, ngx_str_t *s, const char *others)
{
    size_t        i;
    glance_str_t  c;

    for (i = 0; i < s->len; i++) {
        c.data = s->data + i;
        c.len = 1;

        if (ngx_strchr(others, s->data[i])) {
            glance_buf_put(b, c);

        } else {
            glance_buf_percent(b, c);
        }
    }
}
