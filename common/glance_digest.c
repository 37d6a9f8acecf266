
/*
 * Copyright (C) ngx_glance authors
 */


#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "glance_digest.h"


struct glance_digest_s {
    EVP_MD_CTX  *ctx;
    bool         failed;        /* or finished: takes nothing any more */
};


typedef struct {
    const char  *name;
    const char  *crypto;        /* libcrypto's name */
    size_t       hex_len;
} glance_digest_name_t;


static const glance_digest_name_t *glance_digest_find(glance_str_t name);


static const glance_digest_name_t  glance_digest_names[] = {
    { "sha512", "sha512", 128 },
    { "md5", "md5", 32 },
    { "sha256", "sha256", 64 },
    { "sha384", "sha384", 96 },
    { "sha224", "sha224", 56 },
    { "sha1", "sha1", 40 },
    { "sha3_512", "sha3-512", 128 },
    { "sha3_384", "sha3-384", 96 },
    { "sha3_256", "sha3-256", 64 },
    { "sha3_224", "sha3-224", 56 },
    { "blake2b", "blake2b512", 128 },
    { "blake2s", "blake2s256", 64 }
};


static const glance_digest_name_t *
glance_digest_find(glance_str_t name)
{
    size_t  n;

    n = sizeof(glance_digest_names) / sizeof(glance_digest_names[0]);

    for (size_t i = 0; i < n; i++) {

        if (glance_str_eq(name, glance_str(glance_digest_names[i].name))) {
            return &glance_digest_names[i];
        }
    }

    return NULL;
}


size_t
glance_digest_hex_len(glance_str_t name)
{
    const glance_digest_name_t  *found;

    found = glance_digest_find(name);

    return (found == NULL) ? 0 : found->hex_len;
}


glance_digest_t *
glance_digest_new(const char *name)
{
    const EVP_MD                *md;
    glance_digest_t             *d;
    const glance_digest_name_t  *found;

    found = glance_digest_find(glance_str(name));
    md = (found == NULL) ? NULL : EVP_get_digestbyname(found->crypto);

    if (md == NULL) {
        return NULL;
    }

    d = calloc(1, sizeof(glance_digest_t));

    if (d == NULL) {
        return NULL;
    }

    d->ctx = EVP_MD_CTX_new();

    if (d->ctx == NULL || EVP_DigestInit_ex(d->ctx, md, NULL) != 1) {
        glance_digest_free(d);
        return NULL;
    }

    return d;
}


bool
glance_digest_update(glance_digest_t *d, const void *data, size_t len)
{
    if (d->failed) {
        return false;
    }

    if (len > 0 && EVP_DigestUpdate(d->ctx, data, len) != 1) {
        d->failed = true;
        return false;
    }

    return true;
}


bool
glance_digest_hex(glance_digest_t *d,
    unsigned char hex[GLANCE_DIGEST_HEX_MAX], size_t *len)
{
    unsigned       n;
    unsigned char  md[EVP_MAX_MD_SIZE];

    if (d->failed) {
        return false;
    }

    d->failed = true;

    if (EVP_DigestFinal_ex(d->ctx, md, &n) != 1) {
        return false;
    }

    glance_hex(md, n, hex);
    *len = (size_t) n * 2;

    return true;
}


void
glance_digest_free(glance_digest_t *d)
{
    if (d == NULL) {
        return;
    }

    EVP_MD_CTX_free(d->ctx);
    free(d);
}


bool
glance_hmac(glance_str_t secret, glance_str_t text,
    unsigned char dst[GLANCE_HMAC_LEN])
{
    unsigned       n;
    unsigned char  md[EVP_MAX_MD_SIZE];

    if (HMAC(EVP_sha256(), secret.data, (int) secret.len, text.data, text.len,
             md, &n)
        == NULL
        || n != GLANCE_HMAC_LEN)
    {
        return false;
    }

    memcpy(dst, md, GLANCE_HMAC_LEN);
    glance_wipe(md, sizeof(md));

    return true;
}


void
glance_wipe(void *mem, size_t size)
{
    OPENSSL_cleanse(mem, size);
}
