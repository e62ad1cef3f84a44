"""A log of impressions of any size to one result: exposure and popularity of its items.

Nobody is asked: a log says what users were shown. Users are what is resampled, as buckets of them
where there are many (`fairrec.metrics.accumulators`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.asking import check_least, check_share
from fairrec.audits.exposure_findings import ExposureJudge, check_different
from fairrec.audits.exposure_sums import ExposureSums
from fairrec.audits.popularity_findings import PopularityJudge
from fairrec.audits.popularity_sums import PopularitySums
from fairrec.errors import WrongUse
from fairrec.gates import Gate, apply_gates
from fairrec.impressions.ahead import ahead
from fairrec.impressions.batches import ROWS, ImpressionBatch, impression_batches
from fairrec.impressions.counts import LogCounts
from fairrec.impressions.items import ItemTable, items_of, open_items
from fairrec.impressions.reading import ImpressionLog, open_log
from fairrec.metrics.browsing import Browsing, parse_browsing
from fairrec.metrics.concentration import shares
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.merit import (
    catalogue_shares,
    equal_shares,
    given_shares,
    interaction_shares,
)
from fairrec.metrics.popularity_parts import split_by_interactions
from fairrec.results import AuditResult, Validity
from fairrec.running.audit_run import versions
from fairrec.types import Outcome

MOST_GROUPS = 100
"""Groups that have findings of their own; the smaller ones are one group together."""

MERITS = ("catalogue", "equal", "interactions", "relevance")

SPLIT = (0.2, 0.8)
"""Shares of the interactions at which the head and the middle of the catalogue end."""


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
    say: Callable[[int], None] = lambda rows: None,
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
        threads: With more than 1, reading and either sum have a thread each.
        say: Called after every batch with the number of impressions read.

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
    kept = None if groups is None else groups.largest(MOST_GROUPS)
    consumed = None if popularity is None else items.amounts(popularity)
    exposure = ExposureSums(len(items), k, kept, models)
    listed = None
    if consumed is not None:
        listed = PopularitySums(consumed, split_by_interactions(consumed, SPLIT))
    counts = LogCounts()
    batches = impression_batches(opened, items.codes, k, counts, rows=rows)
    _add_up([exposure] if listed is None else [exposure, listed], batches, counts, threads, say)
    read = time.perf_counter()
    how: dict[str, Any] = {"draws": draws, "level": level, "seed": seed}
    targets = {} if kept is None else _targets(merit, kept, consumed, exposure)
    judge = ExposureJudge(
        exposure, group or "items", targets, **_of(counts.lists, exposure.n_lists), **how
    )
    findings, tables = [*judge.items(), *judge.groups()], judge.tables()
    if listed is not None:
        popular = PopularityJudge(listed, **_of(counts.lists, listed.n_lists), **how)
        findings += popular.findings()
        tables |= popular.tables()
    gates = list(gates)
    result = apply_gates(
        AuditResult(
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
                    "parts": None if listed is None else listed.parts.definition,
                    "merit": dict(merit) if isinstance(merit, Mapping) else list(merit),
                    "browsing": [str(model) for model in models],
                    "most_groups": MOST_GROUPS,
                    "k": k,
                    **how,
                },
                "log": {"name": opened.name, "columns": dict(opened.columns), **counts.as_dict()},
                "catalog": {"name": items.name, "items": len(items), "from_log": items.from_log},
                "gates": [gate.text for gate in gates],
                "versions": versions(),
            },
            warnings=(*_about_items(items, group, groups), *counts.warnings(k)),
            tables=tables,
        ),
        gates,
    )
    times = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds_reading": round(read - started, 3),
        "seconds_judging": round(time.perf_counter() - read, 3),
    }
    return replace(result, provenance={**result.provenance, "time": times})


def _add_up(
    sums: Sequence[ExposureSums | PopularitySums],
    batches: Iterator[ImpressionBatch],
    counts: LogCounts,
    threads: int,
    say: Callable[[int], None],
) -> None:
    """Add all lists to all sums, each of which sees them in the order of the log."""
    if threads == 1:
        for batch in batches:
            for some in sums:
                some.update(*batch)
            say(counts.rows)
        return
    with ThreadPoolExecutor(len(sums)) as pool:
        for batch in ahead(batches):
            deque(pool.map(lambda some, batch=batch: some.update(*batch), sums), maxlen=0)
            say(counts.rows)


def _of(lists: int, present: int) -> dict[str, int]:
    return {"n": present, "n_missing": lists - present}


def _targets(
    merit: Sequence[str] | Mapping[str, float],
    groups: ItemGroups,
    consumed: NDArray[np.float64] | None,
    sums: ExposureSums,
) -> dict[str, NDArray[np.float64]]:
    """Return the shares that groups deserve, by name of the merit."""
    if isinstance(merit, Mapping):
        return {"given": given_shares(merit, groups)}
    found = {}
    for name in dict.fromkeys(merit):
        match name:
            case "catalogue":
                found[name] = catalogue_shares(groups)
            case "equal":
                found[name] = equal_shares(groups)
            case "interactions" if consumed is not None:
                found[name] = interaction_shares(consumed, groups)
            case _:
                found[name] = shares(sums.lists.sums["merit"].sum(axis=0))
    return found


def _items(catalog: Any, id: str, log: ImpressionLog) -> ItemTable:
    return items_of(log) if catalog is None else open_items(catalog, id)


def _check_settings(
    log: ImpressionLog,
    popularity: str | None,
    merit: Sequence[str] | Mapping[str, float],
    browsing: Sequence[Browsing],
) -> None:
    check_different(browsing)
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
