#include "competition.h"

#include <string.h>

#include "daemon/base/curve.h"
#include "daemon/document.h"
#include "proto/day.h"
#include "proto/money.h"
#include "proto/text.h"

/* Far above any real target, and far from overflowing what clients compute with it. */
#define TARGET_PROJECTS_MAX UINT64_C(1000000000)
#define TARGET_PARTICIPANTS_MAX UINT64_C(10000000000)

/* The key stands in the file as well as in its name, so that a copied file that was not edited is noticed. */
static void check_file_name(const struct document *document, const char *path, const char *key) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t length = strlen(key);
    const struct document_value *value = document_value(document_root(document), "key");
    if (value == NULL) {
        return;
    }
    if (!text_is_key(key, length, COMPETITION_KEY_BYTES_MAX)) {
        document_fault(document, document_root(document), value->line,
                       "key is '%s'; it must be 1 to %d of a-z, 0-9 and -, beginning with a letter or digit",
                       value->text, COMPETITION_KEY_BYTES_MAX);
    } else if (strncmp(name, key, length) != 0 || strcmp(name + length, COMPETITION_FILE_ENDING) != 0) {
        document_fault(document, document_root(document), value->line,
                       "key is '%s', but the file is named %s; the name must be %s" COMPETITION_FILE_ENDING, key, name,
                       key);
    }
}

static void read_period(const struct document *document, struct competition *competition) {
    cfg_t *root = document_root(document);
    document_day(document, root, "first-day", &competition->first_day);
    document_day(document, root, "last-day", &competition->last_day);
    const struct document_value *last = document_value(root, "last-day");
    int line = last != NULL ? last->line : 0;
    if (competition->last_day < competition->first_day) {
        document_fault(document, root, line, "last-day lies before first-day; exchange or correct them");
    } else if (competition->last_day - competition->first_day >= CURVE_DAYS_MAX) {
        document_fault(document, root, line,
                       "last-day lies more than %d days after first-day; a competition lasts at most that",
                       CURVE_DAYS_MAX - 1);
    }
}

static void read_head(const struct document *document, const char *path, struct competition *competition) {
    static const char *const required[] = {"key",      "title-zh",  "title-en", "place-zh",
                                           "place-en", "first-day", "last-day", NULL};
    cfg_t *root = document_root(document);
    char key[REGISTRY_TITLE_BYTES] = "";
    document_require(document, root, required);
    document_text(document, root, "key", key, sizeof key);
    check_file_name(document, path, key);
    memcpy(competition->key, key, sizeof competition->key - 1);
    document_text(document, root, "title-zh", competition->zh, sizeof competition->zh);
    document_text(document, root, "title-en", competition->en, sizeof competition->en);
    document_text(document, root, "place-zh", competition->place_zh, sizeof competition->place_zh);
    document_text(document, root, "place-en", competition->place_en, sizeof competition->place_en);
    read_period(document, competition);
    document_regions(document, root, "regions", REGISTRY_REGIONS_MAX, competition->regions, &competition->region_count);
}

/* The label's place among labels, where its code puts it; NULL after a fault. */
static struct label *label_slot(const struct document *document, cfg_t *section, struct label *labels, size_t count) {
    static const char *const required[] = {"code", "zh", "en", NULL};
    const char *key = cfg_title(section);
    uint64_t code = UINT64_MAX;
    if (!text_is_key(key, strlen(key), COMPETITION_KEY_BYTES_MAX)) {
        document_fault(document, section, 0,
                       "the name must be 1 to %d of a-z, 0-9 and -, beginning with a letter or digit",
                       COMPETITION_KEY_BYTES_MAX);
    }
    document_require(document, section, required);
    document_number(document, section, "code", 0, count - 1, &code);
    if (code >= count) {
        return NULL;
    }
    if (labels[code].defined) {
        document_fault(document, section, document_value(section, "code")->line,
                       "code %d is that of %s '%s' already; take one that was never used", (int)code, section->name,
                       labels[code].key);
        return NULL;
    }
    return &labels[code];
}

/* Every section of a kind (category or status); returns the mask of the codes. */
static uint16_t read_labels(const struct document *document, const char *kind, struct label *labels, size_t count) {
    cfg_t *root = document_root(document);
    uint16_t mask = 0;
    for (unsigned i = 0; i < cfg_size(root, kind); i++) {
        cfg_t *section = cfg_getnsec(root, kind, i);
        struct label *label = label_slot(document, section, labels, count);
        if (label == NULL) {
            continue;
        }
        label->defined = true;
        strncpy(label->key, cfg_title(section), sizeof label->key - 1);
        document_text(document, section, "zh", label->zh, sizeof label->zh);
        document_text(document, section, "en", label->en, sizeof label->en);
        mask |= (uint16_t)(1u << (label - labels));
    }
    if (mask == 0) {
        document_fault(document, root, 0, "there is no %s; define at least one", kind);
    }
    return mask;
}

static void read_categories(const struct document *document, struct competition *competition) {
    competition->category_mask = read_labels(document, "category", competition->categories, CATEGORIES_MAX);
}

/* Reads which statuses count into their labels and the mask. */
static void read_statuses(const struct document *document, struct competition *competition) {
    static const char *const required[] = {"counts", NULL};
    cfg_t *root = document_root(document);
    competition->status_mask = read_labels(document, "status", competition->statuses, STATUSES_MAX);
    for (unsigned i = 0; i < cfg_size(root, "status"); i++) {
        cfg_t *section = cfg_getnsec(root, "status", i);
        uint64_t code = 0;
        document_require(document, section, required);
        document_number(document, section, "code", 0, STATUSES_MAX - 1, &code);
        document_truth(document, section, "counts", &competition->statuses[code].counts);
        competition->counts |= (uint16_t)(competition->statuses[code].counts ? 1u << code : 0);
    }
    if (competition->counts == 0) {
        document_fault(document, root, 0, "no status counts, so that every total would be 0; set counts = true in one");
    }
}

static void read_contract_value(const struct document *document, cfg_t *targets, int64_t *fen) {
    const struct document_value *value = document_value(targets, "contract-value-yuan");
    fen_t parsed;
    if (value == NULL) {
        return;
    }
    enum money_error error = money_parse(value->text, strlen(value->text), MONEY_UNIT_YUAN, &parsed);
    if (error != MONEY_OK) {
        document_fault(document, targets, value->line, "contract-value-yuan is '%s': %s", value->text,
                       money_error_text(error));
    } else if (parsed <= 0) {
        document_fault(document, targets, value->line, "contract-value-yuan is '%s'; a target lies above 0",
                       value->text);
    } else {
        *fen = parsed;
    }
}

static void read_targets(const struct document *document, struct competition *competition) {
    cfg_t *targets = cfg_getsec(document_root(document), "targets");
    uint64_t participants = 0;
    document_number(document, targets, "projects", 1, TARGET_PROJECTS_MAX, &competition->target_projects);
    document_number(document, targets, "participants", 1, TARGET_PARTICIPANTS_MAX, &participants);
    competition->target_participants = (int64_t)participants;
    read_contract_value(document, targets, &competition->target_contract_value);
}

enum error competition_load(const char *path, struct competition *competition, struct fault *fault) {
    cfg_opt_t category[] = {DOCUMENT_VALUE("code"), DOCUMENT_VALUE("zh"), DOCUMENT_VALUE("en"), CFG_END()};
    cfg_opt_t status[] = {DOCUMENT_VALUE("code"), DOCUMENT_VALUE("zh"), DOCUMENT_VALUE("en"), DOCUMENT_VALUE("counts"),
                          CFG_END()};
    cfg_opt_t targets[] = {DOCUMENT_VALUE("projects"), DOCUMENT_VALUE("contract-value-yuan"),
                           DOCUMENT_VALUE("participants"), CFG_END()};
    cfg_opt_t options[] = {DOCUMENT_VALUE("key"),
                           DOCUMENT_VALUE("title-zh"),
                           DOCUMENT_VALUE("title-en"),
                           DOCUMENT_VALUE("place-zh"),
                           DOCUMENT_VALUE("place-en"),
                           DOCUMENT_VALUE("first-day"),
                           DOCUMENT_VALUE("last-day"),
                           DOCUMENT_LIST("regions"),
                           DOCUMENT_TITLED_SECTIONS("category", category),
                           DOCUMENT_TITLED_SECTIONS("status", status),
                           DOCUMENT_SECTION("targets", targets),
                           CFG_END()};
    struct document *document = document_load(path, options, fault);
    if (document == NULL) {
        return fault->error;
    }
    *competition = (struct competition){.number = NUMBER_NONE};
    read_head(document, path, competition);
    read_categories(document, competition);
    read_statuses(document, competition);
    read_targets(document, competition);
    document_destroy(document);
    return fault->error;
}

/* Codes are in the journal and in every stored project: another meaning would change what was reported. */
static enum error check_labels(const char *kind, const struct label *current, const struct label *next, size_t count,
                               const char *path, struct fault *fault) {
    for (size_t code = 0; code < count; code++) {
        if (!current[code].defined) {
            continue;
        }
        if (!next[code].defined) {
            return fault_set(fault, ERROR_CONFIGURATION,
                             "%s: %s '%s' (code %zu) is gone, but projects may have it; put it back", path, kind,
                             current[code].key, code);
        }
        if (strcmp(current[code].key, next[code].key) != 0) {
            return fault_set(fault, ERROR_CONFIGURATION,
                             "%s: %s code %zu was '%s' and is now '%s'; give the new one a code that was never used",
                             path, kind, code, current[code].key, next[code].key);
        }
        if (current[code].counts != next[code].counts) {
            return fault_set(
                fault, ERROR_CONFIGURATION,
                "%s: %s '%s' must keep counts = %s, as totals were published with it; define another one for "
                "what is to count otherwise",
                path, kind, current[code].key, current[code].counts ? "true" : "false");
        }
    }
    return ERROR_NONE;
}

enum error competition_check_change(const struct competition *current, const struct competition *next, const char *path,
                                    struct fault *fault) {
    if (current->first_day != next->first_day) {
        char day[DAY_TEXT_BYTES];
        return fault_set(fault, ERROR_CONFIGURATION,
                         "%s: first-day must stay %s: the curve since the start hangs on it", path,
                         day_format(current->first_day, day));
    }
    enum error error = check_labels("category", current->categories, next->categories, CATEGORIES_MAX, path, fault);
    if (error != ERROR_NONE) {
        return error;
    }
    return check_labels("status", current->statuses, next->statuses, STATUSES_MAX, path, fault);
}
