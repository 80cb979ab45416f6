#include "rejects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/output.h"
#include "client/cli/reader/delimited.h"
#include "client/cli/reader/ndjson.h"
#include "proto/day.h"
#include "proto/money.h"

struct reject {
    uint64_t row;
    char *reason;
};

/* A row of an earlier push, as far as the outbox knows it. */
struct earlier {
    struct tally_project project; /* its texts are owned */
    char *reason;
};

struct rejects {
    struct reject *list;
    size_t count;
    size_t room;
    bool sorted; /* by row, each once */
    struct earlier *earlier;
    size_t earlier_count;
};

struct rejects *rejects_create(void) {
    return calloc(1, sizeof(struct rejects));
}

void rejects_destroy(struct rejects **taken) {
    struct rejects *rejects = *taken;
    if (rejects == NULL) {
        return;
    }
    for (size_t i = 0; i < rejects->count; i++) {
        free(rejects->list[i].reason);
    }
    for (size_t i = 0; i < rejects->earlier_count; i++) {
        struct earlier *earlier = &rejects->earlier[i];
        free((void *)(uintptr_t)earlier->project.code);
        free((void *)(uintptr_t)earlier->project.name);
        free((void *)(uintptr_t)earlier->project.contractor);
        free(earlier->reason);
    }
    free(rejects->earlier);
    free(rejects->list);
    free(rejects);
    *taken = NULL;
}

bool rejects_add(struct rejects *rejects, uint64_t row, const char *reason) {
    if (rejects->count == rejects->room) {
        size_t room = rejects->room == 0 ? 64 : 2 * rejects->room;
        struct reject *grown = realloc(rejects->list, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        rejects->list = grown;
        rejects->room = room;
    }
    char *copy = strdup(reason);
    if (copy == NULL) {
        return false;
    }
    rejects->list[rejects->count++] = (struct reject){.row = row, .reason = copy};
    rejects->sorted = false;
    return true;
}

bool rejects_add_earlier(struct rejects *rejects, const struct tally_refused *refused, const char *reason) {
    struct earlier *grown = realloc(rejects->earlier, (rejects->earlier_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    rejects->earlier = grown;
    const struct tally_project *project = &refused->project;
    struct earlier earlier = {.project = *project, .reason = strdup(reason)};
    earlier.project.code = strdup(project->code);
    earlier.project.name = project->name != NULL ? strdup(project->name) : NULL;
    earlier.project.contractor = project->contractor != NULL ? strdup(project->contractor) : NULL;
    rejects->earlier[rejects->earlier_count++] = earlier;
    return earlier.reason != NULL && earlier.project.code != NULL;
}

static int by_row(const void *a, const void *b) {
    const struct reject *left = a;
    const struct reject *right = b;
    return left->row < right->row ? -1 : left->row > right->row;
}

/* Orders by row and drops second reasons. */
static void sort(struct rejects *rejects) {
    if (rejects->sorted || rejects->count == 0) {
        return;
    }
    qsort(rejects->list, rejects->count, sizeof *rejects->list, by_row);
    size_t kept = 1;
    for (size_t i = 1; i < rejects->count; i++) {
        if (rejects->list[i].row == rejects->list[kept - 1].row) {
            free(rejects->list[i].reason);
        } else {
            rejects->list[kept++] = rejects->list[i];
        }
    }
    rejects->count = kept;
    rejects->sorted = true;
}

size_t rejects_count(struct rejects *rejects) {
    sort(rejects);
    return rejects->count;
}

size_t rejects_earlier_count(const struct rejects *rejects) {
    return rejects->earlier_count;
}

/* What writing a table needs. */
struct writer {
    FILE *out;
    char delimiter;
    enum language language;
    size_t columns;       /* of the header, the reason's included if it has one */
    size_t reason_column; /* == columns if the header has none: the reason comes last */
    enum field fields[DELIMITED_CELLS_MAX];
    enum money_unit unit;
};

static const char *label_key(const struct tally_label *labels, size_t count, uint32_t code) {
    for (size_t i = 0; i < count; i++) {
        if (labels[i].code == code) {
            return labels[i].key;
        }
    }
    return "";
}

/* Fen in the unit of the column, exactly. buffer has MONEY_TEXT_BYTES. */
static void format_unit(fen_t fen, enum money_unit unit, char *buffer) {
    static const unsigned places[] = {
        [MONEY_UNIT_FEN] = 0, [MONEY_UNIT_YUAN] = 2, [MONEY_UNIT_WAN_YUAN] = 6, [MONEY_UNIT_YI_YUAN] = 10};
    uint64_t divisor = 1;
    for (unsigned i = 0; i < places[unit]; i++) {
        divisor *= 10;
    }
    uint64_t amount = fen < 0 ? 0 - (uint64_t)fen : (uint64_t)fen;
    int length = snprintf(buffer, MONEY_TEXT_BYTES, "%s%" PRIu64, fen < 0 ? "-" : "", amount / divisor);
    if (places[unit] > 0) {
        snprintf(buffer + length, MONEY_TEXT_BYTES - (size_t)length, ".%0*" PRIu64, (int)places[unit],
                 amount % divisor);
    }
}

static const char *day_text(uint32_t day, char *buffer) {
    return day == 0 ? "" : day_format(day, buffer);
}

/* The cell of a field of a row that is made anew. */
static const char *field_text(const struct writer *writer, const struct earlier *earlier, enum field field,
                              const struct tally_competition *competition, char *buffer) {
    const struct tally_project *project = &earlier->project;
    switch (field) {
    case FIELD_CODE:
        return project->code;
    case FIELD_NAME:
        return project->name != NULL ? project->name : "";
    case FIELD_REGION:
        snprintf(buffer, MONEY_TEXT_BYTES, "%06" PRIu32, project->region);
        return buffer;
    case FIELD_CATEGORY:
        return label_key(competition->categories, competition->category_count, project->category);
    case FIELD_STATUS:
        return label_key(competition->statuses, competition->status_count, project->status);
    case FIELD_CONTRACT_VALUE:
        format_unit(project->contract_value, writer->unit, buffer);
        return buffer;
    case FIELD_PARTICIPANTS:
        snprintf(buffer, MONEY_TEXT_BYTES, "%" PRId64, project->participants);
        return buffer;
    case FIELD_MIGRANTS:
        snprintf(buffer, MONEY_TEXT_BYTES, "%" PRId64, project->migrant_participants);
        return buffer;
    case FIELD_CONTRACTOR:
        return project->contractor != NULL ? project->contractor : "";
    case FIELD_START:
        return day_text(project->start_day, buffer);
    case FIELD_COMPLETION:
        return day_text(project->completion_day, buffer);
    case FIELD_EFFECTIVE:
        return day_text(project->effective_day, buffer);
    case FIELD_REASON:
        return earlier->reason;
    default:
        return "";
    }
}

static void write_earlier(const struct writer *writer, const struct earlier *earlier,
                          const struct tally_competition *competition) {
    char buffer[MONEY_TEXT_BYTES];
    for (size_t i = 0; i < writer->columns; i++) {
        fputs(i > 0 ? (char[]){writer->delimiter, '\0'} : "", writer->out);
        output_csv_cell(writer->out, field_text(writer, earlier, writer->fields[i], competition, buffer),
                        writer->delimiter);
    }
    if (writer->reason_column == writer->columns) {
        fputc(writer->delimiter, writer->out);
        output_csv_cell(writer->out, earlier->reason, writer->delimiter);
    }
    fputs("\r\n", writer->out);
}

/* A row of the source: cells untouched, missing ones filled up so that the reason stands in its column. */
static void write_row(const struct writer *writer, const struct delimited *row, const char *reason) {
    bool appended = writer->reason_column == writer->columns;
    size_t cells = row->count > writer->columns ? row->count : writer->columns;
    for (size_t i = 0; i < cells; i++) {
        if (i > 0) {
            fputc(writer->delimiter, writer->out);
        }
        if (i == writer->reason_column && !appended) {
            output_csv_cell(writer->out, reason, writer->delimiter);
        } else if (i < row->count) {
            fwrite(row->cells[i].raw.text, 1, row->cells[i].raw.size, writer->out);
        }
        if (row->fault == DELIMITED_QUOTE_OPEN && i + 1 == row->count) {
            fputc('"', writer->out);
        }
    }
    if (appended) {
        fputc(writer->delimiter, writer->out);
        output_csv_cell(writer->out, reason, writer->delimiter);
    }
    fputs("\r\n", writer->out);
}

static void read_header(struct writer *writer, const struct delimited *header) {
    writer->columns = header->count;
    writer->reason_column = header->count;
    for (size_t i = 0; i < header->count; i++) {
        struct header_name name = header_name_read(slice_trim(header->cells[i].value));
        writer->fields[i] = name.field;
        if (name.field == FIELD_REASON) {
            writer->reason_column = i;
        }
        if (name.field == FIELD_CONTRACT_VALUE) {
            writer->unit = name.unit;
        }
    }
}

static bool write_table(const struct rejects *rejects, FILE *out, const struct source *source,
                        const struct sheet *sheet, const struct tally_competition *competition) {
    struct delimited *reader = malloc(sizeof *reader);
    if (reader == NULL) {
        return false;
    }
    struct writer writer = {.out = out, .delimiter = sheet_delimiter(sheet), .language = sheet_language(sheet)};
    delimited_init(reader, source->text.text, source->text.size, writer.delimiter);
    fputs(source->text.plain ? "" : "\uFEFF", out);
    if (delimited_next(reader)) {
        read_header(&writer, reader);
        write_row(&writer, reader, header_field_name(FIELD_REASON, writer.language));
    }
    size_t next = 0;
    while (next < rejects->count && delimited_next(reader)) {
        if (reader->row == rejects->list[next].row) {
            write_row(&writer, reader, rejects->list[next++].reason);
        }
    }
    for (size_t i = 0; i < rejects->earlier_count; i++) {
        write_earlier(&writer, &rejects->earlier[i], competition);
    }
    delimited_fini(reader);
    free(reader);
    return true;
}

/* The object of a line with its reason; a line that is no object becomes one. */
static void write_object(FILE *out, const struct ndjson *line, const char *reason) {
    json_t *object = json_is_object(line->object) ? json_incref(line->object) : json_object();
    if (!json_is_object(line->object)) {
        json_object_set_new(object, "source", json_stringn(line->line.text, line->line.size));
    }
    json_object_del(object, "reason");
    json_object_set_new(object, "reason", json_string(reason));
    json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(object);
}

static void write_earlier_object(FILE *out, const struct earlier *earlier,
                                 const struct tally_competition *competition) {
    const struct writer writer = {.unit = MONEY_UNIT_FEN};
    fputc('{', out);
    bool first = true;
    for (enum field field = 0; field < FIELD_COUNT; field++) {
        char buffer[MONEY_TEXT_BYTES];
        const char *text = field_text(&writer, earlier, field, competition, buffer);
        if (text[0] == '\0') {
            continue;
        }
        fprintf(out, "%s\"%s%s\":", first ? "" : ",", header_field_name(field, LANGUAGE_EN),
                field == FIELD_CONTRACT_VALUE ? "_fen" : "");
        output_json_string(out, text);
        first = false;
    }
    fputs("}\n", out);
}

static bool write_objects(const struct rejects *rejects, FILE *out, const struct source *source,
                          const struct tally_competition *competition) {
    struct ndjson *reader = malloc(sizeof *reader);
    if (reader == NULL) {
        return false;
    }
    ndjson_init(reader, source->text.text, source->text.size);
    size_t next = 0;
    while (next < rejects->count && ndjson_next(reader)) {
        if (reader->row == rejects->list[next].row) {
            write_object(out, reader, rejects->list[next++].reason);
        }
    }
    for (size_t i = 0; i < rejects->earlier_count; i++) {
        write_earlier_object(out, &rejects->earlier[i], competition);
    }
    ndjson_fini(reader);
    free(reader);
    return true;
}

static bool write_all(struct rejects *rejects, FILE *out, const struct source *source, const struct sheet *sheet,
                      const struct tally_competition *competition) {
    sort(rejects);
    bool fine = sheet_found(sheet) == SHEET_NDJSON ? write_objects(rejects, out, source, competition)
                                                   : write_table(rejects, out, source, sheet, competition);
    return fflush(out) == 0 && ferror(out) == 0 && fine;
}

bool rejects_write(struct rejects *rejects, const char *path, const struct source *source, const struct sheet *sheet,
                   const struct tally_competition *competition) {
    char *aside = NULL;
    struct stat status;
    bool direct = stat(path, &status) == 0 && !S_ISREG(status.st_mode); /* a device or a pipe */
    if (asprintf(&aside, "%s%s", path, direct ? "" : ".part") < 0) {
        return false;
    }
    FILE *out = fopen(aside, "w");
    bool fine = out != NULL && write_all(rejects, out, source, sheet, competition);
    fine = fine && (direct || fsync(fileno(out)) == 0);
    fine = (out == NULL || fclose(out) == 0) && fine;
    fine = fine && (direct || rename(aside, path) == 0);
    if (!fine && !direct) {
        int number = errno;
        unlink(aside);
        errno = number;
    }
    free(aside);
    return fine;
}

const char *rejects_reason(struct rejects *rejects, size_t index, uint64_t *row) {
    sort(rejects);
    *row = rejects->list[index].row;
    return rejects->list[index].reason;
}

const char *rejects_earlier_reason(const struct rejects *rejects, size_t index, const char **code) {
    *code = rejects->earlier[index].project.code;
    return rejects->earlier[index].reason;
}
