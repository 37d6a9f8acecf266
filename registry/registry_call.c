
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_call.h"

#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "glance_fault.h"
#include "glance_time.h"
#include "glance_uuid.h"
#include "registry_log.h"
#include "registry_router.h"


#define REGISTRY_CALL_LOG     "http"
#define REGISTRY_CALL_BODY    4096      /* room at the first piece */
#define REGISTRY_RETRY_AFTER  "1"       /* s */


typedef struct {
    registry_request_t   *rq;
    registry_arg_t      **tail;
    registry_rc_e         rc;
} registry_args_t;


static enum MHD_Result registry_call_reply(registry_call_t *call,
    registry_rc_e rc, bool last);
static unsigned registry_call_status(const registry_request_t *rq,
    registry_rc_e rc);
static void registry_call_error(registry_call_t *call, registry_rc_e rc);
static void registry_call_fault(registry_request_t *rq, glance_str_t text);
static void registry_call_log(registry_call_t *call);
static enum MHD_Result registry_call_arg(void *data, enum MHD_ValueKind kind,
    const char *key, const char *value);


registry_call_t *
registry_call_begin(const registry_app_t *app,
    struct MHD_Connection *connection, const char *url, const char *method)
{
    uint64_t                         len;
    glance_str_t                     s;
    registry_pool_t                 *pool;
    registry_call_t                 *call;
    const union MHD_ConnectionInfo  *info;

    pool = registry_pool_new();
    if (pool == NULL) {
        return NULL;
    }

    call = registry_pool_calloc(pool, 1, sizeof(registry_call_t));

    if (call == NULL
        || !registry_pool_copy(pool, glance_str(url), &call->rq.path))
    {
        registry_pool_free(pool);
        return NULL;
    }

    (void) clock_gettime(CLOCK_MONOTONIC, &call->start);

    call->known = registry_method_parse(method, &call->rq.method);
    call->rq.method_name = method;
    call->rq.v2 = registry_route_v2(call->rq.path);
    call->rq.app = app;
    call->rq.pool = pool;
    call->rq.connection = connection;

    registry_out_init(&call->rq.out, REGISTRY_ANSWER_MAX);

    info = MHD_get_connection_info(connection,
                                   MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    call->rq.local = (info != NULL && info->client_addr != NULL
                      && info->client_addr->sa_family == AF_UNIX);

    s = registry_request_header(&call->rq, "X-Openstack-Request-ID");

    if (s.len > 0 && s.len <= REGISTRY_REQUEST_ID
        && glance_utf8_check(s) == GLANCE_UTF8_OK)
    {
        memcpy(call->rq.id, s.data, s.len);
    }

    s = registry_request_header(&call->rq, "Content-Length");

    if (s.len > 0) {
        call->too_large = !glance_str_u64(s, app->max_body, &len);
    }

    return call;
}


void
registry_call_free(registry_call_t *call)
{
    registry_out_free(&call->rq.out);
    registry_pool_free(call->rq.pool);
}


void
registry_call_body(registry_call_t *call, const char *data, size_t size)
{
    size_t               len, room;
    unsigned char       *p;
    registry_request_t  *rq = &call->rq;

    len = rq->body.len;

    if (call->too_large || size > rq->app->max_body - len) {
        call->too_large = true;
        return;
    }

    if (len + size > call->size) {

        room = (len + size) * 2;

        if (room < REGISTRY_CALL_BODY) {
            room = REGISTRY_CALL_BODY;
        }

        p = registry_pool_alloc(rq->pool, room);

        if (p == NULL) {
            call->too_large = true;
            return;
        }

        if (len > 0) {
            memcpy(p, call->body, len);
        }

        call->size = room;
        call->body = p;
        rq->body.data = p;
    }

    memcpy(call->body + len, data, size);
    rq->body.len += size;
}


glance_str_t
registry_request_header(const registry_request_t *rq, const char *name)
{
    size_t        len;
    const char   *value;
    glance_str_t  s = glance_null_string;

    if (MHD_lookup_connection_value_n(rq->connection, MHD_HEADER_KIND, name,
                                      strlen(name), &value, &len) == MHD_YES
        && value != NULL)
    {
        s.data = (const unsigned char *) value;
        s.len = len;
    }

    return s;
}


registry_rc_e
registry_request_reply_header(registry_request_t *rq, const char *name,
    glance_str_t value)
{
    glance_str_t  copy;

    if (rq->n_headers == REGISTRY_HEADERS
        || !registry_pool_copy(rq->pool, value, &copy))
    {
        return registry_err_set(&rq->err, REGISTRY_ERROR,
                                "no room for a header");
    }

    rq->headers[rq->n_headers].name = name;
    rq->headers[rq->n_headers].value = (const char *) copy.data;
    rq->n_headers++;

    return REGISTRY_OK;
}


registry_rc_e
registry_request_new_id(registry_request_t *rq, glance_str_t *id)
{
    unsigned char   random[16], *p;

    p = registry_pool_alloc(rq->pool, GLANCE_UUID_LEN);

    if (p == NULL || getrandom(random, sizeof(random), 0) != sizeof(random)) {
        return registry_err_set(&rq->err, REGISTRY_ERROR,
                                "no random identifier");
    }

    glance_uuid_format(random, p);

    id->data = p;
    id->len = GLANCE_UUID_LEN;

    return REGISTRY_OK;
}


/* a plus sign that nobody encoded has arrived as a space */

bool
registry_request_time(registry_request_t *rq, glance_str_t value,
    int64_t *epoch)
{
    glance_str_t    copy;
    unsigned char  *p;

    if (glance_time_parse(value, epoch)) {
        return true;
    }

    if (!registry_pool_copy(rq->pool, value, &copy)) {
        return false;
    }

    p = (unsigned char *) copy.data;

    for (size_t i = copy.len; i > 0; i--) {

        if (p[i - 1] == ' ') {
            p[i - 1] = '+';
            break;
        }
    }

    return glance_time_parse(copy, epoch);
}


registry_rc_e
registry_request_args(registry_request_t *rq, registry_arg_t **args)
{
    registry_args_t  ctx = { rq, args, REGISTRY_OK };

    *args = NULL;

    (void) MHD_get_connection_values(rq->connection, MHD_GET_ARGUMENT_KIND,
                                     registry_call_arg, &ctx);

    return ctx.rc;
}


enum MHD_Result
registry_call_answer(registry_call_t *call, bool last)
{
    registry_rc_e        rc;
    enum MHD_Result      result;
    registry_request_t  *rq = &call->rq;

    registry_log_request_id(rq->id);

    if (call->too_large) {
        rc = registry_err_set(&rq->err, REGISTRY_LIMIT, "The request body is "
                              "larger than %zu bytes",
                              rq->app->max_body);

    } else if (call->known) {
        rc = registry_route(rq);

    } else {
        rc = registry_route_other(rq);
    }

    if (rc == REGISTRY_OK && rq->out.failed) {
        rc = registry_err_set(&rq->err, REGISTRY_ERROR, "answer too large");
    }

    result = registry_call_reply(call, rc, last);

    registry_log_request_id(NULL);

    return result;
}


static enum MHD_Result
registry_call_reply(registry_call_t *call, registry_rc_e rc, bool last)
{
    size_t                len;
    enum MHD_Result       result;
    registry_request_t   *rq = &call->rq;
    struct MHD_Response  *response;

    if (rc == REGISTRY_OK) {

        if (rq->status == 0) {
            rq->status = 200;
        }

        if (rq->type == NULL) {
            rq->type = "application/json";
        }

    } else {
        rq->status = registry_call_status(rq, rc);
        registry_call_error(call, rc);
    }

    registry_call_log(call);

    /* the text is the response's from now on */

    len = rq->out.len;
    response = MHD_create_response_from_buffer(len, rq->out.data,
                                               (rq->out.data == NULL)
                                               ? MHD_RESPMEM_PERSISTENT
                                               : MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        return MHD_NO;
    }

    rq->out.data = NULL;
    registry_out_init(&rq->out, 0);

    if (rq->status != 204) {
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                       rq->type);
    }

    if (rq->id[0] != '\0') {
        (void) MHD_add_response_header(response, "x-openstack-request-id",
                                       rq->id);
    }

    if (rq->allow[0] != '\0') {
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
                                       rq->allow);
    }

    for (size_t i = 0; i < rq->n_headers; i++) {
        (void) MHD_add_response_header(response, rq->headers[i].name,
                                       rq->headers[i].value);
    }

    if (rq->status == 503) {
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
                                       REGISTRY_RETRY_AFTER);
    }

    if (last) {
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION,
                                       "close");
    }

    result = MHD_queue_response(rq->connection, rq->status, response);

    MHD_destroy_response(response);

    return result;
}


static unsigned
registry_call_status(const registry_request_t *rq, registry_rc_e rc)
{
    if (rq->allow[0] != '\0') {
        return 405;
    }

    switch (rc) {

    case REGISTRY_NOT_FOUND:
        return 404;

    case REGISTRY_CONFLICT:
        return 409;

    case REGISTRY_INVALID:
        return 400;

    case REGISTRY_FORBIDDEN:
        return 403;

    case REGISTRY_UNAUTHORIZED:
        return 401;

    case REGISTRY_LIMIT:
        return 413;

    case REGISTRY_GONE:
        return 410;

    case REGISTRY_MEDIA_TYPE:
        return 415;

    case REGISTRY_BUSY:
        return 503;

    default:
        return 500;
    }
}


/* what the database said is for the log, not for the caller */

static void
registry_call_error(registry_call_t *call, registry_rc_e rc)
{
    const char          *text;
    registry_request_t  *rq = &call->rq;

    text = rq->err.text;

    if (rc == REGISTRY_BUSY) {
        text = "The database is not available";

    } else if (rc == REGISTRY_ERROR) {
        text = "Internal error of the registry";
    }

    if (rq->status >= 500) {
        registry_log(REGISTRY_LOG_ERROR, REGISTRY_CALL_LOG,
                     "request failed reason=\"%s\"", rq->err.text);
    }

    registry_out_free(&rq->out);
    registry_out_init(&rq->out, REGISTRY_ANSWER_MAX);

    if (rq->v2) {

        /* what an operator has to know is in the log only */

        registry_call_fault(rq, (rq->status == 500) ? glance_str("")
                                : glance_utf8_cut(glance_str(text)));
        return;
    }

    rq->type = "text/plain; charset=UTF-8";
    registry_out_text(&rq->out, text);
}


static void
registry_call_fault(registry_request_t *rq, glance_str_t text)
{
    char            mem[REGISTRY_ERR_TEXT * 6 + 512];
    glance_buf_t    b;
    glance_fault_e  form;

    form = glance_fault_form(registry_request_header(rq, "Accept"));
    rq->type = glance_fault_content_type(form);

    glance_buf_init(&b, mem, sizeof(mem));
    glance_fault_render_v2(&b, form, rq->status, text);
    registry_out_put(&rq->out, glance_buf_str(&b));
}


static void
registry_call_log(registry_call_t *call)
{
    long             ms;
    const char      *method;
    registry_log_e   level;
    struct timespec  now;

    static const char *const  names[REGISTRY_METHODS] = {
        "GET", "POST", "PUT", "PATCH", "DELETE"
    };

    level = REGISTRY_LOG_INFO;

    if (!registry_log_enabled(level)) {
        return;
    }

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    ms = (now.tv_sec - call->start.tv_sec) * 1000
         + (now.tv_nsec - call->start.tv_nsec) / 1000000;
    method = call->known ? names[call->rq.method] : "other";

    registry_log(level, REGISTRY_CALL_LOG,
                 "request method=%s path=\"%.*s\" status=%u bytes=%zu "
                 "time_ms=%ld", method, (int) call->rq.path.len,
                 (const char *) call->rq.path.data, call->rq.status,
                 call->rq.out.len, ms);
}


static enum MHD_Result
registry_call_arg(void *data, enum MHD_ValueKind kind, const char *key,
    const char *value)
{
    registry_args_t *ctx = data;

    size_t          len;
    unsigned char  *p;
    registry_arg_t *arg;
    glance_str_t    in[2], *out[2];

    (void) kind;

    arg = registry_pool_calloc(ctx->rq->pool, 1, sizeof(registry_arg_t));

    if (arg == NULL) {
        ctx->rc = registry_err_set(&ctx->rq->err, REGISTRY_ERROR,
                                   "out of memory");
        return MHD_NO;
    }

    in[0] = glance_str(key);
    in[1] = glance_str((value == NULL) ? "" : value);
    out[0] = &arg->name;
    out[1] = &arg->value;

    for (int i = 0; i < 2; i++) {
        p = registry_pool_alloc(ctx->rq->pool, in[i].len + 1);

        if (p == NULL) {
            ctx->rc = registry_err_set(&ctx->rq->err, REGISTRY_ERROR,
                                       "out of memory");
            return MHD_NO;
        }

        if (!glance_percent_decode(in[i], p, &len)) {
            ctx->rc = registry_err_set(&ctx->rq->err, REGISTRY_INVALID,
                                       "Malformed percent-encoding in the "
                                       "query");
            return MHD_NO;
        }

        out[i]->data = p;
        out[i]->len = len;
    }

    *ctx->tail = arg;
    ctx->tail = &arg->next;

    return MHD_YES;
}
