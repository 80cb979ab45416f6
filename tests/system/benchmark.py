"""What the tests of the benchmarks share: a benchmark on free ports in a folder of its own, and the lines that it printed.

The figures of runs this short say nothing about speed; what is tested is that they are there, that they can be true, and that
a run that does not verify is told by the exit status.
"""

import os

from harness import Case, free_ports, read_text

BENCH = os.path.abspath(os.environ["TALLY_BENCH"])


class Benchmark(Case):
    def spawn_bench(self, name, *options):
        port = free_ports(3)[0]
        self.bench_folder = self.path(f"bench-{name}")
        return self.spawn([os.path.join(BENCH, f"bench_{name}"), f"--port={port}", f"--directory={self.bench_folder}",
                           *options], name)

    def bench(self, name, *options, status=0):
        """Runs it to its end; returns its lines as a dict, numbers as float, and its complaints."""
        process = self.spawn_bench(name, *options)
        lines = [line.split("\t") for line in self.finish(process, status).splitlines()]
        self.assertTrue(all(len(line) == 2 for line in lines), lines)
        names = [line[0] for line in lines]
        self.assertEqual(len(names), len(set(names)), names)
        return {name: number(value) for name, value in lines}, read_text(process.err)

    def assert_verified(self, lines):
        self.assertEqual(lines["verified"], "yes")
        self.assertFalse(os.path.exists(self.bench_folder), "the folder is left behind")

    def assert_grow(self, lines, *names):
        """Each is there, and none is below the one before."""
        values = [lines[name] for name in names]
        self.assertEqual(values, sorted(values), names)

    def assert_refused(self, name, option):
        process = self.spawn_bench(name, option)
        self.finish(process, 64)
        self.assertIn(option.split("=")[0], read_text(process.err))

    def assert_nothing_without_a_daemon(self, name):
        lines, _ = self.bench(name, "--tallyd=/bin/false", status=1)
        self.assertNotIn("yes", lines.values())


def number(text):
    try:
        return float(text)
    except ValueError:
        return text
