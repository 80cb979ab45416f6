"""What keeps the daemon from starting is told with file, line and what to do, and by the exit status."""

import os
import re
import subprocess

import harness
from harness import TALLYD, Case, Daemon, Rows, read_text

USAGE, DATA, UNAVAILABLE, TEMPORARY, CONFIG = 64, 65, 69, 75, 78


class Start(Case):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self)

    def run_tallyd(self, *arguments, status):
        process = subprocess.run([TALLYD, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                                 timeout=harness.SECONDS)
        self.assertEqual(process.returncode, status, process.stderr)
        return process.stdout + process.stderr

    def check(self, status, *words):
        """--check-config and a start agree."""
        for arguments in (["--check-config"], []):
            text = self.run_tallyd("--config", self.daemon.path("tallyd.conf"), *arguments, status=status)
            for word in words:
                self.assertIn(word, text)

    def change(self, name, pattern, replacement):
        path = self.daemon.path(name)
        text = read_text(path)
        changed, count = re.subn(pattern, replacement, text, count=1)
        self.assertEqual(count, 1, pattern)
        with open(path, "w", encoding="utf-8") as file:
            file.write(changed)
        return next(number for number, (old, new) in enumerate(zip(text.split("\n"), changed.split("\n")), 1)
                    if old != new)

    def test_a_right_configuration_is_fine(self):
        text = self.run_tallyd("--config", self.daemon.path("tallyd.conf"), "--check-config", status=0)
        self.assertIn("1 competitions, 4 nodes", text)
        self.assertFalse(os.path.exists(self.daemon.path("data")), "checking made the data directory")

    def test_the_example_of_the_documentation_is_fine(self):
        path = self.daemon.path("tallyd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(read_text(os.path.join(harness.SOURCE, "docs", "tallyd.conf")))
        self.run_tallyd("--config", path, "--check-config", status=0)

    def test_wrong_usage(self):
        self.assertIn("--help", self.run_tallyd("--no-such-option", status=USAGE))
        self.assertIn("--help", self.run_tallyd("operand", status=USAGE))
        self.assertIn("--help", self.run_tallyd("--config", status=USAGE))
        self.assertIn("Usage", self.run_tallyd("--help", status=0))
        self.assertRegex(self.run_tallyd("--version", status=0), r"^tallyd \d+\.\d+\.\d+\n$")

    def test_a_missing_file(self):
        self.assertIn("none.conf", self.run_tallyd("--config", self.path("none.conf"), status=CONFIG))

    def test_wrong_settings_are_named_with_file_and_line(self):
        good = read_text(self.daemon.path("tallyd.conf"))
        for pattern, replacement, word in (("projects-max = .*", "projects-max = many", "many"),
                                           ("projects-max = .*", "projects-max = 0", "projects-max"),
                                           ("projects-max = .*", "projects-mix = 5", "projects-mix"),
                                           ('"tcp://127[^"]*"', '"tcp://0.0.0.0:7501"', "0.0.0.0"),
                                           ('"tcp://127[^"]*"', '"udp://x"', "udp"),
                                           ('"33"', '"99"', "99"),
                                           ("node anhui", "node An_hui", "An_hui"),
                                           ("node anhui", "node jiangsu", "jiangsu"),
                                           ('title-en = "anhui federation"', "", "title-en"),
                                           ("data-directory = data", "data-directory = {", "tallyd.conf")):
            with self.subTest(replacement=replacement):
                line = self.change("tallyd.conf", pattern, replacement)
                self.check(CONFIG, word, "tallyd.conf:")
                text = self.run_tallyd("--config", self.daemon.path("tallyd.conf"), "--check-config", status=CONFIG)
                told = int(re.search(r"tallyd\.conf:(\d+)", text).group(1))
                self.assertLessEqual(abs(told - line), 5, text)
                with open(self.daemon.path("tallyd.conf"), "w", encoding="utf-8") as file:
                    file.write(good)

    def test_wrong_competitions_are_named(self):
        name = f"competitions/{harness.KEY}.conf"
        good = read_text(self.daemon.path(name))
        for pattern, replacement, word in (("first-day = .*", "first-day = 2021-13-01", "2021-13-01"),
                                           ("key = .*", "key = other", "other"),
                                           ("code = 1", "code = 0", "code"),
                                           ("counts = true", "counts = perhaps", "perhaps"),
                                           ("last-day = .*", "last-day = 2020-01-01", "last-day")):
            with self.subTest(replacement=replacement):
                self.change(name, pattern, replacement)
                self.check(CONFIG, word, f"{harness.KEY}.conf:")
                with open(self.daemon.path(name), "w", encoding="utf-8") as file:
                    file.write(good)
        os.unlink(self.daemon.path(name))
        self.check(CONFIG, "competition")

    def test_an_address_in_use(self):
        self.daemon.start()
        for name, endpoint in self.daemon.endpoints.items():
            other = Daemon(self, f"other-{name}")
            other.endpoints[name] = endpoint
            other.write_config()
            text = self.run_tallyd("--config", other.path("tallyd.conf"), status=UNAVAILABLE)
            self.assertIn(endpoint, text)

    def test_a_data_directory_in_use(self):
        self.daemon.start()
        other = Daemon(self, "other")
        other.write_config()
        self.change_data_directory(other)
        self.run_tallyd("--config", other.path("tallyd.conf"), status=TEMPORARY)
        rows = Rows(10)
        self.daemon.tally("push", "--node", "zhejiang", rows.write(self.path("sheet.csv")))
        self.assertEqual(self.daemon.totals(), rows.totals())

    def change_data_directory(self, other):
        text = read_text(other.path("tallyd.conf"))
        with open(other.path("tallyd.conf"), "w", encoding="utf-8") as file:
            file.write(text.replace("data-directory = data", f'data-directory = "{self.daemon.path("data")}"'))

    def fill(self):
        """Several segments of journal, and a stored state that has folded them. Returns the segments in order."""
        self.daemon.settings["segment-size-mib"] = 1
        self.daemon.write_config()
        self.daemon.start()
        for seed in range(4):
            self.daemon.tally("push", "--node", "zhejiang", Rows(20000, seed=seed).write(self.path("sheet.csv")))
        self.daemon.end()
        folder = self.daemon.path("data/journal")
        segments = sorted(os.path.join(folder, name) for name in os.listdir(folder) if not name.endswith("lock"))
        self.assertGreater(len(segments), 3)
        return segments

    def test_a_journal_that_was_cut_off(self):
        victim = self.fill()[-1]
        os.truncate(victim, os.path.getsize(victim) // 2)
        self.assertIn("damaged", self.run_tallyd("--config", self.daemon.path("tallyd.conf"), status=DATA))

    def test_a_journal_without_its_end_behind_the_stored_state(self):
        os.unlink(self.fill()[-1])
        self.assertIn("damaged", self.run_tallyd("--config", self.daemon.path("tallyd.conf"), status=DATA))

    def test_a_journal_with_a_gap(self):
        os.unlink(self.fill()[1])
        self.assertIn("damaged", self.run_tallyd("--config", self.daemon.path("tallyd.conf"), status=DATA))


if __name__ == "__main__":
    harness.main()
