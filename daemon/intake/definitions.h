/* Takes up new registries, and sees to it that the journal knows what its numbers mean before any batch that names them.
 * Intake thread only. */
#ifndef TALLY_DAEMON_INTAKE_DEFINITIONS_H
#define TALLY_DAEMON_INTAKE_DEFINITIONS_H

#include "intake.h"

/* Takes up a new registry if one was offered, and sends definitions on their way as long as there are slots. While
 * definitions_pending is set afterwards, no message may be taken in. */
void definitions_take_registry(struct intake *intake);

#endif
