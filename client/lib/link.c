#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tally.pb-c.h"

enum { MONITOR_NAME_BYTES = 32 };

void link_init(struct link *link, void *context, const char *endpoint) {
    *link = (struct link){.context = context, .endpoint = endpoint};
}

void link_fini(struct link *link) {
    link_close(link);
}

void link_close(struct link *link) {
    if (link->socket != NULL) {
        zmq_socket_monitor(link->socket, NULL, 0);
    }
    socket_close(&link->monitor);
    socket_close(&link->socket);
}

static bool watch(struct link *link) {
    char name[MONITOR_NAME_BYTES];
    int linger_ms = 0;
    snprintf(name, sizeof name, "inproc://monitor-%u", ++link->generation);
    if (zmq_socket_monitor(link->socket, name, ZMQ_EVENT_DISCONNECTED) != 0) {
        return false;
    }
    link->monitor = zmq_socket(link->context, ZMQ_PAIR);
    return link->monitor != NULL && zmq_setsockopt(link->monitor, ZMQ_LINGER, &linger_ms, sizeof linger_ms) == 0 &&
           zmq_connect(link->monitor, name) == 0;
}

enum tally_error link_renew(struct link *link, char *message) {
    link_close(link);
    enum tally_error error = socket_connect(link->context, ZMQ_DEALER, link->endpoint, &link->socket, message);
    if (error == TALLY_OK && !watch(link)) {
        error = fault_set(message, TALLY_MEMORY, "cannot watch the connection: %s", zmq_strerror(errno));
        link_close(link);
    }
    return error;
}

bool link_lost(struct link *link) {
    bool lost = false;
    char frame[64];
    while (link->monitor != NULL) {
        int got = zmq_recv(link->monitor, frame, sizeof frame, ZMQ_DONTWAIT);
        if (got < 0 && errno != EINTR) {
            break;
        }
        lost = lost || got >= 0; /* there is only one kind of event; its two frames say no more */
    }
    return lost;
}

bool link_hello(struct link *link, const char *node, uint64_t acknowledged, uint64_t epoch) {
    char software[] = "libtally " TALLY_VERSION;
    Tally__Hello hello = TALLY__HELLO__INIT;
    hello.node = (char *)(uintptr_t)node;
    hello.acknowledged = acknowledged;
    hello.epoch = epoch;
    hello.software = software;
    return socket_send_message(link->socket, MESSAGE_HELLO, &hello.base);
}

static void let_go(void *data, void *hint) {
    (void)data;
    struct parcel *parcel = hint;
    parcel_release(&parcel);
}

bool link_batch(struct link *link, struct parcel *parcel) {
    zmq_msg_t body;
    if (zmq_msg_init_data(&body, parcel->body, parcel->body_bytes, let_go, parcel_hold(parcel)) != 0) {
        struct parcel *held = parcel;
        parcel_release(&held);
        return false;
    }
    if (!socket_send(link->socket, MESSAGE_BATCH, &body)) {
        zmq_msg_close(&body);
        return false;
    }
    return true;
}
