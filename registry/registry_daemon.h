
/*
 * Copyright (C) ngx_glance authors
 */



#ifndef _REGISTRY_DAEMON_H_INCLUDED_
#define _REGISTRY_DAEMON_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "registry_err.h"


/*
 * Blocks SIGINT, SIGTERM, SIGQUIT, SIGHUP and SIGUSR1 in the calling thread
 * and, by inheritance, in all threads that it starts later; ignores SIGPIPE.
 * Call it before the first thread.
 */
registry_rc_e registry_daemon_signals(registry_err_t *err);

/* undoes it in a child, before exec */
void registry_daemon_unblock(void);

/* waits for one of these signals: its number, 0 after timeout_ms (-1: never) */
int registry_daemon_wait(int timeout_ms);

/*
 * The pid in the file when that process lives; 0 when there is no file or it
 * is stale.  *stale (may be NULL) tells the two apart.
 */
pid_t registry_daemon_pid(const char *path, bool *stale);

/*
 * Writes our pid, replacing a stale file; REGISTRY_CONFLICT when another
 * living process is in it.  The directory is created when it is missing.
 */
registry_rc_e registry_daemon_pid_write(const char *path, registry_err_t *err);

/* removes the file if our pid is in it */
void registry_daemon_pid_remove(const char *path);

/*
 * The user that a server becomes when root has started it; "" or "root": none
 * other.  Before the first thread.  A socket is given to him before.  The pid
 * file is not: root sends signals to whom it names, and a server that may not
 * remove it leaves one that counts for nothing.
 */
registry_rc_e registry_daemon_become(const char *user, registry_err_t *err);
registry_rc_e registry_daemon_give(const char *user, const char *path,
    registry_err_t *err);

/* mkdir -p */
registry_rc_e registry_daemon_mkdir(const char *path, mode_t mode,
    registry_err_t *err);

/*
 * Starts a program in a session of its own, standard input from /dev/null,
 * output and errors to the file (appended; NULL: /dev/null).  The child's
 * pid, or -1 with err set; a failed exec ends the child with status 127.
 */
pid_t registry_daemon_spawn(char *const argv[], const char *output,
    registry_err_t *err);

/* the same; what it writes is read by another program, started before it */
pid_t registry_daemon_spawn_piped(char *const argv[], char *const reader[],
    registry_err_t *err);

/*
 * Runs a program to its end: its exit status, 128 and more after a signal,
 * -1 with err set.  What it wrote to both outputs is cut at size - 1 bytes.
 */
int registry_daemon_run(char *const argv[], char *text, size_t size,
    registry_err_t *err);

/*
 * The file beside our own executable, else in the directories of PATH and in
 * /usr/sbin; false when there is none.
 */
bool registry_daemon_program(const char *name, char *path, size_t size);


#endif /* _REGISTRY_DAEMON_H_INCLUDED_ */
