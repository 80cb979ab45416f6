"""The peers do the same work and are verified like the daemon. Registered only where the peer's program was built."""

import os
import sys

import harness
from benchmark import BENCH, Benchmark
from harness import read_text

SMALL = ("--projects=5000", "--rows=512", "--warm-up=0.1", "--seconds=0.5")


class Peer(Benchmark):
    """Its programs lie in a folder of their own, take no port, and end with the test."""

    def spawn_bench(self, name, *options):
        self.bench_folder = self.path(f"bench-{name}")
        program = os.path.join(BENCH, "peers", f"bench_{name}")
        return self.spawn([program, f"--directory={self.bench_folder}", *options], name)

    def assert_figures(self, lines, name):
        self.assertGreater(lines[f"{name}_updates_per_s"], 0)
        self.assertGreater(lines[f"{name}_batches"], 3)
        self.assertGreater(lines[f"{name}_cpu_s_per_million"], 0)
        self.assertGreater(lines[f"{name}_ack_p50_ms"], 0)
        self.assert_grow(lines, *(f"{name}_ack_{figure}_ms" for figure in ("p50", "p99", "p999", "max")))
        self.assert_verified(lines)

    def assert_nothing(self, name, option):
        lines, complaint = self.bench(name, option, *SMALL, status=1)
        self.assertNotIn("yes", lines.values())
        self.assertIn("bench", complaint)


class Postgresql(Peer):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)  # its server runs as another user if we are root

    def test_totals_projects_and_what_was_sent_are_equal(self):
        lines, complaint = self.bench("postgresql", *SMALL)
        self.assert_figures(lines, "postgresql")
        self.assertIn("recount of 5000 projects", complaint)

    def test_its_settings_are_synchronous(self):
        self.bench("postgresql", *SMALL, "--keep")
        settings = read_text(os.path.join(self.bench_folder, "data", "postgresql.conf"))
        for setting in ("synchronous_commit = on\n", "fsync = on\n", "full_page_writes = on\n"):
            self.assertIn("\n" + setting, settings)

    def test_without_a_server_there_is_no_figure(self):
        self.assert_nothing("postgresql", "--programs=/nowhere")
        self.assert_refused("postgresql", "--rows=0")


class Redis(Peer):
    def test_totals_projects_and_what_was_sent_are_equal(self):
        lines, complaint = self.bench("redis", *SMALL)
        self.assert_figures(lines, "redis")
        self.assertIn("recount of 5000 projects", complaint)

    def test_everysec_has_figures_of_another_name(self):
        lines, _ = self.bench("redis", *SMALL, "--appendfsync=everysec")
        self.assert_figures(lines, "redis_everysec")
        self.assertNotIn("redis_updates_per_s", lines)

    def test_without_a_server_there_is_no_figure(self):
        self.assert_nothing("redis", "--program=/bin/false")
        self.assert_refused("redis", "--rows=0")


if __name__ == "__main__":
    # The peer that is to be tested comes first: Postgresql or Redis.
    harness.unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
