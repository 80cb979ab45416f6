"""kill -9 of a push in the middle: the next one sends the rest. Nothing is lost, nothing counts twice."""

import signal

import harness
from harness import Daemon, LoadCase, Rows, tree_bytes, wait_until


class RestartNode(LoadCase):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self)
        self.daemon.start()

    def push(self, *options):
        return self.daemon.spawn_tally("push", "--node", "zhejiang", *options, self.sheet)

    def interrupt(self, push, number, journal_bytes):
        self.wait_journal(self.daemon, journal_bytes)
        self.assertIsNone(push.poll(), "the push ended before it was interrupted")
        push.send_signal(number)
        push.wait(harness.SECONDS)

    def assert_all_there(self):
        self.assertEqual(self.daemon.totals(), self.rows.totals())
        self.assertEqual(self.daemon.record("status")["state"]["projects"], self.ROWS)
        self.daemon.verify()

    def test_killed_pushes_lose_and_double_nothing(self):
        for journal_bytes in (1 << 20, 4 << 20, 8 << 20):
            self.interrupt(self.push(), signal.SIGKILL, journal_bytes)
        self.assertNotEqual(self.daemon.totals(), self.rows.totals())
        self.finish(self.push())
        self.assert_all_there()

    def test_the_outbox_alone_completes_what_was_put(self):
        """While the daemon is away, a push puts rows and is killed. One of a file without rows sends them, in order."""
        push = self.push()
        self.wait_journal(self.daemon, 1 << 20)
        self.daemon.kill()
        outbox = self.daemon.path(".local/state/tally/zhejiang")
        size = tree_bytes(outbox)
        wait_until(lambda: tree_bytes(outbox) >= size + (4 << 20), lambda: f"the outbox grows: {tree_bytes(outbox)} bytes")
        self.assertIsNone(push.poll(), "the push ended while the daemon was away")
        push.kill()
        push.wait()
        self.daemon.start()
        known = self.daemon.record("status")["state"]["projects"]
        text = self.daemon.tally("push", "--node", "zhejiang", Rows(0).write(self.path("empty.csv")))
        self.daemon.settle()
        put = self.daemon.record("status")["state"]["projects"]
        self.assertGreater(put, known, text)
        self.assertEqual(self.daemon.totals(), self.rows.first(put).totals())
        self.daemon.verify()
        self.finish(self.push())
        self.assert_all_there()

    def test_an_interrupted_push_says_what_is_safe(self):
        push = self.push()
        self.interrupt(push, signal.SIGINT, 2 << 20)
        self.assertEqual(push.returncode, 130)
        self.assertIn("have their receipt and are safe", harness.read_text(push.err))
        self.finish(self.push())
        self.assert_all_there()

    def test_a_killed_push_without_outbox_is_pushed_again(self):
        self.interrupt(self.push("--no-outbox"), signal.SIGKILL, 4 << 20)
        self.finish(self.push("--no-outbox"))
        self.assert_all_there()

    def test_both_ends_killed(self):
        self.interrupt(self.push(), signal.SIGKILL, 2 << 20)
        self.daemon.kill()
        push = self.push()
        self.daemon.start()
        self.interrupt(push, signal.SIGKILL, 8 << 20)
        self.daemon.kill()
        self.daemon.start()
        self.finish(self.push())
        self.assert_all_there()

    def test_two_pushes_of_one_outbox_do_not_meet(self):
        first = self.push()
        self.wait_journal(self.daemon, 1 << 20)
        second = self.push()
        self.finish(second, 75)
        self.finish(first)
        self.assert_all_there()


if __name__ == "__main__":
    harness.main()
