#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/competition.h"
#include "daemon/document.h"
#include "daemon/endpoint.h"
#include "daemon/rights.h"

enum number { WINDOW, BATCH_SLOTS, GROUP_SIZE, PUBLISH_INTERVAL, PROJECTS, SEGMENT_SIZE, DISK_RESERVE, NUMBER_COUNT };

struct number_setting {
    const char *name;
    uint64_t min;
    uint64_t max;
    uint64_t standard;
};

static const struct number_setting number_settings[NUMBER_COUNT] = {
    [WINDOW] = {"window", 1, WINDOW_BATCHES_MAX, 32},
    [BATCH_SLOTS] = {"batch-slots", 2, 1024, 64},
    /* LMDB 0.9.24 turns slow beyond 512 MiB of dirty pages in a transaction. */
    [GROUP_SIZE] = {"group-size-mib", 1, 256, 16},
    /* A publication is due before the next heartbeat. */
    [PUBLISH_INTERVAL] = {"publish-interval-ms", 10, HEARTBEAT_INTERVAL_MS, 70},
    [PROJECTS] = {"projects-max", 1, 1000000000, 50000000},
    [SEGMENT_SIZE] = {"segment-size-mib", 1, 1 << 20, 1 << 10},
    [DISK_RESERVE] = {"disk-reserve-mib", 16, 1 << 24, 256},
};

#define KEY_FILE "key-file"
#define OPEN_TO_ALL "let-anyone-speak-for-any-node-without-a-key"

static const char *const level_words[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};

/* Makes text an absolute path: relative ones lie in folder. */
static enum error resolve(const char *folder, const char *text, char *path, struct fault *fault) {
    const char *separator = text[0] == '/' ? "" : "/";
    int length = snprintf(path, CONFIG_PATH_BYTES, "%s%s%s", text[0] == '/' ? "" : folder, separator, text);
    if (length < 0 || length >= CONFIG_PATH_BYTES) {
        return fault_set(fault, ERROR_CONFIGURATION,
                         "%.200s...: the path is longer than %d bytes; choose a shorter one", text,
                         CONFIG_PATH_BYTES - 1);
    }
    return ERROR_NONE;
}

/* The configuration's own path, absolute, so that it still holds when the daemon has changed its folder. */
static enum error set_path(struct config *config, const char *path, struct fault *fault) {
    char folder[CONFIG_PATH_BYTES];
    if (path[0] != '/' && getcwd(folder, sizeof folder) == NULL) {
        return fault_set(fault, error_of_errno(errno), "%s: the working folder is unknown: %s", path, strerror(errno));
    }
    return resolve(folder, path, config->path, fault);
}

static void read_directory(const struct document *document, struct config *config, const char *name, char *directory,
                           struct fault *fault) {
    char folder[CONFIG_PATH_BYTES];
    char text[CONFIG_PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", config->path);
    *strrchr(folder, '/') = '\0';
    snprintf(text, sizeof text, "%s", directory);
    document_text(document, document_root(document), name, text, sizeof text);
    (void)resolve(folder, text, directory, fault); /* the fault sticks */
}

/* The daemon's own keys. Without them nobody is asked for any. */
static void read_keys(const struct document *document, struct config *config, struct fault *fault) {
    const struct document_value *path = document_value(document_root(document), KEY_FILE);
    const struct document_value *open = document_value(document_root(document), OPEN_TO_ALL);
    char objection[CURVE_OBJECTION_BYTES];
    document_truth(document, document_root(document), OPEN_TO_ALL, &config->open_to_all);
    if (path == NULL) {
        return;
    }
    read_directory(document, config, KEY_FILE, config->key_path, fault);
    config->keyed = true;
    if (config->open_to_all) {
        document_fault(document, document_root(document), open->line,
                       "%s is set, but there is a key-file: leave one of the two out", OPEN_TO_ALL);
    } else if (fault->error == ERROR_NONE && !curve_pair_read(config->key_path, &config->keys, objection)) {
        document_fault(document, document_root(document), path->line, "key-file: %s", objection);
    }
}

static void read_endpoint(const struct document *document, const char *name, bool others, char *endpoint) {
    const struct document_value *value = document_value(document_root(document), name);
    document_text(document, document_root(document), name, endpoint, CONFIG_ENDPOINT_BYTES);
    const char *objection = endpoint_objection(endpoint, others);
    if (value != NULL && objection != NULL) {
        document_fault(document, document_root(document), value->line, "%s is '%s': %s", name, value->text, objection);
    }
}

static void read_endpoints(const struct document *document, struct config *config) {
    snprintf(config->ingest_endpoint, CONFIG_ENDPOINT_BYTES, "tcp://127.0.0.1:7501");
    snprintf(config->totals_endpoint, CONFIG_ENDPOINT_BYTES, "tcp://127.0.0.1:7502");
    snprintf(config->query_endpoint, CONFIG_ENDPOINT_BYTES, "tcp://127.0.0.1:7503");
    bool others = config->keyed || config->open_to_all;
    read_endpoint(document, "ingest-endpoint", others, config->ingest_endpoint);
    read_endpoint(document, "totals-endpoint", others, config->totals_endpoint);
    read_endpoint(document, "query-endpoint", others, config->query_endpoint);
    if (strcmp(config->ingest_endpoint, config->totals_endpoint) == 0 ||
        strcmp(config->ingest_endpoint, config->query_endpoint) == 0 ||
        strcmp(config->totals_endpoint, config->query_endpoint) == 0) {
        document_fault(
            document, document_root(document), 0,
            "two endpoints are the same; ingest-endpoint, totals-endpoint and query-endpoint each need an address "
            "of their own");
    }
}

static void read_numbers(const struct document *document, struct config *config) {
    uint64_t numbers[NUMBER_COUNT];
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        const struct number_setting *setting = &number_settings[i];
        numbers[i] = setting->standard;
        document_number(document, document_root(document), setting->name, setting->min, setting->max, &numbers[i]);
    }
    const struct document_value *slots = document_value(document_root(document), "batch-slots");
    if ((numbers[BATCH_SLOTS] & (numbers[BATCH_SLOTS] - 1)) != 0) {
        document_fault(document, document_root(document), slots->line,
                       "batch-slots is '%s'; it must be a power of two, such as 64", slots->text);
    }
    config->window = (uint32_t)numbers[WINDOW];
    config->batch_slots = (uint32_t)numbers[BATCH_SLOTS];
    config->group_bytes = (uint32_t)(numbers[GROUP_SIZE] << 20);
    config->publish_interval_ms = (uint32_t)numbers[PUBLISH_INTERVAL];
    config->projects_max = numbers[PROJECTS];
    config->segment_bytes = numbers[SEGMENT_SIZE] << 20;
    config->disk_reserve_bytes = numbers[DISK_RESERVE] << 20;
}

static void read_settings(const struct document *document, struct config *config, struct fault *fault) {
    size_t level = LOG_INFO;
    snprintf(config->data_directory, CONFIG_PATH_BYTES, "/var/lib/tally");
    snprintf(config->competitions_directory, CONFIG_PATH_BYTES, "competitions");
    read_directory(document, config, "data-directory", config->data_directory, fault);
    read_directory(document, config, "competitions-directory", config->competitions_directory, fault);
    read_keys(document, config, fault);
    read_endpoints(document, config);
    read_numbers(document, config);
    document_choice(document, document_root(document), "log-level", level_words,
                    sizeof level_words / sizeof level_words[0], &level);
    config->log_level = (enum log_level)level;
}

/* Editors' swap files begin with a dot or have another ending. */
static int is_competition_file(const struct dirent *entry) {
    const char *ending = strrchr(entry->d_name, '.');
    return ending != NULL && ending != entry->d_name && entry->d_name[0] != '.' &&
           strcmp(ending, COMPETITION_FILE_ENDING) == 0;
}

static int compare_competitions(const void *left, const void *right) {
    return strcmp(((const struct competition *)left)->key, ((const struct competition *)right)->key);
}

/* Keys are as unique as the names of the files, which must be the same. */
static enum error read_competitions(const char *directory, struct dirent **files, struct registry *registry,
                                    struct fault *fault) {
    for (size_t i = 0; i < registry->competition_count; i++) {
        char path[CONFIG_PATH_BYTES];
        if (resolve(directory, files[i]->d_name, path, fault) != ERROR_NONE ||
            competition_load(path, &registry->competitions[i], fault) != ERROR_NONE) {
            return fault->error;
        }
    }
    qsort(registry->competitions, registry->competition_count, sizeof *registry->competitions, compare_competitions);
    return ERROR_NONE;
}

/* Lists the files of the competitions; *files is the caller's, to free with its entries. Returns how many, at least 1,
 * or -1 with the fault filled. */
static int list_competitions(const char *directory, struct dirent ***files, struct fault *fault) {
    int count = scandir(directory, files, is_competition_file, NULL);
    if (count < 0) {
        fault_set(fault, errno == ENOMEM ? ERROR_MEMORY : ERROR_CONFIGURATION,
                  "%s: the competitions cannot be listed: %s; make the folder, or correct competitions-directory",
                  directory, strerror(errno));
    } else if (count == 0) {
        free(*files);
        *files = NULL;
        fault_set(fault, ERROR_CONFIGURATION, "%s: there is no competition in it; add at least one KEY.conf",
                  directory);
        count = -1;
    }
    return count;
}

static void free_files(struct dirent **files, int count) {
    for (int i = 0; i < count; i++) {
        free(files[i]);
    }
    free(files);
}

/* Fills config->registry from the nodes of the document and the files of the competitions. */
static void read_registry(const struct document *document, struct config *config, struct fault *fault) {
    struct dirent **files = NULL;
    size_t nodes = cfg_size(document_root(document), "node");
    if (nodes > NODES_MAX) {
        document_fault(document, document_root(document), 0, "there are %zu nodes; at most %d fit", nodes, NODES_MAX);
        return;
    }
    int count = list_competitions(config->competitions_directory, &files, fault);
    if (count < 0) {
        return;
    }
    if (count > COMPETITIONS_MAX) {
        fault_set(fault, ERROR_CONFIGURATION, "%s: there are %d competitions; at most %d fit",
                  config->competitions_directory, count, COMPETITIONS_MAX);
    } else if ((config->registry = registry_create((size_t)count, nodes)) == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s: out of memory for %d competitions", config->path, count);
    } else {
        rights_read(document, config->keyed ? &config->keys.public_key : NULL, config->registry, fault);
        (void)read_competitions(config->competitions_directory, files, config->registry, fault);
    }
    free_files(files, count);
}

static struct document *load_document(const char *path, struct fault *fault) {
    cfg_opt_t node[] = {DOCUMENT_VALUE("title-zh"), DOCUMENT_VALUE("title-en"),  DOCUMENT_LIST("regions"),
                        DOCUMENT_LIST(RIGHTS_KEYS), DOCUMENT_LIST(RIGHTS_READS), CFG_END()};
    cfg_opt_t dashboard[] = {DOCUMENT_LIST(RIGHTS_KEYS), DOCUMENT_LIST(RIGHTS_READS), CFG_END()};
    cfg_opt_t operator[] = {DOCUMENT_LIST(RIGHTS_KEYS), CFG_END()};
    cfg_opt_t options[] = {DOCUMENT_VALUE("data-directory"),
                           DOCUMENT_VALUE("competitions-directory"),
                           DOCUMENT_VALUE("ingest-endpoint"),
                           DOCUMENT_VALUE("totals-endpoint"),
                           DOCUMENT_VALUE("query-endpoint"),
                           DOCUMENT_VALUE("log-level"),
                           DOCUMENT_VALUE(number_settings[WINDOW].name),
                           DOCUMENT_VALUE(number_settings[BATCH_SLOTS].name),
                           DOCUMENT_VALUE(number_settings[GROUP_SIZE].name),
                           DOCUMENT_VALUE(number_settings[PUBLISH_INTERVAL].name),
                           DOCUMENT_VALUE(number_settings[PROJECTS].name),
                           DOCUMENT_VALUE(number_settings[SEGMENT_SIZE].name),
                           DOCUMENT_VALUE(number_settings[DISK_RESERVE].name),
                           DOCUMENT_VALUE(KEY_FILE),
                           DOCUMENT_VALUE(OPEN_TO_ALL),
                           DOCUMENT_TITLED_SECTIONS("node", node),
                           DOCUMENT_TITLED_SECTIONS("dashboard", dashboard),
                           DOCUMENT_TITLED_SECTIONS("operator", operator),
                           CFG_END()};
    return document_load(path, options, fault);
}

struct config *config_load(const char *path, struct fault *fault) {
    struct document *document = NULL;
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s: out of memory while reading it", path);
        goto fail;
    }
    if (set_path(config, path, fault) != ERROR_NONE) {
        goto fail;
    }
    document = load_document(config->path, fault);
    if (document == NULL) {
        goto fail;
    }
    read_settings(document, config, fault);
    if (fault->error == ERROR_NONE) {
        read_registry(document, config, fault);
    }
    document_destroy(document);
    if (fault->error != ERROR_NONE) {
        goto fail;
    }
    return config;

fail:
    config_destroy(config);
    return NULL;
}

void config_destroy(struct config *config) {
    if (config != NULL) {
        registry_release(config->registry);
        curve_pair_forget(&config->keys);
        free(config);
    }
}

/* The names of the settings that differ and are read only at start, with commas between; "" if none. */
static void list_changes(const struct config *current, const struct config *next, char *names, size_t size) {
    const struct {
        const char *name;
        bool changed;
    } settings[] = {
        {"data-directory", strcmp(current->data_directory, next->data_directory) != 0},
        {"ingest-endpoint", strcmp(current->ingest_endpoint, next->ingest_endpoint) != 0},
        {"totals-endpoint", strcmp(current->totals_endpoint, next->totals_endpoint) != 0},
        {"query-endpoint", strcmp(current->query_endpoint, next->query_endpoint) != 0},
        {KEY_FILE, current->keyed != next->keyed || memcmp(&current->keys, &next->keys, sizeof next->keys) != 0},
        {OPEN_TO_ALL, current->open_to_all != next->open_to_all},
        {number_settings[WINDOW].name, current->window != next->window},
        {number_settings[BATCH_SLOTS].name, current->batch_slots != next->batch_slots},
        {number_settings[GROUP_SIZE].name, current->group_bytes != next->group_bytes},
        {number_settings[PUBLISH_INTERVAL].name, current->publish_interval_ms != next->publish_interval_ms},
        {number_settings[PROJECTS].name, current->projects_max != next->projects_max},
        {number_settings[SEGMENT_SIZE].name, current->segment_bytes != next->segment_bytes},
        {number_settings[DISK_RESERVE].name, current->disk_reserve_bytes != next->disk_reserve_bytes},
    };
    size_t length = 0;
    names[0] = '\0';
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && length < size; i++) {
        if (settings[i].changed) {
            length += (size_t)snprintf(names + length, size - length, "%s%s", length > 0 ? ", " : "", settings[i].name);
        }
    }
}

enum error config_check_change(const struct config *current, const struct config *next, struct fault *fault) {
    char names[FAULT_TEXT_BYTES];
    list_changes(current, next, names, sizeof names);
    if (names[0] != '\0') {
        return fault_set(fault, ERROR_CONFIGURATION,
                         "%s: changed, but read only at start: %s; restart, or put them back", next->path, names);
    }
    for (size_t i = 0; i < current->registry->competition_count; i++) {
        const struct competition *now = &current->registry->competitions[i];
        const struct competition *then = registry_competition(next->registry, now->key, strlen(now->key));
        if (then == NULL) {
            return fault_set(fault, ERROR_CONFIGURATION,
                             "%s: competition %s is gone, but its projects are counted; put its file back, or restart",
                             next->competitions_directory, now->key);
        }
        char path[CONFIG_PATH_BYTES + COMPETITION_KEY_BYTES_MAX + 8];
        snprintf(path, sizeof path, "%s/%s" COMPETITION_FILE_ENDING, next->competitions_directory, now->key);
        if (competition_check_change(now, then, path, fault) != ERROR_NONE) {
            return fault->error;
        }
    }
    return ERROR_NONE;
}
