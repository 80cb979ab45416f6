#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "disk_fault.h"
#include "peer.h"
#include "proto/refusal.h"
#include "rows.h"
#include "tally.pb-c.h"

enum { EPOCH = 77, ROWS_A_BATCH = 4, RECEIPTS_MAX = 64 };

static struct peer daemon_end;

/* What on_receipt was told, on the node's thread. */
static struct tally_receipt receipts[RECEIPTS_MAX];
static _Atomic size_t receipt_count;

static void note_receipt(void *context, const struct tally_receipt *receipt) {
    (void)context;
    receipts[receipt_count] = *receipt;
    receipt_count++;
}

static void set_up(void) {
    peer_open(&daemon_end, ZMQ_ROUTER);
    receipt_count = 0;
}

static void tear_down(void) {
    peer_close(&daemon_end);
    rows_remove_directories();
}

TestSuite(node, .init = set_up, .fini = tear_down, .timeout = 60);

static struct tally_node_options options_for(const char *outbox) {
    return (struct tally_node_options){.endpoint = daemon_end.endpoint,
                                       .node = "zhejiang",
                                       .outbox = outbox,
                                       .batch_rows = ROWS_A_BATCH,
                                       .on_receipt = note_receipt};
}

static struct tally_node *open_node(const char *outbox) {
    char message[256] = "";
    struct tally_node_options options = options_for(outbox);
    struct tally_node *node = NULL;
    cr_assert_eq(tally_node_open(&options, &node, message), TALLY_OK, "%s", message);
    return node;
}

static void put(struct tally_node *node, unsigned first, unsigned last) {
    struct tally_project projects[100];
    char message[256] = "";
    for (unsigned i = first; i <= last; i++) {
        projects[i - first] = rows_project(i);
    }
    enum tally_error error = tally_node_put(node, ROWS_COMPETITION, projects, last - first + 1, false);
    tally_node_message(node, message, sizeof message);
    cr_assert_eq(error, TALLY_OK, "%s", message);
}

static struct tally_node_progress progress_of(struct tally_node *node) {
    struct tally_node_progress progress;
    tally_node_progress(node, &progress);
    return progress;
}

/* The next batch holds these rows. */
static void expect_rows(uint64_t sequence, unsigned first, unsigned last) {
    struct batch batch;
    peer_expect_batch(&daemon_end, sequence, &batch);
    cr_assert_str_eq(batch.competition, ROWS_COMPETITION);
    cr_assert_eq(batch.rows, last - first + 1);
    for (unsigned i = first; i <= last; i++) {
        cr_assert_eq(batch.contract_value[i - first], rows_project(i).contract_value);
    }
}

static void delivers(const char *outbox) {
    struct tally_node *node = open_node(outbox);
    put(node, 1, 6);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    expect_rows(2, 5, 6);
    cr_assert_eq(tally_node_flush(node, 0), TALLY_TIMEOUT);
    peer_receipt(&daemon_end, 1, 2);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    struct tally_node_progress progress = progress_of(node);
    cr_assert_eq(progress.rows_put, 6);
    cr_assert_eq(progress.rows_accepted, 6);
    cr_assert_eq(progress.batches_sent, 2);
    cr_assert_eq(progress.batches_settled, 2);
    cr_assert_eq(progress.version, 1002);
    cr_assert(progress.connected);
    cr_assert_eq(receipt_count, 2, "once for each batch");
    cr_assert_eq(receipts[0].sequence, 1);
    cr_assert_eq(receipts[0].rows, 4);
    cr_assert_eq(receipts[1].rows, 2);
    cr_assert_gt(receipts[0].round_trip_ns, 0);
    tally_node_close(&node);
    cr_assert_null(node);
}

Test(node, delivers_from_memory) {
    delivers(NULL);
}

Test(node, delivers_from_disk) {
    delivers(rows_directory());
}

Test(node, sends_after_a_restart_the_same_bytes_under_the_same_sequence) {
    const char *outbox = rows_directory();
    static uint8_t first_time[4096];
    struct batch batch;
    struct tally_node *node = open_node(outbox);
    put(node, 1, 5);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 11, 10, EPOCH);
    peer_expect_batch(&daemon_end, 11, &batch);
    size_t bytes = daemon_end.body_bytes;
    memcpy(first_time, daemon_end.body, bytes);
    peer_expect_batch(&daemon_end, 12, &batch);
    tally_node_close(&node);
    node = open_node(outbox);
    cr_assert_eq(progress_of(node).rows_put, 5, "what the outbox still held");
    peer_expect_hello(&daemon_end, 10, EPOCH);
    peer_welcome(&daemon_end, 11, 10, EPOCH);
    peer_expect_batch(&daemon_end, 11, &batch);
    cr_assert_eq(daemon_end.body_bytes, bytes);
    cr_assert_eq(memcmp(daemon_end.body, first_time, bytes), 0);
    peer_expect_batch(&daemon_end, 12, &batch);
    peer_receipt(&daemon_end, 11, 12);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    cr_assert_eq(receipts[1].round_trip_ns > 0, true);
    tally_node_close(&node);
    node = open_node(outbox);
    peer_expect_hello(&daemon_end, 12, EPOCH);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK, "nothing is left");
    tally_node_close(&node);
}

Test(node, keeps_rows_that_lingered_when_it_was_closed) {
    const char *outbox = rows_directory();
    struct tally_node *node = open_node(outbox);
    peer_expect_hello(&daemon_end, 0, 0);
    put(node, 1, 1);
    put(node, 2, 2);
    tally_node_close(&node);
    node = open_node(outbox);
    put(node, 3, 3);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 2);
    expect_rows(2, 3, 3);
    peer_receipt(&daemon_end, 1, 2);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    tally_node_close(&node);
}

Test(node, goes_on_by_itself_when_the_disk_has_space_again) {
    char message[256];
    struct tally_project project = rows_project(5);
    struct tally_node *node = open_node(rows_directory());
    put(node, 1, 4);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    disk_fault_set(DISK_FAULT_FULL);
    peer_receipt(&daemon_end, 1, 1);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_DISK);
    tally_node_message(node, message, sizeof message);
    cr_assert_not_null(strstr(message, "full"), "%s", message);
    cr_assert_eq(tally_node_put(node, ROWS_COMPETITION, &project, 1, true), TALLY_DISK);
    cr_assert_eq(progress_of(node).rows_accepted, 0, "not counted before it is durable");
    disk_fault_set(DISK_FAULT_NONE);
    PEER_UNTIL(progress_of(node).rows_accepted == 4);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    tally_node_close(&node);
}

static void goes_on_when_the_daemon_comes_back(const char *outbox) {
    struct tally_node *node = open_node(outbox);
    put(node, 1, 8);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    expect_rows(2, 5, 8);
    peer_receipt(&daemon_end, 1, 1);
    PEER_UNTIL(receipt_count == 1);
    peer_down(&daemon_end);
    PEER_UNTIL(!progress_of(node).connected);
    put(node, 9, 12);
    peer_up(&daemon_end);
    peer_expect_hello(&daemon_end, 1, EPOCH);
    peer_welcome(&daemon_end, 2, 1, EPOCH);
    expect_rows(2, 5, 8);
    expect_rows(3, 9, 12);
    peer_receipt(&daemon_end, 2, 2);
    peer_receipt(&daemon_end, 3, 3);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    cr_assert_geq(progress_of(node).reconnects, 1);
    tally_node_close(&node);
}

Test(node, goes_on_from_memory_when_the_daemon_comes_back) {
    goes_on_when_the_daemon_comes_back(NULL);
}

Test(node, goes_on_from_disk_when_the_daemon_comes_back) {
    goes_on_when_the_daemon_comes_back(rows_directory());
}

Test(node, numbers_its_batches_anew_for_a_new_epoch) {
    const char *outbox = rows_directory();
    struct tally_node *node = open_node(outbox);
    put(node, 1, 8);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 50, 49, EPOCH);
    expect_rows(50, 1, 4);
    expect_rows(51, 5, 8);
    peer_down(&daemon_end);
    PEER_UNTIL(!progress_of(node).connected);
    peer_up(&daemon_end);
    peer_expect_hello(&daemon_end, 49, EPOCH);
    peer_welcome(&daemon_end, 1, 0, EPOCH + 1);
    expect_rows(1, 1, 4);
    expect_rows(2, 5, 8);
    tally_node_close(&node);
    node = open_node(outbox);
    peer_expect_hello(&daemon_end, 0, EPOCH + 1);
    tally_node_close(&node);
}

Test(node, rewinds_and_pauses) {
    struct tally_node *node = open_node(NULL);
    Tally__Rewind rewind = TALLY__REWIND__INIT;
    Tally__Busy busy = TALLY__BUSY__INIT;
    char message[256];
    put(node, 1, 12);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    expect_rows(2, 5, 8);
    expect_rows(3, 9, 12);
    rewind.expected_sequence = 2;
    peer_answer(&daemon_end, MESSAGE_REWIND, &rewind.base);
    expect_rows(2, 5, 8);
    expect_rows(3, 9, 12);
    busy.sequence = 3;
    busy.retry_ms = 50;
    busy.code = REFUSAL_DISK_FULL;
    peer_answer(&daemon_end, MESSAGE_BUSY, &busy.base);
    int64_t before_ms = peer_clock_ms();
    PEER_UNTIL(progress_of(node).busy);
    tally_node_message(node, message, sizeof message);
    cr_assert_not_null(strstr(message, "disk-full"), "%s", message);
    expect_rows(3, 9, 12);
    cr_assert_geq(peer_clock_ms() - before_ms, 45);
    peer_receipt(&daemon_end, 1, 3);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    cr_assert(!progress_of(node).busy);
    tally_node_close(&node);
}

static bool note_refused(void *context, const struct tally_refused *refused) {
    struct tally_refused *kept = context;
    size_t at = 0;
    while (kept[at].code != 0) {
        at++;
    }
    kept[at] = *refused;
    cr_assert_str_eq(refused->competition, ROWS_COMPETITION);
    cr_assert_str_eq(refused->project.code, rows_project((unsigned)refused->project.tag).code);
    return true;
}

static bool take_none(void *context, const struct tally_refused *refused) {
    (void)context;
    (void)refused;
    return false;
}

static void tells_what_was_refused(const char *outbox) {
    struct tally_refused kept[8] = {0};
    uint32_t rows[] = {0, 3};
    uint32_t codes[] = {REFUSAL_REGION_UNKNOWN, 63};
    uint32_t reason_codes[] = {63};
    char text[] = "a reason of the future";
    char *texts[] = {text};
    size_t taken = 99;
    struct tally_node *node = open_node(outbox);
    Tally__Receipt receipt = TALLY__RECEIPT__INIT;
    put(node, 1, 8);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    expect_rows(2, 5, 8);
    receipt.first_sequence = receipt.sequence = 1;
    receipt.rows = 4;
    receipt.accepted = 2;
    receipt.unchanged = 1;
    receipt.n_refused_row = receipt.n_refused_code = 2;
    receipt.refused_row = rows;
    receipt.refused_code = codes;
    receipt.n_reason_code = receipt.n_reason_text = 1;
    receipt.reason_code = reason_codes;
    receipt.reason_text = texts;
    peer_answer(&daemon_end, MESSAGE_RECEIPT, &receipt.base);
    receipt = (Tally__Receipt)TALLY__RECEIPT__INIT;
    receipt.first_sequence = receipt.sequence = 2;
    receipt.batch_code = REFUSAL_COMPETITION_UNKNOWN;
    peer_answer(&daemon_end, MESSAGE_RECEIPT, &receipt.base);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    struct tally_node_progress progress = progress_of(node);
    cr_assert_eq(progress.rows_accepted, 2);
    cr_assert_eq(progress.rows_unchanged, 1);
    cr_assert_eq(progress.rows_refused, 6);
    cr_assert_eq(receipts[0].refused, 2);
    cr_assert_eq(receipts[1].refused, 4);
    cr_assert_eq(tally_node_take_refused(node, take_none, NULL, &taken), TALLY_OK);
    cr_assert_eq(taken, 0);
    cr_assert_eq(tally_node_take_refused(node, note_refused, kept, &taken), TALLY_OK);
    cr_assert_eq(taken, 6);
    cr_assert_eq(kept[0].project.tag, 1);
    cr_assert_str_eq(kept[0].name, "region-unknown");
    cr_assert_str_eq(kept[0].text, refusal_text(REFUSAL_REGION_UNKNOWN));
    cr_assert_eq(kept[1].project.tag, 4);
    cr_assert_eq(kept[1].code, 63);
    cr_assert_eq(kept[2].project.tag, 5);
    cr_assert_eq(kept[5].code, REFUSAL_COMPETITION_UNKNOWN);
    cr_assert_eq(tally_node_take_refused(node, note_refused, kept, &taken), TALLY_OK);
    cr_assert_eq(taken, 0, "they are forgotten");
    tally_node_close(&node);
}

Test(node, tells_what_was_refused_from_memory) {
    tells_what_was_refused(NULL);
}

Test(node, tells_what_was_refused_from_disk) {
    tells_what_was_refused(rows_directory());
}

Test(node, says_hello_again_when_asked_to) {
    struct tally_node *node = open_node(NULL);
    put(node, 1, 4);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    peer_refusal(&daemon_end, 0, REFUSAL_HELLO_MISSING);
    peer_expect_hello(&daemon_end, 0, EPOCH);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    tally_node_close(&node);
}

Test(node, stops_when_it_is_refused_for_good) {
    char message[256];
    struct tally_project project = rows_project(9);
    struct tally_node *node = open_node(NULL);
    put(node, 1, 4);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_refusal(&daemon_end, 0, REFUSAL_NODE_UNKNOWN);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_STOPPED);
    cr_assert_eq(tally_node_put(node, ROWS_COMPETITION, &project, 1, true), TALLY_STOPPED);
    tally_node_message(node, message, sizeof message);
    cr_assert_not_null(strstr(message, "node-unknown"), "%s", message);
    cr_assert_not_null(strstr(message, "operator"), "it says what to do: %s", message);
    cr_assert(!progress_of(node).connected);
    tally_node_close(&node);
}

Test(node, asks_for_a_receipt_that_was_left_out) {
    struct tally_node *node = open_node(NULL);
    put(node, 1, 8);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    expect_rows(2, 5, 8);
    peer_receipt(&daemon_end, 2, 2);
    peer_expect_hello(&daemon_end, 0, EPOCH);
    peer_welcome(&daemon_end, 3, 2, EPOCH);
    peer_receipt(&daemon_end, 1, 1);
    peer_receipt(&daemon_end, 2, 2);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    cr_assert_eq(receipt_count, 2);
    tally_node_close(&node);
}

Test(node, bears_nonsense) {
    struct tally_node *node = open_node(NULL);
    static const uint8_t wrong_version[] = {'T', '2', MESSAGE_WELCOME, 0};
    static const uint8_t receipt_header[] = {'T', '1', MESSAGE_RECEIPT, 0};
    static const uint8_t unknown[] = {'T', '1', 200, 0};
    uint32_t row = 0;
    Tally__Receipt uneven = TALLY__RECEIPT__INIT;
    put(node, 1, 4);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_answer_bytes(&daemon_end, wrong_version, sizeof wrong_version, "", 0);
    peer_answer_bytes(&daemon_end, "T1", 2, "", 0);
    peer_answer_bytes(&daemon_end, unknown, sizeof unknown, "abc", 3);
    peer_answer_bytes(&daemon_end, receipt_header, sizeof receipt_header, "\xff\xff\xff", 3);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    expect_rows(1, 1, 4);
    uneven.first_sequence = uneven.sequence = 1;
    uneven.n_refused_row = 1;
    uneven.refused_row = &row;
    peer_answer(&daemon_end, MESSAGE_RECEIPT, &uneven.base);
    peer_receipt(&daemon_end, 1, 1000);
    peer_receipt(&daemon_end, 1, 1);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    cr_assert_eq(progress_of(node).rows_refused, 0);
    tally_node_close(&node);
}

Test(node, is_full_at_its_limit) {
    struct tally_node_options options = options_for(NULL);
    struct tally_project projects[1000];
    struct tally_node *node = NULL;
    char message[256];
    options.outbox_bytes_max = 1 << 20;
    options.batch_rows = 1000;
    for (unsigned i = 0; i < 1000; i++) {
        projects[i] = rows_project(i);
    }
    cr_assert_eq(tally_node_open(&options, &node, message), TALLY_OK);
    enum tally_error error = TALLY_OK;
    uint64_t puts = 0;
    while ((error = tally_node_put(node, ROWS_COMPETITION, projects, 1000, false)) == TALLY_OK) {
        cr_assert_lt(++puts, 100);
    }
    cr_assert_eq(error, TALLY_OUTBOX_FULL);
    cr_assert_eq(progress_of(node).rows_put, puts * 1000);
    tally_node_close(&node);
}

/* Puts one batch more than there is room for, and waits. */
static void *put_patiently(void *argument) {
    struct tally_project projects[1000];
    for (unsigned i = 0; i < 1000; i++) {
        projects[i] = rows_project(i);
    }
    return (void *)(uintptr_t)tally_node_put(argument, ROWS_COMPETITION, projects, 1000, true);
}

Test(node, a_put_may_wait_for_room) {
    struct tally_node_options options = options_for(NULL);
    struct tally_node *node = NULL;
    struct batch batch;
    char message[256];
    void *result = NULL;
    pthread_t thread;
    options.outbox_bytes_max = 1 << 20;
    options.batch_rows = 1000;
    cr_assert_eq(tally_node_open(&options, &node, message), TALLY_OK);
    struct tally_project projects[1000];
    for (unsigned i = 0; i < 1000; i++) {
        projects[i] = rows_project(i);
    }
    uint64_t puts = 0;
    while (tally_node_put(node, ROWS_COMPETITION, projects, 1000, false) == TALLY_OK) {
        puts++;
    }
    pthread_create(&thread, NULL, put_patiently, node);
    peer_expect_hello(&daemon_end, 0, 0);
    peer_welcome(&daemon_end, 1, 0, EPOCH);
    for (uint64_t sequence = 1; sequence <= puts + 1; sequence++) {
        peer_expect_batch(&daemon_end, sequence, &batch);
        peer_receipt(&daemon_end, sequence, sequence);
    }
    pthread_join(thread, &result);
    cr_assert_eq((uintptr_t)result, TALLY_OK);
    cr_assert_eq(tally_node_flush(node, -1), TALLY_OK);
    cr_assert_eq(progress_of(node).rows_accepted, (puts + 1) * 1000);
    tally_node_close(&node);
}

Test(node, says_which_row_is_wrong) {
    char message[256];
    struct tally_project projects[2] = {rows_project(1), {0}};
    struct tally_node *node = open_node(NULL);
    cr_assert_eq(tally_node_put(node, ROWS_COMPETITION, projects, 2, true), TALLY_INVALID);
    tally_node_message(node, message, sizeof message);
    cr_assert_str_eq(message, "row 1 has no project code");
    cr_assert_eq(progress_of(node).rows_put, 0);
    tally_node_message(node, message, 6);
    cr_assert_str_eq(message, "row 1");
    tally_node_close(&node);
}

Test(node, does_not_open_with_wrong_options) {
    static const char *const endpoints[] = {NULL,
                                            "",
                                            "localhost:7501",
                                            "tcp://",
                                            "tcp://host",
                                            "tcp://host:0",
                                            "tcp://host:70000",
                                            "tcp://host:75x",
                                            "tcp://:7501",
                                            "ipc://",
                                            "inproc://a",
                                            "tcp://a b:1"};
    char message[256];
    struct tally_node *node = NULL;
    struct tally_node_options options = options_for(NULL);
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        options.endpoint = endpoints[i];
        cr_assert_eq(tally_node_open(&options, &node, message), TALLY_INVALID, "%s", endpoints[i]);
    }
    options = options_for(NULL);
    options.node = "Not a key";
    cr_assert_eq(tally_node_open(&options, &node, NULL), TALLY_INVALID);
    options = options_for(NULL);
    options.batch_rows = 8193;
    cr_assert_eq(tally_node_open(&options, &node, message), TALLY_INVALID);
    cr_assert_null(node);
    tally_node_close(&node);
    tally_node_close(NULL);
}

static volatile sig_atomic_t signals_seen;
static pthread_t signalled_thread;

static void see_signal(int number) {
    (void)number;
    signals_seen++;
    signalled_thread = pthread_self();
}

Test(node, leaves_signals_to_the_program) {
    struct sigaction action = {.sa_handler = see_signal};
    sigaction(SIGUSR1, &action, NULL);
    struct tally_node *node = open_node(NULL);
    peer_expect_hello(&daemon_end, 0, 0);
    for (int i = 0; i < 50; i++) {
        sig_atomic_t before = signals_seen;
        kill(getpid(), SIGUSR1);
        PEER_UNTIL(signals_seen > before);
    }
    tally_node_close(&node);
}

Test(node, every_error_has_a_text) {
    for (int error = TALLY_OK; error <= TALLY_STOPPED; error++) {
        cr_assert_gt(strlen(tally_error_text((enum tally_error)error)), 10);
        cr_assert_str_neq(tally_error_text((enum tally_error)error), "unknown error");
    }
    cr_assert_gt(strlen(tally_version()), 4);
}
