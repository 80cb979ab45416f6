#include "bench/questions.h"

#include <stdio.h>
#include <string.h>
#include <tally/tally.h>
#include <zmq.h>

#include "bench/crowd.h"
#include "client/lib/clock.h"
#include "proto/frame.h"
#include "tally.pb-c.h"

enum { QUESTION_BYTES_MAX = 128, ANSWER_TIMEOUT_MS = 5000 };

bool questions_one_by_one(const struct daemon *daemon, const struct workload *workload, double seconds,
                          struct histogram *latencies) {
    struct tally_query_options options = {.endpoint = daemon->query};
    struct tally_query *query;
    if (tally_query_open(&options, &query, NULL) != TALLY_OK) {
        return false;
    }
    int64_t end_ns = clock_now_ns() + (int64_t)(seconds * 1e9);
    bool fine = true;
    int64_t began_ns;
    for (uint64_t turn = 0; fine && (began_ns = clock_now_ns()) < end_ns; turn++) {
        struct tally_totals_answer *answer;
        fine = tally_query_totals(query, BENCH_COMPETITION, crowd_choose(workload, turn), 0, &answer) == TALLY_OK;
        if (fine) {
            histogram_add(latencies, clock_now_ns() - began_ns);
            tally_answer_free(answer);
        } else {
            fprintf(stderr, "bench: %s\n", tally_query_message(query));
        }
    }
    tally_query_close(&query);
    return fine;
}

/* ---- pipelined ---- */

static bool send_question(void *socket, const struct workload *workload, uint64_t request) {
    static char competition[] = BENCH_COMPETITION;
    uint8_t header[FRAME_HEADER_BYTES];
    uint8_t body[QUESTION_BYTES_MAX];
    Tally__TotalsQuery question = TALLY__TOTALS_QUERY__INIT;
    question.request = request;
    question.competition = competition;
    question.region = crowd_choose(workload, request);
    frame_write(header, MESSAGE_TOTALS_QUERY);
    size_t size = tally__totals_query__pack(&question, body);
    return zmq_send(socket, header, sizeof header, ZMQ_SNDMORE) >= 0 && zmq_send(socket, body, size, 0) >= 0;
}

/* Whether the next message is totals. They come in the order of the questions or in any other. */
static bool take_answer(void *socket) {
    uint8_t header[FRAME_HEADER_BYTES] = {0};
    unsigned type = 0;
    zmq_msg_t body;
    zmq_msg_init(&body);
    bool fine = zmq_recv(socket, header, sizeof header, 0) == sizeof header && zmq_msg_recv(&body, socket, 0) >= 0 &&
                frame_read(header, sizeof header, &type) == REFUSAL_NONE && type == MESSAGE_TOTALS;
    if (fine) {
        Tally__Totals *totals = tally__totals__unpack(NULL, zmq_msg_size(&body), zmq_msg_data(&body));
        fine = totals != NULL && strcmp(totals->competition, BENCH_COMPETITION) == 0;
        tally__totals__free_unpacked(totals, NULL);
    }
    zmq_msg_close(&body);
    return fine;
}

static bool ask_pipelined(void *socket, const struct workload *workload, double seconds, double *us) {
    uint64_t asked = 0;
    uint64_t answered = 0;
    int64_t began_ns = clock_now_ns();
    int64_t end_ns = began_ns + (int64_t)(seconds * 1e9);
    bool fine = true;
    while (fine && (clock_now_ns() < end_ns || answered < asked)) {
        while (fine && asked < answered + QUESTIONS_ON_THEIR_WAY && clock_now_ns() < end_ns) {
            fine = send_question(socket, workload, asked++);
        }
        if (fine && answered < asked) {
            fine = take_answer(socket);
            answered++;
        }
    }
    *us = answered > 0 ? (double)(clock_now_ns() - began_ns) / (double)answered / 1e3 : 0;
    return fine && answered > 0;
}

bool questions_pipelined(const struct daemon *daemon, const struct workload *workload, double seconds, double *us) {
    static const int none = 0;
    static const int timeout_ms = ANSWER_TIMEOUT_MS;
    void *zmq = zmq_ctx_new();
    void *socket = zmq != NULL ? zmq_socket(zmq, ZMQ_DEALER) : NULL;
    bool fine = socket != NULL && zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) == 0 &&
                zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms) == 0 &&
                zmq_connect(socket, daemon->query) == 0 && ask_pipelined(socket, workload, seconds, us);
    if (!fine) {
        fprintf(stderr, "bench: pipelined questions: %s\n", zmq_strerror(zmq_errno()));
    }
    if (socket != NULL) {
        zmq_close(socket);
    }
    if (zmq != NULL) {
        zmq_ctx_term(zmq);
    }
    return fine;
}
