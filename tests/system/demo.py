"""The demonstration ends with exactly the published figures, in both languages, verified, and leaves nothing behind."""

import os
import signal
import subprocess

import harness
from harness import SOURCE, TALLY, Case, Daemon, Totals, read_text, wait_until

HEADLINE = Totals(780, 94100000000000, 600000, None)
CHINESE = "截至2021年10月28日,长三角地区已报名参加的项目达780个,合同总造价9410亿元,参与竞赛人员达60万人"
ENGLISH = ("As of 28 October 2021, 780 projects in the Yangtze River Delta had enrolled, with contracts worth "
           "941.0 billion yuan and 600,000 participants.")
DAEMON_BUILD = os.path.dirname(os.path.dirname(harness.TALLYD))


class Demo(Case):
    def assert_report(self, text):
        lines = text.splitlines()
        self.assertIn(CHINESE, lines)
        self.assertIn(ENGLISH, lines)
        self.assertTrue(any(line.startswith("equal: ") for line in lines), text)
        self.assertTrue("synthetic" in lines[0] and "演示数据" in lines[0], text)

    def assert_headline(self, daemon):
        self.assertEqual(daemon.totals()._replace(migrant_participants=None), HEADLINE)

    def test_ends_with_the_published_figures(self):
        daemon = Daemon(self)
        daemon.start()
        self.assert_report(daemon.tally("demo"))
        self.assert_headline(daemon)
        self.assertEqual(daemon.totals(day="2021-10-28"), daemon.totals())
        self.assertEqual(daemon.tally("report", "--at", "2021-10-28", "--lang", "zh").strip(), CHINESE)
        self.assertEqual(daemon.tally("report", "--at", "2021-10-28", "--lang", "en").strip(), ENGLISH)
        daemon.end()

    def test_grows_day_by_day(self):
        daemon = Daemon(self)
        daemon.start()
        daemon.tally("demo")
        history = daemon.table("history")
        self.assertGreater(len(history), 60)
        self.assertEqual(history[-1]["projects"], "780")
        self.assertLess(int(history[0]["projects"]), 100)
        self.assertEqual(daemon.totals(day="2021-03-31").projects, 0)
        provinces = [daemon.totals(region) for region in (310000, 320000, 330000, 340000)]
        self.assertEqual(Totals(*map(sum, zip(*provinces))), daemon.totals())

    def test_changes_nothing_when_it_runs_again(self):
        daemon = Daemon(self)
        daemon.start()
        daemon.tally("demo", "--outbox", self.path("outbox"))
        before = daemon.picture()
        self.assert_report(daemon.tally("demo"))
        self.assertEqual(daemon.picture(), before)

    def test_survives_a_restart_of_the_daemon(self):
        daemon = Daemon(self)
        daemon.start()
        daemon.tally("demo")
        before = daemon.picture()
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.picture(), before)
        self.assert_headline(daemon)
        daemon.verify()


class Script(Case):
    """script/demo itself, with the programs that are built already."""

    def spawn_script(self, *options):
        environment = {**os.environ, "CI": "true"}
        return self.spawn([os.path.join(SOURCE, "script", "demo"), f"--programs={DAEMON_BUILD}", *options], "script",
                          env=environment, start_new_session=True)

    def assert_nothing_is_left(self, session):
        """No process of the script's session."""
        listed = subprocess.run(["ps", "-o", "pid=,args=", "-s", str(session)], capture_output=True, text=True)
        self.assertEqual(listed.stdout, "")

    def test_once_prints_the_report_and_leaves_nothing(self):
        process = self.spawn_script("--once")
        text = self.finish(process)
        Demo.assert_report(self, text)
        self.assertEqual(len(text.splitlines()), 4, text)
        self.assert_nothing_is_left(process.pid)

    def test_stays_up_until_it_is_asked_to_end(self):
        process = self.spawn_script()
        wait_until(lambda: "until Ctrl-C" in read_text(process.out), "the script stays up")
        settings = dict(pair.split("=", 1) for pair in read_text(process.out).split() if pair.startswith("TALLY_"))
        report = subprocess.run([TALLY, "report", "--lang", "zh"], env={**os.environ, **settings}, capture_output=True,
                                text=True, timeout=harness.SECONDS)
        self.assertIn("780个", report.stdout)
        os.killpg(process.pid, signal.SIGINT)
        self.finish(process)
        self.assert_nothing_is_left(process.pid)

    def test_fails_without_programs(self):
        process = self.spawn([os.path.join(SOURCE, "script", "demo"), f"--programs={self.folder}", "--once"], "script")
        self.assertEqual(self.finish(process, 1), "")


if __name__ == "__main__":
    harness.main()
