/* Reports a few made-up projects at a time, which the library makes batches of as they come, and prints for each receipt
 * when it came (monotonic, ns), its sequence, and what the totals of all batches up to it are, by its own sums.
 *
 * Usage: reporter ENDPOINT PUTS SEED. Exit status 0 only if every row got a receipt and no row was refused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <tally/tally.h>
#include <time.h>

enum { PROJECTS = 3000, ROWS = 24, STATUS_COUNTS_FROM = 1, STATUS_COUNTS_TO = 3, CODE_BYTES = 33, FLUSH_MS = 120000 };

struct figures {
    bool counts;
    int64_t contract_value;
    int64_t participants;
    int64_t migrants;
};

struct sums {
    int64_t projects;
    int64_t contract_value;
    int64_t participants;
    int64_t migrants;
};

static struct reporter {
    struct figures present[PROJECTS];
    struct sums totals;
    struct sums *after; /* by rows put */
    uint64_t settled;   /* rows that have a receipt */
    uint64_t refused;
} reporter;

static uint64_t next_random(uint64_t *state) {
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = (*state ^ *state >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

static void add(const struct figures *figures, int64_t sign) {
    if (figures->counts) {
        reporter.totals.projects += sign;
        reporter.totals.contract_value += sign * figures->contract_value;
        reporter.totals.participants += sign * figures->participants;
        reporter.totals.migrants += sign * figures->migrants;
    }
}

/* A row drawn anew; the sums are what they are after it. */
static void draw(struct tally_project *row, char code[CODE_BYTES], uint64_t *state) {
    uint64_t random = next_random(state);
    size_t project = random % PROJECTS;
    uint32_t status = (uint32_t)(random >> 32 & 3);
    struct figures *figures = &reporter.present[project];
    add(figures, -1);
    figures->counts = status >= STATUS_COUNTS_FROM && status <= STATUS_COUNTS_TO;
    figures->contract_value = (int64_t)(next_random(state) >> 24);
    figures->participants = (int64_t)(random >> 40 & 4095);
    figures->migrants = figures->participants / 3;
    add(figures, 1);
    snprintf(code, CODE_BYTES, "2101-330106-04-01-%06zu", project);
    *row = (struct tally_project){.code = code,
                                  .region = 330106,
                                  .status = status,
                                  .contract_value = figures->contract_value,
                                  .participants = figures->participants,
                                  .migrant_participants = figures->migrants,
                                  .name = random % 5 == 0 ? "合成项目" : NULL};
}

static void on_receipt(void *context, const struct tally_receipt *receipt) {
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    reporter.settled += receipt->rows;
    const struct sums *totals = &reporter.after[reporter.settled];
    printf("%" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
           (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, receipt->sequence, totals->projects,
           totals->contract_value, totals->participants, totals->migrants);
    reporter.refused += receipt->refused;
}

static int give_up(const char *what) {
    fprintf(stderr, "reporter: %s\n", what);
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    char message[256] = "";
    struct tally_node *node = NULL;
    uint64_t batches = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t state = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (batches == 0) {
        return give_up("usage: reporter ENDPOINT PUTS SEED");
    }
    struct tally_node_options options = {.endpoint = argv[1],
                                         .node = "zhejiang",
                                         .batch_rows = ROWS,
                                         .window = 4,
                                         .linger_us = 60000000,
                                         .on_receipt = on_receipt};
    reporter.after = calloc(batches * ROWS + 1, sizeof *reporter.after);
    if (reporter.after == NULL || tally_node_open(&options, &node, message) != TALLY_OK) {
        return give_up(message);
    }
    for (uint64_t sequence = 1; sequence <= batches; sequence++) {
        struct tally_project rows[ROWS];
        char codes[ROWS][CODE_BYTES];
        for (size_t i = 0; i < ROWS; i++) {
            draw(&rows[i], codes[i], &state);
            reporter.after[(sequence - 1) * ROWS + i + 1] =
                reporter.totals; /* before it is put: its receipt comes on another thread */
        }
        if (tally_node_put(node, "csj-2021", rows, ROWS, true) != TALLY_OK) {
            return give_up("put");
        }
    }
    if (tally_node_flush(node, FLUSH_MS) != TALLY_OK) {
        tally_node_message(node, message, sizeof message);
        return give_up(message);
    }
    tally_node_close(&node);
    if (reporter.settled != batches * ROWS) {
        return give_up("rows without a receipt");
    }
    return reporter.refused == 0 ? EXIT_SUCCESS : give_up("rows were refused");
}
