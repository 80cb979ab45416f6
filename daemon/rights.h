/* Who may report, watch and ask: the sections node, dashboard and operator of the configuration, and their keys.
 * docs/keys.md tells what each may do. Thread: main. */
#ifndef TALLY_DAEMON_RIGHTS_H
#define TALLY_DAEMON_RIGHTS_H

#include "daemon/base/registry.h"
#include "daemon/document.h"

#define RIGHTS_KEYS "keys"
#define RIGHTS_READS "reads"

/* Fills the nodes of the registry, which has room for as many as the document has, and its keys. own: the daemon's public key,
 * or NULL if it has none; then nobody may have one. Faults go to the document's, and to fault: CONFIGURATION, MEMORY. */
void rights_read(const struct document *document, const struct curve_key *own, struct registry *registry,
                 struct fault *fault);

#endif
