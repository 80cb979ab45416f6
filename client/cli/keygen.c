#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <tally/tally.h>

#include "client/cli/commands.h"
#include "client/cli/diagnostic.h"

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

int keygen_run(const struct arguments *arguments) {
    const char *path = arguments->operand[0];
    const char *whose = options_given(arguments, OPTION_WHOSE) ? arguments->text[OPTION_WHOSE] : name_of(path);
    char digits[TALLY_KEY_DIGITS + 1];
    char message[256] = "";
    if (strpbrk(whose, "\r\n") != NULL) {
        diagnostic_error("keygen", "--for: it must be one line");
        return EX_USAGE;
    }
    if (tally_keygen(path, whose, digits, message) != TALLY_OK) {
        diagnostic_error("keygen", "%s", message);
        return EX_CANTCREAT;
    }
    diagnostic_note("keygen", "%s is the secret key: keep it to yourself", path);
    diagnostic_note("keygen", "%s.pub is the public one; the daemon's configuration takes it as", path);
    printf("keys = {\"%s\"}\n", digits);
    return EX_OK;
}
