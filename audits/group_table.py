"""Users as a table: how useful their lists were, and which groups they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.intersections import NAMES, VALUES
from fairrec.evidence.permutation import PermutationTest
from fairrec.metrics.utility import UTILITIES, coverage, relevance_matrix
from fairrec.types import Outcome, Probe, Ranking
from fairrec.users import User

Values = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class UserTable:
    """The users who were asked for, one row each, in the order of their probes.

    Attributes:
        users: The n users.
        answered: Shape (n,): whether any of the user's probes brought a list.
        measures: By name, one utility a user; NaN where there is no list or nothing held out. A
            user who was asked several times has the mean.
        named: The catalogue items that the user's lists name.
    """

    users: Sequence[User]
    answered: NDArray[np.bool_]
    measures: Mapping[str, Values]
    named: Sequence[frozenset[str]]

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """Whether a user has a list and held-out items."""
        return np.all([~np.isnan(values) for values in self.measures.values()], axis=0)


def user_table(
    users: Mapping[str, User],
    probes: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    k: int,
    catalog_items: frozenset[str],
) -> UserTable:
    """Return the table of the probes' users.

    Args:
        users: By id; every probe's cluster is one of them.
        probes: What was asked.
        rankings: Answers by probe id.
        k: Places of a list that count.
        catalog_items: What coverage counts.
    """
    asked: dict[str, list[int]] = {}
    for i, probe in enumerate(probes):
        asked.setdefault(probe.cluster, []).append(i)
    lists = [rankings[probe.id] for probe in probes]
    hits, n_relevant = relevance_matrix(lists, [users[p.cluster].held_out for p in probes], k)
    answered = np.array([ranking.outcome is Outcome.ANSWERED for ranking in lists], dtype=bool)
    names = [frozenset(ranking.items[:k]) & catalog_items for ranking in lists]
    return UserTable(
        users=[users[id] for id in asked],
        answered=np.array([answered[places].any() for places in asked.values()], dtype=bool),
        measures={
            name: np.array([_mean(values[places]) for places in asked.values()])
            for name, values in (
                (name, measure(hits, n_relevant)) for name, measure in UTILITIES.items()
            )
        },
        named=[
            frozenset().union(*(names[i] for i in places if answered[i]))
            for places in asked.values()
        ],
    )


@dataclass(frozen=True, slots=True)
class Stratum:
    """The groups of one attribute or intersection, among all users or one control level's.

    Attributes:
        name: Name of the attribute, such as "gender" or "gender_x_age".
        level: Values of the control features; empty for all users.
        groups: Rows of the users of each large enough group, by the group's values.
        small: Groups that are left out, with their sizes, in words.
    """

    name: str
    level: tuple[str, ...]
    groups: Mapping[tuple[str, ...], Rows]
    small: Sequence[str]

    def of(self, values: Values) -> dict[str, Values]:
        """Return the groups' values by the groups' names."""
        return {VALUES.join(group): values[rows] for group, rows in self.groups.items()}


@dataclass(frozen=True)
class Grouping:
    """How users are grouped: by `parts` together, within the levels of `control`."""

    parts: tuple[str, ...]
    control: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the attribute or intersection."""
        return NAMES.join(self.parts)

    def strata(
        self, users: Sequence[User], counted: NDArray[np.bool_], minimum: int
    ) -> list[Stratum]:
        """Return one stratum per control level (one in all without any), in rising order.

        Args:
            users: n users.
            counted: Shape (n,): whose values count.
            minimum: Smallest group that is reported.
        """
        cells: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
        for row, user in enumerate(users):
            if all(name in user.profile for name in (*self.parts, *self.control)):
                level = tuple(user.profile[name] for name in self.control)
                group = tuple(user.profile[name] for name in self.parts)
                cells.setdefault(level, {}).setdefault(group, []).append(row)
        strata = []
        for level, groups in sorted(cells.items()):
            members = {
                group: np.array([row for row in rows if counted[row]], dtype=np.intp)
                for group, rows in sorted(groups.items())
            }
            small = [
                f"{VALUES.join(group)} ({len(rows)})"
                for group, rows in members.items()
                if len(rows) < minimum
            ]
            large = {group: rows for group, rows in members.items() if len(rows) >= minimum}
            strata.append(Stratum(self.name, level, large, small))
        return strata

    def frame(
        self, strata: Sequence[Stratum], metrics: Mapping[str, Callable[[Rows], float]]
    ) -> Any:
        """Return the `fairlearn.metrics.MetricFrame` of metrics over the strata's users.

        Args:
            strata: What `strata` returned.
            metrics: By name, what makes one number of the rows of a group.
        """
        import pandas
        from fairlearn.metrics import MetricFrame

        rows = [
            (row, *stratum.level, *group)
            for stratum in strata
            for group, members in stratum.groups.items()
            for row in members
        ]
        table = pandas.DataFrame(rows, columns=["row", *self._columns])
        features = table[self._columns[len(self.control) :]]
        controls = table[self._columns[: len(self.control)]] if self.control else None
        return MetricFrame(
            # fairlearn hands every metric its group's part of y_true: here, their rows.
            metrics={
                name: (lambda y_true, y_pred, metric=metric: metric(np.asarray(y_true)))
                for name, metric in metrics.items()
            },
            y_true=table["row"],
            y_pred=table["row"],
            sensitive_features=features,
            control_features=controls,
        )

    @property
    def _columns(self) -> list[str]:
        return [f"control {name}" for name in self.control] + list(self.parts)


def group_coverage(
    table: UserTable, stratum: Stratum, n_items: int, rng: np.random.Generator, draws: int
) -> tuple[dict[tuple[str, ...], float], PermutationTest]:
    """Return each group's coverage at the size of the smallest, and the test of its range.

    The users are permuted over the groups; `null_mean` is what chance makes of the range.
    """
    from scipy.sparse import csr_array

    rows = np.concatenate(list(stratum.groups.values()))
    sizes = [len(members) for members in stratum.groups.values()]
    column: dict[str, int] = {}
    places = [
        (i, column.setdefault(item, len(column)))
        for i, row in enumerate(rows)
        for item in sorted(table.named[row])
    ]
    cells = np.array(places, dtype=np.intp).reshape(-1, 2).T
    listing = csr_array((np.ones(len(places)), (cells[0], cells[1])), (len(rows), len(column)))
    ends = np.cumsum([0, *sizes])

    def of_groups(orders: Rows) -> Values:
        """Coverage of each group, for orders of the users: orders x groups."""
        found = []
        for start, end in zip(ends[:-1], ends[1:], strict=True):
            member = np.zeros((len(rows), len(orders)))
            member[orders[:, start:end].T, np.arange(len(orders))] = 1.0
            counts = np.rint(listing.T @ member).astype(np.intp).T
            found.append(coverage(counts, end - start, n_items, of=min(sizes)))
        return np.column_stack(found)

    seen = of_groups(np.arange(len(rows))[None])[0]
    by_group = dict(zip(stratum.groups, seen.tolist(), strict=True))
    if len(sizes) < 2:
        return by_group, PermutationTest(None, None, reason="fewer than two groups")
    null = np.concatenate(
        [
            np.ptp(of_groups(rng.permuted(np.tile(np.arange(len(rows)), (size, 1)), axis=1)), 1)
            for size in np.diff([*range(0, draws, 100), draws]).tolist()
        ]
    )
    extreme = int((null >= np.ptp(seen) - 1e-10).sum())
    return by_group, PermutationTest((1 + extreme) / (1 + draws), float(null.mean()), draws)


def _mean(values: Values) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
