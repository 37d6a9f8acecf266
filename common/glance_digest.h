
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _GLANCE_DIGEST_H_INCLUDED_
#define _GLANCE_DIGEST_H_INCLUDED_


#include "glance_str.h"


#define GLANCE_DIGEST_HEX_MAX  128      /* sha512 */


typedef struct glance_digest_s  glance_digest_t;


/*
 * One running digest over libcrypto's EVP, by the name that Python and so
 * Glance has for it: "md5", "sha512", "sha3_256", "blake2b" and the like.  New
 * reference, released by glance_digest_free(), which accepts NULL.  NULL:
 * unknown name or no memory.
 */
glance_digest_t *glance_digest_new(const char *name);

/* hexadecimal digits of such a digest; 0: unknown name */
size_t glance_digest_hex_len(glance_str_t name);
bool glance_digest_update(glance_digest_t *d, const void *data, size_t len);

/* lower case hexadecimal and its length, no NUL; the digest is used up */
bool glance_digest_hex(glance_digest_t *d,
    unsigned char hex[GLANCE_DIGEST_HEX_MAX], size_t *len);
void glance_digest_free(glance_digest_t *d);

/* false: no memory; dst may be the secret */
#define GLANCE_HMAC_LEN  32             /* of SHA-256 */

bool glance_hmac(glance_str_t secret, glance_str_t text,
    unsigned char dst[GLANCE_HMAC_LEN]);

/* memory that held a secret; not optimized away */
void glance_wipe(void *mem, size_t size);


#endif /* _GLANCE_DIGEST_H_INCLUDED_ */
