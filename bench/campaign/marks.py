"""The marks that a run is judged by, and how figures are named. The one place where they stand.

A figure's name is what its program prints, or NAME@KEY=VALUE where several configurations print the same name, such as
ingest_updates_per_s@nodes=256. The unit follows from the name's end.
"""

import collections

HIGHER, LOWER = "higher", "lower"

# group: of the steps that measure it; quick: whether a quick run does too. must, aim: what the median has to reach, and
# what it should.
Mark = collections.namedtuple("Mark", "name group quick better must aim meaning")

MARKS = (
    Mark("ingest_vs_floor", "contenders", True, HIGHER, 0.70, 0.90, "ingest ÷ what transport and disk allow"),
    Mark("ingest_vs_postgresql", "contenders", True, HIGHER, 50, 100, "ingest ÷ PostgreSQL, same batches and durability"),
    Mark("ingest_vs_redis", "contenders", True, HIGHER, 50, 100, "ingest ÷ Redis, same batches, AOF always"),
    Mark("scale_10m_vs_100k", "scale", False, HIGHER, 0.60, 0.80, "ingest at 10 M projects ÷ at 100 k"),
    Mark("nodes_256_vs_1", "scale", True, HIGHER, 0.80, 1.0, "ingest with 256 nodes ÷ with 1"),
    Mark("idle_ack_vs_commit", "latency", True, LOWER, 1.5, 1.15, "idle acknowledgement p50 ÷ bare LMDB commit p50"),
    Mark("half_load_ack_p99_ms", "latency", True, LOWER, 10, 4, "acknowledgement p99 at half load"),
    Mark("freshness_p99_ms", "freshness", True, LOWER, 100, 60,
         "receipt to 1,000 subscribers over a unix socket, p99 at full load"),
    Mark("readers_vs_alone", "reading", False, HIGHER, 0.90, 0.97,
         "ingest with 16 readers (10 questions/s each) and 1,000 subscribers (unix socket, they only count) ÷ alone"),
    Mark("ledger_bytes_per_project", "scale", False, LOWER, 110, 72, "ledger memory at 10 M projects"),
    Mark("replay_vs_ingest", "recovery", True, HIGHER, 1.5, 3, "replay rate ÷ ingest rate"),
    Mark("recovery_s", "recovery", False, LOWER, 10, 4,
         "start to first receipt after a crash, 10 M projects, 1 GiB of journal, page cache as the daemon left it"),
)

# Shown beside the marks.
ABSOLUTE = ("ingest_updates_per_s", "floor_updates_per_s", "postgresql_updates_per_s", "redis_updates_per_s",
            "redis_everysec_updates_per_s", "daemon_cpu_s_per_million")

# Divided run by run, each run by the one of the other contender in the same round: what disturbs the machine for
# longer than a round then disturbs both.
RATIOS = {
    "ingest_vs_floor": ("ingest_updates_per_s", "floor_updates_per_s"),
    "ingest_vs_postgresql": ("ingest_updates_per_s", "postgresql_updates_per_s"),
    "ingest_vs_redis": ("ingest_updates_per_s", "redis_updates_per_s"),
    "ingest_vs_postgresql_large": ("ingest_updates_per_s", "postgresql_updates_per_s@rows=32768"),
    "ingest_vs_redis_large": ("ingest_updates_per_s", "redis_updates_per_s@rows=32768"),
    "ingest_vs_redis_everysec": ("ingest_updates_per_s", "redis_everysec_updates_per_s"),
    "scale_10m_vs_100k": ("ingest_updates_per_s@projects=10000000", "ingest_updates_per_s@projects=100000"),
    "nodes_256_vs_1": ("ingest_updates_per_s@nodes=256", "ingest_updates_per_s@nodes=1"),
}

# By the end of the name; the first that fits.
UNITS = (("_updates_per_s", "updates/s"), ("_per_million", "s"),
         ("bytes_per_project", "bytes"), ("bytes_per_update", "bytes"), ("_per_min", "per min"), ("_per_s", "1/s"),
         ("_ms", "ms"), ("_us", "us"), ("_ns", "ns"), ("_mib", "MiB"), ("_share", "ratio"), ("_minutes", "min"),
         ("_s", "s"))


def unit_of(name):
    base = name.split("@")[0]
    if "_vs_" in base:
        return "ratio"
    return next((unit for end, unit in UNITS if base.endswith(end)), "")


def covered(quick, groups):
    """The marks that a run of these groups (none: all) has to give a value."""
    return {mark.name for mark in MARKS if (not groups or mark.group in groups) and (mark.quick or not quick)}


def verdict(mark, value):
    """met (the aim as well), must (the must alone) or missed."""
    def reaches(bound):
        return value >= bound if mark.better == HIGHER else value <= bound
    return "met" if reaches(mark.aim) else "must" if reaches(mark.must) else "missed"
