
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>

#include "glance_inspect.h"

#include "tap.h"


#define TEST_MAX       (3 * 1024 * 1024)
#define TEST_MIB       (1024 * 1024)
#define TEST_ACCEPTED  GLANCE_INSPECT_ACCEPTED
#define TEST_WARNED    GLANCE_INSPECT_WARNED
#define TEST_REFUSED   GLANCE_INSPECT_REFUSED


static unsigned char           test_image[TEST_MAX];
static size_t                  test_size;
static glance_inspect_rules_t  test_rules;


/* an image of zeroes */

static void
test_new(size_t size)
{
    memset(test_image, 0, sizeof(test_image));
    test_size = size;
}


static void
test_put(size_t at, const void *data, size_t len)
{
    memcpy(test_image + at, data, len);
}


static void
test_text(size_t at, const char *text)
{
    test_put(at, text, strlen(text));
}


static void
test_be(size_t at, unsigned bytes, uint64_t n)
{
    while (bytes-- > 0) {
        test_image[at + bytes] = (unsigned char) (n & 0xff);
        n >>= 8;
    }
}


static void
test_le(size_t at, unsigned bytes, uint64_t n)
{
    while (bytes-- > 0) {
        test_image[at++] = (unsigned char) (n & 0xff);
        n >>= 8;
    }
}


static void
test_judge(const char *declared, size_t chunk,
    glance_inspect_result_t *result, glance_buf_t *text)
{
    size_t             at, n;
    unsigned char     *copy;
    glance_inspect_t   in;

    glance_inspect_init(&in);

    for (at = 0; at < test_size; at += n) {
        n = (test_size - at < chunk) ? test_size - at : chunk;

        /* what was given before is gone */

        copy = malloc(n);
        memcpy(copy, test_image + at, n);
        glance_inspect_feed(&in, copy, n);
        memset(copy, 0xff, n);
        free(copy);

        glance_inspect_feed(&in, "", 0);
    }

    glance_inspect_judge(&in, &test_rules, glance_str(declared), result,
                         text);
}


/* however the image is cut, the verdict is the same */

static void
test_is(const char *name, const char *declared,
    glance_inspect_verdict_e verdict, glance_inspect_format_e format,
    uint64_t virtual_size, const char *check)
{
    bool                     same;
    char                     first[GLANCE_INSPECT_TEXT];
    char                     mem[GLANCE_INSPECT_TEXT];
    size_t                   i;
    glance_buf_t             text;
    glance_inspect_result_t  r;

    static const size_t  chunks[] = { TEST_MAX, 1, 7, 511, 65536 };

    same = true;
    memset(&r, 0, sizeof(glance_inspect_result_t));
    first[0] = '\0';

    for (i = 0; same && i < tap_n(chunks); i++) {

        if (chunks[i] < 100 && test_size > 200000) {
            continue;       /* not for megabytes */
        }

        glance_buf_init(&text, mem, sizeof(mem) - 1);
        test_judge(declared, chunks[i], &r, &text);
        *text.last = '\0';

        if (i == 0) {
            memcpy(first, mem, sizeof(first));
        }

        same = r.verdict == verdict && r.format == format
               && r.virtual_size == virtual_size && !text.overflow
               && (r.check == NULL) == (check == NULL)
               && (check == NULL || strcmp(r.check, check) == 0)
               && strcmp(mem, first) == 0
               && (mem[0] == '\0') == (verdict == TEST_ACCEPTED);
    }

    if (!ok(same, "%s, declared %s", name, declared)) {
        printf("# chunk %zu: verdict %d, %s, size %llu, check %s, \"%s\"\n",
               chunks[i - 1], (int) r.verdict, glance_inspect_name(r.format),
               (unsigned long long) r.virtual_size,
               (r.check != NULL) ? r.check : "none", mem);
    }
}


/* declared as it is, as raw, and as something else */

static void
test_good(const char *name, glance_inspect_format_e format, uint64_t size)
{
    test_is(name, glance_inspect_name(format), TEST_ACCEPTED, format, size,
            NULL);
    test_is(name, "raw", TEST_ACCEPTED, format, test_size, NULL);
    test_is(name, (format == GLANCE_INSPECT_QCOW2) ? "vmdk" : "qcow2",
            TEST_REFUSED, format, 0, NULL);
    test_is(name, "ami", TEST_REFUSED, format, 0, NULL);
    test_is(name, "QCOW2", TEST_REFUSED, format, 0, NULL);
}


static void
test_bad(const char *name, glance_inspect_format_e format, const char *check)
{
    test_is(name, glance_inspect_name(format), TEST_REFUSED, format, 0,
            check);
    test_is(name, "raw", TEST_REFUSED, format, 0, check);

    test_rules.lenient = true;
    test_is(name, "raw", TEST_REFUSED, format, 0, check);
    test_is(name, "vdi", TEST_REFUSED, format, 0, check);
    test_rules.lenient = false;
}


static void
test_raw(const char *name)
{
    test_is(name, "raw", TEST_ACCEPTED, GLANCE_INSPECT_RAW, test_size, NULL);
    test_is(name, "ami", TEST_ACCEPTED, GLANCE_INSPECT_RAW, 0, NULL);
    test_is(name, "own", TEST_ACCEPTED, GLANCE_INSPECT_RAW, 0, NULL);
    test_is(name, "vhd", TEST_REFUSED, GLANCE_INSPECT_RAW, 0, NULL);
    test_is(name, "qcow2", TEST_REFUSED, GLANCE_INSPECT_RAW, 0, NULL);
}


static void
test_qcow2(unsigned version, size_t size)
{
    test_new(size);
    test_put(0, "QFI\xfb", 4);
    test_be(4, 4, version);
    test_be(20, 4, 16);
    test_be(24, 8, 5 * TEST_MIB);

    if (version == 3) {
        test_be(100, 4, 104);
    }
}


static void
test_qcow2_all(void)
{
    test_qcow2(2, 512);
    test_good("qcow2, version 2", GLANCE_INSPECT_QCOW2, 5 * TEST_MIB);

    test_qcow2(3, 512);
    test_good("qcow2, version 3", GLANCE_INSPECT_QCOW2, 5 * TEST_MIB);

    test_qcow2(3, 511);
    test_raw("qcow2 without its last byte");

    test_qcow2(3, 8);
    test_raw("qcow2's first bytes");

    test_qcow2(3, 600);
    test_be(8, 8, 104);
    test_bad("qcow2 with a backing file", GLANCE_INSPECT_QCOW2,
             "backing_file");

    test_qcow2(3, 600);
    test_be(72, 8, 0x04);
    test_bad("qcow2 with a data file", GLANCE_INSPECT_QCOW2, "data_file");

    test_qcow2(3, 600);
    test_be(72, 8, 0x0b);
    test_good("qcow2: dirty, corrupt, compressed", GLANCE_INSPECT_QCOW2,
              5 * TEST_MIB);

    test_qcow2(3, 600);
    test_be(72, 8, 0x10);
    test_bad("qcow2 with extended L2 entries", GLANCE_INSPECT_QCOW2,
             "unknown_features");

    test_qcow2(3, 600);
    test_be(72, 8, UINT64_C(1) << 63);
    test_bad("qcow2 with the last feature", GLANCE_INSPECT_QCOW2,
             "unknown_features");

    test_qcow2(2, 600);
    test_be(72, 8, UINT64_MAX);
    test_be(76, 4, 0xfffffff0);
    test_good("qcow2, version 2, has no features", GLANCE_INSPECT_QCOW2,
              5 * TEST_MIB);

    test_qcow2(4, 600);
    test_bad("qcow2, version 4", GLANCE_INSPECT_QCOW2, "unknown_features");

    test_qcow2(1, 600);
    test_bad("qcow2, version 1", GLANCE_INSPECT_QCOW2, "unknown_features");

    /* extensions: feature names, 13 bytes that take 16, then the data file */

    test_qcow2(3, 70000);
    test_be(104, 4, 0x6803f857);
    test_be(108, 4, 13);
    test_be(128, 4, 0x44415441);
    test_be(132, 4, 4);
    test_bad("qcow2 whose extension names a data file", GLANCE_INSPECT_QCOW2,
             "data_file");

    test_be(104, 4, 0);
    test_good("qcow2, behind the last extension", GLANCE_INSPECT_QCOW2,
              5 * TEST_MIB);

    test_qcow2(2, 70000);
    test_be(72, 4, 0x6803f857);
    test_be(76, 4, 60000);
    test_be(60080, 4, 0x44415441);
    test_bad("qcow2, version 2, and a far extension", GLANCE_INSPECT_QCOW2,
             "data_file");

    test_qcow2(3, 70000);
    test_be(104, 4, 1);
    test_be(108, 4, 65536 - 112);
    test_be(65536, 4, 0x44415441);
    test_good("qcow2, not in the first cluster", GLANCE_INSPECT_QCOW2,
              5 * TEST_MIB);

    test_qcow2(3, 600);
    test_be(24, 8, UINT64_MAX);
    test_good("qcow2, a size that is none", GLANCE_INSPECT_QCOW2, 0);

    test_new(512);
    test_put(0, "QED\0", 4);
    test_bad("qed", GLANCE_INSPECT_QED, "banned");
}


static void
test_disks(void)
{
    test_new(512);
    test_text(0, "conectix");
    test_be(40, 8, 7 * TEST_MIB);
    test_good("vhd", GLANCE_INSPECT_VHD, 7 * TEST_MIB);

    test_size = 100;
    test_bad("vhd, cut", GLANCE_INSPECT_VHD, "header");

    test_size = 8;
    test_bad("vhd, but its name", GLANCE_INSPECT_VHD, "header");

    test_new(4096 + 512);
    test_text(4096, "conectix");
    test_raw("vhd of fixed size");

    test_new(512);
    test_text(0, "<<< Oracle VM VirtualBox Disk Image >>>\n");
    test_put(64, "\x7f\x10\xda\xbe", 4);
    test_le(368, 8, 9 * TEST_MIB);
    test_good("vdi", GLANCE_INSPECT_VDI, 9 * TEST_MIB);

    test_size = 511;
    test_raw("vdi without its last byte");

    test_new(592);
    test_put(0, "LUKS\xba\xbe\0\1", 8);
    test_be(104, 4, 1);
    test_good("luks", GLANCE_INSPECT_LUKS, 592 - 512);

    test_be(104, 4, UINT32_MAX);
    test_good("luks, payload out of the file", GLANCE_INSPECT_LUKS, 0);

    test_be(6, 2, 2);
    test_bad("luks, version 2", GLANCE_INSPECT_LUKS, "version");

    test_be(6, 2, 1);
    test_size = 591;
    test_bad("luks, cut", GLANCE_INSPECT_LUKS, "version");

    test_new(34816);
    test_text(32768, "\1CD001");
    test_le(32848, 4, 1000);
    test_le(32896, 2, 2048);
    test_good("iso", GLANCE_INSPECT_ISO, 2048000);

    test_image[32768] = 2;
    test_good("iso, not a primary descriptor", GLANCE_INSPECT_ISO, 0);

    test_text(32768, "\1NSR02");
    test_good("udf", GLANCE_INSPECT_ISO, 2048000);

    test_size--;
    test_raw("iso without its last byte");

    test_new(1024);
    memset(test_image, 'x', 1024);
    test_raw("letters");
    memset(test_image, 0x80, 1024);
    test_raw("no letters");

    test_size = 0;
    test_is("nothing", "raw", TEST_ACCEPTED, GLANCE_INSPECT_RAW, 0, NULL);
    test_is("nothing", "qcow2", TEST_REFUSED, GLANCE_INSPECT_RAW, 0, NULL);
}


static void
test_partition(size_t i, unsigned flag, unsigned type, uint32_t start)
{
    test_image[446 + 16 * i] = (unsigned char) flag;
    test_put(446 + 16 * i + 1, "\0\2\0", 3);
    test_image[446 + 16 * i + 4] = (unsigned char) type;
    test_le(446 + 16 * i + 8, 4, start);
    test_le(446 + 16 * i + 12, 4, 100);
    test_put(510, "\x55\xaa", 2);
}


static void
test_mbr(void)
{
    test_new(2048);
    test_partition(0, 0x80, 0x83, 2048);
    test_partition(3, 0, 0x82, 4096);
    test_good("mbr", GLANCE_INSPECT_GPT, 2048);

    test_partition(1, 0x01, 0x83, 2048);
    test_bad("mbr, boot flag", GLANCE_INSPECT_GPT, "mbr");

    test_rules.mbr_nonfatal = true;
    test_is("mbr, boot flag, allowed", "raw", TEST_WARNED,
            GLANCE_INSPECT_GPT, 2048, "mbr");
    test_is("mbr, boot flag, allowed", "gpt", TEST_WARNED,
            GLANCE_INSPECT_GPT, 2048, "mbr");
    test_is("mbr, boot flag, allowed", "iso", TEST_REFUSED,
            GLANCE_INSPECT_GPT, 0, NULL);
    test_rules.mbr_nonfatal = false;

    test_new(2048);
    test_partition(0, 0, 0, 0);
    test_bad("mbr, no partition", GLANCE_INSPECT_GPT, "mbr");

    test_new(2048);
    test_partition(0, 0, 0xee, 1);
    test_good("gpt", GLANCE_INSPECT_GPT, 2048);
    test_is("gpt", "iso", TEST_REFUSED, GLANCE_INSPECT_GPT, 0, NULL);

    test_partition(2, 0, 0x83, 1);
    test_bad("gpt, a second partition", GLANCE_INSPECT_GPT, "mbr");

    test_new(2048);
    test_partition(1, 0, 0xee, 1);
    test_bad("gpt, second place", GLANCE_INSPECT_GPT, "mbr");

    test_new(2048);
    test_partition(0, 0, 0xee, 2);
    test_bad("gpt, elsewhere", GLANCE_INSPECT_GPT, "mbr");

    test_partition(0, 0, 0xee, 1);
    test_image[447] = 1;
    test_bad("gpt, another head", GLANCE_INSPECT_GPT, "mbr");

    test_partition(0, 0, 0xee, 1);
    test_size = 511;
    test_raw("gpt without its last byte");

    test_new(2048);
    test_text(0, "\xeb\x58\x90mkfs.fat");
    test_image[16] = 2;
    test_image[21] = 0xf8;
    test_put(510, "\x55\xaa", 2);
    test_raw("a FAT file system");

    test_new(2048);
    test_text(0, "\xeb\x52\x90NTFS    ");
    memset(test_image + 84, 0xe8, 426);
    test_image[21] = 0xf8;
    test_put(510, "\x55\xaa", 2);
    test_bad("an NTFS file system", GLANCE_INSPECT_GPT, "mbr");
}


static void
test_multiple(void)
{
    test_new(40000);
    test_text(32768, "\1CD001");
    test_le(32848, 4, 20);
    test_le(32896, 2, 2048);
    test_put(510, "\x55\xaa", 2);
    test_is("hybrid iso", "iso", TEST_ACCEPTED, GLANCE_INSPECT_ISO, 40960,
            NULL);
    test_is("hybrid iso", "raw", TEST_ACCEPTED, GLANCE_INSPECT_ISO, 40000,
            NULL);
    test_is("hybrid iso", "gpt", TEST_REFUSED, GLANCE_INSPECT_ISO, 0, NULL);

    test_put(510, "\0\0", 2);
    test_put(0, "QFI\xfb\0\0\0\3", 8);
    test_is("iso and qcow2", "iso", TEST_REFUSED, GLANCE_INSPECT_QCOW2, 0,
            NULL);
    test_is("iso and qcow2", "qcow2", TEST_REFUSED, GLANCE_INSPECT_QCOW2, 0,
            NULL);
    test_is("iso and qcow2", "raw", TEST_REFUSED, GLANCE_INSPECT_QCOW2, 0,
            NULL);

    test_rules.lenient = true;
    test_is("iso and qcow2, allowed", "iso", TEST_WARNED,
            GLANCE_INSPECT_QCOW2, 0, NULL);
    test_be(8, 8, 1);
    test_is("iso and qcow2, not safe", "iso", TEST_REFUSED,
            GLANCE_INSPECT_QCOW2, 0, "backing_file");

    test_qcow2(3, 512);
    test_is("qcow2, allowed", "vmdk", TEST_WARNED, GLANCE_INSPECT_QCOW2, 0,
            NULL);
    test_is("qcow2, right", "qcow2", TEST_ACCEPTED, GLANCE_INSPECT_QCOW2,
            5 * TEST_MIB, NULL);
    test_new(512);
    test_is("raw, allowed", "vmdk", TEST_WARNED, GLANCE_INSPECT_RAW, 0, NULL);
    test_rules.lenient = false;
}


static const unsigned char  test_metadata[16] = {
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
    0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e
};

static const unsigned char  test_disk_size[16] = {
    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48,
    0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8
};


static void
test_vhdx(void)
{
    test_new(2 * TEST_MIB + 131072);
    test_text(0, "vhdxfile");
    test_text(196608, "regi");
    test_le(196616, 4, 2);
    test_put(196608 + 48, test_metadata, 16);
    test_le(196608 + 64, 8, 2 * TEST_MIB);
    test_text(2 * TEST_MIB, "metadata");
    test_le(2 * TEST_MIB + 10, 2, 3);
    test_put(2 * TEST_MIB + 96, test_disk_size, 16);
    test_le(2 * TEST_MIB + 112, 4, 65536 + 8);
    test_le(2 * TEST_MIB + 65536 + 8, 8, 11 * TEST_MIB);
}


static void
test_vhdx_all(void)
{
    test_vhdx();
    test_good("vhdx", GLANCE_INSPECT_VHDX, 11 * TEST_MIB);

    test_size = 2 * TEST_MIB + 65536 + 15;
    test_bad("vhdx, cut before the size ends", GLANCE_INSPECT_VHDX,
             "metadata");

    test_size = 8;
    test_bad("vhdx, but its name", GLANCE_INSPECT_VHDX, "metadata");

    test_vhdx();
    test_text(196608, "rigi");
    test_raw("vhdx without regions");

    test_vhdx();
    test_le(196616, 4, 2048);
    test_raw("vhdx, too many regions");

    test_vhdx();
    test_le(196616, 4, 0);
    test_raw("vhdx, no regions");

    test_vhdx();
    test_le(196616, 4, 1);
    test_raw("vhdx, other regions");

    test_vhdx();
    test_le(196608 + 64, 8, 4096);
    test_raw("vhdx, metadata before the table");

    test_vhdx();
    test_le(196608 + 64, 8, UINT64_MAX - 3);
    test_raw("vhdx, metadata nowhere");

    test_vhdx();
    test_text(2 * TEST_MIB, "metadato");
    test_raw("vhdx, other metadata");

    test_vhdx();
    test_le(2 * TEST_MIB + 10, 2, 2);
    test_raw("vhdx, no size");

    test_vhdx();
    test_le(2 * TEST_MIB + 10, 2, 2048);
    test_raw("vhdx, too many items");

    test_vhdx();
    test_le(2 * TEST_MIB + 112, 4, 127);
    test_raw("vhdx, size within the table");
}


static void
test_vmdk(const char *descriptor, size_t size)
{
    test_new(size);
    test_text(0, "KDMV");
    test_le(4, 4, 1);
    test_le(12, 8, 4096);
    test_le(28, 8, 1);
    test_le(36, 8, 20);
    test_text(512, descriptor);
}


#define TEST_SPARSE                                                           \
    "# Disk DescriptorFile\nversion=1\nCID=12345678\n parentCID=ffffffff \r\n"\
    "createType=\"monolithicSparse\"\n\n# Extent description\n"               \
    "RW 4096 SPARSE \"disk.vmdk\"\n\n# The Disk Data Base\n#DDB\n\n"          \
    "ddb.virtualHWVersion = \"4\"\n"

typedef struct {
    const char  *name;
    const char  *text;
    bool         good;
} test_descriptor_t;


static const test_descriptor_t  test_descriptors[] = {

    { "monolithicSparse", TEST_SPARSE, true },
    { "upper case", "CREATETYPE=\"STREAMOPTIMIZED\"\nRDONLY 1 SPARSE \"d\"",
      true },
    { "tabs, no access",
      "createType=\"streamOptimized\"\n\tNOACCESS\t1 ZERO\t\n", true },

    { "nothing", "", false },
    { "no createType", "version=1\nRW 1 SPARSE \"d\"\n", false },
    { "no extent", "createType=\"monolithicSparse\"\n", false },
    { "monolithicFlat", "createType=\"monolithicFlat\"\nRW 1 FLAT \"d\" 0\n",
      false },
    { "twoGbMaxExtentSparse",
      "createType=\"twoGbMaxExtentSparse\"\nRW 1 SPARSE \"d\"\n", false },
    { "a longer createType",
      "createType=\"monolithicSparse2\"\nRW 1 SPARSE \"d\"\n", false },
    { "an open createType", "createType=\"monolithicSparse\nRW 1 ZERO\n",
      false },
    { "createType without quotes",
      "createType=monolithicSparse\nRW 1 ZERO\n", false },
    { "a path", "createType=\"monolithicSparse\"\nRW 1 FLAT \"/etc/passwd\"\n",
      false },
    { "a relative path",
      "createType=\"monolithicSparse\"\nRW 1 FLAT \"a/b\"\n", false },
    { "a path behind a tab",
      "createType=\"monolithicSparse\"\nRW 1 ZERO\nRW\t1 FLAT \"/a=\"\n",
      false },
    { "a second createType", TEST_SPARSE "createType=\"monolithicFlat\"\n",
      false },
    { "createType in a comment", "#createType=\"vmfs\"\n" TEST_SPARSE,
      false },
    { "createType and two other characters",
      "# createType: vmfs\"\n" TEST_SPARSE, false },
    { "a parent", TEST_SPARSE "parentFileNameHint=\"/etc/passwd\"\n", false },
    { "a parent in a comment", TEST_SPARSE "# parentFileNameHint=\"x\"\n",
      false },
    { "a line of no kind", TEST_SPARSE "RX 1 FLAT \"d\"\n", false },
    { "a blank before the sign", TEST_SPARSE "a b=c\n", false },
    { "no word before the sign", TEST_SPARSE "=c\n", false },
    { "not ASCII", TEST_SPARSE "# \xc3\xa9\n", false },
    { "a control character", TEST_SPARSE "#\1\n", false }
};


static void
test_vmdk_descriptors(void)
{
    size_t                    i;
    const test_descriptor_t  *d;

    for (i = 0; i < tap_n(test_descriptors); i++) {
        d = &test_descriptors[i];

        test_vmdk(d->text, 65536);

        if (d->good) {
            test_good(d->name, GLANCE_INSPECT_VMDK, 2 * TEST_MIB);

        } else {
            test_bad(d->name, GLANCE_INSPECT_VMDK, "descriptor");
        }
    }

    /* what is behind a NUL or behind its end is not of the descriptor */

    test_vmdk(TEST_SPARSE, 65536);
    test_text(512 + sizeof(TEST_SPARSE), "RW 1 FLAT \"/etc/passwd\"\n");
    test_good("a path behind NUL", GLANCE_INSPECT_VMDK, 2 * TEST_MIB);

    memset(test_image + 512, '\n', 20 * 512);
    test_text(512, TEST_SPARSE);
    test_text(21 * 512, "RW 1 FLAT \"/etc/passwd\"\n");
    test_good("a path behind the end", GLANCE_INSPECT_VMDK, 2 * TEST_MIB);

    test_le(36, 8, 21);
    test_bad("a path before the end", GLANCE_INSPECT_VMDK, "descriptor");

    test_le(36, 8, UINT64_MAX);
    test_bad("a descriptor of any size", GLANCE_INSPECT_VMDK, "descriptor");

    test_le(36, 8, 0);
    test_bad("a descriptor of no size", GLANCE_INSPECT_VMDK, "descriptor");

    test_vmdk(TEST_SPARSE, 65536);
    memset(test_image + 512 + strlen(TEST_SPARSE), '#', 5000);
    test_bad("a long line", GLANCE_INSPECT_VMDK, "descriptor");

    test_vmdk(TEST_SPARSE, 21 * 512);
    test_good("cut behind the descriptor", GLANCE_INSPECT_VMDK, 2 * TEST_MIB);

    test_size--;
    test_bad("cut behind its text", GLANCE_INSPECT_VMDK, "descriptor");

    test_size = 600;
    test_bad("cut in the descriptor", GLANCE_INSPECT_VMDK, "descriptor");

    test_size = 64;
    test_bad("cut behind the header", GLANCE_INSPECT_VMDK, "descriptor");

    test_size = 63;
    test_raw("cut in the header");
}


static void
test_vmdk_headers(void)
{
    test_vmdk(TEST_SPARSE, 65536);
    test_le(4, 4, 3);
    test_good("vmdk, version 3", GLANCE_INSPECT_VMDK, 2 * TEST_MIB);

    test_le(4, 4, 4);
    test_bad("vmdk, version 4", GLANCE_INSPECT_VMDK, "header");

    test_vmdk(TEST_SPARSE, 65536);
    test_le(28, 8, 2);
    test_bad("vmdk, descriptor elsewhere", GLANCE_INSPECT_VMDK, "header");

    test_vmdk(TEST_SPARSE, 65536);
    test_le(12, 8, UINT64_MAX);
    test_good("vmdk, a size that is none", GLANCE_INSPECT_VMDK, 0);

    test_vmdk(TEST_SPARSE, 65536);
    test_put(510, "\x55\xaa", 2);
    test_is("vmdk and mbr", "vmdk", TEST_REFUSED, GLANCE_INSPECT_VMDK, 0,
            NULL);
}


static void
test_vmdk_footer(void)
{
    size_t    i;
    uint64_t  end;

    static const size_t  others[] = {
        8, 12, 16, 511,                 /* the first marker */
        512, 516, 512 + 12, 512 + 28, 512 + 36,
        1024, 1024 + 8, 1024 + 12, 1535 /* the second one */
    };

    end = 65536 - 1536;

    test_vmdk(TEST_SPARSE, 65536);
    test_le(56, 8, UINT64_MAX);
    test_bad("no footer", GLANCE_INSPECT_VMDK, "footer");

    test_le(end, 8, 1);
    test_le(end + 12, 4, 3);
    test_put(end + 512, test_image, 512);
    test_bad("a footer without its directory", GLANCE_INSPECT_VMDK, "footer");

    test_le(end + 512 + 56, 8, 26);
    test_good("a footer", GLANCE_INSPECT_VMDK, 2 * TEST_MIB);

    for (i = 0; i < tap_n(others); i++) {
        test_image[end + others[i]] ^= 0x40;
        test_bad("a forged footer", GLANCE_INSPECT_VMDK, "footer");
        test_image[end + others[i]] ^= 0x40;
    }

    test_size++;
    test_bad("a footer and more", GLANCE_INSPECT_VMDK, "footer");

    test_le(36, 8, 1);
    test_size = 1024;
    test_bad("a cut footer", GLANCE_INSPECT_VMDK, "footer");
}


static void
test_vmdk_texts(void)
{
    test_new(strlen(TEST_SPARSE));
    test_text(0, TEST_SPARSE);
    test_bad("vmdk, text", GLANCE_INSPECT_VMDK, "descriptor");

    test_size = 1024;
    test_bad("vmdk, text and zeroes", GLANCE_INSPECT_VMDK, "descriptor");

    memset(test_image, '\n', 1024);
    test_text(0, "# Disk DescriptorFile\nversion=1\n");
    test_text(700, "createType=\"monolithicFlat\"\nRW 1 FLAT \"d\" 0\n");
    test_bad("vmdk, long text", GLANCE_INSPECT_VMDK, "descriptor");

    test_image[30] = 1;
    test_bad("vmdk, text with a control character", GLANCE_INSPECT_VMDK,
             "descriptor");

    test_image[30] = 0xc3;
    test_bad("vmdk, text with an accent", GLANCE_INSPECT_VMDK, "descriptor");

    test_image[63] = 0;
    test_raw("vmdk, text that is none");

    test_new(5000);
    memset(test_image, 'a', 5000);
    test_raw("a long line");
    test_text(2048 - 5, "createType=\"vmfs\"\n");
    test_bad("createType in a long line", GLANCE_INSPECT_VMDK, "descriptor");

    test_new(2 * TEST_MIB);
    memset(test_image, '\n', 2 * TEST_MIB);
    test_text(1024, "createType");
    test_raw("text that speaks of it");

    test_text(1500 * 1024, "createType=\"vmfs\"\n");
    test_raw("text that is longer than a descriptor");
}


int
main(void)
{
    test_qcow2_all();
    test_disks();
    test_mbr();
    test_multiple();
    test_vhdx_all();
    test_vmdk_descriptors();
    test_vmdk_headers();
    test_vmdk_footer();
    test_vmdk_texts();

    ok(sizeof(glance_inspect_t) < 8192, "%zu bytes of memory",
       sizeof(glance_inspect_t));

    return tap_done();
}
