/* A disk of a few megabytes that a test can fill: a tmpfs that no other process sees and that goes with this one. Where that
 * is not permitted it says so, and the test ends with SMALL_DISK_SKIPPED, which ctest shows as skipped. What else cannot be
 * done ends the program. */
#ifndef TALLY_TESTS_SUPPORT_SMALL_DISK_H
#define TALLY_TESTS_SUPPORT_SMALL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMALL_DISK_SKIPPED = 77, SMALL_DISK_PATH_BYTES = 64 };

struct small_disk {
    char directory[SMALL_DISK_PATH_BYTES];
};

/* Threads that are started later see it too. Returns false if it is not permitted. */
bool small_disk_get(struct small_disk *disk, unsigned megabytes);
void small_disk_give_back(const struct small_disk *disk);

/* Takes up space, and sets it free again. */
void small_disk_load_ballast(const struct small_disk *disk, size_t bytes);
void small_disk_drop_ballast(const struct small_disk *disk);

uint64_t small_disk_free_bytes(const struct small_disk *disk);

#endif
