
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_image.h"

#include "tap.h"


typedef struct {
    const char     *property;
    const char     *disk_format;
    const char     *container_format;
    glance_type_e   type;
} test_type_t;


typedef struct {
    const char  *text;
    bool         valid;
} test_id_t;


static const test_type_t  test_types[] = {
    { "",        "",      "",     GLANCE_TYPE_RAW },
    { "",        "aki",   "aki",  GLANCE_TYPE_KERNEL },
    { "",        "ari",   "ari",  GLANCE_TYPE_RAMDISK },
    { "",        "ami",   "ami",  GLANCE_TYPE_MACHINE },
    { "",        "vhd",   "ovf",  GLANCE_TYPE_VHD },
    { "",        "vhd",   "bare", GLANCE_TYPE_VHD },
    { "",        "vhd",   "",     GLANCE_TYPE_VHD },
    { "",        "raw",   "bare", GLANCE_TYPE_RAW },
    { "",        "qcow2", "bare", GLANCE_TYPE_RAW },
    { "",        "vhdx",  "bare", GLANCE_TYPE_RAW },
    { "",        "iso",   "ovf",  GLANCE_TYPE_RAW },
    { "",        "",      "aki",  GLANCE_TYPE_KERNEL },
    { "",        "",      "ovf",  GLANCE_TYPE_RAW },
    { "",        "",      "bare", GLANCE_TYPE_RAW },
    { "",        "nope",  "nope", GLANCE_TYPE_RAW },
    { "machine", "raw",   "bare", GLANCE_TYPE_MACHINE },
    { "raw",     "ami",   "ami",  GLANCE_TYPE_RAW },
    { "kernel",  "",      "",     GLANCE_TYPE_KERNEL },
    { "vhd",     "",      "",     GLANCE_TYPE_VHD },
    { "Kernel",  "ami",   "ami",  GLANCE_TYPE_MACHINE },
    { "other",   "ari",   "ari",  GLANCE_TYPE_RAMDISK },
    { "unknown", "",      "",     GLANCE_TYPE_RAW }
};


static const test_id_t  test_ids[] = {
    { "1", true },
    { "0", true },
    { "10", true },
    { "9223372036854775807", true },
    { "9223372036854775808", false },
    { "99999999999999999999999999999999999", false },
    { "01", false },
    { "00", false },
    { "-1", false },
    { "+1", false },
    { "1.0", false },
    { " 1", false },
    { "1 ", false },
    { "0x1", false },
    { "", false },
    { ".", false },
    { "..", false },
    { "a", false },
    { "1/2", false },
    { "../1", false },
    { "1%2f", false },
    { "71c675ab-d94f-49cd-a114-e12490b328d9", true },
    { "71C675AB-D94F-49CD-A114-E12490B328D9", true },
    { "71c675abd94f49cda114e12490b328d9", false },
    { "71c675ab-d94f-49cd-a114-e12490b328d9/", false },
    { "71c675ab-d94f-49cd-a114-e12490b328d", false },
    { "71c675ab-d94f-49cd-a114-e12490b328dg", false },
    { "\xd9\xa1", false }
};


static void
test_status(void)
{
    unsigned             i;
    static const char  *words[] = {
        "unknown", "queued", "saving", "uploading", "importing", "active",
        "killed", "deactivated", "pending_delete", "deleted"
    };

    for (i = 1; i < tap_n(words); i++) {
        ok(glance_status_parse(glance_str(words[i])) == (glance_status_e) i,
           "status \"%s\"", words[i]);
        is(glance_str(glance_status_name((glance_status_e) i)), words[i],
           "and its name");
    }

    ok(glance_status_parse(glance_str("")) == GLANCE_STATUS_UNKNOWN,
       "empty status");
    ok(glance_status_parse(glance_str("Active")) == GLANCE_STATUS_UNKNOWN,
       "status in the wrong case");
    ok(glance_status_parse(glance_str("unknown")) == GLANCE_STATUS_UNKNOWN,
       "\"unknown\" is no status");
    ok(glance_status_parse(glance_str("available")) == GLANCE_STATUS_UNKNOWN,
       "\"available\" is no status");
    is(glance_str(glance_status_name((glance_status_e) 99)), "unknown",
       "name of a status out of range");
}


static void
test_type(void)
{
    size_t  i;

    static const struct {
        glance_type_e  type;
        const char    *name;
        const char    *disk;
        const char    *container;
    } cases[] = {
        { GLANCE_TYPE_KERNEL,  "kernel",  "aki", "aki" },
        { GLANCE_TYPE_RAMDISK, "ramdisk", "ari", "ari" },
        { GLANCE_TYPE_MACHINE, "machine", "ami", "ami" },
        { GLANCE_TYPE_RAW,     "raw",     "raw", "bare" },
        { GLANCE_TYPE_VHD,     "vhd",     "vhd", "ovf" }
    };

    for (i = 0; i < tap_n(cases); i++) {
        ok(glance_type_parse(glance_str(cases[i].name)) == cases[i].type,
           "type \"%s\"", cases[i].name);
        is(glance_str(glance_type_name(cases[i].type)), cases[i].name,
           "its name");
        is(glance_str(glance_type_disk_format(cases[i].type)), cases[i].disk,
           "its disk format");
        is(glance_str(glance_type_container_format(cases[i].type)),
           cases[i].container, "its container format");

        ok(glance_type_of(glance_str(""), glance_str(cases[i].disk),
                          glance_str(cases[i].container))
           == cases[i].type,
           "and back from the formats");
    }

    ok(glance_type_parse(glance_str("Machine")) == GLANCE_TYPE_UNKNOWN,
       "type in the wrong case");
    ok(glance_type_parse(glance_str("unknown")) == GLANCE_TYPE_UNKNOWN,
       "\"unknown\" is no type");
    ok(glance_type_parse(glance_str("")) == GLANCE_TYPE_UNKNOWN,
       "empty type");
    ok(glance_type_disk_format(GLANCE_TYPE_UNKNOWN) == NULL
       && glance_type_container_format(GLANCE_TYPE_UNKNOWN) == NULL,
       "an unknown type has no formats");
    ok(glance_type_disk_format((glance_type_e) 99) == NULL
       && glance_type_container_format((glance_type_e) 99) == NULL,
       "nor has a type out of range");

    for (i = 0; i < tap_n(test_types); i++) {
        ok(glance_type_of(glance_str(test_types[i].property),
                          glance_str(test_types[i].disk_format),
                          glance_str(test_types[i].container_format))
           == test_types[i].type,
           "property \"%s\", formats \"%s\" \"%s\": %s",
           test_types[i].property, test_types[i].disk_format,
           test_types[i].container_format,
           glance_type_name(test_types[i].type));
    }
}


static void
test_words(void)
{
    size_t              i;
    static const char  *disk[] = {
        "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi",
        "iso", "ploop"
    };
    static const char  *container[] = {
        "ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"
    };
    static const char  *visibility[] = {
        "public", "private", "shared", "community"
    };

    for (i = 0; i < tap_n(disk); i++) {
        ok(glance_disk_format_valid(glance_str(disk[i])),
           "disk format \"%s\"", disk[i]);
    }

    for (i = 0; i < tap_n(container); i++) {
        ok(glance_container_format_valid(glance_str(container[i])),
           "container format \"%s\"", container[i]);
    }

    for (i = 0; i < tap_n(visibility); i++) {
        ok(glance_visibility_valid(glance_str(visibility[i])),
           "visibility \"%s\"", visibility[i]);
    }

    ok(!glance_disk_format_valid(glance_str("")), "empty disk format");
    ok(!glance_disk_format_valid(glance_str("RAW")), "RAW");
    ok(!glance_disk_format_valid(glance_str("raw ")), "\"raw \"");
    ok(!glance_disk_format_valid(glance_str("bare")), "bare is no disk");
    ok(!glance_container_format_valid(glance_str("")), "empty container");
    ok(!glance_container_format_valid(glance_str("raw")),
       "raw is no container");
    ok(!glance_visibility_valid(glance_str("")), "empty visibility");
    ok(!glance_visibility_valid(glance_str("Public")), "Public");
}


int
main(void)
{
    size_t        i;
    glance_str_t  s;

    test_status();
    test_type();
    test_words();

    for (i = 0; i < tap_n(test_ids); i++) {
        ok(glance_image_id_valid(glance_str(test_ids[i].text))
           == test_ids[i].valid,
           "id \"%s\" is %s", test_ids[i].text,
           test_ids[i].valid ? "valid" : "not valid");
    }

    s.len = 2;
    s.data = (const unsigned char *) "1\0";

    ok(!glance_image_id_valid(s), "id with NUL");

    return tap_done();
}
