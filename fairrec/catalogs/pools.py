"""Candidate pools: which items a recommender is given to choose from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fairrec.catalogs.catalog import Catalog
from fairrec.errors import WrongUse
from fairrec.seeds import generator


def candidate_pool(
    catalog: Catalog,
    size: int | None = None,
    *,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    stratify_by: str | None = None,
    seed: int = 0,
    purpose: str = "",
) -> tuple[str, ...]:
    """Return the ids of a pool of items, in the catalogue's order.

    The same catalogue and arguments give the same pool in any process.

    Args:
        catalog: Where the items come from.
        size: Number of items, those of `include` among them; None for all that may be.
        include: Ids that the pool must hold. The rest is drawn.
        exclude: Ids that it must not hold, such as what a user knows already.
        stratify_by: Numeric column, such as ``"votes"``. The remaining items are sorted by it
            (missing values lowest, ties in the catalogue's order), cut into as many strata of
            equal count as items are to be drawn, and one item is drawn from each: the pool
            then covers the popular and the obscure as the catalogue does. None draws from
            all alike.
        seed: The run's seed.
        purpose: What this pool is for, such as a topic's name; other purposes draw other items.

    Raises:
        WrongUse: `size` exceeds what is there or does not hold `include`, or is below 1; an id
            is unknown, or both included and excluded; `stratify_by` is no numeric column.
    """
    fixed = sorted({catalog.index(item) for item in include})
    barred = {catalog.index(item) for item in exclude}
    if both := barred.intersection(fixed):
        raise WrongUse(
            f"{catalog.ids[min(both)]!r} is both included and excluded.",
            expected="items that are one or the other.",
        )
    most = len(catalog) - len(barred)
    size = most if size is None else size
    if size > most or size < max(1, len(fixed)):
        raise WrongUse(
            f"a pool of {size} items was asked for; there are {most} to choose from and "
            f"{len(fixed)} must be included.",
            expected=f"a size from {max(1, len(fixed))} to {most}.",
            do="choose a size in this range, or include fewer items.",
        )
    rest = np.setdiff1d(np.arange(len(catalog)), [*fixed, *barred])
    if stratify_by is not None:
        values = catalog.numbers(stratify_by)[rest]
        rest = rest[np.argsort(np.where(np.isnan(values), -np.inf, values), kind="stable")]
    random = generator(seed, "candidate pool", purpose)
    wanted = size - len(fixed)
    if wanted == 0:
        drawn = np.empty(0, dtype=int)
    elif stratify_by is None:
        drawn = random.choice(rest, wanted, replace=False)
    else:
        drawn = np.array([random.choice(stratum) for stratum in np.array_split(rest, wanted)])
    return tuple(catalog.ids[row] for row in sorted([*fixed, *drawn.tolist()]))
