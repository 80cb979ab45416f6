#include "bench/peers/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/folder.h"
#include "bench/pause.h"

enum { LOOK_MS = 20, STOP_TIMEOUT_MS = 120000 };

void server_remove(const struct server *server) {
    folder_remove(server->directory);
}

/* NULL if it is to stay who we are. */
static const struct passwd *user_of(const struct server *server) {
    return server->user != NULL && geteuid() == 0 ? getpwnam(server->user) : NULL;
}

bool server_prepare(struct server *server, const char *directory) {
    folder_remove(directory);
    char *absolute = mkdir(directory, 0755) == 0 ? realpath(directory, NULL) : NULL;
    if (absolute == NULL) {
        fprintf(stderr, "bench: %s: %s\n", directory, strerror(errno));
        return false;
    }
    size_t length = strlen(absolute);
    bool fits = length < sizeof server->directory;
    if (fits) {
        memcpy(server->directory, absolute, length + 1);
        snprintf(server->log, sizeof server->log, "%s/log", server->directory);
    } else {
        fprintf(stderr, "bench: %s: longer than %d bytes, too long for a socket's path\n", absolute,
                SERVER_DIRECTORY_BYTES - 1);
    }
    free(absolute);
    const struct passwd *user = user_of(server);
    if (fits && user != NULL && chown(server->directory, user->pw_uid, user->pw_gid) != 0) {
        fprintf(stderr, "bench: %s: %s\n", server->directory, strerror(errno));
        fits = false;
    }
    return fits;
}

static void become(const struct passwd *user) {
    if (user != NULL &&
        (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
        _exit(126);
    }
}

/* The child of a parent that has ended meanwhile would never hear of it. */
static void end_with_parent(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent) {
        _exit(126);
    }
}

static pid_t spawn(const struct server *server, char *const arguments[]) {
    const struct passwd *user = user_of(server);
    pid_t parent = getpid();
    int log = open(server->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) {
        fprintf(stderr, "bench: %s: %s\n", server->log, strerror(errno));
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(user);
        end_with_parent(parent);
        if (dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0) {
            execv(arguments[0], arguments);
        }
        dprintf(log, "%s: %s\n", arguments[0], strerror(errno));
        _exit(127);
    }
    close(log);
    return pid;
}

bool server_run(const struct server *server, char *const arguments[]) {
    int status = -1;
    pid_t pid = spawn(server, arguments);
    bool fine = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!fine) {
        fprintf(stderr, "bench: %s failed; see %s\n", arguments[0], server->log);
    }
    return fine;
}

bool server_start(struct server *server, char *const arguments[]) {
    server->pid = spawn(server, arguments);
    return server->pid > 0;
}

bool server_runs(struct server *server) {
    if (server->pid > 0 && waitpid(server->pid, NULL, WNOHANG) != 0) {
        fprintf(stderr, "bench: the server ended; see %s\n", server->log);
        server->pid = 0;
    }
    return server->pid > 0;
}

/* Ticks of one process if it is the server or a child of it, else 0. */
static unsigned long ticks_of(const char *process, pid_t server) {
    char path[64];
    int number;
    int parent;
    unsigned long user;
    unsigned long system;
    snprintf(path, sizeof path, "/proc/%.20s/stat", process);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0; /* it has ended */
    }
    int found = fscanf(file, "%d (%*[^)]) %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &number, &parent, &user,
                       &system);
    fclose(file);
    return found == 4 && (number == server || parent == server) ? user + system : 0;
}

double server_cpu_seconds(const struct server *server) {
    unsigned long ticks = 0;
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
            ticks += ticks_of(entry->d_name, server->pid);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

bool server_stop(struct server *server, int number) {
    if (server->pid <= 0) {
        return false;
    }
    int status = 0;
    kill(server->pid, number);
    for (int waited_ms = 0; waited_ms < STOP_TIMEOUT_MS; waited_ms += LOOK_MS) {
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            server->pid = 0;
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        pause_ms(LOOK_MS);
    }
    kill(server->pid, SIGKILL);
    waitpid(server->pid, &status, 0);
    server->pid = 0;
    return false;
}
