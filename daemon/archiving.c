#include "archiving.h"

#include <errno.h>
#include <string.h>

enum error archiving_init(struct archiving *archiving, struct fault *fault) {
    archiving->entry_waker.fd = archiving->waker.fd = -1; /* what was never opened is not closed */
    atomic_init(&archiving->captures.holder, CAPTURE_IDLE);
    atomic_init(&archiving->captures.urgent, false);
    receipt_exchange_init(&archiving->receipts);
    if (capture_init(&archiving->captures.capture) != ERROR_NONE) {
        return fault_set(fault, ERROR_MEMORY, "archive: %s", error_text(ERROR_MEMORY));
    }
    if (waker_init(&archiving->entry_waker) != ERROR_NONE || waker_init(&archiving->waker) != ERROR_NONE) {
        return fault_set(fault, ERROR_IO, "wakers: %s", strerror(errno));
    }
    return ERROR_NONE;
}

void archiving_fini(struct archiving *archiving) {
    if (archiving->captures.capture.blocks != NULL) {
        capture_fini(&archiving->captures.capture);
    }
    receipt_exchange_fini(&archiving->receipts);
    waker_fini(&archiving->entry_waker);
    waker_fini(&archiving->waker);
}

/* ---- what the archive asks ---- */

static uint64_t durable_version(void *context) {
    return journal_version(((struct archiving *)context)->journal);
}

static bool due(void *context) {
    return ledger_capture_due(((struct archiving *)context)->ledger);
}

static enum error capture(void *context, const struct capture_request *request, struct capture *into) {
    return ledger_capture(((struct archiving *)context)->ledger, request, into);
}

static enum error copy_receipts(void *context, uint64_t version, struct receipt_list *list) {
    return intake_stage_copy_receipts(((struct archiving *)context)->intake, version, list);
}

void archiving_join(struct archiving *archiving, const struct archiving_parts *parts) {
    archiving->journal = parts->journal;
    archiving->ledger = parts->ledger;
    archiving->intake = parts->intake;
    archiving->options = (struct archive_options){.state = parts->state,
                                                  .source = journal_source(parts->journal),
                                                  .supply = {.context = archiving,
                                                             .durable_version = durable_version,
                                                             .due = due,
                                                             .capture = capture,
                                                             .copy_receipts = copy_receipts},
                                                  .captures = &archiving->captures,
                                                  .receipts = &archiving->receipts,
                                                  .entry_waker = &archiving->entry_waker,
                                                  .waker = &archiving->waker,
                                                  .ledger_waker = parts->ledger_waker,
                                                  .intake_waker = parts->intake_waker,
                                                  .on_failure = parts->on_failure,
                                                  .context = parts->context};
}

/* ---- its life ---- */

enum error archiving_make_room(void *context, struct fault *fault) {
    struct archiving *archiving = context;
    return archive_make_room(&archiving->options, fault);
}

enum error archiving_start(struct archiving *archiving, struct fault *fault) {
    archiving->archive = archive_start(&archiving->options, fault);
    return archiving->archive == NULL ? fault->error : ERROR_NONE;
}

void archiving_stop(struct archiving *archiving) {
    archive_stop(&archiving->archive);
}
