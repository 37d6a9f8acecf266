
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"


static ngx_uint_t ngx_http_glance_v1_check(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t create);
static ngx_uint_t ngx_http_glance_v1_formats(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v1_amazon(ngx_str_t *format);
static ngx_uint_t ngx_http_glance_v1_times(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v1_virtual_size(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v1_uploadable(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *disk, ngx_str_t *container);
static ngx_int_t ngx_http_glance_v1_fields(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *image);
static ngx_uint_t ngx_http_glance_v1_change(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v1_immutable(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_v1_created(ngx_http_glance_loc_conf_t *glcf);
static json_t *ngx_http_glance_v1_json(ngx_http_request_t *r,
    ngx_http_glance_image_t *image, ngx_str_t *base, ngx_uint_t detail);
static json_t *ngx_http_glance_v1_time(json_t *value);
static ngx_int_t ngx_http_glance_v1_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_int_t ngx_http_glance_v1_header(ngx_http_request_t *r,
    const char *key, json_t *json);
static ngx_uint_t ngx_http_glance_v1_value(ngx_http_request_t *r,
    json_t *json, ngx_str_t *value);


/* specs/v1.md part 2: v1.0 and v1.1 are one API */

const ngx_http_glance_dialect_t  ngx_http_glance_dialect_v1 = {
    ngx_string("/v1/images"),
    ngx_http_glance_v1_check,
    ngx_http_glance_v1_fields,
    ngx_http_glance_v1_change,
    ngx_http_glance_v1_created,
    ngx_http_glance_v1_json,
    ngx_http_glance_v1_headers,
    0,                                     /* multipart */
    0,                                     /* put_headers */
    1,                                     /* head_empty */
    1,                                     /* purge */
    0,                                     /* conditions */
    1,                                     /* deleted */
    1,                                     /* nulls */
    1,                                     /* zero */
    1,                                     /* copies */
    0,                                     /* v2 */
    1,                                     /* kills */
    "killed",
    "x-image-meta-size",
    NGX_HTTP_PRECONDITION_FAILED,
    NGX_HTTP_BAD_REQUEST,
    NGX_HTTP_GLANCE_GONE
};


/* the fields of an image in the order in which they are shown */

typedef enum {
    NGX_HTTP_GLANCE_V1_STRING = 0,
    NGX_HTTP_GLANCE_V1_NUMBER,              /* null is 0 */
    NGX_HTTP_GLANCE_V1_NUMBER_NULL,
    NGX_HTTP_GLANCE_V1_FLAG,
    NGX_HTTP_GLANCE_V1_TIME,
    NGX_HTTP_GLANCE_V1_MAP
} ngx_http_glance_v1_e;

static const struct {
    const char             *name;
    ngx_http_glance_v1_e    type;
    unsigned                brief:1;        /* in the short list, too */
} ngx_http_glance_v1_shown[] = {
    { "id", NGX_HTTP_GLANCE_V1_STRING, 1 },
    { "name", NGX_HTTP_GLANCE_V1_STRING, 1 },
    { "status", NGX_HTTP_GLANCE_V1_STRING, 0 },
    { "size", NGX_HTTP_GLANCE_V1_NUMBER, 1 },
    { "virtual_size", NGX_HTTP_GLANCE_V1_NUMBER_NULL, 0 },
    { "disk_format", NGX_HTTP_GLANCE_V1_STRING, 1 },
    { "container_format", NGX_HTTP_GLANCE_V1_STRING, 1 },
    { "checksum", NGX_HTTP_GLANCE_V1_STRING, 1 },
    { "is_public", NGX_HTTP_GLANCE_V1_FLAG, 0 },
    { "protected", NGX_HTTP_GLANCE_V1_FLAG, 0 },
    { "min_ram", NGX_HTTP_GLANCE_V1_NUMBER, 0 },
    { "min_disk", NGX_HTTP_GLANCE_V1_NUMBER, 0 },
    { "owner", NGX_HTTP_GLANCE_V1_STRING, 0 },
    { "created_at", NGX_HTTP_GLANCE_V1_TIME, 0 },
    { "updated_at", NGX_HTTP_GLANCE_V1_TIME, 0 },
    { "deleted_at", NGX_HTTP_GLANCE_V1_TIME, 0 },
    { "deleted", NGX_HTTP_GLANCE_V1_FLAG, 0 },
    { "properties", NGX_HTTP_GLANCE_V1_MAP, 0 },
    { NULL, NGX_HTTP_GLANCE_V1_STRING, 0 }
};


static ngx_uint_t
ngx_http_glance_v1_check(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t create)
{
    ngx_str_t     *purge;
    glance_str_t   text;

    if (ctx->meta.given[GLANCE_META_TYPE]) {
        ngx_str_set(&ctx->meta.unknown, "x-image-meta-type");
    }

    if (ctx->meta.unknown.len) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST, "Bad header: %V",
                              &ctx->meta.unknown);
        return 0;
    }

    if (!ngx_http_glance_v1_formats(r, ctx)
        || !ngx_http_glance_v1_times(r, ctx)
        || !ngx_http_glance_v1_virtual_size(r, ctx))
    {
        return 0;
    }

    if (create && ngx_http_glance_has_source(r, ctx)) {
        return ngx_http_glance_v1_uploadable(r, ctx,
                      &ctx->meta.field[GLANCE_META_DISK_FORMAT],
                      &ctx->meta.field[GLANCE_META_CONTAINER_FORMAT]);
    }

    if (ngx_http_glance_has_body(r) || ctx->meta.more) {
        return 1;
    }

    /* properties that a PUT does not name go, unless it asks to keep them */

    if (!create) {
        purge = ngx_http_glance_header_find(r,
                                            "x-glance-registry-purge-props");
        ctx->purge = 1;

        if (purge) {
            text.data = purge->data;
            text.len = purge->len;
            ctx->purge = glance_str_true(glance_str_trim(text));
        }
    }

    return 1;
}


/* of Amazon's three formats both must be the same; one stands for both */

static ngx_uint_t
ngx_http_glance_v1_formats(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t  *disk, *container;

    disk = &ctx->meta.field[GLANCE_META_DISK_FORMAT];
    container = &ctx->meta.field[GLANCE_META_CONTAINER_FORMAT];

    if (!ngx_http_glance_v1_amazon(disk)
        && !ngx_http_glance_v1_amazon(container))
    {
        return 1;
    }

    if (disk->len == 0) {
        *disk = *container;
        ctx->meta.given[GLANCE_META_DISK_FORMAT] = 1;

    } else if (container->len == 0) {
        *container = *disk;
        ctx->meta.given[GLANCE_META_CONTAINER_FORMAT] = 1;
    }

    if (disk->len != container->len
        || ngx_strncmp(disk->data, container->data, disk->len) != 0)
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "Invalid mix of disk and container formats. "
                              "When setting a disk or container format to one "
                              "of 'aki', 'ari', or 'ami', the container and "
                              "disk formats must match.");
        return 0;
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_v1_amazon(ngx_str_t *format)
{
    return format->len == 3
           && (ngx_strncmp(format->data, "aki", 3) == 0
               || ngx_strncmp(format->data, "ari", 3) == 0
               || ngx_strncmp(format->data, "ami", 3) == 0);
}


static ngx_uint_t
ngx_http_glance_v1_times(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    int64_t        epoch;
    ngx_str_t     *value;
    ngx_uint_t     i;
    glance_str_t   text;

    static const glance_meta_e  times[] = {
        GLANCE_META_CREATED_AT, GLANCE_META_UPDATED_AT, GLANCE_META_DELETED_AT
    };

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        value = &ctx->meta.field[times[i]];

        text.data = value->data;
        text.len = value->len;

        if (value->len && !glance_time_parse(text, &epoch)) {
            ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                                  "x-image-meta-%s must be a time of ISO "
                                  "8601, from the year 1900 on",
                                  glance_meta_name(times[i]));
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_v1_virtual_size(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    uint64_t       size;
    ngx_str_t     *value;
    glance_str_t   text;

    value = &ctx->meta.field[GLANCE_META_VIRTUAL_SIZE];

    text.data = value->data;
    text.len = value->len;

    if (glance_str_eq(text, glance_str("None"))) {
        value->len = 0;
    }

    if (value->len && !glance_str_u64(text, GLANCE_IMAGE_SIZE_MAX, &size)) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-virtual_size must be a whole "
                              "number of bytes, or None");
        return 0;
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_v1_uploadable(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_str_t *disk, ngx_str_t *container)
{
    if (disk->len == 0) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "Disk format is not specified.");
        return 0;
    }

    if (container->len == 0) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "Container format is not specified.");
        return 0;
    }

    return 1;
}


static ngx_int_t
ngx_http_glance_v1_fields(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    json_t *image)
{
    int            rc;
    uint64_t       size;
    ngx_str_t     *value;
    glance_str_t   text;

    rc = 0;

    value = &ctx->meta.field[GLANCE_META_VIRTUAL_SIZE];

    text.data = value->data;
    text.len = value->len;

    if (ctx->meta.given[GLANCE_META_VIRTUAL_SIZE]) {
        rc |= json_object_set_new(image, "virtual_size",
                                  glance_str_u64(text, GLANCE_IMAGE_SIZE_MAX,
                                                 &size)
                                  ? json_integer(size) : json_null());
    }

    value = &ctx->meta.field[GLANCE_META_CREATED_AT];

    if (value->len && r->method == NGX_HTTP_POST) {
        rc |= json_object_set_new(image, "created_at",
                                  ngx_http_glance_json_string(value));
    }

    return (rc == 0) ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_http_glance_v1_change(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t     *status, *disk, *container;
    glance_str_t   word;

    if (ctx->image.deleted || ctx->image.status == GLANCE_STATUS_DELETED) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                              "Forbidden to update deleted image.");
        return 0;
    }

    if (!ngx_http_glance_v1_immutable(r, ctx)) {
        return 0;
    }

    status = &ctx->meta.field[GLANCE_META_STATUS];

    word.data = status->data;
    word.len = status->len;

    if (status->len && glance_status_parse(word) != ctx->image.status) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                              "x-image-meta-status differs from the image's "
                              "status, which cannot be set");
        return 0;
    }

    if (!ngx_http_glance_has_source(r, ctx)
        || ctx->image.status != GLANCE_STATUS_QUEUED)
    {
        return 1;
    }

    disk = ctx->meta.given[GLANCE_META_DISK_FORMAT]
           ? &ctx->meta.field[GLANCE_META_DISK_FORMAT]
           : &ctx->image.disk_format;
    container = ctx->meta.given[GLANCE_META_CONTAINER_FORMAT]
                ? &ctx->meta.field[GLANCE_META_CONTAINER_FORMAT]
                : &ctx->image.container_format;

    return ngx_http_glance_v1_uploadable(r, ctx, disk, container);
}


/*
 * Glance let administrators write any size and checksum over those of the
 * data.  A record that does not tell what the data are helps nobody.
 */

static ngx_uint_t
ngx_http_glance_v1_immutable(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t   *checksum;
    const char  *name;

    if (ctx->image.status != GLANCE_STATUS_ACTIVE
        && ctx->image.status != GLANCE_STATUS_DEACTIVATED)
    {
        return 1;
    }

    name = NULL;
    checksum = &ctx->meta.field[GLANCE_META_CHECKSUM];

    if (ctx->meta.given[GLANCE_META_SIZE]
        && ctx->meta.size != ctx->image.size)
    {
        name = "size";

    } else if (ctx->meta.given[GLANCE_META_CHECKSUM]
               && (checksum->len != ctx->image.checksum.len
                   || ngx_strncasecmp(checksum->data,
                                      ctx->image.checksum.data, checksum->len)
                      != 0))
    {
        name = "checksum";
    }

    if (name) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                              "Forbidden to modify '%s' of %s image.", name,
                              glance_status_name(ctx->image.status));
        return 0;
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_v1_created(ngx_http_glance_loc_conf_t *glcf)
{
    return NGX_HTTP_CREATED;
}


static json_t *
ngx_http_glance_v1_json(ngx_http_request_t *r, ngx_http_glance_image_t *image,
    ngx_str_t *base, ngx_uint_t detail)
{
    int          rc;
    json_t      *json, *value;
    ngx_uint_t   i;
    const char  *name;

    json = json_object();
    rc = 0;

    for (i = 0; ngx_http_glance_v1_shown[i].name; i++) {

        if (!detail && !ngx_http_glance_v1_shown[i].brief) {
            continue;
        }

        name = ngx_http_glance_v1_shown[i].name;
        value = json_object_get(image->root, name);

        switch (ngx_http_glance_v1_shown[i].type) {

        case NGX_HTTP_GLANCE_V1_STRING:
            /* the number of an image in a registry of 2011 stays one */
            value = (json_is_string(value) || json_is_integer(value))
                    ? json_incref(value) : json_null();
            break;

        case NGX_HTTP_GLANCE_V1_NUMBER:
            value = json_is_integer(value) ? json_incref(value)
                                           : json_integer(0);
            break;

        case NGX_HTTP_GLANCE_V1_NUMBER_NULL:
            value = json_is_integer(value) ? json_incref(value) : json_null();
            break;

        case NGX_HTTP_GLANCE_V1_FLAG:
            value = json_boolean(json_is_true(value));
            break;

        case NGX_HTTP_GLANCE_V1_TIME:
            value = ngx_http_glance_v1_time(value);
            break;

        default: /* NGX_HTTP_GLANCE_V1_MAP */
            value = json_is_object(value) ? json_incref(value)
                                          : json_object();
        }

        rc |= json_object_set_new(json, name, value);
    }

    if (rc != 0) {
        json_decref(json);
        return NULL;
    }

    return json;
}


/* the value of X-Glance-Fields: ":0" where null is no answer */

ngx_int_t
ngx_http_glance_v1_shown_fields(ngx_http_request_t *r, ngx_uint_t detail,
    ngx_str_t *fields)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    len = 0;

    for (i = 0; ngx_http_glance_v1_shown[i].name; i++) {
        len += ngx_strlen(ngx_http_glance_v1_shown[i].name)
               + sizeof(":0,") - 1;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fields->data = p;

    for (i = 0; ngx_http_glance_v1_shown[i].name; i++) {

        if (detail || ngx_http_glance_v1_shown[i].brief) {
            p = ngx_sprintf(p, "%s%s%s", (p == fields->data) ? "" : ",",
                            ngx_http_glance_v1_shown[i].name,
                            (ngx_http_glance_v1_shown[i].type
                             == NGX_HTTP_GLANCE_V1_NUMBER)
                            ? ":0" : "");
        }
    }

    fields->len = p - fields->data;

    return NGX_OK;
}


/* always with six digits of a second, which other registries leave out */

static json_t *
ngx_http_glance_v1_time(json_t *value)
{
    int64_t       epoch;
    glance_str_t  text;
    u_char        buf[GLANCE_TIME_ISO_LEN];

    if (!json_is_string(value)) {
        return json_null();
    }

    text.data = (const u_char *) json_string_value(value);
    text.len = json_string_length(value);

    if (text.len == GLANCE_TIME_ISO_LEN && text.data[10] == 'T'
        && text.data[19] == '.')
    {
        return json_incref(value);
    }

    if (!glance_time_parse(text, &epoch)) {
        return json_null();
    }

    glance_time_iso(epoch, buf);

    return json_stringn((const char *) buf, GLANCE_TIME_ISO_LEN);
}


/* the same fields again; what is null has no header */

static ngx_int_t
ngx_http_glance_v1_headers(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t      *json, *field, *property;
    ngx_str_t    value;
    const char  *key, *name;

    json = ngx_http_glance_v1_json(r, &ctx->image, NULL, 1);

    if (json == NULL || ngx_http_glance_json_keep(r, json) != NGX_OK) {
        return NGX_ERROR;
    }

    json_object_foreach(json, key, field) {

        if (!json_is_object(field)) {
            if (ngx_http_glance_v1_header(r, key, field) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        json_object_foreach(field, name, property) {

            if (ngx_http_glance_v1_value(r, property, &value)
                && ngx_http_glance_header_property(r, name, &value) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_v1_header(ngx_http_request_t *r, const char *key,
    json_t *json)
{
    ngx_str_t  value;

    if (!ngx_http_glance_v1_value(r, json, &value)) {
        return NGX_OK;
    }

    return ngx_http_glance_header_meta(r, key, &value);
}


/* zero: there is nothing to show */

static ngx_uint_t
ngx_http_glance_v1_value(ngx_http_request_t *r, json_t *json,
    ngx_str_t *value)
{
    switch (json_typeof(json)) {

    case JSON_STRING:
        value->data = (u_char *) json_string_value(json);
        value->len = json_string_length(json);
        return 1;

    case JSON_INTEGER:
        value->data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
        if (value->data == NULL) {
            return 0;
        }

        value->len = ngx_sprintf(value->data, "%L",
                                 (int64_t) json_integer_value(json))
                     - value->data;
        return 1;

    case JSON_TRUE:
        ngx_str_set(value, "True");
        return 1;

    case JSON_FALSE:
        ngx_str_set(value, "False");
        return 1;

    default:
        return 0;
    }
}
