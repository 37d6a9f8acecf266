
/*
 * Copyright (C) ngx_glance authors
 */


#include "glance_digest.h"

#include "tap.h"


typedef struct {
    const char  *name;
    const char  *text;
    const char  *hex;
} test_digest_t;


static const test_digest_t  test_digests[] = {
    { "md5", "", "d41d8cd98f00b204e9800998ecf8427e" },
    { "md5", "abc", "900150983cd24fb0d6963f7d28e17f72" },
    { "sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { "sha256", "abc",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "sha512", "",
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
      "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
    { "sha512", "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
    { "sha224", "abc",
      "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
    { "sha384", "abc",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
      "8086072ba1e7cc2358baeca134c825a7" },
    { "sha3_224", "abc",
      "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf" },
    { "sha3_256", "abc",
      "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
    { "sha3_384", "abc",
      "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2"
      "98d88cea927ac7f539f1edf228376d25" },
    { "sha3_512", "abc",
      "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
      "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0" },
    { "blake2b", "abc",
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923" },
    { "blake2s", "abc",
      "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982" }
};


/* RFC 4231, case 2 */

static void
test_hmac(void)
{
    glance_str_t   s;
    unsigned char  hex[2 * GLANCE_HMAC_LEN], md[GLANCE_HMAC_LEN];

    ok(glance_hmac(glance_str("Jefe"),
                   glance_str("what do ya want for nothing?"), md),
       "HMAC");

    glance_hex(md, sizeof(md), hex);

    s.data = hex;
    s.len = sizeof(hex);

    ok(glance_str_eq(s, glance_str(
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")),
       "as the RFC says");

    glance_wipe(md, sizeof(md));
    ok(md[0] == 0 && md[GLANCE_HMAC_LEN - 1] == 0, "wiped");
}


int
main(void)
{
    size_t            i, len, n;
    glance_str_t      s;
    unsigned char     hex[GLANCE_DIGEST_HEX_MAX];
    glance_digest_t  *d, *e;

    for (i = 0; i < tap_n(test_digests); i++) {
        d = glance_digest_new(test_digests[i].name);

        if (!ok(d != NULL, "%s", test_digests[i].name)) {
            continue;
        }

        /* byte by byte, with nothing in between */

        n = strlen(test_digests[i].text);

        for (len = 0; len < n; len++) {
            if (!glance_digest_update(d, test_digests[i].text + len, 1)
                || !glance_digest_update(d, NULL, 0))
            {
                break;
            }
        }

        ok(len == n, "updates of \"%s\"", test_digests[i].text);
        ok(glance_digest_hex(d, hex, &len), "result");
        ok(len == glance_digest_hex_len(glance_str(test_digests[i].name)),
           "its length");

        s.len = len;
        s.data = hex;

        is(s, test_digests[i].hex, "its text");

        ok(!glance_digest_update(d, "x", 1), "no update when used up");
        ok(!glance_digest_hex(d, hex, &len), "no second result");

        glance_digest_free(d);
    }

    d = glance_digest_new("md5");
    e = glance_digest_new("sha256");

    if (ok(d != NULL && e != NULL, "two digests at once")) {
        ok(glance_digest_update(d, "abc", 3)
           && glance_digest_update(e, "abc", 3)
           && glance_digest_hex(d, hex, &len) && len == 32
           && memcmp(hex, "9001509", 7) == 0
           && glance_digest_hex(e, hex, &len) && len == 64
           && memcmp(hex, "ba7816bf", 8) == 0,
           "do not disturb each other");
    }

    glance_digest_free(d);
    glance_digest_free(e);

    ok(glance_digest_new("") == NULL, "no name");
    ok(glance_digest_new("md55") == NULL, "unknown name");
    ok(glance_digest_new("sha3-256") == NULL, "another one's name");
    ok(glance_digest_hex_len(glance_str("md55")) == 0, "and its length");

    d = glance_digest_new("sha512");
    glance_digest_free(d);
    glance_digest_free(NULL);

    ok(true, "freed without a result, and freed nothing");

    test_hmac();

    return tap_done();
}
