#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/interrupt.h"
#include "client/cli/recount.h"

int verify_run(const struct arguments *arguments) {
    int interrupt = interrupt_open(false);
    struct connection connection;
    int code = connection_open(arguments, &connection);
    if (code == EX_OK) {
        bool limited = options_given(arguments, OPTION_TIMEOUT);
        code = recount_run(&connection, interrupt, limited ? arguments->number[OPTION_TIMEOUT] : -1);
    }
    connection_close(&connection);
    interrupt_close(interrupt);
    return code;
}
