"""bench_stages accounts for all of the daemon's processor time, by threads, and for the steps of its work."""

import harness
from benchmark import Benchmark

SMALL = ("--projects=20000", "--updates=40000", "--group=4", "--snapshot-updates=20000", "--seconds=0.5", "--warm-up=0.1")
STAGES = ("intake", "journal", "ledger", "archive", "publish")
STEPS = ("decode", "admit", "append", "commit", "apply", "receipt", "snapshot", "rollup", "capture",
         "store")


class Stages(Benchmark):
    def assert_threads(self, lines):
        threads = {name: value for name, value in lines.items() if name.startswith("thread_")}
        cpu = {name: value for name, value in threads.items()
               if name.endswith("_ns") and not name.endswith("_waited_ns")}
        self.assertTrue(all(value >= 0 for value in threads.values()), threads)
        self.assertTrue({f"thread_{stage}_ns" for stage in STAGES} <= cpu.keys(), cpu)
        self.assertAlmostEqual(sum(cpu.values()), lines["daemon_cpu_ns"], delta=0.01 * len(cpu))
        # The two clocks of the kernel: the process's is read a moment before the threads', and ticks.
        self.assertAlmostEqual(lines["process_cpu_ns"] / lines["daemon_cpu_ns"], 1, delta=0.2)
        self.assertGreater(lines["updates"], 0)

    def assert_steps(self, lines):
        steps = [lines[f"step_{step}_ns"] for step in STEPS]
        self.assertTrue(all(value > 0 for value in steps), lines)
        self.assertAlmostEqual(sum(steps), lines["steps_ns"], delta=0.01 * len(steps))
        self.assertGreater(lines["step_replay_ns"], 0)
        self.assertGreater(lines["step_commit_elapsed_ms"], 0)

    def test_threads_and_steps_add_up(self):
        lines, _ = self.bench("stages", *SMALL)
        self.assert_threads(lines)
        self.assert_steps(lines)
        self.assert_verified(lines)

    def test_parts_can_be_chosen(self):
        lines, _ = self.bench("stages", *SMALL, "--steps")
        self.assertNotIn("daemon_cpu_ns", lines)
        self.assert_steps(lines)
        self.assert_verified(lines)

    def test_wrong_options_are_refused(self):
        self.assert_refused("stages", "--group=0")

    def test_nothing_is_verified_without_a_daemon(self):
        lines, _ = self.bench("stages", *SMALL, "--threads", "--tallyd=/bin/false", status=1)
        self.assertNotIn("yes", lines.values())


if __name__ == "__main__":
    harness.main()
