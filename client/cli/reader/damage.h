/* What spreadsheets do to figures and codes without being asked: exponent form, rounding to 15 digits, lost leading
 * zeros, separators; and what people type: full-width digits. Damage is refused, never repaired by guessing. */
#ifndef TALLY_CLIENT_CLI_READER_DAMAGE_H
#define TALLY_CLIENT_CLI_READER_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/reader/problem.h"
#include "client/cli/reader/slice.h"

/* Each takes a trimmed cell that is not empty and returns PROBLEM_NONE if it finds no damage. */

/* Full-width digits, exponent form, thousands separators. */
enum problem_kind damage_in_number(struct slice cell);

/* Full-width digits, exponent form, rounding; a registered code (five groups of digits) with digits missing; a code of
 * digits only that is shorter than digits_expected, the usual length of the file's such codes (0 = not known); text marks,
 * formulas, error values and dates. With digits_as_they_are, codes of digits only are neither rounded nor short: who says so
 * has looked, or writes them as strings. */
enum problem_kind damage_in_code(struct slice cell, size_t digits_expected, bool digits_as_they_are);

/* Anything but six digits. */
enum problem_kind damage_in_region(struct slice cell);

#endif
