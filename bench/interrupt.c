#include "bench/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { STATUS_OF_SIGNALS = 128 }; /* what shells add to the number */

struct watch {
    struct daemon *daemon;
    bool keep;
};

static void take_signals(sigset_t *signals) {
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
}

static void *run(void *context) {
    const struct watch *watch = context;
    sigset_t signals;
    int number = 0;
    take_signals(&signals);
    sigwait(&signals, &number);
    fputs("\nbench: interrupted\n", stderr);
    daemon_kill(watch->daemon);
    if (!watch->keep && watch->daemon->directory[0] != '\0') {
        daemon_remove(watch->daemon);
    }
    _exit(STATUS_OF_SIGNALS + number); /* the other threads may be anywhere */
}

bool interrupt_watch(struct daemon *daemon, bool keep) {
    static struct watch watch;
    sigset_t signals;
    pthread_t thread;
    watch = (struct watch){.daemon = daemon, .keep = keep};
    take_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (pthread_create(&thread, NULL, run, &watch) != 0) {
        return false;
    }
    pthread_detach(thread);
    return true;
}
