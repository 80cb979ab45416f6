#include "daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <tally/tally.h>
#include <time.h>
#include <unistd.h>

#include "bench/folder.h"
#include "bench/pause.h"

enum { LOOK_MS = 10, STOP_TIMEOUT_MS = 120000, STORE_LOOK_MS = 100, STORE_TIMEOUT_MS = 1800000 };

/* Only what a run makes: a folder that was given by mistake must not lose what is in it. */
static void remove_content(const char *directory) {
    static const char *const names[] = {"data", "competitions", "tallyd.conf", "tallyd.log", "audit.tsv", "totals"};
    char path[BENCH_PATH_BYTES * 2];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        folder_remove(path);
    }
}

static FILE *open_in(const struct daemon *daemon, const char *name) {
    char path[BENCH_PATH_BYTES * 2];
    snprintf(path, sizeof path, "%s/%s", daemon->directory, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
    }
    return file;
}

static bool write_config(const struct daemon *daemon, const struct daemon_options *options) {
    FILE *file = open_in(daemon, "tallyd.conf");
    if (file == NULL) {
        return false;
    }
    fprintf(file,
            "data-directory = \"data\"\n"
            "competitions-directory = \"competitions\"\n"
            "ingest-endpoint = \"%s\"\ntotals-endpoint = \"%s\"\nquery-endpoint = \"%s\"\n"
            "projects-max = %llu\n",
            daemon->ingest, daemon->totals, daemon->query, (unsigned long long)options->projects_max);
    for (size_t i = 0; i < options->nodes; i++) {
        fprintf(file,
                "node node-%04zu { title-zh = \"测试 %zu\" title-en = \"Bench %zu\" "
                "regions = {\"31\", \"32\", \"33\", \"34\"} }\n",
                i, i, i);
    }
    return fclose(file) == 0;
}

static bool write_competition(const struct daemon *daemon) {
    char path[BENCH_PATH_BYTES * 2];
    snprintf(path, sizeof path, "%s/competitions", daemon->directory);
    mkdir(path, 0755);
    FILE *file = open_in(daemon, "competitions/" BENCH_COMPETITION ".conf");
    if (file == NULL) {
        return false;
    }
    fputs("key = \"" BENCH_COMPETITION "\"\n"
          "title-zh = \"压力测试\"\ntitle-en = \"Benchmark\"\nplace-zh = \"测试地区\"\nplace-en = \"the benchmark\"\n"
          "first-day = \"2021-04-01\"\nlast-day = \"2035-12-31\"\n"
          "regions = {\"31\", \"32\", \"33\", \"34\"}\n"
          "category one { code = 0 zh = \"一\" en = \"One\" }\n"
          "category two { code = 1 zh = \"二\" en = \"Two\" }\n"
          "category three { code = 2 zh = \"三\" en = \"Three\" }\n"
          "status declared { code = 0 zh = \"申报\" en = \"declared\" counts = false }\n"
          "status enrolled { code = 1 zh = \"已报名\" en = \"enrolled\" counts = true }\n"
          "status under-way { code = 2 zh = \"进行中\" en = \"under way\" counts = true }\n"
          "status completed { code = 3 zh = \"已完成\" en = \"completed\" counts = true }\n",
          file);
    return fclose(file) == 0;
}

/* A socket in the folder, which is there already. */
static bool name_socket(const struct daemon *daemon, char *endpoint) {
    char folder[PATH_MAX];
    int bytes = -1;
    if (realpath(daemon->directory, folder) != NULL) {
        bytes = snprintf(endpoint, BENCH_ENDPOINT_BYTES, "ipc://%s/totals", folder);
    }
    if (bytes < 0 || (size_t)bytes >= strlen("ipc://") + sizeof((struct sockaddr_un *)NULL)->sun_path) {
        fprintf(stderr, "bench: %s: too long a path for a socket in it; choose a shorter one, or --transport=tcp\n",
                daemon->directory);
        return false;
    }
    return true;
}

static bool name_endpoints(struct daemon *daemon, const struct daemon_options *options) {
    snprintf(daemon->ingest, sizeof daemon->ingest, "tcp://127.0.0.1:%u", options->port);
    snprintf(daemon->totals, sizeof daemon->totals, "tcp://127.0.0.1:%u", options->port + 1u);
    snprintf(daemon->query, sizeof daemon->query, "tcp://127.0.0.1:%u", options->port + 2u);
    return options->totals_transport == TRANSPORT_TCP || name_socket(daemon, daemon->totals);
}

static bool prepare(struct daemon *daemon, const struct daemon_options *options) {
    snprintf(daemon->directory, sizeof daemon->directory, "%s", options->directory);
    if (mkdir(daemon->directory, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "bench: %s: %s\n", daemon->directory, strerror(errno));
        return false;
    }
    if (options->fresh) {
        remove_content(daemon->directory);
    }
    char data[BENCH_PATH_BYTES + 8];
    snprintf(data, sizeof data, "%s/data", daemon->directory);
    mkdir(data, 0700);
    return name_endpoints(daemon, options) && write_config(daemon, options) && write_competition(daemon);
}

/* What the program prints goes to a file, appended if it is a log. It ends with its parent, so that nothing is left running
 * when a benchmark is killed. */
static pid_t spawn(const struct daemon *daemon, const char *mode, int stream, const char *name) {
    char config[BENCH_PATH_BYTES * 2];
    char path[BENCH_PATH_BYTES * 2];
    snprintf(config, sizeof config, "--config=%s/tallyd.conf", daemon->directory);
    snprintf(path, sizeof path, "%s/%s", daemon->directory, name);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL); /* the benchmark has some blocked */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (getppid() == parent && file >= 0 && dup2(file, stream) >= 0) {
            close(file);
            execl(daemon->program, daemon->program, config, mode, (char *)NULL);
        }
        _exit(127);
    }
    return pid;
}

/* Whether something listens on a port of loopback. */
static bool listens(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = peer >= 0 && connect(peer, (struct sockaddr *)&address, sizeof address) == 0;
    if (peer >= 0) {
        close(peer);
    }
    return connected;
}

bool contender_read(const char *name, enum contender *contender) {
    bool floor = strcmp(name, "floor") == 0;
    *contender = floor ? CONTENDER_FLOOR : CONTENDER_TALLYD;
    return floor || strcmp(name, "tallyd") == 0;
}

bool transport_read(const char *name, enum transport *transport) {
    bool ipc = strcmp(name, "ipc") == 0;
    *transport = ipc ? TRANSPORT_IPC : TRANSPORT_TCP;
    if (!ipc && strcmp(name, "tcp") != 0) {
        fprintf(stderr, "bench: --transport=%s: must be ipc or tcp\n", name);
        return false;
    }
    return true;
}

bool daemon_launch(struct daemon *daemon, const struct daemon_options *options) {
    *daemon = (struct daemon){.contender = options->contender, .program = options->program, .port = options->port};
    if (!prepare(daemon, options)) {
        return false;
    }
    daemon->pid = spawn(daemon, NULL, STDERR_FILENO, "tallyd.log");
    return daemon->pid > 0;
}

bool daemon_wait(struct daemon *daemon, int timeout_ms) {
    for (int waited_ms = 0; waited_ms < timeout_ms; waited_ms += LOOK_MS) {
        if (!daemon_runs(daemon)) {
            return false;
        }
        if (listens(daemon->port)) {
            return true;
        }
        pause_ms(LOOK_MS);
    }
    fprintf(stderr, "bench: %s does not take connections; see %s/tallyd.log\n", daemon->program, daemon->directory);
    daemon_stop(daemon);
    return false;
}

bool daemon_start(struct daemon *daemon, const struct daemon_options *options, int timeout_ms) {
    return daemon_launch(daemon, options) && daemon_wait(daemon, timeout_ms);
}

bool daemon_runs(struct daemon *daemon) {
    if (daemon->pid > 0 && waitpid(daemon->pid, NULL, WNOHANG) == 0) {
        return true;
    }
    fprintf(stderr, "bench: %s ended; see %s/tallyd.log\n", daemon->program, daemon->directory);
    daemon->pid = 0;
    return false;
}

double daemon_cpu_seconds(const struct daemon *daemon) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)daemon->pid);
    FILE *file = fopen(path, "r");
    unsigned long user = 0;
    unsigned long system = 0;
    if (file != NULL) {
        if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
            user = system = 0;
        }
        fclose(file);
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

uint64_t daemon_resident_bytes(const struct daemon *daemon) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/statm", (int)daemon->pid);
    FILE *file = fopen(path, "r");
    unsigned long pages = 0;
    if (file != NULL) {
        if (fscanf(file, "%*u %lu", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t daemon_own_bytes(const struct daemon *daemon) {
    char path[64];
    char line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->pid);
    FILE *file = fopen(path, "r");
    uint64_t kib = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL && sscanf(line, "RssAnon: %" SCNu64, &kib) != 1) {
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib * 1024;
}

bool daemon_wait_until_stored(const struct daemon *daemon) {
    uint64_t taken;
    uint64_t stored;
    for (int waited_ms = 0; waited_ms < STORE_TIMEOUT_MS; waited_ms += STORE_LOOK_MS) {
        if (!daemon_counter(daemon, "journal_entries", &taken) || !daemon_counter(daemon, "archive_entries", &stored)) {
            return false;
        }
        if (stored == taken) {
            return true;
        }
        pause_ms(STORE_LOOK_MS);
    }
    fputs("bench: the archive does not come to its end\n", stderr);
    return false;
}

int daemon_stop(struct daemon *daemon) {
    if (daemon->pid <= 0) {
        return -1;
    }
    kill(daemon->pid, SIGTERM);
    int status = 0;
    for (int waited_ms = 0; waited_ms < STOP_TIMEOUT_MS; waited_ms += LOOK_MS) {
        if (waitpid(daemon->pid, &status, WNOHANG) == daemon->pid) {
            daemon->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        pause_ms(LOOK_MS);
    }
    daemon_kill(daemon);
    return -1;
}

void daemon_kill(struct daemon *daemon) {
    if (daemon->pid > 0) {
        kill(daemon->pid, SIGKILL);
        waitpid(daemon->pid, NULL, 0);
        daemon->pid = 0;
    }
}

bool daemon_verify(const struct daemon *daemon) {
    struct tally_query_options options = {.endpoint = daemon->query};
    struct tally_query *query;
    if (tally_query_open(&options, &query, NULL) != TALLY_OK) {
        return false;
    }
    bool equal = false;
    bool running = true;
    for (bool start = true; running; start = false) {
        struct tally_verification_answer *answer;
        if (tally_query_verify(query, start, &answer) != TALLY_OK) {
            fprintf(stderr, "bench: verify: %s\n", tally_query_message(query));
            break;
        }
        running = strcmp(answer->state, "running") == 0;
        equal = strcmp(answer->state, "equal") == 0;
        if (!running) {
            fprintf(stderr, "verify: %s: %s\n", answer->state, answer->text);
        }
        tally_answer_free(answer);
        pause_ms(running ? 100 : 0);
    }
    tally_query_close(&query);
    return equal;
}

bool daemon_counter(const struct daemon *daemon, const char *name, uint64_t *value) {
    struct tally_query_options options = {.endpoint = daemon->query};
    struct tally_query *query;
    struct tally_status_answer *status = NULL;
    bool found = false;
    if (daemon->contender != CONTENDER_TALLYD || tally_query_open(&options, &query, NULL) != TALLY_OK) {
        return false;
    }
    if (tally_query_status(query, &status) == TALLY_OK) {
        for (size_t i = 0; i < status->counter_count && !found; i++) {
            found = strcmp(status->counters[i].name, name) == 0;
            *value = found ? status->counters[i].value : *value;
        }
    }
    tally_answer_free(status);
    tally_query_close(&query);
    return found;
}

/* The rows that tallyd says it has accepted since it started, of all nodes. */
static bool count_accepted(const struct daemon *daemon, uint64_t *rows) {
    struct tally_query_options options = {.endpoint = daemon->query};
    struct tally_query *query;
    struct tally_nodes_answer *nodes = NULL;
    if (tally_query_open(&options, &query, NULL) != TALLY_OK) {
        return false;
    }
    bool answered = tally_query_nodes(query, &nodes) == TALLY_OK;
    *rows = 0;
    for (size_t i = 0; answered && i < nodes->count; i++) {
        *rows += nodes->nodes[i].rows_accepted;
    }
    tally_answer_free(nodes);
    tally_query_close(&query);
    return answered;
}

/* The rows that the stopped floor's journal holds. */
static bool count_journalled(const struct daemon *daemon, uint64_t *rows) {
    char path[BENCH_PATH_BYTES * 2];
    int status = -1;
    uint64_t entries = 0;
    snprintf(path, sizeof path, "%s/audit.tsv", daemon->directory);
    unlink(path);
    pid_t pid = spawn(daemon, "--audit", STDOUT_FILENO, "audit.tsv");
    if (pid <= 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return false;
    }
    FILE *file = fopen(path, "r");
    bool read = file != NULL && fscanf(file, "entries %" SCNu64 " rows %" SCNu64, &entries, rows) == 2;
    if (file != NULL) {
        fclose(file);
    }
    fprintf(stderr, "verify: the journal's chain holds: %" PRIu64 " entries\n", entries);
    return read;
}

bool daemon_finish(struct daemon *daemon, uint64_t rows) {
    uint64_t found = 0;
    bool floor = daemon->contender == CONTENDER_FLOOR;
    bool verified = floor || (daemon_verify(daemon) && count_accepted(daemon, &found));
    bool ended = daemon_stop(daemon) == 0;
    verified = verified && (!floor || count_journalled(daemon, &found));
    fprintf(stderr, "verify: %" PRIu64 " rows acknowledged, %" PRIu64 " found, %s\n", rows, found,
            ended ? "ended well" : "ended badly");
    return verified && ended && found == rows;
}

void daemon_remove(const struct daemon *daemon) {
    remove_content(daemon->directory);
    rmdir(daemon->directory); /* stays if there is something else in it */
}
