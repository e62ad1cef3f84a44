from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairrec.catalogs import films
from fairrec.errors import WrongUse
from fairrec.protocols import ReadsText, Recommender
from fairrec.recommenders import as_recommender
from fairrec.types import MatchKind, Outcome, Ranking, Request

REQUEST = Request(k=3, instruction="Recommend 3 films.")
JAWS, ALIEN = (films().ids[films().titles.index(title)] for title in ("Jaws", "Alien"))


def answer(returned: Any, *, catalog: bool = True, k: int = 3) -> Ranking:
    recommender = as_recommender(
        lambda request: returned, name="test", catalog=films() if catalog else None
    )
    return recommender.recommend([Request(k=k)])[0]


def test_is_a_recommender_that_sees_the_whole_request() -> None:
    recommender = as_recommender(lambda request: [request.profile["x"]], name="f")
    assert isinstance(recommender, Recommender)
    assert not isinstance(recommender, ReadsText)
    requests = [Request(k=1, profile={"x": value}) for value in "abc"]
    assert [r.items for r in recommender.recommend(requests)] == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series])
def test_ids_are_items(kind: Any) -> None:
    ranking = answer(kind([ALIEN, JAWS, ALIEN]))
    assert ranking.items == (ALIEN, JAWS)
    assert ranking.outcome is Outcome.ANSWERED
    assert [match.text for match in ranking.matches] == ["Alien", "Jaws", "Alien"]
    assert {match.kind for match in ranking.matches} == {MatchKind.EXACT}
    assert all(type(item) is str for item in ranking.items)


def test_titles_are_matched() -> None:
    ranking = answer(["jaws", "Argo", "King Kong", "Alien"])
    assert ranking.items == (JAWS, "?argo", "?king kong")
    assert [match.kind for match in ranking.matches] == ["normalised", "absent", "ambiguous"]


def test_one_unknown_id_makes_all_of_them_titles() -> None:
    assert answer([JAWS, "Alien"]).items == (f"?{JAWS}", ALIEN)


def test_without_a_catalogue_strings_are_ids() -> None:
    ranking = answer(["b", "a", "b", "c", "d"], catalog=False)
    assert ranking.items == ("b", "a", "c")
    assert answer("1. b\n2. a", catalog=False).items == ("b", "a")


def test_text_is_parsed() -> None:
    ranking = answer("Here you are:\n1. Jaws\n2. Alien (1979)")
    assert ranking.items == (JAWS, ALIEN)
    assert ranking.text.startswith("Here")
    assert answer("I'm sorry, but I cannot do that.").outcome is Outcome.REFUSED
    assert answer("").outcome is Outcome.EMPTY


def test_a_ranking_is_taken_as_it_is() -> None:
    ranking = Ranking(("x",), scores=(0.5,), text="t")
    assert answer(ranking) is ranking


@pytest.mark.parametrize("nothing", [None, [], (), np.array([])])
def test_nothing_is_empty(nothing: Any) -> None:
    ranking = answer(nothing)
    assert (ranking.items, ranking.outcome) == ((), Outcome.EMPTY)
    assert ranking.detail.startswith("the function 'test' returned")


@pytest.mark.parametrize(
    ("wrong", "seen"),
    [
        (3, "int (3)"),
        ({"a": 1}, "dict ({'a': 1})"),
        ({"a"}, "set ({'a'})"),
        (b"ab", "bytes (b'ab')"),
        ([1, 2], "a list that holds int 1"),
        (["a", None], "a list that holds NoneType None"),
        (["a", " "], "a list that holds str ' '"),
    ],
)
def test_other_things_are_refused(wrong: Any, seen: str) -> None:
    with pytest.raises(WrongUse) as caught:
        answer(wrong)
    assert caught.value.seen == f"the function 'test' returned {seen}."


def test_an_exception_is_the_outcome_of_its_request_alone() -> None:
    def function(request: Request) -> list[str]:
        if request.instruction == "bad":
            raise RuntimeError("out of films \ud800")
        return ["a"]

    recommender = as_recommender(function, name="f")
    good, bad, again = recommender.recommend([Request(1, text) for text in ("", "bad", "")])
    assert good.items == again.items == ("a",)
    assert (bad.items, bad.outcome) == ((), Outcome.ERROR)
    assert bad.detail == "RuntimeError: out of films \ufffd"


def test_an_interrupt_passes() -> None:
    def function(request: Request) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        as_recommender(function, name="f").recommend([REQUEST])


def test_the_description_has_name_version_and_catalogue() -> None:
    def described(**options: Any) -> dict[str, Any]:
        return dict(as_recommender(lambda request: None, **options).description)

    assert described(name="a") == described(name="a", version="1")
    assert described(name="a") != described(name="b")
    assert described(name="a") != described(name="a", version="2")
    assert described(name="a") != described(name="a", catalog=films())


def test_a_blank_name_is_refused() -> None:
    with pytest.raises(WrongUse, match="blank name"):
        as_recommender(lambda request: None, name=" ")
