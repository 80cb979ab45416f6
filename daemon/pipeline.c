#include "pipeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <zmq.h>

#include "archiving.h"
#include "daemon/access/gate.h"
#include "daemon/base/clock.h"
#include "daemon/base/environment.h"
#include "daemon/base/log.h"
#include "daemon/base/presence.h"
#include "daemon/base/ring.h"
#include "daemon/base/snapshot.h"
#include "daemon/base/waker.h"
#include "daemon/intake/stage.h"
#include "daemon/journal/stage.h"
#include "daemon/ledger/stage.h"
#include "daemon/publish/publisher.h"
#include "daemon/query/query.h"
#include "numbering.h"
#include "recovery.h"
#include "verification.h"

enum {
    PATH_BYTES = CONFIG_PATH_BYTES + 32,
    DRAIN_INTAKE_MS = 30000,
    DRAIN_PUBLISH_MS = 5000,
    FOLD_WAIT_MS = 1000,
    FOLD_LOOK_MS = 10,
    NFS_SUPER_MAGIC_NUMBER = 0x6969,
};

struct pipeline {
    const struct config *config;
    pipeline_failure *on_failure;
    void *context;
    char journal_directory[PATH_BYTES];
    char state_path[PATH_BYTES];

    struct journal *journal;
    struct state *state;
    struct ledger *ledger;
    struct numbering numbering;

    struct ring to_journal;
    struct ring to_ledger;
    struct ring to_intake;
    struct waker intake_waker;
    struct waker journal_waker;
    struct waker ledger_waker;
    struct waker publish_waker;
    struct snapshot_exchange exchange;
    struct archiving archiving;
    struct registry_slot intake_registry;
    struct registry_slot publish_registry;
    struct presence *presences;
    void *zmq_context;
    struct gate *gate; /* NULL without keys */

    struct intake_stage *intake;
    struct journal_stage *journal_stage;
    struct ledger_stage *ledger_stage;
    struct publisher *_Atomic publisher; /* written by main, read by verification's thread */
    struct query *query;
    struct verification *verification;
    atomic_bool draining; /* written by main, read by the publish thread when it answers */
};

/* ---- open ---- */

static enum error make_directory(const char *path, struct fault *fault) {
    struct statfs disk;
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST) {
        return fault_set(fault, error_of_errno(errno), "%s: cannot be made: %s", path, strerror(errno));
    }
    if (statfs(path, &disk) == 0 && disk.f_type == NFS_SUPER_MAGIC_NUMBER) {
        return fault_set(fault, ERROR_CONFIGURATION,
                         "%s: lies on NFS, where locks and memory maps do not hold; use a local disk", path);
    }
    enum error error = made ? environment_sync_folder_of(path) : ERROR_NONE;
    return error == ERROR_NONE ? ERROR_NONE : fault_set(fault, error, "%s: cannot be synced", path);
}

static uint64_t random_epoch(void) {
    uint64_t epoch = 0;
    while (epoch == 0) {
        if (getrandom(&epoch, sizeof epoch, 0) != sizeof epoch) {
            epoch = (uint64_t)clock_wall_ms(); /* only has to differ from the epochs before */
        }
    }
    return epoch;
}

static enum error open_storage(struct pipeline *pipeline, struct fault *fault) {
    const char *data = pipeline->config->data_directory;
    snprintf(pipeline->journal_directory, sizeof pipeline->journal_directory, "%s/journal", data);
    snprintf(pipeline->state_path, sizeof pipeline->state_path, "%s/state.mdb", data);
    if (make_directory(data, fault) != ERROR_NONE || make_directory(pipeline->journal_directory, fault) != ERROR_NONE) {
        return fault->error;
    }
    struct journal_options journal = {.directory = pipeline->journal_directory,
                                      .segment_bytes = pipeline->config->segment_bytes,
                                      .epoch = random_epoch(),
                                      .projects_max = (uint32_t)pipeline->config->projects_max};
    pipeline->journal = journal_open(&journal, fault);
    if (pipeline->journal == NULL) {
        return fault->error;
    }
    if (journal_projects_max(pipeline->journal) != pipeline->config->projects_max) {
        return fault_set(fault, ERROR_CONFIGURATION,
                         "projects-max was %" PRIu64
                         " when %s was made and decided which rows were accepted; set it back",
                         journal_projects_max(pipeline->journal), pipeline->journal_directory);
    }
    struct state_options state = {.path = pipeline->state_path,
                                  .epoch = journal_epoch(pipeline->journal),
                                  .journal_version = journal_version(pipeline->journal)};
    pipeline->state = state_open(&state, fault);
    return pipeline->state == NULL ? fault->error : ERROR_NONE;
}

/* Rings hold every entry that there is, so that none is ever full. */
static enum error make_rings(struct pipeline *pipeline, struct fault *fault) {
    struct ring *rings[] = {&pipeline->to_journal, &pipeline->to_ledger, &pipeline->to_intake};
    struct waker *wakers[] = {&pipeline->intake_waker, &pipeline->journal_waker, &pipeline->ledger_waker,
                              &pipeline->publish_waker};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        if (ring_init(rings[i], pipeline->config->batch_slots) != ERROR_NONE) {
            return fault_set(fault, ERROR_MEMORY, "rings: %s", error_text(ERROR_MEMORY));
        }
    }
    for (size_t i = 0; i < sizeof wakers / sizeof wakers[0]; i++) {
        if (waker_init(wakers[i]) != ERROR_NONE) {
            return fault_set(fault, ERROR_IO, "wakers: %s", strerror(errno));
        }
    }
    return ERROR_NONE;
}

static const struct curve_pair *own_keys(const struct pipeline *pipeline) {
    return pipeline->config->keyed ? &pipeline->config->keys : NULL;
}

static bool journal_full(void *context) {
    return journal_stage_full(((struct pipeline *)context)->journal_stage);
}

static enum error make_stages(struct pipeline *pipeline, struct fault *fault) {
    pipeline->zmq_context = zmq_ctx_new();
    pipeline->presences = calloc(NODES_MAX, sizeof *pipeline->presences);
    pipeline->ledger = ledger_create(pipeline->config->projects_max);
    if (pipeline->zmq_context == NULL || pipeline->presences == NULL || pipeline->ledger == NULL) {
        return fault_set(fault, ERROR_MEMORY, "%s", error_text(ERROR_MEMORY));
    }
    struct intake_stage_options intake = {.zmq_context = pipeline->zmq_context,
                                          .endpoint = pipeline->config->ingest_endpoint,
                                          .keys = own_keys(pipeline),
                                          .window = pipeline->config->window,
                                          .batch_slots = pipeline->config->batch_slots,
                                          .epoch = journal_epoch(pipeline->journal),
                                          .out = &pipeline->to_journal,
                                          .in = &pipeline->to_intake,
                                          .waker = &pipeline->intake_waker,
                                          .journal_waker = &pipeline->journal_waker,
                                          .archive_waker = &pipeline->archiving.waker,
                                          .registry_slot = &pipeline->intake_registry,
                                          .receipt_exchange = &pipeline->archiving.receipts,
                                          .presences = pipeline->presences,
                                          .journal_full = journal_full,
                                          .context = pipeline};
    pipeline->intake = intake_stage_create(&intake, fault);
    return pipeline->intake == NULL ? fault->error : ERROR_NONE;
}

static void join_archiving(struct pipeline *pipeline) {
    struct archiving_parts parts = {.state = pipeline->state,
                                    .journal = pipeline->journal,
                                    .ledger = pipeline->ledger,
                                    .intake = pipeline->intake,
                                    .ledger_waker = &pipeline->ledger_waker,
                                    .intake_waker = &pipeline->intake_waker,
                                    .on_failure = pipeline->on_failure,
                                    .context = pipeline->context};
    archiving_join(&pipeline->archiving, &parts);
}

struct pipeline *pipeline_open(const struct config *config, pipeline_failure *on_failure, void *context,
                               struct fault *fault) {
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s", error_text(ERROR_MEMORY));
        return NULL;
    }
    pipeline->config = config;
    pipeline->on_failure = on_failure;
    pipeline->context = context;
    snapshot_init(&pipeline->exchange);
    pipeline->intake_waker.fd = pipeline->journal_waker.fd = -1; /* what was never opened is not closed */
    pipeline->ledger_waker.fd = pipeline->publish_waker.fd = -1;
    if (archiving_init(&pipeline->archiving, fault) != ERROR_NONE || make_rings(pipeline, fault) != ERROR_NONE ||
        open_storage(pipeline, fault) != ERROR_NONE || make_stages(pipeline, fault) != ERROR_NONE) {
        pipeline_destroy(pipeline);
        return NULL;
    }
    join_archiving(pipeline);
    return pipeline;
}

/* ---- recover ---- */

enum error pipeline_recover(struct pipeline *pipeline, struct fault *fault) {
    struct recovery recovery = {.state = pipeline->state,
                                .source = journal_source(pipeline->journal),
                                .journal_version = journal_version(pipeline->journal),
                                .ledger = pipeline->ledger,
                                .intake = pipeline->intake,
                                .numbering = &pipeline->numbering,
                                .make_room = archiving_make_room,
                                .context = &pipeline->archiving};
    enum error error = recovery_run(&recovery, fault);
    if (error == ERROR_NONE) {
        error = numbering_assign(&pipeline->numbering, pipeline->config->registry, fault);
    }
    /* The publisher begins with everything that was recovered. */
    if (error == ERROR_NONE && ledger_fill(pipeline->ledger, &pipeline->exchange.snapshot) != ERROR_NONE) {
        error = fault_set(fault, ERROR_MEMORY, "snapshot: %s", error_text(ERROR_MEMORY));
    }
    if (error == ERROR_NONE) {
        atomic_store_explicit(&pipeline->exchange.holder, SNAPSHOT_OFFERED, memory_order_release);
    }
    return error;
}

/* ---- start ---- */

/* Publish thread. */
static void read_status(void *context, struct status_figures *figures) {
    struct pipeline *pipeline = context;
    bool full = journal_stage_full(pipeline->journal_stage);
    bool draining = atomic_load_explicit(&pipeline->draining, memory_order_relaxed);
    *figures = (struct status_figures){.version_durable = journal_version(pipeline->journal),
                                       .version_folded = state_version(pipeline->state),
                                       .disk_free_bytes = journal_stage_free_bytes(pipeline->journal_stage),
                                       .journal_bytes = journal_bytes(pipeline->journal),
                                       .state_bytes = state_bytes(pipeline->state),
                                       .condition = draining ? "draining"
                                                    : full   ? "disk-full"
                                                             : "ready"};
}

/* Gives the archive a moment to fold what is durable now, so that as much as possible is compared. */
static void wait_for_fold(const struct pipeline *pipeline) {
    uint64_t durable = journal_version(pipeline->journal);
    for (int waited_ms = 0; waited_ms < FOLD_WAIT_MS && state_version(pipeline->state) < durable;
         waited_ms += FOLD_LOOK_MS) {
        struct timespec pause = {.tv_nsec = (long)FOLD_LOOK_MS * 1000000};
        nanosleep(&pause, NULL);
    }
}

/* Verification's thread. */
static enum error load_stored(void *context, const struct state_loader *loader, struct state_reach *reach) {
    const struct pipeline *pipeline = context;
    struct fault fault = {0};
    wait_for_fold(pipeline);
    return state_load(pipeline->state, loader, reach, &fault);
}

/* Verification's thread. */
static enum error capture(void *context, struct rollup *into, uint64_t version_least, int timeout_ms) {
    struct pipeline *pipeline = context;
    struct publisher *publisher = atomic_load_explicit(&pipeline->publisher, memory_order_acquire);
    return publisher == NULL ? ERROR_BUSY : publisher_capture(publisher, into, version_least, timeout_ms);
}

static enum error start_verification(struct pipeline *pipeline, struct fault *fault) {
    struct verification_options options = {.journal = journal_source(pipeline->journal),
                                           .projects_max = pipeline->config->projects_max,
                                           .context = pipeline,
                                           .load_stored = load_stored,
                                           .capture = capture};
    pipeline->verification = verification_start(&options, fault);
    return pipeline->verification == NULL ? fault->error : ERROR_NONE;
}

static enum error open_query(struct pipeline *pipeline, struct fault *fault) {
    struct query_options options = {.zmq_context = pipeline->zmq_context,
                                    .endpoint = pipeline->config->query_endpoint,
                                    .keys = own_keys(pipeline),
                                    .epoch = journal_epoch(pipeline->journal),
                                    .started_ms = clock_wall_ms(),
                                    .software = "tallyd " TALLY_VERSION,
                                    .stored = state_source(pipeline->state),
                                    .presences = pipeline->presences,
                                    .status = {.context = pipeline, .read = read_status},
                                    .verification = verification_source(pipeline->verification)};
    pipeline->query = query_create(&options, fault);
    return pipeline->query == NULL ? fault->error : ERROR_NONE;
}

static enum error start_publisher(struct pipeline *pipeline, struct fault *fault) {
    struct publisher_options options = {
        .zmq_context = pipeline->zmq_context,
        .endpoint = pipeline->config->totals_endpoint,
        .keys = own_keys(pipeline),
        .epoch = journal_epoch(pipeline->journal),
        .interval_us = pipeline->config->publish_interval_ms * 1000,
        .exchange = &pipeline->exchange,
        .waker = &pipeline->publish_waker,
        .ledger_waker = &pipeline->ledger_waker,
        .registry_slot = &pipeline->publish_registry,
        .companion = {.socket = query_socket(pipeline->query), .serve = query_serve, .context = pipeline->query},
        .on_failure = pipeline->on_failure,
        .context = pipeline->context};
    struct publisher *publisher = publisher_start(&options, pipeline->config->registry, fault);
    atomic_store_explicit(&pipeline->publisher, publisher, memory_order_release);
    return publisher == NULL ? fault->error : ERROR_NONE;
}

static enum error start_archive(struct pipeline *pipeline, struct fault *fault) {
    return archiving_start(&pipeline->archiving, fault);
}

static enum error start_ledger(struct pipeline *pipeline, struct fault *fault) {
    struct ledger_stage_options options = {.ledger = pipeline->ledger,
                                           .in = &pipeline->to_ledger,
                                           .out = &pipeline->to_intake,
                                           .waker = &pipeline->ledger_waker,
                                           .intake_waker = &pipeline->intake_waker,
                                           .publish_waker = &pipeline->publish_waker,
                                           .archive_waker = &pipeline->archiving.waker,
                                           .exchange = &pipeline->exchange,
                                           .capture_exchange = &pipeline->archiving.captures};
    pipeline->ledger_stage = ledger_stage_start(&options, fault);
    return pipeline->ledger_stage == NULL ? fault->error : ERROR_NONE;
}

static enum error start_journal(struct pipeline *pipeline, struct fault *fault) {
    struct journal_stage_options options = {.journal = pipeline->journal,
                                            .directory = pipeline->journal_directory,
                                            .in = &pipeline->to_journal,
                                            .out = &pipeline->to_ledger,
                                            .waker = &pipeline->journal_waker,
                                            .ledger_waker = &pipeline->ledger_waker,
                                            .archive_waker = &pipeline->archiving.entry_waker,
                                            .group_bytes = pipeline->config->group_bytes,
                                            .disk_reserve_bytes = pipeline->config->disk_reserve_bytes,
                                            .on_failure = pipeline->on_failure,
                                            .context = pipeline->context};
    pipeline->journal_stage = journal_stage_start(&options, fault);
    return pipeline->journal_stage == NULL ? fault->error : ERROR_NONE;
}

static enum error start_gate(struct pipeline *pipeline, struct fault *fault) {
    if (pipeline->config->keyed) {
        pipeline->gate = gate_start(pipeline->zmq_context, pipeline->config->registry, fault);
    }
    return pipeline->config->keyed && pipeline->gate == NULL ? fault->error : ERROR_NONE;
}

/* The gate before every endpoint; the journal stage before the publisher, who asks it how full the disk is; intake last, who
 * begins the work. */
enum error pipeline_start(struct pipeline *pipeline, struct fault *fault) {
    static enum error (*const steps[])(struct pipeline *, struct fault *) = {
        start_gate, start_archive, start_ledger, start_journal, start_verification, open_query, start_publisher};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum error error = steps[i](pipeline, fault);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    return intake_stage_start(pipeline->intake, pipeline->config->registry, fault);
}

/* ---- run ---- */

enum error pipeline_reload(struct pipeline *pipeline, const struct config *next, struct fault *fault) {
    enum error error = numbering_assign(&pipeline->numbering, next->registry, fault);
    if (error == ERROR_NONE) {
        if (pipeline->gate != NULL) { /* first, so that nobody whose key is gone comes back in */
            gate_offer(pipeline->gate, next->registry);
        }
        registry_offer(&pipeline->publish_registry, next->registry);
        registry_offer(&pipeline->intake_registry, next->registry);
        waker_wake(&pipeline->publish_waker);
        waker_wake(&pipeline->intake_waker);
    }
    return error;
}

/* The archive writes the rest when it stops. */
bool pipeline_drain(struct pipeline *pipeline) {
    atomic_store_explicit(&pipeline->draining, true, memory_order_relaxed);
    bool home = intake_stage_drain(pipeline->intake, DRAIN_INTAKE_MS);
    uint64_t version = journal_version(pipeline->journal);
    bool published = home && publisher_drain(pipeline->publisher, version, DRAIN_PUBLISH_MS);
    if (!home || !published) {
        log_event(LOG_WARNING, "drain-incomplete", "version=%" PRIu64 " acknowledged=%s published=%s", version,
                  home ? "yes" : "no", published ? "yes" : "no");
    }
    return home && published;
}

/* Verification first, which may be waiting for the publish thread; then that, whose answers ask the other stages how they are.
 * Intake after journal and ledger, so that what they still had gets its receipt. Then the archive, which asks ledger and
 * intake for what is not stored yet. */
void pipeline_stop(struct pipeline *pipeline) {
    verification_stop(pipeline->verification);
    struct publisher *publisher = atomic_exchange_explicit(&pipeline->publisher, NULL, memory_order_acq_rel);
    publisher_stop(&publisher);
    query_destroy(pipeline->query);
    verification_destroy(pipeline->verification);
    pipeline->query = NULL;
    pipeline->verification = NULL;
    journal_stage_stop(pipeline->journal_stage);
    ledger_stage_stop(&pipeline->ledger_stage);
    intake_stage_stop(pipeline->intake);
    archiving_stop(&pipeline->archiving);
    intake_stage_destroy(&pipeline->intake);
    gate_stop(pipeline->gate); /* no endpoint is left that would ask it */
    pipeline->gate = NULL;
    journal_stage_destroy(pipeline->journal_stage); /* intake asked it whether the disk is full */
    pipeline->journal_stage = NULL;
}

void pipeline_destroy(struct pipeline *pipeline) {
    if (pipeline == NULL) {
        return;
    }
    pipeline_stop(pipeline);
    registry_release(atomic_load_explicit(&pipeline->intake_registry.next, memory_order_acquire));
    registry_release(atomic_load_explicit(&pipeline->publish_registry.next, memory_order_acquire));
    ledger_destroy(pipeline->ledger);
    state_close(pipeline->state);
    journal_close(pipeline->journal);
    snapshot_fini(&pipeline->exchange);
    archiving_fini(&pipeline->archiving);
    ring_fini(&pipeline->to_journal);
    ring_fini(&pipeline->to_ledger);
    ring_fini(&pipeline->to_intake);
    waker_fini(&pipeline->intake_waker);
    waker_fini(&pipeline->journal_waker);
    waker_fini(&pipeline->ledger_waker);
    waker_fini(&pipeline->publish_waker);
    if (pipeline->zmq_context != NULL) {
        zmq_ctx_term(pipeline->zmq_context);
    }
    free(pipeline->presences);
    free(pipeline);
}
