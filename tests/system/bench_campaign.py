"""script/bench asks the right programs, counts only what verified, judges by the marks, draws, leaves nothing behind.

bench_campaign.tsv has lines as the programs print them, of runs as short as can be: what they are called counts here,
not what they say.
"""

import csv
import os
import re
import signal
import sys
import xml.etree.ElementTree

import harness
from harness import SOURCE, Case, read_text, wait_until

sys.path.insert(0, os.path.join(SOURCE, "bench", "campaign"))

import main as campaign  # noqa: E402
import scenarios  # noqa: E402
from marks import HIGHER, MARKS, covered, unit_of, verdict  # noqa: E402
from runner import Failed, Runner, adopt_orphans, children  # noqa: E402
from scenarios import Step  # noqa: E402
from summary import COLUMNS, Figures, Summary, format_table, judge  # noqa: E402

PROGRAMS = os.path.dirname(os.path.abspath(os.environ["TALLY_BENCH"]))


def recorded():
    figures = {}
    with open(os.path.join(SOURCE, "tests", "system", "bench_campaign.tsv"), encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            try:
                value = float(row["value"])
            except ValueError:
                value = row["value"]
            figures.setdefault(row["program"], {})[row["name"]] = value
    return figures


def kind(step):
    """Under which name the lines of a step are recorded."""
    for argument, suffix in (("--contender=floor", " floor"), ("--appendfsync=everysec", " everysec")):
        if argument in step.arguments:
            return step.program + suffix
    return step.program


class Recorder:
    """Stands in for the runner: says what was recorded, and that some steps failed."""

    def __init__(self, failing=lambda step: False):
        self.failing = failing
        self.figures = recorded()

    def run(self, step, on_tick):
        if self.failing(step):
            raise Failed("it did not verify")
        return self.figures[kind(step)]


def ingest_step(contender, at=("",), plain=()):
    return Step("contenders", contender, "bench_ingest",
                (f"--contender={contender}", "--projects=5000", "--rows=512", "--warm-up=0", "--seconds=0.4"), 1, at,
                plain, shows=("floor" if contender == "floor" else "ingest") + "_updates_per_s")


class Judgement(Case):
    def collect(self, quick, only=(), failing=lambda step: False):
        steps = scenarios.plan(quick, only, self.path("endurance.tsv"))
        with open(self.path("runs.tsv"), "w", encoding="utf-8") as raw:
            summary, failures = campaign.run_steps(steps, Recorder(failing), raw)
        summary.add_ratios()
        return summary, failures

    def test_every_mark_gets_a_value(self):
        for quick in (False, True):
            summary, failures = self.collect(quick)
            self.assertEqual(failures, [])
            judged = {mark.name: outcome for mark, _, outcome in judge(summary, covered(quick, ()))}
            self.assertEqual(set(judged) & covered(quick, ()), covered(quick, ()))
            self.assertNotIn("no value", judged.values())
        self.assertEqual(covered(False, ()), {mark.name for mark in MARKS})

    def test_a_quick_run_covers_the_main_ratios(self):
        main = {"ingest_vs_floor", "ingest_vs_postgresql", "ingest_vs_redis", "idle_ack_vs_commit",
                "half_load_ack_p99_ms", "freshness_p99_ms", "replay_vs_ingest", "nodes_256_vs_1"}
        self.assertEqual(covered(True, ()), main)
        self.assertLess(sum(step.seconds for step in scenarios.plan(True, (), "")), 180)

    def test_a_name_stands_for_one_configuration(self):
        for quick in (False, True):
            sources = {}
            for step in scenarios.plan(quick, (), ""):
                one = Summary()
                one.add_step(step, 1, recorded()[kind(step)])
                for name in one.values:
                    sources.setdefault(name, set()).add(step)
            self.assertEqual({name: steps for name, steps in sources.items() if len(steps) > 1}, {})

    def test_a_bound_belongs_to_the_better_side(self):
        for mark in MARKS:
            worse = -1 if mark.better == HIGHER else 1
            self.assertEqual(verdict(mark, mark.aim), "met", mark.name)
            self.assertEqual(verdict(mark, mark.must), "must", mark.name)
            self.assertEqual(verdict(mark, mark.must + worse * 1e-6), "missed", mark.name)

    def test_ratios_divide_what_ran_in_the_same_round(self):
        summary = Summary()
        for number, (ingest, floor) in enumerate(((90, 100), (20, 40), (300, 400)), 1):
            summary.add("ingest_updates_per_s", number, ingest)
            summary.add("floor_updates_per_s", number, floor)
        summary.add("floor_updates_per_s", 4, 1)  # whose counterpart failed
        summary.add_ratios()
        rows = {row[0]: row[1:] for row in summary.rows()}
        self.assertEqual(rows["ingest_vs_floor"], (0.75, "ratio", 0.5, 0.9, 3))
        self.assertEqual(rows["floor_updates_per_s"], (70, "updates/s", 1, 400, 4))

    def test_a_failed_run_does_not_count_and_fails_the_whole(self):
        summary, failures = self.collect(True, failing=lambda step: step.program == "bench_redis")
        self.assertEqual(len(failures), 2)
        self.assertNotIn("redis_updates_per_s", summary.values)
        outcomes = {mark.name: outcome for mark, _, outcome in judge(summary, covered(True, ()))}
        self.assertEqual(outcomes["ingest_vs_redis"], "no value")
        self.assertIn("NO VALUE", format_table(summary, covered(True, ())))
        self.assertEqual(campaign.report(summary, failures, covered(True, ()), self.folder), 1)

    def test_what_rises_in_a_long_run_fails(self):
        for text, status in (("rising", 1), ("flat", 0)):
            summary = Summary()
            summary.texts["endurance_memory_verdict"] = text
            self.assertEqual(campaign.report(summary, [], set(), self.folder), status)

    def test_the_readme_has_the_marks_as_they_are(self):
        with open(os.path.join(SOURCE, "bench", "README.md"), encoding="utf-8") as file:
            rows = dict(re.findall(r"^\| `(\w+)` \| .* \| [≥≤] ([\d.]+)[^|]*\| [\d.]+[^|]*\|$", file.read(), re.MULTILINE))
        self.assertEqual({name: float(must) for name, must in rows.items()}, {mark.name: mark.must for mark in MARKS})

    def test_a_missed_must_fails_and_a_met_one_does_not(self):
        for value, status in ((0.69, 1), (0.7, 0)):
            summary = Summary()
            summary.add("ingest_vs_floor", 1, value)
            self.assertEqual(campaign.report(summary, [], {"ingest_vs_floor"}, self.folder), status)

    def test_what_is_written_is_what_is_read(self):
        summary, _ = self.collect(False)
        path = self.path("summary.tsv")
        summary.write(path)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(tuple(file.readline().rstrip("\n").split("\t")), COLUMNS)
        figures = Figures.read(path)
        for name, value, _, least, most, _ in summary.rows():
            if name in summary.values:
                for written, meant in zip(figures[name], (value, least, most)):
                    self.assertAlmostEqual(written, meant, delta=abs(meant) * 1e-5 + 1e-9)
        self.assertEqual([point[0] for point in figures.series("ingest_updates_per_s", "nodes")], [1, 4, 32, 256])
        self.assertEqual(unit_of("ingest_updates_per_s@nodes=4"), "updates/s")

    def test_every_plot_is_drawn(self):
        self.collect(False)[0].write(self.path("summary.tsv"))
        with open(self.path("endurance.tsv"), "w", encoding="utf-8") as file:
            file.write("seconds\tupdates_per_s\tack_p50_ms\tack_p99_ms\tlag_versions\tstate_bytes\tresident_bytes\t"
                       "own_bytes\n"
                       "1.0\t2657752\t31.4\t197.1\t36\t3354624\t165240832\t50098176\n"
                       "2.0\t2580907\t47.1\t94.3\t32\t3358720\t268632064\t50290688\n")
        campaign.draw(self.folder)
        names = {"contenders", "scale", "memory", "latency", "freshness", "reading", "recovery", "stages", "endurance"}
        self.assertEqual(set(os.listdir(self.path("plots"))), {name + ".svg" for name in names})
        for name in names:
            picture = xml.etree.ElementTree.parse(self.path(f"plots/{name}.svg")).getroot()
            self.assertTrue(picture.tag.endswith("svg") and len(picture.findall(".//*")) > 50, name)


class Running(Case):
    @classmethod
    def setUpClass(cls):
        adopt_orphans()

    def test_tallyd_and_the_floor_run_by_turns(self):
        steps = scenarios.in_rounds([ingest_step("floor", ("contender=floor",), ("floor_updates_per_s",)),
                                     ingest_step("tallyd", plain=("ingest_updates_per_s",))], 2)
        self.assertEqual([step.title for step in steps], ["floor", "tallyd", "tallyd", "floor"])
        with open(self.path("runs.tsv"), "w", encoding="utf-8") as raw:
            summary, failures = campaign.run_steps(steps, Runner(PROGRAMS, self.folder), raw)
        self.assertEqual(failures, [])
        summary.add_ratios()
        rows = {row[0]: row[1:] for row in summary.rows()}
        self.assertEqual(rows["ingest_vs_floor"][4], 2)
        self.assertGreater(rows["ingest_vs_floor"][0], 0)
        self.assertEqual(summary.texts["verified"], "yes")
        self.assertIn("tallyd\t2\tingest_updates_per_s\t", read_text(self.path("runs.tsv")))
        self.assertFalse(os.path.exists(self.path("run")))

    def test_what_does_not_verify_does_not_count(self):
        broken = Step("contenders", "tallyd", "bench_ingest", ("--tallyd=/bin/false", "--projects=5000"), 1)
        with self.assertRaisesRegex(Failed, "exit status 1"):
            Runner(PROGRAMS, self.folder).run(broken)
        with self.assertRaisesRegex(Failed, "no bench_nothing"):
            Runner(PROGRAMS, self.folder).run(Step("contenders", "nothing", "bench_nothing", (), 1))

    def test_an_interruption_ends_everything_that_was_started(self):
        """As a person presses Ctrl-C while a daemon runs."""
        output = self.path("output")
        process = self.spawn([sys.executable, os.path.join(SOURCE, "bench", "campaign", "main.py"), "--only=scale",
                              f"--programs={PROGRAMS}", f"--output={output}"], "campaign")
        daemon_folder = os.path.join(output, "run", "bench_ingest")
        wait_until(lambda: " ready " in read_text(os.path.join(daemon_folder, "tallyd.log")), "a daemon is ready")
        process.send_signal(signal.SIGINT)
        self.finish(process, 130)
        self.assertFalse(os.path.exists(os.path.join(output, "run")))
        self.assertEqual(children(), [], "orphans of its would be ours")


if __name__ == "__main__":
    harness.main()
