
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_UUID_H_INCLUDED_
#define _GLANCE_UUID_H_INCLUDED_


#include "glance_str.h"


#define GLANCE_UUID_LEN  36


/* 8-4-4-4-12 hexadecimal digits in either case */
bool glance_uuid_valid(glance_str_t s);

/* 16 random bytes -> version 4, lower case, GLANCE_UUID_LEN bytes, no NUL */
void glance_uuid_format(const unsigned char random[16], unsigned char *dst);


#endif /* _GLANCE_UUID_H_INCLUDED_ */
