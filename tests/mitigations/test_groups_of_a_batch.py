"""The groups that rerankers see: the catalogue's, and "unknown" for what is off it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairrec.catalogs import Catalog
from fairrec.metrics.item_groups import group_items
from fairrec.mitigations.rerankers.mmr import MMR
from fairrec.types import Ranking, Request

COLUMNS = {
    "one": ["x", "y", "x", "z"],
    "several": ["x|y", "y", "x", "z|x"],
    "gaps": ["x|y", None, "", "z"],
    "numbers": [1.0, 5.0, 3.0, float("nan")],
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("strange", [0, 1, 3])
def test_they_are_those_of_one_column(name: str, strange: int) -> None:
    ids = ("d", "b", "a", "c")
    values: list[Any] = COLUMNS[name]
    catalog = Catalog(ids, ids, {"column": np.array(values, dtype=object)})
    kind = MMR(catalog=catalog, column="column")
    ranking = Ranking((*ids[:2], *(f"?{n}" for n in range(strange))))
    batch, names = kind._batch([Request(k=2)], [ranking], 2)
    by_id = dict(zip(ids, values, strict=True))
    expected = group_items([*(by_id[item] for item in sorted(ids)), *[None] * strange])
    assert names == [*sorted(ids), *(f"?{n}" for n in range(strange))]
    assert batch.groups.names == expected.names
    assert (batch.groups.membership != expected.membership).nnz == 0
