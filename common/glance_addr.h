
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_ADDR_H_INCLUDED_
#define _GLANCE_ADDR_H_INCLUDED_


#include <stdbool.h>

#include "glance_str.h"


#define GLANCE_ADDR_LEN  16

/* of IPv6; an address of IPv4 is ::ffff:a.b.c.d */

typedef struct {
    unsigned char  addr[GLANCE_ADDR_LEN];
    unsigned       bits;
} glance_cidr_t;

struct sockaddr;


/* "10.1.0.0/16", "fd00::/8", or one address */
bool glance_cidr_parse(glance_str_t text, glance_cidr_t *cidr);
bool glance_cidr_match(const glance_cidr_t *cidr,
    const unsigned char addr[GLANCE_ADDR_LEN]);

/* false: neither IPv4 nor IPv6; forms that carry IPv4 become plain ones */
bool glance_addr_read(const struct sockaddr *sa,
    unsigned char addr[GLANCE_ADDR_LEN]);

/*
 * Whether everybody may be connected to it: no loopback, link-local (where
 * clouds serve metadata), private, shared, multicast or reserved address.
 */
bool glance_addr_public(const unsigned char addr[GLANCE_ADDR_LEN]);


#endif /* _GLANCE_ADDR_H_INCLUDED_ */
