"""bench_recovery kills a daemon whose journal is ahead of its stored state, and has all of it replayed."""

import harness
from benchmark import Benchmark

TAIL_MIB = 8
SMALL = ("--projects=20000", f"--tail-mib={TAIL_MIB}")


class Recovery(Benchmark):
    def assert_recovered(self, lines):
        self.assertEqual(lines["recovery_projects"], 20000)
        self.assertGreaterEqual(lines["recovery_tail_mib"], TAIL_MIB)
        # A row of this workload takes 40 bytes, and LMDB's pages some more.
        self.assertTrue(20 < lines["recovery_tail_mib"] * 2 ** 20 / lines["recovery_tail_updates"] < 100, lines)
        self.assertGreater(lines["recovery_replay_s"], 0)
        self.assertGreaterEqual(lines["recovery_s"], lines["recovery_replay_s"])
        self.assertGreaterEqual(lines["recovery_rest_s"], 0)
        self.assertAlmostEqual(lines["replay_vs_ingest"],
                               lines["replay_updates_per_s"] / lines["ingest_updates_per_s"], places=2)
        self.assert_verified(lines)

    def test_the_tail_is_replayed(self):
        lines, complaints = self.bench("recovery", *SMALL)
        self.assertEqual(lines["recovery_cache"], "as the daemon left it")
        self.assert_recovered(lines)
        self.assertIn("was put back", complaints)

    def test_files_can_be_dropped_from_memory_before(self):
        lines, _ = self.bench("recovery", *SMALL, "--cold")
        self.assertEqual(lines["recovery_cache"], "cold")
        self.assert_recovered(lines)

    def test_wrong_options_are_refused(self):
        self.assert_refused("recovery", "--tail-mib=0")
        self.assert_nothing_without_a_daemon("recovery")


if __name__ == "__main__":
    harness.main()
