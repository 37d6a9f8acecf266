
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_policy.h"

#include "registry_db_members.h"
#include "registry_identity.h"


/* the role that the caller needs, administrators apart */

typedef enum {
    REGISTRY_V2_ADMIN = 0,      /* administrators only */
    REGISTRY_V2_MEMBER,
    REGISTRY_V2_READER,
    REGISTRY_V2_ANYBODY
} registry_v2_role_e;

/* what he must be to the image */

typedef enum {
    REGISTRY_V2_NO_MATTER = 0,
    REGISTRY_V2_PROJECT,        /* a project, whichever */
    REGISTRY_V2_OWNER,
    REGISTRY_V2_SHARER,         /* owner or image member */
    REGISTRY_V2_SHAREE,         /* image member */
    REGISTRY_V2_VIEWER          /* any of those that see it */
} registry_v2_tie_e;

typedef struct {
    registry_v2_role_e   role;
    registry_v2_tie_e    tie;
} registry_v2_who_t;

typedef struct {
    const char          *name;
    bool                 service;       /* the role "service" is enough */
    registry_v2_who_t    now;
    registry_v2_who_t    old;           /* enforce_new_defaults = False */
} registry_v2_policy_t;


static bool registry_v2_tied(const registry_identity_t *who,
    registry_v2_tie_e tie, const registry_image_t *image);
static bool registry_v2_is(const registry_image_t *image,
    const char *visibility);


#define ADMIN      { REGISTRY_V2_ADMIN, REGISTRY_V2_NO_MATTER }
#define MEMBER(t)  { REGISTRY_V2_MEMBER, REGISTRY_V2_ ## t }
#define READER(t)  { REGISTRY_V2_READER, REGISTRY_V2_ ## t }
#define ANYBODY(t) { REGISTRY_V2_ANYBODY, REGISTRY_V2_ ## t }

static const registry_v2_policy_t  registry_v2_policies[] = {
    [REGISTRY_V2_ADD_IMAGE] =
        { "add_image", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_GET_IMAGES] =
        { "get_images", false, READER(PROJECT), ANYBODY(NO_MATTER) },
    [REGISTRY_V2_GET_IMAGE] =
        { "get_image", false, READER(VIEWER), ANYBODY(NO_MATTER) },
    [REGISTRY_V2_MODIFY_IMAGE] =
        { "modify_image", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_DELETE_IMAGE] =
        { "delete_image", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_UPLOAD_IMAGE] =
        { "upload_image", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_DOWNLOAD_IMAGE] =
        { "download_image", false, MEMBER(VIEWER), ANYBODY(NO_MATTER) },
    [REGISTRY_V2_PUBLICIZE_IMAGE] =
        { "publicize_image", false, ADMIN, ADMIN },
    [REGISTRY_V2_COMMUNITIZE_IMAGE] =
        { "communitize_image", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_DEACTIVATE] =
        { "deactivate", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_REACTIVATE] =
        { "reactivate", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_GET_IMAGE_LOCATION] =
        { "get_image_location", false, READER(OWNER), ANYBODY(NO_MATTER) },
    [REGISTRY_V2_SET_IMAGE_LOCATION] =
        { "set_image_location", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_DELETE_IMAGE_LOCATION] =
        { "delete_image_location", false, ADMIN, ANYBODY(OWNER) },
    [REGISTRY_V2_ADD_IMAGE_LOCATION] =
        { "add_image_location", true, MEMBER(OWNER), MEMBER(OWNER) },
    [REGISTRY_V2_FETCH_IMAGE_LOCATION] =
        { "fetch_image_location", true, ADMIN, ADMIN },
    [REGISTRY_V2_GET_MEMBERS] =
        { "get_members", false, READER(SHARER), ANYBODY(NO_MATTER) },
    [REGISTRY_V2_GET_MEMBER] =
        { "get_member", false, READER(SHARER), ANYBODY(NO_MATTER) },
    [REGISTRY_V2_ADD_MEMBER] =
        { "add_member", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_MODIFY_MEMBER] =
        { "modify_member", false, MEMBER(SHAREE), ANYBODY(SHAREE) },
    [REGISTRY_V2_DELETE_MEMBER] =
        { "delete_member", false, MEMBER(OWNER), ANYBODY(OWNER) },
    [REGISTRY_V2_STORES_INFO_DETAIL] =
        { "stores_info_detail", true, ADMIN, ADMIN },
    [REGISTRY_V2_TASKS_API_ACCESS] =
        { "tasks_api_access", false, ADMIN, ADMIN }
};

#undef ADMIN
#undef MEMBER
#undef READER
#undef ANYBODY


bool
registry_v2_rule_parse(glance_str_t name, registry_v2_rule_e *rule)
{
    for (size_t i = 0; i < REGISTRY_V2_RULES; i++) {

        if (glance_str_eq(name, glance_str(registry_v2_policies[i].name))) {
            *rule = (registry_v2_rule_e) i;
            return true;
        }
    }

    return false;
}


bool
registry_v2_permits(const registry_request_t *rq, registry_v2_rule_e rule,
    const registry_image_t *image)
{
    const registry_v2_who_t     *need;
    const registry_identity_t   *who = &rq->identity;
    const registry_v2_policy_t  *policy = &registry_v2_policies[rule];

    /* rights are for projects today, whatever role somebody else has */

    if (rq->app->new_defaults && who->system_scope) {
        return false;
    }

    if (who->admin || (policy->service && who->service_role)) {
        return true;
    }

    need = rq->app->new_defaults ? &policy->now : &policy->old;

    switch (need->role) {

    case REGISTRY_V2_ADMIN:
        return false;

    case REGISTRY_V2_MEMBER:
        if (!who->member) {
            return false;
        }
        break;

    case REGISTRY_V2_READER:
        if (!who->reader) {
            return false;
        }
        break;

    default:
        break;
    }

    return registry_v2_tied(who, need->tie, image);
}


registry_rc_e
registry_v2_allow(const registry_request_t *rq, registry_v2_rule_e rule,
    const registry_image_t *image, registry_err_t *err)
{
    if (registry_v2_permits(rq, rule, image)) {
        return REGISTRY_OK;
    }

    if (image != NULL
        && rule != REGISTRY_V2_ADD_IMAGE
        && !registry_v2_permits(rq, REGISTRY_V2_GET_IMAGE, image))
    {
        return registry_err_set(err, REGISTRY_NOT_FOUND,
                                "The resource could not be found.");
    }

    if (!rq->app->new_defaults
        && rule != REGISTRY_V2_ADD_IMAGE
        && registry_v2_policies[rule].old.tie == REGISTRY_V2_OWNER)
    {
        return registry_err_set(err, REGISTRY_FORBIDDEN,
                                "You do not own this image");
    }

    return registry_err_set(err, REGISTRY_FORBIDDEN, "You are not authorized "
                            "to complete %s action.",
                            registry_v2_policies[rule].name);
}


/*
 * Images without an owner are nobody's: unlike in Glance, that does not make
 * them everybody's.
 */

registry_rc_e
registry_v2_see(registry_tx_t *tx, const registry_identity_t *who,
    const registry_image_t *image, registry_err_t *err)
{
    bool           can_share;
    registry_rc_e  rc;

    if (image->deleted) {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "%s", "");
    }

    if (who->admin
        || registry_v2_is(image, "public")
        || registry_v2_is(image, "community")
        || registry_identity_owns(who, image))
    {
        return REGISTRY_OK;
    }

    if (who->owner.data == NULL || image->owner.data == NULL
        || !registry_v2_is(image, "shared"))
    {
        return registry_err_set(err, REGISTRY_NOT_FOUND, "%s", "");
    }

    rc = registry_db_member_get(tx, image->id, who->owner, &can_share, err);

    return (rc == REGISTRY_NOT_FOUND) ? registry_err_set(err, rc, "%s", "")
                                      : rc;
}


/* registry_v2_see() has found out already that a stranger is a member */

static bool
registry_v2_tied(const registry_identity_t *who, registry_v2_tie_e tie,
    const registry_image_t *image)
{
    bool  owner, member;

    switch (tie) {

    case REGISTRY_V2_NO_MATTER:
        return true;

    case REGISTRY_V2_PROJECT:
        return who->owner.data != NULL;

    default:
        break;
    }

    if (image == NULL) {
        return false;
    }

    owner = registry_identity_owns(who, image);
    member = !owner && registry_v2_is(image, "shared");

    switch (tie) {

    case REGISTRY_V2_OWNER:
        return owner;

    case REGISTRY_V2_SHARER:
        return owner || member;

    case REGISTRY_V2_SHAREE:
        return member;

    default:
        return owner || member
               || registry_v2_is(image, "public")
               || registry_v2_is(image, "community");
    }
}


static bool
registry_v2_is(const registry_image_t *image, const char *visibility)
{
    return glance_str_eq(image->visibility, glance_str(visibility));
}
