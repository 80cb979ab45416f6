#include "proto/curve_key.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 256 };

static char folder[PATH_BYTES / 2];
static char path[PATH_BYTES];
static char public_path[PATH_BYTES + 8];
static char objection[CURVE_OBJECTION_BYTES];

static void enter(void) {
    snprintf(folder, sizeof folder, "/tmp/tally-keys-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/me.key", folder);
    snprintf(public_path, sizeof public_path, "%s.pub", path);
}

static void leave(void) {
    unlink(path);
    unlink(public_path);
    rmdir(folder);
}

TestSuite(curve_key, .init = enter, .fini = leave);

static void write_text(const char *text, mode_t mode) {
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

Test(curve_key, digits_there_and_back) {
    static const char digits[] = "00112233445566778899aabbccddeeff0123456789abcdefFEDCBA9876543210";
    static const char small[] = "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";
    struct curve_key key;
    char written[CURVE_KEY_DIGITS + 1];
    cr_assert(curve_key_parse(digits, CURVE_KEY_DIGITS, &key));
    cr_assert_eq(key.bytes[1], 0x11);
    cr_assert_eq(key.bytes[24], 0xFE);
    curve_key_write(&key, written);
    cr_assert_str_eq(written, small);
    cr_assert_not(curve_key_parse(digits, CURVE_KEY_DIGITS - 1, &key));
    for (int character = 1; character < 256; character++) {
        char other[CURVE_KEY_DIGITS + 1];
        memcpy(other, digits, sizeof other);
        other[63] = (char)character;
        cr_assert_eq(curve_key_parse(other, CURVE_KEY_DIGITS, &key),
                     strchr("0123456789abcdefABCDEF", character) != NULL, "%d", character);
    }
}

Test(curve_key, a_pair_is_saved_and_read) {
    struct curve_pair pair;
    struct curve_pair read;
    struct curve_key public_key;
    struct stat status;
    cr_assert(curve_pair_make(&pair));
    cr_assert(curve_pair_save(path, &pair, "me", objection), "%s", objection);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0600);
    cr_assert(curve_pair_read(path, &read, objection), "%s", objection);
    cr_assert_arr_eq(&read, &pair, sizeof pair);
    cr_assert(curve_key_read(public_path, &public_key, objection), "%s", objection);
    cr_assert_arr_eq(&public_key, &pair.public_key, sizeof public_key);
    cr_assert_not(curve_pair_save(path, &pair, "me", objection));
    cr_assert_not_null(strstr(objection, "never written over"));
    cr_assert_not(curve_pair_read(public_path, &read, objection));
}

Test(curve_key, what_is_wrong_with_a_file_is_said) {
    struct curve_pair pair;
    struct curve_pair other;
    char text[512];
    char public_digits[CURVE_KEY_DIGITS + 1];
    char secret_digits[CURVE_KEY_DIGITS + 1];
    cr_assert(curve_pair_make(&pair));
    cr_assert(curve_pair_make(&other));
    cr_assert_not(curve_pair_read(path, &pair, objection));
    cr_assert_not_null(strstr(objection, "cannot be read"));
    write_text("", 0600);
    cr_assert_not(curve_pair_read(path, &pair, objection));
    cr_assert_not_null(strstr(objection, "secret-key"));
    curve_key_write(&other.public_key, public_digits);
    cr_assert(curve_pair_make(&pair));
    curve_key_write(&pair.secret_key, secret_digits);
    snprintf(text, sizeof text, "# mixed up\npublic-key = %s\nsecret-key=%s\n", public_digits, secret_digits);
    write_text(text, 0600);
    cr_assert_not(curve_pair_read(path, &pair, objection));
    cr_assert_not_null(strstr(objection, "do not belong together"));
    write_text(text, 0640);
    cr_assert_not(curve_pair_read(path, &pair, objection));
    cr_assert_not_null(strstr(objection, "others may read"));
    cr_assert_not(curve_pair_read(folder, &pair, objection));
    cr_assert_not_null(strstr(objection, "is not a file"));
    char *large = calloc(1, 5001);
    memset(large, '#', 5000);
    write_text(large, 0600);
    free(large);
    cr_assert_not(curve_pair_read(path, &pair, objection));
    cr_assert_not_null(strstr(objection, "too large"));
}
