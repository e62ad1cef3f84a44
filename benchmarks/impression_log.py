"""How long it takes to judge a log of impressions: 1 to 100 million, and DuckDB beside it.

    python benchmarks/impression_log.py [--millions 1 3 10 30 100] [--items 1000000]

Logs are generated (lists of 20, items by Zipf's law, 50 providers, whole numbers of 32 bits),
written to a temporary folder as Parquet and deleted afterwards; the largest needs 400 MB. Every
log is judged in a process of its own, for its memory: exposure of items and providers and
popularity, with intervals. In the same run DuckDB, which has to be installed, counts the
impressions of every item (`SELECT item, count(*) FROM log GROUP BY item`), the median of three.
The last line is 1,000 users, in this process, after a first round.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

K = 20
PROVIDERS = 50
USERS_AT_A_TIME = 50_000


def write_log(path: Path, impressions: int, items: int) -> None:
    """Write lists of K different items; the chance of the item of popularity rank r is as 1/r."""
    rng = np.random.default_rng(0)
    ids = rng.permutation(items).astype(np.int32)
    names = ("user", "item", "rank")
    schema = pa.schema([(name, pa.int32()) for name in names])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, impressions // K, USERS_AT_A_TIME):
            n = min(USERS_AT_A_TIME, impressions // K - start)
            # Ranks in steps of K, and within a step another one for every place of a list.
            steps = np.exp(rng.random((n, K), dtype=np.float32) * np.log(items / K)) - 1
            within = (rng.integers(0, K, (n, 1)) + np.arange(K)) % K
            popular = np.minimum(steps.astype(np.int32) * K + within, items - 1)
            columns = (
                np.repeat(np.arange(start, start + n, dtype=np.int32), K),
                ids[popular].ravel(),
                np.tile(np.arange(1, K + 1, dtype=np.int32), n),
            )
            writer.write_table(pa.table(columns, schema=schema))


def write_items(path: Path, items: int) -> None:
    rng = np.random.default_rng(1)
    providers = np.array([f"provider {n}" for n in range(PROVIDERS)])
    table = {
        "id": np.arange(items, dtype=np.int32),
        "provider": providers[(PROVIDERS * rng.random(items) ** 2).astype(int)],
        "interactions": rng.pareto(1.2, items).astype(np.int32),
    }
    pq.write_table(pa.table(table), path)


def judge(log: Path, items: Path) -> None:
    from fairrec.audits.impression_log import judge_log

    judge_log(log, items, group="provider", popularity="interactions", k=K)


def count(log: Path) -> None:
    import duckdb

    duckdb.connect().execute(f"SELECT item, count(*) FROM '{log}' GROUP BY item").fetchnumpy()


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def judged_alone(log: Path, items: Path) -> tuple[float, float]:
    """Return seconds, imports left out, and peak memory in GB of a process that judges a log."""
    command = [sys.executable, __file__, "--judge", str(log), str(items)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken, memory = json.loads(done.stdout)
    return taken, memory / 1e6


def main() -> None:
    """Print seconds, their ratio and memory of every size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 3, 10, 30, 100])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--judge", type=Path, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.judge:
        import fairrec.audits.impression_log  # noqa: F401

        taken = seconds(lambda: judge(*args.judge))
        print(json.dumps([taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
        return
    print(f"{args.items:,} items, {PROVIDERS} providers, lists of {K}")
    print(f"{'impressions':>13} {'here':>9} {'DuckDB counts':>14} {'ratio':>7} {'memory':>9}")
    with tempfile.TemporaryDirectory() as folder:
        log, items = Path(folder, "log.parquet"), Path(folder, "items.parquet")
        write_items(items, args.items)
        for millions in args.millions:
            write_log(log, int(millions * 1e6), args.items)
            taken, memory = judged_alone(log, items)
            counted = statistics.median(seconds(lambda: count(log)) for _ in range(3))
            print(
                f"{int(millions * 1e6):13,} {taken:7.2f} s {counted:12.2f} s "
                f"{taken / counted:6.1f}x {memory:6.2f} GB",
                flush=True,
            )
        write_items(items, 3_000)
        write_log(log, 1_000 * K, 3_000)
        judge(log, items)
        few = statistics.median(seconds(lambda: judge(log, items)) for _ in range(5))
        print(f"1,000 users x {K}, 3,000 items: {few:.3f} s")


if __name__ == "__main__":
    main()
