
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_images.h"
#include "registry_db_list.h"
#include "registry_identity.h"
#include "registry_json.h"
#include "registry_page.h"
#include "registry_router.h"


#define REGISTRY_LIST_FILTERS  32       /* on properties */


/* of a transaction that reads a page */

typedef struct {
    registry_request_t  *rq;
    registry_list_t      list;
    registry_sort_e      sort;
    bool                 ascending;
    bool                 all;           /* whoever owns them */
    bool                 detail;
    registry_fields_t    fields;
} registry_list_ctx_t;


static registry_rc_e registry_list(registry_request_t *rq, bool detail);
static registry_rc_e registry_list_fields(registry_list_ctx_t *ctx);
static registry_rc_e registry_list_arg(registry_list_ctx_t *ctx,
    const registry_arg_t *arg);
static void registry_list_parts(registry_list_ctx_t *ctx);
static registry_rc_e registry_list_condition(registry_request_t *rq,
    registry_list_t *list, const registry_arg_t *arg);
static registry_rc_e registry_list_number(registry_request_t *rq,
    const registry_arg_t *arg, int64_t *number);
static registry_rc_e registry_list_sort(registry_list_ctx_t *ctx,
    const registry_arg_t *arg);
static registry_rc_e registry_list_scope(registry_list_ctx_t *ctx,
    const registry_arg_t *arg);
static registry_rc_e registry_list_property(registry_request_t *rq,
    registry_list_t *list, const registry_arg_t *arg, glance_str_t name);
static registry_rc_e registry_list_bad(registry_request_t *rq,
    const registry_arg_t *arg, const char *must);
static int registry_list_flag(glance_str_t value);
static registry_rc_e registry_list_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_list_page(registry_tx_t *tx,
    registry_list_ctx_t *ctx, registry_image_t **images, registry_err_t *err);
static registry_rc_e registry_list_render(registry_tx_t *tx,
    registry_list_ctx_t *ctx, registry_image_t *images, registry_err_t *err);
static void registry_list_item(const registry_page_t *page,
    registry_out_t *out, const registry_image_t *image);


static const char *const  registry_sort_names[REGISTRY_SORT_N] = {
    [REGISTRY_SORT_CREATED_AT] = "created_at",
    [REGISTRY_SORT_UPDATED_AT] = "updated_at",
    [REGISTRY_SORT_NAME] = "name",
    [REGISTRY_SORT_STATUS] = "status",
    [REGISTRY_SORT_CONTAINER_FORMAT] = "container_format",
    [REGISTRY_SORT_DISK_FORMAT] = "disk_format",
    [REGISTRY_SORT_SIZE] = "size",
    [REGISTRY_SORT_ID] = "id"
};


registry_rc_e
registry_images_index(registry_request_t *rq)
{
    return registry_list(rq, false);
}


registry_rc_e
registry_images_detail(registry_request_t *rq)
{
    return registry_list(rq, true);
}


/* specs/registry-api.md 4, specs/v1.md 2.5 */

static registry_rc_e
registry_list(registry_request_t *rq, bool detail)
{
    registry_rc_e        rc;
    registry_arg_t      *arg;
    registry_list_ctx_t  ctx = { .rq = rq, .detail = detail };

    ctx.list.limit = rq->app->limit_default;
    ctx.list.tenant = rq->identity.owner;

    rc = registry_request_args(rq, &arg);

    for ( /* void */ ; rc == REGISTRY_OK && arg != NULL; arg = arg->next) {
        rc = registry_list_arg(&ctx, arg);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_list_fields(&ctx);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (ctx.list.limit > rq->app->limit_max) {
        ctx.list.limit = rq->app->limit_max;
    }

    /* changes-since asks for both */

    ctx.list.dead_too = (ctx.list.dead_too
                         && !ctx.list.dead_only && !ctx.list.live_only);

    registry_list_parts(&ctx);
    registry_list_order(&ctx.list, ctx.sort, ctx.ascending);
    registry_list_order(&ctx.list, REGISTRY_SORT_CREATED_AT, ctx.ascending);
    registry_list_order(&ctx.list, REGISTRY_SORT_ID, ctx.ascending);

    return registry_db_run(rq->app->db, "image list", REGISTRY_READ,
                           registry_list_run, &ctx, &rq->err);
}


/*
 * X-Glance-Fields, with which our own API server asks for no more than it
 * shows, so that it need not look at every image.  It comes back with the
 * answer that it describes; with a field that is not known here it is as if
 * it were not there.
 */

static registry_rc_e
registry_list_fields(registry_list_ctx_t *ctx)
{
    glance_str_t         text;
    registry_request_t  *rq = ctx->rq;

    text = registry_request_header(rq, "X-Glance-Fields");

    if (text.data == NULL
        || !registry_json_fields_parse(&ctx->fields, text))
    {
        registry_json_fields(&ctx->fields, ctx->detail);
        return REGISTRY_OK;
    }

    return registry_request_reply_header(rq, "X-Glance-Fields", text);
}


static void
registry_list_parts(registry_list_ctx_t *ctx)
{
    registry_list_t *list = &ctx->list;

    if (list->n_parts > 0) {
        return;
    }

    list->parts[list->n_parts++] = ctx->all ? REGISTRY_PART_ALL
                                            : REGISTRY_PART_PUBLIC;

    if (!ctx->all && list->tenant.data != NULL) {
        list->parts[list->n_parts++] = REGISTRY_PART_OWN;
        list->parts[list->n_parts++] = REGISTRY_PART_WITH_ME;
    }
}


static registry_rc_e
registry_list_arg(registry_list_ctx_t *ctx, const registry_arg_t *arg)
{
    int                  flag;
    registry_list_t     *list = &ctx->list;
    registry_request_t  *rq = ctx->rq;

    if (glance_str_eq(arg->name, glance_str("limit"))) {
        return registry_list_number(rq, arg, &list->limit);
    }

    if (glance_str_eq(arg->name, glance_str("marker"))) {

        /* an empty one is none: clients send it for their first page */

        list->marker = arg->value;

        if (list->marker.len == 0) {
            list->marker.data = NULL;
        }

        return registry_json_check("marker", arg->value, GLANCE_IMAGE_ID_MAX,
                                   &rq->err);
    }

    if (glance_str_eq(arg->name, glance_str("sort_key"))
        || glance_str_eq(arg->name, glance_str("sort_dir")))
    {
        return registry_list_sort(ctx, arg);
    }

    if (glance_str_eq(arg->name, glance_str("is_public"))) {
        return registry_list_scope(ctx, arg);
    }

    if (glance_str_eq(arg->name, glance_str("deleted"))) {
        flag = registry_list_flag(arg->value);

        if (rq->identity.admin && flag >= 0) {
            list->dead_only = (flag == 1);
            list->live_only = (flag == 0);
        }

        return REGISTRY_OK;
    }

    return registry_list_condition(rq, list, arg);
}


static registry_rc_e
registry_list_condition(registry_request_t *rq, registry_list_t *list,
    const registry_arg_t *arg)
{
    size_t                 i;
    glance_str_t           name;
    registry_condition_t  *c;

    static const struct {
        const char           *name;
        registry_where_e      column;
        registry_operator_e   op;
    } filters[] = {
        { "name", REGISTRY_WHERE_NAME, REGISTRY_EQ },
        { "status", REGISTRY_WHERE_STATUS, REGISTRY_EQ },
        { "disk_format", REGISTRY_WHERE_DISK_FORMAT, REGISTRY_EQ },
        { "container_format", REGISTRY_WHERE_CONTAINER_FORMAT, REGISTRY_EQ },
        { "min_ram", REGISTRY_WHERE_MIN_RAM, REGISTRY_EQ },
        { "min_disk", REGISTRY_WHERE_MIN_DISK, REGISTRY_EQ },
        { "size_min", REGISTRY_WHERE_SIZE, REGISTRY_GE },
        { "size_max", REGISTRY_WHERE_SIZE, REGISTRY_LE },
        { "changes-since", REGISTRY_WHERE_UPDATED_AT, REGISTRY_GT },
        { "protected", REGISTRY_WHERE_PROTECTED, REGISTRY_EQ }
    };

    for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {

        if (!glance_str_eq(arg->name, glance_str(filters[i].name))) {
            continue;
        }

        c = registry_list_where(rq->pool, list, filters[i].column,
                                filters[i].op);
        if (c == NULL) {
            return registry_err_set(&rq->err, REGISTRY_ERROR,
                                    "out of memory");
        }

        switch (c->column) {

        case REGISTRY_WHERE_UPDATED_AT:
            list->dead_too = true;

            return registry_request_time(rq, arg->value, &c->number)
                   ? REGISTRY_OK
                   : registry_list_bad(rq, arg, "must be an ISO 8601 time");

        case REGISTRY_WHERE_PROTECTED:
            c->number = registry_list_flag(arg->value);

            return (c->number >= 0)
                   ? REGISTRY_OK
                   : registry_list_bad(rq, arg, "must be true or false");

        case REGISTRY_WHERE_MIN_RAM:
        case REGISTRY_WHERE_MIN_DISK:
        case REGISTRY_WHERE_SIZE:
            return registry_list_number(rq, arg, &c->number);

        default:
            c->texts = &arg->value;
            c->n = 1;

            return registry_json_check(filters[i].name, arg->value,
                                       GLANCE_IMAGE_NAME_MAX, &rq->err);
        }
    }

    name = glance_str("property-");

    if (arg->name.len > name.len && glance_str_case_starts(arg->name, name)) {
        name.data = arg->name.data + name.len;
        name.len = arg->name.len - name.len;

        return registry_list_property(rq, list, arg, name);
    }

    return REGISTRY_OK;
}


/* a number that no column can hold is as good as the largest that can be */

static registry_rc_e
registry_list_number(registry_request_t *rq, const registry_arg_t *arg,
    int64_t *number)
{
    size_t    i;
    uint64_t  value;

    for (i = 0; i < arg->value.len; i++) {

        if (arg->value.data[i] < '0' || arg->value.data[i] > '9') {
            break;
        }
    }

    if (arg->value.len == 0 || i < arg->value.len) {
        return registry_list_bad(rq, arg, "must be an integer of 0 or more");
    }

    if (!glance_str_u64(arg->value, INT64_MAX, &value)) {
        value = INT64_MAX;
    }

    *number = (int64_t) value;

    return REGISTRY_OK;
}


static registry_rc_e
registry_list_sort(registry_list_ctx_t *ctx, const registry_arg_t *arg)
{
    int                  key;
    registry_request_t  *rq = ctx->rq;

    if (glance_str_eq(arg->name, glance_str("sort_dir"))) {

        ctx->ascending = glance_str_eq(arg->value, glance_str("asc"));

        if (!ctx->ascending
            && !glance_str_eq(arg->value, glance_str("desc")))
        {
            return registry_list_bad(rq, arg, "must be asc or desc");
        }

        return REGISTRY_OK;
    }

    for (key = 0; key < REGISTRY_SORT_N; key++) {
        if (glance_str_eq(arg->value, glance_str(registry_sort_names[key]))) {
            ctx->sort = (registry_sort_e) key;
            return REGISTRY_OK;
        }
    }

    return registry_list_bad(rq, arg, "must be name, status, "
                             "container_format, disk_format, size, id, "
                             "created_at or updated_at");
}


/* checked for everybody, obeyed for administrators */

static registry_rc_e
registry_list_scope(registry_list_ctx_t *ctx, const registry_arg_t *arg)
{
    int                  flag;
    registry_list_t     *list = &ctx->list;
    registry_request_t  *rq = ctx->rq;

    if (glance_str_case_eq(arg->value, glance_str("none"))) {
        if (rq->identity.admin) {
            ctx->all = true;
            list->n_parts = 0;
        }

        return REGISTRY_OK;
    }

    flag = registry_list_flag(arg->value);

    if (flag < 0) {
        return registry_list_bad(rq, arg, "must be true, false or none");
    }

    if (flag == 0 && rq->identity.admin) {
        list->parts[0] = REGISTRY_PART_NOT_PUBLIC;
        list->n_parts = 1;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_list_property(registry_request_t *rq, registry_list_t *list,
    const registry_arg_t *arg, glance_str_t name)
{
    size_t              n;
    registry_rc_e       rc;
    registry_filter_t  *filter;

    n = 0;

    for (filter = list->properties; filter != NULL; filter = filter->next) {
        n++;
    }

    if (n >= REGISTRY_LIST_FILTERS) {
        return registry_list_bad(rq, arg, "too many filters on properties");
    }

    rc = registry_json_check("property", name, GLANCE_IMAGE_NAME_MAX,
                             &rq->err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (glance_utf8_check(arg->value) != GLANCE_UTF8_OK) {
        return registry_list_bad(rq, arg, "must be text");
    }

    return registry_list_filter(rq->pool, &list->properties, name, arg->value)
           ? REGISTRY_OK
           : registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
}


static registry_rc_e
registry_list_bad(registry_request_t *rq, const registry_arg_t *arg,
    const char *must)
{
    return registry_err_set(&rq->err, REGISTRY_INVALID,
                            "Invalid value for %.*s: %s",
                            (arg->name.len > 64) ? 64 : (int) arg->name.len,
                            (const char *) arg->name.data, must);
}


/* -1: neither */

static int
registry_list_flag(glance_str_t value)
{
    if (glance_str_case_eq(value, glance_str("true"))
        || glance_str_eq(value, glance_str("1")))
    {
        return 1;
    }

    if (glance_str_case_eq(value, glance_str("false"))
        || glance_str_eq(value, glance_str("0")))
    {
        return 0;
    }

    return -1;
}


static registry_rc_e
registry_list_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_list_ctx_t *ctx = arg;

    registry_rc_e      rc;
    registry_image_t  *images;

    images = NULL;
    rc = registry_list_page(tx, ctx, &images, err);

    return (rc == REGISTRY_OK) ? registry_list_render(tx, ctx, images, err)
                               : rc;
}


/*
 * The marker must be an image that the caller could see, or others' images
 * could be guessed; one that was deleted since the page before still marks
 * its place.
 */

static registry_rc_e
registry_list_page(registry_tx_t *tx, registry_list_ctx_t *ctx,
    registry_image_t **images, registry_err_t *err)
{
    registry_rc_e        rc;
    registry_image_t    *marker;
    registry_request_t  *rq = ctx->rq;

    if (ctx->list.marker.data != NULL) {
        rc = registry_db_image_get(tx, rq->pool, ctx->list.marker, &marker,
                                   err);

        if (rc == REGISTRY_OK) {
            marker->deleted = false;
            rc = registry_policy_see(tx, &rq->identity, marker, err);
        }

        if (rc == REGISTRY_NOT_FOUND) {
            return registry_err_set(err, REGISTRY_INVALID, "Invalid value "
                                    "for marker: there is no such image");
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (ctx->list.limit == 0) {
        return REGISTRY_OK;
    }

    return registry_db_image_list(tx, rq->pool, &ctx->list, images, err);
}


static registry_rc_e
registry_list_render(registry_tx_t *tx, registry_list_ctx_t *ctx,
    registry_image_t *images, registry_err_t *err)
{
    registry_rc_e    rc;
    registry_page_t  page = { .rq = ctx->rq };
    registry_out_t  *out = &ctx->rq->out;

    page.children = registry_json_fields_shows(&ctx->fields, "properties");
    page.locations = registry_json_fields_shows(&ctx->fields, "location")
                     || registry_json_fields_shows(&ctx->fields,
                                                   "location_data");
    page.limit = ctx->list.limit;
    page.item = registry_list_item;
    page.data = &ctx->fields;

    registry_out_reset(out);
    registry_out_text(out, "{\"images\": [");

    rc = registry_page_items(tx, &page, images, err);

    /* whether another page follows, for our own API server */

    if (registry_json_fields_shows(&ctx->fields, "truncated")) {
        registry_out_text(out, "], \"truncated\": ");
        registry_out_bool(out, page.full);
        registry_out_text(out, "}");

    } else {
        registry_out_text(out, "]}");
    }

    return rc;
}


static void
registry_list_item(const registry_page_t *page, registry_out_t *out,
    const registry_image_t *image)
{
    registry_json_image(out, image, page->data);
}
