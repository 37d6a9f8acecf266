
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_store.h"


#define NGX_HTTP_GLANCE_NAME_MAX   255      /* characters */
#define NGX_HTTP_GLANCE_VALUE_MAX  65535    /* bytes, the column's size */


static ngx_uint_t ngx_http_glance_meta_header(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_table_elt_t *h);
static ngx_uint_t ngx_http_glance_meta_property(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *key, ngx_str_t *value);
static ngx_int_t ngx_http_glance_meta_join(ngx_http_request_t *r,
    ngx_str_t *to, ngx_str_t *value);
static ngx_uint_t ngx_http_glance_meta_text(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *name, ngx_str_t *value);
static ngx_uint_t ngx_http_glance_meta_check(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_meta_check_copy(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_meta_check_location(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_meta_check_id(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_meta_check_size(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_meta_check_words(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_meta_check_store(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_meta_no_memory(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);


/*
 * Reads the x-image-meta-* headers into ctx->meta and checks all that can be
 * said without the registry.  Zero: something is wrong, and the client has
 * been told which header it is.
 */

ngx_uint_t
ngx_http_glance_meta_read(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *h;
    ngx_list_part_t  *part;

    ctx->meta.size = -1;

    if (ngx_array_init(&ctx->meta.properties, r->pool, 8,
                       sizeof(ngx_http_glance_property_t))
        != NGX_OK)
    {
        return ngx_http_glance_meta_no_memory(r, ctx);
    }

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len >= sizeof("x-image-meta-") - 1
            && ngx_strncasecmp(h[i].key.data, (u_char *) "x-image-meta",
                               sizeof("x-image-meta") - 1)
               == 0)
        {
            if (!ngx_http_glance_meta_header(r, ctx, &h[i])) {
                return 0;
            }

            continue;
        }

        if (h[i].key.len == sizeof("x-glance-api-copy-from") - 1
            && ngx_strncasecmp(h[i].key.data,
                               (u_char *) "x-glance-api-copy-from",
                               sizeof("x-glance-api-copy-from") - 1)
               == 0)
        {
            ctx->meta.copy_from = &h[i].value;
        }
    }

    if (ctx->meta.more) {
        h = ctx->meta.more->elts;

        for (i = 0; i < ctx->meta.more->nelts; i++) {
            if (!ngx_http_glance_meta_header(r, ctx, &h[i])) {
                return 0;
            }
        }
    }

    return ngx_http_glance_meta_check(r, ctx);
}


static ngx_uint_t
ngx_http_glance_meta_header(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_table_elt_t *h)
{
    u_char         *p;
    ngx_str_t       word, value;
    glance_str_t    name, key, text;
    glance_meta_e   field;

    p = ngx_pnalloc(r->pool, h->key.len);
    if (p == NULL) {
        return ngx_http_glance_meta_no_memory(r, ctx);
    }

    name.data = h->key.data;
    name.len = h->key.len;

    field = glance_meta_field(name, p, &key);

    text.data = h->value.data;
    text.len = h->value.len;
    text = glance_str_trim(text);

    value.data = (u_char *) text.data;
    value.len = text.len;

    switch (field) {

    case GLANCE_META_NONE:
    case GLANCE_META_PROPERTIES:
        return 1;

    case GLANCE_META_UNKNOWN:       /* of other dialects and times */
        ctx->meta.unknown = h->key;
        return 1;

    case GLANCE_META_PROPERTY:
        word.data = (u_char *) key.data;
        word.len = key.len;

        return ngx_http_glance_meta_text(r, ctx, &h->key, &value)
               && ngx_http_glance_meta_property(r, ctx, &word, &value);

    default:
        break;
    }

    if (!ngx_http_glance_meta_text(r, ctx, &h->key, &value)) {
        return 0;
    }

    if (!ctx->meta.given[field]) {
        ctx->meta.given[field] = 1;
        ctx->meta.field[field] = value;
        return 1;
    }

    if (ngx_http_glance_meta_join(r, &ctx->meta.field[field], &value)
        != NGX_OK)
    {
        return ngx_http_glance_meta_no_memory(r, ctx);
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_meta_property(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *key, ngx_str_t *value)
{
    ngx_uint_t                   i;
    ngx_http_glance_property_t  *property;

    property = ctx->meta.properties.elts;

    for (i = 0; i < ctx->meta.properties.nelts; i++) {

        if (property[i].key.len == key->len
            && ngx_strncmp(property[i].key.data, key->data, key->len) == 0)
        {
            if (ngx_http_glance_meta_join(r, &property[i].value, value)
                != NGX_OK)
            {
                return ngx_http_glance_meta_no_memory(r, ctx);
            }

            return 1;
        }
    }

    if (key->len > NGX_HTTP_GLANCE_NAME_MAX) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The name of a property in an "
                              "x-image-meta-property-* header is longer than "
                              "%d characters", NGX_HTTP_GLANCE_NAME_MAX);
        return 0;
    }

    property = ngx_array_push(&ctx->meta.properties);
    if (property == NULL) {
        return ngx_http_glance_meta_no_memory(r, ctx);
    }

    property->key = *key;
    property->value = *value;

    return 1;
}


/* a header given twice is one with both values, joined by a comma */

static ngx_int_t
ngx_http_glance_meta_join(ngx_http_request_t *r, ngx_str_t *to,
    ngx_str_t *value)
{
    u_char  *p, *text;

    text = ngx_pnalloc(r->pool, to->len + 1 + value->len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(text, to->data, to->len);
    *p++ = ',';
    p = ngx_cpymem(p, value->data, value->len);

    to->data = text;
    to->len = p - text;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_glance_meta_text(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_str_t *name, ngx_str_t *value)
{
    ngx_str_t     word;
    glance_str_t  text;

    word = *name;
    word.len = ngx_min(word.len, 128);

    text.data = word.data;
    text.len = name->len;

    if (glance_utf8_check(text) != GLANCE_UTF8_OK) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The name of an x-image-meta-* header holds "
                              "bytes that are not allowed");
        return 0;
    }

    text.data = value->data;
    text.len = value->len;

    switch (glance_utf8_check(text)) {

    case GLANCE_UTF8_INVALID:
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The value of %V is not valid UTF-8", &word);
        return 0;

    case GLANCE_UTF8_FOUR_BYTE:
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The value of %V holds a character outside of "
                              "Unicode's basic plane", &word);
        return 0;

    case GLANCE_UTF8_CONTROL:
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The value of %V holds a control character",
                              &word);
        return 0;

    default:
        break;
    }

    if (value->len > NGX_HTTP_GLANCE_VALUE_MAX) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The value of %V is longer than %d bytes",
                              &word, NGX_HTTP_GLANCE_VALUE_MAX);
        return 0;
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_meta_check(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t     *name;
    glance_str_t   text;

    name = &ctx->meta.field[GLANCE_META_NAME];

    text.data = name->data;
    text.len = name->len;

    if (glance_utf8_length(text) > NGX_HTTP_GLANCE_NAME_MAX) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-name is longer than %d characters",
                              NGX_HTTP_GLANCE_NAME_MAX);
        return 0;
    }

    if (ctx->meta.copy_from && !ngx_http_glance_meta_check_copy(r, ctx)) {
        return 0;
    }

    if (ctx->meta.given[GLANCE_META_LOCATION]
        && !ngx_http_glance_meta_check_location(r, ctx))
    {
        return 0;
    }

    return ngx_http_glance_meta_check_id(r, ctx)
           && ngx_http_glance_meta_check_size(r, ctx)
           && ngx_http_glance_meta_check_words(r, ctx)
           && ngx_http_glance_meta_check_store(r, ctx);
}


/* what glance-worker is to fetch, if the registry keeps work for it */

static ngx_uint_t
ngx_http_glance_meta_check_copy(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    const char                  *text;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    if (!ctx->route->dialect->copies || !glcf->registry_claims) {
        text = "is not supported by this server";

    } else if (ngx_http_glance_has_body(r)) {
        text = "and image data exclude each other";

    } else if (ctx->meta.field[GLANCE_META_LOCATION].len) {
        text = "and x-image-meta-location exclude each other";

    } else {
        text = ngx_http_glance_location_check(r, ctx->meta.copy_from, 1);
    }

    if (text) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-glance-api-copy-from %s", text);
        return 0;
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_meta_check_location(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    const char  *text;

    if (ngx_http_glance_has_body(r)) {
        text = "and image data exclude each other";

    } else {
        text = ngx_http_glance_location_check(r,
                                      &ctx->meta.field[GLANCE_META_LOCATION],
                                      0);
    }

    if (text) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-location %s", text);
        return 0;
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_meta_check_id(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    u_char        *p;
    ngx_str_t     *id;
    glance_str_t   text;

    id = &ctx->meta.field[GLANCE_META_ID];

    if (id->len == 0) {
        ctx->meta.given[GLANCE_META_ID] = 0;
        return 1;
    }

    text.data = id->data;
    text.len = id->len;

    if (!glance_image_id_valid(text)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-id must be a UUID or a positive "
                              "number");
        return 0;
    }

    /* one spelling: the id is a file name too */

    p = ngx_pnalloc(r->pool, id->len);
    if (p == NULL) {
        return ngx_http_glance_meta_no_memory(r, ctx);
    }

    ngx_strlow(p, id->data, id->len);
    id->data = p;

    return 1;
}


static ngx_uint_t
ngx_http_glance_meta_check_size(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    uint64_t                     size;
    ngx_str_t                   *value;
    glance_str_t                 text;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    value = &ctx->meta.field[GLANCE_META_SIZE];

    text.data = value->data;
    text.len = value->len;

    if (glance_str_eq(text, glance_str("None"))) {

        /* old clients' word for "I do not know" */

        ctx->meta.given[GLANCE_META_SIZE] = 0;
    }

    if (!ctx->meta.given[GLANCE_META_SIZE]) {
        return 1;
    }

    if (!glance_str_u64(text, GLANCE_IMAGE_SIZE_MAX, &size)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-size must be a whole number of "
                              "bytes");
        return 0;
    }

    if (size > (uint64_t) glcf->image_size_cap) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-size exceeds the limit of %O "
                              "bytes", glcf->image_size_cap);
        return 0;
    }

    ctx->meta.size = size;

    return 1;
}


static ngx_uint_t
ngx_http_glance_meta_check_words(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    u_char        *p;
    uint64_t       number;
    ngx_str_t     *value;
    ngx_uint_t     i;
    glance_str_t   text;

    static const glance_meta_e  numbers[] = {
        GLANCE_META_MIN_DISK, GLANCE_META_MIN_RAM
    };

    value = &ctx->meta.field[GLANCE_META_DISK_FORMAT];
    text.data = value->data;
    text.len = value->len;

    if (text.len && !glance_disk_format_valid(text)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "Invalid disk format '%V' for image.", value);
        return 0;
    }

    value = &ctx->meta.field[GLANCE_META_CONTAINER_FORMAT];
    text.data = value->data;
    text.len = value->len;

    if (text.len && !glance_container_format_valid(text)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "Invalid container format '%V' for image.",
                              value);
        return 0;
    }

    value = &ctx->meta.field[GLANCE_META_CHECKSUM];

    if (value->len > 32) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-checksum must be an MD5 of 32 "
                              "hexadecimal digits");
        return 0;
    }

    /* clients compare the record's with the digest that they compute */

    p = ngx_pnalloc(r->pool, value->len);
    if (p == NULL) {
        return ngx_http_glance_meta_no_memory(r, ctx);
    }

    ngx_strlow(p, value->data, value->len);
    value->data = p;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        value = &ctx->meta.field[numbers[i]];
        text.data = value->data;
        text.len = value->len;

        if (ctx->meta.given[numbers[i]]
            && !glance_str_u64(text, 2147483647, &number))
        {
            ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                                  "x-image-meta-%s must be a number from 0 to "
                                  "2147483647", glance_meta_name(numbers[i]));
            return 0;
        }
    }

    return 1;
}


/* S-52: a store that this node does not offer is refused, not replaced */

static ngx_uint_t
ngx_http_glance_meta_check_store(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t                   *name;
    ngx_http_glance_store_t     *store;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    name = &ctx->meta.field[GLANCE_META_STORE];

    if (name->len == 0) {
        ctx->store = glcf->default_store;
        return 1;
    }

    store = ngx_http_glance_store_find(name);

    if (store != NULL && store->begin == NULL && store->enabled(glcf)
        && ngx_http_glance_has_body(r))
    {
        ngx_http_glance_fault(r, ctx, ctx->route->dialect->closed,
                              "x-image-meta-store: the store \"%V\" takes no "
                              "data", name);
        return 0;
    }

    if (store == NULL || store->begin == NULL || !store->enabled(glcf)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-store: this server has no store "
                              "\"%V\" to upload to", name);
        return 0;
    }

    ctx->store = store;

    return 1;
}


static ngx_uint_t
ngx_http_glance_meta_no_memory(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
    return 0;
}
