#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t signals(bool resize) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (resize) {
        sigaddset(&set, SIGWINCH);
    }
    return set;
}

int interrupt_open(bool resize) {
    sigset_t set = signals(resize);
    int descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor >= 0 && sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

int interrupt_take(int descriptor) {
    struct signalfd_siginfo info;
    if (descriptor < 0 || read(descriptor, &info, sizeof info) != (ssize_t)sizeof info) {
        return 0;
    }
    return (int)info.ssi_signo;
}

void interrupt_close(int descriptor) {
    if (descriptor >= 0) {
        close(descriptor);
    }
}
