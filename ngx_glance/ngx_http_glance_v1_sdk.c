
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"


/*
 * openstacksdk, and with it "openstack --os-image-api-version 1", writes the
 * metadata of an image as JSON, names no type for its data, and expects JSON
 * of an image that it asks for.  No API v1 knew any of that, and other clients
 * get the answers of specs/v1.md: it is known by its name.
 */

/* each property is looked for among the others: headers are few, JSON is not */

#define NGX_HTTP_GLANCE_SDK_FIELDS  1000


static ngx_uint_t ngx_http_glance_sdk(ngx_http_request_t *r);
static ngx_uint_t ngx_http_glance_sdk_json(ngx_http_request_t *r);
static void ngx_http_glance_sdk_record(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_sdk_body(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_sdk_object(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *object, json_t *without);
static ngx_uint_t ngx_http_glance_sdk_field(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *key, json_t *json);
static ngx_int_t ngx_http_glance_sdk_header(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, const char *prefix, const char *name,
    ngx_str_t *value);
static ngx_int_t ngx_http_glance_sdk_text(ngx_http_request_t *r, json_t *json,
    ngx_str_t *text);


/* its names of attributes, which it puts among the properties, too */

static const struct {
    const char  *key;
    const char  *name;          /* behind "x-image-meta-" */
} ngx_http_glance_sdk_names[] = {
    { "id", "id" },
    { "name", "name" },
    { "store", "store" },
    { "disk_format", "disk_format" },
    { "container_format", "container_format" },
    { "owner", "owner" },
    { "owner_id", "owner" },
    { "size", "size" },
    { "checksum", "checksum" },
    { "min_disk", "min_disk" },
    { "min_ram", "min_ram" },
    { "is_public", "is_public" },
    { "protected", "protected" },
    { "is_protected", "protected" },
    { "location", "location" },
    { "copy_from", NULL },                  /* has a header of its own */
    { "validate_checksum", NULL },          /* is for the program itself */
    { "virtual_size", NULL },               /* and what it takes for others' */
    { "deleted", NULL },                    /* properties when it reads them */
    { "deleted_at", NULL },
    { NULL, NULL }
};


void
ngx_http_glance_v1_get(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    if (!ngx_http_glance_sdk(r)) {
        ngx_http_glance_get(r, ctx);
        return;
    }

    /* it has another path for the data, and would hold them in memory */

    ngx_http_glance_registry_image(r, ctx, "GET", &ctx->image_id, NULL,
                                   ngx_http_glance_sdk_record);
}


static void
ngx_http_glance_sdk_record(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    if (ngx_http_glance_show_record(r, ctx, ctx->route->dialect->deleted)) {
        ngx_http_glance_send_image(r, ctx, NGX_HTTP_OK);
    }
}


void
ngx_http_glance_v1_post(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    if (ngx_http_glance_sdk(r) && ngx_http_glance_sdk_json(r)) {
        ngx_http_glance_read_json(r, ctx, ngx_http_glance_sdk_body);
        return;
    }

    ngx_http_glance_post(r, ctx);
}


void
ngx_http_glance_v1_put(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_table_elt_t  *h;

    if (!ngx_http_glance_sdk(r)) {
        ngx_http_glance_put(r, ctx);
        return;
    }

    if (ngx_http_glance_sdk_json(r)) {
        ngx_http_glance_read_json(r, ctx, ngx_http_glance_sdk_body);
        return;
    }

    if (r->headers_in.content_type == NULL) {

        h = ngx_pcalloc(r->pool, sizeof(ngx_table_elt_t));
        if (h == NULL) {
            ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        ngx_str_set(&h->value, "application/octet-stream");
        r->headers_in.content_type = h;
    }

    ngx_http_glance_put(r, ctx);
}


static ngx_uint_t
ngx_http_glance_sdk(ngx_http_request_t *r)
{
    ngx_str_t  *agent;

    if (r->headers_in.user_agent == NULL) {
        return 0;
    }

    agent = &r->headers_in.user_agent->value;

    /* programs put their own names before it */

    return ngx_strnstr(agent->data, "openstacksdk/", agent->len) != NULL;
}


static ngx_uint_t
ngx_http_glance_sdk_json(ngx_http_request_t *r)
{
    ngx_str_t  *type;

    static u_char  json[] = "application/json";

    if (r->headers_in.content_type == NULL || !ngx_http_glance_has_body(r)) {
        return 0;
    }

    type = &r->headers_in.content_type->value;

    return type->len >= sizeof(json) - 1
           && ngx_strncasecmp(type->data, json, sizeof(json) - 1) == 0;
}


/* goes on as if the fields of the body stood in headers */

static void
ngx_http_glance_sdk_body(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t  *image, *properties;

    ctx->meta.more = ngx_array_create(r->pool, 8, sizeof(ngx_table_elt_t));

    if (ctx->meta.more == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    image = json_object_get(ctx->body, "image");

    if (!json_is_object(image)) {
        image = ctx->body;
    }

    properties = json_object_get(image, "properties");

    if (json_object_size(image) + json_object_size(properties)
        > NGX_HTTP_GLANCE_SDK_FIELDS)
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                              "The body has more than %d properties",
                              NGX_HTTP_GLANCE_SDK_FIELDS);
        return;
    }

    if (!ngx_http_glance_sdk_object(r, ctx, image, properties)
        || !ngx_http_glance_sdk_object(r, ctx, properties, NULL))
    {
        return;
    }

    /* the body has been read, and there are no data */

    r->headers_in.content_length_n = 0;
    r->headers_in.chunked = 0;

    if (r->method == NGX_HTTP_POST) {
        ngx_http_glance_post(r, ctx);
        return;
    }

    ngx_http_glance_put(r, ctx);
}


/* its members, but not the one to leave out; zero: a fault was sent */

static ngx_uint_t
ngx_http_glance_sdk_object(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    json_t *object, json_t *without)
{
    json_t      *value;
    const char  *key;

    json_object_foreach(object, key, value) {

        if (value == without && json_is_object(value)) {
            continue;
        }

        if (!ngx_http_glance_sdk_field(r, ctx, key, value)) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_sdk_field(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    const char *key, json_t *json)
{
    ngx_int_t    rc;
    ngx_str_t    value, *url;
    ngx_uint_t   i, known;
    const char  *name;

    if (json_is_object(json) || json_is_array(json)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "The value of \"%s\" must be a string, a number "
                              "or a boolean", key);
        return 0;
    }

    for (i = 0; ngx_http_glance_sdk_names[i].key; i++) {
        if (ngx_strcmp(key, ngx_http_glance_sdk_names[i].key) == 0) {
            break;
        }
    }

    known = (ngx_http_glance_sdk_names[i].key != NULL);

    if (known && json_is_null(json)) {
        return 1;
    }

    if (ngx_http_glance_sdk_text(r, json, &value) != NGX_OK) {
        goto failed;
    }

    name = known ? ngx_http_glance_sdk_names[i].name : key;

    if (name != NULL) {
        rc = ngx_http_glance_sdk_header(r, ctx, known ? "x-image-meta-"
                                                : "x-image-meta-property-",
                                        name, &value);

        if (rc != NGX_OK) {
            goto failed;
        }

        return 1;
    }

    if (ngx_strcmp(key, "copy_from") == 0) {
        url = ngx_palloc(r->pool, sizeof(ngx_str_t));
        if (url == NULL) {
            goto failed;
        }

        *url = value;
        ctx->meta.copy_from = url;
    }

    return 1;

failed:

    ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);

    return 0;
}


static ngx_int_t
ngx_http_glance_sdk_header(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    const char *prefix, const char *name, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_array_push(ctx->meta.more);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->value = *value;

    h->key.len = ngx_strlen(prefix) + ngx_strlen(name);

    h->key.data = ngx_pnalloc(r->pool, h->key.len + 1);
    if (h->key.data == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(h->key.data, "%s%s%Z", prefix, name);

    return NGX_OK;
}


/* a value as it would stand in a header; null is empty */

static ngx_int_t
ngx_http_glance_sdk_text(ngx_http_request_t *r, json_t *json, ngx_str_t *text)
{
    char  *word;

    if (json_is_string(json)) {
        text->data = (u_char *) json_string_value(json);
        text->len = json_string_length(json);
        return NGX_OK;
    }

    ngx_str_null(text);

    if (json_is_null(json)) {
        return NGX_OK;
    }

    word = json_dumps(json, JSON_ENCODE_ANY);
    if (word == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_strlen(word);
    text->data = ngx_pnalloc(r->pool, text->len);

    if (text->data) {
        ngx_memcpy(text->data, word, text->len);
    }

    free(word);

    return (text->data) ? NGX_OK : NGX_ERROR;
}
