/* Shell completion, written from the table of commands. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/diagnostic.h"

static void print_names(void) {
    size_t count;
    const struct command *commands = commands_list(&count);
    for (size_t i = 0; i < count; i++) {
        printf("%s%s", i == 0 ? "" : " ", commands[i].name);
    }
}

/* The case branch that completes a value of one option. */
static void print_value_case(const char *command, const struct option_spec *spec) {
    bool file = spec->argument != NULL && (strcmp(spec->argument, "FILE") == 0 || strcmp(spec->argument, "DIR") == 0);
    if (spec->kind == OPTION_KIND_FLAG) {
        return;
    }
    printf("        %s:--%s", command, spec->name);
    if (spec->letter != 0) {
        printf("|%s:-%c", command, spec->letter);
    }
    if (spec->choices != NULL) {
        printf(") COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", spec->choices);
    } else {
        printf(") %s return ;;\n", file ? "COMPREPLY=($(compgen -f -- \"$word\"));" : "COMPREPLY=();");
    }
}

static void print_words_case(const struct command *command) {
    enum option_id ids[OPTION_IDS + 1];
    commands_options(command, ids);
    printf("        %s) options='", command->name);
    for (const enum option_id *id = ids; *id != OPTION_NONE; id++) {
        printf("%s--%s", id == ids ? "" : " ", options_spec(*id)->name);
    }
    printf("'");
    if (command->words != NULL && strcmp(command->words, "FILE") == 0) {
        printf("; files=yes");
    } else if (command->words != NULL && strcmp(command->words, "COMMAND") == 0) {
        printf("; words=$commands");
    } else if (command->words != NULL) {
        printf("; words='%s'", command->words);
    }
    printf(" ;;\n");
}

static void print_bash(void) {
    size_t count;
    const struct command *commands = commands_list(&count);
    printf("# bash completion for tally; made by 'tally completion bash'\n_tally() {\n    local commands='");
    print_names();
    printf("'\n    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local command=${COMP_WORDS[1]} options= words= files=\n"
           "    if ((COMP_CWORD == 1)); then\n"
           "        COMPREPLY=($(compgen -W \"$commands --help --version\" -- \"$word\"))\n"
           "        return\n    fi\n"
           "    case $command:$previous in\n");
    for (size_t i = 0; i < count; i++) {
        enum option_id ids[OPTION_IDS + 1];
        commands_options(&commands[i], ids);
        for (const enum option_id *id = ids; *id != OPTION_NONE; id++) {
            print_value_case(commands[i].name, options_spec(*id));
        }
    }
    printf("    esac\n    case $command in\n");
    for (size_t i = 0; i < count; i++) {
        print_words_case(&commands[i]);
    }
    printf("    esac\n"
           "    if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
           "    elif [[ -n $files ]]; then\n        COMPREPLY=($(compgen -f -- \"$word\"))\n"
           "    else\n        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n    fi\n"
           "}\ncomplete -o filenames -F _tally tally\n");
}

int completion_run(const struct arguments *arguments) {
    if (strcmp(arguments->operand[0], "bash") != 0) {
        diagnostic_error("completion", "no completion for '%s': the only one is bash", arguments->operand[0]);
        return EX_USAGE;
    }
    print_bash();
    return EX_OK;
}
