
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_router.h"

#include <stdio.h>
#include <string.h>

#include "registry_identity.h"


#define REGISTRY_SEGMENTS  5

#define REGISTRY_ROUTE_SERVICE  0x01    /* API servers and workers only */
#define REGISTRY_ROUTE_OPEN     0x02    /* everybody */


typedef registry_rc_e (*registry_handler_pt)(registry_request_t *rq);

/* a "*" in the pattern is a parameter; NULL handlers: 405 */

typedef struct {
    const char           *pattern[REGISTRY_SEGMENTS];
    unsigned              flags;
    registry_handler_pt   handlers[REGISTRY_METHODS];
} registry_route_t;


static const registry_route_t *registry_route_find(registry_request_t *rq,
    registry_err_t *err);
static bool registry_route_match(const registry_route_t *route,
    const glance_str_t *segments, size_t n);
static size_t registry_route_split(glance_str_t path,
    glance_str_t *segments);
static registry_rc_e registry_route_method(registry_request_t *rq,
    const registry_route_t *route);


static const char *const  registry_methods[REGISTRY_METHODS] = {
    [REGISTRY_GET] = "GET",
    [REGISTRY_POST] = "POST",
    [REGISTRY_PUT] = "PUT",
    [REGISTRY_DELETE] = "DELETE"
};


static const registry_route_t  registry_routes[] = {

    { { NULL }, 0,
      { [REGISTRY_GET] = registry_images_index } },

    { { "images", NULL }, 0,
      { [REGISTRY_GET] = registry_images_index,
        [REGISTRY_POST] = registry_images_create } },

    { { "images", "detail", NULL }, 0,
      { [REGISTRY_GET] = registry_images_detail } },

    { { "images", "*", NULL }, 0,
      { [REGISTRY_GET] = registry_images_show,
        [REGISTRY_PUT] = registry_images_update,
        [REGISTRY_DELETE] = registry_images_delete } },

    { { "images", "*", "members", NULL }, 0,
      { [REGISTRY_GET] = registry_members_index,
        [REGISTRY_PUT] = registry_members_replace } },

    { { "images", "*", "members", "*", NULL }, 0,
      { [REGISTRY_PUT] = registry_members_save,
        [REGISTRY_DELETE] = registry_members_delete } },

    { { "shared-images", "*", NULL }, 0,
      { [REGISTRY_GET] = registry_members_images } },

    { { "claims", NULL }, REGISTRY_ROUTE_SERVICE,
      { [REGISTRY_GET] = registry_claims_index } },

    { { "claims", "*", NULL }, REGISTRY_ROUTE_SERVICE,
      { [REGISTRY_GET] = registry_claims_show,
        [REGISTRY_PUT] = registry_claims_renew,
        [REGISTRY_DELETE] = registry_claims_abandon } },

    { { "removals", NULL }, REGISTRY_ROUTE_SERVICE,
      { [REGISTRY_GET] = registry_removals_index } },

    { { "removals", "*", NULL }, REGISTRY_ROUTE_SERVICE,
      { [REGISTRY_PUT] = registry_removals_failed,
        [REGISTRY_DELETE] = registry_removals_done } },

    { { "healthcheck", NULL }, REGISTRY_ROUTE_OPEN,
      { [REGISTRY_GET] = registry_health } }
};


registry_rc_e
registry_route(registry_request_t *rq)
{
    registry_rc_e            rc;
    registry_handler_pt      handler;
    const registry_route_t  *route;

    route = registry_route_find(rq, &rq->err);

    if (route == NULL) {
        return (registry_rc_e) rq->err.code;
    }

    handler = route->handlers[rq->method];

    if (handler == NULL) {
        return registry_route_method(rq, route);
    }

    if ((route->flags & REGISTRY_ROUTE_OPEN) == 0) {

        rc = registry_identity_read(rq);

        if (rc != REGISTRY_OK) {
            return rc;
        }

        if ((route->flags & REGISTRY_ROUTE_SERVICE) && !rq->identity.service)
        {
            return registry_err_set(&rq->err, REGISTRY_FORBIDDEN,
                                    "For API servers only");
        }
    }

    return handler(rq);
}


registry_rc_e
registry_route_other(registry_request_t *rq)
{
    const registry_route_t  *route;

    route = registry_route_find(rq, &rq->err);

    return (route == NULL) ? (registry_rc_e) rq->err.code
                           : registry_route_method(rq, route);
}


bool
registry_method_parse(const char *name, registry_method_e *method)
{
    for (size_t i = 0; i < REGISTRY_METHODS; i++) {

        if (strcmp(name, registry_methods[i]) == 0) {
            *method = (registry_method_e) i;
            return true;
        }
    }

    return false;
}


static const registry_route_t *
registry_route_find(registry_request_t *rq, registry_err_t *err)
{
    size_t                   n, len;
    unsigned char           *p;
    glance_str_t             segments[REGISTRY_SEGMENTS + 1];
    const registry_route_t  *route;

    n = registry_route_split(rq->path, segments);

    if (n > 0 && glance_str_eq(segments[0], glance_str("v1"))) {
        n--;
        memmove(segments, segments + 1, n * sizeof(glance_str_t));
    }

    for (size_t i = 0; i < n; i++) {
        p = registry_pool_alloc(rq->pool, segments[i].len + 1);

        if (p == NULL) {
            (void) registry_err_set(err, REGISTRY_ERROR, "out of memory");
            return NULL;
        }

        if (!glance_percent_decode(segments[i], p, &len)) {
            (void) registry_err_set(err, REGISTRY_INVALID,
                                    "Malformed path");
            return NULL;
        }

        p[len] = '\0';
        segments[i].data = p;
        segments[i].len = len;
    }

    for (size_t i = 0; i < sizeof(registry_routes)
                           / sizeof(registry_routes[0]); i++)
    {
        route = &registry_routes[i];

        if (!registry_route_match(route, segments, n)) {
            continue;
        }

        len = 0;

        for (size_t s = 0; s < n; s++) {

            if (route->pattern[s][0] == '*') {
                rq->params[len++] = segments[s];
            }
        }

        return route;
    }

    (void) registry_err_set(err, REGISTRY_NOT_FOUND,
                            "The resource could not be found");
    return NULL;
}


static bool
registry_route_match(const registry_route_t *route,
    const glance_str_t *segments, size_t n)
{
    size_t  i;

    for (i = 0; i < n && route->pattern[i] != NULL; i++) {

        if (route->pattern[i][0] == '*') {
            continue;
        }

        if (!glance_str_eq(segments[i], glance_str(route->pattern[i]))) {
            return false;
        }
    }

    return i == n && route->pattern[i] == NULL;
}


/* empty segments do not count, as in a slash at the end */

static size_t
registry_route_split(glance_str_t path, glance_str_t *segments)
{
    size_t                n;
    const unsigned char  *p, *start, *end;

    n = 0;
    end = path.data + path.len;

    for (start = path.data; start < end; start = p + 1) {

        for (p = start; p < end && *p != '/'; p++) { /* void */ }

        if (p == start) {
            continue;
        }

        segments[n].data = start;
        segments[n].len = (size_t) (p - start);
        n++;

        if (n > REGISTRY_SEGMENTS) {
            break;
        }
    }

    return n;
}


static registry_rc_e
registry_route_method(registry_request_t *rq, const registry_route_t *route)
{
    size_t  len;

    len = 0;

    for (size_t i = 0; i < REGISTRY_METHODS; i++) {

        if (route->handlers[i] != NULL) {
            len += (size_t) snprintf(rq->allow + len,
                                     sizeof(rq->allow) - len, "%s%s",
                                     (len == 0) ? "" : ", ",
                                     registry_methods[i]);
        }
    }

    return registry_err_set(&rq->err, REGISTRY_INVALID,
                            "The method is not allowed for this resource");
}
