
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_list.h"

#include "registry_v2.h"


static registry_rc_e registry_v2_sort_key(registry_v2_list_t *ctx,
    glance_str_t name);
static registry_rc_e registry_v2_sort_dir(registry_v2_list_t *ctx,
    glance_str_t name);
static registry_rc_e registry_v2_sort_new(registry_v2_list_t *ctx,
    glance_str_t value);


static const char *const  registry_v2_sorts[REGISTRY_SORT_N] = {
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
registry_v2_sort_arg(registry_v2_list_t *ctx, const registry_arg_t *arg)
{
    if (glance_str_eq(arg->name, glance_str("sort"))) {
        ctx->sort = true;
        return registry_v2_sort_new(ctx, arg->value);
    }

    ctx->sort_old = true;

    return glance_str_eq(arg->name, glance_str("sort_key"))
           ? registry_v2_sort_key(ctx, arg->value)
           : registry_v2_sort_dir(ctx, arg->value);
}


/* one direction is for all keys; without a key it is for the time */

registry_rc_e
registry_v2_sort_done(registry_v2_list_t *ctx)
{
    bool              tie;
    registry_list_t  *list = &ctx->list;

    if (ctx->sort && ctx->sort_old) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Old and new "
                                "sorting syntax cannot be combined");
    }

    if (ctx->n_keys == 0) {
        ctx->keys[ctx->n_keys++] = REGISTRY_SORT_CREATED_AT;
    }

    if (ctx->n_dirs > 1 && ctx->n_dirs != ctx->n_keys) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Number of "
                                "sort dirs does not match the number of sort "
                                "keys");
    }

    for (size_t i = 0; i < ctx->n_keys; i++) {
        registry_list_order(list, ctx->keys[i],
                            (ctx->n_dirs > 0)
                            && ctx->dirs[(ctx->n_dirs == 1) ? 0 : i]);
    }

    tie = (ctx->n_dirs == 1) && ctx->dirs[0];

    registry_list_order(list, REGISTRY_SORT_CREATED_AT, tie);
    registry_list_order(list, REGISTRY_SORT_ID, tie);

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_sort_key(registry_v2_list_t *ctx, glance_str_t name)
{
    int  key;

    if (ctx->n_keys == REGISTRY_V2_SORTS) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                "Too many sort keys");
    }

    for (key = 0; key < REGISTRY_SORT_N; key++) {
        if (glance_str_eq(name, glance_str(registry_v2_sorts[key]))) {
            ctx->keys[ctx->n_keys++] = (registry_sort_e) key;
            return REGISTRY_OK;
        }
    }

    return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Invalid sort "
                            "key: %.*s. It must be one of the following: "
                            "name, status, container_format, disk_format, "
                            "size, id, created_at, updated_at.",
                            registry_v2_clip(name), (const char *) name.data);
}


static registry_rc_e
registry_v2_sort_dir(registry_v2_list_t *ctx, glance_str_t name)
{
    bool  ascending;

    if (ctx->n_dirs == REGISTRY_V2_SORTS) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                "Too many sort directions");
    }

    ascending = glance_str_eq(name, glance_str("asc"));

    if (!ascending && !glance_str_eq(name, glance_str("desc"))) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Invalid "
                                "sort direction: %.*s",
                                registry_v2_clip(name),
                                (const char *) name.data);
    }

    ctx->dirs[ctx->n_dirs++] = ascending;

    return REGISTRY_OK;
}


/* key[:direction],key[:direction] ... */

static registry_rc_e
registry_v2_sort_new(registry_v2_list_t *ctx, glance_str_t value)
{
    bool           more;
    size_t         i, colon;
    glance_str_t   key, dir;
    registry_rc_e  rc;

    do {
        colon = value.len;

        for (i = 0; i < value.len && value.data[i] != ','; i++) {
            if (colon > i && value.data[i] == ':') {
                colon = i;
            }
        }

        key.data = value.data;
        key.len = (colon < i) ? colon : i;

        if (colon < i) {
            dir.data = value.data + colon + 1;
            dir.len = i - colon - 1;

        } else {
            dir = glance_str("desc");
        }

        key = glance_str_trim(key);
        dir = glance_str_trim(dir);

        rc = registry_v2_sort_key(ctx, key);

        if (rc == REGISTRY_OK) {
            rc = registry_v2_sort_dir(ctx, dir);
        }

        more = (i < value.len);
        i += more;
        value.data += i;
        value.len -= i;

    } while (rc == REGISTRY_OK && more);

    return rc;
}
