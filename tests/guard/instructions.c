/* The fixed work whose instructions are counted. Run by instructions.py under callgrind, which is switched on by the requests
 * below around each step and writes one dump for each; without callgrind the requests do nothing.
 *
 * 64 batches of 4,096 rows over 100,000 projects, all drawn from one seed, after every project was reported once: decoded,
 * admitted and applied, step by step. Then everything, the first reports too, is replayed by recovery from a real journal.
 * The ledger that recovery made must be the one that was there.
 *
 * Usage: instructions DIRECTORY, an empty one. Prints name<TAB>value. Exit status 0 only if the ledgers are equal. */
#include <gnu/libc-version.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <valgrind/callgrind.h>

#include "bench/lane.h"
#include "daemon/base/log.h"
#include "daemon/base/memory.h"
#include "daemon/base/waker.h"
#include "daemon/journal/journal.h"
#include "daemon/recovery.h"

enum { PROJECTS = 100000, ROWS = 4096, PATH_BYTES = 4096, SEED = 20210401, EPOCH = 1 };

/* Valgrind gives a program 64 GiB of address space, of which the daemon reserves more for bounds that are not reached here.
 * The linker puts these in the place of the reservation (--wrap); what they reserve is ample, and touching more would be a
 * fault, not a wrong count. */
enum { ADDRESS_SHIFT = 32 };

void *__real_memory_reserve(size_t bytes);
void __real_memory_release(void *memory, size_t bytes);
int __real_mdb_env_set_mapsize(MDB_env *env, size_t bytes);

static size_t within_reach(size_t bytes) {
    return bytes < (size_t)1 << ADDRESS_SHIFT ? bytes : (size_t)1 << ADDRESS_SHIFT;
}

void *__wrap_memory_reserve(size_t bytes);
void *__wrap_memory_reserve(size_t bytes) {
    return __real_memory_reserve(within_reach(bytes));
}

void __wrap_memory_release(void *memory, size_t bytes);
void __wrap_memory_release(void *memory, size_t bytes) {
    __real_memory_release(memory, within_reach(bytes));
}

int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t bytes);
int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t bytes) {
    return __real_mdb_env_set_mapsize(env, within_reach(bytes));
}

struct work {
    struct lane lane;
    struct journal *journal;
    char journal_path[PATH_BYTES];
    char state_path[PATH_BYTES];
};

static void require(bool held, const char *what) {
    if (!held) {
        fprintf(stderr, "instructions: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static void open_journal(struct work *work, const char *directory) {
    struct fault fault = {0};
    snprintf(work->journal_path, sizeof work->journal_path, "%s/journal", directory);
    snprintf(work->state_path, sizeof work->state_path, "%s/state.mdb", directory);
    struct journal_options options = {
        .directory = work->journal_path, .segment_bytes = (uint64_t)1 << 30, .epoch = EPOCH, .projects_max = PROJECTS};
    require(mkdir(work->journal_path, 0700) == 0, "the directory is not an empty one");
    work->journal = journal_open(&options, &fault);
    require(work->journal != NULL, fault.text);
    for (size_t i = 0; i < LANE_DEFINITIONS; i++) {
        require(journal_append(work->journal, &work->lane.definitions[i]) == ERROR_NONE, "append");
    }
    require(journal_commit(work->journal) == ERROR_NONE, "commit");
}

static void write_journal(struct work *work, size_t count) {
    for (size_t i = 0; i < count; i++) {
        require(journal_append(work->journal, &work->lane.slots[i].entry) == ERROR_NONE, "append");
    }
    require(journal_commit(work->journal) == ERROR_NONE, "commit");
}

/* The steps are functions of their own, so that a profile names them. */
__attribute__((noinline)) static void decode_all(struct lane *lane, size_t count) {
    for (size_t i = 0; i < count; i++) {
        lane_decode(&lane->slots[i]);
    }
}

__attribute__((noinline)) static void admit_all(struct lane *lane, size_t count) {
    for (size_t i = 0; i < count; i++) {
        lane_admit(lane, &lane->slots[i]);
    }
}

__attribute__((noinline)) static void apply_all(struct lane *lane, size_t count) {
    for (size_t i = 0; i < count; i++) {
        lane_apply(lane, &lane->slots[i]);
    }
}

static void load(struct work *work) {
    size_t count;
    while ((count = lane_fill_in_order(&work->lane)) > 0) {
        decode_all(&work->lane, count);
        admit_all(&work->lane, count);
        apply_all(&work->lane, count);
        write_journal(work, count);
    }
}

/* Ends the counting of a step. */
static void count_for(const char *step) {
    CALLGRIND_DUMP_STATS_AT(step);
    CALLGRIND_STOP_INSTRUMENTATION;
}

static void begin_counting(void) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

static size_t measure_steps(struct work *work) {
    size_t count = lane_fill_random(&work->lane);
    begin_counting();
    decode_all(&work->lane, count);
    count_for("decode");
    begin_counting();
    admit_all(&work->lane, count);
    count_for("admit");
    begin_counting();
    apply_all(&work->lane, count);
    count_for("apply");
    write_journal(work, count);
    return count * ROWS;
}

/* A ledger made by recovery from the journal. The other parts that recovery fills are those of a daemon that is not started. */
static struct ledger *replay(const struct work *work) {
    struct fault fault = {0};
    struct state_options options = {
        .path = work->state_path, .epoch = EPOCH, .journal_version = journal_version(work->journal)};
    struct state *state = state_open(&options, &fault);
    struct numbering *numbering = calloc(1, sizeof *numbering);
    struct ledger *ledger = ledger_create(PROJECTS);
    struct presence *presences = calloc(NODES_MAX, sizeof *presences);
    struct intake_stage_options intake = {.window = 8, .batch_slots = 1, .epoch = EPOCH, .presences = presences};
    require(state != NULL && numbering != NULL && ledger != NULL && presences != NULL, fault.text);
    struct recovery recovery = {.state = state,
                                .source = journal_source(work->journal),
                                .journal_version = journal_version(work->journal),
                                .ledger = ledger,
                                .intake = intake_stage_create(&intake, &fault),
                                .numbering = numbering};
    require(recovery.intake != NULL, fault.text);
    begin_counting();
    enum error error = recovery_run(&recovery, &fault);
    count_for("replay");
    require(error == ERROR_NONE, fault.text);
    intake_stage_destroy(&recovery.intake);
    state_close(state);
    free(presences);
    free(numbering);
    return ledger;
}

static void print_toolchain(void) {
    int major, minor, patch;
    mdb_version(&major, &minor, &patch);
    printf("toolchain\t%s, glibc %s, protobuf-c %s, LMDB %d.%d.%d\n", GUARD_COMPILER, gnu_get_libc_version(),
           protobuf_c_version(), major, minor, patch);
}

int main(int argc, char **argv) {
    static struct work work;
    static const struct lane_options options = {
        .projects = PROJECTS, .rows = ROWS, .slots = LANE_SLOTS_MAX, .seed = SEED};
    require(argc == 2, "usage: instructions DIRECTORY");
    log_set_level(LOG_WARNING);
    require(lane_init(&work.lane, &options), "out of memory");
    open_journal(&work, argv[1]);
    load(&work);
    size_t updates = measure_steps(&work);
    struct ledger *replayed = replay(&work);
    bool equal = ledger_digest(replayed) == ledger_digest(work.lane.ledger);
    print_toolchain();
    printf("updates\t%zu\nreplayed\t%zu\nverified\t%s\n", updates, updates + PROJECTS, equal ? "yes" : "no");
    ledger_destroy(replayed);
    journal_close(work.journal);
    lane_fini(&work.lane);
    return equal ? EXIT_SUCCESS : EXIT_FAILURE;
}
