
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_identity.h"

#include <string.h>

#include "registry_db_members.h"


static bool registry_identity_secret(glance_str_t sent, const char *secret);
static bool registry_identity_role(glance_str_t roles, const char *wanted);
static glance_str_t registry_identity_word(glance_str_t *words);
static registry_rc_e registry_policy_hidden(registry_err_t *err);


/*
 * Identity headers are believed when the sender knows the secret or uses the
 * unix socket, which the file system guards.  Without a secret and without
 * identities (flavor "") there is nothing to protect.
 */

registry_rc_e
registry_identity_read(registry_request_t *rq)
{
    bool                   believed, nobody;
    glance_str_t           status, owner;
    registry_identity_t   *who = &rq->identity;
    const registry_app_t  *app = rq->app;

    memset(who, 0, sizeof(registry_identity_t));

    if (rq->local) {
        believed = true;

    } else if (app->secret[0] != '\0') {
        believed = registry_identity_secret(
                       registry_request_header(rq, "X-Glance-Secret"),
                       app->secret);

        if (!believed) {
            return registry_err_set(&rq->err, REGISTRY_UNAUTHORIZED,
                                    "The registry secret is missing or "
                                    "wrong");
        }

    } else {
        believed = app->anonymous;
    }

    who->service = believed;

    status = registry_request_header(rq, "X-Identity-Status");

    if (!believed
        || !glance_str_case_eq(status, glance_str("Confirmed")))
    {
        nobody = glance_str_true(registry_request_header(rq,
                                                         "X-Is-Anonymous"));

        if (app->anonymous && !nobody) {
            who->admin = true;
            return REGISTRY_OK;
        }

        /* an API server that lets in those without a token */

        if ((believed || app->anonymous) && nobody
            && (rq->v2 || rq->method == REGISTRY_GET))
        {
            who->read_only = true;
            return REGISTRY_OK;
        }

        return registry_err_set(&rq->err, REGISTRY_UNAUTHORIZED,
                                rq->v2 ? "The request you have made requires "
                                         "authentication."
                                       : "Authentication required");
    }

    if (app->owner_is_tenant) {
        owner = registry_request_header(rq, "X-Tenant-Id");

        if (owner.len == 0) {
            owner = registry_request_header(rq, "X-Project-Id");
        }

    } else {
        owner = registry_request_header(rq, "X-User-Id");
    }

    if (owner.len > 0) {

        if (glance_utf8_check(owner) != GLANCE_UTF8_OK
            || glance_utf8_length(owner) > GLANCE_IMAGE_NAME_MAX)
        {
            return registry_err_set(&rq->err, REGISTRY_UNAUTHORIZED,
                                    "Malformed identity");
        }

        who->owner = owner;
    }

    who->user = registry_request_header(rq, "X-User-Id");
    who->roles = registry_request_header(rq, "X-Roles");
    who->service_roles = registry_request_header(rq, "X-Service-Roles");

    who->admin = registry_identity_role(who->roles, app->admin_role);
    who->member = registry_identity_role(who->roles, "member");
    who->reader = registry_identity_role(who->roles, "reader");
    who->service_role = registry_identity_role(who->roles, "service");
    who->service_token = registry_identity_role(who->service_roles,
                                                "service");

    who->system_scope = glance_str_case_eq(
                            registry_request_header(rq, "X-System-Scope"),
                            glance_str("all"));

    return REGISTRY_OK;
}


bool
registry_identity_owns(const registry_identity_t *who,
    const registry_image_t *image)
{
    return who->owner.data != NULL
           && image->owner.data != NULL
           && glance_str_eq(who->owner, image->owner);
}


registry_rc_e
registry_policy_see(registry_tx_t *tx, const registry_identity_t *who,
    const registry_image_t *image, registry_err_t *err)
{
    bool           can_share;
    registry_rc_e  rc;

    if (who->admin) {
        return REGISTRY_OK;
    }

    if (image->deleted) {
        return registry_policy_hidden(err);
    }

    if (image->owner.data == NULL
        || registry_identity_owns(who, image)
        || glance_str_eq(image->visibility, glance_str("public"))
        || glance_str_eq(image->visibility, glance_str("community")))
    {
        return REGISTRY_OK;
    }

    if (who->owner.data == NULL
        || !glance_str_eq(image->visibility, glance_str("shared")))
    {
        return registry_policy_hidden(err);
    }

    rc = registry_db_member_get(tx, image->id, who->owner, &can_share, err);

    return (rc == REGISTRY_NOT_FOUND) ? registry_policy_hidden(err) : rc;
}


registry_rc_e
registry_policy_change(registry_tx_t *tx, const registry_identity_t *who,
    const registry_image_t *image, registry_err_t *err)
{
    registry_rc_e  rc;

    rc = registry_policy_see(tx, who, image, err);

    if (rc != REGISTRY_OK || who->admin
        || registry_identity_owns(who, image))
    {
        return rc;
    }

    if (glance_str_eq(image->visibility, glance_str("public"))
        || glance_str_eq(image->visibility, glance_str("community")))
    {
        return registry_err_set(err, REGISTRY_FORBIDDEN,
                                "You do not own this image");
    }

    return registry_policy_hidden(err);
}


registry_rc_e
registry_policy_share(registry_tx_t *tx, const registry_identity_t *who,
    const registry_image_t *image, registry_err_t *err)
{
    bool           can_share;
    registry_rc_e  rc;

    if (!who->admin && who->owner.data == NULL) {
        return registry_err_set(err, REGISTRY_UNAUTHORIZED,
                                "No authenticated user");
    }

    rc = registry_policy_see(tx, who, image, err);

    if (rc != REGISTRY_OK || who->admin) {
        return rc;
    }

    if (registry_identity_owns(who, image)) {
        return REGISTRY_OK;
    }

    can_share = false;

    if (glance_str_eq(image->visibility, glance_str("shared"))) {
        rc = registry_db_member_get(tx, image->id, who->owner, &can_share,
                                    err);

        if (rc != REGISTRY_OK && rc != REGISTRY_NOT_FOUND) {
            return rc;
        }
    }

    if (can_share) {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_FORBIDDEN,
                            "No permission to share that image");
}


/* takes the same time wherever the first difference is */

static bool
registry_identity_secret(glance_str_t sent, const char *secret)
{
    size_t         len;
    unsigned char  diff;

    len = strlen(secret);
    diff = (sent.len != len);

    for (size_t i = 0; i < sent.len; i++) {
        diff = (unsigned char) (diff
                                | (sent.data[i]
                                   ^ (unsigned char) secret[i % len]));
    }

    return diff == 0;
}


/* both are lists */

static bool
registry_identity_role(glance_str_t roles, const char *wanted)
{
    glance_str_t  role, word, rest;

    while (roles.len > 0) {
        role = registry_identity_word(&roles);

        for (rest = glance_str(wanted); rest.len > 0; /* void */ ) {
            word = registry_identity_word(&rest);

            if (word.len > 0 && glance_str_case_eq(role, word)) {
                return true;
            }
        }
    }

    return false;
}


/* takes the first word of a list with commas between */

static glance_str_t
registry_identity_word(glance_str_t *words)
{
    size_t        i;
    glance_str_t  word;

    for (i = 0; i < words->len && words->data[i] != ','; i++) { /* void */ }

    word.data = words->data;
    word.len = i;

    if (i < words->len) {
        i++;
    }

    words->data += i;
    words->len -= i;

    return glance_str_trim(word);
}


static registry_rc_e
registry_policy_hidden(registry_err_t *err)
{
    return registry_err_set(err, REGISTRY_NOT_FOUND, "Image not found");
}
