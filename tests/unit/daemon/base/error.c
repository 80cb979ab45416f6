#include "daemon/base/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(error, every_one_has_its_own_sentence) {
    for (int a = ERROR_NONE; a <= ERROR_NETWORK; a++) {
        cr_assert_gt(strlen(error_text((enum error)a)), 0);
        for (int b = a + 1; b <= ERROR_NETWORK; b++) {
            cr_assert_str_neq(error_text((enum error)a), error_text((enum error)b));
        }
    }
}

Test(error, a_fault_keeps_the_first_that_it_is_told) {
    struct fault fault = {0};
    cr_assert_eq(fault_set(&fault, ERROR_DAMAGED, "file %d", 1), ERROR_DAMAGED);
    cr_assert_eq(fault_set(&fault, ERROR_IO, "file %d", 2), ERROR_DAMAGED);
    cr_assert_eq(fault.error, ERROR_DAMAGED);
    cr_assert_str_eq(fault.text, "file 1");
}

Test(error, a_fault_cuts_its_text_to_fit) {
    struct fault fault = {0};
    cr_assert_eq(fault_set(&fault, ERROR_IO, "%01000d", 7), ERROR_IO);
    cr_assert_eq(strlen(fault.text), FAULT_TEXT_BYTES - 1);
}

Test(error, of_errno_tells_a_full_disk_from_a_broken_one) {
    cr_assert_eq(error_of_errno(ENOSPC), ERROR_DISK_FULL);
    cr_assert_eq(error_of_errno(EDQUOT), ERROR_DISK_FULL);
    cr_assert_eq(error_of_errno(ENOMEM), ERROR_MEMORY);
    cr_assert_eq(error_of_errno(EIO), ERROR_IO);
    cr_assert_eq(error_of_errno(ENOENT), ERROR_IO);
}
