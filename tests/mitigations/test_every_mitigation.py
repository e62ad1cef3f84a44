"""What holds of every mitigation, whatever it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from turned_lists import Alphabet

from fairrec.catalogs import Catalog
from fairrec.command_line.configuration import make_configuration
from fairrec.command_line.mitigating import build_mitigation
from fairrec.errors import WrongUse
from fairrec.mitigations import MITIGATIONS, Mitigation
from fairrec.mitigations.rerankers.reranker import Reranker
from fairrec.types import Outcome, Ranking, Request

IDS = tuple(f"i{n:02d}" for n in range(30))
CATALOG = Catalog(
    IDS,
    tuple(f"Film {n}" for n in range(30)),
    {
        "genre": np.array(["head"] * 10 + ["tail"] * 20, dtype=object),
        "interactions": np.concatenate([np.full(10, 50.0), np.full(20, 2.0)]),
    },
)
DOC = Path(__file__).parents[2] / "docs" / "choosing_a_mitigation.md"
FITTED = {"conformal", "stella"}
RERANKERS = sorted(name for name, kind in MITIGATIONS.items() if issubclass(kind, Reranker))
NO_IDENTITY = {"fa_ir", "order_bootstrap"}
"""Their strength is no λ: a share of places in (0, 1), a number of orders."""


def made(name: str, **settings: Any) -> Mitigation:
    return build_mitigation(name, settings, make_configuration({}, "a test"), CATALOG)


def answers(seed: int, m: int = 25) -> tuple[list[Request], list[list[Ranking]]]:
    """Lists that favour the head, two of them missing, one with made-up titles."""
    rng = np.random.default_rng(seed)
    requests, rankings = [], []
    for n in range(m):
        scores = rng.random(30) + np.where(np.arange(30) < 10, 0.5, 0.0)
        best = np.argsort(-scores)[: int(rng.integers(6, 20))]
        items = [IDS[i] for i in best]
        if n == 3:
            items[2] = "?made up"
        history = tuple(IDS[i] for i in rng.choice(30, int(rng.integers(0, 6)), replace=False))
        requests.append(Request(k=5, history=history, slots={"user": f"u{n}"}))
        found = Ranking(tuple(items), scores=tuple(scores[best].tolist()))
        rankings.append([Ranking(outcome=Outcome.REFUSED) if n in (4, 9) else found])
    return requests, rankings


@pytest.mark.parametrize("name", RERANKERS)
def test_lists_hold_k_of_their_own_candidates_and_the_same_again(name: str) -> None:
    requests, rankings = answers(1)
    found = made(name).combine(requests, rankings)
    assert len(found) == len(requests)
    for (before,), after in zip(rankings, found, strict=True):
        assert after.outcome is before.outcome
        if before.outcome is Outcome.ANSWERED:
            assert len(after.items) == 5
            assert set(after.items) <= set(before.items)
            scores = dict(zip(before.items, before.scores or (), strict=True))
            assert after.scores == tuple(scores[item] for item in after.items)
    assert made(name).combine(requests, rankings) == found


@pytest.mark.parametrize("name", [n for n in RERANKERS if MITIGATIONS[n].strength])
def test_strength_0_is_the_identity(name: str) -> None:
    if name in NO_IDENTITY:
        with pytest.raises(WrongUse):
            made(name, **{MITIGATIONS[name].strength: 0})
        return
    requests, rankings = answers(2)
    found = made(name, **{MITIGATIONS[name].strength: 0}).combine(requests, rankings)
    for (before,), after in zip(rankings, found, strict=True):
        assert after.items == before.items[:5]


@pytest.mark.parametrize("name", sorted(MITIGATIONS.keys() - FITTED))
def test_it_can_be_named_wrapped_and_described(name: str) -> None:
    mitigation = made(name)
    wrapped = mitigation.wrap(Alphabet(), on_error="original")
    description = json.loads(json.dumps(dict(wrapped.description)))
    assert description["mitigation"]["mitigation"] == name
    field = MITIGATIONS[name].strength
    if field:
        assert field in description["mitigation"]
    assert (MITIGATIONS[name].__doc__ or "").strip()


@pytest.mark.parametrize("name", sorted(FITTED))
def test_what_needs_fitting_says_so(name: str) -> None:
    with pytest.raises(WrongUse, match="learns from answers before it is used"):
        made(name)


def test_names_and_settings_that_are_unknown_are_said() -> None:
    with pytest.raises(WrongUse, match=r"(?s)no mitigation 'fa_irr'.*did you mean 'fa_ir'"):
        made("fa_irr")
    with pytest.raises(WrongUse, match=r"(?s)fa_ir has no setting 'alpa'.*did you mean 'alpha'"):
        made("fa_ir", alpa=0.2)
    with pytest.raises(WrongUse, match="fa_ir: p is 'much'"):
        made("fa_ir", p="much")


def test_the_page_names_them_all() -> None:
    page = DOC.read_text("utf-8")
    missing = [name for name in MITIGATIONS if f"`{name}`" not in page]
    assert not missing
