/* The archive's thread, as a plain program so that it also runs under TSan: it follows a journal that grows under it, folds
 * what a stop finds, and tells of failures. */
#include "daemon/archive/archive.h"

#include <ftw.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "tests/support/history.h"

enum { DEADLINE_MS = 30000, POLL_US = 1000, PROJECTS_MAX = 100000 };

static char folder[256];
static char path[512];

static int remove_entry(const char *name, const struct stat *status, int kind, struct FTW *position) {
    (void)status;
    (void)kind;
    (void)position;
    return remove(name);
}

struct scene {
    struct entries *entries;
    struct history history;
    struct state *state;
    struct archive *archive;
    _Atomic int failures;
    _Atomic int failure;
};

static void note_failure(void *context, const struct fault *fault) {
    struct scene *scene = context;
    atomic_store(&scene->failure, (int)fault->error);
    atomic_fetch_add(&scene->failures, 1);
}

static void start(struct scene *scene) {
    struct fault fault = {0};
    struct state_options options = {.path = path, .epoch = 3, .journal_version = entries_version(scene->entries)};
    scene->state = state_open(&options, &fault);
    CHECK(scene->state != NULL);
    struct archive_options archive = {.state = scene->state,
                                      .source = entries_source(scene->entries),
                                      .projects_max = PROJECTS_MAX,
                                      .on_failure = note_failure,
                                      .context = scene};
    scene->archive = archive_start(&archive, &fault);
    CHECK(scene->archive != NULL);
}

static uint64_t stop(struct scene *scene) {
    archive_stop(&scene->archive);
    CHECK(scene->archive == NULL);
    uint64_t version = state_version(scene->state);
    state_close(scene->state);
    return version;
}

static void open_scene(struct scene *scene) {
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/tally-archive-XXXXXX", parent != NULL ? parent : "/tmp");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/state.mdb", folder);
    *scene = (struct scene){.entries = entries_create()};
    struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = 2000, .rows_max = 200};
    history_init(&scene->history, scene->entries, 41, &shape);
    start(scene);
}

static void close_scene(struct scene *scene) {
    history_fini(&scene->history);
    entries_destroy(scene->entries);
    CHECK(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static void wait_for_version(const struct scene *scene, uint64_t version) {
    int64_t deadline = clock_monotonic_ns() + DEADLINE_MS * INT64_C(1000000);
    while (archive_version(scene->archive) < version) {
        CHECK(clock_monotonic_ns() < deadline);
        usleep(POLL_US);
    }
}

static void visit_nothing(void *visitor, const struct stored_project *project) {
    *(uint64_t *)visitor += project->figures.region > 0;
}

/* Asks the state while it is written: versions of answers never go back. */
struct asking {
    struct stored_source source;
    atomic_bool done;
    uint64_t answers;
};

static void *ask(void *context) {
    struct asking *asking = context;
    uint64_t last = 0;
    while (!atomic_load(&asking->done)) {
        uint64_t version = 0;
        uint64_t seen = 0;
        CHECK(asking->source.list(asking->source.context, 0, 330000, 0, "", 100, visit_nothing, &seen, &version) ==
              ERROR_NONE);
        CHECK(version >= last);
        last = version;
        asking->answers++;
    }
    return NULL;
}

static void follows_a_journal_that_grows(void) {
    struct scene scene;
    open_scene(&scene);
    struct asking asking = {.source = state_source(scene.state)};
    pthread_t asker;
    CHECK(pthread_create(&asker, NULL, ask, &asking) == 0);
    for (int round = 0; round < 30; round++) {
        history_extend(&scene.history, 20);
        waker_wake(archive_waker(scene.archive));
        if (round % 10 == 9) {
            wait_for_version(&scene, entries_version(scene.entries));
        }
    }
    atomic_store(&asking.done, true);
    pthread_join(asker, NULL);
    CHECK(asking.answers > 0);
    CHECK(stop(&scene) == entries_version(scene.entries));
    CHECK(counter_read(COUNTER_ARCHIVE_FOLDS) >= 3);
    CHECK(counter_read(COUNTER_ARCHIVE_ENTRIES) == entries_version(scene.entries));
    CHECK(counter_read(COUNTER_ARCHIVE_PROJECTS_WRITTEN) > 0);
    CHECK(atomic_load(&scene.failures) == 0);
    close_scene(&scene);
}

static void folds_what_a_stop_finds_and_goes_on_from_there(void) {
    struct scene scene;
    open_scene(&scene);
    for (int round = 0; round < 5; round++) {
        history_extend(&scene.history, 100);
        waker_wake(archive_waker(scene.archive));
        CHECK(stop(&scene) == entries_version(scene.entries));
        start(&scene);
    }
    stop(&scene);
    close_scene(&scene);
}

static void tells_of_a_journal_that_cannot_be_read(void) {
    struct scene scene;
    open_scene(&scene);
    history_extend(&scene.history, 10);
    entries_fail_from(scene.entries, 8, ERROR_DAMAGED);
    waker_wake(archive_waker(scene.archive));
    int64_t deadline = clock_monotonic_ns() + DEADLINE_MS * INT64_C(1000000);
    while (atomic_load(&scene.failures) == 0) {
        CHECK(clock_monotonic_ns() < deadline);
        usleep(POLL_US);
    }
    CHECK(atomic_load(&scene.failure) == ERROR_DAMAGED);
    CHECK(stop(&scene) < 8);
    CHECK(atomic_load(&scene.failures) == 1);
    close_scene(&scene);
}

int main(void) {
    follows_a_journal_that_grows();
    folds_what_a_stop_finds_and_goes_on_from_there();
    tells_of_a_journal_that_cannot_be_read();
    puts("archive thread: 3 tests passed");
    return 0;
}
