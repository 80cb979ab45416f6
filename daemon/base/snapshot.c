#include "snapshot.h"

#include <stdlib.h>

void snapshot_init(struct snapshot_exchange *exchange) {
    exchange->snapshot = (struct snapshot){0};
    atomic_init(&exchange->holder, SNAPSHOT_IDLE);
}

void snapshot_fini(struct snapshot_exchange *exchange) {
    free(exchange->snapshot.cells);
    free(exchange->snapshot.days);
    snapshot_init(exchange);
}

/* The capacity that holds needed: doubled, so that growing costs little in sum. */
static size_t grown(size_t capacity, size_t needed) {
    capacity = capacity == 0 ? 64 : capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    return capacity;
}

enum error snapshot_reserve(struct snapshot *snapshot, size_t cells, size_t days) {
    if (cells > snapshot->cell_capacity) {
        size_t capacity = grown(snapshot->cell_capacity, cells);
        struct snapshot_cell *larger = realloc(snapshot->cells, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERROR_MEMORY;
        }
        snapshot->cells = larger;
        snapshot->cell_capacity = capacity;
    }
    if (days > snapshot->day_capacity) {
        size_t capacity = grown(snapshot->day_capacity, days);
        struct snapshot_day *larger = realloc(snapshot->days, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERROR_MEMORY;
        }
        snapshot->days = larger;
        snapshot->day_capacity = capacity;
    }
    return ERROR_NONE;
}
