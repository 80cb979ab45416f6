/* The crowd of crowd.h, the same topics, without libzmq: bare connections that speak ZMTP 3.0 (rfc.zeromq.org/spec/23),
 * read what comes and count it. For the daemon a subscriber like any other; for this machine the least that a subscriber can
 * cost, as if they were on machines of their own. One thread reads for all. */
#ifndef TALLY_BENCH_PLAIN_CROWD_H
#define TALLY_BENCH_PLAIN_CROWD_H

#include <stddef.h>
#include <stdint.h>

#include "bench/crowd.h"

struct plain_crowd;

/* As crowd_open; the endpoint is tcp://127.0.0.1:PORT or ipc://PATH, on_totals is not called. */
struct plain_crowd *plain_crowd_open(const struct crowd_options *options, int timeout_ms);

/* NULL and a pointer to NULL are fine. */
void plain_crowd_close(struct plain_crowd **crowd);

/* Totals that came to all of them together. Any thread. */
uint64_t plain_crowd_messages(const struct plain_crowd *crowd);

#endif
