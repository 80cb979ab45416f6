#include "rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/base/clock.h"
#include "proto/frame.h"

struct registry *rig_registry(uint16_t number, const char *key) {
    struct registry *registry = registry_create(1, 0);
    cr_assert_not_null(registry);
    registry->competitions[0].number = number;
    registry->competitions[0].counts = 1u << 1;
    snprintf(registry->competitions[0].key, sizeof registry->competitions[0].key, "%s", key);
    return registry;
}

void rig_open(struct rig *rig) {
    memset(rig, 0, sizeof *rig);
    snprintf(rig->folder, sizeof rig->folder, "/tmp/tally-publish-XXXXXX");
    cr_assert_not_null(mkdtemp(rig->folder));
    snprintf(rig->endpoint, sizeof rig->endpoint, "ipc://%s/totals", rig->folder);
    rig->zmq = zmq_ctx_new();
    cr_assert_eq(waker_init(&rig->waker), ERROR_NONE);
    cr_assert_eq(waker_init(&rig->ledger_waker), ERROR_NONE);
    snapshot_init(&rig->exchange);
    cr_assert_eq(snapshot_reserve(&rig->exchange.snapshot, 4096, 16), ERROR_NONE);
    rig->registry = rig_registry(RIG_COMPETITION, "csj-2021");
}

static void note_failure(void *context, const struct fault *fault) {
    struct rig *rig = context;
    rig->failures++;
    rig->fault = *fault;
}

struct publisher_options rig_options(struct rig *rig, uint32_t interval_us) {
    return (struct publisher_options){.zmq_context = rig->zmq,
                                      .endpoint = rig->endpoint,
                                      .epoch = RIG_EPOCH,
                                      .interval_us = interval_us,
                                      .exchange = &rig->exchange,
                                      .waker = &rig->waker,
                                      .ledger_waker = &rig->ledger_waker,
                                      .registry_slot = &rig->registry_slot,
                                      .on_failure = note_failure,
                                      .context = rig};
}

void rig_start(struct rig *rig, uint32_t interval_us) {
    struct publisher_options options = rig_options(rig, interval_us);
    rig->publisher = publisher_start(&options, rig->registry, &rig->fault);
    cr_assert_not_null(rig->publisher, "%s", rig->fault.text);
}

void rig_close(struct rig *rig) {
    publisher_stop(&rig->publisher);
    cr_assert_eq(rig->failures, 0);
    registry_release(rig->registry);
    registry_release(rig->registry_slot.next);
    snapshot_fini(&rig->exchange);
    waker_fini(&rig->waker);
    waker_fini(&rig->ledger_waker);
    zmq_ctx_term(rig->zmq);
    char path[96];
    snprintf(path, sizeof path, "%s/totals", rig->folder);
    unlink(path);
    rmdir(rig->folder);
}

static bool holds_it(struct rig *rig) {
    return atomic_load_explicit(&rig->exchange.holder, memory_order_acquire) == SNAPSHOT_WANTED;
}

bool rig_wanted(struct rig *rig, int timeout_ms) {
    int64_t end_ns = clock_monotonic_ns() + timeout_ms * INT64_C(1000000);
    while (!holds_it(rig) && clock_left_ms(end_ns) > 0) {
        waker_prepare(&rig->ledger_waker);
        if (!holds_it(rig)) {
            waker_sleep(&rig->ledger_waker, clock_left_ms(end_ns));
        }
        waker_finish(&rig->ledger_waker);
    }
    return holds_it(rig);
}

void rig_cell(struct rig *rig, uint32_t region, int64_t projects) {
    struct snapshot *snapshot = &rig->exchange.snapshot;
    cr_assert_lt(snapshot->cell_count, snapshot->cell_capacity);
    snapshot->cells[snapshot->cell_count++] = (struct snapshot_cell){
        .key = cell_key(RIG_COMPETITION, region, 0, 1), .sums = {projects, projects * 100, projects * 10, projects}};
}

void rig_offer(struct rig *rig, uint64_t version) {
    rig->exchange.snapshot.version = version;
    rig->exchange.snapshot.projects = version;
    atomic_store_explicit(&rig->exchange.holder, SNAPSHOT_OFFERED, memory_order_release);
    waker_wake(&rig->waker);
}

void rig_publish(struct rig *rig, uint64_t version, uint32_t region, int64_t projects) {
    cr_assert(rig_wanted(rig, RIG_DEADLINE_MS));
    rig->exchange.snapshot.cell_count = 0;
    rig_cell(rig, region, projects);
    rig_offer(rig, version);
}

void *rig_subscribe(struct rig *rig, const char *prefix) {
    void *subscriber = zmq_socket(rig->zmq, ZMQ_SUB);
    int zero = 0;
    zmq_setsockopt(subscriber, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(subscriber, ZMQ_RCVHWM, &zero, sizeof zero);
    cr_assert_eq(zmq_connect(subscriber, rig->endpoint), 0);
    cr_assert_eq(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, prefix, strlen(prefix)), 0);
    return subscriber;
}

static void read_body(struct heard *heard, const uint8_t *bytes, size_t size) {
    if (heard->type == MESSAGE_TOTALS) {
        heard->totals = tally__totals__unpack(NULL, size, bytes);
        cr_assert_not_null(heard->totals);
    } else {
        cr_assert_eq(heard->type, MESSAGE_HEARTBEAT);
        heard->heartbeat = tally__heartbeat__unpack(NULL, size, bytes);
        cr_assert_not_null(heard->heartbeat);
    }
}

bool rig_hear(void *subscriber, struct heard *heard, int timeout_ms) {
    memset(heard, 0, sizeof *heard);
    zmq_setsockopt(subscriber, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    int topic_bytes = zmq_recv(subscriber, heard->topic, sizeof heard->topic - 1, 0);
    if (topic_bytes < 0) {
        return false;
    }
    uint8_t header[16];
    int header_bytes = zmq_recv(subscriber, header, sizeof header, 0);
    cr_assert_eq(frame_read(header, (size_t)header_bytes, &heard->type), REFUSAL_NONE);
    static uint8_t body[1 << 16];
    int size = zmq_recv(subscriber, body, sizeof body, 0);
    cr_assert(size >= 0 && (size_t)size <= sizeof body);
    int more;
    size_t more_bytes = sizeof more;
    zmq_getsockopt(subscriber, ZMQ_RCVMORE, &more, &more_bytes);
    cr_assert_eq(more, 0);
    read_body(heard, body, (size_t)size);
    return true;
}

void heard_free(struct heard *heard) {
    if (heard->totals != NULL) {
        tally__totals__free_unpacked(heard->totals, NULL);
    }
    if (heard->heartbeat != NULL) {
        tally__heartbeat__free_unpacked(heard->heartbeat, NULL);
    }
}

uint64_t rig_hear_until(void *subscriber, const char *topic, uint64_t projects) {
    for (;;) {
        struct heard heard;
        cr_assert(rig_hear(subscriber, &heard, RIG_DEADLINE_MS), "%s never has %lu projects", topic, projects);
        bool found = heard.totals != NULL && strcmp(heard.topic, topic) == 0 && heard.totals->projects == projects;
        uint64_t version = heard.totals != NULL ? heard.totals->version : 0;
        heard_free(&heard);
        if (found) {
            return version;
        }
    }
}
