#include "tree.h"

#include <search.h>
#include <stdlib.h>

void *tree_find(void *const *root, const void *key, tree_compare *compare) {
    void *const *found = tfind(key, root, compare);
    return found != NULL ? *found : NULL;
}

void tree_add(void **root, void *thing, tree_compare *compare) {
    if (tsearch(thing, root, compare) == NULL) {
        abort();
    }
}

static void visit_node(const void *node, VISIT which, void *visit) {
    if (which == leaf || which == postorder) {
        (*(void (**)(void *))visit)(*(void *const *)node);
    }
}

void tree_walk(const void *root, void (*visit)(void *thing)) {
    twalk_r(root, visit_node, &visit);
}

void tree_destroy(void *root) {
    tdestroy(root, free);
}
