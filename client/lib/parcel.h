/* A batch in the form in which it waits, travels and is stored: its packed body, and beside it what stays at home, the
 * caller's tags. The body is written once, except for the sequence in it.
 * Counted references, because ZeroMQ's own thread lets go of a body when it has sent it: the last one frees. */
#ifndef TALLY_LIB_PARCEL_H
#define TALLY_LIB_PARCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parcel {
    _Atomic uint32_t references;
    uint32_t rows;
    size_t body_bytes;
    uint64_t *tag; /* one for each row */
    uint8_t *body; /* what batch_encode wrote */
};

/* One reference, contents not set. NULL without memory. */
struct parcel *parcel_create(size_t rows, size_t body_bytes);

/* One more reference. Any thread. */
struct parcel *parcel_hold(struct parcel *parcel);

/* One reference less; sets it NULL. NULL is fine. Any thread. */
void parcel_release(struct parcel **parcel);

/* The parcel with this sequence in its body: itself if nobody else holds it, else a copy. Takes the reference that
 * *parcel is; on failure (no memory) *parcel is as before and the result false. */
bool parcel_number(struct parcel **parcel, uint64_t sequence);

/* What it weighs in memory and, nearly, on disk. */
size_t parcel_bytes(const struct parcel *parcel);

/* To and from one piece of bytes: rows, tags, body. parcel_unpack returns NULL without memory and, with malformed set,
 * when the lengths do not add up. */
size_t parcel_packed_bytes(const struct parcel *parcel);
void parcel_pack(const struct parcel *parcel, uint8_t *out);
struct parcel *parcel_unpack(const uint8_t *bytes, size_t size, bool *malformed);

#endif
