"""bench_ingest drives tallyd and the floor alike, and believes neither before it has looked."""

import glob
import os
import signal

import harness
from benchmark import BENCH, Benchmark
from harness import read_text, wait_until

SMALL = ("--projects=20000", "--rows=512", "--warm-up=0.1", "--seconds=0.6")
ACKNOWLEDGEMENTS = ("ack_p50_ms", "ack_p99_ms", "ack_p999_ms", "ack_max_ms")


def flip_bits(path):
    """In a few places, because one alone might lie where LMDB keeps nothing."""
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        for ninth in range(3, 9):
            file.seek(size * ninth // 9)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))


def daemons_in(folder):
    """Processes that were started on a folder."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if f"{folder}/tallyd.conf" in read_text(path):
                found.append(path)
        except ProcessLookupError:
            pass
    return found


class Ingest(Benchmark):
    def assert_figures(self, lines, name):
        self.assertGreater(lines["load_updates_per_s"], 0)
        self.assertGreater(lines[f"{name}_updates_per_s"], 0)
        self.assert_grow(lines, f"{name}_slice_min", f"{name}_slice_max")
        self.assertGreater(lines["generator_cpu_s_per_million"], 0)
        self.assertGreaterEqual(lines["daemon_cpu_s_per_million"], 0)
        self.assertGreater(lines["daemon_resident_mib"], 0)
        self.assertGreater(lines["batches"], 0)
        self.assertGreater(lines["ack_p50_ms"], 0)
        self.assert_grow(lines, *ACKNOWLEDGEMENTS)

    def test_tallyd_is_measured_and_recounted(self):
        lines, complaints = self.bench("ingest", *SMALL)
        self.assert_figures(lines, "ingest")
        self.assertIn("20000 projects in 1 competition", complaints)
        self.assert_verified(lines)

    def test_the_floor_is_measured_and_its_journal_read(self):
        lines, complaints = self.bench("ingest", *SMALL, "--contender=floor")
        self.assert_figures(lines, "floor")
        self.assertIn("chain holds", complaints)
        self.assert_verified(lines)

    def test_many_nodes_report_at_once(self):
        for contender in ("tallyd", "floor"):
            lines, _ = self.bench("ingest", *SMALL, f"--contender={contender}", "--nodes=40", "--rows=64")
            self.assertGreaterEqual(lines["batches"], 40)
            self.assert_verified(lines)

    def test_a_schedule_is_kept(self):
        """All batches that are due within the time are sent and counted, no more and no fewer."""
        lines, _ = self.bench("ingest", *SMALL, "--rate=51200", "--seconds=1")
        self.assertEqual(lines["batches"], 100)
        self.assertLess(lines["ingest_updates_per_s"], 51200 * 1.05)
        self.assert_verified(lines)

    def test_what_the_floor_lost_is_noticed(self):
        self.bench("ingest", *SMALL, "--contender=floor", "--keep")
        audit = (os.path.join(BENCH, "bench_floor"), f"--config={self.bench_folder}/tallyd.conf", "--audit")
        whole = self.finish(self.spawn(audit, "audit"))
        self.assertRegex(whole, r"^entries\t\d+\nrows\t\d+\n$")
        segment, = glob.glob(f"{self.bench_folder}/data/journal/segment-*.mdb")
        flip_bits(segment)
        damaged = self.spawn(audit, "audit")
        self.finish(damaged, 1)
        self.assertIn("cannot be read after entry", read_text(damaged.err))

    def test_an_interrupt_leaves_nothing_behind(self):
        for contender in ("tallyd", "floor"):
            process = self.spawn_bench("ingest", *SMALL, f"--contender={contender}", "--seconds=60")
            wait_until(lambda: "load_updates_per_s" in read_text(process.out), "it is loaded")
            process.send_signal(signal.SIGINT)
            self.assertNotIn("verified", self.finish(process, 128 + signal.SIGINT))
            self.assertFalse(os.path.exists(self.bench_folder))
            self.assertEqual(daemons_in(self.bench_folder), [])

    def test_wrong_options_are_refused(self):
        self.assert_refused("ingest", "--contender=roof")
        self.assert_refused("ingest", "--rows=8193")
        self.assert_refused("ingest", "--nodes=0")
        self.assert_nothing_without_a_daemon("ingest")


if __name__ == "__main__":
    harness.main()
