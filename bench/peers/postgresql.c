/* bench_postgresql: the work of bench_ingest, done by PostgreSQL the way that measured fastest of those that were tried (see
 * README.md): a batch is one prepared statement in one transaction, with a binary array for each column as its parameters. It
 * writes the projects in the order of their index and, from their states before and after, brings the totals up to date.
 * Each connection has tables of its own, as a table partitioned by node would, so that connections neither wait for nor
 * deadlock with each other; views add them up. */
#include <endian.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/peers/peer.h"
#include "bench/peers/server.h"
#include "bench/workload.h"

enum { PATH_BYTES = 512, STATEMENT_BYTES = 2048, COLUMNS = 7 };
enum { START_LOOKS_MAX = 3000, LOOK_MS = 20 };

/* From pg_type.dat, where they are fixed for ever. */
enum { TYPE_BIGINT = 20, TYPE_SMALLINT = 21, TYPE_INTEGER = 23, TYPE_TEXT = 25 };

struct settings {
    struct peer_settings peer;
    const char *programs;
};

struct contender {
    char address[PATH_BYTES];
    size_t rows_max;
};

struct connection {
    PGconn *session;
    unsigned char *arrays; /* the parameters of a statement, one after the other */
};

static const char server_settings[] = "listen_addresses = ''\n"
                                      "shared_buffers = 4GB\n"             /* all tables and indexes fit */
                                      "huge_pages = try\n"                 /* where the machine offers them */
                                      "wal_level = minimal\n"              /* no replica, as the others have none */
                                      "max_wal_senders = 0\n"              /* wal_level asks for it */
                                      "wal_compression = lz4\n"            /* smaller full-page images */
                                      "wal_buffers = 64MB\n"               /* a batch's log fits */
                                      "max_wal_size = 16GB\n"              /* no checkpoint during the measure ... */
                                      "checkpoint_timeout = 30min\n"       /* ... nor by time */
                                      "work_mem = 256MB\n"                 /* sorts and groups in memory */
                                      "jit = off\n"                        /* short statements */
                                      "autovacuum_naptime = 10s\n"         /* dead rows of updates go at once ... */
                                      "autovacuum_vacuum_cost_delay = 0\n" /* ... at full speed */
                                      "synchronous_commit = on\n" /* from here on: durability, as is the default */
                                      "fsync = on\n"
                                      "full_page_writes = on\n";

/* The fill factors leave room for the new version of a row on the page of the old, so that the index is not touched. */
static const char tables_statement[] =
    "CREATE TABLE project_%1$zu (contract_value bigint NOT NULL, participants integer NOT NULL, migrants integer NOT "
    "NULL,"
    " region integer NOT NULL, category smallint NOT NULL, status smallint NOT NULL, code text COLLATE \"C\" PRIMARY "
    "KEY)"
    " WITH (fillfactor = 70);"
    "CREATE TABLE totals_%1$zu (region integer, category smallint, status smallint, projects bigint NOT NULL,"
    " contract_value bigint NOT NULL, participants bigint NOT NULL, migrants bigint NOT NULL,"
    " PRIMARY KEY (region, category, status)) WITH (fillfactor = 30);";

/* The part `was` sees the projects as they were before the statement. */
static const char batch_statement[] =
    "WITH batch AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[],"
    "  $5::smallint[], $6::smallint[], $7::text[])"
    "  AS row (contract_value, participants, migrants, region, category, status, code) ORDER BY code COLLATE \"C\"),"
    " was AS (SELECT project.* FROM batch JOIN project_%1$zu AS project USING (code)),"
    " written AS (INSERT INTO project_%1$zu SELECT * FROM batch ON CONFLICT (code) DO UPDATE SET"
    "  contract_value = excluded.contract_value, participants = excluded.participants, migrants = excluded.migrants,"
    "  region = excluded.region, category = excluded.category, status = excluded.status)"
    " INSERT INTO totals_%1$zu AS totals"
    " SELECT region, category, status, sum(sign), sum(sign * contract_value), sum(sign * participants),"
    "  sum(sign * migrants) FROM ("
    "  SELECT 1 AS sign, region, category, status, contract_value, participants, migrants FROM batch UNION ALL"
    "  SELECT -1, region, category, status, contract_value, participants, migrants FROM was) AS change"
    " GROUP BY region, category, status"
    " ON CONFLICT (region, category, status) DO UPDATE SET projects = totals.projects + excluded.projects,"
    "  contract_value = totals.contract_value + excluded.contract_value,"
    "  participants = totals.participants + excluded.participants, migrants = totals.migrants + excluded.migrants";

static const char totals_question[] =
    "SELECT region, category, status, projects, contract_value, participants, migrants FROM totals_%zu";
static const char recount_question[] =
    "SELECT region, category, status, count(*), sum(contract_value), sum(participants), sum(migrants) FROM project_%zu"
    " GROUP BY region, category, status";

/* Frees the result. Prints why it is not the wanted one. */
static bool is_done(PGconn *session, PGresult *result, ExecStatusType wanted) {
    bool done = PQresultStatus(result) == wanted;
    if (!done) {
        fprintf(stderr, "bench_postgresql: %s\n", PQerrorMessage(session));
    }
    PQclear(result);
    return done;
}

static void close_connection(void *context) {
    struct connection *connection = context;
    PQfinish(connection->session);
    free(connection->arrays);
    free(connection);
}

/* Of one row in all arrays, and of what stands before each array. */
enum { ROW_BYTES_MAX = COLUMNS * 4 + 8 + 3 * 4 + 2 * 2 + WORKLOAD_CODE_BYTES, ARRAY_HEAD_BYTES = 5 * 4 };

static void *open_connection(void *context, size_t number) {
    const struct contender *contender = context;
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    char tables[STATEMENT_BYTES];
    char batch[STATEMENT_BYTES];
    snprintf(tables, sizeof tables, tables_statement, number);
    snprintf(batch, sizeof batch, batch_statement, number);
    connection->arrays = malloc(contender->rows_max * ROW_BYTES_MAX + COLUMNS * ARRAY_HEAD_BYTES);
    connection->session = PQconnectdb(contender->address);
    if (connection->arrays == NULL ||
        !is_done(connection->session, PQexec(connection->session, tables), PGRES_COMMAND_OK) ||
        !is_done(connection->session, PQprepare(connection->session, "batch", batch, 0, NULL), PGRES_COMMAND_OK)) {
        close_connection(connection);
        return NULL;
    }
    return connection;
}

static unsigned char *put_16(unsigned char *to, uint16_t value) {
    uint16_t big = htobe16(value);
    memcpy(to, &big, sizeof big);
    return to + sizeof big;
}

static unsigned char *put_32(unsigned char *to, uint32_t value) {
    uint32_t big = htobe32(value);
    memcpy(to, &big, sizeof big);
    return to + sizeof big;
}

static unsigned char *put_64(unsigned char *to, uint64_t value) {
    uint64_t big = htobe64(value);
    memcpy(to, &big, sizeof big);
    return to + sizeof big;
}

static unsigned char *put_code(unsigned char *to, const char *text) {
    size_t bytes = strnlen(text, WORKLOAD_CODE_BYTES);
    to = put_32(to, (uint32_t)bytes);
    memcpy(to, text, bytes);
    return to + bytes;
}

/* In the order of the table's columns. */
static unsigned char *put_element(unsigned char *to, const struct tally_project *row, int column) {
    switch (column) {
    case 0:
        return put_64(put_32(to, 8), (uint64_t)row->contract_value);
    case 1:
        return put_32(put_32(to, 4), (uint32_t)row->participants);
    case 2:
        return put_32(put_32(to, 4), (uint32_t)row->migrant_participants);
    case 3:
        return put_32(put_32(to, 4), row->region);
    case 4:
        return put_16(put_32(to, 2), (uint16_t)row->category);
    case 5:
        return put_16(put_32(to, 2), (uint16_t)row->status);
    default:
        return put_code(to, row->code);
    }
}

/* One array in PostgreSQL's binary form: dimensions, no NULLs, type, length, first index; the elements. */
static unsigned char *put_array(unsigned char *to, const struct tally_project *rows, size_t count, int column) {
    static const uint32_t types[COLUMNS] = {TYPE_BIGINT,   TYPE_INTEGER,  TYPE_INTEGER, TYPE_INTEGER,
                                            TYPE_SMALLINT, TYPE_SMALLINT, TYPE_TEXT};
    to = put_32(put_32(put_32(put_32(put_32(to, 1), 0), types[column]), (uint32_t)count), 1);
    for (size_t i = 0; i < count; i++) {
        to = put_element(to, &rows[i], column);
    }
    return to;
}

static bool submit(void *context, const struct tally_project *rows, size_t count) {
    struct connection *connection = context;
    const char *values[COLUMNS];
    int lengths[COLUMNS];
    int formats[COLUMNS];
    unsigned char *end = connection->arrays;
    for (int i = 0; i < COLUMNS; i++) {
        unsigned char *start = end;
        end = put_array(start, rows, count, i);
        values[i] = (const char *)start;
        lengths[i] = (int)(end - start);
        formats[i] = 1;
    }
    bool sent = PQsendQueryPrepared(connection->session, "batch", COLUMNS, values, lengths, formats, 1) == 1;
    if (!sent) {
        fprintf(stderr, "bench_postgresql: %s\n", PQerrorMessage(connection->session));
    }
    return sent;
}

static bool await_commit(void *context) {
    struct connection *connection = context;
    bool committed = true;
    PGresult *result;
    while ((result = PQgetResult(connection->session)) != NULL) {
        committed &= is_done(connection->session, result, PGRES_COMMAND_OK);
    }
    return committed;
}

static bool read_cells(PGconn *session, const char *question_format, size_t number, struct cells *cells) {
    char question[STATEMENT_BYTES];
    snprintf(question, sizeof question, question_format, number);
    PGresult *result = PQexec(session, question);
    bool fine = PQresultStatus(result) == PGRES_TUPLES_OK;
    for (int i = 0; fine && i < PQntuples(result); i++) {
        int64_t values[COLUMNS];
        for (int column = 0; column < COLUMNS; column++) {
            values[column] = strtoll(PQgetvalue(result, i, column), NULL, 10);
        }
        struct cell cell = {(uint32_t)values[0], (uint32_t)values[1], (uint32_t)values[2]};
        struct figures figures = {values[3], values[4], values[5], values[6]};
        fine = cells_add(cells, &cell, &figures);
    }
    if (!fine) {
        fprintf(stderr, "bench_postgresql: %s\n", PQerrorMessage(session));
    }
    PQclear(result);
    return fine;
}

static bool read_back(void *context, size_t connections, struct cells *totals, struct cells *recount) {
    const struct contender *contender = context;
    PGconn *session = PQconnectdb(contender->address);
    bool fine = true;
    for (size_t i = 0; fine && i < connections; i++) {
        fine = read_cells(session, totals_question, i, totals) && read_cells(session, recount_question, i, recount);
    }
    PQfinish(session);
    return fine;
}

static bool write_settings(const char *directory) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/data/postgresql.conf", directory);
    FILE *file = fopen(path, "a");
    if (file == NULL) {
        perror(path);
        return false;
    }
    fprintf(file, "%sunix_socket_directories = '%s'\n", server_settings, directory);
    return fclose(file) == 0;
}

static bool start(struct server *server, const struct settings *settings, const char *address) {
    char initdb[PATH_BYTES];
    char postgres[PATH_BYTES];
    char data[PATH_BYTES];
    snprintf(initdb, sizeof initdb, "%s/initdb", settings->programs);
    snprintf(postgres, sizeof postgres, "%s/postgres", settings->programs);
    snprintf(data, sizeof data, "%s/data", server->directory);
    char *initdb_arguments[] = {initdb, "-D", data, "-U", "bench", "--no-locale", "-E", "UTF8", "-A", "trust", NULL};
    char *postgres_arguments[] = {postgres, "-D", data, NULL};
    if (!server_run(server, initdb_arguments) || !write_settings(server->directory) ||
        !server_start(server, postgres_arguments)) {
        return false;
    }
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
    for (int looks = 0; looks < START_LOOKS_MAX && server_runs(server); looks++) {
        if (PQping(address) == PQPING_OK) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    fprintf(stderr, "bench_postgresql: does not answer; see %s\n", server->log);
    return false;
}

int main(int argc, char **argv) {
    struct settings settings = {.peer = PEER_DEFAULTS("postgresql", 32768, 1), .programs = BENCH_POSTGRESQL};
    const struct argument table[] = {
        {"programs", "DIR", "where initdb and postgres are", ARGUMENT_TEXT, &settings.programs, 0, 0},
        PEER_ARGUMENTS(&settings.peer)};
    int status = arguments_read(argc, argv, "Measure how fast PostgreSQL takes in the same updates, durably.", table,
                                sizeof table / sizeof table[0]);
    if (status >= 0) {
        return status;
    }
    struct server server = {.user = "postgres"};
    struct contender contender = {.rows_max = settings.peer.rows};
    struct peer peer = {.name = "postgresql",
                        .context = &contender,
                        .server = &server,
                        .connect = open_connection,
                        .disconnect = close_connection,
                        .submit = submit,
                        .await = await_commit,
                        .read_back = read_back};
    if (!server_prepare(&server, settings.peer.directory)) {
        return EXIT_FAILURE;
    }
    snprintf(contender.address, sizeof contender.address, "host=%s user=bench dbname=postgres", server.directory);
    bool fine = start(&server, &settings, contender.address) && peer_run(&peer, &settings.peer);
    fine = server_stop(&server, SIGINT) && fine;
    if (!settings.peer.keep) {
        server_remove(&server);
    }
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
