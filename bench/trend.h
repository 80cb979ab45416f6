/* The trend of a series: a straight line by least squares, and whether it says that something grows. Any thread. */
#ifndef TALLY_BENCH_TREND_H
#define TALLY_BENCH_TREND_H

#include <stddef.h>

struct trend {
    double mean;
    double slope;       /* of y, for one of x */
    double slope_error; /* standard error of the slope, as if the residuals were independent */
    double span;        /* from the first x to the last */
};

/* x grows. Fewer than three points give a slope and an error of 0. */
struct trend trend_fit(const double *x, const double *y, size_t count);

/* "flat" unless over the whole span the line moves by more than a tenth of the mean, and by more than three standard errors;
 * then "rising" or "falling". Static storage. */
const char *trend_verdict(const struct trend *trend);

#endif
