"""The program of the documentation reports its project and reads the totals back."""

import os

import harness
from harness import Case, Daemon, Totals

EXAMPLE = os.path.abspath(os.environ["TALLY_EXAMPLE"])


class Example(Case):
    def run_example(self, daemon):
        process = self.spawn([EXAMPLE, daemon.endpoints["ingest"], daemon.endpoints["query"]], "example")
        self.assertEqual(self.finish(process), "330000: 1 projects, 125000000000 fen\n")

    def test_reads_back_what_it_reported(self):
        daemon = Daemon(self)
        daemon.start()
        for _ in range(10):
            self.run_example(daemon)
        self.assertEqual(daemon.totals(330106), Totals(1, 125000000000, 820, 0))

    def test_says_what_is_wrong_when_nobody_listens(self):
        daemon = Daemon(self)
        process = self.spawn([EXAMPLE, daemon.endpoints["ingest"], daemon.endpoints["query"]], "example")
        self.finish(process, 1)
        self.assertIn("answer", harness.read_text(process.err))


if __name__ == "__main__":
    harness.main()
