/* Ctrl-C and its kin as something to look at, not as something that interrupts: the signals are blocked and read from a
 * descriptor. */
#ifndef TALLY_CLIENT_CLI_INTERRUPT_H
#define TALLY_CLIENT_CLI_INTERRUPT_H

#include <stdbool.h>

/* Blocks INT, TERM, HUP and, if resize, WINCH, and opens a descriptor that becomes readable when one comes. Before any
 * thread is started. Returns -1 if the system has no descriptor left; the signals then act as usual. */
int interrupt_open(bool resize);

/* What came since the last call: 0 = nothing, else the number of the signal. Never blocks; -1 is fine and gives 0. */
int interrupt_take(int descriptor);

/* The signals stay blocked: the program is about to end. */
void interrupt_close(int descriptor);

#endif
