"""SIGTERM under load: what was acknowledged is durable, what is durable was published, and nothing else is there."""

import re
import signal

import harness
from harness import Daemon, LoadCase, Rows, read_text, wait_until


class Drain(LoadCase):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self)
        self.daemon.start()

    def push(self, node="zhejiang", sheet=None):
        return self.daemon.spawn_tally("push", "--node", node, sheet or self.sheet)

    def test_acknowledged_is_durable_is_published(self):
        watch = self.daemon.watch()
        other = Rows(self.ROWS, ("31",), prefix="S").write(self.path("shanghai.csv"))
        pushes = [self.push(), self.push("shanghai", other)]
        self.wait_journal(self.daemon, 6 << 20)
        self.assertTrue(all(push.poll() is None for push in pushes), "a push ended before the daemon was stopped")
        log = self.daemon.end()
        self.assertIn(" stopped status=0 drained=yes", log)
        published = watch.latest()
        acknowledged = 0
        for push in pushes:
            push.send_signal(signal.SIGINT)
            acknowledged += int(re.match("accepted ([0-9]+), refused 0,", self.finish(push, 130)).group(1))
        self.assertTrue(0 < acknowledged < self.ROWS * len(pushes), acknowledged)
        self.daemon.start()
        self.assertEqual(self.daemon.record("status")["state"]["projects"], acknowledged)
        self.assertEqual(self.daemon.totals(), published)
        self.daemon.verify()

    def test_a_push_goes_on_when_the_daemon_is_back(self):
        push = self.push()
        for size in (2 << 20, 6 << 20):
            self.wait_journal(self.daemon, size)
            self.assertIsNone(push.poll(), "the push ended before the daemon was stopped")
            self.assertIn(" stopped status=0 drained=yes", self.daemon.end())
            self.daemon.start()
        self.assertRegex(self.finish(push), f"accepted {self.ROWS}, refused 0, ")
        self.assertEqual(self.daemon.totals(), self.rows.totals())

    def test_a_stopped_daemon_has_folded_everything(self):
        rows = Rows(20000)
        self.daemon.tally("push", "--node", "zhejiang", rows.write(self.path("sheet.csv")))
        self.daemon.end()
        self.daemon.start()
        state = self.daemon.record("status")["state"]
        self.assertEqual(state["version_folded"], state["version_durable"])
        self.assertEqual(self.daemon.totals(), rows.totals())

    def test_an_idle_daemon_stops_at_once_by_either_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            log = self.daemon.end(number, 10)
            self.assertIn(" stopped status=0 drained=yes", log)
            self.daemon.start()

    def test_a_second_signal_while_draining_does_no_harm(self):
        push = self.push()
        self.wait_journal(self.daemon, 2 << 20)
        self.daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: " draining " in read_text(self.daemon.process.err), "the daemon drains")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.process.send_signal(signal.SIGTERM)
        self.finish(self.daemon.process)
        self.assertIsNone(push.poll())


if __name__ == "__main__":
    harness.main()
