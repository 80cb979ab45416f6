/* Takes in what nodes send: Hello begins a session, a Batch is decoded, judged and sent on its way. Intake thread only. */
#ifndef TALLY_DAEMON_INTAKE_RECEPTION_H
#define TALLY_DAEMON_INTAKE_RECEPTION_H

#include "intake.h"

/* Deals with a message whose body is in the slot. Returns whether the slot went on its way to the journal. */
bool reception_take(struct intake *intake, const struct arrival *arrival, struct slot *slot);

#endif
