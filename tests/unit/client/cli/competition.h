/* A competition for tests, in the shape of the one that is shipped but not a copy of it. */
#ifndef TALLY_TESTS_UNIT_CLIENT_CLI_COMPETITION_H
#define TALLY_TESTS_UNIT_CLIENT_CLI_COMPETITION_H

#include <tally/tally.h>

/* Static storage. Regions 31 to 34, from 2021-04-01 on; categories 1 key-projects, 2 city-operation, 5
 * vocational-skills; statuses 0 declared, 3 enrolled*, 4 under-way*, 6 completed*, 9 withdrawn (* counts). */
const struct tally_competition *competition_sample(void);

#endif
