"""What a disk may hold after the power was cut: built from what recorder.c wrote down.

A cut is a place between two records. Durable at a cut is what a finished sync covers (recorder.h says which). Of every
other write that had begun, any sector of 512 bytes may be there or not, whatever the others are: so writes are torn,
dropped and out of order. Names, removals and folders that no sync of their folder covers are there up to any one of
them, in the order in which they were made, as a file system's own journal keeps them.
"""

import os
import struct

HEAD = struct.Struct("<IIQQQQ")
OPENED, WRITE, WRITTEN, SYNC, SYNCED, TRUNCATED, RENAMED, REMOVED, MADE = range(1, 10)
WITH_BYTES = {OPENED, WRITE, RENAMED, REMOVED, MADE}
SECTOR = 512


class Record:
    __slots__ = ("kind", "file", "token", "offset", "length", "time_ns", "data")


def read_log(path):
    """The records in order; one that was cut off at the end, when the daemon was killed, is left out."""
    records = []
    with open(path, "rb") as file:
        while len(head := file.read(HEAD.size)) == HEAD.size:
            record = Record()
            (record.kind, record.file, record.token, record.offset, record.length, record.time_ns) = HEAD.unpack(head)
            record.data = b""
            if record.kind in WITH_BYTES:
                record.data = file.read(record.length)
                if len(record.data) < record.length:
                    break
            records.append(record)
    return records


class Content:
    """Of one file: what is durable, and the writes and sizes since that no sync has covered."""

    def __init__(self):
        self.durable = bytearray()
        self.pending = []  # [token, offset, data, returned]; data None: a size

    def settle(self, covered):
        """These tokens are durable now, in the order in which they were issued."""
        for token, offset, data, _ in self.pending:
            if token in covered:
                apply(self.durable, offset, data)
        self.pending = [write for write in self.pending if write[0] not in covered]


def apply(content, offset, data):
    if data is None:
        if offset < len(content):
            del content[offset:]
        else:
            content.extend(bytes(offset - len(content)))
        return
    end = offset + len(data)
    if end > len(content):
        content.extend(bytes(end - len(content)))
    content[offset:end] = data


def sectors(offset, data):
    """The parts of a write by sector of the disk."""
    at = 0
    while at < len(data):
        size = min(len(data) - at, SECTOR - (offset + at) % SECTOR)
        yield offset + at, data[at:at + size]
        at += size


class Disk:
    """Takes in records one by one, and tells what may be on the disk when the power is cut there."""

    def __init__(self, root):
        self.root = root
        self.contents = {}  # file number -> Content
        self.numbers = {}   # path -> file number: as the process sees the names
        self.names = {}     # as they are durable
        self.folders = set()
        self.changes = []   # [token, kind, ...] of names that are not
        self.writes = {}    # token -> its entry in pending
        self.syncs = {}     # token -> tokens that it covers
        self.folder_paths = {}  # file number of a folder -> its path
        self.token = 1 << 62  # of sizes and names, which have none

    def next_token(self):
        self.token += 1
        return self.token

    def change(self, kind, path, *more):
        self.changes.append((self.next_token(), kind, path, *more))

    def take(self, record):
        text = record.data.decode() if record.kind in WITH_BYTES and record.kind != WRITE else ""
        if record.kind == OPENED:
            if record.offset:
                self.numbers[text] = record.file
                self.contents[record.file] = Content()
                self.change(OPENED, text, record.file)
            elif os.path.isdir(text) or text in self.folders or text == self.root:
                self.folder_paths[record.file] = text
        elif record.kind == WRITE:
            write = [record.token, record.offset, record.data, False]
            self.writes[record.token] = (record.file, write)
            self.contents[record.file].pending.append(write)
        elif record.kind == WRITTEN:
            file, write = self.writes.pop(record.token)
            write[2] = write[2][:record.length]
            write[3] = True
            if record.offset:
                self.contents[file].settle({record.token})
        elif record.kind == TRUNCATED:
            self.contents[record.file].pending.append([self.next_token(), record.offset, None, True])
        elif record.kind == SYNC:
            self.syncs[record.token] = self.covered(record.file)
        elif record.kind == SYNCED:
            self.settle(record.file, self.syncs.pop(record.token))
        elif record.kind == RENAMED:
            old, new = text.split("\0")
            self.numbers[new] = self.numbers.pop(old)
            self.change(RENAMED, old, new)
        elif record.kind == REMOVED:
            self.numbers.pop(text, None)
            self.change(REMOVED, text)
        elif record.kind == MADE:
            self.folders.add(text)
            self.change(MADE, text)

    def covered(self, file):
        if file in self.folder_paths:
            folder = self.folder_paths[file]
            return {change[0] for change in self.changes if os.path.dirname(change[2]) == folder}
        return {write[0] for write in self.contents[file].pending if write[3]}

    def settle(self, file, covered):
        if file not in self.folder_paths:
            self.contents[file].settle(covered)
            return
        # The journal of a file system keeps their order: what came before them is durable too.
        last = max((number for number, change in enumerate(self.changes) if change[0] in covered), default=-1)
        for change in self.changes[:last + 1]:
            apply_name(self.names, change)
        del self.changes[:last + 1]

    def build(self, folder, dice):
        """Writes one of the images that a cut here may leave."""
        names = dict(self.names)
        for change in self.changes[:dice.randint(0, len(self.changes))]:
            apply_name(names, change)
        os.makedirs(folder, exist_ok=True)
        for path, number in sorted(names.items()):
            target = os.path.join(folder, os.path.relpath(path, self.root))
            if number is None:
                os.makedirs(target, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            content = bytearray(self.contents[number].durable)
            scatter(content, self.contents[number].pending, dice)
            with open(target, "wb") as file:
                file.write(content)


def apply_name(names, change):
    kind, path = change[1], change[2]
    if kind == OPENED:
        names[path] = change[3]
    elif kind == RENAMED:
        names[change[3]] = names.pop(path)
    elif kind == REMOVED:
        names.pop(path, None)
    elif kind == MADE:
        names[path] = None


def scatter(content, pending, dice):
    """Some of the sectors of the writes that nothing covers: sometimes most, sometimes few, sometimes all or none."""
    share = dice.choice((0.0, 0.1, 0.5, 0.9, 1.0))
    for _, offset, data, _ in pending:
        if data is None:
            if dice.random() < share:
                apply(content, offset, None)
            continue
        for at, part in sectors(offset, data):
            if dice.random() < share:
                apply(content, at, part)
