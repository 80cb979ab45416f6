#include "curve_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum {
    Z85_BYTES = 41,        /* 40 and the end */
    FILE_BYTES_MAX = 4096, /* of a key file */
    PATH_BYTES = 4096,
};

static const char public_name[] = "public-key";
static const char secret_name[] = "secret-key";

/* ---- one key ---- */

static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    int letter = digit | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool curve_key_parse(const char *text, size_t size, struct curve_key *key) {
    struct curve_key parsed;
    if (size != CURVE_KEY_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < CURVE_KEY_BYTES; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *key = parsed;
    return true;
}

void curve_key_write(const struct curve_key *key, char text[CURVE_KEY_DIGITS + 1]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < CURVE_KEY_BYTES; i++) {
        text[2 * i] = digits[key->bytes[i] >> 4];
        text[2 * i + 1] = digits[key->bytes[i] & 15];
    }
    text[CURVE_KEY_DIGITS] = '\0';
}

bool curve_pair_make(struct curve_pair *pair) {
    char public_text[Z85_BYTES];
    char secret_text[Z85_BYTES];
    bool made = zmq_curve_keypair(public_text, secret_text) == 0 &&
                zmq_z85_decode(pair->public_key.bytes, public_text) != NULL &&
                zmq_z85_decode(pair->secret_key.bytes, secret_text) != NULL;
    explicit_bzero(secret_text, sizeof secret_text);
    return made;
}

void curve_pair_forget(struct curve_pair *pair) {
    explicit_bzero(pair, sizeof *pair);
}

static bool belong_together(const struct curve_pair *pair) {
    char public_text[Z85_BYTES];
    char secret_text[Z85_BYTES];
    struct curve_key derived;
    bool known = zmq_z85_encode(secret_text, pair->secret_key.bytes, CURVE_KEY_BYTES) != NULL &&
                 zmq_curve_public(public_text, secret_text) == 0 && zmq_z85_decode(derived.bytes, public_text) != NULL;
    explicit_bzero(secret_text, sizeof secret_text);
    return known && memcmp(derived.bytes, pair->public_key.bytes, CURVE_KEY_BYTES) == 0;
}

/* ---- reading a file ---- */

__attribute__((format(printf, 2, 3))) static bool object(char objection[CURVE_OBJECTION_BYTES], const char *format,
                                                         ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(objection, CURVE_OBJECTION_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* A file of others could have been put there by them, and one that others read is no secret any more. */
static bool check_secrecy(const char *path, const struct stat *file, char *objection) {
    if (file->st_uid != geteuid() && file->st_uid != 0) {
        return object(objection, "%.300s: belongs to user %u; a secret key must be its user's own: chown it", path,
                      (unsigned)file->st_uid);
    }
    if ((file->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return object(
            objection,
            "%.300s: others may read or write it (mode %03o); if nobody did, chmod 600 it, else make a new key", path,
            (unsigned)(file->st_mode & 0777));
    }
    return true;
}

/* The whole file into text, which has room for FILE_BYTES_MAX and the end. */
static bool read_text(const char *path, bool secret, char *text, char *objection) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) {
        object(objection, "%.300s: cannot be read: %s", path, strerror(errno));
        if (file >= 0) {
            close(file);
        }
        return false;
    }
    bool fine = true;
    ssize_t size = -1;
    if (!S_ISREG(status.st_mode)) {
        fine = object(objection, "%.300s: is not a file; name a key file, as tally keygen makes them", path);
    } else if (secret) {
        fine = check_secrecy(path, &status, objection);
    }
    if (fine) {
        size = read(file, text, FILE_BYTES_MAX + 1);
        fine = size >= 0 && size <= FILE_BYTES_MAX;
        if (!fine) {
            object(objection, "%.300s: %s", path, size < 0 ? strerror(errno) : "is too large for a key file");
        }
    }
    close(file);
    text[fine ? size : 0] = '\0';
    return fine;
}

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t\r");
}

/* The digits that follow `name =` at the beginning of a line. */
static bool find_key(const char *text, const char *name, struct curve_key *key) {
    for (const char *line = text; line != NULL; line = strchr(line, '\n'), line += line != NULL) {
        const char *at = skip_blanks(line);
        size_t length = strlen(name);
        if (strncmp(at, name, length) != 0) {
            continue;
        }
        at = skip_blanks(at + length);
        if (*at != '=') {
            continue;
        }
        at = skip_blanks(at + 1);
        return curve_key_parse(at, strcspn(at, " \t\r\n"), key);
    }
    return false;
}

bool curve_key_read(const char *path, struct curve_key *key, char objection[CURVE_OBJECTION_BYTES]) {
    char text[FILE_BYTES_MAX + 2];
    if (!read_text(path, false, text, objection)) {
        return false;
    }
    bool found = find_key(text, public_name, key);
    explicit_bzero(text, sizeof text);
    return found ||
           object(objection, "%.300s: has no line '%s = ' with 64 hexadecimal digits; make one with tally keygen", path,
                  public_name);
}

bool curve_pair_read(const char *path, struct curve_pair *pair, char objection[CURVE_OBJECTION_BYTES]) {
    char text[FILE_BYTES_MAX + 2];
    if (!read_text(path, true, text, objection)) {
        return false;
    }
    const char *missing = NULL;
    if (!find_key(text, secret_name, &pair->secret_key)) {
        missing = secret_name;
    } else if (!find_key(text, public_name, &pair->public_key)) {
        missing = public_name;
    }
    explicit_bzero(text, sizeof text);
    if (missing != NULL) {
        curve_pair_forget(pair);
        return object(objection,
                      "%.300s: has no line '%s = ' with 64 hexadecimal digits; name the file that tally keygen made "
                      "without .pub at its end",
                      path, missing);
    }
    if (!belong_together(pair)) {
        curve_pair_forget(pair);
        return object(objection,
                      "%.300s: its two keys do not belong together; take the file from a backup, or make a new one",
                      path);
    }
    return true;
}

/* ---- making files ---- */

/* Syncs the folder, so that the names stay too. */
static bool sync_folder_of(const char *path) {
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    int length = snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
                          slash == NULL ? "." : path);
    int directory = length < (int)sizeof folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool synced = directory >= 0 && fsync(directory) == 0;
    if (directory >= 0) {
        close(directory);
    }
    return synced;
}

static bool write_file(const char *path, mode_t mode, const char *text, char *objection) {
    size_t size = strlen(text);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file < 0) {
        return object(objection, "%.300s: %s", path,
                      errno == EEXIST ? "is there already; a key is never written over: choose another name"
                                      : strerror(errno));
    }
    bool written = fchmod(file, mode) == 0 && write(file, text, size) == (ssize_t)size && fsync(file) == 0;
    int reason = errno;
    if (close(file) != 0 || !written) {
        unlink(path);
        return object(objection, "%.300s: cannot be written: %s", path, strerror(reason));
    }
    return true;
}

bool curve_pair_save(const char *path, const struct curve_pair *pair, const char *comment,
                     char objection[CURVE_OBJECTION_BYTES]) {
    char public_path[PATH_BYTES];
    char digits[CURVE_KEY_DIGITS + 1];
    char secret_digits[CURVE_KEY_DIGITS + 1];
    char text[FILE_BYTES_MAX];
    if (snprintf(public_path, sizeof public_path, "%s.pub", path) >= (int)sizeof public_path) {
        return object(objection, "%.300s...: the path is too long", path);
    }
    curve_key_write(&pair->public_key, digits);
    curve_key_write(&pair->secret_key, secret_digits);
    snprintf(text, sizeof text, "# %.1000s: the public key, to be given to others\n%s = %s\n", comment, public_name,
             digits);
    bool saved = write_file(public_path, 0644, text, objection);
    if (saved) {
        snprintf(
            text, sizeof text,
            "# %.1000s: the secret key. Whoever has it can speak in its name: keep it to yourself\n%s = %s\n%s = %s\n",
            comment, public_name, digits, secret_name, secret_digits);
        saved = write_file(path, 0600, text, objection);
        if (!saved) {
            unlink(public_path);
        } else if (!sync_folder_of(path)) {
            unlink(path);
            unlink(public_path);
            saved = object(objection, "%.300s: its folder cannot be synced: %s", path, strerror(errno));
        }
    }
    explicit_bzero(text, sizeof text);
    explicit_bzero(secret_digits, sizeof secret_digits);
    return saved;
}
