"""What a linked program does, as its machine code says: its functions, what each calls, refers to and locks. From binutils
(objdump, readelf, addr2line); x86-64, position independent, with symbols and debugging information.

Why the linked program and not the sources or the objects: everything is resolved there, what was inlined is where it runs, and
debugging information still says from which function of the sources each instruction came."""

import bisect
import collections
import re
import subprocess

INDIRECT = "indirect call"
LOCKED = "locked instruction"
KERNEL = "system call"

# What one instruction does beyond its function: calls or jumps to a function of the program (target: its address), or to
# a symbol of a library, or one of the three above (symbol).
Effect = collections.namedtuple("Effect", "address target symbol ends")
Frame = collections.namedtuple("Frame", "function file line")

_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(\S.*)$")
_DIRECT = re.compile(r"^(?:bnd |notrack )?(?:call|jmp|j[a-z]+)q?\s+([0-9a-f]+)(?: <([^>]*)>)?")
_NEARBY = re.compile(r"# ([0-9a-f]+)(?: <([^>]*)>)?")
_SYMBOL = re.compile(r"^\s*\d+: ([0-9a-f]+)\s+(\S+) (FUNC|OBJECT|IFUNC)\s+\S+\s+\S+\s+(\S+) ([^@\s]+)")
_RELOCATION = re.compile(r"^([0-9a-f]+)\s+[0-9a-f]+ (R_X86_64_\w+)\s+(?:[0-9a-f]+ (\S+) \+ [0-9a-f]+|([0-9a-f]+))")


def _lines(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


class Ranges:
    """Things at addresses: which of them holds an address."""

    def __init__(self, things):
        self.things = dict(things)  # address -> (size, name)
        self.starts = sorted(self.things)

    def holding(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        if i >= 0 and address < self.starts[i] + max(self.things[self.starts[i]][0], 1):
            return self.starts[i]
        return None


class Program:
    def __init__(self, path, source, objdump="objdump"):
        self.path = path
        self.source = source.rstrip("/") + "/"
        functions, objects = {}, {}
        self.data = set()  # names of what is no code, the program's own and the libraries'
        for match in filter(None, map(_SYMBOL.match, _lines("readelf", "-sW", path))):
            address, size, kind, section, name = match.groups()
            if section != "UND":
                (objects if kind == "OBJECT" else functions)[int(address, 16)] = (int(size, 0), name)
            if kind == "OBJECT":
                self.data.add(name)
        self.functions = Ranges(functions)
        self.objects = Ranges(objects)
        self._read_relocations()
        self.code = collections.defaultdict(list)  # function's address -> [(address, text)]
        for match in filter(None, map(_INSTRUCTION.match, _lines(objdump, "-dw", "--no-show-raw-insn", path))):
            address = int(match.group(1), 16)
            self.code[self.functions.holding(address)].append((address, match.group(2)))
        if not self.functions.starts or not self.code:
            raise ValueError(path + ": no symbols; it must not be stripped")

    def _read_relocations(self):
        self.imported = {}                         # slot's address -> symbol of a library
        self.pointers = collections.defaultdict(list)  # object's address -> functions that it points to
        for match in filter(None, map(_RELOCATION.match, _lines("readelf", "-rW", self.path))):
            slot, kind, symbol, addend = match.groups()
            slot = int(slot, 16)
            if kind == "R_X86_64_RELATIVE" and int(addend, 16) in self.functions.things:
                self.pointers[self.objects.holding(slot)].append(int(addend, 16))
            elif kind in ("R_X86_64_GLOB_DAT", "R_X86_64_JUMP_SLOT") and symbol is not None:
                name = symbol.split("@")[0]
                if name not in self.data:
                    self.imported[slot] = name

    def name(self, function):
        return re.sub(r"\.(cold|part|constprop|isra)[.\d]*", "", self.functions.things[function][1])

    def named(self, name):
        return [address for address in self.functions.starts if self.name(address) == name]

    def effects(self, function):
        """What the function does beyond itself, instruction by instruction."""
        code = self.code[function]
        found = []
        for i, (address, text) in enumerate(code):
            ends = i + 1 < len(code) and "<abort@plt>" in code[i + 1][1]
            found += [Effect(address, target, symbol, ends) for target, symbol in self._effects_of(function, code, i)]
        return found

    def _effects_of(self, function, code, i):
        text = code[i][1]
        operation = text.split()[0]
        if operation == "lock" or operation == "mfence" or (operation.startswith("xchg") and "(" in text):
            yield None, LOCKED
        if operation in ("syscall", "sysenter", "int"):
            yield None, KERNEL
        direct = _DIRECT.match(text)
        if direct:
            yield from self._jump(function, int(direct.group(1), 16), direct.group(2) or "")
            return
        nearby = _NEARBY.search(text)
        if re.match(r"^(bnd |notrack )?(call|jmp)q?\s+\*", text) and not (nearby and self._imported(nearby)):
            if not _through_table(code, i):
                yield None, INDIRECT
        elif nearby:
            yield from self._reference(function, nearby)

    def _imported(self, nearby):
        return self.imported.get(int(nearby.group(1), 16))

    def _jump(self, function, target, label):
        if "@plt" in label:
            yield None, label.split("@")[0]
            return
        callee = self.functions.holding(target)
        if callee is None:
            yield None, "code without a symbol at %x" % target
        elif callee != function:
            yield callee, None

    def _reference(self, function, nearby):
        """Whatever function is pointed to may be called: taken as if it were."""
        address = int(nearby.group(1), 16)
        symbol = self._imported(nearby)
        if symbol is not None:
            yield None, symbol
        elif address in self.functions.things and address != function:
            yield address, None
        elif self.objects.holding(address) is not None:
            for callee in self.pointers.get(self.objects.holding(address), ()):
                yield callee, None

    def frames(self, addresses):
        """For each address the functions of the sources that it came from, the innermost first."""
        addresses = sorted(set(addresses))
        frames = {}
        for start in range(0, len(addresses), 2000):
            part = ["%x" % address for address in addresses[start:start + 2000]]
            lines = _lines("addr2line", "-e", self.path, "-a", "-i", "-f", *part)
            current, i = None, 0
            while i < len(lines):
                if lines[i].startswith("0x"):
                    current = frames.setdefault(int(lines[i], 16), [])
                    i += 1
                else:
                    current.append(self._frame(lines[i], lines[i + 1]))
                    i += 2
        return frames

    def _frame(self, function, place):
        file, _, line = place.split(" (")[0].rpartition(":")
        return Frame(function, file.replace(self.source, "", 1), line)


def _through_table(code, i):
    """Whether an indirect jump is a switch: to an entry of a table, added to the table's own address."""
    operation = code[i][1].replace("notrack ", "")
    target = re.match(r"^jmpq?\s+\*(%\w+)$", operation)
    before = [text for _, text in code[max(i - 6, 0):i]]
    return bool(target) and any(re.match(r"^add\s+%%\w+,%s$" % target.group(1), text) for text in before) and \
        any(text.startswith("movslq") for text in before)
