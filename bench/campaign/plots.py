"""The pictures of a run, as SVG, from the tables that it wrote. The colours are those of Okabe and Ito, which people
who are colour-blind can tell apart; lines have markers of their own too."""

import csv
import os

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot, ticker  # noqa: E402

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9",
                                                       "#F0E442", "#8C8C8C")
INK = "#333333"
STYLE = {
    "figure.facecolor": "white", "savefig.facecolor": "white", "font.family": "DejaVu Sans", "font.size": 11,
    "axes.titlesize": 13, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.edgecolor": "#999999",
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#E4E4E4", "axes.axisbelow": True,
    "legend.frameon": False, "lines.linewidth": 2, "lines.markersize": 7, "svg.fonttype": "path",
    "svg.hashsalt": "tally",
}


def short(number):
    """1,234,567 as 1.23 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


SHORT = ticker.FuncFormatter(lambda value, position: short(value))


def save(figure, folder, name):
    figure.savefig(os.path.join(folder, name + ".svg"), bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


def mark_line(axes, value, text):
    """What must be reached, as a broken line."""
    axes.axhline(value, color=RED, lw=1, ls="--", zorder=1)
    axes.annotate(text, (0.99, value), (0, 4), xycoords=("axes fraction", "data"), textcoords="offset points",
                  ha="right", color=RED, fontsize=9, bbox={"fc": "white", "ec": "none", "pad": 1, "alpha": 0.8})


def headline(figure, text):
    """Over several panels."""
    figure.suptitle(text, fontsize=13, fontweight="bold", x=0.01, ha="left")


def log_ticks(axis, formatter=SHORT):
    """Written-out numbers at 1, 2 and 5 of each decade."""
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=20))
    axis.set_major_formatter(formatter)
    axis.set_minor_formatter(ticker.NullFormatter())


def spread(values):
    """Error bars from (value, minimum, maximum) rows."""
    return [[value - least for value, least, _ in values], [most - value for value, _, most in values]]


def contenders(figures, folder):
    bars = [(label, colour, figures.get(name + "_updates_per_s")) for label, name, colour in
            (("floor: transport and disk", "floor", GREY), ("Tally", "ingest", BLUE),
             ("PostgreSQL", "postgresql", PURPLE), ("Redis, AOF always", "redis", ORANGE),
             ("Redis, AOF everysec*", "redis_everysec", YELLOW))]
    bars = sorted((bar for bar in bars if bar[2]), key=lambda bar: -bar[2][0])
    tally = figures["ingest_updates_per_s"][0]
    figure, axes = pyplot.subplots(figsize=(9, 0.75 * len(bars) + 1.6))
    places = range(len(bars))
    axes.barh(places, [values[0] for _, _, values in bars], color=[colour for _, colour, _ in bars], height=0.62,
              xerr=spread([values for _, _, values in bars]), error_kw={"ecolor": INK, "capsize": 3, "lw": 1})
    for place, (label, _, values) in zip(places, bars):
        times = tally / values[0]
        words = f"   Tally reaches {times:.0%} of it" if times < 1 else f"   Tally is {times:.1f} × as fast"
        axes.annotate(f"{short(values[0])}/s" + words * (label != "Tally"), (values[2], place), (8, 0),
                      textcoords="offset points", va="center")
    axes.set_xscale("log")
    axes.set_yticks(list(places), [label for label, _, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(min(values[1] for _, _, values in bars) / 2, max(values[2] for _, _, values in bars) * 8)
    log_ticks(axes.xaxis)
    axes.grid(axis="y", visible=False)
    everysec = "redis_everysec_updates_per_s" in figures
    note = "\n* everysec: acknowledged up to a second before it is durable" * everysec
    axes.set_xlabel("updates a second, acknowledged when durable, 1 M projects in random order (logarithmic)" + note)
    axes.set_title("Durable updates a second, the same work on the same machine")
    save(figure, folder, "contenders")


def lines(axes, figures, key, names):
    """One line for each (name, label, colour, marker), with the range over the runs."""
    for name, label, colour, marker in names:
        points = figures.series(name, key)
        if points:
            places = [point[0] for point in points]
            axes.plot(places, [point[1] for point in points], color=colour, marker=marker, label=label)
            axes.fill_between(places, [point[2] for point in points], [point[3] for point in points], color=colour,
                              alpha=0.15, lw=0)


def number_places(axes, figures, name, key):
    """The measured places, and no others, on a logarithmic x axis."""
    places = [point[0] for point in figures.series(name, key)]
    axes.set_xscale("log")
    axes.set_xticks(places, [f"{place:,.0f}" if place < 10_000 else short(place) for place in places], fontsize=9)
    axes.minorticks_off()


def scale(figures, folder):
    panels = (("projects", "projects"), ("nodes", "nodes"), ("rows", "rows of a batch"))
    figure, grid = pyplot.subplots(2, 3, figsize=(12, 6.6), sharey="row", constrained_layout=True)
    for column, (key, label) in enumerate(panels):
        rate, wait = grid[0][column], grid[1][column]
        lines(rate, figures, key, [("ingest_updates_per_s", "ingest", BLUE, "o")])
        number_places(rate, figures, "ingest_updates_per_s", key)
        rate.yaxis.set_major_formatter(SHORT)
        lines(wait, figures, key, [("ack_p50_ms", "p50", BLUE, "o"), ("ack_p99_ms", "p99", RED, "s")])
        number_places(wait, figures, "ack_p50_ms", key)
        wait.set_yscale("log")
        log_ticks(wait.yaxis)
        wait.set_xlabel(label)
        rate.set_title(f"by {label}", fontsize=11)
    most = max(point[3] for key, _ in panels for point in figures.series("ingest_updates_per_s", key))
    grid[0][0].set_ylim(0, 1.08 * most)
    grid[0][0].set_ylabel("updates a second")
    grid[1][0].set_ylabel("acknowledgement, ms,\nwindow full")
    grid[1][0].legend()
    headline(figure, "Ingest by projects, nodes and rows (otherwise 1 M projects, 4 nodes, 4,096 rows)")
    save(figure, folder, "scale")


def memory(figures, folder):
    figure, axes = pyplot.subplots(figsize=(7, 4))
    lines(axes, figures, "projects", [("ledger_bytes_per_project", "ledger", BLUE, "o")])
    number_places(axes, figures, "ledger_bytes_per_project", "projects")
    mark_line(axes, 110, "must: 110 bytes at 10 M projects")
    heights = [point[1] for point in figures.series("ledger_bytes_per_project", "projects")]
    if max(heights) > 5 * min(heights):  # what a ledger has at least, divided by few projects
        axes.set_yscale("log")
        log_ticks(axes.yaxis)
    else:
        axes.set_ylim(0, 1.15 * max(*heights, 110))
    axes.set_xlabel("projects")
    axes.set_ylabel("bytes for each project")
    axes.set_title("Memory of the ledger for each project")
    save(figure, folder, "memory")


def latency(figures, folder):
    percentiles = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"), ("max", "maximum"))
    rows = (("commit", "bare LMDB commit of the same bytes", GREY, "D"),
            ("idle_ack", "idle: one batch of 16 rows at a time", BLUE, "o"),
            ("half_load_512_ack", "half load, 512 rows a batch", GREEN, "^"),
            ("half_load_ack", "half load, 4,096 rows a batch", RED, "s"))
    figure, axes = pyplot.subplots(figsize=(8, 4.8))
    for name, label, colour, marker in rows:
        values = [figures.get(f"{name}_{key}_ms") for key, _ in percentiles]
        if all(values):
            axes.errorbar(range(4), [value[0] for value in values], yerr=spread(values), color=colour, marker=marker,
                          label=label, capsize=3, elinewidth=1)
    mark_line(axes, 10, "must at half load, p99: 10 ms")
    axes.set_yscale("log")
    log_ticks(axes.yaxis)
    axes.set_xticks(range(4), [label for _, label in percentiles])
    axes.set_ylabel("milliseconds (logarithmic)")
    axes.set_title("From a batch to its receipt: durable and applied")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    save(figure, folder, "latency")


def freshness(figures, folder):
    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4.2), sharey=True, constrained_layout=True)
    for axes, part, title in zip(panels, ("idle_", ""), ("one small batch at a time", "four nodes at full rate")):
        lines(axes, figures, "subscribers",
              [(f"freshness_{part}{end}_ms", label, colour, marker) for end, label, colour, marker in
               (("p50", "p50", BLUE, "o"), ("p99", "p99", RED, "s"), ("max", "maximum", GREY, "D"))])
        if figures.series(f"freshness_{part}p50_ms", "subscribers"):
            number_places(axes, figures, f"freshness_{part}p50_ms", "subscribers")
        axes.set_yscale("log")
        log_ticks(axes.yaxis)
        axes.set_xlabel("subscribers")
        axes.set_title(title, fontsize=11)
    mark_line(panels[1], 100, "must, p99: 100 ms")
    panels[0].set_ylabel("milliseconds (logarithmic)")
    panels[1].legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    headline(figure, "Freshness: from the receipt to the subscriber's callback")
    save(figure, folder, "freshness")


def reading(figures, folder):
    """What is left of the rate while somebody reads."""
    audiences = (("readers_vs_alone", "16 readers, 1,000 subscribers that only count"),
                 ("libzmq_readers_vs_alone", "16 readers, 1,000 subscribers with libzmq"),
                 ("unpaced_readers_vs_alone", "the same, readers without a pause"))
    transports = (("", "unix socket", BLUE), ("@transport=tcp", "TCP over loopback", ORANGE))
    figure, axes = pyplot.subplots(figsize=(9, 3.6))
    for number, (at, label, colour) in enumerate(transports):
        bars = [(place + 0.36 * number, figures[name + at]) for place, (name, _) in enumerate(audiences)
                if name + at in figures]
        axes.barh([place for place, _ in bars], [values[0] for _, values in bars], height=0.32, color=colour, label=label,
                  xerr=spread([values for _, values in bars]), error_kw={"ecolor": INK, "capsize": 3, "lw": 1})
        for place, values in bars:
            axes.annotate(f"{values[0]:.2f}", (values[2], place), (6, 0), textcoords="offset points", va="center")
    axes.axvline(0.9, color=RED, lw=1, ls="--")
    axes.annotate("must: 0.90", (0.9, -0.45), (4, 0), textcoords="offset points", color=RED, fontsize=9)
    axes.set_yticks([place + 0.18 for place in range(len(audiences))], [label for _, label in audiences])
    axes.set_ylim(len(audiences) - 0.2, -0.6)
    axes.set_xlim(0, 1.1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("ingest, with readers ÷ alone")
    axes.set_title("What readers on the same two cores leave of the ingest")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    save(figure, folder, "reading")


def recovery(figures, folder):
    sizes = [int(point[0]) for point in figures.series("recovery_s", "stored")]
    figure, axes = pyplot.subplots(figsize=(8, 0.8 * len(sizes) + 1.7))
    starts = [0.0] * len(sizes)
    for name, label, colour in (("load", "load the stored state", BLUE), ("replay", "replay the journal", ORANGE),
                                ("rest", "start, connect, first receipt", GREY)):
        widths = [figures[f"recovery_{name}_s@stored={size}"][0] for size in sizes]
        axes.barh(range(len(sizes)), widths, left=starts, color=colour, label=label, height=0.6)
        starts = [start + width for start, width in zip(starts, widths)]
    for place, end in enumerate(starts):
        axes.annotate(f"{end:.2f} s", (end, place), (6, 0), textcoords="offset points", va="center")
    tails = {size: figures.get(f"recovery_tail_mib@stored={size}", (0,))[0] for size in sizes}
    axes.set_yticks(range(len(sizes)), [f"{short(size)} projects,\n{tails[size]:,.0f} MiB to replay" for size in sizes])
    axes.set_xlim(0, max(starts) * 1.15)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("seconds from start")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    axes.invert_yaxis()
    axes.set_title("Recovery: from the start of the daemon to its first receipt")
    save(figure, folder, "recovery")


def read_columns(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}


def endurance(table, folder):
    columns = read_columns(table)
    minutes = [second / 60 for second in columns["seconds"]]
    mib = 1 / 2**20
    panels = (("updates a second", 1, (("updates_per_s", "", BLUE),)),
              ("acknowledgement, ms", 1, (("ack_p99_ms", "p99 of each second", RED), ("ack_p50_ms", "p50", BLUE))),
              ("entries not yet in\nthe stored state", 1, (("lag_versions", "", ORANGE),)),
              ("memory, MiB", mib, (("resident_bytes", "with mapped files", GREY),
                                    ("own_bytes", "the daemon's own", BLUE))),
              ("stored state, MiB", mib, (("state_bytes", "", GREEN),)))
    figure, grid = pyplot.subplots(len(panels), 1, figsize=(9, 10), sharex=True, constrained_layout=True)
    for axes, (label, factor, parts) in zip(grid, panels):
        for name, part_label, colour in parts:
            if name in columns:
                axes.plot(minutes, [value * factor for value in columns[name]], color=colour, label=part_label or None,
                          lw=1)
        axes.set_ylim(0, axes.dataLim.ymax * 1.08 or 1)
        axes.set_ylabel(label)
        axes.yaxis.set_major_formatter(SHORT)
        if any(part_label for _, part_label, _ in parts):
            axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, fontsize=9)
    grid[-1].set_xlabel("minutes")
    grid[-1].set_xlim(0, max(minutes))
    figure.align_ylabels(grid)
    headline(figure, "Endurance: full rate, one value a second")
    save(figure, folder, "endurance")


def stages(figures, folder):
    """Processor time of an update, by the daemon's threads and by the steps of its work."""
    colours = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY)
    threads = parts(figures, "thread_", "_ns", ("_waited_ns",))
    steps = parts(figures, "step_", "_ns", ("_replay_ns",))
    bars = [(label, found) for label, found in
            (("by thread", threads), ("by step, alone\non one thread", steps)) if found]
    figure, panels = pyplot.subplots(len(bars), 1, figsize=(11, 2.1 * len(bars)), sharex=True, squeeze=False,
                                     constrained_layout=True)
    for axes, (label, found) in zip(panels[:, 0], bars):
        start = 0.0
        for (name, value), colour in zip(found, colours):
            axes.barh([0], [value], left=start, color=colour, edgecolor="white", label=f"{name} {value:.1f}")
            start += value
        axes.annotate(f"{start:.0f} ns", (start, 0), (6, 0), textcoords="offset points", va="center")
        axes.set_yticks([0], [label])
        axes.grid(axis="y", visible=False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=8, fontsize=9, handlelength=1, columnspacing=1.2,
                    borderpad=0)
        axes.set_xlim(0, 1.1 * max(sum(value for _, value in part) for _, part in bars))
    panels[-1][0].set_xlabel("nanoseconds of processor time for an update")
    headline(figure, "Where the time goes")
    save(figure, folder, "stages")


def parts(figures, start, end, without, most=8):
    """Figures NAME between start and end, as (name, value): the largest, and the rest as one."""
    found = [(name[len(start):-len(end)].replace("zmqbg_", "zmq ").replace("_", " "), values[0])
             for name, values in figures.items() if name.startswith(start) and name.endswith(end)
             and not name.endswith(without) and values[0] >= 0.05]
    found.sort(key=lambda part: -part[1])
    rest = sum(value for _, value in found[most - 1:])
    return found[:most - 1] + ([("others", rest)] if rest > 0.05 else [])


def draw_all(figures, endurance_table, folder):
    """Draws what there are figures for. Returns the names."""
    has = (("contenders", contenders, "ingest_updates_per_s" in figures and len(figures.keys() & {
               "floor_updates_per_s", "postgresql_updates_per_s", "redis_updates_per_s"}) > 0),
           ("scale", scale, all(figures.series("ingest_updates_per_s", key) for key in ("projects", "nodes", "rows"))),
           ("memory", memory, len(figures.series("ledger_bytes_per_project", "projects")) > 1),
           ("latency", latency, "idle_ack_p50_ms" in figures),
           ("freshness", freshness, len(figures.series("freshness_p99_ms", "subscribers")) > 1),
           ("reading", reading, "readers_vs_alone" in figures),
           ("recovery", recovery, bool(figures.series("recovery_s", "stored"))),
           ("stages", stages, "process_cpu_ns" in figures))
    os.makedirs(folder, exist_ok=True)
    drawn = []
    with matplotlib.rc_context(STYLE):
        for name, draw, there in has:
            if there:
                draw(figures, folder)
                drawn.append(name)
        if "endurance_minutes" in figures and os.path.exists(endurance_table):
            endurance(endurance_table, folder)
            drawn.append("endurance")
    return drawn
