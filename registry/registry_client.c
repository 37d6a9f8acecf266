
/*
 * Copyright (C) ngx_glance authors
 */


#include "registry_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "glance_uuid.h"
#include "registry_hosts.h"
#include "registry_log.h"


#define REGISTRY_CLIENT_TIMEOUT  30000L
#define REGISTRY_CLIENT_CONNECT  2000L
#define REGISTRY_CLIENT_REMOVAL  600000L
#define REGISTRY_CLIENT_URL      1024


struct registry_client_s {
    CURL              *curl;
    registry_hosts_t   hosts;
    size_t             current;         /* answered last time */
    char              *secret;
    char              *role;
    char              *text;
    size_t             len;
    size_t             allocated;
};


static registry_rc_e registry_client_once(registry_client_t *client,
    const char *host, const char *method, const char *path,
    const char *body, registry_answer_t *answer, registry_err_t *err);
static registry_rc_e registry_client_target(CURL *curl, const char *host,
    bool tls, const char *path);
static bool registry_client_header(struct curl_slist **list,
    const char *name, const char *value);
static void registry_client_id(char *id, size_t size);
static size_t registry_client_write(char *data, size_t size, size_t n,
    void *arg);
static size_t registry_client_discard(char *data, size_t size, size_t n,
    void *arg);


void
registry_client_library(void)
{
    (void) curl_global_init(CURL_GLOBAL_DEFAULT);
}


void
registry_client_library_free(void)
{
    curl_global_cleanup();
}


registry_client_t *
registry_client_new(const registry_config_t *cf, registry_err_t *err)
{
    registry_client_t  *client;

    client = calloc(1, sizeof(registry_client_t));
    if (client == NULL) {
        (void) registry_err_set(err, REGISTRY_ERROR, "no memory");
        return NULL;
    }

    if (registry_hosts_init(&client->hosts, cf, err) != REGISTRY_OK) {
        registry_client_free(client);
        return NULL;
    }

    client->curl = curl_easy_init();
    client->secret = strdup(registry_config_str(cf, "registry_secret"));
    client->role = strdup(registry_config_str(cf, "admin_role"));

    if (client->curl == NULL || client->secret == NULL
        || client->role == NULL)
    {
        (void) registry_err_set(err, REGISTRY_ERROR, "no memory");
        registry_client_free(client);
        return NULL;
    }

    return client;
}


void
registry_client_free(registry_client_t *client)
{
    if (client == NULL) {
        return;
    }

    curl_easy_cleanup(client->curl);
    free(client->secret);
    free(client->role);
    free(client->text);
    free(client);
}


registry_rc_e
registry_client_call(registry_client_t *client, const char *method,
    const char *path, const char *body, registry_answer_t *answer,
    registry_err_t *err)
{
    size_t         n;
    registry_rc_e  rc;

    rc = REGISTRY_BUSY;

    for (size_t i = 0; i < client->hosts.n; i++) {
        n = (client->current + i) % client->hosts.n;

        rc = registry_client_once(client, client->hosts.host[n], method, path,
                                  body, answer, err);

        if (rc != REGISTRY_BUSY) {
            client->current = n;
            break;
        }
    }

    return rc;
}


unsigned
registry_client_post(registry_client_t *client, const char *socket,
    const char *body)
{
    long                status;
    struct curl_slist  *headers;

    status = 0;

    curl_easy_reset(client->curl);

    headers = curl_slist_append(NULL, "Content-Type: application/json");

    if (headers == NULL
        || registry_client_target(client->curl, "localhost", false, "/")
           != REGISTRY_OK)
    {
        goto done;
    }

    (void) curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, socket);
    (void) curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    (void) curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
    (void) curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS,
                            REGISTRY_CLIENT_REMOVAL);
    (void) curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION,
                            registry_client_discard);

    if (curl_easy_perform(client->curl) == CURLE_OK) {
        (void) curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE,
                                 &status);
    }

done:

    curl_slist_free_all(headers);

    return (unsigned) status;
}


unsigned
registry_client_probe(const char *host, bool tls, const char *path,
    const char *secret, long timeout_ms)
{
    CURL               *curl;
    long                status;
    struct curl_slist  *headers;

    status = 0;
    headers = NULL;

    curl = curl_easy_init();
    if (curl == NULL) {
        return 0;
    }

    if (secret != NULL && secret[0] != '\0'
        && !registry_client_header(&headers, "X-Glance-Secret", secret))
    {
        goto done;
    }

    if (registry_client_target(curl, host, tls, path) != REGISTRY_OK) {
        goto done;
    }

    (void) curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void) curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    (void) curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    (void) curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    (void) curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION,
                            registry_client_discard);

    if (curl_easy_perform(curl) == CURLE_OK) {
        (void) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }

done:

    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);

    return (unsigned) status;
}


static registry_rc_e
registry_client_once(registry_client_t *client, const char *host,
    const char *method, const char *path, const char *body,
    registry_answer_t *answer, registry_err_t *err)
{
    long                status;
    char                text[CURL_ERROR_SIZE];
    CURLcode            code;
    registry_rc_e       rc;
    struct curl_slist  *headers;

    client->len = 0;
    text[0] = '\0';

    curl_easy_reset(client->curl);

    headers = registry_client_headers(client,
                                      (body != NULL) ? "application/json"
                                                     : NULL);
    if (headers == NULL) {
        return registry_err_set(err, REGISTRY_ERROR, "no memory");
    }

    rc = registry_client_target(client->curl, host, false, path);
    if (rc != REGISTRY_OK) {
        (void) registry_err_set(err, rc, "registry %.100s: no request can "
                                "be made of it", host);
        goto done;
    }

    (void) curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    (void) curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    (void) curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, text);
    (void) curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS,
                            REGISTRY_CLIENT_TIMEOUT);
    (void) curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION,
                            registry_client_write);
    (void) curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, client);

    if (body != NULL) {
        (void) curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
    }

    code = curl_easy_perform(client->curl);
    (void) curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, NULL);

    if (code != CURLE_OK) {
        rc = registry_err_set(err, REGISTRY_BUSY, "registry %.100s: %.100s",
                              host, (text[0] != '\0')
                              ? text : curl_easy_strerror(code));
        goto done;
    }

    (void) curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);

    if (status == 502 || status == 503) {
        rc = registry_err_set(err, REGISTRY_BUSY, "registry %.100s: answers "
                              "%ld", host, status);
        goto done;
    }

    answer->status = (unsigned) status;
    answer->len = client->len;
    answer->text = (client->text != NULL) ? client->text : "";

    if (client->text != NULL) {
        client->text[client->len] = '\0';
    }

    rc = REGISTRY_OK;

done:

    curl_slist_free_all(headers);

    return rc;
}


static registry_rc_e
registry_client_target(CURL *curl, const char *host, bool tls,
    const char *path)
{
    int   n;
    char  url[REGISTRY_CLIENT_URL];

    if (strncmp(host, "unix:", 5) == 0) {
        n = snprintf(url, sizeof(url), "http://localhost%s", path);

        if (curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, host + 5)
            != CURLE_OK)
        {
            return REGISTRY_ERROR;
        }

    } else {
        n = snprintf(url, sizeof(url), "%s://%s%s", tls ? "https" : "http",
                     host, path);
    }

    if (n < 0 || (size_t) n >= sizeof(url)
        || curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https")
           != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                            REGISTRY_CLIENT_CONNECT)
           != CURLE_OK)
    {
        return REGISTRY_ERROR;
    }

    return REGISTRY_OK;
}


struct curl_slist *
registry_client_headers(registry_client_t *client, const char *type)
{
    char                id[64];
    struct curl_slist  *list;

    list = NULL;

    registry_client_id(id, sizeof(id));
    registry_log_request_id(id);

    if (!registry_client_header(&list, "X-Openstack-Request-ID", id)
        || !registry_client_header(&list, "X-Identity-Status", "Confirmed")
        || !registry_client_header(&list, "X-User-Id", "glance-worker")
        || !registry_client_header(&list, "X-Roles", client->role)
        || (client->secret[0] != '\0'
            && !registry_client_header(&list, "X-Glance-Secret",
                                       client->secret))
        || (type != NULL && !registry_client_header(&list, "Content-Type",
                                                    type)))
    {
        curl_slist_free_all(list);
        return NULL;
    }

    return list;
}


static bool
registry_client_header(struct curl_slist **list, const char *name,
    const char *value)
{
    char               *line;
    struct curl_slist  *more;

    if (asprintf(&line, "%s: %s", name, value) < 0) {
        return false;
    }

    more = curl_slist_append(*list, line);
    free(line);

    if (more == NULL) {
        return false;
    }

    *list = more;

    return true;
}


static void
registry_client_id(char *id, size_t size)
{
    unsigned char  uuid[GLANCE_UUID_LEN + 1], random[16];

    memset(random, 0, sizeof(random));
    (void) !getrandom(random, sizeof(random), 0);

    glance_uuid_format(random, uuid);
    uuid[GLANCE_UUID_LEN] = '\0';

    (void) snprintf(id, size, "req-%s", (char *) uuid);
}


static size_t
registry_client_write(char *data, size_t size, size_t n, void *arg)
{
    char               *text;
    size_t              len, room;
    registry_client_t  *client;

    client = arg;
    len = size * n;

    if (len > REGISTRY_CLIENT_ANSWER_MAX - client->len) {
        return 0;
    }

    room = client->len + len + 1;

    if (room > client->allocated) {
        room += room / 2;

        text = realloc(client->text, room);
        if (text == NULL) {
            return 0;
        }

        client->text = text;
        client->allocated = room;
    }

    memcpy(client->text + client->len, data, len);
    client->len += len;

    return len;
}


static size_t
registry_client_discard(char *data, size_t size, size_t n, void *arg)
{
    (void) data;
    (void) arg;

    return size * n;
}
