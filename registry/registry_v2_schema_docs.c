
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_v2_schema_docs.h"

#include <string.h>


/*
 * The schemas of what is not served yet, but whose schemas clients ask for:
 * glance fetches some of them whatever it is told to do.  In here an
 * apostrophe stands for a quotation mark.
 */

#define REGISTRY_DOC_STRING     "{'type': 'string'}"
#define REGISTRY_DOC_READ_ONLY  "{'readOnly': true, 'type': 'string'}"
#define REGISTRY_DOC_NAME       "{'type': 'string', 'maxLength': 80}"
#define REGISTRY_DOC_LIST       "{'type': 'array', 'items': "
#define REGISTRY_DOC_REF(name)  "{'$ref': '#/definitions/" name "'}"

#define REGISTRY_DOC_UUID                                                     \
    "'pattern': '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}"         \
    "-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'"

#define REGISTRY_DOC_TIME(what)                                               \
    "{'type': 'string', 'readOnly': true, 'description': '" what " (UTC)', "  \
    "'format': 'date-time'}"

#define REGISTRY_DOC_TIMES                                                    \
    "'created_at': " REGISTRY_DOC_TIME("When it was defined") ", "            \
    "'updated_at': " REGISTRY_DOC_TIME("When it was last changed")

#define REGISTRY_DOC_SELF                                                     \
    "'schema': " REGISTRY_DOC_READ_ONLY ", "                                  \
    "'self': " REGISTRY_DOC_READ_ONLY

#define REGISTRY_DOC_LINK(rel, key)                                           \
    "{'rel': '" rel "', 'href': '{" key "}'}"

/* what follows the items of a page */

#define REGISTRY_DOC_PAGE                                                     \
    ", 'first': " REGISTRY_DOC_STRING ", 'next': " REGISTRY_DOC_STRING        \
    ", 'schema': " REGISTRY_DOC_STRING "}, 'links': ["                        \
    REGISTRY_DOC_LINK("first", "first") ", "                                  \
    REGISTRY_DOC_LINK("next", "next") ", "                                    \
    REGISTRY_DOC_LINK("describedby", "schema") "]"

#define REGISTRY_DOC_TYPE                                                     \
    "{'type': 'string', 'enum': ['array', 'boolean', 'integer', 'number', "   \
    "'object', 'string', null]}"

#define REGISTRY_DOC_CLOSED  "'additionalProperties': false"


static void registry_v2_schema_doc_text(registry_out_t *out,
    const char *text);


/* what a property that images may have is defined by */

static const char  registry_doc_fields[] =
    "'name': " REGISTRY_DOC_NAME ", "
    "'title': " REGISTRY_DOC_STRING ", "
    "'description': " REGISTRY_DOC_STRING ", "
    "'operators': " REGISTRY_DOC_LIST REGISTRY_DOC_STRING "}, "
    "'type': " REGISTRY_DOC_TYPE ", "
    "'required': " REGISTRY_DOC_REF("stringArray") ", "
    "'minimum': {'type': 'number'}, "
    "'maximum': {'type': 'number'}, "
    "'maxLength': " REGISTRY_DOC_REF("positiveInteger") ", "
    "'minLength': " REGISTRY_DOC_REF("positiveIntegerDefault0") ", "
    "'pattern': {'type': 'string', 'format': 'regex'}, "
    "'enum': {'type': 'array'}, "
    "'readonly': {'type': 'boolean'}, "
    "'default': {}, "
    "'items': {'type': 'object', 'properties': {"
        "'type': " REGISTRY_DOC_TYPE ", 'enum': {'type': 'array'}}}, "
    "'maxItems': " REGISTRY_DOC_REF("positiveInteger") ", "
    "'minItems': " REGISTRY_DOC_REF("positiveIntegerDefault0") ", "
    "'uniqueItems': {'type': 'boolean', 'default': false}, "
    "'additionalItems': {'type': 'boolean'}";

static const char  registry_doc_numbers[] =
    ", 'definitions': {"
    "'positiveInteger': {'type': 'integer', 'minimum': 0}, "
    "'positiveIntegerDefault0': {'allOf': ["
        REGISTRY_DOC_REF("positiveInteger") ", {'default': 0}]}, "
    "'stringArray': " REGISTRY_DOC_LIST REGISTRY_DOC_STRING ", ";

static const char  registry_doc_unique[] = "'uniqueItems': true}";

static const char  registry_doc_some[] =
    "'minItems': 1, 'uniqueItems': true}}";

static const char  registry_doc_defined[] =
    ", 'property': {'type': 'object', 'additionalProperties': {"
    "'type': 'object', 'required': ['title', 'type'], 'properties': {";

static const char  registry_doc_end[] = "}}}}";


static const char  registry_doc_namespace[] =
    "{'name': 'namespace', 'properties': {"
    "'namespace': {'type': 'string', 'description': 'The name, which no "
        "other namespace has', 'maxLength': 80}, "
    "'display_name': {'type': 'string', 'description': 'What people call "
        "it', 'maxLength': 80}, "
    "'description': {'type': 'string', 'description': 'What people should "
        "know of it', 'maxLength': 500}, "
    "'visibility': {'type': 'string', 'description': 'Whether other projects "
        "see it', 'enum': ['public', 'private']}, "
    "'protected': {'type': 'boolean', 'description': 'Whether it is safe "
        "from being deleted'}, "
    "'owner': {'type': 'string', 'description': 'The project that it belongs "
        "to', 'maxLength': 255}, "
    REGISTRY_DOC_TIMES ", " REGISTRY_DOC_SELF ", "
    "'resource_type_associations': " REGISTRY_DOC_LIST
        "{'type': 'object', 'properties': {'name': " REGISTRY_DOC_STRING ", "
        "'prefix': " REGISTRY_DOC_STRING ", "
        "'properties_target': " REGISTRY_DOC_STRING "}}}, "
    "'properties': " REGISTRY_DOC_REF("property") ", "
    "'objects': " REGISTRY_DOC_LIST "{'type': 'object', 'properties': {"
        "'name': " REGISTRY_DOC_STRING ", "
        "'description': " REGISTRY_DOC_STRING ", "
        "'required': " REGISTRY_DOC_REF("stringArray") ", "
        "'properties': " REGISTRY_DOC_REF("property") "}}}, "
    "'tags': " REGISTRY_DOC_LIST "{'type': 'object', 'properties': {"
        "'name': " REGISTRY_DOC_STRING "}}}}, "
    REGISTRY_DOC_CLOSED;

static const char  registry_doc_object[] =
    "{'name': 'object', 'properties': {'name': " REGISTRY_DOC_NAME ", "
    "'description': " REGISTRY_DOC_STRING ", "
    "'required': " REGISTRY_DOC_REF("stringArray") ", "
    "'properties': " REGISTRY_DOC_REF("property") ", "
    REGISTRY_DOC_SELF ", " REGISTRY_DOC_TIMES "}, " REGISTRY_DOC_CLOSED;

static const char  registry_doc_property[] =
    "{'name': 'property', 'properties': {";

static const char  registry_doc_tag[] =
    "{'name': 'tag', 'properties': {'name': " REGISTRY_DOC_NAME ", "
    REGISTRY_DOC_TIMES "}, " REGISTRY_DOC_CLOSED ", 'required': ['name']}";

static const char  registry_doc_resource_type[] =
    "{'name': 'resource_type_association', 'properties': {"
    "'name': {'type': 'string', 'description': 'A kind of resource, by the "
        "name that Heat has for it', 'maxLength': 80}, "
    "'prefix': {'type': 'string', 'description': 'What the names of the "
        "properties of the namespace begin with there, with its separator', "
        "'maxLength': 80}, "
    "'properties_target': {'type': 'string', 'description': 'Which "
        "properties of such a resource, if it has several kinds', "
        "'maxLength': 80}, "
    REGISTRY_DOC_TIMES "}, " REGISTRY_DOC_CLOSED ", 'required': ['name']}";

static const char  registry_doc_named[] = ", 'required': ['name']}";

static const char  registry_doc_task[] =
    "{'name': 'task', 'properties': {"
    "'id': {'description': 'The identifier of the task, a UUID', "
        REGISTRY_DOC_UUID ", 'type': 'string'}, "
    "'type': {'description': 'What the task does', 'enum': ['import', "
        "'api_image_import', 'location_import'], 'type': 'string'}, "
    "'status': {'description': 'How far it is', 'enum': ['pending', "
        "'processing', 'success', 'failure'], 'type': 'string'}, ";

static const char  registry_doc_task_info[] =
    "'input': {'description': 'What it was given', "
        "'type': ['null', 'object']}, "
    "'result': {'description': 'What came of it', "
        "'type': ['null', 'object']}, "
    "'message': {'description': 'What people should know of its end', "
        "'type': 'string'}, ";

static const char  registry_doc_task_rest[] =
    "'owner': {'description': 'The project that it belongs to', "
        "'type': 'string'}, "
    "'image_id': {'description': 'The image that it is for', "
        "'type': 'string'}, "
    "'request_id': {'description': 'The request that it came by', "
        "'type': 'string'}, "
    "'user_id': {'description': 'The user whose request that was', "
        "'type': 'string'}, "
    "'expires_at': {'description': 'When it will be forgotten (UTC)', "
        "'type': ['null', 'string']}, "
    "'created_at': {'description': 'When it was made (UTC)', "
        "'type': 'string'}, "
    "'updated_at': {'description': 'When it was last changed (UTC)', "
        "'type': 'string'}, "
    "'self': " REGISTRY_DOC_READ_ONLY ", 'schema': " REGISTRY_DOC_READ_ONLY
    "}}";


#define REGISTRY_DOC_DEFINITIONS                                              \
    registry_doc_numbers, registry_doc_unique, registry_doc_defined,          \
    registry_doc_fields, registry_doc_end

typedef struct {
    const char  *name;
    const char  *parts[12];
} registry_v2_schema_doc_t;


static const registry_v2_schema_doc_t  registry_v2_schema_docs[] = {

    { "task", { registry_doc_task, registry_doc_task_info,
                registry_doc_task_rest } },

    { "tasks", {
        "{'name': 'tasks', 'properties': {'tasks': " REGISTRY_DOC_LIST,
        registry_doc_task, registry_doc_task_rest,
        "}, 'schema': " REGISTRY_DOC_STRING "}, 'links': ["
        REGISTRY_DOC_LINK("describedby", "schema") "]}" } },

    { "metadefs/namespace", {
        registry_doc_namespace, REGISTRY_DOC_DEFINITIONS,
        ", 'required': ['namespace']}" } },

    { "metadefs/namespaces", {
        "{'name': 'namespaces', 'properties': {'namespaces': "
        REGISTRY_DOC_LIST, registry_doc_namespace,
        ", 'required': ['namespace']}}", REGISTRY_DOC_PAGE,
        REGISTRY_DOC_DEFINITIONS, "}" } },

    { "metadefs/object", {
        registry_doc_object, REGISTRY_DOC_DEFINITIONS, registry_doc_named } },

    { "metadefs/objects", {
        "{'name': 'objects', 'properties': {'objects': " REGISTRY_DOC_LIST,
        registry_doc_object, registry_doc_named, "}", REGISTRY_DOC_PAGE,
        REGISTRY_DOC_DEFINITIONS, "}" } },

    { "metadefs/property", {
        registry_doc_property, registry_doc_fields,
        "}, " REGISTRY_DOC_CLOSED, registry_doc_numbers, registry_doc_some,
        ", 'required': ['type', 'title', 'name']}" } },

    { "metadefs/properties", {
        "{'name': 'properties', 'properties': {'properties': {"
        "'type': 'object', 'additionalProperties': ", registry_doc_property,
        registry_doc_fields, "}, " REGISTRY_DOC_CLOSED
        ", 'required': ['type', 'title']}}", REGISTRY_DOC_PAGE,
        registry_doc_numbers, registry_doc_some, "}" } },

    { "metadefs/tag", { registry_doc_tag } },

    { "metadefs/tags", {
        "{'name': 'tags', 'properties': {'tags': " REGISTRY_DOC_LIST,
        registry_doc_tag, "}", REGISTRY_DOC_PAGE, "}" } },

    { "metadefs/resource_type", { registry_doc_resource_type } },

    { "metadefs/resource_types", {
        "{'name': 'resource_type_associations', 'properties': {"
        "'resource_type_associations': " REGISTRY_DOC_LIST,
        registry_doc_resource_type, "}", REGISTRY_DOC_PAGE, "}" } }
};


bool
registry_v2_schema_doc(registry_out_t *out, const char *group,
    glance_str_t name)
{
    size_t                           len;
    const registry_v2_schema_doc_t  *doc;

    len = strlen(group);

    for (size_t i = 0; i < sizeof(registry_v2_schema_docs)
                           / sizeof(registry_v2_schema_docs[0]); i++)
    {
        doc = &registry_v2_schema_docs[i];

        if (strncmp(doc->name, group, len) != 0
            || !glance_str_eq(name, glance_str(doc->name + len)))
        {
            continue;
        }

        for (size_t n = 0; n < sizeof(doc->parts) / sizeof(doc->parts[0])
                           && doc->parts[n] != NULL; n++)
        {
            registry_v2_schema_doc_text(out, doc->parts[n]);
        }

        return true;
    }

    return false;
}


static void
registry_v2_schema_doc_text(registry_out_t *out, const char *text)
{
    size_t        len;
    glance_str_t  s;

    for ( ;; ) {
        len = strcspn(text, "'");

        s.data = (const unsigned char *) text;
        s.len = len;

        registry_out_put(out, s);

        if (text[len] == '\0') {
            return;
        }

        registry_out_text(out, "\"");
        text += len + 1;
    }
}
