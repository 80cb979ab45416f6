/* Draws what a follower knows on a terminal without flicker: each frame is made in memory, written with one call over
 * the last one, and only what is left over is cleared. */
#ifndef TALLY_CLIENT_CLI_SCREEN_H
#define TALLY_CLIENT_CLI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/cli/board.h"
#include "client/cli/connection.h"
#include "client/cli/follower.h"

struct screen {
    FILE *out;
    bool whole; /* has the alternate screen, else draws where the cursor is */
    int lines;  /* of the last frame */
};

struct screen_view {
    const struct connection *connection; /* for names */
    const char *competition;
    uint32_t region;
    enum board_measure measure;
    bool color;
    bool from_zero; /* changes are counted from nothing, not from what was first heard */
};

/* Takes the alternate screen and hides the cursor. Give it back with screen_close. */
void screen_open(struct screen *screen, FILE *out);

/* Draws in place, below what is printed already. screen_close leaves the last frame there. */
void screen_open_inline(struct screen *screen, FILE *out);

void screen_close(struct screen *screen);

/* Returns false without memory or if the terminal is gone. */
bool screen_draw(struct screen *screen, const struct screen_view *view, const struct follower *follower);

#endif
