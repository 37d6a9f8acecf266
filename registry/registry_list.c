
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_images.h"
#include "registry_identity.h"
#include "registry_json.h"
#include "registry_router.h"

#include "glance_time.h"


/* bytes of properties and locations that are held at a time */
#define REGISTRY_LIST_BATCH    (16 * 1024 * 1024)
#define REGISTRY_LIST_FILTERS  32       /* on properties */


/* of a transaction that reads a page */

typedef struct {
    registry_request_t  *rq;
    registry_list_t      list;
    registry_pool_t     *pool;          /* of a batch of children */
    bool                 detail;
} registry_list_ctx_t;


static registry_rc_e registry_list(registry_request_t *rq, bool detail);
static registry_rc_e registry_list_arg(registry_request_t *rq,
    registry_list_t *list, const registry_arg_t *arg);
static registry_rc_e registry_list_filter(registry_request_t *rq,
    registry_list_t *list, const registry_arg_t *arg);
static registry_rc_e registry_list_time(registry_request_t *rq,
    registry_list_t *list, const registry_arg_t *arg);
static registry_rc_e registry_list_number(registry_request_t *rq,
    const registry_arg_t *arg, int64_t *number);
static registry_rc_e registry_list_sort(registry_request_t *rq,
    registry_list_t *list, const registry_arg_t *arg);
static registry_rc_e registry_list_scope(registry_request_t *rq,
    registry_list_t *list, const registry_arg_t *arg);
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
    registry_list_ctx_t *ctx, registry_image_t *image, registry_err_t *err);
static registry_rc_e registry_list_batch(registry_tx_t *tx,
    registry_list_ctx_t *ctx, registry_image_t *images, size_t *n,
    registry_err_t *err);


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
    ctx.list.min_ram = -1;
    ctx.list.min_disk = -1;
    ctx.list.size_min = -1;
    ctx.list.size_max = -1;
    ctx.list.protected = -1;
    ctx.list.changes_since = REGISTRY_TIME_NULL;

    rc = registry_request_args(rq, &arg);

    for ( /* void */ ; rc == REGISTRY_OK && arg != NULL; arg = arg->next) {
        rc = registry_list_arg(rq, &ctx.list, arg);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (ctx.list.limit > rq->app->limit_max) {
        ctx.list.limit = rq->app->limit_max;
    }

    ctx.list.dead_too = (ctx.list.changes_since != REGISTRY_TIME_NULL
                         && !ctx.list.dead_only && !ctx.list.live_only);

    ctx.pool = registry_pool_new();
    if (ctx.pool == NULL) {
        return registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
    }

    rc = registry_db_run(rq->app->db, "image list", REGISTRY_READ,
                         registry_list_run, &ctx, &rq->err);

    registry_pool_free(ctx.pool);

    return rc;
}


static registry_rc_e
registry_list_arg(registry_request_t *rq, registry_list_t *list,
    const registry_arg_t *arg)
{
    int  flag;

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
        return registry_list_sort(rq, list, arg);
    }

    if (glance_str_eq(arg->name, glance_str("is_public"))) {
        return registry_list_scope(rq, list, arg);
    }

    if (glance_str_eq(arg->name, glance_str("deleted"))) {
        flag = registry_list_flag(arg->value);

        if (rq->identity.admin && flag >= 0) {
            list->dead_only = (flag == 1);
            list->live_only = (flag == 0);
        }

        return REGISTRY_OK;
    }

    return registry_list_filter(rq, list, arg);
}


static registry_rc_e
registry_list_filter(registry_request_t *rq, registry_list_t *list,
    const registry_arg_t *arg)
{
    size_t        i;
    glance_str_t  name;

    const struct {
        const char    *name;
        glance_str_t  *text;
        int64_t       *number;
    } filters[] = {
        { "name", &list->name, NULL },
        { "status", &list->status, NULL },
        { "disk_format", &list->disk_format, NULL },
        { "container_format", &list->container_format, NULL },
        { "min_ram", NULL, &list->min_ram },
        { "min_disk", NULL, &list->min_disk },
        { "size_min", NULL, &list->size_min },
        { "size_max", NULL, &list->size_max }
    };

    for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {

        if (!glance_str_eq(arg->name, glance_str(filters[i].name))) {
            continue;
        }

        if (filters[i].number != NULL) {
            return registry_list_number(rq, arg, filters[i].number);
        }

        *filters[i].text = arg->value;

        return registry_json_check(filters[i].name, arg->value,
                                   GLANCE_IMAGE_NAME_MAX, &rq->err);
    }

    if (glance_str_eq(arg->name, glance_str("changes-since"))) {
        return registry_list_time(rq, list, arg);
    }

    if (glance_str_eq(arg->name, glance_str("protected"))) {
        list->protected = registry_list_flag(arg->value);

        return (list->protected >= 0)
               ? REGISTRY_OK
               : registry_list_bad(rq, arg, "must be true or false");
    }

    name = glance_str("property-");

    if (arg->name.len > name.len && glance_str_case_starts(arg->name, name)) {
        name.data = arg->name.data + name.len;
        name.len = arg->name.len - name.len;

        return registry_list_property(rq, list, arg, name);
    }

    return REGISTRY_OK;
}


/* a plus sign that nobody encoded has arrived as a space */

static registry_rc_e
registry_list_time(registry_request_t *rq, registry_list_t *list,
    const registry_arg_t *arg)
{
    glance_str_t    copy;
    unsigned char  *p;

    if (glance_time_parse(arg->value, &list->changes_since)) {
        return REGISTRY_OK;
    }

    if (!registry_pool_copy(rq->pool, arg->value, &copy)) {
        return registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
    }

    p = (unsigned char *) copy.data;

    for (size_t i = copy.len; i > 0; i--) {

        if (p[i - 1] == ' ') {
            p[i - 1] = '+';
            break;
        }
    }

    if (glance_time_parse(copy, &list->changes_since)) {
        return REGISTRY_OK;
    }

    return registry_list_bad(rq, arg, "must be an ISO 8601 time");
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
registry_list_sort(registry_request_t *rq, registry_list_t *list,
    const registry_arg_t *arg)
{
    int  key;

    if (glance_str_eq(arg->name, glance_str("sort_dir"))) {

        list->ascending = glance_str_eq(arg->value, glance_str("asc"));

        if (!list->ascending
            && !glance_str_eq(arg->value, glance_str("desc")))
        {
            return registry_list_bad(rq, arg, "must be asc or desc");
        }

        return REGISTRY_OK;
    }

    for (key = 0; key < REGISTRY_SORT_N; key++) {
        if (glance_str_eq(arg->value, glance_str(registry_sort_names[key]))) {
            list->sort = (registry_sort_e) key;
            return REGISTRY_OK;
        }
    }

    return registry_list_bad(rq, arg, "must be name, status, "
                             "container_format, disk_format, size, id, "
                             "created_at or updated_at");
}


/* checked for everybody, obeyed for administrators */

static registry_rc_e
registry_list_scope(registry_request_t *rq, registry_list_t *list,
    const registry_arg_t *arg)
{
    int  flag;

    if (glance_str_case_eq(arg->value, glance_str("none"))) {
        if (rq->identity.admin) {
            list->scope = REGISTRY_LIST_ALL;
        }

        return REGISTRY_OK;
    }

    flag = registry_list_flag(arg->value);

    if (flag < 0) {
        return registry_list_bad(rq, arg, "must be true, false or none");
    }

    if (flag == 0 && rq->identity.admin) {
        list->scope = REGISTRY_LIST_NOT_PUBLIC;
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

    filter = registry_pool_calloc(rq->pool, 1, sizeof(registry_filter_t));
    if (filter == NULL) {
        return registry_err_set(&rq->err, REGISTRY_ERROR, "out of memory");
    }

    filter->name = name;
    filter->value = arg->value;
    filter->next = list->properties;
    list->properties = filter;

    return REGISTRY_OK;
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


/*
 * The page, and then its properties and locations some images at a time, so
 * that memory is bounded by the answer's own limit.
 */

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
    registry_image_t *image, registry_err_t *err)
{
    bool             full;
    size_t           n, len;
    int64_t          count;
    registry_rc_e    rc;
    registry_out_t  *out = &ctx->rq->out;

    registry_out_reset(out);
    registry_out_text(out, "{\"images\": [");

    full = false;
    count = 0;

    for (n = 0; image != NULL && !full; image = image->next) {

        if (n == 0 && ctx->detail) {
            rc = registry_list_batch(tx, ctx, image, &n, err);

            if (rc != REGISTRY_OK) {
                return rc;
            }
        }

        n -= (n > 0);
        len = out->len;

        registry_out_text(out, (count == 0) ? "" : ", ");

        if (ctx->detail) {
            registry_json_image(out, image);

        } else {
            registry_json_brief(out, image);
        }

        if (out->len > REGISTRY_LIST_MAX && count > 0) {
            registry_out_cut(out, len);
            full = true;
            break;
        }

        count++;
    }

    /* whether another page follows, for our own API server */

    full = full || (count > 0 && count == ctx->list.limit);

    registry_out_text(out, "], \"truncated\": ");
    registry_out_bool(out, full);
    registry_out_text(out, "}");

    return REGISTRY_OK;
}


/* the children of *n images: as many as leave room for them */

static registry_rc_e
registry_list_batch(registry_tx_t *tx, registry_list_ctx_t *ctx,
    registry_image_t *images, size_t *n, registry_err_t *err)
{
    size_t               count;
    registry_rc_e        rc;
    registry_children_t  children = { 0, 0, false };

    count = 0;

    for (registry_image_t *image = images;
         image != NULL && count < REGISTRY_CHILDREN_MAX;
         image = image->next)
    {
        count++;
    }

    for ( ;; ) {
        *n = count;

        registry_pool_reset(ctx->pool);

        children.n = count;
        children.max = (count == 1) ? REGISTRY_ANSWER_MAX
                                    : REGISTRY_LIST_BATCH;

        rc = registry_db_image_children(tx, ctx->pool, images, &children,
                                        err);

        if (rc != REGISTRY_LIMIT || count == 1) {
            return rc;
        }

        count /= 2;
    }
}
