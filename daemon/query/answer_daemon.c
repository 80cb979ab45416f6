#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "daemon/base/counter.h"

/* ---- nodes ---- */

enum {
    REGION_TEXT_BYTES = REGION_CODE_DIGITS + 1, /* with a comma or the end */
    NODE_BYTES_MAX = NODE_NAME_BYTES_MAX + REGISTRY_REGIONS_MAX * REGION_TEXT_BYTES + 2 * REGISTRY_TITLE_BYTES + 80,
};

_Static_assert(NODES_MAX *NODE_BYTES_MAX < ANSWER_BYTES_MAX, "all nodes fit an answer");

static char *regions_text(struct answer_desk *desk, const struct node_right *node) {
    size_t size = node->region_count * REGION_TEXT_BYTES + 1;
    char *text = answer_room(desk, size, 1);
    for (size_t i = 0; text != NULL && i < node->region_count; i++) {
        size_t at = i * REGION_TEXT_BYTES;
        snprintf(text + at, size - at, "%06u%s", node->regions[i], i + 1 < node->region_count ? "," : "");
    }
    return text;
}

static bool make_node_columns(struct answer_desk *desk, Tally__Nodes *answer, size_t count) {
    answer->n_name = answer->n_regions = answer->n_connected = answer->n_sequence = count;
    answer->n_last_batch_ms = answer->n_rows_accepted = answer->n_rows_unchanged = count;
    answer->n_rows_refused = answer->n_title_zh = answer->n_title_en = count;
    answer->name = answer_room(desk, count, sizeof *answer->name);
    answer->regions = answer_room(desk, count, sizeof *answer->regions);
    answer->connected = answer_room(desk, count, sizeof *answer->connected);
    answer->sequence = answer_room(desk, count, sizeof *answer->sequence);
    answer->last_batch_ms = answer_room(desk, count, sizeof *answer->last_batch_ms);
    answer->rows_accepted = answer_room(desk, count, sizeof *answer->rows_accepted);
    answer->rows_unchanged = answer_room(desk, count, sizeof *answer->rows_unchanged);
    answer->rows_refused = answer_room(desk, count, sizeof *answer->rows_refused);
    answer->title_zh = answer_room(desk, count, sizeof *answer->title_zh);
    answer->title_en = answer_room(desk, count, sizeof *answer->title_en);
    return answer->title_en != NULL; /* room only ever gets less */
}

static void put_presence(Tally__Nodes *answer, size_t row, const struct presence *presence) {
    answer->connected[row] = atomic_load_explicit(&presence->connected, memory_order_relaxed);
    answer->sequence[row] = atomic_load_explicit(&presence->sequence, memory_order_relaxed);
    answer->last_batch_ms[row] = (uint64_t)atomic_load_explicit(&presence->last_batch_ms, memory_order_relaxed);
    answer->rows_accepted[row] = atomic_load_explicit(&presence->rows_accepted, memory_order_relaxed);
    answer->rows_unchanged[row] = atomic_load_explicit(&presence->rows_unchanged, memory_order_relaxed);
    answer->rows_refused[row] = atomic_load_explicit(&presence->rows_refused, memory_order_relaxed);
}

/* A node is told of itself alone: when others report is the organiser's business. */
static bool may_see(const struct answer_desk *desk, const struct node_right *node) {
    const struct key_right *sender = desk->sender;
    return sender == NULL || sender->role != ROLE_NODE || strcmp(sender->name, node->name) == 0;
}

enum refusal answer_nodes(struct answer_desk *desk, const ProtobufCMessage *question) {
    Tally__Nodes answer = TALLY__NODES__INIT;
    answer.request = ((const Tally__NodesQuery *)question)->request;
    answer.time_ms = (uint64_t)desk->time_ms;
    size_t count = 0;
    for (size_t i = 0; i < desk->registry->node_count; i++) {
        count += may_see(desk, &desk->registry->nodes[i]);
    }
    if (!make_node_columns(desk, &answer, count)) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    const struct node_right *next = desk->registry->nodes;
    for (size_t i = 0; i < count; i++) {
        while (!may_see(desk, next)) {
            next++;
        }
        const struct node_right *node = next++;
        answer.name[i] = (char *)(uintptr_t)node->name; /* packing only reads these */
        answer.title_zh[i] = (char *)(uintptr_t)node->zh;
        answer.title_en[i] = (char *)(uintptr_t)node->en;
        answer.regions[i] = regions_text(desk, node);
        if (answer.regions[i] == NULL) {
            return REFUSAL_ANSWER_TOO_LARGE;
        }
        if (node->number < NODES_MAX) {
            put_presence(&answer, i, &desk->options->presences[node->number]);
        }
    }
    return answer_pack(desk, MESSAGE_NODES, &answer.base);
}

/* ---- competitions ---- */

enum {
    LABEL_BYTES_MAX = COMPETITION_KEY_BYTES_MAX + 2 * REGISTRY_TITLE_BYTES + 16,
    COMPETITION_BYTES_MAX = COMPETITION_KEY_BYTES_MAX + 4 * REGISTRY_TITLE_BYTES + REGISTRY_REGIONS_MAX * 4 +
                            (CATEGORIES_MAX + STATUSES_MAX) * LABEL_BYTES_MAX + 80,
};

_Static_assert(COMPETITIONS_MAX *COMPETITION_BYTES_MAX < ANSWER_BYTES_MAX, "all competitions fit an answer");

/* The defined ones of limit labels as messages; NULL if there is no room. count is set. */
static Tally__Label **make_labels(struct answer_desk *desk, const struct label *labels, size_t limit, size_t *count) {
    Tally__Label **pointers = answer_room(desk, limit, sizeof *pointers);
    Tally__Label *messages = answer_room(desk, limit, sizeof *messages);
    *count = 0;
    if (messages == NULL) {
        return NULL;
    }
    for (size_t code = 0; code < limit; code++) {
        if (labels[code].defined) {
            Tally__Label *message = &messages[*count];
            tally__label__init(message);
            message->code = (uint32_t)code;
            message->key = (char *)(uintptr_t)labels[code].key;
            message->zh = (char *)(uintptr_t)labels[code].zh;
            message->en = (char *)(uintptr_t)labels[code].en;
            message->counts = labels[code].counts;
            pointers[(*count)++] = message;
        }
    }
    return pointers;
}

static bool put_competition(struct answer_desk *desk, Tally__Competition *message,
                            const struct competition *competition) {
    tally__competition__init(message);
    message->key = (char *)(uintptr_t)competition->key; /* packing only reads these */
    message->zh = (char *)(uintptr_t)competition->zh;
    message->en = (char *)(uintptr_t)competition->en;
    message->place_zh = (char *)(uintptr_t)competition->place_zh;
    message->place_en = (char *)(uintptr_t)competition->place_en;
    message->first_day = competition->first_day;
    message->last_day = competition->last_day;
    message->n_region = competition->region_count;
    message->region = (uint32_t *)(uintptr_t)competition->regions;
    message->target_projects = competition->target_projects;
    message->target_contract_value = competition->target_contract_value;
    message->target_participants = competition->target_participants;
    message->category = make_labels(desk, competition->categories, CATEGORIES_MAX, &message->n_category);
    message->status = make_labels(desk, competition->statuses, STATUSES_MAX, &message->n_status);
    return message->category != NULL && message->status != NULL;
}

enum refusal answer_competitions(struct answer_desk *desk, const ProtobufCMessage *question) {
    Tally__Competitions answer = TALLY__COMPETITIONS__INIT;
    answer.request = ((const Tally__CompetitionsQuery *)question)->request;
    answer.n_competition = desk->registry->competition_count;
    answer.competition = answer_room(desk, answer.n_competition, sizeof *answer.competition);
    Tally__Competition *messages = answer_room(desk, answer.n_competition, sizeof *messages);
    if (messages == NULL) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    for (size_t i = 0; i < answer.n_competition; i++) {
        answer.competition[i] = &messages[i];
        if (!put_competition(desk, &messages[i], &desk->registry->competitions[i])) {
            return REFUSAL_ANSWER_TOO_LARGE;
        }
    }
    return answer_pack(desk, MESSAGE_COMPETITIONS, &answer.base);
}

/* ---- status ---- */

enum { COUNTERS_MAX = COUNTER_COUNT + REFUSAL_CODE_LIMIT, REFUSED_NAME_BYTES = 64 };

struct counter_columns {
    size_t count;
    char *name[COUNTERS_MAX];
    char *help[COUNTERS_MAX];
    uint64_t value[COUNTERS_MAX];
};

static void put_counter(struct counter_columns *columns, const char *name, const char *help, uint64_t value) {
    columns->name[columns->count] = (char *)(uintptr_t)name; /* packing only reads these */
    columns->help[columns->count] = (char *)(uintptr_t)help;
    columns->value[columns->count] = value;
    columns->count++;
}

/* "region-unknown" counts as refused_region_unknown. */
static bool put_refused(struct answer_desk *desk, struct counter_columns *columns, unsigned code) {
    char *name = answer_room(desk, REFUSED_NAME_BYTES, 1);
    if (name == NULL) {
        return false;
    }
    snprintf(name, REFUSED_NAME_BYTES, "refused_%s", refusal_name(code));
    for (char *dash = strchr(name, '-'); dash != NULL; dash = strchr(dash, '-')) {
        *dash = '_';
    }
    put_counter(columns, name, refusal_text(code), counter_refused_read(code));
    return true;
}

static bool put_counters(struct answer_desk *desk, struct counter_columns *columns) {
    for (unsigned counter = 0; counter < COUNTER_COUNT; counter++) {
        put_counter(columns, counter_name(counter), counter_sentence(counter), counter_read(counter));
    }
    for (unsigned code = 0; code < REFUSAL_CODE_LIMIT; code++) {
        if (refusal_known(code) && !put_refused(desk, columns, code)) {
            return false;
        }
    }
    return true;
}

/* Versions and times are for everybody, who needs them to know how old an answer is; the daemon's insides for operators. */
enum refusal answer_status(struct answer_desk *desk, const ProtobufCMessage *question) {
    struct status_figures figures = {0};
    desk->options->status.read(desk->options->status.context, &figures);
    struct counter_columns *columns = answer_room(desk, 1, sizeof *columns);
    bool whole = desk->sender == NULL || desk->sender->role == ROLE_OPERATOR;
    if (columns == NULL || (whole && !put_counters(desk, columns))) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    Tally__Status answer = TALLY__STATUS__INIT;
    answer.request = ((const Tally__StatusQuery *)question)->request;
    answer.software = (char *)(uintptr_t)desk->options->software;
    answer.epoch = desk->options->epoch;
    answer.time_ms = (uint64_t)desk->time_ms;
    answer.started_ms = (uint64_t)desk->options->started_ms;
    answer.version_durable = figures.version_durable;
    answer.version_applied = rollup_version(desk->rollup);
    answer.version_folded = figures.version_folded;
    answer.projects = rollup_projects(desk->rollup);
    if (whole) {
        answer.disk_free_bytes = figures.disk_free_bytes;
        answer.journal_bytes = figures.journal_bytes;
        answer.state_bytes = figures.state_bytes;
    }
    answer.condition = (char *)(uintptr_t)figures.condition;
    answer.n_counter_name = answer.n_counter_value = answer.n_counter_help = columns->count;
    answer.counter_name = columns->name;
    answer.counter_value = columns->value;
    answer.counter_help = columns->help;
    return answer_pack(desk, MESSAGE_STATUS, &answer.base);
}

/* ---- verification ---- */

enum refusal answer_verify(struct answer_desk *desk, const ProtobufCMessage *question) {
    static const char *const names[] = {
        [VERIFICATION_NONE] = "none",           [VERIFICATION_RUNNING] = "running", [VERIFICATION_EQUAL] = "equal",
        [VERIFICATION_DIFFERENT] = "different", [VERIFICATION_FAILED] = "failed",
    };
    const Tally__VerifyQuery *query = (const Tally__VerifyQuery *)question;
    const struct verification_source *verification = &desk->options->verification;
    if (query->start) {
        verification->start(verification->context);
    }
    struct verification_progress progress = {0};
    verification->read(verification->context, &progress);
    Tally__Verification answer = TALLY__VERIFICATION__INIT;
    answer.request = query->request;
    answer.state = (char *)(uintptr_t)names[progress.state];
    answer.entries = progress.entries;
    answer.entries_expected = progress.entries_expected;
    answer.version = progress.version;
    answer.projects = progress.projects;
    answer.text = progress.text;
    answer.started_ms = (uint64_t)progress.started_ms;
    answer.finished_ms = (uint64_t)progress.finished_ms;
    return answer_pack(desk, MESSAGE_VERIFICATION, &answer.base);
}
