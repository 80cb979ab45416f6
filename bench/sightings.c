#include "bench/sightings.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LIST_MIN = 256 };

struct sighting {
    uint64_t version;
    int64_t ns;
};

/* What one subscriber saw, versions growing. Written by its thread. */
struct subscriber_list {
    struct sighting *list;
    size_t count;
    size_t capacity;
    _Atomic uint64_t version; /* of the last; read by any */
};

struct sightings {
    _Atomic int64_t *receipts; /* by version: when, 0 = none; memory is used as versions come */
    _Atomic uint64_t received;
    size_t subscribers;
    struct subscriber_list lists[];
};

#define RECEIPTS_BYTES ((size_t)SIGHTINGS_VERSIONS_MAX * sizeof(_Atomic int64_t))

static void give_up(const char *what) {
    fprintf(stderr, "bench: %s\n", what);
    exit(EXIT_FAILURE);
}

struct sightings *sightings_create(size_t subscribers) {
    struct sightings *sightings = calloc(1, sizeof *sightings + subscribers * sizeof sightings->lists[0]);
    if (sightings == NULL) {
        return NULL;
    }
    void *receipts =
        mmap(NULL, RECEIPTS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (receipts == MAP_FAILED) {
        free(sightings);
        return NULL;
    }
    sightings->receipts = receipts;
    sightings->subscribers = subscribers;
    return sightings;
}

void sightings_destroy(struct sightings *sightings) {
    if (sightings == NULL) {
        return;
    }
    for (size_t i = 0; i < sightings->subscribers; i++) {
        free(sightings->lists[i].list);
    }
    munmap(sightings->receipts, RECEIPTS_BYTES);
    free(sightings);
}

void sightings_receipt(struct sightings *sightings, uint64_t version, int64_t now_ns) {
    if (version >= SIGHTINGS_VERSIONS_MAX) {
        give_up("more batches than can be followed; measure for a shorter time");
    }
    int64_t none = 0;
    atomic_compare_exchange_strong_explicit(&sightings->receipts[version], &none, now_ns, memory_order_relaxed,
                                            memory_order_relaxed);
    uint64_t highest = atomic_load_explicit(&sightings->received, memory_order_relaxed);
    while (version > highest && !atomic_compare_exchange_weak_explicit(&sightings->received, &highest, version,
                                                                       memory_order_relaxed, memory_order_relaxed)) {
    }
}

void sightings_totals(struct sightings *sightings, size_t subscriber, uint64_t version, int64_t now_ns) {
    struct subscriber_list *list = &sightings->lists[subscriber];
    if (list->count > 0 && list->list[list->count - 1].version >= version) {
        return;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : LIST_MIN;
        struct sighting *longer = realloc(list->list, capacity * sizeof *longer);
        if (longer == NULL) {
            give_up("out of memory");
        }
        list->list = longer;
        list->capacity = capacity;
    }
    list->list[list->count++] = (struct sighting){.version = version, .ns = now_ns};
    atomic_store_explicit(&list->version, version, memory_order_release);
}

uint64_t sightings_seen(const struct sightings *sightings, size_t subscriber) {
    return atomic_load_explicit(&sightings->lists[subscriber].version, memory_order_acquire);
}

uint64_t sightings_received(const struct sightings *sightings) {
    return atomic_load_explicit(&sightings->received, memory_order_relaxed);
}

static void add_sample(struct sightings_result *result, int64_t freshness_ns) {
    result->early += freshness_ns < 0;
    histogram_add(&result->freshness, freshness_ns); /* below 0 counts as 0 */
}

void sightings_sum_up(const struct sightings *sightings, int64_t first_ns, int64_t last_ns,
                      sightings_concerns *concerns, void *context, struct sightings_result *result) {
    uint64_t last_version = sightings_received(sightings);
    for (size_t i = 0; i < sightings->subscribers; i++) {
        const struct subscriber_list *list = &sightings->lists[i];
        size_t place = 0; /* the first sighting that is not before the version */
        for (uint64_t version = 1; version <= last_version; version++) {
            int64_t received_ns = atomic_load_explicit(&sightings->receipts[version], memory_order_relaxed);
            if (received_ns == 0 || received_ns < first_ns || received_ns > last_ns ||
                (concerns != NULL && !concerns(context, version, i))) {
                continue;
            }
            while (place < list->count && list->list[place].version < version) {
                place++;
            }
            if (place == list->count) {
                result->missing++;
            } else {
                add_sample(result, list->list[place].ns - received_ns);
            }
        }
    }
}
