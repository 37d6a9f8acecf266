
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_TIME_H_INCLUDED_
#define _GLANCE_TIME_H_INCLUDED_


#include "glance_str.h"


#define GLANCE_TIME_SEED_LEN  19        /* 2011-03-01 12:00:00 */
#define GLANCE_TIME_ISO_LEN   26        /* 2011-03-01T12:00:00.000000 */


/*
 * Proleptic Gregorian, UTC, years 1900 to 9999 (specs/v1.md 2.3).
 * Accepts a date alone, which is its midnight; "T" or one space between date
 * and time, seconds or none, a fraction of 1 to 9 digits (cut off), and "Z"
 * or +-HH:MM or +-HHMM or +-HH or nothing behind.
 */
bool glance_time_parse(glance_str_t s, int64_t *epoch);

/* both write the LEN above, no NUL; epoch in seconds of UTC */
void glance_time_seed(int64_t epoch, unsigned char *dst);
void glance_time_iso(int64_t epoch, unsigned char *dst);


#endif /* _GLANCE_TIME_H_INCLUDED_ */
