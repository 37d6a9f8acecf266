
/*
 * Copyright (C) ngx_glance authors
 */


#include <string.h>

#include "glance_time.h"


#define GLANCE_TIME_YEAR_MIN  1900
#define GLANCE_TIME_YEAR_MAX  9999

#define GLANCE_TIME_DAY       86400
#define GLANCE_TIME_ERA       146097        /* days in 400 years */


typedef struct {
    int64_t  year;
    int64_t  month;
    int64_t  day;
    int64_t  hour;
    int64_t  min;
    int64_t  sec;
} glance_time_tm_t;


static bool glance_time_clock(glance_str_t *s, glance_time_tm_t *tm,
    int64_t *offset);
static bool glance_time_number(glance_str_t *s, size_t digits, int64_t max,
    int64_t *value);
static bool glance_time_skip(glance_str_t *s, char c);
static bool glance_time_fraction(glance_str_t *s);
static bool glance_time_offset(glance_str_t *s, int64_t *offset);
static int64_t glance_time_days(int64_t year, int64_t month, int64_t day);
static int64_t glance_time_month_days(int64_t year, int64_t month);
static int64_t glance_time_min(void);
static int64_t glance_time_max(void);
static void glance_time_split(int64_t epoch, glance_time_tm_t *tm);
static void glance_time_put(unsigned char *dst, size_t digits, int64_t value);


bool
glance_time_parse(glance_str_t s, int64_t *epoch)
{
    int64_t           n, offset;
    glance_time_tm_t  tm;

    tm.hour = 0;
    tm.min = 0;
    tm.sec = 0;
    offset = 0;

    if (!glance_time_number(&s, 4, GLANCE_TIME_YEAR_MAX, &tm.year)
        || !glance_time_skip(&s, '-')
        || !glance_time_number(&s, 2, 12, &tm.month)
        || !glance_time_skip(&s, '-')
        || !glance_time_number(&s, 2, 31, &tm.day)
        || (s.len > 0 && !glance_time_clock(&s, &tm, &offset)))
    {
        return false;
    }

    if (tm.month == 0
        || tm.day == 0
        || tm.day > glance_time_month_days(tm.year, tm.month))
    {
        return false;
    }

    n = glance_time_days(tm.year, tm.month, tm.day) * GLANCE_TIME_DAY
        + tm.hour * 3600 + tm.min * 60 + tm.sec - offset;

    /* an offset may have moved it over the border */

    if (n < glance_time_min() || n > glance_time_max()) {
        return false;
    }

    *epoch = n;

    return true;
}


/* a time out of the years above is written as the nearest one inside */

void
glance_time_seed(int64_t epoch, unsigned char *dst)
{
    glance_time_tm_t  tm;

    glance_time_split(epoch, &tm);

    memcpy(dst, "0000-00-00 00:00:00", GLANCE_TIME_SEED_LEN);

    glance_time_put(dst, 4, tm.year);
    glance_time_put(dst + 5, 2, tm.month);
    glance_time_put(dst + 8, 2, tm.day);
    glance_time_put(dst + 11, 2, tm.hour);
    glance_time_put(dst + 14, 2, tm.min);
    glance_time_put(dst + 17, 2, tm.sec);
}


void
glance_time_iso(int64_t epoch, unsigned char *dst)
{
    glance_time_seed(epoch, dst);

    dst[10] = 'T';
    memcpy(dst + GLANCE_TIME_SEED_LEN, ".000000",
           GLANCE_TIME_ISO_LEN - GLANCE_TIME_SEED_LEN);
}


/* what follows the date, to its end */

static bool
glance_time_clock(glance_str_t *s, glance_time_tm_t *tm, int64_t *offset)
{
    if (!(glance_time_skip(s, 'T') || glance_time_skip(s, ' '))
        || !glance_time_number(s, 2, 23, &tm->hour)
        || !glance_time_skip(s, ':')
        || !glance_time_number(s, 2, 59, &tm->min))
    {
        return false;
    }

    if (glance_time_skip(s, ':')
        && (!glance_time_number(s, 2, 59, &tm->sec)
            || !glance_time_fraction(s)))
    {
        return false;
    }

    return glance_time_offset(s, offset) && s->len == 0;
}


static bool
glance_time_number(glance_str_t *s, size_t digits, int64_t max, int64_t *value)
{
    uint64_t      n;
    glance_str_t  part;

    if (s->len < digits) {
        return false;
    }

    part.len = digits;
    part.data = s->data;

    if (!glance_str_u64(part, (uint64_t) max, &n)) {
        return false;
    }

    *value = (int64_t) n;

    s->data += digits;
    s->len -= digits;

    return true;
}


static bool
glance_time_skip(glance_str_t *s, char c)
{
    if (s->len == 0 || s->data[0] != (unsigned char) c) {
        return false;
    }

    s->data++;
    s->len--;

    return true;
}


static bool
glance_time_fraction(glance_str_t *s)
{
    size_t   n;
    int64_t  digit;

    if (!glance_time_skip(s, '.')) {
        return true;
    }

    for (n = 0; glance_time_number(s, 1, 9, &digit); n++) { /* void */ }

    return n >= 1 && n <= 9;
}


static bool
glance_time_offset(glance_str_t *s, int64_t *offset)
{
    int64_t  hour, min, sign;

    *offset = 0;

    if (s->len == 0 || glance_time_skip(s, 'Z')) {
        return true;
    }

    if (glance_time_skip(s, '+')) {
        sign = 1;

    } else if (glance_time_skip(s, '-')) {
        sign = -1;

    } else {
        return false;
    }

    if (!glance_time_number(s, 2, 23, &hour)) {
        return false;
    }

    min = 0;

    if ((glance_time_skip(s, ':') || s->len > 0)
        && !glance_time_number(s, 2, 59, &min))
    {
        return false;
    }

    *offset = sign * (hour * 3600 + min * 60);

    return true;
}


/*
 * Days since 1 January 1970.  The year is taken to begin in March, so that
 * the leap day is its last one and (153 * m + 2) / 5 counts the days of the
 * months before.
 */

static int64_t
glance_time_days(int64_t year, int64_t month, int64_t day)
{
    int64_t  days, m;

    if (month <= 2) {
        year--;
        m = month + 9;

    } else {
        m = month - 3;
    }

    days = year * 365 + year / 4 - year / 100 + year / 400;

    return days + (153 * m + 2) / 5 + day - 1 - 719468;
}


static int64_t
glance_time_month_days(int64_t year, int64_t month)
{
    static const int64_t  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (month == 2
        && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
    {
        return 29;
    }

    return days[month - 1];
}


static int64_t
glance_time_min(void)
{
    return glance_time_days(GLANCE_TIME_YEAR_MIN, 1, 1) * GLANCE_TIME_DAY;
}


static int64_t
glance_time_max(void)
{
    return glance_time_days(GLANCE_TIME_YEAR_MAX + 1, 1, 1) * GLANCE_TIME_DAY
           - 1;
}


static void
glance_time_split(int64_t epoch, glance_time_tm_t *tm)
{
    int64_t  day, era, m, n, year;

    if (epoch < glance_time_min()) {
        epoch = glance_time_min();
    }

    if (epoch > glance_time_max()) {
        epoch = glance_time_max();
    }

    /* counted from 1 March of the year 0, so nothing below is negative */

    epoch += (int64_t) 719468 * GLANCE_TIME_DAY;

    n = epoch % GLANCE_TIME_DAY;
    tm->hour = n / 3600;
    tm->min = n / 60 % 60;
    tm->sec = n % 60;

    day = epoch / GLANCE_TIME_DAY;
    era = day / GLANCE_TIME_ERA;
    day = day % GLANCE_TIME_ERA;

    /* without the leap days of 4, 100 and 400 years */

    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= year * 365 + year / 4 - year / 100;
    m = (5 * day + 2) / 153;

    tm->day = day - (153 * m + 2) / 5 + 1;
    tm->month = (m < 10) ? m + 3 : m - 9;
    tm->year = era * 400 + year + ((tm->month <= 2) ? 1 : 0);
}


static void
glance_time_put(unsigned char *dst, size_t digits, int64_t value)
{
    while (digits-- > 0) {
        dst[digits] = (unsigned char) ('0' + value % 10);
        value /= 10;
    }
}
