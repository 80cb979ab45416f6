/* What a queue takes: as long as a peer has fewer messages on their way than half the queue, every one. */
#include "daemon/access/socket.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { QUEUE = 64, ON_THEIR_WAY = QUEUE / 2, MESSAGES = 20000, WAIT_MS = 10000 };

static const char question[] = "?";

struct listener {
    void *dealer;
    _Atomic size_t heard; /* written by the listening thread, read by the test */
};

static void *listen_to_all(void *context) {
    struct listener *listener = context;
    char bytes[8];
    for (size_t i = 0; i < MESSAGES && zmq_recv(listener->dealer, bytes, sizeof bytes, 0) >= 0; i++) {
        atomic_store_explicit(&listener->heard, i + 1, memory_order_release);
    }
    return NULL;
}

static void *connect_dealer(void *zmq, const char *endpoint) {
    static const int wait_ms = WAIT_MS;
    void *dealer = zmq_socket(zmq, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    cr_assert_eq(zmq_connect(dealer, endpoint), 0);
    cr_assert_geq(zmq_send(dealer, question, sizeof question, 0), 0);
    return dealer;
}

/* Who the first message is from. */
static void take_peer(void *router, zmq_msg_t *from) {
    zmq_msg_t body;
    zmq_msg_init(&body);
    zmq_pollitem_t item = {.socket = router, .events = ZMQ_POLLIN};
    cr_assert_eq(zmq_poll(&item, 1, WAIT_MS), 1);
    cr_assert(socket_receive(router, from) && socket_receive(router, &body));
    zmq_msg_close(&body);
}

/* libzmq looks only once in a while whether a peer has taken something; who sends without a pause must not be told in the
 * meantime that a queue is full which is not. */
Test(socket, a_queue_that_the_peer_empties_takes_every_message) {
    char folder[] = "/tmp/tally-socket-XXXXXX";
    char endpoint[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/queue", folder);
    void *zmq = zmq_ctx_new();
    struct socket_options options = {.type = ZMQ_ROUTER,
                                     .name = "queue",
                                     .endpoint = endpoint,
                                     .receive_queue = QUEUE,
                                     .send_queue = QUEUE,
                                     .frame_bytes_max = 1024};
    struct fault fault = {0};
    void *router = socket_bind(zmq, &options, &fault);
    cr_assert_not_null(router, "%s", fault.text);
    struct listener listener = {.dealer = connect_dealer(zmq, endpoint)};
    zmq_msg_t peer;
    zmq_msg_init(&peer);
    take_peer(router, &peer);

    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, listen_to_all, &listener), 0);
    size_t sent = 0;
    while (sent < MESSAGES) {
        if (sent - atomic_load_explicit(&listener.heard, memory_order_acquire) >= ON_THEIR_WAY) {
            continue;
        }
        cr_assert(socket_send(router, zmq_msg_data(&peer), zmq_msg_size(&peer), ZMQ_SNDMORE), "message %zu: %s", sent,
                  zmq_strerror(zmq_errno()));
        cr_assert(socket_send(router, question, sizeof question, 0));
        sent++;
    }
    pthread_join(thread, NULL);
    cr_assert_eq(atomic_load_explicit(&listener.heard, memory_order_acquire), MESSAGES);

    zmq_msg_close(&peer);
    zmq_close(listener.dealer);
    zmq_close(router);
    zmq_ctx_term(zmq);
    rmdir(folder);
}
