/* The two clocks. Only thread loops read them; everything below gets times passed in. */
#ifndef TALLY_DAEMON_BASE_CLOCK_H
#define TALLY_DAEMON_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds that only grow; for intervals and time-outs. */
int64_t clock_monotonic_ns(void);

/* Milliseconds since 1970-01-01 UTC; may jump. For stamps that people read. */
int64_t clock_wall_ms(void);

/* Milliseconds, rounded up, until the monotonic end_ns; 0 when it is over. For bounded waits. */
int clock_left_ms(int64_t end_ns);

#endif
