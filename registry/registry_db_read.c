
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>
#include <string.h>

#include "registry_db_images.h"
#include "registry_query.h"


/*
 * One statement reads an image with its children: one round trip, and one
 * snapshot, so that an active image never comes without its location.  The
 * children use the columns of the images:
 *
 *   kind  id        name   status    disk_format  size
 *   1     image_id  name   value
 *   2     image_id  value  status    meta_data    id
 *   3     image_id  value                         id
 *
 * A batch for a list starts with kind 1.
 */

#define REGISTRY_KIND_IMAGE     0
#define REGISTRY_KIND_PROPERTY  1
#define REGISTRY_KIND_LOCATION  2
#define REGISTRY_KIND_TAG       3

#define REGISTRY_CHILD_TYPES    "itttti"

#define REGISTRY_GET                                                          \
    "SELECT 0 AS kind, " REGISTRY_IMAGE_COLUMNS                               \
    " FROM images WHERE id = ?"                                               \
    " UNION ALL SELECT 1, image_id, name, value, NULL, NULL, NULL, NULL,"     \
    " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"\
    " NULL FROM image_properties WHERE image_id = ? AND +deleted = 0"         \
    " UNION ALL SELECT 2, image_id, value, status, meta_data, NULL, NULL,"    \
    " NULL, NULL, NULL, NULL, id, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"  \
    " NULL, NULL FROM image_locations WHERE image_id = ? AND +deleted = 0"
#define REGISTRY_GET_TAGS                                                     \
    " UNION ALL SELECT 3, image_id, value, NULL, NULL, NULL, NULL, NULL,"     \
    " NULL, NULL, NULL, id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"  \
    " NULL FROM image_tags WHERE image_id = ? AND +deleted = 0"

#define REGISTRY_PROPERTIES                                                   \
    "SELECT 1 AS kind, image_id, name, value AS text, NULL AS meta, id"       \
    " FROM image_properties"
#define REGISTRY_LOCATIONS                                                    \
    " UNION ALL SELECT 2, image_id, value, status, meta_data, id"             \
    " FROM image_locations"
#define REGISTRY_TAGS                                                         \
    " UNION ALL SELECT 3, image_id, value, NULL, NULL, id"                    \
    " FROM image_tags"


typedef struct {
    registry_pool_t    *pool;
    registry_image_t   *image;          /* the one row of kind 0 */
    registry_image_t  **images;         /* a batch, sorted by id */
    size_t              n;
    size_t              max;            /* bytes of the pool */
} registry_read_t;


static registry_rc_e registry_read_image(registry_tx_t *tx,
    registry_pool_t *pool, glance_str_t id, bool tags,
    registry_image_t **image, registry_err_t *err);
static void registry_read_batch(registry_tx_t *tx, registry_query_t *q,
    const char *select, const char *index, const glance_str_t *ids, size_t n);
static registry_rc_e registry_read_row(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_read_child(void *arg,
    const registry_value_t *row);
static registry_rc_e registry_read_property(registry_pool_t *pool,
    registry_image_t *image, const registry_value_t *name,
    const registry_value_t *value);
static registry_rc_e registry_read_location(registry_pool_t *pool,
    registry_image_t *image, const registry_value_t *columns,
    const registry_value_t *id);
static registry_rc_e registry_read_tag(registry_pool_t *pool,
    registry_image_t *image, const registry_value_t *value,
    const registry_value_t *id);
static int registry_read_compare(const void *one, const void *two);
static int registry_read_search(const void *key, const void *item);
static int registry_read_order(glance_str_t a, glance_str_t b);
static bool registry_read_text(registry_pool_t *pool,
    const registry_value_t *value, glance_str_t *text);


registry_rc_e
registry_db_image_get(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t id, registry_image_t **image, registry_err_t *err)
{
    return registry_read_image(tx, pool, id, false, image, err);
}


registry_rc_e
registry_db_image_whole(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t id, registry_image_t **image, registry_err_t *err)
{
    return registry_read_image(tx, pool, id, true, image, err);
}


static registry_rc_e
registry_read_image(registry_tx_t *tx, registry_pool_t *pool,
    glance_str_t id, bool tags, registry_image_t **image,
    registry_err_t *err)
{
    registry_rc_e      rc;
    registry_read_t    read;
    registry_value_t   args[4];
    registry_image_t   children, *one;

    memset(&read, 0, sizeof(registry_read_t));
    memset(&children, 0, sizeof(registry_image_t));

    one = &children;

    read.pool = pool;
    read.images = &one;
    read.n = 1;

    args[0] = registry_value_text(id);
    args[1] = args[0];
    args[2] = args[0];
    args[3] = args[0];

    rc = registry_tx_query(tx, tags ? REGISTRY_GET REGISTRY_GET_TAGS
                                    : REGISTRY_GET,
                           "i" REGISTRY_IMAGE_TYPES, args, tags ? 4 : 3,
                           registry_read_row, &read, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (read.image == NULL) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "Image not found");
    }

    read.image->properties = children.properties;
    read.image->locations = children.locations;
    read.image->tags = children.tags;

    *image = read.image;

    return REGISTRY_OK;
}


registry_image_t *
registry_tx_image(registry_pool_t *pool, const registry_value_t *row)
{
    size_t                   t, n;
    registry_image_t        *image;
    const registry_value_t  *v;

    image = registry_pool_calloc(pool, 1, sizeof(registry_image_t));
    if (image == NULL) {
        return NULL;
    }

    glance_str_t *const  texts[] = {
        &image->id, &image->name, &image->status, &image->disk_format,
        &image->container_format, &image->checksum, &image->owner,
        &image->visibility, &image->os_hash_algo, &image->os_hash_value
    };

    int64_t *const  numbers[] = {
        &image->size, &image->virtual_size, &image->min_disk, &image->min_ram
    };

    for (t = 0; t < registry_nargs(texts); t++) {

        if (!registry_read_text(pool, &row[t], texts[t])) {
            return NULL;
        }
    }

    for (n = 0; n < registry_nargs(numbers); n++) {
        v = &row[t + n];
        *numbers[n] = (v->type == REGISTRY_VALUE_NULL) ? REGISTRY_NUMBER_NULL
                                                       : v->number;
    }

    v = &row[t + n];

    image->created_at = registry_tx_epoch(&v[0]);
    image->updated_at = registry_tx_epoch(&v[1]);
    image->deleted_at = registry_tx_epoch(&v[2]);
    image->protected = (v[3].number != 0);
    image->os_hidden = (v[4].number != 0);
    image->deleted = (v[5].number != 0);

    return image;
}


registry_rc_e
registry_db_image_children(registry_tx_t *tx, registry_pool_t *pool,
    registry_image_t *images, const registry_children_t *children,
    registry_err_t *err)
{
    size_t             i, n = children->n;
    registry_rc_e      rc;
    glance_str_t       ids[REGISTRY_CHILDREN_MAX];
    registry_read_t    read;
    registry_query_t   q;
    registry_image_t  *sorted[REGISTRY_CHILDREN_MAX], *image;

    if (n == 0) {
        return REGISTRY_OK;
    }

    i = 0;

    for (image = images; i < n; image = image->next) {
        image->properties = NULL;
        image->locations = NULL;
        image->tags = NULL;
        ids[i] = image->id;
        sorted[i++] = image;
    }

    qsort(sorted, n, sizeof(registry_image_t *), registry_read_compare);

    memset(&read, 0, sizeof(registry_read_t));

    read.pool = pool;
    read.images = sorted;
    read.n = n;
    read.max = registry_pool_used(pool) + children->max;

    registry_query_init(&q, tx->pool);
    registry_read_batch(tx, &q, REGISTRY_PROPERTIES,
                        "{force}ix_image_properties_image_id{/force}", ids, n);

    if (children->locations) {
        registry_read_batch(tx, &q, REGISTRY_LOCATIONS,
                            "{force}ix_image_locations_image_id{/force}", ids,
                            n);
    }

    if (children->tags) {
        registry_read_batch(tx, &q, REGISTRY_TAGS,
                            "{force}ix_image_tags_image_id{/force}", ids, n);
    }

    rc = registry_query_run(tx, &q, REGISTRY_CHILD_TYPES, registry_read_child,
                            &read, err);

    if (rc == REGISTRY_LIMIT) {
        return registry_err_set(err, rc, "the images are too large");
    }

    return rc;
}


/*
 * MariaDB and MySQL look for every image of a page into each index that begins
 * with it before they choose one of these, unless it is named.  Who tidied up
 * a database of others may have dropped it.
 */

static void
registry_read_batch(registry_tx_t *tx, registry_query_t *q,
    const char *select, const char *index, const glance_str_t *ids, size_t n)
{
    registry_query_add(q, select);

    if (tx->db->own_indexes) {
        registry_query_add(q, index);
    }

    registry_query_add(q, " WHERE +deleted = 0 AND image_id IN ");
    registry_query_in(q, ids, n);
}


static registry_rc_e
registry_read_row(void *arg, const registry_value_t *row)
{
    registry_read_t *read = arg;

    const registry_value_t  *v = row + 1;

    switch (row[0].number) {

    case REGISTRY_KIND_IMAGE:
        read->image = registry_tx_image(read->pool, v);

        return (read->image == NULL) ? REGISTRY_ERROR : REGISTRY_OK;

    case REGISTRY_KIND_PROPERTY:
        return registry_read_property(read->pool, read->images[0], &v[1],
                                      &v[2]);

    case REGISTRY_KIND_TAG:
        return registry_read_tag(read->pool, read->images[0], &v[1],
                                 &v[REGISTRY_IMAGE_NUMBERS]);

    default:
        return registry_read_location(read->pool, read->images[0], &v[1],
                                      &v[REGISTRY_IMAGE_NUMBERS]);
    }
}


static registry_rc_e
registry_read_child(void *arg, const registry_value_t *row)
{
    registry_read_t *read = arg;

    registry_image_t  **image;

    if (registry_pool_used(read->pool) > read->max) {
        return REGISTRY_LIMIT;
    }

    image = bsearch(&row[1].text, read->images, read->n,
                    sizeof(registry_image_t *), registry_read_search);

    /* the database may find more equal than we do: upper and lower case */

    if (image == NULL) {
        return REGISTRY_OK;
    }

    if (row[0].number == REGISTRY_KIND_PROPERTY) {
        return registry_read_property(read->pool, *image, &row[2], &row[3]);
    }

    if (row[0].number == REGISTRY_KIND_TAG) {
        return registry_read_tag(read->pool, *image, &row[2], &row[5]);
    }

    return registry_read_location(read->pool, *image, &row[2], &row[5]);
}


static registry_rc_e
registry_read_property(registry_pool_t *pool, registry_image_t *image,
    const registry_value_t *name, const registry_value_t *value)
{
    registry_property_t  *p;

    p = registry_pool_calloc(pool, 1, sizeof(registry_property_t));

    if (p == NULL
        || !registry_read_text(pool, name, &p->name)
        || !registry_read_text(pool, value, &p->value))
    {
        return REGISTRY_ERROR;
    }

    p->next = image->properties;
    image->properties = p;

    return REGISTRY_OK;
}


/* columns: url, status, metadata */

static registry_rc_e
registry_read_location(registry_pool_t *pool, registry_image_t *image,
    const registry_value_t *columns, const registry_value_t *id)
{
    registry_location_t  *l, **next;

    l = registry_pool_calloc(pool, 1, sizeof(registry_location_t));

    if (l == NULL
        || !registry_read_text(pool, &columns[0], &l->url)
        || !registry_read_text(pool, &columns[1], &l->status)
        || !registry_read_text(pool, &columns[2], &l->metadata))
    {
        return REGISTRY_ERROR;
    }

    l->id = id->number;

    next = &image->locations;

    while (*next != NULL && (*next)->id < l->id) {
        next = &(*next)->next;
    }

    l->next = *next;
    *next = l;

    return REGISTRY_OK;
}


static registry_rc_e
registry_read_tag(registry_pool_t *pool, registry_image_t *image,
    const registry_value_t *value, const registry_value_t *id)
{
    registry_tag_t  *tag, **next;

    tag = registry_pool_calloc(pool, 1, sizeof(registry_tag_t));

    if (tag == NULL || !registry_read_text(pool, value, &tag->value)) {
        return REGISTRY_ERROR;
    }

    tag->id = id->number;

    next = &image->tags;

    while (*next != NULL && (*next)->id < tag->id) {
        next = &(*next)->next;
    }

    tag->next = *next;
    *next = tag;

    return REGISTRY_OK;
}


static int
registry_read_compare(const void *one, const void *two)
{
    registry_image_t *const *a = one;
    registry_image_t *const *b = two;

    return registry_read_order((*a)->id, (*b)->id);
}


static int
registry_read_search(const void *key, const void *item)
{
    const glance_str_t       *id = key;
    registry_image_t *const  *image = item;

    return registry_read_order(*id, (*image)->id);
}


static int
registry_read_order(glance_str_t a, glance_str_t b)
{
    int  rc;

    rc = memcmp(a.data, b.data, (a.len < b.len) ? a.len : b.len);

    if (rc != 0) {
        return rc;
    }

    return (a.len > b.len) - (a.len < b.len);
}


static bool
registry_read_text(registry_pool_t *pool, const registry_value_t *value,
    glance_str_t *text)
{
    if (value->type != REGISTRY_VALUE_TEXT) {
        text->data = NULL;
        text->len = 0;
        return true;
    }

    return registry_pool_copy(pool, value->text, text);
}
