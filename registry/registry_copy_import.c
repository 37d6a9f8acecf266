
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_copy_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "glance_digest.h"
#include "registry_log.h"


#define REGISTRY_IMPORT_MD5  "md5"


/* one GET: its header says how many data there are, the rest is hashed */

typedef struct {
    registry_copy_t   *copy;
    glance_digest_t   *md5;
    glance_digest_t   *hash;            /* NULL: none of this name */
    int64_t            received;
    unsigned           refused;         /* the registry's status */
    bool               told;            /* reason says why it stopped */
    char              *reason;
} registry_import_run_t;


static registry_fetch_e registry_import_read(registry_import_run_t *run);
static bool registry_import_begin(void *arg, int64_t total);
static bool registry_import_data(void *arg, const void *data, size_t len);
static bool registry_import_found(registry_import_run_t *run, int64_t size);
static void registry_import_end(registry_import_run_t *run,
    registry_fetch_e rc);
static bool registry_import_hex(glance_digest_t *d,
    char hex[GLANCE_DIGEST_HEX_MAX + 1]);


void
registry_copy_import(registry_copy_t *copy)
{
    char                   reason[REGISTRY_FETCH_REASON];
    registry_fetch_e       rc;
    registry_import_run_t  run = { .copy = copy, .reason = reason };

    registry_log(REGISTRY_LOG_INFO, "import", "import begins image=%s try=%"
                 PRId64, copy->image, copy->tries);

    (void) snprintf(reason, sizeof(reason), "no memory for digests");

    run.md5 = glance_digest_new(REGISTRY_IMPORT_MD5);
    run.hash = glance_digest_new(copy->algo);

    rc = (run.md5 == NULL || run.hash == NULL) ? REGISTRY_FETCH_AGAIN
                                               : registry_import_read(&run);

    registry_import_end(&run, rc);

    glance_digest_free(run.md5);
    glance_digest_free(run.hash);
}


static registry_fetch_e
registry_import_read(registry_import_run_t *run)
{
    registry_copy_t  *copy = run->copy;

    registry_fetch_e       rc;
    registry_fetch_sink_t  sink = {
        registry_import_begin, registry_import_data, run
    };

    rc = registry_fetch_into(&copy->conf, copy->url, copy->size, &sink,
                             registry_copy_tick, copy, run->reason);

    /* only now is it known how many there are */

    if (rc == REGISTRY_FETCH_DONE && !copy->located
        && !registry_import_found(run, run->received))
    {
        return REGISTRY_FETCH_STOPPED;
    }

    return rc;
}


static bool
registry_import_begin(void *arg, int64_t total)
{
    registry_import_run_t *run = arg;

    /* an empty one fails when it has come to its end */

    return total <= 0 || run->copy->located
           || registry_import_found(run, total);
}


static bool
registry_import_data(void *arg, const void *data, size_t len)
{
    registry_import_run_t *run = arg;

    run->received += (int64_t) len;

    return !run->copy->secure
           || (glance_digest_update(run->md5, data, len)
               && glance_digest_update(run->hash, data, len));
}


/* false: there is nothing more to do */

static bool
registry_import_found(registry_import_run_t *run, int64_t size)
{
    registry_copy_t  *copy = run->copy;

    char               path[96];
    unsigned           status;
    registry_answer_t  answer = { 0, 0, "" };

    (void) snprintf(path, sizeof(path), "/jobs/%s", copy->image);

    status = registry_copy_call(copy, "PUT", path,
                                json_pack("{s:s, s:I, s:I, s:b, s:s}",
                                          "holder", copy->holder, "lease",
                                          (json_int_t) copy->lease, "size",
                                          (json_int_t) size, "hash",
                                          copy->secure, "hash_algo",
                                          copy->algo),
                                &answer);

    if (status == 204) {
        copy->located = true;
        return copy->secure;
    }

    if (status == 404) {
        copy->lost = true;
    }

    run->refused = (status >= 400 && status < 500) ? status : 0;

    (void) snprintf(run->reason, REGISTRY_FETCH_REASON,
                    "the registry answers %u: %.180s", status, answer.text);

    run->told = true;

    return false;
}


static void
registry_import_end(registry_import_run_t *run, registry_fetch_e rc)
{
    registry_copy_t  *copy = run->copy;

    bool  failed;
    char  md5[GLANCE_DIGEST_HEX_MAX + 1], hash[GLANCE_DIGEST_HEX_MAX + 1];

    if (copy->lost) {
        registry_log(REGISTRY_LOG_WARNING, "import", "import given up, the "
                     "image or the job is gone image=%s", copy->image);
        return;
    }

    if (copy->located && !copy->secure
        && (rc == REGISTRY_FETCH_STOPPED || rc == REGISTRY_FETCH_DONE))
    {
        registry_log(REGISTRY_LOG_INFO, "import", "import done image=%s",
                     copy->image);
        return;                         /* and the job with it */
    }

    if (rc == REGISTRY_FETCH_DONE
        && registry_import_hex(run->md5, md5)
        && registry_import_hex(run->hash, hash))
    {
        registry_log(REGISTRY_LOG_INFO, "import", "import read image=%s "
                     "bytes=%" PRId64, copy->image, run->received);

        registry_copy_report(copy, "DELETE",
                             json_pack("{s:s, s:s, s:s, s:s}", "holder",
                                       copy->holder, "checksum", md5,
                                       "hash_algo", copy->algo, "hash_value",
                                       hash));
        return;
    }

    failed = (run->refused != 0 && run->refused != 404)
             || (rc == REGISTRY_FETCH_FAILED && !copy->located)
             || ((rc == REGISTRY_FETCH_FAILED || rc == REGISTRY_FETCH_CUT)
                 && copy->tries > copy->retries);

    if (rc == REGISTRY_FETCH_STOPPED && !run->told) {
        (void) snprintf(run->reason, REGISTRY_FETCH_REASON,
                        "glance-worker was stopped");
    }

    registry_log(failed ? REGISTRY_LOG_ERROR : REGISTRY_LOG_WARNING, "import",
                 "import %s image=%s reason=\"%s\"",
                 failed ? "failed" : "is tried again", copy->image,
                 run->reason);

    registry_copy_report(copy, "PUT",
                         json_pack("{s:s, s:s, s:b}", "holder", copy->holder,
                                   "error", run->reason, "failed", failed));
}


static bool
registry_import_hex(glance_digest_t *d, char hex[GLANCE_DIGEST_HEX_MAX + 1])
{
    size_t  len;

    if (!glance_digest_hex(d, (unsigned char *) hex, &len)) {
        return false;
    }

    hex[len] = '\0';

    return true;
}
