
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_db_images.h"
#include "registry_query.h"


typedef struct {
    registry_pool_t    *pool;
    registry_image_t  **tail;
} registry_list_read_t;


static void registry_list_where(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, unsigned char *since);
static void registry_list_visible(registry_query_t *q,
    const registry_list_t *list);
static void registry_list_after(registry_query_t *q,
    const registry_list_t *list, const registry_image_t *marker);
static void registry_list_bound(registry_query_t *q, registry_sort_e sort,
    const registry_image_t *marker);
static registry_value_t registry_list_value(registry_sort_e sort,
    const registry_image_t *image);
static registry_rc_e registry_list_row(void *arg,
    const registry_value_t *row);


/*
 * The columns to sort by.  NULL counts as empty or zero; created_at and id
 * are never NULL, and stay bare so that an index serves them.
 */

static const char *const  registry_list_columns[REGISTRY_SORT_N] = {
    [REGISTRY_SORT_CREATED_AT] = "created_at",
    [REGISTRY_SORT_UPDATED_AT] = "COALESCE(updated_at, created_at)",
    [REGISTRY_SORT_NAME] = "COALESCE(name, '')",
    [REGISTRY_SORT_STATUS] = "status",
    [REGISTRY_SORT_CONTAINER_FORMAT] = "COALESCE(container_format, '')",
    [REGISTRY_SORT_DISK_FORMAT] = "COALESCE(disk_format, '')",
    [REGISTRY_SORT_SIZE] = "COALESCE(size, 0)",
    [REGISTRY_SORT_ID] = "id"
};


registry_rc_e
registry_db_image_list(registry_tx_t *tx, registry_pool_t *pool,
    const registry_list_t *list, registry_image_t **images,
    registry_err_t *err)
{
    const char            *dir;
    registry_rc_e          rc;
    registry_query_t       q;
    registry_image_t      *marker;
    registry_list_read_t   read = { pool, images };
    unsigned char          since[REGISTRY_TX_TIME_LEN];

    *images = NULL;
    marker = NULL;

    if (list->marker.data != NULL) {

        rc = registry_db_image_get(tx, pool, list->marker, &marker, err);

        if (rc == REGISTRY_NOT_FOUND) {
            return registry_err_set(err, REGISTRY_INVALID, "Invalid value "
                                    "for marker: there is no such image");
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    registry_query_init(&q, pool);
    registry_query_add(&q, "SELECT " REGISTRY_IMAGE_COLUMNS " FROM images i"
                       " WHERE 1 = 1");
    registry_list_where(tx, &q, list, since);

    if (marker != NULL) {
        registry_list_after(&q, list, marker);
    }

    dir = list->ascending ? " ASC" : " DESC";

    registry_query_add(&q, " ORDER BY ");

    if (list->sort != REGISTRY_SORT_CREATED_AT
        && list->sort != REGISTRY_SORT_ID)
    {
        registry_query_add(&q, registry_list_columns[list->sort]);
        registry_query_add(&q, dir);
        registry_query_add(&q, ", ");
    }

    if (list->sort != REGISTRY_SORT_ID) {
        registry_query_add(&q, "created_at");
        registry_query_add(&q, dir);
        registry_query_add(&q, ", ");
    }

    registry_query_add(&q, "id");
    registry_query_add(&q, dir);
    registry_query_int(&q, " LIMIT ?", list->limit);

    return registry_query_run(tx, &q, REGISTRY_IMAGE_TYPES,
                              registry_list_row, &read, err);
}


static void
registry_list_where(registry_tx_t *tx, registry_query_t *q,
    const registry_list_t *list, unsigned char *since)
{
    size_t                    i;
    glance_str_t              time;
    const registry_filter_t  *property;

    const struct {
        const char    *sql;
        glance_str_t   text;
        int64_t        number;
    } filters[] = {
        { " AND name = ?", list->name, -1 },
        { " AND status = ?", list->status, -1 },
        { " AND disk_format = ?", list->disk_format, -1 },
        { " AND container_format = ?", list->container_format, -1 },
        { " AND min_ram = ?", { 0, NULL }, list->min_ram },
        { " AND min_disk = ?", { 0, NULL }, list->min_disk },
        { " AND size >= ?", { 0, NULL }, list->size_min },
        { " AND size <= ?", { 0, NULL }, list->size_max },
        { " AND protected = ?", { 0, NULL }, list->protected }
    };

    (void) tx;

    if (list->dead_only) {
        registry_query_add(q, " AND deleted = 1");

    } else if (!list->dead_too) {
        registry_query_add(q, " AND deleted = 0 AND status <> 'killed'"
                           " AND os_hidden = 0");
    }

    registry_list_visible(q, list);

    for (i = 0; i < registry_nargs(filters); i++) {

        if (filters[i].text.data != NULL) {
            registry_query_text(q, filters[i].sql, filters[i].text);

        } else if (filters[i].number >= 0) {
            registry_query_int(q, filters[i].sql, filters[i].number);
        }
    }

    if (list->changes_since != REGISTRY_TIME_NULL) {
        registry_tx_time(list->changes_since, since);

        time.data = since;
        time.len = REGISTRY_TX_TIME_LEN;

        registry_query_text(q, " AND updated_at > ?", time);
    }

    for (property = list->properties; property; property = property->next) {
        registry_query_text(q, " AND id IN (SELECT image_id"
                            " FROM image_properties WHERE deleted = 0"
                            " AND name = ?", property->name);
        registry_query_text(q, " AND value = ?)", property->value);
    }
}


/* specs/v1.md 2.5 */

static void
registry_list_visible(registry_query_t *q, const registry_list_t *list)
{
    switch (list->scope) {

    case REGISTRY_LIST_ALL:
        return;

    case REGISTRY_LIST_NOT_PUBLIC:
        registry_query_add(q, " AND visibility <> 'public'");
        return;

    default:
        break;
    }

    if (list->tenant.data == NULL) {
        registry_query_add(q, " AND visibility = 'public'");
        return;
    }

    registry_query_text(q, " AND (visibility = 'public' OR owner = ?",
                        list->tenant);
    registry_query_text(q, " OR (visibility = 'shared' AND id IN"
                        " (SELECT image_id FROM image_members"
                        " WHERE deleted = 0 AND member = ?)))",
                        list->tenant);
}


/*
 * What comes behind the marker in the order of the list: where a page begins
 * is looked up, not counted, so that every page costs the same.
 */

static void
registry_list_after(registry_query_t *q, const registry_list_t *list,
    const registry_image_t *marker)
{
    const char  *than, *column;

    than = list->ascending ? " > " : " < ";
    column = registry_list_columns[list->sort];

    if (list->sort == REGISTRY_SORT_ID) {
        registry_query_add(q, " AND id");
        registry_query_add(q, than);
        registry_query_text(q, "?", marker->id);
        return;
    }

    /* the range for an index, then what it is exactly */

    registry_query_add(q, " AND ");
    registry_query_add(q, column);
    registry_query_add(q, list->ascending ? " >= " : " <= ");
    registry_list_bound(q, list->sort, marker);

    registry_query_add(q, " AND (");
    registry_query_add(q, column);
    registry_query_add(q, than);
    registry_list_bound(q, list->sort, marker);

    if (list->sort != REGISTRY_SORT_CREATED_AT) {
        registry_query_add(q, " OR (");
        registry_query_add(q, column);
        registry_query_add(q, " = ");
        registry_list_bound(q, list->sort, marker);
        registry_query_add(q, " AND created_at");
        registry_query_add(q, than);
        registry_list_bound(q, REGISTRY_SORT_CREATED_AT, marker);
        registry_query_add(q, ")");
    }

    registry_query_add(q, " OR (");
    registry_query_add(q, column);
    registry_query_add(q, " = ");
    registry_list_bound(q, list->sort, marker);
    registry_query_add(q, " AND created_at = ");
    registry_list_bound(q, REGISTRY_SORT_CREATED_AT, marker);
    registry_query_add(q, " AND id");
    registry_query_add(q, than);
    registry_query_text(q, "?", marker->id);
    registry_query_add(q, "))");
}


/*
 * The marker's own value.  Times are compared as the row has them: other
 * programs write them with and without a fraction.
 */

static void
registry_list_bound(registry_query_t *q, registry_sort_e sort,
    const registry_image_t *marker)
{
    switch (sort) {

    case REGISTRY_SORT_CREATED_AT:
        registry_query_text(q, "(SELECT created_at FROM images WHERE id = ?)",
                            marker->id);
        return;

    case REGISTRY_SORT_UPDATED_AT:
        registry_query_text(q, "(SELECT COALESCE(updated_at, created_at)"
                            " FROM images WHERE id = ?)", marker->id);
        return;

    default:
        registry_query_value(q, "?", registry_list_value(sort, marker));
    }
}


static registry_value_t
registry_list_value(registry_sort_e sort, const registry_image_t *image)
{
    glance_str_t  text;

    switch (sort) {

    case REGISTRY_SORT_SIZE:
        return registry_value_int((image->size == REGISTRY_NUMBER_NULL)
                                  ? 0 : image->size);

    case REGISTRY_SORT_NAME:
        text = image->name;
        break;

    case REGISTRY_SORT_STATUS:
        text = image->status;
        break;

    case REGISTRY_SORT_CONTAINER_FORMAT:
        text = image->container_format;
        break;

    case REGISTRY_SORT_DISK_FORMAT:
        text = image->disk_format;
        break;

    default:
        text = image->id;
    }

    return registry_value_text((text.data == NULL) ? glance_str("") : text);
}


static registry_rc_e
registry_list_row(void *arg, const registry_value_t *row)
{
    registry_list_read_t *read = arg;

    registry_image_t  *image;

    image = registry_tx_image(read->pool, row);
    if (image == NULL) {
        return REGISTRY_ERROR;
    }

    *read->tail = image;
    read->tail = &image->next;

    return REGISTRY_OK;
}
