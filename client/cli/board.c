#include "board.h"

#include <inttypes.h>
#include <string.h>

#include "client/cli/sentence.h"
#include "client/cli/terminal.h"
#include "proto/money.h"

/* Columns of the screen, in order; each with the least width of the terminal at which it is shown. */
enum column {
    COLUMN_RANK,
    COLUMN_NAME,
    COLUMN_PROJECTS,
    COLUMN_VALUE,
    COLUMN_PARTICIPANTS,
    COLUMN_MIGRANTS,
    COLUMN_CHANGE,
    COLUMN_COUNT
};

static const struct {
    const char *en;
    const char *zh;
    int width;
    int columns_min;
    bool right;
} layout[COLUMN_COUNT] = {
    [COLUMN_RANK] = {"#", "#", 3, 0, true},
    [COLUMN_NAME] = {"region", "地区", 12, 0, false},
    [COLUMN_PROJECTS] = {"projects", "项目数", 8, 0, true},
    [COLUMN_VALUE] = {"value in yuan", "合同总造价", 15, 0, true},
    [COLUMN_PARTICIPANTS] = {"participants", "参与人数", 12, 56, true},
    [COLUMN_MIGRANTS] = {"migrants", "其中农民工", 11, 84, true},
    [COLUMN_CHANGE] = {"change", "变化", 16, 72, true},
};

enum { GAP = 1, BAR_MAX = 40, BAR_MIN = 6, FRAME_LINES = 4, NAME_WIDE = 22, NAME_WIDE_MIN = 112 };

#define STYLE_BOLD "\033[1m"
#define STYLE_DIM "\033[2m"
#define STYLE_RED "\033[31m"
#define STYLE_GREEN "\033[32m"
#define STYLE_BAR "\033[36m"
#define STYLE_END "\033[0m"

enum board_measure board_measure_of_name(const char *name) {
    return strcmp(name, "projects") == 0       ? BOARD_PROJECTS
           : strcmp(name, "participants") == 0 ? BOARD_PARTICIPANTS
                                               : BOARD_VALUE;
}

static int64_t measure_of(const struct tally_totals *totals, enum board_measure measure) {
    switch (measure) {
    case BOARD_PROJECTS:
        return (int64_t)totals->projects;
    case BOARD_PARTICIPANTS:
        return totals->participants;
    default:
        return totals->contract_value;
    }
}

void board_rank(struct board_row *rows, size_t count, enum board_measure measure) {
    for (size_t i = 1; i < count; i++) {
        struct board_row row = rows[i];
        size_t at = i;
        while (at > 0 && measure_of(&rows[at - 1].now, measure) < measure_of(&row.now, measure)) {
            rows[at] = rows[at - 1];
            at--;
        }
        rows[at] = row;
    }
}

static const char *style(const struct board *board, const char *sequence) {
    return board->color ? sequence : "";
}

static void end_line(FILE *out, const struct board *board) {
    fputs(board->clear_lines ? "\033[K\n" : "\n", out);
}

/* Money as people say it; in English without "yuan", which the heading says for all. */
static const char *money_text(const struct board *board, int64_t fen, char *buffer) {
    if (board->language == LANGUAGE_ZH) {
        return money_format_zh(fen, buffer);
    }
    char *unit = strstr(money_format_en(fen, buffer), " yuan");
    if (unit != NULL) {
        *unit = '\0';
    }
    return buffer;
}

/* The change of the measure since the start, signed; "" for none. */
static const char *change_text(const struct board *board, const struct board_row *row, char *buffer, size_t size) {
    int64_t change = measure_of(&row->now, board->measure) - measure_of(&row->start, board->measure);
    char text[MONEY_TEXT_BYTES];
    if (change == 0) {
        return "";
    }
    snprintf(buffer, size, "%s%s", change > 0 ? "+" : "",
             board->measure == BOARD_VALUE ? money_text(board, change, text) : terminal_number(change, text));
    return buffer;
}

/* Writes the cell of a column. */
static const char *cell_text(const struct board *board, const struct board_row *row, size_t rank, enum column column,
                             char *buffer, size_t size) {
    switch (column) {
    case COLUMN_RANK:
        if (rank == 0) {
            return "";
        }
        snprintf(buffer, size, "%zu", rank);
        return buffer;
    case COLUMN_NAME:
        return row->name;
    case COLUMN_PROJECTS:
        return terminal_number((int64_t)row->now.projects, buffer);
    case COLUMN_VALUE:
        return money_text(board, row->now.contract_value, buffer);
    case COLUMN_PARTICIPANTS:
        return terminal_number(row->now.participants, buffer);
    case COLUMN_MIGRANTS:
        return terminal_number(row->now.migrant_participants, buffer);
    default:
        return change_text(board, row, buffer, size);
    }
}

/* Columns that a column takes; names get more where there is room. 0 = it is left out. */
static int width_of(const struct board *board, enum column column) {
    if (board->columns < layout[column].columns_min) {
        return 0;
    }
    return column == COLUMN_NAME && board->columns >= NAME_WIDE_MIN ? NAME_WIDE : layout[column].width;
}

/* What the columns leave for bars. */
static int bar_room(const struct board *board) {
    int used = 0;
    for (enum column column = 0; column < COLUMN_COUNT; column++) {
        int width = width_of(board, column);
        used += width > 0 ? width + GAP : 0;
    }
    int room = board->columns - used - 1;
    return room < BAR_MIN ? 0 : room > BAR_MAX ? BAR_MAX : room;
}

static void print_bar(FILE *out, const struct board *board, int64_t value, int64_t most) {
    int room = bar_room(board);
    int length = most > 0 && value > 0 && value <= most ? (int)((double)value / (double)most * room + 0.5) : 0;
    fputs(style(board, STYLE_BAR), out);
    for (int i = 0; i < length; i++) {
        fputs("█", out);
    }
    fputs(style(board, STYLE_END), out);
}

static void print_cells(FILE *out, const struct board *board, const struct board_row *row, size_t rank) {
    for (enum column column = 0; column < COLUMN_COUNT; column++) {
        int width = width_of(board, column);
        if (width == 0) {
            continue;
        }
        char buffer[64];
        const char *text = row != NULL ? cell_text(board, row, rank, column, buffer, sizeof buffer)
                                       : language_pick(board->language, layout[column].en, layout[column].zh);
        bool green = column == COLUMN_CHANGE && row != NULL && text[0] == '+';
        fputs(green ? style(board, STYLE_GREEN) : "", out);
        terminal_print_padded(out, text, width, layout[column].right);
        fputs(green ? style(board, STYLE_END) : "", out);
        fputc(' ', out);
    }
}

static void print_title(FILE *out, const struct board *board) {
    char freshness[64];
    int64_t seconds = board->age_ms / 1000;
    bool zh = board->language == LANGUAGE_ZH;
    if (board->age_ms < 0) {
        snprintf(freshness, sizeof freshness, "%s", zh ? "等待数据" : "waiting for the daemon");
    } else if (board->fresh) {
        snprintf(freshness, sizeof freshness,
                 zh ? "实时,%" PRId64 ".%" PRId64 " 秒前" : "live, %" PRId64 ".%" PRId64 " s ago", seconds,
                 board->age_ms % 1000 / 100);
    } else {
        snprintf(freshness, sizeof freshness, zh ? "过期:%" PRId64 " 秒无数据" : "STALE: nothing for %" PRId64 " s",
                 seconds);
    }
    fprintf(out, "%s%s%s  %s %" PRIu64 "  %s%s%s", style(board, STYLE_BOLD), board->title, style(board, STYLE_END),
            zh ? "版本" : "version", board->version, board->fresh ? style(board, STYLE_GREEN) : style(board, STYLE_RED),
            freshness, style(board, STYLE_END));
    end_line(out, board);
}

int board_print(FILE *out, const struct board *board) {
    size_t room = board->lines > FRAME_LINES ? (size_t)(board->lines - FRAME_LINES) : 1;
    size_t shown = board->count < room ? board->count : room;
    int64_t most = board->count > 0 ? measure_of(&board->rows[0].now, board->measure) : 0;
    print_title(out, board);
    fputs(style(board, STYLE_DIM), out);
    print_cells(out, board, NULL, 0);
    fputs(style(board, STYLE_END), out);
    end_line(out, board);
    for (size_t i = 0; i < shown; i++) {
        print_cells(out, board, &board->rows[i], i + 1);
        print_bar(out, board, measure_of(&board->rows[i].now, board->measure), most);
        end_line(out, board);
    }
    int lines = (int)shown + 2;
    if (board->sum != NULL) {
        fputs(style(board, STYLE_BOLD), out);
        print_cells(out, board, board->sum, 0);
        fputs(style(board, STYLE_END), out);
        end_line(out, board);
        lines++;
    }
    if (shown < board->count) {
        fprintf(out, language_pick(board->language, "%zu more", "另有 %zu 个"), board->count - shown);
        end_line(out, board);
        lines++;
    }
    return lines;
}
