#include "client/cli/language.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void clear(void) {
    unsetenv("LC_ALL");
    unsetenv("LC_MESSAGES");
    unsetenv("LANG");
}

Test(language, the_option_wins, .init = clear) {
    setenv("LANG", "zh_CN.UTF-8", 1);
    cr_assert_eq(language_choose("en"), LANGUAGE_EN);
    cr_assert_eq(language_choose("zh"), LANGUAGE_ZH);
}

Test(language, the_first_variable_that_is_set_decides, .init = clear) {
    cr_assert_eq(language_choose(NULL), LANGUAGE_EN);
    setenv("LANG", "zh_CN.UTF-8", 1);
    cr_assert_eq(language_choose(NULL), LANGUAGE_ZH);
    setenv("LC_MESSAGES", "de_DE.UTF-8", 1);
    cr_assert_eq(language_choose(NULL), LANGUAGE_EN);
    setenv("LC_ALL", "zh_TW", 1);
    cr_assert_eq(language_choose(NULL), LANGUAGE_ZH);
    setenv("LC_ALL", "", 1);
    cr_assert_eq(language_choose(NULL), LANGUAGE_EN);
}
