#include "daemon/base/counter.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proto/refusal.h"

Test(counter, every_one_has_a_name_of_its_own_and_a_sentence) {
    for (int a = 0; a < COUNTER_COUNT; a++) {
        const char *name = counter_name((enum counter)a);
        const char *sentence = counter_sentence((enum counter)a);
        cr_assert_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name), "%s", name);
        cr_assert(strlen(sentence) > 10 && sentence[strlen(sentence) - 1] == '.', "%s", name);
        for (int b = a + 1; b < COUNTER_COUNT; b++) {
            cr_assert_str_neq(name, counter_name((enum counter)b));
        }
    }
}

Test(counter, adds_up_and_keeps_a_maximum) {
    cr_assert_eq(counter_read(COUNTER_INTAKE_BATCHES), 0);
    counter_add(COUNTER_INTAKE_BATCHES, 3);
    counter_add(COUNTER_INTAKE_BATCHES, 4);
    cr_assert_eq(counter_read(COUNTER_INTAKE_BATCHES), 7);
    counter_maximum(COUNTER_JOURNAL_COMMIT_US_MAX, 9);
    counter_maximum(COUNTER_JOURNAL_COMMIT_US_MAX, 5);
    cr_assert_eq(counter_read(COUNTER_JOURNAL_COMMIT_US_MAX), 9);
}

Test(counter, refusals_are_counted_by_their_code) {
    counter_refused(REFUSAL_DISK_FULL, 2);
    counter_refused(REFUSAL_CODE_EMPTY, 5);
    cr_assert_eq(counter_refused_read(REFUSAL_DISK_FULL), 2);
    cr_assert_eq(counter_refused_read(REFUSAL_CODE_EMPTY), 5);
    cr_assert_eq(counter_refused_read(REFUSAL_DRAINING), 0);
    cr_assert_eq(counter_refused_read(REFUSAL_CODE_LIMIT), 0, "none beyond the codes");
}
