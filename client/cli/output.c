#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/terminal.h"
#include "proto/day.h"
#include "proto/money.h"

struct output {
    FILE *stream;
    enum output_format format;
    enum output_shape shape;
    enum language language;
    const struct output_column *columns;
    size_t count;
    size_t cells; /* given so far, over all rows */
    char **texts; /* of a table, kept until the widths are known */
    size_t room;
    bool failed;
};

enum { COLUMN_GAP = 2 };

enum output_format output_format_of_name(const char *name) {
    return strcmp(name, "json") == 0 ? OUTPUT_JSON : strcmp(name, "csv") == 0 ? OUTPUT_CSV : OUTPUT_TABLE;
}

static const char *key_suffix(const struct output *output, const struct output_column *column) {
    if (column->kind != OUTPUT_FEN) {
        return "";
    }
    return output->format == OUTPUT_JSON ? "_fen" : "_yuan";
}

static void print_csv_header(struct output *output) {
    for (size_t i = 0; i < output->count; i++) {
        fprintf(output->stream, "%s%s%s", i > 0 ? "," : "", output->columns[i].key,
                key_suffix(output, &output->columns[i]));
    }
    fputs("\r\n", output->stream);
}

struct output *output_create(FILE *stream, enum output_format format, enum output_shape shape, enum language language,
                             const struct output_column *columns, size_t count) {
    struct output *output = calloc(1, sizeof *output);
    if (output == NULL) {
        return NULL;
    }
    *output = (struct output){
        .stream = stream, .format = format, .shape = shape, .language = language, .columns = columns, .count = count};
    if (format == OUTPUT_CSV) {
        print_csv_header(output);
    } else if (format == OUTPUT_JSON && shape == OUTPUT_LIST) {
        fputc('[', stream);
    }
    return output;
}

void output_json_string(FILE *stream, const char *text) {
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        unsigned char character = (unsigned char)*text;
        if (character == '"' || character == '\\') {
            fprintf(stream, "\\%c", character);
        } else if (character < 0x20) {
            fprintf(stream, "\\u%04x", character);
        } else {
            fputc(character, stream);
        }
    }
    fputc('"', stream);
}

void output_csv_cell(FILE *stream, const char *text, char delimiter) {
    char special[] = {delimiter, '"', '\r', '\n', '\0'};
    if (text[strcspn(text, special)] == '\0') {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        fputs(*text == '"' ? "\"" : "", stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

char *output_time_text(int64_t time_ms, char *buffer) {
    char day[DAY_TEXT_BYTES];
    int64_t second = (time_ms / 1000 + 8 * 3600) % (24 * 3600);
    snprintf(buffer, 32, "%sT%02u:%02u:%02u+08:00", day_format(day_of_time(time_ms), day), (unsigned)(second / 3600),
             (unsigned)(second / 60 % 60), (unsigned)(second % 60));
    return buffer;
}

static void keep(struct output *output, const char *text) {
    if (output->cells == output->room) {
        size_t room = output->room == 0 ? 256 : 2 * output->room;
        char **grown = realloc(output->texts, room * sizeof *grown);
        if (grown == NULL) {
            output->failed = true;
            return;
        }
        output->texts = grown;
        output->room = room;
    }
    char *copy = strdup(text);
    output->failed = output->failed || copy == NULL;
    output->texts[output->cells] = copy;
}

/* Writes a cell of JSON or CSV, or keeps it for the table. bare: JSON takes it without quotes. */
static void add(struct output *output, const char *text, bool bare) {
    if (output->failed) {
        return;
    }
    size_t column = output->cells % output->count;
    if (output->format == OUTPUT_TABLE) {
        keep(output, text);
    } else if (output->format == OUTPUT_CSV) {
        fputs(column > 0 ? "," : "", output->stream);
        output_csv_cell(output->stream, text, ',');
        fputs(column + 1 == output->count ? "\r\n" : "", output->stream);
    } else {
        bool list = output->shape == OUTPUT_LIST;
        fputs(column > 0 ? "," : !list ? "{" : output->cells > 0 ? ",\n{" : "\n{", output->stream);
        fprintf(output->stream, "\"%s%s\":", output->columns[column].key, key_suffix(output, &output->columns[column]));
        if (bare) {
            fputs(text, output->stream);
        } else {
            output_json_string(output->stream, text);
        }
        fputs(column + 1 == output->count ? "}" : "", output->stream);
    }
    output->cells++;
}

void output_text(struct output *output, const char *text) {
    if (output != NULL) {
        bool null = text == NULL && output->format == OUTPUT_JSON;
        add(output, null ? "null" : text == NULL ? "" : text, null);
    }
}

static const char *fen_text(const struct output *output, int64_t fen, char *buffer) {
    if (output->format == OUTPUT_JSON) {
        snprintf(buffer, 64, "%" PRId64, fen);
        return buffer;
    }
    if (output->format == OUTPUT_CSV) {
        return money_format_yuan(fen, buffer);
    }
    return output->language == LANGUAGE_ZH ? money_format_zh(fen, buffer) : money_format_en(fen, buffer);
}

static void add_number(struct output *output, enum output_kind kind, int64_t value) {
    char buffer[64];
    if (output->format == OUTPUT_TABLE) {
        add(output, kind == OUTPUT_BYTES ? terminal_bytes((uint64_t)value, buffer) : terminal_number(value, buffer),
            false);
        return;
    }
    snprintf(buffer, sizeof buffer, "%" PRId64, value);
    add(output, buffer, true);
}

static void add_flag(struct output *output, bool value) {
    if (output->format == OUTPUT_TABLE) {
        add(output, value ? language_pick(output->language, "yes", "是") : language_pick(output->language, "no", "否"),
            false);
    } else {
        add(output, value ? "true" : "false", true);
    }
}

void output_value(struct output *output, int64_t value) {
    if (output == NULL) {
        return;
    }
    char buffer[64];
    enum output_kind kind = output->columns[output->cells % output->count].kind;
    switch (kind) {
    case OUTPUT_FEN:
        add(output, fen_text(output, value, buffer), false);
        break;
    case OUTPUT_DAY:
    case OUTPUT_TIME:
        if (value == 0) {
            output_text(output, NULL);
        } else {
            add(output, kind == OUTPUT_DAY ? day_format((day_number_t)value, buffer) : output_time_text(value, buffer),
                false);
        }
        break;
    case OUTPUT_REGION:
        snprintf(buffer, sizeof buffer, "%06u", (unsigned)value);
        add(output, buffer, false);
        break;
    case OUTPUT_FLAG:
        add_flag(output, value != 0);
        break;
    default:
        add_number(output, kind, value);
        break;
    }
}

static const char *heading(const struct output *output, size_t column) {
    return language_pick(output->language, output->columns[column].en, output->columns[column].zh);
}

static bool right_aligned(enum output_kind kind) {
    return kind == OUTPUT_NUMBER || kind == OUTPUT_FEN || kind == OUTPUT_BYTES;
}

static int column_width(const struct output *output, size_t column) {
    int width = terminal_text_width(heading(output, column));
    for (size_t i = column; i < output->cells; i += output->count) {
        int cell = terminal_text_width(output->texts[i]);
        width = cell > width ? cell : width;
    }
    return width;
}

static void print_table_line(const struct output *output, char *const *texts, const int *widths) {
    for (size_t i = 0; i < output->count; i++) {
        const char *text = texts != NULL ? texts[i] : heading(output, i);
        bool right = right_aligned(output->columns[i].kind);
        bool last = i + 1 == output->count;
        terminal_print_padded(output->stream, text, last && !right ? terminal_text_width(text) : widths[i], right);
        fprintf(output->stream, "%*s", last ? 0 : COLUMN_GAP, "");
    }
    fputc('\n', output->stream);
}

static void print_list(const struct output *output) {
    int widths[64];
    for (size_t i = 0; i < output->count && i < 64; i++) {
        widths[i] = column_width(output, i);
    }
    print_table_line(output, NULL, widths);
    for (size_t i = 0; i + output->count <= output->cells; i += output->count) {
        print_table_line(output, output->texts + i, widths);
    }
}

static void print_record(const struct output *output) {
    int width = 0;
    for (size_t i = 0; i < output->count; i++) {
        int title = terminal_text_width(heading(output, i));
        width = title > width ? title : width;
    }
    for (size_t i = 0; i < output->count && i < output->cells; i++) {
        terminal_print_padded(output->stream, heading(output, i), width + COLUMN_GAP, false);
        fprintf(output->stream, "%s\n", output->texts[i]);
    }
}

bool output_finish(struct output **taken) {
    struct output *output = *taken;
    *taken = NULL;
    if (output == NULL) {
        return false;
    }
    if (output->format == OUTPUT_TABLE && !output->failed) {
        (output->shape == OUTPUT_RECORD ? print_record : print_list)(output);
    } else if (output->format == OUTPUT_JSON) {
        fputs(output->shape == OUTPUT_LIST ? "\n]\n" : "\n", output->stream);
    }
    bool fine = !output->failed && ferror(output->stream) == 0;
    for (size_t i = 0; output->texts != NULL && i < output->cells; i++) {
        free(output->texts[i]);
    }
    free(output->texts);
    free(output);
    return fine;
}
