#include "client/cli/reader/slice.h"

#include <criterion/criterion.h>

Test(slice, trim_takes_ascii_wide_and_no_break_spaces) {
    cr_assert(slice_equal(slice_trim(slice_of(" \t a b \r\n")), "a b"));
    cr_assert(slice_equal(slice_trim(slice_of("\u3000\u00A0杭州\u3000 \uFEFF")), "杭州"));
    cr_assert(slice_equal(slice_trim(slice_of("　　")), ""));
    cr_assert(slice_equal(slice_trim(slice_of("")), ""));
}

Test(slice, trim_leaves_other_characters_that_share_bytes) {
    cr_assert(slice_equal(slice_trim(slice_of("。")), "。"));
    cr_assert(slice_equal(slice_trim(slice_of("à")), "à"));
}

Test(slice, digits_are_ascii_only) {
    cr_assert(slice_digits(slice_of("0123")));
    cr_assert_not(slice_digits(slice_of("")));
    cr_assert_not(slice_digits(slice_of("12a")));
    cr_assert_not(slice_digits(slice_of("１２")));
}
