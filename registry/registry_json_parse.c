
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_json_parse.h"

#include "glance_uuid.h"


#define REGISTRY_JSON_LEASE_MAX  3600
#define REGISTRY_JSON_URL_MAX    4096


static registry_rc_e registry_json_share(json_t *value, int *can_share,
    registry_err_t *err);


registry_rc_e
registry_json_memberships(registry_pool_t *pool, glance_str_t body,
    registry_member_t **members, registry_err_t *err)
{
    size_t              i;
    json_t             *json, *list, *entry, *value;
    glance_str_t        member;
    registry_rc_e       rc;
    registry_member_t  *m, **tail;

    rc = registry_json_load(body, &json, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    list = json_object_get(json, "memberships");

    if (!json_is_array(list)) {
        rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                              "memberships: must be a list");
        goto done;
    }

    *members = NULL;
    tail = members;

    json_array_foreach(list, i, entry) {

        member = registry_json_slice(json_object_get(entry, "member_id"));

        if (member.len == 0) {
            rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                  "memberships: member_id is missing");
            goto done;
        }

        rc = registry_json_check("member_id", member, GLANCE_IMAGE_NAME_MAX,
                                 err);

        if (rc != REGISTRY_OK) {
            goto done;
        }

        m = registry_pool_calloc(pool, 1, sizeof(registry_member_t));

        if (m == NULL || !registry_pool_copy(pool, member, &m->member)) {
            rc = registry_json_memory(err);
            goto done;
        }

        value = json_object_get(entry, "can_share");

        if (value != NULL) {
            rc = registry_json_share(value, &m->can_share, err);

            if (rc != REGISTRY_OK) {
                goto done;
            }

        } else {
            m->can_share = -1;
        }

        *tail = m;
        tail = &m->next;
    }

done:

    json_decref(json);

    return rc;
}


registry_rc_e
registry_json_member(glance_str_t body, int *can_share, registry_err_t *err)
{
    json_t         *json, *value;
    registry_rc_e   rc;

    *can_share = -1;

    if (body.len == 0) {
        return REGISTRY_OK;
    }

    rc = registry_json_load(body, &json, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    value = json_object_get(json_object_get(json, "member"), "can_share");

    if (value == NULL) {
        rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                              "member: can_share is missing");

    } else {
        rc = registry_json_share(value, can_share, err);
    }

    json_decref(json);

    return rc;
}


/* who may let others see an image: not to be guessed */

static registry_rc_e
registry_json_share(json_t *value, int *can_share, registry_err_t *err)
{
    static const char *const  no[] = { "false", "f", "0", "off", "no", "n" };

    *can_share = registry_json_true(value);

    if (*can_share
        || json_is_false(value)
        || json_is_null(value)
        || json_is_integer(value))
    {
        return REGISTRY_OK;
    }

    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (json_is_string(value)
            && glance_str_case_eq(registry_json_slice(value),
                                  glance_str(no[i])))
        {
            return REGISTRY_OK;
        }
    }

    return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                            "can_share: must be true or false");
}


registry_rc_e
registry_json_lease(glance_str_t body, int64_t *lease, registry_err_t *err)
{
    json_t         *json, *value;
    json_int_t      n;
    registry_rc_e   rc;

    rc = registry_json_load(body, &json, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    value = json_object_get(json, "lease");
    n = json_integer_value(value);              /* 0 if it is none */

    if (n < 1 || n > REGISTRY_JSON_LEASE_MAX) {
        rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                              "lease: must be an integer between 1 and %d",
                              REGISTRY_JSON_LEASE_MAX);

    } else {
        *lease = n;
    }

    json_decref(json);

    return rc;
}


registry_rc_e
registry_json_removal(registry_pool_t *pool, glance_str_t body,
    glance_str_t *text, glance_str_t *url, registry_err_t *err)
{
    json_t         *json, *value;
    glance_str_t    s;
    registry_rc_e   rc;

    rc = registry_json_load(body, &json, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    if (text != NULL) {
        s = registry_json_slice(json_object_get(json, "error"));

        rc = registry_json_check("error", s, GLANCE_IMAGE_NAME_MAX, err);

        if (rc == REGISTRY_OK && !registry_pool_copy(pool, s, text)) {
            rc = registry_json_memory(err);
        }
    }

    url->len = 0;
    url->data = NULL;

    value = json_object_get(json, "url");

    if (rc == REGISTRY_OK && value != NULL) {

        if (!json_is_string(value)) {
            rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                  "url: must be a string");

        } else if (!registry_pool_copy(pool, registry_json_slice(value),
                                       url))
        {
            rc = registry_json_memory(err);
        }
    }

    json_decref(json);

    return rc;
}


registry_rc_e
registry_json_trace(registry_pool_t *pool, glance_str_t body,
    glance_str_t *image_id, glance_str_t *url, registry_err_t *err)
{
    json_t         *json;
    glance_str_t    claim, id, s;
    registry_rc_e   rc;

    rc = registry_json_load(body, &json, err);

    if (rc != REGISTRY_OK) {
        return rc;
    }

    id = registry_json_slice(json_object_get(json, "image_id"));
    s = registry_json_slice(json_object_get(json, "url"));

    claim.len = 0;
    claim.data = NULL;

    if (s.len > GLANCE_UUID_LEN) {
        claim.data = s.data + s.len - GLANCE_UUID_LEN;
        claim.len = GLANCE_UUID_LEN;
    }

    if (!glance_image_id_valid(id)) {
        rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                              "image_id: must be the id of an image");

    } else if (s.len > REGISTRY_JSON_URL_MAX || !glance_uuid_valid(claim)
               || claim.data[-1] != '#')
    {
        rc = registry_err_set(err, REGISTRY_INVALID, "Invalid value for url: "
                              "must be URL#CLAIM");

    } else {
        rc = registry_json_check("url", s, REGISTRY_JSON_URL_MAX, err);
    }

    if (rc == REGISTRY_OK
        && (!registry_pool_copy(pool, id, image_id)
            || !registry_pool_copy(pool, s, url)))
    {
        rc = registry_json_memory(err);
    }

    json_decref(json);

    return rc;
}


registry_rc_e
registry_json_check(const char *field, glance_str_t value, size_t max,
    registry_err_t *err)
{
    switch (glance_utf8_check(value)) {

    case GLANCE_UTF8_INVALID:
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "%s: not UTF-8", field);

    case GLANCE_UTF8_FOUR_BYTE:
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "%s: characters of four bytes in UTF-8 are "
                                "not supported", field);

    case GLANCE_UTF8_CONTROL:
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "%s: control characters are not allowed",
                                field);

    default:
        break;
    }

    if (glance_utf8_length(value) > max) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid value for "
                                "%s: longer than %zu characters", field, max);
    }

    return REGISTRY_OK;
}


registry_rc_e
registry_json_load(glance_str_t body, json_t **json, registry_err_t *err)
{
    json_error_t  error;

    *json = json_loadb((const char *) body.data, body.len,
                       JSON_REJECT_DUPLICATES, &error);

    if (*json == NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "Malformed JSON in the "
                                "request body: %.120s", error.text);
    }

    if (!json_is_object(*json)) {
        json_decref(*json);

        return registry_err_set(err, REGISTRY_INVALID, "The request body must "
                                "be a JSON object");
    }

    return REGISTRY_OK;
}


bool
registry_json_true(json_t *value)
{
    if (json_is_integer(value)) {
        return json_integer_value(value) != 0;
    }

    return json_is_true(value)
           || (json_is_string(value)
               && glance_str_true(registry_json_slice(value)));
}


/* data NULL: no string */

glance_str_t
registry_json_slice(json_t *value)
{
    glance_str_t  s;

    s.data = (const unsigned char *) json_string_value(value);
    s.len = json_string_length(value);

    return s;
}


registry_rc_e
registry_json_memory(registry_err_t *err)
{
    return registry_err_set(err, REGISTRY_ERROR, "out of memory");
}
