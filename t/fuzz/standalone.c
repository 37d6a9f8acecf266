
/*
 * Copyright (C) ngx_glance authors
 */


/*
 * Runs a fuzz target over files without libFuzzer, as a TAP program: each
 * file whole, and each of its beginnings as far as that is affordable.
 */


#include "fuzz.h"


#define FUZZ_FILE_MAX    (1024 * 1024)
#define FUZZ_PREFIX_MAX  4096


static unsigned char *
fuzz_read(const char *name, size_t *size)
{
    FILE           *file;
    unsigned char  *data;

    file = fopen(name, "rb");

    if (file == NULL) {
        return NULL;
    }

    data = fuzz_alloc(FUZZ_FILE_MAX);
    *size = fread(data, 1, FUZZ_FILE_MAX, file);

    if (ferror(file)) {
        free(data);
        data = NULL;
    }

    (void) fclose(file);

    return data;
}


int
main(int argc, char **argv)
{
    int             i, failed;
    size_t          len, size;
    unsigned char  *copy, *data;

    failed = 0;

    for (i = 1; i < argc; i++) {
        data = fuzz_read(argv[i], &size);

        if (data == NULL) {
            printf("not ok %d - cannot read %s\n", i, argv[i]);
            failed = 1;
            continue;
        }

        for (len = (size > FUZZ_PREFIX_MAX) ? size : 0; len <= size; len++) {
            copy = fuzz_alloc(len);
            memcpy(copy, data, len);

            (void) LLVMFuzzerTestOneInput(copy, len);

            free(copy);
        }

        free(data);

        printf("ok %d - %s\n", i, argv[i]);
        (void) fflush(stdout);
    }

    if (argc < 2) {
        printf("not ok 1 - no files given\n1..1\n");
        return 1;
    }

    printf("1..%d\n", argc - 1);

    return failed;
}
