
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_list.h"

#include "registry_db_images.h"
#include "registry_page.h"
#include "registry_v2.h"


#define REGISTRY_V2_ARGS  128           /* of a query string */


static registry_rc_e registry_v2_list_args(registry_v2_list_t *ctx);
static bool registry_v2_list_many(glance_str_t name);
static registry_rc_e registry_v2_list_arg(registry_v2_list_t *ctx,
    const registry_arg_t *arg);
static registry_rc_e registry_v2_list_limit(registry_v2_list_t *ctx,
    glance_str_t value);
static registry_rc_e registry_v2_list_hidden(registry_v2_list_t *ctx,
    glance_str_t value);
static registry_rc_e registry_v2_list_scope(registry_v2_list_t *ctx,
    glance_str_t value);
static registry_rc_e registry_v2_list_status(registry_v2_list_t *ctx,
    glance_str_t value);
static void registry_v2_list_parts(registry_v2_list_t *ctx);
static void registry_v2_list_admin(registry_v2_list_t *ctx);
static void registry_v2_list_part(registry_v2_list_t *ctx,
    registry_part_e part);
static void registry_v2_list_item(const registry_page_t *page,
    registry_out_t *out, const registry_image_t *image);
static registry_rc_e registry_v2_list_run(registry_tx_t *tx, void *arg,
    registry_err_t *err);
static registry_rc_e registry_v2_list_marker(registry_tx_t *tx,
    registry_v2_list_t *ctx, registry_err_t *err);
static void registry_v2_list_link(registry_v2_list_t *ctx, const char *key,
    const registry_image_t *marker);
static void registry_v2_list_encode(registry_out_t *out, glance_str_t s);


/* specs/v2/03 3.3 */

registry_rc_e
registry_v2_images_list(registry_request_t *rq)
{
    registry_arg_t      *args;
    registry_rc_e        rc;
    registry_v2_list_t   ctx = { .rq = rq };

    ctx.list.limit = rq->app->limit_default;
    ctx.list.tenant = rq->identity.owner;
    ctx.list.member_status = glance_str("accepted");

    rc = registry_request_args(rq, &args);

    if (rc == REGISTRY_OK) {
        ctx.args = args;
        rc = registry_v2_list_args(&ctx);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_sort_done(&ctx);
    }

    if (rc == REGISTRY_OK) {
        rc = registry_v2_allow(rq, REGISTRY_V2_GET_IMAGES, NULL, &rq->err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (ctx.list.limit > rq->app->limit_max) {
        ctx.list.limit = rq->app->limit_max;
    }

    registry_v2_list_parts(&ctx);

    return registry_db_run(rq->app->db, "image list", REGISTRY_READ,
                           registry_v2_list_run, &ctx, &rq->err);
}


/* what is there twice counts with its last value, unless it is meant so */

static registry_rc_e
registry_v2_list_args(registry_v2_list_t *ctx)
{
    size_t                 n;
    registry_rc_e          rc;
    const registry_arg_t  *arg, *next;

    n = 0;

    for (arg = ctx->args; arg != NULL; arg = arg->next) {

        if (n++ == REGISTRY_V2_ARGS) {
            return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                    "Too many query parameters");
        }

        if (glance_utf8_check_text(arg->name) != GLANCE_UTF8_OK
            || glance_utf8_check_text(arg->value) != GLANCE_UTF8_OK)
        {
            return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                    "The query could not be decoded: it is "
                                    "not UTF-8, or has characters of 4 "
                                    "bytes.");
        }
    }

    for (arg = ctx->args; arg != NULL; arg = arg->next) {

        /* two ampersands, or one at an end */

        if (arg->name.len == 0) {
            continue;
        }

        for (next = arg->next; next != NULL; next = next->next) {
            if (glance_str_eq(next->name, arg->name)) {
                break;
            }
        }

        if (next != NULL && !registry_v2_list_many(arg->name)) {
            continue;
        }

        rc = registry_v2_list_arg(ctx, arg);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    return REGISTRY_OK;
}


static bool
registry_v2_list_many(glance_str_t name)
{
    return glance_str_eq(name, glance_str("tag"))
           || glance_str_eq(name, glance_str("sort_key"))
           || glance_str_eq(name, glance_str("sort_dir"));
}


static registry_rc_e
registry_v2_list_arg(registry_v2_list_t *ctx, const registry_arg_t *arg)
{
    glance_str_t  name = arg->name;

    if (glance_str_eq(name, glance_str("limit"))) {
        return registry_v2_list_limit(ctx, arg->value);
    }

    if (glance_str_eq(name, glance_str("marker"))) {

        /* an empty one is none: clients send it for their first page */

        if (arg->value.len > 0) {
            ctx->list.marker = arg->value;
        }

        return REGISTRY_OK;
    }

    if (glance_str_eq(name, glance_str("sort"))
        || glance_str_eq(name, glance_str("sort_key"))
        || glance_str_eq(name, glance_str("sort_dir")))
    {
        return registry_v2_sort_arg(ctx, arg);
    }

    if (glance_str_eq(name, glance_str("visibility"))) {
        return registry_v2_list_scope(ctx, arg->value);
    }

    if (glance_str_eq(name, glance_str("member_status"))) {
        return registry_v2_list_status(ctx, arg->value);
    }

    if (glance_str_eq(name, glance_str("os_hidden"))) {
        return registry_v2_list_hidden(ctx, arg->value);
    }

    if (glance_str_eq(name, glance_str("changes-since"))) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "The "
                                "\"changes-since\" filter is no longer "
                                "available on v2.");
    }

    /* what was deleted is never shown */

    if (glance_str_eq(name, glance_str("deleted"))) {
        return REGISTRY_OK;
    }

    return registry_v2_filter_arg(ctx, arg);
}


static registry_rc_e
registry_v2_list_limit(registry_v2_list_t *ctx, glance_str_t value)
{
    bool      negative;
    size_t    i;
    uint64_t  limit;

    negative = (value.len > 0 && value.data[0] == '-');

    for (i = negative; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            break;
        }
    }

    if (i < value.len || value.len == negative) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                "limit param must be an integer");
    }

    if (negative) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                "limit param must be positive");
    }

    /* beyond the longest page it does not matter how far */

    if (!glance_str_u64(value, INT64_MAX, &limit)) {
        limit = INT64_MAX;
    }

    ctx->list.limit = (int64_t) limit;

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_list_hidden(registry_v2_list_t *ctx, glance_str_t value)
{
    ctx->list.hidden = glance_str_case_eq(value, glance_str("true"));

    if (!ctx->list.hidden
        && !glance_str_case_eq(value, glance_str("false")))
    {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Invalid "
                                "value '%.*s' for 'os_hidden' filter. Valid "
                                "values are case insensitive 'true' or "
                                "'false'.", registry_v2_clip(value),
                                (const char *) value.data);
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_list_scope(registry_v2_list_t *ctx, glance_str_t value)
{
    static const char *const  words[] = {
        [REGISTRY_V2_SCOPE_PUBLIC] = "public",
        [REGISTRY_V2_SCOPE_PRIVATE] = "private",
        [REGISTRY_V2_SCOPE_SHARED] = "shared",
        [REGISTRY_V2_SCOPE_COMMUNITY] = "community",
        [REGISTRY_V2_SCOPE_ALL] = "all",
        [REGISTRY_V2_SCOPE_EMPTY] = ""
    };

    for (size_t i = REGISTRY_V2_SCOPE_PUBLIC; i <= REGISTRY_V2_SCOPE_EMPTY;
         i++)
    {
        if (glance_str_eq(value, glance_str(words[i]))) {
            ctx->scope = (registry_v2_scope_e) i;
            return REGISTRY_OK;
        }
    }

    return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Invalid "
                            "visibility value: %.*s",
                            registry_v2_clip(value),
                            (const char *) value.data);
}


static registry_rc_e
registry_v2_list_status(registry_v2_list_t *ctx, glance_str_t value)
{
    static const char *const  words[] = {
        "pending", "accepted", "rejected", NULL
    };

    if (glance_str_eq(value, glance_str("all"))) {
        ctx->list.member_status.data = NULL;
        return REGISTRY_OK;
    }

    for (size_t i = 0; words[i] != NULL; i++) {
        if (glance_str_eq(value, glance_str(words[i]))) {
            ctx->list.member_status = glance_str(words[i]);
            return REGISTRY_OK;
        }
    }

    return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Invalid "
                            "status: %.*s", registry_v2_clip(value),
                            (const char *) value.data);
}


/* without a project nothing is the caller's own, and nothing shared */

static void
registry_v2_list_parts(registry_v2_list_t *ctx)
{
    if (ctx->rq->identity.admin) {
        registry_v2_list_admin(ctx);
        return;
    }

    switch (ctx->scope) {

    case REGISTRY_V2_SCOPE_DEFAULT:
        registry_v2_list_part(ctx, REGISTRY_PART_PUBLIC);
        registry_v2_list_part(ctx, REGISTRY_PART_OWN);
        registry_v2_list_part(ctx, REGISTRY_PART_WITH_ME);
        break;

    case REGISTRY_V2_SCOPE_PUBLIC:
        registry_v2_list_part(ctx, REGISTRY_PART_PUBLIC);
        break;

    case REGISTRY_V2_SCOPE_PRIVATE:
        registry_v2_list_part(ctx, REGISTRY_PART_OWN_PRIVATE);
        break;

    case REGISTRY_V2_SCOPE_SHARED:
        registry_v2_list_part(ctx, REGISTRY_PART_OWN_SHARED);
        registry_v2_list_part(ctx, REGISTRY_PART_WITH_ME);
        break;

    case REGISTRY_V2_SCOPE_COMMUNITY:
        registry_v2_list_part(ctx, REGISTRY_PART_COMMUNITY);
        break;

    case REGISTRY_V2_SCOPE_ALL:
        registry_v2_list_part(ctx, REGISTRY_PART_PUBLIC);
        registry_v2_list_part(ctx, REGISTRY_PART_COMMUNITY);
        registry_v2_list_part(ctx, REGISTRY_PART_OWN_CLOSED);
        registry_v2_list_part(ctx, REGISTRY_PART_WITH_ME);
        break;

    default:
        break;
    }
}


/* community images of others are left out by default, also for him */

static void
registry_v2_list_admin(registry_v2_list_t *ctx)
{
    switch (ctx->scope) {

    case REGISTRY_V2_SCOPE_DEFAULT:
        registry_v2_list_part(ctx, REGISTRY_PART_LISTED);
        break;

    case REGISTRY_V2_SCOPE_PUBLIC:
        registry_v2_list_part(ctx, REGISTRY_PART_PUBLIC);
        break;

    case REGISTRY_V2_SCOPE_PRIVATE:
        registry_v2_list_part(ctx, REGISTRY_PART_PRIVATE);
        break;

    case REGISTRY_V2_SCOPE_SHARED:
        registry_v2_list_part(ctx, REGISTRY_PART_SHARED);
        break;

    case REGISTRY_V2_SCOPE_COMMUNITY:
        registry_v2_list_part(ctx, REGISTRY_PART_COMMUNITY);
        break;

    case REGISTRY_V2_SCOPE_ALL:
        registry_v2_list_part(ctx, REGISTRY_PART_ALL);
        break;

    default:
        break;
    }
}


static void
registry_v2_list_part(registry_v2_list_t *ctx, registry_part_e part)
{
    registry_list_t  *list = &ctx->list;

    if (part < REGISTRY_PART_OWN || list->tenant.data != NULL) {
        list->parts[list->n_parts++] = part;
    }
}


static registry_rc_e
registry_v2_list_run(registry_tx_t *tx, void *arg, registry_err_t *err)
{
    registry_v2_list_t *ctx = arg;

    registry_rc_e      rc;
    registry_page_t    page = { .rq = ctx->rq };
    registry_out_t    *out = &ctx->rq->out;
    registry_image_t  *images;

    images = NULL;
    rc = REGISTRY_OK;

    if (ctx->list.marker.data != NULL) {
        rc = registry_v2_list_marker(tx, ctx, err);
    }

    if (rc == REGISTRY_OK && ctx->list.limit > 0) {
        rc = registry_db_image_list(tx, ctx->rq->pool, &ctx->list, &images,
                                    err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    page.children = true;
    page.tags = true;
    page.limit = ctx->list.limit;
    page.locations = ctx->rq->app->show_direct_url
                     || ctx->rq->app->show_locations;
    page.item = registry_v2_list_item;

    registry_out_reset(out);
    registry_out_text(out, "{\"images\": [");

    rc = registry_page_items(tx, &page, images, err);

    registry_out_text(out, "]");
    registry_v2_list_link(ctx, "first", NULL);
    registry_out_text(out, ", \"schema\": \"/v2/schemas/images\"");

    if (page.full) {
        registry_v2_list_link(ctx, "next", page.last);
    }

    registry_out_text(out, "}");

    return rc;
}


static void
registry_v2_list_item(const registry_page_t *page, registry_out_t *out,
    const registry_image_t *image)
{
    registry_v2_image_json(page->rq, out, image);
}


/* others' images cannot be guessed by it */

static registry_rc_e
registry_v2_list_marker(registry_tx_t *tx, registry_v2_list_t *ctx,
    registry_err_t *err)
{
    registry_rc_e      rc;
    registry_image_t  *image;

    rc = registry_v2_load(tx, ctx->rq, ctx->list.marker,
                          "No image found with ID ", "", &image, err);

    if (rc != REGISTRY_NOT_FOUND) {
        return rc;
    }

    err->code = REGISTRY_INVALID;

    return REGISTRY_INVALID;
}


/* all values of all parameters, in their order */

static void
registry_v2_list_link(registry_v2_list_t *ctx, const char *key,
    const registry_image_t *marker)
{
    const char       *sep;
    registry_out_t   *out = &ctx->rq->out;

    registry_out_text(out, ", \"");
    registry_out_text(out, key);
    registry_out_text(out, "\": \"/v2/images");

    sep = "?";

    for (const registry_arg_t *arg = ctx->args; arg != NULL; arg = arg->next)
    {
        if (arg->name.len == 0
            || glance_str_eq(arg->name, glance_str("marker")))
        {
            continue;
        }

        registry_out_text(out, sep);
        registry_v2_list_encode(out, arg->name);
        registry_out_text(out, "=");
        registry_v2_list_encode(out, arg->value);
        sep = "&";
    }

    if (marker != NULL) {
        registry_out_text(out, sep);
        registry_out_text(out, "marker=");
        registry_v2_list_encode(out, marker->id);
    }

    registry_out_text(out, "\"");
}


static void
registry_v2_list_encode(registry_out_t *out, glance_str_t s)
{
    unsigned char  c;
    glance_str_t   one;
    unsigned char  text[3] = "%";

    for (size_t i = 0; i < s.len; i++) {
        c = s.data[i];

        one.data = &s.data[i];
        one.len = 1;

        if (c == ' ') {
            one = glance_str("+");

        } else if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')
                   && !(c >= '0' && c <= '9') && c != '_' && c != '.'
                   && c != '-' && c != '~')
        {
            text[1] = (unsigned char) "0123456789ABCDEF"[c >> 4];
            text[2] = (unsigned char) "0123456789ABCDEF"[c & 15];
            one.data = text;
            one.len = 3;
        }

        registry_out_put(out, one);
    }
}
