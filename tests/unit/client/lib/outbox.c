#include "client/lib/outbox.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/lib/builder.h"
#include "client/lib/diskbox.h"
#include "client/lib/membox.h"
#include "client/lib/reader.h"
#include "disk_fault.h"
#include "rows.h"

enum { BYTES_MAX = 64 << 20 };

TestSuite(outbox, .fini = rows_remove_directories);

static char message[FAULT_MESSAGE_BYTES];

/* A box to test: on disk if it has a directory. */
struct box {
    const char *directory;
    struct outbox *outbox;
};

static void open_box(struct box *box) {
    if (box->directory == NULL) {
        box->outbox = membox_open();
        cr_assert_not_null(box->outbox);
    } else {
        cr_assert_eq(diskbox_open(box->directory, "zhejiang", BYTES_MAX, &box->outbox, message), TALLY_OK, "%s",
                     message);
    }
}

static void open_again(struct box *box) {
    if (box->directory != NULL) {
        outbox_close(&box->outbox);
        open_box(box);
    }
}

/* Rows first to last in one parcel. */
static struct parcel *parcel_of(unsigned first, unsigned last) {
    struct builder *builder = builder_create();
    builder_start(builder, ROWS_COMPETITION);
    for (unsigned i = first; i <= last; i++) {
        struct tally_project project = rows_project(i);
        cr_assert(builder_add(builder, &project, 8192));
    }
    struct parcel *parcel = builder_pack(builder, (struct builder_mark){0});
    builder_destroy(builder);
    return parcel;
}

static void append(struct box *box, unsigned first, unsigned last) {
    struct parcel *parcel = parcel_of(first, last);
    cr_assert_eq(outbox_append(box->outbox, &parcel, 1, NULL, false, message), TALLY_OK, "%s", message);
    parcel_release(&parcel);
}

static void append_waiting(struct box *box, unsigned first, unsigned last) {
    struct parcel *parcel = parcel_of(first, last);
    cr_assert_eq(outbox_append(box->outbox, NULL, 0, parcel, false, message), TALLY_OK, "%s", message);
    parcel_release(&parcel);
}

static uint64_t first_tag(struct box *box, uint64_t number) {
    struct parcel *parcel = NULL;
    cr_assert_eq(outbox_read(box->outbox, number, 1, &parcel, message), TALLY_OK, "%s", message);
    uint64_t tag = parcel->tag[0];
    parcel_release(&parcel);
    return tag;
}

static struct settlement settle(struct box *box, struct settlement settlement) {
    cr_assert_eq(outbox_settle(box->outbox, &settlement, 1, message), TALLY_OK, "%s", message);
    return settlement;
}

static void batches_wait_until_they_are_settled(const char *directory) {
    struct box box = {.directory = directory};
    struct parcel *parcel = NULL;
    open_box(&box);
    append(&box, 1, 10);
    append(&box, 11, 15);
    append(&box, 16, 16);
    cr_assert_eq(atomic_load(&box.outbox->last), 3);
    open_again(&box);
    cr_assert_eq(atomic_load(&box.outbox->last), 3);
    cr_assert_eq(first_tag(&box, 1), 1);
    cr_assert_eq(first_tag(&box, 3), 16);
    uint64_t bytes = atomic_load(&box.outbox->bytes);
    struct settlement two[2] = {{.number = 1}, {.number = 2}};
    cr_assert_eq(outbox_settle(box.outbox, two, 2, message), TALLY_OK);
    cr_assert_eq(two[0].rows, 10);
    cr_assert_eq(two[1].rows, 5);
    cr_assert_lt(atomic_load(&box.outbox->bytes), bytes);
    open_again(&box);
    cr_assert_neq(outbox_read(box.outbox, 2, 1, &parcel, message), TALLY_OK);
    cr_assert_eq(first_tag(&box, 3), 16);
    append(&box, 17, 17);
    cr_assert_eq(first_tag(&box, 4), 17, "numbers go on");
    outbox_close(&box.outbox);
    cr_assert_null(box.outbox);
}

Test(outbox, batches_wait_in_memory_until_they_are_settled) {
    batches_wait_until_they_are_settled(NULL);
}

Test(outbox, batches_wait_on_disk_until_they_are_settled) {
    batches_wait_until_they_are_settled(rows_directory());
}

/* Takes one refused row and checks it. */
static void assert_refused(const struct refused *refused, uint64_t tag, unsigned code) {
    bool malformed = false;
    struct tally_project expected = rows_project((unsigned)tag);
    struct tally_project project;
    struct reader *reader = reader_create(refused->row, &malformed);
    cr_assert_not_null(reader);
    cr_assert(reader_next(reader, &project));
    cr_assert_eq(project.tag, tag);
    cr_assert_str_eq(project.code, expected.code);
    cr_assert_eq(project.contract_value, expected.contract_value);
    cr_assert_eq(refused->code, code);
    reader_destroy(reader);
}

static void refused_rows_are_kept(const char *directory) {
    struct box box = {.directory = directory};
    struct refused refused[8];
    size_t count = 0;
    uint32_t rows[] = {1, 4, 99};
    uint32_t codes[] = {4, 200, 5};
    uint32_t reason_codes[] = {200};
    char reason[] = "a new reason";
    char *reasons[] = {reason};
    open_box(&box);
    append(&box, 10, 14);
    append(&box, 20, 21);
    struct settlement done = settle(&box, (struct settlement){.number = 1,
                                                              .refused_count = 3,
                                                              .refused_row = rows,
                                                              .refused_code = codes,
                                                              .reason_count = 1,
                                                              .reason_code = reason_codes,
                                                              .reason_text = reasons});
    cr_assert_eq(done.rows, 5);
    cr_assert_eq(done.refused, 2, "there is no row 99");
    done = settle(&box, (struct settlement){.number = 2, .batch_code = 64});
    cr_assert_eq(done.refused, 2);
    open_again(&box);
    cr_assert_gt(atomic_load(&box.outbox->refused_bytes), 0);
    cr_assert_eq(outbox_refused(box.outbox, 0, refused, 8, &count, message), TALLY_OK);
    cr_assert_eq(count, 4);
    assert_refused(&refused[0], 11, 4);
    cr_assert_null(refused[0].text, "this build knows better");
    assert_refused(&refused[1], 14, 200);
    cr_assert_str_eq(refused[1].text, "a new reason");
    assert_refused(&refused[2], 20, 64);
    assert_refused(&refused[3], 21, 64);
    uint64_t ids[] = {refused[0].id, refused[2].id, refused[3].id};
    uint64_t left = refused[1].id;
    for (size_t i = 0; i < count; i++) {
        refused_fini(&refused[i]);
    }
    cr_assert_eq(outbox_forget(box.outbox, ids, 3, message), TALLY_OK);
    append(&box, 30, 30);
    settle(&box, (struct settlement){.number = 3, .batch_code = 65});
    open_again(&box);
    cr_assert_eq(outbox_refused(box.outbox, 0, refused, 8, &count, message), TALLY_OK);
    cr_assert_eq(count, 2);
    cr_assert_eq(refused[0].id, left);
    assert_refused(&refused[1], 30, 65);
    refused_fini(&refused[0]);
    refused_fini(&refused[1]);
    outbox_close(&box.outbox);
}

Test(outbox, refused_rows_are_kept_in_memory) {
    refused_rows_are_kept(NULL);
}

Test(outbox, refused_rows_are_kept_on_disk) {
    refused_rows_are_kept(rows_directory());
}

Test(outbox, many_batches_come_back_in_order) {
    struct box box = {0};
    open_box(&box);
    for (unsigned i = 1; i <= 300; i++) {
        append(&box, i, i);
        if (i % 3 == 0) {
            settle(&box, (struct settlement){.number = i / 3});
        }
    }
    for (unsigned i = 101; i <= 300; i++) {
        cr_assert_eq(first_tag(&box, i), i);
    }
    outbox_close(&box.outbox);
}

Test(outbox, waiting_rows_survive_until_a_batch_replaces_them) {
    struct box box = {.directory = rows_directory()};
    struct parcel **parcels = NULL;
    size_t count = 0;
    open_box(&box);
    append_waiting(&box, 1, 2);
    append_waiting(&box, 3, 3);
    open_again(&box);
    cr_assert_eq(box.outbox->content.rows, 3);
    cr_assert_eq(outbox_waiting(box.outbox, &parcels, &count, message), TALLY_OK);
    cr_assert_eq(count, 2);
    cr_assert_eq(parcels[0]->rows, 2);
    cr_assert_eq(parcels[1]->tag[0], 3);
    parcel_release(&parcels[0]);
    parcel_release(&parcels[1]);
    free(parcels);
    struct parcel *sealed = parcel_of(1, 3);
    struct parcel *rest = parcel_of(4, 4);
    cr_assert_eq(outbox_append(box.outbox, &sealed, 1, rest, true, message), TALLY_OK);
    open_again(&box);
    cr_assert_eq(box.outbox->content.rows, 4);
    cr_assert_eq(outbox_waiting(box.outbox, &parcels, &count, message), TALLY_OK);
    cr_assert_eq(count, 1);
    cr_assert_eq(parcels[0]->tag[0], 4);
    parcel_release(&parcels[0]);
    parcel_release(&sealed);
    parcel_release(&rest);
    free(parcels);
    outbox_close(&box.outbox);
}

Test(outbox, counts_its_bytes_the_same_before_and_after_a_restart) {
    struct box box = {.directory = rows_directory()};
    open_box(&box);
    append(&box, 1, 50);
    append_waiting(&box, 51, 52);
    append(&box, 60, 61);
    settle(&box, (struct settlement){.number = 1, .batch_code = 64});
    uint64_t bytes = atomic_load(&box.outbox->bytes);
    uint64_t refused_bytes = atomic_load(&box.outbox->refused_bytes);
    open_again(&box);
    cr_assert_eq(atomic_load(&box.outbox->bytes), bytes);
    cr_assert_eq(atomic_load(&box.outbox->refused_bytes), refused_bytes);
    outbox_close(&box.outbox);
}

Test(outbox, remembers_what_its_numbers_mean_to_the_daemon) {
    struct box box = {.directory = rows_directory()};
    open_box(&box);
    cr_assert_eq(box.outbox->content.epoch, 0);
    cr_assert_eq(box.outbox->content.first, 1);
    append(&box, 1, 1);
    append(&box, 2, 2);
    cr_assert_eq(outbox_renumber(box.outbox, 42, (uint64_t)-7, message), TALLY_OK);
    settle(&box, (struct settlement){.number = 1});
    open_again(&box);
    cr_assert_eq(box.outbox->content.epoch, 42);
    cr_assert_eq(box.outbox->content.offset, (uint64_t)-7);
    cr_assert_eq(box.outbox->content.first, 2);
    cr_assert_eq(box.outbox->content.last, 2);
    outbox_close(&box.outbox);
}

Test(outbox, makes_its_directory_for_its_owner_alone) {
    char path[128];
    char file[160];
    struct stat status;
    snprintf(path, sizeof path, "%s/outbox", rows_directory());
    struct box box = {.directory = path};
    open_box(&box);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0700);
    snprintf(file, sizeof file, "%s/outbox.mdb", path);
    cr_assert_eq(stat(file, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    outbox_close(&box.outbox);
}

Test(outbox, is_open_once) {
    struct box box = {.directory = rows_directory()};
    struct outbox *second = NULL;
    open_box(&box);
    cr_assert_eq(diskbox_open(box.directory, "zhejiang", BYTES_MAX, &second, message), TALLY_OUTBOX_BUSY);
    cr_assert_not_null(strstr(message, "another process"));
    outbox_close(&box.outbox);
    open_box(&box);
    outbox_close(&box.outbox);
}

Test(outbox, belongs_to_one_node) {
    struct box box = {.directory = rows_directory()};
    open_box(&box);
    outbox_close(&box.outbox);
    cr_assert_eq(diskbox_open(box.directory, "anhui", BYTES_MAX, &box.outbox, message), TALLY_INVALID);
}

Test(outbox, an_unfinished_beginning_is_begun_again) {
    char file[128];
    struct box box = {.directory = rows_directory()};
    snprintf(file, sizeof file, "%s/outbox.mdb.new", box.directory);
    FILE *stream = fopen(file, "w");
    cr_assert_not_null(stream);
    fputs("half a page", stream);
    fclose(stream);
    open_box(&box);
    append(&box, 1, 1);
    outbox_close(&box.outbox);
}

Test(outbox, a_directory_that_cannot_be_made_is_a_matter_of_the_disk) {
    struct outbox *outbox = NULL;
    cr_assert_eq(diskbox_open("/nowhere/at/all", "zhejiang", BYTES_MAX, &outbox, message), TALLY_DISK);
    cr_assert_not_null(strstr(message, "/nowhere/at/all"));
}

/* A closed outbox with one batch of three rows; returns its file. */
static int outbox_file(struct box *box) {
    char file[128];
    box->directory = rows_directory();
    open_box(box);
    append(box, 1, 3);
    outbox_close(&box->outbox);
    snprintf(file, sizeof file, "%s/outbox.mdb", box->directory);
    int fd = open(file, O_RDWR);
    cr_assert_geq(fd, 0);
    return fd;
}

static void assert_damaged(const struct box *box) {
    struct outbox *outbox = NULL;
    cr_assert_eq(diskbox_open(box->directory, "zhejiang", BYTES_MAX, &outbox, message), TALLY_OUTBOX_DAMAGED, "%s",
                 message);
}

Test(outbox, a_flipped_bit_is_noticed) {
    struct box box = {0};
    int fd = outbox_file(&box);
    off_t size = lseek(fd, 0, SEEK_END);
    char *bytes = malloc((size_t)size);
    cr_assert_eq(pread(fd, bytes, (size_t)size, 0), size);
    char *place = memmem(bytes, (size_t)size, "P-00002", 7);
    cr_assert_not_null(place);
    *place ^= 0x01;
    cr_assert_eq(pwrite(fd, bytes, (size_t)size, 0), size);
    close(fd);
    free(bytes);
    assert_damaged(&box);
}

Test(outbox, a_file_that_was_cut_off_is_noticed) {
    static const off_t sizes[] = {0, 1, 4247, 8192, 12288};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct box box = {0};
        int fd = outbox_file(&box);
        cr_assert_eq(ftruncate(fd, sizes[i]), 0);
        close(fd);
        assert_damaged(&box);
    }
}

static void nothing_is_half_taken(enum disk_fault fault) {
    struct box box = {.directory = rows_directory()};
    struct parcel *parcels[2] = {parcel_of(1, 8000), parcel_of(8001, 16000)};
    struct settlement settlement = {.number = 1};
    open_box(&box);
    append(&box, 90000, 90000);
    uint64_t bytes = atomic_load(&box.outbox->bytes);
    disk_fault_set(fault);
    cr_assert_eq(outbox_append(box.outbox, parcels, 2, NULL, false, message), TALLY_DISK);
    cr_assert_not_null(strstr(message, "full"), "%s", message);
    cr_assert_eq(outbox_settle(box.outbox, &settlement, 1, message), TALLY_DISK);
    cr_assert_eq(atomic_load(&box.outbox->last), 1);
    cr_assert_eq(atomic_load(&box.outbox->bytes), bytes);
    cr_assert_eq(first_tag(&box, 1), 90000);
    disk_fault_set(DISK_FAULT_NONE);
    cr_assert_eq(outbox_append(box.outbox, parcels, 2, NULL, false, message), TALLY_OK, "%s", message);
    open_again(&box);
    cr_assert_eq(box.outbox->content.rows, 16001);
    parcel_release(&parcels[0]);
    parcel_release(&parcels[1]);
    outbox_close(&box.outbox);
}

Test(outbox, nothing_is_half_taken_when_the_disk_is_full) {
    nothing_is_half_taken(DISK_FAULT_FULL);
}

Test(outbox, nothing_is_half_taken_when_the_disk_becomes_full_in_the_middle) {
    nothing_is_half_taken(DISK_FAULT_SHORT);
}

Test(outbox, nothing_is_tried_again_after_a_sync_that_failed) {
    struct box box = {.directory = rows_directory()};
    struct parcel *parcel = parcel_of(1, 3);
    open_box(&box);
    append(&box, 90000, 90000);
    disk_fault_set(DISK_FAULT_SYNC);
    cr_assert_eq(outbox_append(box.outbox, &parcel, 1, NULL, false, message), TALLY_DISK);
    disk_fault_set(DISK_FAULT_NONE);
    cr_assert_eq(outbox_append(box.outbox, &parcel, 1, NULL, false, message), TALLY_DISK, "until it is opened again");
    open_again(&box);
    cr_assert_eq(first_tag(&box, 1), 90000);
    append(&box, 90001, 90001);
    parcel_release(&parcel);
    outbox_close(&box.outbox);
}
