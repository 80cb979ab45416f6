/* The two languages that people read Tally in. Help and errors are English; tables, reports and refusal reasons are
 * either. */
#ifndef TALLY_CLIENT_CLI_LANGUAGE_H
#define TALLY_CLIENT_CLI_LANGUAGE_H

enum language { LANGUAGE_EN = 0, LANGUAGE_ZH };

/* "zh" or "en" as an option gave it, or NULL: then what LC_ALL, LC_MESSAGES or LANG say, the first that is set. */
enum language language_choose(const char *option);

/* One of two texts. */
static inline const char *language_pick(enum language language, const char *en, const char *zh) {
    return language == LANGUAGE_ZH ? zh : en;
}

#endif
