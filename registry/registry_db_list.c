
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "registry_db_images.h"
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
} registry_key_t;

typedef struct {
    registry_pool_t    *pool;
    registry_value_t    key;            /* of the sort key */
    registry_value_t    created_at;
    glance_str_t        id;
    bool                found;
} registry_marker_t;

typedef struct {
    registry_pool_t    *pool;
    registry_image_t  **tail;
} registry_page_t;

typedef enum {
    REGISTRY_PART_ALL = 0,
    REGISTRY_PART_NOT_PUBLIC,
    REGISTRY_PART_PUBLIC,
    REGISTRY_PART_OWN,
    REGISTRY_PART_SHARED
} registry_part_e;


static registry_rc_e registry_list_marker(registry_tx_t *tx,
    const registry_list_t *list, registry_marker_t *marker,
    registry_err_t *err);
static registry_rc_e registry_list_marker_row(void *arg,
    const registry_value_t *row);
static bool registry_list_copy(registry_pool_t *pool,
    const registry_value_t *value, registry_value_t *copy);
static size_t registry_list_parts(const registry_list_t *list,
    registry_part_e *parts);
static void registry_list_part(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_marker_t *marker,
    registry_part_e part);
static void registry_list_scope(registry_query_t *q,
    const registry_list_t *list, registry_part_e part);
static void registry_list_filters(registry_query_t *q,
    const registry_list_t *list);
static void registry_list_behind(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_marker_t *marker);
static void registry_list_pair(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_marker_t *marker);
static void registry_list_compare(registry_query_t *q, const char *column,
    const char *operator, registry_value_t value);
static void registry_list_order(registry_query_t *q,
    const registry_list_t *list);
static registry_rc_e registry_list_row(void *arg,
    const registry_value_t *row);


/*
 * NULL counts as empty or zero; created_at and id are never NULL, and stay
 * bare so that an index serves them.
 */

static const registry_key_t  registry_keys[REGISTRY_SORT_N] = {
    [REGISTRY_SORT_CREATED_AT] = { "created_at", false },
    [REGISTRY_SORT_UPDATED_AT] = { "COALESCE(updated_at, created_at)", false },
    [REGISTRY_SORT_NAME] = { "COALESCE(name, '')", false },
    [REGISTRY_SORT_STATUS] = { "status", false },
    [REGISTRY_SORT_CONTAINER_FORMAT] = { "COALESCE(container_format, '')",
                                         false },
    [REGISTRY_SORT_DISK_FORMAT] = { "COALESCE(disk_format, '')", false },
    [REGISTRY_SORT_SIZE] = { "COALESCE(size, 0)", true },
    [REGISTRY_SORT_ID] = { "id", false }
};

/* of schema 003; NULL: whatever the database chooses */

static const char *const  registry_list_indexes[] = {
    [REGISTRY_PART_ALL] = "{force}ngx_glance_all{/force}",
    [REGISTRY_PART_NOT_PUBLIC] = "{force}ngx_glance_all{/force}",
    [REGISTRY_PART_PUBLIC] = "{force}ngx_glance_visibility{/force}",
    [REGISTRY_PART_OWN] = "{force}ngx_glance_owner{/force}",
    [REGISTRY_PART_SHARED] = NULL
};

static const char *const  registry_list_aliases[] = { "a", "b", "c" };


registry_rc_e
registry_db_image_list(registry_tx_t *tx, registry_pool_t *pool,
    const registry_list_t *list, registry_image_t **images,
    registry_err_t *err)
{
    size_t             n;
    registry_rc_e      rc;
    registry_page_t    page = { pool, images };
    registry_part_e    parts[3];
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

    registry_query_init(&q, tx->pool);

    n = registry_list_parts(list, parts);

    if (n == 1) {
        registry_list_part(tx, &q, list, &marker, parts[0]);

    } else {
        registry_query_add(&q, "SELECT " REGISTRY_IMAGE_COLUMNS " FROM (");

        for (size_t i = 0; i < n; i++) {
            registry_query_add(&q, (i == 0) ? "" : " UNION ALL ");
            registry_query_add(&q, "SELECT " REGISTRY_IMAGE_COLUMNS
                               " FROM (");
            registry_list_part(tx, &q, list, &marker, parts[i]);
            registry_query_add(&q, ") ");
            registry_query_add(&q, registry_list_aliases[i]);
        }

        registry_query_add(&q, ") u");
        registry_list_order(&q, list);
    }

    return registry_query_run(tx, &q, REGISTRY_IMAGE_TYPES,
                              registry_list_row, &page, err);
}


/* the values as the database has them, however it writes its times */

static registry_rc_e
registry_list_marker(registry_tx_t *tx, const registry_list_t *list,
    registry_marker_t *marker, registry_err_t *err)
{
    registry_rc_e          rc;
    registry_query_t       q;
    const registry_key_t  *key;

    key = &registry_keys[list->sort];

    registry_query_init(&q, tx->pool);
    registry_query_add(&q, "SELECT id, created_at, ");
    registry_query_add(&q, key->expression);
    registry_query_text(&q, " FROM images WHERE id = ?", list->marker);

    rc = registry_query_run(tx, &q, key->number ? "tti" : "ttt",
                            registry_list_marker_row, marker, err);

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

    marker->found = registry_pool_copy(marker->pool, row[0].text, &marker->id)
                    && registry_list_copy(marker->pool, &row[1],
                                          &marker->created_at)
                    && registry_list_copy(marker->pool, &row[2],
                                          &marker->key);

    return marker->found ? REGISTRY_OK : REGISTRY_ERROR;
}


static bool
registry_list_copy(registry_pool_t *pool, const registry_value_t *value,
    registry_value_t *copy)
{
    *copy = *value;

    return value->type != REGISTRY_VALUE_TEXT
           || registry_pool_copy(pool, value->text, &copy->text);
}


static size_t
registry_list_parts(const registry_list_t *list, registry_part_e *parts)
{
    switch (list->scope) {

    case REGISTRY_LIST_ALL:
        parts[0] = REGISTRY_PART_ALL;
        return 1;

    case REGISTRY_LIST_NOT_PUBLIC:
        parts[0] = REGISTRY_PART_NOT_PUBLIC;
        return 1;

    default:
        parts[0] = REGISTRY_PART_PUBLIC;
        parts[1] = REGISTRY_PART_OWN;
        parts[2] = REGISTRY_PART_SHARED;

        return (list->tenant.data == NULL) ? 1 : 3;
    }
}


static void
registry_list_part(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_marker_t *marker,
    registry_part_e part)
{
    registry_query_add(q, "SELECT " REGISTRY_IMAGE_COLUMNS " FROM images");

    if (tx->db->own_indexes
        && list->sort == REGISTRY_SORT_CREATED_AT
        && !list->dead_too
        && registry_list_indexes[part] != NULL)
    {
        registry_query_add(q, registry_list_indexes[part]);
    }

    registry_query_add(q, " WHERE ");
    registry_list_scope(q, list, part);

    if (list->dead_only) {
        registry_query_add(q, " AND deleted = 1");

    } else if (!list->dead_too) {
        registry_query_add(q, " AND deleted = 0 AND status <> 'killed'"
                           " AND os_hidden = 0");
    }

    registry_list_filters(q, list);

    if (marker->found) {
        registry_list_behind(tx, q, list, marker);
    }

    registry_list_order(q, list);
}


static void
registry_list_scope(registry_query_t *q, const registry_list_t *list,
    registry_part_e part)
{
    switch (part) {

    case REGISTRY_PART_ALL:
        registry_query_add(q, "1 = 1");
        return;

    case REGISTRY_PART_NOT_PUBLIC:
        registry_query_add(q, "visibility <> 'public'");
        return;

    case REGISTRY_PART_PUBLIC:
        registry_query_add(q, "visibility = 'public'");
        return;

    case REGISTRY_PART_OWN:
        registry_query_text(q, "owner = ?", list->tenant);
        registry_query_text(q, " AND {exact}owner = {exact}?"
                            " AND visibility <> 'public'", list->tenant);
        return;

    default:
        registry_query_text(q, "visibility = 'shared' AND (owner IS NULL"
                            " OR {exact}owner <> {exact}?)", list->tenant);
        registry_query_text(q, " AND id IN (SELECT image_id"
                            " FROM image_members WHERE member = ?"
                            " AND deleted = 0", list->tenant);
        registry_query_text(q, " AND {exact}member = {exact}?)",
                            list->tenant);
    }
}


static void
registry_list_filters(registry_query_t *q, const registry_list_t *list)
{
    const struct {
        const char          *text;
        const glance_str_t  *value;
    } texts[] = {
        { " AND name = ?", &list->name },
        { " AND status = ?", &list->status },
        { " AND disk_format = ?", &list->disk_format },
        { " AND container_format = ?", &list->container_format }
    };

    const struct {
        const char          *text;
        int64_t              value;
    } numbers[] = {
        { " AND min_ram = ?", list->min_ram },
        { " AND min_disk = ?", list->min_disk },
        { " AND size >= ?", list->size_min },
        { " AND size <= ?", list->size_max },
        { " AND protected = ?", list->protected }
    };

    glance_str_t    since;
    unsigned char  *p;

    for (size_t i = 0; i < registry_nargs(texts); i++) {

        if (texts[i].value->data != NULL) {
            registry_query_text(q, texts[i].text, *texts[i].value);
        }
    }

    for (size_t i = 0; i < registry_nargs(numbers); i++) {

        if (numbers[i].value != REGISTRY_NUMBER_NULL) {
            registry_query_int(q, numbers[i].text, numbers[i].value);
        }
    }

    if (list->changes_since != REGISTRY_TIME_NULL) {

        p = registry_pool_alloc(q->pool, REGISTRY_TX_TIME_LEN);
        if (p == NULL) {
            q->failed = true;
            return;
        }

        registry_tx_time(list->changes_since, p);

        since.data = p;
        since.len = REGISTRY_TX_TIME_LEN;

        registry_query_text(q, " AND updated_at > ?", since);
    }

    for (const registry_filter_t *f = list->properties;
         f != NULL;
         f = f->next)
    {
        registry_query_text(q, " AND EXISTS (SELECT 1 FROM image_properties p"
                            " WHERE p.image_id = images.id"
                            " AND p.deleted = 0 AND p.name = ?", f->name);
        registry_query_text(q, " AND p.value = ?)", f->value);
    }
}


static void
registry_list_behind(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_marker_t *marker)
{
    const char  *operator, *key;

    key = registry_keys[list->sort].expression;
    operator = list->ascending ? ">" : "<";

    registry_query_add(q, " AND ");

    switch (list->sort) {

    case REGISTRY_SORT_ID:
        registry_list_compare(q, "id", operator, marker->key);
        return;

    case REGISTRY_SORT_CREATED_AT:
        registry_list_pair(tx, q, list, marker);
        return;

    default:
        registry_query_add(q, "(");
        registry_list_compare(q, key, operator, marker->key);
        registry_query_add(q, " OR (");
        registry_list_compare(q, key, "=", marker->key);
        registry_query_add(q, " AND ");
        registry_list_pair(tx, q, list, marker);
        registry_query_add(q, "))");
    }
}


/* (created_at, id) in the spelling for which the engine uses its index */

static void
registry_list_pair(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, const registry_marker_t *marker)
{
    const char        *operator;
    registry_value_t   id;

    operator = list->ascending ? ">" : "<";
    id = registry_value_text(marker->id);

    if (tx->db->driver->row_values) {
        registry_query_value(q, list->ascending ? "(created_at, id) > (?, "
                                                : "(created_at, id) < (?, ",
                             marker->created_at);
        registry_query_value(q, "?)", id);
        return;
    }

    registry_query_add(q, "(");
    registry_list_compare(q, "created_at", operator, marker->created_at);
    registry_query_add(q, " OR (");
    registry_list_compare(q, "created_at", "=", marker->created_at);
    registry_query_add(q, " AND ");
    registry_list_compare(q, "id", operator, id);
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
registry_list_order(registry_query_t *q, const registry_list_t *list)
{
    const char  *direction;

    direction = list->ascending ? "" : " DESC";

    registry_query_add(q, " ORDER BY ");

    if (list->sort != REGISTRY_SORT_ID) {

        if (list->sort != REGISTRY_SORT_CREATED_AT) {
            registry_query_add(q, registry_keys[list->sort].expression);
            registry_query_add(q, direction);
            registry_query_add(q, ", ");
        }

        registry_query_add(q, "created_at");
        registry_query_add(q, direction);
        registry_query_add(q, ", ");
    }

    registry_query_add(q, "id");
    registry_query_add(q, direction);
    registry_query_int(q, " LIMIT ?", list->limit);
}


static registry_rc_e
registry_list_row(void *arg, const registry_value_t *row)
{
    registry_page_t *page = arg;

    registry_image_t  *image;

    image = registry_tx_image(page->pool, row);
    if (image == NULL) {
        return REGISTRY_ERROR;
    }

    *page->tail = image;
    page->tail = &image->next;

    return REGISTRY_OK;
}
