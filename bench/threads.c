#include "bench/threads.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 320, LINE_BYTES = 1024 };

/* One line of a file of /proc; false if the thread has ended. */
static bool read_line(pid_t process, const char *thread, const char *file, char line[LINE_BYTES]) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/%d/task/%s/%s", (int)process, thread, file);
    FILE *opened = fopen(path, "r");
    if (opened == NULL) {
        return false;
    }
    bool read = fgets(line, LINE_BYTES, opened) != NULL;
    fclose(opened);
    return read;
}

static void read_name(char name[THREAD_NAME_BYTES], const char *line) {
    size_t size = strcspn(line, "\n");
    size = size < THREAD_NAME_BYTES - 1 ? size : THREAD_NAME_BYTES - 1;
    for (size_t i = 0; i < size; i++) {
        name[i] = (char)(isalnum((unsigned char)line[i]) ? tolower((unsigned char)line[i]) : '_');
    }
    name[size] = '\0';
}

/* The thread's times, added to what there is. */
static bool read_times(pid_t process, const char *thread, struct thread_time *time) {
    char line[LINE_BYTES];
    long long cpu_ns;
    long long waited_ns;
    if (!read_line(process, thread, "schedstat", line) || sscanf(line, "%lld %lld", &cpu_ns, &waited_ns) != 2) {
        return false;
    }
    unsigned long long user;
    unsigned long long system;
    const char *rest = read_line(process, thread, "stat", line) ? strrchr(line, ')') : NULL;
    if (rest == NULL || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2) {
        return false;
    }
    time->cpu_ns += cpu_ns;
    time->waited_ns += waited_ns;
    time->user_ticks += user;
    time->system_ticks += system;
    return true;
}

/* The place of a name, made if new; NULL if there is no more room. */
static struct thread_time *find(struct threads *threads, const char *name) {
    for (size_t i = 0; i < threads->count; i++) {
        if (strcmp(threads->list[i].name, name) == 0) {
            return &threads->list[i];
        }
    }
    if (threads->count == THREADS_MAX) {
        return NULL;
    }
    struct thread_time *time = &threads->list[threads->count++];
    *time = (struct thread_time){0};
    memcpy(time->name, name, THREAD_NAME_BYTES);
    return time;
}

bool threads_read(struct threads *threads, pid_t process) {
    char path[PATH_BYTES];
    *threads = (struct threads){0};
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    bool read = tasks != NULL;
    struct dirent *task;
    while (read && (task = readdir(tasks)) != NULL) {
        char line[LINE_BYTES];
        char name[THREAD_NAME_BYTES] = "";
        if (task->d_name[0] == '.' || !read_line(process, task->d_name, "comm", line)) {
            continue;
        }
        read_name(name, line);
        struct thread_time *time = find(threads, name);
        read = time != NULL && read_times(process, task->d_name, time);
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    if (!read) {
        fprintf(stderr, "bench: %s: cannot be read thread by thread\n", path);
    }
    return read;
}

void threads_subtract(struct threads *after, const struct threads *before) {
    struct threads known = *before;
    for (size_t i = 0; i < after->count; i++) {
        struct thread_time *time = &after->list[i];
        const struct thread_time *earlier = find(&known, time->name);
        if (earlier != NULL) {
            time->cpu_ns -= earlier->cpu_ns;
            time->waited_ns -= earlier->waited_ns;
            time->user_ticks -= earlier->user_ticks;
            time->system_ticks -= earlier->system_ticks;
        }
    }
}

int64_t threads_cpu_ns(const struct threads *threads) {
    int64_t sum = 0;
    for (size_t i = 0; i < threads->count; i++) {
        sum += threads->list[i].cpu_ns;
    }
    return sum;
}
