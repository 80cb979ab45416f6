#include "terminal.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "client/cli/options.h"

void terminal_init(void) {
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        setlocale(LC_CTYPE, "C.UTF-8");
    }
}

/* Bytes and columns of the first character; text is not empty. */
static size_t character_size(const char *text, size_t size, int *columns) {
    wchar_t character;
    mbstate_t state = {0};
    size_t length = mbrtowc(&character, text, size, &state);
    if (length == 0 || length > size) {
        *columns = 1;
        return 1;
    }
    int width = wcwidth(character);
    *columns = width < 0 ? 1 : width;
    return length;
}

int terminal_text_width(const char *text) {
    int sum = 0;
    size_t size = strlen(text);
    while (size > 0) {
        int columns;
        size_t length = character_size(text, size, &columns);
        sum += columns;
        text += length;
        size -= length;
    }
    return sum;
}

/* Bytes of text that fit into columns; used is what they take. */
static size_t fitting_bytes(const char *text, int columns, int *used) {
    size_t size = strlen(text);
    size_t at = 0;
    *used = 0;
    while (at < size) {
        int width;
        size_t length = character_size(text + at, size - at, &width);
        if (*used + width > columns) {
            break;
        }
        *used += width;
        at += length;
    }
    return at;
}

void terminal_print_padded(FILE *out, const char *text, int columns, bool right) {
    int width = terminal_text_width(text);
    if (width <= columns) {
        fprintf(out, "%*s%s%*s", right ? columns - width : 0, "", text, right ? 0 : columns - width, "");
        return;
    }
    int used;
    size_t bytes = fitting_bytes(text, columns - 1, &used);
    fprintf(out, "%.*s…%*s", (int)bytes, text, columns - 1 - used, "");
}

bool terminal_live(FILE *out) {
    const char *term = getenv("TERM");
    return isatty(fileno(out)) && term != NULL && strcmp(term, "dumb") != 0;
}

bool terminal_colored(const struct arguments *arguments, FILE *out) {
    const char *choice = arguments->text[OPTION_COLOR];
    if (choice != NULL && strcmp(choice, "auto") != 0) {
        return strcmp(choice, "always") == 0;
    }
    const char *no_color = getenv("NO_COLOR");
    return (no_color == NULL || no_color[0] == '\0') && terminal_live(out);
}

struct terminal_size terminal_size_of(int descriptor) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return (struct terminal_size){.columns = 80, .lines = 24};
    }
    return (struct terminal_size){.columns = size.ws_col, .lines = size.ws_row};
}

void terminal_bar_draw(uint64_t done, uint64_t total, const char *text) {
    if (!terminal_live(stderr)) {
        return;
    }
    int columns = terminal_size_of(STDERR_FILENO).columns;
    int room = columns - terminal_text_width(text) - 10;
    int bar = room > 40 ? 40 : room < 0 ? 0 : room;
    if (total == 0) {
        fprintf(stderr, "\r%s\033[K", text);
        return;
    }
    done = done > total ? total : done;
    int filled = (int)(done * (uint64_t)bar / total);
    fputs("\r[", stderr);
    for (int i = 0; i < bar; i++) {
        fputc(i < filled ? '#' : '.', stderr);
    }
    fprintf(stderr, "] %3u%% %s\033[K", (unsigned)(done * 100 / total), text);
}

void terminal_bar_clear(void) {
    if (terminal_live(stderr)) {
        fputs("\r\033[K", stderr);
    }
}

char *terminal_number(int64_t number, char *buffer) {
    char digits[24];
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    int length = snprintf(digits, sizeof digits, "%" PRIu64, magnitude);
    char *out = buffer;
    if (number < 0) {
        *out++ = '-';
    }
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *out++ = ',';
        }
        *out++ = digits[i];
    }
    *out = '\0';
    return buffer;
}

char *terminal_bytes(uint64_t bytes, char *buffer) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    uint64_t tenths = bytes > UINT64_MAX / 10 ? UINT64_MAX : bytes * 10;
    while (tenths >= 10240 && unit + 1 < sizeof units / sizeof units[0]) {
        tenths /= 1024;
        unit++;
    }
    if (unit == 0) {
        snprintf(buffer, 32, "%" PRIu64 " bytes", bytes);
    } else {
        snprintf(buffer, 32, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
    }
    return buffer;
}
