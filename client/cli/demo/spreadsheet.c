#include "spreadsheet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "client/cli/output.h"
#include "proto/day.h"

enum { FEN_PER_WAN_YUAN = 1000000 };

static const char *label_of(const struct tally_label *labels, size_t count, uint32_t code) {
    for (size_t i = 0; i < count; i++) {
        if (labels[i].code == code) {
            return labels[i].zh;
        }
    }
    return "";
}

static void write_update(FILE *out, const struct tally_project *project, const struct tally_competition *competition) {
    char day[DAY_TEXT_BYTES];
    fprintf(out, "%s,", project->code);
    output_csv_cell(out, project->name, ',');
    fprintf(out, ",%06" PRIu32 ",", project->region);
    output_csv_cell(out, label_of(competition->categories, competition->category_count, project->category), ',');
    fputc(',', out);
    output_csv_cell(out, label_of(competition->statuses, competition->status_count, project->status), ',');
    fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",", project->contract_value / FEN_PER_WAN_YUAN,
            project->participants, project->migrant_participants);
    output_csv_cell(out, project->contractor, ',');
    fprintf(out, ",%s", day_format(project->start_day, day));
    fprintf(out, ",%s", day_format(project->completion_day, day));
    fprintf(out, ",%s\r\n", day_format(project->effective_day, day));
}

bool spreadsheet_write(const struct plan *plan, const struct tally_competition *competition, unsigned node,
                       const char *path) {
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        return false;
    }
    fputs("\uFEFF项目代码,项目名称,行政区划代码,竞赛类别,状态,合同造价(万元),参与人数,其中农民工,承建单位,开工日期,"
          "竣工日期,"
          "生效日期\r\n",
          out);
    for (size_t i = 0; i < plan->count; i++) {
        if (node >= PLAN_NODES || plan->updates[i].node == node) {
            write_update(out, &plan->updates[i].project, competition);
        }
    }
    bool fine = ferror(out) == 0;
    return fclose(out) == 0 && fine;
}
