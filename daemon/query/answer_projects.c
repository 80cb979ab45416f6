#include <string.h>

#include "answer.h"

/* A page in columns. One row more than the page is asked for, which tells whether there is a next page. */
struct page {
    struct answer_desk *desk;
    size_t limit;
    size_t count;
    bool more;
    bool hidden; /* a project was left out that who asks may not see */
    bool full;   /* the scratch arena had no room for a text */
    char **code;
    uint32_t *region;
    uint32_t *category;
    uint32_t *status;
    int64_t *contract_value;
    int64_t *participants;
    int64_t *migrant_participants;
    uint32_t *effective_day;
    char **name;
    char **contractor;
    uint32_t *start_day;
    uint32_t *completion_day;
    char **node;
    uint64_t *updated_version;
    uint64_t *updated_ms;
};

/* Of one project: two texts and two names with their tags and lengths, and eleven numbers of at most 11 bytes. */
enum { PROJECT_BYTES_MAX = 2 * (TEXT_BYTES_MAX + 3) + PROJECT_CODE_BYTES_MAX + NODE_NAME_BYTES_MAX + 4 + 11 * 11 };

_Static_assert(PAGE_ROWS_MAX *PROJECT_BYTES_MAX + 1024 < ANSWER_BYTES_MAX, "the largest page fits an answer");

static bool page_init(struct page *page, struct answer_desk *desk, size_t limit) {
    *page = (struct page){.desk = desk, .limit = limit};
    page->code = answer_room(desk, limit, sizeof *page->code);
    page->region = answer_room(desk, limit, sizeof *page->region);
    page->category = answer_room(desk, limit, sizeof *page->category);
    page->status = answer_room(desk, limit, sizeof *page->status);
    page->contract_value = answer_room(desk, limit, sizeof *page->contract_value);
    page->participants = answer_room(desk, limit, sizeof *page->participants);
    page->migrant_participants = answer_room(desk, limit, sizeof *page->migrant_participants);
    page->effective_day = answer_room(desk, limit, sizeof *page->effective_day);
    page->name = answer_room(desk, limit, sizeof *page->name);
    page->contractor = answer_room(desk, limit, sizeof *page->contractor);
    page->start_day = answer_room(desk, limit, sizeof *page->start_day);
    page->completion_day = answer_room(desk, limit, sizeof *page->completion_day);
    page->node = answer_room(desk, limit, sizeof *page->node);
    page->updated_version = answer_room(desk, limit, sizeof *page->updated_version);
    page->updated_ms = answer_room(desk, limit, sizeof *page->updated_ms);
    return page->updated_ms != NULL; /* room only ever gets less */
}

static char *copy_text(struct page *page, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = answer_room(page->desk, size, 1);
    if (copy == NULL) {
        page->full = true;
        return (char *)(uintptr_t)protobuf_c_empty_string; /* packing only reads it */
    }
    return memcpy(copy, text, size);
}

static char *node_name(const struct page *page, uint16_t number) {
    const struct node_right *node = registry_node_numbered(page->desk->registry, number);
    return (char *)(uintptr_t)(node != NULL ? node->name : protobuf_c_empty_string);
}

static void take_project(void *visitor, const struct stored_project *project) {
    struct page *page = visitor;
    if (page->count == page->limit) {
        page->more = true;
        return;
    }
    if (!answer_may_read(page->desk, project->figures.region)) {
        page->hidden = true;
        return;
    }
    size_t row = page->count++;
    page->code[row] = copy_text(page, project->code);
    page->region[row] = project->figures.region;
    page->category[row] = project->figures.category;
    page->status[row] = project->figures.status;
    page->contract_value[row] = project->figures.contract_value;
    page->participants[row] = project->figures.participants;
    page->migrant_participants[row] = project->figures.migrant_participants;
    page->effective_day[row] = project->figures.effective_day;
    page->name[row] = copy_text(page, project->name);
    page->contractor[row] = copy_text(page, project->contractor);
    page->start_day[row] = project->start_day;
    page->completion_day[row] = project->completion_day;
    page->node[row] = node_name(page, project->figures.node);
    page->updated_version[row] = project->updated_version;
    page->updated_ms[row] = (uint64_t)project->updated_ms;
}

static void put_columns(Tally__Projects *answer, const struct page *page) {
    answer->n_code = answer->n_region = answer->n_category = answer->n_status = page->count;
    answer->n_contract_value = answer->n_participants = answer->n_migrant_participants = page->count;
    answer->n_effective_day = answer->n_name = answer->n_contractor = page->count;
    answer->n_start_day = answer->n_completion_day = answer->n_node = page->count;
    answer->n_updated_version = answer->n_updated_ms = page->count;
    answer->code = page->code;
    answer->region = page->region;
    answer->category = page->category;
    answer->status = page->status;
    answer->contract_value = page->contract_value;
    answer->participants = page->participants;
    answer->migrant_participants = page->migrant_participants;
    answer->effective_day = page->effective_day;
    answer->name = page->name;
    answer->contractor = page->contractor;
    answer->start_day = page->start_day;
    answer->completion_day = page->completion_day;
    answer->node = page->node;
    answer->updated_version = page->updated_version;
    answer->updated_ms = page->updated_ms;
}

static enum refusal send_page(const struct page *page, uint64_t request, const struct competition *competition,
                              uint64_t version) {
    if (page->full) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    Tally__Projects answer = TALLY__PROJECTS__INIT;
    answer.request = request;
    answer.competition = (char *)(uintptr_t)competition->key;
    answer.version = version;
    put_columns(&answer, page);
    if (page->more) {
        answer.next_region = page->region[page->count - 1];
        answer.next_code = page->code[page->count - 1];
    }
    return answer_pack(page->desk, MESSAGE_PROJECTS, &answer.base);
}

/* A code as long as a code can be, at most: no stored one is longer, so that a longer one is found nowhere, and the first
 * code after it is the first after its beginning. */
static const char *cut_code(const char *code, char *buffer) {
    size_t size = strnlen(code, PROJECT_CODE_BYTES_MAX);
    memcpy(buffer, code, size);
    buffer[size] = '\0';
    return buffer;
}

enum refusal answer_project(struct answer_desk *desk, const ProtobufCMessage *question) {
    const Tally__ProjectQuery *query = (const Tally__ProjectQuery *)question;
    const struct competition *competition = answer_competition(desk, query->competition);
    if (competition == NULL) {
        return REFUSAL_COMPETITION_UNKNOWN;
    }
    struct page page;
    if (!page_init(&page, desk, 1)) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    const struct stored_source *stored = &desk->options->stored;
    const char *code = strlen(query->code) <= PROJECT_CODE_BYTES_MAX ? query->code : "";
    uint64_t version = 0;
    enum error error = stored->find(stored->context, competition->number, code, take_project, &page, &version);
    if (error != ERROR_NONE) {
        return answer_stored_failed(desk, error);
    }
    return page.hidden ? REFUSAL_NOT_ALLOWED : send_page(&page, query->request, competition, version);
}

enum refusal answer_projects(struct answer_desk *desk, const ProtobufCMessage *question) {
    const Tally__ProjectsQuery *query = (const Tally__ProjectsQuery *)question;
    const struct competition *competition = answer_competition(desk, query->competition);
    if (competition == NULL) {
        return REFUSAL_COMPETITION_UNKNOWN;
    }
    if (query->region != REGION_ALL && !region_valid(query->region)) {
        return REFUSAL_REGION_UNKNOWN;
    }
    if (!answer_may_read(desk, query->region)) {
        return REFUSAL_NOT_ALLOWED;
    }
    size_t limit = query->limit == 0 ? PAGE_ROWS_DEFAULT : query->limit;
    limit = limit < PAGE_ROWS_MAX ? limit : PAGE_ROWS_MAX;
    struct page page;
    if (!page_init(&page, desk, limit)) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    const struct stored_source *stored = &desk->options->stored;
    char after[PROJECT_CODE_BYTES_MAX + 1];
    uint64_t version = 0;
    enum error error = stored->list(stored->context, competition->number, query->region, query->after_region,
                                    cut_code(query->after_code, after), limit + 1, take_project, &page, &version);
    if (error != ERROR_NONE) {
        return answer_stored_failed(desk, error);
    }
    return send_page(&page, query->request, competition, version);
}
