#!/usr/bin/env python3
"""Counts the instructions of decode, admit, apply and replay, and compares them with the recorded figures.

Counts do not jitter: the same program over the same batches executes the same instructions, on any machine and under any
load, to the last one. What they depend on is the compiler and the versions of the C library, protobuf-c and LMDB; those are
recorded beside the figures. The C library also chooses its copying routines by the processor: here it is told to take the
plainest, which every x86-64 has. With another toolchain than the recorded one the comparison is wider: FOREIGN_FACTOR times
the tolerance.

A step that takes more than its figure plus its tolerance fails. One that takes less by more than that passes and asks to be
recorded, so that what was won is kept.

It also looks at which functions ran: decode, admit and apply must not have called anything that forbidden.py names, not even
through a library or a pointer, where hot_path.py cannot look."""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

import forbidden

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.tsv")
PROGRAM = os.path.join(ROOT, "build", "release", "tests", "guard", "guard_instructions")
STEPS = ["decode", "admit", "apply", "replay"]
HOT_STEPS = ["decode", "admit", "apply"]
COLUMNS = ["step", "instructions_per_update", "tolerance_percent", "toolchain"]
TOLERANCE_PERCENT = 3.0
FOREIGN_FACTOR = 5
PLAIN_PROCESSOR = "glibc.cpu.hwcaps=-AVX2,-AVX,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=PROGRAM, help="guard_instructions (default: of the release build)")
    parser.add_argument("--valgrind", default="valgrind")
    parser.add_argument("--recorded", default=RECORDED, help="the figures to compare with")
    parser.add_argument("--directory", default=None, help="folder for temporary files (default: the system's)")
    parser.add_argument("--report", default=None, help="file to write what is printed to as well")
    parser.add_argument("--record", action="store_true", help="take today's figures as the recorded ones")
    return parser.parse_args()


def run(arguments, directory):
    """Runs the program; returns what it printed, by name."""
    os.mkdir(os.path.join(directory, "data"))
    command = [arguments.valgrind, "--tool=callgrind", "--instr-atstart=no",
               "--callgrind-out-file=" + os.path.join(directory, "dump"),
               "--log-file=" + os.path.join(directory, "valgrind.log"),
               arguments.program, os.path.join(directory, "data")]
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "GLIBC_TUNABLES": PLAIN_PROCESSOR}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    printed = dict(line.split("\t", 1) for line in done.stdout.splitlines())
    if done.returncode != 0 or printed.get("verified") != "yes":
        with open(os.path.join(directory, "valgrind.log")) as log:
            sys.stderr.write(log.read())
        sys.exit("guard_instructions failed, status %d" % done.returncode)
    return printed


def read_dump(path):
    """The step that a dump is of, its instructions, and the functions that ran in it."""
    step, total, functions = None, 0, set()
    with open(path) as dump:
        for line in dump:
            if line.startswith("desc: Trigger: Client Request: "):
                step = line.split(": ")[3].strip()
            elif line.startswith("totals: "):
                total = int(line.split()[1])
            elif line.startswith(("fn=", "cfn=")):
                functions.add(re.sub(r"^c?fn=\(\d+\)\s*", "", line.strip()))
    return step, total, functions - {""}


def measure(arguments):
    """(what the program printed, step -> instructions per update, step -> functions)."""
    counts, functions = {}, {}
    with tempfile.TemporaryDirectory(prefix="guard-", dir=arguments.directory) as directory:
        printed = run(arguments, directory)
        for path in glob.glob(os.path.join(directory, "dump.*")):
            step, total, names = read_dump(path)
            if step in STEPS:
                counts[step] = total / int(printed["replayed" if step == "replay" else "updates"])
                functions[step] = names
    missing = [step for step in STEPS if counts.get(step, 0) == 0]
    if missing:
        sys.exit("callgrind left no count of: " + ", ".join(missing))
    return printed, counts, functions


def read_recorded(path):
    with open(path) as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    if lines[0] != COLUMNS or sorted(line[0] for line in lines[1:]) != sorted(STEPS):
        sys.exit("%s: needs the columns %s and the steps %s" % (path, ", ".join(COLUMNS), ", ".join(STEPS)))
    return {line[0]: (float(line[1]), float(line[2]), line[3]) for line in lines[1:]}


def record(path, counts, toolchain):
    tolerances = {}
    if os.path.exists(path):
        tolerances = {step: row[1] for step, row in read_recorded(path).items()}
    with open(path, "w") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for step in STEPS:
            tolerance = tolerances.get(step, TOLERANCE_PERCENT)
            file.write("%s\t%.2f\t%g\t%s\n" % (step, counts[step], tolerance, toolchain))


def compare(recorded, counts, toolchain):
    """(a table, steps above their bound, steps below their figure by more than the tolerance)."""
    above, below = [], []
    table = ["%-8s %12s %12s %9s %9s" % ("step", "instructions", "recorded", "moved", "allowed")]
    for step in STEPS:
        figure, tolerance, known = recorded[step]
        tolerance *= 1 if known == toolchain else FOREIGN_FACTOR
        moved = round(100 * (counts[step] / figure - 1), 2) + 0.0
        table.append("%-8s %12.2f %12.2f %+8.2f%% %+8.2f%%" % (step, counts[step], figure, moved, tolerance))
        if moved > tolerance:
            above.append(step)
        elif moved < -tolerance:
            below.append(step)
    return table, above, below


def forbidden_calls(functions):
    return ["%s called %s, which %s" % (step, name, forbidden.why(name))
            for step in HOT_STEPS for name in sorted(functions[step]) if forbidden.why(name)]


def judge(recorded, printed, counts, calls):
    """(what there is to say, line by line; whether all is well)."""
    toolchain = printed["toolchain"]
    table, above, below = compare(recorded, counts, toolchain)
    lines = ["instructions per update, over %s updates (replay: %s); %s" %
             (printed["updates"], printed["replayed"], toolchain)] + table
    if any(row[2] != toolchain for row in recorded.values()):
        lines.append("The figures were recorded with another toolchain (%s): the comparison is %d times as wide. To compare "
                     "exactly, build the commit that recorded them with this toolchain." %
                     (recorded["apply"][2], FOREIGN_FACTOR))
    elif below:
        lines.append("Better than recorded: %s. Keep what was won: python3 tests/guard/instructions.py --record" %
                     ", ".join(below))
    lines += ["FAILED: " + call for call in calls]
    if above:
        lines.append("FAILED: more instructions than allowed in %s. If what was bought is worth it, record the new figures, "
                     "and say why in the commit: python3 tests/guard/instructions.py --record" % ", ".join(above))
    return lines, not above and not calls


def main():
    arguments = parse_arguments()
    printed, counts, functions = measure(arguments)
    if arguments.record:
        record(arguments.recorded, counts, printed["toolchain"])
        print("recorded in " + arguments.recorded)
    lines, well = judge(read_recorded(arguments.recorded), printed, counts, forbidden_calls(functions))
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if arguments.report:
        with open(arguments.report, "w") as report:
            report.write(text)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
