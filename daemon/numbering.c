#include "numbering.h"

#include <string.h>

#include "proto/day.h"

static enum error learn(struct definition *definitions, uint16_t *count, uint16_t limit,
                        const struct definition *definition) {
    if (definition->number >= limit) {
        return ERROR_DAMAGED;
    }
    definitions[definition->number] = *definition;
    *count = definition->number >= *count ? (uint16_t)(definition->number + 1) : *count;
    return ERROR_NONE;
}

enum error numbering_learn(struct numbering *numbering, enum entry_kind kind, const struct definition *definition) {
    return kind == ENTRY_COMPETITION
               ? learn(numbering->competitions, &numbering->competition_count, COMPETITIONS_MAX, definition)
               : learn(numbering->nodes, &numbering->node_count, NODES_MAX, definition);
}

/* The number of the key, or count if it has none. */
static uint16_t find(const struct definition *definitions, uint16_t count, const char *key) {
    uint16_t number = 0;
    while (number < count && strcmp(definitions[number].key, key) != 0) {
        number++;
    }
    return number;
}

static enum error check_competition(const struct definition *known, const struct competition *competition,
                                    struct fault *fault) {
    if (known->first_day != competition->first_day) {
        char day[DAY_TEXT_BYTES];
        return fault_set(
            fault, ERROR_CONFIGURATION,
            "competition %s: its first day was %s when projects were taken in and cannot change; set it back",
            competition->key, day_format(known->first_day, day));
    }
    for (unsigned code = 0; code < STATUSES_MAX; code++) {
        bool existed = (known->statuses >> code & 1) != 0;
        bool counted = (known->counts >> code & 1) != 0;
        bool counts = (competition->counts >> code & 1) != 0;
        bool exists = (competition->status_mask >> code & 1) != 0;
        if (existed && exists && counted != counts) {
            return fault_set(
                fault, ERROR_CONFIGURATION,
                "competition %s: status %s (code %u) %s when projects were taken in; set it back, and add a "
                "new status with another code instead",
                competition->key, competition->statuses[code].key, code, counted ? "counted" : "did not count");
        }
        if (existed && !exists) {
            return fault_set(fault, ERROR_CONFIGURATION,
                             "competition %s: status code %u was taken away but projects may have it; put it back",
                             competition->key, code);
        }
    }
    return ERROR_NONE;
}

static enum error assign_competition(struct numbering *numbering, struct competition *competition,
                                     struct fault *fault) {
    uint16_t number = find(numbering->competitions, numbering->competition_count, competition->key);
    if (number == COMPETITIONS_MAX) {
        return fault_set(fault, ERROR_LIMIT, "competition %s: there were %d competitions already, which is the limit",
                         competition->key, COMPETITIONS_MAX);
    }
    if (number < numbering->competition_count) {
        enum error error = check_competition(&numbering->competitions[number], competition, fault);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    competition->number = number;
    struct definition definition = definition_of_competition(competition);
    return learn(numbering->competitions, &numbering->competition_count, COMPETITIONS_MAX, &definition);
}

static enum error assign_node(struct numbering *numbering, struct node_right *node, struct fault *fault) {
    uint16_t number = find(numbering->nodes, numbering->node_count, node->name);
    if (number == NODES_MAX) {
        return fault_set(fault, ERROR_LIMIT, "node %s: there were %d nodes already, which is the limit", node->name,
                         NODES_MAX);
    }
    node->number = number;
    struct definition definition = definition_of_node(node);
    return learn(numbering->nodes, &numbering->node_count, NODES_MAX, &definition);
}

enum error numbering_assign(struct numbering *numbering, struct registry *registry, struct fault *fault) {
    static struct numbering before; /* 180 KB; main thread only */
    before = *numbering;
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < registry->competition_count && error == ERROR_NONE; i++) {
        error = assign_competition(numbering, &registry->competitions[i], fault);
    }
    for (size_t i = 0; i < registry->node_count && error == ERROR_NONE; i++) {
        error = assign_node(numbering, &registry->nodes[i], fault);
    }
    if (error != ERROR_NONE) {
        *numbering = before;
    }
    return error;
}
