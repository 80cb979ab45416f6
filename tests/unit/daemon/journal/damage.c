/* Damage to closed files: whatever is changed, cut off or exchanged, reading gives what was written or says that it is
 * damaged, and never an entry that was not written. LMDB may crash on a file that it cannot trust, so each look is taken by
 * a child process, for which a crash is a verdict too. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../folder.h"
#include "daemon/base/log.h"
#include "daemon/journal/record.h"
#include "daemon/journal/segment.h"
#include "scribe.h"
#include "tests/support/random.h"
#include "tests/support/seed.h"

enum { SEGMENT_BYTES = 300000, LAST = 150, SEGMENTS_MAX = 16, LOOK_SECONDS_MAX = 60 };

/* What a child says by its exit code. */
enum verdict { WHOLE = 10, DAMAGED = 11, WRONG = 12, OTHER_ERROR = 13, CRASHED = 14, VERDICTS };

struct ruin {
    struct folder folder;
    struct scribe scribe;
    uint64_t first_versions[SEGMENTS_MAX];
    size_t segments;
};

static struct journal *open_journal(const struct folder *folder, uint64_t epoch, struct fault *fault) {
    return journal_open(
        &(struct journal_options){.directory = folder->path, .segment_bytes = SEGMENT_BYTES, .epoch = epoch}, fault);
}

static void write_journal(struct scribe *scribe, const struct folder *folder, uint64_t epoch, uint64_t last) {
    struct fault fault = {0};
    struct journal *journal = open_journal(folder, epoch, &fault);
    cr_assert_not_null(journal, "%s", fault.text);
    cr_assert_eq(scribe_write(scribe, journal, last, 5), ERROR_NONE);
    journal_close(journal);
}

static void ruin_init(struct ruin *ruin) {
    log_set_level(LOG_ERROR);
    *ruin = (struct ruin){0};
    folder_init(&ruin->folder);
    scribe_init(&ruin->scribe);
    write_journal(&ruin->scribe, &ruin->folder, 1, LAST);
    for (uint64_t version = 1; version <= LAST && ruin->segments < SEGMENTS_MAX; version++) {
        char path[SEGMENT_PATH_BYTES];
        segment_path(path, ruin->folder.path, version);
        if (access(path, F_OK) == 0) {
            ruin->first_versions[ruin->segments++] = version;
        }
    }
    cr_assert_geq(ruin->segments, 3);
}

static void ruin_fini(struct ruin *ruin) {
    scribe_fini(&ruin->scribe);
    folder_fini(&ruin->folder);
}

/* ---- looking ---- */

static enum verdict verdict_of(enum error error, uint64_t version) {
    if (error == ERROR_NONE) {
        return version == LAST ? WHOLE : WRONG;
    }
    return error == ERROR_DAMAGED ? DAMAGED : error == ERROR_LIMIT ? WRONG : OTHER_ERROR;
}

static enum verdict look(struct ruin *ruin) {
    struct fault fault = {0};
    struct journal *journal = open_journal(&ruin->folder, 1, &fault);
    if (journal == NULL) {
        return fault.error == ERROR_DAMAGED ? DAMAGED : OTHER_ERROR;
    }
    uint64_t version = 0;
    enum error error = scribe_read(&ruin->scribe, journal, 1 << 20, &version);
    journal_close(journal);
    return verdict_of(error, version);
}

static enum verdict look_from_child(struct ruin *ruin) {
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nowhere, STDERR_FILENO);
        alarm(LOOK_SECONDS_MAX);
        _exit((int)look(ruin));
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM, "reading did not come to an end");
    bool said = WIFEXITED(status) && WEXITSTATUS(status) >= WHOLE && WEXITSTATUS(status) < CRASHED;
    return said ? (enum verdict)WEXITSTATUS(status) : CRASHED;
}

/* ---- changing ---- */

static int open_segment(const struct ruin *ruin, size_t segment, off_t *size) {
    char path[SEGMENT_PATH_BYTES];
    segment_path(path, ruin->folder.path, ruin->first_versions[segment]);
    int file = open(path, O_RDWR | O_CLOEXEC);
    struct stat status;
    cr_assert(file >= 0 && fstat(file, &status) == 0);
    *size = status.st_size;
    return file;
}

static void flip(int file, off_t at, uint8_t with) {
    uint8_t byte;
    cr_assert_eq(pread(file, &byte, 1, at), 1);
    byte ^= with;
    cr_assert_eq(pwrite(file, &byte, 1, at), 1);
}

static void flip_bytes_of(struct ruin *ruin, size_t segment, size_t flips, struct random *random, unsigned *verdicts) {
    off_t size;
    int file = open_segment(ruin, segment, &size);
    for (size_t i = 0; i < flips; i++) {
        off_t at = (off_t)random_below(random, (uint64_t)size);
        uint8_t with = (uint8_t)(1 + random_below(random, 255));
        flip(file, at, with);
        enum verdict verdict = look_from_child(ruin);
        cr_assert_neq(verdict, WRONG, "segment %zu byte %jd ^ %02x", segment, (intmax_t)at, with);
        verdicts[verdict]++;
        flip(file, at, with);
    }
    close(file);
}

Test(damage, a_changed_byte_never_makes_a_wrong_entry, .timeout = 250) {
    enum { FLIPS = 200 };
    struct ruin ruin;
    ruin_init(&ruin);
    struct random random = {.state = seed_of("damage", 51)};
    unsigned verdicts[VERDICTS] = {0};
    flip_bytes_of(&ruin, 0, FLIPS, &random, verdicts);
    flip_bytes_of(&ruin, 1, FLIPS, &random, verdicts);
    flip_bytes_of(&ruin, ruin.segments - 1, FLIPS, &random, verdicts);
    fprintf(stderr, "damage: of %d changed bytes %u were found, %u lay in unused space, %u crashed, %u other errors\n",
            3 * FLIPS, verdicts[DAMAGED], verdicts[WHOLE], verdicts[CRASHED], verdicts[OTHER_ERROR]);
    cr_assert_gt(verdicts[DAMAGED], FLIPS);
    cr_assert_eq(look_from_child(&ruin), WHOLE, "all bytes are back");
    ruin_fini(&ruin);
}

/* The two first pages decide where LMDB looks: every byte of them that is used. */
Test(damage, a_changed_byte_of_the_head_never_makes_a_wrong_entry, .timeout = 250) {
    struct ruin ruin;
    ruin_init(&ruin);
    unsigned verdicts[VERDICTS] = {0};
    off_t size;
    int file = open_segment(&ruin, 1, &size);
    for (off_t at = 0; at < 2 * 4096; at++) {
        if (at % 4096 >= 160) {
            continue; /* the rest of these pages is not used */
        }
        uint8_t with = at % 2 == 0 ? 1 : 0x80;
        flip(file, at, with);
        enum verdict verdict = look_from_child(&ruin);
        cr_assert_neq(verdict, WRONG, "byte %jd ^ %02x", (intmax_t)at, with);
        verdicts[verdict]++;
        flip(file, at, with);
    }
    close(file);
    fprintf(stderr,
            "damage: of changed bytes in the head %u were found, %u made no difference, %u crashed, %u other errors\n",
            verdicts[DAMAGED], verdicts[WHOLE], verdicts[CRASHED], verdicts[OTHER_ERROR]);
    cr_assert_gt(verdicts[DAMAGED], 0);
    ruin_fini(&ruin);
}

/* ---- cutting ---- */

static void expect_damage_when_cut(struct ruin *ruin, size_t segment, struct random *random) {
    off_t size;
    int file = open_segment(ruin, segment, &size);
    uint8_t *content = malloc((size_t)size);
    cr_assert_eq(pread(file, content, (size_t)size, 0), size);
    for (int i = 0; i < 25; i++) {
        off_t left = i == 0 ? 0 : i == 1 ? size - 1 : (off_t)random_below(random, (uint64_t)size);
        cr_assert_eq(ftruncate(file, left), 0);
        enum verdict verdict = look_from_child(ruin);
        cr_assert_eq(verdict, DAMAGED, "segment %zu cut to %jd of %jd bytes: %d", segment, (intmax_t)left,
                     (intmax_t)size, (int)verdict);
        cr_assert_eq(pwrite(file, content, (size_t)size, 0), size);
        cr_assert_eq(ftruncate(file, size), 0);
    }
    free(content);
    close(file);
    cr_assert_eq(look_from_child(ruin), WHOLE);
}

Test(damage, a_file_that_was_cut_off_is_found_when_the_journal_opens) {
    struct ruin ruin;
    ruin_init(&ruin);
    struct random random = {.state = seed_of("damage", 52)};
    for (size_t segment = 0; segment < ruin.segments; segment++) {
        expect_damage_when_cut(&ruin, segment, &random);
    }
    ruin_fini(&ruin);
}

/* ---- exchanging ---- */

/* Another journal whose entries are the same but one: its segments begin with the same versions. */
static void write_other(struct scribe *scribe, const struct folder *folder) {
    struct fault fault = {0};
    struct journal *journal = open_journal(folder, 2, &fault);
    cr_assert_not_null(journal, "%s", fault.text);
    struct entry *entry = scribe_entry(scribe, 0, 1);
    entry->sequence++;
    cr_assert_eq(journal_append(journal, entry), ERROR_NONE);
    for (size_t i = 1; i < 5; i++) {
        cr_assert_eq(journal_append(journal, scribe_entry(scribe, i, i + 1)), ERROR_NONE);
    }
    cr_assert_eq(journal_commit(journal), ERROR_NONE);
    cr_assert_eq(scribe_write(scribe, journal, LAST, 5), ERROR_NONE);
    journal_close(journal);
}

Test(damage, a_segment_of_another_journal_is_found_when_the_journal_opens) {
    struct ruin ruin;
    ruin_init(&ruin);
    struct folder other;
    folder_init(&other);
    write_other(&ruin.scribe, &other);
    for (size_t segment = 0; segment < ruin.segments; segment++) {
        char own[SEGMENT_PATH_BYTES];
        char others[SEGMENT_PATH_BYTES];
        char aside[SEGMENT_PATH_BYTES + 8];
        segment_path(own, ruin.folder.path, ruin.first_versions[segment]);
        segment_path(others, other.path, ruin.first_versions[segment]);
        snprintf(aside, sizeof aside, "%s.own", own);
        cr_assert(rename(own, aside) == 0 && rename(others, own) == 0);
        cr_assert_eq(look_from_child(&ruin), DAMAGED, "segment %zu", segment);
        cr_assert(rename(own, others) == 0 && rename(aside, own) == 0);
    }
    cr_assert_eq(look_from_child(&ruin), WHOLE);
    folder_fini(&other);
    ruin_fini(&ruin);
}

/* An entry put in the place of another by somebody who knows the format: its own hash is right, and the one that it names as
 * the hash before. Only the entry after it tells. */
static void exchange_entry(struct ruin *ruin, size_t segment, uint64_t version) {
    char path[SEGMENT_PATH_BYTES];
    segment_path(path, ruin->folder.path, ruin->first_versions[segment]);
    MDB_env *env;
    MDB_txn *transaction;
    MDB_dbi entries;
    cr_assert_eq(mdb_env_create(&env), MDB_SUCCESS);
    cr_assert_eq(mdb_env_set_mapsize(env, 1 << 28), MDB_SUCCESS);
    cr_assert_eq(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600), MDB_SUCCESS);
    cr_assert_eq(mdb_txn_begin(env, NULL, 0, &transaction), MDB_SUCCESS);
    cr_assert_eq(mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY, &entries), MDB_SUCCESS);
    MDB_val key = {sizeof version, &version};
    MDB_val value;
    cr_assert_eq(mdb_get(transaction, entries, &key, &value), MDB_SUCCESS);
    struct entry_record record;
    uint64_t hash;
    uint64_t previous_hash;
    cr_assert_eq(record_read(value.mv_data, value.mv_size, &record, &hash, &previous_hash), ERROR_NONE);
    struct entry *entry = scribe_entry(&ruin->scribe, 0, version);
    entry->version = version;
    entry->wall_ms++;
    uint8_t *bytes = malloc(record_bytes(entry));
    record_write(entry, previous_hash, bytes);
    value = (MDB_val){record_bytes(entry), bytes};
    cr_assert_eq(mdb_put(transaction, entries, &key, &value, 0), MDB_SUCCESS);
    cr_assert_eq(mdb_txn_commit(transaction), MDB_SUCCESS);
    mdb_env_close(env);
    free(bytes);
}

static enum error accept(void *visitor, const struct entry_record *record) {
    *(uint64_t *)visitor = record->version;
    return ERROR_NONE;
}

Test(damage, an_exchanged_entry_breaks_the_chain_at_the_next_one) {
    for (size_t segment = 0; segment < 3; segment++) {
        struct ruin ruin;
        ruin_init(&ruin);
        uint64_t version = ruin.first_versions[segment] + segment;
        exchange_entry(&ruin, segment, version);
        struct fault fault = {0};
        struct journal *journal = open_journal(&ruin.folder, 1, &fault);
        cr_assert_not_null(journal, "%s", fault.text);
        struct entry_source source = journal_source(journal);
        uint64_t visited = 0;
        uint64_t last = 0;
        log_set_level((enum log_level)(LOG_ERROR + 1));
        cr_assert_eq(source.read(source.context, 0, 1 << 30, accept, &visited, &last), ERROR_DAMAGED);
        cr_assert(visited == version && last == version, "read up to %lu, exchanged was %lu", visited, version);
        journal_close(journal);
        ruin_fini(&ruin);
    }
}
