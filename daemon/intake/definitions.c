#include "definitions.h"

#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "replies.h"

static bool push_definition(struct intake *intake, enum entry_kind kind, const struct definition *definition,
                            struct definition *recorded) {
    if (definition_equal(recorded, definition)) {
        return true;
    }
    struct slot *slot = slots_take(&intake->slots);
    if (slot == NULL) {
        return false;
    }
    arena_reset(&slot->arena);
    uint8_t *body = arena_allocate(&slot->arena, DEFINITION_BYTES);
    CHECK(body != NULL);
    definition_encode(definition, body);
    struct entry *entry = &slot->entry;
    entry->kind = kind;
    entry->node = 0;
    entry->competition = 0;
    entry->batch_code = 0;
    entry->sequence = 0;
    entry->wall_ms = clock_wall_ms();
    entry->day = (uint16_t)day_of_time(entry->wall_ms);
    entry->body = body;
    entry->body_bytes = DEFINITION_BYTES;
    entry->batch = (struct batch){0};
    entry->definition = *definition;
    entry->refused_by_intake = 0;
    *recorded = *definition;
    intake_push(intake, entry);
    return true;
}

/* Puts into the journal what the registry says and the journal does not know yet, before any batch that needs it. Returns
 * false when slots run out: the rest follows when some are home. */
static bool push_definitions(struct intake *intake) {
    for (size_t i = 0; i < intake->registry->competition_count; i++) {
        struct definition definition = definition_of_competition(&intake->registry->competitions[i]);
        if (!push_definition(intake, ENTRY_COMPETITION, &definition, &intake->competitions[definition.number])) {
            return false;
        }
    }
    for (size_t i = 0; i < intake->registry->node_count; i++) {
        struct definition definition = definition_of_node(&intake->registry->nodes[i]);
        if (!push_definition(intake, ENTRY_NODE, &definition, &intake->nodes[definition.number])) {
            return false;
        }
    }
    return true;
}

/* What it sent after the key was taken away is not taken any more, what was taken stays. */
static bool key_gone(const struct intake *intake, const struct roster_node *node) {
    const struct key_right *right = registry_key(intake->registry, &node->key);
    return intake->registry->keyed &&
           (right == NULL || right->role != ROLE_NODE || strcmp(right->name, node->right->name) != 0);
}

static void end_if_removed(void *context, struct roster_node *node) {
    if (node->connected && node->right == NULL) {
        replies_end_session(context, node, REFUSAL_NODE_UNKNOWN);
    } else if (node->connected && key_gone(context, node)) {
        replies_end_session(context, node, REFUSAL_NOT_ALLOWED);
    }
}

void definitions_take_registry(struct intake *intake) {
    /* Entries under way hold nothing of the old registry: their verdicts are made. */
    if (registry_take(intake->options.registry_slot, &intake->registry)) {
        roster_adopt(intake->roster, intake->registry);
        roster_visit(intake->roster, end_if_removed, intake);
        intake->definitions_pending = true;
    }
    if (intake->definitions_pending) {
        intake->definitions_pending = !push_definitions(intake);
    }
}
