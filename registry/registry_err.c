
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_err.h"

#include <stdarg.h>
#include <stdio.h>


registry_rc_e
registry_err_set(registry_err_t *err, registry_rc_e rc, const char *fmt, ...)
{
    va_list  args;

    if (err == NULL) {
        return rc;
    }

    err->code = (int) rc;

    va_start(args, fmt);
    (void) vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);

    return rc;
}
