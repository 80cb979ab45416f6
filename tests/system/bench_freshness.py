"""bench_freshness follows every receipt to every subscriber."""

import harness
from benchmark import Benchmark

SMALL = ("--projects=20000", "--seconds=0.6", "--warm-up=0.1")
FIGURES = ("p50_ms", "p99_ms", "p999_ms", "max_ms")


class Freshness(Benchmark):
    def assert_part(self, lines, part, samples_min):
        self.assertGreaterEqual(lines[f"freshness_{part}p50_ms"], 0)
        self.assert_grow(lines, *(f"freshness_{part}{figure}" for figure in FIGURES))
        self.assertGreaterEqual(lines[f"freshness_{part}samples"], samples_min)
        self.assertEqual(lines[f"freshness_{part}missing"], 0)
        self.assertTrue(0 <= lines[f"freshness_{part}early_share"] <= 1, lines)

    def test_one_subscriber_idle_and_at_full_rate(self):
        lines, _ = self.bench("freshness", *SMALL)
        self.assertEqual(lines["subscribers"], 1)
        self.assert_part(lines, "idle_", 2)
        self.assert_part(lines, "", 2)
        self.assertGreater(lines["ingest_updates_per_s"], 0)
        self.assert_verified(lines)

    def test_every_subscriber_counts(self):
        """At full rate every receipt counts with each of them; idle only with those whose region it concerns."""
        lines, _ = self.bench("freshness", *SMALL, "--subscribers=40")
        self.assertEqual(lines["subscribers"], 40)
        self.assert_part(lines, "idle_", 2)
        self.assert_part(lines, "", 40)
        self.assertEqual(lines["freshness_samples"] % 40, 0)
        self.assertGreater(lines["totals_messages_per_s"], 0)
        self.assert_verified(lines)

    def test_parts_can_be_chosen(self):
        lines, _ = self.bench("freshness", *SMALL, "--idle", "--transport=tcp")
        self.assertNotIn("freshness_p50_ms", lines)
        self.assert_part(lines, "idle_", 2)

    def test_wrong_options_are_refused(self):
        self.assert_refused("freshness", "--subscribers=0")
        self.assert_nothing_without_a_daemon("freshness")


if __name__ == "__main__":
    harness.main()
