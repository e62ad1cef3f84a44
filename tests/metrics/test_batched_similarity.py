"""Batched measures give what the single-list functions give, and refuse what is not an array."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.errors import WrongUse
from fairrec.metrics import batched_similarity, similarity
from fairrec.metrics.batched_similarity import (
    batched_jaccard,
    batched_prag,
    batched_rbo,
    batched_serp,
    encode_lists,
)
from fairrec.metrics.similarity import DIALECTS, Dialect

PUBLISHED = Path(__file__).parents[3] / "shared" / "oracles" / "list_similarity.json"

items = st.sampled_from(["a", "b", "c", "d", "e", "f", 7])
lists = st.lists(items, max_size=9) | st.none()
pairs = st.lists(st.tuples(lists, lists), max_size=12)


def encoded(pairs: list) -> tuple[np.ndarray, np.ndarray]:
    coded = encode_lists([x for x, _ in pairs] + [y for _, y in pairs])
    return coded[: len(pairs)], coded[len(pairs) :]


@given(pairs, st.none() | st.integers(1, 12), st.sampled_from(DIALECTS))
@settings(max_examples=300)
def test_equal_to_the_single_lists(pairs: list, k: int | None, dialect: Dialect) -> None:
    x, y = encoded(pairs)
    for batched, single in (
        (batched_serp, similarity.serp),
        (batched_prag, similarity.prag),
    ):
        expected = np.array([single(a, b, k, dialect) for a, b in pairs])
        np.testing.assert_array_equal(batched(x, y, k, dialect), expected)
    expected = np.array([similarity.jaccard(a, b, dialect) for a, b in pairs])
    np.testing.assert_array_equal(batched_jaccard(x, y, dialect), expected)


@given(pairs, st.floats(0.05, 0.99))
def test_rbo_equal_to_the_single_lists(pairs: list, p: float) -> None:
    expected = np.array([similarity.rbo(a, b, p) for a, b in pairs])
    np.testing.assert_allclose(batched_rbo(*encoded(pairs), p), expected, atol=1e-12)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the shared oracles are not here")
@pytest.mark.parametrize("dialect", ["paper", "fairllm", "langfair"])
def test_every_published_pair(dialect: Dialect) -> None:
    cases = json.loads(PUBLISHED.read_text("utf-8"))["cases"]
    x, y = encoded([(case["x_sensitive"], case["y_neutral"]) for case in cases])
    for name, values in (
        ("jaccard", batched_jaccard(x, y, dialect)),
        ("serp", batched_serp(x, y, dialect=dialect)),
        ("prag", batched_prag(x, y, dialect=dialect)),
    ):
        expected = [case[dialect][name] for case in cases]
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def test_many_chunks_many_codes_and_any_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 12, (2, 500, 10)) + 100_000
    whole = batched_prag(x, y)
    monkeypatch.setattr(batched_similarity, "CHUNK", 70)
    np.testing.assert_array_equal(batched_prag(x, y), whole)
    np.testing.assert_array_equal(batched_prag(np.asfortranarray(x), y[:, :]), whole)
    np.testing.assert_array_equal(batched_prag(x * 2**33, y * 2**33), whole)


def test_long_lists() -> None:
    rng = np.random.default_rng(2)
    x, y = (rng.permuted(np.tile(np.arange(400), (3, 1)), axis=1)[:, :300] for _ in range(2))
    x[0] = y[0]
    for dialect in DIALECTS:
        np.testing.assert_array_equal(
            batched_prag(x, y, dialect=dialect),
            [similarity.prag(a, b, dialect=dialect) for a, b in zip(x, y, strict=True)],
        )
        np.testing.assert_array_equal(
            batched_serp(x, y, dialect=dialect),
            [similarity.serp(a, b, dialect=dialect) for a, b in zip(x, y, strict=True)],
        )
    ones = np.ones((1, 300), dtype=int)
    assert batched_serp(ones, ones, dialect="fairllm") == similarity.serp(
        [1] * 300, [1] * 300, dialect="fairllm"
    )


def test_encoding() -> None:
    coded = encode_lists([["b", "a"], None, [], ["a", "c", "b"]])
    assert coded.tolist() == [[0, 1, -1], [-1, -1, -1], [-1, -1, -1], [1, 2, 0]]
    assert coded.dtype == np.int16
    assert encode_lists([range(40_000)]).dtype == np.int32
    assert encode_lists([]).shape == (0, 0)
    nothing = encode_lists([None, []])
    assert nothing.shape == (2, 0)
    assert np.isnan(batched_serp(nothing, nothing)).all()
    assert (batched_prag(nothing, nothing, dialect="paper") == 0).all()
    assert batched_jaccard(encode_lists([]), encode_lists([])).shape == (0,)


def test_widths_may_differ() -> None:
    x, y = np.array([[1, 2, 3]]), np.array([[1, -1]])
    assert batched_jaccard(x, y) == pytest.approx(1 / 3)
    assert batched_rbo(x, y) == pytest.approx(similarity.rbo([1, 2, 3], [1]))
    assert batched_rbo(y, x) == pytest.approx(similarity.rbo([1], [1, 2, 3]))
    assert math.isnan(batched_prag(x, np.array([[-1]]))[0])


def test_wrong_use() -> None:
    good = np.array([[1, 2]])
    with pytest.raises(WrongUse, match="encode_lists"):
        batched_serp(good * 1.0, good)
    with pytest.raises(WrongUse, match="encode_lists"):
        batched_serp(good[0], good)
    with pytest.raises(WrongUse, match="x has 1 lists and y has 2"):
        batched_jaccard(good, np.array([[1], [2]]))
    with pytest.raises(WrongUse, match="before an item"):
        batched_prag(np.array([[-1, 2]]), good)
    with pytest.raises(WrongUse, match='"langfair"'):
        batched_jaccard(good, good, "jaccard")  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="k is -1"):
        batched_serp(good, good, k=-1)
