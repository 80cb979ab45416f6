/* Money: signed 64-bit fen (0.01 yuan), never floating point. Reading is exact or refused. */
#ifndef TALLY_PROTO_MONEY_H
#define TALLY_PROTO_MONEY_H

#include <stddef.h>
#include <stdint.h>

typedef int64_t fen_t;

/* How many fen one unit is. */
enum money_unit {
    MONEY_UNIT_FEN = 0,  /* 分 */
    MONEY_UNIT_YUAN,     /* 元 */
    MONEY_UNIT_WAN_YUAN, /* 万元, 10^4 yuan */
    MONEY_UNIT_YI_YUAN,  /* 亿元, 10^8 yuan */
};

enum money_error {
    MONEY_OK = 0,
    MONEY_EMPTY,      /* nothing there */
    MONEY_NOT_NUMBER, /* no digits, or something that is neither digit, sign nor one decimal point */
    MONEY_EXPONENT,   /* 1.2E+09: a spreadsheet has rounded it */
    MONEY_SEPARATOR,  /* 1,234: thousands separators are ambiguous */
    MONEY_TOO_FINE,   /* a fraction of a fen */
    MONEY_TOO_LARGE,  /* does not fit 64 bits of fen */
};

enum { MONEY_TEXT_BYTES = 40 }; /* room for every text that the functions below write, with its end */

/* Reads "9410.5" in the given unit. text is size bytes, without surrounding space. fen is untouched on error. */
enum money_error money_parse(const char *text, size_t size, enum money_unit unit, fen_t *fen);

/* One sentence for people, English. */
const char *money_error_text(enum money_error error);

/* "941000000000.00": yuan with two decimals. buffer has MONEY_TEXT_BYTES. Returns buffer. */
char *money_format_yuan(fen_t fen, char *buffer);

/* "9410亿元", "12.34亿元", "5600万元", "12.5元": the largest unit in which at most two decimals say nearly all;
 * figures are cut, not rounded, so that no total reads larger than it is. Returns buffer. */
char *money_format_zh(fen_t fen, char *buffer);

/* "941.0 billion yuan", "12.3 million yuan", "560 yuan": cut, not rounded. Returns buffer. */
char *money_format_en(fen_t fen, char *buffer);

#endif
