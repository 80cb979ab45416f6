#include "bench/trend.h"

#include <math.h>
#include <stdbool.h>

enum { POINTS_MIN = 3, ERRORS = 3 };

#define SHARE_OF_MEAN 0.1

static double mean_of(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return count > 0 ? sum / (double)count : 0;
}

struct trend trend_fit(const double *x, const double *y, size_t count) {
    struct trend trend = {.mean = mean_of(y, count)};
    if (count < POINTS_MIN) {
        return trend;
    }
    double middle = mean_of(x, count);
    double xx = 0;
    double xy = 0;
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - middle) * (x[i] - middle);
        xy += (x[i] - middle) * (y[i] - trend.mean);
    }
    trend.span = x[count - 1] - x[0];
    trend.slope = xx > 0 ? xy / xx : 0;
    double residuals = 0;
    for (size_t i = 0; i < count; i++) {
        double residual = y[i] - trend.mean - trend.slope * (x[i] - middle);
        residuals += residual * residual;
    }
    trend.slope_error = xx > 0 ? sqrt(residuals / (double)(count - 2) / xx) : 0;
    return trend;
}

const char *trend_verdict(const struct trend *trend) {
    bool small = fabs(trend->slope) * trend->span <= SHARE_OF_MEAN * fabs(trend->mean);
    bool unsure = fabs(trend->slope) <= ERRORS * trend->slope_error;
    return small || unsure ? "flat" : trend->slope > 0 ? "rising" : "falling";
}
