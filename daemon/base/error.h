/* What can go wrong inside the daemon, apart from refusals (which are answers, see proto/refusal.h). */
#ifndef TALLY_DAEMON_BASE_ERROR_H
#define TALLY_DAEMON_BASE_ERROR_H

#define MUST_USE __attribute__((warn_unused_result))

enum error {
    ERROR_NONE = 0,
    ERROR_MEMORY,        /* allocation failed */
    ERROR_IO,            /* the system failed to read or write; the outcome is unknown: stop */
    ERROR_DISK_FULL,     /* nothing was written; works again once there is space */
    ERROR_DAMAGED,       /* stored data is not what was written */
    ERROR_CONFIGURATION, /* the configuration cannot be used */
    ERROR_BUSY,          /* another process holds it */
    ERROR_LIMIT,         /* a bound of the program is reached */
    ERROR_NETWORK,       /* a socket cannot be made or bound */
};

/* One sentence, English, static storage, never NULL. */
const char *error_text(enum error error);

enum { FAULT_TEXT_BYTES = 512 };

/* An error with what, where and what to do, for people. Errors of start-up carry one; whoever decides logs it, once. */
struct fault {
    enum error error;
    char text[FAULT_TEXT_BYTES];
};

/* Fills the fault unless it already tells of an error, and returns error. The text is cut to fit. */
enum error fault_set(struct fault *fault, enum error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The error that errno stands for: ENOSPC, EDQUOT -> DISK_FULL; ENOMEM -> MEMORY; EMFILE, ENFILE -> LIMIT; all else IO. */
enum error error_of_errno(int number);

#endif
