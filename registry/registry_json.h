
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_JSON_H_INCLUDED_
#define _REGISTRY_JSON_H_INCLUDED_


#include "registry_err.h"
#include "registry_out.h"
#include "registry_pool.h"
#include "registry_record.h"


/*
 * Records <-> JSON.  What comes in is checked here: types, lengths, ranges,
 * the characters that the database cannot hold.  REGISTRY_INVALID with the
 * name of the field in err.
 */

/* some fields of an image, and which of them are 0 instead of null: bits */

typedef struct {
    uint32_t  shown;
    uint32_t  zero;
} registry_fields_t;

/* all of them, or those of the short list */
void registry_json_fields(registry_fields_t *fields, bool detail);

/* "id,size:0"; false: there is one that no image has */
bool registry_json_fields_parse(registry_fields_t *fields, glance_str_t text);

bool registry_json_fields_shows(const registry_fields_t *fields,
    const char *name);

void registry_json_image(registry_out_t *out, const registry_image_t *image,
    const registry_fields_t *fields);

/* an object, whatever the text is */
void registry_json_metadata(registry_out_t *out, glance_str_t text);
void registry_json_members(registry_out_t *out,
    const registry_member_t *members);
void registry_json_shared(registry_out_t *out,
    const registry_member_t *members);
void registry_json_claim(registry_out_t *out,
    const registry_claim_row_t *claim, const char *status);
void registry_json_removals(registry_out_t *out,
    const registry_removal_t *removals);

/* the body of POST and PUT /images: {"image": {}, "from_state": ""} */
registry_rc_e registry_json_changes(registry_pool_t *pool, glance_str_t body,
    registry_changes_t *changes, registry_err_t *err);

/* {"memberships": []}; {"member": {}} or nothing */
registry_rc_e registry_json_memberships(registry_pool_t *pool,
    glance_str_t body, registry_member_t **members, registry_err_t *err);
registry_rc_e registry_json_member(glance_str_t body, int *can_share,
    registry_err_t *err);

/*
 * {"lease": 20}; {"error": "", "url": ""}, of which error is not looked at
 * when text is NULL, and url may be absent: NULL
 */
registry_rc_e registry_json_lease(glance_str_t body, int64_t *lease,
    registry_err_t *err);
registry_rc_e registry_json_removal(registry_pool_t *pool, glance_str_t body,
    glance_str_t *text, glance_str_t *url, registry_err_t *err);

/* {"image_id": .., "url": "URL#CLAIM"} */
registry_rc_e registry_json_trace(registry_pool_t *pool, glance_str_t body,
    glance_str_t *image_id, glance_str_t *url, registry_err_t *err);

/*
 * A name or value that goes into a column: UTF-8 of at most max characters
 * that the database can hold, without control characters.
 */
registry_rc_e registry_json_check(const char *field, glance_str_t value,
    size_t max, registry_err_t *err);


#endif /* _REGISTRY_JSON_H_INCLUDED_ */
