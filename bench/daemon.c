#include "daemon.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tally/tally.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 20, STOP_TIMEOUT_MS = 120000 };

static void pause_ms(long ms) {
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    return place->level > 0 ? remove(path) : 0;
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

static bool prepare(struct daemon *daemon, const struct daemon_options *options) {
    snprintf(daemon->directory, sizeof daemon->directory, "%s", options->directory);
    snprintf(daemon->ingest, sizeof daemon->ingest, "tcp://127.0.0.1:%u", options->port);
    snprintf(daemon->totals, sizeof daemon->totals, "tcp://127.0.0.1:%u", options->port + 1u);
    snprintf(daemon->query, sizeof daemon->query, "tcp://127.0.0.1:%u", options->port + 2u);
    if (mkdir(daemon->directory, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "bench: %s: %s\n", daemon->directory, strerror(errno));
        return false;
    }
    if (options->fresh) {
        nftw(daemon->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    char data[BENCH_PATH_BYTES + 8];
    snprintf(data, sizeof data, "%s/data", daemon->directory);
    mkdir(data, 0700);
    return write_config(daemon, options) && write_competition(daemon);
}

static bool spawn(struct daemon *daemon, const char *program) {
    char config[BENCH_PATH_BYTES * 2];
    char log[BENCH_PATH_BYTES * 2];
    snprintf(config, sizeof config, "%s/tallyd.conf", daemon->directory);
    snprintf(log, sizeof log, "%s/tallyd.log", daemon->directory);
    daemon->pid = fork();
    if (daemon->pid == 0) {
        if (freopen(log, "a", stderr) != NULL) {
            execl(program, program, "--config", config, (char *)NULL);
        }
        _exit(127);
    }
    return daemon->pid > 0;
}

static bool answers(const struct daemon *daemon, int timeout_ms) {
    struct tally_query_options options = {.endpoint = daemon->query, .timeout_ms = timeout_ms};
    struct tally_query *query;
    struct tally_status_answer *status = NULL;
    if (tally_query_open(&options, &query, NULL) != TALLY_OK) {
        return false;
    }
    bool answered = tally_query_status(query, &status) == TALLY_OK;
    tally_answer_free(status);
    tally_query_close(&query);
    return answered;
}

bool daemon_start(struct daemon *daemon, const struct daemon_options *options, int timeout_ms) {
    *daemon = (struct daemon){0};
    if (!prepare(daemon, options) || !spawn(daemon, options->program)) {
        return false;
    }
    for (int waited_ms = 0; waited_ms < timeout_ms; waited_ms += LOOK_MS) {
        if (waitpid(daemon->pid, NULL, WNOHANG) != 0) {
            fprintf(stderr, "bench: %s ended; see %s/tallyd.log\n", options->program, daemon->directory);
            daemon->pid = 0;
            return false;
        }
        if (answers(daemon, LOOK_MS)) {
            return true;
        }
    }
    fprintf(stderr, "bench: %s does not answer; see %s/tallyd.log\n", options->program, daemon->directory);
    daemon_stop(daemon);
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
    kill(daemon->pid, SIGKILL);
    waitpid(daemon->pid, &status, 0);
    daemon->pid = 0;
    return -1;
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
