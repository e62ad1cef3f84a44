"""What lists of several stated values say about shares of item groups, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from fairrec.audits.stereotype_groups import ListedGroups
from fairrec.audits.stereotype_lists import LEVEL, AskedLists
from fairrec.evidence import benjamini_hochberg, bootstrap_means, holm
from fairrec.evidence.intervals import widening
from fairrec.evidence.shares import null_means, presence_p_values
from fairrec.metrics.divergence import jensen_shannon, log_odds
from fairrec.metrics.item_groups import key
from fairrec.results import Estimate, Finding

PRIOR = 100.0
"""Pseudo-items of the log-odds' prior, shared out as all lists together are: some five lists."""
Table = NDArray[np.float64]


def share_findings(
    lists: AskedLists,
    groups: ListedGroups,
    titles: Mapping[str, str],
    rng: np.random.Generator,
    draws: int,
    most: int,
) -> Iterator[Finding]:
    """Yield the divergence, then per value the share and the log-odds of every group, then items.

    Log-odds are tested within two families: all groups and values, and all items that enough
    lists hold (see `fairrec.audits.stereotype_lists.FEWEST`), not only the items shown; these
    are the extremes of all, which their intervals do not make up for.
    """
    table = lists.shares(len(groups.names))
    spoken = np.flatnonzero(lists.present.any(axis=0))
    heard = table[lists.present.any(axis=1)][:, spoken]
    drawn = _bootstrap(heard, rng, draws) if len(spoken) else None
    shares = {} if not len(spoken) else _shares(lists, spoken, heard, drawn)
    place = f"{lists.audit}.{lists.attribute}"
    common: dict[str, Any] = {"audit": lists.audit, "attribute": lists.attribute}
    if len(spoken) > 1:
        odds, divergence = _compare(lists, spoken, heard, drawn, rng, draws)
        lone = "no list holds this group, or none holds another"
    else:
        odds, lone = {}, "fewer than two values have any list to compare"
        divergence = {"estimate": lists.estimate(None, reason=lone, direction="lower")}
    yield Finding(
        f"{place}.{key(lists.column)}.jsd",
        metric=lists.column,
        statistic="jsd",
        **divergence,
        **common,
    )
    for v, value in enumerate(lists.values):
        silent = f"no {lists.unit} has a list"
        for g, group in enumerate(groups.names):
            metric = f"{lists.column}:{group}"
            head = f"{place}.{key(value)}.{key(metric)}"
            about: dict[str, Any] = {"metric": metric, "value": value, **common}
            share = shares.get((v, g)) or lists.estimate(None, v, reason=silent)
            yield Finding(f"{head}.share", statistic="share", estimate=share, **about)
            none = lists.estimate(None, v, reason=lone if v in spoken else silent)
            found = odds.get((v, g), {"estimate": none})
            yield Finding(f"{head}.log_odds", statistic="log_odds", **found, **about)
    for v, item, found in _items(lists, spoken, rng, draws, most) if len(spoken) > 1 else ():
        yield Finding(
            f"{place}.{key(lists.values[v])}.item:{key(item)}.log_odds",
            metric=f"item:{titles.get(item, item)}",
            statistic="log_odds",
            value=lists.values[v],
            **found,
            **common,
        )


def _shares(
    lists: AskedLists, spoken: NDArray[np.intp], heard: Table, drawn: Table | None
) -> dict[tuple[int, int], Estimate]:
    means = np.nanmean(heard, axis=0)
    ends = None if drawn is None else _ends(means, drawn, lists, spoken).clip(0.0, 1.0)
    return _estimates(lists, spoken, range(heard.shape[2]), means, ends)


def _compare(
    lists: AskedLists,
    spoken: NDArray[np.intp],
    heard: Table,
    drawn: Table | None,
    rng: np.random.Generator,
    draws: int,
) -> tuple[dict[tuple[int, int], dict[str, Any]], dict[str, Any]]:
    """Return the parts of the findings on log-odds (by value and group) and on the divergence."""
    means, totals = np.nanmean(heard, axis=0), lists.totals[spoken]
    pooled = totals @ means / totals.sum()
    used = np.flatnonzero((pooled > 1e-12) & (pooled < 1 - 1e-12))
    prior = PRIOR * pooled[used]

    def odds_of(m: Table) -> tuple[Table, Table]:
        counts = np.maximum(m[..., used], 0.0) * totals[:, None]
        return log_odds(counts, prior, totals=totals, prior_total=PRIOR)

    divergence, (ratio, z) = float(jensen_shannon(means)), odds_of(means)
    blocks, exhaustive = null_means(heard, rng, draws)
    # Among all permutations is the one that was seen; drawn ones are joined by it.
    looked_at = extreme = 0 if exhaustive else 1
    beyond, null_sum, permuted = np.full(z.shape, extreme, dtype=float), 0.0, 0
    for block in blocks:
        null = jensen_shannon(_normalised(block))
        permuted += len(null)
        null_sum += float(null.sum())
        extreme += int((null >= divergence - 1e-10).sum())
        beyond += (np.abs(odds_of(block)[1]) >= np.abs(z) - 1e-9).sum(axis=0)
    looked_at += permuted

    ends = None
    if drawn is not None:
        ends = _odds_ends(ratio, z, odds_of(drawn)[0], means[:, used], lists, spoken)
    estimates = _estimates(lists, spoken, used.tolist(), ratio, ends)
    family = f"log-odds of {lists.column} by {lists.attribute}"
    tests = _adjusted(beyond / looked_at, family)
    odds = {cell: {"estimate": e, **tests[i]} for i, (cell, e) in enumerate(estimates.items())}
    return odds, {
        "estimate": _divergence_estimate(lists, len(spoken), divergence, drawn),
        "p_value": extreme / looked_at,
        "noise_floor": null_sum / permuted,
    }


def _divergence_estimate(
    lists: AskedLists, values: int, divergence: float, drawn: Table | None
) -> Estimate:
    """Return the divergence with an interval.

    Noise adds to a divergence, and resampling adds as much once more. The basic bootstrap takes
    off what resampling adds, so the interval is about the divergence without noise; its upper
    end is at least the divergence itself.
    """
    if drawn is None:
        return lists.estimate(divergence, direction="lower", reason=_alone(lists))
    n = int(lists.present.any(axis=1).sum())
    excess = widening(n, LEVEL) * (jensen_shannon(_normalised(drawn)) - divergence)
    below, above = np.quantile(excess, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return lists.estimate(
        divergence,
        low=max(0.0, divergence - above),
        high=min(float(np.log2(values)), max(divergence, divergence - below)),
        method=f"basic cluster bootstrap over {lists.unit}s, cut at what is possible",
        direction="lower",
    )


def _items(
    lists: AskedLists,
    spoken: NDArray[np.intp],
    rng: np.random.Generator,
    draws: int,
    most: int,
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield, per value, the items that stand out most: over-represented first."""
    holders = lists.holders()
    if not holders or not most:
        return
    items, cells = list(holders), list(holders.values())
    present, totals = lists.present[:, spoken], lists.totals[spoken]

    def listed(i: int) -> NDArray[np.bool_]:
        whole = np.zeros(lists.present.shape, dtype=bool)
        whole[tuple(np.transpose(cells[i]))] = True
        return whole[:, spoken]

    counts = np.stack([listed(i).sum(axis=0) for i in range(len(items))], axis=1).astype(float)
    prior = PRIOR * counts.sum(axis=0) / totals.sum()
    ratio, z = log_odds(counts, prior, totals=totals, prior_total=PRIOR)
    p_values = np.stack([presence_p_values(listed(i), present) for i in range(len(items))], axis=1)
    tests = _adjusted(p_values, f"log-odds of items by {lists.attribute}")
    order = np.argsort(-z, axis=1, kind="stable")
    shown = [
        (i, s)
        for i, row in enumerate(order.tolist())
        for s in [s for s in row[:most] if z[i, s] > 0]
        + [s for s in row[: -most - 1 : -1] if z[i, s] < 0]
    ]
    if not shown:
        return
    chosen = sorted({s for _, s in shown})
    presence = np.stack([np.where(present, listed(s), np.nan) for s in chosen], axis=2)
    drawn = _bootstrap(presence[present.any(axis=1)], rng, draws)
    ends = None
    if drawn is not None:
        again = drawn * present.sum(axis=0)[:, None]
        again = log_odds(again, prior[chosen], totals=totals, prior_total=PRIOR)[0]
        seen = (ratio[:, chosen], z[:, chosen])
        ends = _odds_ends(*seen, again, counts[:, chosen], lists, spoken)
    estimates = _estimates(lists, spoken, chosen, ratio[:, chosen], ends)
    for i, s in shown:
        v = int(spoken[i])
        yield v, items[s], {"estimate": estimates[v, s], **tests[i * len(items) + s]}


def _bootstrap(table: Table, rng: np.random.Generator, draws: int) -> Table | None:
    """Return B x V x S bootstrapped means; None where a value is in fewer than two clusters."""
    if (~np.isnan(table[:, :, 0])).sum(axis=0).min() < 2:
        return None
    means = bootstrap_means(table.reshape(len(table), -1), rng, draws)
    means = means[~np.isnan(means).any(axis=1)]
    return means.reshape(-1, *table.shape[1:]) if 2 * len(means) >= draws else None


def _ends(seen: Table, drawn: Table, lists: AskedLists, spoken: NDArray[np.intp]) -> Table:
    """Return lower and upper ends, 2 x V x S: percentiles, widened for few clusters."""
    wider = np.array([widening(int(n), LEVEL) for n in lists.present.sum(axis=0)[spoken]])[:, None]
    quantiles = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return seen + wider * (quantiles - seen)


def _odds_ends(
    ratio: Table,
    z: Table,
    drawn: Table,
    seen: Table,
    lists: AskedLists,
    spoken: NDArray[np.intp],
) -> Table:
    """Return the ends of log-odds ratios of parts that are seen so often (V x S).

    Resampling never finds what no list of a value, or of the others, holds: there the ends are at
    least as far apart as the model of Monroe, Colaresi and Quinn says.
    """
    low, high = _ends(ratio, drawn, lists, spoken)
    bare = (seen == 0) | (seen.sum(axis=0) == seen)
    reach = -ndtri((1 - LEVEL) / 2) * np.abs(ratio / np.where(z == 0, np.inf, z))
    return np.stack(
        [
            np.where(bare, np.minimum(low, ratio - reach), low),
            np.where(bare, np.maximum(high, ratio + reach), high),
        ]
    )


def _estimates(
    lists: AskedLists,
    spoken: NDArray[np.intp],
    parts: Sequence[int],
    seen: Table,
    ends: Table | None,
) -> dict[tuple[int, int], Estimate]:
    """Return estimates by (value, part) of V x S numbers and 2 x V x S ends."""
    found = {}
    for i, v in enumerate(spoken.tolist()):
        for j, part in enumerate(parts):
            more: dict[str, Any] = {"reason": _alone(lists)}
            if ends is not None:
                method = f"cluster bootstrap over {lists.unit}s, percentiles widened for few"
                more = {"low": float(ends[0, i, j]), "high": float(ends[1, i, j])}
                more["method"] = f"{method} {lists.unit}s"
            found[v, part] = lists.estimate(float(seen[i, j]), v, **more)
    return found


def _alone(lists: AskedLists) -> str:
    return f"a value is present in too few {lists.unit}s"


def _normalised(means: Table) -> Table:
    """Take rounding off, so that shares sum to 1."""
    means = np.maximum(means, 0.0)
    return means / means.sum(axis=-1, keepdims=True)


def _adjusted(p_values: Table, family: str) -> list[dict[str, Any]]:
    """Return p-values with their adjustments, row by row."""
    flat = p_values.ravel().tolist()
    words = f"{family} ({len(flat)} tests)"
    rows = zip(flat, holm(flat), benjamini_hochberg(flat), strict=True)
    return [{"p_value": p, "p_adjusted": a, "q_value": q, "family": words} for p, a, q in rows]
