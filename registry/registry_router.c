
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_router.h"

#include <stdio.h>
#include <string.h>

#include "registry_identity.h"
#include "registry_v2.h"


#define REGISTRY_SEGMENTS  6

#define REGISTRY_ROUTE_SERVICE  0x01    /* API servers and workers only */
#define REGISTRY_ROUTE_OPEN     0x02    /* everybody */
#define REGISTRY_ROUTE_ONLY     0x04    /* other methods: 404 */

/* of API v2: methods that must not have a body */
#define REGISTRY_ROUTE_BARE(method)  (0x100u << (method))


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
    const glance_str_t *segments, size_t n, bool strict);
static size_t registry_route_split(glance_str_t path, bool strict,
    glance_str_t *segments);
static registry_rc_e registry_route_check(registry_request_t *rq,
    const registry_route_t *route);
static registry_rc_e registry_route_method(registry_request_t *rq,
    const registry_route_t *route);


static const char *const  registry_methods[REGISTRY_METHODS] = {
    [REGISTRY_GET] = "GET",
    [REGISTRY_POST] = "POST",
    [REGISTRY_PUT] = "PUT",
    [REGISTRY_PATCH] = "PATCH",
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
      { [REGISTRY_GET] = registry_removals_index,
        [REGISTRY_POST] = registry_removals_add } },

    { { "removals", "*", NULL }, REGISTRY_ROUTE_SERVICE,
      { [REGISTRY_PUT] = registry_removals_failed,
        [REGISTRY_DELETE] = registry_removals_done } },

    { { "jobs", NULL }, REGISTRY_ROUTE_SERVICE,
      { [REGISTRY_POST] = registry_jobs_take } },

    { { "jobs", "*", NULL }, REGISTRY_ROUTE_SERVICE,
      { [REGISTRY_PUT] = registry_jobs_report,
        [REGISTRY_DELETE] = registry_jobs_done } },

    { { "healthcheck", NULL }, REGISTRY_ROUTE_OPEN,
      { [REGISTRY_GET] = registry_health } },

    { { "v2", "schemas", "*", NULL }, REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_schemas_show } },

    { { "v2", "schemas", "metadefs", "*", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_schemas_metadefs } },

    { { "v2", "images", NULL }, 0,
      { [REGISTRY_GET] = registry_v2_images_list,
        [REGISTRY_POST] = registry_v2_images_create } },

    { { "v2", "images", "*", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_GET)
      | REGISTRY_ROUTE_BARE(REGISTRY_DELETE),
      { [REGISTRY_GET] = registry_v2_images_show,
        [REGISTRY_PATCH] = registry_v2_images_update,
        [REGISTRY_DELETE] = registry_v2_images_delete } },

    { { "v2", "images", "*", "tasks", NULL },
      REGISTRY_ROUTE_ONLY | REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_images_tasks } },

    { { "v2", "images", "*", "actions", "deactivate", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_POST),
      { [REGISTRY_POST] = registry_v2_images_deactivate } },

    { { "v2", "images", "*", "actions", "reactivate", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_POST),
      { [REGISTRY_POST] = registry_v2_images_reactivate } },

    { { "v2", "images", "*", "locations", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_locations_list,
        [REGISTRY_POST] = registry_v2_locations_add } },

    { { "v2", "images", "*", "tags", "*", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_PUT)
      | REGISTRY_ROUTE_BARE(REGISTRY_DELETE),
      { [REGISTRY_PUT] = registry_v2_tags_put,
        [REGISTRY_DELETE] = registry_v2_tags_delete } },

    { { "v2", "images", "*", "members", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_members_list,
        [REGISTRY_POST] = registry_v2_members_create } },

    { { "v2", "images", "*", "members", "*", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_GET)
      | REGISTRY_ROUTE_BARE(REGISTRY_DELETE),
      { [REGISTRY_GET] = registry_v2_members_show,
        [REGISTRY_PUT] = registry_v2_members_update,
        [REGISTRY_DELETE] = registry_v2_members_delete } },

    { { "v2", "info", "import", NULL }, REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_info_import } },

    { { "v2", "info", "stores", NULL }, REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_info_stores } },

    { { "v2", "info", "stores", "detail", NULL },
      REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_info_stores_detail } },

    { { "v2", "info", "usage", NULL },
      REGISTRY_ROUTE_ONLY | REGISTRY_ROUTE_BARE(REGISTRY_GET),
      { [REGISTRY_GET] = registry_v2_info_usage } }
};


registry_rc_e
registry_route(registry_request_t *rq)
{
    registry_rc_e            rc;
    registry_handler_pt      handler;
    const registry_route_t  *route;

    /* v2 tells nobody unknown which paths there are */

    if (rq->v2) {
        rc = registry_identity_read(rq);

        if (rc != REGISTRY_OK) {
            return rc;
        }
    }

    route = registry_route_find(rq, &rq->err);

    if (route == NULL) {
        return (registry_rc_e) rq->err.code;
    }

    handler = route->handlers[rq->method];

    if (handler == NULL) {
        return registry_route_method(rq, route);
    }

    if (rq->v2) {
        rc = registry_route_check(rq, route);

        return (rc == REGISTRY_OK) ? handler(rq) : rc;
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


/* API v2 has other words for its errors, whatever the rest of the path */

bool
registry_route_v2(glance_str_t path)
{
    glance_str_t  head;

    head.data = path.data;
    head.len = (path.len < 4) ? path.len : 4;

    return glance_str_eq(head, glance_str("/v2/"))
           || glance_str_eq(path, glance_str("/v2"));
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

    n = registry_route_split(rq->path, rq->v2, segments);

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

        if (rq->v2 && glance_utf8_check_text(segments[i])
                      == GLANCE_UTF8_INVALID)
        {
            (void) registry_err_set(err, REGISTRY_INVALID, "The path could "
                                    "not be decoded: it is not UTF-8.");
            return NULL;
        }
    }

    for (size_t i = 0; i < sizeof(registry_routes)
                           / sizeof(registry_routes[0]); i++)
    {
        route = &registry_routes[i];

        if (!registry_route_match(route, segments, n, rq->v2)) {
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
                            "The resource could not be found%s",
                            rq->v2 ? "." : "");
    return NULL;
}


static registry_rc_e
registry_route_check(registry_request_t *rq, const registry_route_t *route)
{
    if (rq->body.len > 0
        && (route->flags & REGISTRY_ROUTE_BARE(rq->method)))
    {
        return registry_err_set(&rq->err, REGISTRY_INVALID, "A body is not "
                                "expected with this request.");
    }

    if (rq->identity.read_only && rq->method != REGISTRY_GET) {
        return registry_err_set(&rq->err, REGISTRY_FORBIDDEN,
                                "Read-only access");
    }

    return REGISTRY_OK;
}


static bool
registry_route_match(const registry_route_t *route,
    const glance_str_t *segments, size_t n, bool strict)
{
    size_t  i;

    /* the Registry API never answers for v2, nor the other way round */

    if (strict != (route->pattern[0] != NULL
                   && strcmp(route->pattern[0], "v2") == 0))
    {
        return false;
    }

    for (i = 0; i < n && route->pattern[i] != NULL; i++) {

        if (route->pattern[i][0] == '*') {

            if (strict && (segments[i].len == 0
                           || memchr(segments[i].data, '/', segments[i].len)
                              != NULL))
            {
                return false;
            }

            continue;
        }

        if (!glance_str_eq(segments[i], glance_str(route->pattern[i]))) {
            return false;
        }
    }

    return i == n && route->pattern[i] == NULL;
}


/* empty segments do not count, as in a slash at the end; in v2 they do */

static size_t
registry_route_split(glance_str_t path, bool strict, glance_str_t *segments)
{
    size_t                n;
    const unsigned char  *p, *start, *end;

    n = 0;
    end = path.data + path.len;

    start = path.data + (path.len > 0 && *path.data == '/');

    for ( /* void */ ; start < end || (strict && start == end);
         start = p + 1)
    {
        for (p = start; p < end && *p != '/'; p++) { /* void */ }

        if (p == start && !strict) {
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

    if (route->flags & REGISTRY_ROUTE_ONLY) {
        return registry_err_set(&rq->err, REGISTRY_NOT_FOUND,
                                "The resource could not be found.");
    }

    len = 0;

    for (size_t i = 0; i < REGISTRY_METHODS; i++) {

        if (route->handlers[i] != NULL) {
            len += (size_t) snprintf(rq->allow + len,
                                     sizeof(rq->allow) - len, "%s%s",
                                     (len == 0) ? "" : ", ",
                                     registry_methods[i]);
        }
    }

    if (rq->v2) {
        return registry_err_set(&rq->err, REGISTRY_INVALID,
                                "The method %.32s is not allowed for this "
                                "resource.", rq->method_name);
    }

    return registry_err_set(&rq->err, REGISTRY_INVALID,
                            "The method is not allowed for this resource");
}
