/* bench_recovery: from the start of a daemon that died to the first receipt that it gives.
 *
 *   fill   every project is reported once; the archive folds all of it; the daemon stops; state.mdb is copied aside
 *   tail   the daemon starts again, with nothing to replay: what it takes now is the loading of the state. Random updates at
 *          full rate, until the journal has grown by as much as asked; then SIGKILL
 *   start  the state of the copy takes the place of the present one: the state at a version is a right state at any later time,
 *          as if the archive had written nothing since. So the whole tail is to be replayed. The daemon starts, a node connects
 *          as soon as it can and sends a small batch
 *
 * The run counts if the daemon then has every version that a receipt was given for, and recounts to the same totals. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/account.h"
#include "bench/pause.h"
#include "bench/pump.h"
#include "bench/stand.h"
#include "client/lib/clock.h"

enum {
    START_TIMEOUT_MS = 600000,
    FIRST_BATCH_TIMEOUT_MS = 60000,
    TAIL_LOOK_MS = 100, /* seldom, because who asks takes from the ingest that is measured */
    FIRST_BATCH_ROWS = 16,
    MESSAGE_BYTES = 256,
    PATH_BYTES = BENCH_PATH_BYTES + 64,
    FILES_OPEN_MAX = 16,
};

#define MIB 1048576.0

struct settings {
    struct stand_options stand;
    uint64_t tail_mib;
    bool cold;
};

struct bench {
    struct settings settings;
    struct stand stand;
    _Atomic uint64_t received; /* highest version of a receipt; written by the nodes' threads */
    uint64_t folded;           /* the version of the state that is put aside */
    double ingest_updates_per_s;
    uint64_t tail_updates;
    uint64_t tail_bytes;
};

/* ---- what the daemon says ---- */

/* Asks for the status. answer: to be freed. */
static bool ask(const struct bench *bench, struct tally_status_answer **answer) {
    struct tally_query_options options = {.endpoint = bench->stand.daemon.query};
    struct tally_query *query;
    if (tally_query_open(&options, &query, NULL) != TALLY_OK) {
        return false;
    }
    bool answered = tally_query_status(query, answer) == TALLY_OK;
    if (!answered) {
        fprintf(stderr, "bench: status: %s\n", tally_query_message(query));
    }
    tally_query_close(&query);
    return answered;
}

static bool ask_journal_bytes(const struct bench *bench, uint64_t *bytes) {
    struct tally_status_answer *status;
    if (!ask(bench, &status)) {
        return false;
    }
    *bytes = status->journal_bytes;
    tally_answer_free(status);
    return true;
}

/* ---- fill ---- */

static bool wait_until_folded(struct bench *bench) {
    int64_t began_ns = clock_now_ns();
    struct tally_status_answer *status;
    if (!daemon_wait_until_stored(&bench->stand.daemon) || !ask(bench, &status)) {
        return false;
    }
    printf("fold_s\t%.3f\n", (double)(clock_now_ns() - began_ns) / 1e9);
    bench->folded = status->version_folded;
    tally_answer_free(status);
    return true;
}

static void name_state(const struct bench *bench, const char *name, char path[static PATH_BYTES]) {
    snprintf(path, PATH_BYTES, "%s/%s", bench->stand.daemon.directory, name);
}

/* Copies all of one file and syncs the copy, so that writing it does not disturb what is measured. */
static bool copy_file(const char *from, const char *to) {
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat status;
    bool fine = source >= 0 && target >= 0 && fstat(source, &status) == 0;
    off_t left = fine ? status.st_size : 0;
    while (fine && left > 0) {
        ssize_t copied = copy_file_range(source, NULL, target, NULL, (size_t)left, 0);
        fine = copied > 0;
        left -= copied;
    }
    fine = fine && fsync(target) == 0;
    if (!fine) {
        fprintf(stderr, "bench: %s cannot be copied to %s: %s\n", from, to, strerror(errno));
    }
    if (source >= 0) {
        close(source);
    }
    if (target >= 0) {
        close(target);
    }
    return fine;
}

static bool put_state_aside(const struct bench *bench) {
    char state[PATH_BYTES];
    char aside[PATH_BYTES];
    struct stat status;
    name_state(bench, "data/state.mdb", state);
    name_state(bench, "data/state.aside", aside);
    if (!copy_file(state, aside) || stat(aside, &status) != 0) {
        return false;
    }
    printf("state_mib\t%.1f\n", (double)status.st_size / MIB);
    return true;
}

/* Its lock file goes too: it belongs to the file that is replaced. */
static bool put_state_back(const struct bench *bench) {
    char state[PATH_BYTES];
    char lock[PATH_BYTES];
    char aside[PATH_BYTES];
    name_state(bench, "data/state.mdb", state);
    name_state(bench, "data/state.mdb-lock", lock);
    name_state(bench, "data/state.aside", aside);
    bool put = rename(aside, state) == 0 && (unlink(lock) == 0 || errno == ENOENT);
    if (!put) {
        fprintf(stderr, "bench: %s: %s\n", state, strerror(errno));
    }
    return put;
}

static bool fill(struct bench *bench) {
    return stand_fill(&bench->stand) && wait_until_folded(bench) && daemon_stop(&bench->stand.daemon) == 0 &&
           put_state_aside(bench);
}

/* ---- tail ---- */

static void on_receipt(void *context, size_t node, const struct tally_receipt *receipt) {
    struct bench *bench = context;
    (void)node;
    uint64_t highest = atomic_load_explicit(&bench->received, memory_order_relaxed);
    while (receipt->version > highest &&
           !atomic_compare_exchange_weak_explicit(&bench->received, &highest, receipt->version, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

/* Until the journal is so large. */
static bool wait_for_journal(const struct bench *bench, const struct pump *pump, uint64_t wanted) {
    uint64_t bytes = 0;
    while (bytes < wanted) {
        if (!pump_runs(pump) || !ask_journal_bytes(bench, &bytes)) {
            return false;
        }
        pause_ms(bytes < wanted ? TAIL_LOOK_MS : 0);
    }
    return true;
}

static bool write_tail(struct bench *bench) {
    uint64_t before;
    struct pump pump;
    struct load *load = stand_load_open(&bench->stand, 1, on_receipt, bench);
    if (load == NULL || !ask_journal_bytes(bench, &before)) {
        stand_load_close(&bench->stand, &load);
        return false;
    }
    int64_t began_ns = clock_now_ns();
    bool fine = pump_start(&pump, load);
    if (fine) {
        fine = wait_for_journal(bench, &pump, before + (bench->settings.tail_mib << 20));
        uint64_t updates = load_acknowledged(load);
        bench->ingest_updates_per_s = (double)updates / ((double)(clock_now_ns() - began_ns) / 1e9);
        fine = pump_stop(&pump) && fine;
    }
    bench->tail_updates = load_acknowledged(load);
    stand_load_close(&bench->stand, &load);
    uint64_t after = before;
    fine = fine && ask_journal_bytes(bench, &after);
    bench->tail_bytes = after - before;
    return fine;
}

static int forget_file(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)place;
    int file = kind == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        (void)fsync(file); /* only clean pages are dropped */
        (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        close(file);
    }
    return 0;
}

/* If asked to: lets the system drop what it keeps in memory of the files. */
static void forget_files(const struct bench *bench) {
    char data[PATH_BYTES];
    if (!bench->settings.cold) {
        return;
    }
    name_state(bench, "data", data);
    nftw(data, forget_file, FILES_OPEN_MAX, FTW_PHYS);
}

static bool start_again(struct bench *bench) {
    bench->stand.daemon_options.fresh = false;
    return daemon_start(&bench->stand.daemon, &bench->stand.daemon_options, START_TIMEOUT_MS);
}

static bool make_tail(struct bench *bench, struct account *unloaded) {
    forget_files(bench);
    bool fine = start_again(bench) && account_read(&bench->stand.daemon, unloaded) && write_tail(bench);
    daemon_kill(&bench->stand.daemon);
    return fine && put_state_back(bench);
}

/* ---- start ---- */

/* A node that begins now: one small batch, and its receipt. */
static bool send_first_batch(struct bench *bench) {
    struct tally_project rows[FIRST_BATCH_ROWS];
    struct workload_sender sender;
    struct tally_node *node;
    char message[MESSAGE_BYTES];
    struct tally_node_options options = {
        .endpoint = bench->stand.daemon.ingest, .node = "node-0000", .batch_rows = FIRST_BATCH_ROWS};
    workload_sender_init(&sender, &bench->stand.workload, bench->settings.stand.nodes, 0,
                         bench->settings.stand.seed + 2);
    workload_fill_random(&sender, rows, FIRST_BATCH_ROWS);
    if (tally_node_open(&options, &node, message) != TALLY_OK) {
        fprintf(stderr, "bench: %s\n", message);
        return false;
    }
    bool sent = tally_node_put(node, BENCH_COMPETITION, rows, FIRST_BATCH_ROWS, true) == TALLY_OK &&
                tally_node_flush(node, FIRST_BATCH_TIMEOUT_MS) == TALLY_OK;
    if (!sent) {
        tally_node_message(node, message, sizeof message);
        fprintf(stderr, "bench: the first batch: %s\n", message);
    }
    tally_node_close(&node);
    return sent;
}

/* Whether everything that a receipt was given for is there, and was replayed. */
static bool check_account(const struct bench *bench, const struct account *account) {
    uint64_t received = atomic_load_explicit(&bench->received, memory_order_relaxed);
    struct tally_status_answer *status;
    if (!ask(bench, &status)) {
        return false;
    }
    bool whole = account->version >= received && account->stored == bench->folded &&
                 account->replayed == account->version - account->stored &&
                 status->projects == bench->stand.workload.projects;
    fprintf(stderr,
            "bench: recovered version %" PRIu64 ", receipts were given up to %" PRIu64 "; state of version %" PRIu64
            " loaded, %" PRIu64 " was put back; %" PRIu64 " projects\n",
            account->version, received, account->stored, bench->folded, status->projects);
    tally_answer_free(status);
    return whole;
}

static void print_figures(const struct bench *bench, double seconds, const struct account *unloaded,
                          const struct account *account) {
    uint64_t load_ms = account->parted ? account->load_ms : unloaded->ms;
    uint64_t replay_ms =
        account->parted ? account->replay_ms : account->ms - (load_ms < account->ms ? load_ms : account->ms);
    double replay_s = (double)(replay_ms > 0 ? replay_ms : 1) / 1e3;
    double replay_updates_per_s = (double)bench->tail_updates / replay_s;
    printf("recovery_projects\t%zu\n", bench->stand.workload.projects);
    printf("recovery_tail_mib\t%.1f\n", (double)bench->tail_bytes / MIB);
    printf("recovery_tail_updates\t%" PRIu64 "\n", bench->tail_updates);
    printf("recovery_cache\t%s\n", bench->settings.cold ? "cold" : "as the daemon left it");
    printf("recovery_s\t%.3f\n", seconds);
    printf("recovery_load_s\t%.3f\n", (double)load_ms / 1e3);
    printf("recovery_replay_s\t%.3f\n", replay_s);
    printf("recovery_rest_s\t%.3f\n", seconds - (double)account->ms / 1e3);
    printf("ingest_updates_per_s\t%.0f\n", bench->ingest_updates_per_s);
    printf("replay_updates_per_s\t%.0f\n", replay_updates_per_s);
    printf("replay_vs_ingest\t%.3f\n", replay_updates_per_s / bench->ingest_updates_per_s);
}

static bool recover(struct bench *bench, const struct account *unloaded) {
    struct account account = {0};
    forget_files(bench);
    int64_t began_ns = clock_now_ns();
    if (!start_again(bench) || !send_first_batch(bench)) {
        return false;
    }
    double seconds = (double)(clock_now_ns() - began_ns) / 1e9;
    bench->stand.acknowledged = FIRST_BATCH_ROWS; /* of this daemon's life */
    if (!account_read(&bench->stand.daemon, &account)) {
        return false;
    }
    print_figures(bench, seconds, unloaded, &account);
    return check_account(bench, &account);
}

/* ---- the program ---- */

static bool run(struct bench *bench) {
    struct account unloaded = {0};
    return fill(bench) && make_tail(bench, &unloaded) && recover(bench, &unloaded);
}

static int read_arguments(int argc, char **argv, struct settings *settings) {
    const struct argument table[] = {
        {"tail-mib", "M", "journal to replay", ARGUMENT_NUMBER, &settings->tail_mib, 1, 1 << 20},
        {"cold", NULL, "drop the files from memory before each start", ARGUMENT_FLAG, &settings->cold, 0, 0},
        STAND_ARGUMENTS(&settings->stand),
    };
    return arguments_read(argc, argv, "Measure how long a daemon that died takes from its start to its first receipt.",
                          table, sizeof table / sizeof table[0]);
}

int main(int argc, char **argv) {
    static struct bench bench = {.settings = {.stand = STAND_DEFAULTS("recovery"), .tail_mib = 1024}};
    bench.settings.stand.projects = 10000000;
    int status = read_arguments(argc, argv, &bench.settings);
    if (status >= 0) {
        return status;
    }
    if (!stand_open(&bench.stand, &bench.settings.stand)) {
        return EXIT_FAILURE;
    }
    return stand_close(&bench.stand, run(&bench));
}
