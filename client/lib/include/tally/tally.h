/* libtally: speak to a Tally daemon.
 *
 *   tally_node     reports projects: a durable outbox, batches, receipts      (what a reporting unit runs)
 *   tally_watcher  keeps a live mirror of totals                              (what a dashboard runs)
 *   tally_query    asks questions and waits for the answers                   (what a report or a script runs)
 *
 * Units    Money is in fen (0.01 yuan), signed 64-bit. Heads are people. Days are days since 1970-01-01 in China
 *          Standard Time, 0 for "none". Times are milliseconds since 1970-01-01 UTC unless they are a duration.
 *          Regions are GB/T 2260 six-digit codes, 0 for the whole.
 * Text     is UTF-8 and ends with NUL. What you pass in is copied before the call returns. What an answer holds
 *          belongs to the answer and goes with it.
 * Threads  Each object may be used by one thread at a time; different objects by different threads at once. Functions
 *          marked "any thread" may be called while another thread uses the object. A node and a watcher have a thread
 *          of their own for the network; callbacks come on that thread, must not call functions of the same object that
 *          are not marked "any thread", and should be quick.
 * Signals  Those threads block all signals: they reach the program's own threads.
 * Errors   Every function that can fail returns an enum tally_error; use it. Out parameters are set only on TALLY_OK
 *          unless said otherwise. tally_*_message gives the details of the last failure of an object, for people.
 * fork     Open after fork, never before. */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TALLY_API __attribute__((visibility("default")))
#define TALLY_MUST_USE __attribute__((warn_unused_result))

enum tally_error {
    TALLY_OK = 0,
    TALLY_TIMEOUT,        /* no answer within the time given; it may still come, ask again */
    TALLY_REFUSED,        /* the daemon refused: see the code and the text */
    TALLY_INVALID,        /* an argument is wrong: see the message */
    TALLY_PROTOCOL,       /* the other side does not speak protocol version 1 */
    TALLY_OUTBOX_BUSY,    /* another process has this outbox open */
    TALLY_OUTBOX_DAMAGED, /* the outbox cannot be read: see the message */
    TALLY_OUTBOX_FULL,    /* the outbox has reached its limit: wait for receipts, then put again */
    TALLY_DISK,           /* the disk is full or fails: see the message */
    TALLY_MEMORY,         /* out of memory */
    TALLY_STOPPED,        /* the daemon refused this node for good: see the message */
};

/* One English sentence for each value. Static storage, never NULL. Any thread. */
TALLY_API const char *tally_error_text(enum tally_error error);

/* The version of the library, such as "0.1.0". Static storage. Any thread. */
TALLY_API const char *tally_version(void);

/* ---- keys --------------------------------------------------------------------------------------------------------- */

#define TALLY_KEY_DIGITS 64

/* Makes a pair of keys in two files: the secret one at path (mode 0600, for the options key_file below), and the public one at
 * path with .pub behind it, whose line goes into the daemon's configuration. Neither may be there before.
 * comment     one line that says whose keys they are.
 * public_key  out: TALLY_KEY_DIGITS hexadecimal digits and the end.
 * Errors  DISK (also: there is such a file), PROTOCOL (libzmq has no CURVE). Any thread. */
TALLY_API TALLY_MUST_USE enum tally_error tally_keygen(const char *path, const char *comment, char *public_key,
                                                       char *message);

/* ---- what is counted ---------------------------------------------------------------------------------------------- */

/* The full present state of one project, as its node knows it. */
struct tally_project {
    const char *code; /* project code, 1 to 32 printable ASCII characters */
    uint32_t region;
    uint32_t category;            /* code of the competition's category */
    uint32_t status;              /* code of the competition's status */
    int64_t contract_value;       /* fen, 0 to 10^15 */
    int64_t participants;         /* heads, 0 to 10^8 */
    int64_t migrant_participants; /* heads, among participants */
    uint32_t effective_day;       /* the day on which this became true; 0 = the day on which the daemon receives it */
    const char *name;             /* NULL = leave as it was; at most 255 bytes, as is contractor */
    const char *contractor;
    uint32_t start_day;      /* 0 = not known. Both days 0 and both texts NULL = leave the days as they were */
    uint32_t completion_day; /* 0 = not known */
    uint64_t tag;            /* yours: comes back with a refusal, such as a row number; is not sent */
};

struct tally_totals {
    uint64_t projects;
    int64_t contract_value;       /* fen */
    int64_t participants;         /* heads */
    int64_t migrant_participants; /* heads */
};

/* ---- node --------------------------------------------------------------------------------------------------------- */

struct tally_node;

/* How far a node is. Rows are counted from tally_node_open on, and include what an outbox still held then. */
struct tally_node_progress {
    uint64_t rows_put;        /* in the outbox or on their way or settled */
    uint64_t rows_accepted;   /* durable in the daemon and counted */
    uint64_t rows_unchanged;  /* among those: the daemon already knew exactly this */
    uint64_t rows_refused;    /* durable in the daemon as refused; see tally_node_take_refused */
    uint64_t batches_sent;    /* with repetitions */
    uint64_t batches_settled; /* with a receipt */
    uint64_t reconnects;      /* Hello said again after the first Welcome */
    uint64_t version;         /* journal position of the last receipt */
    bool connected;           /* a Welcome holds */
    bool busy;                /* the daemon said Busy last: its disk is full or it is stopping */
};

/* A row that the daemon refused. Belongs to the callee for the time of the call. */
struct tally_refused {
    struct tally_project project;
    const char *competition;
    unsigned code;    /* number of the refusal code, see PROTOCOL.md */
    const char *name; /* such as "region-unknown" */
    const char *text; /* what it means and what to do, English */
};

/* A receipt. Comes in order, once for each batch, on the node's thread. */
struct tally_receipt {
    uint64_t sequence;
    uint64_t version;
    uint32_t rows;
    uint32_t accepted;
    uint32_t unchanged;
    uint32_t refused;
    int64_t round_trip_ns; /* from the batch's first sending to its receipt; 0 if it was sent by an earlier run */
};

struct tally_node_options {
    const char *endpoint;      /* the daemon's ingest endpoint, such as "tcp://127.0.0.1:7501" */
    const char *node;          /* this node's name in the daemon's configuration */
    const char *key_file;      /* this node's secret key file, see tally_keygen; NULL = a daemon without keys */
    const char *daemon_key;    /* the daemon's public key: its 64 digits, or the path of the file that has them */
    const char *outbox;        /* directory, made if missing (mode 0700); NULL = no outbox: what has no receipt when the
                                program ends is the caller's to put again */
    uint32_t batch_rows;       /* rows that make a batch full; 0 = 4096, at most 8192 */
    uint32_t window;           /* batches on their way at once; 0 = as many as the daemon allows */
    uint32_t linger_us;        /* how long a batch that is not full waits for more rows; 0 = 1,000 */
    uint64_t outbox_bytes_max; /* 0 = 4 GiB; without an outbox, memory: 0 = 64 MiB */
    void (*on_receipt)(void *context, const struct tally_receipt *receipt); /* or NULL */
    void *context;
};

/* Opens the outbox, starts the node's thread and returns; it connects, and connects again, by itself.
 * node    out: close it with tally_node_close.
 * message out: on failure a sentence for people, 256 bytes at most; may be NULL.
 * Errors  INVALID, OUTBOX_BUSY, OUTBOX_DAMAGED, DISK, MEMORY. That the daemon is away is not one. */
TALLY_API TALLY_MUST_USE enum tally_error tally_node_open(const struct tally_node_options *options,
                                                          struct tally_node **node, char *message);

/* Takes over count projects of one competition, in order. With an outbox they are on disk, synced, when it returns:
 * many at once are far cheaper than one at a time (one sync for all). Without an outbox they are in memory.
 * All are taken or none. Waits, without end, while the outbox or the memory is at its limit only if wait is true.
 * Looks only for what cannot be sent: a code that is NULL or longer than 255 bytes, a text longer than 4,096 or not UTF-8,
 * more at once than the limit (or than 256 MiB). Everything else is for the daemon to judge, row by row.
 * Errors  INVALID (which row, from 0, and why: tally_node_message), OUTBOX_FULL (if wait is true only when refused rows
 *         take up the room: take them), DISK, MEMORY, STOPPED. */
TALLY_API TALLY_MUST_USE enum tally_error tally_node_put(struct tally_node *node, const char *competition,
                                                         const struct tally_project *projects, size_t count, bool wait);

/* Waits until every row put so far has its receipt, at most timeout_ms (-1 = without end).
 * Errors  TIMEOUT: nothing is lost, call again. STOPPED: the daemon will not take this node, see tally_node_message.
 *         DISK: the outbox cannot be written just now, it is tried again. OUTBOX_DAMAGED: it cannot be read any more. */
TALLY_API TALLY_MUST_USE enum tally_error tally_node_flush(struct tally_node *node, int timeout_ms);

/* Any thread. */
TALLY_API void tally_node_progress(struct tally_node *node, struct tally_node_progress *progress);

/* Calls take for each refused row that nobody has taken yet, oldest first, until take returns false; rows for which it
 * returned true are forgotten (with an outbox: durably, when this function returns). Refused rows survive restarts with
 * an outbox. Not from a callback.
 * taken   out: how many; may be NULL.
 * Errors  DISK, MEMORY. */
TALLY_API TALLY_MUST_USE enum tally_error
tally_node_take_refused(struct tally_node *node, bool (*take)(void *context, const struct tally_refused *refused),
                        void *context, size_t *taken);

/* The details of the last failure, or of what the node waits for ("cannot reach ..."). Copies at most size bytes with
 * the end. Any thread. */
TALLY_API void tally_node_message(struct tally_node *node, char *buffer, size_t size);

/* Stops the thread and closes the outbox; does not wait for receipts: what the outbox holds goes out the next time.
 * node may be NULL or point to NULL; *node is NULL afterwards. */
TALLY_API void tally_node_close(struct tally_node **node);

/* ---- watcher ------------------------------------------------------------------------------------------------------ */

struct tally_watcher;

/* Of one watcher. A few short prefixes cover much. */
#define TALLY_PREFIXES_MAX 4096

struct tally_watch_cell {
    uint32_t category;
    uint32_t status;
    struct tally_totals totals;
};

/* What is known of one region. */
struct tally_watch_region {
    uint32_t region;
    uint64_t version;           /* the totals were true at this journal position */
    uint64_t time_ms;           /* when the daemon read them */
    struct tally_totals totals; /* over the statuses that count */
    size_t cell_count;          /* every category and status that has projects */
    const struct tally_watch_cell *cells;
};

struct tally_watch_state {
    bool connected; /* a heartbeat or totals came within stale_ms */
    uint64_t epoch;
    uint64_t version; /* highest version heard of; within an epoch it only grows */
    uint64_t time_ms; /* of the daemon, when it said so */
    int64_t age_ms;   /* since the last message; -1 = none came yet */
};

struct tally_watcher_options {
    const char *endpoint;   /* the daemon's totals endpoint, such as "tcp://127.0.0.1:7502" */
    const char *key_file;   /* the dashboard's secret key file, see tally_keygen; NULL = a daemon without keys */
    const char *daemon_key; /* the daemon's public key: its 64 digits, or the path of the file that has them */
    const char *competition;
    const char *const *prefixes; /* digits that the wanted region codes begin with: "33" is all of Zhejiang with its
                                    cities and counties, "330000" only the province's own sum, "" everything */
    size_t prefix_count;
    uint32_t stale_ms;                                                         /* 0 = 3,000 */
    void (*on_totals)(void *context, const struct tally_watch_region *region); /* a region changed; or NULL */
    void (*on_state)(void *context, const struct tally_watch_state *state); /* became stale, or fresh again, or another
                                    epoch began, with no region known yet; or NULL */
    void *context;
};

/* Starts a thread that subscribes and keeps the mirror; it heals by itself.
 * Errors  INVALID, MEMORY. That the daemon is away is not one. */
TALLY_API TALLY_MUST_USE enum tally_error tally_watcher_open(const struct tally_watcher_options *options,
                                                             struct tally_watcher **watcher, char *message);

/* Copies what is known of a region. cells is for the caller to give: room for 256 or NULL with cells_max 0; cell_count
 * then says how many were copied.
 * Returns false if nothing came for it yet. Any thread. */
TALLY_API bool tally_watcher_get(struct tally_watcher *watcher, uint32_t region, struct tally_watch_region *out,
                                 struct tally_watch_cell *cells, size_t cells_max);

/* Copies the known regions in order of their codes, without cells, at most max; returns how many there are.
 * Any thread. */
TALLY_API size_t tally_watcher_regions(struct tally_watcher *watcher, struct tally_watch_region *out, size_t max);

/* Any thread. */
TALLY_API void tally_watcher_state(struct tally_watcher *watcher, struct tally_watch_state *state);

/* As tally_node_close. */
TALLY_API void tally_watcher_close(struct tally_watcher **watcher);

/* ---- query -------------------------------------------------------------------------------------------------------- */

struct tally_query;

struct tally_query_options {
    const char *endpoint;   /* the daemon's query endpoint, such as "tcp://127.0.0.1:7503" */
    int timeout_ms;         /* for each question; 0 = 5,000 */
    const char *key_file;   /* the asker's secret key file, see tally_keygen; NULL = a daemon without keys */
    const char *daemon_key; /* the daemon's public key: its 64 digits, or the path of the file that has them */
};

TALLY_API TALLY_MUST_USE enum tally_error tally_query_open(const struct tally_query_options *options,
                                                           struct tally_query **query, char *message);
TALLY_API void tally_query_close(struct tally_query **query);

/* After an error: what happened, for people. After REFUSED also the code's number. Valid until the next call. */
TALLY_API const char *tally_query_message(const struct tally_query *query);
TALLY_API unsigned tally_query_refusal(const struct tally_query *query);

/* Each question below sends, waits at most the time-out and returns an answer for the caller to free with
 * tally_answer_free. Answers are one block of memory; what they point to lies within them.
 * Errors  TIMEOUT, REFUSED, INVALID, PROTOCOL, MEMORY. */

/* Frees any answer; NULL is fine. */
TALLY_API void tally_answer_free(void *answer);

struct tally_totals_answer {
    uint64_t epoch;
    uint64_t version;
    uint64_t time_ms;
    uint32_t region;
    uint32_t day; /* 0 = now */
    struct tally_totals totals;
    size_t cell_count; /* 0 for a past day */
    const struct tally_watch_cell *cells;
};

/* Totals of a region, now (day 0) or as of the end of a day, as known now. */
TALLY_API TALLY_MUST_USE enum tally_error tally_query_totals(struct tally_query *query, const char *competition,
                                                             uint32_t region, uint32_t day,
                                                             struct tally_totals_answer **answer);

struct tally_region_totals {
    uint32_t region;
    struct tally_totals totals;
};

struct tally_regions_answer {
    uint64_t epoch;
    uint64_t version;
    uint64_t time_ms;
    uint32_t region;
    uint32_t day;
    size_t count;
    const struct tally_region_totals *regions; /* in order of their codes */
};

/* Totals of the regions directly below one. */
TALLY_API TALLY_MUST_USE enum tally_error tally_query_regions(struct tally_query *query, const char *competition,
                                                              uint32_t region, uint32_t day,
                                                              struct tally_regions_answer **answer);

/* A project as the daemon stores it. */
struct tally_project_state {
    struct tally_project project; /* name and contractor are "" where never given; tag is 0 */
    const char *node;             /* that owns it */
    uint64_t updated_version;     /* journal position of its last update */
    uint64_t updated_ms;          /* when the daemon took that, to within about two seconds */
};

struct tally_projects_answer {
    uint64_t version; /* all up to here is in, parts may be newer; at most a second behind the totals when quiet */
    size_t count;
    const struct tally_project_state *projects;
    uint32_t next_region; /* give these two for the next page; next_code "" = this was the last */
    const char *next_code;
};

/* One project: count is 1, or 0 if there is none of this code. */
TALLY_API TALLY_MUST_USE enum tally_error tally_query_project(struct tally_query *query, const char *competition,
                                                              const char *code, struct tally_projects_answer **answer);

/* A page of the projects of a region and everything below it, in order of region and code. The first page has
 * after_region 0 and after_code "". limit 0 = 100, at most 1,000. */
TALLY_API TALLY_MUST_USE enum tally_error tally_query_projects(struct tally_query *query, const char *competition,
                                                               uint32_t region, uint32_t after_region,
                                                               const char *after_code, uint32_t limit,
                                                               struct tally_projects_answer **answer);

struct tally_history_point {
    uint32_t day;
    struct tally_totals totals; /* as of the end of the day */
};

struct tally_history_answer {
    uint64_t epoch;
    uint64_t version;
    uint32_t region;
    size_t count;
    const struct tally_history_point *points; /* days on which something changed, in order */
};

/* The curve since the start: first_day 0 = from the first change, last_day 0 = to the last. */
TALLY_API TALLY_MUST_USE enum tally_error tally_query_history(struct tally_query *query, const char *competition,
                                                              uint32_t region, uint32_t first_day, uint32_t last_day,
                                                              struct tally_history_answer **answer);

struct tally_node_state {
    const char *name;
    const char *zh;
    const char *en;
    const char *regions; /* comma-separated codes that it may report for */
    bool connected;
    uint64_t sequence;      /* highest durable */
    uint64_t last_batch_ms; /* 0 = none since the daemon started */
    uint64_t rows_accepted; /* since the daemon started */
    uint64_t rows_unchanged;
    uint64_t rows_refused;
};

struct tally_nodes_answer {
    uint64_t time_ms;
    size_t count;
    const struct tally_node_state *nodes;
};

TALLY_API TALLY_MUST_USE enum tally_error tally_query_nodes(struct tally_query *query,
                                                            struct tally_nodes_answer **answer);

struct tally_label {
    uint32_t code;
    const char *key;
    const char *zh;
    const char *en;
    bool counts; /* statuses: whether it counts in the totals */
};

struct tally_competition {
    const char *key;
    const char *zh;
    const char *en;
    const char *place_zh; /* what the whole of it is called in a sentence */
    const char *place_en;
    uint32_t first_day;
    uint32_t last_day;
    size_t region_count;
    const uint32_t *regions;
    size_t category_count;
    const struct tally_label *categories;
    size_t status_count;
    const struct tally_label *statuses;
    uint64_t target_projects; /* 0 = none, as for the next two */
    int64_t target_contract_value;
    int64_t target_participants;
};

struct tally_competitions_answer {
    size_t count;
    const struct tally_competition *competitions;
};

TALLY_API TALLY_MUST_USE enum tally_error tally_query_competitions(struct tally_query *query,
                                                                   struct tally_competitions_answer **answer);

struct tally_counter {
    const char *name;
    const char *help;
    uint64_t value;
};

struct tally_status_answer {
    const char *software;
    uint64_t epoch;
    uint64_t time_ms;
    uint64_t started_ms;
    uint64_t version_durable;
    uint64_t version_applied;
    uint64_t version_folded;
    uint64_t projects;
    uint64_t disk_free_bytes;
    uint64_t journal_bytes;
    uint64_t state_bytes;
    const char *condition; /* "ready", "disk-full" or "draining" */
    size_t counter_count;
    const struct tally_counter *counters;
};

TALLY_API TALLY_MUST_USE enum tally_error tally_query_status(struct tally_query *query,
                                                             struct tally_status_answer **answer);

struct tally_verification_answer {
    const char *state; /* "none", "running", "equal", "different" or "failed" */
    uint64_t entries;
    uint64_t entries_expected;
    uint64_t version;
    uint64_t projects;
    const char *text;
    uint64_t started_ms;
    uint64_t finished_ms;
};

/* The daemon recounts everything from zero and compares, beside its work. start begins a recount if none is running;
 * the answer tells how far it is: ask again. */
TALLY_API TALLY_MUST_USE enum tally_error tally_query_verify(struct tally_query *query, bool start,
                                                             struct tally_verification_answer **answer);

#ifdef __cplusplus
}
#endif

#endif
