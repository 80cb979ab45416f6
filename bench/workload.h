/* The updates that a benchmark sends: project codes in the registered form, real county codes of four provinces, random
 * figures, all from a seed, so that two contenders get the same ones. */
#ifndef TALLY_BENCH_WORKLOAD_H
#define TALLY_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/tally.h>

enum { WORKLOAD_CODE_BYTES = 28 };

/* Half a cache line, so that drawing a project at random costs one miss. */
struct workload_project {
    char code[WORKLOAD_CODE_BYTES]; /* ends with NUL */
    uint32_t region;
};

struct workload {
    size_t projects;
    struct workload_project *list; /* of all projects */
};

/* Returns false if memory is out. */
bool workload_init(struct workload *workload, size_t projects, uint64_t seed);
void workload_fini(struct workload *workload);

/* Which project a row is of; filled by the functions below. */
size_t workload_number(const struct workload *workload, const struct tally_project *row);

/* One sender's share: project p belongs to sender p modulo senders. */
struct workload_sender {
    const struct workload *workload;
    size_t senders;
    size_t sender;
    size_t next; /* position in the first, orderly pass */
    uint64_t random;
};

void workload_sender_init(struct workload_sender *sender, const struct workload *workload, size_t senders,
                          size_t number, uint64_t seed);

/* Fills rows with the next projects in order, at most max; returns how many, 0 when all were given once. */
size_t workload_fill_in_order(struct workload_sender *sender, struct tally_project *rows, size_t max);

/* Fills count rows with projects drawn at random, each project as likely. */
void workload_fill_random(struct workload_sender *sender, struct tally_project *rows, size_t count);

#endif
