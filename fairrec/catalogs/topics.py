"""Topics of an audit: the values that are frequent in a column of the catalogue."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from fairrec.catalogs.catalog import Catalog
from fairrec.errors import WrongUse


def frequent_values(
    catalog: Catalog,
    column: str = "director",
    *,
    minimum_items: int = 5,
    n: int | None = None,
    popularity: str | None = "votes",
) -> tuple[str, ...]:
    """Return the values of a column of text that several items have, most frequent first.

    Ties are ordered by the sum of the items' popularity, then by name.

    Args:
        catalog: Where to count.
        column: A column of text, such as ``"director"``.
        minimum_items: How many items a value must have.
        n: How many values to return at most; None for all.
        popularity: Numeric column that breaks ties; left out of account if the catalogue
            lacks it.

    Raises:
        WrongUse: No such column, it holds numbers, or no value has enough items.
    """
    values = catalog.column(column)
    if values.dtype != object:
        raise WrongUse(
            f"column {column!r} holds numbers.",
            expected="a column of text, such as a director or an artist.",
            do="choose another column, or name the topics yourself.",
        )
    votes = (
        np.nan_to_num(catalog.numbers(popularity))
        if popularity is not None and popularity in catalog.columns
        else np.zeros(len(catalog))
    )
    count: Counter[str] = Counter()
    total: defaultdict[str, float] = defaultdict(float)
    for value, popular in zip(values, votes.tolist(), strict=True):
        if value is not None:
            count[value] += 1
            total[value] += popular
    chosen = sorted(
        (value for value in count if count[value] >= minimum_items),
        key=lambda value: (-count[value], -total[value], value),
    )
    if not chosen:
        most = max(count.values(), default=0)
        raise WrongUse(
            f"no value of {column!r} has at least {minimum_items} items; the most is {most}.",
            expected="values that several items share.",
            do="lower the minimum, choose another column, or name the topics yourself.",
        )
    return tuple(chosen[:n])
