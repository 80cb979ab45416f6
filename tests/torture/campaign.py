"""Runs the campaigns of script/torture, one seed after the other, and keeps a report from which it goes on.

    campaign.py --build DIR --source DIR --output DIR [--only NAMES] [--scale X] [--again] [--list]
"""

import argparse
import collections
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ("campaign", "seed", "result", "seconds", "said")
IMAGES_A_RUN = 2000

Campaign = collections.namedtuple("Campaign", "name what runs command")


def campaigns(scale):
    """runs: how many seeds. command: of a seed."""
    cuts = max(1, round(100_000 * scale / IMAGES_A_RUN))
    each = max(1, round(1 / scale)) if scale < 1 else 1
    return [
        Campaign("power_cut", f"{cuts * IMAGES_A_RUN:,} disks after power cuts", cuts,
                 lambda seed: ["power_cut/power_cut.py", f"--images={IMAGES_A_RUN}", "--batches=600", f"--seed={seed}"]),
        *(Campaign("failing_" + call.replace("-", "_"), f"every {call} fails, once and for ever", 1,
                   lambda seed, call=call: ["failing/failing.py", call, f"--every={each}"])
          for call in ("sync", "write", "short-write", "allocation")),
    ]


def environment(build, source):
    return dict(os.environ, TALLYD=f"{build}/daemon/tallyd", TALLY=f"{build}/client/cli/tally", TALLY_SOURCE=source,
                TALLY_RECORDER=f"{build}/tests/torture/libtorture_recorder.so",
                TALLY_FAILING=f"{build}/tests/torture/libtorture_failing.so",
                TALLY_INSPECT=f"{build}/tests/torture/torture_inspect",
                TALLY_REPORTER=f"{build}/tests/torture/torture_reporter")


def read_report(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [dict(zip(COLUMNS, line.rstrip("\n").split("\t"))) for line in file][1:]


def append(path, row):
    new = not os.path.exists(path)
    with open(path, "a", encoding="utf-8") as file:
        if new:
            file.write("\t".join(COLUMNS) + "\n")
        file.write("\t".join(str(row[column]) for column in COLUMNS) + "\n")
        file.flush()
        os.fsync(file.fileno())


def run(campaign, seed, options):
    """One seed; its row of the report."""
    log = os.path.join(options.output, "log", f"{campaign.name}-{seed}.log")
    began = time.monotonic()
    command = campaign.command(seed)
    with open(log, "w", encoding="utf-8") as file:
        status = subprocess.run([sys.executable, os.path.join(HERE, command[0]), *command[1:]], stdout=file,
                                stderr=subprocess.STDOUT, env=environment(options.build, options.source)).returncode
    with open(log, encoding="utf-8", errors="replace") as file:
        said = next((line.strip() for line in file if line.startswith(("records ", "failing ", campaign.name[8:]))), "")
    return {"campaign": campaign.name, "seed": seed, "result": "passed" if status == 0 else "failed",
            "seconds": round(time.monotonic() - began), "said": said or f"see {os.path.basename(log)}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("build", "source", "output"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--only", default="", type=lambda text: [name for name in text.split(",") if name])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    plan = campaigns(options.scale)
    if options.list:
        for campaign in plan:
            print(f"{campaign.name:24}{campaign.what}")
        return 0
    unknown = set(options.only) - {campaign.name for campaign in plan}
    if unknown:
        print(f"torture: no such campaign: {', '.join(sorted(unknown))}; see --list", file=sys.stderr)
        return 64
    os.makedirs(os.path.join(options.output, "log"), exist_ok=True)
    report = os.path.join(options.output, "report.tsv")
    if options.again and os.path.exists(report):
        os.unlink(report)
    passed = {(row["campaign"], row["seed"]) for row in read_report(report) if row["result"] == "passed"}
    failed = 0
    for campaign in plan:
        if options.only and campaign.name not in options.only:
            continue
        for seed in range(1, campaign.runs + 1):
            if (campaign.name, str(seed)) in passed:
                continue
            row = run(campaign, seed, options)
            append(report, row)
            failed += row["result"] == "failed"
            print(f"{campaign.name} {seed}/{campaign.runs}: {row['result']} in {row['seconds']} s: {row['said']}",
                  file=sys.stderr)
    print(f"{failed} failed; {report}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
