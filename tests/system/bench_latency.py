"""bench_latency measures acknowledgements beside what they cannot be faster than."""

import harness
from benchmark import Benchmark

SMALL = ("--projects=20000", "--rows=1024", "--seconds=0.8", "--full-seconds=0.3")
FIGURES = ("p50_ms", "p99_ms", "p999_ms", "max_ms")


class Latency(Benchmark):
    def assert_distribution(self, lines, name):
        self.assertGreater(lines[f"{name}_p50_ms"], 0)
        self.assert_grow(lines, *(f"{name}_{figure}" for figure in FIGURES))

    def test_idle_stands_beside_bare_commits_of_as_many_bytes(self):
        lines, _ = self.bench("latency", *SMALL, "--mode=idle")
        self.assert_distribution(lines, "idle_ack")
        self.assert_distribution(lines, "commit")
        self.assertAlmostEqual(lines["idle_ack_vs_commit"], lines["idle_ack_p50_ms"] / lines["commit_p50_ms"], 1)
        self.assertEqual(lines["idle_rows"], 16)
        self.assertTrue(16 * 30 < lines["idle_record_bytes"] < 16 * 60, lines)
        self.assertGreater(lines["idle_batches"], 3)
        self.assertGreater(lines["idle_commits"], 3)
        self.assertNotIn("half_load_ack_p50_ms", lines)
        self.assert_verified(lines)

    def test_half_load_is_half_of_the_full_rate(self):
        lines, _ = self.bench("latency", *SMALL, "--mode=half")
        for name in ("half_load", "half_load_512"):
            self.assert_distribution(lines, f"{name}_ack")
            self.assertGreater(lines[f"{name}_batches"], 0)
            self.assertLess(lines[f"{name}_updates_per_s"], lines[f"{name}_full_updates_per_s"] * 0.6)
        self.assert_verified(lines)

    def test_wrong_options_are_refused(self):
        self.assert_refused("latency", "--mode=full")
        self.assert_refused("latency", "--idle-rows=0")
        self.assert_nothing_without_a_daemon("latency")


if __name__ == "__main__":
    harness.main()
