/* The plan as a spreadsheet that `tally push` reads. */
#ifndef TALLY_CLIENT_CLI_DEMO_SPREADSHEET_H
#define TALLY_CLIENT_CLI_DEMO_SPREADSHEET_H

#include <stdbool.h>

#include "client/cli/demo/plan.h"

/* Writes CSV with Chinese headings, as UTF-8 with a mark, so that Excel opens it: all updates, or those of one node
 * (node below PLAN_NODES). Returns false with errno set. */
bool spreadsheet_write(const struct plan *plan, const struct tally_competition *competition, unsigned node,
                       const char *path);

#endif
