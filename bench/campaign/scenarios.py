"""What is run: for each group a list of steps, each one program with its arguments. By turns: a round runs each step of the
group once, then the next round begins."""

import dataclasses
import os
import shutil

GROUPS = ("contenders", "scale", "latency", "freshness", "reading", "recovery", "endurance", "stages")

PROJECTS = (10_000, 100_000, 1_000_000, 10_000_000)
NODES = (1, 4, 32, 256)
ROWS = (64, 512, 4096, 8192)
TALLY_ROWS, LARGE_ROWS = 4096, 32768
SETTLE_SECONDS_PER_MILLION = 3.5
SUBSCRIBERS = (1, 100, 1000)
JOURNAL_BYTES_PER_MINUTE = 7_000_000 * 40 * 60  # 7 million updates a second of 40 bytes
DISK_RESERVE_BYTES = 8 << 30


@dataclasses.dataclass(frozen=True)
class Step:
    group: str
    title: str
    program: str
    arguments: tuple
    seconds: float  # about how long it takes, for the time left
    at: tuple = ("",)  # configurations that it stands for: figures are recorded as NAME@AT, or as NAME for ""
    plain: tuple = ()  # figures that are recorded as NAME too
    port: bool = True  # takes --port
    shows: str = ""  # the figure that progress shows


def counted(number, plural):
    return f"{number:,} {plural if number > 1 else plural[:-1]}"


def in_rounds(steps, rounds):
    """By turns, every other round in the opposite order, so that none always follows the same one."""
    return [step for number in range(rounds) for step in (steps if number % 2 == 0 else reversed(steps))]


def ingest(group, seconds, at=("",), plain=(), warm_up=2, title="tallyd", contender="tallyd", **options):
    """The recount at the end takes half as long as what it recounts."""
    words = tuple(f"--{name}={value}" for name, value in options.items())
    millions = options.get("projects", 1_000_000) / 1e6
    settling = SETTLE_SECONDS_PER_MILLION * millions if contender == "tallyd" and options.get("settle", 1) else 0
    return Step(group, title, "bench_ingest",
                (f"--contender={contender}", f"--warm-up={warm_up}", f"--seconds={seconds}", *words),
                1.5 * (seconds + warm_up + millions) + 1 + settling, at, plain,
                shows="floor_updates_per_s" if contender == "floor" else "ingest_updates_per_s")


def peer(name, seconds, warm_up, rows, *words):
    """With the batches that Tally gets, and with larger ones, which peers gain more from. Redis has as many updates on their
    way with either; PostgreSQL one batch on each connection."""
    if name.startswith("redis") and rows == TALLY_ROWS:
        words += (f"--window={LARGE_ROWS // TALLY_ROWS}",)
    figure = f"{name}_updates_per_s"
    plain = (figure,) if rows == TALLY_ROWS else ()
    return Step("contenders", f"{name.replace('_', ' ')}, {counted(rows, 'rows')} a batch", "bench_" + name.split("_")[0],
                (f"--warm-up={warm_up}", f"--seconds={seconds}", f"--rows={rows}", *words), seconds + warm_up + 7,
                (f"rows={rows}",), plain, port=False, shows=figure)


def contenders(quick):
    seconds, warm_up, rounds = (4, 1, 2) if quick else (10, 2, 5)
    peer_seconds = 3 if quick else seconds
    steps = [ingest("contenders", seconds, at=("contender=floor",), plain=("floor_updates_per_s",), warm_up=warm_up,
                    title="floor", contender="floor"),
             ingest("contenders", seconds, at=("contender=tallyd",), warm_up=warm_up,
                    plain=("ingest_updates_per_s", "daemon_cpu_s_per_million"))]
    for rows in (TALLY_ROWS,) if quick else (TALLY_ROWS, LARGE_ROWS):
        steps.append(peer("postgresql", peer_seconds, warm_up, rows))
        steps.append(peer("redis", peer_seconds, warm_up, rows))
    if not quick:
        steps.append(peer("redis_everysec", peer_seconds, warm_up, TALLY_ROWS, "--appendfsync=everysec"))
    return in_rounds(steps, rounds)


def scale_nodes_quick():
    """Only what the mark asks for."""
    return in_rounds([ingest("scale", 3, at=(f"nodes={nodes}",), warm_up=1, title=f"tallyd, {counted(nodes, 'nodes')}",
                             nodes=nodes, settle=0) for nodes in (1, 256)], 2)


def scale(quick):
    if quick:
        return scale_nodes_quick()
    base = ("projects=1000000", "nodes=4", "rows=4096")
    steps = [ingest("scale", 6, at=base, title="tallyd, 1,000,000 projects, 4 nodes, 4,096 rows a batch")]
    for name, values, usual in (("projects", PROJECTS, 1_000_000), ("nodes", NODES, 4), ("rows", ROWS, 4096)):
        for value in values:
            if value != usual:
                plain = ("ledger_bytes_per_project",) if value == 10_000_000 else ()
                steps.append(ingest("scale", 6, at=(f"{name}={value}",), plain=plain,
                                    title=f"tallyd, {counted(value, name)}" + " a batch" * (name == "rows"),
                                    **{name: value}))
    return in_rounds(steps, 3)


def latency(quick):
    seconds, full, rounds = (3, 2, 1) if quick else (10, 3, 3)
    return [Step("latency", "latency, idle and at half load", "bench_latency",
                 (f"--seconds={seconds}", f"--full-seconds={full}"), 3 * seconds + 2 * full + 5,
                 shows="half_load_ack_p99_ms")] * rounds


def freshness(quick):
    seconds, rounds = (4, 1) if quick else (10, 3)
    most = SUBSCRIBERS[-1]

    def step(count, at, *words, plain=()):
        return Step("freshness", f"freshness, {count:,} subscribers" + ", TCP" * ("--transport=tcp" in words),
                    "bench_freshness", (f"--subscribers={count}", f"--seconds={seconds}", *words),
                    (1 if "--full" in words else 2) * seconds + 6, (at,), plain, shows="freshness_p99_ms")

    if quick:
        return [step(most, f"subscribers={most}", "--full", plain=("freshness_p99_ms",))] * rounds
    steps = [step(count, f"subscribers={count}", plain=("freshness_p99_ms",) * (count == most)) for count in SUBSCRIBERS]
    return in_rounds([*steps, step(most, "subscribers-over=tcp", "--full", "--transport=tcp")], rounds)


def reading(quick):
    """Over a unix socket, and over TCP beside."""
    if quick:
        return []
    return in_rounds([Step("reading", "readers and subscribers", "bench_reading", (), 70, shows="readers_vs_alone"),
                      Step("reading", "readers and subscribers, TCP", "bench_reading", ("--transport=tcp",), 70,
                           ("transport=tcp",), shows="readers_vs_alone")], 3)


def recovery(quick):
    if quick:
        return [Step("recovery", "recovery, 1,000,000 projects, 256 MiB of journal", "bench_recovery",
                     ("--projects=1000000", "--tail-mib=256"), 16, ("stored=1000000",), ("replay_vs_ingest",),
                     shows="replay_vs_ingest")]
    steps = []
    for projects in PROJECTS[1:]:
        plain = ("replay_vs_ingest", "recovery_s") if projects == PROJECTS[-1] else ()
        steps.append(Step("recovery", f"recovery, {projects:,} projects", "bench_recovery", (f"--projects={projects}",),
                          40 + projects / 2e5, (f"stored={projects}",), plain, shows="recovery_s"))
    return in_rounds(steps, 3)


def endurance_minutes(free_bytes):
    """Ten, or for as long as the disk holds the journal of the fastest rate that was seen, since old segments stay."""
    return max(1, min(10, int((free_bytes - DISK_RESERVE_BYTES) / JOURNAL_BYTES_PER_MINUTE * 2) / 2))


def endurance(quick, output):
    if quick:
        return []
    minutes = endurance_minutes(shutil.disk_usage(os.path.dirname(output) or ".").free)
    return [Step("endurance", f"{minutes:g} minutes at full rate", "bench_endurance",
                 (f"--minutes={minutes:g}", f"--output={output}"), minutes * 60 + 60, shows="endurance_updates_per_s")]


def stages(quick):
    if quick:
        return []
    return [Step("stages", "where the time goes", "bench_stages", (), 30, shows="process_cpu_ns")] * 3


def plan(quick, only, endurance_output):
    """The steps of a run, in order. A quick run has no reading, endurance and stages."""
    make = {"contenders": contenders, "scale": scale, "latency": latency, "freshness": freshness, "reading": reading,
            "recovery": recovery, "endurance": lambda brief: endurance(brief, endurance_output), "stages": stages}
    return [step for group in GROUPS if not only or group in only for step in make[group](quick)]
