#include "rights.h"

#include <stdlib.h>
#include <string.h>

#include "proto/region.h"
#include "proto/text.h"

/* The keys of everybody, as they are read. */
struct ring_of_keys {
    struct key_right *keys; /* room for KEYS_OF_ONE_MAX of everybody */
    size_t count;
    const struct curve_key *own;
};

static bool name_valid(const struct document *document, cfg_t *section) {
    const char *name = cfg_title(section);
    if (!text_is_key(name, strlen(name), NODE_NAME_BYTES_MAX)) {
        document_fault(document, section, 0,
                       "the name must be 1 to %d of a-z, 0-9 and -, beginning with a letter or digit",
                       NODE_NAME_BYTES_MAX);
        return false;
    }
    return true;
}

/* What a role sees of projects if nothing is said: a node those of its own regions, an operator all, a dashboard none. */
static void read_reads(const struct document *document, cfg_t *section, const struct node_right *node,
                       struct key_right *right) {
    if (right->role == ROLE_OPERATOR) {
        right->read_count = 1;
        right->reads[0] = REGION_ALL;
    } else if (cfg_size(section, RIGHTS_READS) > 0) {
        document_regions(document, section, RIGHTS_READS, REGISTRY_REGIONS_MAX, right->reads, &right->read_count);
    } else if (node != NULL) {
        right->read_count = node->region_count;
        memcpy(right->reads, node->regions, sizeof right->reads);
    }
}

static void read_keys(const struct document *document, cfg_t *section, enum role role, const struct node_right *node,
                      struct ring_of_keys *ring) {
    struct curve_key keys[KEYS_OF_ONE_MAX];
    struct key_right right = {.role = role};
    size_t count;
    document_keys(document, section, RIGHTS_KEYS, KEYS_OF_ONE_MAX, keys, &count);
    read_reads(document, section, node, &right);
    if (count > 0 && ring->own == NULL) {
        document_fault(document, section, document_line(section, RIGHTS_KEYS),
                       "keys are given, but the daemon has none of its own, so that nobody would be asked for one; set "
                       "key-file, or leave the keys out");
    } else if (count == 0 && role != ROLE_NODE) {
        document_fault(document, section, 0, "keys is missing; without one nobody can be this %s", role_name(role));
    }
    memcpy(right.name, cfg_title(section), strlen(cfg_title(section)));
    for (size_t i = 0; i < count; i++) {
        if (ring->own != NULL && memcmp(&keys[i], ring->own, sizeof keys[i]) == 0) {
            document_fault(document, section, document_line(section, RIGHTS_KEYS),
                           "this is the daemon's own key; everybody needs one of their own: make it with tally keygen");
        }
        right.key = keys[i];
        ring->keys[ring->count++] = right;
    }
}

static void read_node(const struct document *document, cfg_t *section, struct node_right *node) {
    static const char *const required[] = {"title-zh", "title-en", NULL};
    const char *name = cfg_title(section);
    *node = (struct node_right){.number = NUMBER_NONE};
    memcpy(node->name, name, strlen(name));
    document_require(document, section, required);
    document_text(document, section, "title-zh", node->zh, sizeof node->zh);
    document_text(document, section, "title-en", node->en, sizeof node->en);
    document_regions(document, section, "regions", REGISTRY_REGIONS_MAX, node->regions, &node->region_count);
}

static int compare_nodes(const void *left, const void *right) {
    return strcmp(((const struct node_right *)left)->name, ((const struct node_right *)right)->name);
}

static void read_nodes(const struct document *document, struct registry *registry, struct ring_of_keys *ring) {
    cfg_t *root = document_root(document);
    for (size_t i = 0; i < registry->node_count; i++) {
        cfg_t *section = cfg_getnsec(root, "node", (unsigned)i);
        if (name_valid(document, section)) {
            read_node(document, section, &registry->nodes[i]);
            read_keys(document, section, ROLE_NODE, &registry->nodes[i], ring);
        }
    }
    qsort(registry->nodes, registry->node_count, sizeof *registry->nodes, compare_nodes);
}

static void read_others(const struct document *document, enum role role, struct ring_of_keys *ring) {
    cfg_t *root = document_root(document);
    for (unsigned i = 0; i < cfg_size(root, role_name(role)); i++) {
        cfg_t *section = cfg_getnsec(root, role_name(role), i);
        if (name_valid(document, section)) {
            read_keys(document, section, role, NULL, ring);
        }
    }
}

void rights_read(const struct document *document, const struct curve_key *own, struct registry *registry,
                 struct fault *fault) {
    cfg_t *root = document_root(document);
    size_t others = cfg_size(root, role_name(ROLE_DASHBOARD)) + cfg_size(root, role_name(ROLE_OPERATOR));
    if (others > HOLDERS_MAX) {
        document_fault(document, root, 0, "there are %zu dashboards and operators; at most %d fit", others,
                       HOLDERS_MAX);
        return;
    }
    struct ring_of_keys ring = {.own = own};
    ring.keys = calloc((registry->node_count + others) * KEYS_OF_ONE_MAX + 1, sizeof *ring.keys);
    if (ring.keys == NULL) {
        fault_set(fault, ERROR_MEMORY, "out of memory for the keys of %zu nodes", registry->node_count);
        return;
    }
    read_nodes(document, registry, &ring);
    read_others(document, ROLE_DASHBOARD, &ring);
    read_others(document, ROLE_OPERATOR, &ring);
    if (own == NULL || fault->error != ERROR_NONE) {
        free(ring.keys);
        return;
    }
    const struct key_right *twice = registry_set_keys(registry, ring.keys, ring.count);
    if (twice != NULL) {
        document_fault(document, root, 0,
                       "%s %s has a key that stands there twice; everybody needs one of their own: make it with tally "
                       "keygen",
                       role_name(twice->role), twice->name);
    }
}
