/* Admission: whether each row of a batch is well formed, possible, and its node's to report. Everything that can be said
 * without knowing the project's present state; the rest is the ledger's (daemon/base/figures.h).
 * Pure: no I/O, no clock. */
#ifndef TALLY_DAEMON_INTAKE_ADMISSION_H
#define TALLY_DAEMON_INTAKE_ADMISSION_H

#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/registry.h"

enum { ADMISSION_MEMO_SLOTS = 2048 };

/* Verdicts on regions, remembered: a node reports few regions and each of them often. Valid for one node and one
 * competition of one registry. Zeroed means empty. */
struct admission_memo {
    const struct competition *competition;
    const struct node_right *node;
    uint32_t regions[ADMISSION_MEMO_SLOTS]; /* 0 = free: 0 is no region that a row may have */
    uint8_t verdicts[ADMISSION_MEMO_SLOTS];
};

/* Sets entry->verdicts and entry->refused_by_intake for the decoded batch of an entry whose day is set. The first reason
 * that applies is given, in the order of their numbers. About 6 ns a row (bench_stages) if all are
 * fine and have no texts; else each is judged for itself, which takes several times as long. */
void admission_judge(struct entry *entry, const struct competition *competition, const struct node_right *node,
                     struct admission_memo *memo);

#endif
