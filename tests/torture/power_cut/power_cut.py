"""Power cuts: nothing that was acknowledged before one is missing after it, and everything opens.

A tallyd takes in small batches under recorder.c. Then the power is cut at places all over its life, each time into a disk of
another shape (image.py), and inspect recovers what is there, with the daemon's own recovery: its totals must be those of a
whole number of the node's batches, and of no fewer than had a receipt by then.

    power_cut.py [--images N] [--seed N] [--batches N]
"""

import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "system"))
import harness  # noqa: E402
import image  # noqa: E402

RECORDER, INSPECT, REPORTER = (os.path.abspath(os.environ[name]) for name in
                               ("TALLY_RECORDER", "TALLY_INSPECT", "TALLY_REPORTER"))


class Run(harness.Case):
    """One recorded life of a daemon."""

    def record(self, batches, seed):
        daemon = harness.Daemon(self, nodes={"zhejiang": ["33"]},
                                settings={"segment-size-mib": 1, "projects-max": 20000, "batch-slots": 8})
        root = os.path.realpath(daemon.path("data"))
        self.log = self.path("record")
        environment = dict(os.environ, LD_PRELOAD=RECORDER, TALLY_RECORD_ROOT=root, TALLY_RECORD_LOG=self.log)
        daemon.process = self.spawn([harness.TALLYD, "--config", daemon.path("tallyd.conf")], "daemon", env=environment)
        harness.wait_until(lambda: harness.READY in daemon.log(), "daemon is ready")
        reporter = self.spawn([REPORTER, daemon.endpoints["ingest"], str(batches), str(seed)], "reporter")
        text = self.finish(reporter)
        daemon.end()
        return root, read_receipts(text)


def read_receipts(text):
    """What the reporter printed: for each receipt its time, its sequence and the totals after it."""
    receipts = [tuple(int(word) for word in line.split()) for line in text.splitlines()]
    times = [receipt[0] for receipt in receipts]
    sums = {0: (0, 0, 0, 0)}
    for _, sequence, *totals in receipts:
        sums[sequence] = tuple(totals)
    return times, [receipt[1] for receipt in receipts], sums


def acknowledged(receipts, time_ns):
    """The highest sequence that had a receipt before a moment."""
    times, sequences, _ = receipts
    highest = 0
    for at, sequence in zip(times, sequences):
        if at >= time_ns:
            break
        highest = max(highest, sequence)
    return highest


def inspect(folder):
    """(sequence, totals) of an image, or what inspect said of it."""
    done = subprocess.run([INSPECT, folder], capture_output=True, text=True, timeout=120)
    words = done.stdout.split()
    if done.returncode != 0 or len(words) != 5:
        return None, f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}"
    return int(words[0]), tuple(int(word) for word in words[1:])


def judge(folder, least, sums):
    """What is wrong with an image, or None."""
    sequence, totals = inspect(folder)
    if sequence is None:
        return totals
    if sequence < least:
        return f"batch {least} had a receipt, but only {sequence} are there"
    if totals != sums.get(sequence):
        return f"{sequence} batches are there, with totals {totals} instead of {sums.get(sequence)}"
    return None


def cut(records, root, receipts, images, seed, folder, found):
    """Cuts at places drawn from the whole life, in order, so that the records are gone through once."""
    dice = random.Random(seed)
    places = collections.Counter(dice.randrange(len(records) + 1) for _ in range(images))
    disk = image.Disk(root)
    made = 0
    shown = time.monotonic()
    for place in range(len(records) + 1):
        for _ in range(places[place]):
            target = os.path.join(folder, "image")
            shutil.rmtree(target, ignore_errors=True)
            disk.build(target, dice)
            at = records[place].time_ns if place < len(records) else 1 << 63
            wrong = judge(target, acknowledged(receipts, at), receipts[2])
            made += 1
            if wrong is not None:
                kept = os.path.join(folder, f"wrong-{place}-{made}")
                shutil.copytree(target, kept)
                found.append(f"seed {seed}, cut before record {place} of {len(records)}, image {made}: {wrong}")
            if time.monotonic() - shown > 5:
                shown = time.monotonic()
                print(f"{made} of {images} images, {len(found)} wrong", file=sys.stderr)
        if place < len(records):
            disk.take(records[place])
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    class PowerCut(Run):
        def test(self):
            root, receipts = self.record(options.batches, options.seed)
            records = image.read_log(self.log)
            found = []
            with tempfile.TemporaryDirectory(prefix="tally-images-") as folder:
                made = cut(records, root, receipts, options.images, options.seed, folder, found)
            print(f"records {len(records)}, receipts {len(receipts[0])}, images {made}, wrong {len(found)}")
            self.assertGreater(len(receipts[0]), options.batches // 10)
            self.assertEqual(made, options.images)
            self.assertEqual(found, [], "\n".join(found[:20]))

    suite = harness.unittest.defaultTestLoader.loadTestsFromTestCase(PowerCut)
    sys.exit(not harness.unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main()
