"""A log of impressions of any size to one result: exposure and popularity of its items.

Nobody is asked: a log says what users were shown. Users are what is resampled, as buckets of them
where there are many (`fairrec.metrics.accumulators`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fairrec.audits.asking import check_least, check_share
from fairrec.audits.impression_blocks import BlockSettings, blocks
from fairrec.errors import WrongUse
from fairrec.gates import Gate, apply_gates
from fairrec.impressions.ahead import ahead
from fairrec.impressions.batches import ROWS, impression_batches
from fairrec.impressions.counts import LogCounts
from fairrec.impressions.items import ItemTable, items_of, open_items
from fairrec.impressions.reading import ImpressionLog, open_log
from fairrec.metrics.browsing import Browsing, parse_browsing
from fairrec.metrics.item_groups import ItemGroups
from fairrec.results import AuditResult, Validity
from fairrec.running.audit_run import versions
from fairrec.types import Outcome

MOST_GROUPS = 100
"""Groups that have findings of their own; the smaller ones are one group together."""

MERITS = ("catalogue", "equal", "interactions", "relevance")


def judge_log(
    log: Any,
    catalog: Any = None,
    *,
    columns: Mapping[str, str] | None = None,
    group: str | None = None,
    popularity: str | None = None,
    merit: Sequence[str] | Mapping[str, float] = ("catalogue",),
    browsing: Sequence[Browsing | str] = ("log2",),
    k: int = 20,
    draws: int = 2_000,
    level: float = 0.95,
    seed: int = 0,
    gates: Iterable[Gate] = (),
    name: str = "exposure",
    rows: int = ROWS,
    threads: int = 2,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> AuditResult:
    """Judge what users were shown and return the gated result.

    What is odd in a log is dealt with as `fairrec.impressions.batches` says, and counted in the
    warnings. Numbers depend neither on `rows` nor on `threads`.

    Args:
        log: What `open_log` opens, or what it returned.
        catalog: All items: what `open_items` reads, or what it returned. None takes the items
            that the log shows, so that items that were never recommended do not count.
        columns: The log's names of columns by those of `open_log`; "id" is the catalogue's.
        group: Column of the catalogue that groups items, or None for findings about items alone.
        popularity: Column of the catalogue that says how often items were consumed before, or
            None to leave popularity out.
        merit: What groups deserve: some of `MERITS`, or shares by group. "interactions" takes
            `popularity`, "relevance" the log's column.
        browsing: How lists are read, as `parse_browsing` reads it.
        k: Ranks that count.
        draws: Bootstrap draws.
        level: Confidence level of intervals.
        seed: Run seed.
        gates: What must hold.
        name: Name of the run.
        rows: Impressions that are held at a time.
        threads: 2 reads ahead on a thread of its own, 1 does not.
        on_progress: Called after every batch with the number of impressions read.

    Raises:
        WrongUse: A setting is out of its range, a column is unknown, or what it needs is lacking.
        BadData: The log or the catalogue does not hold what it should.
        ModelUnavailable: pyarrow is not installed.
    """
    check_least(k=(k, 1), draws=(draws, 1), rows=(rows, 1), threads=(threads, 1))
    check_share("level", level)
    started = time.perf_counter()
    names = dict(columns or {})
    id = names.pop("id", "id")
    opened = log if isinstance(log, ImpressionLog) else open_log(log, names)
    items = catalog if isinstance(catalog, ItemTable) else _items(catalog, id, opened)
    models = [parse_browsing(b) if isinstance(b, str) else b for b in browsing]
    _check_settings(opened, popularity, merit, models)
    groups = None if group is None else items.groups(group)
    settings = BlockSettings(
        n_items=len(items),
        groups=None if groups is None else groups.largest(MOST_GROUPS),
        column=group or "",
        popularity=None if popularity is None else items.amounts(popularity),
        merit=merit,
        browsing=models,
        k=k,
        draws=draws,
        level=level,
        seed=seed,
    )
    judged = blocks(settings)
    counts = LogCounts()
    batches = impression_batches(opened, items.codes, k, counts, rows=rows)
    for lists, users, relevant in ahead(batches) if threads > 1 else batches:
        for block in judged:
            block.update(lists, users, relevant)
        on_progress(counts.rows)
    seconds_reading = time.perf_counter() - started
    findings, tables, warnings = [], {}, []
    for block in judged:
        found = block.judge()
        findings += found.findings
        tables |= found.tables
        warnings += found.warnings
    gates = list(gates)
    result = AuditResult(
        audit="exposure",
        name=name,
        findings=tuple(findings),
        observations=(),
        validity=(_validity(counts),),
        exchanges={},
        provenance={
            "audit": {
                "name": "exposure",
                "group": group,
                "popularity": popularity,
                "merit": dict(merit) if isinstance(merit, Mapping) else list(merit),
                "browsing": [str(model) for model in models],
                "k": k,
                "draws": draws,
                "level": level,
                "seed": seed,
            },
            "log": {"name": opened.name, "columns": dict(opened.columns), **counts.as_dict()},
            "catalog": {"name": items.name, "items": len(items), "from_log": items.from_log},
            "gates": [gate.text for gate in gates],
            "versions": versions(),
        },
        warnings=(*_about_items(items, group, groups), *counts.warnings(k), *warnings),
        tables=tables,
    )
    result = apply_gates(result, gates)
    times = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds_reading": round(seconds_reading, 3),
        "seconds_judging": round(time.perf_counter() - started - seconds_reading, 3),
    }
    return replace(result, provenance={**result.provenance, "time": times})


def _items(catalog: Any, id: str, log: ImpressionLog) -> ItemTable:
    return items_of(log) if catalog is None else open_items(catalog, id)


def _check_settings(
    log: ImpressionLog,
    popularity: str | None,
    merit: Sequence[str] | Mapping[str, float],
    browsing: Sequence[Browsing],
) -> None:
    wanted = [] if isinstance(merit, Mapping) else list(merit)
    unknown = sorted(set(wanted) - set(MERITS))
    if unknown or not browsing:
        raise WrongUse(
            f"the merit is {', '.join(map(repr, wanted))}, with {len(browsing)} browsing models.",
            expected=f"at least one browsing model, and merit among {', '.join(MERITS)}.",
        )
    if "interactions" in wanted and popularity is None:
        raise WrongUse(
            "merit by interactions needs to know how often items were consumed before.",
            expected="a column of the catalogue.",
            do='name it: popularity="interactions" (--popularity interactions).',
        )
    needing = [str(model) for model in browsing if model.needs_relevance]
    needing += [f"merit {name!r}" for name in wanted if name == "relevance"]
    if needing and "relevance" not in log.columns:
        raise WrongUse(
            f"{' and '.join(needing)} needs to know what is relevant, and {log.name} does not say.",
            expected="a column of relevance in the log.",
            do="name it in columns, or choose others.",
        )


def _validity(counts: LogCounts) -> Validity:
    return Validity(
        attribute=None,
        value=None,
        asked=counts.lists,
        outcomes={str(Outcome.ANSWERED): counts.lists},
        recommended=counts.rows - counts.beyond,
        off_catalogue=counts.off_catalogue,
        repeated=counts.repeats,
    )


def _about_items(items: ItemTable, group: str | None, groups: ItemGroups | None) -> list[str]:
    said = []
    if items.from_log:
        said.append(
            "No catalogue was given: the items of the log stand in for it, so items that were "
            "never recommended do not count, and inequality and coverage look better than they "
            "are."
        )
    if group is not None and items.makes_bands(group):
        said.append(
            f"{group!r} holds numbers: they are cut into bands of about as many items. Write the "
            "groups as text for a group each."
        )
    if groups is not None and groups.known.sum() > MOST_GROUPS:
        said.append(
            f"{group!r} makes {int(groups.known.sum()):,} groups: the {MOST_GROUPS} largest have "
            "findings of their own, the rest are one group together."
        )
    return said
