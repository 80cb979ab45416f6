"""bench_endurance writes a line a second, lays lines through them, and ends before the disk is full."""

import csv

import harness
from benchmark import Benchmark

SMALL = ("--projects=20000", "--minutes=0.05")


class Endurance(Benchmark):
    def endure(self, *options, status=0):
        self.table = self.path("table.tsv")
        return self.bench("endurance", *SMALL, f"--output={self.table}", *options, status=status)

    def rows(self):
        with open(self.table, encoding="utf-8", newline="") as file:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file, delimiter="\t")]

    def test_every_second_is_in_the_table(self):
        lines, _ = self.endure()
        rows = self.rows()
        self.assertEqual(len(rows), 3)
        for name in ("seconds", "journal_bytes"):
            values = [row[name] for row in rows]
            self.assertEqual(values, sorted(set(values)), f"{name} does not grow")
        for row in rows:
            self.assertGreater(row["updates_per_s"], 0)
            self.assertTrue(0 < row["ack_p50_ms"] <= row["ack_p99_ms"] <= row["ack_max_ms"], row)
            self.assertTrue(0 < row["own_bytes"] < row["resident_bytes"], row)
        self.assert_figures(lines, rows)
        self.assert_verified(lines)

    def assert_figures(self, lines, rows):
        self.assertEqual(lines["endurance_complete"], "yes")
        self.assert_grow(lines, "endurance_updates_per_s_min", "endurance_rate_mean_updates_per_s",
                         "endurance_updates_per_s_max")
        self.assertEqual(lines["endurance_lag_max_versions"], max(row["lag_versions"] for row in rows))
        # A row of this workload takes 40 bytes, and LMDB's pages some more.
        self.assertTrue(20 < lines["endurance_journal_bytes_per_update"] < 100, lines)
        for name, unit in (("latency", "ms"), ("memory", "mib"), ("resident", "mib"), ("lag", "versions")):
            self.assertIn(f"endurance_{name}_slope_{unit}_per_min", lines)
            self.assertIn(lines[f"endurance_{name}_verdict"], ("flat", "rising", "falling"))

    def test_it_ends_before_the_disk_is_full(self):
        lines, complaints = self.endure("--reserve-gib=1000000", status=1)
        self.assertEqual(lines["endurance_complete"], "no")
        self.assertEqual(lines["verified"], "no")
        self.assertEqual(len(self.rows()), 1)
        self.assertIn("GiB are left", complaints)

    def test_wrong_options_are_refused(self):
        self.assert_refused("endurance", "--minutes=0")


if __name__ == "__main__":
    harness.main()
