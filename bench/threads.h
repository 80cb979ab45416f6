/* Processor time of each thread of a process, by the thread's name: what the kernel's scheduler has measured, to the
 * nanosecond, so that the threads add up to the process. Threads of one name count as one. */
#ifndef TALLY_BENCH_THREADS_H
#define TALLY_BENCH_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { THREADS_MAX = 64, THREAD_NAME_BYTES = 16 };

struct thread_time {
    char name[THREAD_NAME_BYTES]; /* lower case; what is no letter or digit is an underscore */
    int64_t cpu_ns;
    int64_t waited_ns;     /* ready to run, but other threads had the processors */
    uint64_t user_ticks;   /* of the kernel's clock: coarse, but they tell */
    uint64_t system_ticks; /* the program's own work from the kernel's */
};

struct threads {
    size_t count;
    struct thread_time list[THREADS_MAX];
};

/* What the threads of a process have used up to now; a thread that ends is no longer counted. Prints why and returns false on
 * failure: too many names, or a kernel without scheduler statistics. */
bool threads_read(struct threads *threads, pid_t process);

/* What was used between two readings, in place of the later one. */
void threads_subtract(struct threads *after, const struct threads *before);

/* Sum over all threads. */
int64_t threads_cpu_ns(const struct threads *threads);

#endif
