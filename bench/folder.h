/* Removes what a benchmark has written. */
#ifndef TALLY_BENCH_FOLDER_H
#define TALLY_BENCH_FOLDER_H

/* The file, or the folder with all that is in it. Nothing if there is none. */
void folder_remove(const char *path);

#endif
