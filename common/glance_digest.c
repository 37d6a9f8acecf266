
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


glance_digest_t *
glance_digest_new(const char *name)
{
    const EVP_MD     *md;
    glance_digest_t  *d;

    md = EVP_get_digestbyname(name);

    if (md == NULL || EVP_MD_size(md) * 2 > GLANCE_DIGEST_HEX_MAX) {
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
