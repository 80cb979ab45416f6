#include "language.h"

#include <stdlib.h>
#include <string.h>

enum language language_choose(const char *option) {
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *name = option;
    for (size_t i = 0; name == NULL && i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        name = value != NULL && value[0] != '\0' ? value : NULL;
    }
    return name != NULL && strncmp(name, "zh", 2) == 0 ? LANGUAGE_ZH : LANGUAGE_EN;
}
