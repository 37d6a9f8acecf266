
/*
 * Copyright (C) ngx_glance authors
 */


#include "ngx_http_glance_dialect.h"
#include "ngx_http_glance_list.h"


/* of a page, which is read and written anew while all others wait */
#define NGX_HTTP_GLANCE_PAGE  100

#define NGX_HTTP_GLANCE_LIST_FIELDS                                           \
    "id,name,status,size,disk_format,container_format,properties,truncated"
#define NGX_HTTP_GLANCE_LIST_DETAIL                                           \
    NGX_HTTP_GLANCE_LIST_FIELDS ",is_public,deleted,created_at,updated_at,"   \
    "deleted_at,location"


/*
 * The seed's lists have no paging, so they are put together from pages of the
 * registry, each sent before the next is asked for: memory is bounded by one
 * page, however many images there are.
 */

typedef struct {
    ngx_str_t                   base;
    ngx_str_t                   marker;
    char                       *text;           /* malloc()ed, being sent */
    u_char                      id[GLANCE_IMAGE_ID_MAX];
    unsigned                    detail:1;
    unsigned                    started:1;      /* an element was sent */
    unsigned                    last:1;
} ngx_http_glance_list_t;


static void ngx_http_glance_list_ask(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_list_page(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static json_t *ngx_http_glance_list_elements(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *json);
static ngx_int_t ngx_http_glance_list_send(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *elements);
static ngx_int_t ngx_http_glance_list_text(ngx_http_request_t *r,
    const char *text);
static void ngx_http_glance_list_write(ngx_http_request_t *r);
static void ngx_http_glance_list_next(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx);
static void ngx_http_glance_list_cleanup(void *data);


void
ngx_http_glance_list(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    ngx_uint_t detail)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_glance_list_t  *list;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_glance_list_t));

    if (cln == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    list = cln->data;

    ngx_memzero(list, sizeof(ngx_http_glance_list_t));

    list->detail = detail;

    cln->handler = ngx_http_glance_list_cleanup;

    ctx->data = list;

    if (detail) {
        ngx_str_set(&ctx->fields, NGX_HTTP_GLANCE_LIST_DETAIL);

    } else {
        ngx_str_set(&ctx->fields, NGX_HTTP_GLANCE_LIST_FIELDS);
    }

    if (ngx_http_glance_base_uri(r, &list->base) != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_glance_list_ask(r, ctx);
}


static void
ngx_http_glance_list_ask(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    u_char                  *p;
    ngx_str_t                path, args;
    ngx_http_glance_list_t  *list;

    list = ctx->data;

    p = ngx_pnalloc(r->pool, sizeof("limit=&marker=") + NGX_INT_T_LEN
                             + GLANCE_IMAGE_ID_MAX);
    if (p == NULL) {
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    args.data = p;
    p = ngx_sprintf(p, "limit=%d", NGX_HTTP_GLANCE_PAGE);

    if (list->marker.len) {
        p = ngx_sprintf(p, "&marker=%V", &list->marker);
    }

    args.len = p - args.data;

    ngx_str_set(&path, "/images/detail");

    ngx_http_glance_registry_call(r, ctx, "GET", &path, &args, NULL,
                                  ngx_http_glance_list_page);
}


static void
ngx_http_glance_list_page(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    json_t        *json, *elements;
    ngx_int_t      rc;
    json_error_t   error;

    if (ctx->call.status != NGX_HTTP_OK) {
        ngx_http_glance_fault_call(r, ctx);
        return;
    }

    json = json_loadb((const char *) ctx->call.body.data, ctx->call.body.len,
                      JSON_ALLOW_NUL, &error);

    (void) ngx_pfree(r->pool, ctx->call.body.data);

    elements = json ? ngx_http_glance_list_elements(r, ctx, json) : NULL;

    json_decref(json);

    if (elements == NULL) {
        ngx_http_glance_fault(r, ctx, NGX_HTTP_BAD_GATEWAY,
                              "The registry sent a malformed list");
        return;
    }

    rc = ngx_http_glance_list_send(r, ctx, elements);

    json_decref(elements);

    if (rc == NGX_DONE) {
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_glance_finalize(r, ctx, rc);
        return;
    }

    ngx_http_glance_list_next(r, ctx);
}


/* new reference */

static json_t *
ngx_http_glance_list_elements(ngx_http_request_t *r,
    ngx_http_glance_ctx_t *ctx, json_t *json)
{
    size_t                    i, n;
    json_t                   *images, *elements, *element;
    ngx_http_glance_list_t   *list;
    ngx_http_glance_image_t   image;

    list = ctx->data;

    images = json_object_get(json, "images");

    if (!json_is_array(images)) {
        return NULL;
    }

    elements = json_array();
    n = json_array_size(images);

    for (i = 0; i < n; i++) {

        if (ngx_http_glance_record_read(r, json_array_get(images, i), &image)
            != NGX_OK)
        {
            json_decref(elements);
            return NULL;
        }

        element = ctx->route->dialect->json(r, &image, &list->base,
                                            list->detail);

        if (json_array_append_new(elements, element) != 0) {
            json_decref(elements);
            return NULL;
        }

        if (i == n - 1 && image.id.len <= sizeof(list->id)) {
            list->marker.data = list->id;
            list->marker.len = image.id.len;
            ngx_memcpy(list->id, image.id.data, image.id.len);
        }
    }

    /* other registries do not say: there the end is an empty page */

    list->last = (n == 0 || list->marker.len == 0
                  || json_is_false(json_object_get(json, "truncated")));

    return elements;
}


/*
 * NGX_OK: the page is on its way; NGX_DONE: the request was finalized; else
 * the code to finalize with.  A list of one page has a Content-Length.
 */

static ngx_int_t
ngx_http_glance_list_send(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx,
    json_t *elements)
{
    size_t                   len;
    ngx_int_t                rc;
    ngx_buf_t               *b;
    ngx_chain_t              out;
    ngx_http_glance_list_t  *list;

    list = ctx->data;

    /* the page before it has been sent */

    free(list->text);

    list->text = json_dumps(elements, JSON_PRESERVE_ORDER);

    b = ngx_calloc_buf(r->pool);

    if (list->text == NULL || b == NULL) {
        return NGX_ERROR;
    }

    len = ngx_strlen(list->text);

    b->memory = 1;
    b->flush = 1;

    out.buf = b;
    out.next = NULL;

    if (!r->header_sent) {
        rc = ngx_http_glance_send_header(r, ctx, NGX_HTTP_OK,
                                         "application/json",
                                         list->last
                                         ? (off_t) len
                                           + (off_t) sizeof("{\"images\": }")
                                           - 1
                                         : -1);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_ERROR : rc;
        }

        if (ngx_http_glance_list_text(r, "{\"images\": [") != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (len > 2) {

        if (list->started
            && ngx_http_glance_list_text(r, ", ") != NGX_OK)
        {
            return NGX_ERROR;
        }

        list->started = 1;

        b->pos = (u_char *) list->text + 1;
        b->last = (u_char *) list->text + len - 1;

        if (ngx_http_output_filter(r, &out) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    if (list->last) {
        if (ngx_http_glance_list_text(r, "]}") != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_http_send_special(r, NGX_HTTP_LAST);

        ngx_http_glance_finalize(r, ctx, rc);

        return NGX_DONE;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_glance_list_text(ngx_http_request_t *r, const char *text)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = (u_char *) text;
    b->last = b->pos + ngx_strlen(text);
    b->memory = 1;

    out.buf = b;
    out.next = NULL;

    return (ngx_http_output_filter(r, &out) == NGX_ERROR) ? NGX_ERROR
                                                          : NGX_OK;
}


static void
ngx_http_glance_list_next(ngx_http_request_t *r, ngx_http_glance_ctx_t *ctx)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (!r->buffered && !r->connection->buffered) {
        ngx_http_glance_list_ask(r, ctx);
        return;
    }

    /* the client is slower than the registry: first it takes what there is */

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    r->write_event_handler = ngx_http_glance_list_write;

    if (!r->connection->write->delayed) {
        ngx_add_timer(r->connection->write, clcf->send_timeout);
    }

    if (ngx_handle_write_event(r->connection->write, clcf->send_lowat)
        != NGX_OK)
    {
        ngx_http_glance_finalize(r, ctx, NGX_ERROR);
    }
}


static void
ngx_http_glance_list_write(ngx_http_request_t *r)
{
    ngx_event_t            *wev;
    ngx_http_glance_ctx_t  *ctx;

    ctx = ngx_http_glance_get_ctx(r);
    wev = r->connection->write;

    if (wev->timedout) {
        r->connection->timedout = 1;
        ngx_http_glance_finalize(r, ctx, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (wev->delayed || ngx_http_output_filter(r, NULL) == NGX_ERROR) {

        if (!wev->delayed) {
            ngx_http_glance_finalize(r, ctx, NGX_ERROR);
        }

        return;
    }

    if (wev->timer_set && !r->connection->buffered) {
        ngx_del_timer(wev);
    }

    ngx_http_glance_list_next(r, ctx);
}


static void
ngx_http_glance_list_cleanup(void *data)
{
    ngx_http_glance_list_t *list = data;

    free(list->text);
}
