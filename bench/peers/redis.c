/* bench_redis: the work of bench_ingest, done by Redis the way that measured fastest of those that were tried (see README.md):
 * a batch is one EVALSHA of a script that keeps every project as 20 packed bytes in one hash, and the totals as
 * 32 packed bytes for each cell in another. Keys and values are little-endian:
 *
 *   projects   code -> region * 16 + category * 4 + status, u32; fen, i64; participants, u32; migrants, u32
 *   totals     the same first u32 -> projects, fen, participants, migrants: i64 each */
#include <endian.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/peers/peer.h"
#include "bench/peers/server.h"

enum { VALUE_BYTES = 20, TOTALS_BYTES = 32, CELL_BYTES = 4, PATH_BYTES = SERVER_DIRECTORY_BYTES + 16 };
enum { HEAD_WORDS = 5, DIGEST_BYTES = 41, CURSOR_BYTES = 24, START_LOOKS_MAX = 3000, LOOK_MS = 20 };

/* KEYS: projects, totals; ARGV: code, value, code, value ... of distinct projects. 200 projects a command: what the first
 * command fetches is still in the processor's cache for the second. Sums are exact up to 2^53: Lua's numbers are doubles. */
static const char script[] =
    "local call, take, pack, words = redis.call, struct.unpack, struct.pack, 400\n"
    "local cells, projects, fen, heads, migrants = {}, {}, {}, {}, {}\n"
    "local function add(sign, cell, f, h, m)\n"
    "    if projects[cell] then\n"
    "        projects[cell], fen[cell] = projects[cell] + sign, fen[cell] + sign * f\n"
    "        heads[cell], migrants[cell] = heads[cell] + sign * h, migrants[cell] + sign * m\n"
    "    else\n"
    "        cells[#cells + 1] = cell\n"
    "        projects[cell], fen[cell], heads[cell], migrants[cell] = sign, sign * f, sign * h, sign * m\n"
    "    end\n"
    "end\n"
    "for first = 1, #ARGV, words do\n"
    "    local last = math.min(first + words - 1, #ARGV)\n"
    "    local codes = {}\n"
    "    for i = first, last, 2 do codes[#codes + 1] = ARGV[i] end\n"
    "    local was = call('HMGET', KEYS[1], unpack(codes))\n"
    "    for i = 1, #codes do\n"
    "        if was[i] then add(-1, take('c4<i8I4I4', was[i])) end\n"
    "        add(1, take('c4<i8I4I4', ARGV[first + 2 * i - 1]))\n"
    "    end\n"
    "    call('HSET', KEYS[1], unpack(ARGV, first, last))\n"
    "end\n"
    "for first = 1, #cells, words do\n"
    "    local last = math.min(first + words - 1, #cells)\n"
    "    local was = call('HMGET', KEYS[2], unpack(cells, first, last))\n"
    "    local now = {}\n"
    "    for i = first, last do\n"
    "        local cell, old = cells[i], was[i - first + 1]\n"
    "        local p, f, h, m = 0, 0, 0, 0\n"
    "        if old then p, f, h, m = take('<i8i8i8i8', old) end\n"
    "        now[#now + 1] = cell\n"
    "        now[#now + 1] = pack('<i8i8i8i8', p + projects[cell], f + fen[cell], h + heads[cell], m + "
    "migrants[cell])\n"
    "    end\n"
    "    call('HSET', KEYS[2], unpack(now))\n"
    "end\n"
    "return #ARGV / 2\n";

struct contender {
    char socket[PATH_BYTES];
    size_t rows_max;
};

struct connection {
    redisContext *session;
    char digest[DIGEST_BYTES]; /* of the script */
    const char **words;
    size_t *lengths;
    unsigned char (*values)[VALUE_BYTES];
};

static redisContext *connect_to(const struct contender *contender) {
    redisContext *session = redisConnectUnix(contender->socket);
    if (session == NULL || session->err != 0) {
        fprintf(stderr, "bench_redis: %s\n", session == NULL ? "out of memory" : session->errstr);
        redisFree(session);
        return NULL;
    }
    return session;
}

/* Prints why a reply is not of the wanted type. */
static bool is_reply(const redisContext *session, const redisReply *reply, int type) {
    bool wanted = reply != NULL && reply->type == type;
    if (!wanted) {
        fprintf(stderr, "bench_redis: %s\n", reply == NULL ? session->errstr : reply->str);
    }
    return wanted;
}

static bool load_script(struct connection *connection) {
    redisReply *reply = redisCommand(connection->session, "SCRIPT LOAD %s", script);
    bool loaded = is_reply(connection->session, reply, REDIS_REPLY_STRING);
    if (loaded) {
        snprintf(connection->digest, sizeof connection->digest, "%s", reply->str);
    }
    freeReplyObject(reply);
    return loaded;
}

static void close_connection(void *context) {
    struct connection *connection = context;
    redisFree(connection->session);
    free(connection->words);
    free(connection->lengths);
    free(connection->values);
    free(connection);
}

static void *open_connection(void *context, size_t number) {
    (void)number;
    const struct contender *contender = context;
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    size_t words = HEAD_WORDS + 2 * contender->rows_max;
    connection->words = malloc(words * sizeof *connection->words);
    connection->lengths = malloc(words * sizeof *connection->lengths);
    connection->values = malloc(contender->rows_max * sizeof *connection->values);
    connection->session = connect_to(contender);
    if (connection->words == NULL || connection->lengths == NULL || connection->values == NULL ||
        connection->session == NULL || !load_script(connection)) {
        close_connection(connection);
        return NULL;
    }
    return connection;
}

static uint32_t cell_number(const struct tally_project *row) {
    return row->region * 16 + row->category * 4 + row->status;
}

static struct cell cell_of(uint32_t number) {
    return (struct cell){number / 16, number / 4 % 4, number % 4};
}

static void pack_value(unsigned char value[VALUE_BYTES], const struct tally_project *row) {
    uint32_t cell = htole32(cell_number(row));
    uint64_t fen = htole64((uint64_t)row->contract_value);
    uint32_t heads = htole32((uint32_t)row->participants);
    uint32_t migrants = htole32((uint32_t)row->migrant_participants);
    memcpy(value, &cell, 4);
    memcpy(value + 4, &fen, 8);
    memcpy(value + 12, &heads, 4);
    memcpy(value + 16, &migrants, 4);
}

static bool submit(void *context, const struct tally_project *rows, size_t count) {
    struct connection *connection = context;
    const char *head[HEAD_WORDS] = {"EVALSHA", connection->digest, "2", "projects", "totals"};
    size_t words = 0;
    for (; words < HEAD_WORDS; words++) {
        connection->words[words] = head[words];
        connection->lengths[words] = strlen(head[words]);
    }
    for (size_t i = 0; i < count; i++) {
        pack_value(connection->values[i], &rows[i]);
        connection->words[words] = rows[i].code;
        connection->lengths[words++] = strlen(rows[i].code);
        connection->words[words] = (const char *)connection->values[i];
        connection->lengths[words++] = VALUE_BYTES;
    }
    int written = 0;
    int outcome = redisAppendCommandArgv(connection->session, (int)words, connection->words, connection->lengths);
    while (outcome == REDIS_OK && !written) {
        outcome = redisBufferWrite(connection->session, &written);
    }
    if (outcome != REDIS_OK) {
        fprintf(stderr, "bench_redis: %s\n", connection->session->errstr);
    }
    return outcome == REDIS_OK;
}

/* With appendfsync always, replies go out after the sync. */
static bool await_reply(void *context) {
    struct connection *connection = context;
    void *reply = NULL;
    redisGetReply(connection->session, &reply);
    bool applied = is_reply(connection->session, reply, REDIS_REPLY_INTEGER);
    freeReplyObject(reply);
    return applied;
}

static bool add_project(struct cells *recount, const redisReply *key, const redisReply *value) {
    uint32_t cell;
    uint64_t fen;
    uint32_t heads[2];
    (void)key;
    if (value->len != VALUE_BYTES) {
        return false;
    }
    memcpy(&cell, value->str, 4);
    memcpy(&fen, value->str + 4, 8);
    memcpy(heads, value->str + 12, 8);
    struct cell at = cell_of(le32toh(cell));
    struct figures figures = {1, (int64_t)le64toh(fen), le32toh(heads[0]), le32toh(heads[1])};
    return cells_add(recount, &at, &figures);
}

static bool add_totals(struct cells *totals, const redisReply *key, const redisReply *value) {
    uint32_t cell;
    uint64_t sums[4];
    if (key->len != CELL_BYTES || value->len != TOTALS_BYTES) {
        return false;
    }
    memcpy(&cell, key->str, sizeof cell);
    memcpy(sums, value->str, sizeof sums);
    struct cell at = cell_of(le32toh(cell));
    struct figures figures = {(int64_t)le64toh(sums[0]), (int64_t)le64toh(sums[1]), (int64_t)le64toh(sums[2]),
                              (int64_t)le64toh(sums[3])};
    return cells_add(totals, &at, &figures);
}

typedef bool add_pair(struct cells *cells, const redisReply *key, const redisReply *value);

/* Nothing changes a hash while it is read, so a scan shows every field; one that grew just before may show some twice, which
 * the comparison would notice. */
static bool read_hash(redisContext *session, const char *name, struct cells *cells, add_pair *add) {
    char cursor[CURSOR_BYTES] = "0";
    bool fine;
    do {
        redisReply *reply = redisCommand(session, "HSCAN %s %s COUNT 5000", name, cursor);
        fine = is_reply(session, reply, REDIS_REPLY_ARRAY);
        for (size_t i = 0; fine && i + 1 < reply->element[1]->elements; i += 2) {
            fine = add(cells, reply->element[1]->element[i], reply->element[1]->element[i + 1]);
        }
        if (fine) {
            snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
        }
        freeReplyObject(reply);
    } while (fine && strcmp(cursor, "0") != 0);
    return fine;
}

static bool read_back(void *context, size_t connections, struct cells *totals, struct cells *recount) {
    (void)connections;
    redisContext *session = connect_to(context);
    bool fine = session != NULL && read_hash(session, "projects", recount, add_project) &&
                read_hash(session, "totals", totals, add_totals);
    redisFree(session);
    return fine;
}

/* Redis is one binary that does what its name says. Debian has it as redis-check-rdb in redis-tools; its package redis-server
 * adds another name and a service on the default port, which nobody asked a benchmark to start. */
static bool name_program(const struct server *server, const char *program, char name[PATH_BYTES]) {
    snprintf(name, PATH_BYTES, "%s/redis-server", server->directory);
    if (symlink(program, name) != 0) {
        perror(name);
        return false;
    }
    return true;
}

static bool start(struct server *server, const char *program, const char *appendfsync, const char *socket) {
    char name[PATH_BYTES];
    char *arguments[] = {name, "--port", "0", "--unixsocket", (char *)(uintptr_t)socket, "--dir", server->directory,
                         "--save", "", "--appendonly", "yes", "--appendfsync", (char *)(uintptr_t)appendfsync,
                         /* No rewrite during the measure, as PostgreSQL has no checkpoint. */
                         "--auto-aof-rewrite-min-size", "64gb", NULL};
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
    if (!name_program(server, program, name) || !server_start(server, arguments)) {
        return false;
    }
    for (int looks = 0; looks < START_LOOKS_MAX && server_runs(server); looks++) {
        if (access(socket, F_OK) == 0) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    fprintf(stderr, "bench_redis: does not answer; see %s\n", server->log);
    return false;
}

int main(int argc, char **argv) {
    struct peer_settings settings = PEER_DEFAULTS("redis", 32768, 1);
    const char *program = "/usr/bin/redis-check-rdb";
    const char *appendfsync = "always";
    const struct argument table[] = {
        {"window", "N", "batches on their way for each connection", ARGUMENT_NUMBER, &settings.window, 1,
         PEER_WINDOW_MAX},
        {"appendfsync", "NAME", "always, or everysec: then nothing is durable when it counts", ARGUMENT_TEXT,
         &appendfsync, 0, 0},
        {"program", "PATH", "the binary of Redis, whatever its name", ARGUMENT_TEXT, &program, 0, 0},
        PEER_ARGUMENTS(&settings)};
    int status = arguments_read(argc, argv, "Measure how fast Redis takes in the same updates.", table,
                                sizeof table / sizeof table[0]);
    if (status >= 0) {
        return status;
    }
    struct server server = {0};
    struct contender contender = {.rows_max = settings.rows};
    struct peer peer = {.name = strcmp(appendfsync, "always") == 0 ? "redis" : "redis_everysec",
                        .context = &contender,
                        .server = &server,
                        .connect = open_connection,
                        .disconnect = close_connection,
                        .submit = submit,
                        .await = await_reply,
                        .read_back = read_back};
    if (!server_prepare(&server, settings.directory)) {
        return EXIT_FAILURE;
    }
    snprintf(contender.socket, sizeof contender.socket, "%s/redis.sock", server.directory);
    bool fine = start(&server, program, appendfsync, contender.socket) && peer_run(&peer, &settings);
    fine = server_stop(&server, SIGTERM) && fine;
    if (!settings.keep) {
        server_remove(&server);
    }
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
