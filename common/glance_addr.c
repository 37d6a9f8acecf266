
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>


#define GLANCE_ADDR_V4    12            /* bytes before the four of IPv4 */
#define GLANCE_ADDR_TEXT  64


static bool glance_addr_parse(const char *text,
    unsigned char addr[GLANCE_ADDR_LEN], unsigned *base);


static const unsigned char  glance_addr_mapped[GLANCE_ADDR_V4] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

/* 64:ff9b::/96, which gateways turn into IPv4 */

static const unsigned char  glance_addr_nat64[GLANCE_ADDR_V4] = {
    0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0
};

static const char *const  glance_addr_inner[] = {
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
    "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "224.0.0.0/3",
    "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "2001::/32", "2002::/16",
    "fc00::/7", "fe80::/9", "ff00::/8"
};


bool
glance_cidr_parse(glance_str_t text, glance_cidr_t *cidr)
{
    char                  copy[GLANCE_ADDR_TEXT];
    size_t                len;
    uint64_t              bits;
    unsigned              base;
    glance_str_t          tail;
    const unsigned char  *slash;

    slash = (text.len > 0) ? memchr(text.data, '/', text.len) : NULL;
    len = (slash != NULL) ? (size_t) (slash - text.data) : text.len;

    if (len == 0 || len >= sizeof(copy)) {
        return false;
    }

    memcpy(copy, text.data, len);
    copy[len] = '\0';

    if (!glance_addr_parse(copy, cidr->addr, &base)) {
        return false;
    }

    bits = 8 * GLANCE_ADDR_LEN - base;

    if (slash != NULL) {
        tail.data = slash + 1;
        tail.len = text.len - len - 1;

        if (!glance_str_u64(tail, 8 * GLANCE_ADDR_LEN - base, &bits)) {
            return false;
        }
    }

    cidr->bits = (unsigned) bits + base;

    return true;
}


bool
glance_cidr_match(const glance_cidr_t *cidr,
    const unsigned char addr[GLANCE_ADDR_LEN])
{
    size_t         whole;
    unsigned char  mask;

    whole = cidr->bits / 8;

    if (memcmp(cidr->addr, addr, whole) != 0) {
        return false;
    }

    if (cidr->bits % 8 == 0) {
        return true;
    }

    mask = (unsigned char) (0xff << (8 - cidr->bits % 8));

    return ((cidr->addr[whole] ^ addr[whole]) & mask) == 0;
}


bool
glance_addr_read(const struct sockaddr *sa,
    unsigned char addr[GLANCE_ADDR_LEN])
{
    struct sockaddr_in   sin;
    struct sockaddr_in6  sin6;

    switch (sa->sa_family) {

    case AF_INET:
        memcpy(&sin, sa, sizeof(struct sockaddr_in));
        memcpy(addr, glance_addr_mapped, GLANCE_ADDR_V4);
        memcpy(addr + GLANCE_ADDR_V4, &sin.sin_addr, 4);
        return true;

    case AF_INET6:
        memcpy(&sin6, sa, sizeof(struct sockaddr_in6));
        memcpy(addr, &sin6.sin6_addr, GLANCE_ADDR_LEN);

        if (memcmp(addr, glance_addr_nat64, GLANCE_ADDR_V4) == 0) {
            memcpy(addr, glance_addr_mapped, GLANCE_ADDR_V4);
        }

        return true;

    default:
        return false;
    }
}


bool
glance_addr_public(const unsigned char addr[GLANCE_ADDR_LEN])
{
    size_t         i;
    glance_cidr_t  cidr;

    for (i = 0; i < sizeof(glance_addr_inner) / sizeof(glance_addr_inner[0]);
         i++)
    {
        if (!glance_cidr_parse(glance_str(glance_addr_inner[i]), &cidr)
            || glance_cidr_match(&cidr, addr))
        {
            return false;
        }
    }

    return true;
}


/* *base: the bits that stand before those of IPv4 */

static bool
glance_addr_parse(const char *text, unsigned char addr[GLANCE_ADDR_LEN],
    unsigned *base)
{
    if (inet_pton(AF_INET6, text, addr) == 1) {
        *base = 0;
        return true;
    }

    memcpy(addr, glance_addr_mapped, GLANCE_ADDR_V4);
    *base = 8 * GLANCE_ADDR_V4;

    return inet_pton(AF_INET, text, addr + GLANCE_ADDR_V4) == 1;
}
