
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_list.h"
#include "ngx_http_glance_store.h"


static ngx_uint_t ngx_http_glance_seed_check(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t create);
static ngx_int_t ngx_http_glance_seed_fields(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *image);
static ngx_uint_t ngx_http_glance_seed_change(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static ngx_uint_t ngx_http_glance_seed_created(
    ngx_http_glance_loc_conf_t *glcf);
static json_t *ngx_http_glance_seed_json(ngx_http_request_t *r,
    ngx_http_glance_image_t *image, ngx_str_t *base, ngx_uint_t detail);
static ngx_int_t ngx_http_glance_seed_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static const char *ngx_http_glance_seed_type(ngx_http_glance_image_t *image);
static ngx_int_t ngx_http_glance_seed_property_headers(ngx_http_request_t *r,
    ngx_http_glance_image_t *image);
static void ngx_http_glance_seed_time(u_char *buf, ngx_uint_t given,
    int64_t epoch, ngx_str_t *text);
static const char *ngx_http_glance_seed_store(ngx_http_request_t *r,
    ngx_http_glance_image_t *image);


/* specs/v1.md part 1, with the recommendations of 1.12 */

const ngx_http_glance_dialect_t  ngx_http_glance_dialect_seed = {
    ngx_string("/images"),
    ngx_http_glance_seed_check,
    ngx_http_glance_seed_fields,
    ngx_http_glance_seed_change,
    ngx_http_glance_seed_created,
    ngx_http_glance_seed_json,
    ngx_http_glance_seed_headers,
    1,                                     /* multipart */
    1,                                     /* put_headers */
    0,                                     /* head_empty */
    0,                                     /* purge */
    1,                                     /* conditions */
    0,                                     /* deleted */
    0,                                     /* nulls */
    0,                                     /* zero */
    0,                                     /* copies */
    0,                                     /* v2 */
    0,                                     /* kills */
    "killed",
    "x-image-meta-size",
    NGX_HTTP_PRECONDITION_FAILED,
    NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
    NGX_HTTP_BAD_REQUEST
};


void
ngx_http_glance_seed_index(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_list(r, ctx, 0);
}


void
ngx_http_glance_seed_detail(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_list(r, ctx, 1);
}


static ngx_uint_t
ngx_http_glance_seed_check(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t create)
{
    ngx_str_t     *type;
    glance_str_t   text;

    type = &ctx->meta.field[GLANCE_META_TYPE];

    text.data = type->data;
    text.len = type->len;

    ctx->meta.type = glance_type_parse(text);

    if (ctx->meta.given[GLANCE_META_TYPE]
        && ctx->meta.type == GLANCE_TYPE_UNKNOWN)
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-type must be kernel, ramdisk, "
                              "machine, raw or vhd, not \"%V\"", type);
        return 0;
    }

    if (ctx->meta.field[GLANCE_META_NAME].len == 0
        && (create || ctx->meta.given[GLANCE_META_NAME]))
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-name is required");
        return 0;
    }

    if (create && ctx->meta.type == GLANCE_TYPE_UNKNOWN) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-type is required: kernel, ramdisk, "
                              "machine, raw or vhd");
        return 0;
    }

    return 1;
}


/*
 * The formats make the image usable for later APIs; the exact word lives on
 * as a property (specs/v1.md 1.13).
 */

static ngx_int_t
ngx_http_glance_seed_fields(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    json_t *image)
{
    json_t        *properties;
    glance_type_e  type;

    type = ctx->meta.type;

    if (type == GLANCE_TYPE_UNKNOWN) {
        return NGX_OK;
    }

    if (json_object_get(image, "disk_format") == NULL
        && json_object_set_new(image, "disk_format",
                               json_string(glance_type_disk_format(type)))
           != 0)
    {
        return NGX_ERROR;
    }

    if (json_object_get(image, "container_format") == NULL
        && json_object_set_new(image, "container_format",
                               json_string(glance_type_container_format(type)))
           != 0)
    {
        return NGX_ERROR;
    }

    properties = json_object_get(image, "properties");

    if (properties == NULL) {
        properties = json_object();

        if (json_object_set_new(image, "properties", properties) != 0) {
            return NGX_ERROR;
        }
    }

    return json_object_set_new(properties, "type",
                               json_string(glance_type_name(type))) == 0
           ? NGX_OK : NGX_ERROR;
}


/* clients of the time send back what they have read: that is harmless */

static ngx_uint_t
ngx_http_glance_seed_change(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_str_t        *status, *checksum;
    glance_str_t      word;
    glance_status_e   now;

    now = ctx->image.status;
    status = &ctx->meta.field[GLANCE_META_STATUS];
    checksum = &ctx->meta.field[GLANCE_META_CHECKSUM];

    word.data = status->data;
    word.len = status->len;

    if (status->len && glance_status_parse(word) != now
        && !(now == GLANCE_STATUS_ACTIVE
             && glance_str_eq(word, glance_str("available"))))
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_FORBIDDEN,
                              "x-image-meta-status differs from the image's "
                              "status, which cannot be set");
        return 0;
    }

    if (ngx_http_glance_has_body(r) || now == GLANCE_STATUS_QUEUED) {
        return 1;
    }

    if (ctx->meta.size >= 0 && ctx->meta.size != ctx->image.size) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-size is %O, but the image has %O "
                              "bytes", ctx->meta.size, ctx->image.size);
        return 0;
    }

    if (checksum->len
        && (checksum->len != ctx->image.checksum.len
            || ngx_strncasecmp(checksum->data, ctx->image.checksum.data,
                               checksum->len)
               != 0))
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "x-image-meta-checksum is %V, which is not that "
                              "of the image", checksum);
        return 0;
    }

    return 1;
}


static ngx_uint_t
ngx_http_glance_seed_created(ngx_http_glance_loc_conf_t *glcf)
{
    return glcf->seed_post_status;
}


static json_t *
ngx_http_glance_seed_json(ngx_http_request_t *r,
    ngx_http_glance_image_t *image, ngx_str_t *base, ngx_uint_t detail)
{
    json_t     *json, *properties;
    ngx_str_t   created, updated, deleted, size;
    u_char      number[NGX_OFF_T_LEN], c[GLANCE_TIME_SEED_LEN],
                u[GLANCE_TIME_SEED_LEN], d[GLANCE_TIME_SEED_LEN];

    size.data = number;
    size.len = ngx_sprintf(number, "%O", image->size) - number;

    json = json_pack("{s:s%, s:s%++%, s:o?, s:s, s:s%}",
                     "id", image->id.data, image->id.len,
                     "uri", base->data, base->len, "/images/",
                     image->id.data, image->id.len,
                     "name", image->name.data
                             ? ngx_http_glance_json_string(&image->name)
                             : json_null(),
                     "type", ngx_http_glance_seed_type(image),
                     "size", size.data, size.len);

    if (json == NULL || !detail) {
        return json;
    }

    ngx_http_glance_seed_time(c, 1, image->created_at, &created);
    ngx_http_glance_seed_time(u, image->has_updated_at, image->updated_at,
                              &updated);
    ngx_http_glance_seed_time(d, image->has_deleted_at, image->deleted_at,
                              &deleted);

    /* "type" was a field before it became a property (specs/v1.md 1.13) */

    properties = image->properties ? json_copy(image->properties)
                                   : json_object();

    (void) json_object_del(properties, "type");

    if (json_object_update_new(json,
            json_pack("{s:s, s:s, s:b, s:b, s:s%, s:s%, s:s%, s:o}",
                      "store", ngx_http_glance_seed_store(r, image),
                      "status", glance_status_name(image->status),
                      "is_public", (int) image->is_public,
                      "deleted", (int) image->deleted,
                      "created_at", created.data, created.len,
                      "updated_at", updated.data, updated.len,
                      "deleted_at", deleted.data, deleted.len,
                      "properties", properties))
        != 0)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


static ngx_int_t
ngx_http_glance_seed_headers(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    u_char                      *p;
    ngx_str_t                    base, value[GLANCE_META_N];
    ngx_uint_t                   i;
    ngx_http_glance_image_t     *image;
    ngx_http_glance_loc_conf_t  *glcf;

    static const glance_meta_e  fields[] = {
        GLANCE_META_URI, GLANCE_META_ID, GLANCE_META_NAME, GLANCE_META_TYPE,
        GLANCE_META_SIZE, GLANCE_META_STORE, GLANCE_META_CREATED_AT,
        GLANCE_META_UPDATED_AT, GLANCE_META_DELETED_AT, GLANCE_META_STATUS,
        GLANCE_META_IS_PUBLIC
    };

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    image = &ctx->image;

    p = ngx_pnalloc(r->pool, NGX_OFF_T_LEN + 3 * GLANCE_TIME_SEED_LEN);

    if (p == NULL
        || ngx_http_glance_base_uri(r, &base) != NGX_OK
        || ngx_http_glance_image_uri(r, ctx, &base, &value[GLANCE_META_URI])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    value[GLANCE_META_ID] = image->id;
    value[GLANCE_META_NAME] = image->name;

    value[GLANCE_META_TYPE].data = (u_char *) ngx_http_glance_seed_type(image);
    value[GLANCE_META_STORE].data = (u_char *)
                                    ngx_http_glance_seed_store(r, image);
    value[GLANCE_META_STATUS].data = (u_char *)
                                     ((image->status == GLANCE_STATUS_ACTIVE
                                       && glcf->seed_status_word)
                                      ? "available"
                                      : glance_status_name(image->status));

    value[GLANCE_META_TYPE].len = ngx_strlen(value[GLANCE_META_TYPE].data);
    value[GLANCE_META_STORE].len = ngx_strlen(value[GLANCE_META_STORE].data);
    value[GLANCE_META_STATUS].len = ngx_strlen(value[GLANCE_META_STATUS].data);

    if (image->is_public) {
        ngx_str_set(&value[GLANCE_META_IS_PUBLIC], "True");

    } else {
        ngx_str_set(&value[GLANCE_META_IS_PUBLIC], "False");
    }

    ngx_http_glance_seed_time(p, 1, image->created_at,
                              &value[GLANCE_META_CREATED_AT]);
    p += GLANCE_TIME_SEED_LEN;

    ngx_http_glance_seed_time(p, image->has_updated_at, image->updated_at,
                              &value[GLANCE_META_UPDATED_AT]);
    p += GLANCE_TIME_SEED_LEN;

    ngx_http_glance_seed_time(p, image->has_deleted_at, image->deleted_at,
                              &value[GLANCE_META_DELETED_AT]);
    p += GLANCE_TIME_SEED_LEN;

    value[GLANCE_META_SIZE].data = p;
    value[GLANCE_META_SIZE].len = ngx_sprintf(p, "%O", image->size) - p;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (ngx_http_glance_header_meta(r, glance_meta_name(fields[i]),
                                        &value[fields[i]])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (image->checksum.len
        && ngx_http_glance_header_meta(r, "checksum", &image->checksum)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_glance_seed_property_headers(r, image);
}


static ngx_int_t
ngx_http_glance_seed_property_headers(ngx_http_request_t *r,
    ngx_http_glance_image_t *image)
{
    json_t      *json;
    ngx_str_t    value;
    const char  *key;

    json_object_foreach(image->properties, key, json) {

        if (ngx_strcmp(key, "type") == 0) {
            continue;
        }

        value.data = (u_char *) json_string_value(json);
        value.len = json_string_length(json);

        if (ngx_http_glance_header_property(r, key, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static const char *
ngx_http_glance_seed_type(ngx_http_glance_image_t *image)
{
    glance_str_t  property, disk, container;

    property.data = image->type_property.data;
    property.len = image->type_property.len;

    disk.data = image->disk_format.data;
    disk.len = image->disk_format.len;

    container.data = image->container_format.data;
    container.len = image->container_format.len;

    return glance_type_name(glance_type_of(property, disk, container));
}


static void
ngx_http_glance_seed_time(u_char *buf, ngx_uint_t given, int64_t epoch,
    ngx_str_t *text)
{
    text->data = buf;
    text->len = 0;

    if (given) {
        glance_time_seed(epoch, buf);
        text->len = GLANCE_TIME_SEED_LEN;
    }
}


/* where the data are, or would go to */

static const char *
ngx_http_glance_seed_store(ngx_http_request_t *r,
    ngx_http_glance_image_t *image)
{
    const char                  *name;
    glance_str_t                 text;
    glance_uri_t                 uri;
    ngx_http_glance_loc_conf_t  *glcf;

    text.data = image->location.data;
    text.len = image->location.len;

    if (text.len && glance_uri_parse(text, &uri)) {
        name = glance_scheme_store(uri.scheme);

        if (name) {
            return name;
        }
    }

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    return (const char *) glcf->default_store->name.data;
}
