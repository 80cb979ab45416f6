"""A call of the daemon fails, the n-th one, once or for ever: no receipt is ever given for what is not durable, it goes on or
stops, and the next start finds everything that was acknowledged.

    failing.py CALL [--every N] [--first N]

CALL is sync, write, short-write or allocation. A run that fails nothing tells how many such calls there are; then each
N-th of them, in runs of its own, fails once, and fails for ever.
"""

import argparse
import errno
import os
import signal
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "system"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "power_cut"))
import harness  # noqa: E402
import power_cut  # noqa: E402

FAILING = os.path.abspath(os.environ["TALLY_FAILING"])
BATCHES = 30
REASONS = {"sync": (errno.EIO,), "write": (errno.EIO, errno.ENOSPC), "short-write": (0,), "allocation": (errno.ENOMEM,)}
# What a daemon may end with when something below it failed: sysexits for the disk, for memory, and for a full disk at the
# start; an abort, because libzmq and our own checks stop the process where there is no memory to go on with.
ENDS = {0, 69, 71, 74, 75, 78, -signal.SIGABRT}


class Failing(harness.Case):
    def life(self, name, call, at, ever, reason):
        """One daemon's life with a failure in it. Returns (exit status or None, receipts, calls, log)."""
        daemon = harness.Daemon(self, name, nodes={"zhejiang": ["33"]},
                                settings={"segment-size-mib": 1, "projects-max": 20000, "batch-slots": 8})
        count = self.path(name + ".count")
        environment = dict(os.environ, LD_PRELOAD=FAILING, TALLY_FAIL_CALL=call, TALLY_FAIL_AT=str(at),
                           TALLY_FAIL_EVER=str(int(ever)), TALLY_FAIL_ERRNO=str(reason), TALLY_FAIL_COUNT=count,
                           TALLY_FAIL_ROOT=os.path.realpath(daemon.folder) + "/data")
        daemon.process = self.spawn([harness.TALLYD, "--config", daemon.path("tallyd.conf")], "daemon", env=environment)
        ended = lambda: daemon.process.poll() is not None  # noqa: E731
        harness.wait_until(lambda: harness.READY in daemon.log() or ended(), "daemon is ready, or has ended")
        reporter = None
        if not ended():
            reporter = self.spawn([power_cut.REPORTER, daemon.endpoints["ingest"], str(BATCHES), "1"], "reporter")
            harness.wait_until(lambda: reporter.poll() is not None or ended(), "reporter or daemon has ended")
            if ended():
                reporter.kill()
                reporter.wait()
        receipts = power_cut.read_receipts(self.whole_lines(reporter)) if reporter else ([], [], {0: (0, 0, 0, 0)})
        if not ended():
            daemon.process.terminate()
            daemon.process.wait(harness.SECONDS)
        calls = struct.unpack("<Q", open(count, "rb").read())[0] if os.path.exists(count) else 0
        return daemon, receipts, calls

    def whole_lines(self, process):
        text = harness.read_text(process.out)
        return text[:text.rfind("\n") + 1]

    def judge(self, daemon, receipts, sums, what):
        status = daemon.process.returncode
        # libconfuse 3.3 does not survive every allocation that fails while it reads the configuration; nothing is at work then.
        ends = ENDS if " recovered " in daemon.log() else ENDS | {-signal.SIGSEGV}
        self.assertIn(status, ends, f"{what}: {daemon.log()[-1000:]}")
        highest = max(receipts[1], default=0)
        wrong = power_cut.judge(daemon.path("data"), highest, sums)
        self.assertIsNone(wrong, f"{what}, after {highest} receipts: {wrong}\n{daemon.log()[-1500:]}")
        return status

    def campaign(self, call, first, every):
        daemon, (_, _, sums), calls = self.life("calm", call, 0, False, 0)
        self.assertGreater(len(sums), 1)
        self.judge(daemon, ([], list(sums)), sums, "without failure")
        runs, ends = 0, {}
        for reason in REASONS[call]:
            for at in range(first, calls + 1, every):
                for ever in (False, True):
                    runs += 1
                    daemon, receipts, _ = self.life(f"run-{runs}", call, at, ever, reason)
                    what = f"{call} {at} of {calls} fails {'for ever' if ever else 'once'} with {reason}"
                    status = self.judge(daemon, receipts, sums, what)
                    ends[status] = ends.get(status, 0) + 1
                    harness.shutil.rmtree(daemon.folder)
        print(f"{call}: {calls} calls, {runs} runs; ended with: " +
              ", ".join(f"{status} ({count} times)" for status, count in sorted(ends.items())))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("call", choices=REASONS)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()

    class Run(Failing):
        def test(self):
            self.campaign(options.call, options.first, options.every)

    suite = harness.unittest.defaultTestLoader.loadTestsFromTestCase(Run)
    sys.exit(not harness.unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main()
