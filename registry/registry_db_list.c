
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "registry_db_list_plan.h"
#include "registry_query.h"


/*
 * Pages by key set: a page starts behind the values of the marker, so its
 * cost does not depend on how many pages there were before.  What a user may
 * see is cut into disjoint parts, each of which is a range of one index; of
 * each a page is read, and the best of these are the page.
 */

typedef struct {
    const char         *expression;     /* in a WHERE or ORDER BY */
    bool                number;
    bool                nullable;       /* NULL comes before everything */
} registry_key_t;

typedef struct {
    registry_pool_t    *pool;
    size_t              n;
    registry_value_t    keys[REGISTRY_SORT_N];
    bool                found;
} registry_marker_t;

typedef struct {
    registry_pool_t    *pool;
    registry_image_t  **tail;
} registry_found_t;


static registry_rc_e registry_list_marker(registry_tx_t *tx,
    const registry_list_t *list, registry_marker_t *marker,
    registry_err_t *err);
static registry_rc_e registry_list_marker_row(void *arg,
    const registry_value_t *row);
static bool registry_list_copy(registry_pool_t *pool,
    const registry_value_t *value, registry_value_t *copy);
static void registry_list_part(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_plan_t *plan,
    const registry_marker_t *marker, registry_part_e part);
static void registry_list_scope(registry_query_t *q,
    const registry_list_t *list, registry_part_e part);
static void registry_list_conditions(registry_query_t *q,
    const registry_list_t *list);
static void registry_list_properties(registry_query_t *q,
    const registry_list_t *list, const registry_filter_t *rare);
static void registry_list_tags(registry_query_t *q,
    const registry_list_t *list, const registry_filter_t *rare);
static void registry_list_behind(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_marker_t *marker);
static void registry_list_beyond(registry_query_t *q,
    const registry_order_t *order, registry_value_t value);
static void registry_list_beside(registry_query_t *q,
    const registry_order_t *order, registry_value_t value);
static void registry_list_pair(registry_tx_t *tx, registry_query_t *q,
    bool ascending, const registry_value_t *keys);
static void registry_list_compare(registry_query_t *q, const char *column,
    const char *operator, registry_value_t value);
static void registry_list_order_by(registry_query_t *q,
    const registry_list_t *list);
static registry_rc_e registry_list_row(void *arg,
    const registry_value_t *row);


/*
 * NULL counts as empty or zero; created_at, id and name stay bare so that an
 * index serves them.
 */

static const registry_key_t  registry_keys[REGISTRY_SORT_N] = {
    [REGISTRY_SORT_CREATED_AT] = { "created_at", false, false },
    [REGISTRY_SORT_UPDATED_AT] = { "COALESCE(updated_at, created_at)", false,
                                   false },
    [REGISTRY_SORT_NAME] = { "name", false, true },
    [REGISTRY_SORT_STATUS] = { "status", false, false },
    [REGISTRY_SORT_CONTAINER_FORMAT] = { "COALESCE(container_format, '')",
                                         false, false },
    [REGISTRY_SORT_DISK_FORMAT] = { "COALESCE(disk_format, '')", false,
                                    false },
    [REGISTRY_SORT_SIZE] = { "COALESCE(size, 0)", true, false },
    [REGISTRY_SORT_ID] = { "id", false, false }
};

static const char *const  registry_list_columns[] = {
    [REGISTRY_WHERE_ID] = "id",
    [REGISTRY_WHERE_NAME] = "name",
    [REGISTRY_WHERE_STATUS] = "status",
    [REGISTRY_WHERE_DISK_FORMAT] = "disk_format",
    [REGISTRY_WHERE_CONTAINER_FORMAT] = "container_format",
    [REGISTRY_WHERE_OWNER] = "owner",
    [REGISTRY_WHERE_CHECKSUM] = "checksum",
    [REGISTRY_WHERE_OS_HASH_ALGO] = "os_hash_algo",
    [REGISTRY_WHERE_OS_HASH_VALUE] = "os_hash_value",
    [REGISTRY_WHERE_SIZE] = "size",
    [REGISTRY_WHERE_VIRTUAL_SIZE] = "virtual_size",
    [REGISTRY_WHERE_MIN_DISK] = "min_disk",
    [REGISTRY_WHERE_MIN_RAM] = "min_ram",
    [REGISTRY_WHERE_PROTECTED] = "protected",
    [REGISTRY_WHERE_CREATED_AT] = "created_at",
    [REGISTRY_WHERE_UPDATED_AT] = "updated_at"
};

static const char *const  registry_list_operators[] = {
    [REGISTRY_EQ] = " = ?",
    [REGISTRY_NE] = " <> ?",
    [REGISTRY_LT] = " < ?",
    [REGISTRY_LE] = " <= ?",
    [REGISTRY_GT] = " > ?",
    [REGISTRY_GE] = " >= ?",
    [REGISTRY_IN] = " IN "
};

static const char *const  registry_list_aliases[REGISTRY_PARTS_MAX] = {
    "a", "b", "c", "d"
};


/* behind the id nothing decides any more */

void
registry_list_order(registry_list_t *list, registry_sort_e key,
    bool ascending)
{
    for (size_t i = 0; i < list->n_order; i++) {

        if (list->order[i].key == key
            || list->order[i].key == REGISTRY_SORT_ID)
        {
            return;
        }
    }

    list->order[list->n_order].key = key;
    list->order[list->n_order].ascending = ascending;
    list->n_order++;
}


registry_condition_t *
registry_list_where(registry_pool_t *pool, registry_list_t *list,
    registry_where_e column, registry_operator_e op)
{
    registry_condition_t  *c;

    for (c = list->conditions; c != NULL; c = c->next) {
        if (c->column == column && c->op == op) {
            return c;
        }
    }

    c = registry_pool_calloc(pool, 1, sizeof(registry_condition_t));
    if (c == NULL) {
        return NULL;
    }

    c->column = column;
    c->op = op;
    c->next = list->conditions;
    list->conditions = c;

    return c;
}


bool
registry_list_filter(registry_pool_t *pool, registry_filter_t **filters,
    glance_str_t name, glance_str_t value)
{
    registry_filter_t  *filter;

    filter = registry_pool_calloc(pool, 1, sizeof(registry_filter_t));
    if (filter == NULL) {
        return false;
    }

    filter->name = name;
    filter->value = value;
    filter->next = *filters;
    *filters = filter;

    return true;
}


registry_rc_e
registry_db_image_list(registry_tx_t *tx, registry_pool_t *pool,
    const registry_list_t *list, registry_image_t **images,
    registry_err_t *err)
{
    registry_rc_e      rc;
    registry_plan_t    plan;
    registry_found_t   found = { pool, images };
    registry_query_t   q;
    registry_marker_t  marker;

    *images = NULL;

    memset(&marker, 0, sizeof(registry_marker_t));
    marker.pool = tx->pool;

    if (list->marker.data != NULL) {
        rc = registry_list_marker(tx, list, &marker, err);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    if (list->n_parts == 0) {
        return REGISTRY_OK;
    }

    rc = registry_list_plan(tx, list, &plan, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    registry_query_init(&q, tx->pool);

    if (plan.n_parts == 1) {
        registry_list_part(tx, &q, list, &plan, &marker, plan.parts[0]);

    } else {
        registry_query_add(&q, "SELECT " REGISTRY_IMAGE_COLUMNS " FROM (");

        for (size_t i = 0; i < plan.n_parts; i++) {
            registry_query_add(&q, (i == 0) ? "" : " UNION ALL ");
            registry_query_add(&q, "SELECT " REGISTRY_IMAGE_COLUMNS
                               " FROM (");
            registry_list_part(tx, &q, list, &plan, &marker,
                               plan.parts[i]);
            registry_query_add(&q, ") ");
            registry_query_add(&q, registry_list_aliases[i]);
        }

        registry_query_add(&q, ") u");
        registry_list_order_by(&q, list);
    }

    return registry_query_run(tx, &q, REGISTRY_IMAGE_TYPES,
                              registry_list_row, &found, err);
}


/* the values as the database has them, however it writes its times */

static registry_rc_e
registry_list_marker(registry_tx_t *tx, const registry_list_t *list,
    registry_marker_t *marker, registry_err_t *err)
{
    char                   types[REGISTRY_SORT_N + 1];
    registry_rc_e          rc;
    registry_query_t       q;
    const registry_key_t  *key;

    registry_query_init(&q, tx->pool);
    registry_query_add(&q, "SELECT ");

    for (marker->n = 0; marker->n < list->n_order; marker->n++) {
        key = &registry_keys[list->order[marker->n].key];
        types[marker->n] = key->number ? 'i' : 't';

        registry_query_add(&q, (marker->n == 0) ? "" : ", ");
        registry_query_add(&q, key->expression);
    }

    types[marker->n] = '\0';

    registry_query_text(&q, " FROM images WHERE id = ?", list->marker);

    rc = registry_query_run(tx, &q, types, registry_list_marker_row, marker,
                            err);

    if (rc == REGISTRY_OK && !marker->found) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "marker: the image could not be found");
    }

    return rc;
}


static registry_rc_e
registry_list_marker_row(void *arg, const registry_value_t *row)
{
    registry_marker_t *marker = arg;

    for (size_t i = 0; i < marker->n; i++) {

        if (!registry_list_copy(marker->pool, &row[i], &marker->keys[i])) {
            return REGISTRY_ERROR;
        }
    }

    marker->found = true;

    return REGISTRY_OK;
}


static bool
registry_list_copy(registry_pool_t *pool, const registry_value_t *value,
    registry_value_t *copy)
{
    *copy = *value;

    return value->type != REGISTRY_VALUE_TEXT
           || registry_pool_copy(pool, value->text, &copy->text);
}


static void
registry_list_part(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_plan_t *plan,
    const registry_marker_t *marker, registry_part_e part)
{
    registry_query_add(q, "SELECT " REGISTRY_IMAGE_COLUMNS " FROM images");
    registry_query_add(q, registry_list_index(plan, part));
    registry_query_add(q, " WHERE ");
    registry_list_scope(q, list, part);

    if (list->dead_only) {
        registry_query_add(q, " AND deleted = 1");

    } else if (!list->dead_too) {
        registry_query_add(q, " AND deleted = 0 AND status <> 'killed'");
        registry_query_add(q, list->hidden ? " AND os_hidden = 1"
                                           : " AND os_hidden = 0");
    }

    registry_list_conditions(q, list);
    registry_list_properties(q, list, plan->rare);
    registry_list_tags(q, list, plan->rare);

    if (marker->found) {
        registry_list_behind(tx, q, list, marker);
    }

    registry_list_order_by(q, list);
}


static void
registry_list_scope(registry_query_t *q, const registry_list_t *list,
    registry_part_e part)
{
    static const char *const  scopes[] = {
        [REGISTRY_PART_ALL] = "1 = 1",
        [REGISTRY_PART_LISTED] = "visibility <> 'community'",
        [REGISTRY_PART_NOT_PUBLIC] = "visibility <> 'public'",
        [REGISTRY_PART_PUBLIC] = "visibility = 'public'",
        [REGISTRY_PART_PRIVATE] = "visibility = 'private'",
        [REGISTRY_PART_SHARED] = "visibility = 'shared'",
        [REGISTRY_PART_COMMUNITY] = "visibility = 'community'",
        [REGISTRY_PART_OWN] = "visibility <> 'public'",
        [REGISTRY_PART_OWN_CLOSED] = "visibility IN ('private', 'shared')",
        [REGISTRY_PART_OWN_PRIVATE] = "visibility = 'private'",
        [REGISTRY_PART_OWN_SHARED] = "visibility = 'shared'",
        [REGISTRY_PART_OWN_COMMUNITY] = "visibility = 'community'",
        [REGISTRY_PART_WITH_ME] = "visibility = 'shared'"
    };

    if (part == REGISTRY_PART_LISTED && list->tenant.data != NULL) {
        registry_query_text(q, "(visibility <> 'community'"
                            " OR {exact}owner = {exact}?)", list->tenant);
        return;
    }

    registry_query_add(q, scopes[part]);

    if (part < REGISTRY_PART_OWN) {
        return;
    }

    if (part != REGISTRY_PART_WITH_ME) {
        registry_query_text(q, " AND owner = ?", list->tenant);
        registry_query_text(q, " AND {exact}owner = {exact}?", list->tenant);
        return;
    }

    registry_query_text(q, " AND (owner IS NULL OR {exact}owner <> {exact}?)",
                        list->tenant);
    registry_query_text(q, " AND id IN (SELECT image_id FROM image_members"
                        " WHERE member = ? AND deleted = 0", list->tenant);

    if (list->member_status.data != NULL) {
        registry_query_text(q, " AND status = ?", list->member_status);
    }

    registry_query_text(q, " AND {exact}member = {exact}?)", list->tenant);
}


static void
registry_list_conditions(registry_query_t *q, const registry_list_t *list)
{
    const char     *op;
    glance_str_t    time;
    unsigned char  *p;

    for (const registry_condition_t *c = list->conditions;
         c != NULL;
         c = c->next)
    {
        op = registry_list_operators[c->op];

        registry_query_add(q, " AND ");
        registry_query_add(q, registry_list_columns[c->column]);

        if (c->op == REGISTRY_IN) {
            registry_query_add(q, op);
            registry_query_in(q, c->texts, c->n);

        } else if (c->column < REGISTRY_WHERE_SIZE) {
            registry_query_text(q, op, c->texts[0]);

        } else if (c->column < REGISTRY_WHERE_CREATED_AT) {
            registry_query_int(q, op, c->number);

        } else {
            p = registry_pool_alloc(q->pool, REGISTRY_TX_TIME_LEN);
            if (p == NULL) {
                q->failed = true;
                return;
            }

            registry_tx_time(c->number, p);

            time.data = p;
            time.len = REGISTRY_TX_TIME_LEN;

            registry_query_text(q, op, time);
        }
    }
}


/*
 * The rare one leads to the images, the others are looked for in each.  Not
 * EXISTS: MariaDB would collect all images with the property first, where
 * the page is full after some.
 */

static void
registry_list_properties(registry_query_t *q, const registry_list_t *list,
    const registry_filter_t *rare)
{
    for (const registry_filter_t *f = list->properties;
         f != NULL;
         f = f->next)
    {
        if (f == rare) {
            registry_query_text(q, " AND id IN (SELECT p.image_id"
                                " FROM image_properties p"
                                "{force}ngx_glance_property{/force}"
                                " WHERE p.deleted = 0 AND p.name = ?",
                                f->name);
            registry_query_text(q, " AND p.value = ?)", f->value);
            continue;
        }

        registry_query_text(q, " AND (SELECT 1 FROM image_properties p"
                            " WHERE p.image_id = images.id"
                            " AND p.deleted = 0 AND p.name = ?", f->name);
        registry_query_text(q, " AND p.value = ? LIMIT 1) = 1", f->value);
    }
}


/* likewise */

static void
registry_list_tags(registry_query_t *q, const registry_list_t *list,
    const registry_filter_t *rare)
{
    for (const registry_filter_t *f = list->tags; f != NULL; f = f->next) {

        if (f == rare) {
            registry_query_text(q, " AND id IN (SELECT t.image_id"
                                " FROM image_tags t"
                                "{force}ngx_glance_tag{/force}"
                                " WHERE t.deleted = 0 AND t.value = ?",
                                f->value);
            registry_query_text(q, " AND {exact}t.value = {exact}?)",
                                f->value);
            continue;
        }

        registry_query_text(q, " AND (SELECT 1 FROM image_tags t"
                            " WHERE t.image_id = images.id"
                            " AND t.deleted = 0 AND t.value = ?", f->value);
        registry_query_text(q, " AND {exact}t.value = {exact}? LIMIT 1) = 1",
                            f->value);
    }
}


/* behind the marker in one key, or beside it and behind in the next ones */

static void
registry_list_behind(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_marker_t *marker)
{
    size_t                   open;
    const registry_order_t  *o = &list->order[0];

    open = 0;

    registry_query_add(q, " AND ");

    /* said once more, for the index */

    if (o->key == REGISTRY_SORT_NAME && o->ascending
        && marker->keys[0].type != REGISTRY_VALUE_NULL)
    {
        registry_query_value(q, "name >= ? AND ", marker->keys[0]);
    }

    for (size_t i = 0; i < list->n_order; i++) {
        o = &list->order[i];

        if (registry_list_default(list, i)) {
            registry_list_pair(tx, q, o->ascending, &marker->keys[i]);
            break;
        }

        if (i == list->n_order - 1) {
            registry_list_beyond(q, o, marker->keys[i]);
            break;
        }

        registry_query_add(q, "(");
        registry_list_beyond(q, o, marker->keys[i]);
        registry_query_add(q, " OR (");
        registry_list_beside(q, o, marker->keys[i]);
        registry_query_add(q, " AND ");
        open++;
    }

    for ( /* void */ ; open > 0; open--) {
        registry_query_add(q, "))");
    }
}


static void
registry_list_beyond(registry_query_t *q, const registry_order_t *order,
    registry_value_t value)
{
    const registry_key_t  *key = &registry_keys[order->key];

    if (!key->nullable) {
        registry_list_compare(q, key->expression,
                              order->ascending ? ">" : "<", value);
        return;
    }

    if (value.type == REGISTRY_VALUE_NULL) {

        if (!order->ascending) {
            registry_query_add(q, "1 = 0");
            return;
        }

        registry_query_add(q, key->expression);
        registry_query_add(q, " IS NOT NULL");

        return;
    }

    registry_query_add(q, "(");
    registry_list_compare(q, key->expression, order->ascending ? ">" : "<",
                          value);

    if (!order->ascending) {
        registry_query_add(q, " OR ");
        registry_query_add(q, key->expression);
        registry_query_add(q, " IS NULL");
    }

    registry_query_add(q, ")");
}


static void
registry_list_beside(registry_query_t *q, const registry_order_t *order,
    registry_value_t value)
{
    const registry_key_t  *key = &registry_keys[order->key];

    if (key->nullable && value.type == REGISTRY_VALUE_NULL) {
        registry_query_add(q, key->expression);
        registry_query_add(q, " IS NULL");
        return;
    }

    registry_list_compare(q, key->expression, "=", value);
}


/* (created_at, id) in the spelling for which the engine uses its index */

static void
registry_list_pair(registry_tx_t *tx, registry_query_t *q, bool ascending,
    const registry_value_t *keys)
{
    const char  *operator;

    operator = ascending ? ">" : "<";

    if (tx->db->driver->row_values) {
        registry_query_value(q, ascending ? "(created_at, id) > (?, "
                                          : "(created_at, id) < (?, ",
                             keys[0]);
        registry_query_value(q, "?)", keys[1]);
        return;
    }

    registry_query_add(q, "(");
    registry_list_compare(q, "created_at", operator, keys[0]);
    registry_query_add(q, " OR (");
    registry_list_compare(q, "created_at", "=", keys[0]);
    registry_query_add(q, " AND ");
    registry_list_compare(q, "id", operator, keys[1]);
    registry_query_add(q, "))");
}


static void
registry_list_compare(registry_query_t *q, const char *column,
    const char *operator, registry_value_t value)
{
    registry_query_add(q, column);
    registry_query_add(q, " ");
    registry_query_add(q, operator);
    registry_query_value(q, " ?", value);
}


static void
registry_list_order_by(registry_query_t *q, const registry_list_t *list)
{
    for (size_t i = 0; i < list->n_order; i++) {
        registry_query_add(q, (i == 0) ? " ORDER BY " : ", ");
        registry_query_add(q, registry_keys[list->order[i].key].expression);
        registry_query_add(q, list->order[i].ascending ? "" : " DESC");
    }

    registry_query_int(q, " LIMIT ?", list->limit);
}


static registry_rc_e
registry_list_row(void *arg, const registry_value_t *row)
{
    registry_found_t *found = arg;

    registry_image_t  *image;

    image = registry_tx_image(found->pool, row);
    if (image == NULL) {
        return REGISTRY_ERROR;
    }

    *found->tail = image;
    found->tail = &image->next;

    return REGISTRY_OK;
}
