
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_list.h"

#include "glance_time.h"
#include "registry_v2.h"


#define REGISTRY_V2_FILTERS    32       /* on properties, and on tags */
#define REGISTRY_V2_IN_MAX     1024     /* values of one "in:" */
#define REGISTRY_V2_DATE_LEN   10       /* 2011-03-01 */
#define REGISTRY_V2_MIDNIGHT   "T00:00:00"


typedef enum {
    REGISTRY_V2_FILTER_WORDS = 0,       /* eq: and in: */
    REGISTRY_V2_FILTER_TEXT,
    REGISTRY_V2_FILTER_NUMBER,
    REGISTRY_V2_FILTER_BOOL,
    REGISTRY_V2_FILTER_TIME
} registry_v2_filter_e;

typedef struct {
    const char            *name;
    registry_v2_filter_e   type;
    registry_where_e       column;
} registry_v2_filter_t;


static registry_rc_e registry_v2_filter_apply(registry_v2_list_t *ctx,
    const registry_v2_filter_t *f, const registry_arg_t *arg);
static registry_rc_e registry_v2_filter_words(registry_v2_list_t *ctx,
    const registry_v2_filter_t *f, const registry_arg_t *arg);
static registry_rc_e registry_v2_filter_in(registry_v2_list_t *ctx,
    const registry_v2_filter_t *f, glance_str_t rest);
static bool registry_v2_filter_value(registry_request_t *rq,
    glance_str_t *rest, glance_str_t *value);
static registry_rc_e registry_v2_filter_time(registry_v2_list_t *ctx,
    const registry_v2_filter_t *f, const registry_arg_t *arg);
static bool registry_v2_filter_range(registry_v2_list_t *ctx,
    const registry_arg_t *arg, registry_rc_e *rc);
static registry_rc_e registry_v2_filter_number(registry_v2_list_t *ctx,
    registry_where_e column, registry_operator_e op, glance_str_t value,
    const char *wrong);
static registry_rc_e registry_v2_filter_child(registry_v2_list_t *ctx,
    registry_filter_t **filters, glance_str_t name, glance_str_t value);
static bool registry_v2_filter_split(registry_request_t *rq,
    glance_str_t value, glance_str_t *op, glance_str_t *rest);
static registry_rc_e registry_v2_filter_memory(registry_v2_list_t *ctx);


static const registry_v2_filter_t  registry_v2_filters[] = {
    { "id", REGISTRY_V2_FILTER_WORDS, REGISTRY_WHERE_ID },
    { "name", REGISTRY_V2_FILTER_WORDS, REGISTRY_WHERE_NAME },
    { "status", REGISTRY_V2_FILTER_WORDS, REGISTRY_WHERE_STATUS },
    { "disk_format", REGISTRY_V2_FILTER_WORDS, REGISTRY_WHERE_DISK_FORMAT },
    { "container_format", REGISTRY_V2_FILTER_WORDS,
      REGISTRY_WHERE_CONTAINER_FORMAT },
    { "owner", REGISTRY_V2_FILTER_TEXT, REGISTRY_WHERE_OWNER },
    { "checksum", REGISTRY_V2_FILTER_TEXT, REGISTRY_WHERE_CHECKSUM },
    { "os_hash_algo", REGISTRY_V2_FILTER_TEXT, REGISTRY_WHERE_OS_HASH_ALGO },
    { "os_hash_value", REGISTRY_V2_FILTER_TEXT,
      REGISTRY_WHERE_OS_HASH_VALUE },
    { "size", REGISTRY_V2_FILTER_NUMBER, REGISTRY_WHERE_SIZE },
    { "virtual_size", REGISTRY_V2_FILTER_NUMBER,
      REGISTRY_WHERE_VIRTUAL_SIZE },
    { "min_disk", REGISTRY_V2_FILTER_NUMBER, REGISTRY_WHERE_MIN_DISK },
    { "min_ram", REGISTRY_V2_FILTER_NUMBER, REGISTRY_WHERE_MIN_RAM },
    { "protected", REGISTRY_V2_FILTER_BOOL, REGISTRY_WHERE_PROTECTED },
    { "created_at", REGISTRY_V2_FILTER_TIME, REGISTRY_WHERE_CREATED_AT },
    { "updated_at", REGISTRY_V2_FILTER_TIME, REGISTRY_WHERE_UPDATED_AT },
    { NULL, REGISTRY_V2_FILTER_TEXT, REGISTRY_WHERE_ID }
};


registry_rc_e
registry_v2_filter_arg(registry_v2_list_t *ctx, const registry_arg_t *arg)
{
    registry_rc_e                rc;
    const registry_v2_filter_t  *f;

    for (f = registry_v2_filters; f->name != NULL; f++) {
        if (glance_str_eq(arg->name, glance_str(f->name))) {
            return registry_v2_filter_apply(ctx, f, arg);
        }
    }

    if (registry_v2_filter_range(ctx, arg, &rc)) {
        return rc;
    }

    if (glance_str_eq(arg->name, glance_str("tag"))) {
        return registry_v2_filter_child(ctx, &ctx->list.tags, arg->name,
                                        arg->value);
    }

    return registry_v2_filter_child(ctx, &ctx->list.properties, arg->name,
                                    arg->value);
}


static registry_rc_e
registry_v2_filter_apply(registry_v2_list_t *ctx,
    const registry_v2_filter_t *f, const registry_arg_t *arg)
{
    registry_condition_t  *c;

    switch (f->type) {

    case REGISTRY_V2_FILTER_WORDS:
        return registry_v2_filter_words(ctx, f, arg);

    case REGISTRY_V2_FILTER_TIME:
        return registry_v2_filter_time(ctx, f, arg);

    case REGISTRY_V2_FILTER_NUMBER:
        return registry_v2_filter_number(ctx, f->column, REGISTRY_EQ,
                                         arg->value, "Unable to filter by a "
                                         "non-numeric value.");

    default:
        break;
    }

    c = registry_list_where(ctx->rq->pool, &ctx->list, f->column,
                            REGISTRY_EQ);
    if (c == NULL) {
        return registry_v2_filter_memory(ctx);
    }

    c->texts = &arg->value;
    c->n = 1;

    if (f->type == REGISTRY_V2_FILTER_TEXT) {
        return REGISTRY_OK;
    }

    c->number = glance_str_eq(arg->value, glance_str("true"));

    if (c->number == 0 && !glance_str_eq(arg->value, glance_str("false"))) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Invalid "
                                "value for option protected: it must be true "
                                "or false");
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_filter_words(registry_v2_list_t *ctx,
    const registry_v2_filter_t *f, const registry_arg_t *arg)
{
    glance_str_t           op, rest, *text;
    registry_condition_t  *c;

    if (registry_v2_filter_split(ctx->rq, arg->value, &op, &rest)) {

        if (glance_str_eq(op, glance_str("in"))) {
            return registry_v2_filter_in(ctx, f, rest);
        }

        if (!glance_str_eq(op, glance_str("eq"))) {
            return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                    "Unable to filter by unknown operator "
                                    "'%.*s'.", registry_v2_clip(op),
                                    (const char *) op.data);
        }
    }

    c = registry_list_where(ctx->rq->pool, &ctx->list, f->column,
                            REGISTRY_EQ);
    text = registry_pool_alloc(ctx->rq->pool, sizeof(glance_str_t));

    if (c == NULL || text == NULL) {
        return registry_v2_filter_memory(ctx);
    }

    *text = rest;
    c->texts = text;
    c->n = 1;

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_filter_in(registry_v2_list_t *ctx, const registry_v2_filter_t *f,
    glance_str_t rest)
{
    size_t                 n, max;
    glance_str_t          *texts;
    registry_condition_t  *c;

    /* there are as many values as commas at most, and one */

    max = 1;

    for (size_t i = 0; i < rest.len; i++) {
        max += (rest.data[i] == ',');
    }

    c = registry_list_where(ctx->rq->pool, &ctx->list, f->column,
                            REGISTRY_IN);
    texts = registry_pool_calloc(ctx->rq->pool, max, sizeof(glance_str_t));

    if (c == NULL || texts == NULL) {
        return registry_v2_filter_memory(ctx);
    }

    n = 0;

    for ( ;; ) {

        if (!registry_v2_filter_value(ctx->rq, &rest, &texts[n++])) {
            return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                    "Invalid filter value of %s: the quotes "
                                    "are not closed, or followed by "
                                    "something else than a comma.", f->name);
        }

        if (rest.len == 0) {
            break;
        }

        rest.data++;                    /* the comma */
        rest.len--;
    }

    if (n > REGISTRY_V2_IN_MAX) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Too many "
                                "values of %s: %zu, Maximum: %d", f->name, n,
                                REGISTRY_V2_IN_MAX);
    }

    c->texts = texts;
    c->n = n;

    return REGISTRY_OK;
}


/*
 * Takes a value, in double quotes or not, up to a comma; inside of quotes a
 * backslash protects one.
 */

static bool
registry_v2_filter_value(registry_request_t *rq, glance_str_t *rest,
    glance_str_t *value)
{
    size_t          i;
    unsigned char  *p;

    value->data = rest->data;
    value->len = 0;

    if (rest->len == 0 || rest->data[0] != '"') {

        for (i = 0; i < rest->len && rest->data[i] != ','; i++) {

            if (rest->data[i] == '"') {
                return false;
            }
        }

        value->len = i;
        rest->data += i;
        rest->len -= i;

        return true;
    }

    p = registry_pool_alloc(rq->pool, rest->len);
    if (p == NULL) {
        return false;
    }

    value->data = p;

    for (i = 1; i < rest->len && rest->data[i] != '"'; i++) {

        if (rest->data[i] == '\\' && i + 1 < rest->len
            && (rest->data[i + 1] == '"' || rest->data[i + 1] == '\\'))
        {
            i++;
        }

        p[value->len++] = rest->data[i];
    }

    if (i == rest->len) {
        return false;
    }

    i++;
    rest->data += i;
    rest->len -= i;

    return rest->len == 0 || rest->data[0] == ',';
}


static registry_rc_e
registry_v2_filter_time(registry_v2_list_t *ctx,
    const registry_v2_filter_t *f, const registry_arg_t *arg)
{
    size_t                 i;
    int64_t                time;
    unsigned char         *p;
    glance_str_t           op, rest, tail;
    registry_condition_t  *c;

    static const char *const  operators[] = {
        [REGISTRY_EQ] = "eq",
        [REGISTRY_NE] = "neq",
        [REGISTRY_LT] = "lt",
        [REGISTRY_LE] = "lte",
        [REGISTRY_GT] = "gt",
        [REGISTRY_GE] = "gte"
    };

    i = REGISTRY_EQ;

    if (registry_v2_filter_split(ctx->rq, arg->value, &op, &rest)) {

        for (i = 0; i <= REGISTRY_GE; i++) {
            if (glance_str_eq(op, glance_str(operators[i]))) {
                break;
            }
        }

        if (i > REGISTRY_GE) {
            return registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                    "Unable to filter on a unknown "
                                    "operator.");
        }
    }

    /* a day is its beginning */

    if (rest.len == REGISTRY_V2_DATE_LEN) {
        tail = glance_str(REGISTRY_V2_MIDNIGHT);

        p = registry_pool_alloc(ctx->rq->pool, rest.len + tail.len);
        if (p == NULL) {
            return registry_v2_filter_memory(ctx);
        }

        for (size_t n = 0; n < rest.len + tail.len; n++) {
            p[n] = (n < rest.len) ? rest.data[n] : tail.data[n - rest.len];
        }

        rest.data = p;
        rest.len += tail.len;
    }

    if (!registry_request_time(ctx->rq, rest, &time)) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Bad \"%s\" "
                                "query filter format. Use ISO 8601 DateTime "
                                "notation.", f->name);
    }

    c = registry_list_where(ctx->rq->pool, &ctx->list, f->column,
                            (registry_operator_e) i);
    if (c == NULL) {
        return registry_v2_filter_memory(ctx);
    }

    c->number = time;

    return REGISTRY_OK;
}


/* size_min, min_ram_max ...; false: it is none */

static bool
registry_v2_filter_range(registry_v2_list_t *ctx, const registry_arg_t *arg,
    registry_rc_e *rc)
{
    glance_str_t                 name, tail;
    registry_operator_e          op;
    const registry_v2_filter_t  *f;

    if (arg->name.len <= 4) {
        return false;
    }

    name.data = arg->name.data;
    name.len = arg->name.len - 4;
    tail.data = name.data + name.len;
    tail.len = 4;

    if (glance_str_eq(tail, glance_str("_min"))) {
        op = REGISTRY_GE;

    } else if (glance_str_eq(tail, glance_str("_max"))) {
        op = REGISTRY_LE;

    } else {
        return false;
    }

    for (f = registry_v2_filters; f->name != NULL; f++) {

        if (f->type == REGISTRY_V2_FILTER_NUMBER
            && glance_str_eq(name, glance_str(f->name)))
        {
            *rc = registry_v2_filter_number(ctx, f->column, op, arg->value,
                                            "Unable to filter on a range "
                                            "with a non-numeric value.");
            return true;
        }
    }

    return false;
}


/* a number that no column can hold is as good as the largest that can be */

static registry_rc_e
registry_v2_filter_number(registry_v2_list_t *ctx, registry_where_e column,
    registry_operator_e op, glance_str_t value, const char *wrong)
{
    bool                   negative;
    size_t                 i;
    uint64_t               n;
    registry_condition_t  *c;

    negative = (value.len > 0 && value.data[0] == '-');

    if (negative) {
        value.data++;
        value.len--;
    }

    for (i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            break;
        }
    }

    if (value.len == 0 || i < value.len) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "%s", wrong);
    }

    if (!glance_str_u64(value, INT64_MAX, &n)) {
        n = INT64_MAX;
    }

    c = registry_list_where(ctx->rq->pool, &ctx->list, column, op);
    if (c == NULL) {
        return registry_v2_filter_memory(ctx);
    }

    c->number = negative ? -(int64_t) n : (int64_t) n;

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_filter_child(registry_v2_list_t *ctx, registry_filter_t **filters,
    glance_str_t name, glance_str_t value)
{
    size_t  n;

    n = 0;

    for (const registry_filter_t *f = *filters; f != NULL; f = f->next) {
        n++;
    }

    if (n == REGISTRY_V2_FILTERS) {
        return registry_err_set(&ctx->rq->err, REGISTRY_INVALID, "Too many "
                                "filters on properties or tags");
    }

    return registry_list_filter(ctx->rq->pool, filters, name, value)
           ? REGISTRY_OK : registry_v2_filter_memory(ctx);
}


/* a time has colons, too, but no operator */

static bool
registry_v2_filter_split(registry_request_t *rq, glance_str_t value,
    glance_str_t *op, glance_str_t *rest)
{
    size_t   i;
    int64_t  time;

    *rest = value;

    for (i = 0; i < value.len && value.data[i] != ':'; i++) { /* void */ }

    if (i == value.len || registry_request_time(rq, value, &time)) {
        return false;
    }

    op->data = value.data;
    op->len = i;

    rest->data = value.data + i + 1;
    rest->len = value.len - i - 1;

    return true;
}


static registry_rc_e
registry_v2_filter_memory(registry_v2_list_t *ctx)
{
    return registry_err_set(&ctx->rq->err, REGISTRY_ERROR, "out of memory");
}
