#include "bench/trend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { POINTS = 100 };

static bool near(double a, double b) {
    return fabs(a - b) < 1e-9;
}

static void fill(double *x, double *y, double start, double slope, double noise) {
    for (int i = 0; i < POINTS; i++) {
        x[i] = i;
        y[i] = start + slope * i + (i % 2 == 0 ? noise : -noise);
    }
}

Test(trend, a_line_is_found_exactly) {
    double x[POINTS];
    double y[POINTS];
    fill(x, y, 7, -0.5, 0);
    struct trend trend = trend_fit(x, y, POINTS);
    cr_assert(near(trend.slope, -0.5));
    cr_assert(near(trend.mean, 7 - 0.5 * (POINTS - 1) / 2));
    cr_assert(near(trend.slope_error, 0));
    cr_assert(near(trend.span, POINTS - 1));
}

/* By hand: x 0 1 2, y 0 2 1: slope 0.5, residuals -0.5 1 -0.5, error sqrt(1.5 / 1 / 2). */
Test(trend, the_error_is_that_of_the_residuals) {
    struct trend trend = trend_fit((const double[]){0, 1, 2}, (const double[]){0, 2, 1}, 3);
    cr_assert(near(trend.slope, 0.5));
    cr_assert(near(trend.slope_error, sqrt(0.75)));
}

Test(trend, what_moves_is_told) {
    double x[POINTS];
    double y[POINTS];
    fill(x, y, 100, 1, 3);
    struct trend trend = trend_fit(x, y, POINTS);
    cr_assert_str_eq(trend_verdict(&trend), "rising");
    fill(x, y, 200, -1, 3);
    trend = trend_fit(x, y, POINTS);
    cr_assert_str_eq(trend_verdict(&trend), "falling");
}

Test(trend, little_of_the_mean_is_flat) {
    double x[POINTS];
    double y[POINTS];
    fill(x, y, 1000, 0.5, 0);
    struct trend trend = trend_fit(x, y, POINTS);
    cr_assert_str_eq(trend_verdict(&trend), "flat");
}

Test(trend, what_noise_explains_is_flat) {
    double x[POINTS];
    double y[POINTS];
    fill(x, y, 10, 0.02, 50);
    struct trend trend = trend_fit(x, y, POINTS);
    cr_assert_str_eq(trend_verdict(&trend), "flat");
}

Test(trend, two_points_say_nothing) {
    struct trend trend = trend_fit((const double[]){0, 1}, (const double[]){0, 9}, 2);
    cr_assert(near(trend.slope, 0));
    cr_assert_str_eq(trend_verdict(&trend), "flat");
    trend = trend_fit(NULL, NULL, 0);
    cr_assert_str_eq(trend_verdict(&trend), "flat");
}
