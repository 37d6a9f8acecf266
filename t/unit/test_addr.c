
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tap.h"


typedef struct {
    const char  *text;
    bool         right;
} test_addr_t;

typedef struct {
    const char  *cidr;
    const char  *addr;
    bool         match;
} test_match_t;


static const test_addr_t  test_public[] = {
    { "8.8.8.8", true },
    { "1.1.1.1", true },
    { "172.15.255.255", true },
    { "172.32.0.0", true },
    { "100.63.255.255", true },
    { "100.128.0.0", true },
    { "192.167.255.255", true },
    { "169.253.255.255", true },
    { "2001:4860:4860::8888", true },
    { "0.0.0.0", false },
    { "0.1.2.3", false },
    { "10.0.0.1", false },
    { "10.255.255.255", false },
    { "100.64.0.1", false },
    { "127.0.0.1", false },
    { "127.255.255.254", false },
    { "169.254.169.254", false },
    { "172.16.0.1", false },
    { "172.31.255.255", false },
    { "192.0.0.8", false },
    { "192.168.1.1", false },
    { "198.18.0.1", false },
    { "198.19.255.255", false },
    { "224.0.0.1", false },
    { "240.0.0.1", false },
    { "255.255.255.255", false },
    { "::", false },
    { "::1", false },
    { "::7f00:1", false },
    { "::ffff:127.0.0.1", false },
    { "::ffff:169.254.169.254", false },
    { "::ffff:8.8.8.8", true },
    { "64:ff9b::7f00:1", false },
    { "64:ff9b::a9fe:a9fe", false },
    { "64:ff9b::808:808", true },
    { "64:ff9b:1::1", false },
    { "::ffff:0:127.0.0.1", false },
    { "2001:0:7f00:1::", false },
    { "2001:4860:4860::8888", true },
    { "2002:7f00:1::", false },
    { "fc00::1", false },
    { "fd00:ec2::254", false },
    { "fe80::1", false },
    { "fec0::1", false },
    { "ff02::1", false }
};

static const test_addr_t  test_cidrs[] = {
    { "10.0.0.0/8", true },
    { "10.0.0.1", true },
    { "0.0.0.0/0", true },
    { "10.0.0.1/32", true },
    { "fd00::/8", true },
    { "::/0", true },
    { "::1/128", true },
    { "", false },
    { "/8", false },
    { "10.0.0.0/", false },
    { "10.0.0.0/33", false },
    { "10.0.0.0/-1", false },
    { "10.0.0.0/8x", false },
    { "10.0.0/8", false },
    { "10.0.0.256", false },
    { "010.0.0.1", false },
    { "2130706433", false },
    { "::/129", false },
    { "fe80::1%eth0", false },
    { "example.org", false },
    { "10.0.0.0/99999999999999999999", false },
    { "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
      false }
};

static const test_match_t  test_matches[] = {
    { "10.0.0.0/8", "10.9.8.7", true },
    { "10.0.0.0/8", "11.0.0.0", false },
    { "10.0.0.0/9", "10.127.255.255", true },
    { "10.0.0.0/9", "10.128.0.0", false },
    { "10.0.0.7", "10.0.0.7", true },
    { "10.0.0.7", "10.0.0.6", false },
    { "0.0.0.0/0", "255.255.255.255", true },
    { "0.0.0.0/0", "::1", false },
    { "::/0", "10.0.0.1", true },
    { "::ffff:10.0.0.0/104", "10.1.1.1", true },
    { "fd00::/8", "fd12::1", true },
    { "fd00::/8", "fc12::1", false },
    { "10.0.0.0/8", "64:ff9b::a00:1", true }
};


/* as it comes from the resolver */

static bool
test_read(const char *text, unsigned char addr[GLANCE_ADDR_LEN])
{
    struct sockaddr_in   sin;
    struct sockaddr_in6  sin6;

    memset(&sin, 0, sizeof(struct sockaddr_in));
    memset(&sin6, 0, sizeof(struct sockaddr_in6));

    if (inet_pton(AF_INET, text, &sin.sin_addr) == 1) {
        sin.sin_family = AF_INET;
        return glance_addr_read((struct sockaddr *) &sin, addr);
    }

    sin6.sin6_family = AF_INET6;

    return inet_pton(AF_INET6, text, &sin6.sin6_addr) == 1
           && glance_addr_read((struct sockaddr *) &sin6, addr);
}


int
main(void)
{
    size_t           i;
    unsigned char    addr[GLANCE_ADDR_LEN];
    glance_cidr_t    cidr;
    struct sockaddr  sa;

    for (i = 0; i < tap_n(test_public); i++) {
        ok(test_read(test_public[i].text, addr)
           && glance_addr_public(addr) == test_public[i].right,
           "%s: %s", test_public[i].right ? "public" : "inner",
           test_public[i].text);
    }

    for (i = 0; i < tap_n(test_cidrs); i++) {
        ok(glance_cidr_parse(glance_str(test_cidrs[i].text), &cidr)
           == test_cidrs[i].right,
           "%s: \"%s\"", test_cidrs[i].right ? "a network" : "no network",
           test_cidrs[i].text);
    }

    for (i = 0; i < tap_n(test_matches); i++) {
        ok(glance_cidr_parse(glance_str(test_matches[i].cidr), &cidr)
           && test_read(test_matches[i].addr, addr)
           && glance_cidr_match(&cidr, addr) == test_matches[i].match,
           "%s %s %s", test_matches[i].addr,
           test_matches[i].match ? "is in" : "is not in",
           test_matches[i].cidr);
    }

    memset(&sa, 0, sizeof(struct sockaddr));
    sa.sa_family = AF_UNIX;

    ok(!glance_addr_read(&sa, addr), "a unix socket has no address");

    return tap_done();
}
