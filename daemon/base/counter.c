#include "counter.h"

#include "check.h"
#include "proto/refusal.h"

_Atomic uint64_t counter_values[COUNTER_COUNT];

static _Atomic uint64_t refused[REFUSAL_CODE_LIMIT];

const char *counter_name(enum counter counter) {
    static const char *const names[COUNTER_COUNT] = {
#define X(constant, name, sentence) (name),
        COUNTER_TABLE(X)
#undef X
    };
    return names[counter];
}

const char *counter_sentence(enum counter counter) {
    static const char *const sentences[COUNTER_COUNT] = {
#define X(constant, name, sentence) (sentence),
        COUNTER_TABLE(X)
#undef X
    };
    return sentences[counter];
}

void counter_refused(unsigned code, uint64_t amount) {
    CHECK(code < REFUSAL_CODE_LIMIT);
    atomic_fetch_add_explicit(&refused[code], amount, memory_order_relaxed);
}

uint64_t counter_refused_read(unsigned code) {
    return code < REFUSAL_CODE_LIMIT ? atomic_load_explicit(&refused[code], memory_order_relaxed) : 0;
}
