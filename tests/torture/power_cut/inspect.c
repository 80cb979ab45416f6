/* Recovers what a disk holds, as the daemon does at its start: opens journal and stored state, replays, and reads every entry of
 * the journal with its hash. Prints the last sequence of its one node, and projects, contract value, participants and
 * migrants among them over the statuses that count; or, on standard error, the fault that the daemon would stop with.
 * An empty folder is a daemon that had not begun.
 *
 * Usage: inspect DATA-DIRECTORY. Exit status 0 only if everything could be read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "daemon/archive/state.h"
#include "daemon/base/log.h"
#include "daemon/base/presence.h"
#include "daemon/base/snapshot.h"
#include "daemon/journal/journal.h"
#include "daemon/recovery.h"

enum { PATH_BYTES = 4096, EPOCH_OF_NEW = 7, READ_BYTES = 1 << 20 };

struct inspection {
    uint32_t projects_max;
    char journal_path[PATH_BYTES];
    char state_path[PATH_BYTES];
    struct journal *journal;
    struct state *state;
    struct ledger *ledger;
    struct numbering *numbering;
    struct presence *presences;
    struct intake_stage *intake;
};

static int complain(const struct fault *fault) {
    fprintf(stderr, "inspect: %s: %s\n", error_text(fault->error), fault->text);
    return EXIT_FAILURE;
}

/* The list of texts that changed has room for all that these journals hold. */
static enum error make_room(void *context, struct fault *fault) {
    (void)context;
    return fault_set(fault, ERROR_LIMIT, "more texts changed than inspect has room for");
}

static enum error open_files(struct inspection *inspection, const char *directory, struct fault *fault) {
    snprintf(inspection->journal_path, PATH_BYTES, "%s/journal", directory);
    snprintf(inspection->state_path, PATH_BYTES, "%s/state.mdb", directory);
    if (mkdir(directory, 0700) != 0 || mkdir(inspection->journal_path, 0700) != 0) {
        /* They are there, as a rule; if not, opening tells. */
    }
    struct journal_options journal = {.directory = inspection->journal_path,
                                      .segment_bytes = (uint64_t)1 << 20,
                                      .epoch = EPOCH_OF_NEW,
                                      .projects_max = inspection->projects_max};
    inspection->journal = journal_open(&journal, fault);
    if (inspection->journal == NULL) {
        return fault->error;
    }
    struct state_options state = {.path = inspection->state_path,
                                  .epoch = journal_epoch(inspection->journal),
                                  .journal_version = journal_version(inspection->journal)};
    inspection->state = state_open(&state, fault);
    return inspection->state == NULL ? fault->error : ERROR_NONE;
}

static enum error recover(struct inspection *inspection, struct fault *fault) {
    struct intake_stage_options intake = {.window = 32,
                                          .batch_slots = 2,
                                          .epoch = journal_epoch(inspection->journal),
                                          .presences = inspection->presences};
    inspection->intake = intake_stage_create(&intake, fault);
    if (inspection->intake == NULL) {
        return fault->error;
    }
    struct recovery recovery = {.state = inspection->state,
                                .source = journal_source(inspection->journal),
                                .journal_version = journal_version(inspection->journal),
                                .ledger = inspection->ledger,
                                .intake = inspection->intake,
                                .numbering = inspection->numbering,
                                .make_room = make_room};
    return recovery_run(&recovery, fault);
}

static enum error count_entry(void *context, const struct entry_record *record) {
    (void)record;
    ++*(uint64_t *)context;
    return ERROR_NONE;
}

/* From the first, whatever the stored state spares: the hash of each is checked on the way. */
static enum error read_all(const struct inspection *inspection, struct fault *fault) {
    uint64_t entries = 0;
    uint64_t version = journal_version(inspection->journal);
    struct entry_source source = journal_source(inspection->journal);
    uint64_t last = 0;
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && last < version) {
        uint64_t before = last;
        error = source.read(source.context, last, READ_BYTES, count_entry, &entries, &last);
        if (error == ERROR_NONE && last == before) {
            error = ERROR_DAMAGED;
        }
    }
    return error == ERROR_NONE ? error
                               : fault_set(fault, error, "%" PRIu64 " of %" PRIu64 " entries", entries, version);
}

static enum error print(const struct inspection *inspection, struct fault *fault) {
    struct snapshot_exchange exchange;
    struct sums sums = {0};
    uint64_t sequence = 0;
    snapshot_init(&exchange);
    if (ledger_fill(inspection->ledger, &exchange.snapshot) != ERROR_NONE) {
        return fault_set(fault, ERROR_MEMORY, "snapshot");
    }
    for (size_t i = 0; i < exchange.snapshot.cell_count; i++) {
        const struct snapshot_cell *cell = &exchange.snapshot.cells[i];
        const struct definition *competition = ledger_competition(inspection->ledger, cell_key_competition(cell->key));
        if (competition != NULL && (competition->counts >> cell_key_status(cell->key) & 1) != 0) {
            sums_merge(&sums, &cell->sums);
        }
    }
    for (uint16_t node = 0; node < NODES_MAX; node++) {
        sequence += ledger_sequence(inspection->ledger, node);
    }
    printf("%" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", sequence, sums.projects,
           sums.contract_value, sums.participants, sums.migrant_participants);
    snapshot_fini(&exchange);
    return ERROR_NONE;
}

int main(int argc, char **argv) {
    struct inspection inspection = {.projects_max = 20000};
    struct fault fault = {0};
    if (argc != 2) {
        fputs("usage: inspect DATA-DIRECTORY\n", stderr);
        return EXIT_FAILURE;
    }
    log_set_level(LOG_ERROR);
    inspection.ledger = ledger_create(inspection.projects_max);
    inspection.numbering = calloc(1, sizeof *inspection.numbering);
    inspection.presences = calloc(NODES_MAX, sizeof *inspection.presences);
    if (inspection.ledger == NULL || inspection.numbering == NULL || inspection.presences == NULL) {
        fputs("inspect: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    if (open_files(&inspection, argv[1], &fault) != ERROR_NONE || recover(&inspection, &fault) != ERROR_NONE ||
        read_all(&inspection, &fault) != ERROR_NONE || print(&inspection, &fault) != ERROR_NONE) {
        return complain(&fault);
    }
    intake_stage_destroy(&inspection.intake);
    state_close(inspection.state);
    journal_close(inspection.journal);
    ledger_destroy(inspection.ledger);
    free(inspection.presences);
    free(inspection.numbering);
    return EXIT_SUCCESS;
}
