#include "screen.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/terminal.h"

void screen_open(struct screen *screen, FILE *out) {
    *screen = (struct screen){.out = out, .whole = true};
    fputs("\033[?1049h\033[?25l\033[2J", out);
    fflush(out);
}

void screen_open_inline(struct screen *screen, FILE *out) {
    *screen = (struct screen){.out = out};
    fputs("\033[?25l", out);
    fflush(out);
}

void screen_close(struct screen *screen) {
    fputs(screen->whole ? "\033[?25h\033[?1049l" : "\033[?25h", screen->out);
    fflush(screen->out);
}

static struct board_row board_row_of(const struct follower_row *row, const char *name, bool from_zero) {
    return (struct board_row){
        .name = name, .now = row->now, .start = from_zero ? (struct tally_totals){0} : row->start};
}

/* Prints one frame to a stream in memory. Returns its lines. */
static int compose(FILE *frame, const struct screen *screen, const struct screen_view *view,
                   const struct follower *follower, struct board_row *rows, char (*names)[8]) {
    const struct connection *connection = view->connection;
    enum language language = connection->arguments->language;
    size_t count;
    const struct follower_row *known = follower_rows(follower, &count);
    const struct follower_row *sum = follower_sum(follower);
    for (size_t i = 0; i < count; i++) {
        rows[i] =
            board_row_of(&known[i], connection_region_name(connection, known[i].region, names[i]), view->from_zero);
    }
    board_rank(rows, count, view->measure);
    struct board_row sum_row = {.name = ""};
    if (sum != NULL) {
        sum_row = board_row_of(sum, language_pick(language, "total", "合计"), view->from_zero);
    }
    struct tally_watch_state state;
    follower_state(follower, &state);
    struct terminal_size size = terminal_size_of(fileno(screen->out));
    char title[128];
    char name[8];
    snprintf(title, sizeof title, "%s  %s", view->competition, connection_region_name(connection, view->region, name));
    struct board board = {.title = title,
                          .rows = rows,
                          .count = count,
                          .sum = sum != NULL ? &sum_row : NULL,
                          .version = state.version,
                          .fresh = state.connected,
                          .age_ms = state.age_ms,
                          .measure = view->measure,
                          .language = language,
                          .color = view->color,
                          .clear_lines = true,
                          .columns = size.columns,
                          .lines = size.lines - 1};
    return board_print(frame, &board);
}

bool screen_draw(struct screen *screen, const struct screen_view *view, const struct follower *follower) {
    char *bytes = NULL;
    size_t size = 0;
    bool fine = false;
    struct board_row *rows = calloc(FOLLOWER_ROWS_MAX, sizeof *rows);
    char(*names)[8] = calloc(FOLLOWER_ROWS_MAX, sizeof *names);
    FILE *frame = open_memstream(&bytes, &size);
    if (rows == NULL || names == NULL || frame == NULL) {
        goto done;
    }
    if (screen->whole) {
        fputs("\033[H", frame);
    } else if (screen->lines > 0) {
        fprintf(frame, "\033[%dF", screen->lines);
    }
    screen->lines = compose(frame, screen, view, follower, rows, names);
    fputs("\033[J", frame);
done:
    if (frame != NULL && fclose(frame) == 0 && rows != NULL && names != NULL) {
        fine = fwrite(bytes, 1, size, screen->out) == size && fflush(screen->out) == 0;
    }
    free(bytes);
    free(names);
    free(rows);
    return fine;
}
