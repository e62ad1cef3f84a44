"""The answer is exactly the same whatever value is stated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.audits import SensitivityAudit
from fairrec.errors import WrongUse
from fairrec.mitigations.prompting.counterfactual_ensemble import CounterfactualEnsemble
from fairrec.mitigations.rank_aggregation import (
    Aggregation,
    aggregate,
    disagreements,
    kemeny_order,
    mean_scores,
)
from fairrec.prompts import LANGUAGES, attribute, attribute_names, template
from fairrec.protocols import ScoresItems
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.types import Outcome, Ranking, Request, Usage

ITEMS = tuple("abcdefgh")


class Moody:
    """Answers by all that it reads: words and profile; refuses, ties and forgets at random."""

    score_kind = "rating"

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.asked = 0

    @property
    def description(self) -> dict[str, int]:
        return {"seed": self.seed}

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        self.asked += len(requests)
        return [self._rank(request) for request in requests]

    def _rank(self, request: Request) -> Ranking:
        rng = generator(self.seed, request.instruction, str(sorted(request.profile.items())))
        if rng.random() < 0.2:
            return Ranking(outcome=Outcome.REFUSED, usage=Usage(3, 1))
        scores = np.sort(rng.integers(0, 4, 8))[::-1][: int(rng.integers(1, 9))]
        items = rng.permutation(ITEMS)[: len(scores)]
        return Ranking(tuple(items), scores=tuple(map(float, scores)), usage=Usage(3, 4))

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[np.ndarray]:
        return [
            generator(self.seed, r.instruction, str(sorted(r.profile.items()))).random(len(items))
            for r in requests
        ]


def _stated(name: str, language: str, form: str, value: int | None) -> Request:
    words = template(form, language=language)
    known = attribute(name, language=language).values
    said = {}
    if value is not None:
        one = known[value]
        said = {"value": one.phrase} if "value" in words.fields else {"statement": one.statement}
    return Request(
        k=5,
        instruction=words.instruction(k=5, name="Jack Black", history="Up; She", **said),
        profile={} if value is None else {name: known[value].value},
        slots={"name": "Jack Black"},
    )


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10_000),
    st.sampled_from(attribute_names()),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["movie", "movie_statement", "movie_user"]),
    st.sampled_from(get_args(Aggregation)),
)
def test_the_answer_does_not_depend_on_what_is_stated(
    seed: int, name: str, language: str, form: str, how: Aggregation
) -> None:
    ensemble = CounterfactualEnsemble(attribute=name, language=language, aggregation=how)
    values = attribute(name, language=language).values
    requests = [_stated(name, language, form, v) for v in (None, *range(len(values)))]
    assert all(ensemble.expand(r) == ensemble.expand(requests[0]) for r in requests)
    assert ensemble.calls(requests[1]) == len(values) + 1
    original = Moody(seed)
    answers = ensemble.wrap(original).recommend(requests)
    assert all(answer == answers[0] for answer in answers)
    assert original.asked == len(values) + 1, "equal questions are asked once"


def test_every_value_is_stated_as_the_template_states_it() -> None:
    ensemble = CounterfactualEnsemble(attribute="age")
    for form in ("movie", "movie_user"):
        asked = ensemble.expand(_stated("age", "en", form, 1))
        expected = [_stated("age", "en", form, value) for value in (None, 0, 1, 2)]
        assert asked == expected
    for form, kind in (("movie_noun", "noun"), ("movie_clause", "clause")):
        words = template(form)
        phrases = [value.phrase for value in attribute("age", form=kind).values]  # type: ignore[arg-type]
        start = Request(k=2, instruction=words.instruction(k=2, value=phrases[0], name="X"))
        asked = ensemble.expand(start)
        assert [r.instruction for r in asked] == [
            words.instruction(k=2, value=value, name="X") for value in (None, *phrases)
        ]


def test_words_of_another_form_begin_with_a_sentence() -> None:
    ensemble = CounterfactualEnsemble(attribute="gender", include_neutral=False)
    texts = [
        [r.instruction for r in ensemble.expand(Request(k=1, instruction=f"I'm a {said}. Films?"))]
        for said in ("woman", "man")
    ]
    assert texts[0] == texts[1]
    assert texts[0][0] == f"{attribute('gender').values[0].statement} I'm a person. Films?"


def test_who_refuses_has_no_voice() -> None:
    ensemble = CounterfactualEnsemble(attribute="physics")
    refused = Ranking(outcome=Outcome.REFUSED, usage=Usage(2, 1))
    lists = [Ranking(("a", "b"), usage=Usage(5, 5)), refused, Ranking(("b", "a", "c"))]
    (found,) = ensemble.combine([Request(k=2)], [lists])
    assert found.items == ("a", "b")
    assert found.detail == "counterfactual_ensemble: 2 of 3 voices were answered"
    assert found.usage == Usage(7, 6)
    (none,) = ensemble.combine([Request(k=2)], [[refused, refused]])
    assert none.outcome is Outcome.REFUSED
    assert none.usage == Usage(4, 2)


def test_scores_stay_scores_and_do_not_depend_on_it_either() -> None:
    wrapped = CounterfactualEnsemble(attribute="gender").wrap(Moody(1))
    assert isinstance(wrapped, ScoresItems)
    requests = [_stated("gender", "en", "movie", value) for value in (None, 0, 3)]
    scores = wrapped.score(requests, ["a", "b"])
    assert (scores[0] == scores[1]).all() and (scores[0] == scores[2]).all()


def test_the_sensitivity_audit_finds_no_effect() -> None:
    audit = SensitivityAudit(
        topics=["Ang Lee", "Jack Black", "Spike Lee", "Tim Burton", "Sam Raimi"],
        attributes=[attribute("gender")],
        template=template("movie"),
        k=5,
        draws=200,
    )
    before = run_audit(audit, Moody(2))
    after = run_audit(audit, CounterfactualEnsemble(attribute="gender").wrap(Moody(2)))
    for result, effect in ((before, True), (after, False)):
        snsr = result.finding("sensitivity.gender.jaccard.snsr").estimate
        assert snsr.value is not None
        assert (snsr.value > 0) == effect


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 4))
def test_kemeny_is_the_best_of_all_orders(seed: int, n: int, voices: int) -> None:
    rng = np.random.default_rng(seed)
    lists = [
        rng.permutation(ITEMS[:n])[: int(rng.integers(1, n + 1))].tolist() for _ in range(voices)
    ]
    found = kemeny_order(lists)
    fewest = min(disagreements(order, lists) for order in permutations(sorted(found)))
    assert disagreements(found, lists) == fewest


def test_long_lists_are_no_worse_than_bordas_order() -> None:
    rng = np.random.default_rng(5)
    names = [f"i{n:02d}" for n in range(25)]
    for _ in range(10):
        lists = [rng.permutation(names).tolist() for _ in range(4)]
        kemeny = disagreements(kemeny_order(lists), lists)
        assert kemeny <= disagreements(aggregate(lists, "borda"), lists)


@pytest.mark.parametrize("how", get_args(Aggregation))
def test_one_list_stays_and_the_order_of_lists_does_not_matter(how: Aggregation) -> None:
    lists = [["c", "a", "b"], ["b", "a"], ["a", "d", "c"]]
    scores = [[3.0, 2.0, 1.0], [0.5, 0.2], [9.0, 1.0, 0.0]]
    assert aggregate(lists[:1], how, scores[:1]) == ["c", "a", "b"]
    orders = {
        tuple(aggregate([lists[i] for i in order], how, [scores[i] for i in order]))
        for order in permutations(range(3))
    }
    assert len(orders) == 1


def test_what_is_wrong_is_said() -> None:
    assert mean_scores([["a", "b"], ["b"]], [[2.0, 1.0], [4.0]]) == {"a": 3.0, "b": 2.5}
    with pytest.raises(WrongUse, match="a list has none"):
        aggregate([["a"]], "mean_score", [None])
    with pytest.raises(WrongUse, match="'luck'"):
        aggregate([["a"]], "luck")  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="'shoe size' is none of fairrec's"):
        CounterfactualEnsemble(attribute="shoe size")
