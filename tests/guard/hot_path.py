#!/usr/bin/env python3
"""Keeps locks, allocation and system calls out of the hot path.

hot_path.tsv names the functions that the hot path begins with. From them, everything that can be reached is followed through
the machine code of the linked daemon: calls, jumps, and functions whose address is taken. What it may do beyond itself is what
the list says, each with a reason; everything else fails: a call of a library's function that is not listed as harmless, a call
through a pointer, a locked instruction, a system call. So do entries that no longer apply, so that the list stays true.

Only what is printed right before abort() is exempt: that is a failed CHECK, and the program ends there."""

import argparse
import collections
import os
import sys

import forbidden
import machine_code

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hot_path.tsv")
KINDS = ("root", "seen", "harmless", "exception")

Rule = collections.namedtuple("Rule", "kind function symbol reason")
Finding = collections.namedtuple("Finding", "effect frames path")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="tallyd, of a release build")
    parser.add_argument("--source", required=True, help="root of the sources that it was built from")
    parser.add_argument("--objdump", default="objdump")
    parser.add_argument("--list", default=LIST)
    parser.add_argument("--verbose", action="store_true", help="say which functions were looked at")
    return parser.parse_args()


def read_rules(path):
    rules = []
    with open(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip() == "" or line.startswith("#"):
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 4 or fields[0] not in KINDS or not fields[3]:
                sys.exit("%s:%d: needs kind (%s), function, symbol and reason, parted by tabs" %
                         (path, number, ", ".join(KINDS)))
            rules.append(Rule(*fields))
    return rules


def matches(wanted, frame):
    """Whether a function of the list, name or name@file, is that of a frame."""
    name, _, file = wanted.partition("@")
    return name == frame.function and file in ("", frame.file)


def find_root(program, wanted):
    """The addresses of a function of the list."""
    candidates = program.named(wanted.partition("@")[0])
    frames = program.frames(candidates) if candidates else {}
    return [address for address in candidates if matches(wanted, frames[address][-1])]


def reach(program, roots):
    """Every function that can be reached from the roots: address -> the one that it was first reached from."""
    reached = dict.fromkeys(roots)
    waiting = collections.deque(roots)
    while waiting:
        function = waiting.popleft()
        for effect in program.effects(function):
            if effect.target is not None and effect.target not in reached:
                reached[effect.target] = function
                waiting.append(effect.target)
    return reached


def path_to(program, reached, function):
    names = []
    while function is not None:
        names.append(program.name(function))
        function = reached[function]
    return " > ".join(reversed(names))


def look(program, roots):
    """(findings, functions of the sources that were seen)."""
    reached = reach(program, roots)
    outside = [(function, effect) for function in reached for effect in program.effects(function)
               if effect.symbol is not None and not effect.ends and effect.symbol != "abort"]
    frames = program.frames(address for function in reached for address, _ in program.code[function])
    findings = [Finding(effect, frames[effect.address], path_to(program, reached, function))
                for function, effect in outside]
    seen = {frame for chain in frames.values() for frame in chain}
    return findings, seen


def explained(finding, rules, used):
    """Whether a rule speaks for the finding; notes which."""
    for rule in rules:
        speaks = rule.symbol == finding.effect.symbol and (
            rule.kind == "harmless" or
            (rule.kind == "exception" and any(matches(rule.function, frame) for frame in finding.frames)))
        if speaks:
            used.add(rule)
            return True
    return False


def describe(finding):
    symbol = finding.effect.symbol
    why = forbidden.why(symbol)
    inner = finding.frames[0]
    inlined = " in ".join(frame.function for frame in finding.frames)
    return "%s%s\n        at %s:%s, %s\n        reached by %s" % (
        symbol, ", which " + why if why else "", inner.file, inner.line, inlined, finding.path)


def judge(program, rules):
    """Complaints, as texts."""
    complaints, roots = [], []
    for rule in rules:
        if rule.kind == "root":
            found = find_root(program, rule.function)
            roots += found
            if not found:
                complaints.append("root %s: the program has no such function" % rule.function)
        elif rule.kind == "harmless" and forbidden.why(rule.symbol):
            complaints.append("%s is listed as harmless, but %s" % (rule.symbol, forbidden.why(rule.symbol)))
    findings, seen = look(program, roots)
    used = set()
    told = {describe(finding): None for finding in findings if not explained(finding, rules, used)}
    complaints += list(told)
    for rule in rules:
        if rule.kind == "seen" and not any(matches(rule.function, frame) for frame in seen):
            complaints.append("%s was not seen: the hot path no longer goes there" % rule.function)
        elif rule.kind in ("harmless", "exception") and rule not in used:
            complaints.append("%s %s %s: not needed any more; take it out of the list" %
                              (rule.kind, rule.function, rule.symbol))
    return complaints, seen


def main():
    arguments = parse_arguments()
    rules = read_rules(arguments.list)
    program = machine_code.Program(arguments.program, arguments.source, arguments.objdump)
    complaints, seen = judge(program, rules)
    ours = sorted({(frame.file, frame.function) for frame in seen if not frame.file.startswith(("/", "?"))})
    if arguments.verbose:
        print("\n".join("%s: %s" % place for place in ours))
    print("%d functions of ours in the hot path; %d exceptions" %
          (len(ours), sum(rule.kind == "exception" for rule in rules)))
    for complaint in complaints:
        print("FAILED: " + complaint)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
