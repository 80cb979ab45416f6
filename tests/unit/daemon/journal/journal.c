#include "daemon/journal/journal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../folder.h"
#include "daemon/base/log.h"
#include "daemon/journal/segment.h"
#include "scribe.h"

enum { SMALL_SEGMENT = 200000, ONE_SEGMENT = 1 << 30 };

struct shelf {
    struct folder folder;
    struct scribe scribe;
    struct journal *journal;
    uint64_t segment_bytes;
};

static void open_shelf(struct shelf *shelf) {
    struct fault fault = {0};
    shelf->journal = journal_open(&(struct journal_options){.directory = shelf->folder.path,
                                                            .segment_bytes = shelf->segment_bytes,
                                                            .epoch = 4711},
                                  &fault);
    cr_assert_not_null(shelf->journal, "%s", fault.text);
}

static void shelf_init(struct shelf *shelf, uint64_t segment_bytes) {
    log_set_level(LOG_ERROR);
    *shelf = (struct shelf){.segment_bytes = segment_bytes};
    folder_init(&shelf->folder);
    scribe_init(&shelf->scribe);
    open_shelf(shelf);
}

static void reopen(struct shelf *shelf) {
    journal_close(shelf->journal);
    open_shelf(shelf);
}

static void shelf_fini(struct shelf *shelf) {
    journal_close(shelf->journal);
    scribe_fini(&shelf->scribe);
    folder_fini(&shelf->folder);
}

static void write_up_to(struct shelf *shelf, uint64_t version, size_t group) {
    cr_assert_eq(scribe_write(&shelf->scribe, shelf->journal, version, group), ERROR_NONE);
    cr_assert_eq(journal_version(shelf->journal), version);
}

static void read_all_after(struct shelf *shelf, uint64_t version, size_t bytes_max) {
    cr_assert_eq(scribe_read(&shelf->scribe, shelf->journal, bytes_max, &version), ERROR_NONE);
    cr_assert_eq(version, journal_version(shelf->journal));
}

Test(journal, what_was_committed_is_read_back) {
    struct shelf shelf;
    shelf_init(&shelf, ONE_SEGMENT);
    cr_assert_eq(journal_version(shelf.journal), 0);
    cr_assert_eq(journal_epoch(shelf.journal), 4711);
    read_all_after(&shelf, 0, 1 << 20);
    write_up_to(&shelf, 1, 1);
    read_all_after(&shelf, 0, 1 << 20);
    write_up_to(&shelf, 300, SCRIBE_GROUP_MAX);
    read_all_after(&shelf, 0, 1 << 20);
    read_all_after(&shelf, 150, 1);
    read_all_after(&shelf, 0, 10000);
    shelf_fini(&shelf);
}

Test(journal, what_is_only_appended_is_not_there_yet) {
    struct shelf shelf;
    shelf_init(&shelf, ONE_SEGMENT);
    write_up_to(&shelf, 5, 5);
    struct entry *entry = scribe_entry(&shelf.scribe, 0, 6);
    cr_assert_eq(journal_append(shelf.journal, entry), ERROR_NONE);
    cr_assert_eq(entry->version, 6);
    cr_assert_eq(journal_version(shelf.journal), 5);
    read_all_after(&shelf, 0, 1 << 20);
    reopen(&shelf);
    cr_assert_eq(journal_version(shelf.journal), 5, "an open group goes with the journal");
    write_up_to(&shelf, 10, 2);
    read_all_after(&shelf, 0, 1 << 20);
    cr_assert_eq(journal_commit(shelf.journal), ERROR_NONE, "nothing to commit is fine");
    cr_assert_eq(journal_version(shelf.journal), 10);
    shelf_fini(&shelf);
}

Test(journal, goes_on_where_it_was_after_being_opened_again) {
    struct shelf shelf;
    shelf_init(&shelf, SMALL_SEGMENT);
    for (uint64_t version = 7; version <= 350; version += 49) {
        write_up_to(&shelf, version, 5);
        reopen(&shelf);
        cr_assert_eq(journal_version(shelf.journal), version);
        cr_assert_eq(journal_epoch(shelf.journal), 4711);
        read_all_after(&shelf, 0, 1 << 16);
    }
    shelf_fini(&shelf);
}

Test(journal, keeps_its_epoch) {
    struct shelf shelf;
    shelf_init(&shelf, ONE_SEGMENT);
    journal_close(shelf.journal);
    struct fault fault = {0};
    shelf.journal = journal_open(
        &(struct journal_options){.directory = shelf.folder.path, .segment_bytes = ONE_SEGMENT, .epoch = 1}, &fault);
    cr_assert_not_null(shelf.journal);
    cr_assert_eq(journal_epoch(shelf.journal), 4711);
    shelf_fini(&shelf);
}

static size_t count_segments(const struct shelf *shelf, uint64_t last) {
    size_t count = 0;
    for (uint64_t version = 1; version <= last + 1; version++) {
        char path[SEGMENT_PATH_BYTES];
        segment_path(path, shelf->folder.path, version);
        count += access(path, F_OK) == 0;
    }
    return count;
}

Test(journal, begins_a_new_segment_when_one_is_full_and_reads_across_them) {
    struct shelf shelf;
    shelf_init(&shelf, SMALL_SEGMENT);
    write_up_to(&shelf, 400, 3);
    size_t segments = count_segments(&shelf, 400);
    cr_assert_gt(segments, 5);
    read_all_after(&shelf, 0, 1 << 30);
    read_all_after(&shelf, 0, 1);
    for (uint64_t version = 0; version < 400; version += 13) {
        read_all_after(&shelf, version, 100000);
    }
    cr_assert(journal_bytes(shelf.journal) > 1000000 && journal_bytes(shelf.journal) < 400 * 10000);
    reopen(&shelf);
    cr_assert_eq(count_segments(&shelf, 400), segments);
    read_all_after(&shelf, 0, 1 << 30);
    shelf_fini(&shelf);
}

static enum error refuse_third(void *visitor, const struct entry_record *record) {
    (void)record;
    return ++*(int *)visitor == 3 ? ERROR_BUSY : ERROR_NONE;
}

Test(journal, a_reader_that_refuses_ends_the_reading_there) {
    struct shelf shelf;
    shelf_init(&shelf, ONE_SEGMENT);
    write_up_to(&shelf, 10, 10);
    struct entry_source source = journal_source(shelf.journal);
    int visits = 0;
    uint64_t last = 99;
    cr_assert_eq(source.read(source.context, 4, 1 << 20, refuse_third, &visits, &last), ERROR_BUSY);
    cr_assert_eq(last, 6, "the third after 4 was refused");
    cr_assert_eq(visits, 3);
    cr_assert_eq(source.read(source.context, 10, 1 << 20, refuse_third, &visits, &last), ERROR_NONE);
    cr_assert_eq(last, 10);
    shelf_fini(&shelf);
}

/* ---- a reader beside the writer ---- */

struct follower {
    struct shelf *shelf;
    uint64_t until;
    uint64_t read;
    enum error error;
};

static void *follow(void *context) {
    struct follower *follower = context;
    struct scribe scribe;
    scribe_init(&scribe);
    while (follower->error == ERROR_NONE && follower->read < follower->until) {
        follower->error = scribe_read(&scribe, follower->shelf->journal, 30000, &follower->read);
    }
    scribe_fini(&scribe);
    return NULL;
}

Test(journal, readers_follow_while_segments_come_and_go) {
    enum { READERS = 3, LAST = 1200 };
    struct shelf shelf;
    shelf_init(&shelf, SMALL_SEGMENT);
    struct follower followers[READERS];
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++) {
        followers[i] = (struct follower){.shelf = &shelf, .until = LAST};
        cr_assert_eq(pthread_create(&threads[i], NULL, follow, &followers[i]), 0);
    }
    write_up_to(&shelf, LAST, 4);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(followers[i].error, ERROR_NONE);
        cr_assert_eq(followers[i].read, LAST);
    }
    shelf_fini(&shelf);
}

/* ---- opening ---- */

static enum error error_of_opening(const struct shelf *shelf) {
    struct fault fault = {0};
    struct journal *journal = journal_open(
        &(struct journal_options){.directory = shelf->folder.path, .segment_bytes = shelf->segment_bytes}, &fault);
    cr_assert_eq(journal == NULL, fault.error != ERROR_NONE);
    cr_assert_eq(fault.error != ERROR_NONE, fault.text[0] != '\0');
    journal_close(journal);
    return fault.error;
}

Test(journal, only_one_process_at_a_time_has_it) {
    struct shelf shelf;
    shelf_init(&shelf, ONE_SEGMENT);
    cr_assert_eq(error_of_opening(&shelf), ERROR_BUSY);
    write_up_to(&shelf, 3, 1);
    journal_close(shelf.journal);
    cr_assert_eq(error_of_opening(&shelf), ERROR_NONE);
    open_shelf(&shelf);
    read_all_after(&shelf, 0, 1 << 20);
    shelf_fini(&shelf);
}

Test(journal, a_folder_that_is_not_there_is_an_error_with_its_name) {
    struct fault fault = {0};
    cr_assert_null(
        journal_open(&(struct journal_options){.directory = "/nonexistent/journal", .segment_bytes = 1}, &fault));
    cr_assert_eq(fault.error, ERROR_IO);
    cr_assert_not_null(strstr(fault.text, "/nonexistent/journal"));
}

Test(journal, a_segment_left_half_made_does_no_harm) {
    struct shelf shelf;
    shelf_init(&shelf, SMALL_SEGMENT);
    write_up_to(&shelf, 20, 5);
    folder_write(&shelf.folder, "segment-new.tmp", "cut off while it was made");
    folder_write(&shelf.folder, "segment-backup.mdb", "not ours");
    reopen(&shelf);
    write_up_to(&shelf, 200, 5);
    read_all_after(&shelf, 0, 1 << 20);
    cr_assert_gt(count_segments(&shelf, 200), 2);
    reopen(&shelf);
    read_all_after(&shelf, 0, 1 << 20);
    shelf_fini(&shelf);
}

/* The first versions of the segments there are, in order; returns how many. */
static size_t list_segments(const struct shelf *shelf, uint64_t last, uint64_t *first_versions, size_t max) {
    size_t count = 0;
    for (uint64_t version = 1; version <= last + 1 && count < max; version++) {
        char path[SEGMENT_PATH_BYTES];
        segment_path(path, shelf->folder.path, version);
        if (access(path, F_OK) == 0) {
            first_versions[count++] = version;
        }
    }
    return count;
}

Test(journal, a_segment_missing_in_the_middle_is_damage) {
    struct shelf shelf;
    shelf_init(&shelf, SMALL_SEGMENT);
    write_up_to(&shelf, 300, 5);
    uint64_t first_versions[32];
    size_t count = list_segments(&shelf, 300, first_versions, 32);
    cr_assert_gt(count, 4);
    journal_close(shelf.journal);
    char path[SEGMENT_PATH_BYTES];
    char aside[SEGMENT_PATH_BYTES + 8];
    segment_path(path, shelf.folder.path, first_versions[2]);
    snprintf(aside, sizeof aside, "%s.gone", path);
    cr_assert_eq(rename(path, aside), 0);
    cr_assert_eq(error_of_opening(&shelf), ERROR_DAMAGED);
    cr_assert_eq(rename(aside, path), 0);
    open_shelf(&shelf);
    read_all_after(&shelf, 0, 1 << 20);
    shelf_fini(&shelf);
}

/* Retention takes segments from the start. */
Test(journal, without_its_first_segments_it_opens_and_reads_the_rest) {
    struct shelf shelf;
    shelf_init(&shelf, SMALL_SEGMENT);
    write_up_to(&shelf, 300, 5);
    uint64_t first_versions[32];
    cr_assert_gt(list_segments(&shelf, 300, first_versions, 32), 4);
    journal_close(shelf.journal);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(segment_remove(shelf.folder.path, first_versions[i]), ERROR_NONE);
    }
    open_shelf(&shelf);
    cr_assert_eq(journal_version(shelf.journal), 300);
    read_all_after(&shelf, first_versions[2] - 1, 1 << 20);
    uint64_t version = first_versions[2] - 2;
    cr_assert_eq(scribe_read(&shelf.scribe, shelf.journal, 1 << 20, &version), ERROR_DAMAGED);
    shelf_fini(&shelf);
}

Test(journal, a_segment_under_another_name_is_damage) {
    struct shelf shelf;
    shelf_init(&shelf, ONE_SEGMENT);
    write_up_to(&shelf, 5, 5);
    journal_close(shelf.journal);
    char path[SEGMENT_PATH_BYTES];
    char other[SEGMENT_PATH_BYTES];
    segment_path(path, shelf.folder.path, 1);
    segment_path(other, shelf.folder.path, 3);
    cr_assert_eq(rename(path, other), 0);
    cr_assert_eq(error_of_opening(&shelf), ERROR_DAMAGED);
    shelf.journal = NULL;
    shelf_fini(&shelf);
}

/* ---- memory ---- */

/* Bytes of the first segment that the system holds in memory. */
static size_t resident_bytes(const struct shelf *shelf, size_t *file_bytes) {
    char path[SEGMENT_PATH_BYTES];
    segment_path(path, shelf->folder.path, 1);
    int file = open(path, O_RDONLY);
    struct stat status;
    cr_assert(file >= 0 && fstat(file, &status) == 0);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = ((size_t)status.st_size + page - 1) / page;
    void *map = mmap(NULL, pages * page, PROT_READ, MAP_SHARED, file, 0);
    unsigned char *present = calloc(pages, 1);
    cr_assert(map != MAP_FAILED && present != NULL && mincore(map, pages * page, present) == 0);
    size_t sum = 0;
    for (size_t i = 0; i < pages; i++) {
        sum += (present[i] & 1) * page;
    }
    free(present);
    munmap(map, pages * page);
    close(file);
    *file_bytes = pages * page;
    return sum;
}

/* A file system in memory has nowhere else to keep it. */
static bool in_memory(const char *path) {
    struct statfs disk;
    return statfs(path, &disk) == 0 && disk.f_type == TMPFS_MAGIC;
}

Test(journal, what_was_written_does_not_stay_in_memory) {
    struct shelf shelf;
    shelf_init(&shelf, ONE_SEGMENT);
    write_up_to(&shelf, 30000, SCRIBE_GROUP_MAX);
    size_t file_bytes;
    size_t resident = resident_bytes(&shelf, &file_bytes);
    cr_expect_gt(file_bytes, 2 * SEGMENT_KEPT_BYTES);
    if (!in_memory(shelf.folder.path)) {
        cr_expect_lt(resident, file_bytes / 4 * 3, "%zu of %zu bytes", resident, file_bytes);
    }
    read_all_after(&shelf, 0, 1 << 20);
    shelf_fini(&shelf);
}
