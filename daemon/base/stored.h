/* What state.mdb keeps of a project, as the archive writes it and the query endpoint shows it. */
#ifndef TALLY_DAEMON_BASE_STORED_H
#define TALLY_DAEMON_BASE_STORED_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "proto/limits.h"

struct stored_project {
    uint16_t competition; /* number */
    char code[PROJECT_CODE_BYTES_MAX + 1];
    struct figures figures;
    uint32_t start_day;
    uint32_t completion_day;
    uint64_t updated_version;
    int64_t updated_ms;            /* of the first version that is noted with its time and not below updated_version */
    char name[TEXT_BYTES_MAX + 1]; /* "" if never given */
    char contractor[TEXT_BYTES_MAX + 1];
};

typedef void stored_visit(void *visitor, const struct stored_project *project);

/* Where stored projects are looked up: implemented by the archive, used by the query endpoint. Each call is one short
 * read transaction; *version is what the state is complete up to: projects may be as they were then, or newer. */
struct stored_source {
    void *context;

    /* Visits the project, or nothing if there is none. Errors: IO, DAMAGED. */
    enum error (*find)(void *context, uint16_t competition, const char *code, stored_visit *visit, void *visitor,
                       uint64_t *version);

    /* Visits up to limit projects that lie in region or below, in order of region and code, after the pair after_region,
     * after_code (0 and "" for the start). Errors: IO, DAMAGED. */
    enum error (*list)(void *context, uint16_t competition, uint32_t region, uint32_t after_region,
                       const char *after_code, size_t limit, stored_visit *visit, void *visitor, uint64_t *version);
};

#endif
