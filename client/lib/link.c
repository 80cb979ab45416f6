#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tally.pb-c.h"

enum { MONITOR_NAME_BYTES = 32 };

/* The gate's no; somebody with another key, or none, than the one expected. Each is followed by a disconnection. */
static const int turned_away_events = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

void link_init(struct link *link, void *context, const char *endpoint, const struct credentials *credentials) {
    *link = (struct link){.context = context, .endpoint = endpoint, .credentials = credentials};
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
    if (zmq_socket_monitor(link->socket, name, ZMQ_EVENT_DISCONNECTED | turned_away_events) != 0) {
        return false;
    }
    link->monitor = zmq_socket(link->context, ZMQ_PAIR);
    return link->monitor != NULL && zmq_setsockopt(link->monitor, ZMQ_LINGER, &linger_ms, sizeof linger_ms) == 0 &&
           zmq_connect(link->monitor, name) == 0;
}

enum tally_error link_renew(struct link *link, char *message) {
    link_close(link);
    enum tally_error error =
        socket_connect(link->context, ZMQ_DEALER, link->endpoint, link->credentials, &link->socket, message);
    link->turned_away = false;
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
        uint16_t event = 0;
        int got = zmq_recv(link->monitor, frame, sizeof frame, ZMQ_DONTWAIT);
        if (got < 0 && errno != EINTR) {
            break;
        }
        if (got >= (int)sizeof event && zmq_recv(link->monitor, NULL, 0, ZMQ_DONTWAIT) >= 0) { /* the address */
            memcpy(&event, frame, sizeof event);
            link->turned_away = link->turned_away || (event & turned_away_events) != 0;
            lost = true;
        }
    }
    return lost;
}

void link_tell_turned_away(const struct link *link, char *message) {
    enum tally_error error = fault_set(
        message, TALLY_REFUSED, "%s turns this connection away: %s", link->endpoint,
        link->credentials->given
            ? "it does not know the key, or is another daemon than the one whose key was given, or one without keys"
            : "it asks for a key; name your key file and the daemon's public key");
    (void)error; /* the sentence is what was wanted */
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
