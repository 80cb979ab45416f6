"""Runs the steps' programs, each in a folder and a process group of its own, and ends all that they started, whatever
happens."""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
END_SECONDS = 60  # that a daemon may take to end when asked to


class Failed(Exception):
    """A step that does not count, and why."""


def adopt_orphans():
    """What a program that died has started becomes our child, so that we can end it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children():
    """Processes whose parent we are; those that have ended and were not waited for too."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == os.getpid():
                        found.append(int(name))
            except OSError:
                pass  # it has ended
    return found


def end_children(seconds=END_SECONDS):
    """Asks all to end, insists when time is up, and waits until there are none. Returns whether there were any."""
    any_found = False
    deadline = time.monotonic() + seconds
    asked = set()
    while found := children():
        any_found = True
        late = time.monotonic() > deadline
        for process in found:
            if late or process not in asked:
                asked.add(process)
                os.kill(process, signal.SIGKILL if late else signal.SIGTERM)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return any_found
        time.sleep(0.02)
    return any_found


def free_port(count=3):
    """The first of some ports that nobody has bound, below those that the system hands out for connections."""
    dice = random.SystemRandom()
    while True:
        base = dice.randrange(20000, 32000)
        try:
            for port in range(base, base + count):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            pass


def find_program(folder, name):
    for path in (os.path.join(folder, "bench", name), os.path.join(folder, "bench", "peers", name)):
        if os.access(path, os.X_OK):
            return path
    raise Failed(f"there is no {name} in {folder}/bench")


def read_figures(path):
    """NAME<TAB>VALUE lines as a dictionary: numbers where they are some."""
    figures = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, tab, value = line.rstrip("\n").partition("\t")
            if tab:
                try:
                    figures[name] = float(value)
                except ValueError:
                    figures[name] = value
    return figures


def last_line(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return next((line.strip() for line in reversed(file.readlines()) if line.strip()), "it said nothing")


class Runner:
    def __init__(self, programs, output, port=None):
        self.programs = programs
        self.logs = os.path.join(output, "log")
        self.folder = os.path.join(output, "run")
        self.port = port
        self.count = 0
        shutil.rmtree(self.logs, ignore_errors=True)
        os.makedirs(self.logs)

    def run(self, step, on_tick=lambda seconds: None):
        """Returns the figures of a verified run. Raises Failed if it is none; nothing runs any more then either."""
        self.count += 1
        log = os.path.join(self.logs, f"{self.count:03}-{step.program}")
        command = [find_program(self.programs, step.program), *step.arguments,
                   f"--directory={os.path.join(self.folder, step.program)}"]
        if step.port:
            command.append(f"--port={self.port or free_port()}")
        os.makedirs(self.folder, exist_ok=True)
        try:
            status = self.wait(command, log, on_tick)
        finally:
            left_over = end_children()
            shutil.rmtree(self.folder, ignore_errors=True)
        figures = read_figures(log + ".out")
        if status != 0 or figures.get("verified") != "yes":
            verified = figures.get("verified", "not said")
            raise Failed(f"exit status {status}, verified: {verified}; {last_line(log + '.err')}")
        if left_over:
            raise Failed("left processes behind")
        return figures

    def wait(self, command, log, on_tick):
        start = time.monotonic()
        with open(log + ".out", "wb") as out, open(log + ".err", "wb") as err:
            err.write((" ".join(command) + "\n").encode())
            err.flush()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       start_new_session=True)
        try:
            while True:
                try:
                    return process.wait(1)
                except subprocess.TimeoutExpired:
                    on_tick(time.monotonic() - start)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
