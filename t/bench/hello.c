
/*
 * Copyright (C) ngx_glance authors
 */


/*
 * The least that a server of libmicrohttpd can do, with as many threads as
 * the registry has by default: "hello PORT" answers everything with one line
 * until it is told to end.
 */


#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "bytes.h"


#define HELLO_THREADS  8


static char  hello_text[] = "{\"hello\": \"world\"}\n";


static enum MHD_Result
hello_answer(void *data, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *body, size_t *len,
    void **ctx)
{
    static int  seen;

    enum MHD_Result       rc;
    struct MHD_Response  *response;

    (void) data;
    (void) url;
    (void) method;
    (void) version;
    (void) body;

    if (*ctx == NULL) {
        *ctx = &seen;
        return MHD_YES;
    }

    if (*len) {
        *len = 0;
        return MHD_YES;
    }

    response = MHD_create_response_from_buffer(sizeof(hello_text) - 1,
                                               hello_text,
                                               MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }

    rc = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);

    return rc;
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
                              hello_answer, NULL,
                              MHD_OPTION_THREAD_POOL_SIZE,
                              (unsigned) HELLO_THREADS,
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
