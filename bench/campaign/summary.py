"""Collects figures over runs; medians, ratios, verdicts; the table and the files."""

import csv
import statistics

from marks import ABSOLUTE, MARKS, RATIOS, unit_of, verdict

# What several programs print, each in its own circumstances: never the name alone, unless a step says so.
SHARED = {"ingest_updates_per_s", "load_updates_per_s", "daemon_cpu_s_per_million", "generator_cpu_s_per_million",
          "batches", "updates", "subscribers"}

COLUMNS = ("name", "value", "unit", "minimum", "maximum", "runs")


class Summary:
    """Values by name; each with the round that it is of, so that ratios divide what ran side by side."""

    def __init__(self):
        self.values = {}  # name -> {round: value}
        self.texts = {}  # name -> last text

    def add(self, name, round_number, value):
        if isinstance(value, str):
            self.texts[name] = value
        else:
            self.values.setdefault(name, {})[round_number] = value

    def add_step(self, step, round_number, figures):
        for name, value in figures.items():
            for at in step.at:
                where = at or (f"group={step.group}" if name in SHARED else "")
                self.add(f"{name}@{where}" if where else name, round_number, value)
            if name in step.plain:
                self.add(name, round_number, value)

    def add_ratios(self):
        for name, (above, below) in RATIOS.items():
            numerators, denominators = self.values.get(above, {}), self.values.get(below, {})
            for round_number in sorted(numerators.keys() & denominators.keys()):
                if denominators[round_number] > 0:
                    self.add(name, round_number, numerators[round_number] / denominators[round_number])

    def rows(self):
        """As COLUMNS, marks first."""
        first = [mark.name for mark in MARKS] + list(ABSOLUTE)
        names = [name for name in first if name in self.values] + sorted(self.values.keys() - set(first))
        for name in names:
            values = self.values[name].values()
            yield name, statistics.median(values), unit_of(name), min(values), max(values), len(values)
        for name in sorted(self.texts):
            yield name, self.texts[name], "", "", "", ""

    def write(self, path):
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerow(COLUMNS)
            for name, value, unit, least, most, runs in self.rows():
                writer.writerow((name, plain(value), unit, plain(least), plain(most), runs))


class Figures(dict):
    """A summary.tsv: name -> (value, minimum, maximum)."""

    @classmethod
    def read(cls, path):
        figures = cls()
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if row["minimum"]:
                    figures[row["name"]] = tuple(float(row[key]) for key in ("value", "minimum", "maximum"))
        return figures

    def series(self, name, key):
        """Of NAME@KEY=x: [(x, value, minimum, maximum)] in the order of x."""
        start = f"{name}@{key}="
        return sorted((float(full[len(start):]), *values) for full, values in self.items() if full.startswith(start))


def plain(number):
    """For files: enough digits, no exponent."""
    if isinstance(number, str):
        return number
    text = f"{number:.0f}" if abs(number) >= 1e5 else f"{number:.6g}"
    return text if "e" not in text else f"{number:.9f}"


def readable(number):
    """For people."""
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) < 100 else f"{number:.0f}"


WORDS = {"met": "aim met", "must": "met", "missed": "MISSED"}


def judge(summary, expected):
    """For each mark that has a value or is expected: (mark, value or None, verdict or 'no value')."""
    values = {row[0]: row[1] for row in summary.rows()}
    for mark in MARKS:
        if mark.name in values:
            yield mark, values[mark.name], verdict(mark, values[mark.name])
        elif mark.name in expected:
            yield mark, None, "no value"


def format_table(summary, expected):
    rows = {row[0]: row for row in summary.rows()}
    lines = [("name", "value", "unit", "must", "aim", "", "minimum", "maximum", "runs")]
    for mark, value, outcome in judge(summary, expected):
        sign = "≥" if mark.better == "higher" else "≤"
        bounds = (f"{sign} {mark.must:g}", f"{mark.aim:g}")
        if value is None:
            lines.append((mark.name, "-", unit_of(mark.name), *bounds, "NO VALUE", "", "", ""))
        else:
            _, _, unit, least, most, runs = rows[mark.name]
            lines.append((mark.name, readable(value), unit, *bounds, WORDS[outcome], readable(least), readable(most),
                          str(runs)))
    for name in ABSOLUTE:
        if name in rows:
            _, value, unit, least, most, runs = rows[name]
            lines.append((name, readable(value), unit, "", "", "", readable(least), readable(most), str(runs)))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    numbers = {1, 6, 7, 8}
    return "\n".join("  ".join(cell.rjust(width) if i in numbers else cell.ljust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)
