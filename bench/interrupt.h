/* A benchmark that is interrupted leaves nothing behind: INT, TERM and HUP kill its daemon and remove its folder. */
#ifndef TALLY_BENCH_INTERRUPT_H
#define TALLY_BENCH_INTERRUPT_H

#include <stdbool.h>

#include "bench/daemon.h"

/* Takes the three signals from now on until the process ends. Before any other thread is made, which then has them blocked.
 * daemon is borrowed; its directory is set when it first starts. keep: the folder stays. Returns false without a thread. */
bool interrupt_watch(struct daemon *daemon, bool keep);

#endif
