
/*
 * Copyright (C) ngx_glance authors
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


/*
 * The least that a TAP program needs.  A test is one ok() with a text in
 * printf() form; main() ends with "return tap_done();".
 */


#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "glance_str.h"


static unsigned  tap_count;
static unsigned  tap_failed;


#define tap_n(array)  (sizeof(array) / sizeof((array)[0]))


/* bytes that no terminal or TAP reader should see are shown as hexadecimal */

static inline void
tap_print(const char *text)
{
    const char  *p;

    for (p = text; *p != '\0'; p++) {
        if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7f
            || *p == '#' || *p == '\\')
        {
            printf("<%02x>", (unsigned) (unsigned char) *p);

        } else {
            putchar(*p);
        }
    }
}


#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static inline bool
ok(bool passed, const char *format, ...)
{
    char     text[512];
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (!passed) {
        tap_failed++;
        printf("not ");
    }

    printf("ok %u - ", ++tap_count);
    tap_print(text);
    printf("\n");

    return passed;
}


/* for texts that are compared whole; shows both when they differ */

static inline bool
is(glance_str_t got, const char *expected, const char *what)
{
    bool  passed;

    passed = glance_str_eq(got, glance_str(expected));

    (void) ok(passed, "%s", what);

    if (!passed) {
        printf("#      got: \"%.*s\"\n# expected: \"%s\"\n", (int) got.len,
               (got.len > 0) ? (const char *) got.data : "", expected);
    }

    return passed;
}


static inline int
tap_done(void)
{
    printf("1..%u\n", tap_count);

    return (tap_failed > 0) ? 1 : 0;
}


#endif /* _TAP_H_INCLUDED_ */
