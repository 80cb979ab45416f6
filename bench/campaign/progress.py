"""What a person sees while it runs: which step, its figure, how much time is left."""

import sys
import time


def duration(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Progress:
    """Writes to standard error; on a terminal the present line moves."""

    def __init__(self, steps, stream=sys.stderr):
        self.steps = steps
        self.stream = stream
        self.live = stream.isatty()
        self.number = 0
        self.expected_done = 0.0
        self.began = time.monotonic()

    def left(self, of_step=0.0):
        """Seconds, from what the steps should take and how long the finished ones took."""
        pace = 1.0
        if self.expected_done > 0:
            pace = (time.monotonic() - self.began - of_step) / self.expected_done
        return max(0.0, (sum(step.seconds for step in self.steps) - self.expected_done) * pace - of_step)

    def head(self):
        step = self.steps[self.number]
        return f"[{self.number + 1:{len(str(len(self.steps)))}}/{len(self.steps)}] {step.group}: {step.title}"

    def start(self):
        if self.live:
            self.tick(0.0)

    def tick(self, seconds):
        if self.live:
            self.stream.write(f"\r\x1b[K{self.head()} ... {seconds:.0f} s; about {duration(self.left(seconds))} left")
            self.stream.flush()

    def end(self, text):
        head = self.head()
        self.expected_done += self.steps[self.number].seconds
        self.number += 1
        left = f"; about {duration(self.left())} left" if self.number < len(self.steps) else ""
        self.stream.write(("\r\x1b[K" if self.live else "") + f"{head}: {text}{left}\n")
        self.stream.flush()
