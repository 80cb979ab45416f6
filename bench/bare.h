/* A bare LMDB commit: what one durable write costs on this disk, with nothing around it. An environment of its own with the
 * journal's flags; each commit writes one record of the same size at the end. Thread: one. */
#ifndef TALLY_BENCH_BARE_H
#define TALLY_BENCH_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bare;

/* path: of the file, made new. Prints why and returns NULL on failure. */
struct bare *bare_open(const char *path, size_t record_bytes);

/* Writes one record. commit_ns out: how long mdb_txn_commit took. Prints why and returns false on failure. */
bool bare_commit(struct bare *bare, int64_t *commit_ns);

/* NULL is fine. The file stays. */
void bare_close(struct bare *bare);

#endif
