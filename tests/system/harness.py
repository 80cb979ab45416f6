"""What the tests with real processes share: a daemon on free ports, the command line, rows, deadlines.

A test is a file of unittest cases on Case below. It is run with the programs and the repository in the environment:

    TALLYD=build/release/daemon/tallyd TALLY=build/release/client/cli/tally TALLY_SOURCE=. python3 tests/system/push.py

Nothing here sleeps for a fixed time: what is waited for is looked at again and again, up to a deadline. Every process
that a case starts has ended when the case has.
"""

import collections
import csv
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

TALLYD = os.path.abspath(os.environ["TALLYD"])
TALLY = os.path.abspath(os.environ["TALLY"])
SOURCE = os.path.abspath(os.environ["TALLY_SOURCE"])

KEY = "csj-2021"
NODES = {"shanghai": ["31"], "jiangsu": ["32"], "zhejiang": ["33"], "anhui": ["34"]}
STATUSES = {"申报": False, "已报名": True, "进行中": True, "已完成": True, "退出": False}
CATEGORIES = ("重点工程", "城市运行保障", "职工职业技能")
HEADER = ("项目代码", "项目名称", "行政区划代码", "竞赛类别", "状态", "合同造价(元)", "参与人数", "其中农民工", "承建单位",
          "开工日期", "竣工日期", "生效日期")
ENDPOINTS = ("ingest", "totals", "query")

# A sanitizer or a busy machine makes everything slower; a deadline is for what never comes.
SECONDS = float(os.environ.get("TALLY_TEST_SECONDS", "60"))
READY = " ready ingest="


def wait_until(condition, what, seconds=SECONDS, interval=0.005):
    """Returns condition's first true result; fails when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s still not: {what() if callable(what) else what}")
        time.sleep(interval)


def free_ports(count):
    """Ports that nobody has bound, below those that the system hands out for connections."""
    dice = random.SystemRandom()
    while True:
        base = dice.randrange(20000, 32000)
        try:
            for port in range(base, base + count):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return range(base, base + count)
        except OSError:
            pass


def read_text(path, start=0):
    try:
        with open(path, "rb") as file:
            file.seek(start)
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def tree_bytes(folder):
    """Of all files in a folder, while others write them."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                pass
    return total


class Case(unittest.TestCase):
    """Has a folder of its own and ends what it started."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tally-test-")
        self.addCleanup(self.remove_folder)
        self.logs = []
        self.counter = 0

    def remove_folder(self):
        outcome = self._outcome.result
        if any(test is self for test, _ in outcome.failures + outcome.errors):
            for path in self.logs:
                print(f"--- end of {os.path.basename(path)}\n{read_text(path)[-4000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def spawn(self, arguments, name, **options):
        """A process whose output goes to NAME.out and NAME.err in the folder; it is killed at the end of the case."""
        self.counter += 1
        out, err = (self.path(f"{self.counter:02}-{name}.{end}") for end in ("out", "err"))
        self.logs.append(err)
        with open(out, "wb") as stdout, open(err, "wb") as stderr:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, **options)
        process.out, process.err = out, err
        self.addCleanup(reap, process)
        return process

    def finish(self, process, status=0, seconds=SECONDS):
        """Waits for a process to end with this status, and returns what it printed."""
        try:
            got = process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"{process.args[1]} still runs after {seconds:g} s: {read_text(process.err)[-1000:]}")
        self.assertEqual(got, status, f"{process.args}: {read_text(process.err)[-2000:]}")
        return read_text(process.out)


class LoadCase(Case):
    """Has a sheet that takes a moment to push: ROWS projects of Zhejiang, made once for all cases of a class."""

    ROWS = 300000

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="tally-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.rows = Rows(cls.ROWS)
        cls.sheet = cls.rows.write(os.path.join(folder.name, "sheet.csv"))

    def wait_journal(self, daemon, journal_bytes):
        """Until so much is durable."""
        wait_until(lambda: daemon.journal_bytes() >= journal_bytes,
                   lambda: f"{journal_bytes} bytes in the journal, which has {daemon.journal_bytes()}", 2 * SECONDS, 0.0005)


def reap(process):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.wait()


class Daemon:
    """A tallyd with its folder, ports and commands. Not started yet."""

    def __init__(self, case, name="daemon", nodes=None, settings=None):
        self.case = case
        self.folder = case.path(name)
        self.name = name
        self.nodes = dict(NODES if nodes is None else nodes)
        self.settings = {"disk-reserve-mib": 16, "projects-max": 2000000, **(settings or {})}
        self.endpoints = {}
        self.keys = {}  # of nodes: lists of digits
        self.sections = ""  # more of the configuration
        self.credentials = {}  # of the command line: TALLY_KEY, TALLY_DAEMON_KEY
        self.process = None
        os.mkdir(self.folder)
        shutil.copytree(os.path.join(SOURCE, "competitions"), self.path("competitions"))
        self.move()

    def path(self, name):
        return os.path.join(self.folder, name)

    def move(self):
        """To other ports."""
        for endpoint, port in zip(ENDPOINTS, free_ports(len(ENDPOINTS))):
            self.endpoints[endpoint] = f"tcp://127.0.0.1:{port}"
        self.write_config()

    def write_config(self, extra=""):
        lines = ["data-directory = data", "competitions-directory = competitions"]
        lines += [f'{name}-endpoint = "{endpoint}"' for name, endpoint in self.endpoints.items()]
        lines += [f"{name} = {value}" for name, value in self.settings.items()]
        for name, regions in self.nodes.items():
            listed = ", ".join(f'"{region}"' for region in regions)
            lines += [f"node {name} {{", f'    title-zh = "{name} 总工会"', f'    title-en = "{name} federation"',
                      f"    regions = {{{listed}}}"]
            if name in self.keys:
                lines.append("    keys = {" + ", ".join(f'"{key}"' for key in self.keys[name]) + "}")
            lines.append("}")
        with open(self.path("tallyd.conf"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n" + self.sections + extra)

    def spawn(self):
        self.process = self.case.spawn([TALLYD, "--config", self.path("tallyd.conf")], self.name)

    def log(self):
        return read_text(self.process.err)

    def start(self):
        """Until it is ready. A first start that finds its ports taken tries others."""
        first = self.process is None
        for _ in range(10):
            self.spawn()
            wait_until(lambda: READY in self.log() or self.process.poll() is not None, "daemon is ready")
            if READY in self.log():
                return
            if not first or self.process.returncode != 69:
                break
            self.move()
        self.case.fail(f"daemon ended with {self.process.returncode} at its start: {self.log()[-2000:]}")

    def kill(self):
        """As a power failure of the process."""
        self.process.kill()
        self.process.wait()

    def end(self, number=signal.SIGTERM, seconds=SECONDS):
        """Asks it to stop, and returns its log."""
        self.process.send_signal(number)
        self.case.finish(self.process, 0, seconds)
        return self.log()

    def reload(self, event):
        """SIGHUP; waits for the next log line with this event and returns it."""
        start = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        return wait_until(lambda: next((line for line in self.log()[start:].splitlines() if f" {event} " in line), ""),
                          lambda: f"{event} in the log, which says {self.log()[start:]!r}")

    def journal_bytes(self):
        """On disk: grows as batches become durable."""
        return tree_bytes(self.path("data/journal"))

    def environment(self):
        # The outbox of a push lies below HOME.
        environment = {name: value for name, value in os.environ.items()
                       if name.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_", "PATH"))}
        environment.update(HOME=self.folder, LANG="C.UTF-8")
        environment.update(self.credentials)
        environment.update({f"TALLY_{name.upper()}": endpoint for name, endpoint in self.endpoints.items()})
        return environment

    def spawn_tally(self, *arguments):
        return self.case.spawn([TALLY, *arguments], f"tally-{arguments[0]}", env=self.environment())

    def tally(self, *arguments, status=0):
        """Runs a command to its end; returns its standard output."""
        return self.case.finish(self.spawn_tally(*arguments), status)

    def table(self, *arguments):
        return list(csv.DictReader(io.StringIO(self.tally(*arguments, "--format", "csv"))))

    def record(self, *arguments):
        return json.loads(self.tally(*arguments, "--format", "json"))

    def settle(self):
        """Until everything durable is in the published totals and in the stored state."""
        def lags():
            state = self.record("status")["state"]
            return state["lag_applied"], state["lag_folded"]
        wait_until(lambda: lags() == (0, 0), lambda: f"settled: lags of totals and state are {lags()}")

    def totals(self, region=0, day=None, competition=None):
        """As a Totals, once settled."""
        self.settle()
        options = {"--region": region and f"{region:06}", "--at": day, "--competition": competition}
        given = [word for option, value in options.items() if value for word in (option, value)]
        return totals_of(self.record("totals", *given))

    def verify(self):
        text = self.tally("verify")
        self.case.assertTrue(text.startswith("equal:"), text)

    def picture(self):
        """Everything that the daemon tells of its projects, without times of receipt: what two daemons that took in the
        same must agree on."""
        self.settle()
        projects = self.table("projects")
        for project in projects:
            del project["updated"]
        regions = [self.totals(region) for region in (0, 310000, 320000, 330000, 340000)]
        return {"totals": regions, "history": self.table("history"), "projects": projects}

    def watch(self, *arguments):
        return Watch(self.spawn_tally("watch", *arguments))


class Watch:
    """A subscriber: tally watch, printing NDJSON."""

    def __init__(self, process):
        self.process = process

    def lines(self):
        text = read_text(self.process.out)
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def latest(self, region=0):
        """The newest totals of a region, or None."""
        name = f"{region:06}"
        return next((totals_of(line) for line in reversed(self.lines()) if line["region"] == name), None)

    def wait_for(self, totals, region=0):
        wait_until(lambda: self.latest(region) == totals, lambda: f"{totals}, but {self.latest(region)}", interval=0.05)


Totals = collections.namedtuple("Totals", "projects contract_value participants migrant_participants")


def totals_of(record):
    return Totals(record["projects"], int(record["contract_value_fen"]), record["participants"],
                  record["migrant_participants"])


class Rows:
    """Made-up projects in real counties, always the same for a seed; figures are what their own sums say."""

    def __init__(self, count, provinces=("33",), seed=1, prefix="R"):
        dice = random.Random(seed)
        counties = read_counties(provinces)
        self.rows = []
        for number in range(count):
            heads = dice.randrange(2000)
            self.rows.append([f"{prefix}{seed:02}-{number:07}", f"项目{number}", dice.choice(counties),
                              dice.choice(CATEGORIES), dice.choice(tuple(STATUSES)),
                              f"{dice.randrange(10 ** 9)}.{dice.randrange(100):02}", str(heads),
                              str(dice.randint(0, heads)), f"承建{number % 97}", "2021-05-01", "",
                              f"2021-{dice.randint(4, 12):02}-{dice.randint(1, 28):02}"])

    def first(self, count):
        rows = Rows(0)
        rows.rows = self.rows[:count]
        return rows

    def totals(self, region=""):
        """Of those that count, below the digits of a region."""
        sums = [0, 0, 0, 0]
        for row in self.rows:
            if STATUSES[row[4]] and row[2].startswith(region):
                yuan, cents = row[5].split(".")
                for place, value in enumerate((1, int(yuan) * 100 + int(cents), int(row[6]), int(row[7]))):
                    sums[place] += value
        return Totals(*sums)

    def write(self, path, encoding="utf-8"):
        with open(path, "w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows([HEADER, *self.rows])
        return path


def read_counties(provinces):
    with open(os.path.join(SOURCE, "proto", "regions.tsv"), encoding="utf-8") as file:
        codes = [line.split("\t")[0] for line in file]
    return [code for code in codes if code[:2] in provinces and not code.endswith("00")]


def main():
    unittest.main(verbosity=2)
