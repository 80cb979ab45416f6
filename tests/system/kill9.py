"""kill -9 of the daemon in the middle of a push: the push completes by itself, and the totals are those of a run that
nobody interrupted."""

import os

import harness
from harness import Daemon, LoadCase, wait_until


class Kill(LoadCase):
    def push(self, daemon):
        return daemon.spawn_tally("push", "--node", "zhejiang", self.sheet)

    def assert_settled(self, daemon, push):
        text = self.finish(push, seconds=3 * harness.SECONDS)
        self.assertRegex(text.splitlines()[-1], f"^accepted {self.ROWS}, refused 0, ")
        for region in ("", "33", "3301", "330106"):
            self.assertEqual(daemon.totals(int(region.ljust(6, "0")) if region else 0), self.rows.totals(region))

    def uninterrupted(self):
        daemon = Daemon(self, "calm")
        daemon.start()
        self.assert_settled(daemon, self.push(daemon))
        size = daemon.journal_bytes()
        daemon.verify()
        return daemon, size

    def test_a_push_completes_over_several_kills(self):
        calm, size = self.uninterrupted()
        daemon = Daemon(self, "killed")
        daemon.start()
        push = self.push(daemon)
        for share in (0.1, 0.3, 0.3, 0.5, 0.7, 0.9):
            self.wait_journal(daemon, share * size)
            self.assertIsNone(push.poll(), "the push ended before it was interrupted")
            daemon.kill()
            self.assertIsNone(push.poll(), "the push ended while the daemon was away")
            daemon.start()
        self.assert_settled(daemon, push)
        daemon.verify()
        self.assertEqual(daemon.picture(), calm.picture())

    def test_without_its_stored_state_the_daemon_recovers_from_the_journal(self):
        calm, _ = self.uninterrupted()
        before = calm.picture()
        calm.kill()
        for name in ("state.mdb", "state.mdb-lock"):
            if os.path.exists(calm.path(f"data/{name}")):
                os.unlink(calm.path(f"data/{name}"))
        calm.start()
        wait_until(lambda: calm.record("status")["state"]["lag_folded"] == 0, "the state is made again")
        self.assertEqual(calm.picture(), before)
        calm.verify()


if __name__ == "__main__":
    harness.main()
