"""SIGHUP takes up a right configuration whole, and leaves the old one in place when anything in the new one is wrong."""

import os
import re

import harness
from harness import Case, Daemon, Rows, read_text

KEY_2 = "metro-2026"


class Reload(Case):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self, nodes={"zhejiang": ["33"]})
        self.daemon.start()
        self.rows = Rows(100)
        self.sheet = self.rows.write(self.path("sheet.csv"))
        self.watch = self.daemon.watch("--competition", harness.KEY)

    def push(self, rows, node="zhejiang", *options, status=0):
        path = rows.write(self.path("other.csv"))
        return self.daemon.tally("push", "--node", node, "--competition", harness.KEY, *options, path, status=status)

    def competition_path(self, key=harness.KEY):
        return self.daemon.path(f"competitions/{key}.conf")

    def edit_competition(self, pattern, replacement, key=harness.KEY, to=None):
        text = read_text(self.competition_path(key))
        changed, count = re.subn(pattern, replacement, text)
        self.assertGreater(count, 0, pattern)
        with open(self.competition_path(to or key), "w", encoding="utf-8") as file:
            file.write(changed)

    def assert_refused(self, word):
        line = self.daemon.reload("reload-refused")
        self.assertIn(word, line)
        self.assertIn("the old configuration stays", line)

    def assert_old_holds(self):
        """The node still reports, the subscriber still sees, the newcomer is still unknown."""
        self.push(self.rows)
        self.watch.wait_for(self.rows.totals())
        self.assertEqual([node["node"] for node in self.daemon.record("nodes")], ["zhejiang"])
        self.assertEqual([item["competition"] for item in self.daemon.record("competitions")], [harness.KEY])
        self.daemon.verify()

    def test_a_wrong_configuration_keeps_the_old(self):
        self.daemon.nodes["jiangsu"] = ["32"]
        self.daemon.write_config("no-such-setting = 1\n")
        self.assert_refused("no-such-setting")
        self.daemon.write_config('node anhui {\n    regions = {"99"}\n}\n')
        self.assert_refused("anhui")
        self.daemon.settings["window"] = 8
        self.daemon.write_config()
        self.assert_refused("window")
        os.unlink(self.daemon.path("tallyd.conf"))
        self.assert_refused("tallyd.conf")
        self.assert_old_holds()

    def test_a_competition_that_breaks_its_word_keeps_the_old(self):
        original = read_text(self.competition_path())
        self.daemon.nodes["jiangsu"] = ["32"]
        self.daemon.write_config()
        for pattern, replacement, word in ((r"first-day = 2021-04-01", "first-day = 2021-05-01", "first"),
                                           (r"(status enrolled \{[^}]*counts = )true", r"\1false", "enrolled"),
                                           (r"(status withdrawn \{\s*code = )4", r"\g<1>9", "4")):
            self.edit_competition(pattern, replacement)
            self.assert_refused(word)
            with open(self.competition_path(), "w", encoding="utf-8") as file:
                file.write(original)
        os.rename(self.competition_path(), self.competition_path() + ".away")
        self.assert_refused("competition")
        os.rename(self.competition_path() + ".away", self.competition_path())
        self.assert_old_holds()

    def test_a_new_node_and_a_new_competition_are_taken_up(self):
        self.push(self.rows)
        connected = self.daemon.spawn_tally("watch", "--competition", harness.KEY, "--region", "32")
        self.daemon.nodes["jiangsu"] = ["32"]
        self.daemon.write_config()
        self.edit_competition(f"key = {harness.KEY}", f"key = {KEY_2}", to=KEY_2)
        self.daemon.reload("reloaded")
        rows = Rows(50, provinces=("32",), seed=2)
        self.push(rows, "jiangsu")
        harness.Watch(connected).wait_for(rows.totals(), 320000)
        path = rows.write(self.path("metro.csv"))
        self.daemon.tally("push", "--node", "jiangsu", "--competition", KEY_2, path)
        self.assertEqual(self.daemon.totals(competition=KEY_2), rows.totals())
        self.daemon.verify()

    def test_what_was_taken_up_outlives_a_kill(self):
        self.daemon.nodes["jiangsu"] = ["32"]
        self.daemon.write_config()
        self.edit_competition(f"key = {harness.KEY}", f"key = {KEY_2}", to=KEY_2)
        self.daemon.reload("reloaded")
        rows = Rows(50, provinces=("32",), seed=2)
        self.push(rows, "jiangsu")
        self.daemon.tally("push", "--node", "jiangsu", "--competition", KEY_2, rows.write(self.path("metro.csv")))
        self.daemon.kill()
        self.daemon.start()
        for key in (harness.KEY, KEY_2):
            self.assertEqual(self.daemon.totals(competition=key), rows.totals())
        self.daemon.verify()

    def test_a_node_that_is_gone_is_refused_and_its_projects_stay(self):
        self.push(self.rows)
        self.daemon.nodes = {"jiangsu": ["32"]}
        self.daemon.write_config()
        self.daemon.reload("reloaded")
        self.push(Rows(10, seed=3), status=77)
        self.assertEqual(self.daemon.totals(), self.rows.totals())

    def test_narrower_regions_hold_from_now_on(self):
        self.push(self.rows)
        self.daemon.nodes = {"zhejiang": ["3301"]}
        self.daemon.write_config()
        self.daemon.reload("reloaded")
        rows = Rows(60, seed=4)
        inside = Rows(0)
        inside.rows = [row for row in rows.rows if row[2].startswith("3301")]
        text = self.push(rows, status=1)
        self.assertRegex(text, f"accepted {len(inside.rows)}, refused {60 - len(inside.rows)}, ")

    def test_a_new_log_level_is_taken_up(self):
        self.daemon.settings["log-level"] = "error"
        self.daemon.write_config()
        self.daemon.process.send_signal(harness.signal.SIGHUP)
        self.daemon.settings["log-level"] = "no-level"
        self.daemon.write_config()
        self.daemon.reload("reload-refused")


if __name__ == "__main__":
    harness.main()
