
/*
 * Copyright (C) ngx_glance authors
 */


/*
 * What hashing costs here by itself: "digest md5 SIZE" hashes that many
 * bytes as the module does, in one thread, and prints how long it took.
 */


#include "bytes.h"
#include "glance_digest.h"


int
main(int argc, char **argv)
{
    double            cpu, wall;
    size_t            n;
    uint64_t          size;
    unsigned char    *block;
    glance_digest_t  *digest;

    if (argc != 3) {
        fprintf(stderr, "Usage: %s NAME SIZE\n", argv[0]);
        return 2;
    }

    size = bytes_number(argv[2]);
    block = bytes_block();
    digest = glance_digest_new(argv[1]);

    if (digest == NULL) {
        fprintf(stderr, "no digest \"%s\"\n", argv[1]);
        return 1;
    }

    wall = bytes_clock(CLOCK_MONOTONIC);
    cpu = bytes_clock(CLOCK_PROCESS_CPUTIME_ID);

    while (size) {
        n = size < BYTES_BLOCK ? (size_t) size : BYTES_BLOCK;

        if (!glance_digest_update(digest, block, n)) {
            fprintf(stderr, "the digest failed\n");
            return 1;
        }

        size -= n;
    }

    printf("{\"seconds\": %.6f, \"cpu\": %.6f}\n",
           bytes_clock(CLOCK_MONOTONIC) - wall,
           bytes_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu);

    glance_digest_free(digest);
    free(block);

    return 0;
}
