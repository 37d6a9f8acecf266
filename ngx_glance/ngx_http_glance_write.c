
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_upload.h"


static ngx_int_t ngx_http_glance_write_properties(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *image);


/* what POST and PUT check alike, before anything is changed */

ngx_uint_t
ngx_http_glance_write_request(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, ngx_uint_t create)
{
    const ngx_http_glance_dialect_t  *dialect;

    dialect = ctx->route->dialect;

    if (!ngx_http_glance_meta_read(r, ctx)
        || !dialect->check(r, ctx, create))
    {
        return 0;
    }

    if ((create || !dialect->kills)
        && !ngx_http_glance_write_typed(r, ctx))
    {
        ngx_http_glance_write_untyped(r, ctx);
        return 0;
    }

    return 1;
}


void
ngx_http_glance_write_untyped(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                          "Content-Type must be application/octet-stream%s",
                          ctx->route->dialect->multipart
                          ? " (or multipart/form-data with a boundary)" : "");
}


/* no data, or such that are called data */

ngx_uint_t
ngx_http_glance_write_typed(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    glance_str_t         type;
    glance_multipart_t   m;

    if (!ngx_http_glance_has_body(r)) {
        return 1;
    }

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type.data = r->headers_in.content_type->value.data;
    type.len = r->headers_in.content_type->value.len;

    return (ctx->route->dialect->multipart && glance_multipart_init(&m, type))
           || ngx_http_glance_data_type(r);
}


ngx_uint_t
ngx_http_glance_data_type(ngx_http_request_t *r)
{
    u_char        *p;
    glance_str_t   type, media;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type.data = r->headers_in.content_type->value.data;
    type.len = r->headers_in.content_type->value.len;

    media = type;

    p = ngx_strlchr((u_char *) type.data, (u_char *) type.data + type.len,
                    ';');
    if (p) {
        media.len = p - type.data;
    }

    return glance_str_case_eq(glance_str_trim(media),
                              glance_str("application/octet-stream"));
}


/*
 * A body whose length is known to be wrong is refused before it is read, and
 * before anything is recorded.  The length of a multipart body says nothing.
 */

ngx_uint_t
ngx_http_glance_data_length(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    off_t expected)
{
    off_t                        length;
    glance_str_t                 type;
    ngx_http_glance_loc_conf_t  *glcf;

    glcf = ngx_http_get_module_loc_conf(r, ngx_http_glance_module);

    length = r->headers_in.content_length_n;

    if (length <= 0 || r->headers_in.chunked) {
        return 1;
    }

    if (length > glcf->image_size_cap) {
        ngx_http_glance_fault(r, ctx, ctx->route->dialect->large,
                              "Content-Length exceeds the limit of %O bytes",
                              glcf->image_size_cap);
        return 0;
    }

    type.data = r->headers_in.content_type->value.data;
    type.len = r->headers_in.content_type->value.len;

    if (expected >= 0 && length != expected
        && !glance_str_case_starts(type, glance_str("multipart/")))
    {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_REQUEST,
                              "%s is %O, but Content-Length is %O",
                              ctx->route->dialect->size, expected, length);
        return 0;
    }

    return 1;
}


ngx_uint_t
ngx_http_glance_has_source(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    return ngx_http_glance_has_body(r) || ctx->meta.copy_from
           || ctx->meta.field[GLANCE_META_LOCATION].len;
}


/* the record's fields that the request names; new reference */

json_t *
ngx_http_glance_write_fields(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    int            rc;
    json_t        *image;
    ngx_str_t     *value;
    uint64_t       number;
    ngx_uint_t     i;
    glance_str_t   text;
    glance_meta_e  field;
    const char    *name;

    static const glance_meta_e  fields[] = {
        GLANCE_META_NAME, GLANCE_META_DISK_FORMAT,
        GLANCE_META_CONTAINER_FORMAT, GLANCE_META_CHECKSUM,
        GLANCE_META_OWNER, GLANCE_META_SIZE, GLANCE_META_MIN_DISK,
        GLANCE_META_MIN_RAM, GLANCE_META_IS_PUBLIC, GLANCE_META_PROTECTED
    };

    image = json_object();
    rc = 0;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        field = fields[i];

        if (!ctx->meta.given[field]) {
            continue;
        }

        value = &ctx->meta.field[field];
        name = glance_meta_name(field);

        text.data = value->data;
        text.len = value->len;

        switch (field) {

        case GLANCE_META_SIZE:
        case GLANCE_META_MIN_DISK:
        case GLANCE_META_MIN_RAM:
            number = 0;
            (void) glance_str_u64(text, GLANCE_IMAGE_SIZE_MAX, &number);
            rc |= json_object_set_new(image, name, json_integer(number));
            break;

        case GLANCE_META_IS_PUBLIC:
        case GLANCE_META_PROTECTED:
            rc |= json_object_set_new(image, name,
                                      json_boolean(glance_str_true(text)));
            break;

        default:
            if (value->len) {
                rc |= json_object_set_new(image, name,
                                          ngx_http_glance_json_string(value));

            } else if (ctx->route->dialect->nulls) {
                rc |= json_object_set_new(image, name, json_null());
            }
        }
    }

    if (rc != 0
        || ngx_http_glance_write_properties(r, ctx, image) != NGX_OK
        || ctx->route->dialect->fields(r, ctx, image) != NGX_OK)
    {
        json_decref(image);
        return NULL;
    }

    return image;
}


static ngx_int_t
ngx_http_glance_write_properties(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *image)
{
    json_t                      *properties, *value;
    ngx_uint_t                   i;
    ngx_http_glance_property_t  *property;

    if (ctx->meta.properties.nelts == 0 && !ctx->purge) {
        return NGX_OK;
    }

    properties = json_object();

    property = ctx->meta.properties.elts;

    for (i = 0; i < ctx->meta.properties.nelts; i++) {

        value = property[i].value.len
                ? ngx_http_glance_json_string(&property[i].value)
                : json_null();

        if (json_object_setn_new(properties,
                                 (const char *) property[i].key.data,
                                 property[i].key.len, value)
            != 0)
        {
            json_decref(properties);
            return NGX_ERROR;
        }
    }

    return json_object_set_new(image, "properties", properties) == 0
           ? NGX_OK : NGX_ERROR;
}


/*
 * The body of a change; image is stolen.  Work for glance-worker is written
 * down in the same transaction, so that neither is there without the other.
 */

json_t *
ngx_http_glance_write_body(ngx_http_glance_ctx_t *ctx, json_t *image)
{
    int         rc;
    json_t     *body;
    ngx_str_t  *location;

    body = json_pack("{s:o}", "image", image);

    if (body == NULL) {
        return NULL;
    }

    rc = 0;
    location = &ctx->meta.field[GLANCE_META_LOCATION];

    if (location->len) {
        rc = json_object_set_new(image, "location",
                                 ngx_http_glance_json_string(location));
    }

    /* as it was asked for */

    if ((location->len || ctx->meta.copy_from) && ctx->meta.size >= 0) {
        rc |= json_object_set_new(image, "size",
                                  json_integer(ctx->meta.size));
    }

    if (ctx->meta.copy_from) {
        rc |= json_object_set_new(body, "copy_from",
                                 ngx_http_glance_json_string(
                                                       ctx->meta.copy_from));
    }

    if (rc != 0) {
        json_decref(body);
        return NULL;
    }

    return body;
}


/* what was announced when the image was reserved counts as well */

void
ngx_http_glance_write_upload(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_http_glance_step_pt next)
{
    off_t       size;
    ngx_str_t   checksum;

    size = ctx->meta.size;

    if (size < 0 && ctx->image.size > 0) {
        size = ctx->image.size;
    }

    checksum = ctx->meta.field[GLANCE_META_CHECKSUM].len
               ? ctx->meta.field[GLANCE_META_CHECKSUM]
               : ctx->image.checksum;

    ngx_http_glance_upload(r, ctx, size, &checksum, next);
}


void
ngx_http_glance_send_image(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t status)
{
    json_t     *json;
    ngx_str_t   base;

    if (ngx_http_glance_base_uri(r, &base) != NGX_OK
        || ngx_http_glance_add_etag(r, ctx) != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    json = json_pack("{s:o}", "image",
                     ctx->route->dialect->json(r, &ctx->image, &base, 1));

    if (json == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_send_json(r, ctx, status, json);
}
