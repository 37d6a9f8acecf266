
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_image.h"
#include "glance_uuid.h"


typedef struct {
    glance_str_t  name;
    const char   *disk_format;
    const char   *container_format;
} glance_image_type_t;


static bool glance_image_word(const glance_str_t *words, glance_str_t s);


/* in the order of glance_status_e */

static const glance_str_t  glance_statuses[] = {
    glance_string("unknown"),
    glance_string("queued"),
    glance_string("saving"),
    glance_string("uploading"),
    glance_string("importing"),
    glance_string("active"),
    glance_string("killed"),
    glance_string("deactivated"),
    glance_string("pending_delete"),
    glance_string("deleted")
};


/* in the order of glance_type_e */

static const glance_image_type_t  glance_types[] = {
    { glance_string("unknown"), NULL,  NULL },
    { glance_string("kernel"),  "aki", "aki" },
    { glance_string("ramdisk"), "ari", "ari" },
    { glance_string("machine"), "ami", "ami" },
    { glance_string("raw"),     "raw", "bare" },
    { glance_string("vhd"),     "vhd", "ovf" }
};


static const glance_str_t  glance_disk_formats[] = {
    glance_string("ami"),
    glance_string("ari"),
    glance_string("aki"),
    glance_string("vhd"),
    glance_string("vhdx"),
    glance_string("vmdk"),
    glance_string("raw"),
    glance_string("qcow2"),
    glance_string("vdi"),
    glance_string("iso"),
    glance_string("ploop"),
    glance_null_string
};


static const glance_str_t  glance_container_formats[] = {
    glance_string("ami"),
    glance_string("ari"),
    glance_string("aki"),
    glance_string("bare"),
    glance_string("ovf"),
    glance_string("ova"),
    glance_string("docker"),
    glance_string("compressed"),
    glance_null_string
};


static const glance_str_t  glance_visibilities[] = {
    glance_string("public"),
    glance_string("private"),
    glance_string("shared"),
    glance_string("community"),
    glance_null_string
};


glance_status_e
glance_status_parse(glance_str_t s)
{
    unsigned  i;

    for (i = GLANCE_STATUS_QUEUED; i <= GLANCE_STATUS_DELETED; i++) {
        if (glance_str_eq(s, glance_statuses[i])) {
            return (glance_status_e) i;
        }
    }

    return GLANCE_STATUS_UNKNOWN;
}


const char *
glance_status_name(glance_status_e status)
{
    if ((unsigned) status > GLANCE_STATUS_DELETED) {
        status = GLANCE_STATUS_UNKNOWN;
    }

    return (const char *) glance_statuses[status].data;
}


glance_type_e
glance_type_parse(glance_str_t s)
{
    unsigned  i;

    for (i = GLANCE_TYPE_KERNEL; i <= GLANCE_TYPE_VHD; i++) {
        if (glance_str_eq(s, glance_types[i].name)) {
            return (glance_type_e) i;
        }
    }

    return GLANCE_TYPE_UNKNOWN;
}


const char *
glance_type_name(glance_type_e type)
{
    if ((unsigned) type > GLANCE_TYPE_VHD) {
        type = GLANCE_TYPE_UNKNOWN;
    }

    return (const char *) glance_types[type].name.data;
}


/* both formats of an unknown type are NULL */

const char *
glance_type_disk_format(glance_type_e type)
{
    if ((unsigned) type > GLANCE_TYPE_VHD) {
        type = GLANCE_TYPE_UNKNOWN;
    }

    return glance_types[type].disk_format;
}


const char *
glance_type_container_format(glance_type_e type)
{
    if ((unsigned) type > GLANCE_TYPE_VHD) {
        type = GLANCE_TYPE_UNKNOWN;
    }

    return glance_types[type].container_format;
}


glance_type_e
glance_type_of(glance_str_t property, glance_str_t disk_format,
    glance_str_t container_format)
{
    unsigned       i;
    glance_str_t   format;
    glance_type_e  type;

    type = glance_type_parse(property);

    if (type != GLANCE_TYPE_UNKNOWN) {
        return type;
    }

    /* the container decides only where nothing is known of the disk */

    format = (disk_format.len > 0) ? disk_format : container_format;

    for (i = GLANCE_TYPE_KERNEL; i <= GLANCE_TYPE_VHD; i++) {
        if (glance_str_eq(format, glance_str(glance_types[i].disk_format))) {
            return (glance_type_e) i;
        }
    }

    return GLANCE_TYPE_RAW;
}


bool
glance_disk_format_valid(glance_str_t s)
{
    return glance_image_word(glance_disk_formats, s);
}


bool
glance_container_format_valid(glance_str_t s)
{
    return glance_image_word(glance_container_formats, s);
}


bool
glance_visibility_valid(glance_str_t s)
{
    return glance_image_word(glance_visibilities, s);
}


bool
glance_image_id_valid(glance_str_t s)
{
    uint64_t  n;

    if (glance_uuid_valid(s)) {
        return true;
    }

    if (!glance_str_u64(s, INT64_MAX, &n)) {
        return false;
    }

    return s.len == 1 || s.data[0] != '0';
}


static bool
glance_image_word(const glance_str_t *words, glance_str_t s)
{
    const glance_str_t  *word;

    for (word = words; word->len > 0; word++) {
        if (glance_str_eq(s, *word)) {
            return true;
        }
    }

    return false;
}
