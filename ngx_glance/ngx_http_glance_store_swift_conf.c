
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_store_swift.h"


static ngx_http_glance_swift_account_t *ngx_http_glance_swift_account(
    ngx_conf_t *cf, ngx_array_t *accounts, const char *name, json_t *json);
static ngx_int_t ngx_http_glance_swift_string(ngx_pool_t *pool, json_t *json,
    const char *key, const char *def, ngx_str_t *value);
static ngx_uint_t ngx_http_glance_swift_plain(u_char *p, size_t len);
static ngx_uint_t ngx_http_glance_swift_version(ngx_str_t *auth);
static json_t *ngx_http_glance_swift_domain(json_t *json, const char *key);
static void ngx_http_glance_swift_free(void *data);
static ngx_int_t ngx_http_glance_swift_decode(ngx_pool_t *pool,
    glance_str_t text, ngx_str_t *value);
static ngx_int_t ngx_http_glance_swift_reference(ngx_http_glance_swift_t *sw,
    glance_str_t name);
static ngx_int_t ngx_http_glance_swift_credentials(
    ngx_http_glance_swift_t *sw, glance_uri_t *uri, glance_str_t path);


/* what an account says by strings; no default: it has to */

static const struct {
    const char  *key;
    const char  *def;
} ngx_http_glance_swift_fields[] = {
    { "auth_address", NULL },
    { "user", NULL },
    { "key", NULL },
    { "auth_version", "" },
    { "region", "" },
    { "interface", "public" },
    { "endpoint", "" },
    { "service_type", "object-store" },
    { NULL, NULL }
};


void
ngx_http_glance_swift_create_conf(ngx_http_glance_swift_conf_t *conf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->container = { 0, NULL };
     *     conf->trusted_certificate = { 0, NULL };
     */

    conf->accounts = NGX_CONF_UNSET_PTR;
    conf->account = NGX_CONF_UNSET_PTR;
    conf->create_container = NGX_CONF_UNSET;
    conf->large_object_size = NGX_CONF_UNSET;
    conf->large_object_chunk_size = NGX_CONF_UNSET;
    conf->static_manifest = NGX_CONF_UNSET_UINT;
    conf->retries = NGX_CONF_UNSET;
    conf->snet = NGX_CONF_UNSET;
    conf->tls_verify = NGX_CONF_UNSET;
}


char *
ngx_http_glance_swift_merge_conf(ngx_conf_t *cf,
    ngx_http_glance_swift_conf_t *prev, ngx_http_glance_swift_conf_t *conf)
{
    ngx_conf_merge_ptr_value(conf->accounts, prev->accounts, NULL);
    ngx_conf_merge_ptr_value(conf->account, prev->account, NULL);
    ngx_conf_merge_str_value(conf->container, prev->container, "glance");
    ngx_conf_merge_value(conf->create_container, prev->create_container, 0);
    ngx_conf_merge_off_value(conf->large_object_size,
                             prev->large_object_size,
                             (off_t) 5 * 1024 * 1024 * 1024);
    ngx_conf_merge_off_value(conf->large_object_chunk_size,
                             prev->large_object_chunk_size,
                             (off_t) 200 * 1024 * 1024);
    ngx_conf_merge_uint_value(conf->static_manifest, prev->static_manifest,
                              0);
    ngx_conf_merge_value(conf->retries, prev->retries, 0);
    ngx_conf_merge_value(conf->snet, prev->snet, 0);
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

    if (conf->large_object_chunk_size < 1 || conf->large_object_size < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_swift_large_object_chunk_size\" must be "
                           "at least 1");
        return NGX_CONF_ERROR;
    }

    if (conf->container.len == 0
        || ngx_strlchr(conf->container.data,
                       conf->container.data + conf->container.len, '/'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_swift_container\" must be a name without "
                           "\"/\"");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * {"default": NAME, "accounts": {NAME: {"auth_address": .., ..}}}: in a file,
 * as nginx.conf is shown more freely than keys are.
 */

char *
ngx_http_glance_swift_accounts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_glance_loc_conf_t *glcf = conf;

    char                             *rv;
    json_t                           *json, *item;
    ngx_str_t                         file, *value;
    const char                       *def, *name;
    json_error_t                      error;
    ngx_http_glance_swift_conf_t     *swcf;
    ngx_http_glance_swift_account_t  *account;

    swcf = &glcf->swift;

    if (swcf->accounts != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK
        || ngx_http_glance_read_secret(cf, &cmd->name, &value[1], &file)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    swcf->accounts = ngx_array_create(cf->pool, 4,
                                  sizeof(ngx_http_glance_swift_account_t *));
    if (swcf->accounts == NULL) {
        return NGX_CONF_ERROR;
    }

    json = json_loadb((const char *) file.data, file.len,
                      JSON_REJECT_DUPLICATES, &error);

    ngx_explicit_memzero(file.data, file.len);

    rv = NGX_CONF_OK;
    def = json_string_value(json_object_get(json, "default"));

    json_object_foreach(json_object_get(json, "accounts"), name, item) {

        account = ngx_http_glance_swift_account(cf, swcf->accounts, name,
                                                item);
        if (account == NULL) {
            rv = NGX_CONF_ERROR;
            break;
        }

        if (def && ngx_strcmp(def, name) == 0) {
            swcf->account = account;
        }
    }

    if (rv == NGX_CONF_OK && swcf->account == NGX_CONF_UNSET_PTR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_swift_accounts\": \"%V\" is not JSON "
                           "with \"accounts\" and the name of one of them as "
                           "\"default\"", &value[1]);
        rv = NGX_CONF_ERROR;
    }

    json_decref(json);

    return rv;
}


static ngx_http_glance_swift_account_t *
ngx_http_glance_swift_account(ngx_conf_t *cf, ngx_array_t *accounts,
    const char *name, json_t *json)
{
    ngx_int_t                          rc;
    ngx_str_t                          version, *value[8];
    ngx_uint_t                         i;
    const char                        *problem;
    ngx_pool_cleanup_t                *cln;
    ngx_http_glance_swift_account_t   *account, **p;

    account = ngx_pcalloc(cf->pool, sizeof(ngx_http_glance_swift_account_t));
    p = ngx_array_push(accounts);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (account == NULL || p == NULL || cln == NULL) {
        return NULL;
    }

    value[0] = &account->auth;
    value[1] = &account->user;
    value[2] = &account->key;
    value[3] = &version;
    value[4] = &account->region;
    value[5] = &account->interface;
    value[6] = &account->endpoint;
    value[7] = &account->service_type;

    *p = account;

    account->name.len = ngx_strlen(name);
    account->name.data = ngx_pnalloc(cf->pool, account->name.len + 1);

    if (account->name.data == NULL) {
        return NULL;
    }

    ngx_memcpy(account->name.data, name, account->name.len + 1);

    problem = NULL;

    for (i = 0; problem == NULL && ngx_http_glance_swift_fields[i].key; i++) {

        rc = ngx_http_glance_swift_string(cf->pool, json,
                                          ngx_http_glance_swift_fields[i].key,
                                          ngx_http_glance_swift_fields[i].def,
                                          value[i]);

        if (rc == NGX_ERROR) {
            return NULL;
        }

        if (rc != NGX_OK) {
            problem = ngx_http_glance_swift_fields[i].key;
        }
    }

    if (problem == NULL
        && ngx_strncmp(account->auth.data, "http://", 7) != 0
        && ngx_strncmp(account->auth.data, "https://", 8) != 0)
    {
        problem = "auth_address";
    }

    while (problem == NULL
           && account->auth.data[account->auth.len - 1] == '/')
    {
        account->auth.len--;
    }

    if (problem == NULL) {
        account->version = ngx_http_glance_swift_version(&account->auth);

        if (version.len) {
            account->version = ngx_atoi(version.data, 1);
        }

        if (account->version != 1 && account->version != 3) {
            problem = "auth_version";

        } else if (account->version == 3
                   && ngx_strlchr(account->user.data,
                                  account->user.data + account->user.len,
                                  ':')
                      == NULL)
        {
            problem = "user (PROJECT:USER)";
        }
    }

    if (problem) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"glance_swift_accounts\": account \"%s\": "
                           "\"%s\" is missing or wrong", name, problem);
        return NULL;
    }

    account->open = json_is_true(json_object_get(json, "open_locations"));
    account->user_domain = ngx_http_glance_swift_domain(json, "user_domain");
    account->project_domain = ngx_http_glance_swift_domain(json,
                                                           "project_domain");

    cln->handler = ngx_http_glance_swift_free;
    cln->data = account;

    return account;
}


/*
 * Terminated by NUL; def NULL: it is required.  NGX_DECLINED: it is missing,
 * or has what no header and no URL may have.
 */

static ngx_int_t
ngx_http_glance_swift_string(ngx_pool_t *pool, json_t *json, const char *key,
    const char *def, ngx_str_t *value)
{
    const char  *s;

    s = json_string_value(json_object_get(json, key));

    if (s == NULL || s[0] == '\0') {
        s = def;
    }

    if (s == NULL) {
        return NGX_DECLINED;
    }

    value->len = ngx_strlen(s);

    if (!ngx_http_glance_swift_plain((u_char *) s, value->len)) {
        return NGX_DECLINED;
    }

    value->data = ngx_pnalloc(pool, value->len + 1);

    if (value->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value->data, s, value->len + 1);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_glance_swift_plain(u_char *p, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (p[i] < 0x20 || p[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


/* what an address looks like that says nothing else of its version */

static ngx_uint_t
ngx_http_glance_swift_version(ngx_str_t *auth)
{
    size_t       len;
    const char **end;

    static const char  *ends[] = { "/v1", "/v1.0", "/auth", NULL };

    for (end = ends; *end; end++) {
        len = ngx_strlen(*end);

        if (auth->len >= len
            && ngx_strncmp(auth->data + auth->len - len, *end, len) == 0)
        {
            return 1;
        }
    }

    return 3;
}


/* new reference */

static json_t *
ngx_http_glance_swift_domain(json_t *json, const char *key)
{
    json_t  *domain;

    domain = json_object_get(json, key);

    return json_is_object(domain) ? json_incref(domain)
                                  : json_pack("{s:s}", "id", "default");
}


static void
ngx_http_glance_swift_free(void *data)
{
    ngx_http_glance_swift_account_t *account = data;

    json_decref(account->user_domain);
    json_decref(account->project_domain);

    if (account->token) {
        ngx_free(account->token);
        account->token = NULL;
    }
}


/*
 * swift+config://NAME/CONTAINER/OBJECT, or
 * swift+http://USER:KEY@AUTH-ADDRESS/CONTAINER/OBJECT
 */

ngx_int_t
ngx_http_glance_swift_parse(ngx_http_glance_swift_t *sw, ngx_str_t *uri)
{
    size_t         i, n;
    glance_str_t   part[2], path, text;
    glance_uri_t   parsed;

    text.data = uri->data;
    text.len = uri->len;

    if (!glance_uri_parse(text, &parsed)
        || parsed.scheme != GLANCE_SCHEME_SWIFT)
    {
        return NGX_DECLINED;
    }

    path = parsed.path;

    /* from the end: object, container, and what belongs to the address */

    for (i = 0; i < 2; i++) {

        for (n = path.len; n && path.data[n - 1] != '/'; n--) { /* void */ }

        if (n == 0 || n == path.len) {
            return NGX_DECLINED;
        }

        part[i].data = path.data + n;
        part[i].len = path.len - n;
        path.len = n - 1;
    }

    sw->object.data = (u_char *) part[0].data;
    sw->object.len = part[0].len;
    sw->container.data = (u_char *) part[1].data;
    sw->container.len = part[1].len;

    if (glance_str_case_eq(parsed.name, glance_str("swift+config"))) {
        return ngx_http_glance_swift_reference(sw, parsed.host);
    }

    return ngx_http_glance_swift_credentials(sw, &parsed, path);
}


static ngx_int_t
ngx_http_glance_swift_reference(ngx_http_glance_swift_t *sw,
    glance_str_t name)
{
    ngx_uint_t                         i;
    ngx_http_glance_swift_account_t  **account;

    if (sw->handle->named) {
        return NGX_DECLINED;
    }

    account = sw->conf->accounts->elts;

    for (i = 0; i < sw->conf->accounts->nelts; i++) {
        if (account[i]->name.len == name.len
            && ngx_strncmp(account[i]->name.data, name.data, name.len) == 0)
        {
            sw->account = account[i];
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/*
 * The account with that address and user, whose key may be a newer one, unless
 * a client says that it has it; if there is none, what the location says, as
 * Glance does.
 */

static ngx_int_t
ngx_http_glance_swift_credentials(ngx_http_glance_swift_t *sw,
    glance_uri_t *uri, glance_str_t path)
{
    u_char                            *p;
    ngx_str_t                          auth, key, user;
    ngx_uint_t                         i, stranger;
    ngx_pool_t                        *pool;
    ngx_pool_cleanup_t                *cln;
    ngx_http_glance_swift_account_t   *account, **known;

    pool = sw->request->pool;

    if (!uri->has_password
        || ngx_http_glance_swift_decode(pool, uri->user, &user) != NGX_OK
        || ngx_http_glance_swift_decode(pool, uri->password, &key) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, sizeof("https://") + uri->host.len + path.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    auth.data = p;

    p = ngx_sprintf(p, "%s%*s%*s",
                    glance_str_case_eq(uri->name, glance_str("swift+http"))
                    ? "http://" : "https://",
                    uri->host.len, uri->host.data, path.len, path.data);

    auth.len = p - auth.data;

    known = sw->conf->accounts->elts;
    stranger = 1;

    for (i = 0; i < sw->conf->accounts->nelts; i++) {
        if (!ngx_http_glance_same_secret(&known[i]->auth, &auth)) {
            continue;
        }

        stranger = 0;

        if (ngx_http_glance_same_secret(&known[i]->user, &user)
            && (!sw->handle->named
                || ngx_http_glance_same_secret(&known[i]->key, &key)))
        {
            sw->account = known[i];
            return NGX_OK;
        }
    }

    account = ngx_pcalloc(pool, sizeof(ngx_http_glance_swift_account_t));
    cln = ngx_pool_cleanup_add(pool, 0);

    if (account == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    account->auth = auth;
    account->user = user;
    account->key = key;
    account->stranger = stranger;
    account->version = ngx_http_glance_swift_version(&auth);
    account->interface = sw->conf->account->interface;
    account->service_type = sw->conf->account->service_type;
    account->region = sw->conf->account->region;
    account->user_domain = json_incref(sw->conf->account->user_domain);
    account->project_domain = json_incref(sw->conf->account->project_domain);

    cln->handler = ngx_http_glance_swift_free;
    cln->data = account;

    if (account->version == 3
        && ngx_strlchr(user.data, user.data + user.len, ':') == NULL)
    {
        return NGX_DECLINED;
    }

    sw->account = account;

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_swift_decode(ngx_pool_t *pool, glance_str_t text,
    ngx_str_t *value)
{
    size_t  len;

    value->data = ngx_pnalloc(pool, text.len + 1);

    if (value->data == NULL
        || !glance_percent_decode(text, value->data, &len)
        || !ngx_http_glance_swift_plain(value->data, len))
    {
        return NGX_ERROR;
    }

    value->len = len;

    return NGX_OK;
}


/* as Glance writes it */

ngx_int_t
ngx_http_glance_swift_location(ngx_http_glance_swift_t *sw, ngx_str_t *uri)
{
    size_t                            len, skip;
    glance_buf_t                      b;
    glance_str_t                      text;
    ngx_http_glance_swift_account_t  *account;

    account = sw->account;

    len = sizeof("swift+https://:@//") + account->name.len + account->auth.len
          + 3 * (account->user.len + account->key.len) + sw->container.len
          + sw->object.len;

    uri->data = ngx_pnalloc(sw->request->pool, len);
    if (uri->data == NULL) {
        return NGX_ERROR;
    }

    glance_buf_init(&b, uri->data, len);

    if (account->open) {
        skip = (account->auth.data[4] == 's') ? sizeof("https://") - 1
                                              : sizeof("http://") - 1;

        glance_buf_text(&b, (account->auth.data[4] == 's') ? "swift+https://"
                                                           : "swift+http://");

        text.data = account->user.data;
        text.len = account->user.len;
        glance_buf_percent(&b, text);

        glance_buf_char(&b, ':');

        text.data = account->key.data;
        text.len = account->key.len;
        glance_buf_percent(&b, text);

        glance_buf_char(&b, '@');

        text.data = account->auth.data + skip;
        text.len = account->auth.len - skip;

    } else {
        glance_buf_text(&b, "swift+config://");

        text.data = account->name.data;
        text.len = account->name.len;
    }

    glance_buf_put(&b, text);
    glance_buf_char(&b, '/');

    text.data = sw->container.data;
    text.len = sw->container.len;
    glance_buf_put(&b, text);
    glance_buf_char(&b, '/');

    text.data = sw->object.data;
    text.len = sw->object.len;
    glance_buf_put(&b, text);

    if (b.overflow) {
        return NGX_ERROR;
    }

    uri->len = b.last - b.start;

    return NGX_OK;
}
