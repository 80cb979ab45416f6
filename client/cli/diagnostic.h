/* What goes to stderr: "tally push: what is wrong: what to do". */
#ifndef TALLY_CLIENT_CLI_DIAGNOSTIC_H
#define TALLY_CLIENT_CLI_DIAGNOSTIC_H

/* One line. command is a command's name, or NULL for tally itself. */
void diagnostic_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for what is only good to know. */
void diagnostic_note(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with "warning: ": the command goes on. */
void diagnostic_warning(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
