
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_patch.h"

#include <string.h>

#include "registry_json_parse.h"
#include "registry_v2_fields.h"


#define REGISTRY_V2_DEPTH   2
#define REGISTRY_V2_DEEPER  3           /* it does not matter by how much */


typedef struct {
    size_t         n;
    glance_str_t   tokens[REGISTRY_V2_DEEPER];
} registry_v2_pointer_t;


static registry_rc_e registry_v2_patch_op(registry_pool_t *pool,
    json_t *item, registry_v2_patch_e type, registry_v2_op_t *op,
    registry_err_t *err);
static registry_rc_e registry_v2_patch_op_20(json_t *item,
    registry_v2_op_t *op, json_t **path, registry_err_t *err);
static registry_rc_e registry_v2_patch_op_21(json_t *item,
    registry_v2_op_t *op, json_t **path, registry_err_t *err);
static registry_rc_e registry_v2_patch_pointer(registry_pool_t *pool,
    json_t *path, registry_v2_pointer_t *pointer, registry_err_t *err);
static const char *registry_v2_pointer_check(glance_str_t text);
static registry_rc_e registry_v2_patch_depth(registry_v2_op_t *op,
    const registry_v2_pointer_t *pointer, glance_str_t text,
    registry_err_t *err);
static registry_rc_e registry_v2_patch_allowed(
    const registry_v2_formats_t *formats, registry_v2_op_t *op,
    registry_err_t *err);
static bool registry_v2_blank(unsigned char c);
static bool registry_v2_token(registry_pool_t *pool, glance_str_t text,
    glance_str_t *token);


static const char *const  registry_v2_ops[] = {
    [REGISTRY_V2_ADD] = "add",
    [REGISTRY_V2_REPLACE] = "replace",
    [REGISTRY_V2_REMOVE] = "remove"
};


registry_v2_patch_e
registry_v2_patch_type(glance_str_t content_type)
{
    size_t        i;
    glance_str_t  type;

    for (i = 0; i < content_type.len && content_type.data[i] != ';'; i++) {
        /* void */
    }

    type.data = content_type.data;
    type.len = i;
    type = glance_str_trim(type);

    if (glance_str_case_eq(type, glance_str("application/openstack-images-"
                                            "v2.1-json-patch")))
    {
        return REGISTRY_V2_PATCH_21;
    }

    if (glance_str_case_eq(type, glance_str("application/openstack-images-"
                                            "v2.0-json-patch")))
    {
        return REGISTRY_V2_PATCH_20;
    }

    return REGISTRY_V2_PATCH_NONE;
}


registry_rc_e
registry_v2_patch_parse(registry_pool_t *pool, json_t *document,
    registry_v2_patch_e type, const registry_v2_formats_t *formats,
    registry_v2_op_t **ops, registry_err_t *err)
{
    size_t              i;
    json_t             *item;
    registry_rc_e       rc;
    registry_v2_op_t   *op, **tail;

    *ops = NULL;
    tail = ops;

    if (!json_is_array(document)) {
        return registry_err_set(err, REGISTRY_INVALID, "Request body must be "
                                "a JSON array of operation objects.");
    }

    json_array_foreach(document, i, item) {

        if (!json_is_object(item)) {
            return registry_err_set(err, REGISTRY_INVALID,
                                    "Operations must be JSON objects.");
        }

        op = registry_pool_calloc(pool, 1, sizeof(registry_v2_op_t));

        if (op == NULL) {
            return registry_json_memory(err);
        }

        op->index = i;

        rc = registry_v2_patch_op(pool, item, type, op, err);

        if (rc == REGISTRY_OK) {
            rc = registry_v2_patch_allowed(formats, op, err);
        }

        if (rc != REGISTRY_OK) {
            return rc;
        }

        *tail = op;
        tail = &op->next;
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_patch_op(registry_pool_t *pool, json_t *item,
    registry_v2_patch_e type, registry_v2_op_t *op, registry_err_t *err)
{
    json_t                *path;
    glance_str_t           text;
    registry_rc_e          rc;
    registry_v2_pointer_t  pointer;

    path = NULL;
    rc = (type == REGISTRY_V2_PATCH_20)
         ? registry_v2_patch_op_20(item, op, &path, err)
         : registry_v2_patch_op_21(item, op, &path, err);

    if (rc == REGISTRY_OK) {
        rc = registry_v2_patch_pointer(pool, path, &pointer, err);
    }

    if (rc != REGISTRY_OK) {
        return rc;
    }

    text = registry_json_slice(path);

    rc = registry_v2_patch_depth(op, &pointer, text, err);

    if (rc != REGISTRY_OK || op->op == REGISTRY_V2_REMOVE) {
        return rc;
    }

    op->value = json_object_get(item, "value");

    if (op->value == NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "Operation \"%s\" "
                                "requires a member named \"value\".",
                                registry_v2_ops[op->op]);
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_patch_op_20(json_t *item, registry_v2_op_t *op, json_t **path,
    registry_err_t *err)
{
    size_t   found;
    json_t  *value;

    found = 0;

    for (int i = REGISTRY_V2_ADD; i <= REGISTRY_V2_REMOVE; i++) {

        value = json_object_get(item, registry_v2_ops[i]);

        if (value != NULL) {
            op->op = (registry_v2_op_e) i;
            *path = value;
            found++;
        }
    }

    if (found == 1) {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_INVALID, "Operation objects must "
                            "contain %s one member named \"add\", "
                            "\"remove\", or \"replace\".",
                            (found == 0) ? "exactly" : "only");
}


static registry_rc_e
registry_v2_patch_op_21(json_t *item, registry_v2_op_t *op, json_t **path,
    registry_err_t *err)
{
    int            i;
    json_t        *value;
    glance_str_t   word;

    value = json_object_get(item, "op");

    if (value == NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "Unable to find `op` "
                                "in JSON Schema change. It must be one of "
                                "the following: add, remove, replace.");
    }

    word = registry_json_slice(value);

    for (i = REGISTRY_V2_ADD; i <= REGISTRY_V2_REMOVE; i++) {

        if (word.data != NULL
            && glance_str_eq(word, glance_str(registry_v2_ops[i])))
        {
            break;
        }
    }

    if (i > REGISTRY_V2_REMOVE) {
        return registry_err_set(err, REGISTRY_INVALID, "Invalid operation: "
                                "`%.*s`. It must be one of the following: "
                                "add, remove, replace.",
                                registry_v2_clip(word),
                                (word.data == NULL)
                                ? "" : (const char *) word.data);
    }

    op->op = (registry_v2_op_e) i;
    *path = json_object_get(item, "path");

    if (*path == NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "Unable to find "
                                "'path' in JSON Schema change");
    }

    return REGISTRY_OK;
}


static registry_rc_e
registry_v2_patch_pointer(registry_pool_t *pool, json_t *path,
    registry_v2_pointer_t *pointer, registry_err_t *err)
{
    const char           *bad;
    glance_str_t          text, token;
    const unsigned char  *p, *end;

    memset(pointer, 0, sizeof(registry_v2_pointer_t));

    if (!json_is_string(path)) {
        return registry_err_set(err, REGISTRY_INVALID,
                                "The path of an operation must be a string.");
    }

    text = registry_json_slice(path);

    bad = registry_v2_pointer_check(text);

    if (bad != NULL) {
        return registry_err_set(err, REGISTRY_INVALID, "Pointer `%.*s` %s.",
                                registry_v2_clip(text),
                                (const char *) text.data, bad);
    }

    p = text.data;
    end = text.data + text.len;

    /* a second slash at the start is forgiven */

    while (p < end && *p == '/') {
        p++;
    }

    for ( ;; ) {
        token.data = p;

        while (p < end && *p != '/') {
            p++;
        }

        token.len = (size_t) (p - token.data);

        if (!registry_v2_token(pool, token, &pointer->tokens[pointer->n++])) {
            return registry_json_memory(err);
        }

        if (p == end || pointer->n == REGISTRY_V2_DEEPER) {
            return REGISTRY_OK;
        }

        p++;
    }
}


/* what is wrong with it, if anything */

static const char *
registry_v2_pointer_check(glance_str_t text)
{
    size_t  i, next;

    if (text.len == 0 || text.data[0] != '/') {
        return "does not start with \"/\"";
    }

    for (i = 1; i < text.len; i++) {

        if (text.data[i] != '/') {
            continue;
        }

        for (next = i + 1;
             next < text.len && registry_v2_blank(text.data[next]);
             next++)
        {
            /* void */
        }

        if (next < text.len && text.data[next] == '/') {
            return "contains adjacent \"/\"";
        }
    }

    if (text.len > 1 && text.data[text.len - 1] == '/') {
        return "ends with \"/\"";
    }

    for (i = 1; i < text.len; i++) {

        if (text.data[i] == '~'
            && (i + 1 == text.len
                || (text.data[i + 1] != '0' && text.data[i + 1] != '1')))
        {
            return "contains \"~\" that is not part of a recognized escape "
                   "sequence";
        }
    }

    return NULL;
}


/* everything is at depth 1, but single locations */

static registry_rc_e
registry_v2_patch_depth(registry_v2_op_t *op,
    const registry_v2_pointer_t *pointer, glance_str_t text,
    registry_err_t *err)
{
    size_t  depth;

    op->name = pointer->tokens[0];
    op->access = registry_v2_access(op->name, REGISTRY_V2_PATCH);

    depth = 1;

    if (op->op != REGISTRY_V2_REPLACE
        && glance_str_eq(op->name, glance_str("locations")))
    {
        depth = REGISTRY_V2_DEPTH;
        op->position = pointer->tokens[1];
    }

    if (pointer->n == depth) {
        return REGISTRY_OK;
    }

    return registry_err_set(err, REGISTRY_INVALID, "Invalid JSON pointer for "
                            "this resource: '%.*s'",
                            registry_v2_clip(text),
                            (const char *) text.data);
}


static registry_rc_e
registry_v2_patch_allowed(const registry_v2_formats_t *formats,
    registry_v2_op_t *op, registry_err_t *err)
{
    json_t         *list;
    registry_rc_e   rc;

    /*
     * The stores of an image are no attribute that could be written: there
     * is nothing to replace or to remove.
     */

    if (op->access == REGISTRY_V2_READ_ONLY
        && op->op != REGISTRY_V2_ADD
        && glance_str_eq(op->name, glance_str("stores")))
    {
        return REGISTRY_OK;
    }

    rc = registry_v2_refuse(op->name, op->access, err);

    if (rc != REGISTRY_OK || op->op == REGISTRY_V2_REMOVE) {
        return rc;
    }

    if (op->position.data == NULL) {
        return registry_v2_check(formats, op->name, op->value, err);
    }

    list = json_array();

    if (list == NULL || json_array_append(list, op->value) != 0) {
        json_decref(list);
        return registry_json_memory(err);
    }

    rc = registry_v2_check(formats, op->name, list, err);

    json_decref(list);

    return rc;
}


static bool
registry_v2_blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}


/* without blanks around it and without escapes */

static bool
registry_v2_token(registry_pool_t *pool, glance_str_t text,
    glance_str_t *token)
{
    size_t          len;
    unsigned char  *p;

    while (text.len > 0 && registry_v2_blank(text.data[0])) {
        text.data++;
        text.len--;
    }

    while (text.len > 0 && registry_v2_blank(text.data[text.len - 1])) {
        text.len--;
    }

    p = registry_pool_alloc(pool, text.len + 1);

    if (p == NULL) {
        return false;
    }

    len = 0;

    for (size_t i = 0; i < text.len; i++) {

        if (text.data[i] == '~') {
            i++;
            p[len++] = (text.data[i] == '1') ? '/' : '~';
            continue;
        }

        p[len++] = text.data[i];
    }

    p[len] = '\0';
    token->data = p;
    token->len = len;

    return true;
}
