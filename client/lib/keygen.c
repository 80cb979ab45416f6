#include "credentials.h"
#include "tally/tally.h"

enum tally_error tally_keygen(const char *path, const char *comment, char *public_key, char *message) {
    struct curve_pair pair;
    char objection[CURVE_OBJECTION_BYTES];
    if (!curve_pair_make(&pair)) {
        return fault_set(message, TALLY_PROTOCOL, "this libzmq was built without CURVE; use one with libsodium");
    }
    bool saved = curve_pair_save(path, &pair, comment, objection);
    curve_key_write(&pair.public_key, public_key);
    curve_pair_forget(&pair);
    return saved ? TALLY_OK : fault_set(message, TALLY_DISK, "%s", objection);
}
