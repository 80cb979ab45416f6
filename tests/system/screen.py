"""tally watch on a terminal: the live table, its changes, and the screen as it was afterwards."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import harness
from harness import Case, Daemon, Rows, wait_until

LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"


class Screen(Case):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self)
        self.daemon.start()
        self.seen = b""

    def read(self):
        try:
            self.seen += os.read(self.terminal, 65536)
        except (BlockingIOError, OSError):
            pass
        return self.seen

    def push(self, rows, name):
        self.daemon.tally("push", "--node", "zhejiang", rows.write(self.path(name)))

    def wait_row(self, pattern):
        wait_until(lambda: re.search(pattern, self.read()), lambda: f"{pattern} in {self.seen[-2000:]!r}", 15)

    def test_the_table_follows_the_totals_and_the_screen_is_given_back(self):
        first = Rows(30)
        second = Rows(41, prefix="S")
        before = first.totals().projects
        after = before + second.totals().projects
        self.push(first, "first.csv")
        self.terminal, side = pty.openpty()
        os.set_blocking(self.terminal, False)
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 110, 0, 0))
        environment = {**self.daemon.environment(), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        watch = subprocess.Popen([harness.TALLY, "watch"], stdin=side, stdout=side, stderr=side, env=environment)
        os.close(side)
        self.addCleanup(harness.reap, watch)
        self.wait_row(rb"Zhejiang +%d " % before)
        self.push(second, "second.csv")
        self.wait_row(rb"Zhejiang +%d " % after)
        watch.send_signal(signal.SIGINT)
        wait_until(lambda: self.read() is not None and watch.poll() is not None, "tally watch ends", 15)
        self.read()
        self.assertIn(LEAVE_ALTERNATE_SCREEN, self.seen)
        os.close(self.terminal)


if __name__ == "__main__":
    harness.main()
