
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_page.h"

#include "registry_db_images.h"


/* bytes of properties and locations that are held at a time */
#define REGISTRY_PAGE_BATCH  (16 * 1024 * 1024)


static registry_rc_e registry_page_render(registry_tx_t *tx,
    registry_page_t *page, registry_image_t *image, registry_err_t *err);
static registry_rc_e registry_page_batch(registry_tx_t *tx,
    registry_page_t *page, registry_image_t *images, size_t *n,
    registry_err_t *err);


registry_rc_e
registry_page_items(registry_tx_t *tx, registry_page_t *page,
    registry_image_t *images, registry_err_t *err)
{
    registry_rc_e  rc;

    page->pool = registry_pool_new();
    if (page->pool == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "out of memory");
    }

    rc = registry_page_render(tx, page, images, err);

    registry_pool_free(page->pool);

    return rc;
}


static registry_rc_e
registry_page_render(registry_tx_t *tx, registry_page_t *page,
    registry_image_t *image, registry_err_t *err)
{
    size_t           n, len;
    registry_rc_e    rc;
    registry_out_t  *out = &page->rq->out;

    page->count = 0;
    page->last = NULL;

    for (n = 0; image != NULL; image = image->next) {

        if (n == 0 && page->children) {
            rc = registry_page_batch(tx, page, image, &n, err);

            if (rc != REGISTRY_OK) {
                return rc;
            }
        }

        n -= (n > 0);
        len = out->len;

        registry_out_text(out, (page->count == 0) ? "" : ", ");
        page->item(page, out, image);

        if (out->len > REGISTRY_LIST_MAX && page->count > 0) {
            registry_out_cut(out, len);
            page->full = true;

            return REGISTRY_OK;
        }

        page->count++;
        page->last = image;
    }

    page->full = (page->count > 0 && page->count == page->limit);

    return REGISTRY_OK;
}


/* the children of *n images: as many as leave room for them */

static registry_rc_e
registry_page_batch(registry_tx_t *tx, registry_page_t *page,
    registry_image_t *images, size_t *n, registry_err_t *err)
{
    size_t               count;
    registry_rc_e        rc;
    registry_children_t  children = { 0, 0, page->locations, page->tags };

    count = 0;

    for (registry_image_t *image = images;
         image != NULL && count < REGISTRY_CHILDREN_MAX;
         image = image->next)
    {
        count++;
    }

    for ( ;; ) {
        *n = count;

        registry_pool_reset(page->pool);

        children.n = count;
        children.max = (count == 1) ? REGISTRY_ANSWER_MAX
                                    : REGISTRY_PAGE_BATCH;

        rc = registry_db_image_children(tx, page->pool, images, &children,
                                        err);

        if (rc != REGISTRY_LIMIT || count == 1) {
            return rc;
        }

        count /= 2;
    }
}
