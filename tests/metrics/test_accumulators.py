"""Sums over lists are those of loops over values, in any order and any split."""

from __future__ import annotations

import numpy as np
import pytest

from fairrec.errors import WrongUse
from fairrec.metrics import accumulators
from fairrec.metrics.accumulators import ItemTotals, ListSums, bucket_of


def test_first_users_have_a_bucket_of_their_own_and_the_rest_are_dealt_out() -> None:
    users = np.arange(100_000)
    buckets = bucket_of(users, 50)
    assert buckets[:50].tolist() == list(range(50))
    held = np.bincount(buckets, minlength=50)
    assert len(held) == 50 and held.min() > 1_700 and held.max() < 2_300
    assert (bucket_of(users[::-1], 50)[::-1] == buckets).all()


@pytest.mark.parametrize("block", [1, 7, 1 << 15])
def test_item_totals(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accumulators, "BLOCK", block)
    rng = np.random.default_rng(0)
    items, users = rng.integers(0, 30, 500).astype(np.int32), rng.integers(0, 90, 500)
    values = rng.random(500)
    expected = np.zeros((40, 30))
    for item, value, user in zip(items, values, users, strict=True):
        expected[bucket_of(np.array([user]), 40)[0], item] += value
    whole, first, rest = (ItemTotals(30, 40) for _ in range(3))
    whole.update(items, values, users)
    first.update(items[:200], values[:200], users[:200])
    rest.update(items[200:], values[200:], users[200:])
    rest.update(items[:0], values[:0], users[:0])
    first.merge(rest)
    for totals in (whole, first):
        assert totals.by_bucket == pytest.approx(expected, rel=1e-5)
        assert totals.total == pytest.approx(expected.sum(axis=0), rel=1e-12)
    rest = [expected.sum(axis=0) - bucket for bucket in expected if bucket.any()]
    for few in (1, 3 * 30, 1_000_000):
        monkeypatch.setattr(accumulators, "LEFT_OUT", few)
        assert whole.left_out(lambda some: (some**2).sum(axis=1)) == pytest.approx(
            [(some**2).sum() for some in rest], rel=1e-5
        )
    assert len(ItemTotals(3, 8).left_out(lambda some: some.sum(axis=1))) == 0
    with pytest.raises(WrongUse, match="cannot be added"):
        whole.merge(ItemTotals(31, 40))


def test_nothing_is_left_of_what_one_bucket_has() -> None:
    rng = np.random.default_rng(0)
    totals, users = ItemTotals(3, 8), rng.integers(0, 8, 10_000)
    items = np.where(users == 5, 2, users % 2)
    totals.update(items, rng.random(10_000), users)
    left = totals.left_out(lambda some: (some > 0).sum(axis=1))
    assert left.tolist() == [3, 3, 3, 3, 3, 2, 3, 3]


def test_many_items_have_few_buckets() -> None:
    assert ItemTotals(10, 200).buckets == 200
    assert ItemTotals(1_000_000).buckets == 32


def test_list_sums_leave_out_what_is_missing() -> None:
    rng = np.random.default_rng(1)
    users = rng.integers(0, 50, 300)
    whole_numbers, table = rng.integers(0, 9, 300), rng.random((300, 4))
    single = np.where(rng.random(300) < 0.2, np.nan, rng.random(300))
    table[rng.random((300, 4)) < 0.1] = np.nan
    values = {"whole": whole_numbers, "single": single, "table": table}
    sums, one, other = (ListSums(20) for _ in range(3))
    sums.update(values, users)
    one.update({name: value[:120] for name, value in values.items()}, users[:120])
    other.update({name: value[120:] for name, value in values.items()}, users[120:])
    one.merge(other)
    bucket = bucket_of(users, 20)
    for name, value in values.items():
        for b in range(20):
            held = value[bucket == b].astype(float)
            for made in (sums, one):
                assert made.sums[name][b] == pytest.approx(np.nansum(held, axis=0))
                assert (made.counts[name][b] == (~np.isnan(held)).sum(axis=0)).all()
        assert sums.mean(name) == pytest.approx(np.nanmean(value, axis=0))
    with pytest.raises(WrongUse, match="cannot be added"):
        sums.merge(ListSums(21))
    nothing = ListSums(5)
    nothing.update({"none": np.array([np.nan])}, np.array([0]))
    nothing.update({"none": np.empty(0)}, np.empty(0, dtype=np.int64))
    assert np.isnan(nothing.mean("none"))
