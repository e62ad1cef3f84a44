"""A wrapped recommender is a recommender, keeps what still holds, and fails as it was told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from turned_lists import CATALOG, Alphabet, Politely, Turned

from fairrec.errors import BadData, RunBroken, WrongUse
from fairrec.mitigations.mitigation import Mitigation
from fairrec.protocols import Mitigates, ReadsText, Recommender, ScoresItems
from fairrec.running import ResponseStore, ask
from fairrec.types import Arm, Outcome, Probe, Ranking, Request

TURNED = Turned(catalog=CATALOG, column="maker")


def test_it_asks_for_more_and_answers_with_k() -> None:
    original = Alphabet()
    wrapped = Turned(catalog=CATALOG, column="maker", depth=5).wrap(original)
    (ranking,) = wrapped.recommend([Request(k=3, instruction="Name 3 films.")])
    assert original.asked == [Request(k=5, instruction="Name 5 films.")]
    assert ranking.items == ("c", "b", "a")
    assert ranking.scores == (4.0, 5.0, 6.0), "scores go with their items"


def test_all_candidates_are_asked_for_in_the_same_words() -> None:
    """A model that is told another number thinks otherwise of the same candidates."""
    original = Alphabet()
    asked = Request(k=2, candidates=tuple("abcd"), instruction="Name 2 films.")
    Turned(catalog=CATALOG, column="maker").wrap(original).recommend([asked])
    assert original.asked == [replace(asked, k=4)]


@pytest.mark.parametrize("instruction", ["Name some films.", "Name 3 films, 3 of them new."])
def test_depth_needs_words_that_say_k_once(instruction: str) -> None:
    wrapped = Turned(catalog=CATALOG, column="maker", depth=5).wrap(Alphabet())
    with pytest.raises(WrongUse, match="the number of items"):
        wrapped.recommend([Request(k=3, instruction=instruction)])


def test_text_off_the_catalogue_keeps_its_name_and_is_reranked_too() -> None:
    (ranking,) = TURNED.combine([Request(k=3)], [[Ranking(("a", "?unheard", "b"))]])
    assert ranking.items == ("b", "?unheard", "a")


def test_lists_of_different_k_and_missing_answers_keep_their_places() -> None:
    refused = Ranking(outcome=Outcome.REFUSED, text="No.")
    found = TURNED.combine(
        [Request(k=1), Request(k=2), Request(k=2)],
        [[Ranking(("a", "b"))], [refused], [Ranking(("a", "b", "c"))]],
    )
    assert [r.items for r in found] == [("a",), (), ("b", "a")]
    assert found[1] is refused


def test_what_falls_short_is_said_or_an_error() -> None:
    lenient = Turned(catalog=CATALOG, column="maker", most=1)
    (ranking,) = lenient.combine([Request(k=3)], [[Ranking(("a", "b", "c"))]])
    assert ranking.detail == "turned: short of its target by 2"
    strict = Turned(catalog=CATALOG, column="maker", most=1, strict=True)
    with pytest.raises(BadData, match="1 of 1 lists cannot meet their target"):
        strict.combine([Request(k=3)], [[Ranking(("a", "b", "c"))]])


def test_wrapping_twice_is_doing_one_after_the_other() -> None:
    twice = TURNED.wrap(TURNED.wrap(Alphabet()))
    (ranking,) = twice.recommend([Request(k=4)])
    assert ranking.items == ("a", "b", "c", "d")
    description = twice.description
    assert description["mitigation"]["mitigation"] == "turned"
    assert description["original"]["mitigation"]["catalog"] == CATALOG.content_hash
    assert description["original"]["original"] == {"recommender": "alphabet"}


def test_capabilities_stay_where_they_hold() -> None:
    reranked, polite = TURNED.wrap(Alphabet()), Politely().wrap(Alphabet())
    for wrapped in (reranked, polite):
        assert isinstance(wrapped, Recommender)
        assert isinstance(wrapped, Mitigates)
    assert not isinstance(reranked, (ScoresItems, ReadsText))
    assert isinstance(polite, ScoresItems)
    assert isinstance(polite, ReadsText)
    request = Request(k=1, instruction="Films?")
    assert polite.request_text(request) == "Films? Please."
    assert polite.score([request], ["a", "b"])[0].tolist() == [14.0, 13.0]
    assert polite.score_kind == "rating"


def test_equal_questions_are_asked_once() -> None:
    original = Alphabet()
    Politely().wrap(original).recommend([Request(k=1, instruction="Films?")] * 3)
    assert len(original.asked) == 1


class Broken(Mitigation):
    name = "broken"

    def combine(self, requests, answers, state=None):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("by zero")


def test_a_failure_is_an_error_or_leaves_the_original() -> None:
    with pytest.raises(RunBroken, match="'broken' failed: ZeroDivisionError: by zero"):
        Broken().wrap(Alphabet()).recommend([Request(k=2)])
    (ranking,) = Broken().wrap(Alphabet(), on_error="original").recommend([Request(k=2)])
    assert ranking.items == ("a", "b")
    assert ranking.detail == "broken failed (by zero); the original's answer stands"
    with pytest.raises(WrongUse, match="on_error is 'never'"):
        Broken().wrap(Alphabet(), on_error="never")  # type: ignore[arg-type]


def test_what_is_no_recommender_cannot_be_wrapped() -> None:
    with pytest.raises(WrongUse, match="list is no recommender"):
        TURNED.wrap([])  # type: ignore[arg-type]


def _probes() -> list[Probe]:
    return [
        Probe(Request(k=3, instruction=f"{topic}: 3 films"), Arm.NEUTRAL, topic)
        for topic in ("one", "two")
    ]


def test_the_runner_records_the_original_and_combines_what_it_recorded() -> None:
    store, original = ResponseStore(None), Alphabet()
    probes = _probes()
    first = ask(probes, TURNED.wrap(original), store)
    assert [answer.probe_id for answer in first] == [probe.id for probe in probes]
    assert [answer.ranking.items for answer in first] == [("c", "b", "a")] * 2
    assert all(len(answer.attempts) == 1 for answer in first)
    plain = ask(probes, original, store)
    assert plain[0].ranking.items == ("a", "b", "c")
    assert len(original.asked) == 2, "before and after rest on the same two answers"


def test_the_runner_unwraps_a_stack() -> None:
    store, original = ResponseStore(None), Alphabet()
    answers = ask(_probes(), TURNED.wrap(Politely().wrap(original)), store)
    assert answers[0].ranking.items == ("c", "b", "a")
    assert original.asked[0].instruction == "one: 3 films Please."
