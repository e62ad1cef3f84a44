"""Objects in use are mitigated where they stand, and are as before afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from turned_lists import CATALOG, Alphabet, Politely, Turned

from fairrec.errors import WrongUse
from fairrec.protocols import ScoresItems
from fairrec.types import Ranking, Request

TURNED = Turned(catalog=CATALOG, column="maker")


def test_a_recommender_changes_its_answers_and_its_description() -> None:
    recommender = Alphabet()
    before = dict(recommender.description)
    with TURNED.applied_to(recommender):
        assert isinstance(recommender, Alphabet)
        assert recommender.recommend([Request(k=2)])[0].items == ("b", "a")
        assert recommender.description["mitigation"]["mitigation"] == "turned"
        assert not isinstance(recommender, ScoresItems)
    assert recommender.recommend([Request(k=2)])[0].items == ("a", "b")
    assert recommender.description == before
    assert type(recommender) is Alphabet
    assert isinstance(recommender, ScoresItems)


def test_it_is_put_back_after_an_exception() -> None:
    recommender = Alphabet()
    with pytest.raises(KeyError), TURNED.applied_to(recommender):
        raise KeyError
    assert type(recommender) is Alphabet
    assert recommender.recommend([Request(k=2)])[0].items == ("a", "b")


def test_one_inside_another_and_back_in_turn() -> None:
    recommender = Alphabet()
    with TURNED.applied_to(recommender):
        with TURNED.applied_to(recommender):
            assert recommender.recommend([Request(k=3)])[0].items == ("a", "b", "c")
        assert recommender.recommend([Request(k=3)])[0].items == ("c", "b", "a")
    assert recommender.recommend([Request(k=3)])[0].items == ("a", "b", "c")


def test_a_recommender_with_its_own_method_and_slots() -> None:
    recommender = Alphabet()
    recommender.recommend = lambda requests: [Ranking(("f", "e"))]  # type: ignore[method-assign]
    with TURNED.applied_to(recommender):
        assert recommender.recommend([Request(k=2)])[0].items == ("e", "f")
    assert recommender.recommend([Request(k=2)])[0].items == ("f", "e")

    @dataclass(slots=True)
    class Slotted:
        description: dict[str, str]

        def recommend(self, requests: list[Request]) -> list[Ranking]:
            return [Ranking(("a", "b")) for _ in requests]

    slotted = Slotted({"name": "slotted"})
    with TURNED.applied_to(slotted):
        assert slotted.recommend([Request(k=2)])[0].items == ("b", "a")
    assert slotted.recommend([Request(k=2)])[0].items == ("a", "b")
    assert slotted.description == {"name": "slotted"}


class Service:
    """A recommender that knows nothing of fairrec."""

    def rank(self, user: str, n: int = 3) -> list[str]:
        return list("abcdef")[:n]

    def scored(self, words: str) -> tuple[tuple[str, float], ...]:
        return tuple((item, float(len(words) - place)) for place, item in enumerate("abc"))


def test_a_method_of_any_object_answers_in_its_own_form() -> None:
    service = Service()
    with TURNED.applied_to(service, method="rank", request=lambda user, n=3: Request(k=n)):
        assert service.rank("ann", n=4) == ["d", "c", "b", "a"]
    assert service.rank("ann", n=4) == ["a", "b", "c", "d"]
    assert "rank" not in vars(service)
    with TURNED.applied_to(
        service, method="scored", request=lambda words: Request(k=2, instruction=words)
    ):
        assert service.scored("hello") == (("b", 4.0), ("a", 5.0))


def test_a_method_is_called_anew_where_the_question_changes() -> None:
    service = Service()
    with (
        Politely().applied_to(
            service,
            method="scored",
            request=lambda words: Request(k=3, instruction=words),
            arguments=lambda request: ((request.instruction,), {}),
        ),
    ):
        assert service.scored("hi")[0] == ("a", float(len("hi Please.")))
    with (
        Politely().applied_to(service, method="rank", request=lambda user: Request(k=3)),
        pytest.raises(WrongUse, match="asks something else than what was asked"),
    ):
        service.rank("ann")


def test_what_cannot_be_changed_is_said() -> None:
    with pytest.raises(WrongUse, match="not clear how list recommends"):
        TURNED.applied_to([])
    with (
        pytest.raises(WrongUse, match="has no method 'guess'"),
        TURNED.applied_to(Service(), method="guess", request=lambda: Request(k=1)),
    ):
        pass
