#include "client/cli/commands.h"
#include "client/cli/diagnostic.h"
#include "client/cli/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

int main(int argc, char **argv) {
    terminal_init();
    int code = commands_run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        diagnostic_error(NULL, "cannot write standard output: %s", strerror(errno));
        return code == EX_OK ? EX_IOERR : code;
    }
    return code;
}
