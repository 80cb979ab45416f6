/* A verification and all that it looks at, made from one random history: a journal, the live roll-up of all of it, and a
 * stored state that was captured a few blocks at a time until some entries before the end. Fails the test where it cannot do
 * its work. */
#ifndef TALLY_TESTS_UNIT_DAEMON_SCENE_H
#define TALLY_TESTS_UNIT_DAEMON_SCENE_H

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/verification.h"
#include "tests/support/history.h"
#include "tests/support/image.h"

enum { SCENE_PROJECTS_MAX = 1 << 16, SCENE_DEADLINE_MS = 20000 };

struct scene {
    struct entries *entries;
    struct history history;
    struct rollup *live;
    struct image stored;
    uint64_t stored_until;
    uint32_t blocks_max; /* of a capture */
    enum error stored_error;
    enum error capture_error;
    atomic_int captures;
    struct verification *verification;
    struct verification_source source;
};

struct scene_plan {
    uint64_t batches;
    uint64_t behind;     /* entries by which the stored state is behind the live totals */
    uint32_t blocks_max; /* of a capture, one after every entry; 0 = 8 */
    uint32_t projects;   /* codes that there may be, in each of two competitions; 0 = 500 */
    uint32_t rows_max;   /* of a batch; 0 = 40 */
};

void scene_open(struct scene *scene, const struct scene_plan *plan);
void scene_close(struct scene *scene);

/* What the scene's verification was started with. */
struct verification_options scene_options(struct scene *scene);

/* Waits for the result, until a deadline. */
struct verification_progress scene_wait(struct scene *scene);
struct verification_progress scene_verify(struct scene *scene);

/* The result that was found, and what its text holds. */
void scene_expect(const struct verification_progress *progress, enum verification_state state, const char *text);
void scene_expect_different(struct scene *scene, const char *text);
void scene_expect_equal(struct scene *scene);

/* A ledger, the caller's to destroy, that applied about the first bytes_max bytes of the journal. */
struct ledger *scene_replay(struct scene *scene, size_t bytes_max);

#endif
