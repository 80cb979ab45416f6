/* A database server for the time of a benchmark: a child process in a folder of its own, as an unprivileged user if this
 * process is root and the server refuses to be. It ends when this program ends, however that happens. */
#ifndef TALLY_BENCH_SERVER_H
#define TALLY_BENCH_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

/* A socket in the folder must be short enough for sockaddr_un. */
enum { SERVER_DIRECTORY_BYTES = 88 };

struct server {
    pid_t pid;
    const char *user;                       /* runs as this user if this process is root; NULL = stays who we are */
    char directory[SERVER_DIRECTORY_BYTES]; /* absolute */
    char log[SERVER_DIRECTORY_BYTES + 8];   /* gets what its processes print */
};

/* Makes the folder, removes what an earlier run left in it, and hands it to the server's user. Prints why it cannot. */
bool server_prepare(struct server *server, const char *directory);

/* Removes the folder and all in it. */
void server_remove(const struct server *server);

/* Runs a program of the server's user to its end. Returns whether its exit status was 0; prints why not. */
bool server_run(const struct server *server, char *const arguments[]);

/* Starts the server itself. Returns false and prints why. */
bool server_start(struct server *server, char *const arguments[]);

/* Whether it still runs; what it said is in the log if not. */
bool server_runs(struct server *server);

/* Processor time that the server's processes have used that still run, seconds, user and system. */
double server_cpu_seconds(const struct server *server);

/* Sends the signal that asks it to stop, and waits. Returns whether it ended well. */
bool server_stop(struct server *server, int number);

#endif
