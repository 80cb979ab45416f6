/* A sorted set of malloc'd things: tsearch, behind names of its own because <search.h> has a struct entry too. */
#ifndef TALLY_TESTS_UNIT_DAEMON_ARCHIVE_TREE_H
#define TALLY_TESTS_UNIT_DAEMON_ARCHIVE_TREE_H

typedef int tree_compare(const void *a, const void *b);

/* What is equal to key, or NULL. */
void *tree_find(void *const *root, const void *key, tree_compare *compare);

/* Takes over thing, which is not there yet. */
void tree_add(void **root, void *thing, tree_compare *compare);

void tree_walk(const void *root, void (*visit)(void *thing));

/* Frees all things. */
void tree_destroy(void *root);

#endif
