
/*
 * Copyright (C) ngx_glance authors
 */


/*
 * Inspects files for a test: each line of the input is "CHUNK DECLARED PATH",
 * the line of the output "VERDICT FORMAT SIZE CHECK TEXT", or "error".
 */


#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glance_inspect.h"


#define INSPECT_BUFFER  (1024 * 1024)
#define INSPECT_LINE    8192


static unsigned char  inspect_buffer[INSPECT_BUFFER];


static bool
inspect_file(const char *path, size_t chunk, glance_inspect_t *in)
{
    bool    ok;
    FILE   *file;
    size_t  n;

    file = fopen(path, "rb");

    if (file == NULL) {
        return false;
    }

    glance_inspect_init(in);

    do {
        n = fread(inspect_buffer, 1, chunk, file);
        glance_inspect_feed(in, inspect_buffer, n);

    } while (n == chunk);

    ok = !ferror(file);

    return fclose(file) == 0 && ok;
}


static void
inspect_line(char *line)
{
    char                    *declared, *path;
    char                     mem[GLANCE_INSPECT_TEXT];
    glance_str_t             s;
    glance_buf_t             text;
    unsigned long            chunk;
    glance_inspect_t         in;
    glance_inspect_rules_t   rules = { false, false };
    glance_inspect_result_t  r;

    static const char *const  words[] = { "accepted", "warned", "refused" };

    chunk = strtoul(line, &declared, 10);
    path = (*declared == ' ') ? strchr(++declared, ' ') : NULL;

    if (path == NULL || chunk == 0 || chunk > INSPECT_BUFFER) {
        printf("error: not understood\n");
        return;
    }

    s.data = (const unsigned char *) declared;
    s.len = (size_t) (path++ - declared);

    if (!inspect_file(path, chunk, &in)) {
        printf("error: %s\n", strerror(errno));
        return;
    }

    glance_buf_init(&text, mem, sizeof(mem));
    glance_inspect_judge(&in, &rules, s, &r, &text);

    printf("%s %s %llu %s %.*s\n", words[r.verdict],
           glance_inspect_name(r.format),
           (unsigned long long) r.virtual_size,
           (r.check != NULL) ? r.check : "-",
           (int) (text.last - text.start), mem);
}


int
main(void)
{
    char  line[INSPECT_LINE];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        inspect_line(line);
        (void) fflush(stdout);
    }

    return 0;
}
