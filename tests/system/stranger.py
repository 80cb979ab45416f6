#!/usr/bin/python3
"""A client of the Tally daemon written from PROTOCOL.md and tally.proto alone, in another language than the daemon.

stranger.py --tallyd PATH --source DIRECTORY [--only WORD] [--keep]

Starts a daemon of its own in a temporary directory, talks to it as two nodes, a dashboard and an asker, compares every
answer with its own model, and prints 'ok NAME' or 'not ok NAME: WHY' for each check. Exit status 0: all passed.
"""

import argparse
import collections
import datetime
import functools
import importlib
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

import zmq

pb = None  # the generated tally_pb2, once protoc has made it

HELLO, WELCOME, BATCH, RECEIPT, REWIND, BUSY, REFUSAL = range(1, 8)
TOTALS, HEARTBEAT = 16, 17
TOTALS_QUERY = 32
REGIONS_QUERY, REGIONS = 34, 35
PROJECT_QUERY, PROJECTS = 36, 37
PROJECTS_QUERY = 38
HISTORY_QUERY, HISTORY = 40, 41
NODES_QUERY, NODES = 42, 43
COMPETITIONS_QUERY, COMPETITIONS = 44, 45
STATUS_QUERY, STATUS = 46, 47
VERIFY_QUERY, VERIFICATION = 48, 49

CODES = {
    "code-empty": 1, "code-too-long": 2, "code-not-printable": 3, "region-unknown": 4,
    "region-outside-competition": 5, "region-not-yours": 6, "category-unknown": 7, "status-unknown": 8,
    "value-negative": 9, "value-too-large": 10, "participants-negative": 11, "participants-too-large": 12,
    "migrants-negative": 13, "migrants-above-participants": 14, "day-before-start": 15, "day-in-future": 16,
    "day-before-last": 17, "project-not-yours": 18, "text-too-long": 19, "text-not-valid": 20,
    "date-out-of-range": 21, "totals-full": 22, "competition-unknown": 64, "columns-uneven": 65,
    "too-many-rows": 66, "batch-empty": 67, "sequence-gap": 68, "sequence-old": 69, "frames-malformed": 128,
    "protocol-unsupported": 129, "type-unknown": 130, "body-malformed": 131, "body-too-large": 132,
    "hello-missing": 133, "node-unknown": 134, "superseded": 135, "answer-too-large": 136, "not-ready": 137,
    "disk-full": 192, "draining": 193,
}

MESSAGE_NAMES = {
    HELLO: "Hello", WELCOME: "Welcome", BATCH: "Batch", RECEIPT: "Receipt", REWIND: "Rewind", BUSY: "Busy",
    REFUSAL: "Refusal", TOTALS: "Totals", HEARTBEAT: "Heartbeat", TOTALS_QUERY: "TotalsQuery",
    REGIONS_QUERY: "RegionsQuery", REGIONS: "Regions", PROJECT_QUERY: "ProjectQuery", PROJECTS: "Projects",
    PROJECTS_QUERY: "ProjectsQuery", HISTORY_QUERY: "HistoryQuery", HISTORY: "History", NODES_QUERY: "NodesQuery",
    NODES: "Nodes", COMPETITIONS_QUERY: "CompetitionsQuery", COMPETITIONS: "Competitions",
    STATUS_QUERY: "StatusQuery", STATUS: "Status", VERIFY_QUERY: "VerifyQuery", VERIFICATION: "Verification",
}

KEY = "csj-2021"
ZHEJIANG, SHANGHAI = 330000, 310000
COUNTIES = {
    "zhejiang": [330102, 330106, 330108, 330203, 330205, 330302, 330402],
    "shanghai": [310101, 310104, 310115, 310151],
}
NODES_CONFIGURED = {"zhejiang": "33", "shanghai": "31", "beijing": "11"}  # Beijing is not in the competition
ANSWER_SECONDS = 10
DAY = int(datetime.date(2021, 4, 5).toordinal() - datetime.date(1970, 1, 1).toordinal())
OPTIONAL = ("effective_day", "name", "contractor", "start_day", "completion_day")
TEXTS = OPTIONAL[1:]


class Failure(Exception):
    """What a check throws when the daemon does not do what the document says."""


def want(condition, why):
    if not condition:
        raise Failure(why)


def same(got, expected, what):
    want(got == expected, f"{what} is {got!r}, expected {expected!r}")


# Rows and the model


Row = collections.namedtuple("Row", "code region category status value heads migrants effective_day name contractor "
                                    "start_day completion_day",
                             defaults=(0, "", "", 0, 0))


def batch(sequence, rows, columns=OPTIONAL, competition=KEY):
    """A Batch in columns; of the optional columns only those named."""
    message = pb.Batch(sequence=sequence, competition=competition)
    codes = [row.code.encode("latin-1") for row in rows]
    message.code = b"".join(codes)
    message.code_bytes.extend(len(code) for code in codes)
    message.region.extend(row.region for row in rows)
    message.category.extend(row.category for row in rows)
    message.status.extend(row.status for row in rows)
    message.contract_value.extend(row.value for row in rows)
    message.participants.extend(row.heads for row in rows)
    message.migrant_participants.extend(row.migrants for row in rows)
    for column in columns:
        getattr(message, column).extend(getattr(row, column) for row in rows)
    return message


def today():
    """China Standard Time has no summer time."""
    return (int(time.time()) + 8 * 3600) // 86400


def ancestors(region):
    return sorted({region, region // 100 * 100, region // 10000 * 10000, 0})


def inside(region, whole):
    return whole in ancestors(region)


class Model:
    """What the daemon should know, kept by the same rules and in the plainest way."""

    def __init__(self):
        self.history = {}  # code -> [row with its true effective day], in the order of its coming
        self.owner = {}
        self.regions = {0}
        self.counting = set()

    def take(self, node, rows, columns=OPTIONAL):
        for row in rows:
            before = self.history.get(row.code, [])
            kept = {}
            for column in TEXTS:
                if column not in columns:
                    kept[column] = getattr(before[-1], column) if before else Row._field_defaults[column]
            day = row.effective_day if "effective_day" in columns else 0
            self.history.setdefault(row.code, []).append(row._replace(effective_day=day or today(), **kept))
            self.owner[row.code] = node
            self.regions.update(ancestors(row.region))

    def rows(self, region=0, day=0):
        found = []
        for versions in self.history.values():
            known = [row for row in versions if not day or row.effective_day <= day]
            if known and inside(known[-1].region, region):
                found.append(known[-1])
        return sorted(found, key=lambda row: (row.region, row.code))

    def totals(self, region=0, day=0):
        return add(row for row in self.rows(region, day) if row.status in self.counting)

    def cells(self, region=0):
        split = collections.defaultdict(list)
        for row in self.rows(region):
            split[row.category, row.status].append(row)
        return {cell: add(rows) for cell, rows in split.items()}

    def children(self, region):
        width = {0: 10000, 1: 100, 2: 1}[0 if region == 0 else 1 if region % 10000 == 0 else 2]
        return sorted(r for r in self.regions if r != region and r % width == 0 and inside(r, region))

    def days(self, region):
        """[(day, totals at its end)] for each day on which the totals of the region changed."""
        changes, last = [], (0, 0, 0, 0)
        for day in sorted({row.effective_day for rows in self.history.values() for row in rows}):
            now = self.totals(region, day)
            if now != last:
                changes.append((day, now))
            last = now
        return changes


def add(rows):
    sums = [0, 0, 0, 0]
    for row in rows:
        for i, part in enumerate((1, row.value, row.heads, row.migrants)):
            sums[i] += part
    return tuple(sums)


def sums_of(message):
    return message.projects, message.contract_value, message.participants, message.migrant_participants


def columns_of(message, *names):
    """The rows of a message in columns; all columns must be equally long."""
    columns = [list(getattr(message, name)) for name in names]
    want(len({len(column) for column in columns}) == 1,
         f"columns of different length: {dict(zip(names, map(len, columns)))}")
    return list(zip(*columns))


def cells_of(totals):
    rows = columns_of(totals, "cell_category", "cell_status", "cell_projects", "cell_contract_value",
                      "cell_participants", "cell_migrant_participants")
    cells = {row[:2]: row[2:] for row in rows}
    same(len(cells), len(rows), "number of different cells")
    return cells


def both_of(totals):
    return sums_of(totals), cells_of(totals)


# The wire


CONTEXT = zmq.Context()


def header(kind, magic=b"T1", flags=0):
    return magic + bytes((kind, flags))


def parse(frames):
    same(len(frames), 2, "number of frames")
    head, body = frames
    same((len(head), head[:2], head[3:]), (4, b"T1", b"\0"), "header")
    want(head[2] in MESSAGE_NAMES, f"unknown message type {head[2]}")
    message = getattr(pb, MESSAGE_NAMES[head[2]])()
    message.ParseFromString(body)
    return head[2], message


def describe(kind, message):
    return f"{MESSAGE_NAMES[kind]} {{{' '.join(str(message).split())[:300]}}}"


class Line:
    """One DEALER connection."""

    def __init__(self, address):
        self.socket = CONTEXT.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.connect(address)

    def close(self):
        self.socket.close()

    def send(self, kind, message):
        body = message if isinstance(message, bytes) else message.SerializeToString()
        self.socket.send_multipart([header(kind), body])

    def frames(self, *frames):
        self.socket.send_multipart(list(frames))

    def receive(self, seconds=ANSWER_SECONDS):
        """The next message, or None when none came in time. Receipts that cover no batch are signs of life: skipped."""
        deadline = time.monotonic() + seconds
        while self.socket.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            kind, message = parse(self.socket.recv_multipart())
            if kind != RECEIPT or message.first_sequence <= message.sequence:
                return kind, message
        return None

    def expect(self, kind, seconds=ANSWER_SECONDS):
        got = self.receive(seconds)
        want(got is not None, f"no {MESSAGE_NAMES[kind]} within {seconds} s")
        want(got[0] == kind, f"{describe(*got)} came instead of {MESSAGE_NAMES[kind]}")
        return got[1]

    def silent(self, seconds):
        got = self.receive(seconds)
        want(got is None, f"unexpected {describe(*got)}" if got else "")


class Asker(Line):
    """The query endpoint: one question, one answer, with the same request number."""

    def __init__(self, address):
        super().__init__(address)
        self.request = random.getrandbits(40)

    def ask(self, kind, answer, seconds=ANSWER_SECONDS, **fields):
        self.request += 1
        self.send(kind, getattr(pb, MESSAGE_NAMES[kind])(request=self.request, **fields))
        message = self.expect(answer, seconds)
        same(message.request, self.request, "request number of the answer")
        return message

    def totals(self, region=0, day=0, version=0, competition=KEY):
        """Totals of at least this version."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            answer = self.ask(TOTALS_QUERY, TOTALS, competition=competition, region=region, day=day)
            if answer.version >= version:
                return answer
            want(time.monotonic() < deadline, f"totals stay at version {answer.version}, receipt said {version}")
            breathe()

    def project(self, code, version=0):
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            answer = self.ask(PROJECT_QUERY, PROJECTS, competition=KEY, code=code)
            if answer.version >= version:
                return answer
            want(time.monotonic() < deadline, f"projects stay at version {answer.version}, receipt said {version}")
            breathe()


def breathe():
    """Between two polls of something that has a deadline."""
    time.sleep(0.02)


class Node(Line):
    """A node's session: what waits for a receipt, what has been dealt with, what is next."""

    def __init__(self, bench, name):
        super().__init__(bench.daemon.ingest)
        self.bench = bench
        self.name = name
        self.memory = bench.memory[name]
        self.next = 0
        self.version = 0

    def greet(self, acknowledged=0, epoch=0):
        self.send(HELLO, pb.Hello(node=self.name, acknowledged=acknowledged, epoch=epoch, software="stranger 1"))
        welcome = self.expect(WELCOME)
        self.next = welcome.next_sequence
        self.version = 0  # receipts sent again say when their batch was counted, which may be before the Welcome
        return welcome

    def join(self):
        """Hello with what this node remembers; deals with the receipts that follow."""
        welcome = self.greet(self.memory.acknowledged, self.bench.epoch)
        self.bench.epoch = welcome.epoch
        while self.memory.acknowledged < welcome.durable_sequence:
            self.settle()
        return self

    def submit(self, rows, columns=OPTIONAL, raw=b"", edit=None):
        """Sends the next batch and does not wait."""
        message = batch(self.next, rows, columns)
        if edit:
            edit(message)
        self.memory.waiting[self.next] = (rows, columns)
        self.send(BATCH, message.SerializeToString() + raw)
        self.next += 1

    def settle(self):
        """Takes one receipt: tells the model what was accepted. Returns it with its refused rows {row: code}."""
        receipt = self.expect(RECEIPT)
        refusals = dict(columns_of(receipt, "refused_row", "refused_code"))
        covered = range(max(receipt.first_sequence, self.memory.acknowledged + 1), receipt.sequence + 1)
        for sequence in covered:
            rows, columns = self.memory.waiting.pop(sequence, ((), ()))
            if not receipt.batch_code:
                good = [row for i, row in enumerate(rows) if i not in refusals]
                self.bench.model.take(self.name, good, columns)
        self.memory.acknowledged = max(self.memory.acknowledged, receipt.sequence)
        want(receipt.version >= self.version, f"receipt of version {receipt.version} after version {self.version}")
        self.version = receipt.version
        self.bench.version = max(self.bench.version, receipt.version)
        reasons = columns_of(receipt, "reason_code", "reason_text")
        codes = set(refusals.values()) | ({receipt.batch_code} if receipt.batch_code else set())
        same(sorted(code for code, _ in reasons), sorted(codes), "reason codes")
        want(all(text.strip() for _, text in reasons), "a refusal has no text")
        if refusals:
            same(receipt.first_sequence, receipt.sequence, "first_sequence of a receipt with refused rows")
        same(receipt.rows, receipt.accepted + len(refusals) if not receipt.batch_code else receipt.rows, "rows")
        return receipt, refusals

    def push(self, rows, columns=OPTIONAL, refused=None, batch_code=0, raw=b"", edit=None):
        """Sends one batch, waits for its receipt and compares the refused rows {row: code}."""
        sequence = self.next
        self.submit(rows, columns, raw, edit)
        receipt, refusals = self.settle()
        same((receipt.first_sequence, receipt.sequence), (sequence, sequence), "receipt's sequences")
        texts = list(receipt.reason_text)
        same(receipt.batch_code, batch_code, f"batch_code {texts}")
        same(refusals, refused or {}, f"refused rows {texts}")
        if not batch_code:
            same((receipt.rows, receipt.accepted), (len(rows), len(rows) - len(refusals)), "rows and accepted")
        return receipt


class Memory:
    """What a node would keep on its disk."""

    def __init__(self):
        self.acknowledged = 0
        self.waiting = {}


class Daemon:
    """The daemon, its directories and its life."""

    def __init__(self, tallyd, source, folder, projects_max=1000000):
        self.tallyd, self.source, self.folder, self.projects_max = tallyd, source, folder, projects_max
        os.makedirs(folder, exist_ok=True)
        self.config = os.path.join(folder, "tallyd.conf")
        self.log = os.path.join(folder, "tallyd.log")
        self.process = None
        self.ingest, self.totals, self.query = (f"ipc://{folder}/{name}" for name in ("ingest", "totals", "query"))
        os.mkdir(os.path.join(folder, "data"))
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(self.configuration())

    def configuration(self):
        nodes = "".join(f'''
node {name} {{
    title-zh = "{name} 总工会"
    title-en = "{name} federation"
    regions = {{"{digits}"}}
}}
''' for name, digits in NODES_CONFIGURED.items())
        return f"""data-directory = "{self.folder}/data"
competitions-directory = "{os.path.abspath(self.source)}/competitions"
ingest-endpoint = "{self.ingest}"
totals-endpoint = "{self.totals}"
query-endpoint = "{self.query}"
disk-reserve-mib = 16
projects-max = {self.projects_max}
{nodes}"""

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.tallyd, "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"daemon ended with {self.process.returncode} at its start: {self.tail()}")
            asker = Asker(self.query)
            try:
                asker.send(STATUS_QUERY, pb.StatusQuery(request=1))
                got = asker.receive(0.5)
                if got and got[0] == STATUS:
                    return
            finally:
                asker.close()
        raise Failure(f"daemon does not answer: {self.tail()}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def end(self, number=signal.SIGTERM, seconds=20):
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"daemon still runs {seconds} s after signal {number}") from None

    def tail(self):
        with open(self.log, "r", encoding="utf-8", errors="replace") as log:
            return " | ".join(log.read().split("\n")[-6:])


# The checks, in the order in which they run


CHECKS = []


def check(name):
    def keep(function):
        CHECKS.append((name, function))
        return function
    return keep


class Bench:
    """What the checks share."""

    def __init__(self, daemon, documented):
        self.daemon = daemon
        self.documented = documented
        self.model = Model()
        self.memory = {name: Memory() for name in NODES_CONFIGURED}
        self.epoch = 0
        self.version = 0  # of the newest receipt
        self.random = random.Random(20210301)
        self.serial = 0
        self.lines = []
        self.categories, self.statuses = [], []
        self.nodes = {}

    def node(self, name):
        """The node's session; a new connection after a check that failed."""
        if name not in self.nodes:
            self.nodes[name] = Node(self, name).join()
        return self.nodes[name]

    def line(self, kind, *arguments):
        """A connection that ends with the check."""
        line = kind(*arguments)
        self.lines.append(line)
        return line

    def asker(self):
        return self.line(Asker, self.daemon.query)

    def part(self, failed):
        while self.lines:
            self.lines.pop().close()
        if failed:
            self.forget_nodes()

    def forget_nodes(self):
        while self.nodes:
            self.nodes.popitem()[1].close()

    def rows(self, name, count, day=DAY):
        return [self.row(name, day) for _ in range(count)]

    def row(self, node, day=DAY, **fields):
        """A new project with everything at random, texts in both scripts."""
        self.serial += 1
        heads = self.random.randrange(0, 900)
        row = Row(code=f"{node[:2].upper()}-{self.serial:06d}", region=self.random.choice(COUNTIES[node]),
                  category=self.random.choice(self.categories), status=self.random.choice(self.statuses),
                  value=self.random.randrange(0, 10 ** 12), heads=heads, migrants=self.random.randint(0, heads),
                  effective_day=day, name=f"第{self.serial}号工程 no. {self.serial}", contractor="建筑公司",
                  start_day=18700, completion_day=19500)
        return row._replace(**fields)

    def compare_totals(self, asker, region=0):
        """Totals of a region now, against the model, at the version of the newest receipt."""
        totals = asker.totals(region, version=self.version)
        same((totals.competition, totals.region, totals.day), (KEY, region, 0), "what the totals are of")
        same(totals.epoch, self.epoch, "epoch")
        same(sums_of(totals), self.model.totals(region), f"sums of {region}")
        same(cells_of(totals), self.model.cells(region), f"cells of {region}")

    def compare_everything(self, asker):
        for region in sorted(self.model.regions):
            self.compare_totals(asker, region)


def read_codes(path):
    """{name: number} from the table of PROTOCOL.md."""
    with open(path, encoding="utf-8") as document:
        table = document.read().split("<!-- refusal-codes -->")[1].split("<!-- /refusal-codes -->")[0]
    return {name: int(number) for number, name in re.findall(r"^\|\s*(\d+)\s*\|\s*`?([a-z-]+)`?\s*\|", table, re.M)}


@check("the document lists the codes, with the numbers that they had from the start")
def check_codes(bench):
    same({name: bench.documented.get(name) for name in CODES}, CODES, "codes of PROTOCOL.md")


@check("competitions are described")
def check_competitions(bench):
    answer = bench.asker().ask(COMPETITIONS_QUERY, COMPETITIONS)
    found = [one for one in answer.competition if one.key == KEY]
    same(len(found), 1, f"number of competitions {KEY}")
    one = found[0]
    bench.categories = [label.code for label in one.category]
    bench.statuses = [label.code for label in one.status]
    bench.model.counting = {label.code for label in one.status if label.counts}
    want(bench.categories and bench.statuses, "no categories or no statuses")
    want(bench.model.counting, "no status counts")
    want(max(bench.categories + bench.statuses) <= 15, "a code above 15")
    for label in [*one.category, *one.status]:
        want(label.key and label.zh and label.en, f"label {label.code} lacks a name")
    want(one.zh and one.en and one.place_zh and one.place_en, "names are lacking")
    want(0 < one.first_day <= one.last_day, "days are lacking")
    want({ZHEJIANG, SHANGHAI} <= set(one.region), f"regions in scope are {list(one.region)}")


@check("status tells that the daemon is ready")
def check_status(bench):
    status = bench.asker().ask(STATUS_QUERY, STATUS)
    same(status.condition, "ready", "condition")
    want(status.software and status.epoch, "software or epoch is empty")
    want(abs(status.time_ms - time.time() * 1000) < 5000, f"time_ms {status.time_ms} is not now")
    want(0 < status.started_ms <= status.time_ms, "started_ms is not before now")
    want(status.disk_free_bytes > 0, "no disk_free_bytes")
    want(status.version_folded <= status.version_applied <= status.version_durable, "versions are out of order")
    counters = columns_of(status, "counter_name", "counter_value", "counter_help")
    want(counters and all(name and text for name, _, text in counters), "counters lack a name or help")
    same(len({name for name, _, _ in counters}), len(counters), "number of different counters")


@check("hello is answered by a welcome to a new history")
def check_hello(bench):
    for name in COUNTIES:
        welcome = bench.line(Node, bench, name).greet()
        same((welcome.next_sequence, welcome.durable_sequence), (1, 0), f"sequences of {name}")
        want(welcome.epoch, "epoch is 0")
        want(1 <= welcome.window <= 32, f"window is {welcome.window}")
        same((welcome.batch_rows_max, welcome.batch_bytes_max), (8192, 1 << 20), "limits")
        bench.epoch = bench.epoch or welcome.epoch
        same(welcome.epoch, bench.epoch, "epoch told to the second node")


@check("an empty history has empty totals")
def check_empty(bench):
    asker = bench.asker()
    totals = asker.totals()
    same((sums_of(totals), cells_of(totals)), ((0, 0, 0, 0), {}), "sums of nothing")
    same(len(asker.ask(REGIONS_QUERY, REGIONS, competition=KEY).child), 0, "regions")
    same(len(asker.ask(HISTORY_QUERY, HISTORY, competition=KEY).day), 0, "days of history")
    same(len(asker.ask(PROJECTS_QUERY, PROJECTS, competition=KEY).code), 0, "projects")


@check("batches with texts are counted")
def check_push_texts(bench):
    for name in COUNTIES:
        node = bench.node(name)
        receipt = node.push(bench.rows(name, 200))
        same(receipt.unchanged, 0, "unchanged")
    bench.compare_everything(bench.asker())


@check("batches without texts are counted")
def check_push_bare(bench):
    for name in COUNTIES:
        bench.node(name).push(bench.rows(name, 100), columns=("effective_day",))
    bench.compare_everything(bench.asker())


@check("a batch of one row and one of 8192 rows are counted")
def check_push_sizes(bench):
    node = bench.node("zhejiang")
    node.push(bench.rows("zhejiang", 1))
    node.push(bench.rows("zhejiang", 8192), columns=("effective_day",))
    bench.compare_everything(bench.asker())


@check("a row replaces the project's former state, region included")
def check_replace(bench):
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 40)
    node.push(rows)
    moved = [row._replace(region=COUNTIES["zhejiang"][i % 7], status=bench.statuses[i % len(bench.statuses)],
                          value=row.value + i, heads=1000, migrants=i) for i, row in enumerate(rows)]
    node.push(moved)
    bench.compare_everything(bench.asker())


@check("rows of a batch are applied in order, the last one of a project stays")
def check_order(bench):
    node = bench.node("shanghai")
    row = bench.row("shanghai")
    same(node.push([row, row._replace(value=1), row._replace(value=2)]).accepted, 3, "accepted")
    bench.compare_everything(bench.asker())


@check("the same rows again are unchanged")
def check_unchanged(bench):
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 50)
    same(node.push(rows).unchanged, 0, "unchanged at first")
    same(node.push(rows).unchanged, 50, "unchanged the second time")
    same(node.push(rows, columns=("effective_day",)).unchanged, 50, "unchanged without texts")
    other = [row._replace(name="另一个名字") if i < 7 else row for i, row in enumerate(rows)]
    same(node.push(other).unchanged, 43, "unchanged when seven names differ")
    bench.compare_everything(bench.asker())


@check("the largest numbers are counted exactly")
def check_largest(bench):
    node = bench.node("zhejiang")
    rows = [bench.row("zhejiang", value=10 ** 15, heads=10 ** 8, migrants=10 ** 8) for _ in range(64)]
    node.push(rows)
    bench.compare_everything(bench.asker())
    node.push([row._replace(value=0, heads=0, migrants=0) for row in rows])
    bench.compare_everything(bench.asker())


@check("longest code, name and contractor are kept")
def check_longest(bench):
    node = bench.node("zhejiang")
    row = bench.row("zhejiang", code="!" + "~" * 31, name="长" * 85, contractor="c" * 255, start_day=1,
                    completion_day=65535)
    node.push([row])
    compare_project(bench, bench.asker(), row.code)


@check("absent columns leave texts and dates, empty texts clear them")
def check_texts(bench):
    node, asker = bench.node("shanghai"), bench.asker()
    row = bench.row("shanghai", name="虹桥枢纽", contractor="甲公司")
    node.push([row])
    compare_project(bench, asker, row.code)
    node.push([row._replace(value=5, name="x", contractor="y", start_day=9, completion_day=10)], ("effective_day",))
    same(bench.model.history[row.code][-1].name, "虹桥枢纽", "the model's name")
    compare_project(bench, asker, row.code)
    node.push([row._replace(contractor="乙公司")], ("effective_day", "contractor"))
    compare_project(bench, asker, row.code)
    node.push([row._replace(name="", start_day=0)], ("effective_day", "name", "start_day"))
    compare_project(bench, asker, row.code)
    node.push([row._replace(effective_day=0, value=77)], columns=())
    compare_project(bench, asker, row.code)


PROJECT_COLUMNS = ("code", "region", "category", "status", "contract_value", "participants", "migrant_participants",
                   "effective_day", "name", "contractor", "start_day", "completion_day")


def compare_project(bench, asker, code):
    answer = asker.project(code, version=bench.version)
    same([Row(*row) for row in columns_of(answer, *PROJECT_COLUMNS)], [bench.model.history[code][-1]], "project")
    same(list(answer.node), [bench.model.owner[code]], "the project's node")
    want(0 < answer.updated_version[0] <= answer.version, f"updated_version {answer.updated_version[0]}")
    want(abs(answer.updated_ms[0] - time.time() * 1000) < 600000, f"updated_ms {answer.updated_ms[0]}")
    same(answer.next_code, "", "next_code")


@check("a project that nobody reported has no row")
def check_no_project(bench):
    answer = bench.asker().project("NOBODY-KNOWS-IT")
    same(len(answer.code), 0, "rows")


@check("regions below a region have the model's totals")
def check_regions(bench):
    asker = bench.asker()
    asker.totals(version=bench.version)
    for region in (0, ZHEJIANG, SHANGHAI, 330100, 330200, 310100):
        answer = asker.ask(REGIONS_QUERY, REGIONS, competition=KEY, region=region)
        same((answer.competition, answer.region, answer.epoch), (KEY, region, bench.epoch), "what the regions are of")
        rows = columns_of(answer, "child", "projects", "contract_value", "participants", "migrant_participants")
        same({row[0]: row[1:] for row in rows}, {child: bench.model.totals(child) for child in
                                                 bench.model.children(region)}, f"regions below {region}")
        for row in rows:
            same(sums_of(asker.totals(row[0])), row[1:], f"TotalsQuery of {row[0]}")
    same(len(asker.ask(REGIONS_QUERY, REGIONS, competition=KEY, region=330106).child), 0, "regions below a county")


@check("pages of projects hold every project once and in order")
def check_pages(bench):
    asker = bench.asker()
    asker.project("ANY", version=bench.version)
    for region, limit in ((310100, 7), (SHANGHAI, 1000), (330106, 0), (ZHEJIANG, 1000), (0, 999)):
        compare_rows(read_pages(asker, region, limit), bench.model.rows(region), f"projects of {region} by {limit}")


def compare_rows(got, expected, what):
    different = [pair for pair in zip(got, expected) if pair[0] != pair[1]]
    want(not different, f"{what}: first different row is {different[:1]}, {len(different)} differ")
    same(len(got), len(expected), f"number of {what}")


def read_pages(asker, region, limit):
    found, after_region, after_code = [], 0, ""
    while True:
        page = asker.ask(PROJECTS_QUERY, PROJECTS, competition=KEY, region=region, after_region=after_region,
                         after_code=after_code, limit=limit)
        rows = [Row(*row) for row in columns_of(page, *PROJECT_COLUMNS)]
        want(len(rows) <= (limit or 100), f"page of {len(rows)} rows, limit {limit}")
        found += rows
        if not page.next_code:
            return found
        want(rows, "a page without rows names a next one")
        after_region, after_code = page.next_region, page.next_code


@check("history by effective days, and totals as of a day")
def check_history(bench):
    node, asker = bench.node("zhejiang"), bench.asker()
    rows = bench.rows("zhejiang", 60, DAY + 10)
    for step in (10, 12, 13, 20, 45):
        node.push([row._replace(effective_day=DAY + step, value=step * 1000 + i, heads=2000 + step,
                                status=bench.random.choice(bench.statuses),
                                region=COUNTIES["zhejiang"][(i + step) % 7]) for i, row in enumerate(rows)])
    late = bench.rows("zhejiang", 5, DAY + 11)  # reported after, effective before
    node.push(late)
    asker.totals(version=node.version)
    for region in (0, ZHEJIANG, 330100, 330106, SHANGHAI):
        answer = asker.ask(HISTORY_QUERY, HISTORY, competition=KEY, region=region)
        same((answer.competition, answer.region, answer.epoch), (KEY, region, bench.epoch), "what the history is of")
        same(history_of(answer), bench.model.days(region), f"history of {region}")
    span = asker.ask(HISTORY_QUERY, HISTORY, competition=KEY, region=ZHEJIANG, first_day=DAY + 11, last_day=DAY + 20)
    same(history_of(span), [row for row in bench.model.days(ZHEJIANG) if DAY + 11 <= row[0] <= DAY + 20], "a span")
    for day in (DAY - 1, DAY, DAY + 9, DAY + 10, DAY + 12, DAY + 44, DAY + 45, DAY + 46, today()):
        totals = asker.totals(330106, day)
        same((totals.day, sums_of(totals)), (day, bench.model.totals(330106, day)), f"totals as of {day}")
        same(cells_of(totals), {}, "cells as of a day")
        regions = asker.ask(REGIONS_QUERY, REGIONS, competition=KEY, region=ZHEJIANG, day=day)
        for child, *sums in columns_of(regions, "child", "projects", "contract_value", "participants",
                                       "migrant_participants"):
            same(tuple(sums), bench.model.totals(child, day), f"region {child} as of {day}")


@check("a day on which the totals stay as they were is not in the history")
def check_quiet_days(bench):
    node, asker = bench.node("shanghai"), bench.asker()
    silent = min(set(bench.statuses) - bench.model.counting)
    counting = min(bench.model.counting)
    rows = [bench.row("shanghai", DAY + 60, status=counting, value=500, heads=9, migrants=1, region=310115)
            for _ in range(2)]
    node.push(rows)
    node.push([bench.row("shanghai", DAY + 61, status=silent)])
    node.push([row._replace(effective_day=DAY + 62, value=500 + sign) for row, sign in zip(rows, (7, -7))])
    asker.totals(version=node.version)
    for region in (310115, SHANGHAI, 0):
        answer = asker.ask(HISTORY_QUERY, HISTORY, competition=KEY, region=region)
        same(history_of(answer), bench.model.days(region), f"history of {region}")


def history_of(answer):
    rows = columns_of(answer, "day", "projects", "contract_value", "participants", "migrant_participants")
    return [(row[0], row[1:]) for row in rows]


@check("nodes are listed with what they sent")
def check_nodes(bench):
    for name in COUNTIES:
        bench.node(name)
    answer = bench.asker().ask(NODES_QUERY, NODES)
    names = ("name", "regions", "connected", "sequence", "last_batch_ms", "rows_accepted", "rows_unchanged",
             "rows_refused", "title_zh", "title_en")
    found = {row[0]: dict(zip(names, row)) for row in columns_of(answer, *names)}
    same(set(found), set(NODES_CONFIGURED), "names")
    same((found["beijing"]["connected"], found["beijing"]["sequence"]), (False, 0), "state of a node that never came")
    for name, digits in (("zhejiang", "33"), ("shanghai", "31")):
        one = found[name]
        want(one["regions"].startswith(digits), f"regions of {name} are {one['regions']}")
        same((one["connected"], one["sequence"]), (True, bench.memory[name].acknowledged), f"state of {name}")
        want(abs(one["last_batch_ms"] - time.time() * 1000) < 600000, f"last_batch_ms {one['last_batch_ms']}")
        want(one["rows_accepted"] >= 300 and one["title_zh"] and one["title_en"], f"{name} is {one}")


# What is refused, row by row. Each case: the code's name, what is wrong, and the change to a good row.

ROW_CASES = [
    ("code-empty", "an empty code", {"code": ""}),
    ("code-too-long", "a code of 33 bytes", {"code": "c" * 33}),
    ("code-not-printable", "a code with a space", {"code": "a b"}),
    ("code-not-printable", "a code with a control character", {"code": "a\x1fb"}),
    ("code-not-printable", "a code with DEL", {"code": "a\x7fb"}),
    ("code-not-printable", "a code beyond ASCII", {"code": "a\xe9b"}),
    ("region-unknown", "region 0", {"region": 0}),
    ("region-unknown", "a region of no province", {"region": 990101}),
    ("region-unknown", "a region of seven digits", {"region": 3301061}),
    ("region-unknown", "region 2^32 - 1", {"region": 2 ** 32 - 1}),
    ("region-not-yours", "a county of another node", {"region": 310101}),
    ("category-unknown", "an unknown category", {"category": 15}),
    ("category-unknown", "category 16", {"category": 16}),
    ("category-unknown", "category 2^32 - 1", {"category": 2 ** 32 - 1}),
    ("status-unknown", "an unknown status", {"status": 15}),
    ("status-unknown", "status 256", {"status": 256}),
    ("value-negative", "a negative contract value", {"value": -1}),
    ("value-too-large", "a contract value of 10^15 + 1", {"value": 10 ** 15 + 1}),
    ("value-too-large", "a contract value of 2^63 - 1", {"value": 2 ** 63 - 1}),
    ("value-negative", "a contract value of -2^63", {"value": -2 ** 63}),
    ("participants-negative", "negative participants", {"heads": -1, "migrants": 0}),
    ("participants-too-large", "10^8 + 1 participants", {"heads": 10 ** 8 + 1}),
    ("participants-too-large", "2^32 participants", {"heads": 2 ** 32}),
    ("migrants-negative", "negative migrant participants", {"migrants": -1}),
    ("migrants-above-participants", "more migrant participants than participants", {"heads": 10, "migrants": 11}),
    ("day-before-start", "an effective day before the competition", {"effective_day": DAY - 100}),
    ("day-in-future", "an effective day in the future", {"effective_day": 65535}),
    ("day-in-future", "effective day 65536", {"effective_day": 65536}),
    ("text-too-long", "a name of 256 bytes", {"name": "长" * 85 + "x"}),
    ("text-not-valid", "a name with a line feed", {"name": "a\nb"}),
    ("text-too-long", "a contractor of 256 bytes", {"contractor": "c" * 256}),
    ("text-not-valid", "a contractor with an escape", {"contractor": "\x1b[2J"}),
    ("date-out-of-range", "start day 65536", {"start_day": 65536}),
    ("date-out-of-range", "completion day 65536", {"completion_day": 65536}),
    ("date-out-of-range", "completion day 2^32 - 1", {"completion_day": 2 ** 32 - 1}),
]


def check_row_refusal(bench, name, change):
    """One wrong row between good ones: it alone is refused, and the connection goes on."""
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 5)
    rows[3] = rows[3]._replace(**change)
    node.push(rows, refused={3: CODES[name]})
    same(node.push(bench.rows("zhejiang", 1)).accepted, 1, "accepted afterwards")
    bench.compare_totals(bench.asker())


for _name, _what, _change in ROW_CASES:
    check(f"row refused, {_name}: {_what}")(functools.partial(check_row_refusal, name=_name, change=_change))


@check("texts that are not UTF-8 are refused")
def check_not_utf8(bench):
    """Python packs no such text, so the column is packed by hand."""
    node = bench.node("zhejiang")
    for text in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"ok\x80"):
        rows = bench.rows("zhejiang", 3)
        names = [rows[0].name.encode(), text, rows[2].name.encode()]
        raw = b"".join(b"\x62" + bytes((len(name),)) + name for name in names)
        node.push(rows, ("effective_day", "name"), refused={1: CODES["text-not-valid"]}, raw=raw,
                  edit=lambda message: message.ClearField("name"))


@check("row refused, text-not-valid: a text with a NUL")
def check_nul(bench):
    """Should it be taken after all, the next batch makes the projects known again."""
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 2)
    try:
        node.push([rows[0]._replace(name="a\0b"), rows[1]._replace(contractor="\0" + "c" * 300)],
                  refused={i: CODES["text-not-valid"] for i in range(2)})
    finally:
        node.push(rows)


@check("a project of another node is refused")
def check_owner(bench):
    row = bench.row("shanghai")
    bench.node("shanghai").push([row])
    node = bench.node("zhejiang")
    rows = [bench.row("zhejiang"), bench.row("zhejiang", code=row.code), bench.row("zhejiang")]
    node.push(rows, refused={1: CODES["project-not-yours"]})
    bench.compare_everything(bench.asker())


@check("row refused, region-outside-competition: a county of a province that does not take part")
def check_outside(bench):
    node = bench.node("beijing")
    rows = [bench.row("shanghai", region=110101) for _ in range(2)]
    node.push(rows, refused={i: CODES["region-outside-competition"] for i in range(2)})


@check("row refused, day-before-last: an effective day before the project's last one")
def check_day_back(bench):
    node = bench.node("zhejiang")
    row = bench.row("zhejiang", DAY + 5)
    rows = [row, row._replace(effective_day=DAY + 4, value=1), row._replace(value=2)]
    node.push(rows, refused={1: CODES["day-before-last"]})
    node.push([row._replace(effective_day=DAY, value=3), bench.row("zhejiang")],
              refused={0: CODES["day-before-last"]})
    bench.compare_totals(bench.asker())


@check("the last allowed days are accepted: the competition's first, and tomorrow")
def check_allowed_days(bench):
    node = bench.node("zhejiang")
    first = bench.asker().ask(COMPETITIONS_QUERY, COMPETITIONS).competition[0].first_day
    rows = [bench.row("zhejiang", day) for day in (first, today(), today() + 1)]
    rows.append(rows[0]._replace(value=1, start_day=0, completion_day=65535))
    node.push(rows)
    node.push([bench.row("zhejiang", first - 1), bench.row("zhejiang", today() + 2)],
              refused={0: CODES["day-before-start"], 1: CODES["day-in-future"]})
    bench.compare_totals(bench.asker(), 0)


@check("a batch with many wrong rows names each")
def check_many_refused(bench):
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 8192)
    wrong = {i: CODES["value-negative"] if i % 2 else CODES["category-unknown"] for i in range(0, 8192, 3)}
    for i in wrong:
        rows[i] = rows[i]._replace(value=-1) if i % 2 else rows[i]._replace(category=15)
    node.push(rows, refused=wrong)
    bench.compare_totals(bench.asker())


def check_batch_refusal(bench, name, edit):
    """A batch that is wrong as a whole: nothing of it is kept, its sequence is used up, the next one is taken."""
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 3)
    receipt = node.push(rows, batch_code=CODES[name], edit=edit)
    same(receipt.accepted, 0, "accepted")
    same(node.push(bench.rows("zhejiang", 2)).accepted, 2, "accepted afterwards")
    bench.compare_totals(bench.asker())


def grow(message):
    for i in range(8190):
        message.code += b"G%06d" % i
        message.code_bytes.append(7)
    for column in ("region", "category", "status", "contract_value", "participants", "migrant_participants",
                   *OPTIONAL):
        values = getattr(message, column)
        values.extend([values[0]] * 8190)


def shorten(column):
    def edit(message):
        del getattr(message, column)[-1]
    return edit


def lengthen(column):
    def edit(message):
        values = getattr(message, column)
        values.append(values[0])
    return edit


def change(**fields):
    def edit(message):
        for name, value in fields.items():
            setattr(message, name, value)
    return edit


def empty(message):
    message.CopyFrom(pb.Batch(sequence=message.sequence, competition=message.competition))


BATCH_CASES = [
    ("competition-unknown", "a competition that is not there", change(competition="metro-2099")),
    ("competition-unknown", "no competition", change(competition="")),
    ("batch-empty", "no rows", empty),
    ("too-many-rows", "8193 rows", grow),
    ("columns-uneven", "codes shorter than code_bytes say", change(code=b"short")),
    ("columns-uneven", "codes longer than code_bytes say", change(code=b"c" * 50)),
] + [("columns-uneven", f"{column} one too short", shorten(column)) for column in (
    "region", "category", "status", "contract_value", "participants", "migrant_participants", *OPTIONAL)
] + [("columns-uneven", f"{column} one too long", lengthen(column)) for column in ("code_bytes", "region", "name")]

for _name, _what, _edit in BATCH_CASES:
    check(f"batch refused, {_name}: {_what}")(functools.partial(check_batch_refusal, name=_name, edit=_edit))


def check_message_refusal(bench, name, endpoint, frames):
    line = bench.line(Line, getattr(bench.daemon, endpoint))
    line.frames(*frames)
    refusal = line.expect(REFUSAL)
    same((refusal.code, refusal.name), (CODES[name], name), f"refusal ({refusal.text!r})")
    want(refusal.text.strip(), "the refusal has no text")
    if endpoint == "query":
        line.send(STATUS_QUERY, pb.StatusQuery(request=7))
        same(line.expect(STATUS).request, 7, "request number of the answer afterwards")
    else:
        line.send(HELLO, pb.Hello(node="nobody"))
        same(line.expect(REFUSAL).name, "node-unknown", "refusal afterwards")


def message_cases():
    """(the code's name, what is wrong, endpoint, frames)"""
    for endpoint in ("ingest", "query"):
        good = header(HELLO if endpoint == "ingest" else STATUS_QUERY)
        yield "frames-malformed", "one frame", endpoint, (good,)
        yield "frames-malformed", "three frames", endpoint, (good, b"", b"")
        yield "frames-malformed", "a header of three bytes", endpoint, (good[:3], b"")
        yield "frames-malformed", "a header of five bytes", endpoint, (good + b"\0", b"")
        yield "protocol-unsupported", "another magic", endpoint, (b"X" + good[1:], b"")
        yield "protocol-unsupported", "version 2", endpoint, (b"T2" + good[2:], b"")
        yield "protocol-unsupported", "a flag", endpoint, (good[:3] + b"\1", b"")
        for kind in (0, 8, 200, 255):
            yield "type-unknown", f"type {kind}", endpoint, (header(kind), b"")
        yield "type-unknown", "a type that only the daemon sends", endpoint, (header(WELCOME), b"")
        yield "body-malformed", "a body that breaks off", endpoint, (good, b"\x0a\x7fxx")
    yield "type-unknown", "a question", "ingest", (header(STATUS_QUERY), b"")
    yield "type-unknown", "a batch", "query", (header(BATCH), b"")
    yield "node-unknown", "Hello of a node that is not configured", "ingest", (header(HELLO), b"\x0a\x03xyz")
    yield "node-unknown", "Hello without a name", "ingest", (header(HELLO), b"")
    yield "hello-missing", "a batch before Hello", "ingest", (header(BATCH), b"\x09\1\0\0\0\0\0\0\0")


for _name, _what, _endpoint, _frames in message_cases():
    check(f"message refused on {_endpoint}, {_name}: {_what}")(
        functools.partial(check_message_refusal, name=_name, endpoint=_endpoint, frames=_frames))


@check("the older connection of a node is told that it is superseded")
def check_superseded(bench):
    first = bench.node("zhejiang")
    bench.nodes.pop("zhejiang")
    bench.lines.append(first)
    second = bench.node("zhejiang")
    refusal = first.expect(REFUSAL)
    same((refusal.code, refusal.name), (CODES["superseded"], "superseded"), "refusal")
    want(refusal.text.strip(), "the refusal has no text")
    same(second.push(bench.rows("zhejiang", 3)).accepted, 3, "accepted on the newer connection")
    first.send(BATCH, batch(second.next, bench.rows("zhejiang", 1)))
    refusal = first.expect(REFUSAL)
    same(refusal.code, CODES["hello-missing"], "code of the refusal of a batch on the older connection")
    same(second.push(bench.rows("zhejiang", 3)).accepted, 3, "accepted afterwards")


@check("questions are refused with their request number")
def check_question_refusals(bench):
    asker = bench.asker()
    questions = [(kind, "competition-unknown", {"competition": "nothing-here"}) for kind in
                 (TOTALS_QUERY, REGIONS_QUERY, PROJECT_QUERY, PROJECTS_QUERY, HISTORY_QUERY)]
    questions += [(kind, "region-unknown", {"competition": KEY, "region": 990000}) for kind in
                  (TOTALS_QUERY, REGIONS_QUERY, PROJECTS_QUERY, HISTORY_QUERY)]
    for kind, name, fields in questions:
        refusal = asker.ask(kind, REFUSAL, **fields)
        same((refusal.code, refusal.name, refusal.message_type), (CODES[name], name, kind),
             f"refusal of {MESSAGE_NAMES[kind]}")
        want(refusal.text.strip(), "the refusal has no text")


@check("several questions may be on their way")
def check_parallel_questions(bench):
    asker = bench.asker()
    regions = (0, ZHEJIANG, 330106)
    for request in range(1, 33):
        asker.send(TOTALS_QUERY, pb.TotalsQuery(request=request, competition=KEY, region=regions[request % 3]))
    answers = []
    while len(answers) < 32 and (got := asker.receive(3)):
        want(got[0] == TOTALS, f"unexpected {describe(*got)}")
        answers.append(got[1])
    same(sorted(answer.request for answer in answers), list(range(1, 33)), "request numbers")
    for answer in answers:
        same(answer.region, regions[answer.request % 3], "region")


# Sequences


@check("a window of batches is receipted in order")
def check_window(bench):
    node = bench.node("zhejiang")
    window = node.greet(bench.memory["zhejiang"].acknowledged, bench.epoch).window
    last = node.next + window - 1
    for _ in range(window):
        node.submit(bench.rows("zhejiang", 20), columns=("effective_day",))
    covered = bench.memory["zhejiang"].acknowledged
    while covered < last:
        receipt, refusals = node.settle()
        same((receipt.first_sequence, refusals), (covered + 1, {}), "first_sequence and refused rows")
        covered = receipt.sequence
    same(covered, last, "last receipt")
    bench.compare_totals(bench.asker())


@check("a batch sent again is not counted twice")
def check_resend(bench):
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 10)
    rows[4] = rows[4]._replace(value=-1)
    sequence = node.next
    node.push(rows, refused={4: CODES["value-negative"]})
    before = bench.asker().totals(version=node.version)
    node.send(BATCH, batch(sequence, rows))
    again = node.expect(RECEIPT)
    want(again.first_sequence <= sequence <= again.sequence, "another batch's receipt")
    same(list(again.refused_row), [4], "refused rows told again")
    same(node.push(bench.rows("zhejiang", 1)).sequence, sequence + 1, "next sequence")
    bench.compare_everything(bench.asker())
    want(before.projects <= bench.model.totals()[0], "projects before")


@check("a batch from long ago is answered by a rewind")
def check_old(bench):
    node = bench.node("zhejiang")
    while node.next < 40:
        node.push(bench.rows("zhejiang", 1))
    node.send(BATCH, batch(1, bench.rows("zhejiang", 2)))
    rewind = node.expect(REWIND)
    same((rewind.expected_sequence, rewind.received_sequence, rewind.code),
         (node.next, 1, CODES["sequence-old"]), "rewind")
    want(rewind.text.strip(), "the rewind has no text")
    bench.compare_totals(bench.asker())


@check("a gap is answered by one rewind to the expected batch")
def check_gap(bench):
    node = bench.node("zhejiang")
    node.push(bench.rows("zhejiang", 1))
    expected = node.next
    for ahead in (1, 2, 3):
        node.send(BATCH, batch(expected + ahead, bench.rows("zhejiang", 2)))
    rewind = node.expect(REWIND)
    same((rewind.expected_sequence, rewind.received_sequence, rewind.code),
         (expected, expected + 1, CODES["sequence-gap"]), "rewind")
    want(rewind.text.strip(), "the rewind has no text")
    same(node.push(bench.rows("zhejiang", 2)).accepted, 2, "accepted from the expected batch on")
    same(node.push(bench.rows("zhejiang", 2)).accepted, 2, "accepted of the next one")
    bench.compare_totals(bench.asker())


@check("a second gap, after the first was closed, is answered by a rewind of its own")
def check_second_gap(bench):
    node = bench.node("zhejiang")
    for _ in range(2):
        node.send(BATCH, batch(node.next + 5, bench.rows("zhejiang", 2)))
        same(node.expect(REWIND).expected_sequence, node.next, "expected_sequence")
        node.push(bench.rows("zhejiang", 1))


@check("sequence 0 is older than every batch")
def check_sequence_zero(bench):
    node = bench.node("zhejiang")
    node.push(bench.rows("zhejiang", 1))
    node.send(BATCH, batch(0, bench.rows("zhejiang", 2)))
    rewind = node.expect(REWIND)
    same((rewind.expected_sequence, rewind.code), (node.next, CODES["sequence-old"]), "rewind of sequence 0")
    bench.compare_totals(bench.asker())


@check("hello with nothing acknowledged brings the receipts again, refused rows included")
def check_receipts_again(bench):
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 6)
    rows[2] = rows[2]._replace(category=15)
    rows[5] = rows[5]._replace(value=-1)
    expected = {2: CODES["category-unknown"], 5: CODES["value-negative"]}
    sequence = node.next
    node.push(rows, refused=expected)
    node.push(bench.rows("zhejiang", 2))
    receipts = receipts_again(node, bench.epoch)
    same(receipts[sequence], expected, "refused rows told again")
    want(len(receipts) == 32, f"{len(receipts)} batches are covered by the receipts, expected the last 32")
    same(node.push(bench.rows("zhejiang", 2)).accepted, 2, "accepted afterwards")


def receipts_again(node, epoch, acknowledged=0):
    """{sequence: {row: code}} from the receipts that follow a Welcome."""
    welcome = node.greet(acknowledged, epoch)
    same(welcome.next_sequence, welcome.durable_sequence + 1, "next_sequence when nothing is on its way")
    told, reached = {}, 0
    while reached < welcome.durable_sequence:
        receipt = node.expect(RECEIPT)
        want(receipt.first_sequence > reached, "receipts are out of order")
        reached = receipt.sequence
        for sequence in range(receipt.first_sequence, reached + 1):
            told[sequence] = dict(columns_of(receipt, "refused_row", "refused_code"))
    return told


@check("hello with no memory at all brings the receipts again")
def check_no_memory(bench):
    node = bench.node("zhejiang")
    welcome = node.greet(0, 0)
    reached = 0
    while reached < welcome.durable_sequence:
        reached = node.expect(RECEIPT).sequence
    same(node.push(bench.rows("zhejiang", 1)).accepted, 1, "accepted afterwards")


@check("hello with everything acknowledged brings no receipts")
def check_nothing_again(bench):
    node = bench.node("zhejiang")
    node.greet(node.next - 1, bench.epoch)
    receipt = node.push(bench.rows("zhejiang", 1))
    same(receipt.accepted, 1, "accepted")


@check("the two nodes count their sequences apart")
def check_apart(bench):
    for name in COUNTIES:
        node = bench.node(name)
        same(node.next, bench.memory[name].acknowledged + 1, f"next sequence of {name}")
        node.push(bench.rows(name, 1))


# Following


class Follower:
    """A SUB connection that keeps the newest totals of each region and watches over versions."""

    def __init__(self, address, *topics):
        self.socket = CONTEXT.socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVHWM, 0)
        for topic in topics:
            self.socket.subscribe(topic)
        self.socket.connect(address)
        self.present = {}
        self.version = 0
        self.epoch = 0
        self.beats = []

    def close(self):
        self.socket.close()

    def take(self, seconds):
        """Takes one message; false when none came in time."""
        if not self.socket.poll(max(0, int(seconds * 1000))):
            return False
        topic, *frames = self.socket.recv_multipart()
        kind, message = parse(frames)
        self.epoch = self.epoch or message.epoch
        same(message.epoch, self.epoch, "epoch")
        want(message.version >= self.version, f"version {message.version} after {self.version}")
        self.version = message.version
        if topic == b"heartbeat":
            same(kind, HEARTBEAT, "type on topic heartbeat")
            self.beats.append((time.monotonic(), message))
        else:
            same(kind, TOTALS, f"type on topic {topic}")
            same(topic.decode(), f"{message.competition}/{message.region:06d}", "topic")
            same((message.request, message.day), (0, 0), "request and day")
            self.present[message.region] = message
        return True

    def until(self, condition, what, seconds=ANSWER_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            want(self.take(deadline - time.monotonic()), f"{what} did not come within {seconds} s")

    def until_equal(self, model, regions):
        expected = {region: (model.totals(region), model.cells(region)) for region in regions}
        self.until(lambda: all(region in self.present and both_of(self.present[region]) == expected[region]
                               for region in regions), "the model's totals")


@check("a late subscriber gets the present totals of every region")
def check_late(bench):
    follower = bench.line(Follower, bench.daemon.totals, f"{KEY}/", "heartbeat")
    follower.until_equal(bench.model, bench.model.regions)
    same(set(follower.present), bench.model.regions, "regions")
    same(follower.epoch, bench.epoch, "epoch")
    second = bench.line(Follower, bench.daemon.totals, f"{KEY}/")
    second.until_equal(bench.model, bench.model.regions)
    while follower.take(0.3):
        pass
    for region in bench.model.regions:
        same(sums_of(follower.present[region]), bench.model.totals(region), f"first subscriber's sums of {region}")


@check("topics are prefixes of regions")
def check_prefixes(bench):
    for topic, wanted in ((f"{KEY}/33", "33"), (f"{KEY}/330106", "330106"), (f"{KEY}/330000", "330000"),
                          (f"{KEY}/000000", "000000"), (f"{KEY}/3301", "3301")):
        follower = bench.line(Follower, bench.daemon.totals, topic)
        regions = {region for region in bench.model.regions if f"{region:06d}".startswith(wanted)}
        follower.until_equal(bench.model, regions)
        same(set(follower.present), regions, f"regions of topic {topic}")
        same(follower.beats, [], "heartbeats without a subscription to them")


@check("changes reach a subscriber")
def check_changes(bench):
    follower = bench.line(Follower, bench.daemon.totals, f"{KEY}/33")
    regions = {region for region in bench.model.regions if inside(region, ZHEJIANG)}
    follower.until_equal(bench.model, regions)
    node = bench.node("zhejiang")
    for _ in range(10):
        node.push(bench.rows("zhejiang", 30))
        follower.until_equal(bench.model, regions)
        want(follower.present[ZHEJIANG].version >= node.version, "totals are older than the receipt")


@check("heartbeats come each second")
def check_heartbeats(bench):
    follower = bench.line(Follower, bench.daemon.totals, "heartbeat")
    follower.until(lambda: len(follower.beats) >= 4, "four heartbeats", 8)
    same(follower.present, {}, "totals without a subscription to them")
    gaps = [after[0] - before[0] for before, after in zip(follower.beats, follower.beats[1:])]
    want(all(0.5 < gap < 1.6 for gap in gaps), f"gaps of {gaps} s")
    for _, beat in follower.beats:
        want(abs(beat.time_ms - time.time() * 1000) < 10000, f"time_ms {beat.time_ms}")


@check("counties make their province, provinces make the whole, at each version")
def check_consistent(bench):
    """While both nodes report: whenever the version goes on, the picture of the version before must add up."""
    follower = bench.line(Follower, bench.daemon.totals, f"{KEY}/")
    follower.until_equal(bench.model, bench.model.regions)
    nodes = [bench.node(name) for name in COUNTIES]
    versions = set()
    deadline = time.monotonic() + 20
    while len(versions) < 20 and time.monotonic() < deadline:
        for node in nodes:
            node.submit(bench.rows(node.name, 15))
        for node in nodes:
            while node.memory.waiting:
                node.settle()
        while True:
            before, picture = follower.version, dict(follower.present)
            if not follower.take(0):
                break
            if follower.version != before:
                add_up(picture)
                versions.add(before)
    follower.until_equal(bench.model, bench.model.regions)
    want(len(versions) >= 5, f"only {len(versions)} versions were seen")


def add_up(picture):
    for whole, parts in ((0, 10000), (ZHEJIANG, 100), (330100, 1), (SHANGHAI, 100), (310100, 1)):
        below = [sums_of(message) for region, message in picture.items()
                 if region != whole and region % parts == 0 and inside(region, whole) and not
                 (parts < 10000 and region % (parts * 100) == 0)]
        same(tuple(map(sum, zip(*below))), sums_of(picture[whole]), f"sum of the regions in {whole}")


# Garbage


def still_well(bench):
    want(bench.daemon.alive(), f"the daemon is gone: {bench.daemon.tail()}")
    asker = bench.line(Asker, bench.daemon.query)
    same(asker.ask(STATUS_QUERY, STATUS).condition, "ready", "condition")
    asker.close()
    bench.lines.remove(asker)


def drain(line, kinds, quiet=0.05):
    """Takes what has come; each must be of one of these kinds."""
    count = 0
    while True:
        got = line.receive(quiet)
        if got is None:
            return count
        want(got[0] in kinds, f"unexpected {describe(*got)}")
        count += 1


ANSWERS = (REFUSAL, TOTALS, REGIONS, PROJECTS, HISTORY, NODES, COMPETITIONS, STATUS, VERIFICATION)


def throw(bench, endpoint, messages):
    """Sends each list of frames; replies may be refusals, or answers where garbage happens to be a question."""
    line = bench.line(Line, getattr(bench.daemon, endpoint))
    for frames in messages:
        line.frames(*frames)
        drain(line, ANSWERS if endpoint == "query" else (REFUSAL,), 0)
    drain(line, ANSWERS if endpoint == "query" else (REFUSAL,), 0.3)
    if endpoint == "query":
        line.send(STATUS_QUERY, pb.StatusQuery(request=11))
        same(line.expect(STATUS).request, 11, "request number after garbage")
    still_well(bench)


@check("wrong numbers and lengths of frames do no harm")
def check_frames(bench):
    shapes = [(b"",), (b"T1\3\0",), (b"", b""), (b"", b"", b""), (b"T1\1\0", b"", b""), (b"", b"T1\1\0", b""),
              (b"T", b""), (b"T1\1", b""), (b"T1\1\0\0", b""), (b"T1\1\0" * 1000, b""), (b"\0" * 4, b"\0" * 4),
              tuple([b""] * 200), (b"T1\3\0",) * 64]
    for endpoint in ("ingest", "query"):
        throw(bench, endpoint, shapes)


@check("random bodies do no harm")
def check_random(bench):
    dice = random.Random(1001)
    for endpoint in ("ingest", "query"):
        messages = []
        for _ in range(400):
            kind = dice.choice([*range(0, 60), 255, BATCH, BATCH, HELLO])
            messages.append((header(kind), dice.randbytes(dice.choice((0, 1, 3, 10, 60, 500, 5000)))))
        throw(bench, endpoint, messages)


@check("good messages with flipped, lost and added bytes do no harm")
def check_mutations(bench):
    dice = random.Random(1002)
    good = [(HELLO, pb.Hello(node="nobody", acknowledged=5, epoch=bench.epoch)),
            (BATCH, batch(1, bench.rows("zhejiang", 20))),
            (TOTALS_QUERY, pb.TotalsQuery(request=1, competition=KEY, region=330106)),
            (PROJECTS_QUERY, pb.ProjectsQuery(request=1, competition=KEY, after_region=330106, after_code="ZH")),
            (HISTORY_QUERY, pb.HistoryQuery(request=1, competition=KEY, first_day=DAY, last_day=DAY + 9))]
    for endpoint, kinds in (("ingest", good[:2]), ("query", good[2:])):
        throw(bench, endpoint, [(header(kind), mutate(dice, message.SerializeToString()))
                                for _ in range(100) for kind, message in kinds])


def mutate(dice, body):
    body = bytearray(body)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(body) + 1)
        what = dice.randrange(4)
        if what == 0 and place < len(body):
            body[place] ^= 1 << dice.randrange(8)
        elif what == 1:
            del body[place:place + dice.randint(1, 10)]
        elif what == 2:
            body[place:place] = dice.randbytes(dice.randint(1, 10))
        else:
            del body[place:]
    return bytes(body)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def field(number, content):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


@check("columns that unpack to very much do no harm, on a node's session")
def check_bombs(bench):
    """Each is below 1 MiB on the wire. The session's next sequence must be what it was, or used up by a receipt."""
    node = bench.node("shanghai")
    start = varint(1 << 3 | 1), field(2, KEY.encode())
    mega = 1000 * 1000
    contents = [field(4, b"\1" * mega), field(5, b"\0" * mega), b"".join(field(n, b"\0" * 90000) for n in range(4, 12)),
                b"\x62\0" * (mega // 2), b"\x62\1a\x6a\1b" * (mega // 6), b"\x20\1" * (mega // 2),
                field(3, b"x" * mega), field(4, b"\xff" * mega), field(8, b"\xff" * 9 + b"\1") * 80000,
                field(2, b"a" * mega), field(4, b"\xff\xff\xff\xff\x0f" * 200000), field(99, b"\0" * mega),
                b"\x0b" * mega, (b"\x9b\x06" * (mega // 2)), field(4, b"\1" * 8193) + field(3, b"q" * 8193),
                b"\x62\xff\xff\xff\xff\x0f", b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + b"x" * 100]
    for number, content in enumerate(contents):
        node.send(BATCH, start[0] + struct.pack("<Q", node.next) + start[1] + content)
        kind, answer = node.receive() or (None, None)
        want(kind in (RECEIPT, REFUSAL), f"column bomb {number} was answered by {kind}")
        if kind == RECEIPT:
            same((answer.sequence, answer.accepted), (node.next, 0), f"receipt of column bomb {number}")
            want(answer.batch_code, f"column bomb {number} has no batch_code")
            node.memory.acknowledged = node.next
            node.next += 1
    same(node.push(bench.rows("shanghai", 3)).accepted, 3, "accepted afterwards")
    still_well(bench)


@check("a body over the limit is refused and over the transport's limit ends the connection")
def check_large_bodies(bench):
    node, asker = bench.node("zhejiang"), bench.asker()
    for line, kind in ((node, BATCH), (asker, TOTALS_QUERY)):
        for size in ((1 << 20) + 1, 3 << 19):
            line.frames(header(kind), bytes(size))
            refusal = line.expect(REFUSAL)
            same(refusal.code, CODES["body-too-large"], f"code of the refusal of {size} bytes ({refusal.text!r})")
    same(node.push(bench.rows("zhejiang", 1)).accepted, 1, "accepted afterwards")
    same(asker.ask(STATUS_QUERY, STATUS).condition, "ready", "condition")
    for endpoint, kind in (("ingest", BATCH), ("query", TOTALS_QUERY)):
        other = bench.line(Line, getattr(bench.daemon, endpoint))
        watch = other.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        other.frames(header(kind), bytes(3 << 20))
        want(watch.poll(ANSWER_SECONDS * 1000), f"{endpoint} stays connected after a frame of 3 MiB")
        other.socket.disable_monitor()
        still_well(bench)


@check("garbage on the totals endpoint does no harm")
def check_totals_garbage(bench):
    dice = random.Random(1003)
    xsub = CONTEXT.socket(zmq.XSUB)
    xsub.setsockopt(zmq.LINGER, 0)
    xsub.connect(bench.daemon.totals)
    for _ in range(300):
        xsub.send(dice.choice((b"\1", b"\0", b"", b"\2", b"\1" + KEY.encode())) + dice.randbytes(dice.randrange(300)))
    xsub.close()
    still_well(bench)


@check("peers that do not speak ZeroMQ do no harm")
def check_strangers(bench):
    dice = random.Random(1004)
    for endpoint in (bench.daemon.ingest, bench.daemon.totals, bench.daemon.query):
        for size in (0, 1, 10, 64, 65, 5000):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(endpoint.removeprefix("ipc://"))
                peer.settimeout(1)
                greeting = dice.choice((b"", b"\xff" + bytes(8) + b"\x7f\3\1NULL", b"GET / "))
                try:
                    peer.sendall(greeting + dice.randbytes(size))
                except OSError:
                    pass  # the daemon may hang up
        still_well(bench)


@check("mutilated batches on a node's session leave the session usable")
def check_session_mutations(bench):
    """As a node whose regions are not in the competition: whatever still parses is refused row by row."""
    dice = random.Random(1005)
    node = bench.node("beijing")
    for _ in range(300):
        body = mutate(dice, batch(node.next, bench.rows("zhejiang", 20)).SerializeToString())
        node.send(BATCH, body)
        kind, answer = node.receive(1) or (None, None)
        if kind == RECEIPT:
            same(answer.accepted, 0, "rows accepted outside the node's regions")
            node.memory.acknowledged = max(node.memory.acknowledged, answer.sequence)
            node.next = max(node.next, answer.sequence + 1)
        elif kind is not None:
            want(kind in (REWIND, REFUSAL), f"unexpected {describe(kind, answer)}")
    welcome = node.greet(node.memory.acknowledged, bench.epoch)
    same(welcome.next_sequence, node.memory.acknowledged + 1, "next sequence afterwards")
    still_well(bench)


@check("after all the garbage the totals are as before")
def check_after_garbage(bench):
    for name in COUNTIES:
        bench.node(name).push(bench.rows(name, 5))
    bench.compare_everything(bench.asker())


# Verification and endings


@check("a recount from zero finds the totals equal")
def check_verify(bench):
    asker = bench.asker()
    answer = asker.ask(VERIFY_QUERY, VERIFICATION, start=True)
    deadline = time.monotonic() + 60
    while answer.state in ("running", "none"):
        want(time.monotonic() < deadline, f"the recount does not end: {describe(VERIFICATION, answer)}")
        breathe()
        answer = asker.ask(VERIFY_QUERY, VERIFICATION)
    same(answer.state, "equal", f"state ({answer.text!r})")
    same((answer.projects, answer.entries), (len(bench.model.history), answer.entries_expected),
         "projects and entries")
    want(0 < answer.started_ms <= answer.finished_ms, "times of the recount")
    want(answer.version >= 1 and answer.text, "version or text is empty")


def restart(bench):
    """A new daemon on the same data must go on where the old one ended."""
    bench.forget_nodes()
    bench.daemon.start()
    for name in COUNTIES:
        node = bench.node(name)
        same(node.next, bench.memory[name].acknowledged + 1, f"next sequence of {name}")
    asker = bench.asker()
    bench.compare_everything(asker)
    asker.project("ANY", version=bench.version)
    compare_rows(read_pages(asker, 0, 1000), bench.model.rows(), "projects")
    same(history_of(asker.ask(HISTORY_QUERY, HISTORY, competition=KEY)), bench.model.days(0), "history")


@check("SIGTERM ends the daemon with 0, and a restart has everything")
def check_sigterm(bench):
    for name in COUNTIES:
        bench.node(name)
    epoch = bench.epoch
    same(bench.daemon.end(), 0, "exit status")
    restart(bench)
    same(bench.epoch, epoch, "epoch after a restart")


@check("receipts with refused rows outlive a restart")
def check_receipts_outlive(bench):
    node = bench.node("zhejiang")
    rows = bench.rows("zhejiang", 3)
    rows[1] = rows[1]._replace(value=-1)
    node.push(rows, refused={1: CODES["value-negative"]})
    sequence = node.next - 1
    bench.forget_nodes()
    same(bench.daemon.end(), 0, "exit status")
    bench.daemon.start()
    node = bench.node("zhejiang")
    same(receipts_again(node, bench.epoch, sequence - 1), {sequence: {1: CODES["value-negative"]}}, "receipts")


@check("whatever has a receipt survives SIGTERM and SIGKILL in the middle of reporting")
def check_midway(bench):
    for number in (signal.SIGTERM, signal.SIGKILL):
        node = bench.node("zhejiang")
        for _ in range(16):
            node.submit(bench.rows("zhejiang", 50))
        node.settle()
        status = bench.daemon.end(number)
        same(status, 0 if number == signal.SIGTERM else -signal.SIGKILL, "exit status")
        take_the_rest(node)
        bench.forget_nodes()
        bench.daemon.start()
        resume(bench)
        bench.compare_everything(bench.asker())


def take_the_rest(node):
    """Receipts, and Busy of a stopping daemon, that still arrived."""
    while node.socket.poll(100):
        kind, message = parse(node.socket.recv_multipart())
        if kind == BUSY:
            same(message.code, CODES["draining"], "code of Busy")
            want(message.text.strip(), "Busy has no text")
        else:
            same(kind, RECEIPT, "type of message")
            if message.first_sequence > message.sequence:
                continue
            for sequence in range(message.first_sequence, message.sequence + 1):
                rows, columns = node.memory.waiting.pop(sequence)
                node.bench.model.take(node.name, rows, columns)
            node.memory.acknowledged = message.sequence


def resume(bench):
    """What a node does after a lost connection: Hello, then the waiting batches again with the same bytes."""
    node = Node(bench, "zhejiang")
    bench.nodes["zhejiang"] = node
    welcome = node.greet(node.memory.acknowledged, bench.epoch)
    same(welcome.epoch, bench.epoch, "epoch")
    want(welcome.next_sequence > node.memory.acknowledged, "a batch with a receipt is lost")
    for sequence in sorted(node.memory.waiting):
        if sequence >= welcome.next_sequence:
            node.send(BATCH, batch(sequence, *node.memory.waiting[sequence]))
            node.next = sequence + 1
    while node.memory.waiting:
        node.settle()


@check("row refused, totals-full: a project that has no room, in a daemon with room for 100")
def check_full(bench):
    small = Daemon(bench.daemon.tallyd, bench.daemon.source, os.path.join(bench.daemon.folder, "small"), 100)
    small.start()
    other = Bench(small, bench.documented)
    try:
        check_competitions(other)
        node = other.node("zhejiang")
        rows = other.rows("zhejiang", 150)
        node.push(rows, refused={i: CODES["totals-full"] for i in range(100, 150)})
        node.push([row._replace(value=5) for row in rows[:100]])
        other.compare_everything(other.asker())
    finally:
        other.part(True)
        small.end()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tallyd", required=True, help="the daemon's binary")
    parser.add_argument("--source", required=True, help="the repository")
    parser.add_argument("--only", default="", help="run checks whose name has this in it (and the first)")
    parser.add_argument("--keep", action="store_true", help="keep the temporary directory")
    return parser.parse_args()


def generate(source, folder):
    """tally_pb2 from tally.proto, as any Python program would make it."""
    global pb
    subprocess.run(["protoc", "--proto_path", os.path.join(source, "proto"), "--python_out", folder, "tally.proto"],
                   check=True)
    sys.path.insert(0, folder)
    pb = importlib.import_module("tally_pb2")


def run(bench, only):
    passed = failed = 0
    for number, (name, function) in enumerate(CHECKS):
        if only and number and only not in name:
            continue
        why = ""
        try:
            if not bench.daemon.alive():
                bench.daemon.start()
            function(bench)
            want(bench.daemon.alive(), f"the daemon is gone: {bench.daemon.tail()}")
        except Exception as problem:  # a check must not stop the others
            why = " ".join(str(problem).split())[:1500] or repr(problem)
            if not isinstance(problem, Failure):
                why = f"{type(problem).__name__}: {why} {traceback.extract_tb(problem.__traceback__)[-1]}"
        bench.part(bool(why))
        print(f"not ok {name}: {why}" if why else f"ok {name}", flush=True)
        passed, failed = passed + (not why), failed + bool(why)
    print(f"{passed} passed, {failed} failed")
    return failed


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="tally-stranger-")
    daemon = None
    try:
        generate(options.source, folder)
        codes = read_codes(os.path.join(options.source, "proto", "PROTOCOL.md"))
        daemon = Daemon(options.tallyd, options.source, folder)
        return 1 if run(Bench(daemon, codes), options.only) else 0
    finally:
        if daemon and daemon.alive():
            daemon.process.kill()
            daemon.process.wait()
        CONTEXT.destroy(0)
        if options.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
