"""A packed trie scores every token of every continuation at the right place."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fairrec.language_models.packed_trie import ROOT, pack

continuations = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=6), min_size=1, max_size=12
)


@given(continuations, st.integers(1, 20))
def test_every_place_holds_the_tokens_before_it(given: list[list[int]], most: int) -> None:
    scored: dict[int, list[int]] = {}
    for chunk in pack(given, most):
        places, targets = iter(chunk.places.tolist()), iter(chunk.targets.tolist())
        for i, length in zip(chunk.continuations, chunk.lengths, strict=True):
            scored[i] = []
            for n in range(length):
                place = next(places)
                seen = [] if place == ROOT else chunk.tokens[chunk.visible[place]].tolist()
                assert seen == given[i][:n]
                depth = -1 if place == ROOT else int(chunk.depths[place])
                assert depth == n - 1
                scored[i].append(next(targets))
    assert scored == dict(enumerate(given))


@given(continuations)
def test_no_beginning_is_computed_twice(given: list[list[int]]) -> None:
    (chunk,) = pack(given, 1000)
    beginnings = {tuple(c[:n]) for c in given for n in range(1, len(c))}
    assert len(chunk.tokens) == len(beginnings)


@given(continuations, st.integers(6, 20))
def test_chunks_keep_to_their_size(given: list[list[int]], most: int) -> None:
    assert all(len(chunk.tokens) <= most for chunk in pack(given, most))
    assert sum(np.size(chunk.targets) for chunk in pack(given, most)) == sum(map(len, given))
