
/*
 * Copyright (C) ngx_glance authors
 */


/*
 * The least that a store of S3 can do, so that what stands before it is
 * measured: "sink PORT" drops what is put, and gives as many zeros back.  It
 * looks at no signature and hashes nothing; that the data are encrypted is
 * S3's way to say that an ETag is no MD5.
 */


#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"


#define SINK_THREADS  2
#define SINK_MEMORY   (1024 * 1024)
#define SINK_OBJECTS  64
#define SINK_NAME     256


typedef struct {
    char      name[SINK_NAME];      /* empty: free */
    uint64_t  size;
} sink_object_t;


static pthread_mutex_t  sink_lock = PTHREAD_MUTEX_INITIALIZER;
static sink_object_t    sink_objects[SINK_OBJECTS];


/* NULL: not there, or no room for a new one */

static sink_object_t *
sink_find(const char *name, bool make)
{
    size_t          i, len;
    sink_object_t  *room;

    room = NULL;

    for (i = 0; i < SINK_OBJECTS; i++) {
        if (strcmp(sink_objects[i].name, name) == 0) {
            return &sink_objects[i];
        }

        if (room == NULL && sink_objects[i].name[0] == '\0') {
            room = &sink_objects[i];
        }
    }

    len = strlen(name) + 1;

    if (!make || room == NULL || len > SINK_NAME) {
        return NULL;
    }

    memcpy(room->name, name, len);

    return room;
}


/* true: the object is there, and *size is its size */

static bool
sink_do(const char *method, const char *name, uint64_t put, uint64_t *size)
{
    bool            there;
    sink_object_t  *o;

    (void) pthread_mutex_lock(&sink_lock);

    o = sink_find(name, strcmp(method, "PUT") == 0);
    there = (o != NULL);

    if (there && strcmp(method, "PUT") == 0) {
        o->size = put;
    }

    *size = there ? o->size : 0;

    if (there && strcmp(method, "DELETE") == 0) {
        o->name[0] = '\0';
    }

    (void) pthread_mutex_unlock(&sink_lock);

    return there;
}


/* zeros of a file that has none of them on the disk */

static struct MHD_Response *
sink_zeros(uint64_t size)
{
    int   fd;
    char  name[] = "/tmp/sink-XXXXXX";

    fd = mkstemp(name);
    if (fd == -1) {
        return NULL;
    }

    (void) unlink(name);

    if (ftruncate(fd, (off_t) size) == -1) {
        (void) close(fd);
        return NULL;
    }

    return MHD_create_response_from_fd64(size, fd);
}


/* the bucket, which has one slash in its name, is always there */

static enum MHD_Result
sink_answer(void *data, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *body, size_t *len,
    void **ctx)
{
    bool                  read, there;
    uint64_t              size, *put;
    enum MHD_Result       rc;
    struct MHD_Response  *response;

    (void) data;
    (void) version;
    (void) body;

    put = *ctx;

    if (put == NULL) {
        *ctx = calloc(1, sizeof(uint64_t));
        return *ctx ? MHD_YES : MHD_NO;
    }

    if (*len) {
        *put += *len;
        *len = 0;
        return MHD_YES;
    }

    there = true;
    size = 0;

    if (strchr(url + 1, '/')) {
        there = sink_do(method, url, *put, &size);
    }

    read = (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);

    response = sink_zeros((there && read) ? size : 0);
    if (response == NULL) {
        return MHD_NO;
    }

    (void) MHD_add_response_header(response, "ETag", "\"x\"");
    (void) MHD_add_response_header(response, "x-amz-server-side-encryption",
                                   "aws:kms");

    rc = MHD_queue_response(connection, there ? MHD_HTTP_OK
                                              : MHD_HTTP_NOT_FOUND, response);
    MHD_destroy_response(response);

    return rc;
}


static void
sink_completed(void *data, struct MHD_Connection *connection, void **ctx,
    enum MHD_RequestTerminationCode code)
{
    (void) data;
    (void) connection;
    (void) code;

    free(*ctx);
    *ctx = NULL;
}


int
main(int argc, char **argv)
{
    int                 got;
    sigset_t            set;
    struct sockaddr_in  address;
    struct MHD_Daemon  *daemon;

    if (argc != 2) {
        fprintf(stderr, "Usage: %s PORT\n", argv[0]);
        return 2;
    }

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);

    memset(&address, 0, sizeof(struct sockaddr_in));

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t) bytes_number(argv[1]));

    daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
                              sink_answer, NULL,
                              MHD_OPTION_THREAD_POOL_SIZE,
                              (unsigned) SINK_THREADS,
                              MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                              (size_t) SINK_MEMORY,
                              MHD_OPTION_NOTIFY_COMPLETED, sink_completed,
                              NULL,
                              MHD_OPTION_SOCK_ADDR, &address,
                              MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "cannot listen on port %s\n", argv[1]);
        return 1;
    }

    (void) sigwait(&set, &got);

    MHD_stop_daemon(daemon);

    return 0;
}
