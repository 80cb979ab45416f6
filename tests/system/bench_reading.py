"""bench_reading: what reading costs, and rates that alternate in one daemon's life."""

import re

import harness
from benchmark import Benchmark

SMALL = ("--projects=20000", "--rounds=2", "--seconds=0.2", "--warm-up=0.05", "--readers=3", "--subscribers=20")
AUDIENCES = ("alone", "with_readers", "with_unpaced_readers", "with_plain_readers")


class Reading(Benchmark):
    def test_every_part_is_measured(self):
        lines, complaints = self.bench("reading", *SMALL)
        self.assert_inside(lines)
        self.assert_questions(lines)
        self.assert_alternated(lines, complaints)
        self.assert_verified(lines)

    def assert_inside(self, lines):
        # 350 counties of four provinces, their cities, the provinces, the whole: one version's cells are of counties alone.
        self.assertTrue(300 < lines["rollup_regions"] < 600, lines)
        self.assertTrue(1000 < lines["snapshot_cells"] <= 4096 * 2, lines)
        for name in ("snapshot_take_us", "snapshot_fold_us", "rollup_copy_us"):
            self.assertGreater(lines[name], 0)
        self.assertGreater(lines["read_totals_ns"], 0)
        self.assert_grow(lines, "read_totals_ns", "read_totals_with_cells_ns")

    def assert_questions(self, lines):
        self.assert_grow(lines, "question_p50_us", "question_p99_us", "question_max_us")
        self.assertGreater(lines["question_pipelined_us"], 0)

    def assert_alternated(self, lines, complaints):
        for audience in AUDIENCES:
            rate = f"ingest_{audience}_updates_per_s"
            self.assertGreater(lines[f"{rate}_min"], 0)
            self.assert_grow(lines, f"{rate}_min", rate, f"{rate}_max")
            self.assertGreater(lines[f"daemon_cpu_s_per_million_{audience}"], 0)
            self.assertGreater(lines[f"generator_cpu_s_per_million_{audience}"], 0)
        for audience in AUDIENCES[1:]:
            self.assertGreater(lines[f"answers_per_s_{audience}"], 0)
            self.assertGreater(lines[f"totals_messages_per_s_{audience}"], 0)
        rates = {(int(number), audience): float(rate)
                 for number, audience, rate in re.findall(r"round (\d+), (\w+): (\d+) updates/s", complaints)}
        for name, audience in (("readers_vs_alone", "with_plain_readers"), ("libzmq_readers_vs_alone", "with_readers"),
                               ("unpaced_readers_vs_alone", "with_unpaced_readers")):
            ratios = [rates[number, audience] / rates[number, "alone"] for number in (1, 2)]
            self.assertAlmostEqual(lines[name], sum(ratios) / 2, places=2)
        for number in (1, 2):
            for audience in AUDIENCES:
                self.assertIn(f"round {number}, {audience}: ", complaints)

    def test_subscribers_may_come_over_tcp(self):
        lines, _ = self.bench("reading", *SMALL, "--rounds=1", "--transport=tcp")
        for audience in AUDIENCES[1:]:
            self.assertGreater(lines[f"totals_messages_per_s_{audience}"], 0)
        self.assert_verified(lines)

    def test_a_paced_reader_keeps_to_its_schedule(self):
        lines, _ = self.bench("reading", *SMALL, "--asks=20")
        self.assertLess(lines["answers_per_s_with_readers"], 3 * 20 * 1.5)

    def test_wrong_options_are_refused(self):
        self.assert_refused("reading", "--readers=100000")
        self.assert_refused("reading", "--transport=udp")
        self.assert_nothing_without_a_daemon("reading")


if __name__ == "__main__":
    harness.main()
