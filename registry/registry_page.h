
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_PAGE_H_INCLUDED_
#define _REGISTRY_PAGE_H_INCLUDED_


#include "registry_request.h"


/*
 * The images of a list's page as JSON: their children are read some images
 * at a time, so that memory is bounded by the answer's own limit.
 */

typedef struct registry_page_s  registry_page_t;

struct registry_page_s {
    registry_request_t      *rq;
    bool                     children;
    bool                     locations;
    bool                     tags;
    int64_t                  limit;
    void                   (*item)(const registry_page_t *page,
                                registry_out_t *out,
                                const registry_image_t *image);
    const void              *data;      /* the item's */

    /* filled */
    int64_t                  count;
    bool                     full;      /* another page may follow */
    const registry_image_t  *last;
    registry_pool_t         *pool;
};


/* written to the request's answer, with commas between */
registry_rc_e registry_page_items(registry_tx_t *tx, registry_page_t *page,
    registry_image_t *images, registry_err_t *err);


#endif /* _REGISTRY_PAGE_H_INCLUDED_ */
