/* Who is let in: over real connections, with a gate, and against endpoints that are open although they should not be. */
#include "daemon/access/gate.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/access/socket.h"
#include "daemon/access/trial.h"
#include "daemon/base/counter.h"

enum { WAIT_MS = 10000, SHORT_MS = 300 };

static char folder[64];
static char endpoint[96];
static void *zmq;
static struct curve_pair server;
static struct curve_pair node;
static struct curve_pair operator;

static void enter(void) {
    strcpy(folder, "/tmp/tally-gate-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/door", folder);
    zmq = zmq_ctx_new();
    cr_assert(curve_pair_make(&server) && curve_pair_make(&node) && curve_pair_make(&operator));
}

static void leave(void) {
    zmq_ctx_term(zmq);
    unlink(endpoint + 6);
    rmdir(folder);
}

TestSuite(gate, .init = enter, .fini = leave);
TestSuite(trial, .init = enter, .fini = leave);

/* A registry with these two keys; the node's only if wanted. */
static struct registry *make_registry(bool with_node) {
    struct registry *registry = registry_create(0, 0);
    struct key_right *keys = calloc(2, sizeof *keys);
    keys[0] = (struct key_right){.key = operator.public_key, .role = ROLE_OPERATOR, .name = "li-na"};
    keys[1] = (struct key_right){.key = node.public_key, .role = ROLE_NODE, .name = "zhejiang"};
    cr_assert_null(registry_set_keys(registry, keys, with_node ? 2 : 1));
    return registry;
}

static void *bind_door(const char *name) {
    struct fault fault = {0};
    struct socket_options options = {.type = ZMQ_ROUTER,
                                     .name = name,
                                     .endpoint = endpoint,
                                     .keys = &server,
                                     .receive_queue = 16,
                                     .send_queue = 16,
                                     .frame_bytes_max = 1024};
    void *door = socket_bind(zmq, &options, &fault);
    cr_assert_not_null(door, "%s", fault.text);
    return door;
}

static void *knock(const struct curve_pair *pair) {
    int linger_ms = 0;
    void *dealer = zmq_socket(zmq, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    if (pair != NULL) {
        zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, server.public_key.bytes, CURVE_KEY_BYTES);
        zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, pair->public_key.bytes, CURVE_KEY_BYTES);
        zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, pair->secret_key.bytes, CURVE_KEY_BYTES);
    }
    cr_assert_eq(zmq_connect(dealer, endpoint), 0);
    cr_assert_eq(zmq_send(dealer, "?", 1, 0), 1);
    return dealer;
}

/* What the one who sent the next message may do; NULL if none comes. */
static const struct key_right *hear(void *door, const struct registry *registry, int wait_ms) {
    zmq_msg_t frame;
    const struct key_right *right = NULL;
    zmq_pollitem_t item = {.socket = door, .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, wait_ms) == 1) {
        zmq_msg_init(&frame);
        cr_assert(socket_receive(door, &frame) && socket_receive(door, &frame));
        right = socket_sender(&frame, registry);
        cr_assert_not_null(right);
        zmq_msg_close(&frame);
    }
    return right;
}

Test(gate, a_key_is_who_somebody_is) {
    struct fault fault = {0};
    struct registry *registry = make_registry(true);
    struct gate *gate = gate_start(zmq, registry, &fault);
    cr_assert_not_null(gate, "%s", fault.text);
    void *door = bind_door("ingest");
    cr_assert_eq(counter_read(COUNTER_ACCESS_REFUSED), 0, "a trial counts as nobody");
    void *dealer = knock(&node);
    const struct key_right *right = hear(door, registry, WAIT_MS);
    cr_assert_not_null(right);
    cr_assert_eq(right->role, ROLE_NODE);
    cr_assert_str_eq(right->name, "zhejiang");
    void *other = knock(&operator);
    cr_assert_null(hear(door, registry, SHORT_MS), "only nodes report");
    struct curve_pair stranger;
    cr_assert(curve_pair_make(&stranger));
    void *third = knock(&stranger);
    void *fourth = knock(NULL);
    cr_assert_null(hear(door, registry, SHORT_MS));
    cr_assert_geq(counter_read(COUNTER_ACCESS_REFUSED), 2);
    cr_assert_eq(counter_read(COUNTER_ACCESS_ADMITTED), 1);
    void *sockets[] = {dealer, other, third, fourth, door};
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        zmq_close(sockets[i]);
    }
    gate_stop(gate);
    registry_release(registry);
}

Test(gate, a_key_taken_away_is_not_let_in_again) {
    struct fault fault = {0};
    struct registry *registry = make_registry(true);
    struct registry *without = make_registry(false);
    struct gate *gate = gate_start(zmq, registry, &fault);
    void *door = bind_door("query");
    void *dealer = knock(&node);
    cr_assert_not_null(hear(door, registry, WAIT_MS));
    cr_assert_not(registry_keeps_keys(registry, without));
    cr_assert(registry_keeps_keys(without, registry));
    gate_offer(gate, without);
    socket_cut(zmq, door);
    door = bind_door("query");
    cr_assert_eq(zmq_send(dealer, "?", 1, 0), 1);
    cr_assert_null(hear(door, registry, 2 * SHORT_MS));
    void *other = knock(&operator);
    cr_assert_not_null(hear(door, without, WAIT_MS));
    zmq_close(dealer);
    zmq_close(other);
    zmq_close(door);
    gate_stop(gate);
    registry_release(registry);
    registry_release(without);
}

/* What libzmq does when one of its settings is forgotten: the canary of the trial. */
static void *bind_open(bool with_curve) {
    int yes = 1;
    int linger_ms = 0;
    void *door = zmq_socket(zmq, ZMQ_ROUTER);
    zmq_setsockopt(door, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    if (with_curve) {
        zmq_setsockopt(door, ZMQ_CURVE_SERVER, &yes, sizeof yes);
        zmq_setsockopt(door, ZMQ_CURVE_SECRETKEY, server.secret_key.bytes, CURVE_KEY_BYTES);
    }
    cr_assert_eq(zmq_bind(door, endpoint), 0);
    return door;
}

Test(trial, an_endpoint_that_lets_strangers_in_is_found_out) {
    for (int with_curve = 0; with_curve <= 1; with_curve++) {
        struct fault fault = {0};
        void *door = bind_open(with_curve);
        enum error error = trial_run(endpoint, ZMQ_ROUTER, &server.public_key, &fault);
        cr_assert_eq(error, ERROR_NETWORK);
        cr_assert_not_null(
            strstr(fault.text, with_curve ? "with an unknown key was let in" : "without a key was let in"), "%s",
            fault.text);
        zmq_close(door);
        unlink(endpoint + 6);
        strcat(endpoint, "-2"); /* the first is closed by a thread of ZeroMQ's, some time */
    }
}
