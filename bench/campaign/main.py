"""Runs the whole comparison, or part of it, on this machine. script/bench prepares everything and calls this."""

import argparse
import collections
import os
import platform
import signal
import subprocess
import sys
import time

import scenarios
from marks import covered, unit_of
from progress import Progress, duration
from runner import Failed, Runner, adopt_orphans
from summary import Figures, Summary, format_table, judge, readable

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STEADY = ("endurance_latency", "endurance_memory", "endurance_lag")  # what a long run must not let rise


def read_arguments(words):
    parser = argparse.ArgumentParser(prog="bench", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", default=[], metavar="GROUP")
    parser.add_argument("--programs", required=True, metavar="DIR")
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument("--port", type=int)
    parser.add_argument("--plots", action="store_true")
    options = parser.parse_args(words)
    options.only = [name for word in options.only for name in word.split(",")]
    unknown = set(options.only) - set(scenarios.GROUPS)
    if unknown:
        known = ", ".join(scenarios.GROUPS)
        parser.exit(64, f"bench: no such group: {', '.join(sorted(unknown))}; there are {known}\n")
    return options


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = (line.partition(":")[2].strip() for line in file if line.startswith("model name"))
        return next(names, platform.machine())


def machine(options):
    """What the figures hold for."""
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory_gib = int(file.readline().split()[1]) / 2**20
    source = os.path.dirname(os.path.abspath(__file__))
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %z"), "processor": processor(), "cores": os.cpu_count(),
        "memory": f"{memory_gib:.0f} GiB", "kernel": platform.release(),
        "file system": first_line(["stat", "--file-system", "--format=%T", options.output]),
        "source": first_line(["git", "-C", source, "describe", "--always", "--dirty", "--abbrev=12"]),
        "PostgreSQL": first_line(["pg_config", "--version"]), "Redis": first_line(["redis-cli", "--version"]),
        "run": "quick" if options.quick else "full", "groups": ", ".join(options.only) or "all",
    }


def write_machine(options):
    with open(os.path.join(options.output, "machine.tsv"), "w", encoding="utf-8") as file:
        for name, value in machine(options).items():
            file.write(f"{name}\t{value}\n")


def run_steps(steps, runner, raw):
    """Returns the summary and the failures. raw: file that gets every figure of every run."""
    summary, failures = Summary(), []
    rounds = collections.Counter()
    progress = Progress(steps)
    raw.write("step\tround\tname\tvalue\n")
    for step in steps:
        progress.start()
        rounds[step] += 1
        try:
            figures = runner.run(step, progress.tick)
        except Failed as failure:
            failures.append(f"{step.group}: {step.title}: {failure}")
            progress.end(f"DOES NOT COUNT: {failure}")
            continue
        summary.add_step(step, rounds[step], figures)
        for name, value in figures.items():
            raw.write(f"{step.title}\t{rounds[step]}\t{name}\t{value}\n")
        raw.flush()
        unit = unit_of(step.shows).replace("ratio", "")
        progress.end(f"{step.shows} {readable(figures[step.shows])} {unit}".rstrip())
    return summary, failures


def draw(output):
    """The pictures of what the output folder has figures for."""
    import plots  # needs matplotlib, and nothing else does
    folder = os.path.join(output, "plots")
    figures = Figures.read(os.path.join(output, "summary.tsv"))
    drawn = plots.draw_all(figures, os.path.join(output, "endurance.tsv"), folder)
    print(f"plots: {folder}: {', '.join(drawn)}", file=sys.stderr)


def report(summary, failures, expected, output):
    """Prints the table and what is wrong. Returns the exit status."""
    path = os.path.join(output, "summary.tsv")
    summary.write(path)
    print(format_table(summary, expected))
    for name in sorted(name for name in summary.texts if name.endswith("_verdict")):
        print(f"{name}: {summary.texts[name]}")
    for failure in failures:
        print(f"does not count: {failure}", file=sys.stderr)
    wrong = [mark.name for mark, _, outcome in judge(summary, expected) if outcome in ("missed", "no value")]
    wrong += [f"{name} must not rise" for name in STEADY if summary.texts.get(f"{name}_verdict") == "rising"]
    if wrong:
        print(f"missed: {', '.join(wrong)}", file=sys.stderr)
    print(f"all figures: {path}", file=sys.stderr)
    return 1 if wrong or failures else 0


def interrupted(number, frame):
    """What is under way is ended by the code that it interrupts; once is enough."""
    for other in STOPS:
        signal.signal(other, signal.SIG_IGN)
    print("\nbench: stopping", file=sys.stderr)
    raise SystemExit(128 + number)


def main(words):
    options = read_arguments(words)
    if options.plots:
        draw(options.output)
        return 0
    os.makedirs(options.output, exist_ok=True)
    for number in STOPS:
        signal.signal(number, interrupted)
    adopt_orphans()
    write_machine(options)
    endurance_table = os.path.join(os.path.abspath(options.output), "endurance.tsv")
    steps = scenarios.plan(options.quick, options.only, endurance_table)
    if not steps:
        print("bench: a quick run has none of these groups", file=sys.stderr)
        return 64
    print(f"{len(steps)} runs, about {duration(sum(step.seconds for step in steps))}", file=sys.stderr)
    runner = Runner(os.path.abspath(options.programs), os.path.abspath(options.output), options.port)
    with open(os.path.join(options.output, "runs.tsv"), "w", encoding="utf-8") as raw:
        summary, failures = run_steps(steps, runner, raw)
    summary.add_ratios()
    status = report(summary, failures, covered(options.quick, options.only), options.output)
    draw(options.output)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
