#include "proto/limits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_document(void) {
    static char text[1 << 17];
    FILE *file = fopen(PROTOCOL_DOCUMENT, "re");
    cr_assert_not_null(file, "%s", PROTOCOL_DOCUMENT);
    size_t size = fread(text, 1, sizeof text - 1, file);
    cr_assert_lt(size, sizeof text - 1);
    text[size] = '\0';
    fclose(file);
    return text;
}

Test(limits, the_document_names_the_same_numbers) {
    const char *document = read_document();
    static const struct {
        const char *line;
        int64_t value;
        int64_t limit;
    } limits[] = {
        {"| body of a message to the daemon | 1 MiB |", 1 << 20, BATCH_BYTES_MAX},
        {"| body of a message from the daemon | 4 MiB |", 4 << 20, ANSWER_BYTES_MAX},
        {"| rows in a batch | 1 to 8,192 |", 8192, BATCH_ROWS_MAX},
        {"| as Welcome says, at most 32 |", 32, WINDOW_BATCHES_MAX},
        {"| project code | 1 to 32 bytes of printable ASCII without spaces |", 32, PROJECT_CODE_BYTES_MAX},
        {"| name, contractor | 255 bytes of UTF-8, no control characters |", 255, TEXT_BYTES_MAX},
        {"| competition key, node name | 1 to 32 of `a-z`, `0-9`, `-` |", 32, COMPETITION_KEY_BYTES_MAX},
        {"| competition key, node name | 1 to 32 of `a-z`, `0-9`, `-` |", 32, NODE_NAME_BYTES_MAX},
        {"| contract value | 0 to 10^15 fen |", INT64_C(1000000000000000), CONTRACT_VALUE_FEN_MAX},
        {"| participants | 0 to 10^8; migrant participants at most as many |", 100000000, PARTICIPANTS_MAX},
        {"| category, status | 0 to 15, as the competition defines |", 16, CATEGORIES_MAX},
        {"| category, status | 0 to 15, as the competition defines |", 16, STATUSES_MAX},
        {"| projects in one answer | 1,000 |", 1000, PAGE_ROWS_MAX},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        cr_expect_not_null(strstr(document, limits[i].line), "the document does not say: %s", limits[i].line);
        cr_expect_eq(limits[i].value, limits[i].limit, "%s", limits[i].line);
    }
}
