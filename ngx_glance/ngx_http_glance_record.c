
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_module.h"


static void ngx_http_glance_json_free(void *data);
static void ngx_http_glance_record_string(json_t *json, const char *key,
    ngx_str_t *value);
static ngx_uint_t ngx_http_glance_record_time(json_t *json, const char *key,
    int64_t *epoch);


/*
 * Parses the body of a registry's answer; the result is freed with the
 * request.  NULL: it is no JSON object, which is logged.
 */

json_t *
ngx_http_glance_record_json(ngx_http_request_t *r, ngx_str_t *body)
{
    json_t        *json;
    json_error_t   error;

    json = json_loadb((const char *) body->data, body->len,
                      JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, &error);

    if (json == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "registry sent malformed JSON: %s at byte %d",
                      error.text, error.position);
        return NULL;
    }

    if (ngx_http_glance_json_keep(r, json) != NGX_OK) {
        return NULL;
    }

    if (!json_is_object(json)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "registry sent JSON that is no object");
        return NULL;
    }

    return json;
}


/* frees it at once if there is no memory */

ngx_int_t
ngx_http_glance_json_keep(ngx_http_request_t *r, json_t *json)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        json_decref(json);
        return NGX_ERROR;
    }

    cln->handler = ngx_http_glance_json_free;
    cln->data = json;

    return NGX_OK;
}


static void
ngx_http_glance_json_free(void *data)
{
    json_t *json = data;

    json_decref(json);
}


/* the answer {"image": record} of ctx->call into ctx->image */

ngx_int_t
ngx_http_glance_record_parse(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx)
{
    json_t  *json, *image, *left;

    json = ngx_http_glance_record_json(r, &ctx->call.body);
    if (json == NULL) {
        return NGX_ERROR;
    }

    image = json_object_get(json, "image");
    left = json_object_get(json, "storage_left");

    ctx->storage_left = json_is_integer(left)
                        ? ngx_max(json_integer_value(left), 0) : -1;

    if (!json_is_object(image)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "registry sent no image record");
        return NGX_ERROR;
    }

    return ngx_http_glance_record_read(r, image, &ctx->image);
}


/* every field is checked: another registry may stand behind (S-03) */

ngx_int_t
ngx_http_glance_record_read(ngx_http_request_t *r, json_t *json,
    ngx_http_glance_image_t *image)
{
    json_t        *value;
    ngx_str_t      status;
    glance_str_t   word;

    ngx_memzero(image, sizeof(ngx_http_glance_image_t));

    image->root = json;

    ngx_http_glance_record_string(json, "id", &image->id);

    if (image->id.len == 0) {

        /* registries of 2011 number their images */

        value = json_object_get(json, "id");

        if (json_is_integer(value)) {
            image->id.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
            if (image->id.data == NULL) {
                return NGX_ERROR;
            }

            image->id.len = ngx_sprintf(image->id.data, "%L",
                                        (int64_t) json_integer_value(value))
                            - image->id.data;
        }
    }

    ngx_http_glance_record_string(json, "status", &status);

    word.data = status.data;
    word.len = status.len;

    image->status = glance_status_parse(word);

    if (image->id.len == 0 || image->status == GLANCE_STATUS_UNKNOWN) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "registry sent a record without id or with unknown "
                      "status \"%V\"", &status);
        return NGX_ERROR;
    }

    ngx_http_glance_record_string(json, "name", &image->name);
    ngx_http_glance_record_string(json, "disk_format", &image->disk_format);
    ngx_http_glance_record_string(json, "container_format",
                                  &image->container_format);
    ngx_http_glance_record_string(json, "checksum", &image->checksum);
    ngx_http_glance_record_string(json, "location", &image->location);

    value = json_object_get(json, "size");

    if (json_is_integer(value)) {
        image->size = json_integer_value(value);
    }

    if (image->size < 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "registry sent size %O", image->size);
        return NGX_ERROR;
    }

    image->is_public = json_is_true(json_object_get(json, "is_public"));
    image->is_protected = json_is_true(json_object_get(json, "protected"));
    image->deleted = json_is_true(json_object_get(json, "deleted"));

    (void) ngx_http_glance_record_time(json, "created_at", &image->created_at);
    image->has_updated_at = ngx_http_glance_record_time(json, "updated_at",
                                                        &image->updated_at);
    image->has_deleted_at = ngx_http_glance_record_time(json, "deleted_at",
                                                        &image->deleted_at);

    value = json_object_get(json, "properties");

    if (json_is_object(value)) {
        image->properties = value;
        ngx_http_glance_record_string(value, "type", &image->type_property);
    }

    return NGX_OK;
}


static void
ngx_http_glance_record_string(json_t *json, const char *key,
    ngx_str_t *value)
{
    json_t  *s;

    s = json_object_get(json, key);

    if (json_is_string(s)) {
        value->data = (u_char *) json_string_value(s);
        value->len = json_string_length(s);
        return;
    }

    ngx_str_null(value);
}


static ngx_uint_t
ngx_http_glance_record_time(json_t *json, const char *key, int64_t *epoch)
{
    ngx_str_t     s;
    glance_str_t  text;

    ngx_http_glance_record_string(json, key, &s);

    text.data = s.data;
    text.len = s.len;

    return s.len && glance_time_parse(text, epoch);
}


/* new reference; NULL: no memory or no UTF-8 */

json_t *
ngx_http_glance_json_string(ngx_str_t *s)
{
    return json_stringn((const char *) s->data, s->len);
}


/* the text lives as long as the request */

ngx_int_t
ngx_http_glance_json_dump(ngx_http_request_t *r, json_t *json,
    ngx_str_t *text)
{
    char                *p;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    p = json_dumps(json, JSON_PRESERVE_ORDER);
    if (p == NULL) {
        return NGX_ERROR;
    }

    cln->handler = free;
    cln->data = p;

    text->data = (u_char *) p;
    text->len = ngx_strlen(p);

    return NGX_OK;
}
