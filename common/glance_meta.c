
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_meta.h"


static bool glance_meta_token_char(unsigned char c);


static const glance_str_t  glance_meta_prefix = glance_string("x-image-meta-");
static const glance_str_t  glance_meta_property = glance_string("property_");


/* in the order of glance_meta_e, the words as they are after the prefix */

static const glance_str_t  glance_meta_fields[] = {
    glance_null_string,             /* GLANCE_META_NONE */
    glance_null_string,             /* GLANCE_META_UNKNOWN */
    glance_null_string,             /* GLANCE_META_PROPERTY */
    glance_string("id"),
    glance_string("uri"),
    glance_string("name"),
    glance_string("type"),
    glance_string("size"),
    glance_string("store"),
    glance_string("location"),
    glance_string("copy_from"),
    glance_string("status"),
    glance_string("is_public"),
    glance_string("protected"),
    glance_string("owner"),
    glance_string("checksum"),
    glance_string("disk_format"),
    glance_string("container_format"),
    glance_string("min_disk"),
    glance_string("min_ram"),
    glance_string("virtual_size"),
    glance_string("created_at"),
    glance_string("updated_at"),
    glance_string("deleted_at"),
    glance_string("deleted"),
    glance_string("properties")
};


glance_meta_e
glance_meta_field(glance_str_t name, unsigned char *dst, glance_str_t *key)
{
    size_t         i, len;
    unsigned       field;
    glance_str_t   word;
    unsigned char  c;

    key->len = 0;
    key->data = dst;

    if (!glance_str_case_starts(name, glance_meta_prefix)) {
        return GLANCE_META_NONE;
    }

    len = name.len - glance_meta_prefix.len;

    for (i = 0; i < len; i++) {
        c = name.data[glance_meta_prefix.len + i];

        if (c >= 'A' && c <= 'Z') {
            c = (unsigned char) (c | 0x20);

        } else if (c == '-') {
            c = '_';
        }

        dst[i] = c;
    }

    word.len = len;
    word.data = dst;

    if (len > glance_meta_property.len
        && glance_str_case_starts(word, glance_meta_property))
    {
        key->len = len - glance_meta_property.len;
        key->data = dst + glance_meta_property.len;

        return GLANCE_META_PROPERTY;
    }

    for (field = GLANCE_META_ID; field < GLANCE_META_N; field++) {
        if (glance_str_eq(word, glance_meta_fields[field])) {
            return (glance_meta_e) field;
        }
    }

    *key = word;

    return GLANCE_META_UNKNOWN;
}


const char *
glance_meta_name(glance_meta_e field)
{
    if ((unsigned) field >= GLANCE_META_N) {
        return NULL;
    }

    return (const char *) glance_meta_fields[field].data;
}


bool
glance_meta_key_safe(glance_str_t key)
{
    size_t  i;

    for (i = 0; i < key.len; i++) {
        if (!glance_meta_token_char(key.data[i])) {
            return false;
        }
    }

    return key.len > 0;
}


bool
glance_meta_value_safe(glance_str_t value)
{
    size_t  i;

    for (i = 0; i < value.len; i++) {
        if (value.data[i] == '\r'
            || value.data[i] == '\n'
            || value.data[i] == '\0')
        {
            return false;
        }
    }

    return true;
}


static bool
glance_meta_token_char(unsigned char c)
{
    if ((c >= '0' && c <= '9')
        || (c >= 'A' && c <= 'Z')
        || (c >= 'a' && c <= 'z'))
    {
        return true;
    }

    switch (c) {

    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
        return true;

    default:
        return false;
    }
}
