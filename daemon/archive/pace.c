#include "pace.h"

#define NS_PER_MS INT64_C(1000000)

static uint64_t blocks_of(uint64_t projects) {
    return (projects + BLOCK_PROJECTS - 1) / BLOCK_PROJECTS;
}

/* Of a round's captures. */
static uint32_t round_blocks_max(uint64_t projects) {
    uint64_t blocks = blocks_of(projects) / PACE_ROUND_CAPTURES;
    if (blocks < PACE_BLOCKS_MIN) {
        return PACE_BLOCKS_MIN;
    }
    return blocks < CAPTURE_BLOCKS_MAX ? (uint32_t)blocks : CAPTURE_BLOCKS_MAX;
}

uint32_t pace_blocks_max(const struct pace *pace) {
    return pace->loading ? CAPTURE_BLOCKS_MAX : round_blocks_max(pace->projects);
}

void pace_note(struct pace *pace, const struct capture *capture, uint64_t new_projects, int64_t began_ns,
               int64_t ended_ns) {
    uint64_t captured = (uint64_t)capture->block_count * BLOCK_PROJECTS;
    *pace = (struct pace){.more = capture->more,
                          .loading = capture->more && new_projects > captured / 2,
                          .projects = capture->project_count,
                          .began_ns = began_ns,
                          .ended_ns = ended_ns};
}

static int64_t round_interval_ns(const struct pace *pace) {
    uint64_t blocks_max = round_blocks_max(pace->projects);
    uint64_t captures = (blocks_of(pace->projects) + blocks_max - 1) / blocks_max;
    return PACE_ROUND_MS * NS_PER_MS / (int64_t)(captures > 0 ? captures : 1);
}

int64_t pace_due_ns(const struct pace *pace, int64_t pending_since_ns) {
    int64_t rested_ns = pace->ended_ns + PACE_REST_FACTOR * (pace->ended_ns - pace->began_ns);
    int64_t due_ns = pending_since_ns + PACE_DELAY_MS * NS_PER_MS;
    if (pace->more) {
        due_ns = pace->loading ? rested_ns : pace->began_ns + round_interval_ns(pace);
    }
    return due_ns > rested_ns ? due_ns : rested_ns;
}
