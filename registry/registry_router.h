
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_ROUTER_H_INCLUDED_
#define _REGISTRY_ROUTER_H_INCLUDED_


#include "registry_request.h"


/*
 * Answers a request: finds the route by path and method, the caller, and
 * calls the handler, which fills rq->out or rq->err.  The result decides
 * about the HTTP status.
 */
registry_rc_e registry_route(registry_request_t *rq);

/*
 * The same for what is wrong with a request before its body is read: unknown
 * path or method.  method NULL: one we do not know.
 */
bool registry_method_parse(const char *name, registry_method_e *method);
bool registry_route_v2(glance_str_t path);
registry_rc_e registry_route_other(registry_request_t *rq);


/* the handlers; registry_images.c */
registry_rc_e registry_images_index(registry_request_t *rq);
registry_rc_e registry_images_detail(registry_request_t *rq);
registry_rc_e registry_images_show(registry_request_t *rq);
registry_rc_e registry_images_create(registry_request_t *rq);
registry_rc_e registry_images_update(registry_request_t *rq);
registry_rc_e registry_images_delete(registry_request_t *rq);

/* registry_members.c */
registry_rc_e registry_members_index(registry_request_t *rq);
registry_rc_e registry_members_replace(registry_request_t *rq);
registry_rc_e registry_members_save(registry_request_t *rq);
registry_rc_e registry_members_delete(registry_request_t *rq);
registry_rc_e registry_members_images(registry_request_t *rq);

/* registry_claims.c */
registry_rc_e registry_claims_index(registry_request_t *rq);
registry_rc_e registry_claims_show(registry_request_t *rq);
registry_rc_e registry_claims_renew(registry_request_t *rq);
registry_rc_e registry_claims_abandon(registry_request_t *rq);
registry_rc_e registry_removals_index(registry_request_t *rq);
registry_rc_e registry_removals_failed(registry_request_t *rq);
registry_rc_e registry_removals_add(registry_request_t *rq);
registry_rc_e registry_removals_done(registry_request_t *rq);
registry_rc_e registry_jobs_take(registry_request_t *rq);
registry_rc_e registry_jobs_report(registry_request_t *rq);
registry_rc_e registry_jobs_done(registry_request_t *rq);
registry_rc_e registry_health(registry_request_t *rq);


#endif /* _REGISTRY_ROUTER_H_INCLUDED_ */
